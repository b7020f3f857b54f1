"""Housekeeping of a lake: many small files into few, and files that no table needs removed."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from filelock import Timeout

from entrepot.engine.duck import Engine
from entrepot.engine.quoting import parquet
from entrepot.schema import FILE, FLOW, QUARANTINE
from entrepot.store.delta import active_files, replace_files
from entrepot.store.lake import COMPACTED, KEY_LENGTH
from entrepot.store.reading import stored_rows_sql

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.schema import Table
    from entrepot.store.delta import ActiveFile
    from entrepot.store.lake import Lake

__all__ = ["compact", "vacuum"]

#: Files above this size are left as they are.
_LARGE = 128 * 1024 * 1024
#: Size at which a merged file is full.
_MERGED = 512 * 1024 * 1024


def compact(lake: Lake, *, memory_limit: str = "1GB") -> int:
    """Merge the small files of the core tables, partition by partition.

    No reader sees a change: the same rows stand in fewer files. Rows of the raw layer stay in the file
    that their row numbers point into. The files merged remain on disk until :func:`vacuum`.

    Returns
    -------
    int
        How many files were merged away.
    """
    merged = 0
    with lake.commit_lock(), Engine(memory_limit=memory_limit) as engine:
        present = {(row["source"], row["file_hash"]) for row in lake.files().to_pylist()}
        for table in (QUARANTINE, FILE, FLOW):
            for group in _small_files(lake, table):
                merged += _merge(lake, engine, table, group, present)
    return merged


def _small_files(lake: Lake, table: Table) -> list[list[ActiveFile]]:
    """Return groups of small files of one partition, each group to become one file."""
    groups: dict[tuple[str, ...], list[list[ActiveFile]]] = {}
    for file in lake.active(table.name):
        if file.size >= _LARGE:
            continue
        chunks = groups.setdefault(tuple(file.partition[name] for name in table.partition_by), [[]])
        if sum(member.size for member in chunks[-1]) + file.size > _MERGED:
            chunks.append([])
        chunks[-1].append(file)
    return [chunk for chunks in groups.values() for chunk in chunks if len(chunk) > 1]


def _merge(
    lake: Lake, engine: Engine, table: Table, files: list[ActiveFile], present: set[tuple[str, str]]
) -> int:
    folder = lake.path / table.name
    if table is not FLOW:
        # A file whose ingest is under way or was killed has rows here that no reader may see yet.
        files = [file for file in files if _ingested(engine, folder / file.path) <= present]
    if len(files) < 2:
        return 0
    target = folder / f"{COMPACTED}-{secrets.token_hex(8)}"
    target.mkdir()
    query = stored_rows_sql(table, [folder / file.path for file in files])
    try:
        written = engine.copy_to_parquet(
            f"{query} ORDER BY period, reporter, flow" if table is FLOW else query,
            target / "rows.parquet",
            keeps_order=True,
            where=f"compacting {table.name}",
        )
        merged = [replace(file, partition=dict(files[0].partition)) for file in written]
        replace_files(folder, added=merged, removed=files, changes_data=False)
    except BaseException:
        if target.name not in {file.path.split("/")[0] for file in active_files(folder)}:
            shutil.rmtree(target, ignore_errors=True)
        raise
    return len(files) - len(merged)


def _ingested(engine: Engine, path: Path) -> set[tuple[str, str]]:
    return set(engine.rows(f"SELECT DISTINCT source, file_hash FROM {parquet([path])}"))


def vacuum(lake: Lake, *, keep_hours: float = 168) -> int:
    """Remove from disk what no table has any more: merged files, and leftovers of killed runs.

    Parameters
    ----------
    lake
        The lake.
    keep_hours
        Folders changed later than this are kept: a reader may still have them open.

    Returns
    -------
    int
        How many folders were removed. Folders of files whose ingest is under way are left alone.
    """
    removed = 0
    oldest_kept = time.time() - keep_hours * 3600
    with lake.commit_lock():
        for table in sorted(
            folder for folder in lake.path.iterdir() if folder.is_dir() and folder.name != "_locks"
        ):
            known = {file.path.split("/")[0] for file in active_files(table)}
            for folder in table.iterdir():
                if not folder.is_dir() or folder.name in known or folder.name == "_delta_log":
                    continue
                if folder.stat().st_mtime <= oldest_kept:
                    removed += _remove(lake, folder)
    return removed


def _remove(lake: Lake, folder: Path) -> bool:
    """Remove a folder unless the ingest that writes it is alive."""
    lock = lake.file_lock(folder.name[:KEY_LENGTH])
    try:
        with lock.acquire(timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return False
    return True
