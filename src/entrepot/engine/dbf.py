"""dBASE tables (DBF) as text: what customs services of the nineties still give out."""

from __future__ import annotations

import codecs
import csv
import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from entrepot.engine.container import open_content, writing
from entrepot.errors import EncodingError, HeaderError, TruncatedFileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_dbf", "read_dbf_names", "unpack_dbf"]

#: dBASE III, with and without memo fields, and FoxPro.
_VERSIONS: Final = frozenset({0x03, 0x30, 0x83, 0x8B, 0xF5})
_HEADER, _FIELD, _END = 32, 32, 0x0D
_DELETED = 0x2A
_RECORDS_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Form:
    """Names and widths of the fields, how many records there are, and where they begin."""

    names: tuple[str, ...]
    widths: tuple[int, ...]
    records: int
    start: int
    length: int


def is_dbf(head: bytes) -> bool:
    """Tell whether the first 32 bytes of a file are those of a dBASE table."""
    if len(head) < _HEADER or head[0] not in _VERSIONS:
        return False
    start, length = struct.unpack_from("<HH", head, 8)
    # Year, month and day of the last change; a header of whole fields and an end mark.
    return head[2] in range(1, 13) and head[3] in range(1, 32) and start > _HEADER + _FIELD and length > 1


def read_dbf_names(path: Path) -> tuple[str, ...]:
    """Return the names of the fields.

    Raises
    ------
    HeaderError
        The header is damaged.
    TruncatedFileError
        The file ends inside its header.
    """
    with open_content(path) as content:
        return _read_form(content, path).names


def unpack_dbf(path: Path, target: Path, *, encoding: str) -> int:
    """Write the records of a dBASE table as CSV in UTF-8 with a header; gz and zip are unpacked.

    Parameters
    ----------
    path, target
        From where and to where.
    encoding
        Python codec of the text fields.

    Returns
    -------
    int
        How many records are marked as deleted and were left out.

    Raises
    ------
    TruncatedFileError
        There are fewer records than the header says.
    EncodingError
        A text is not of the encoding.
    """
    deleted = 0
    with (
        open_content(path) as content,
        writing(target),
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        form = _read_form(content, path)
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(form.names)
        left = form.records
        while left:
            wanted = min(left, _RECORDS_AT_ONCE)
            block = content.read(wanted * form.length)
            if len(block) < wanted * form.length:
                raise TruncatedFileError(
                    f"the table says {form.records:,} records and ends after "
                    f"{form.records - left + len(block) // form.length:,}",
                    where=str(path),
                    hint="download the file again",
                )
            for first in range(0, len(block), form.length):
                if block[first] == _DELETED:
                    deleted += 1
                else:
                    writer.writerow(_texts(block[first + 1 : first + form.length], form, encoding, path))
            left -= wanted
    return deleted


def _texts(record: bytes, form: _Form, encoding: str, path: Path) -> list[str]:
    texts, position = [], 0
    try:
        for width in form.widths:
            texts.append(codecs.decode(record[position : position + width], encoding).strip(" \x00"))
            position += width
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"a text of the table is not {encoding}: {error.reason}",
            where=str(path),
            hint="ask for CSV instead",
        ) from error
    # Line breaks inside a field would be fields' ends to nobody, but they are no part of a code or a name.
    return [text.replace("\r", " ").replace("\n", " ").replace("\x00", " ") for text in texts]


def _read_form(content: IO[bytes], path: Path) -> _Form:
    head = content.read(_HEADER)
    records, start, length = struct.unpack_from("<IHH", head, 4) if len(head) == _HEADER else (0, 0, 0)
    described = content.read(max(start - _HEADER, 0))
    if len(head) < _HEADER or len(described) < start - _HEADER:
        raise TruncatedFileError(
            "the file ends inside its header", where=str(path), hint="download the file again"
        )
    names, widths = [], []
    for first in range(0, len(described) - _FIELD + 1, _FIELD):
        if described[first] == _END:
            break
        names.append(described[first : first + 11].split(b"\x00")[0].decode("latin-1").strip())
        widths.append(described[first + 16])
    is_whole = names and all(names) and sum(widths) + 1 == length
    if not is_whole or len({name.lower() for name in names}) < len(names):
        raise HeaderError(
            "the header of the dBASE table is damaged: its fields do not add up to a record",
            where=str(path),
            hint="download the file again, or ask for CSV instead",
        )
    return _Form(tuple(names), tuple(widths), records, start, length)
