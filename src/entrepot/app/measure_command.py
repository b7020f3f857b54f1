"""The command ``measure``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console

from entrepot.app.amount_options import (
    VALUE_WORDS,
    DeflatorOption,
    PricesOfOption,
    UnitOption,
    ValueOption,
    parse_amount,
)
from entrepot.app.arguments import (
    EngineOption,
    one_of,
    parse_areas,
    parse_chart_event,
    parse_day,
    parse_engine,
    parse_sources,
)
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.errors import OptionError

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.engine.choosing import EngineName
    from entrepot.pipeline.measuring import MeasureQuery
    from entrepot.report import Caption
    from entrepot.store import Lake

__all__ = ["measure_command"]

_BOOKS = ("reconciled", "exports", "imports")


@app.command("measure")
def measure_command(
    name: Annotated[
        str,
        typer.Argument(
            help="total, growth, year_to_date, rolling_year, index, share, rank, overtaking, concentration, "
            "dependence, substitutability, advantage, proximity, similarity, complementarity, supplanting, "
            "margins, composition, plausibility"
        ),
    ],
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[str, typer.Option(help=".csv, .parquet, .xlsx or .json; - prints CSV")],
    freq: Annotated[str, typer.Option(help="A for years, M for months")] = "A",
    periods: Annotated[
        str | None, typer.Option(help="first:last period of the rows; earlier ones are still compared with")
    ] = None,
    exporter: Annotated[
        str | None, typer.Option(help="areas or groups: only their exports are in the whole")
    ] = None,
    importer: Annotated[
        str | None, typer.Option(help="areas or groups: only their imports are in the whole")
    ] = None,
    products: Annotated[
        str | None, typer.Option(help="codes, list names or @file; TOTAL for totals; default all goods")
    ] = None,
    show: Annotated[
        str | None, typer.Option(help="areas or groups whose rows are given; wholes stay as they are")
    ] = None,
    outside: Annotated[
        str | None, typer.Option(help="a group, such as EU27, whose inner trade is left out")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="keys, such as exporter,importer: series of growth, whole of shares, rows of others"
        ),
    ] = None,
    of: Annotated[
        str, typer.Option(help="whose shares, ranks, concentration: exporter, hs_code")
    ] = "exporter",
    book: Annotated[
        str, typer.Option(help="reconciled, or the books as published: exports or imports")
    ] = "reconciled",
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    level: Annotated[str, typer.Option(help="digits that codes are cut to: 6, 4 or 2")] = "6",
    base: Annotated[str | None, typer.Option(help="of index: period or first:last that is 100")] = None,
    before: Annotated[
        str | None, typer.Option(help="of supplanting, margins: earlier window, 2021 or 2021-01:2021-12")
    ] = None,
    after: Annotated[str | None, typer.Option(help="of supplanting, margins: later window")] = None,
    scheme: Annotated[
        str,
        typer.Option(
            help="of composition: BEC4, STAGE, ENERGY, SITC4, ICT, RAUCH, a list by tier, such as CHPL, "
            "or @FILE:COLUMN, a CSV of your own, such as UN's of BEC Rev.5"
        ),
    ] = "BEC4",
    gdp: Annotated[
        Path | None, typer.Option(help="of plausibility: folder of `entrepot fetch world_bank`")
    ] = None,
    all_periods: Annotated[
        bool,
        typer.Option(
            "--all-periods", help="keep periods that reporters of over 1% of a whole did not publish"
        ),
    ] = False,
    chart: Annotated[
        Path | None, typer.Option(help=".svg, .png or .json (Vega-Lite) file for a chart")
    ] = None,
    chart_kind: Annotated[
        str, typer.Option(help="own, slope, bump (of rank), parts (of amounts), multiples or heat")
    ] = "own",
    chart_first: Annotated[
        str | None, typer.Option(help="of parts: the area at the foot, such as RUS for what goes direct")
    ] = None,
    chart_event: Annotated[
        list[str] | None,
        typer.Option(help="of lines: PERIOD=WORDS, such as 2022-03=export bans; may be repeated"),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")] = None,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: Annotated[
        str, typer.Option(help="memory of the engine, on Spark of each task; larger work spills to disk")
    ] = "4GB",
    engine: EngineOption = "duckdb",
) -> None:
    """Measure trade: growth, shares, ranks, concentration, dependence, advantage, who gained a market.

    Example: entrepot measure share --lake lake --importer RUS --show CHN --out share.csv --chart share.svg
    """
    chosen_engine = parse_engine(engine)
    one_of(freq, ("A", "M"), option="--freq")
    one_of(book, _BOOKS, option="--book")
    one_of(level, ("6", "4", "2"), option="--level")
    one_of(chart_kind, ("own", "slope", "bump", "parts", "multiples", "heat"), option="--chart-kind")
    foot = parse_areas(chart_first, option="--chart-first")
    events = tuple(parse_chart_event(text) for text in chart_event or ())
    day = parse_day(as_of, option="--as-of")
    areas = {
        option: parse_areas(text, option=f"--{option}")
        for option, text in (
            ("exporter", exporter), ("importer", importer), ("show", show), ("outside", outside)
        )
    }  # fmt: skip
    revision = parse_revision(hs_revision, hs_shares)
    codes = product_list(products, revision)
    amount = parse_amount(value, unit, deflator, prices_of)

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.choices import ReportChoice  # noqa: PLC0415
    from entrepot.pipeline.measured_flows import MeasuredFlows  # noqa: PLC0415
    from entrepot.pipeline.measuring import MeasureQuery  # noqa: PLC0415
    from entrepot.sources.world_bank.gdp import read_gdp  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    opened = Lake.open(lake)
    sources = parse_sources(source, known=opened.files()["source"].to_pylist())
    flows = MeasuredFlows(
        book=cast("Any", book),
        frequency=cast("Any", freq),
        exporters=areas["exporter"],
        importers=areas["importer"],
        products=codes,
        level=cast("Any", int(level)),
        outside=areas["outside"],
        has_all_periods=all_periods,
        choice=ReportChoice(as_of=day, sources=sources, revision=revision),
    )
    query = MeasureQuery(
        name=cast("Any", name),
        flows=flows,
        amount=amount,
        by=_keys(by) if by is not None else None,
        of=_keys(of),
        base=base,
        before=before,
        after=after,
        scheme=scheme,
        gdp=None if gdp is None else read_gdp(gdp),
        show=areas["show"],
        periods=periods,
    )
    kind = (chart_kind, foot[0] if foot else "", events)
    named = products if products and not products.replace(",", "").isdigit() else ""
    _run(opened, query, out=out, chart=chart, kind=kind, named=named, memory=memory, engine=chosen_engine)


def _keys(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _run(
    lake: Lake,
    query: MeasureQuery,
    *,
    out: str,
    chart: Path | None,
    kind: tuple[str, str, tuple[tuple[str, str], ...]],
    named: str,
    memory: str,
    engine: EngineName,
) -> None:
    from entrepot.pipeline.measuring import measure_lake  # noqa: PLC0415
    from entrepot.report import (  # noqa: PLC0415
        check_out,
        measure_chart,
        print_measure,
        write_chart,
        write_table,
    )

    check_out(out)
    if chart is not None:
        check_out(chart, suffixes=(".svg", ".png", ".json"))
    notes: list[str] = []
    rows = measure_lake(lake, query, memory_limit=memory, engine=engine, tell=notes.append)
    if rows.num_rows == 0 and query.name != "overtaking":  # that nobody overtook anybody is an answer
        raise OptionError(
            "the measure has no rows for these areas and periods",
            where="--show and --periods",
            hint="leave them out to see which rows there are",
        )
    caption = _caption(lake, query, rows, named=named)
    about = {"table": caption.title, "figures": caption.subtitle, "source": caption.footer}
    drawn = None
    if chart is not None:
        drawn = measure_chart(
            rows, query.name, caption, value=query.value, kind=kind[0], first=kind[1], events=kind[2]
        )
    write_table(rows, out, about=about | ({"notes": "; ".join(notes)} if notes else {}))
    if chart is not None:
        write_chart(drawn, chart)
    console = Console(stderr=out == "-", highlight=False)
    print_measure(rows, console)
    for note in notes:
        console.print(f"note: {note}", markup=False)
    for path in (out, chart):
        if path is not None and str(path) != "-":
            console.print(f"written: {path}", markup=False)


def _caption(lake: Lake, query: MeasureQuery, rows: pa.Table, *, named: str) -> Caption:
    """Say what is seen, in which valuation, from which files of which vintage."""
    from entrepot.report import Caption  # noqa: PLC0415
    from entrepot.report.labels import codes_words, places  # noqa: PLC0415
    from entrepot.report.measured import BOOKS, TITLES  # noqa: PLC0415
    from entrepot.sources.registry import publisher_name  # noqa: PLC0415

    flows = query.flows
    goods = "all goods (published totals)" if flows.products == ("TOTAL",) else codes_words(flows.products)
    if named and flows.products != ("TOTAL",):  # lists by their names
        goods = f"{named} ({goods})"
    sides = [
        f"{word} {places(codes)}"
        for word, codes in (("exports of", flows.exporters), ("imports of", flows.importers))
        if codes
    ]
    periods = sorted(rows["period"].unique().to_pylist()) if "period" in rows.column_names else []
    span = f", {periods[0]} to {periods[-1]}" if periods else f", {query.before} to {query.after}"
    files = lake.files().to_pylist()
    sources = "; ".join(sorted({publisher_name(row["source"]) for row in files}))
    vintage = max(row["vintage"] for row in files)
    unit = dict(VALUE_WORDS.values())[query.amount.value]
    if query.amount.prices_of is not None:
        unit += f" at prices of {query.amount.prices_of} (by the index given)"
    last = flows.choice.as_of or vintage
    what = TITLES.get(query.name, query.name.replace("_", " ").capitalize()).format(base=query.base)
    if query.name == "composition":
        own = query.scheme.startswith("@")
        what = f"{what} by {Path(query.scheme[1:]).name if own else query.scheme.upper()}"
    return Caption(
        title=f"{what}: {', '.join(sides) or 'all areas'}{span}",
        subtitle=f"{goods}; {unit}; {BOOKS[flows.book]}",
        footer=f"Source: {sources}, vintages up to {last}; own calculation (entrepot).",
    )
