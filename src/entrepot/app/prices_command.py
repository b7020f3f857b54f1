"""The commands ``prices markup``, ``decompose``, ``outliers`` and ``incentives``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict, cast

import typer
from rich.console import Console

from entrepot.app.amount_options import DeflatorOption, PricesOfOption, parse_other_amount
from entrepot.app.arguments import one_of, parse_areas
from entrepot.app.cli import app
from entrepot.app.revision_options import product_list
from entrepot.app.runs import open_run
from entrepot.app.search_options import parse_keys
from entrepot.detect.periods import parse_period, parse_span
from entrepot.detect.prices.options import PRICE_KEYS, PriceOptions
from entrepot.errors import OptionError

if TYPE_CHECKING:
    from entrepot.detect.prices.options import Book, EstimatedAmounts
    from entrepot.report.prices import PriceQuestion

__all__ = ["decompose_command", "incentives_command", "markup_command", "outliers_command"]

_prices = typer.Typer(
    help="Unit values: mark-ups, price and volume, outliers.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(_prices, name="prices")

_Lake = Annotated[Path, typer.Option(help="folder of the lake")]
_Out = Annotated[
    str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
]
_Event = Annotated[str, typer.Option(help="month between the windows, 2022-03; a year for annual data")]
_Before = Annotated[
    str | None, typer.Option(help="first:last period before; default the 24 months (3 years) to two before")
]
_After = Annotated[
    str | None, typer.Option(help="first:last period after; default from two months (a year) after on")
]
_Exporter = Annotated[str | None, typer.Option(help="areas or groups that supply; default all")]
_Importer = Annotated[str | None, typer.Option(help="areas or groups that buy; default all")]
_Products = Annotated[str | None, typer.Option(help="codes, list names or @file; default all goods")]
_By = Annotated[str, typer.Option(help="keys of the rows: exporter,importer,hs_code")]
_Book = Annotated[str, typer.Option(help="exporter (FOB) or importer (CIF): whose values and amounts")]
_Unit = Annotated[
    str, typer.Option(help="kg for net weight, or a unit of supplementary quantities, such as u")
]
_Value = Annotated[str, typer.Option(help="money: usd, or eur (mean ECB rate of the period)")]
_Estimated = Annotated[str, typer.Option(help="amounts that the publisher estimated: leave_out, or use")]
_Threshold = Annotated[float, typer.Option(help="robust z from which a unit value is an outlier")]
_Freq = Annotated[
    str | None, typer.Option(help="M for months, A for years; default that of the periods, or M")
]
_Chart = Annotated[Path | None, typer.Option(help=".svg file for a chart")]
_AsOf = Annotated[str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")]
_Source = Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")]
_Memory = Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")]
_ALL_KEYS = ",".join(PRICE_KEYS)


@_prices.command("markup")
def markup_command(
    *,
    lake: _Lake,
    out: _Out = None,
    event: _Event,
    before: _Before = None,
    after: _After = None,
    exporter: _Exporter = None,
    importer: _Importer = None,
    products: _Products = None,
    by: _By = _ALL_KEYS,
    book: _Book = "exporter",
    unit: _Unit = "kg",
    value: _Value = "usd",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    estimated: _Estimated = "leave_out",
    threshold: _Threshold = 3.5,
    draws: Annotated[int, typer.Option(help="draws of the intervals")] = 400,
    seed: Annotated[int, typer.Option(help="seed of all draws")] = 0,
    chart: _Chart = None,
    as_of: _AsOf = None,
    source: _Source = None,
    memory: _Memory = "4GB",
) -> None:
    """Say what destinations pay over the same suppliers' other buyers, before and after an event.

    Example: entrepot prices markup --lake lake --event 2022-03 --importer KGZ,ARM --by importer --out m.csv
    """
    options = PriceOptions(
        **_choice(exporter, importer, products, book, estimated),
        unit=unit,
        event=event,
        before=before,
        after=after,
        by=parse_keys(by),
        threshold=threshold,
        draws=draws,
        seed=seed,
    )
    _run(
        "markup", options, _Asked(lake, out, chart, None, as_of, source, memory, (value, deflator, prices_of))
    )


@_prices.command("decompose")
def decompose_command(
    *,
    lake: _Lake,
    out: _Out = None,
    event: _Event,
    before: _Before = None,
    after: _After = None,
    exporter: _Exporter = None,
    importer: _Importer = None,
    products: _Products = None,
    by: _By = _ALL_KEYS,
    book: _Book = "exporter",
    unit: _Unit = "kg",
    value: _Value = "usd",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    estimated: _Estimated = "leave_out",
    threshold: _Threshold = 3.5,
    chart: _Chart = None,
    as_of: _AsOf = None,
    source: _Source = None,
    memory: _Memory = "4GB",
) -> None:
    """Take changes of value apart into price and volume, by Fisher's and Törnqvist's indices.

    Example: entrepot prices decompose --lake lake --event 2022 --importer CHN --by exporter --out parts.csv
    """
    options = PriceOptions(
        **_choice(exporter, importer, products, book, estimated),
        unit=unit,
        event=event,
        before=before,
        after=after,
        by=parse_keys(by),
        threshold=threshold,
    )
    _run(
        "decompose",
        options,
        _Asked(lake, out, chart, None, as_of, source, memory, (value, deflator, prices_of)),
    )


@_prices.command("outliers")
def outliers_command(
    *,
    lake: _Lake,
    out: _Out = None,
    periods: Annotated[str | None, typer.Option(help="first:last period to judge; default all")] = None,
    exporter: _Exporter = None,
    importer: _Importer = None,
    products: _Products = None,
    book: _Book = "exporter",
    unit: _Unit = "kg",
    value: _Value = "usd",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    estimated: _Estimated = "leave_out",
    threshold: _Threshold = 3.5,
    freq: _Freq = None,
    chart: _Chart = None,
    as_of: _AsOf = None,
    source: _Source = None,
    memory: _Memory = "4GB",
) -> None:
    """Find unit values far from the same supplier's others: over- and under-invoicing, or wrong weights.

    Example: entrepot prices outliers --lake lake --exporter CHN --periods 2023-01:2023-12 --out far.csv
    """
    options = PriceOptions(
        **_choice(exporter, importer, products, book, estimated),
        unit=unit,
        periods=periods,
        threshold=threshold,
    )
    _run(
        "outliers",
        options,
        _Asked(lake, out, chart, freq, as_of, source, memory, (value, deflator, prices_of)),
    )


@_prices.command("incentives")
def incentives_command(
    *,
    loops: Annotated[Path, typer.Option(help=".csv or .parquet file that entrepot loops wrote")],
    out: _Out = None,
    subsidy: Annotated[
        float, typer.Option(help="share of the value out that the maker's side is paid: rebate, preference")
    ] = 0.0,
    cost: Annotated[
        float, typer.Option(help="share of it that the via's side spends: freight, duty, relabelling")
    ] = 0.0,
    months: Annotated[
        int, typer.Option(help="months of departure from the onset to average rates over")
    ] = 12,
    rates: Annotated[
        Path | None, typer.Option(help="CSV file currency,period,per_usd of rates that come before the ECB's")
    ] = None,
) -> None:
    """Weigh the mark-up of round trips against exchange rates, subsidies and costs, and find the break-even.

    Example: entrepot prices incentives --loops loops.csv --subsidy 0.13 --cost 0.06 --out incentives.csv
    """
    from entrepot.pipeline.incentives import find_incentives  # noqa: PLC0415
    from entrepot.report import about_incentives, check_out, print_incentives, write_table  # noqa: PLC0415

    if out is not None:
        check_out(out)
    found = find_incentives(loops, subsidy=subsidy, cost=cost, months=months, rates=rates)
    if out is not None:
        write_table(found, out, about=about_incentives(found, loops=loops.name))
    console = Console(stderr=out == "-", highlight=False)
    print_incentives(found, console)
    if out not in {None, "-"}:
        console.print(f"written: {out}", markup=False)


class _Choice(TypedDict):
    """Whose goods, and whose figures of them."""

    exporters: tuple[str, ...]
    importers: tuple[str, ...]
    products: tuple[str, ...]
    book: Book
    estimated: EstimatedAmounts


def _choice(
    exporter: str | None, importer: str | None, products: str | None, book: str, estimated: str
) -> _Choice:
    """Return what was typed, checked."""
    return {
        "exporters": parse_areas(exporter, option="--exporter"),
        "importers": parse_areas(importer, option="--importer"),
        "products": product_list(products, None),
        "book": cast("Book", one_of(book, ("exporter", "importer"), option="--book")),
        "estimated": cast("EstimatedAmounts", one_of(estimated, ("leave_out", "use"), option="--estimated")),
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run reads and writes."""

    lake: Path
    out: str | None
    chart: Path | None
    freq: str | None
    as_of: str | None
    source: str | None
    memory: str
    money: tuple[str, Path | None, str | None]


def _frequency(options: PriceOptions, freq: str | None) -> str:
    """Return the frequency that is asked for, or that of the periods named."""
    if freq is not None:
        one_of(freq, ("A", "M"), option="--freq")
    if options.event is not None:
        parse_period(options.event, option="--event")
    for option, span in (
        ("--before", options.before), ("--after", options.after), ("--periods", options.periods)
    ):  # fmt: skip
        if span is not None:
            parse_span(span, option=option)
    named = options.event or options.periods
    own = None if named is None else "M" if "-" in named else "A"
    if freq is not None and own is not None and freq != own:
        raise OptionError(
            f"{named!r} and the frequency {freq} differ",
            where="--freq",
            hint="write months as 2022-03 with M and years as 2022 with A",
        )
    return freq or own or "M"


def _run(question: PriceQuestion, options: PriceOptions, asked: _Asked) -> None:
    frequency = _frequency(options, asked.freq)
    value, deflator, prices_of = asked.money
    amount = parse_other_amount(value, "", deflator, prices_of)

    # Heavy imports wait until the options are known to be right.
    from entrepot.pipeline.prices import decompose_values, find_markups, find_price_outliers  # noqa: PLC0415
    from entrepot.report import about_prices, print_prices  # noqa: PLC0415

    answer = {"markup": find_markups, "decompose": decompose_values, "outliers": find_price_outliers}[
        question
    ]
    run = open_run(asked.lake, asked.out, chart=asked.chart, as_of=asked.as_of, source=asked.source)
    result = answer(
        run.lake,
        options,
        frequency=frequency,
        amount=amount,
        choice=run.choice,
        memory_limit=asked.memory,
        tell=run.notes.append,
    )
    run.write(result.table, asked.out, about=about_prices(result, question, sources=run.files))
    console = Console(stderr=asked.out == "-", highlight=False)
    print_prices(result, question, console)
    if asked.chart is not None:
        from entrepot.report.price_charts import price_chart  # noqa: PLC0415

        run.draw(price_chart(result, question), asked.chart, console, nothing="there is no row to draw")
    run.close(console)
