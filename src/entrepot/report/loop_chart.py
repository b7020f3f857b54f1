"""The charts of a round trip: who sent what where, and by month what went out and came back, a lag later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import altair as alt

from entrepot.detect.periods import period_text
from entrepot.report.amounts import amount, amount_range, percent
from entrepot.report.charts import INK, MUTED, USD_LABELS, finished
from entrepot.report.labels import place
from entrepot.report.loops import road

if TYPE_CHECKING:
    from entrepot.detect.loops.result import LoopResult

__all__ = ["loop_chart"]

_OUT, _BACK, _SINCE = "#c4510a", "#0b4f8a", "#8c2d5b"
_HEIGHT, _DIAGRAM = 220, 150
#: Where the areas stand, in shares of the diagram: the maker, the vias in their order.
_PLACES = {2: ((0.12, 0.5), (0.88, 0.5)), 3: ((0.12, 0.25), (0.88, 0.25), (0.5, 0.92))}
_APART = 0.09  # between the two ways of two areas
_CLEAR = 0.085  # of an arrow's ends from the areas
_WIDE = 9.0  # pixels of the largest way
_LEAST = 1.5
_ASIDE = 120.0


def loop_chart(result: LoopResult, *, maker: str = "", via: str = "", width: int = 640) -> Any:
    """Return the diagram of one pair's round trips over its lag plot.

    The diagram says what each leg carried beyond its own trade, at its own value; the plot shows by month how
    far out and back exceed what was expected.

    Parameters
    ----------
    result
        The search.
    maker, via
        The pair; the largest one when not given.
    width
        Width in pixels.

    Returns
    -------
    alt.VConcatChart
        None where the pair has no round trip.
    """
    pairs = [
        row
        for row in result.pairs.to_pylist()
        if (not maker or row["maker"] == maker) and (not via or row["via"] == via)
    ]
    if not pairs:
        return None
    pair = pairs[0]
    rows = [
        row
        for row in result.table.to_pylist()
        if row["estimate_usd"] and all(row[name] == pair[name] for name in ("maker", "via", "second_via"))
    ]
    return finished(
        alt.vconcat(_diagram(pair, rows, width - 90), _lag_plot(result, pair, width - 90), spacing=14)
    )


def _diagram(pair: dict[str, Any], rows: list[dict[str, Any]], width: int) -> Any:
    """Return the areas, and an arrow a leg, as wide as what it carries is worth."""
    stops = [pair[name] for name in ("maker", "via", "second_via") if pair[name]]
    spots = [(x * width, y * _DIAGRAM) for x, y in _PLACES[len(stops)]]
    known = [row for row in rows if row["markup"] is not None]
    out = sum(row["estimate_usd"] for row in rows)
    dearer = sum(row["estimate_usd"] * row["markup"] for row in known)
    arrows = []
    for at, start in enumerate(spots):
        end, is_last = spots[(at + 1) % len(spots)], at == len(spots) - 1
        # of goods between two vias only the amount at departure is told
        usd = out + dearer if is_last and known else out
        ends = _arrow(start, end, apart=_APART * _DIAGRAM * (len(spots) == 2), width=width)
        arrows.append({"usd": usd, "leg": "back" if is_last else "out", **ends})
    most = max(arrow["usd"] for arrow in arrows)
    layers = [_way(arrow, max(_WIDE * arrow["usd"] / most, _LEAST)) for arrow in arrows]
    lag = f"{pair['lag_months']:g} month{'' if pair['lag_months'] == 1 else 's'} later"
    value = "value not told"
    if known:
        part = "" if len(known) == len(rows) else f" in {len(known)} of {len(rows)} products"
        value = f"USD {amount(sum(row['estimate_usd'] * (1.0 + row['markup']) for row in known))}{part}"
    notes = [f"out: USD {amount(out)}"] + [""] * (len(arrows) - 2) + [f"back: {value}, {lag}"]
    for arrow, note in zip(arrows, notes, strict=True):
        is_below = arrow["leg"] == "back"
        aside = _ASIDE if is_below and len(spots) > 2 else 0.0  # left of the way up from the second via
        dy = _WIDE + 10 if is_below else -_WIDE - 8
        layers.append(_words(note, arrow["x"] - aside, arrow["y"], dy=dy))
    for code, (x, y) in zip(stops, spots, strict=True):
        layers.append(_words(place(code), x, y, weight="bold", size=14))
    count = f"{len(rows)} product{'' if len(rows) == 1 else 's'}"
    interval = amount_range(sum(r["low_usd"] for r in rows), sum(r["high_usd"] for r in rows))
    markup = "" if pair["markup"] is None else f", {_dearer(pair['markup'])}"
    title = alt.Title(
        f"{road(pair)} → {place(stops[0])}",
        subtitle=f"{count}, USD {amount(out)} at departure (sum of all intervals {interval}){markup}",
        subtitleColor=MUTED,
    )
    return alt.layer(*layers).properties(width=width, height=_DIAGRAM, title=title)


def _dearer(markup: float) -> str:
    return f"{percent(abs(markup))} {'dearer' if markup >= 0 else 'cheaper'} (median)"


def _arrow(
    start: tuple[float, float], end: tuple[float, float], *, apart: float, width: int
) -> dict[str, float]:
    """Return both ends of an arrow, its middle and its angle, moved to the left of its way."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    aside = (along[1] * apart, -along[0] * apart)
    clear = max(_CLEAR * width, 0.18 * length)
    x, y = start[0] + along[0] * clear + aside[0], start[1] + along[1] * clear + aside[1]
    x2, y2 = end[0] - along[0] * clear + aside[0], end[1] - along[1] * clear + aside[1]
    return {
        "x": (x + x2) / 2, "y": (y + y2) / 2, "from_x": x, "from_y": y, "to_x": x2, "to_y": y2,
        "angle": (math.degrees(math.atan2(along[1], along[0])) + 90.0) % 360.0,
    }  # fmt: skip


def _way(arrow: dict[str, Any], wide: float) -> Any:
    colour = _BACK if arrow["leg"] == "back" else _OUT
    base = alt.Chart(alt.InlineData(values=[{}]))
    line = base.mark_rule(color=colour, strokeWidth=wide, opacity=0.85).encode(
        x=alt.value(arrow["from_x"]), y=alt.value(arrow["from_y"]),
        x2=alt.value(arrow["to_x"]), y2=alt.value(arrow["to_y"]),
    )  # fmt: skip
    head = base.mark_point(
        shape="triangle-up",
        color=colour,
        filled=True,
        opacity=1.0,
        size=(14 + wide) ** 2,
        angle=arrow["angle"],
    ).encode(x=alt.value(arrow["to_x"]), y=alt.value(arrow["to_y"]))
    return line + head


def _words(
    text: str,
    x: float,
    y: float,
    *,
    dy: float = 0.0,
    weight: Literal["normal", "bold"] = "normal",
    size: int = 12,
) -> Any:
    return (
        alt.Chart(alt.InlineData(values=[{}]))
        .mark_text(text=text, dy=dy, color=INK, fontWeight=weight, fontSize=size, baseline="middle")
        .encode(x=alt.value(x), y=alt.value(y))
    )


def _lag_plot(result: LoopResult, pair: dict[str, Any], width: int) -> Any:
    rows = [
        {"month": row["period"], "leg": leg, "usd": row[f"{leg}_usd"] - row[f"expected_{leg}_usd"]}
        for row in result.series.to_pylist()
        if all(row[name] == pair[name] for name in ("maker", "via", "second_via"))
        for leg in ("out", "back")
    ]
    word = "month" if pair["lag_months"] == 1 else "months"
    x = alt.X("month:O", title=None, axis=alt.Axis(labelOverlap=True, labelAngle=0))
    scale = alt.Scale(domain=["out", "back"], range=[_OUT, _BACK])
    lines = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=2, point=True)
        .encode(
            x=x,
            y=alt.Y(
                "usd:Q", title="USD beyond expectation", axis=alt.Axis(labelExpr=USD_LABELS, tickCount=5)
            ),
            color=alt.Color("leg:N", title=None, scale=scale),
            shape=alt.Shape("leg:N", title=None, scale=alt.Scale(domain=["out", "back"])),
        )
    )
    first = period_text(result.windows.after[0], is_monthly=True)
    since = (
        alt.Chart(alt.InlineData(values=[{"month": first}]))
        .mark_rule(color=_SINCE, strokeDash=[5, 3], strokeWidth=1.5)
        .encode(x=x)
    )
    title = f"By month, lag {pair['lag_months']:g} {word}"
    return (lines + since).properties(width=width, height=_HEIGHT, title=title)
