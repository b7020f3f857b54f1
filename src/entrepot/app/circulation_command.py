"""The command ``circulation``."""

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
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.app.runs import open_run
from entrepot.detect.circulation.options import CirculationOptions
from entrepot.detect.periods import parse_period

__all__ = ["circulation_command"]


@app.command("circulation")
def circulation_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    since: Annotated[
        str, typer.Option(help="first period that is judged: a year, 2022, or a month, 2022-03")
    ],
    out: Annotated[
        str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    cycles_out: Annotated[
        str | None, typer.Option("--cycles", help="file for the cycles that carry the circulation")
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help=".svg file for the most unusual products and their cycles")
    ] = None,
    products: Annotated[
        str | None, typer.Option(help="codes, list names (CHPL, CHPL:1) or @file; default all goods")
    ] = None,
    placebos: Annotated[int, typer.Option(help="networks of placebo pairs a product and period")] = 2,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to use, such as baci; default all")] = None,
    seed: Annotated[int, typer.Option(help="seed of the placebos")] = 0,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")] = "4GB",
) -> None:
    """Say in which products more of the trade can go in circles than before, and which cycles carry it.

    Example: entrepot circulation --lake lake --since 2022 --out circulation.csv --cycles cycles.csv
    """
    revision = parse_revision(hs_revision, hs_shares)
    amount = parse_other_amount(value, unit, deflator, prices_of)
    parse_period(since, option="--since")
    options = CirculationOptions(
        since=since, products=product_list(products, revision), placebos=placebos, seed=seed
    )

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.circulation import find_circulation  # noqa: PLC0415
    from entrepot.report import about_circulation, print_circulation  # noqa: PLC0415

    run = open_run(lake, out, cycles_out, chart=chart, as_of=as_of, source=source, revision=revision)
    result = find_circulation(
        run.lake, options, amount=amount, choice=run.choice, memory_limit=memory, tell=run.notes.append
    )
    about = about_circulation(result, options, sources=run.files)
    run.write(result.table, out, about=about)
    run.write(result.cycles, cycles_out, about=about)
    console = Console(stderr="-" in {out, cycles_out}, highlight=False)
    print_circulation(result, options, console)
    if chart is not None:
        from entrepot.report.circulation_chart import circulation_chart  # noqa: PLC0415

        nothing = "no product has a circulation to compare: there is nothing to draw"
        run.draw(circulation_chart(result), chart, console, nothing=nothing)
    run.close(console)
