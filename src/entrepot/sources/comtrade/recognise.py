"""What a file from UN Comtrade is, told from its first bytes."""

from __future__ import annotations

import codecs
import csv
import io
import json
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.container import read_head
from entrepot.errors import EmptyFileError, EncodingError, HeaderError, InputFileError, TruncatedFileError
from entrepot.sources.base import Layout
from entrepot.sources.comtrade.columns import layout_id, match_columns, unknown_columns
from entrepot.sources.text_files import split_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    _Form = Literal["csv", "parquet", "json"]

__all__ = ["ROW_LIMITS", "recognise"]

#: A file of exactly so many rows was cut by the publisher: the limits of the key that costs nothing and of
#: the paid one, and of the preview.
ROW_LIMITS: Final = {
    "csv": (100_000, 250_000),
    "parquet": (100_000, 250_000),
    "json": (500, 100_000, 250_000),
}

_DELIMITERS: Final = (",", "\t", ";", "|")
_LINES_LOOKED_AT: Final = 50


def recognise(path: Path) -> Layout:
    """Return the layout of a file; see :class:`~entrepot.sources.base.Source`."""
    head = read_head(path)
    where = str(path)
    if not head.strip():
        raise EmptyFileError("the file is empty", where=where, hint="download it again")
    if head.startswith(b"PAR1"):
        return _layout(_parquet_columns(path), form="parquet", where=where)
    text, encoding = _decoded(head, where)
    if not text.strip("\ufeff \t\r\n"):
        raise EmptyFileError("the file is empty", where=where, hint="download it again")
    start = text.lstrip("\ufeff \t\r\n")
    if start[:300].lower().lstrip().startswith(("<!doctype", "<html", "<?xml", "<head", "<body")):
        raise InputFileError(
            "the file is a web page, not data: the publisher answered with an error page",
            where=where,
            hint="open it in a browser to read the publisher's message, then repeat the download",
        )
    if start.startswith(("{", "[")):
        return _layout(_json_columns(start, where), form="json", where=where)
    return _delimited(text.lstrip("\ufeff"), encoding, where)


def _decoded(head: bytes, where: str) -> tuple[str, str]:
    """Return the head as text, and the codec that fits it."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # The head may end inside a character.
        try:
            return codecs.getincrementaldecoder("utf-16")().decode(head), "utf-16"
        except UnicodeDecodeError as error:
            raise EncodingError(
                f"the file has the mark of UTF-16 and is not: {error.reason}",
                where=where,
                hint="download it again",
            ) from error
    if b"\x00" in head[:1024]:
        raise EncodingError(
            "the file is no text, or UTF-16 without a byte order mark", where=where, hint="save it as UTF-8"
        )
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head), "utf-8"
    except UnicodeDecodeError:
        return head.decode("latin-1"), "cp1252"


def _parquet_columns(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise TruncatedFileError(
            f"the Parquet file cannot be read: {error}", where=str(path), hint="copy or download it again"
        ) from error


def _json_columns(start: str, where: str) -> list[str]:
    """Return the members of the first object in the list."""
    decoder = json.JSONDecoder()
    position = start.find("[")
    first = start.find("{", position) if position >= 0 else -1
    if first < 0 or start[position + 1 : first].strip():
        if '"data"' in start or start.startswith("["):
            raise EmptyFileError(
                "the answer has no rows",
                where=where,
                hint="the publisher answers so for nonsense too: check frequency, period and codes",
            )
        raise InputFileError(
            f"the JSON has no list of rows: {start[:120]}",
            where=where,
            hint="keep the publisher's whole answer; a message about keys or quotas is no data",
        )
    try:
        row, _ = decoder.raw_decode(start, first)
    except json.JSONDecodeError as error:
        raise TruncatedFileError(
            "the JSON ends or breaks inside its first row", where=where, hint="download the file again"
        ) from error
    return list(row)


def _delimited(text: str, encoding: str, where: str) -> Layout:
    lines = text.splitlines(keepends=True)
    delimiter, names = _header(lines[0], where)
    has_trailing_name = len(names) > 1 and not names[-1]
    columns = names[:-1] if has_trailing_name else names
    if not all(columns):
        raise HeaderError(
            f"column {columns.index('') + 1} has no name", where=where, hint="give every column its name"
        )
    match_columns(columns, where=where)
    fields = _field_counts(text, delimiter)
    if not fields:
        raise EmptyFileError(
            "the file has a header and no row", where=where, hint="widen the query, or drop the file"
        )
    if len(columns) not in fields and len(columns) + 1 not in fields:
        raise HeaderError(
            f"the header has {len(columns)} columns and the rows have {fields[0]}",
            where=f"{where}, line 2",
            hint="the rows have another delimiter than the header, or columns were cut from one of them",
        )
    is_trailing = len(columns) not in fields or (
        len(columns) + 1 in fields and fields.count(len(columns) + 1) > fields.count(len(columns))
    )
    layout = _layout(columns, form="csv", where=where)
    return Layout(
        id=layout.id,
        raw_table=layout.raw_table,
        form="csv",
        columns=layout.columns,
        delimiter=delimiter,
        encoding=encoding,
        has_trailing_delimiter=is_trailing,
        extra={**layout.extra, "fallback_encoding": "cp1252"},
    )


def _header(line: str, where: str) -> tuple[str, list[str]]:
    """Return the delimiter and the names of a header line."""
    split = {delimiter: split_line(line.strip("\r\n"), delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda one: len(split[one]))
    if len(split[delimiter]) == 1:
        raise HeaderError(
            f"the first line is no header of several columns: {line.strip()[:80]!r}",
            where=f"{where}, line 1",
            hint="the columns must be separated by commas, tabs, semicolons or bars",
        )
    return delimiter, [name.strip() for name in split[delimiter]]


def _field_counts(text: str, delimiter: str) -> list[int]:
    """Return how many fields the first rows have; the last line seen may be cut by the head's end."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    counts = []
    try:
        next(rows, None)
        for row in rows:
            if row:
                counts.append(len(row))
            if len(counts) > _LINES_LOOKED_AT:
                break
    except csv.Error:
        return counts
    return counts


def _layout(columns: Sequence[str], *, form: _Form, where: str) -> Layout:
    match_columns(columns, where=where)
    name = layout_id(columns, form)
    extra = {}
    if name != "bulk":
        limits = ROW_LIMITS[form]
        extra["row_limits"] = ",".join(map(str, limits))
    # R and its users write NA for null; the publisher's bulk files have a spelling of their own.
    extra["null_text"] = "(null)" if name == "bulk" else "NA"
    if unknown := unknown_columns(columns):
        extra["unknown_columns"] = ", ".join(unknown)
    return Layout(id=name, raw_table=f"raw_comtrade__{name}", form=form, columns=tuple(columns), extra=extra)
