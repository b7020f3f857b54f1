"""The head of a text table: decoded, split, and refused where it is something else."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.engine.archives import zip_names
from entrepot.engine.container import read_head
from entrepot.errors import EmptyFileError, EncodingError, HeaderError, InputFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["TextHead", "read_text_head", "refuse_others", "refuse_workbook", "sniff_delimiter", "split_line"]

_HEAD_BYTES: Final = 262_144

#: First bytes of files that people mistake for text tables, and what to do with them.
_OTHERS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"PAR1", "a Parquet file", "read it as Parquet"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)", "save the sheet as CSV in UTF-8"),
    (b"%PDF", "a PDF", "ask the publisher for the table itself"),
    (b"\x89PNG", "a picture", "ask the publisher for the table itself"),
    (b"\xff\xd8\xff", "a picture", "ask the publisher for the table itself"),
)

_HTML: Final = ("<!doctype", "<html", "<table", "<head", "<body", "<?xml", "<div", "<meta")


@dataclass(frozen=True, slots=True)
class TextHead:
    """The first lines of a text file.

    Attributes
    ----------
    lines
        Without line breaks; the first without a byte order mark. A last line that is cut is left out.
    encoding
        Python codec: ``utf-8``, ``utf-16`` after its mark, or the one stated.
    """

    lines: tuple[str, ...]
    encoding: str


def read_text_head(path: Path, *, encoding: str = "", members: str = "") -> TextHead:
    """Return the head of a text file; gz, zip and 7z are unpacked.

    Parameters
    ----------
    path
        The file.
    encoding
        Python codec; without it a byte order mark decides, else UTF-8.
    members
        Which members of an archive are meant; see :func:`entrepot.engine.archives.pour`.

    Raises
    ------
    EmptyFileError
        The file has no text.
    EncodingError
        The bytes are not text of that encoding, or there is no such codec.
    InputFileError
        The file is HTML, a workbook, Parquet, an archive or other binary.
    """
    refuse_workbook(path)
    data = read_head(path, _HEAD_BYTES + 1, members=members)
    is_whole = len(data) <= _HEAD_BYTES
    refuse_others(path, data)
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    codec = encoding or ("utf-16" if is_wide else "utf-8")
    if b"\x00" in data and not codec.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        raise InputFileError(
            "the file is binary, or UTF-16 without a byte order mark",
            where=str(path),
            hint="give a text table or Parquet, or state the encoding utf-16-le",
        )
    text = _decoded(data[:_HEAD_BYTES], codec, path=path, is_stated=bool(encoding), is_whole=is_whole)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise EmptyFileError("the file is empty", where=str(path), hint="download it again, or leave it out")
    if text.lstrip().lower().startswith(_HTML):
        raise InputFileError(
            "the file is HTML or XML, not a text table: an error page, or a web table named .xls",
            where=str(path),
            hint="open it: download it again if it is an error page, save it as CSV if it is a table",
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return TextHead(tuple(lines if is_whole or len(lines) == 1 else lines[:-1]), codec)


def refuse_others(path: Path, data: bytes) -> None:
    """Refuse content that begins as no text table does: Parquet, a RAR archive, a PDF, a picture.

    Raises
    ------
    InputFileError
        It is such a file.
    """
    for magic, what, hint in _OTHERS:
        if data.startswith(magic):
            raise InputFileError(f"the file is {what}, not a text table", where=str(path), hint=hint)


def refuse_workbook(path: Path) -> None:
    """Refuse a workbook or a text document, which are zip archives too.

    Raises
    ------
    InputFileError
        It is such a file.
    """
    if any(name.startswith(("xl/", "word/")) or name == "content.xml" for name in zip_names(path)):
        raise InputFileError(
            "the file is a workbook, not a text table",
            where=str(path),
            hint="save the sheet as CSV in UTF-8",
        )


def _decoded(data: bytes, codec: str, *, path: Path, is_stated: bool, is_whole: bool) -> str:
    try:
        return codecs.getincrementaldecoder(codec)().decode(data, final=is_whole)
    except (LookupError, TypeError) as error:
        raise EncodingError(
            f"no text encoding is called {codec!r}",
            where=str(path),
            hint="such as utf-8, cp1252 (Western), cp1251 (Cyrillic), gb18030 (Chinese)",
        ) from error
    except UnicodeError as error:
        raise EncodingError(
            f"the bytes are not {codec}: {error}",
            where=str(path),
            hint=f"state {'another' if is_stated else 'the'} encoding, such as cp1252, cp1251 or gb18030",
        ) from error


def sniff_delimiter(lines: Sequence[str], *, quote: str = '"') -> str:
    """Return the delimiter that splits the lines most evenly: comma, semicolon, tab or bar.

    Parameters
    ----------
    lines
        The header and some data lines.
    quote
        Quoting character.

    Examples
    --------
    >>> sniff_delimiter(["land;value", "Côte d'Ivoire;1,5", "Korea, South;2"])
    ';'
    """
    best = (0, 0, ",")
    for rank, delimiter in enumerate(",;\t|"):
        widths = Counter(len(split_line(line, delimiter, quote=quote)) for line in lines if line.strip())
        if not widths:
            continue
        width = max(widths, key=lambda count: (widths[count], count))
        if width > 1:
            best = max(best, (widths[width] * 1000 + width, -rank, delimiter))
    return best[2]


def split_line(line: str, delimiter: str, *, quote: str = '"') -> list[str]:
    """Return the fields of one line.

    Raises
    ------
    HeaderError
        The line cannot be split: a field is longer than a field can be.
    """
    try:
        return next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])
    except (csv.Error, ValueError, TypeError) as error:
        raise HeaderError(
            f"the line cannot be split: {error}", where=line[:80], hint="check the delimiter and the quotes"
        ) from error
