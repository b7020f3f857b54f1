"""The command ``explain``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import Annotated

import typer
from rich.console import Console

from entrepot.app.cli import app
from entrepot.app.progress import progress_bar
from entrepot.app.revision_options import HsSearchRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.app.search_options import (
    AfterOption,
    AsOfOption,
    BeforeOption,
    DestinationOption,
    EventOption,
    HubOption,
    LakeOption,
    MemoryOption,
    OriginOption,
    ProductsOption,
    Reports,
    SourceOption,
    SpikesOption,
    YearsAsMonthsOption,
    check_periods,
    open_reports,
    parse_corridor,
    suspects_of,
)
from entrepot.detect.options import DetourOptions

__all__ = ["explain_command"]


@app.command("explain")
def explain_command(
    *,
    corridor: Annotated[str, typer.Argument(help="the amount to explain: origin,hub,destination,code")],
    lake: LakeOption,
    event: EventOption,
    out: Annotated[Path | None, typer.Option(help=".md file; default prints it")] = None,
    reports: Annotated[
        Path | None, typer.Option(help="file for all reports behind it: .csv, .parquet, .xlsx or .json")
    ] = None,
    before: BeforeOption = None,
    after: AfterOption = None,
    origin: OriginOption = None,
    hub: HubOption = None,
    destination: DestinationOption = None,
    products: ProductsOption = None,
    as_of: AsOfOption = None,
    source: SourceOption = None,
    spikes: SpikesOption = 100,
    hs_revision: HsSearchRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    years_as_months: YearsAsMonthsOption = "auto",
    memory: MemoryOption = "4GB",
) -> None:
    """Explain one amount: how it was made, both books, the rows of the files, and what would refute it.

    Give the options of the search that it is from.

    Example: entrepot explain DEU,KGZ,RUS,870323 --lake lake --event 2022-03 --origin EU27 --destination RUS
    """
    revision = parse_revision(hs_revision, hs_shares)
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
        spikes=spikes,
    )
    check_periods(options)
    keys = parse_corridor(corridor)

    # Heavy imports wait until the options are known to be right.
    from entrepot.detect.explanation import Corridor  # noqa: PLC0415
    from entrepot.pipeline.explaining import explain_detour  # noqa: PLC0415
    from entrepot.report import check_out, explanation_text, write_table  # noqa: PLC0415

    if out is not None:
        check_out(out, suffixes=(".md",))
    if reports is not None:
        check_out(reports)
    opened, choice = open_reports(lake, Reports(as_of, source, revision, hs_revision, years_as_months))
    with progress_bar("calibrating on planted detours") as progress:
        found = explain_detour(
            opened, options, Corridor(*keys), choice=choice, memory_limit=memory, progress=progress
        )
    text = explanation_text(found)
    told = Console(stderr=True, highlight=False)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text, encoding="utf-8")
        told.print(f"written: {out}", markup=False)
    if reports is not None:
        write_table(found.reports, reports, about={"title": text.partition("\n")[0].removeprefix("# ")})
        told.print(f"written: {reports}", markup=False)
