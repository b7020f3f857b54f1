"""Delta tables of the lake: created, read and committed here and nowhere else."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable, Field
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from entrepot.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from entrepot.engine.duck import ParquetFile

__all__ = ["ActiveFile", "active_files", "create_table", "has_transaction", "is_table", "replace_files"]

_RETRIES = 15


@dataclass(frozen=True, slots=True)
class ActiveFile:
    """A Parquet file that a table's newest version consists of.

    Attributes
    ----------
    path
        Relative to the table's folder.
    size, rows
        Bytes and rows.
    partition
        Partition values as text.
    """

    path: str
    size: int
    rows: int
    partition: Mapping[str, str]


@contextmanager
def _delta_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError) as error:
        text = str(error)
        is_full = "No space left" in text or "File too large" in text
        trouble = "written: the disk is full" if is_full else "read or committed"
        raise LakeError(
            f"table {folder.name} cannot be {trouble}: {text}",
            where=str(folder),
            hint="free some space and repeat the command: a repeated ingest completes itself"
            if is_full
            else "repeat the command; if it fails again the table's log is damaged: restore it from a copy",
        ) from error


def is_table(folder: Path) -> bool:
    """Tell whether a folder holds a Delta table."""
    return (folder / "_delta_log").is_dir() and any((folder / "_delta_log").glob("*.json"))


def create_table(folder: Path, schema: pa.Schema, partition_by: Iterable[str] = ()) -> None:
    """Create a table, or give an existing one the columns that it lacks (names compared case-blind)."""
    with _delta_errors(folder):
        if not is_table(folder):
            DeltaTable.create(
                folder, schema=schema, mode="ignore", partition_by=list(partition_by), name=folder.name
            )
            return
        table = DeltaTable(folder)
        known = {field.name.casefold() for field in table.schema().fields}
        wanted = DeltaSchema.from_arrow(schema).fields
        new = [
            Field(field.name, field.type, nullable=True)
            for field in wanted
            if field.name.casefold() not in known
        ]
        if new:
            table.alter.add_columns(new)


def active_files(folder: Path) -> tuple[ActiveFile, ...]:
    """Return the files of the table's newest version, in the order of their paths; none without a table."""
    if not is_table(folder):
        return ()
    with _delta_errors(folder):
        try:
            actions = pa.table(DeltaTable(folder).get_add_actions(flatten=True)).to_pylist()
        except TableNotFoundError:
            return ()
    files = (
        ActiveFile(
            # A log has paths as parts of URLs: the folder source=csv%3Aown stands there with %253A.
            path=unquote(action["path"]),
            size=action["size_bytes"],
            rows=action["num_records"],
            partition={
                name.removeprefix("partition."): str(value)
                for name, value in action.items()
                if name.startswith("partition.")
            },
        )
        for action in actions
    )
    return tuple(sorted(files, key=lambda file: file.path))


def has_transaction(folder: Path, name: str) -> bool:
    """Tell whether a transaction of that name was committed to the table."""
    if not is_table(folder):
        return False
    with _delta_errors(folder):
        return DeltaTable(folder).transaction_version(name) is not None


def replace_files(
    folder: Path,
    *,
    added: Iterable[ParquetFile],
    removed: Iterable[ActiveFile] = (),
    transaction: str | None = None,
    changes_data: bool = True,
) -> None:
    """Commit files to a table, all or nothing.

    Parameters
    ----------
    folder
        The table.
    added
        Files that already lie in the folder or under it.
    removed
        Active files that they replace.
    transaction
        Name recorded with the commit, for :func:`has_transaction`.
    changes_data
        False when the same rows are only laid out anew.
    """
    with _delta_errors(folder):
        table = DeltaTable(folder)
        partition_by = table.metadata().partition_columns
        actions: list[AddAction | RemoveAction] = [
            _add(folder, file, partition_by, changes_data) for file in added
        ]
        actions += [_remove(file, changes_data) for file in removed]
        if not actions:
            return
        table.create_write_transaction(
            actions,
            mode="append",
            schema=table.schema(),
            partition_by=partition_by,
            commit_properties=CommitProperties(
                max_commit_retries=_RETRIES,
                app_transactions=[Transaction(transaction, 1)] if transaction else None,
            ),
        )


def _add(folder: Path, file: ParquetFile, partition_by: list[str], changes_data: bool) -> AddAction:  # noqa: FBT001 one caller
    about = file.path.stat()
    # Text bounds only: they need no conversion, and readers skip files by them.
    exact = {
        name: values
        for name, values in file.statistics.items()
        if values.get("min_is_exact") == "true"
        and name in {"reporter", "partner", "period", "hs_code", "file_hash"}
    }
    statistics = {
        "numRecords": file.rows,
        "minValues": {name: values["min"] for name, values in exact.items()},
        "maxValues": {name: values["max"] for name, values in exact.items()},
    }
    return AddAction(
        path=file.path.relative_to(folder).as_posix(),
        size=about.st_size,
        partition_values={name: file.partition[name] for name in partition_by},
        modification_time=int(about.st_mtime * 1000),
        data_change=changes_data,
        stats=json.dumps(statistics),
    )


def _remove(file: ActiveFile, changes_data: bool) -> RemoveAction:  # noqa: FBT001 one caller
    return RemoveAction(
        path=file.path,
        data_change=changes_data,
        deletion_timestamp=int(time.time() * 1000),
        size=file.size,
        partition_values=dict(file.partition),
    )
