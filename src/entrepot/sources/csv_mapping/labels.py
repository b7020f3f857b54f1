"""Areas written as labels, codes or numbers: the table of known codes and the SQL that looks texts up.

What a label means says the nomenclature alone: the engine knows its function as ``area_named``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from entrepot.engine.words import word_types
from entrepot.nomenclature import area, area_code_table, area_table
from entrepot.sources.csv_mapping.cells import trimmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.sources.csv_mapping.sections import AreasSection

__all__ = ["area_ctes", "area_spellings"]

_SCHEMA: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("key", pa.string()),
        ("area", pa.string()),
        ("is_aggregate", pa.bool_()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
    ]
)

#: Kinds of spellings that a scheme allows, beside the mapping's own.
_ALLOWED: Final[dict[str, frozenset[str]]] = {
    "auto": frozenset({"m49", "iso2", "iso3", "comtrade_iso", "name"}),
    "m49": frozenset({"m49"}),
    "iso2": frozenset({"iso2"}),
    "iso3": frozenset({"iso3"}),
    "labels": frozenset({"name"}),
    "own": frozenset(),
}


def area_spellings(areas: AreasSection) -> pa.Table:
    """Return every code and every own spelling of every area that the mapping allows.

    Returns
    -------
    pyarrow.Table
        **Grain**: one spelling in one span of time. Columns ``kind`` (own, m49, iso2, iso3, comtrade_iso),
        ``key``, ``area``, ``is_aggregate``, ``valid_from``, ``valid_to`` (null is open). Where labels are
        allowed, each area has one more row of kind ``name`` with its code as the key: what ``area_named``
        gives is looked up there.
    """
    own = [
        {
            "kind": "own",
            "key": label.strip().lower(),
            "area": choice.area,
            "is_aggregate": choice.aggregate or area(choice.area).is_aggregate,
        }
        for label, choice in areas.names.items()
    ]
    return pa.concat_tables([pa.Table.from_pylist(own, schema=_SCHEMA), _known_spellings(areas.scheme)])


@cache
def _known_spellings(scheme: str) -> pa.Table:
    allowed = _ALLOWED[scheme]
    rows: list[dict[str, Any]] = [
        {**row, "kind": row["scheme"], "key": row["foreign_code"], "area": row["code"]}
        for row in area_code_table().to_pylist()
        if row["scheme"] in allowed
    ]
    if "name" in allowed:
        rows += [
            {"kind": "name", "key": row["code"], "area": row["code"], "is_aggregate": row["is_aggregate"]}
            for row in area_table().to_pylist()
        ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def area_ctes(texts: Sequence[str], *, spellings: str) -> list[str]:
    """Return the common table expressions that end in ``d_area (raw, area, is_aggregate, since, until)``.

    ``d_area`` has for every text and day at most one row; a text that nothing knows has none.

    Parameters
    ----------
    texts
        Queries of area texts, in the column ``raw``.
    spellings
        The table of :func:`area_spellings`.
    """
    sure = " UNION ALL ".join((_own(spellings), _coded(spellings)))
    span = "coalesce(valid_from, DATE '0001-01-01') AS since, coalesce(valid_to, DATE '9999-12-31') AS until"
    known = f"FROM area_sure UNION ALL {_named(spellings)}"
    area_word = f"area::{word_types()['reporter']} AS area"
    return [
        # Each step is made once and whole: a condition on a trimmed text would else be asked of every row.
        f"area_raw AS MATERIALIZED ({' UNION '.join(texts)})",
        f"area_trimmed AS MATERIALIZED (SELECT raw, {trimmed('raw')} AS text FROM area_raw)",
        "area_texts AS MATERIALIZED (FROM area_trimmed WHERE text <> '')",
        f"area_sure AS MATERIALIZED (FROM ({sure}) QUALIFY rank = min(rank) OVER (PARTITION BY raw))",
        f"d_area AS MATERIALIZED (SELECT raw, {area_word}, is_aggregate, {span} FROM ({known}))",
    ]


_ANY_SPAN: Final = "NULL::DATE AS valid_from, NULL::DATE AS valid_to"


def _own(spellings: str) -> str:
    return (
        f"SELECT t.raw, 1 AS rank, s.area, s.is_aggregate, {_ANY_SPAN} FROM area_texts t "
        f"JOIN {spellings} s ON s.kind = 'own' AND s.key = lower(t.text)"
    )


def _coded(spellings: str) -> str:
    digits = "regexp_full_match(t.text, '[0-9]+')"
    kind = f"CASE WHEN {digits} THEN 'm49' WHEN length(t.text) = 2 THEN 'iso2' ELSE 'iso3' END"
    return (
        "SELECT t.raw, CASE s.kind WHEN 'comtrade_iso' THEN 3 ELSE 2 END, s.area, s.is_aggregate, "
        f"s.valid_from, s.valid_to FROM area_texts t JOIN {spellings} s ON s.key = upper(t.text) "
        f"AND (s.kind = {kind} OR (s.kind = 'comtrade_iso' AND length(t.text) = 3))"
    )


def _named(spellings: str) -> str:
    """Return the areas of the labels that are no code: names cost Python."""
    others = "FROM area_texts ANTI JOIN area_sure USING (raw)"
    return (
        f"SELECT t.raw, 4, s.area, s.is_aggregate, {_ANY_SPAN} "
        f"FROM (SELECT raw, area_named(text) AS named {others}) t "
        f"JOIN {spellings} s ON s.kind = 'name' AND s.key = t.named"
    )
