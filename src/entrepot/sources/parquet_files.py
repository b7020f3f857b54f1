"""A Parquet file as a source meets it: told from its first bytes, its columns read from its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.archives import TRY_AGAIN, is_archive
from entrepot.engine.container import read_head
from entrepot.errors import EmptyFileError, InputFileError, TruncatedFileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_parquet", "parquet_columns"]


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet.

    Raises
    ------
    InputFileError
        There is a Parquet file inside an archive.
    """
    if read_head(path, 4) != b"PAR1":
        return False
    if is_archive(path):
        raise InputFileError(
            "there is a Parquet file inside the archive",
            where=str(path),
            hint="unpack it first: Parquet is compressed already",
        )
    return True


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns.

    Raises
    ------
    EmptyFileError
        The file has no rows.
    TruncatedFileError
        It is cut or damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows == 0:
                raise EmptyFileError("the file has no rows", where=str(path), hint="leave it out")
            return tuple(file.schema_arrow.names)
    except (pa.ArrowInvalid, OSError) as error:
        raise TruncatedFileError(
            f"the Parquet file cannot be read: {error}", where=str(path), hint=TRY_AGAIN
        ) from error
