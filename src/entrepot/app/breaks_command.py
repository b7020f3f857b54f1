"""The command ``breaks``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import Annotated

import typer
from rich.console import Console

from entrepot.app.amount_options import (
    DeflatorOption,
    PricesOfOption,
    UnitOption,
    ValueOption,
    parse_other_amount,
)
from entrepot.app.arguments import parse_areas
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.app.runs import open_run
from entrepot.app.search_options import parse_keys
from entrepot.detect.breaks.options import BREAK_KEYS, BreakOptions
from entrepot.detect.periods import parse_span

__all__ = ["breaks_command"]


@app.command("breaks")
def breaks_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[
        str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    exporter: Annotated[str | None, typer.Option(help="areas or groups")] = None,
    importer: Annotated[str | None, typer.Option(help="areas or groups")] = None,
    products: Annotated[
        str | None, typer.Option(help="codes, list names or @file; TOTAL for totals; default all goods")
    ] = None,
    periods: Annotated[
        str | None, typer.Option(help="first:last month, 2017-01:2022-12; default all")
    ] = None,
    by: Annotated[str, typer.Option(help="keys of a series: exporter,importer,hs_code")] = ",".join(
        BREAK_KEYS
    ),
    false_positives: Annotated[
        float, typer.Option(help="share of series without breaks that may get one")
    ] = 0.02,
    shortest: Annotated[int, typer.Option(help="fewest months of a level")] = 4,
    about: Annotated[
        str | None, typer.Option(help="events to join: words, a kind, or areas; default all")
    ] = None,
    event_months: Annotated[int, typer.Option(help="months after an event in which a break is joined")] = 3,
    events_out: Annotated[
        str | None, typer.Option(help="file for the events: how many breaks follow each, and how many would")
    ] = None,
    permutations: Annotated[int, typer.Option(help="permutations that events are held against")] = 999,
    chart: Annotated[Path | None, typer.Option(help=".svg file for the series of the largest break")] = None,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")] = None,
    seed: Annotated[int, typer.Option(help="seed of all draws")] = 0,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")] = "4GB",
) -> None:
    """Find the months from which trade keeps another level, and the dated events before them.

    Example: entrepot breaks --lake lake --exporter EU27 --by importer --out breaks.csv
    """
    revision = parse_revision(hs_revision, hs_shares)
    amount = parse_other_amount(value, unit, deflator, prices_of)
    options = BreakOptions(
        exporters=parse_areas(exporter, option="--exporter"),
        importers=parse_areas(importer, option="--importer"),
        products=product_list(products, revision),
        periods=periods,
        by=parse_keys(by),
        rate=false_positives,
        shortest=shortest,
        event_months=event_months,
        about=about,
        permutations=permutations,
        seed=seed,
    )
    if periods is not None:
        parse_span(periods, option="--periods")

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.breaks import find_breaks  # noqa: PLC0415
    from entrepot.report import about_breaks, print_breaks  # noqa: PLC0415

    run = open_run(lake, out, events_out, chart=chart, as_of=as_of, source=source, revision=revision)
    result = find_breaks(
        run.lake, options, amount=amount, choice=run.choice, memory_limit=memory, tell=run.notes.append
    )
    record = about_breaks(result, sources=run.files)
    run.write(result.table, out, about=record)
    run.write(result.events, events_out, about=record)
    console = Console(stderr="-" in {out, events_out}, highlight=False)
    print_breaks(result, console)
    if chart is not None:
        from entrepot.report.break_chart import break_chart  # noqa: PLC0415

        nothing = "no series has a break: there is nothing to draw"
        run.draw(break_chart(result), chart, console, nothing=nothing)
    run.close(console)
