"""The commands ``detours`` and ``screen``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING

from rich.console import Console

from entrepot.app.amount_options import (
    DeflatorOption,
    PricesOfOption,
    UnitOption,
    ValueOption,
    parse_amount,
)
from entrepot.app.arguments import EngineOption, parse_engine
from entrepot.app.cli import app
from entrepot.app.progress import progress_bar
from entrepot.app.revision_options import (
    HsSearchRevisionOption,
    HsSharesOption,
    parse_revision,
    product_list,
    product_tiers,
)
from entrepot.app.search_options import (
    AfterOption,
    AsOfOption,
    BeforeOption,
    ByOption,
    DestinationOption,
    EventOption,
    ExpectedOption,
    HubOption,
    LakeOption,
    MemoryOption,
    OriginOption,
    OutOption,
    PageOption,
    ProductsOption,
    Reports,
    SeedOption,
    SourceOption,
    SpikesOption,
    ThresholdOption,
    YearsAsMonthsOption,
    check_periods,
    open_reports,
    parse_expected,
    parse_keys,
    suspects_of,
)
from entrepot.detect.options import GROUP_KEYS, DetourOptions

if TYPE_CHECKING:
    from entrepot.detect.result import DetourResult
    from entrepot.engine.choosing import EngineName
    from entrepot.pipeline.amounts import Amount

__all__ = ["detours_command", "screen_command"]

_ALL_KEYS = ",".join(GROUP_KEYS)


@app.command("detours")
def detours_command(
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
    by: ByOption = _ALL_KEYS,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    page: PageOption = None,
    as_of: AsOfOption = None,
    source: SourceOption = None,
    expected: ExpectedOption = "robust",
    z: ThresholdOption = 1.0,
    spikes: SpikesOption = 100,
    seed: SeedOption = 0,
    hs_revision: HsSearchRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    years_as_months: YearsAsMonthsOption = "auto",
    memory: MemoryOption = "4GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Estimate what took a detour after an event: origin, hub, destination instead of the direct road.

    Example: entrepot detours --lake lake --event 2022-03 --origin EU27 --destination RUS --out detours.csv
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
        by=parse_keys(by),
        tiers=product_tiers(products, revision),
        expected=parse_expected(expected),
        z=z,
        spikes=spikes,
        seed=seed,
    )
    amount = parse_amount(value, unit, deflator, prices_of)
    where = _Where(lake, out, page, parse_engine(engine), memory, amount)
    _run(options, where, Reports(as_of, source, revision, hs_revision, years_as_months))


@app.command("screen")
def screen_command(
    *,
    lake: LakeOption,
    event: EventOption,
    out: OutOption = None,
    before: BeforeOption = None,
    after: AfterOption = None,
    products: ProductsOption = None,
    by: ByOption = _ALL_KEYS,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    page: PageOption = None,
    as_of: AsOfOption = None,
    source: SourceOption = None,
    expected: ExpectedOption = "robust",
    spikes: SpikesOption = 100,
    seed: SeedOption = 0,
    hs_revision: HsSearchRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    years_as_months: YearsAsMonthsOption = "auto",
    memory: MemoryOption = "4GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Search the whole world for detours after an event, no suspects given.

    Example: entrepot screen --lake lake --event 2022-03 --products CHPL --out detours.xlsx
    """
    revision = parse_revision(hs_revision, hs_shares)
    options = DetourOptions(
        event=event,
        before=before,
        after=after,
        products=product_list(products, revision),
        by=parse_keys(by),
        tiers=product_tiers(products, revision),
        expected=parse_expected(expected),
        spikes=spikes,
        seed=seed,
    )
    amount = parse_amount(value, unit, deflator, prices_of)
    where = _Where(lake, out, page, parse_engine(engine), memory, amount)
    _run(options, where, Reports(as_of, source, revision, hs_revision, years_as_months))


@dataclass(frozen=True, slots=True)
class _Where:
    """What a run reads and writes, and in which unit."""

    lake: Path
    out: str | None
    page: Path | None
    engine: EngineName
    memory: str
    amount: Amount


def _run(options: DetourOptions, where: _Where, reports: Reports) -> None:
    # Heavy imports wait until the options are known to be right: `--help` and typing errors answer at once.
    from entrepot.pipeline.detours import find_detours  # noqa: PLC0415
    from entrepot.report import about_detours, check_out, print_detours, write_page, write_table  # noqa: PLC0415

    check_periods(options)
    if where.out is not None:
        check_out(where.out)
    if where.page is not None:
        check_out(where.page, suffixes=(".html", ".htm"))
    opened, choice = open_reports(where.lake, reports)
    notes: list[str] = []
    with progress_bar("calibrating on planted detours") as progress:
        result: DetourResult = find_detours(
            opened,
            options,
            choice=choice,
            amount=None if where.amount.column == "value_usd" else where.amount,
            memory_limit=where.memory,
            engine=where.engine,
            progress=progress,
            tell=notes.append,
        )
    about = about_detours(result, sources=opened.files().to_pylist())
    if reports.revision is not None:
        about |= {
            "hs_revision": f"{reports.revision.revision}, shares of split codes: {reports.revision.shares}"
        }
    about |= {"codes": "; ".join(notes)} if notes else {}
    if where.out is not None:
        write_table(result.table, where.out, about=about)
    if where.page is not None:
        write_page(result, where.page, about=about)
    console = Console(stderr=where.out == "-", highlight=False)
    print_detours(result, console)
    for note in notes:
        console.print(f"note: {note}", markup=False)
    for path in (where.out, where.page):
        if path is not None and str(path) != "-":
            console.print(f"written: {path}", markup=False)
