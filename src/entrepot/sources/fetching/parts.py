"""What a fetcher says: which files to fetch, how each is asked for, and how its answer is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from entrepot.sources.fetching.client import Client
    from entrepot.sources.fetching.questions import FetchQuery

__all__ = ["Container", "Fetcher", "Freshness", "Judged", "Part", "Plan"]

Container = Literal["json", "zip", "7z", "gzip", "xls"]


class Freshness(StrEnum):
    """How it is known that a file which was fetched before is still the publisher's."""

    FIXED = "fixed"  #: name and vintage say it: the same vintage never changes
    ASKED = "asked"  #: the server is asked whether it has changed since


@dataclass(frozen=True, slots=True)
class Judged:
    """What an answer was found to be.

    Attributes
    ----------
    rows
        Data rows, None where they are not counted.
    empty
        Why an answer without rows is right; empty text for an answer with rows.
    """

    rows: int | None = None
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a publisher.

    Attributes
    ----------
    name
        Name of the file in the user's folder.
    what
        What it holds, in words.
    url
        Path below the base address, or a full address that the publisher's own list gave.
    params
        Of the question, without any key.
    container
        What the bytes must be.
    judge
        Looks at the whole file before it gets its name, and raises what is wrong with its content. It is
        given the path, and of JSON what was read (None of other files).
    vintage
        The publisher's mark of this version (checksum, release, date and size), empty where there is none.
    published
        Day of publication, where the publisher says it: it becomes the date of the file.
    size
        Bytes, where the publisher's list says them exactly.
    rows
        Rows that the publisher's list promises, for the user's information.
    freshness
        How a repeat finds out whether to fetch it anew.
    """

    name: str
    what: str
    url: str
    container: Container
    judge: Callable[[Path, Any], Judged]
    params: Mapping[str, str] = field(default_factory=dict)
    vintage: str = ""
    published: date | None = None
    size: int | None = None
    rows: int | None = None
    freshness: Freshness = Freshness.FIXED


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a question needs.

    Attributes
    ----------
    parts
        Files to fetch.
    not_published
        What the publisher's own list does not have, in words: asked for, and not there yet.
    """

    parts: tuple[Part, ...]
    not_published: tuple[str, ...] = ()


class Fetcher(Protocol):
    """How one publisher is asked."""

    @property
    def id(self) -> str:
        """Return the id of the source, or of the reference table."""
        ...

    @property
    def base_url(self) -> str:
        """Return the publisher's address."""
        ...

    @property
    def takes(self) -> frozenset[str]:
        """Return the fields of a query that mean something here."""
        ...

    @property
    def pause(self) -> float:
        """Return the seconds between two requests that the publisher's rules ask for."""
        ...

    @property
    def key_header(self) -> str:
        """Return the header that takes the key; empty where there are no keys."""
        ...

    def plan(self, query: FetchQuery, client: Client) -> Plan:
        """Return what to fetch; the publisher's list of what there is may be asked.

        Raises
        ------
        OptionError
            The query lacks something, or asks for what the publisher does not have.
        FetchError
            The list cannot be had.
        """
        ...

    def next_step(self, folder: Path) -> str:
        """Return the command or call that uses the fetched files."""
        ...
