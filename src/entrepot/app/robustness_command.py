"""The command ``robustness``."""

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
from entrepot.app.progress import progress_bar
from entrepot.app.revision_options import HsSearchRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.app.search_options import (
    AfterOption,
    AsOfOption,
    BeforeOption,
    DestinationOption,
    EventOption,
    ExpectedOption,
    HubOption,
    LakeOption,
    MemoryOption,
    OriginOption,
    OutOption,
    ProductsOption,
    Reports,
    SourceOption,
    ThresholdOption,
    YearsAsMonthsOption,
    check_periods,
    open_reports,
    parse_expected,
    suspects_of,
)
from entrepot.detect.options import DetourOptions

__all__ = ["robustness_command"]


@app.command("robustness")
def robustness_command(
    *,
    lake: LakeOption,
    event: EventOption,
    out: OutOption = None,
    before: BeforeOption = None,
    after: AfterOption = None,
    origin: OriginOption = None,
    hub: HubOption = None,
    destination: DestinationOption = None,
    products: ProductsOption = None,
    chart: Annotated[Path | None, typer.Option(help=".svg file for the specification curve")] = None,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    as_of: AsOfOption = None,
    source: SourceOption = None,
    expected: ExpectedOption = "robust",
    z: ThresholdOption = 1.0,
    hs_revision: HsSearchRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    years_as_months: YearsAsMonthsOption = "auto",
    memory: MemoryOption = "4GB",
) -> None:
    """Test a headline: other windows, baselines, thresholds and books, and without its largest parts.

    Example: entrepot robustness --lake lake --event 2022-03 --origin EU27 --destination RUS --out curve.csv
    """
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
        expected=parse_expected(expected),
        z=z,
    )
    check_periods(options)

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.specifications import find_specifications  # noqa: PLC0415
    from entrepot.report import about_specifications, check_out, print_specifications, write_table  # noqa: PLC0415
    from entrepot.report.charts import svg  # noqa: PLC0415
    from entrepot.report.robustness import specification_chart  # noqa: PLC0415

    if out is not None:
        check_out(out)
    if chart is not None:
        check_out(chart, suffixes=(".svg",))
    opened, choice = open_reports(lake, Reports(as_of, source, revision, hs_revision, years_as_months))
    notes: list[str] = []
    with progress_bar("estimating under other choices") as progress:
        result = find_specifications(
            opened,
            options,
            amount=amount,
            choice=choice,
            memory_limit=memory,
            progress=progress,
            tell=notes.append,
        )
    if out is not None:
        write_table(result.table, out, about=about_specifications(result))
    if chart is not None:
        chart.write_text(svg(specification_chart(result)), encoding="utf-8")
    console = Console(stderr=out == "-", highlight=False)
    print_specifications(result, console)
    if amount is not None:
        notes.append(f"totals in {result.table['amount_unit'][0]} stand in the file, beside the dollars")
    for note in notes:
        console.print(f"note: {note}", markup=False)
    for path in (out, chart):
        if path is not None and str(path) != "-":
            console.print(f"written: {path}", markup=False)
