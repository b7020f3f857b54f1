"""The command ``check``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from entrepot.app.arguments import parse_sources
from entrepot.app.cli import app
from entrepot.errors import OptionError
from entrepot.schema import CheckName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["check_command"]


@app.command("check")
def check_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[
        str | None, typer.Option(help="write the findings to .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    totals: Annotated[
        str | None, typer.Option(help="write every total, its parts and the difference explained, likewise")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to check; default all")] = None,
    rows_changed: Annotated[
        float,
        typer.Option(help="share of a period's rows, lost or gained since the last vintage, that is told"),
    ] = 0.1,
    tolerance: Annotated[
        float, typer.Option(help="share of a total that may be missing in its parts without a finding")
    ] = 0.01,
    accept: Annotated[
        str | None, typer.Option(help="checks whose findings are known and no errors: rows_lost,file_limit")
    ] = None,
    most: Annotated[int, typer.Option(help="findings to print", min=1)] = 40,
    memory: Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")] = "1GB",
) -> None:
    """Check a lake: half files, doubles, mixed terms, totals against parts, rows lost since last time.

    Example: entrepot check --lake lake --out findings.xlsx

    Exit status 0 only if no finding is an error.
    """
    accepted = _checks(accept)
    from entrepot.pipeline.checking import CheckOptions, check_lake  # noqa: PLC0415  (heavy)
    from entrepot.report import check_out, print_findings, write_table  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    opened = Lake.open(lake)
    for name in (out, totals):
        if name is not None:
            check_out(name)
    options = CheckOptions(
        sources=parse_sources(source, known=opened.files()["source"].to_pylist()),
        rows_changed=rows_changed,
        tolerance=tolerance,
        accepted=accepted,
    )
    with _progress() as tell:
        report = check_lake(opened, options, memory_limit=memory, tell=tell)
    about = {"lake": str(lake), "rows": str(report.rows), "rows_changed": str(rows_changed)}
    if out is not None:
        write_table(report.findings, out, about={"table": "findings of a check"} | about)
    if totals is not None:
        write_table(report.totals, totals, about={"table": "totals and their parts"} | about)
    console = Console(stderr="-" in {out, totals}, highlight=False)
    print_findings(report.findings, console, rows=report.rows, most=most)
    for name in (out, totals):
        if name not in {None, "-"}:
            console.print(f"written: {name}", markup=False)
    if not report.is_passed:
        raise typer.Exit(1)


def _checks(text: str | None) -> tuple[CheckName, ...]:
    """Return the checks of ``rows_lost,file_limit``.

    Raises
    ------
    OptionError
        A name is no check.
    """
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    known = [check.value for check in CheckName]
    if unknown := [name for name in names if name not in known]:
        raise OptionError(
            f"no check is called {', '.join(unknown)}",
            where="--accept",
            hint=f"checks are {', '.join(known)}",
        )
    return tuple(CheckName(name) for name in names)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is being looked at, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Console(stderr=True).status("") as status:
        yield lambda what: status.update(f"checking {what}")
