"""Lists of controlled goods by HS code, with the day on which each code was added.

A list is written in the revision of its publication. In an older revision a code may have had another
number, or stood together with goods that are not listed: :func:`list_entries` gives the ancestor and says
which. Trade by code is an upper bound on controlled goods in any revision.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from entrepot.errors import InputFileError, UnknownCodeError
from entrepot.nomenclature.concordances import code_links, concordance
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.hs import HS_REVISIONS, TOTAL, revision_of, validate_hs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

__all__ = [
    "ListEntry",
    "list_codes",
    "list_entries",
    "list_names",
    "list_tiers",
    "product_codes",
    "related_codes",
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
        The code as the list writes it (HS2022).
    relation
        ``same``: the code did not change. ``exact``: renumbered, same goods. ``broader``: ``code`` holds
        goods that are not listed too.
    title
        What the goods are, short.
    added
        Day on which the code came on the list.
    certainty
        Of ``added``: ``sure``, ``approximate`` (the day is in doubt) or ``inferred`` (so is the version).
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
    added: date
    certainty: Literal["sure", "approximate", "inferred"]
    source: str


@cache
def list_names() -> tuple[str, ...]:
    """Return the names of all lists, sorted."""
    return tuple(sorted({row["list"] for row in fact_rows("lists")}))


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
        raise UnknownCodeError(f"no list is called {name!r}", hint=f"lists are {', '.join(list_names())}")
    return known


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


@cache
def _entries(name: str, revision: str) -> tuple[ListEntry, ...]:
    from datetime import date  # noqa: PLC0415  (a type elsewhere in the module)

    by_hand = max(revision, _FIRST_BY_HAND)
    ancestors = _ancestors(by_hand)

    def in_revision(listed: str) -> tuple[tuple[str, str], ...]:
        code, relation = ancestors.get(listed, (listed, "same"))
        return ((code, relation),) if revision == by_hand else _ancestors_before(code, relation, revision)

    return tuple(
        ListEntry(
            list_name=name,
            tier=row["tier"],
            code=code,
            revision=revision,
            listed_code=row["code"],
            relation=cast("Literal['same', 'exact', 'broader']", relation),
            title=row["title"],
            added=date.fromisoformat(row["added"]),
            certainty=cast("Literal['sure', 'approximate', 'inferred']", row["certainty"]),
            source=row["source"],
        )
        for row in fact_rows("lists")
        if row["list"] == name
        for code, relation in in_revision(row["code"])
    )


def list_entries(
    name: str, *, revision: str = _LIST_REVISION, as_of: date | None = None, tier: str | None = None
) -> tuple[ListEntry, ...]:
    """Return the codes of a list.

    Parameters
    ----------
    name
        Name of the list: ``CHPL``, the Common High Priority List.
    revision
        Revision of the data to be filtered, in any spelling of ``revision_of``. Before HS2007 a listed code
        may have several ancestors, most of them broader: chips and telecoms were coded otherwise.
    as_of
        The list as it was on a day; without it the latest.
    tier
        One tier, such as ``1`` or ``3.A``; ``3`` means 3.A and 3.B.

    Returns
    -------
    tuple
        One entry a listed code and ancestor, in the order of the list; two entries may share an ancestor.

    Raises
    ------
    UnknownCodeError
        List, tier or revision are unknown.

    Examples
    --------
    >>> [entry.code for entry in list_entries("CHPL", revision="HS2017", tier="2")]
    ['851762', '852691', '853221', '853224', '854890']
    """
    every = _entries(_known_list(name), revision_of(revision))
    if tier is not None:
        wanted = tier.strip().upper()
        chosen = tuple(
            entry for entry in every if entry.tier == wanted or entry.tier.startswith(f"{wanted}.")
        )
        if not chosen:
            tiers = ", ".join(dict.fromkeys(entry.tier for entry in every))
            raise UnknownCodeError(f"the list {name} has no tier {tier!r}", hint=f"its tiers are {tiers}")
        every = chosen
    return tuple(entry for entry in every if as_of is None or entry.added <= as_of)


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
    path = Path(name)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise InputFileError(
            f"the file of codes {name!r} cannot be read: {fault}",
            where=_OPTION,
            hint="after @ give the path of a UTF-8 text file with a code a line",
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


def _expand(part: str, where: str, revision: str, as_of: date | None) -> tuple[str, ...]:
    name, _, tier = part.partition(":")
    if name.strip().upper() in list_names():
        return list_codes(name, revision=revision, as_of=as_of, tier=tier or None)
    if part.upper() == TOTAL:
        return (TOTAL,)
    if any(letter.isalpha() for letter in part):
        raise UnknownCodeError(
            f"{part!r} is neither an HS code nor a list of codes",
            where=where,
            hint=f"give 2, 4 or 6 digits, {TOTAL}, @file.txt or a list: {', '.join(list_names())}",
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
        name, _, tier = part.partition(":")
        if name.strip().upper() in list_names():
            for entry in list_entries(name, revision=revision, as_of=as_of, tier=tier or None):
                tiers.setdefault(entry.code, f"{entry.list_name} {entry.tier}")
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
        and files (``@codes.txt``, a code or list a line, ``#`` begins a comment).
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
