"""From staged text to cells: one row a value, each mapped field as trimmed text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import identifier, literal
from entrepot.errors import HeaderError
from entrepot.sources.csv_mapping.headers import staged_name
from entrepot.sources.csv_mapping.sections import MEASURES, MappedField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.sources.base import Layout
    from entrepot.sources.csv_mapping.mapping import TableMapping

__all__ = ["WideCell", "cells_query", "trimmed", "wide_cells"]

#: Fields of a cell that are text columns of the query; year and month have become the period.
_TEXTS: Final = tuple(
    field
    for field in MappedField
    if field not in {MappedField.YEAR, MappedField.MONTH, MappedField.VINTAGE, *MEASURES}
)

_BLANKS: Final = " \t\r\n\u00a0\u2007\u2009\u202f\u200b\ufeff"


@dataclass(frozen=True, slots=True)
class WideCell:
    """One value of a wide row.

    Attributes
    ----------
    measures
        Column of the value, and of the weight and quantity that belong to it.
    given
        What the column's name says, by field.
    """

    measures: dict[MappedField, str]
    given: dict[MappedField, str]


def wide_cells(mapping: TableMapping, columns: Sequence[str], *, where: str) -> tuple[WideCell, ...]:
    """Return the cells of a wide row, in file order.

    Raises
    ------
    HeaderError
        No column fits the pattern, a measure is unknown or given twice, a group of columns has no value.
    """
    if mapping.wide is None:
        return ()
    taken = set(mapping.columns.values())
    pattern = re.compile(mapping.wide.columns)
    cells: dict[tuple[tuple[str, str], ...], WideCell] = {}
    for column in columns:
        matched = None if column in taken else pattern.fullmatch(column)
        if matched is None:
            continue
        groups = {name: text for name, text in matched.groupdict().items() if text is not None}
        measure = _measure(mapping, groups.pop("measure", None), column=column, where=where)
        if measure is None:
            continue
        given = {MappedField(name): text for name, text in groups.items()}
        cell = cells.setdefault(tuple(sorted(groups.items())), WideCell({}, given))
        if measure in cell.measures:
            raise HeaderError(
                f"the columns {cell.measures[measure]!r} and {column!r} are the same cell",
                where=where,
                hint="let [wide] columns name a group for what tells them apart",
            )
        cell.measures[measure] = column
    without = [cell for cell in cells.values() if MappedField.VALUE not in cell.measures]
    if not cells or without:
        raise HeaderError(
            f"the columns {sorted(without[0].measures.values())} have no value beside them"
            if without
            else f"no column fits [wide] columns = {mapping.wide.columns!r}",
            where=where,
            hint=f"the columns are {', '.join(columns)}; the pattern must fit a whole name",
        )
    return tuple(cells.values())


def _measure(mapping: TableMapping, word: str | None, *, column: str, where: str) -> MappedField | None:
    if word is None or mapping.wide is None:
        return MappedField.VALUE
    said = mapping.wide.measures.get(word)
    if said is None and word in {measure.value for measure in MEASURES}:
        said = word  # type: ignore[assignment]
    if said is None:
        raise HeaderError(
            f"column {column!r} has the measure {word!r}, which [wide.measures] does not know",
            where=where,
            hint=f'add "{word}" = "value", "net_weight", "quantity" or "ignore" to [wide.measures]',
        )
    return None if said == "ignore" else MappedField(said)


def cells_query(mapping: TableMapping, layout: Layout, raw: str) -> str:
    """Return the query whose rows are the cells of ``raw``.

    Columns: ``row_number``, ``cell``, the texts of every field (empty where there is none), the measures
    trimmed and emptied where they say that there is no value, and ``value_text``, the value as published.
    Empty cells of a wide table and rows that the mapping leaves out are no rows.
    """
    file_name = {MappedField(name): text for name, text in layout.extra.items() if name in set(MappedField)}
    wide = wide_cells(mapping, layout.columns, where=mapping.id)
    texts = {field: _text(mapping, field, file_name=file_name) for field in MappedField}
    texts[MappedField.PERIOD] = _period(mapping, texts)
    columns = ["row_number", *(f"{texts[field]} AS {field.value}" for field in _TEXTS)]
    columns += [f"{_measure_text(mapping, texts[field])} AS {field.value}" for field in MEASURES]
    columns.append(f"{texts[MappedField.VALUE]} AS value_text")
    columns.append(f"{_cell_name(mapping)} AS cell")
    origin = f"(SELECT *, {_unnested(wide)} FROM {raw})" if wide else raw
    query = f"SELECT {', '.join(columns)} FROM {origin} {_kept(mapping)}"
    if wide or mapping.rows.skip_missing:
        query = f"SELECT * FROM ({query}) WHERE value <> ''"
    return query


def _cell_name(mapping: TableMapping) -> str:
    """Return the SQL of the column that held the value, null where every row has its one value."""
    if mapping.wide:
        return "_wide__cell"
    if mapping.rows.is_choice:
        # Of a table from which rows are left out only some cells are values, as of a wide one.
        return literal(mapping.columns.get(MappedField.VALUE, "value"))
    return "NULL::VARCHAR"


def _unnested(wide: Sequence[WideCell]) -> str:
    """Return the SQL that makes of each row one row a cell, its texts in ``_wide__…`` columns."""
    named = [field for field in MappedField if any(field in cell.given for cell in wide)]
    structs = []
    for cell in wide:
        entries = {"_wide__cell": literal(cell.measures[MappedField.VALUE])}
        entries |= {
            f"_wide__{field.value}": identifier(cell.measures[field])
            if field in cell.measures
            else "NULL::VARCHAR"
            for field in MEASURES
        }
        entries |= {f"_wide__{field.value}": literal(cell.given.get(field)) for field in named}
        structs.append("{" + ", ".join(f"'{name}': {text}" for name, text in entries.items()) + "}")
    return f"unnest([{', '.join(structs)}], recursive := true)"


def trimmed(text: str) -> str:
    """Return the SQL that takes blanks of every kind off both ends."""
    return f"trim({text}, {literal(_BLANKS)})"


def _text(mapping: TableMapping, field: MappedField, *, file_name: dict[MappedField, str]) -> str:
    """Return the SQL of a field's text, empty where there is none; its pattern, if any, is applied."""
    if field in mapping.columns:
        text = identifier(staged_name(mapping.columns[field]))
    else:
        text = literal(mapping.constants.get(field, file_name.get(field, "")))
    if mapping.wide and (field.value in mapping.wide_groups() or field in MEASURES):
        # A group that takes no part in the match leaves the field to the column or constant.
        text = f"coalesce(_wide__{field.value}, {text})"
    text = f"coalesce({text}, '')"
    if field in mapping.patterns:
        pattern, text = literal(mapping.patterns[field]), trimmed(text)
        part = f"regexp_extract({text}, {pattern}, 1)"
        text = f"CASE WHEN regexp_matches({text}, {pattern}) THEN {part} ELSE {text} END"
    return text


def _period(mapping: TableMapping, texts: dict[MappedField, str]) -> str:
    """Return the period's text; a year and a month of their own are joined by a hyphen."""
    if mapping.sources_of(MappedField.PERIOD):
        return texts[MappedField.PERIOD]
    year = trimmed(texts[MappedField.YEAR])
    if mapping.sources_of(MappedField.MONTH):
        return f"{year} || '-' || {trimmed(texts[MappedField.MONTH])}"
    return year


def _measure_text(mapping: TableMapping, text: str) -> str:
    """Return the SQL of a number's text: trimmed, empty where it says that there is no value."""
    nulls = {word.strip().lower() for word in (*mapping.file.null_values, "")}
    bare = trimmed(text)
    whole = f"CASE WHEN lower({bare}) IN ({', '.join(map(literal, sorted(nulls)))}) THEN '' ELSE {bare} END"
    if any(char.isdigit() for word in nulls for char in word):
        return whole
    # Trimming millions of clean numbers character by character would take longer than reading them.
    return f"CASE WHEN regexp_full_match({text}, '[0-9]+(?:[.,][0-9]+)?') THEN {text} ELSE {whole} END"


def _kept(mapping: TableMapping) -> str:
    """Return the condition on the rows that the mapping keeps."""
    conditions = []
    for operator, chosen in (("IN", mapping.rows.keep), ("NOT IN", mapping.rows.leave_out)):
        for column, texts in chosen.items():
            text = f"coalesce({trimmed(identifier(staged_name(column)))}, '')"
            conditions.append(f"{text} {operator} ({', '.join(map(literal, texts))})")
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
