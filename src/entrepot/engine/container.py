"""Files as publishers and browsers deliver them: plain, gzip, zip or 7z; any encoding; JSON in one piece.

What DuckDB shall read in parallel is plain text in UTF-8, and JSON with one object a line.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from entrepot.engine.archives import TRY_AGAIN, file_errors, pour
from entrepot.errors import EmptyFileError, EncodingError, InputFileError, LakeError, TruncatedFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "Fingerprint",
    "estimated_rows",
    "fingerprint",
    "has_mixed_line_ends",
    "read_head",
    "unify_line_ends",
    "unpack_json",
    "unpack_text",
    "writing",
]

_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one pass over a file's bytes says.

    Attributes
    ----------
    file_hash
        SHA-256, 64 hexadecimal digits.
    size
        Bytes.
    is_utf8
        The bytes, as they lie there, are valid UTF-8.
    """

    file_hash: str
    size: int
    is_utf8: bool


def fingerprint(path: Path, *, progress: Callable[[int], None] | None = None) -> Fingerprint:
    """Read a file once and say what identifies it; ``progress`` is told the bytes read so far."""
    digest = hashlib.sha256()
    size, is_utf8, pending = 0, True, b""
    with file_errors(path), path.open("rb") as file, ThreadPoolExecutor(1) as thread:
        while block := file.read(_BLOCK):
            size += len(block)
            digested = thread.submit(digest.update, block)
            # Most customs files are plain ASCII, which is told much faster.
            if is_utf8 and (pending or not block.isascii()):
                text = pending + block
                whole = len(text) - _begun(text)
                is_utf8, pending = _is_utf8(text[:whole]), text[whole:]
            digested.result()
            if progress is not None:
                progress(size)
    return Fingerprint(file_hash=digest.hexdigest(), size=size, is_utf8=is_utf8 and not pending)


def _begun(text: bytes) -> int:
    """Return how many bytes at the end begin a character of UTF-8 that goes on behind them."""
    for back, byte in enumerate(reversed(text[-3:]), start=1):
        if byte & 0xC0 != 0x80:
            return back if byte >= 0xC0 and back < 2 + (byte >= 0xE0) + (byte >= 0xF0) else 0
    return 0


def _is_utf8(text: bytes) -> bool:
    """Tell whether bytes are UTF-8, without decoding them."""
    offsets = pa.array([0, len(text)], pa.int32()).buffers()[1]
    try:
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(text)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def estimated_rows(path: Path) -> int:
    """Return about how many lines a plain text file has, from its size and its first lines."""
    head = read_head(path)
    return round(path.stat().st_size * head.count(b"\n") / max(len(head), 1))


def read_head(path: Path, size: int = 262_144, *, members: str = "") -> bytes:
    """Return the first bytes of a file's content, unpacked; see :func:`entrepot.engine.archives.pour`."""
    head = bytearray()

    def take(block: bytes) -> bool:
        head.extend(block[: size - len(head)])
        return len(head) >= size

    pour(path, take, members=members)
    return bytes(head)


def unpack_text(
    path: Path, target: Path, *, encoding: str, fallback: str = "", members: str = "", header_lines: int = 1
) -> str:
    """Write a text file's content as UTF-8.

    Parameters
    ----------
    path, target
        From where and to where.
    encoding
        Python codec name of the content.
    fallback
        Codec to use instead when the content is not valid in ``encoding``. Bytes that a fallback does not
        define are kept as the control characters that Latin-1 has there.
    members, header_lines
        Which members of an archive are read as one text; see :func:`entrepot.engine.archives.pour`.

    Returns
    -------
    str
        The codec that was used.

    Raises
    ------
    EncodingError
        The content is not valid, and there is no fallback.
    TruncatedFileError
        An archive is cut short.
    """
    write = partial(_transcode, path, target, members=members, header_lines=header_lines)
    try:
        write(codecs.getincrementaldecoder(encoding)())
    except UnicodeDecodeError as error:
        if not fallback:
            raise EncodingError(
                f"the text is not {encoding}: {error.reason} at byte {error.start:,} of a block",
                where=str(path),
                hint="say the encoding of the file, or save it as UTF-8",
            ) from error
        codecs.register_error("entrepot_latin1", _as_latin1)
        write(codecs.getincrementaldecoder(fallback)("entrepot_latin1"))
        return fallback
    return encoding


def has_mixed_line_ends(path: Path) -> bool:
    """Tell whether lines end in different ways, or carriage returns stand inside of lines."""
    pairs = feeds = returns = 0
    previous = b""
    with file_errors(path), path.open("rb") as file:
        while block := file.read(_BLOCK):
            pairs += block.count(b"\r\n") + (previous == b"\r" and block.startswith(b"\n"))
            feeds += block.count(b"\n")
            returns += block.count(b"\r")
            previous = block[-1:]
    return feeds > 0 and returns > 0 and not feeds == returns == pairs


def unify_line_ends(path: Path, target: Path) -> None:
    """Write a UTF-8 text with line feeds alone; carriage returns inside of lines become blanks."""
    with file_errors(path), path.open("rb") as file, writing(target), target.open("wb") as out:
        kept = b""
        while block := file.read(_BLOCK):
            text = kept + block
            kept = b"\r" if text.endswith(b"\r") else b""
            text = text.removesuffix(kept) if kept else text
            out.write(text.replace(b"\r\n", b"\n").replace(b"\r", b" "))
        out.write(kept.replace(b"\r", b"\n"))


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _transcode(
    path: Path, target: Path, decoder: codecs.IncrementalDecoder, *, members: str, header_lines: int
) -> None:
    with writing(target):
        out = target.open("wb")
    with out:

        def take(block: bytes) -> None:
            text = decoder.decode(block).encode()
            with writing(target):
                out.write(text)

        pour(path, take, members=members, header_lines=header_lines)
        rest = decoder.decode(b"", final=True).encode()
        with writing(target):
            out.write(rest)
            out.flush()


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn errors of writing an unpacked file into errors of entrepot."""
    try:
        yield
    except OSError as error:
        raise LakeError(
            f"the unpacked file cannot be written: {error.strerror}",
            where=str(target.parent),
            hint="free some space on the lake's disk and repeat the command: nothing was committed",
        ) from error


def unpack_json(path: Path, target: Path, *, member: str = "data", names: Sequence[str] = ()) -> int:
    """Write the objects of a JSON answer one a line.

    Parameters
    ----------
    path, target
        From where and to where.
    member
        Member of the answer that holds the list of objects; an answer that is a list needs none.
    names
        The answer is a list of lists, the first of which is the header: names for its columns.

    Returns
    -------
    int
        How many objects there are.

    Raises
    ------
    TruncatedFileError
        The text ends inside the list, or the answer's own ``count`` says another number.
    EmptyFileError
        The list is empty, or there is none.
    """
    blocks: list[bytes] = []
    pour(path, blocks.append)
    text = b"".join(blocks).decode("utf-8-sig", errors="replace")
    start = _list_start(text, member)
    if start < 0:
        raise EmptyFileError(
            f"the JSON has no list {member!r}", where=str(path), hint="keep the publisher's answer as it came"
        )
    decoder = json.JSONDecoder()
    count, position = 0, start
    if names:
        # The header is no row.
        try:
            position = _skip(text, decoder.raw_decode(text, _skip(text, start))[1])
            position += text[position : position + 1] == ","
        except json.JSONDecodeError as error:
            raise TruncatedFileError(
                "the JSON breaks in its first row", where=str(path), hint=TRY_AGAIN
            ) from error
    try:
        with writing(target), target.open("w", encoding="utf-8") as out:
            while text[(position := _skip(text, position))] != "]":
                row, end = decoder.raw_decode(text, position)
                line = text[position:end] if not names else _as_object(row, names, count + 1, path)
                out.write(line.replace("\r", " ").replace("\n", " ") + "\n")
                count += 1
                position = _skip(text, end)
                if text[position] == ",":
                    position += 1
    except (IndexError, json.JSONDecodeError) as error:
        raise TruncatedFileError(
            f"the JSON text ends or breaks after {count:,} objects", where=str(path), hint=TRY_AGAIN
        ) from error
    _check_count(path, text[:start] + text[position:], count)
    return count


def _as_object(row: object, names: Sequence[str], number: int, path: Path) -> str:
    if not isinstance(row, list) or len(row) != len(names):
        found = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
        raise InputFileError(
            f"row {number:,} has {found}, the header {len(names)} names",
            where=str(path),
            hint="keep the publisher's answer as it came",
        )
    return json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)


def _list_start(text: str, member: str) -> int:
    """Return the position behind the bracket that opens the list, -1 without one."""
    first = _skip(text, 0)
    if text[first : first + 1] == "[":
        return first + 1
    named = text.find(f'"{member}"')
    if named < 0:
        return -1
    bracket = _skip(text, _skip(text, named + len(member) + 2) + 1)
    return bracket + 1 if text[bracket : bracket + 1] == "[" else -1


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _check_count(path: Path, wrapper: str, count: int) -> None:
    try:
        answer = json.loads(wrapper) if wrapper.lstrip().startswith("{") else {}
    except json.JSONDecodeError as error:
        raise TruncatedFileError(
            "the JSON text breaks after its list", where=str(path), hint=TRY_AGAIN
        ) from error
    stated = answer.get("count")
    if isinstance(stated, int) and stated != count:
        raise TruncatedFileError(
            f"the answer says count {stated:,} and holds {count:,} objects", where=str(path), hint=TRY_AGAIN
        )
    if count == 0:
        raise EmptyFileError(
            f"the answer has no rows{': ' + str(answer['error']) if answer.get('error') else ''}",
            where=str(path),
            hint="the publisher answers so for nonsense too: check frequency, period and codes of the query",
        )
