"""A headline under other choices: in words, on the terminal, as a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
from rich.table import Table

from entrepot.report.account import VALUATION
from entrepot.report.amounts import MISSING, amount, amount_range, percent
from entrepot.report.charts import INK, MUTED, USD_LABELS, finished
from entrepot.report.evidence import UNIDENTIFIED
from entrepot.report.labels import codes_words, enumerate_words, goods, place, span

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from entrepot.detect.specifications import SpecificationResult

__all__ = ["about_specifications", "print_specifications", "specification_chart", "verdict"]

#: A total that keeps less than this share without one part rests on that part.
_RESTS_ON = 0.5

#: A choice matters where the medians of its values lie this far apart.
_MATTERS = 1.25

_SHOWN = 8
_COLOURS = {"exporter": "#0b4f8a", "importer": "#c4510a"}


@dataclass(frozen=True, slots=True)
class _Choice:
    """One value of one choice, and the totals under it."""

    name: str
    value: str
    usd: NDArray[np.float64]

    @property
    def median(self) -> float:
        return float(np.median(self.usd))

    @property
    def words(self) -> str:
        return f"{self.value} {amount(self.median)}"


def verdict(result: SpecificationResult) -> tuple[str, ...]:
    """Return in sentences what the headline rests on."""
    head, curve = result.headline_usd, result.curve_usd
    if head <= 0:
        return ("Nothing was found under the choices asked for: there is no headline to test.",)
    low, high = np.quantile(curve, [0.25, 0.75])
    share = percent(float((curve >= head).mean()))
    first = (
        f"Over {curve.size} specifications the total is {amount_range(curve[0], curve[-1])} USD, half of "
        f"them {amount_range(low, high)}; {share} give the headline's {amount(head)} or more."
    )
    lines = [first]
    if result.table["baseline"][0].as_py() == UNIDENTIFIED:
        lines.insert(
            0,
            "Not identified: nothing in the data tells ordinary growth from the event. The totals show how "
            "choices move them; none may be stated.",
        )
    apart = [
        f"{name} ({enumerate_words([one.words for one in values], most=4)})"
        for name, values in _choices(result).items()
        if _spread(values) > _MATTERS
    ]
    lines.append(
        f"The choices that move it most, medians: {'; '.join(apart)}."
        if apart
        else "No single choice moves its median by a quarter."
    )
    rests = [_named(row) for row in result.left_out if row["headline_share"] < _RESTS_ON]
    if rests:
        lines.append(f"It rests on {enumerate_words(rests, most=4)}: without it less than half is left.")
    elif result.left_out:
        most = result.left_out[0]
        lines.append(
            f"No single product, place or period carries half of it; {_named(most)} matters most: "
            f"{amount(most['estimate_usd'])} without it."
        )
    return tuple(lines)


def about_specifications(result: SpecificationResult) -> dict[str, str]:
    """Return what a reader of the table alone must know."""
    options = result.options
    return {
        "title": "A headline under other choices",
        "event": options.event,
        "origins": ", ".join(options.origins or options.pooled_origins) or "searched for",
        "hubs": ", ".join(options.hubs) or "searched for",
        "destinations": ", ".join(options.destinations) or "searched for",
        "products": ", ".join(options.products) or "all in the data",
        "valuation": VALUATION,
        "verdict": " ".join(verdict(result)),
    }


def print_specifications(result: SpecificationResult, console: Console) -> None:
    """Print the verdict, the totals by choice and what was left out."""
    windows, options = result.windows, result.options
    console.print("How far the headline depends on choices", style="bold")
    console.print(
        f"Event {options.event}; {codes_words(options.products)}; {span(windows, windows.after)} against "
        f"{span(windows, windows.before)}; {VALUATION}",
        style="dim",
        markup=False,
    )
    console.print()
    for line in verdict(result):
        console.print(line, markup=False)
    console.print()
    grid = _grid("choice", "value", "totals", "median USD", "range USD")
    for name, values in _choices(result).items():
        for at, one in enumerate(values):
            grid.add_row(
                name if at == 0 else "",
                one.value,
                str(one.usd.size),
                amount(one.median),
                amount_range(float(one.usd.min()), float(one.usd.max())),
            )
    console.print(grid)
    if result.left_out:
        console.print()
        console.print("Left out, the most important first", style="bold")
        grid = _grid("left out", "", "USD left", "change")
        for row in result.left_out[:_SHOWN]:
            share = row["headline_share"]
            change = MISSING if share is None else f"{share - 1.0:+.0%}"
            grid.add_row(row["left_out_kind"], _code(row), amount(row["estimate_usd"]), change)
        console.print(grid)
    console.print()
    console.print(
        "These totals share data: their spread is no interval. The interval of the headline is that of "
        "entrepot detours.",
        style="dim",
    )


def specification_chart(result: SpecificationResult, width: int = 720) -> Any:
    """Return the specification curve: totals from small to large, the choices of each below it."""
    rows = [row for row in result.table.to_pylist() if row["left_out_kind"] is None]
    rows.sort(key=lambda row: row["estimate_usd"])
    words = _words(result)
    values: list[dict[str, Any]] = []
    dots: list[dict[str, Any]] = []
    for rank, row in enumerate(rows):
        values.append(
            {"rank": rank, "usd": row["estimate_usd"], "book": row["book"], "own": row["is_headline"]}
        )
        dots += [
            {"rank": rank, "choice": f"{name}: {words(row)[name]}", "book": row["book"]}
            for name in words(row)
        ]
    labels = 250
    colour = alt.Color(
        "book:N",
        title="book first",
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
        legend=alt.Legend(orient="top"),
    )
    x = alt.X("rank:Q", axis=None, scale=alt.Scale(domain=[-1, len(rows)], nice=False))
    base = alt.Chart(alt.InlineData(values=values))
    y = alt.Y(
        "usd:Q", title="USD", axis=alt.Axis(labelExpr=USD_LABELS, tickCount=5), scale=alt.Scale(zero=True)
    )
    totals = base.mark_circle(size=22).encode(x=x, y=y, color=colour)
    own = base.transform_filter("datum.own")
    mark = own.mark_point(size=110, color=INK, strokeWidth=1.6).encode(x=x, y=y)
    rule = own.mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=y)
    order = list(dict.fromkeys(dot["choice"] for dot in sorted(dots, key=lambda dot: dot["choice"])))
    below = (
        alt.Chart(alt.InlineData(values=dots))
        .mark_tick(thickness=2, size=9)
        .encode(
            x=x,
            y=alt.Y("choice:N", title=None, sort=order, axis=alt.Axis(labelLimit=labels, ticks=False)),
            color=colour,
        )
    )
    inside = width - labels - 20
    curve = alt.layer(rule, totals, mark).properties(width=inside, height=220)
    below = below.properties(width=inside, height=alt.Step(15))
    return finished(alt.vconcat(curve, below, spacing=8), has_long_labels=True)


def _words(result: SpecificationResult) -> Any:
    """Return a function that says the choices of a row."""

    def said(row: dict[str, Any]) -> dict[str, str]:
        return {
            "windows": _windows(row, result),
            "baseline": row["baseline"],
            "threshold": f"z = {row['z']:g}",
            "book": f"{row['book']}'s first",
        }

    return said


def _windows(row: dict[str, Any], result: SpecificationResult) -> str:
    """Return which windows a row has, against those asked for."""
    asked = (result.windows.text(result.windows.before), result.windows.text(result.windows.after))
    parts = [
        f"{name} {row[name]}"
        for name, own in zip(("before", "after"), asked, strict=True)
        if row[name] != own
    ]
    return ", ".join(parts) or "as asked"


def _choices(result: SpecificationResult) -> dict[str, list[_Choice]]:
    """Return the totals by choice and value, those of choices that have one value left out."""
    words = _words(result)
    found: dict[str, dict[str, list[float]]] = {}
    for row in result.table.to_pylist():
        if row["left_out_kind"] is None:
            for name, value in words(row).items():
                found.setdefault(name, {}).setdefault(value, []).append(row["estimate_usd"])
    return {
        name: [_Choice(name, value, np.array(usd)) for value, usd in values.items()]
        for name, values in found.items()
        if len(values) > 1
    }


def _spread(values: list[_Choice]) -> float:
    medians = [one.median for one in values]
    return max(medians) / min(medians) if min(medians) > 0 else np.inf


def _code(row: dict[str, Any]) -> str:
    kind, code = row["left_out_kind"], row["left_out"]
    if kind == "product":
        return f"{code} {goods(code)}".strip()
    return code if kind == "period" else place(code)


def _named(row: dict[str, Any]) -> str:
    kind = row["left_out_kind"]
    return f"{kind} {_code(row)}"


def _grid(*headings: str) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        is_figure = heading.startswith(("median", "range", "USD", "totals", "change"))
        grid.add_column(heading, justify="right" if is_figure else "left", no_wrap=is_figure)
    return grid
