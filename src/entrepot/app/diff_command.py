"""The command ``diff``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from entrepot.app.arguments import parse_day, parse_sources
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, parse_revision, product_list
from entrepot.app.search_options import check_periods, suspects_of
from entrepot.detect.options import DetourOptions
from entrepot.errors import OptionError

if TYPE_CHECKING:
    from entrepot.pipeline.revisions import RevisionChoice

__all__ = ["diff_command"]


@app.command("diff")
def diff_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    start: Annotated[str, typer.Option("--from", help="earlier day, YYYY-MM-DD: vintages up to it count")],
    end: Annotated[str | None, typer.Option("--to", help="later day; default the newest vintage")] = None,
    out: Annotated[
        str | None, typer.Option(help="every changed cell: .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    moved: Annotated[
        str | None, typer.Option(help="the totals by reporter, flow and period that moved, likewise")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to compare; default all")] = None,
    event: Annotated[
        str | None, typer.Option(help="also make the search for detours as of both days: event")
    ] = None,
    before: Annotated[str | None, typer.Option(help="its first:last month before")] = None,
    after: Annotated[str | None, typer.Option(help="its first:last month after")] = None,
    origin: Annotated[str | None, typer.Option(help="its origins")] = None,
    hub: Annotated[str | None, typer.Option(help="its hubs")] = None,
    destination: Annotated[str | None, typer.Option(help="its destinations")] = None,
    products: Annotated[str | None, typer.Option(help="its codes, list names or @file")] = None,
    hs_revision: HsRevisionOption = None,
    spikes: Annotated[int, typer.Option(help="its sets of planted detours")] = 100,
    seed: Annotated[int, typer.Option(help="its seed")] = 0,
    most: Annotated[int, typer.Option(help="figures to print", min=1)] = 25,
    memory: Annotated[str, typer.Option(help="memory of the engine")] = "4GB",
) -> None:
    """Show what changed between two vintages, and which published figures move because of it.

    Example: entrepot diff --lake lake --from 2023-01-31 --to 2024-01-31 --out changes.xlsx
    """
    search = None
    revision = parse_revision(hs_revision, "kept")
    if event is not None:
        suspects = suspects_of(event, origin=origin, hub=hub, destination=destination)
        options = DetourOptions(
            event=event,
            before=before,
            after=after,
            origins=suspects.origins,
            hubs=suspects.hubs,
            destinations=suspects.destinations,
            products=product_list(products, revision),
            pooled_origins=suspects.pooled,
            spikes=spikes,
            seed=seed,
        )
        check_periods(options)
        search = _Search(options, revision)
    elif any((before, after, origin, hub, destination, products, hs_revision)):
        raise OptionError(
            "options of a search are given without its event",
            where="--event",
            hint="give the event too, --event 2022-03, or leave the others out",
        )
    _run(_Where(lake, out, moved), _days(start, end), source, search, most=most, memory=memory)


@dataclass(frozen=True, slots=True)
class _Where:
    """What a run reads and writes."""

    lake: Path
    out: str | None
    moved: str | None


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for detours to be made twice."""

    options: DetourOptions
    revision: RevisionChoice | None


def _days(start: str, end: str | None) -> tuple[date, date | None]:
    earlier = parse_day(start, option="--from")
    return earlier or date.min, parse_day(end, option="--to")


def _run(
    where: _Where,
    days: tuple[date, date | None],
    source: str | None,
    search: _Search | None,
    *,
    most: int,
    memory: str,
) -> None:
    from entrepot.pipeline.comparing import compare_detours, compare_vintages  # noqa: PLC0415  (heavy)
    from entrepot.report import (  # noqa: PLC0415
        check_out,
        headline_table,
        hub_table,
        print_changes,
        print_headlines,
        write_table,
    )
    from entrepot.store import Lake  # noqa: PLC0415

    for name in (where.out, where.moved):
        if name is not None:
            check_out(name)
    opened = Lake.open(where.lake)
    register = opened.files()
    sources = parse_sources(source, known=register["source"].to_pylist())
    start, end = days[0], days[1] or max(register["vintage"].to_pylist(), default=days[0])
    found = compare_vintages(opened, start, end, sources=sources, memory_limit=memory)
    about = {"lake": str(where.lake), "from": str(start), "to": str(end)}
    for table, name, what in (
        (found.changes, where.out, "changed cells"),
        (found.moved, where.moved, "figures that moved"),
    ):
        if name is not None:
            write_table(table, name, about={"table": what} | about)
    console = Console(stderr="-" in {where.out, where.moved}, highlight=False)
    print_changes(found.changes, found.moved, console, most=most)
    if search is not None:
        both = (start, end)
        early, late = compare_detours(
            opened, search.options, both, sources=sources, revision=search.revision, memory_limit=memory
        )
        print_headlines(headline_table(early, late, both), hub_table(early, late), console)
    for name in (where.out, where.moved):
        if name not in {None, "-"}:
            console.print(f"written: {name}", markup=False)
