"""Charts of unit values: mark-ups before and after, price and volume as bars, outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import altair as alt

from entrepot.report.amounts import in_its_unit
from entrepot.report.breaks import series_name
from entrepot.report.charts import USD_LABELS, finished

if TYPE_CHECKING:
    from entrepot.detect.prices.result import PriceResult
    from entrepot.report.prices import PriceQuestion

__all__ = ["price_chart"]

_BEFORE, _AFTER = "#5b6673", "#c4510a"
_PARTS = {
    "price": "#c4510a", "volume": "#0b4f8a", "entered": "#00785a", "left": "#9aa7b5", "unpriced": "#e0b040"
}  # fmt: skip
_ROWS = 15
_MOST_POINTS = 2000
_WIDTH, _STEP = 560, 26


def price_chart(result: PriceResult, question: PriceQuestion) -> Any:
    """Return the chart of an answer, of its first fifteen rows; None where it has none.

    Parameters
    ----------
    result
        The answer.
    question
        Mark-ups: before and after with their intervals, told apart by shape too. Decompositions: Fisher's
        parts as bars, what fell to the left. Outliers: unit value against the usual one.
    """
    if not result.table.num_rows:
        return None
    match question:
        case "markup":
            return finished(_markups(result), has_long_labels=True)
        case "decompose":
            return finished(_parts(result), has_long_labels=True)
        case "outliers":
            return finished(_outliers(result), has_long_labels=True)
        case _:
            assert_never(question)


def _chart(values: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=values))


def _markups(result: PriceResult) -> Any:
    rows = result.table.slice(0, _ROWS).to_pylist()
    values = [
        {
            "flow": series_name(row), "window": window, "markup": row[f"{window}_markup"],
            "low": row[f"{window}_markup_low"], "high": row[f"{window}_markup_high"],
        }
        for row in rows
        for window in ("before", "after")
    ]  # fmt: skip
    y = alt.Y("flow:N", title=None, sort=[series_name(row) for row in rows], axis=alt.Axis(labelLimit=260))
    offset = alt.YOffset("window:N", sort=["before", "after"])
    colour = alt.Color(
        "window:N", title=None, scale=alt.Scale(domain=["before", "after"], range=[_BEFORE, _AFTER])
    )
    axis = alt.Axis(format="+%")
    known = [value for value in values if value["low"] is not None]
    lines = _chart(known).mark_rule(strokeWidth=2).encode(
        y=y, yOffset=offset, color=colour, x2="high:Q",
        x=alt.X("low:Q", title="mark-up over other buyers", axis=axis),
    )  # fmt: skip
    shape = alt.Shape(
        "window:N",
        title=None,
        scale=alt.Scale(domain=["before", "after"], range=["circle", "square"]),
    )
    points = (
        _chart(values)
        .mark_point(size=70, filled=True)
        .encode(y=y, yOffset=offset, color=colour, shape=shape, x="markup:Q")
    )
    return (lines + points).properties(width=_WIDTH, height=alt.Step(_STEP), title="Mark-ups, 90% intervals")


def _parts(result: PriceResult) -> Any:
    rows = result.table.slice(0, _ROWS).to_pylist()
    values = []
    for row in rows:
        parts = {
            "price": in_its_unit(row, "fisher_price_usd") or 0.0,
            "volume": in_its_unit(row, "fisher_volume_usd") or 0.0,
            "entered": in_its_unit(row, "entered_usd"),
            "left": -in_its_unit(row, "left_usd"),
            "unpriced": in_its_unit(row, "unpriced_change_usd"),
        }
        values += [{"flow": series_name(row), "part": part, "usd": usd} for part, usd in parts.items()]
    y = alt.Y("flow:N", title=None, sort=[series_name(row) for row in rows], axis=alt.Axis(labelLimit=260))
    colour = alt.Color(
        "part:N", title=None, sort=list(_PARTS),
        scale=alt.Scale(domain=list(_PARTS), range=list(_PARTS.values())),
    )  # fmt: skip
    x = alt.X(
        "sum(usd):Q",
        title=f"change of value, {result.money}",
        axis=alt.Axis(labelExpr=USD_LABELS, tickCount=6),
    )
    bars = _chart(values).mark_bar().encode(y=y, x=x, color=colour)
    return bars.properties(width=_WIDTH, height=alt.Step(_STEP), title="Changes of value (Fisher)")


def _outliers(result: PriceResult) -> Any:
    rows = result.table.slice(0, _MOST_POINTS).to_pylist()
    values = [
        {
            "usual": row["usual_unit_value"], "own": row["unit_value"], "side": row["invoicing"],
            "size": abs(in_its_unit(row, "difference_usd")),
        }
        for row in rows
    ]  # fmt: skip
    scale = alt.Scale(type="log", nice=False, zero=False)
    sides = alt.Scale(domain=["over", "under"], range=[_AFTER, _PARTS["volume"]])
    unit = result.options.unit
    points = _chart(values).mark_point(filled=True, opacity=0.6).encode(
        x=alt.X("usual:Q", title=f"usual unit value, {result.money} per {unit}", scale=scale),
        y=alt.Y("own:Q", title=f"unit value, {result.money} per {unit}", scale=scale),
        color=alt.Color("side:N", title=None, scale=sides),
        shape=alt.Shape(
            "side:N", title=None, scale=alt.Scale(domain=["over", "under"], range=["circle", "square"])
        ),
        size=alt.Size("size:Q", legend=None),
    )  # fmt: skip
    ends = [{"usual": bound(row["usual"] for row in values)} for bound in (min, max)]
    line = _chart(ends).mark_line(color=_BEFORE, strokeDash=[5, 3]).encode(x="usual:Q", y="usual:Q")
    return (line + points).properties(width=_WIDTH, height=360, title="Unit values far from usual")
