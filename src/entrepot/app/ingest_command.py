"""The command ``ingest``."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path  # noqa: TC003 typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from entrepot.app.cli import app
from entrepot.errors import EntrepotError, OptionError
from entrepot.pipeline.ingest import IngestOptions, IngestReport, Step, ingest
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entrepot.pipeline.ingest import FileReport

__all__ = ["ingest_command"]

_ERRORS = Console(stderr=True, highlight=False)


@app.command("ingest")
def ingest_command(
    source: Annotated[str, typer.Argument(help="comtrade, or csv:MAPPING.toml for a table of your own")],
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="files, folders or patterns")],
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake; made if there is none")],
    vintage: Annotated[str | None, typer.Option(help="publication date of the files, YYYY-MM-DD")] = None,
    accept_quarantine: Annotated[bool, typer.Option(help="rows set aside are no failure")] = False,
    complete: Annotated[
        bool, typer.Option(help="a file of exactly the publisher's row limit is whole")
    ] = False,
    memory: Annotated[str, typer.Option(help="memory of the engine")] = "1GB",
) -> None:
    """Take customs files into a lake: every row stored, or set aside with its reason."""
    options = IngestOptions(vintage=_day(vintage), is_complete=complete, memory_limit=memory)
    with _progress() as progress:
        report = ingest(open_source(source), paths, lake=lake, options=options, progress=progress)
    _show(report)
    if report.failed or (report.rows_quarantined and not accept_quarantine):
        raise typer.Exit(1)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OptionError(f"{text!r} is no date", where="--vintage", hint="write it as 2023-01-31") from error


@contextmanager
def _progress() -> Iterator[Callable[[Step], None]]:
    """Show what is being done on standard error, on a terminal only, once it takes over two seconds."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    start = time.monotonic()
    with _ERRORS.status("") as status:

        def show(step: Step) -> None:
            seconds = time.monotonic() - start
            if seconds > 2:
                rate = f", {step.rows / seconds:,.0f} rows/s" if step.rows else ""
                done = "" if step.share is None else f" {step.share:.0%}"
                status.update(escape(f"{step.path.name}: {step.name}{done}{rate}"))

        yield show


def _show(report: IngestReport) -> None:
    for file in report.files:
        if file.error is not None:
            _show_error(file.error)
        elif file.status == "already_in":
            _ERRORS.print(escape(f"{file.path}: already in the lake, nothing done"))
    stored = [file for file in report.files if file.status == "stored"]
    if stored:
        Console(highlight=False).print(_summary(stored))
    for file in stored:
        for reason, rows in file.reasons.items():
            _ERRORS.print(escape(f"{file.path}: {rows:,} rows in quarantine: {reason}"))
        for note in file.notes:
            _ERRORS.print(escape(f"{file.path}: {note}"))


def _show_error(error: EntrepotError) -> None:
    _ERRORS.print(f"[bold red]error:[/] {escape(error.what)}")
    if error.where:
        _ERRORS.print(f"[dim]where:[/] {escape(error.where)}")
    _ERRORS.print(f"[bold]hint:[/]  {escape(error.hint)}")


def _summary(files: list[FileReport]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("file", "layout", "vintage", "periods", "reporters", "levels"):
        table.add_column(name, overflow="fold")
    for name in ("rows read", "stored", "quarantined", "seconds", "rows/s"):
        table.add_column(name, justify="right")
    for file in files:
        table.add_row(
            escape(file.path.name),
            file.layout,
            str(file.vintage),
            " to ".join(dict.fromkeys(file.periods)),
            str(file.reporters),
            ", ".join(map(str, file.levels)),
            f"{file.rows_read:,}",
            f"{file.rows_stored:,}",
            f"{file.rows_quarantined:,}",
            f"{file.seconds:.1f}",
            f"{file.rows_per_second:,.0f}",
        )
    return table
