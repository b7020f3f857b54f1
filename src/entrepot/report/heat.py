"""A heat map of data quality: reporters down, years or chapters across."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from entrepot.errors import OptionError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["quality_chart"]

_MOST_REPORTERS = 60


def quality_chart(quality: pa.Table, *, across: str = "year", flow: str = "export") -> Any:
    """Return the heat map of the largest reporters.

    Parameters
    ----------
    quality
        Rows of ``out__quality``, by reporter, flow and ``across``.
    across
        ``year``, ``chapter`` or ``partner``.
    flow
        ``export`` or ``import``.

    Returns
    -------
    altair chart
        A cell a reporter and year; the figure stands in the cell, so that it is read without colour. A cell
        without a figure had nothing to compare with.

    Raises
    ------
    OptionError
        The table has no rows of that flow told apart by ``across``.
    """
    rows = [
        row
        for row in quality.to_pylist()
        if row["flow"] == flow and row["reporter"] is not None and row[across] is not None
    ]
    if not rows:
        raise OptionError(
            f"no rows by reporter and {across} of flow {flow}",
            where="quality",
            hint=f"make the table by reporter,flow,{across}",
        )
    size: dict[str, float] = {}
    for row in rows:
        size[row["reporter"]] = size.get(row["reporter"], 0.0) + row["reported_usd"] + row["partner_usd"]
    shown = sorted(size, key=lambda reporter: (-size[reporter], reporter))[:_MOST_REPORTERS]
    values = [
        {"reporter": row["reporter"], "across": row[across], "quality": row["quality"]}
        for row in rows
        if row["reporter"] in set(shown)
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("across:N", title=across, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("reporter:N", title=None, sort=shown),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "quality:Q",
            scale=alt.Scale(domain=[0, 100], scheme="viridis"),
            title="quality of the " + flow + "s, 0 to 100",
        )
    )
    figures = base.mark_text(fontSize=10).encode(
        text=alt.Text("quality:Q", format=".0f"),
        color=alt.condition("datum.quality > 60", alt.value("#1d2733"), alt.value("white")),
    )
    return (cells + figures).properties(width=alt.Step(34), height=alt.Step(16))
