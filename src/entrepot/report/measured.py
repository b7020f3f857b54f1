"""What the reader sees of a measure: the first rows on the terminal, and its chart."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich.table import Table
from rich.text import Text

from entrepot.errors import OptionError, UnknownCodeError
from entrepot.nomenclature import hs_title
from entrepot.report.amounts import MISSING, amount, percent
from entrepot.report.drawing import OTHERS, Caption, bars_chart, lines_chart, stack_chart
from entrepot.report.labels import place
from entrepot.report.panels import bump_chart, heat_chart, multiples_chart, parts_chart, slope_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

__all__ = ["BOOKS", "CHART_KINDS", "TITLES", "measure_chart", "print_measure"]

#: How a measure can be drawn, besides the way that is its own.
CHART_KINDS = ("own", "slope", "bump", "parts", "multiples", "heat")

#: Whose figures they are, and what they are worth, in words.
BOOKS = {
    "reconciled": "both books reconciled, FOB",
    "exports": "exporters' reports, FOB",
    "imports": "importers' reports by origin, CIF as published",
}
#: What a chart shows, where the measure's name does not say it.
TITLES = {
    "growth": "Growth on the year before",
    "year_to_date": "Growth of the year so far",
    "rolling_year": "Sums of twelve months",
    "index": "Index, {base} = 100",
    "supplanting": "Gained and lost, the market's own growth taken out",
    "margins": "Change",
    "concentration": "Concentration (Herfindahl–Hirschman)",
    "plausibility": "Imports over GDP",
    "advantage": "Revealed comparative advantage",
}
#: What is drawn of a measure, and in which unit.
_DRAWN: dict[str, tuple[str, str]] = {
    "total": ("{value}", "usd"),
    "growth": ("growth", "share"),
    "year_to_date": ("growth", "share"),
    "rolling_year": ("{value}", "usd"),
    "index": ("index", "index"),
    "share": ("share", "share"),
    "rank": ("rank", "rank"),
    "concentration": ("hhi", "number"),
    "dependence": ("dependence", "share"),
    "advantage": ("rca", "number"),
    "plausibility": ("gdp_share", "share"),
    "composition": ("share", "share"),
    "supplanting": ("competitive_{value}", "usd"),
    "margins": ("change_{value}", "usd"),
}
_SHARES = (
    "share", "growth", "dependence", "asymmetry", "salience", "similarity", "complementarity", "coverage",
    "proximity",
)  # fmt: skip
_NUMBERS = ("index", "hhi", "effective_number", "rca", "symmetric_rca", "past_ratio")
_MOST_BARS = 24
_MOST_TITLES, _LONGEST_TITLE = 8, 80
#: Columns that leave a narrow terminal first, and those that leave last.
_MADE_OF = (
    "whole_",
    "year_earlier_",
    "base_",
    "before_",
    "after_",
    "covered_",
    "own_covered_",
    "sole_value",
    "own_",
)
_LAST_TO_GO = (*_SHARES, *_NUMBERS, "coverage", "sole_share", "rank", "proximity")


def print_measure(rows: pa.Table, console: Console, *, most: int = 20) -> None:
    """Print the first rows of a measure, amounts in three digits.

    Parameters
    ----------
    rows
        The table.
    console
        Where to.
    most
        Rows to print; what is left is counted.
    """
    shown = rows.slice(0, most).to_pylist()
    cells = {name: [_cell(name, row[name]) for row in shown] for name in rows.column_names}
    kept, left_out = _fitting(rows.schema, cells, console.width)
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in kept:
        is_text = rows.schema.field(name).type == pa.string()
        grid.add_column(
            name.replace("_", " "), justify="left" if is_text else "right", overflow="fold",
            min_width=_width(name, cells[name]) if not is_text else None,
        )  # fmt: skip
    for at in range(len(shown)):
        grid.add_row(*[Text(cells[name][at]) for name in kept])
    console.print(grid)
    if rows.num_rows > most:
        console.print(f"and {rows.num_rows - most:,} more rows", markup=False)
    if left_out:
        console.print(f"in the file besides: {', '.join(left_out)}", markup=False)


def _width(name: str, cells: Sequence[str]) -> int:
    """Return the least width of a column: its headings break between words, its figures never."""
    return max(map(len, [*name.split("_"), *cells]))


def _fitting(
    schema: pa.Schema, cells: Mapping[str, Sequence[str]], width: int
) -> tuple[list[str], list[str]]:
    """Return the columns that fit side by side, and those that do not: what others are made of goes first."""
    numbers = [field.name for field in schema if field.type != pa.string()]
    order = sorted(numbers, key=lambda name: (not name.startswith(_MADE_OF), name.endswith(_LAST_TO_GO)))
    kept = list(schema.names)
    while order and sum(_width(name, cells[name]) + 2 for name in kept) > width:
        kept.remove(order.pop(0))
    return kept, [name for name in schema.names if name not in kept]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return MISSING
    if not isinstance(value, float):
        return str(value)
    if name.endswith(_NUMBERS):
        return _minus(f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}")
    if name.endswith(_SHARES):
        return _minus(f"{value:.1%}" if abs(value) < 0.1 else percent(value))
    return amount(value) if value >= 0 else f"−{amount(-value)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def measure_chart(
    rows: pa.Table,
    name: str,
    caption: Caption,
    *,
    value: str = "value_usd",
    kind: str = "own",
    first: str = "",
    events: Sequence[tuple[str, str]] = (),
) -> Any:
    """Return the chart of a measure: lines over time, ranks, a stack, or bars; or another kind of it.

    Parameters
    ----------
    rows
        What :func:`entrepot.measure_lake` gave.
    name
        The measure.
    caption
        What stands around.
    value
        The column that it was made of.
    kind
        One of :data:`CHART_KINDS`.
    first
        Of ``parts``: code of the area whose part is at the foot.
    events
        Periods and names of what happened, on lines over time.

    Raises
    ------
    OptionError
        The measure has no chart, or no such one, or has too many series for it.
    """
    if name not in _DRAWN:
        raise OptionError(
            f"there is no chart of {name}", where="--chart", hint=f"there are charts of {', '.join(_DRAWN)}"
        )
    column, unit = _DRAWN[name]
    column = column.format(value=value)
    texts = [field.name for field in rows.schema if field.type == pa.string() and field.name != "period"]
    own = ["title"] if "title" in rows.column_names else _telling(rows, texts)
    drawn = [
        {"period": row.get("period"), "series": _label(row, own), "value": row[column]}
        for row in rows.to_pylist()
    ]
    if "hs_code" in own:
        caption = _noted(caption, _code_titles(rows["hs_code"].unique().to_pylist()))
    has_lines = kind == "own" and "period" in rows.column_names and name != "composition"
    _check_events(events, drawn, has_lines=has_lines)
    if kind != "own":
        figures = [row | {"figure": _cell(column, row["value"])} for row in drawn]
        return _other_kind(figures, caption, kind=kind, column=column, unit=unit, first=first)
    if name == "composition":
        _one_whole(rows)
        return stack_chart(_largest(drawn), caption)
    if "period" in rows.column_names:
        known, caption = _with_figures(drawn, caption)
        return lines_chart(known, caption, unit=unit, is_rank=unit == "rank", events=events)
    largest = sorted((row for row in drawn if row["value"]), key=lambda row: -abs(row["value"]))
    if len(largest) > _MOST_BARS:
        caption = _noted(caption, f"The {_MOST_BARS} largest of {len(largest)}.")
        largest = largest[:_MOST_BARS]
    bars = [
        {
            "label": row["series"],
            "series": column,
            "value": row["value"],
            "figure": _cell(column, row["value"]),
        }
        for row in sorted(largest, key=lambda row: -row["value"])
    ]
    return bars_chart(bars, caption, unit=unit)


def _check_events(
    events: Sequence[tuple[str, str]], drawn: Sequence[Mapping[str, Any]], *, has_lines: bool
) -> None:
    """Refuse events where there are no lines over time, or that lie outside of them."""
    if events and not has_lines:
        raise OptionError(
            "events stand on lines over time", where="--chart-event", hint="leave it out, or --chart-kind"
        )
    for period, word in events:
        days = sorted(str(row["period"]) for row in drawn)
        if not days[0][:4] <= period[:4] <= days[-1][:4]:
            raise OptionError(
                f"{period} ({word}) is outside of what is drawn",
                where="--chart-event",
                hint=f"periods drawn are {days[0]} to {days[-1]}",
            )


def _with_figures(drawn: Sequence[dict[str, Any]], caption: Caption) -> tuple[list[dict[str, Any]], Caption]:
    """Return the rows of series that have a figure, and a caption that names the others."""
    known = {row["series"] for row in drawn if row["value"] is not None}
    absent = [name for name in dict.fromkeys(row["series"] for row in drawn) if name not in known]
    if absent:
        caption = _noted(caption, f"No figure: {', '.join(absent)}.")
    return [row for row in drawn if row["series"] in known], caption


def _noted(caption: Caption, words: str) -> Caption:
    return replace(caption, footer=f"{words} {caption.footer}".strip())


def _code_titles(codes: Sequence[str | None]) -> str:
    """Return what codes mean, in one line; nothing of many codes."""
    known = sorted(code for code in codes if code)
    if not known or len(known) > _MOST_TITLES:
        return ""
    words = []
    for code in known:
        with suppress(UnknownCodeError):
            words.append(f"{code}: {shorten(hs_title(code), _LONGEST_TITLE, placeholder='…')}")
    told = "; ".join(words)
    return told if told.endswith(("…", ".")) or not told else f"{told}."


def _other_kind(
    rows: list[dict[str, Any]], caption: Caption, *, kind: str, column: str, unit: str, first: str
) -> Any:
    if any(row["period"] is None for row in rows):
        raise OptionError(
            f"a {kind} chart compares periods, and the measure has none",
            where="--chart-kind",
            hint="add period to --by, such as --by importer,period; or leave the option out",
        )
    match kind:
        case "slope":
            return slope_chart(rows, caption, unit=unit)
        case "bump" if column == "rank":
            return bump_chart(*_with_figures(rows, caption))
        case "bump":
            raise OptionError(
                "a bump chart is one of places", where="--chart-kind", hint="entrepot measure rank"
            )
        case "parts" if unit == "usd":
            return parts_chart(rows, caption, first=place(first) if first else "")
        case "parts":
            raise OptionError(
                "parts are amounts that add up", where="--chart-kind", hint="entrepot measure total"
            )
        case "multiples":
            known, caption = _with_figures(rows, caption)
            return multiples_chart(known, caption, unit=unit)
        case _:
            return heat_chart(rows, caption, unit="growth" if column == "growth" else unit)


def _largest(rows: Sequence[dict[str, Any]], *, most: int = 7) -> list[dict[str, Any]]:
    """Return the parts of a stack, the smaller ones as one where there are more than fit."""
    sizes: dict[str, float] = {}
    for row in rows:
        sizes[row["series"]] = sizes.get(row["series"], 0.0) + (row["value"] or 0.0)
    kept = set(sorted(sizes, key=lambda name: -sizes[name])[: most if len(sizes) > most + 1 else most + 1])
    sums: dict[tuple[Any, str], float] = {}
    for row in rows:
        key = (row["period"], row["series"] if row["series"] in kept else OTHERS)
        sums[key] = sums.get(key, 0.0) + (row["value"] or 0.0)
    return [{"period": period, "series": name, "value": value} for (period, name), value in sums.items()]


def _one_whole(rows: pa.Table) -> None:
    """Refuse to stack the shares of several wholes in one bar."""
    kept = [name for name in rows.column_names if name in {"exporter", "importer", "hs_code"}]
    several = [name for name in kept if len(rows[name].unique()) > 1]
    if several or "period" not in rows.column_names:
        raise OptionError(
            f"the rows have {', '.join(several) or 'no period'}: one bar a period is one whole",
            where="--chart",
            hint="ask for --by period, or for one exporter and importer with --show",
        )


def _telling(rows: pa.Table, texts: Sequence[str]) -> list[str]:
    """Return the keys that tell rows apart; one that is the same in all goes without saying."""
    return [name for name in texts if len(rows[name].unique()) > 1] or list(texts[:1])


def _label(row: dict[str, Any], keys: Sequence[str]) -> str:
    words = [
        place(row[key]) if key not in {"hs_code", "category", "title"} else str(row[key]) for key in keys
    ]
    return " → ".join(words) or "all"
