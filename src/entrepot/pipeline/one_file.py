"""One file on its way into a lake: recognised, split, every row judged, and written, but not committed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from entrepot.engine import Engine
from entrepot.engine.container import estimated_rows, fingerprint
from entrepot.engine.staging import StagedRows
from entrepot.errors import EmptyFileError, InputFileError, TruncatedFileError
from entrepot.pipeline.inputs import make_readable, stage, vintage_of
from entrepot.pipeline.intake_report import FileReport, Step
from entrepot.pipeline.judged import JudgedRows
from entrepot.sources.registry import sources_that_read
from entrepot.store import FileRows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from entrepot.engine import Staged
    from entrepot.engine.container import Fingerprint
    from entrepot.pipeline.intake_report import IngestOptions
    from entrepot.sources.base import Layout, Source
    from entrepot.store import Lake, Workspace

__all__ = ["Known", "Prepared", "already_in", "look_at", "prepare"]

#: Share of quarantined rows above which a file is refused as a whole.
_MOST_QUARANTINED = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file before its rows are read.

    Attributes
    ----------
    path
        The file.
    layout
        How it is laid out.
    bytes
        What identifies it.
    seconds
        Time that this took.
    """

    path: Path
    layout: Layout
    bytes: Fingerprint
    seconds: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of a file as they lie in a workspace, ready to be committed.

    Attributes
    ----------
    rows
        What is committed.
    raw_schema
        Columns of the rows as published.
    report
        What is to be told of the file once it is in.
    """

    rows: FileRows
    raw_schema: pa.Schema
    report: FileReport


def look_at(source: Source, path: Path, progress: Callable[[Step], None]) -> Known:
    """Read a file's bytes once: its layout, and what identifies it.

    Raises
    ------
    InputFileError
        It is no file of the source; of which it looks like one, the hint says.
    """
    start = time.monotonic()
    try:
        layout = source.recognise(path)
    except InputFileError as error:
        others = [name for name in sources_that_read(path) if name != source.id.removeprefix("csv:")]
        if not others:
            raise
        hint = f"it looks like a file of {' or '.join(others)}: entrepot ingest {others[0]} …"
        raise type(error)(error.what, where=error.where, hint=hint) from error
    now = Step(path, "reading bytes")
    progress(now)
    size = max(path.stat().st_size, 1)
    known = fingerprint(path, progress=lambda done: progress(replace(now, share=done / size)))
    return Known(path, layout, known, time.monotonic() - start)


def already_in(lake: Lake, source: Source, known: Known) -> FileReport:
    """Return the report of a file that is in the lake.

    Raises
    ------
    InputFileError
        It is in as something else: the user stated another flow or period then.
    """
    file_hash, layout = known.bytes.file_hash, known.layout
    entry = lake.entry(source.id, file_hash) if "stated" in layout.extra else None
    if entry is not None and entry["layout"] != layout.id:
        raise InputFileError(
            f"the file is in the lake already, read as {entry['layout']}, not as {layout.id}",
            where=str(known.path),
            hint="if what was stated then was wrong, ingest the files anew into another lake",
        )
    return FileReport(
        path=known.path,
        status="already_in",
        file_hash=file_hash,
        layout=layout.id,
        seconds=known.seconds,
    )


def prepare(
    source: Source,
    known: Known,
    workspace: Workspace,
    options: IngestOptions,
    progress: Callable[[Step], None],
) -> Prepared:
    """Write a file's rows into a workspace: those as published, the good ones and the bad ones.

    Raises
    ------
    InputFileError
        More than half of the rows are bad, or the file is cut.
    EmptyFileError
        No row is good.
    """
    return _OneFile(source, known, workspace, options, progress).run()


class _OneFile:
    """The steps share what they have found out."""

    def __init__(
        self,
        source: Source,
        known: Known,
        workspace: Workspace,
        options: IngestOptions,
        progress: Callable[[Step], None],
    ) -> None:
        self.source = source
        self.path = known.path
        self.known = known
        self.workspace = workspace
        self.options = options
        self.progress = progress
        self._now = Step(known.path, "")

    def _tell(self, name: str, *, rows: int | None = None) -> None:
        self._now = Step(self.path, name, rows=rows)
        self.progress(self._now)

    def _tell_share(self, share: float) -> None:
        self.progress(replace(self._now, share=share))

    def run(self) -> Prepared:
        start = time.monotonic()
        layout = self.known.layout
        vintage, vintage_from = vintage_of(self.path, layout)
        if self.options.vintage is not None:
            vintage, vintage_from = self.options.vintage, "option"
        with (
            Engine(
                memory_limit=self.options.memory_limit,
                threads=self.options.threads,
                temp_directory=self.workspace.scratch(),
            ) as engine,
            engine.watched(self._tell_share),
        ):
            staged, done = self._stage(engine)
            if staged.ends_in_a_broken_line:
                done = (*done, "the last line is broken: the file may be cut short, download it again")
            judged = self._judge(engine, staged, vintage)
            facts = judged.facts()
        report = FileReport(
            path=self.path,
            status="stored",
            file_hash=self.known.bytes.file_hash,
            layout=layout.id,
            vintage=vintage,
            rows_read=judged.rows_read,
            rows_stored=judged.rows_stored,
            rows_quarantined=judged.rows_quarantined,
            rows_added=judged.rows_added,
            rows_left_out=judged.rows_left_out,
            reasons=dict(judged.reasons),
            examples=judged.examples(),
            periods=(facts["first_period"], facts["last_period"]),
            reporters=facts["reporters"],
            levels=tuple(facts["levels"]),
            revisions=tuple(facts["revisions"]),
            notes=_notes(done, vintage_from, layout, facts),
            seconds=self.known.seconds + time.monotonic() - start,
        )
        rows = FileRows(
            raw=(staged.file,),
            quarantine=judged.quarantine,
            flow=judged.flow,
            register=self._register(report),
        )
        return Prepared(rows, _raw_schema(staged.file.path), report)

    def _stage(self, engine: Engine) -> tuple[Staged, tuple[str, ...]]:
        layout = self.known.layout
        readable = make_readable(self.path, layout, self.known.bytes, self.workspace.scratch())
        self._tell("staging", rows=estimated_rows(readable.path) if readable.form.form != "parquet" else None)
        staged, done = stage(
            engine,
            readable,
            self.workspace.folder(layout.raw_table) / "rows.parquet",
            constants={"file_hash": self.known.bytes.file_hash},
            path=self.path,
            scratch=self.workspace.scratch(),
        )
        self._check_limit(staged.rows)
        return staged, done

    def _judge(self, engine: Engine, staged: Staged, vintage: date) -> JudgedRows:
        for name, table in self.source.reference_tables().items():
            engine.register(name, table)
        canonical = self.source.canonical_sql(self.known.layout, StagedRows("staged_rows", engine, staged))
        judged = JudgedRows(engine, self.workspace, staged, canonical, self._tell)
        file_hash = self.known.bytes.file_hash
        judged.write({"source": self.source.id, "vintage": vintage, "file_hash": file_hash})
        self._check_quarantine(judged)
        return judged

    def _register(self, report: FileReport) -> dict[str, Any]:
        return {
            "file_hash": report.file_hash,
            "file_name": self.path.name,
            "file_size": self.known.bytes.size,
            "source": self.source.id,
            "layout": report.layout,
            "raw_table": self.known.layout.raw_table,
            "vintage": report.vintage,
            "ingested_at": datetime.now(tz=UTC),
            "rows_read": report.rows_read,
            "rows_stored": report.rows_stored,
            "rows_quarantined": report.rows_quarantined,
        }

    def _check_limit(self, rows: int) -> None:
        limits = {int(text) for text in self.known.layout.extra.get("row_limits", "").split(",") if text}
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
    has_codes = any(facts["levels"])  # totals of all goods are of no revision
    if layout.extra.get("hs_revision") == "by_year" and has_codes:
        taken = ", ".join(facts["revisions"])
        notes.append(
            f"the file does not name the HS revision: the one in force in the year is taken ({taken})"
        )
    if vintage_from == "date of the file":
        notes.append("vintage is the date of the file: give --vintage if it was published on another day")
    if "unknown_columns" in layout.extra:
        notes.append(f"columns kept as published and not used: {layout.extra['unknown_columns']}")
    if len(facts["revisions"]) > 1 and has_codes:
        notes.append(
            f"several code revisions ({', '.join(facts['revisions'])}): --hs-revision brings them to one"
        )
    return tuple(notes)
