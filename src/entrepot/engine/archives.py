"""What stands inside a gzip, zip or 7z archive, block by block: nothing is held in memory as a whole."""

from __future__ import annotations

import gzip
import lzma
import re
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, cast

from entrepot.errors import EntrepotError, HeaderError, InputFileError, TruncatedFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from py7zr import SevenZipFile

__all__ = ["TRY_AGAIN", "file_errors", "is_archive", "pour", "zip_names"]

_BLOCK: Final = 4 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
#: A member's beginning, and the end of an archive of none.
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_SEVEN_ZIP: Final = b"7z\xbc\xaf\x27\x1c"

_CUT: Final = "the archive ends before its data do: the download was cut short"
#: What to do with a file that is not whole.
TRY_AGAIN: Final = "download the file again, and compare its size with the publisher's"

#: What py7zr and zipfile raise on bytes that are no whole archive: their parsers check little.
_DAMAGED: Final = (
    lzma.LZMAError, zlib.error, struct.error, EOFError, ValueError, LookupError, TypeError, AttributeError,
    AssertionError, ArithmeticError, MemoryError, NotImplementedError, RuntimeError,
)  # fmt: skip


def is_archive(path: Path) -> bool:
    """Tell whether a file is a gzip, zip or 7z archive, by its bytes."""
    with file_errors(path), path.open("rb") as file:
        return file.read(6).startswith((_GZIP, *_ZIP, _SEVEN_ZIP))


def zip_names(path: Path) -> tuple[str, ...]:
    """Return the names of what a zip archive holds, nothing for another file.

    Raises
    ------
    TruncatedFileError
        The archive is damaged.
    """
    with file_errors(path):
        if not path.is_file() or not zipfile.is_zipfile(path):
            return ()
        with path.open("rb") as file, _opened_zip(path, file) as archive:
            return tuple(archive.namelist())


@contextmanager
def _opened_zip(path: Path, file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Give the archive that a file is."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, *_DAMAGED) as error:
        raise TruncatedFileError(_CUT, where=f"{path}: {error}", hint=TRY_AGAIN) from error
    with archive:
        yield archive


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn what reading a file or an archive raises into errors of entrepot.

    Raises
    ------
    TruncatedFileError
        The archive is cut short or damaged.
    InputFileError
        The file cannot be opened or read.
    """
    if path.exists() and not path.is_file():
        raise InputFileError(
            "this is no file with a beginning and an end (a folder, a pipe or a device)",
            where=str(path),
            hint="save what it gives to a file first: it is read more than once",
        )
    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise TruncatedFileError(_CUT, where=f"{path}: {error}", hint=TRY_AGAIN) from error
    except OSError as error:
        if error.filename is None or str(error.filename) == str(path):
            raise InputFileError(
                f"the file cannot be read: {error.strerror or error}",
                where=str(path),
                hint="check the path and that you may read the file",
            ) from error
        raise


def pour(
    path: Path, take: Callable[[bytes], bool | None], *, members: str = "", header_lines: int = 1
) -> None:
    """Hand a file's content to ``take``, block by block; what is inside, when it is an archive.

    Parameters
    ----------
    path
        The file.
    take
        Is given the blocks in order, and says True when it has enough. What it raises comes out as it is.
    members
        Pattern of the names of the members that are wanted. They are read in the order of their names, as
        one text: of all but the first the header is left out. Without it an archive must hold one file.
    header_lines
        Lines of a member's header.

    Raises
    ------
    TruncatedFileError
        The archive is cut short or damaged.
    HeaderError
        The members do not have one header.
    InputFileError
        The archive is encrypted, holds not exactly one file or none that is wanted, or cannot be read.
    """
    with file_errors(path), path.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        if start == _SEVEN_ZIP:
            _pour_seven_zip(path, take, members, header_lines)
        elif start.startswith(_ZIP):
            with _opened_zip(path, file) as archive:
                joined = _Joined(path, take, header_lines)
                for name in _chosen(path, archive.namelist(), members):
                    joined.begin(name)
                    with _open_member(path, archive, name) as content:
                        if _copy(path, content, joined):
                            break
        elif start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unzipped:
                _copy(path, cast("IO[bytes]", unzipped), take)
        else:
            _copy(path, file, take)


def _copy(path: Path, content: IO[bytes], take: Callable[[bytes], bool | None]) -> bool:
    """Hand on a content's blocks; tell whether there was enough before its end."""
    while block := _next_block(path, content):
        if take(block):
            return True
    return False


def _next_block(path: Path, content: IO[bytes]) -> bytes:
    try:
        return content.read(_BLOCK)
    except (zipfile.BadZipFile, *_DAMAGED) as error:
        raise TruncatedFileError(_CUT, where=f"{path}: {error}", hint=TRY_AGAIN) from error


def _chosen(path: Path, names: Sequence[str], members: str) -> list[str]:
    """Return the names of the members to be read."""
    files = [
        name
        for name in names
        if not name.endswith("/")
        and not name.startswith("__MACOSX")
        and not name.rsplit("/", 1)[-1].startswith(".")
    ]
    wanted = (
        sorted(name for name in files if re.search(members, name.rsplit("/", 1)[-1])) if members else files
    )
    if members and files and not wanted:
        raise InputFileError(
            f"none of the archive's {len(files)} files is a table of the source: {', '.join(files[:5])}",
            where=str(path),
            hint="give the publisher's own archive, or unpack it and give the files one by one",
        )
    if not files:
        raise InputFileError("the archive is empty", where=str(path), hint=TRY_AGAIN)
    if not members and len(wanted) != 1:
        raise InputFileError(
            f"the archive holds {len(wanted)} files instead of one: {', '.join(wanted[:5])}",
            where=str(path),
            hint="unpack it and give the files one by one, or their folder",
        )
    return wanted


@contextmanager
def _open_member(path: Path, archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    try:
        content = archive.open(name)
    except (ValueError, LookupError, struct.error) as error:  # the name in front of the member is damaged
        raise TruncatedFileError(_CUT, where=f"{path}: {error}", hint=TRY_AGAIN) from error
    except (RuntimeError, NotImplementedError) as error:  # a password, or a method of another program
        raise (
            _locked(path)
            if "password" in str(error)
            else InputFileError(
                f"the archive cannot be unpacked: {error}", where=str(path), hint="unpack it yourself"
            )
        ) from error
    with content:
        yield content


def _locked(path: Path) -> InputFileError:
    return InputFileError(
        "the archive is encrypted",
        where=str(path),
        hint="unpack it with its password and give what is inside",
    )


class _Joined:
    """Members one behind another: a header only once, and a line break between them."""

    def __init__(self, path: Path, take: Callable[[bytes], bool | None], header_lines: int) -> None:
        self._path = path
        self._take = take
        self._header_lines = header_lines
        self._header = b""
        self._first_header: bytes | None = None
        self._name = ""
        self._last = b""

    def begin(self, name: str) -> None:
        """Go on to the next member."""
        if self._name and self._first_header is None:
            self._first_header = self._header
        if self._last not in {b"", b"\n"}:
            self._take(b"\n")
        self._name, self._header = name, b""

    def __call__(self, block: bytes) -> bool | None:
        """Take a block of the member."""
        if self._header.count(b"\n") < self._header_lines:
            block = self._without_header(block)
        if not block:
            return False
        self._last = block[-1:]
        return self._take(block)

    def _without_header(self, block: bytes) -> bytes:
        seen = len(self._header)
        end = 0
        for _ in range(self._header_lines - self._header.count(b"\n")):
            found = block.find(b"\n", end)
            end = len(block) if found < 0 else found + 1
        self._header += block[:end]
        if self._first_header is None:
            return block
        ours, first = (header.replace(b"\r", b"").strip() for header in (self._header, self._first_header))
        if not first.startswith(ours) or (self._header.count(b"\n") >= self._header_lines and ours != first):
            raise HeaderError(
                f"the header is {self._header[: seen + 80]!r}, and that of the files before it another",
                where=f"{self._path}: {self._name}",
                hint="unpack the archive and give the files one by one",
            )
        return block[end:]


class _Sink:
    """A file to py7zr that hands on what is written to it.

    py7zr must be stopped by an exception, and its own are told apart by what is noted here: ``has_enough``,
    or ``raised`` while a block was taken.
    """

    def __init__(self, take: _Joined) -> None:
        self._hand_on = take
        self.has_enough = False
        self.raised: Exception | None = None

    def write(self, block: bytes | bytearray) -> int:
        try:
            self.has_enough = bool(self._hand_on(bytes(block)))
        except Exception as error:
            self.raised = error
            raise
        if self.has_enough:
            raise EOFError
        return len(block)

    def read(self, size: int | None = None) -> bytes:
        del size
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        del offset, whence
        return 0

    def flush(self) -> None:
        """Do nothing: a block is handed on at once."""

    def close(self) -> None:
        """Do nothing: there is no file."""

    def size(self) -> int:
        return 0


class _Sinks:
    """What py7zr asks for the file of a member."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink

    def create(self, filename: str) -> _Sink:
        del filename
        return self._sink


def _pour_seven_zip(
    path: Path, take: Callable[[bytes], bool | None], members: str, header_lines: int
) -> None:
    import py7zr  # noqa: PLC0415  (only those who have such a file need it)
    from py7zr.exceptions import ArchiveError, PasswordRequired  # noqa: PLC0415

    joined = _Joined(path, take, header_lines)
    sink = _Sink(joined)
    try:
        with py7zr.SevenZipFile(path) as archive:
            # Members of one solid block come in the archive's order: each is read by itself, in ours.
            for name in _chosen(path, _file_names(archive), members):
                joined.begin(name)
                archive.reset()
                archive.extract(targets=[name], factory=cast("Any", _Sinks(sink)))
    except PasswordRequired as error:
        raise _locked(path) from error
    except EntrepotError:
        raise
    except (ArchiveError, *_DAMAGED) as error:
        if sink.has_enough:
            return
        if sink.raised is not None:
            raise sink.raised from None
        reason = str(error).partition("\n")[0][:80] or type(error).__name__
        raise TruncatedFileError(
            "the 7z archive is cut short or damaged", where=f"{path}: {reason}", hint=TRY_AGAIN
        ) from error


def _file_names(archive: SevenZipFile) -> list[str]:
    return [member.filename for member in archive.list() if not member.is_directory]
