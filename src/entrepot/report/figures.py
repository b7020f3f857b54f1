"""The figures of a page: each chart in two widths, with its caption and what to say to who cannot see it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.report.account import VALUATION
from entrepot.report.amounts import amount, amount_range
from entrepot.report.charts import (
    calibration_chart,
    comparison_chart,
    interval_chart,
    svg,
    time_chart,
    whole_until,
)
from entrepot.report.kinds import Shares
from entrepot.report.labels import enumerate_words, goods, place, span
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from entrepot.detect.result import DetourResult, Headline

__all__ = ["Figure", "figures_of"]

_WIDE, _NARROW, _SQUARE = 720, 350, 350
_MOST_LINES = 15
_HOLLOW = {DetourKind.ONWARD_UNOBSERVED.value, DetourKind.UNSEEN.value}
_PARTS = {
    DetourKind.DECLARED: "of it declared",
    DetourKind.UNSEEN: "of it unseen",
    DetourKind.ONWARD_UNOBSERVED: "of it not observed",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart, ready for the page.

    Attributes
    ----------
    wide, narrow
        ``data:`` addresses of the drawing for a screen or paper, and for a phone.
    alt
        What the chart shows, with its figures.
    caption
        What is drawn: unit, valuation, windows.
    """

    wide: str
    narrow: str
    alt: str
    caption: str


def figures_of(result: DetourResult) -> dict[str, Figure]:
    """Return the figures that the result has data for: time, comparison, hubs, products, calibration."""
    found = {
        "comparison": _comparison(result),
        "time": _time(result),
        "hubs": _ranked(result, result.hubs, _hub_label, what="hubs"),
        "products": _ranked(result, result.products, _product_label, what="products"),
        "calibration": _calibration(result),
    }
    return {name: figure for name, figure in found.items() if figure is not None}


def _drawn(
    chart_of: Callable[[int], Any], *, alt: str, caption: str, widths: tuple[int, int] = (_WIDE, _NARROW)
) -> Figure | None:
    charts = {width: chart_of(width) for width in widths}
    if None in charts.values():
        return None
    drawn = {
        width: f"data:image/svg+xml;base64,{b64encode(svg(chart).encode()).decode()}"
        for width, chart in charts.items()
    }
    return Figure(wide=drawn[widths[0]], narrow=drawn[widths[1]], alt=alt, caption=caption)


def _after(result: DetourResult) -> str:
    return span(result.windows, result.windows.after)


def _comparison(result: DetourResult) -> Figure | None:
    head = result.headline
    is_stated = head.status == "identified"
    rows: list[dict[str, Any]] = [
        {"label": "missing direct trade", "usd": head.shortfall_usd, "role": "other"},
        {"label": "plain increase", "usd": head.raw_increase_usd, "role": "other"},
        {"label": "excess only", "usd": head.excess_in_usd, "role": "other"},
    ]
    if is_stated:
        rows.append(
            {
                "label": "estimate",
                "usd": head.estimate_usd,
                "low": head.low_usd,
                "high": head.high_usd,
                "role": "estimate",
            }
        )
        rows += _parts(head)
    rows += [
        {"label": f"placebo {at}", "usd": usd, "role": "placebo"}
        for at, usd in enumerate(head.placebo_usd, start=1)
    ]
    rows = [{"low": None, "high": None} | row for row in rows if np.isfinite(row["usd"])]
    said = [f"{row['label']} {amount(row['usd'])} USD" for row in rows]
    interval = " The line on the estimate is its 90% interval." if is_stated else " No estimate is stated."
    if any(row["role"] == "relay" for row in rows):
        interval += " Others' goods are not part of the estimate: a weaker statement."
    return _drawn(
        lambda width: comparison_chart(rows, width),
        alt=f"Bar chart: {enumerate_words(said, most=12)}.{interval}",
        caption=f"What competes with the estimate. {VALUATION}; sums over the after-window, "
        f"{_after(result)}; placebos worth what they are in a window of that length.{interval}",
    )


def _parts(head: Headline) -> list[dict[str, Any]]:
    """Return what of the estimate is of which kind, where of several, and what others sent beside it."""
    parts = Shares.of(head).named()
    rows = [{"label": _PARTS[kind], "usd": usd, "role": "part"} for kind, usd in parts.items()]
    relay = [{"label": "others' goods", "usd": head.relay_usd, "role": "relay"}] if head.relay_usd > 0 else []
    return (rows if len(rows) > 1 else []) + relay


def _time(result: DetourResult) -> Figure | None:
    windows = result.windows
    unit = "month" if windows.is_monthly else "year"
    legs = result.series.to_pylist()

    def level(leg: str, window: tuple[int, ...]) -> str:
        first, last = windows.text(window).split(":")
        own = [row for row in legs if row["leg"] == leg and first <= row["period"] <= last]
        sums = sum(row["usd"] or 0.0 for row in own)
        return amount(sums / max(len({row["period"] for row in own}), 1)) if own else "no data"

    absent = [leg for leg in ("direct", "inbound", "onward") if not any(row["leg"] == leg for row in legs)]
    unseen = f" No data of the {enumerate_words(absent)} leg." if absent else ""
    late = whole_until(result)
    dotted = " Dotted: late reporters are missing in part, so a fall there may be a gap." if late else ""
    said = [
        f"{leg} {level(leg, windows.before)} before and {level(leg, windows.after)} after"
        for leg in ("direct", "inbound", "onward")
    ]
    return _drawn(
        lambda width: time_chart(result, width),
        alt=f"Line charts by {unit} with the event {result.options.event} marked. Mean USD a {unit}: "
        f"{enumerate_words(said)}.",
        caption=f"Trade by {unit}, all hubs together, in the goods whose direct trade fell.{unseen} USD, "
        f"FOB, one scale a panel. Shaded: the windows compared, {span(windows, windows.before)} and "
        f"{_after(result)}; dashed: the event. A {unit} that neither side published is a gap, not a "
        f"zero.{dotted}",
    )


def _hub_label(row: dict[str, Any], *, has_one_destination: bool) -> str:
    hub = place(row["hub"] or "")
    return hub if has_one_destination else f"{hub} → {place(row['destination'] or '')}"


def _product_label(row: dict[str, Any], *, has_one_destination: bool) -> str:  # noqa: ARG001  (same call as hubs)
    return f"{row['hs_code']} {goods(row['hs_code'] or '')}".strip()


def _ranked(result: DetourResult, table: pa.Table, label: Callable[..., str], *, what: str) -> Figure | None:
    if table["estimate_usd"].null_count == table.num_rows:
        return None  # empty, or every amount withheld: the table says so
    has_one = len(set(table["destination"].to_pylist())) == 1
    rows = [
        {
            "label": label(row, has_one_destination=has_one),
            "estimate": row["estimate_usd"],
            "low": row["low_usd"],
            "high": row["high_usd"],
            "is_observed": row["kind"] not in _HOLLOW,
        }
        for row in table.slice(0, _MOST_LINES).to_pylist()
    ]
    said = [
        f"{row['label']} {amount(row['estimate'])} ({amount_range(row['low'], row['high'])})"
        if row["estimate"] is not None
        else f"{row['label']} withheld"
        for row in rows
    ]
    shown = (
        f"The largest {len(rows)} of {table.num_rows:,} {what}"
        if table.num_rows > len(rows)
        else f"All {what}"
    )
    hollow = (
        " Hollow: the onward leg is not observed, or the hub's books do not show the goods arriving."
        if any(not row["is_observed"] for row in rows)
        else ""
    )
    if result.headline.relay_usd > 0:
        hollow += " What others sent through the hubs is not in it."
    return _drawn(
        lambda width: interval_chart(rows, width),
        alt=f"Estimates with 90% intervals in USD: {enumerate_words(said, most=_MOST_LINES)}.",
        caption=f"{shown}: estimate and 90% interval. {VALUATION}; {_after(result)}.{hollow}",
    )


def _calibration(result: DetourResult) -> Figure | None:
    summary = result.calibration
    planted = summary.planted_usd > 0
    n = int(planted.sum())
    missed = int((planted & (summary.estimated_usd <= 0)).sum())
    invented = int((~planted & (summary.estimated_usd > 0)).sum())
    return _drawn(
        lambda width: calibration_chart(summary, width),
        widths=(_SQUARE, _SQUARE),
        alt="Scatter of planted against estimated sums by hub on logarithmic axes; "
        f"{missed} of {n:,} planted sums were missed.",
        caption="Detours planted in the months before the event, by hub, against what the search made of "
        f"them. USD, FOB. Dashed: perfect. Crosses at the foot: {missed} of {n:,} planted sums that were "
        f"missed; {invented:,} more were estimated where nothing was planted. At most 300 points are drawn.",
    )
