"""The chart of one series with breaks: months, levels, dates with their intervals, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from entrepot.report.breaks import series_name
from entrepot.report.charts import USD_LABELS, finished, first_day

if TYPE_CHECKING:
    from entrepot.detect.breaks.result import BreakResult

__all__ = ["break_chart"]

_VALUE, _LEVEL, _BREAK = "#5b6673", "#0b4f8a", "#c4510a"
_KEYS = ("exporter", "importer", "hs_code")
_WIDTH, _HEIGHT, _LINE = 640, 260, 14


def break_chart(result: BreakResult, row: int = 0) -> Any:
    """Return the series of a break: values without season, levels, and every break of it.

    Parameters
    ----------
    result
        The search.
    row
        Position of a break in the table; its series is drawn with all breaks.

    Returns
    -------
    altair chart
        On a log scale; None where the table has no such row. A break is labelled with its month and its
        first event.
    """
    if row >= result.table.num_rows:
        return None
    rows = result.table.to_pylist()
    own = [one for one in rows if all(one[key] == rows[row][key] for key in _KEYS)]
    months = [{"day": first_day(month["period"]), **month} for month in result.months(rows[row])]
    breaks = [
        {
            "day": first_day(one["break_period"]),
            "from": first_day(one["earliest_period"]),
            "to": first_day(one["latest_period"], after="month"),
            "label": _label(one),
        }
        for one in own
    ]
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%Y", tickCount="year"))
    usd = alt.Axis(labelExpr=USD_LABELS, tickCount=5)
    scale = alt.Scale(type="log")
    points = _chart(months).mark_line(point=True, color=_VALUE, strokeWidth=1, opacity=0.7).encode(
        x=x,
        y=alt.Y("adjusted_value:Q", title=f"{result.unit} a month, without season", scale=scale, axis=usd),
    )  # fmt: skip
    levels = (
        _chart(months)
        .mark_line(interpolate="step-after", color=_LEVEL, strokeWidth=3)
        .encode(x=x, y=alt.Y("level_value:Q", scale=scale))
    )
    spans = _chart(breaks).mark_rect(color=_BREAK, opacity=0.15).encode(x="from:T", x2="to:T")
    rules = _chart(breaks).mark_rule(color=_BREAK, strokeDash=[5, 3], strokeWidth=1.5).encode(x="day:T")
    labels = [
        _chart([one])  # neighbours at another height, so that they can be read
        .mark_text(align="left", dx=4, dy=6 + _LINE * (at % 3), baseline="top", color=_BREAK, fontSize=11)
        .encode(x="day:T", y=alt.value(0), text="label:N")
        for at, one in enumerate(sorted(breaks, key=lambda one: one["day"]))
    ]
    return finished(
        alt.layer(spans, points, levels, rules, *labels).properties(
            width=_WIDTH, height=_HEIGHT, title=series_name(rows[row])
        )
    )


def _chart(values: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=values))


def _label(one: dict[str, Any]) -> str:
    named = (one["events"] or "").split("; ")
    more = f" and {len(named) - 1} more" if len(named) > 1 else ""
    return f"{one['break_period']} × {one['change_ratio']:.2f}" + (f", {named[0]}{more}" if named[0] else "")
