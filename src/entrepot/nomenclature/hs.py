"""Commodity codes of the Harmonized System: shape, level, parent, revision.

A code is text of 2, 4 or 6 digits, or ``TOTAL``. Here a code is judged by its shape and chapter only, so
``"010199"`` passes: national and publishers' own codes are data too. Which codes a revision has says
``code_lists``.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature.facts import fact_rows

__all__ = [
    "HS_REVISIONS",
    "TOTAL",
    "hs_chapter_title",
    "hs_chapters",
    "hs_level",
    "hs_parent",
    "is_hs_code",
    "revision_in_force",
    "revision_of",
    "validate_hs",
]

#: The editions of the nomenclature, oldest first; each came into force on 1 January of its year, that of
#: 1992 standing for the first one of 1988 too.
HS_REVISIONS: tuple[str, ...] = ("HS1992", "HS1996", "HS2002", "HS2007", "HS2012", "HS2017", "HS2022")

#: All commodities together.
TOTAL = "TOTAL"

_CODE = re.compile(r"\d{2}(?:\d{2}){0,2}")
_FIRST_YEAR = 1988


@cache
def hs_chapters() -> dict[str, str]:
    """Return short titles by chapter; 77 is reserved, 98 and 99 are for national use."""
    return {row["chapter"]: row["title"] for row in fact_rows("hs_chapters")}


def hs_chapter_title(code: str) -> str:
    """Return the short title of a code's chapter.

    Examples
    --------
    >>> hs_chapter_title("854231")
    'Electrical machinery, electronics'
    """
    return hs_chapters()[validate_hs(code, where="")[:2]] if code != TOTAL else "All commodities"


def revision_in_force(year: int) -> str:
    """Return the revision in force in a year; countries may adopt it later.

    Raises
    ------
    UnknownCodeError
        The year is before 1988, when there was no Harmonized System.

    Examples
    --------
    >>> revision_in_force(2021), revision_in_force(2022)
    ('HS2017', 'HS2022')
    """
    if year < _FIRST_YEAR:
        raise UnknownCodeError(
            f"no revision of the Harmonized System was in force in {year}",
            hint=f"the system begins in {_FIRST_YEAR}; older years are in SITC",
        )
    for older, newer in pairwise(HS_REVISIONS):
        if year < int(newer[2:]):
            return older
    return HS_REVISIONS[-1]


def revision_of(code: str, *, year: int | None = None) -> str:
    """Return the revision that a publisher's classification code means.

    Parameters
    ----------
    code
        Comtrade's ``H0`` to ``H6``, BACI's ``HS17`` (also ``17``), or our own ``HS2017``. ``HS`` means
        "as reported" and needs the year.
    year
        Year of the data, used for ``HS`` alone.

    Raises
    ------
    UnknownCodeError
        The classification is not one of the Harmonized System.

    Examples
    --------
    >>> revision_of("H5"), revision_of("HS17"), revision_of("HS", year=2023)
    ('HS2017', 'HS2017', 'HS2022')
    """
    text = code.strip().upper()
    known = {f"H{place}": revision for place, revision in enumerate(HS_REVISIONS)}
    for revision in HS_REVISIONS:
        known |= dict.fromkeys((revision, f"HS{revision[-2:]}", revision[-2:], revision[2:]), revision)
    if text == "HS" and year is not None:
        return revision_in_force(year)
    if text not in known:
        hint = "say the year: HS means the revision in force when it was reported"
        if text != "HS":
            hint = f"revisions are {', '.join(HS_REVISIONS)}, or H0 to H6; SITC and BEC are not read"
        raise UnknownCodeError(f"no revision of the Harmonized System is called {code!r}", hint=hint)
    return known[text]


def is_hs_code(text: str) -> bool:
    """Say whether a text has the shape of a code and a chapter that exists; TOTAL is one.

    Examples
    --------
    >>> is_hs_code("010121"), is_hs_code("10121"), is_hs_code("8517.62")
    (True, False, False)
    """
    return text == TOTAL or (
        _CODE.fullmatch(text) is not None and text.isascii() and text[:2] in hs_chapters()
    )


def hs_level(code: str) -> int:
    """Return the number of digits of a code, 0 of TOTAL.

    Raises
    ------
    UnknownCodeError
        The text is not a code.
    """
    return 0 if validate_hs(code, where="") == TOTAL else len(code)


def hs_parent(code: str) -> str | None:
    """Return the code one level up; TOTAL of a chapter, None of TOTAL.

    Raises
    ------
    UnknownCodeError
        The text is not a code.

    Examples
    --------
    >>> hs_parent("854231"), hs_parent("85"), hs_parent("TOTAL")
    ('8542', 'TOTAL', None)
    """
    level = hs_level(code)
    if level == 0:
        return None
    return code[: level - 2] or TOTAL


def _suggestion(text: str) -> str:
    digits = re.sub(r"[\s.\-'\"]", "", text)
    if text.strip().upper() in {"TOTAL", "ALL"}:
        return f"write {TOTAL}"
    if not (digits.isascii() and digits.isdigit()):
        return "a code is 2, 4 or 6 digits, or TOTAL; lists of codes have names such as CHPL"
    if len(digits) in {1, 3, 5} and is_hs_code(f"0{digits}"):
        return f"did you mean {'0' + digits!r}? A leading zero is lost where codes are read as numbers"
    if len(digits) > 6 and is_hs_code(digits[:6]):
        return f"national positions are cut to six digits: {digits[:6]!r}"
    if digits != text and is_hs_code(digits):
        return f"write {digits!r}, digits only"
    return "a code is 2, 4 or 6 digits and begins with a chapter from 01 to 99"


def validate_hs(code: str, *, where: str) -> str:
    """Return a code if it has the shape of one.

    Parameters
    ----------
    code
        Text of 2, 4 or 6 digits, or TOTAL.
    where
        File, line or option, for the error message.

    Raises
    ------
    UnknownCodeError
        The shape is wrong or the chapter does not exist; the hint proposes what was probably meant.
    """
    if not is_hs_code(code):
        raise UnknownCodeError(f"{code!r} is not an HS code", where=where, hint=_suggestion(code))
    return code
