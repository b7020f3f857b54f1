"""Rows of a query written to Parquet in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from entrepot.engine.duck import ParquetFile, engine_errors
from entrepot.engine.streams import constant_column, open_parquet, read_stream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from entrepot.engine.duck import Engine

__all__ = ["write_in_order"]


def write_in_order(
    engine: Engine,
    query: str,
    path: Path,
    *,
    constants: Mapping[str, str] | None = None,
    rows_per_group: int = 61_440,
    where: str = "",
) -> ParquetFile:
    """Write the rows of a query as one Parquet file, in the order of the query.

    Parameters
    ----------
    engine
        Runs the query.
    query
        What to write.
    path
        The file.
    constants
        Columns that stand before the query's, with one text for all rows.
    rows_per_group
        Rows of a row group at most.
    where
        What is being read, for messages.

    Returns
    -------
    ParquetFile
        Its statistics are the ``null_count`` of each column of the query, as text.

    Raises
    ------
    LakeError
        The file cannot be written.
    """
    texts = {name: pa.scalar(text, pa.string()) for name, text in (constants or {}).items()}
    with engine_errors(where or str(path)):
        reader = engine.reader(query, rows=rows_per_group, where=where)
        rows, nulls = 0, [0] * len(reader.schema)
        added = [pa.field(name, constant_column(text, 0).type) for name, text in texts.items()]
        schema = pa.schema([*added, *reader.schema])
        with open_parquet(path, schema) as write:
            for batch in read_stream(reader, where):
                rows += batch.num_rows
                nulls = [
                    before + column.null_count for before, column in zip(nulls, batch.columns, strict=True)
                ]
                fixed = [constant_column(text, batch.num_rows) for text in texts.values()]
                write(pa.RecordBatch.from_arrays([*fixed, *batch.columns], schema=schema))
    counts = zip(reader.schema.names, nulls, strict=True)
    return ParquetFile(
        path=path,
        rows=rows,
        size=path.stat().st_size,
        statistics={name: {"null_count": str(count)} for name, count in counts},
    )
