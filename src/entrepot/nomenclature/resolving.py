"""From a code, number or name in many languages to the code of an area."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.areas import area, area_name, area_table, code_meaning
from entrepot.nomenclature.groups import group_members, group_names
from entrepot.nomenclature.names import (
    all_names,
    bracketed_forms,
    exact_forms,
    loose_forms,
    normalise_name,
    own_names,
)
from entrepot.nomenclature.regions import find_region

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

__all__ = ["named_area", "resolve_area", "resolve_areas"]


def _by_code(text: str, on: date | None) -> str | None:
    """Return the area of a code of any scheme, None if no scheme has it."""
    if text.isascii() and text.isdigit():
        return code_meaning("m49", text.lstrip("0") or "0", on)
    code = text.upper()
    return code_meaning("iso2" if len(code) == 2 else "iso3", code, on) or code_meaning(
        "comtrade_iso", code, on
    )


@lru_cache(maxsize=65536)
def named_area(text: str | None) -> str | None:
    """Return the area of a name, None if no language has it or its brackets say something else.

    When to use: for labels alone, where a code must not be taken for a name. Queries know it as the
    function ``area_named``, so that names mean the same in Python and in SQL.

    Examples
    --------
    >>> named_area("Korea, Republic of"), named_area("Serbia (Kosovo)"), named_area("KGZ")
    ('KOR', None, None)
    """
    if not text:
        return None
    for names in (own_names, all_names):
        for form in exact_forms(text):
            if form in names():
                return names()[form]
    found = {
        names()[form]: None
        for names in (own_names, all_names)
        for form in loose_forms(text)
        if form in names()
    }
    code = next(iter(found), None)
    if code is None or area(code).kind == "territory":
        return code  # a territory may have its state in brackets ("Guam (USA)")
    inside = {all_names()[form] for form in bracketed_forms(text) if form in all_names()}
    return None if inside - {code} else code  # "Denmark (Greenland)" is not Denmark


@lru_cache(maxsize=65536)
def _resolve(text: str, on: date | None) -> str | None:
    trimmed = text.strip()
    code = _by_code(trimmed, on) if len(trimmed) <= 3 or trimmed.isdigit() else None
    return code or named_area(trimmed)


def _near_codes(text: str) -> tuple[str, ...]:
    """Return the codes that one slip of the hand makes into a text of three letters, the likeliest first."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415  (only errors need it)

    wanted = text.strip().upper()
    if len(wanted) != _CODE_LETTERS or not wanted.isalpha():
        return ()
    codes = area_table()["code"].to_pylist()
    near = [code for code in codes if OSA.distance(wanted, code) == 1]
    return tuple(sorted(near, key=lambda code: (code[:2] != wanted[:2], code[0] != wanted[0], code)))


def _nearest(text: str) -> str:
    """Return the hint for an unknown text: the three areas whose names are nearest."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (only errors need it)

    if text.strip().upper() in group_names():
        return f"{text.strip().upper()} is a group: give it where a list of areas is asked for"
    if region := find_region(text):
        return region.note
    wanted = normalise_name(text)
    if not any(letter.isalpha() for letter in wanted):
        return "give an ISO 3166 alpha-3 code, a number of M49 or UN Comtrade, or a name"
    names = all_names()
    proposals = {code: area_name(code) for code in _near_codes(text)[:_PROPOSED]}
    for name, _, _ in process.extract(wanted, list(names), scorer=fuzz.WRatio, limit=40):
        if len(proposals) >= _PROPOSED:
            break
        proposals.setdefault(names[name], area_name(names[name]))
    return "did you mean " + ", ".join(f"{code} ({name})" for code, name in proposals.items()) + "?"


_CODE_LETTERS = 3
_PROPOSED = 3
_CODE_AND_NUMBER = re.compile(r"([A-Za-z]{2,3})\d{1,3}")


def resolve_area(text: str, *, on: date | None = None, where: str = "") -> str:
    """Return the area code of a code, number or name.

    Tried in order: our own codes and ISO alpha-3 (withdrawn and World Bank spellings too), alpha-2 with
    Eurostat's additions, M49 and Comtrade numbers with or without leading zeros, Comtrade's ISO column,
    then names in many languages and publishers' spellings.

    Parameters
    ----------
    text
        Code, number or name.
    on
        The day for which a code that changed its meaning is read; without it the usual meaning holds.
    where
        File, line or option, for the error message.

    Raises
    ------
    UnknownCodeError
        No table knows it; the hint proposes the three nearest: codes one slip away, then names.

    Examples
    --------
    >>> resolve_area("842"), resolve_area("004"), resolve_area("EL"), resolve_area("Киргизия")
    ('USA', 'AFG', 'GRC', 'KGZ')
    >>> from datetime import date
    >>> resolve_area("736"), resolve_area("736", on=date(2012, 1, 1))
    ('XSD', 'SDN')
    """
    code = _resolve(text, on)
    glued = _CODE_AND_NUMBER.fullmatch(text.strip())
    # "EU26" is a slip for a group, not "EU" with a footnote glued to it; "ZA1" is a code of its own.
    if code is None or (glued and code == _resolve(glued[1], on)):
        raise UnknownCodeError(f"no area is called {text!r}", where=where, hint=_nearest(text))
    return code


def _expand(text: str, on: date | None) -> Iterator[str]:
    group = text.strip().upper()
    if group in group_names():
        yield from group_members(group, on=on)
    else:
        yield resolve_area(text, on=on)


def _split(text: str) -> tuple[str, ...]:
    """Split at commas, unless the commas belong to one name ("Korea, Republic of")."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if all(part.upper() in group_names() or _by_code(part, None) for part in parts):
        return parts
    return parts if _resolve(text, None) is None else (text,)


def resolve_areas(text: str | Sequence[str], *, on: date | None = None) -> tuple[str, ...]:
    """Return the area codes of a list of codes, numbers, names and groups.

    Parameters
    ----------
    text
        Comma-separated text, or a sequence of such.
    on
        The day of group membership and of codes that changed their meaning; without it the latest.

    Returns
    -------
    tuple
        Codes in the order given, groups expanded, each once.

    Raises
    ------
    UnknownCodeError
        A part is neither an area nor a group, or nothing is given.

    Examples
    --------
    >>> resolve_areas("KGZ, 398, EAEU")
    ('KGZ', 'KAZ', 'ARM', 'BLR', 'RUS')
    """
    parts = [text] if isinstance(text, str) else list(text)
    codes = chain.from_iterable(_expand(part, on) for whole in parts for part in _split(whole))
    found = tuple(dict.fromkeys(codes))
    if not found:
        raise UnknownCodeError(
            "the list of areas is empty", hint="give codes, numbers, names or groups, with commas between"
        )
    return found
