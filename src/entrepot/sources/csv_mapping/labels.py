"""Areas written as labels, codes or numbers: the table of known spellings and the SQL that looks them up.

The distinct texts of a file are in the data, which a source does not read. So the normal form of a label
is made in SQL, on both sides of the join: of the texts of the file and of the names of the nomenclature.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from entrepot.engine.quoting import literal
from entrepot.nomenclature import area, area_code_table, area_name_table
from entrepot.nomenclature.names import AMBIGUOUS_STEMS
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

_NOTE = (
    r"(?i)\(\s*(?:incl|excl|including|excluding|y compris|sauf|включая|без|part of|from|since|until|depuis)"
    r"(?:[.:,\s][^()]*)?\)"
)
_SHORT = {
    "dem": "democratic",
    "isd": "island",
    "isds": "islands",
    "rep": "republic",
    "st": "saint",
    "ste": "sainte",
    "terr": "territory",
}


def area_spellings(areas: AreasSection) -> pa.Table:
    """Return every known spelling of every area that the mapping allows.

    Returns
    -------
    pyarrow.Table
        **Grain**: one spelling in one span of time. Columns ``kind`` (own, m49, iso2, iso3, comtrade_iso,
        name), ``key``, ``area``, ``is_aggregate``, ``valid_from``, ``valid_to`` (null is open).
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
            {
                "kind": "name",
                "key": row["name"],
                "area": row["code"],
                "is_aggregate": area(row["code"]).is_aggregate,
            }
            for row in area_name_table().to_pylist()
        ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def area_ctes(cells: str, *, columns: Sequence[str], spellings: str) -> list[str]:
    """Return the common table expressions that end in ``d_area (raw, area, is_aggregate, since, until)``.

    ``d_area`` has for every text and day at most one row; a text that nothing knows has none.

    Parameters
    ----------
    cells
        Table that holds the texts.
    columns
        Its columns of area texts.
    spellings
        The table of :func:`area_spellings`.
    """
    texts = " UNION ".join(f"SELECT {column} AS raw FROM {cells}" for column in columns)
    bracketed = _key("array_to_string(regexp_extract_all(text, '\\(([^()]*)', 1), ' ')")
    normal = f"{_key('text')} AS whole, {_key(_stem('text'))} AS stem, ' ' || {bracketed} || ' ' AS bracketed"
    names = f"SELECT {_key('key')} AS name, area, is_aggregate FROM {spellings} WHERE kind = 'name'"
    unique = f"min(area) AS area, bool_and(is_aggregate) AS is_aggregate FROM ({names})"
    known = " UNION ALL ".join((_own(spellings), _coded(spellings), _named("whole"), _named("stem")))
    span = "coalesce(valid_from, DATE '0001-01-01') AS since, coalesce(valid_to, DATE '9999-12-31') AS until"
    best = f"FROM ({known}) QUALIFY rank = min(rank) OVER (PARTITION BY raw)"
    texts = f"SELECT raw, {trimmed('raw')} AS text FROM ({texts})"
    return [
        f"area_texts AS MATERIALIZED (SELECT raw, text, {normal} FROM ({texts}) WHERE text <> '')",
        f"area_names AS MATERIALIZED (SELECT name, {unique} GROUP BY name HAVING count(DISTINCT area) = 1)",
        f"d_area AS MATERIALIZED (SELECT raw, area, is_aggregate, {span} {best})",
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


def _named(form: Literal["whole", "stem"]) -> str:
    query = (
        f"SELECT t.raw, {4 if form == 'whole' else 5}, n.area, n.is_aggregate, {_ANY_SPAN} "
        f"FROM area_texts t JOIN area_names n ON n.name = t.{form}"
    )
    if form == "whole":
        return query
    stems = ", ".join(literal(stem) for stem in sorted(AMBIGUOUS_STEMS))
    # "Serbia (Kosovo)" is not Serbia: what stands in brackets must name no other area.
    return (
        f"{query} AND t.stem <> t.whole AND t.stem NOT IN ({stems}) WHERE NOT EXISTS (FROM area_names other "
        "WHERE other.area <> n.area AND contains(t.bracketed, ' ' || other.name || ' '))"
    )


def _stem(text: str) -> str:
    """Return the SQL that takes brackets out, innermost first, two deep."""
    once = f"regexp_replace({text}, '\\([^()]*\\)', ' ', 'g')"
    return f"regexp_replace({once}, '\\([^()]*\\)', ' ', 'g')"


def _key(text: str) -> str:
    """Return the SQL of a label's normal form, the steps of ``nomenclature.normalise_name``."""
    bare = f"regexp_replace({text}, {literal(_NOTE)}, ' ', 'g')"
    bare = f"regexp_replace({bare}, '(\\pL)\\s*(?:\\d{{1,2}}|[⁰¹²³⁴⁵⁶⁷⁸⁹*†‡]+)\\s*[)*]?\\s*$', '\\1')"
    plain = f"lower(strip_accents(translate(replace({bare}, '&', ' and '), 'øØłŁđĐıİ', 'oOlLdDii')))"
    plain = f"replace(replace({plain}, 'ß', 'ss'), 'æ', 'ae')"
    words = f"' ' || regexp_replace({plain}, '[^\\pL\\pN_]+', ' ', 'g') || ' '"
    for short, full in _SHORT.items():
        words = f"replace({words}, ' {short} ', ' {full} ')"
    words = f"replace(replace(replace({words}, ' the ', ' '), ' of ', ' '), ' of ', ' ')"
    return f"trim({words})"
