"""Facts as tables, found by words: codes, lists, events, areas. The faces print or write them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.areas import Area, area, area_table
from entrepot.nomenclature.classes import class_of, code_classes
from entrepot.nomenclature.code_lists import code_revisions
from entrepot.nomenclature.dated_events import Event, events
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.groups import group_members, group_names, memberships
from entrepot.nomenclature.hs import HS_REVISIONS, hs_level, revision_of
from entrepot.nomenclature.lists import (
    list_codes,
    list_entries,
    list_followed_until,
    list_names,
    split_tier,
)
from entrepot.nomenclature.names import all_names, names_in, normalise_name
from entrepot.nomenclature.regions import find_region
from entrepot.nomenclature.resolving import resolve_area
from entrepot.nomenclature.spoken_names import Likeness, named_prefixes
from entrepot.nomenclature.titles import find_hs_codes, hs_title, nearest_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

__all__ = ["called_list", "look_up_areas", "look_up_codes", "look_up_events", "look_up_list", "look_up_lists"]

#: A year, a month or a day.
_DAY = re.compile(r"\d{4}(-\d{2}){0,2}")

_LATEST = HS_REVISIONS[-1]


def _table(rows: Iterable[Mapping[str, object]], names: dict[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=pa.schema(list(names.items())))


def look_up_codes(words: str, *, revision: str = _LATEST) -> pa.Table:
    """Return the commodity codes that words or digits mean, the best first.

    Returns
    -------
    pyarrow.Table
        **Grain**: one code. ``hs_code, hs_revision, title, revisions`` (first to last; a number may come
        back), ``lists`` (with tier), ``end_use`` (of BEC; several where the code is used in several ways).

    Raises
    ------
    UnknownCodeError
        Nothing is found; the hint proposes the nearest words.
    """
    listed: dict[str, list[str]] = {}
    for name in list_names():
        for entry in list_entries(name, revision=revision):
            label = f"{name}:{entry.tier}"
            if label not in listed.setdefault(entry.code, []):
                listed[entry.code].append(label)
    rows = []
    for code in find_hs_codes(words, revision=revision):
        is_six = hs_level(code) == 6
        uses = code_classes(code, "BEC4", revision=revision) if is_six else {}
        rows.append(
            {
                "hs_code": code,
                "hs_revision": revision,
                "title": hs_title(code, revision),
                "revisions": _stays(code),
                "lists": ", ".join(listed.get(code, ())) or None,
                "end_use": ", ".join(dict.fromkeys(class_of("BEC4", one).end_use for one in uses)) or None,
            }
        )
    names = ("hs_code", "hs_revision", "title", "revisions", "lists", "end_use")
    return _table(rows, dict.fromkeys(names, pa.string()))


def _stays(code: str) -> str:
    """Return the revisions of a code in words, first to last of every stay."""
    stays: list[list[str]] = []
    had = code_revisions(code)
    for before, revision in zip(("", *HS_REVISIONS), HS_REVISIONS, strict=False):
        if revision in had:
            if before not in had:
                stays.append([])
            stays[-1].append(revision)
    return ", ".join(stay[0] if len(stay) == 1 else f"{stay[0]}–{stay[-1][2:]}" for stay in stays)


def look_up_lists() -> pa.Table:
    """Return the control lists that there are.

    Returns
    -------
    pyarrow.Table
        **Grain**: one list. ``list, title, codes, tiers, first_added, last_added, followed_until`` (the last
        day of which its state is known here; null where no later change is known).
    """
    rows = []
    for fact in fact_rows("list_names"):
        name = fact["list"]
        entries = list_entries(name)
        rows.append(
            {
                "list": name,
                "title": fact["title"],
                "codes": len(list_codes(name)),
                "tiers": ", ".join(dict.fromkeys(entry.tier for entry in entries)),
                "first_added": min(entry.added for entry in entries if entry.added),
                "last_added": max(entry.added for entry in entries if entry.added),
                "followed_until": list_followed_until(name),
            }
        )
    day = pa.date32()
    kinds = (pa.string(), pa.string(), pa.int64(), pa.string(), day, day, day)
    return _table(rows, dict(zip(rows[0], kinds, strict=True)))


def look_up_list(name: str, *, revision: str = _LATEST, as_of: date | None = None) -> pa.Table:
    """Return the codes of a list as of a day, in a revision; ``CHPL:3.A`` names a tier, ``@list.csv`` a file.

    Returns
    -------
    pyarrow.Table
        **Grain**: listed code × its code in the revision. ``list, tier, hs_code, hs_revision, listed_code,
        relation, title, added, removed, certainty, source``. Empty where the list did not exist yet. Where
        the list has no short title, ``title`` is the English title of the code.

    Raises
    ------
    UnknownCodeError
        List, tier or revision are unknown; the hint names those there are.
    """
    wanted, tier = split_tier(called_list(name))
    found = list_entries(wanted, revision=revision, as_of=as_of, tier=tier)
    known = revision_of(revision)
    rows = (
        {
            "list": entry.list_name,
            "tier": entry.tier,
            "hs_code": entry.code,
            "hs_revision": entry.revision,
            "listed_code": entry.listed_code,
            "relation": entry.relation,
            "title": entry.title or hs_title(entry.code, known),
            "added": entry.added,
            "removed": entry.removed,
            "certainty": entry.certainty,
            "source": entry.source,
        }
        for entry in found
    )
    names = dict.fromkeys(
        ("list", "tier", "hs_code", "hs_revision", "listed_code", "relation", "title"), pa.string()
    )
    days = {"added": pa.date32(), "removed": pa.date32()}
    return _table(rows, {**names, **days, "certainty": pa.string(), "source": pa.string()})


def called_list(words: str) -> str:
    """Return the name of the list that words of six languages mean; what is a name already stays.

    Examples
    --------
    >>> called_list("высокоприоритетные товары"), called_list("Anhang XXIII"), called_list("CHPL:1")
    ('CHPL', 'EU833-XXIII', 'CHPL:1')
    """
    name, _ = split_tier(words)
    if name.startswith("@") or name.strip().upper() in list_names():
        return words
    named = named_prefixes(words, table="list_words")
    return named[0].prefix if len({one.prefix for one in named}) == 1 else words


def look_up_events(words: str = "", *, since: date | None = None, until: date | None = None) -> pa.Table:
    """Return dated events, oldest first.

    Parameters
    ----------
    words
        Words of the name, kinds, areas or groups, the commonest in six languages, and days, months or years
        (``2022-03``); an event has to have all of them. All events without.
    since, until
        First and last day, both included.

    Returns
    -------
    pyarrow.Table
        **Grain**: one event. ``date, name, kind, actors, targets, certainty, source``.

    Raises
    ------
    UnknownCodeError
        No event has the words at any time; the hint proposes the nearest.
    """
    found = _events_about(words)
    if not found:
        raise UnknownCodeError(f"no event is about {words!r}", hint=_nearest_events(words))
    rows = (
        {
            "date": event.date,
            "name": event.name,
            "kind": event.kind,
            "actors": " ".join(event.actors) or None,
            "targets": " ".join(event.targets) or None,
            "certainty": event.certainty,
            "source": event.source,
        }
        for event in found
        if (since is None or since <= event.date) and (until is None or event.date <= until)
    )
    names = ("name", "kind", "actors", "targets", "certainty", "source")
    return _table(rows, {"date": pa.date32(), **dict.fromkeys(names, pa.string())})


def _events_about(words: str) -> tuple[Event, ...]:
    if not words.strip():
        return events()
    whole = _events_called(words.strip())
    if whole:
        return whole
    each = [set(_events_called(word)) for word in words.split()]
    return tuple(event for event in events() if all(event in some for some in each))


def _events_called(words: str) -> tuple[Event, ...]:
    """Return the events of a day, month or year, or of words: the table's own, else of six languages."""
    if _DAY.fullmatch(words):
        return tuple(event for event in events() if event.date.isoformat().startswith(words))
    found = events(about=words)
    terms = [
        term
        for one in named_prefixes(words, table="event_words")
        if one.likeness < Likeness.PART
        for term in one.prefix.split("|")
    ]
    if not found and not terms:
        with suppress(UnknownCodeError):
            terms.append(resolve_area(words))
    also = {event for term in terms for event in events(about=term)}
    return tuple(event for event in events() if event in also or event in found)


def _nearest_events(words: str) -> str:
    unknown = [word for word in words.split() if not _events_called(word)]
    if not unknown:
        return "no event has all of these words: give fewer"
    if _DAY.fullmatch(unknown[0]):
        return "the table has none of that time: --since and --until give a longer one"
    names = {word for event in events() for word in event.name.casefold().split()}
    return nearest_words(unknown[0], tuple(sorted(names | {event.kind for event in events()})))


def look_up_areas(words: str, *, on: date | None = None) -> pa.Table:
    """Return the areas that a code, a number, a group or words in any language mean.

    Returns
    -------
    pyarrow.Table
        **Grain**: one area. ``code, name, iso2, m49, kind, valid_from, valid_to, groups`` (as of the day),
        ``other_names`` (in the languages of the United Nations), ``note`` (where a region without figures of
        its own was asked for: Crimea).

    Raises
    ------
    UnknownCodeError
        Nothing is found; the hint proposes the nearest.
    """
    region = find_region(words)
    codes = (region.area,) if region else _area_codes(words, on)
    note = region.note if region else None
    rows = (_area_row(area(code), on) | {"note": note} for code in codes)
    text, day = pa.string(), pa.date32()
    kinds = {"code": text, "name": text, "iso2": text, "m49": text, "kind": text}
    last = {"groups": text, "other_names": text, "note": text}
    return _table(rows, {**kinds, "valid_from": day, "valid_to": day, **last})


def _area_codes(words: str, on: date | None) -> tuple[str, ...]:
    group = words.strip().upper()
    if group in group_names():
        return group_members(group, on=on)
    wanted = normalise_name(words)
    matched = {code for name, code in all_names().items() if wanted and _begins(name, wanted)}
    exact: tuple[str, ...] = ()
    try:
        exact = (resolve_area(words, on=on),)
    except UnknownCodeError:
        if not matched:
            raise
    if exact and len(words.strip()) <= 3:
        return exact  # a code is meant, not the beginning of names
    order = area_table()["code"].to_pylist()
    return tuple(dict.fromkeys((*exact, *(code for code in order if code in matched))))


def _begins(name: str, wanted: str) -> bool:
    """Say whether words begin a name or a word in it."""
    return f" {name}".find(f" {wanted}") >= 0


def _area_row(known: Area, on: date | None) -> dict[str, object]:
    groups = [name for name in group_names() if known.code in _members(name, on)]
    return {
        "code": known.code,
        "name": known.name,
        "iso2": known.iso2 or None,
        "m49": " ".join(f"{number:03d}" for number in known.m49) or None,
        "kind": known.kind,
        "valid_from": known.valid_from,
        "valid_to": known.valid_to,
        "groups": ", ".join(groups) or None,
        "other_names": " · ".join(dict.fromkeys(names_in(known.iso2).values())) or None,
    }


def _members(name: str, on: date | None) -> tuple[str, ...]:
    if on is None and all(stay.valid_to for stay in memberships(name)):
        return ()  # the group has ended
    return group_members(name, on=on)
