"""The head of a publisher's table, text or Parquet: its columns, and how its rows are split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from entrepot.errors import EmptyFileError, EncodingError, HeaderError
from entrepot.sources.parquet_files import is_parquet, parquet_columns
from entrepot.sources.text_files import read_text_head, sniff_delimiter, split_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from entrepot.sources.text_files import TextHead

__all__ = ["TableHead", "read_table_head", "unique_names"]

#: Names that the staged table has beside the file's own.
_RESERVED: Final = frozenset({"row_number", "file_row_number", "file_hash", "_trailing"})

_SNIFFED_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class TableHead:
    """How a table is laid out.

    Attributes
    ----------
    form
        Text or Parquet.
    columns
        Names in file order, unique whatever their case, without the nameless one behind a trailing delimiter:
        a repeated name has ``_2`` behind it.
    delimiter, encoding, has_trailing_delimiter
        How text is split and decoded.
    """

    form: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    delimiter: str = ","
    encoding: str = "utf-8"
    has_trailing_delimiter: bool = False


def read_table_head(path: Path, *, encodings: Sequence[str] = ("",)) -> TableHead:
    """Return the head of a table with one header line.

    Parameters
    ----------
    path
        The file; gz and zip are unpacked.
    encodings
        Codecs to try in order; an empty one means UTF-8, or UTF-16 with a mark.

    Raises
    ------
    EmptyFileError
        There is no header, or no row behind it.
    EncodingError
        No codec fits.
    HeaderError
        A column has no name, or the first row is split otherwise than the header.
    InputFileError
        The file is no table: HTML, a workbook, an archive.
    """
    if is_parquet(path):
        # Columns of Parquet are read by their own names: what would need another one is left in the file.
        named = parquet_columns(path)
        own = zip(named, unique_names(named), strict=True)
        return TableHead("parquet", tuple(name for name, unique in own if name == unique))
    head = _text_head(path, encodings)
    lines = [line for line in head.lines if line.strip()]
    delimiter = sniff_delimiter(lines[:_SNIFFED_LINES])
    names = [name.strip().removeprefix("\ufeff") for name in split_line(lines[0], delimiter)]
    is_trailing = len(names) > 1 and not names[-1]
    names = names[:-1] if is_trailing else names
    if len(names) < 2 or not all(names):
        raise HeaderError(
            f"the first line is no header of named columns: {lines[0].strip()[:80]!r}",
            where=f"{path}, line 1",
            hint="give the file as the publisher gives it out, with its header line",
        )
    if len(lines) < 2:
        raise EmptyFileError(
            "the file has a header and no row", where=str(path), hint="widen the query, or leave the file out"
        )
    width = len(split_line(lines[1], delimiter))
    is_trailing = is_trailing or (width == len(names) + 1 and lines[1].rstrip().endswith(delimiter))
    return TableHead("csv", unique_names(names), delimiter, head.encoding, is_trailing)


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names that are unique, case-blind, in order.

    Examples
    --------
    >>> unique_names(["time", "CTY_CODE", "cty_code"])
    ('time', 'CTY_CODE', 'cty_code_2')
    """
    taken = set(_RESERVED)
    unique = []
    for name in names:
        candidate, copy = name, 1
        while candidate.lower() in taken:
            copy += 1
            candidate = f"{name}_{copy}"
        taken.add(candidate.lower())
        unique.append(candidate)
    return tuple(unique)


def _text_head(path: Path, encodings: Sequence[str]) -> TextHead:
    for encoding in encodings[:-1]:
        try:
            return read_text_head(path, encoding=encoding)
        except EncodingError:
            continue
    return read_text_head(path, encoding=encodings[-1])
