"""Codes as words: areas, groups of areas, goods, windows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import (
    area_name,
    group_members,
    group_names,
    hs_chapter_title,
    list_codes,
    list_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entrepot.detect.periods import WindowPair

__all__ = ["codes_words", "enumerate_words", "goods", "hub_words", "place", "places", "span"]


@cache
def place(code: str) -> str:
    """Return the name of an area; a code that no table of ours knows stands for itself."""
    try:
        return area_name(code)
    except UnknownCodeError:
        return code


def hub_words(row: Mapping[str, Any], name: Callable[[str], str] = place) -> str:
    """Return the hubs of a row in the order in which the goods pass them.

    Examples
    --------
    >>> hub_words({"hub": "KGZ", "further_hubs": "ARM,GEO"})
    'Kyrgyzstan › Armenia › Georgia'
    >>> hub_words({"hub": "KGZ", "further_hubs": None}, str)
    'KGZ'
    """
    further = row.get("further_hubs")
    return " › ".join(name(code) for code in (row["hub"], *(further.split(",") if further else ())))


@cache
def goods(code: str) -> str:
    """Return the chapter title of a code, empty where the code has none."""
    try:
        return hs_chapter_title(code)
    except UnknownCodeError:
        return ""


def enumerate_words(words: Sequence[str], *, most: int = 3) -> str:
    """Return words as an English enumeration, the rest as a count.

    Examples
    --------
    >>> enumerate_words("abc"), enumerate_words("abcd", most=2), enumerate_words("a")
    ('a, b and c', 'a, b and 2 others', 'a')
    """
    if len(words) > most + 1:  # "and 1 other" would be no shorter than its name
        return f"{', '.join(words[:most])} and {len(words) - most} others"
    return " and ".join([part for part in (", ".join(words[:-1]), words[-1]) if part]) if words else ""


@cache
def places(codes: tuple[str, ...], *, most: int = 3) -> str:
    """Return areas in words: the group that they are, or their names.

    Examples
    --------
    >>> places(group_members("EU27")), places(("KGZ", "ARM")), places(("KGZ", "ARM", "KAZ", "UZB", "TJK"))
    ('EU27', 'Kyrgyzstan and Armenia', 'Kyrgyzstan, Armenia, Kazakhstan and 2 others')
    """
    if len(codes) > most:
        same = [name for name in group_names() if set(group_members(name)) == set(codes)]
        if same:
            return max(same, key=len)
    return enumerate_words([place(code) for code in codes], most=most)


@cache
def codes_words(codes: tuple[str, ...], *, most: int = 4) -> str:
    """Return the goods of a question in words: the codes, the list that they are, or their number.

    Examples
    --------
    >>> codes_words(()), codes_words(("8703", "8704")), codes_words(list_codes("CHPL"))
    ('all goods in the data', 'goods of HS 8703 and 8704', '50 codes (list CHPL)')
    """
    if not codes:
        return "all goods in the data"
    if len(codes) <= most:
        return f"goods of HS {enumerate_words(codes, most=most)}"
    same = [name for name in list_names() if set(list_codes(name)) == set(codes)]
    return f"{len(codes)} codes" + (f" (list {same[0]})" if same else "")


def span(windows: WindowPair, window: tuple[int, ...]) -> str:
    """Return a window in words: ``2022-05 to 2023-12``."""
    first, last = windows.text(window).split(":")
    return first if first == last else f"{first} to {last}"
