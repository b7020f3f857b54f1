"""The writing side of the lake: one file's rows go in together, or not at all."""

from __future__ import annotations

import secrets
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.duck import ParquetFile
from entrepot.errors import LakeError
from entrepot.schema import FILE, FLOW, QUARANTINE
from entrepot.store.delta import active_files, create_table, replace_files
from entrepot.store.lake import file_key, transaction_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from entrepot.store.lake import Lake

__all__ = ["FileRows", "Staging", "Workspace"]


@dataclass(frozen=True, slots=True)
class FileRows:
    """What one ingested file adds to the lake; all Parquet files lie in folders of its workspaces.

    Attributes
    ----------
    raw
        The rows as published.
    quarantine
        Rows set aside; empty when there are none.
    flow
        Canonical rows; at least one file, each with its partition values.
    register
        The file's row in ``core__file``.
    """

    raw: tuple[ParquetFile, ...]
    quarantine: tuple[ParquetFile, ...]
    flow: tuple[ParquetFile, ...]
    register: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders into which one run writes the rows of one file, before they are committed.

    A run may write in another process, or on another machine, than that which commits.

    Attributes
    ----------
    lake
        The lake.
    run
        Name of the folders: the file's key, and something that no other run has.
    """

    lake: Lake
    run: str

    @classmethod
    def of(cls, lake: Lake, source: str, file_hash: str) -> Workspace:
        """Return the workspace of a new run."""
        return cls(lake, f"{file_key(source, file_hash)}-{secrets.token_hex(4)}")

    def folder(self, table: str) -> Path:
        """Return the folder, inside the table's, into which this run writes Parquet files."""
        folder = self.lake.path / table / self.run
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeError(
                f"the lake cannot be written: {error.strerror}",
                where=str(folder),
                hint="free some space, or check that you may write to the lake; then repeat the command",
            ) from error
        return folder

    def scratch(self) -> Path:
        """Return a folder of this run for temporary files, on the lake's disk."""
        return self.folder("_tmp")


class Staging:
    """The right to take one file into a lake: a context manager that holds the file's lock.

    Two processes that ingest the same file do so one after the other. What a killed run left of the file
    is removed on entering; what was written since is removed on leaving, unless it was committed.

    Parameters
    ----------
    lake
        The lake.
    source, file_hash
        The file, and what reads it.
    raw_table
        Table of the raw layer for its rows.
    """

    def __init__(self, lake: Lake, source: str, file_hash: str, raw_table: str) -> None:
        self.lake = lake
        self.source = source
        self.file_hash = file_hash
        self.raw_table = raw_table
        #: Folders of this process; other workspaces of the file may be committed as well.
        self.workspace = Workspace.of(lake, source, file_hash)
        self._key = file_key(source, file_hash)
        self._was_done = False
        self._tables = (raw_table, QUARANTINE.name, FILE.name, FLOW.name)
        self._locks = ExitStack()

    def __enter__(self) -> Self:
        self._locks.enter_context(self.lake.file_lock(self._key))
        try:
            self._was_done = self.is_done()
            self._clean()
        except BaseException:
            self._locks.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._clean()
        finally:
            self._locks.close()

    def is_done(self) -> bool:
        """Tell whether the file is in the lake already."""
        return self.lake.has(self.source, self.file_hash)

    def commit(self, rows: FileRows, raw_schema: pa.Schema) -> None:
        """Take the file in: raw rows, quarantine, register, and at last the core rows.

        The commit to ``core__flow`` is the moment at which the file is in the lake. A run that ends
        before leaves nothing that a reader sees, and the next run of the same file replaces it.
        """
        register = self._write_register(rows.register)
        with self.lake.commit_lock():
            create_table(self.lake.path / self.raw_table, raw_schema)
            self._replace(self.raw_table, rows.raw)
            self._replace(QUARANTINE.name, rows.quarantine)
            self._replace(FILE.name, (register,))
            replace_files(
                self.lake.path / FLOW.name,
                added=rows.flow,
                transaction=transaction_name(self.source, self.file_hash),
            )

    def _replace(self, table: str, files: Iterable[ParquetFile]) -> None:
        folder = self.lake.path / table
        old = [file for file in active_files(folder) if file.path.startswith(self._key)]
        replace_files(folder, added=files, removed=old)

    def _write_register(self, entry: Mapping[str, Any]) -> ParquetFile:
        path = self.workspace.folder(FILE.name) / "file.parquet"
        table = pa.Table.from_pylist([dict(entry)], schema=FILE.arrow_schema())
        try:
            pq.write_table(table, path)
        except OSError as error:
            raise LakeError(
                f"the register cannot be written: {error}",
                where=str(path),
                hint="free some space and repeat the command: nothing was committed",
            ) from error
        return ParquetFile(path=path, rows=1, size=path.stat().st_size)

    def _clean(self) -> None:
        """Remove folders of this file that no table knows; the file's lock is held.

        Of a file that is in already they stay: readers may still use what compaction has replaced.
        """
        if self._was_done:
            return
        for table in (*self._tables, "_tmp"):
            folder = self.lake.path / table
            known = {file.path.split("/")[0] for file in active_files(folder)}
            for left in folder.glob(f"{self._key}*"):
                if left.name not in known:
                    shutil.rmtree(left, ignore_errors=True)
