"""Batches of a running query handed to Parquet writers, reading and writing side by side.

For wide tables of codes and texts, which is what publishers' files and their canonical rows are, this takes
less processor time than DuckDB's own writing: a constant need not be spelt out for every row, and an ENUM is
written as the dictionary that it is.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.duck import stream_error, write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["constant_column", "open_parquet", "read_stream"]

#: Batches that wait for the writer: reading stops when it is so far ahead, so that memory stays small.
_WAITING: Final = 2

#: Bytes of a column's dictionary: codes and flags fit, values and weights are soon written plain.
_DICTIONARY: Final = 131072


def constant_column(value: pa.Scalar, rows: int) -> pa.Array:
    """Return a column of one value; a text stands in it once.

    Examples
    --------
    >>> constant_column(pa.scalar("CHN"), 2).to_pylist()
    ['CHN', 'CHN']
    """
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
    """
    waiting: deque[Future[None]] = deque()
    try:
        with (
            pq.ParquetWriter(
                path,
                schema,
                compression="zstd",
                write_statistics=list(statistics),
                dictionary_pagesize_limit=_DICTIONARY,
                store_schema=False,
            ) as file,
            ThreadPoolExecutor(1) as thread,
        ):

            def write(batch: pa.RecordBatch) -> None:
                waiting.append(thread.submit(file.write_batch, batch))
                if len(waiting) > _WAITING:
                    waiting.popleft().result()

            yield write
            for written in waiting:
                written.result()
    except OSError as error:
        raise write_error(str(error), str(path)) from error
