"""What became of a fetch, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.errors import EntrepotError

__all__ = ["FetchReport", "FetchStep", "PartReport", "PartStatus"]

PartStatus = Literal["planned", "fetched", "kept", "empty", "failed", "not_tried"]


@dataclass(frozen=True, slots=True)
class FetchStep:
    """What is being done now.

    Attributes
    ----------
    number, total
        Which part of how many; 0 of 0 while the publisher's list is asked.
    name
        File, or what is asked.
    doing
        ``asking``, ``downloading`` or ``waiting``.
    done, size
        Bytes so far and in all; None where unknown.
    note
        Why there is a wait.
    """

    number: int
    total: int
    name: str
    doing: Literal["asking", "downloading", "waiting"]
    done: int | None = None
    size: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PartReport:
    """What became of one file.

    Attributes
    ----------
    name, what
        Name of the file and what it holds.
    status
        ``planned`` (dry run), ``fetched``, ``kept`` (lies here already), ``empty`` (the publisher has nothing
        of what was asked, and its list says that this is right), ``failed``, ``not_tried`` (after a refusal
        that concerns all).
    path, size, rows
        The file, its bytes and data rows; None where there is none or they were not counted.
    vintage
        The publisher's mark of this version.
    note
        Why it is empty, or kept.
    error
        What went wrong.
    """

    name: str
    what: str
    status: PartStatus
    path: Path | None = None
    size: int | None = None
    rows: int | None = None
    vintage: str = ""
    note: str = ""
    error: EntrepotError | None = None


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What became of a question.

    Attributes
    ----------
    parts
        A report each file, in the order of the plan.
    not_published
        What was asked for and is not in the publisher's own list.
    next_step
        What to type next; empty after a dry run or where there is no file.
    """

    parts: tuple[PartReport, ...]
    not_published: tuple[str, ...]
    next_step: str

    @property
    def failed(self) -> tuple[PartReport, ...]:
        """Return the parts that are missing: a repeat of the question fetches them alone."""
        return tuple(part for part in self.parts if part.status in {"failed", "not_tried"})

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return the files that lie in the folder now."""
        return tuple(part.path for part in self.parts if part.path is not None)
