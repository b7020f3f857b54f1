"""Lists of controlled goods by HS code, with the day on which each code was added.

A list is written in the revision of its publication. In another revision a code may have another number, or
stand together with goods that are not listed: :func:`list_entries` gives the code there and says which. Trade
by code is an upper bound on controlled goods in any revision. ``@list.csv`` is a list of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from entrepot.errors import InputFileError, UnknownCodeError
from entrepot.nomenclature.concordances import code_links, concordance
from entrepot.nomenclature.facts import fact_rows, optional_date
from entrepot.nomenclature.hs import HS_REVISIONS, TOTAL, revision_of, validate_hs
from entrepot.nomenclature.list_files import ListRow, is_list_file, read_list_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

__all__ = [
    "ListEntry",
    "list_codes",
    "list_entries",
    "list_followed_until",
    "list_names",
    "list_tiers",
    "product_codes",
    "related_codes",
    "split_tier",
]

_LIST_REVISION = "HS2022"

#: Ancestors are stated one by one back to this revision; further back the concordances give them.
_FIRST_BY_HAND = "HS2007"
_OPTION = "option --products"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One code of a list in one revision.

    Attributes
    ----------
    list_name, tier
        The list and its tier.
    code
        The code in ``revision``.
    revision
        Revision of the Harmonized System that ``code`` belongs to.
    listed_code
        The code as the list writes it: six digits, or a chapter, heading, range or national code.
    relation
        ``same``: the code did not change. ``exact``: renumbered, same goods. ``broader``: ``code`` holds
        goods that are not listed too.
    title
        What the goods are, short.
    added, removed
        First day on the list, and first day not on it any more; None where the list does not say.
    certainty
        Of the days: ``sure``, ``approximate`` (in doubt) or ``inferred`` (so is the version).
    source
        Publication.
    """

    list_name: str
    tier: str
    code: str
    revision: str
    listed_code: str
    relation: Literal["same", "exact", "broader"]
    title: str
    added: date | None
    removed: date | None
    certainty: Literal["sure", "approximate", "inferred"]
    source: str


@cache
def list_names() -> tuple[str, ...]:
    """Return the names of all lists, sorted."""
    return tuple(sorted(row["list"] for row in fact_rows("list_names")))


@cache
def _ancestors(revision: str) -> dict[str, tuple[str, str]]:
    """Return ancestor and relation by HS2022 code, for codes that differ in a revision."""
    place = HS_REVISIONS.index(revision)
    return {
        row["code"]: (row["ancestor"], row["relation"])
        for row in fact_rows("list_ancestors")
        if HS_REVISIONS.index(row["first_revision"]) <= place <= HS_REVISIONS.index(row["last_revision"])
    }


def _known_list(name: str) -> str:
    known = name.strip().upper()
    if known not in list_names():
        raise UnknownCodeError(
            f"no list is called {name!r}", hint=f"lists are {', '.join(list_names())}; @FILE.csv is your own"
        )
    return known


@cache
def _rows(name: str) -> tuple[ListRow, ...]:
    """Return the rows of a list that ships."""
    return tuple(
        ListRow(
            code=row["code"],
            last=row["code"],
            is_part=len(row["code"]) > 6,
            revision=row["revision"] or _LIST_REVISION,
            tier=row["tier"],
            title=row["title"],
            source=row["source"],
            added=optional_date(row["added"]),
            removed=optional_date(row["removed"]),
            certainty=row["certainty"],
        )
        for row in fact_rows("lists")
        if row["list"] == name
    )


def _ancestors_before(code: str, relation: str, revision: str) -> tuple[tuple[str, str], ...]:
    """Return the codes of a revision older than the hand-made ancestors reach, by the concordances."""
    back = concordance(revision, source=_FIRST_BY_HAND).of(code, _FIRST_BY_HAND)
    forward = concordance(_FIRST_BY_HAND, source=revision, rule="equal")
    if not back:
        return ((code, "broader"),)
    found = []
    for ancestor in back:
        is_whole = len(back) == 1 and set(forward.of(ancestor, revision)) == {code}
        kept = relation if is_whole and ancestor == code else "exact" if is_whole else "broader"
        found.append((ancestor, "broader" if relation == "broader" else kept))
    return tuple(found)


def _by_hand(code: str, revision: str) -> tuple[tuple[str, str], ...]:
    """Return the codes of a revision for a code of HS2022 that has an ancestor set by hand."""
    latest = max(revision, _FIRST_BY_HAND)
    ancestor, relation = _ancestors(latest)[code]
    return ((ancestor, relation),) if revision == latest else _ancestors_before(ancestor, relation, revision)


def _by_concordance(code: str, listed: str, revision: str) -> tuple[tuple[str, str], ...]:
    """Return the codes of a revision that hold goods of a code of another."""
    there = concordance(revision, source=listed, rule="equal").of(code, listed)
    back = concordance(listed, source=revision, rule="equal")
    found = []
    for other in there:
        is_whole = set(back.of(other, revision)) == {code}
        same = "same" if other == code and len(there) == 1 else "exact"
        found.append((other, same if is_whole else "broader"))
    return tuple(found)


@cache
def _converted(code: str, listed: str, revision: str) -> tuple[tuple[str, str], ...]:
    """Return the codes of a revision with their relations."""
    if listed == revision:
        return ((code, "same"),)
    if listed == _LIST_REVISION and code in _ancestors(max(revision, _FIRST_BY_HAND)):
        return _by_hand(code, revision)
    if listed == _LIST_REVISION and code in _listed_by_hand():
        # Whoever set the others by hand looked at these too: they did not change back to HS2007.
        kept = ((code, "same"),)
        return kept if revision >= _FIRST_BY_HAND else _ancestors_before(code, "same", revision)
    return _by_concordance(code, listed, revision)


@cache
def _listed_by_hand() -> frozenset[str]:
    return frozenset(row.code for row in _rows("CHPL"))


def _entries_of(name: str, rows: Iterable[ListRow], revision: str) -> tuple[ListEntry, ...]:
    return tuple(
        ListEntry(
            list_name=name,
            tier=row.tier,
            code=code,
            revision=revision,
            listed_code=row.written,
            relation=cast("Literal['same', 'exact', 'broader']", "broader" if row.is_part else relation),
            title=row.title,
            added=row.added,
            removed=row.removed,
            certainty=cast("Literal['sure', 'approximate', 'inferred']", row.certainty),
            source=row.source,
        )
        for row in rows
        for own in row.codes()
        for code, relation in _converted(own, row.revision, revision)
    )


@cache
def _entries(name: str, revision: str) -> tuple[ListEntry, ...]:
    return _entries_of(name, _rows(name), revision)


def list_followed_until(name: str) -> date | None:
    """Return the last day of which a list's state is known here; None where no later change is known.

    Examples
    --------
    >>> list_followed_until("CHPL"), str(list_followed_until("EU833-XXIII"))
    (None, '2022-12-04')
    """
    followed = {row["list"]: optional_date(row["followed_until"]) for row in fact_rows("list_names")}
    return followed[_known_list(name)]


def _check_followed(name: str, as_of: date | None) -> None:
    until = list_followed_until(name)
    if as_of is not None and until is not None and as_of > until:
        raise UnknownCodeError(
            f"what stood on the list {name} on {as_of} is not known here: it is followed to {until}",
            hint="bring the list of that day as a file: @FILE.csv with the columns code, from, until",
        )


def list_entries(
    name: str, *, revision: str = _LIST_REVISION, as_of: date | None = None, tier: str | None = None
) -> tuple[ListEntry, ...]:
    """Return the codes of a list.

    Parameters
    ----------
    name
        Name of the list: ``CHPL``, the Common High Priority List; ``EU833-XXIII``, Annex XXIII to Regulation
        (EU) No 833/2014; or ``@list.csv``, a file of one's own.
    revision
        Revision of the data to be filtered, in any spelling of ``revision_of``. Before HS2007 a listed code
        may have several ancestors, most of them broader: chips and telecoms were coded otherwise.
    as_of
        The list as it was on a day; without it the latest that is known.
    tier
        One tier, such as ``1`` or ``3.A``; ``3`` means 3.A and 3.B.

    Returns
    -------
    tuple
        One entry a listed code and its code in the revision, in the order of the list; two entries may share
        one. Goods that the revision does not have are absent.

    Raises
    ------
    UnknownCodeError
        List, tier or revision are unknown, or the list is not followed to that day.
    InputFileError
        A file cannot be read as a list.

    Examples
    --------
    >>> [entry.code for entry in list_entries("CHPL", revision="HS2017", tier="2")]
    ['851762', '852691', '853221', '853224', '854890']
    """
    known = revision_of(revision)
    if name.startswith("@"):
        file = name[1:]
        every = _entries_of(Path(file).stem, read_list_file(file), known)
    else:
        _check_followed(name, as_of)
        every = _entries(_known_list(name), known)
    if tier is not None:
        wanted = tier.strip().upper()
        chosen = tuple(
            entry for entry in every if entry.tier == wanted or entry.tier.startswith(f"{wanted}.")
        )
        if not chosen:
            tiers = ", ".join(dict.fromkeys(entry.tier for entry in every))
            raise UnknownCodeError(f"the list {name} has no tier {tier!r}", hint=f"its tiers are {tiers}")
        every = chosen
    return tuple(entry for entry in every if _is_on(entry, as_of))


def _is_on(entry: ListEntry, day: date | None) -> bool:
    if day is None:
        return entry.removed is None
    return (entry.added is None or entry.added <= day) and (entry.removed is None or day < entry.removed)


def list_codes(
    name: str, *, revision: str = _LIST_REVISION, as_of: date | None = None, tier: str | None = None
) -> tuple[str, ...]:
    """Return the codes of a list, each once; the arguments are those of :func:`list_entries`.

    Examples
    --------
    >>> len(list_codes("CHPL")), len(list_codes("CHPL", revision="HS2017"))
    (50, 49)
    """
    entries = list_entries(name, revision=revision, as_of=as_of, tier=tier)
    return tuple(dict.fromkeys(entry.code for entry in entries))


def _file_parts(name: str) -> Iterator[tuple[str, str]]:
    if _is_list(f"@{name}"):
        yield f"@{name}", name
        return
    path = Path(name)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise InputFileError(
            f"the file of codes {name!r} cannot be read: {fault}",
            where=_OPTION,
            hint="after @ give the path of a UTF-8 text file with a code a line, or of a list in CSV",
        ) from fault
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            yield text, f"{name}, line {number}"


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Return each part of the option with the place to name in errors."""
    for part in (piece.strip() for piece in text.split(",")):
        if part.startswith("@"):
            yield from _file_parts(part[1:])
        elif part:
            yield part, _OPTION


def split_tier(part: str) -> tuple[str, str | None]:
    """Split ``CHPL:3.A`` and ``@list.csv:3.A``; a path may have a colon of its own."""
    head, _, tier = part.rpartition(":")
    if part.startswith("@"):
        return (head, tier) if head and Path(head[1:]).is_file() else (part, None)
    name, _, tier = part.partition(":")
    return name, tier or None


def _is_list(part: str) -> bool:
    name, _ = split_tier(part)
    if name.startswith("@"):
        return Path(name[1:]).is_file() and is_list_file(name[1:])
    return name.strip().upper() in list_names()


def _expand(part: str, where: str, revision: str, as_of: date | None) -> tuple[str, ...]:
    if _is_list(part):
        name, tier = split_tier(part)
        return list_codes(name, revision=revision, as_of=as_of, tier=tier)
    if part.upper() == TOTAL:
        return (TOTAL,)
    if any(letter.isalpha() for letter in part):
        raise UnknownCodeError(
            f"{part!r} is neither an HS code nor a list of codes",
            where=where,
            hint=f"give 2, 4 or 6 digits, {TOTAL}, @file or a list: {', '.join(list_names())}; "
            f"entrepot codes {part} looks for goods in words",
        )
    return (validate_hs(part, where=where),)


def list_tiers(text: str, *, revision: str = _LIST_REVISION, as_of: date | None = None) -> dict[str, str]:
    """Return list and tier of every code of the lists that the option ``--products`` names.

    Parameters
    ----------
    text, revision, as_of
        As for :func:`product_codes`.

    Returns
    -------
    dict
        ``CHPL 3.A`` by code, the first of them where a code is the ancestor of several; codes that are given
        as digits are not in it.

    Examples
    --------
    >>> list_tiers("CHPL:1,87")["854231"], list_tiers("8703")
    ('CHPL 1', {})
    """
    tiers: dict[str, str] = {}
    for part, _ in _parts(text):
        if _is_list(part):
            name, tier = split_tier(part)
            for entry in list_entries(name, revision=revision, as_of=as_of, tier=tier):
                tiers.setdefault(entry.code, f"{entry.list_name} {entry.tier}".strip())
    return tiers


def related_codes(codes: Collection[str]) -> frozenset[str]:
    """Return codes and what they were called in every revision: their ancestors and descendants.

    Parameters
    ----------
    codes
        Codes of two, four or six digits.

    Returns
    -------
    frozenset
        The codes themselves; every six-digit code of an earlier revision that held some of their goods, and
        of a later one that took some over; and the ancestors that were set by hand (854150 of 854151, which
        the UN conversion sends to telephones).

    Examples
    --------
    >>> sorted(related_codes({"880730"}))
    ['880330', '880730']
    """
    whole = frozenset(codes)
    earlier, later = set(whole), set(whole)
    for older in HS_REVISIONS[-2::-1]:
        earlier |= {old for old, new in code_links(older) if new in earlier}
    for older in HS_REVISIONS[:-1]:
        later |= {new for old, new in code_links(older) if old in later}
    by_hand = {row["ancestor"] for row in fact_rows("list_ancestors") if row["code"] in whole}
    return whole | earlier | later | by_hand


def product_codes(text: str, *, revision: str = _LIST_REVISION, as_of: date | None = None) -> tuple[str, ...]:
    """Return the codes that the option ``--products`` means.

    Parameters
    ----------
    text
        Comma-separated codes of 2, 4 or 6 digits, ``TOTAL``, lists (``CHPL``, ``CHPL:1``, ``CHPL:3.A``)
        and files (``@codes.txt``, a code or list a line, ``#`` begins a comment; ``@list.csv``,
        ``@list.csv:1``, a list of one's own with a header).
    revision
        Revision in which lists are expanded. Codes given as digits are taken as they are.
    as_of
        The lists as they were on a day; without it the latest.

    Returns
    -------
    tuple
        Codes in the order given, each once.

    Raises
    ------
    UnknownCodeError
        A part is no code, list or tier, or nothing is given.
    InputFileError
        A file cannot be read.

    Examples
    --------
    >>> product_codes("CHPL:1, 87, 8542")
    ('854231', '854232', '854233', '854239', '87', '8542')
    """
    codes = [code for part, where in _parts(text) for code in _expand(part, where, revision, as_of)]
    if not codes:
        raise UnknownCodeError(
            "the list of products is empty",
            where=_OPTION,
            hint=f"give HS codes, {TOTAL}, a list such as CHPL, or @file",
        )
    return tuple(dict.fromkeys(codes))
