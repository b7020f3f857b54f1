"""The lake: a folder of Delta tables, and what readers may see of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock

from entrepot.errors import CoverageError, LakeError
from entrepot.schema import FILE, FLOW, QUARANTINE, QuarantineReason
from entrepot.store.delta import active_files, create_table, has_transaction, is_table
from entrepot.store.object_store import is_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.schema import Table
    from entrepot.store.delta import ActiveFile

__all__ = ["COMPACTED", "KEY_LENGTH", "Lake", "file_key", "lake_folder", "transaction_name"]

#: Folder name of compacted files. What stands in them was committed before.
COMPACTED = "compacted"

#: Length of :func:`file_key`.
KEY_LENGTH = 25

_LOCKS = "_locks"


def file_key(source: str, file_hash: str) -> str:
    """Return the folder name under which a table keeps the rows of one ingested file."""
    return f"{file_hash[:12]}-{hashlib.sha256(f'{source}:{file_hash}'.encode()).hexdigest()[:12]}"


def transaction_name(source: str, file_hash: str) -> str:
    """Return the name of the transaction that takes a file into the lake."""
    return f"ingest:{source}:{file_hash}"


class Lake:
    """A folder of Delta tables: raw rows, core tables, quarantine and the register of files.

    A file is in the lake when its transaction stands in the log of ``core__flow``; readers of the register
    and of the quarantine see nothing of other files. Make one with :meth:`open` or :meth:`create`.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: str | Path) -> Lake:
        """Return the lake in a folder.

        Raises
        ------
        LakeError
            There is no lake.
        """
        lake = cls(lake_folder(path))
        if not is_table(lake.path / FLOW.name):
            raise LakeError(
                "there is no lake in this folder"
                if lake.path.is_dir()
                else "this is a file, not the folder of a lake"
                if lake.path.exists()
                else "the folder of the lake does not exist",
                where=str(lake.path),
                hint="check the path, or make a lake: entrepot ingest SOURCE FILE --lake DIR",
            )
        return lake

    @classmethod
    def create(cls, path: str | Path) -> Lake:
        """Return the lake in a folder, made if there is none."""
        lake = cls(lake_folder(path))
        try:
            lake.path.mkdir(parents=True, exist_ok=True)
            lake.locks.mkdir(exist_ok=True)
            with lake.commit_lock():
                pass
        except OSError as error:
            if isinstance(error, FileExistsError | NotADirectoryError):
                what = "the lake must be a folder, and this is a file or lies under one"
            else:
                done = "written" if lake.path.is_dir() else "made"
                what = f"the folder of the lake cannot be {done}: {error.strerror}"
            raise LakeError(
                what,
                where=str(lake.path),
                hint="give a folder that you may write to, --lake DIR",
            ) from error
        with lake.commit_lock():
            # core__flow last: its log is what makes the folder a lake.
            for table in (FILE, QUARANTINE, FLOW):
                # A lake of an earlier version gets the columns that were added since.
                create_table(lake.path / table.name, table.arrow_schema(), table.partition_by)
        return lake

    @property
    def locks(self) -> Path:
        """Folder of the lock files."""
        return self.path / _LOCKS

    def commit_lock(self) -> FileLock:
        """Return the lock under which anything is committed; it falls with its process."""
        return FileLock(self.locks / "commit.lock")

    def file_lock(self, key: str) -> FileLock:
        """Return the lock of one file's ingest."""
        return FileLock(self.locks / f"{key}.lock")

    def has(self, source: str, file_hash: str) -> bool:
        """Tell whether a file is in the lake."""
        return has_transaction(self.path / FLOW.name, transaction_name(source, file_hash))

    def active(self, table: str) -> tuple[ActiveFile, ...]:
        """Return the files of a table's newest version with their partitions and sizes."""
        return active_files(self.path / table)

    def table_files(
        self, table: str, *, sources: Iterable[str] | None = None, years: Iterable[int] | None = None
    ) -> list[Path]:
        """Return the Parquet files of a table's newest version.

        Parameters
        ----------
        table
            Table name, such as ``core__flow``.
        sources, years
            Only these partitions, for ``core__flow``.
        """
        wanted_sources = None if sources is None else set(sources)
        wanted_years = None if years is None else {str(year) for year in years}
        return [
            self.path / table / file.path
            for file in self.active(table)
            if (wanted_sources is None or file.partition.get("source") in wanted_sources)
            and (wanted_years is None or file.partition.get("year") in wanted_years)
        ]

    def entry(self, source: str, file_hash: str) -> dict[str, Any] | None:
        """Return a file's row of the register, None if it is not in the lake."""
        key = file_key(source, file_hash)
        own = [file.path for file in self.active(FILE.name) if file.path.startswith(key)]
        register = (
            pq.ParquetFile(self.path / FILE.name / own[0]).read()
            if own and self.has(source, file_hash)
            else self.files()
        )
        found = [
            row for row in register.to_pylist() if (row["source"], row["file_hash"]) == (source, file_hash)
        ]
        return found[0] if found else None

    def files(self) -> pa.Table:
        """Return the register of the files in the lake, columns of ``core__file``, in order of ingest."""
        compacted, single = self._rows(FILE)
        register = pa.concat_tables([compacted, single.filter(self._is_committed(single))])
        return register.sort_by([("ingested_at", "ascending"), ("file_hash", "ascending")])

    def unfinished(self) -> pa.Table:
        """Return the register's rows of files whose ingest was interrupted, or is under way."""
        _, single = self._rows(FILE)
        return single.filter(pc.invert(self._is_committed(single)))

    def _is_committed(self, register: pa.Table) -> pa.Array:
        core_keys = {file.path[:KEY_LENGTH] for file in self.active(FLOW.name)}
        seen = [
            file_key(row["source"], row["file_hash"]) in core_keys
            or self.has(row["source"], row["file_hash"])
            for row in register.to_pylist()
        ]
        return pa.array(seen, pa.bool_())

    def quarantine(self) -> pa.Table:
        """Return the rows set aside, columns of ``core__quarantine``, of the files in the lake."""
        compacted, single = self._rows(QUARANTINE)
        present = pa.array(
            [f"{row['source']}:{row['file_hash']}" for row in self.files().to_pylist()], pa.string()
        )
        names = pc.binary_join_element_wise(single["source"], single["file_hash"], ":")
        return pa.concat_tables([compacted, single.filter(pc.is_in(names, value_set=present))])

    def raw_row(self, file_hash: str, row_number: int, *, source: str | None = None) -> dict[str, str | None]:
        """Return one row of an ingested file as it was published: the end of every lineage.

        Parameters
        ----------
        file_hash, row_number
            As they stand in ``core__flow`` and ``core__quarantine``.
        source
            Which source, when several have read the same file.

        Raises
        ------
        CoverageError
            The file is not in the lake, or has fewer rows.
        """
        register = [
            row
            for row in self.files().to_pylist()
            if row["file_hash"] == file_hash and source in {None, row["source"]}
        ]
        if not register:
            raise CoverageError(
                f"no file {file_hash} in the lake",
                where=str(self.path),
                hint="take the hash from core__flow or from the register of files",
            )
        entry = register[0]
        raw = self.path / entry["raw_table"]
        key = file_key(entry["source"], file_hash)
        paths = [raw / file.path for file in active_files(raw) if file.path.startswith(key)]
        unreadable = self._unreadable(entry["source"], file_hash)
        if row_number in unreadable:
            return {"unreadable": unreadable[row_number]}
        position = row_number - 1 - sum(number < row_number for number in unreadable)
        found = _row_at(paths, position) if position >= 0 else None
        if found is None:
            raise CoverageError(
                f"the file has no row {row_number:,}",
                where=entry["file_name"],
                hint=f"row numbers go from 1; {entry['rows_read']:,} rows were read",
            )
        return {name: value for name, value in found.items() if name not in {"file_hash", "_trailing"}}

    def _unreadable(self, source: str, file_hash: str) -> dict[int, str]:
        rows = self.quarantine().filter(
            (pc.field("file_hash") == file_hash)
            & (pc.field("source") == source)
            & (pc.field("reason") == QuarantineReason.UNREADABLE.value)
        )
        return {
            row["row_number"]: row["raw_line"] for row in rows.select(["row_number", "raw_line"]).to_pylist()
        }

    def _rows(self, table: Table) -> tuple[pa.Table, pa.Table]:
        """Return the rows of a small table: those compacted, and those as their ingests left them."""
        schema = pa.schema([pa.field(field.name, field.type) for field in table.arrow_schema()])
        empty = schema.empty_table()
        parts: dict[bool, list[pa.Table]] = {True: [empty], False: [empty]}
        for file in self.active(table.name):
            rows = pq.ParquetFile(self.path / table.name / file.path).read().select(schema.names).cast(schema)
            parts[file.path.startswith(COMPACTED)].append(rows)
        return pa.concat_tables(parts[True]), pa.concat_tables(parts[False])


def lake_folder(path: str | Path) -> Path:
    """Return the folder of a lake as an absolute path."""
    if is_address(path):
        raise LakeError(
            "a lake is worked with in a folder, not in an object store",
            where=str(path),
            hint="copy it to a folder first: entrepot copy s3://BUCKET/LAKE DIR; then back",
        )
    return Path(path).expanduser().absolute()


def _row_at(paths: list[Path], position: int) -> dict[str, str | None] | None:
    """Return the row at a position of files read one after the other, reading one row group only."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if position < rows:
                    table = file.read_row_group(group).slice(position, 1)
                    return {
                        name: None if value is None else str(value)
                        for name, value in table.to_pylist()[0].items()
                    }
                position -= rows
    return None
