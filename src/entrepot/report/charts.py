"""The charts of a search: Altair specifications, drawn to SVG without any network.

Every chart is read without colour too: by panel, by shape, by label. Fonts are the ones that the drawing
program measures text with, so that labels fit; where a reader has none of them they fit in a wider one.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from entrepot.report.account import who
from entrepot.report.amounts import amount, amount_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.detect.result import CalibrationSummary, DetourResult

__all__ = [
    "INK",
    "MUTED",
    "USD_LABELS",
    "calibration_chart",
    "comparison_chart",
    "finished",
    "first_day",
    "interval_chart",
    "svg",
    "time_chart",
    "whole_until",
]

#: Colour of writing, and of what stands back.
INK = "#1d2733"
MUTED = "#5b6673"

_GRID, _SHADE = "#e3e7ec", "#eef1f5"
_DIRECT, _INBOUND, _ONWARD, _EVENT = "#0b4f8a", "#c4510a", "#00785a", "#8c2d5b"  # told apart by every eye
_FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
#: Vega expression of an axis label in k, m, bn and tn.
USD_LABELS = "replace(replace(replace(format(datum.value, '~s'), 'G', 'bn'), 'M', 'm'), 'T', 'tn')"
_MONTH = "utcFormat(datum.value, utcmonth(datum.value) == 0 ? '%Y' : '%b')"
_LAST = re.compile(r"to (\d{4}(?:-\d{2})?)$")
_PADDING = {"left": 2, "right": 8, "top": 6, "bottom": 4}
_NARROW = 500
_MOST_POINTS = 300
_HEADROOM = 1.25
_FLOOR = 10.0
#: The widest font that stands in for ours (DejaVu Sans): a label cut at the left is a wrong code.
_WIDER = 1.2
_MARGIN = 36
_CROSS = "M-1,-1L1,1M-1,1L1,-1"


def svg(chart: alt.TopLevelMixin) -> str:
    """Draw a chart."""
    spec = chart.to_dict()
    drawn: str = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version="6.4", allowed_base_urls=[])
    return drawn


def finished(chart: Any, *, has_long_labels: bool = False) -> Any:
    """Return the chart in the house's style; beside long labels there is room for a wider font."""
    padding = _PADDING | ({"left": _MARGIN} if has_long_labels else {})
    return (
        chart.configure(font=_FONT, padding=padding, background="white")
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=12, titleFontSize=12, labelPadding=6, labelColor=INK, titleColor=MUTED,
            titleFontWeight="normal", gridColor=_GRID, domainColor=MUTED, tickColor=MUTED,
        )
        .configure_title(fontSize=13, color=INK, anchor="start", fontWeight="bold", offset=6)
    )  # fmt: skip


def _data(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def time_chart(result: DetourResult, width: int) -> Any:
    """Return the three legs by period, a panel each, with the event and the windows."""
    rows, whole = _legs(result), whole_until(result)
    windows = result.windows
    step = "month" if windows.is_monthly else "year"
    shaded = [
        {
            "day": first_day(windows.text(w).split(":")[0]),
            "to": first_day(windows.text(w).split(":")[1], after=step),
            "window": name,
        }
        for name, w in (("before", windows.before), ("after", windows.after))
    ]
    panels: list[dict[str, Any]] = []
    for leg, title, colour in (
        ("direct", "Direct: origins → destinations", _DIRECT),
        ("inbound", "Inbound: origins → hubs", _INBOUND),
        ("onward", "Onward: hubs → destinations", _ONWARD),
    ):
        own = _split(rows, leg, whole.get(leg))
        if any(row["usd"] is not None for row in own):
            panels.append({"rows": own, "title": title, "colour": colour})
    if not panels:
        return None
    drawn = [
        _panel(**panel, shaded=shaded, event=result.options.event, width=width, is_last=panel is panels[-1])
        for panel in panels
    ]
    return finished(alt.vconcat(*drawn, spacing=10).resolve_scale(x="shared"))


def first_day(period: str, *, after: str = "") -> str:
    """Return the first day of a period, or of the one after it."""
    year, _, month = period.partition("-")
    number = int(year) * 12 + int(month or 1) - 1 + {"": 0, "month": 1, "year": 12}[after]
    return f"{number // 12:04d}-{number % 12 + 1:02d}-01"


def _legs(result: DetourResult) -> list[dict[str, Any]]:
    """Return the legs summed over hubs, null where nobody published the period: no line is drawn there."""
    sums: dict[tuple[str, str], float] = {}
    for row in result.series.to_pylist():
        if ("-" in row["period"]) == result.windows.is_monthly and row["usd"] is not None:
            key = (row["leg"], row["period"])
            sums[key] = sums.get(key, 0.0) + row["usd"]
    periods = sorted({period for _, period in sums})
    return [
        {"leg": leg, "day": first_day(period), "usd": sums.get((leg, period))}
        for leg in ("direct", "inbound", "onward")
        for period in periods
    ]


def whole_until(result: DetourResult) -> dict[str, str]:
    """Return by leg the last period that all its late exporters have published, where some are late.

    Exporters that published nothing do not count: their part is missing, or mirrored, all along.
    """
    origins, hubs, _ = who(result)
    found: dict[str, str] = {}
    for leg, exporters in (("direct", origins), ("inbound", origins), ("onward", hubs)):
        ends = [
            match[1]
            for code, have in result.reporters_late.items()
            if code in exporters and (match := _LAST.search(have))
        ]
        if ends:
            found[leg] = min(ends)
    return found


def _split(rows: list[dict[str, Any]], leg: str, last: str | None) -> list[dict[str, Any]]:
    """Return a leg's rows, those after the last whole period apart; that period begins both parts."""
    own = [row | {"part": "whole"} for row in rows if row["leg"] == leg]
    if last is None:
        return own
    day = first_day(last)
    return [row for row in own if row["day"] <= day] + [
        row | {"part": "rest"} for row in own if row["day"] >= day
    ]


def _panel(
    *, rows: list[dict[str, Any]], shaded: list[dict[str, str]], title: str, colour: str, event: str,
    width: int, is_last: bool,
) -> Any:  # fmt: skip
    top = max(row["usd"] or 0.0 for row in rows) * _HEADROOM or 1.0
    usd = alt.Y(
        "usd:Q",
        title=None,
        scale=alt.Scale(domain=[0, top], nice=False),
        axis=alt.Axis(
            labelExpr=USD_LABELS, tickCount=4, domain=False, ticks=False, minExtent=44, maxExtent=44
        ),
    )
    # Days are UTC: in the clock of the machine that draws, January could begin in December.
    x = alt.X(
        "day:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            grid=False,
            labels=is_last,
            labelFlush=True,
            labelExpr=_MONTH,
            tickCount=4 if width < _NARROW else 9,
            title=None,
        ),
    )
    bands = alt.Chart(_data(shaded)).mark_rect(color=_SHADE).encode(x=x, x2="to:T")
    note: dict[str, Any] = {"baseline": "top", "dy": 3, "fontSize": 11}
    names = alt.Chart(_data(shaded)).mark_text(align="left", dx=4, color=MUTED, **note)
    dash = alt.StrokeDash(
        "part:N", legend=None, scale=alt.Scale(domain=["whole", "rest"], range=[[1, 0], [2, 3]])
    )
    line = (
        alt.Chart(_data(rows))
        .mark_line(color=colour, strokeWidth=2, point=alt.OverlayMarkDef(color=colour, size=14))
        .encode(x=x, y=usd, strokeDash=dash)
    )
    rule = alt.Chart(_data([{"day": first_day(event), "word": f"event {event}"}]))
    mark = rule.mark_rule(color=_EVENT, strokeWidth=1.5, strokeDash=[5, 3]).encode(x=x)
    word = rule.mark_text(align="right", dx=-4, color=_EVENT, fontWeight="bold", **note)
    layers = (
        bands,
        names.encode(x=x, y=alt.value(0), text="window:N"),
        line,
        mark,
        word.encode(x=x, y=alt.value(0), text="word:N"),
    )
    return alt.layer(*layers).properties(width=width - 62, height=110, title=title)


def _ranks(rows: Sequence[dict[str, Any]], *, room: int, padding: int) -> alt.Y:
    """Return the axis of labels in the order of the rows, in so many pixels."""
    axis = alt.Axis(
        labelLimit=(room - padding - 4) / _WIDER,
        labelPadding=padding,
        minExtent=room,
        maxExtent=room,
        ticks=False,
        domain=False,
        grid=False,
    )
    return alt.Y("label:N", sort=[row["label"] for row in rows], title=None, axis=axis)


def interval_chart(rows: Sequence[dict[str, Any]], width: int) -> Any:
    """Return amounts with their intervals, a line each.

    Parameters
    ----------
    rows
        ``label, low, high, estimate`` (None where withheld), ``is_observed``; in the order to be shown.
    width
        Width in pixels, the labels among them.
    """
    labels = min(250, width * 2 // 5)
    data = _data(rows)
    y = _ranks(rows, room=labels, padding=12)
    x = alt.X(
        "low:Q", title="USD", scale=alt.Scale(zero=True), axis=alt.Axis(labelExpr=USD_LABELS, tickCount=4)
    )
    known = alt.Chart(data).transform_filter("datum.estimate !== null")
    whisker = known.mark_rule(color=_INBOUND, strokeWidth=3, opacity=0.45).encode(y=y, x=x, x2="high:Q")
    dot = known.mark_point(size=70, strokeWidth=2, opacity=1).encode(
        y=y,
        x=alt.X("estimate:Q"),
        fill=alt.condition("datum.is_observed", alt.value(_INBOUND), alt.value("white")),
        stroke=alt.value(_INBOUND),
    )
    withheld = (
        alt.Chart(data)
        .transform_filter("datum.estimate === null")
        .mark_text(text="withheld", align="left", dx=4, color=MUTED, fontStyle="italic", fontSize=12)
        .encode(y=y, x=alt.datum(0))
    )
    return finished((whisker + dot + withheld).properties(width=width - labels - 14, height=alt.Step(24)))


def _figure(row: dict[str, Any]) -> str:
    interval = f" ({amount_range(row['low'], row['high'])})" if row["high"] is not None else ""
    return amount(row["usd"]) + interval


def comparison_chart(rows: Sequence[dict[str, Any]], width: int) -> Any:
    """Return bars of the amounts that compete with the estimate.

    Parameters
    ----------
    rows
        ``label, usd, low, high, role`` (estimate, part, relay, other, placebo); low and high None without
        an interval.
    width
        Width in pixels, the labels among them.
    """
    labels = 170 if width > _NARROW else 146
    shown = [row | {"figure": _figure(row)} for row in rows]
    y = _ranks(rows, room=labels, padding=6)
    top = max([row["high"] or row["usd"] for row in rows] + [1.0])
    scale = alt.Scale(domain=[0, top * (1.18 if width > _NARROW else 1.34)], nice=False)
    colour = alt.Color(
        "role:N",
        legend=None,
        scale=alt.Scale(
            domain=["estimate", "part", "relay", "other", "placebo"],
            range=[_INBOUND, "#e8ab85", "#d9dee4", "#9aa7b5", "#c9b6d3"],
        ),
    )
    x = alt.X("usd:Q", title="USD", scale=scale, axis=alt.Axis(labelExpr=USD_LABELS, tickCount=4))
    base = alt.Chart(_data(shown))
    bars = base.mark_bar(height=16).encode(y=y, x=x, color=colour)
    whisker = (
        base.transform_filter("datum.high !== null")
        .mark_rule(color=INK, strokeWidth=2)
        .encode(y=y, x=alt.X("low:Q"), x2="high:Q")
    )
    ends = base.transform_filter("datum.high !== null").mark_tick(color=INK, thickness=2, size=10)
    caps = [ends.encode(y=y, x=f"{end}:Q") for end in ("low", "high")]
    figures = (
        base.transform_calculate(end="datum.high === null ? datum.usd : max(datum.usd, datum.high)")
        .mark_text(align="left", dx=5, color=INK, fontSize=12)
        .encode(y=y, x=alt.X("end:Q"), text="figure:N")
    )
    return finished(
        alt.layer(bars, whisker, *caps, figures).properties(width=width - labels - 14, height=alt.Step(26))
    )


def calibration_chart(summary: CalibrationSummary, width: int) -> Any:
    """Return planted against estimated hub sums on log axes; None where nothing was planted.

    At most 300 points are drawn, evenly chosen. Planted sums that were missed, or found under a tenth of
    the smallest, stand as crosses at the foot.
    """
    pairs = [
        (float(planted), float(estimated))
        for planted, estimated in zip(summary.planted_usd, summary.estimated_usd, strict=True)
        if planted > 0
    ]
    if not pairs:
        return None
    pairs = sorted(pairs)[:: -(-len(pairs) // _MOST_POINTS)]
    low = pairs[0][0] / _FLOOR
    high = max(value for pair in pairs for value in pair) * 1.5
    points = [{"planted": p, "estimated": max(e, low), "found": e > low} for p, e in pairs]
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    ticks: dict[str, Any] = {"values": powers} if len(powers) > 1 else {"tickCount": 5}
    axis = alt.Axis(labelExpr=USD_LABELS, grid=True, labelOverlap=True, **ticks)
    x = alt.X("planted:Q", title="planted, USD", scale=scale, axis=axis)
    y = alt.Y("estimated:Q", title="estimated, USD", scale=scale, axis=axis)
    diagonal = (
        alt.Chart(_data([{"planted": low, "estimated": low}, {"planted": high, "estimated": high}]))
        .mark_line(color=INK, strokeWidth=1, strokeDash=[4, 3])
        .encode(x=x, y=y)
    )
    dots = (
        alt.Chart(_data(points))
        .transform_filter("datum.found")
        .mark_circle(color=_DIRECT, size=26, opacity=0.45)
        .encode(x=x, y=y)
    )
    missed = (
        alt.Chart(_data(points))
        .transform_filter("!datum.found")
        .mark_point(shape=_CROSS, color=_EVENT, size=36, filled=False, strokeWidth=1.4, opacity=0.7)
        .encode(x=x, y=y)
    )
    return finished((diagonal + dots + missed).properties(width=width - 66, height=width - 66))
