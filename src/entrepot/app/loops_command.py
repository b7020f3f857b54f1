"""The command ``loops``."""

from __future__ import annotations

from dataclasses import replace
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
from entrepot.detect.loops.options import LoopOptions
from entrepot.detect.periods import parse_period

__all__ = ["loops_command"]


@app.command("loops")
def loops_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[
        str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    maker: Annotated[
        str | None, typer.Option(help="areas or groups that the goods leave and return to")
    ] = None,
    via: Annotated[str | None, typer.Option(help="areas or groups where they stop over")] = None,
    since: Annotated[
        str | None, typer.Option(help="month in which it may have begun, 2021-11; default searched for")
    ] = None,
    products: Annotated[
        str | None, typer.Option(help="codes, list names (CHPL, CHPL:1) or @file; default all goods")
    ] = None,
    longest_lag: Annotated[int, typer.Option(help="most months that goods stay with the via")] = 6,
    stations: Annotated[
        int, typer.Option(help="2 looks for goods that pass two vias before they come back, too")
    ] = 1,
    chart: Annotated[
        Path | None, typer.Option(help=".svg file for the circle and the lag plot of the largest pair")
    ] = None,
    unlisted: Annotated[
        str | None,
        typer.Option(help="file for every other two-way flow, with what could have gone round unseen"),
    ] = None,
    totals: Annotated[
        str | None, typer.Option(help="file for the trade of the pairs found, with and without round trips")
    ] = None,
    months: Annotated[
        str | None, typer.Option(help="file for the amounts by the month in which the goods came back")
    ] = None,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")] = None,
    spikes: Annotated[
        int, typer.Option(help="sets of planted round trips that calibrate the intervals")
    ] = 60,
    seed: Annotated[int, typer.Option(help="seed of all draws")] = 0,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")] = "4GB",
) -> None:
    """Find goods that leave their maker, stop over, and are bought back dearer.

    Example: entrepot loops --lake lake --maker CHN --via RUS --since 2021-11 --out loops.csv
    """
    revision = parse_revision(hs_revision, hs_shares)
    amount = parse_other_amount(value, unit, deflator, prices_of)
    if since is not None:
        parse_period(since, option="--since")
    options = LoopOptions(
        makers=parse_areas(maker, option="--maker"),
        vias=parse_areas(via, option="--via"),
        since=since,
        products=product_list(products, revision),
        longest_lag=longest_lag,
        stations=stations,
        spikes=spikes,
        seed=seed,
    )

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.loops import find_loops  # noqa: PLC0415
    from entrepot.report import about_loops, print_loops  # noqa: PLC0415

    run = open_run(
        lake, out, totals, unlisted, months, chart=chart, as_of=as_of, source=source, revision=revision
    )
    result = find_loops(run.lake, options, choice=run.choice, memory_limit=memory, tell=run.notes.append)
    if amount is not None:
        from entrepot.pipeline.valued_rows import RowsOf, valued_rows  # noqa: PLC0415

        of = RowsOf(
            columns=("estimate_usd", "low_usd", "high_usd"),
            places={"maker": "exporter", "via": "importer"},
            window=result.windows.text(result.windows.after),
            choice=run.choice,
        )
        table = valued_rows(run.lake, result.table, amount, of, memory_limit=memory, tell=run.notes.append)
        result = replace(result, table=table)
    about = about_loops(result, sources=run.files)
    for table, file in (
        (result.table, out), (result.totals, totals), (result.unlisted, unlisted), (result.by_month(), months)
    ):  # fmt: skip
        run.write(table, file, about=about)
    console = Console(stderr="-" in {out, totals, unlisted, months}, highlight=False)
    print_loops(result, console)
    if chart is not None:
        from entrepot.report.loop_chart import loop_chart  # noqa: PLC0415

        nothing = "no round trip is identified: there is nothing to draw"
        run.draw(loop_chart(result), chart, console, nothing=nothing)
    run.close(console)
