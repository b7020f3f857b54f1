"""Folders of object stores (``s3://``, ``gs://``, ``abfss://``): what lies there, and copies of it.

Arrow's own file systems do the work. Credentials come from where each store's tools have them (environment,
profile, the machine's role), never from the address; what else a store needs stands behind a question mark:
``s3://bucket/folder?endpoint_override=minio:9000&scheme=http``.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

from entrepot.errors import EmptyFileError, InputFileError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["StoreFolder", "StoredFile", "copy_stream", "files_of_address", "is_address", "store_errors"]

_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")
#: A path of the command line has lost a slash: ``s3:/bucket``.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_CHUNK = 8 << 20
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in an object store.

    Attributes
    ----------
    folder
        The address by which it was found.
    key
        Bucket and path.
    size
        Bytes.
    modified
        Seconds since 1970 of its last change, None where the store does not say.
    """

    folder: StoreFolder
    key: str
    size: int
    modified: float | None

    @property
    def address(self) -> str:
        """The address of the file alone."""
        return f"{self.folder.scheme}://{self.key}"

    def download(self, target: Path) -> None:
        """Write a local copy, with the time of the last change of the file itself."""
        target.parent.mkdir(parents=True, exist_ok=True)
        system = self.folder.system
        with (
            store_errors(self.address),
            system.open_input_stream(self.key) as source,
            target.open("wb") as copy,
        ):
            shutil.copyfileobj(source, copy, _CHUNK)
        if (got := target.stat().st_size) != self.size:
            raise InputFileError(
                f"{got:,} of {self.size:,} bytes came", where=self.address, hint="repeat the command"
            )
        if self.modified is not None:
            os.utime(target, (self.modified, self.modified))


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """A place in an object store.

    Attributes
    ----------
    scheme
        ``s3``, ``gs`` or ``abfss``.
    system
        Arrow's file system.
    path
        Bucket and path, without a slash at the end.
    """

    scheme: str
    system: Any
    path: str

    @classmethod
    def of(cls, address: str) -> StoreFolder:
        """Return the place of an address.

        Raises
        ------
        OptionError
            It is none, or has a key or password in it.
        """
        from pyarrow.fs import FileSystem  # noqa: PLC0415  (loads the clients of three stores)

        parts = urlsplit(address)
        if parts.scheme not in _SCHEMES or not parts.netloc:
            raise OptionError(
                f"{parts.scheme}:// is no address that can be opened",
                where=address,
                hint="give a folder, or an address that begins with s3://, gs:// or abfss:// and a bucket",
            )
        if parts.password or (parts.username and parts.scheme == "s3") or "secret_key" in parts.query:
            raise OptionError(
                "keys and passwords do not belong in an address, which is printed and stored",
                where=f"{parts.scheme}://{parts.hostname}{parts.path}",
                hint="set them in the environment, as the store's own tools have them: AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY for s3://",
            )
        with store_errors(address):
            system, path = FileSystem.from_uri(address)
        return cls(parts.scheme, system, path.rstrip("/"))

    def files(self) -> list[StoredFile]:
        """Return all files under it, by name; none where there is nothing."""
        from pyarrow.fs import FileSelector  # noqa: PLC0415

        with store_errors(f"{self.scheme}://{self.path}"):
            found = self.system.get_file_info(FileSelector(self.path, recursive=True, allow_not_found=True))
        return sorted((self._file(one) for one in found if one.is_file), key=lambda file: file.key)

    def file(self) -> StoredFile | None:
        """Return the file that the address means, None where it is a folder or nothing."""
        with store_errors(f"{self.scheme}://{self.path}"):
            about = self.system.get_file_info(self.path)
        return self._file(about) if about.is_file else None

    def _file(self, about: Any) -> StoredFile:
        return StoredFile(self, about.path, about.size, about.mtime.timestamp() if about.mtime else None)


def is_address(text: object) -> bool:
    """Say whether a path is an address rather than one of a disk."""
    return _ADDRESS.match(str(text)) is not None


def files_of_address(address: str) -> list[StoredFile]:
    """Return the files that an address means: one, all under a folder, or those that fit a pattern.

    Raises
    ------
    OptionError
        It is no address that can be opened.
    InputFileError
        The store does not answer, or does not let us in.
    EmptyFileError
        There is nothing.
    """
    place, question, query = address.partition("?")
    parts = PurePosixPath(place.partition("://")[2]).parts
    fixed = next((at for at, part in enumerate(parts) if _MAGIC & set(part)), len(parts))
    scheme = place.partition("://")[0]
    folder = StoreFolder.of(f"{scheme}://{'/'.join(parts[:fixed])}{question}{query}")
    if fixed < len(parts):
        pattern = f"{folder.path}/{'/'.join(parts[fixed:])}"
        found = [file for file in folder.files() if fnmatch.fnmatchcase(file.key, pattern)]
        what = "no file matches the pattern"
    else:
        alone = folder.file()
        found = [alone] if alone else [file for file in folder.files() if not _is_hidden(file, folder)]
        what = "there is no file of this name, and none under it"
    if not found:
        raise EmptyFileError(what, where=place, hint="check bucket and path")
    return found


def _is_hidden(file: StoredFile, folder: StoreFolder) -> bool:
    inside = PurePosixPath(file.key).relative_to(folder.path).parts
    return any(part.startswith(".") for part in inside)


def copy_stream(source: Any, source_key: str, target: Any, target_key: str) -> None:
    """Copy one file between two of Arrow's file systems."""
    with source.open_input_stream(source_key) as read, target.open_output_stream(target_key) as write:
        shutil.copyfileobj(read, write, _CHUNK)


@contextmanager
def store_errors(where: str) -> Iterator[None]:
    """Say of a store that fails what it said, and where credentials come from."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise InputFileError(
            f"the object store does not give or take it: {error}",
            where=where.partition("?")[0],
            hint="check bucket, path and network; credentials come from the environment or profile of the "
            "store's own tools; another server of S3 stands behind ?endpoint_override=HOST:PORT&scheme=http",
        ) from error
