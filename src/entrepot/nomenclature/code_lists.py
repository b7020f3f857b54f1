"""Which six-digit codes each revision of the Harmonized System has, and the headings made of them.

Codes are those of the World Customs Organization, and 999999 for what is not specified. National codes and
the petroleum codes 271011 to 271099 that UN Comtrade keeps in HS1992 and HS1996 are not among them.
"""

from __future__ import annotations

from functools import cache

from entrepot.errors import OptionError
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.hs import HS_REVISIONS, TOTAL, hs_level, revision_of

__all__ = ["code_revisions", "has_hs_code", "hs_children", "hs_codes"]

_LEVELS = (2, 4, 6)


@cache
def _spans() -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the first and last revision of every six-digit code, a pair a stay."""
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for row in fact_rows("hs_codes"):
        span = (HS_REVISIONS.index(row["first_revision"]), HS_REVISIONS.index(row["last_revision"]))
        found[row["code"]] = (*found.get(row["code"], ()), span)
    return found


@cache
def _codes(revision: str, level: int) -> tuple[str, ...]:
    place = HS_REVISIONS.index(revision)
    six = (code for code, spans in _spans().items() if any(first <= place <= last for first, last in spans))
    return tuple(sorted({code[:level] for code in six}))


@cache
def _known(revision: str) -> frozenset[str]:
    return frozenset((TOTAL, *(code for level in _LEVELS for code in _codes(revision, level))))


def hs_codes(revision: str, *, level: int = 6) -> tuple[str, ...]:
    """Return the codes of a revision, sorted.

    Parameters
    ----------
    revision
        In any spelling of ``revision_of``.
    level
        2 for chapters, 4 for headings, 6 for subheadings.

    Raises
    ------
    UnknownCodeError
        The revision is unknown.
    OptionError
        The level is none of the system.

    Examples
    --------
    >>> len(hs_codes("HS2022")), len(hs_codes("HS1992", level=4))
    (5613, 1242)
    """
    if level not in _LEVELS:
        raise OptionError(f"the Harmonized System has no level {level}", hint="levels are 2, 4 and 6 digits")
    return _codes(revision_of(revision), level)


def has_hs_code(code: str, revision: str) -> bool:
    """Say whether a revision has a code of any level; TOTAL is in all of them.

    Examples
    --------
    >>> has_hs_code("854151", "HS2022"), has_hs_code("854151", "HS2017")
    (True, False)
    """
    return code in _known(revision_of(revision))


def hs_children(code: str, revision: str) -> tuple[str, ...]:
    """Return the codes one level down; the chapters of TOTAL, nothing of a six-digit code.

    Examples
    --------
    >>> hs_children("8541", "HS2017")
    ('854110', '854121', '854129', '854130', '854140', '854150', '854160', '854190')
    """
    level = hs_level(code)
    if level == _LEVELS[-1]:
        return ()
    start = "" if code == TOTAL else code
    return tuple(one for one in hs_codes(revision, level=level + 2) if one.startswith(start))


def code_revisions(code: str) -> tuple[str, ...]:
    """Return the revisions that have a code, oldest first; empty where none has.

    Examples
    --------
    >>> code_revisions("854140")[-2:], code_revisions("854141")
    (('HS2012', 'HS2017'), ('HS2022',))
    """
    return tuple(revision for revision in HS_REVISIONS if code in _known(revision))
