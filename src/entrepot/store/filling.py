"""A lake while it is being filled: one that got nothing in is not left behind."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from entrepot.schema import FILE, FLOW, QUARANTINE
from entrepot.store.delta import is_table
from entrepot.store.lake import Lake, lake_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lake_to_fill"]


@contextmanager
def lake_to_fill(path: str | Path) -> Iterator[Lake]:
    """Give the lake in a folder, made if there is none, for as long as files are taken in.

    If it was made here and no file got in, it is removed again with the folders made for it, unless
    another process is filling it at that moment.

    Raises
    ------
    LakeError
        The lake cannot be made or opened.
    """
    folder = lake_folder(path)
    is_new = not is_table(folder / FLOW.name)
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        lake = Lake.create(folder)
        use = FileLock(lake.locks / f"use-{secrets.token_hex(4)}.lock")
        with lake.commit_lock():
            use.acquire()
        try:
            yield lake
        finally:
            use.release()
            Path(use.lock_file).unlink(missing_ok=True)
    finally:
        if is_new and folder.is_dir():
            _remove_if_empty(Lake(folder), made)


def _remove_if_empty(lake: Lake, made: list[Path]) -> None:
    """Remove a lake without rows and users; ``made`` are folders made for it, innermost first."""
    with lake.commit_lock():
        if lake.active(FLOW.name) or _is_used(lake):
            return
        # Only what an ingest makes: the folder may be one with files of the user's own.
        for inside in (lake.path / "_tmp", *lake.path.glob("raw_*")):
            if inside.is_dir() and not any(inside.iterdir()):
                inside.rmdir()
        for name in (FLOW.name, QUARANTINE.name, FILE.name, lake.locks.name):
            shutil.rmtree(lake.path / name, ignore_errors=True)
    for folder in made:
        if any(folder.iterdir()):
            return
        folder.rmdir()


def _is_used(lake: Lake) -> bool:
    """Tell whether another process fills the lake: the lock of one that died is free."""
    for path in lake.locks.glob("use-*.lock"):
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            return True
    return False
