"""The chart of a round trip: what went out beyond expectation, and what came back, a lag later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from entrepot.detect.periods import period_text
from entrepot.report.amounts import percent
from entrepot.report.loops import road

if TYPE_CHECKING:
    from entrepot.detect.loops.result import LoopResult

__all__ = ["loop_chart"]

_INK, _MUTED = "#1d2733", "#5b6673"
_OUT, _BACK, _SINCE = "#c4510a", "#0b4f8a", "#8c2d5b"
_FONT = "Arial, Helvetica, Liberation Sans, sans-serif"


def loop_chart(result: LoopResult, *, maker: str = "", via: str = "", width: int = 640) -> Any:
    """Return the lag plot of one pair: the excess of both legs by month.

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
    alt.LayerChart
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
        {"month": row["period"], "leg": leg, "usd": row[f"{side}_usd"] - row[f"expected_{side}_usd"]}
        for row in result.series.to_pylist()
        if all(row[name] == pair[name] for name in ("maker", "via", "second_via"))
        for side, leg in (("out", "out"), ("back", "back"))
    ]
    dearer = f", {percent(pair['markup'])} dearer" if pair["markup"] is not None else ""
    word = "month" if pair["lag_months"] == 1 else "months"
    title = f"{road(pair)} and back, lag {pair['lag_months']:g} {word}{dearer}"
    x = alt.X("month:O", title=None, axis=alt.Axis(labelOverlap=True, labelAngle=0))
    lines = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=2, point=True)
        .encode(
            x=x,
            y=alt.Y("usd:Q", title="USD beyond expectation", axis=alt.Axis(format="~s")),
            color=alt.Color(
                "leg:N", title=None, scale=alt.Scale(domain=["out", "back"], range=[_OUT, _BACK])
            ),
            shape=alt.Shape("leg:N", title=None, scale=alt.Scale(domain=["out", "back"])),
        )
    )
    first = period_text(result.windows.after[0], is_monthly=True)
    since = (
        alt.Chart(alt.InlineData(values=[{"month": first}]))
        .mark_rule(color=_SINCE, strokeDash=[5, 3], strokeWidth=1.5)
        .encode(x=x)
    )
    return (
        (lines + since)
        .properties(width=width - 90, height=220, title=title)
        .configure(font=_FONT, background="white")
        .configure_view(stroke=None)
        .configure_title(fontSize=13, color=_INK, anchor="start")
        .configure_axis(labelColor=_INK, titleColor=_MUTED, titleFontWeight="normal")
    )
