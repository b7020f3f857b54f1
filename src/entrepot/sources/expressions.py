"""SQL expressions that the queries of several sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.engine.quoting import identifier, literal
from entrepot.engine.words import word_types
from entrepot.nomenclature import HS_REVISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["figure_sql", "revision_sql", "text_sql", "word_sql", "words_of"]

#: The Harmonized System came into force.
_FIRST_YEAR = 1988


def text_sql(column: str) -> str:
    """Return the SQL of what stands in a column of the staged table ``raw``: trimmed, null where it is empty.

    Examples
    --------
    >>> print(text_sql("time"))
    nullif(trim(raw."time"), '')
    """
    return f"nullif(trim(raw.{identifier(column)}), '')"


def figure_sql(column: str, *, none: str = "") -> str:
    """Return the SQL of the text of a number, null where it is empty; blanks behind it may stay.

    Numbers are many and different, and hardly one begins with a blank or a letter: only those are trimmed.

    Parameters
    ----------
    column
        A column of the staged table ``raw``.
    none
        Letters that say that there is no number.

    Examples
    --------
    >>> print(figure_sql("q"))
    CASE WHEN raw."q" BETWEEN '!' AND ':' THEN raw."q" ELSE nullif(trim(raw."q"), '') END
    """
    plain = f"raw.{identifier(column)}"
    other = text_sql(column)
    if none:
        other = f"nullif({other}, {literal(none)})"
    return f"CASE WHEN {plain} BETWEEN '!' AND ':' THEN {plain} ELSE {other} END"


def revision_sql(year: str) -> str:
    """Return the SQL of the revision in force in a year, null before the first.

    As :func:`~entrepot.nomenclature.revision_in_force` says it of one year.

    Parameters
    ----------
    year
        SQL of the year, a number.
    """
    since = [(int(revision[2:]), revision) for revision in HS_REVISIONS[1:]]
    cases = [
        f"WHEN {year} >= {first} THEN {literal(revision)}"
        for first, revision in [*reversed(since), (_FIRST_YEAR, HS_REVISIONS[0])]
    ]
    return f"CASE {' '.join(cases)} END"


def word_sql(column: str, word: str) -> str:
    """Return the SQL of a word in a column of ``core__flow`` that has a closed vocabulary.

    Examples
    --------
    >>> word_sql("valuation", "cif")
    "'cif'::word_of_valuation"
    """
    return f"{literal(word)}::{word_types()[column]}"


def words_of(table: str, columns: Mapping[str, str]) -> str:
    """Return the SQL of a small table, some columns of which become words before it is joined to the rows.

    Parameters
    ----------
    table
        Its name.
    columns
        Columns of ``core__flow`` whose vocabulary they have, by their own names.

    Examples
    --------
    >>> words_of("areas", {"code": "reporter"})
    '(SELECT * REPLACE (code::word_of_area AS code) FROM areas)'
    """
    typed = ", ".join(f"{name}::{word_types()[column]} AS {name}" for name, column in columns.items())
    return f"(SELECT * REPLACE ({typed}) FROM {table})"
