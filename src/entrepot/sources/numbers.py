"""The SQL that reads numbers strictly: separators only where the publisher puts them."""

from __future__ import annotations

import re

from entrepot.engine.quoting import literal

__all__ = ["number_sql", "plain_number_sql"]


def number_sql(text: str, *, decimal: str = ".", thousands: str = "") -> str:
    """Return the SQL of a number, null where the text is none.

    ``1,234`` read with a lost separator would be wrong a thousandfold, so that groups must have three digits.

    Parameters
    ----------
    text
        SQL expression of the trimmed text.
    decimal, thousands
        Separators; a blank means blanks of every width, an apostrophe both kinds.

    Examples
    --------
    >>> number_sql("x", decimal=",").startswith("CASE WHEN regexp_full_match(x, ")
    True
    """
    point = re.escape(decimal)
    forms = [rf"[+\-−]?(?:\d+(?:{point}\d*)?|{point}\d+)(?:[eE][+\-]?\d+)?"]
    bare = text
    if thousands:
        separator = (
            r"[ \x{a0}\x{202f}\x{2009}]"
            if thousands == " "
            else "['’]"
            if thousands == "'"
            else re.escape(thousands)
        )
        forms.append(rf"[+\-−]?\d{{1,3}}(?:{separator}\d{{3}})+(?:{point}\d*)?")
        bare = (
            f"replace({bare}, {literal(thousands)}, '')"
            if separator == re.escape(thousands)
            else f"regexp_replace({bare}, {literal(separator)}, '', 'g')"
        )
    if decimal != ".":
        bare = f"replace({bare}, {literal(decimal)}, '.')"
    form = literal("|".join(f"(?:{form})" for form in forms))
    strict = (
        f"CASE WHEN regexp_full_match({text}, {form}) THEN TRY_CAST(replace({bare}, '−', '-') AS DOUBLE) END"
    )
    if decimal != ".":
        return strict
    # What begins with a figure is a number to DuckDB as it is to us, but for the underscore; few are not.
    quick = [plain_number_sql(text, thousands=thousands)]
    if len(thousands) == 1 and not thousands.isspace() and thousands != "'":
        grouped = literal(rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+")
        bare = f"replace({text}, {literal(thousands)}, '')"
        quick.append(f"CASE WHEN regexp_full_match({text}, {grouped}) THEN TRY_CAST({bare} AS DOUBLE) END")
    return f"coalesce({', '.join([*quick, strict])})"


def plain_number_sql(text: str, *, thousands: str = "") -> str:
    """Return the SQL of a number as machines write it, null where the text is none or another.

    Parameters
    ----------
    text
        SQL expression of the text.
    thousands
        What may stand between groups: of a text that has it no cast is tried. A cast that fails costs seven
        times one that does not, since DuckDB writes its message, whether it is asked for or not.

    Examples
    --------
    >>> plain_number_sql("x")
    "CASE WHEN x >= '0' AND x < ':' AND NOT contains(x, '_') THEN TRY_CAST(x AS DOUBLE) END"
    """
    begins = f"{text} >= '0' AND {text} < ':'"
    others = " ".join(f"AND NOT contains({text}, {literal(mark)})" for mark in ("_", thousands) if mark)
    return f"CASE WHEN {begins} {others} THEN TRY_CAST({text} AS DOUBLE) END"
