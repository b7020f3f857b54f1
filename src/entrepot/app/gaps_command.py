"""The command ``gaps``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path  # noqa: TC003  (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from entrepot.app.amount_options import (
    DeflatorOption,
    PricesOfOption,
    UnitOption,
    ValueOption,
    parse_other_amount,
)
from entrepot.app.arguments import parse_areas, parse_day, parse_period_day, parse_sources
from entrepot.app.cli import app
from entrepot.app.revision_options import HsRevisionOption, HsSharesOption, parse_revision, product_list
from entrepot.detect.gaps.options import GAP_KEYS, GapOptions
from entrepot.detect.periods import parse_span
from entrepot.errors import OptionError
from entrepot.nomenclature import CUSTOMS_UNIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pyarrow as pa

    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.store import Lake

__all__ = ["gaps_command"]


@app.command("gaps")
def gaps_command(
    *,
    lake: Annotated[Path, typer.Option(help="folder of the lake")],
    out: Annotated[
        str | None, typer.Option(help="write all rows to .csv, .parquet, .xlsx or .json; - prints CSV")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(help="month or year of an event; default: every period against all earlier ones"),
    ] = None,
    before: Annotated[str | None, typer.Option(help="with --event: first:last period before it")] = None,
    after: Annotated[str | None, typer.Option(help="with --event: first:last period after it")] = None,
    periods: Annotated[str | None, typer.Option(help="without --event: first:last period to show")] = None,
    exporter: Annotated[str | None, typer.Option(help="areas or groups")] = None,
    importer: Annotated[str | None, typer.Option(help="areas or groups")] = None,
    union: Annotated[
        str | None,
        typer.Option(help="customs unions to add up too, such as EU,EAEU; those named as areas always are"),
    ] = None,
    products: Annotated[
        str | None, typer.Option(help="codes, list names or @file; TOTAL for totals; default all goods")
    ] = None,
    freq: Annotated[
        str | None, typer.Option(help="M for months, A for years; default that of --event, or M")
    ] = None,
    by: Annotated[str, typer.Option(help="keys of the rows: exporter,importer,hs_code,period")] = ",".join(
        GAP_KEYS
    ),
    decompose: Annotated[
        bool,
        typer.Option("--decompose", help="take the gaps apart: valuation, attribution, timing, codes, rest"),
    ] = False,
    value: ValueOption = "usd",
    unit: UnitOption = "",
    deflator: DeflatorOption = None,
    prices_of: PricesOfOption = None,
    chart: Annotated[Path | None, typer.Option(help=".svg file for a chart")] = None,
    explain: Annotated[int, typer.Option(help="say in words what so many of the first rows mean", min=0)] = 0,
    as_of: Annotated[
        str | None, typer.Option(help="use vintages published up to this day, YYYY-MM-DD")
    ] = None,
    source: Annotated[str | None, typer.Option(help="sources to use, such as comtrade; default all")] = None,
    hs_revision: HsRevisionOption = None,
    hs_shares: HsSharesOption = "kept",
    memory: Annotated[str, typer.Option(help="memory of the engine; larger work spills to disk")] = "4GB",
) -> None:
    """Compare what exporters declare as sent with what importers declare as arrived, and both with before.

    Example: entrepot gaps --lake lake --event 2022-03 --exporter EU27 --importer KGZ,ARM --out gaps.csv
    """
    revision = parse_revision(hs_revision, hs_shares)
    frequency = _frequency(freq, event, periods)
    day = parse_period_day(event, option="--event") if event else None
    options = GapOptions(
        event=event,
        before=before,
        after=after,
        periods=periods,
        exporters=_areas(exporter, option="--exporter", on=day),
        importers=_areas(importer, option="--importer", on=day),
        products=product_list(products, revision),
        unions=_unions(union or "", *_unions_in(exporter), *_unions_in(importer)),
        by=_keys(by),
    )
    where = _Where(lake, out, chart, explain)
    amount = parse_other_amount(value, unit, deflator, prices_of)
    asked = _Asked(frequency, parse_day(as_of, option="--as-of"), source, revision, decompose, amount)
    _run(options, where, asked, memory=memory)


@dataclass(frozen=True, slots=True)
class _Where:
    """What a run reads and writes."""

    lake: Path
    out: str | None
    chart: Path | None
    explain: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which reports of the lake are asked for, and for what."""

    frequency: str
    as_of: date | None
    source: str | None
    revision: RevisionChoice | None
    is_decomposed: bool
    amount: Amount | None


def _frequency(freq: str | None, event: str | None, periods: str | None) -> str:
    """Return the frequency that is asked for, or that of the periods named."""
    if freq is not None and freq not in {"A", "M"}:
        raise OptionError(f"{freq!r} is no frequency", where="--freq", hint="use A for years or M for months")
    named = event or periods
    own = None if named is None else "M" if "-" in named else "A"
    if freq is not None and own is not None and freq != own:
        raise OptionError(
            f"{named!r} and the frequency {freq} differ",
            where="--freq",
            hint="write months as 2022-03 with M and years as 2022 with A",
        )
    return freq or own or "M"


def _areas(text: str | None, *, option: str, on: date | None) -> tuple[str, ...]:
    """Return the codes of the areas, and of the customs unions among them."""
    whole = (CUSTOMS_UNIONS[name] for name in _unions_in(text))
    return tuple(dict.fromkeys((*parse_areas(text, option=option, on=on), *whole)))


def _unions_in(text: str | None) -> list[str]:
    names = [part.strip().upper() for part in (text or "").split(",")]
    return [name for name in names if name in CUSTOMS_UNIONS]


def _unions(text: str, *named: str) -> tuple[str, ...]:
    """Return the customs unions to add up: those asked for, and those named among the areas."""
    asked = [part.strip().upper() for part in text.split(",") if part.strip()]
    by_code: dict[str, str] = {}
    for name in (*asked, *named):  # two compositions of one union would add its members twice
        by_code.setdefault(CUSTOMS_UNIONS.get(name, name), name)
    return tuple(by_code.values())


def _keys(text: str) -> tuple[str, ...]:
    names = {"month": "period", "year": "period", "product": "hs_code", "products": "hs_code"}
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    return tuple(names.get(part, part) for part in parts)


def _run(options: GapOptions, where: _Where, asked: _Asked, *, memory: str) -> None:
    # Heavy imports wait until the options are known to be right: `--help` and typing errors answer at once.
    from entrepot.pipeline.choices import ReportChoice  # noqa: PLC0415
    from entrepot.pipeline.gaps import find_gaps, take_gaps_apart  # noqa: PLC0415
    from entrepot.report import about_gaps, check_out, print_gap_parts, print_gaps, write_table  # noqa: PLC0415
    from entrepot.store import Lake  # noqa: PLC0415

    for option, span in (
        ("--before", options.before), ("--after", options.after), ("--periods", options.periods)
    ):  # fmt: skip
        if span is not None:
            parse_span(span, option=option)
    if where.out is not None:
        check_out(where.out)
    if where.chart is not None:
        check_out(where.chart, suffixes=(".svg",))
    opened = Lake.open(where.lake)
    sources = parse_sources(asked.source, known=opened.files()["source"].to_pylist())
    choice = ReportChoice(as_of=asked.as_of, sources=sources, revision=asked.revision)
    notes: list[str] = []
    console = Console(stderr=where.out == "-", highlight=False)
    common: dict[str, Any] = {
        "frequency": asked.frequency,
        "choice": choice,
        "memory_limit": memory,
        "tell": notes.append,
    }
    result: GapResult | GapParts
    if asked.is_decomposed:
        result = take_gaps_apart(opened, options, **common)
        show = partial(print_gap_parts, result, console)
    else:
        result = find_gaps(opened, options, **common)
        show = partial(print_gaps, result, console)
    about = about_gaps(result, sources=opened.files().to_pylist())
    if asked.revision is not None:
        about |= {"hs_revision": f"{asked.revision.revision}, shares of split codes: {asked.revision.shares}"}
    table = _valued(opened, result, asked.amount, common)
    if where.out is not None:
        write_table(table, where.out, about=about | ({"codes": "; ".join(notes)} if notes else {}))
    _draw(result, where.chart)
    show()
    for row in range(min(where.explain, table.num_rows)):
        console.print(f"\n{result.explain(row)}", markup=False)
    for note in notes:
        console.print(f"note: {note}", markup=False)
    for path in (where.out, where.chart):
        if path is not None and str(path) != "-":
            console.print(f"written: {path}", markup=False)


def _valued(
    lake: Lake, result: GapResult | GapParts, amount: Amount | None, common: Mapping[str, Any]
) -> pa.Table:
    """Return the rows of a result, their dollars in another unit beside; those of windows before are left."""
    options, table = result.options, result.table
    if amount is None:
        return table
    from entrepot.pipeline.valued_rows import RowsOf, valued_rows  # noqa: PLC0415

    windows = getattr(result, "windows", None)
    unions = set(CUSTOMS_UNIONS.values())
    sides = {"exporter": options.exporters, "importer": options.importers}
    only = {side: () if set(areas) & unions else areas for side, areas in sides.items()}
    names = [name for name in table.column_names if name.endswith("_usd") and "before_" not in name]
    of = RowsOf(
        columns=tuple(names),
        places={side: side for side in sides if side in options.by},
        window=windows.text(windows.after) if windows is not None else options.periods,
        only={**only, "products": options.products},
        frequency=common["frequency"],
        choice=common["choice"],
    )
    return valued_rows(lake, table, amount, of, memory_limit=common["memory_limit"], tell=common["tell"])


def _draw(result: GapResult | GapParts, chart: Path | None) -> None:
    if chart is not None:
        from entrepot.report.charts import svg  # noqa: PLC0415
        from entrepot.report.gap_charts import gaps_chart  # noqa: PLC0415

        chart.write_text(svg(gaps_chart(result)), encoding="utf-8")
