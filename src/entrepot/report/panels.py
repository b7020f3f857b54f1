"""Charts for print that compare many series: slopes, bumps, parts of a flow, small multiples, heat maps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import altair as alt

from entrepot.errors import OptionError
from entrepot.report.charts import INK, MUTED, first_day
from entrepot.report.drawing import (
    COLOURS,
    PERIOD_LABELS,
    Caption,
    captioned,
    check_series,
    kept_apart,
    lines_chart,
    value_axis,
    with_gaps,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bump_chart", "heat_chart", "multiples_chart", "parts_chart", "slope_chart"]

_MOST_PANELS: Final = 24
_MOST_CELLS: Final = 1500
_ACROSS: Final = 3
_LETTER: Final = 7


def slope_chart(
    rows: Sequence[Mapping[str, Any]], caption: Caption, *, unit: str = "usd", width: int = 680
) -> Any:
    """Return the first and the last period side by side, a line a series, names and figures at its ends.

    Parameters
    ----------
    rows
        ``period, series, value``, and ``figure`` in words. Series without both periods are not drawn.
    caption, unit, width
        See :func:`entrepot.report.drawing.lines_chart`.

    Raises
    ------
    OptionError
        No series has both periods, or there are too many.
    """
    known = [row for row in rows if row["value"] is not None]
    periods = sorted({str(row["period"]) for row in known})
    ends = {
        (str(row["series"]), str(row["period"])): row
        for row in known
        if row["period"] in periods[:: max(1, len(periods) - 1)]
    }
    series = (
        [
            name
            for name in dict.fromkeys(str(row["series"]) for row in known)
            if all((name, p) in ends for p in (periods[0], periods[-1]))
        ]
        if len(periods) > 1
        else []
    )
    if not series:
        raise OptionError(
            "no series has a figure in both the first and the last period",
            where="--chart-kind slope",
            hint="ask for periods that all have: --periods FIRST:LAST",
        )
    check_series(len(series), len(known))
    absent = [name for name in dict.fromkeys(str(row["series"]) for row in rows) if name not in series]
    if absent:
        note = f"Without a figure in both: {', '.join(absent)}. "
        caption = replace(caption, footer=note + caption.footer)
    room = max(len(name) for name in series) * _LETTER + 80
    sides: list[tuple[list[dict[str, Any]], Literal["left", "right"], int]] = []
    ends_of: tuple[tuple[str, Literal["left", "right"], int], ...] = (
        (periods[0], "right", -10), (periods[-1], "left", 10)
    )  # fmt: skip
    for period, align, dx in ends_of:
        at = [dict(ends[name, period]) for name in series]
        words = [
            row
            | {
                "words": f"{row['series']}  {row['figure']}"
                if align == "left"
                else f"{row['figure']}  {row['series']}"
            }
            for row in kept_apart(at, list(ends.values()))
        ]
        sides.append((words, align, dx))
    drawn = [row for words, *_ in sides for row in words]
    colour = alt.Color(
        "series:N", legend=None, scale=alt.Scale(domain=series, range=list(COLOURS[: len(series)]))
    )
    x = alt.X(
        "period:O",
        title=None,
        axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False, labelFontWeight="bold"),
        scale=alt.Scale(padding=0),
    )
    scale = alt.Scale(zero=unit != "index")
    y = alt.Y("value:Q", axis=None, scale=scale)
    lines = (
        alt.Chart(alt.InlineData(values=drawn))
        .mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=40))
        .encode(x=x, y=y, color=colour)
    )
    names = [
        alt.Chart(alt.InlineData(values=words))
        .mark_text(align=align, dx=dx, fontSize=12)
        .encode(x=x, y=alt.Y("label_at:Q", axis=None, scale=scale), text="words:N", color=colour)
        for words, align, dx in sides
    ]
    whole = alt.layer(lines, *names).properties(width=width - 2 * room, height=max(260, 30 * len(series)))
    return captioned(whole, caption, width)


def bump_chart(rows: Sequence[Mapping[str, Any]], caption: Caption, *, width: int = 680) -> Any:
    """Return places over time, 1 at the top, each with its name at its end.

    Parameters
    ----------
    rows
        ``period, series, value``: the value is a place, or an amount of which places among the rows are made.
    caption, width
        See :func:`entrepot.report.drawing.lines_chart`.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    return lines_chart(rows, caption, unit="rank", is_rank=True, width=width)


def parts_chart(
    rows: Sequence[Mapping[str, Any]],
    caption: Caption,
    *,
    first: str = "",
    unit: str = "usd",
    width: int = 680,
) -> Any:
    """Return amounts by period stacked, one part at the foot: what goes direct, and what goes to each hub.

    Parameters
    ----------
    rows
        ``period, series, value``. A period in which a part has no figure bears a star, and the footer
        says that such a bar is lower than what was traded.
    caption, unit, width
        See :func:`entrepot.report.drawing.lines_chart`.
    first
        Series at the foot of the stack; the largest when empty.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    sizes: dict[str, float] = {}
    for row in rows:
        sizes[str(row["series"])] = sizes.get(str(row["series"]), 0.0) + (row["value"] or 0.0)
    check_series(len(sizes), len(rows))
    order = sorted(sizes, key=lambda name: (name != first, -sizes[name]))
    values = [{**row, "order": order.index(str(row["series"]))} for row in rows if row["value"] is not None]
    colour = alt.Color(
        "series:N",
        title=None,
        sort=order,
        scale=alt.Scale(domain=order, range=list(COLOURS[: len(order)])),
        legend=alt.Legend(orient="bottom", labelLimit=220, labelFontSize=12, symbolType="square", columns=4),
    )
    x = alt.X(
        "period:O",
        axis=alt.Axis(labelAngle=0, labelOverlap=True, title=None, labelExpr=PERIOD_LABELS),
    )
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(stroke="white", strokeWidth=0.6)
        .encode(
            x=x,
            y=alt.Y("value:Q", axis=value_axis(unit), title=None),
            color=colour,
            order=alt.Order("order:Q", sort="ascending"),
        )
    )
    sums: dict[str, float] = {}
    for row in values:
        sums[str(row["period"])] = sums.get(str(row["period"]), 0.0) + row["value"]
    known = {(str(row["period"]), str(row["series"])) for row in values}
    partial = [
        {"period": t, "sum": v} for t, v in sums.items() if any((t, name) not in known for name in order)
    ]
    layers = [bars]
    if partial:
        star = alt.Chart(alt.InlineData(values=partial)).mark_text(text="*", fontSize=16, dy=-6, color=INK)
        layers.append(star.encode(x=x, y=alt.Y("sum:Q", title=None)))
        words = "* a part has no figure in this period: the bar is lower than what was traded. "
        caption = replace(caption, footer=words + caption.footer)
    drawn = alt.layer(*layers).properties(width=width - 70, height=300)
    return captioned(drawn, caption, width)


def multiples_chart(
    rows: Sequence[Mapping[str, Any]],
    caption: Caption,
    *,
    unit: str = "usd",
    is_shared: bool = True,
    width: int = 680,
) -> Any:
    """Return a small panel a series, all on one axis, the others in grey behind it.

    Parameters
    ----------
    rows
        ``period, series, value``; a null value, and a period without a row, is a gap in the line.
    caption, unit, width
        See :func:`entrepot.report.drawing.lines_chart`.
    is_shared
        One axis of values for all; otherwise each panel has its own, and nothing stands behind.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    series = list(dict.fromkeys(str(row["series"]) for row in rows))
    if not series or len(series) > _MOST_PANELS:
        raise OptionError(
            f"{len(series)} series do not make small multiples: 1 to {_MOST_PANELS} do",
            where="--chart-kind multiples",
            hint="name some: --show AREAS, or ask for fewer exporters, importers or codes",
        )
    days = [
        {"day": first_day(str(row["period"])), "series": str(row["series"]), "value": row["value"]}
        for row in with_gaps(rows)
    ]
    span = [min(row["day"] for row in days), max(row["day"] for row in days)]
    is_months = any(len(str(row["period"])) > 4 for row in rows)
    axis = alt.Axis(
        format="%b %Y" if is_months else "%Y", grid=False, title=None, labelFlush=True,
        values=[alt.DateTime(year=int(day[:4]), month=int(day[5:7]), date=1, utc=True) for day in span],
    )  # fmt: skip
    x = alt.X("day:T", scale=alt.Scale(type="utc"), axis=axis)
    scale = alt.Scale() if is_shared else alt.Scale(zero=False)
    panels = []
    inner = (width - 40) // _ACROSS - 62
    for name in series:
        y = alt.Y("value:Q", axis=value_axis(unit), scale=scale, title=None)
        own = alt.Chart(alt.InlineData(values=[row for row in days if row["series"] == name]))
        layers = [own.mark_line(color=COLOURS[0], strokeWidth=2.2).encode(x=x, y=y)]
        if is_shared and len(series) > 1:
            others = alt.Chart(alt.InlineData(values=[row for row in days if row["series"] != name]))
            layers.insert(
                0, others.mark_line(color="#c9ced6", strokeWidth=0.9).encode(x=x, y=y, detail="series:N")
            )
        panels.append(
            alt.layer(*layers).properties(
                width=inner,
                height=110,
                title=alt.TitleParams(name, fontSize=12, anchor="start", color=INK, offset=4),
            )
        )
    whole = alt.concat(*panels, columns=_ACROSS, spacing=14)
    return captioned(whole.resolve_scale(y="shared" if is_shared else "independent"), caption, width)


def heat_chart(
    rows: Sequence[Mapping[str, Any]], caption: Caption, *, unit: str = "usd", width: int = 680
) -> Any:
    """Return a cell a series and period: shares and amounts in one hue, growth in two that part at nothing.

    Parameters
    ----------
    rows
        ``period, series, value``, and ``figure`` in words, which stand in the cells where there is room.
        Where there is no value, or no row, stands a dash.
    caption, width
        See :func:`entrepot.report.drawing.lines_chart`.
    unit
        ``growth`` parts colours at 0; any other is one hue.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    series = list(dict.fromkeys(str(row["series"]) for row in rows))
    periods = sorted({str(row["period"]) for row in rows})
    if not rows or len(series) * len(periods) > _MOST_CELLS:
        raise OptionError(
            f"{len(series)} series of {len(periods)} periods are no heat map that can be read",
            where="--chart-kind heat",
            hint="name some: --show AREAS, or --periods FIRST:LAST",
        )
    known = [row["value"] for row in rows if row["value"] is not None]
    reach = max((abs(value) for value in known), default=1.0) or 1.0
    is_growth = unit == "growth"
    reach = min(reach, 2.0) if is_growth else reach
    scale = (
        alt.Scale(scheme="blueorange", domain=[-reach, reach], domainMid=0, clamp=True)
        if is_growth
        else alt.Scale(scheme="viridis", reverse=True, domain=[0, reach])
    )
    room = max(len(name) for name in series) * _LETTER + 16
    step = (width - room - 110) / len(periods)
    there = {(str(row["series"]), str(row["period"])): row for row in rows}
    none = {"value": None, "figure": ""}
    values = [
        {**none, **there.get((name, period), {}), "series": name, "period": period}
        for name in series
        for period in periods
    ]
    for row in values:
        row["dark"] = row["value"] is not None and abs(row["value"]) > reach * 0.55
    is_tight = step < max(map(len, periods)) * _LETTER + 4
    heads = (
        {"labelAngle": -45, "labelAlign": "left"} if is_tight and len(periods[0]) > 4 else {"labelAngle": 0}
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "period:O",
            title=None,
            axis=alt.Axis(orient="top", labelOverlap=True, ticks=False, domain=False, **heads),
        ),
        y=alt.Y(
            "series:N", title=None, sort=series, axis=alt.Axis(ticks=False, domain=False, labelLimit=room)
        ),
    )
    axis = (
        {"labelExpr": value_axis("usd").labelExpr}
        if unit == "usd"
        else {"format": ".0%"}
        if unit in {"share", "growth"}
        else {"labelExpr": value_axis("number").labelExpr}
    )
    cells = (
        base.transform_filter("isValid(datum.value)")
        .mark_rect(stroke="white")
        .encode(
            color=alt.Color("value:Q", scale=scale, title=None, legend=alt.Legend(gradientLength=120, **axis))
        )
    )
    unknown = base.transform_filter("!isValid(datum.value)").mark_text(text="–", fontSize=11, color=MUTED)
    layers = [cells, unknown]
    if step >= 34:
        layers.append(
            base.transform_filter("isValid(datum.value)")
            .mark_text(fontSize=10)
            .encode(text="figure:N", color=alt.condition("datum.dark", alt.value("white"), alt.value(INK)))
        )
    drawn = alt.layer(*layers).properties(width=step * len(periods), height=alt.Step(22))
    return captioned(drawn, caption, width)
