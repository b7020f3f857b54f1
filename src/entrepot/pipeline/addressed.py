"""Files to take in that lie in an object store: copied while they are read, called by their addresses."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from entrepot.errors import EntrepotError
from entrepot.pipeline.inputs import file_paths
from entrepot.pipeline.intake_report import FileReport
from entrepot.store.object_store import StoredFile, files_of_address, is_address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from entrepot.store import Lake

__all__ = ["LocalCopies", "given_files"]


def given_files(paths: Iterable[str | Path]) -> tuple[Path | StoredFile, ...]:
    """Return the files that paths, folders, patterns and addresses of object stores mean, in order.

    Raises
    ------
    EmptyFileError
        A folder or address holds no files, or a pattern fits none.
    OptionError
        An address cannot be opened.
    InputFileError
        An object store does not answer, or does not let us in.
    """
    found: dict[Path | str, Path | StoredFile] = {}
    for given in paths:
        if is_address(given):
            found |= {file.address: file for file in files_of_address(str(given))}
        else:
            found |= {path: path for path in file_paths([given])}
    return tuple(found.values())


class LocalCopies:
    """Local copies of stored files, under the lake: a context manager that removes them.

    The lake's folder is on a disk with room, and on Spark every machine sees it under the same path.

    Parameters
    ----------
    lake
        The lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._folder = lake.path / "_tmp" / f"copies-{secrets.token_hex(4)}"
        self._addresses: dict[Path, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def local(self, file: Path | StoredFile) -> Path | FileReport:
        """Return the path of a file on the disk, or the report of a copy that failed."""
        if not isinstance(file, StoredFile):
            return file
        path = self._folder / file.key
        self._addresses[path] = file.address
        try:
            file.download(path)
        except EntrepotError as error:
            return FileReport(path=file.address, status="failed", error=error)
        return path

    def drop(self, path: Path) -> None:
        """Remove a copy that is not needed any more."""
        if path in self._addresses:
            path.unlink(missing_ok=True)

    def named(self, report: FileReport) -> FileReport:
        """Return a report that speaks of the address rather than of the copy."""
        address = self._addresses.get(report.path) if not isinstance(report.path, str) else None
        if address is None:
            return report
        local, error = str(report.path), report.error
        if error is not None:
            texts = (text.replace(local, address) for text in (error.what, error.where, error.hint))
            what, where, hint = texts
            error = type(error)(what, where=where, hint=hint)
        return replace(report, path=address, error=error)
