"""Rows in batches: what reads them twice never holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.errors import ContractError, InputFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["ParquetRows"]

_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """The rows of Parquet files, their text read as the numbers that it is stored as.

    Attributes
    ----------
    paths
        The files, all of the same columns.
    """

    paths: tuple[Path, ...]

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the rows of a file, or of all files of a folder.

        Raises
        ------
        InputFileError
            There is none.
        """
        paths = tuple(sorted(path.rglob("*.parquet"))) if path.is_dir() else (path,)
        if not paths or not path.exists():
            raise InputFileError(
                "no Parquet file", where=str(path), hint="give a file that is there, or a folder of *.parquet"
            )
        return cls(paths)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns in batches, text as dictionaries."""
        for path in self.paths:
            try:
                schema = pq.read_schema(path)
                text = [field.name for field in schema if pa.types.is_string(field.type)]
                # What is read ahead of a local file is copied once more, and held.
                with pq.ParquetFile(path, read_dictionary=text, pre_buffer=False) as file:
                    absent = [name for name in columns if name not in schema.names]
                    if absent:
                        raise ContractError(
                            f"no columns {', '.join(absent)}",
                            where=str(path),
                            hint="write the columns of core__reconciled, as `entrepot flows` does",
                        )
                    yield from file.iter_batches(batch_size=_ROWS, columns=[*columns])
            except (pa.ArrowInvalid, OSError) as error:
                raise InputFileError(
                    str(error).splitlines()[0], where=str(path), hint="give Parquet files"
                ) from error
