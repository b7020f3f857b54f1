"""One file from a server to a folder: under a hidden name until it is whole and judged, then at once.

What has come of a file is kept as ``.NAME.part``, beside it a note of which version it is. A next try, also
of another day, asks for the rest (``Range`` with ``If-Range``); without a mark of the version it begins anew,
since halves of two versions would make a file that nobody published.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx2

from entrepot.errors import FetchError, InputFileError, TruncatedFileError
from entrepot.sources.fetching.answers import CONTAINER_NAMES, begins_as, what_it_is
from entrepot.sources.fetching.whole import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.parts import Judged, Part

__all__ = ["Landed", "digest", "download"]

_HEAD_BYTES: Final = 4096
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Landed:
    """A file that has come.

    Attributes
    ----------
    path
        The file; None where the answer was rightly empty.
    size, sha256
        Of its bytes.
    mark
        The server's mark of the version (``ETag`` or ``Last-Modified``), empty where it gives none.
    judged
        What it was found to be.
    """

    path: Path | None
    size: int
    sha256: str
    mark: str
    judged: Judged


@dataclass(slots=True)
class _Partial:
    """What has come of a file so far, and which version it is."""

    path: Path
    note: Path
    question: str
    #: The farthest that any try came: a try that comes farther is progress.
    farthest: int = 0

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def mark(self) -> str:
        """Return the mark of the version of which a part is here, empty if it cannot be continued."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        fits = isinstance(note, dict) and note.get("question") == self.question
        return str(note.get("mark", "")) if fits and self.size else ""

    def begin(self, mark: str) -> None:
        self.drop()
        self.note.write_text(json.dumps({"question": self.question, "mark": mark}), encoding="utf-8")

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def download(
    client: Client, part: Part, folder: Path, *, seen: str = "", step: Callable[[int, int | None], None]
) -> Landed | None:
    """Bring one file into a folder, whole and judged, or leave the folder without it.

    Parameters
    ----------
    client
        The server.
    part
        The file.
    folder
        Where it goes.
    seen
        Mark of the version that lies there already: the server is asked whether there is a newer one.
    step
        Is told the bytes so far and in all.

    Returns
    -------
    Landed or None
        None when the server says that the version seen is still the newest.

    Raises
    ------
    FetchError
        The server does not give it, or gives something else (a web page, a message).
    TruncatedFileError
        It was cut short on every try, or has not the size that the publisher's list says.
    InputFileError
        Its content is not what the reader reads: columns missing, the publisher's row limit reached, …
    """
    address = client.address(part.url)
    question = json.dumps([address, sorted(part.params.items())])
    partial = _Partial(folder / f".{part.name}.part", folder / f".{part.name}.part.json", question)
    partial.farthest = partial.size
    with _writing(part.name):
        try:
            came = client.persistently(
                lambda: _tried(client, part, partial, seen=seen, step=step), where=address
            )
        except FetchError as error:
            broke = error.__cause__
            if isinstance(broke, httpx2.RemoteProtocolError | httpx2.ReadError) and partial.size:
                raise _cut(partial.size, part, address) from broke
            raise
        if came is None:
            return None
        mark, content = came
        try:
            _fits_list(partial.size, part)
            judged = part.judge(partial.path, content)
        except (FetchError, InputFileError) as error:
            partial.drop()
            # The reader saw the hidden name.
            where = error.where.replace(str(partial.path), part.name).replace(partial.path.name, part.name)
            raise type(error)(error.what, where=where, hint=error.hint) from error
        return _named(part, partial, folder, mark=mark, judged=judged)


def _cut(size: int, part: Part, address: str) -> TruncatedFileError:
    of = f" of {part.size:,}" if part.size is not None else ""
    return TruncatedFileError(
        f"the download was cut short on every try: {size:,}{of} bytes have come",
        where=f"{part.name}, {address}",
        hint="repeat the command: it goes on where it stopped, if the server can",
    )


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FetchError(
            f"the file cannot be written: {error.strerror or error}",
            where=str(error.filename or name),
            hint="check free space and rights in the folder of --to, then repeat the command",
        ) from error


def _tried(
    client: Client, part: Part, partial: _Partial, *, seen: str, step: Callable[[int, int | None], None]
) -> tuple[str, Any] | None:
    """Try until the file is whole, or a try comes no farther than one before it."""
    while True:
        try:
            mark = _streamed(client, part, partial, seen=seen, step=step)
            break
        except httpx2.TransportError:
            if partial.size <= partial.farthest:
                raise
            partial.farthest = partial.size
    if mark is None:
        return None
    try:
        return mark, read_whole(partial.path, part.container, name=part.name)
    except TruncatedFileError:
        partial.drop()
        raise


def _streamed(
    client: Client, part: Part, partial: _Partial, *, seen: str, step: Callable[[int, int | None], None]
) -> str | None:
    """Write what comes behind what is there; return the version's mark, None if nothing is newer."""
    headers = {} if part.container == "json" else {"Accept-Encoding": "identity"}
    known = partial.mark()
    start = partial.size if known else 0
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known}
    elif seen:
        headers["If-None-Match" if seen.startswith('"') else "If-Modified-Since"] = seen
    with client.answer(part.url, part.params, headers) as response:
        if response.status_code == 304:
            return None
        if response.status_code == 206:
            _must_follow(response, partial, start)
        elif response.status_code == 416:
            partial.drop()
            message = "the server does not continue what came before"
            raise httpx2.RemoteProtocolError(message)
        else:
            start, known = 0, _mark(response)
            partial.begin(known)
        _write(client, part, partial, response, start=start, step=step)
    return known


def _mark(response: httpx2.Response) -> str:
    """Return what identifies the version byte by byte: a strong ETag, else the date of the last change."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return ""  # offsets would count packed bytes
    etag = response.headers.get("etag", "")
    return etag if etag.startswith('"') else response.headers.get("last-modified", "")


def _must_follow(response: httpx2.Response, partial: _Partial, start: int) -> None:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if found is None or int(found[1]) != start:
        partial.drop()
        message = f"the server continues at another place than byte {start}"
        raise httpx2.RemoteProtocolError(message)


def _write(
    client: Client,
    part: Part,
    partial: _Partial,
    response: httpx2.Response,
    *,
    start: int,
    step: Callable[[int, int | None], None],
) -> None:
    length = response.headers.get("content-length", "")
    total = start + int(length) if length.isdigit() else part.size
    head, done, is_judged = bytearray(), start, start > 0
    with partial.path.open("ab") as file:
        for block in response.iter_bytes():
            if not is_judged:
                head += block[:_HEAD_BYTES]
                is_judged = len(head) >= _HEAD_BYTES
                if is_judged:
                    _must_begin(client, part, partial, bytes(head), response)
            file.write(block)
            done += len(block)
            step(done, total)
        file.flush()
        os.fsync(file.fileno())
    if not is_judged:
        _must_begin(client, part, partial, bytes(head), response)


def _must_begin(
    client: Client, part: Part, partial: _Partial, head: bytes, response: httpx2.Response
) -> None:
    """Refuse an error page, a message or another container at the first bytes."""
    if begins_as(head, part.container):
        return
    partial.drop()
    if not head.strip():
        message = "the answer has no content"
        raise httpx2.RemoteProtocolError(message)
    is_text = b"\x00" not in head
    said = f": {client.quoted(head)}" if is_text else ""
    raise FetchError(
        f"the server answered {what_it_is(head)} in place of {CONTAINER_NAMES[part.container]}{said}",
        where=f"{part.name}, {response.url}",
        hint="it is the publisher's message, not data: do what it says, or repeat the command later",
    )


def _fits_list(size: int, part: Part) -> None:
    if part.size is not None and size != part.size:
        raise TruncatedFileError(
            f"{size:,} bytes came, the publisher's list says {part.size:,}",
            where=part.name,
            hint="repeat the command: the publisher may have been exchanging the file",
        )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(part: Part, partial: _Partial, folder: Path, *, mark: str, judged: Judged) -> Landed:
    """Give a whole file its name, in one step; an empty answer leaves none."""
    size, sha256 = partial.size, digest(partial.path)
    if judged.empty:
        partial.drop()
        return Landed(None, size, sha256, mark, judged)
    if part.published is not None:
        at = datetime(part.published.year, part.published.month, part.published.day, 12, tzinfo=UTC)
        os.utime(partial.path, (at.timestamp(), at.timestamp()))
    target = folder / part.name
    partial.path.replace(target)
    partial.drop()
    return Landed(target, size, sha256, mark, judged)
