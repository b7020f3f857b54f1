"""A table as an Excel workbook: the rows, what they are about, what the columns mean."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from entrepot.errors import OptionError
from entrepot.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["MOST_ROWS", "write_workbook"]

#: Rows of a sheet besides its header.
MOST_ROWS = 1_048_575

_LONGEST_TEXT = 32_767
_HEADER = "#1F3A5F"
_BATCH = 50_000
_WIDEST = 44
_A4 = 9
_LINE = 15.0
_TALLEST = 409.0
_ABOUT_WIDTH = 110
_AMOUNT_KEY = re.compile(r"_(usd|kg)\b")
_WHOLE = re.compile(r"-?\d+")
_SHARES = {"q_value", "markup"}

_Write = tuple["Callable[..., Any]", Any]


def write_workbook(table: pa.Table, path: Path, *, about: Mapping[str, str]) -> None:
    """Write the sheets data, about and columns.

    The header is frozen and filtered, says the unit and meaning of its column in a comment, and amounts
    are shown in full with thousands separated: never in scientific notation.

    Parameters
    ----------
    table
        Rows; texts already neutralised (see :func:`entrepot.report.files.write_table`).
    path
        File to write.
    about
        Rows of the sheet about.

    Raises
    ------
    OptionError
        More rows, or longer texts, than a sheet can hold.
    OSError
        The file cannot be written.
    """
    _refuse_too_much(table)
    # Row by row to the disk: a million rows would take gigabytes otherwise.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            _write_rows(book, table)
            _write_about(book, about)
            _write_columns(book, table.schema)
    except FileCreateError as fault:
        cause = fault.args[0]
        raise cause if isinstance(cause, OSError) else OSError(str(fault)) from fault


def _refuse_too_much(table: pa.Table) -> None:
    if table.num_rows > MOST_ROWS:
        raise OptionError(
            f"{table.num_rows:,} rows do not fit a sheet of Excel, which holds {MOST_ROWS:,}",
            where="--out",
            hint="write .parquet or .csv, or ask for fewer rows (--by, --products, --periods)",
        )
    for field in table.schema:
        if field.type != pa.string():
            continue
        longest = pc.max(pc.utf8_length(table[field.name])).as_py() or 0
        if longest > _LONGEST_TEXT:
            raise OptionError(
                f"a text of {longest:,} characters does not fit a cell of Excel ({_LONGEST_TEXT:,})",
                where=f"column {field.name}",
                hint="write .parquet, .csv or .json",
            )


def _number_format(name: str, kind: pa.DataType) -> str:
    """Return Excel's format of a column, by the unit in its name."""
    if pa.types.is_date(kind):
        return "yyyy-mm-dd"
    if pa.types.is_timestamp(kind):
        return "yyyy-mm-dd hh:mm:ss"
    if name == "year":
        return "0"
    if name in _SHARES or name.endswith("_share"):
        return "0.0%"
    if name.endswith(("_usd", "_kg")) or pa.types.is_integer(kind):
        return "#,##0"
    return "#,##0.000"


def _writer(sheet: Any, kind: pa.DataType, cell: Any) -> _Write:
    if pa.types.is_boolean(kind):
        return sheet.write_boolean, cell
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return sheet.write_datetime, cell
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return sheet.write_number, cell
    return sheet.write_string, None


def _without_zone(table: pa.Table) -> pa.Table:
    """Return the table with UTC times without a zone, which Excel does not know."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            bare = pa.timestamp(field.type.unit)
            utc = table[field.name].cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(at, field.with_type(bare), utc.cast(bare))
    return table


def _write_rows(book: Any, table: pa.Table) -> None:
    table = _without_zone(table)
    sheet = book.add_worksheet("data")
    header = book.add_format({"bold": True, "font_color": "white", "bg_color": _HEADER, "valign": "top"})
    formats = [book.add_format({"num_format": _number_format(f.name, f.type)}) for f in table.schema]
    for at, field in enumerate(table.schema):
        sheet.set_column(at, at, _width(table, field))
    sheet.freeze_panes(1, 0)
    _to_print(sheet)
    sheet.repeat_rows(0)
    for at, field in enumerate(table.schema):
        sheet.write_string(0, at, field.name, header)
        note = _note(field)
        if note:
            sheet.write_comment(0, at, note, {"x_scale": 1.6})
    writers = [_writer(sheet, f.type, cell) for f, cell in zip(table.schema, formats, strict=True)]
    row = 0
    for batch in table.to_batches(max_chunksize=_BATCH):
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            row += 1
            for at, ((write, cell), value) in enumerate(zip(writers, values, strict=True)):
                if value is not None:
                    write(row, at, value, cell)
    if table.num_columns:
        sheet.autofilter(0, 0, row, table.num_columns - 1)


def _width(table: pa.Table, field: pa.Field) -> float:
    """Return the width of a column in characters: that of its header, or of its texts in the first rows."""
    longest = 12 if pa.types.is_floating(field.type) else 0
    if field.type == pa.string():
        longest = pc.max(pc.utf8_length(table[field.name].slice(0, 1000))).as_py() or 0
    return float(min(max(longest, len(field.name) + 2), _WIDEST) + 2)


def _note(field: pa.Field) -> str:
    column = COLUMNS.get(field.name)
    if column is None:
        return ""
    unit = f"\nUnit: {column.unit}" if column.unit else ""
    missing = f"\nEmpty: {column.missing}" if column.missing else ""
    return f"{column.description}{unit}{missing}"


def _write_about(book: Any, about: Mapping[str, str]) -> None:
    sheet = book.add_worksheet("about")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    figure = book.add_format({"num_format": "#,##0", "align": "left", "valign": "top"})
    sheet.set_column(0, 0, min(max([24, *(len(key) + 2 for key in about)]), _WIDEST))
    sheet.set_column(1, 1, _ABOUT_WIDTH)
    _to_print(sheet, is_one_wide=True)
    for row, (key, value) in enumerate(about.items()):
        text = value if len(value) <= _LONGEST_TEXT else f"{value[: _LONGEST_TEXT - 1]}…"
        sheet.set_row(row, _height((text, _ABOUT_WIDTH)))
        sheet.write_string(row, 0, key, bold)
        if _AMOUNT_KEY.search(key) and _WHOLE.fullmatch(text):
            sheet.write_number(row, 1, float(text), figure)  # to calculate with
        else:
            sheet.write_string(row, 1, text, wrap)


def _height(*cells: tuple[str, int]) -> float:
    """Return the height of a row whose texts are folded: not every program finds it by itself."""
    lines = max(math.ceil(len(text) / (0.9 * width)) for text, width in cells)
    return min(_LINE * max(lines, 1), _TALLEST)


def _to_print(sheet: Any, *, is_one_wide: bool = False) -> None:
    """Lay a sheet out for paper: A4 on its side; texts on pages of one width."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    if is_one_wide:
        sheet.fit_to_pages(1, 0)


def _write_columns(book: Any, schema: pa.Schema) -> None:
    sheet = book.add_worksheet("columns")
    header = book.add_format({"bold": True, "font_color": "white", "bg_color": _HEADER})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    widths = {"column": 24, "type": 12, "unit": 18, "meaning": 70, "empty means": 44}
    for at, (name, width) in enumerate(widths.items()):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, name, header)
    sheet.freeze_panes(1, 0)
    _to_print(sheet, is_one_wide=True)
    for row, field in enumerate(schema, start=1):
        column = COLUMNS.get(field.name)
        meaning = column.description if column else ""
        if column and column.allowed is not None:
            meaning += ": " + ", ".join(term.value for term in column.allowed)
        texts = (
            field.name,
            column.kind if column else str(field.type),
            column.unit if column else "",
            meaning,
            column.missing if column else "",
        )
        sheet.set_row(row, _height(*zip(texts, widths.values(), strict=True)))
        for at, text in enumerate(texts):
            sheet.write_string(row, at, text, wrap)
