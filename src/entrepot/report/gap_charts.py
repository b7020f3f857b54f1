"""Charts of gaps: both books over time, what is unusual, and what a gap is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pyarrow as pa

from entrepot.detect.gaps.parts_result import PARTS
from entrepot.detect.gaps.result import GapResult
from entrepot.report.charts import USD_LABELS, finished, first_day
from entrepot.report.gap_words import row_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.detect.gaps.parts_result import GapParts

__all__ = ["gaps_chart"]

_INK, _EVENT = "#1d2733", "#8c2d5b"
_SENT, _ARRIVED = "#0b4f8a", "#c4510a"
_PART_COLOURS = ("#9aa7b5", "#00785a", "#e0b040", "#7a5195", "#c4510a")
_ROWS = 12
#: Periods beyond which points would hide the lines.
_MOST_POINTS = 60
_WIDTH = 640


def gaps_chart(result: GapResult | GapParts) -> Any:
    """Return the chart of a result.

    Parameters
    ----------
    result
        A comparison: both books by period above, the clearest unusual gaps with their intervals below.
        A decomposition: a bar a row, its parts one after the other; parts that are under nought to the left.

    Returns
    -------
    altair chart
        Told apart by shape and label too, not by colour alone.
    """
    if not isinstance(result, GapResult):
        return finished(_parts_bars(result), has_long_labels=True)
    panels = [_books(result)]
    judged = _first_with(result.table, "unusual_usd")
    if judged:
        panels.append(_unusual(judged))
    return finished(alt.vconcat(*panels, spacing=18).resolve_scale(color="independent"), has_long_labels=True)


def _first_with(table: pa.Table, column: str) -> list[dict[str, Any]]:
    """Return the first rows of which a column is known; of millions the others become no Python objects."""
    at = np.flatnonzero(table[column].is_valid().to_numpy())[:_ROWS]
    rows: list[dict[str, Any]] = table.take(pa.array(at)).to_pylist()
    return rows


def _rows(values: Sequence[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(values)))


def _usd_axis(**more: Any) -> alt.Axis:
    return alt.Axis(labelExpr=USD_LABELS, tickCount=5, **more)


def _books(result: GapResult) -> Any:
    """Return both books by period; the space between them is the gap."""
    series = result.series.to_pylist()
    values = [
        {"day": first_day(row["period"]), "usd": row[name], "book": book}
        for row in series
        for name, book in (
            ("exporter_report_usd", "exporters: sent"), ("importer_fob_usd", "importers: arrived (FOB)")
        )
    ]  # fmt: skip
    x = alt.X(
        "day:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(grid=False, format="%Y", tickCount="year"),
    )
    books = ["exporters: sent", "importers: arrived (FOB)"]
    few = len(series) <= _MOST_POINTS
    line = (
        _rows(values)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18) if few else False)
        .encode(
            x=x,
            y=alt.Y("usd:Q", title="USD", axis=_usd_axis(), scale=alt.Scale(domainMin=0)),
            color=alt.Color(
                "book:N", title=None, scale=alt.Scale(domain=books, range=[_SENT, _ARRIVED]),
                legend=alt.Legend(orient="top"),
            ),
            strokeDash=alt.StrokeDash(
                "book:N", legend=None, scale=alt.Scale(domain=books, range=[[1, 0], [5, 3]])
            ),
        )
    )  # fmt: skip
    layers = [line]
    if result.options.event is not None:
        mark = _rows([{"day": first_day(result.options.event), "word": f"event {result.options.event}"}])
        layers.append(mark.mark_rule(color=_EVENT, strokeWidth=1.5, strokeDash=[5, 3]).encode(x=x))
        layers.append(
            mark.mark_text(color=_EVENT, align="right", dx=-4, baseline="top", fontWeight="bold", fontSize=11)
            .encode(x=x, y=alt.value(0), text="word:N")
        )  # fmt: skip
    return alt.layer(*layers).properties(width=_WIDTH, height=190, title="Both books, where both published")


def _unusual(rows: Sequence[dict[str, Any]]) -> Any:
    """Return amounts beyond the earlier ratio with their intervals."""
    values = [
        {
            "label": row_name(row), "usd": row["unusual_usd"], "low": row["unusual_low_usd"],
            "high": row["unusual_high_usd"],
        }
        for row in rows
    ]  # fmt: skip
    y = alt.Y(
        "label:N", title=None, sort=[value["label"] for value in values],
        axis=alt.Axis(labelLimit=260, ticks=False, domain=False),
    )  # fmt: skip
    title = "missing dispatches ← USD → missing arrivals"
    base = _rows(values)
    whisker = (
        base.transform_filter("datum.low !== null")
        .mark_rule(color=_ARRIVED, strokeWidth=3, opacity=0.45)
        .encode(y=y, x=alt.X("low:Q", title=title, axis=_usd_axis()), x2="high:Q")
    )
    dot = base.mark_point(filled=True, size=60, color=_ARRIVED, opacity=1).encode(y=y, x="usd:Q")
    zero = _rows([{"at": 0}]).mark_rule(color=_INK, strokeWidth=1).encode(x="at:Q")
    return alt.layer(zero, whisker, dot).properties(
        width=_WIDTH - 230, height=alt.Step(22), title="Beyond the earlier ratio, 90% intervals"
    )


def _parts_bars(result: GapParts) -> Any:
    rows = _first_with(result.table, "direction")
    names = [words[0] for words in PARTS.values()]
    values = [
        {
            "label": f"{row_name(row)} ({row['direction'].replace('_', ' ')})",
            "part": words[0], "usd": row[column], "order": at,
        }
        for row in rows
        for at, (column, words) in enumerate(PARTS.items())
    ]  # fmt: skip
    labels = list(dict.fromkeys(value["label"] for value in values))
    bars = (
        _rows(values)
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            y=alt.Y(
                "label:N", title=None, sort=labels, axis=alt.Axis(labelLimit=320, ticks=False, domain=False)
            ),
            x=alt.X("usd:Q", title="exporter's less importer's report, as published, USD", axis=_usd_axis()),
            color=alt.Color(
                "part:N", title=None, scale=alt.Scale(domain=names, range=list(_PART_COLOURS)),
                legend=alt.Legend(orient="top"),
            ),
            order=alt.Order("order:Q"),
        )
    )  # fmt: skip
    zero = _rows([{"at": 0}]).mark_rule(color=_INK, strokeWidth=1).encode(x="at:Q")
    return alt.layer(bars, zero).properties(
        width=_WIDTH - 160, height=alt.Step(26), title="What the gaps are made of"
    )
