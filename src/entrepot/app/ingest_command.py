"""The command ``ingest``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from entrepot.app.arguments import EngineOption, parse_day, parse_engine
from entrepot.app.cli import app
from entrepot.app.messages import show_error
from entrepot.errors import OptionError
from entrepot.pipeline import IngestOptions, IngestReport, Step, ingest
from entrepot.schema import FlowKind  # noqa: TC001 typer reads the annotations
from entrepot.sources.base import Stated
from entrepot.sources.registry import open_source, sources_that_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrepot.pipeline import FileReport
    from entrepot.sources.base import Source

__all__ = ["ingest_command"]

_ERRORS = Console(stderr=True, highlight=False)
_QUIET_SECONDS = 2


@app.command("ingest")
def ingest_command(
    source: Annotated[
        str,
        typer.Argument(
            help="a publisher such as comtrade, comext, baci, gacc, us_census, russia_fts; a ready mapping "
            "such as wits; csv:MAPPING.toml for a table of your own"
        ),
    ],
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="files, folders or patterns")
    ] = None,
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake; made if there is none")],
    flow: Annotated[
        FlowKind | None,
        typer.Option(help="flow of all rows, where the files do not say it", metavar="import|export|…"),
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="2023 or 2023-07: period of all rows, where the files do not say it")
    ] = None,
    vintage: Annotated[str | None, typer.Option(help="publication date of the files, YYYY-MM-DD")] = None,
    accept_quarantine: Annotated[bool, typer.Option(help="rows set aside are no failure")] = False,
    complete: Annotated[
        bool, typer.Option(help="a file of exactly the publisher's row limit is whole")
    ] = False,
    memory: Annotated[str, typer.Option(help="memory of the engine; on Spark of each task")] = "1GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Take customs files into a lake: every row stored, or set aside with its reason.

    Example: entrepot ingest comtrade TradeData.csv --lake lake
    """
    options = IngestOptions(
        vintage=parse_day(vintage, option="--vintage"),
        is_complete=complete,
        memory_limit=memory,
        engine=parse_engine(engine),
    )
    opened = _open_source(source, Stated(flow=flow, period=period))
    if not paths:
        raise OptionError(
            f"no files are given for the source {source!r}",
            where="PATH...",
            hint=f"name files, folders or patterns: entrepot ingest {source} FILE --lake DIR",
        )
    try:
        with _progress() as progress:
            report = ingest(opened, paths, lake=lake, options=options, progress=progress)
    except KeyboardInterrupt:
        _say(
            _ERRORS, "interrupted: each file is in the lake whole or not at all; repeat the command to go on"
        )
        raise
    _show(report)
    if report.failed and len(report.files) > 1:
        tried = [file for file in report.files if file.status != "left_aside"]
        taken = len(tried) - len(report.failed)
        _say(
            _ERRORS,
            f"{taken:,} of {len(tried):,} files are in the lake; {len(report.failed):,} failed",
        )
    if report.is_all_left_aside:
        _say(_ERRORS, "none of the files holds flows: nothing is in the lake")
    if report.rows_quarantined and not accept_quarantine:
        _say(
            _ERRORS,
            "not all rows could be read, so the exit status is 1: they stand with their reasons in "
            f"Lake.open({str(lake)!r}).quarantine(); --accept-quarantine where they are known",
        )
    is_partly_unread = report.rows_quarantined and not accept_quarantine
    if report.failed or report.is_all_left_aside or is_partly_unread:
        raise typer.Exit(1)


def _open_source(name: str, stated: Stated) -> Source:
    """Return the source of a name; where a file stands in its place, say whose it looks like."""
    try:
        return open_source(name, stated)
    except OptionError:
        path = Path(name)
        if not path.exists():
            raise
        readers = sources_that_read(path) if path.is_file() else ()
    guess = f"it looks like a file of {' or '.join(readers)}: " if readers else ""
    more = "" if readers else " (entrepot ingest --help names the sources)"
    raise OptionError(
        "the source comes before the files, and this is a file or folder",
        where=name,
        hint=f"{guess}entrepot ingest {readers[0] if readers else 'SOURCE'} {name} --lake DIR{more}",
    )


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    """Show what is being done on standard error, on a terminal only, once it takes over two seconds."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    start = time.monotonic()
    step_start = (("", ""), start)
    with _ERRORS.status("") as status:

        def show(step: Step) -> None:
            nonlocal step_start
            now, what = time.monotonic(), (str(step.path), step.name)
            if step_start[0] != what:
                step_start = (what, now)
            if now - start > _QUIET_SECONDS:
                seconds = max(now - step_start[1], 0.1)
                rows = (step.rows or 0) * (step.share or 0)
                rate = f", {rows / seconds:,.0f} rows/s" if rows else ""
                done = "" if step.share is None else f" {step.share:.0%}"
                status.update(escape(f"{step.path.name}: {step.name}{done}{rate}"))

        yield show


def _show(report: IngestReport) -> None:
    for file in report.files:
        if file.status == "left_aside":
            _say(_ERRORS, f"{file.path}: left aside: {file.error.what if file.error else ''}")
        elif file.error is not None:
            show_error(file.error)
        elif file.status == "already_in":
            _say(_ERRORS, f"{file.path}: already in the lake, nothing done")
        else:
            _show_stored(file)


def _show_stored(file: FileReport) -> None:
    console = Console(highlight=False)
    periods = " to ".join(dict.fromkeys(file.periods))
    reporters = f"{file.reporters} reporter{'s' if file.reporters != 1 else ''}"
    levels = ", ".join("TOTAL" if level == 0 else f"HS{level}" for level in file.levels)
    _say(
        console,
        f"{file.path}: layout {file.layout}, vintage {file.vintage}, {periods}, {reporters}, {levels}",
    )
    _say(
        console,
        f"  {file.rows_read:,} rows read, {file.rows_stored:,} stored, {file.rows_quarantined:,} quarantined"
        f" ({file.seconds:.1f} s, {file.rows_per_second:,.0f} rows/s)",
    )
    if file.rows_added:
        _say(
            console,
            f"  beside them, parts (provinces, procedures) in the sum of another row: {file.rows_added:,}",
        )
    if file.rows_left_out:
        _say(
            console,
            f"  beside them, without a value of their own or left out by the mapping: {file.rows_left_out:,}",
        )
    for reason, rows in file.reasons.items():
        count = "1 row" if rows == 1 else f"{rows:,} rows"
        _say(_ERRORS, f"{file.path}: {count} in quarantine: {reason}; {file.examples[reason]}")
    for note in file.notes:
        _say(_ERRORS, f"{file.path}: {note}")


def _say(console: Console, text: str) -> None:
    """Print a line as it is: paths are copied from it."""
    console.print(escape(text), soft_wrap=True)
