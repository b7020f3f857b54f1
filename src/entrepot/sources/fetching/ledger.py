"""What lies in a folder of fetched files: which question each answers, and in which version."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from entrepot.errors import FetchError, InputFileError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LEDGER_NAME", "Entry", "Ledger", "locked"]

LEDGER_NAME: Final = ".entrepot-fetch.json"
_LOCK_NAME: Final = ".entrepot-fetch.lock"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that came, or one answer that was rightly empty.

    Attributes
    ----------
    question
        Address and parameters; never a key.
    vintage, published
        The publisher's mark and day of this version, empty where there is none.
    mark
        The server's mark (``ETag`` or ``Last-Modified``).
    size, sha256
        Of the bytes that came.
    rows
        Data rows, None where they were not counted.
    empty
        Why an answer without rows is right.
    fetched_at
        When it came, ISO 8601, UTC.
    """

    question: str
    vintage: str
    published: str
    mark: str
    size: int
    sha256: str
    rows: int | None
    empty: str
    fetched_at: str


class Ledger:
    """The register of a folder; every change is on the disk at once, whole.

    Parameters
    ----------
    folder
        The folder of the files.
    source
        The publisher: a folder holds one publisher's files.

    Raises
    ------
    OptionError
        The folder holds another publisher's files.
    InputFileError
        The register is damaged.
    """

    def __init__(self, folder: Path, source: str) -> None:
        self._path = folder / LEDGER_NAME
        self._source = source
        self._entries: dict[str, Entry] = {}
        if self._path.exists():
            self._read()

    def _read(self) -> None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            source = found["source"]
            entries = {name: Entry(**entry) for name, entry in found["files"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputFileError(
                f"the register of fetched files cannot be read: {error}",
                where=str(self._path),
                hint="delete it and repeat the command: the files are fetched anew",
            ) from error
        if source != self._source:
            raise OptionError(
                f"the folder holds files of {source}",
                where=f"--to {self._path.parent}",
                hint="give every publisher a folder of its own: they are ingested folder by folder",
            )
        self._entries = entries

    def get(self, name: str) -> Entry | None:
        """Return what is known of a file, None if it never came."""
        return self._entries.get(name)

    def put(self, name: str, entry: Entry) -> None:
        """Register a file that came."""
        self._entries[name] = entry
        text = json.dumps(
            {
                "format": _FORMAT,
                "source": self._source,
                "files": {name: asdict(entry) for name, entry in sorted(self._entries.items())},
            },
            indent=1,
        )
        fresh = self._path.with_name(f"{LEDGER_NAME}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder: two fetches into one would write each other's parts.

    Raises
    ------
    FetchError
        Another fetch holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(
            f"the folder cannot be made: {error.strerror}",
            where=str(folder),
            hint="give a folder that you may write to",
        ) from error
    lock = FileLock(folder / _LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError) as error:
        is_held = isinstance(error, Timeout)
        raise FetchError(
            "another fetch is writing into the folder"
            if is_held
            else f"the folder cannot be written: {error.strerror}",
            where=str(folder),
            hint="wait until it is done, or give another folder"
            if is_held
            else "give one that you may write to",
        ) from error
    try:
        yield
    finally:
        lock.release()
