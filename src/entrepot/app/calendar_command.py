"""The command ``calendar``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import Annotated

import pyarrow.compute as pc
import typer
from rich.console import Console

from entrepot.app.arguments import parse_areas, parse_day, parse_sources
from entrepot.app.cli import app
from entrepot.errors import OptionError
from entrepot.schema import PublishingState

__all__ = ["calendar_command"]


@app.command("calendar")
def calendar_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[str | None, typer.Option(help=".csv, .parquet, .xlsx or .json; - prints CSV")] = None,
    reporter: Annotated[str | None, typer.Option(help="areas or groups; default all")] = None,
    state: Annotated[
        str | None, typer.Option(help="only reporters that are current, late, stopped or never")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="as the lake was on this day, YYYY-MM-DD")] = None,
    source: Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")] = None,
    most: Annotated[int, typer.Option(help="rows to print", min=1)] = 60,
    memory: Annotated[str, typer.Option(help="memory of the engine")] = "1GB",
) -> None:
    """Show who published what: last period, usual lag, holes, who is late and who has stopped.

    Example: entrepot calendar --lake lake --state stopped
    """
    states = [one.value for one in PublishingState]
    if state is not None and state not in states:
        raise OptionError(f"{state!r} is no state", where="--state", hint=f"states are {', '.join(states)}")
    day = parse_day(as_of, option="--as-of")
    reporters = parse_areas(reporter, option="--reporter", on=day)

    from entrepot.pipeline.reporting import lake_calendar  # noqa: PLC0415  (heavy)
    from entrepot.report import check_out, print_calendar, write_table  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    if out is not None:
        check_out(out)
    opened = Lake.open(lake)
    sources = parse_sources(source, known=opened.files()["source"].to_pylist())
    table = lake_calendar(opened, as_of=day, sources=sources, reporters=reporters, memory_limit=memory)
    if out is not None:
        chosen = table if state is None else table.filter(pc.equal(table["state"], state))
        write_table(chosen, out, about={"table": "reporting calendar", "as_of": as_of or "newest vintage"})
    console = Console(stderr=out == "-", highlight=False)
    print_calendar(table, console, most=most, state=PublishingState(state) if state else None)
    if out is not None and out != "-":
        console.print(f"written: {out}", markup=False)
