"""Files taken in side by side on Spark: executors read and judge, this process commits."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from entrepot.engine import SparkEngine
from entrepot.errors import EntrepotError
from entrepot.pipeline.intake_report import FileReport, Step, not_taken
from entrepot.pipeline.one_file import already_in, look_at, prepare
from entrepot.store import Staging, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from entrepot.pipeline.intake_report import IngestOptions
    from entrepot.pipeline.one_file import Known, Prepared
    from entrepot.sources.base import Source
    from entrepot.store import Lake

__all__ = ["take_in_waves"]

#: Files whose locks are held at a time: each is an open file of this process.
_WAVE = 200


def take_in_waves(
    source: Source,
    files: Sequence[Path],
    lake: Lake,
    options: IngestOptions,
    tell: Callable[[Step], None],
    *,
    alone: Callable[[Path], FileReport],
) -> tuple[FileReport, ...]:
    """Take files in on a Spark session, in waves.

    Every file is a task that runs what an ingest on one machine runs. It writes Parquet into the lake and
    sends its report; the commit, one transaction a file, is made here. A task that Spark repeats writes into
    folders of its own, and what nobody committed is removed.

    Parameters
    ----------
    source, files, lake, options
        As for an ingest.
    tell
        Is told of every file that is in.
    alone
        Takes one file in without Spark: the second of two equal files.

    Returns
    -------
    tuple
        One report a file, in the order given.
    """
    chosen = replace(options, threads=options.threads or 1)
    reports: dict[Path, FileReport] = {}
    with SparkEngine.start() as engine:
        firsts: dict[str, Known] = {}
        for path, seen in zip(files, engine.each(partial(_look, source), files), strict=True):
            if isinstance(seen, EntrepotError):
                reports[path] = not_taken(path, seen)
            else:
                firsts.setdefault(seen.bytes.file_hash, seen)
        # In one order everywhere, so that two ingests never wait for each other's locks.
        ordered = sorted(firsts.values(), key=lambda known: known.bytes.file_hash)
        for begin in range(0, len(ordered), _WAVE):
            reports |= _Wave(source, lake, chosen, tell).run(engine, ordered[begin : begin + _WAVE])
    return tuple(reports.get(path) or alone(path) for path in files)


def _silent(_: Step) -> None:
    """Tell nobody: an executor has no terminal."""


def _look(source: Source, path: Path) -> Known | EntrepotError:
    try:
        return look_at(source, path, _silent)
    except EntrepotError as error:
        return error


def _prepare(source: Source, lake: Lake, options: IngestOptions, known: Known) -> Prepared | EntrepotError:
    workspace = Workspace.of(lake, source.id, known.bytes.file_hash)
    try:
        return prepare(source, known, workspace, options, _silent)
    except EntrepotError as error:
        return error


class _Wave:
    """Files whose locks are held together."""

    def __init__(
        self, source: Source, lake: Lake, options: IngestOptions, tell: Callable[[Step], None]
    ) -> None:
        self.source = source
        self.lake = lake
        self.options = options
        self.tell = tell
        self._reports: dict[Path, FileReport] = {}

    def run(self, engine: SparkEngine, files: Sequence[Known]) -> dict[Path, FileReport]:
        with ExitStack() as locks:
            waiting: list[tuple[Known, Staging]] = []
            for known in files:
                try:
                    staging = Staging(
                        self.lake, self.source.id, known.bytes.file_hash, known.layout.raw_table
                    )
                    locks.enter_context(staging)
                    if staging.is_done():
                        self._reports[known.path] = already_in(self.lake, self.source, known)
                    else:
                        waiting.append((known, staging))
                except EntrepotError as error:
                    self._fail(known, error)
            task = partial(_prepare, self.source, self.lake, self.options)
            made = engine.each(task, [known for known, _ in waiting])
            for (known, staging), prepared in zip(waiting, made, strict=True):
                self._commit(known, staging, prepared)
        return self._reports

    def _commit(self, known: Known, staging: Staging, prepared: Prepared | EntrepotError) -> None:
        if isinstance(prepared, EntrepotError):
            self._fail(known, prepared)
            return
        self.tell(Step(known.path, "committing", rows=prepared.report.rows_read))
        try:
            staging.commit(prepared.rows, raw_schema=prepared.raw_schema)
        except EntrepotError as error:
            self._fail(known, error)
        else:
            self._reports[known.path] = prepared.report

    def _fail(self, known: Known, error: EntrepotError) -> None:
        self._reports[known.path] = FileReport(
            path=known.path, status="failed", error=error, seconds=known.seconds
        )
