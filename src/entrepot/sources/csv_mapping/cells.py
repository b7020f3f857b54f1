"""From staged text to cells: one row a value, each mapped field as trimmed text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.engine.quoting import identifier, literal
from entrepot.engine.staging import texts_of
from entrepot.errors import HeaderError
from entrepot.sources.csv_mapping.headers import staged_name
from entrepot.sources.csv_mapping.sections import MEASURES, MappedField
from entrepot.sources.numbers import plain_number_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.sources.base import Layout
    from entrepot.sources.csv_mapping.mapping import TableMapping

__all__ = ["BETWEEN", "WideCell", "cells_query", "is_constant", "texts_query", "trimmed", "wide_cells"]

#: Fields of a cell that are text columns of the query; year and month have become the period.
_TEXT_FIELDS: Final = tuple(
    field
    for field in MappedField
    if field not in {MappedField.YEAR, MappedField.MONTH, MappedField.VINTAGE, *MEASURES}
)

#: SQL of what stands between a year and a month that are columns of their own.
BETWEEN: Final = "chr(31)"

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

    Columns: ``row_number``, ``cell``, the texts of every field (empty where there is none; null where it
    stands in an empty column, which is left as it is, so that equal texts are looked up once), the measures
    trimmed and emptied where they say that there is no value; ``…_text``, the measures as published, and
    ``…_plain``, their numbers where they are written as machines do.
    Empty cells of a wide table and rows that the mapping leaves out are no rows.
    """
    wide = wide_cells(mapping, layout.columns, where=mapping.id)
    texts = _texts(mapping, layout, wide)
    columns = ["row_number", *(f"{texts[field]} AS {field.value}" for field in _TEXT_FIELDS)]
    columns += [f"{texts[field]} AS {field.value}_text" for field in MEASURES]
    thousands = mapping.file.thousands
    columns += [
        f"{plain_number_sql(texts[field], thousands=thousands)} AS {field.value}_plain" for field in MEASURES
    ]
    columns.append(f"{_cell_name(mapping)} AS cell")
    origin = f"(SELECT *, {_unnested(mapping, wide)} FROM {raw})" if wide else raw
    query = f"SELECT {', '.join(columns)} FROM {origin} {_kept(mapping)}"
    measures = ", ".join(f"{_measure_text(mapping, field)} AS {field.value}" for field in MEASURES)
    query = f"SELECT *, {measures} FROM ({query})"
    if wide or mapping.rows.skip_missing:
        query = f"SELECT * FROM ({query}) WHERE value <> ''"
    return query


def texts_query(mapping: TableMapping, layout: Layout, raw: str, field: MappedField) -> str:
    """Return the query of the different texts of a field, in the column ``raw``, as the cells have them."""
    wide = wide_cells(mapping, layout.columns, where=mapping.id)
    text, origin = _texts(mapping, layout, wide)[field], raw
    if is_constant(mapping, field):
        # The same for all rows, of which there is one at least.
        return f"SELECT {text} AS raw"
    columns = [staged_name(mapping.columns[part]) for part in _parts(field) if part in mapping.columns]
    if _is_wide(mapping, field):
        named = [WideCell({}, cell.given) for cell in wide]
        # What the columns' names alone say, every row says.
        rows = raw if columns else f"(FROM {raw} LIMIT 1)"
        origin = f"(SELECT *, {_unnested(mapping, named)} FROM {rows})"
    elif len(columns) == 1:
        origin = texts_of(raw, columns[0])
    return f"SELECT DISTINCT {text} AS raw FROM {origin}"


def is_constant(mapping: TableMapping, field: MappedField) -> bool:
    """Tell whether all cells have one text of a field."""
    return not _parts(field) & {*mapping.columns} and not _is_wide(mapping, field)


def _parts(field: MappedField) -> set[MappedField]:
    """Return the fields that a text is made of."""
    return {field, MappedField.YEAR, MappedField.MONTH} if field is MappedField.PERIOD else {field}


def _is_wide(mapping: TableMapping, field: MappedField) -> bool:
    return bool({part.value for part in _parts(field)} & mapping.wide_groups())


def _texts(mapping: TableMapping, layout: Layout, wide: Sequence[WideCell]) -> dict[MappedField, str]:
    """Return the SQL of each field's text."""
    file_name = {MappedField(name): text for name, text in layout.extra.items() if name in set(MappedField)}
    texts = {field: _text(mapping, field, file_name=file_name) for field in MappedField}
    for field in set(MappedField) - {*MEASURES, *mapping.patterns}:
        # Of what is looked up as it stands the engine knows which rows have the same: nothing is made of it.
        if wide and all(field in cell.given for cell in wide):
            texts[field] = f"_wide__{field.value}"
        elif field in mapping.columns and not _may_be_of_cell(mapping, field):
            texts[field] = identifier(staged_name(mapping.columns[field]))
    texts[MappedField.PERIOD] = _period(mapping, texts)
    return texts


def _cell_name(mapping: TableMapping) -> str:
    """Return the SQL of the column that held the value, null where every row has its one value."""
    if mapping.wide:
        return "_wide__cell"
    if mapping.rows.is_choice:
        # Of a table from which rows are left out only some cells are values, as of a wide one.
        return literal(mapping.columns.get(MappedField.VALUE, "value"))
    return "NULL::VARCHAR"


def _unnested(mapping: TableMapping, wide: Sequence[WideCell]) -> str:
    """Return the SQL that makes of each row one row a cell, its texts in ``_wide__…`` columns.

    What the names of the columns say is a number to the engine, which stands for one of a few words.
    """
    # A group that may be absent is absent from the names of a whole file, too.
    named = [field for field in MappedField if field.value in mapping.wide_groups() and field not in MEASURES]
    lists = {f"_wide__{field.value}": _words([cell.given.get(field) for cell in wide]) for field in named}
    if any(cell.measures for cell in wide):
        lists["_wide__cell"] = _words([cell.measures[MappedField.VALUE] for cell in wide])
        for field in MEASURES:
            texts = [
                identifier(cell.measures[field]) if field in cell.measures else "NULL::VARCHAR"
                for cell in wide
            ]
            lists[f"_wide__{field.value}"] = f"[{', '.join(texts)}]"
    return ", ".join(f"unnest({texts}) AS {name}" for name, texts in lists.items())


def _words(texts: Sequence[str | None]) -> str:
    """Return the SQL of a list of texts as words of a type of their own."""
    words = ", ".join(map(literal, dict.fromkeys(text for text in texts if text is not None)))
    return f"[{', '.join(map(literal, texts))}]::{f'ENUM({words})' if words else 'VARCHAR'}[]"


def trimmed(text: str) -> str:
    """Return the SQL that takes blanks of every kind off both ends."""
    return f"trim({text}, {literal(_BLANKS)})"


def _text(mapping: TableMapping, field: MappedField, *, file_name: dict[MappedField, str]) -> str:
    """Return the SQL of a field's text, empty where there is none; its pattern, if any, is applied."""
    if field in mapping.columns:
        text = identifier(staged_name(mapping.columns[field]))
    else:
        text = literal(mapping.constants.get(field, file_name.get(field, "")))
    if _may_be_of_cell(mapping, field):
        # A group that takes no part in the match leaves the field to the column or constant.
        text = f"coalesce(_wide__{field.value}::VARCHAR, {text})"
    text = f"coalesce({text}, '')"
    if field in mapping.patterns:
        pattern, text = literal(mapping.patterns[field]), trimmed(text)
        part = f"regexp_extract({text}, {pattern}, 1)"
        text = f"CASE WHEN regexp_matches({text}, {pattern}) THEN {part} ELSE {text} END"
    return text


def _may_be_of_cell(mapping: TableMapping, field: MappedField) -> bool:
    """Tell whether a cell of a wide row, or the name of its column, may say a field."""
    groups = mapping.wide_groups()
    is_measure = field in MEASURES and "measure" in groups
    return bool(groups) and (field.value in groups or field is MappedField.VALUE or is_measure)


def _period(mapping: TableMapping, texts: dict[MappedField, str]) -> str:
    """Return the period's text; a year and a month of their own stand on the sides of a separator."""
    if mapping.sources_of(MappedField.PERIOD):
        return texts[MappedField.PERIOD]
    if mapping.sources_of(MappedField.MONTH):
        year, month = (f"coalesce({texts[part]}, '')" for part in (MappedField.YEAR, MappedField.MONTH))
        return f"{year} || {BETWEEN} || {month}"
    return texts[MappedField.YEAR]


def _measure_text(mapping: TableMapping, field: MappedField) -> str:
    """Return the SQL of a number's text: trimmed, empty where it says that there is no value."""
    text = f"{field.value}_text"
    nulls = {word.strip().lower() for word in (*mapping.file.null_values, "")}
    bare = trimmed(text)
    # Not IN: of a long list DuckDB makes a join, for which all texts are trimmed, clean or not.
    pattern = literal("|".join(map(re.escape, sorted(nulls))))
    whole = f"CASE WHEN regexp_full_match(lower({bare}), {pattern}) THEN '' ELSE {bare} END"
    if any(char.isdigit() for word in nulls for char in word):
        return whole
    # Trimming millions of clean numbers character by character would take longer than reading them.
    is_clean = f"{field.value}_plain IS NOT NULL"
    if mapping.file.decimal != ".":
        is_clean = f"regexp_full_match({text}, '[0-9]+(?:[.,][0-9]+)?')"
    return f"CASE WHEN {is_clean} THEN {text} ELSE {whole} END"


def _kept(mapping: TableMapping) -> str:
    """Return the condition on the rows that the mapping keeps."""
    conditions = []
    for operator, chosen in (("IN", mapping.rows.keep), ("NOT IN", mapping.rows.leave_out)):
        for column, texts in chosen.items():
            text = f"coalesce({trimmed(identifier(staged_name(column)))}, '')"
            conditions.append(f"{text} {operator} ({', '.join(map(literal, texts))})")
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
