"""Closed vocabularies as types of the engine: what is a word to the reader is a small number to it.

A query that gives its small tables these types, before they are joined, hands on a byte or two a row instead
of a text: ``code::word_of_area``, ``'cif'::word_of_valuation``. A text that is no word is an error.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from entrepot.engine.quoting import identifier, literal
from entrepot.nomenclature import HS_REVISIONS, area_table
from entrepot.schema import FLOW

__all__ = ["create_types_sql", "vocabularies", "word_types"]

_AREAS: Final = ("reporter", "partner", "consignment_partner")

#: A period of another time is none of trade statistics.
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


@cache
def word_types() -> dict[str, str]:
    """Return the type of each column of ``core__flow`` that has a closed vocabulary.

    Examples
    --------
    >>> word_types()["reporter"], word_types()["flow"]
    ('word_of_area', 'word_of_flow')
    """
    named = [column.name for column in FLOW.column_contracts() if column.allowed is not None]
    return {name: f"word_of_{name}" for name in (*named, "hs_revision", "period")} | dict.fromkeys(
        _AREAS, "word_of_area"
    )


@cache
def vocabularies() -> dict[str, tuple[str, ...]]:
    """Return the words of each type."""
    types = word_types()
    years = range(_FIRST_YEAR, _LAST_YEAR + 1)
    found = {
        types[column.name]: tuple(str(term.value) for term in column.allowed)
        for column in FLOW.column_contracts()
        if column.allowed is not None
    }
    return found | {
        types["hs_revision"]: tuple(HS_REVISIONS),
        types["reporter"]: tuple(area_table()["code"].to_pylist()),
        types["period"]: tuple(
            period
            for year in years
            for period in (f"{year}", *(f"{year}-{month:02d}" for month in range(1, 13)))
        ),
    }


@cache
def create_types_sql() -> str:
    """Return the statements that make the types known to a connection."""
    return ";".join(
        f"CREATE TYPE {identifier(name)} AS ENUM ({', '.join(map(literal, words))})"
        for name, words in vocabularies().items()
    )
