"""A lake copied between a folder and an object store, whole or what is new of it.

Readers see a table by its log. So the Parquet files go first, then the logs, that of ``core__flow`` last: a
copy that breaks off is the lake as it was before, and is completed by the next.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from entrepot.errors import LakeError
from entrepot.schema import FLOW
from entrepot.store.lake import Lake, lake_folder
from entrepot.store.object_store import StoreFolder, copy_stream, is_address, store_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LakeCopy", "copy_lake"]

_LOG = "_delta_log"
#: Overwritten by Delta, unlike all else in a lake.
_POINTER = "_last_checkpoint"
_LEFT_OUT = ("_locks", "_tmp")


@dataclass(frozen=True, slots=True)
class LakeCopy:
    """What a copy did.

    Attributes
    ----------
    copied, bytes_copied
        Files that were copied, and their size.
    already_there
        Files that the target had.
    """

    copied: int
    bytes_copied: int
    already_there: int


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    system: Any
    root: str

    def files(self) -> dict[str, int]:
        """Return the sizes of a lake's files by their path in it."""
        from pyarrow.fs import FileSelector  # noqa: PLC0415

        with store_errors(self.name):
            found = self.system.get_file_info(FileSelector(self.root, recursive=True, allow_not_found=True))
        inside = {PurePosixPath(one.path).relative_to(self.root): one.size for one in found if one.is_file}
        return {str(path): size for path, size in inside.items() if path.parts[0] not in _LEFT_OUT}

    def read(self, path: str) -> bytes:
        with store_errors(self.name), self.system.open_input_stream(f"{self.root}/{path}") as file:
            return bytes(file.read())


def copy_lake(source: str | Path, target: str | Path) -> LakeCopy:
    """Copy a lake from a folder to an object store, from there to a folder, or between folders.

    When to use: searches and ingests work on a folder. A lake that is to live in a bucket is copied to a
    disk, worked with, and copied back: each time only what is new.

    Parameters
    ----------
    source, target
        A folder, or an address: ``s3://bucket/lake``, ``gs://…``, ``abfss://…``.

    Raises
    ------
    LakeError
        There is no lake at the source, or the target is another lake, or one that has more.
    OptionError
        An address cannot be opened.
    InputFileError
        The store does not answer, or does not let us in.
    """
    with ExitStack() as held:
        given, wanted = _side(source), _side(target)
        if not is_address(source):
            held.enter_context(Lake.open(source).commit_lock())
        have = given.files()
        if not any(_is_log(path) and path.startswith(f"{FLOW.name}/") for path in have):
            raise LakeError(
                "there is no lake here", where=given.name, hint="check the folder or address, and the bucket"
            )
        if not is_address(target):
            Path(wanted.root).mkdir(parents=True, exist_ok=True)
            (Path(wanted.root) / "_locks").mkdir(exist_ok=True)
            held.enter_context(Lake(Path(wanted.root)).commit_lock())
        there = wanted.files()
        _check_same_past(given, wanted, have, there)
        return _copy(given, wanted, have, there)


def _side(place: str | Path) -> _Side:
    from pyarrow.fs import LocalFileSystem  # noqa: PLC0415  (loads the clients of three stores)

    if is_address(place):
        folder = StoreFolder.of(str(place))
        return _Side(str(place).partition("?")[0], folder.system, folder.path)
    root = str(lake_folder(place))
    return _Side(root, LocalFileSystem(), root)


def _is_log(path: str) -> bool:
    return f"/{_LOG}/" in path


def _check_same_past(given: _Side, wanted: _Side, have: Mapping[str, int], there: Mapping[str, int]) -> None:
    """Refuse to mix two lakes: every version that the target has must be one of the source, to the byte."""
    for path in sorted(there):
        if not _is_log(path) or not path.endswith(".json"):
            continue
        if path not in have:
            raise LakeError(
                f"the target has a version that the source lacks: {path}",
                where=wanted.name,
                hint="it is ahead, or another lake: copy it the other way, or choose another target",
            )
        if have[path] != there[path] or given.read(path) != wanted.read(path):
            raise LakeError(
                f"both have changed since they were copied: {path} differs",
                where=wanted.name,
                hint="copy one of them to a new place and take the files that it lacks in there",
            )


def _copy(given: _Side, wanted: _Side, have: Mapping[str, int], there: Mapping[str, int]) -> LakeCopy:
    copied, size = 0, 0
    for path in sorted(have, key=_order):
        if there.get(path) == have[path] and PurePosixPath(path).name != _POINTER:
            continue
        with store_errors(wanted.name):
            aim = f"{wanted.root}/{path}"
            wanted.system.create_dir(str(PurePosixPath(aim).parent), recursive=True)
            copy_stream(given.system, f"{given.root}/{path}", wanted.system, aim)
        copied, size = copied + 1, size + have[path]
    return LakeCopy(copied=copied, bytes_copied=size, already_there=len(have) - copied)


def _order(path: str) -> tuple[int, str]:
    """Return where a file comes: data, then logs in the order of versions, the log of the flows last."""
    if not _is_log(path):
        return 0, path
    return (2 if path.startswith(f"{FLOW.name}/") else 1), path
