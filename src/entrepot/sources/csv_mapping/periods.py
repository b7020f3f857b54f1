"""How periods are spelt, and the SQL that reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["PERIOD_FORMATS", "period_parts", "period_struct"]

_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MIDNIGHT = r"(?:[T ]00:00:00(?:\.0+)?(?:Z|\+00(?::?00)?)?)?"

#: Name → (regular expression of the whole text, order of its groups: y year, m month).
PERIOD_FORMATS: Final[dict[str, tuple[str, str]]] = {
    "YYYY": (r"[Yy]?(\d{4})", "y"),
    "YYYY-MM": (r"(\d{4})[-/](\d{1,2})", "ym"),
    "YYYYMM": (r"(\d{4})(\d{2})", "ym"),
    "YYYYMmm": (r"(\d{4})[- ]?M(\d{1,2})", "ym"),
    "YYYY.MM": (r"(\d{4})\.(\d{2})", "ym"),
    "YYYYMM-label": (r"(\d{4})(\d{2})-\pL.*", "ym"),
    "MM/YYYY": (r"(\d{1,2})[/.\-](\d{4})", "my"),
    "Mon YYYY": (r"(\pL+)\.?[ \-/,]*(\d{4})", "my"),
    "YYYY Mon": (r"(\d{4})[ \-/]*(\pL+)\.?", "ym"),
    "Jan-Dec YYYY": (r"Jan\.?-Dec\.? (\d{4})", "y"),
    "YYYY年MM月": (r"(\d{4})年(\d{1,2})月", "ym"),
    "YYYY-MM-DD": (rf"(\d{{4}})-(\d{{2}})-{_DAY}{_MIDNIGHT}", "ym"),
    "YYYYMMDD": (rf"(\d{{4}})(\d{{2}}){_DAY}", "ym"),
    "YYYY/MM/DD": (rf"(\d{{4}})/(\d{{1,2}})/{_DAY}", "ym"),
    "DD.MM.YYYY": (rf"{_DAY}\.(\d{{2}})\.(\d{{4}})", "my"),
    "DD/MM/YYYY": (rf"{_DAY}/(\d{{1,2}})/(\d{{4}})", "my"),
    "MM/DD/YYYY": (rf"(\d{{1,2}})/{_DAY}/(\d{{4}})", "my"),
}

#: Day before month or month before day cannot be told from the text: only when the mapping names them.
_ONLY_BY_NAME: Final = frozenset({"DD/MM/YYYY", "MM/DD/YYYY"})


def period_parts(text: str, formats: Sequence[str]) -> str:
    """Return the SQL that takes year and month out of a period text.

    Parameters
    ----------
    text
        SQL expression of the text.
    formats
        Names of the formats to try, in order; empty: all that cannot be confused.

    Returns
    -------
    str
        An expression of type ``STRUCT(y VARCHAR, m VARCHAR)``, ``m`` null for a year; null where no format
        fits.
    """
    chosen = formats or [name for name in PERIOD_FORMATS if name not in _ONLY_BY_NAME]
    cases = []
    for name in chosen:
        pattern, order = PERIOD_FORMATS[name]
        whole = literal(f"^(?:{pattern})$")
        parts = {"y": "NULL::VARCHAR", "m": "NULL::VARCHAR"}
        parts |= {
            part: f"regexp_extract({text}, {whole}, {group})" for group, part in enumerate(order, start=1)
        }
        cases.append(f"WHEN regexp_matches({text}, {whole}) THEN {{'y': {parts['y']}, 'm': {parts['m']}}}")
    return f"CASE {' '.join(cases)} END"


def period_struct(said: str, *, months: Mapping[str, int], annual_marks: Iterable[str]) -> str:
    """Return the SQL that makes numbers of the parts of a period.

    Parameters
    ----------
    said
        SQL expression of :func:`period_parts`.
    months
        Month words, lower case.
    annual_marks
        Month texts that mean the whole year.

    Returns
    -------
    str
        An expression of type ``STRUCT(y INTEGER, m INTEGER)``: ``m`` 0 for a year. Null where the month is
        none or the year is not within 1900 and 2100.
    """
    table = {**{str(n): n for n in range(1, 13)}, **{f"{n:02d}": n for n in range(1, 10)}}
    table |= {word.lower().rstrip("."): number for word, number in months.items()}
    table |= {mark.lower(): 0 for mark in annual_marks}
    entries = ", ".join(f"{literal(word)}: {number}" for word, number in table.items())
    month = f"CASE WHEN {said}.m IS NULL THEN 0 ELSE (MAP {{{entries}}})[lower({said}.m)] END"
    year = f"TRY_CAST({said}.y AS INTEGER)"
    is_period = f"{year} BETWEEN 1900 AND 2100 AND {month} IS NOT NULL"
    return f"CASE WHEN {is_period} THEN {{'y': {year}, 'm': {month}}} END"
