"""How files are taken in, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entrepot.engine import check_engine
from entrepot.errors import NoFlowsError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from entrepot.engine import EngineName
    from entrepot.errors import EntrepotError

__all__ = ["FileReport", "IngestOptions", "IngestReport", "Step", "not_taken"]


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How files are taken in.

    Attributes
    ----------
    vintage
        Publication date of all files; each file's own when not given.
    is_complete
        The user vouches that a file of exactly the publisher's row limit is not cut.
    memory_limit, threads
        Limits of DuckDB, of each task on Spark.
    engine
        ``duckdb`` takes one file after the other in, on this machine; ``spark`` reads them side by side on
        the executors of a cluster, which must see the files and the lake under the same paths.
    """

    vintage: date | None = None
    is_complete: bool = False
    memory_limit: str = "1GB"
    threads: int | None = None
    engine: EngineName = "duckdb"

    def __post_init__(self) -> None:
        """Refuse unknown engines at the door."""
        check_engine(self.engine)


@dataclass(frozen=True, slots=True)
class Step:
    """Where an ingest stands.

    Attributes
    ----------
    path
        The file.
    name
        What is being done.
    share
        How much of it is done, from 0 to 1; None when not known.
    rows
        Rows of the file; estimated from its size while they are not counted yet.
    """

    path: Path
    name: str
    share: float | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    Attributes
    ----------
    path
        The file as it was given; text where it is an address.
    status
        ``stored``, ``already_in``, ``left_aside`` or ``failed``.
    error
        Why it failed or was left aside: it goes with the publisher's flows and holds none.
    file_hash, layout, vintage
        Identity, layout and publication date.
    rows_read, rows_stored, rows_quarantined
        Counts; the first is the sum of the others.
    rows_added, rows_left_out
        Rows of the file that are in the sum of another row; rows that have none of their own, because the
        mapping leaves them out or their cells are empty. Neither is among ``rows_read``.
    reasons
        Quarantined rows by reason.
    examples
        By reason the first row that has it, and what stands there.
    periods, reporters
        First and last period; how many reporters.
    levels, revisions
        Levels and revisions of the commodity codes.
    notes
        What the reader should know: encoding, unknown columns, several revisions.
    seconds
        Time taken.
    """

    path: Path | str
    status: str
    error: EntrepotError | None = None
    file_hash: str = ""
    layout: str = ""
    vintage: date | None = None
    rows_read: int = 0
    rows_stored: int = 0
    rows_quarantined: int = 0
    rows_added: int = 0
    rows_left_out: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    periods: tuple[str, str] = ("", "")
    reporters: int = 0
    levels: tuple[int, ...] = ()
    revisions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def rows_per_second(self) -> float:
        """Rows read per second."""
        return self.rows_read / self.seconds if self.seconds else 0.0


def not_taken(path: Path, error: EntrepotError, seconds: float = 0.0) -> FileReport:
    """Return the report of a file that is not in the lake: it failed, or holds no flows."""
    status = "left_aside" if isinstance(error, NoFlowsError) else "failed"
    return FileReport(path=path, status=status, error=error, seconds=seconds)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of all files, in the order given."""

    files: tuple[FileReport, ...]

    @property
    def failed(self) -> tuple[FileReport, ...]:
        """Files that are not in the lake."""
        return tuple(file for file in self.files if file.status == "failed")

    @property
    def is_all_left_aside(self) -> bool:
        """Whether none of the files holds flows."""
        return all(file.status == "left_aside" for file in self.files)

    @property
    def rows_quarantined(self) -> int:
        """Rows set aside, over all files."""
        return sum(file.rows_quarantined for file in self.files)
