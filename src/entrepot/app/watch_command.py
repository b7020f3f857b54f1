"""The command ``watch``."""

from __future__ import annotations

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
from entrepot.app.arguments import parse_day
from entrepot.app.cli import app
from entrepot.app.progress import progress_bar
from entrepot.app.revision_options import HsSearchRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.app.search_options import (
    AfterOption,
    BeforeOption,
    ByOption,
    DestinationOption,
    EventOption,
    HubOption,
    LakeOption,
    MemoryOption,
    OriginOption,
    OutOption,
    ProductsOption,
    Reports,
    SourceOption,
    SpikesOption,
    YearsAsMonthsOption,
    check_periods,
    open_reports,
    parse_keys,
    suspects_of,
)
from entrepot.detect.options import DetourOptions
from entrepot.errors import OptionError

__all__ = ["watch_command"]


@app.command("watch")
def watch_command(
    *,
    lake: LakeOption,
    event: EventOption,
    since: Annotated[str, typer.Option(help="day: compare with what had been published up to then")],
    out: OutOption = None,
    before: BeforeOption = None,
    after: AfterOption = None,
    origin: OriginOption = None,
    hub: HubOption = None,
    destination: DestinationOption = None,
    products: ProductsOption = None,
    by: ByOption = "hub,destination",
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    q: Annotated[float, typer.Option(help="findings have a q-value under it")] = 0.1,
    source: SourceOption = None,
    spikes: SpikesOption = 100,
    hs_revision: HsSearchRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    years_as_months: YearsAsMonthsOption = "auto",
    memory: MemoryOption = "4GB",
) -> None:
    """Say what new files changed: which corridors appeared, grew, shrank or went.

    Example: entrepot watch --lake lake --event 2022-03 --destination RUS --since 2026-10-31 --out news.csv
    """
    day = parse_day(since, option="--since")
    if day is None:  # typer asks for it; an empty text is none
        raise OptionError("the day is missing", where="--since", hint="write it as 2026-10-31")
    revision = parse_revision(hs_revision, hs_shares)
    amount = parse_other_amount(value, unit, deflator, prices_of)
    asked = suspects_of(event, origin=origin, hub=hub, destination=destination)
    options = DetourOptions(
        event=event,
        before=before,
        after=after,
        origins=asked.origins,
        hubs=asked.hubs,
        destinations=asked.destinations,
        products=product_list(products, revision),
        pooled_origins=asked.pooled,
        by=parse_keys(by),
        spikes=spikes,
    )
    if "period" in options.by:
        raise OptionError(
            "findings are compared over the whole window", where="--by", hint="leave the period out"
        )
    check_periods(options)

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.watching import watch_detours  # noqa: PLC0415
    from entrepot.report import about_watch, check_out, print_watch, write_table  # noqa: PLC0415

    if out is not None:
        check_out(out)
    opened, choice = open_reports(lake, Reports(None, source, revision, hs_revision, years_as_months))
    with progress_bar("calibrating on planted detours") as progress:
        result = watch_detours(
            opened,
            options,
            since=day,
            amount=amount,
            choice=choice,
            q=q,
            memory_limit=memory,
            progress=progress,
        )
    if out is not None:
        write_table(result.table, out, about=about_watch(result))
    console = Console(stderr=out == "-", highlight=False)
    print_watch(result, console)
    if out not in {None, "-"}:
        console.print(f"written: {out}", markup=False)
