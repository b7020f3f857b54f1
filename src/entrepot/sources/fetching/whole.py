"""Whether a file that came is whole: each container says itself where it ends."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from entrepot.errors import TruncatedFileError

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.sources.fetching.parts import Container

__all__ = ["read_whole"]

_BLOCK: Final = 4 * 1024 * 1024
#: Signature, version, CRC of the next fields; offset and size of the end header, behind these 32 bytes.
_SEVEN_ZIP_START: Final = struct.Struct("<6s2sIQQI")


def read_whole(path: Path, container: Container, *, name: str) -> Any:
    """Read a file to its end; return what JSON says, None of other containers.

    Parameters
    ----------
    path
        The file, under whatever name.
    container
        What it begins as.
    name
        Its name in messages.

    Raises
    ------
    TruncatedFileError
        It ends before its container does, or is damaged.
    """
    size = path.stat().st_size
    match container:
        case "json":
            return _json(path, name)
        case "zip":
            try:
                with zipfile.ZipFile(path) as archive:
                    archive.namelist()
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
                raise _cut(name, f"no end of a zip archive in {size:,} bytes ({error})") from error
        case "7z":
            _seven_zip(path, size, name)
        case "gzip":
            try:
                with gzip.open(path) as file:
                    while file.read(_BLOCK):
                        continue
            except (EOFError, zlib.error, OSError) as error:
                raise _cut(name, f"the gzip stream of {size:,} bytes breaks ({error})") from error
        case "xls":
            if size < 512:
                raise _cut(name, f"{size} bytes are no workbook")
    return None


def _json(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _cut(name, f"the JSON breaks ({error})") from error


def _seven_zip(path: Path, size: int, name: str) -> None:
    with path.open("rb") as file:
        start = file.read(_SEVEN_ZIP_START.size)
    if len(start) < _SEVEN_ZIP_START.size:
        raise _cut(name, f"{size} bytes are no 7z archive")
    *_, offset, length, _ = _SEVEN_ZIP_START.unpack(start)
    whole = _SEVEN_ZIP_START.size + offset + length
    if size < whole:
        raise _cut(name, f"{size:,} bytes came, the 7z archive has {whole:,}")


def _cut(name: str, why: str) -> TruncatedFileError:
    return TruncatedFileError(
        f"the download was cut short: {why}",
        where=name,
        hint="repeat the command: what is whole is kept",
    )
