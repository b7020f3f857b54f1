"""The head of a publisher's table, text or Parquet: its columns, and how its rows are split."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine.container import read_head
from entrepot.errors import EmptyFileError, EncodingError, HeaderError, TruncatedFileError
from entrepot.sources.text_files import read_text_head, sniff_delimiter, split_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from entrepot.sources.text_files import TextHead

__all__ = ["TableHead", "match_names", "read_table_head", "unique_names"]

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
    if read_head(path, 4) == b"PAR1":
        return TableHead("parquet", _parquet_names(path))
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


def _parquet_names(path: Path) -> tuple[str, ...]:
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows == 0:
                raise EmptyFileError("the file has no rows", where=str(path), hint="leave it out")
            names = tuple(file.schema_arrow.names)
            return tuple(
                name for name, unique in zip(names, unique_names(names), strict=True) if name == unique
            )
    except (pa.ArrowInvalid, OSError) as error:
        raise TruncatedFileError(
            f"the Parquet file cannot be read: {error}", where=str(path), hint="copy or download it again"
        ) from error


def match_names(
    names: Iterable[str],
    known: Mapping[str, str],
    *,
    required: Mapping[str, Sequence[str]],
    where: str,
    may_repeat: bool = False,
) -> dict[str, str]:
    """Return the file's name of each of the publisher's columns that it has.

    Parameters
    ----------
    names
        Names of the file.
    known
        What a name means, by the name in lower case.
    may_repeat
        Whether a column may stand twice; the first counts.
    required
        What a row must say, and the meanings of which one is enough to say it.
    where
        The file.

    Raises
    ------
    HeaderError
        Two names mean one column, or a column that is needed is missing; the nearest name is proposed.
    """
    found: dict[str, str] = {}
    unknown = []
    for name in names:
        # A column that stands twice is staged with _2 behind its name.
        meaning = known.get(name.lower()) or known.get(name.lower().removesuffix("_2"))
        if meaning is None:
            unknown.append(name)
        elif meaning in found and may_repeat:
            continue
        elif meaning in found:
            raise HeaderError(
                f"two columns mean the same: {found[meaning]!r} and {name!r}",
                where=where,
                hint="keep one of them: which of the two counts cannot be guessed",
            )
        else:
            found[meaning] = name
    missing = {
        what: options for what, options in required.items() if not any(one in found for one in options)
    }
    if missing:
        raise HeaderError(
            f"columns are missing for {'; '.join(missing)}",
            where=where,
            hint=_nearest(missing, known, unknown),
        )
    return found


def _nearest(missing: Mapping[str, Sequence[str]], known: Mapping[str, str], unknown: Sequence[str]) -> str:
    wanted = {meaning for options in missing.values() for meaning in options}
    spellings = [name for name, meaning in known.items() if meaning in wanted]
    for name in unknown:
        near = difflib.get_close_matches(name.strip().lower(), spellings, n=1, cutoff=0.6)
        if near:
            return f"{name!r} looks like {near[0]!r}: give it that name"
    return f"give the file as the publisher gives it out, with {', '.join(spellings[:6])}"
