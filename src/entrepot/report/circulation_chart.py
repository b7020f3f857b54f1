"""The chart of a circulation: how far products exceed what is usual, and the cycles that carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from entrepot.report.charts import MUTED, USD_LABELS, finished

if TYPE_CHECKING:
    from entrepot.detect.circulation.circulation import CirculationResult

__all__ = ["circulation_chart"]

_UNUSUAL_Q = 0.1
_UNUSUAL, _USUAL = "#c4510a", "#5b6673"
_ROWS = 12
_WIDTH, _STEP = 460, 24
_LABELS = 240


def circulation_chart(result: CirculationResult) -> Any:
    """Return the most unusual products over the cycles that gained most; None where nothing is judged.

    Parameters
    ----------
    result
        The answer. Above, the excess of circulation of a product and period with its 90% interval, by shape
        too whether it is unusual (q < 0.1). Below, what a cycle carries, and a tick at what it carried
        before.
    """
    rows = [row for row in result.table.to_pylist() if row["excess_share"] is not None][:_ROWS]
    if not rows:
        return None
    parts = [_excess(rows)]
    cycles = result.cycles.slice(0, _ROWS).to_pylist()
    if cycles:
        parts.append(_cycles(cycles))
    return finished(alt.vconcat(*parts, spacing=18), has_long_labels=True)


def _chart(values: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=values))


def _names(values: list[dict[str, Any]]) -> alt.Y:
    axis = alt.Axis(labelLimit=_LABELS, minExtent=_LABELS, maxExtent=_LABELS, ticks=False)
    return alt.Y("name:N", title=None, sort=[value["name"] for value in values], axis=axis)


def _excess(rows: list[dict[str, Any]]) -> Any:
    values = [
        {
            "name": f"{row['hs_code']} {row['period']}",
            "excess": row["excess_share"],
            "low": row["low_share"],
            "high": row["high_share"],
            "kind": "unusual" if row["q_value"] < _UNUSUAL_Q else "usual",
        }
        for row in rows
    ]
    y = _names(values)
    title, axis = "circulation beyond what is usual, share of trade", alt.Axis(format="+%", tickCount=6)
    x = alt.X("excess:Q", title=title, axis=axis)
    kinds = ["unusual", "usual"]
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[_UNUSUAL, _USUAL]))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=kinds, range=["square", "circle"]))
    lines = _chart(values).mark_rule(strokeWidth=2).encode(
        y=y, color=colour, x=alt.X("low:Q", title=title, axis=axis), x2="high:Q"
    )  # fmt: skip
    points = _chart(values).mark_point(size=70, filled=True, opacity=1.0).encode(
        y=y, color=colour, shape=shape, x=x
    )  # fmt: skip
    none = _chart([{"excess": 0.0}]).mark_rule(color=MUTED, strokeDash=[5, 3]).encode(x="excess:Q")
    return (none + lines + points).properties(
        width=_WIDTH,
        height=alt.Step(_STEP),
        title="Most unusual products, 90% intervals: no volume of round trips",
    )


def _cycles(rows: list[dict[str, Any]]) -> Any:
    values = [
        {
            "name": f"{row['cycle']} {row['hs_code']} {row['period']}",
            "usd": row["cycle_usd"],
            "before": row["cycle_before_usd"],
        }
        for row in rows
    ]
    y = _names(values)
    axis = alt.Axis(labelExpr=USD_LABELS, tickCount=5)
    bars = (
        _chart(values)
        .mark_bar(color="#0b4f8a", height=_STEP - 10)
        .encode(y=y, x=alt.X("usd:Q", title="USD; the tick is what it carried before", axis=axis))
    )
    known = [value for value in values if value["before"] is not None]
    ticks = _chart(known).mark_tick(color=_UNUSUAL, thickness=3, size=_STEP - 4).encode(y=y, x="before:Q")
    return (bars + ticks).properties(
        width=_WIDTH, height=alt.Step(_STEP), title="Cycles that carry most beyond earlier periods"
    )
