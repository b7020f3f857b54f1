"""The command ``flows``."""

from __future__ import annotations

import shlex
from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from entrepot.app.amount_options import (
    DeflatorOption,
    PricesOfOption,
    UnitOption,
    ValueOption,
    parse_other_amount,
)
from entrepot.app.arguments import EngineOption, one_of, parse_areas, parse_day, parse_engine, parse_sources
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.errors import OptionError

if TYPE_CHECKING:
    from entrepot.pipeline.flows import Level
    from entrepot.reconcile import Estimate, HomeFlows, SpecialAreas

__all__ = ["flows_command"]

_AMOUNTS = ("value_usd", "low_usd", "high_usd")


@app.command("flows")
def flows_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[str, typer.Option(help=".csv, .parquet, .xlsx or .json; - prints CSV")],
    reconciled: Annotated[
        bool, typer.Option("--reconciled/--reported", help="one row per flow, or one per report")
    ] = True,
    freq: Annotated[str, typer.Option(help="M for months, A for years")] = "M",
    periods: Annotated[str | None, typer.Option(help="first:last, 2023-01:2023-06 or 2022:2023")] = None,
    exporter: Annotated[str | None, typer.Option(help="areas or groups")] = None,
    importer: Annotated[str | None, typer.Option(help="areas or groups")] = None,
    products: Annotated[
        str | None, typer.Option(help="codes, list names or @file; TOTAL for totals; default all goods")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    estimate: Annotated[
        str,
        typer.Option(
            help="weighted by the reporters' reliability, or exporter_first, as detours use it (--reconciled)"
        ),
    ] = "weighted",
    level: Annotated[
        str | None, typer.Option(help="add reconciled values up to 6, 4 or 2 digits, or TOTAL")
    ] = None,
    add_up: Annotated[
        bool, typer.Option("--add-up", help="add reconciled values up to all these levels")
    ] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="re-exports and re-imports beside the flows that contain them")
    ] = False,
    home: Annotated[
        str, typer.Option(help="goods coming home (partner = reporter): with the others, without, or only")
    ] = "with",
    special_areas: Annotated[
        str, typer.Option(help="keep free zones and areas not specified as partners, or allocate them")
    ] = "keep",
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    source: Annotated[
        str | None, typer.Option(help="sources to use, such as comext,comtrade; default all")
    ] = None,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: Annotated[str, typer.Option(help="memory of the engine, on Spark of each task")] = "4GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Write the flows of a lake: both books brought together, or the reports as they are.

    Example: entrepot flows --lake lake --freq A --periods 2023:2023 --exporter CHN --out china.csv
    """
    if freq not in {"A", "M"}:
        raise OptionError(f"{freq!r} is no frequency", where="--freq", hint="use A for years or M for months")
    one_of(estimate, ("weighted", "exporter_first"), option="--estimate")
    one_of(special_areas, ("keep", "allocate"), option="--special-areas")
    one_of(home, ("with", "without", "only"), option="--home")
    if level is not None:
        one_of(level, ("6", "4", "2", "TOTAL"), option="--level")
    if level is not None and add_up:
        raise OptionError(
            "one level and all levels are asked for",
            where="--level and --add-up",
            hint="leave one of them out",
        )
    amount = parse_other_amount(value, unit, deflator, prices_of)
    if amount is not None and (not reconciled or parts or add_up):
        raise OptionError(
            "other units are given of reconciled flows of one level",
            where="--value and --deflator",
            hint="leave --reported, --parts and --add-up out",
        )
    day = parse_day(as_of, option="--as-of")
    exporters = parse_areas(exporter, option="--exporter")
    importers = parse_areas(importer, option="--importer")
    revision = parse_revision(hs_revision, hs_shares)
    codes = product_list(products, revision)
    chosen = parse_engine(engine)

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.flows import FlowQuery, select_flows  # noqa: PLC0415
    from entrepot.report import check_out, write_table  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    check_out(out)
    opened = Lake.open(lake)
    query = FlowQuery(
        is_reconciled=reconciled,
        frequency="A" if freq == "A" else "M",
        periods=periods,
        exporters=exporters,
        importers=importers,
        products=codes,
        as_of=day,
        revision=revision,
        sources=parse_sources(source, known=opened.files()["source"].to_pylist()),
        estimate=cast("Estimate", estimate),
        special=cast("SpecialAreas", special_areas),
        level="all" if add_up else cast("Level | None", level),
        has_parts=parts,
        home=cast("HomeFlows", home),
    )
    console = Console(stderr=True, highlight=False)
    notes: list[str] = []
    table = select_flows(opened, query, memory_limit=memory, engine=chosen, tell=notes.append)
    if amount is not None and table.num_rows:
        from entrepot.pipeline.valued_rows import RowsOf, valued_rows  # noqa: PLC0415

        of = RowsOf(
            columns=tuple(name for name in _AMOUNTS if name in table.column_names),
            places={"exporter": "exporter", "importer": "importer"},
            frequency=freq,
            estimate=query.estimate,
            choice=query.choice,
        )
        table = valued_rows(opened, table, amount, of, memory_limit=memory, tell=notes.append)
    book = f"reconciled ({estimate}), FOB" if reconciled else "as reported, each on its own valuation"
    files = ", ".join(dict.fromkeys(opened.files()["file_name"].to_pylist()))
    about = {"table": "flows", "book": book, "frequency": freq, "files": files}
    if special_areas != "keep":
        about["special_areas"] = (
            "allocated to the partners that know of the goods; marked in ..._allocated_usd"
        )
    if revision is not None:
        about["hs_revision"] = f"{revision.revision}, shares of split codes: {revision.shares}"
    write_table(table, out, about=about | ({"notes": "; ".join(notes)} if notes else {}))
    for note in notes:
        console.print(f"note: {note}", markup=False)
    console.print(f"{table.num_rows:,} rows, {book}")
    if not table.num_rows:
        console.print(
            f"nothing fits: entrepot calendar --lake {shlex.quote(str(lake))} says which periods "
            "each reporter has, months or years, goods or totals alone (--products TOTAL)",
            markup=False,
            soft_wrap=True,
        )
