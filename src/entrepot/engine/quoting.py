"""Quoting for SQL text: names, values and paths that may hold any character."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["identifier", "literal", "null_column", "parquet", "read_path"]

_SQL_TYPES: Final = {
    pa.string(): "VARCHAR", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN", pa.date32(): "DATE", pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}  # fmt: skip


def identifier(name: str) -> str:
    """Return a column or table name, quoted.

    Examples
    --------
    >>> identifier('the "net" weight')
    '"the ""net"" weight"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | None) -> str:
    """Return a value as an SQL constant.

    Examples
    --------
    >>> literal("Côte d'Ivoire"), literal(None), literal(True), literal(7)
    ("'Côte d''Ivoire'", 'NULL', 'TRUE', '7')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def null_column(field: pa.Field) -> str:
    """Return a column without values as an item of a SELECT, of the field's name and type.

    Examples
    --------
    >>> null_column(pa.field("year", pa.int32()))
    'NULL::INTEGER AS "year"'
    """
    return f"NULL::{_SQL_TYPES[field.type]} AS {identifier(field.name)}"


def read_path(path: str | Path) -> str:
    """Return a path to read as an SQL constant that matches this one file.

    DuckDB takes paths for patterns: a release date in brackets would be read as a character class.

    Examples
    --------
    >>> read_path("FINAL[2023-01-03].csv")
    "'FINAL[[]2023-01-03].csv'"
    """
    return literal("".join(f"[{char}]" if char in "*?[" else char for char in str(path)))


def parquet(
    paths: Iterable[str | Path], *, with_row_number: bool = False, union_by_name: bool = False
) -> str:
    """Return the table function that reads Parquet files, for use after FROM.

    Parameters
    ----------
    paths
        The files; at least one.
    with_row_number
        Add ``file_row_number``, the position of a row in its file, from 0.
    union_by_name
        The files have different columns: a column that a file lacks is null.
    """
    options = ["hive_partitioning = false"]
    if with_row_number:
        options.append("file_row_number = true")
    if union_by_name:
        options.append("union_by_name = true")
    files = ", ".join(read_path(path) for path in paths)
    return f"read_parquet([{files}], {', '.join(options)})"
