"""Taking files into a lake: read, judge every row, and commit the file whole or not at all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine import Engine
from entrepot.engine.container import estimated_rows, fingerprint
from entrepot.errors import EmptyFileError, EntrepotError, InputFileError, TruncatedFileError
from entrepot.pipeline.inputs import file_paths, make_readable, stage, vintage_of
from entrepot.pipeline.judged import JudgedRows
from entrepot.store import FileRows, Lake, Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from entrepot.engine.container import Fingerprint
    from entrepot.sources.base import Layout, Source

__all__ = ["FileReport", "IngestOptions", "IngestReport", "Step", "ingest"]

#: Share of quarantined rows above which a file is refused as a whole.
_MOST_QUARANTINED = 0.5


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
        Limits of the engine.
    """

    vintage: date | None = None
    is_complete: bool = False
    memory_limit: str = "1GB"
    threads: int | None = None


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
        The file as it was given.
    status
        ``stored``, ``already_in`` or ``failed``.
    error
        Why it failed.
    file_hash, layout, vintage
        Identity, layout and publication date.
    rows_read, rows_stored, rows_quarantined
        Counts; the first is the sum of the others.
    rows_added, rows_left_out
        Rows of the file that are in the sum of another row; rows that have none of their own, because the
        mapping leaves them out or their cells are empty. Neither is among ``rows_read``.
    reasons
        Quarantined rows by reason.
    periods, reporters
        First and last period; how many reporters.
    levels, revisions
        Levels and revisions of the commodity codes.
    notes
        What the reader should know: encoding, unknown columns, several revisions.
    seconds
        Time taken.
    """

    path: Path
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


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of all files, in the order given."""

    files: tuple[FileReport, ...]

    @property
    def failed(self) -> tuple[FileReport, ...]:
        """Files that are not in the lake."""
        return tuple(file for file in self.files if file.status == "failed")

    @property
    def rows_quarantined(self) -> int:
        """Rows set aside, over all files."""
        return sum(file.rows_quarantined for file in self.files)


def ingest(
    source: Source,
    paths: Iterable[str | Path],
    *,
    lake: str | Path,
    options: IngestOptions | None = None,
    progress: Callable[[Step], None] | None = None,
) -> IngestReport:
    """Take files into a lake.

    Each file is taken in whole or not at all; one that fails does not stop the others. A file that is in
    already is left alone. Rows that cannot be used go to quarantine with their reasons; a file of which
    more than half would go there is refused.

    Parameters
    ----------
    source
        Reads the files.
    paths
        Files, folders and patterns.
    lake
        Folder of the lake; made if there is none.
    options
        How files are taken in.
    progress
        Is told what is being done.

    Returns
    -------
    IngestReport
        One entry a file. Failures are entries, not exceptions.

    Raises
    ------
    LakeError
        The lake cannot be made or opened.
    EmptyFileError
        A folder holds no files.
    """
    chosen = options or IngestOptions()
    files = file_paths(paths)
    target = Lake.create(lake)
    reports = []
    for path in files:
        start = time.monotonic()
        try:
            reports.append(_OneFile(source, path, target, chosen, progress or _silent).run(start))
        except EntrepotError as error:
            reports.append(
                FileReport(path=path, status="failed", error=error, seconds=time.monotonic() - start)
            )
    return IngestReport(tuple(reports))


def _silent(_: Step) -> None:
    """Tell nobody."""


class _OneFile:
    """The ingest of one file: the steps share what they have found out."""

    def __init__(
        self, source: Source, path: Path, lake: Lake, options: IngestOptions, progress: Callable[[Step], None]
    ) -> None:
        self.source = source
        self.path = path
        self.lake = lake
        self.options = options
        self.progress = progress
        self._now = Step(path, "")

    def run(self, start: float) -> FileReport:
        layout = self.source.recognise(self.path)
        self._tell("reading bytes")
        size = max(self.path.stat().st_size, 1)
        known = fingerprint(self.path, progress=lambda done: self._tell_share(done / size))
        with Staging(self.lake, self.source.id, known.file_hash, layout.raw_table) as staging:
            if staging.is_done():
                self._check_same_layout(layout, known)
                return FileReport(
                    path=self.path,
                    status="already_in",
                    file_hash=known.file_hash,
                    layout=layout.id,
                    seconds=time.monotonic() - start,
                )
            return self._take_in(staging, layout, known, start)

    def _check_same_layout(self, layout: Layout, known: Fingerprint) -> None:
        """Refuse a file that is in the lake as something else: the user stated another flow or period."""
        entry = self.lake.entry(self.source.id, known.file_hash) if "stated" in layout.extra else None
        if entry is not None and entry["layout"] != layout.id:
            raise InputFileError(
                f"the file is in the lake already, read as {entry['layout']}, not as {layout.id}",
                where=str(self.path),
                hint="if what was stated then was wrong, ingest the files anew into another lake",
            )

    def _tell(self, name: str, *, rows: int | None = None) -> None:
        self._now = Step(self.path, name, rows=rows)
        self.progress(self._now)

    def _tell_share(self, share: float) -> None:
        self.progress(replace(self._now, share=share))

    def _take_in(self, staging: Staging, layout: Layout, known: Fingerprint, start: float) -> FileReport:
        vintage, vintage_from = vintage_of(self.path, layout)
        if self.options.vintage is not None:
            vintage, vintage_from = self.options.vintage, "option"
        readable = make_readable(self.path, layout, known, staging.scratch())
        with (
            Engine(
                memory_limit=self.options.memory_limit,
                threads=self.options.threads,
                temp_directory=staging.scratch(),
            ) as engine,
            engine.watched(self._tell_share),
        ):
            self._tell(
                "staging", rows=estimated_rows(readable.path) if readable.form.form != "parquet" else None
            )
            staged, done = stage(
                engine,
                readable,
                staging.folder(layout.raw_table) / "rows.parquet",
                constants={"file_hash": known.file_hash},
                path=self.path,
                scratch=staging.scratch(),
            )
            self._check_limit(layout, staged.rows)
            for name, table in self.source.reference_tables().items():
                engine.register(name, table)
            engine.execute(f"CREATE TEMP VIEW staged_rows AS {staged.query()}")
            canonical = self.source.canonical_sql(layout, "staged_rows")
            judged = JudgedRows(engine, staging, staged, canonical, self._tell)
            judged.write({"source": self.source.id, "vintage": vintage, "file_hash": known.file_hash})
            self._check_quarantine(judged)
            facts = judged.facts()
            register = {
                "file_hash": known.file_hash,
                "file_name": self.path.name,
                "file_size": known.size,
                "source": self.source.id,
                "layout": layout.id,
                "raw_table": layout.raw_table,
                "vintage": vintage,
                "ingested_at": datetime.now(tz=UTC),
                "rows_read": judged.rows_read,
                "rows_stored": judged.rows_stored,
                "rows_quarantined": judged.rows_quarantined,
            }
            self._tell("committing", rows=judged.rows_read)
            staging.commit(
                FileRows(
                    raw=(staged.file,), quarantine=judged.quarantine, flow=judged.flow, register=register
                ),
                raw_schema=_raw_schema(staged.file.path),
            )
        return FileReport(
            path=self.path,
            status="stored",
            file_hash=known.file_hash,
            layout=layout.id,
            vintage=vintage,
            rows_read=judged.rows_read,
            rows_stored=judged.rows_stored,
            rows_quarantined=judged.rows_quarantined,
            rows_added=judged.rows_added,
            rows_left_out=judged.rows_left_out,
            reasons=dict(judged.reasons),
            periods=(facts["first_period"], facts["last_period"]),
            reporters=facts["reporters"],
            levels=tuple(facts["levels"]),
            revisions=tuple(facts["revisions"]),
            notes=_notes(done, vintage_from, layout, facts),
            seconds=time.monotonic() - start,
        )

    def _check_limit(self, layout: Layout, rows: int) -> None:
        limits = {int(text) for text in layout.extra.get("row_limits", "").split(",") if text}
        if rows in limits and not self.options.is_complete:
            raise TruncatedFileError(
                f"the file has exactly {rows:,} rows, the publisher's limit: it was most probably cut there",
                where=str(self.path),
                hint="split the query by reporter, period or code; if it is whole, say --complete",
            )

    def _check_quarantine(self, judged: JudgedRows) -> None:
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in judged.reasons.most_common())
        if judged.rows_read == 0:
            raise EmptyFileError(
                f"no row is left: all {judged.rows_left_out:,} have no value, or the mapping leaves them out",
                where=str(self.path),
                hint="check [rows] and [wide] of the mapping, and that it is the right file",
            )
        if judged.rows_stored == 0:
            raise EmptyFileError(
                f"none of the {judged.rows_read:,} rows is valid: {reasons}",
                where=str(self.path),
                hint=judged.example() or "check that the file is what the source reads",
            )
        if judged.rows_quarantined > _MOST_QUARANTINED * judged.rows_read:
            raise InputFileError(
                f"{judged.rows_quarantined:,} of {judged.rows_read:,} rows cannot be used: {reasons}",
                where=str(self.path),
                hint=judged.example() or "check that the file is what the source reads",
            )


def _raw_schema(path: Path) -> pa.Schema:
    """Return the staged columns as the raw table has them, all text."""
    return pa.schema([pa.field(name, pa.string()) for name in pq.read_schema(path).names])


def _notes(
    done: tuple[str, ...], vintage_from: str, layout: Layout, facts: dict[str, Any]
) -> tuple[str, ...]:
    notes = [*done]
    if layout.extra.get("stated"):
        notes.append(f"stated, not in the file: {layout.extra['stated']}")
    if layout.extra.get("hs_revision") == "by_year":
        taken = ", ".join(facts["revisions"])
        notes.append(
            f"the file does not name the HS revision: the one in force in the year is taken ({taken})"
        )
    if vintage_from == "date of the file":
        notes.append("vintage is the date of the file: give --vintage if it was published on another day")
    if "unknown_columns" in layout.extra:
        notes.append(f"columns kept as published and not used: {layout.extra['unknown_columns']}")
    if len(facts["revisions"]) > 1:
        notes.append(
            f"several code revisions ({', '.join(facts['revisions'])}): comparing them needs a concordance"
        )
    return tuple(notes)
