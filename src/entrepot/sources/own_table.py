"""Tables of one's own with dimensions that no report has: currency, province, transport mode, company."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.errors import EncodingError, HeaderError, InputFileError
from entrepot.nomenclature.own_csv import read_own_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_own_table"]

_PERIOD = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_DAY = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))-\d{2}")


def read_own_table(path: str | Path, *, texts: Sequence[str], numbers: Sequence[str]) -> pa.Table:
    """Return a long table: a row an observation, its dimensions as text, its amounts as numbers.

    Use it for what statistics of trade between countries do not have, to be measured as they are: shares by
    currency, province or mode of transport, consignments by company.

    Parameters
    ----------
    path
        ``.parquet``, or a CSV file in UTF-8, separated by comma, semicolon or tab, with a header.
    texts
        Dimensions that must be there. ``period`` is a year, a month or a day, which stands for its month.
    numbers
        Amounts that must be there; plain numbers with a decimal point.

    Returns
    -------
    pyarrow.Table
        The columns named first, then the others that the file has, as text.

    *Missing data*: an empty amount is null; an empty dimension is refused.

    Raises
    ------
    EncodingError
        The file is not UTF-8.
    HeaderError
        A column is missing, or stands twice.
    InputFileError
        The file cannot be read, has no row, or a cell is no number, no period, or empty.
    """
    where = str(path)
    names, rows = _parquet(Path(path)) if Path(path).suffix.lower() == ".parquet" else _csv(Path(path))
    absent = [name for name in (*texts, *numbers) if name not in names]
    if absent or len(set(names)) < len(names):
        raise HeaderError(
            f"no column is called {', '.join(absent)}" if absent else "a column stands twice",
            where=f"{where}, line 1",
            hint=f"its columns are {', '.join(names)}; needed are {', '.join((*texts, *numbers))}",
        )
    if not rows:
        raise InputFileError("there is no row", where=where, hint="give rows below the header")
    others = [name for name in names if name not in {*texts, *numbers}]
    columns: dict[str, pa.Array] = {}
    for name in (*texts, *others):
        at, is_needed = names.index(name), name in texts
        cells = [_text(cells[at], name, f"{where}, line {line}", is_needed=is_needed) for line, cells in rows]
        columns[name] = pa.array(cells, pa.string())
    for name in numbers:
        at = names.index(name)
        amounts = [_number(cells[at], name, f"{where}, line {line}") for line, cells in rows]
        columns[name] = pa.array(amounts, pa.float64())
    return pa.table(columns)


_Rows = list[tuple[int, list[str]]]


def _csv(path: Path) -> tuple[list[str], _Rows]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"the table is not UTF-8: {error}", where=str(path), hint="save it as CSV in UTF-8"
        ) from error
    except OSError as error:
        raise InputFileError(
            f"the table cannot be read: {error.strerror}", where=str(path), hint="correct the path"
        ) from error
    return read_own_csv(text, where=str(path))


def _parquet(path: Path) -> tuple[list[str], _Rows]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputFileError(
            f"the table cannot be read: {error}", where=str(path), hint="give a Parquet file, or a CSV"
        ) from error
    columns = [["" if cell is None else str(cell) for cell in column.to_pylist()] for column in table.columns]
    return table.column_names, [(at, list(cells)) for at, cells in enumerate(zip(*columns, strict=True), 1)]


def _text(cell: str, name: str, where: str, *, is_needed: bool) -> str | None:
    if not cell:
        if is_needed:
            raise InputFileError(
                f"{name} is empty", where=where, hint="say what is not known in a word: unknown"
            )
        return None
    if name != "period":
        return cell
    day = _DAY.fullmatch(cell)
    if day is not None:
        return day.group(1)
    if not _PERIOD.fullmatch(cell):
        raise InputFileError(f"{cell!r} is no period", where=where, hint="write 2023, 2023-03 or 2023-03-15")
    return cell


def _number(cell: str, name: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputFileError(
            f"{cell!r} in {name} is no number",
            where=where,
            hint="write plain numbers with a decimal point: 1234567.8",
        )
    return number
