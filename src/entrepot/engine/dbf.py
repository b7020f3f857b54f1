"""dBASE tables (DBF) as text: what customs services of the nineties still give out."""

from __future__ import annotations

import codecs
import csv
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from entrepot.engine.archives import pour
from entrepot.engine.container import read_head, writing
from entrepot.errors import EncodingError, HeaderError, TruncatedFileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_dbf", "read_dbf_names", "unpack_dbf"]

#: dBASE III, with and without memo fields, and FoxPro.
_VERSIONS: Final = frozenset({0x03, 0x30, 0x83, 0x8B, 0xF5})
_HEADER, _FIELD, _END = 32, 32, 0x0D
_DELETED = 0x2A
_LONGEST_HEADER: Final = 65_535


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
    return _read_form(read_head(path, _LONGEST_HEADER), path).names


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
    with writing(target), target.open("w", encoding="utf-8", newline="") as out:
        table = _Unpacked(path, out, target, encoding)
        pour(path, table.take)
        table.finish()
    return table.deleted


class _Unpacked:
    """A table that comes in blocks, written as CSV record by record."""

    def __init__(self, path: Path, out: TextIO, target: Path, encoding: str) -> None:
        self._path = path
        self._out = out
        self._target = target
        self._encoding = encoding
        self._pending = b""
        self._form: _Form | None = None
        self._seen = 0
        self.deleted = 0

    def take(self, block: bytes) -> bool:
        """Take a block; say whether all records are there."""
        self._pending += block
        if self._form is None:
            if len(self._pending) < _header_size(self._pending):
                return False
            self._form = _read_form(self._pending, self._path)
            self._pending = self._pending[self._form.start :]
            self._write([list(self._form.names)])
        form = self._form
        whole = min(len(self._pending) // form.length, form.records - self._seen)
        end = whole * form.length
        records = (self._pending[first : first + form.length] for first in range(0, end, form.length))
        kept = [record for record in records if record[0] != _DELETED]
        self._write([_texts(record[1:], form, self._encoding, self._path) for record in kept])
        self.deleted += whole - len(kept)
        self._seen += whole
        self._pending = self._pending[end:]
        return self._seen == form.records

    def finish(self) -> None:
        """Refuse a table that ended before its last record."""
        if self._form is None:
            _read_form(self._pending, self._path)
        elif self._seen < self._form.records:
            raise TruncatedFileError(
                f"the table says {self._form.records:,} records and ends after {self._seen:,}",
                where=str(self._path),
                hint="download the file again",
            )

    def _write(self, rows: list[list[str]]) -> None:
        with writing(self._target):
            csv.writer(self._out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)


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


def _header_size(data: bytes) -> int:
    """Return how many bytes the header has, as far as it is known."""
    return max(_HEADER, struct.unpack_from("<H", data, 8)[0]) if len(data) >= _HEADER else _HEADER


def _read_form(data: bytes, path: Path) -> _Form:
    """Read the header, which the data begin with."""
    if len(data) < _header_size(data):
        raise TruncatedFileError(
            "the file ends inside its header", where=str(path), hint="download the file again"
        )
    records, start, length = struct.unpack_from("<IHH", data, 4)
    described = data[_HEADER:start]
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
