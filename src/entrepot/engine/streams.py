"""Batches of a running query handed to Parquet writers, reading and writing side by side.

For wide tables of codes and texts, which is what publishers' files and their canonical rows are, this takes
less processor time than DuckDB's own writing: a constant need not be spelt out for every row, an ENUM is
written as the dictionary that it is, and a column of many values is not tried as one.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from entrepot.engine.duck import stream_error, write_error
from entrepot.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["constant_column", "open_parquet", "read_stream"]

#: Batches that wait for the writer: reading stops when it is so far ahead, so that memory stays small.
_WAITING: Final = 2

#: Bytes of a column's dictionary: codes and flags fit.
_DICTIONARY: Final = 131072

#: Rows that are encoded at a time: in small steps the steps cost as much as the rows.
_AT_ONCE: Final = 65_536

#: Rows for each value, in the first batch, that make a dictionary worth its making.
_REPEATS: Final = 4


def constant_column(value: pa.Scalar, rows: int) -> pa.Array:
    """Return a column of one value; a text stands in it once.

    Examples
    --------
    >>> constant_column(pa.scalar("CHN"), 2).to_pylist()
    ['CHN', 'CHN']
    """
    if not value.is_valid:
        return pa.nulls(rows, value.type)
    if not pa.types.is_string(value.type):
        return pa.repeat(value, rows)
    return pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=np.int8), pa.array([value], value.type))


def read_stream(reader: pa.RecordBatchReader, where: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches; what goes wrong in the engine by then reaches us as an error of the stream.

    Raises
    ------
    EntrepotError
        The query failed on the way.
    """
    try:
        yield from reader
    except (OSError, pa.ArrowException) as error:
        raise stream_error(str(error), where) from error


@contextmanager
def open_parquet(
    path: Path, schema: pa.Schema, *, statistics: Sequence[str] = ()
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Give a function that writes a batch as one row group, in a thread of its own.

    Parameters
    ----------
    path
        The file.
    schema
        Schema of the batches. A dictionary is a matter of the writing: readers find its values' type.
    statistics
        Columns by which readers skip row groups.

    Raises
    ------
    LakeError
        The file cannot be written.
    ContractError
        A column that holds no null has one.
    """
    waiting: deque[Future[None]] = deque()
    try:
        with _File(path, schema, statistics) as file, ThreadPoolExecutor(1) as thread:

            def write(batch: pa.RecordBatch) -> None:
                waiting.append(thread.submit(file.write, batch))
                if len(waiting) > _WAITING:
                    waiting.popleft().result()

            yield write
            for written in waiting:
                written.result()
    except OSError as error:
        raise write_error(str(error), str(path)) from error
    except pa.ArrowInvalid as error:
        raise ContractError(
            f"rows that the table does not allow: {error}",
            where=str(path),
            hint="this is a bug of the query that makes them; please report it",
        ) from error


class _File:
    """A Parquet file that is opened for its first batch, which shows how its columns are best encoded."""

    def __init__(self, path: Path, schema: pa.Schema, statistics: Sequence[str]) -> None:
        self._path = path
        self._schema = schema
        self._statistics = list(statistics)
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self._writer is None and error is None:
            self._writer = self._open(self._schema.empty_table())
        if self._writer is not None:
            self._writer.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch as one row group."""
        if self._writer is None:
            self._writer = self._open(batch)
        self._writer.write_batch(batch)

    def _open(self, first: pa.RecordBatch | pa.Table) -> pq.ParquetWriter:
        few = [name for name in self._schema.names if _has_few_values(first.column(name))]
        encodings = {
            name: encoding
            for name in self._schema.names
            if name not in few and (encoding := _encoding(self._schema.field(name).type))
        }
        return pq.ParquetWriter(
            self._path,
            self._schema,
            compression="zstd",
            use_dictionary=few,
            column_encoding=encodings,
            write_statistics=self._statistics,
            dictionary_pagesize_limit=_DICTIONARY,
            write_batch_size=_AT_ONCE,
            store_schema=False,
        )


def _encoding(kind: pa.DataType) -> str:
    """Return how a column of many values is laid out, before it is compressed: faster and smaller than plain.

    Whole numbers of many values are numbers of rows, each one more than the one before. Of other numbers, and
    of numbers as text, the like parts are put together: bytes of one place, lengths.
    """
    if pa.types.is_integer(kind):
        return "DELTA_BINARY_PACKED"
    if pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    return "DELTA_LENGTH_BYTE_ARRAY" if pa.types.is_string(kind) else ""


def _has_few_values(column: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether a dictionary of a column is worth its making; values and weights are written plain."""
    if pa.types.is_dictionary(column.type):
        return True
    values: int = pc.count_distinct(column).as_py()
    return values * _REPEATS <= len(column)
