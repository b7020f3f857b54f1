"""Files of a core table as one query, whichever version of the package wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.quoting import null_column, parquet
from entrepot.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from entrepot.schema import Table

__all__ = ["no_rows_sql", "stored_rows_sql"]


def no_rows_sql(table: Table) -> str:
    """Return the query that has a table's columns with their types, and no row."""
    return f"SELECT {', '.join(map(null_column, table.arrow_schema()))} WHERE FALSE"


def stored_rows_sql(table: Table, files: Sequence[Path]) -> str:
    """Return the query over the rows of a core table's files, with the table's columns in order.

    A file written before a column was added to the table has null there.

    Parameters
    ----------
    table
        The contract of the table.
    files
        The files; at least one.

    Raises
    ------
    LakeError
        A file lacks a column that is never null, or cannot be read.
    """
    columns = ", ".join(table.columns)
    earlier = [path for path in files if _lacks_columns(table, path)]
    if not earlier:
        return f"SELECT {columns} FROM {parquet(files)}"
    rows = f"SELECT * FROM {parquet(files, union_by_name=True)}"
    return f"SELECT {columns} FROM ({no_rows_sql(table)} UNION ALL BY NAME {rows})"


def _lacks_columns(table: Table, path: Path) -> bool:
    """Tell whether a file was written before all columns of its table were there."""
    try:
        own = set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise LakeError(
            f"a file of the lake cannot be read: {error}",
            where=str(path),
            hint="restore it from a copy, or ingest the publishers' files again into a new lake",
        ) from error
    lacking = [column for column in table.column_contracts() if column.name not in own]
    if needed := [column.name for column in lacking if not column.is_nullable]:
        raise LakeError(
            f"the lake was made by another version of entrepot: {table.name} has no {', '.join(needed)}",
            where=str(path),
            hint="ingest the publishers' files again into a new lake, --lake DIR",
        )
    return bool(lacking)
