"""Charts for print: lines, ranks, stacked shares, bars side by side; title, caption and source with each.

Series are told apart by their names at the lines' ends, so that colour is never needed; the colours are
Okabe and Ito's, which every eye tells apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from entrepot.errors import OptionError
from entrepot.report.charts import INK, MUTED, USD_LABELS, finished, first_day, svg
from entrepot.report.files import check_out, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CHART_SUFFIXES",
    "COLOURS",
    "OTHERS",
    "PERIOD_LABELS",
    "Caption",
    "bars_chart",
    "captioned",
    "check_series",
    "kept_apart",
    "lines_chart",
    "stack_chart",
    "value_axis",
    "with_gaps",
    "write_chart",
]

#: What a chart can be written as: drawn, or its Vega-Lite specification.
CHART_SUFFIXES = (".svg", ".png", ".json")

#: Okabe and Ito's, which every eye tells apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a7a7a", "#1d2733")
#: Periods of an axis of texts as axes of time have them: 2021, Jan 2021.
PERIOD_LABELS = "length(datum.label) == 7 ? utcFormat(toDate(datum.label + '-01'), '%b %Y') : datum.label"
#: Name of the parts of a stack that are too small for one of their own.
OTHERS = "all others"
_LETTER = 5.0  # pixels of a letter of the footer, on average
_SHARE = ".0%"
#: Index numbers: 100 is written whole, 0.08 with what tells it from 0.09.
_NUMBER_LABELS = "abs(datum.value) < 10 ? format(datum.value, '.3~f') : format(datum.value, ',.0f')"
_MANY_PERIODS = 40
_LONG_NAME = 28  # letters of a name that no longer fits beside a stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What stands around a chart.

    Attributes
    ----------
    title
        What is seen, in one line.
    subtitle
        Unit, valuation, areas and goods.
    footer
        Source and vintage; broken into lines as needed.
    """

    title: str
    subtitle: str = ""
    footer: str = ""


def lines_chart(
    rows: Sequence[Mapping[str, Any]],
    caption: Caption,
    *,
    unit: str = "usd",
    is_rank: bool = False,
    events: Sequence[tuple[str, str]] = (),
    width: int = 680,
) -> Any:
    """Return series over time, each with its name at the right; as many as there are colours.

    A series that ends early bears its last period behind its name.

    Parameters
    ----------
    rows
        ``period, series, value``; a null value, and a period without a row, is a gap in the line.
    caption
        What stands around.
    unit
        ``usd`` (any amount), ``share`` (0 to 1), ``index`` (its axis need not begin at 0) or ``number``.
    is_rank
        The first place is at the top, and the largest rank drawn at the foot.
    events
        Periods and names of what happened.
    width
        Width in pixels.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    series = list(dict.fromkeys(str(row["series"]) for row in rows))
    check_series(len(series), len(rows))
    days = [{**row, "day": first_day(str(row["period"]))} for row in with_gaps(rows)]
    ends = _ends(days)
    room = max([len(row["words"]) for row in ends], default=0) * 7 + 14
    x = alt.X(
        "day:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            grid=False, format="%Y" if _is_annual(rows) else "%b %Y", tickCount=_ticks(rows), title=None
        ),
    )
    scale = alt.Scale(reverse=True, zero=False, nice=False) if is_rank else alt.Scale(zero=unit != "index")
    axis = _ranks([row["value"] for row in rows]) if is_rank else value_axis(unit)
    y = alt.Y("value:Q", scale=scale, axis=axis, title=None)
    colour = alt.Color(
        "series:N", legend=None, scale=alt.Scale(domain=series, range=list(COLOURS[: len(series)]))
    )
    dots = alt.OverlayMarkDef(size=26 if len({row["period"] for row in days}) <= _MANY_PERIODS else 7)
    line = (
        alt.Chart(alt.InlineData(values=days))
        .mark_line(strokeWidth=2.2, strokeJoin="round", point=dots)
        .encode(x=x, y=y, color=colour)
    )
    names = (
        alt.Chart(alt.InlineData(values=kept_apart(ends, rows)))
        .mark_text(align="left", dx=8, fontSize=12, fontWeight="bold")
        .encode(x=x, y=alt.Y("label_at:Q", scale=scale, axis=axis, title=None), text="words:N", color=colour)
    )
    layers = [*_events(events, sorted({row["period"] for row in days}), x), line, names]
    drawn = alt.layer(*layers).properties(width=width - room - 60, height=300)
    return captioned(drawn, caption, width)


def with_gaps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows by period, with one without a value where a series has none: no line bridges a hole.

    Periods before the first figure of all are left out, and those after the last.
    """
    there = {(str(row["series"]), str(row["period"])): dict(row) for row in rows}
    known = [period for (_, period), row in there.items() if row["value"] is not None]
    every = _every_period(known or [period for _, period in there])
    return [
        there.get((name, period), {"period": period, "series": name, "value": None})
        for name in dict.fromkeys(name for name, _ in there)
        for period in every
    ]


def _every_period(periods: Sequence[str]) -> list[str]:
    """Return all periods from the first to the last: months where all are months, else years."""
    first, last = min(periods), max(periods)
    if len({len(period) for period in periods}) > 1:
        return sorted(set(periods))
    if len(first) == 4:
        return [str(year) for year in range(int(first), int(last) + 1)]
    start, end = (int(period[:4]) * 12 + int(period[5:]) - 1 for period in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, end + 1)]


def _ends(days: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the last figure of each series, all at the last day of the chart."""
    known = [row for row in days if row["value"] is not None]
    last = max((str(row["period"]) for row in known), default="")
    ends = {str(row["series"]): row for row in known}  # rows stand in the order of their periods
    return [
        {
            "series": name,
            "value": row["value"],
            "day": first_day(last),
            "words": name if row["period"] == last else f"{name} (to {row['period']})",
        }
        for name, row in ends.items()
    ]


def kept_apart(ends: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines' ends with a place for each name that covers no other, as near as that allows.

    Names too close to one another make a group, which stands around the mean of their values.
    """
    values = [float(row["value"]) for row in rows if row["value"] is not None]
    least = (max([*values, 0.0]) - min([*values, 0.0])) * 0.05
    ordered = sorted(ends, key=lambda one: one["value"])
    # Pool adjacent violators: groups of the values less the room that the names below take.
    groups: list[list[float]] = []
    for place, row in enumerate(ordered):
        groups.append([row["value"] - place * least])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    middles = [_mean(group) for group in groups for _ in group]
    lowest = min([0.0, *values]) if not values or min(values) >= 0 else min(values)
    placed: list[dict[str, Any]] = []
    for place, (row, middle) in enumerate(zip(ordered, middles, strict=True)):
        floor = placed[-1]["label_at"] + least if placed else lowest
        placed.append({**row, "label_at": max(middle + place * least, floor)})
    return placed


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _events(events: Sequence[tuple[str, str]], periods: Sequence[str], x: alt.X) -> list[Any]:
    """Return a rule an event, and its words above the frame, where no line crosses them."""
    marks: list[Any] = []
    ordered = sorted(periods)
    for at, (period, name) in enumerate(sorted(events, reverse=True)):
        is_late = sum(one <= period for one in ordered) > len(ordered) / 2
        data = alt.Chart(alt.InlineData(values=[{"day": first_day(period), "word": name}]))
        height = -4 - 14 * at
        words = data.mark_text(
            align="right" if is_late else "left", dx=-4 if is_late else 4, color=MUTED, fontSize=11,
            baseline="bottom",
        ).encode(x=x, y=alt.value(height), text="word:N")  # fmt: skip
        rule = data.mark_rule(color=MUTED, strokeDash=[4, 3])
        marks += [rule.encode(x=x, y=alt.value(height - 10), y2=alt.value("height")), words]
    return marks


def stack_chart(rows: Sequence[Mapping[str, Any]], caption: Caption, *, width: int = 680) -> Any:
    """Return shares of a whole over time, stacked to 100%, with a legend in the order of the stack.

    Parameters
    ----------
    rows
        ``period, series, value``.
    caption, width
        See :func:`lines_chart`.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    sizes: dict[str, float] = {}
    for row in rows:
        sizes[str(row["series"])] = sizes.get(str(row["series"]), 0.0) + (row["value"] or 0.0)
    check_series(len(sizes), len(rows))
    order = sorted(sizes, key=lambda name: (name == OTHERS, -sizes[name]))
    ranked = [{**row, "order": order.index(str(row["series"]))} for row in rows]
    is_long = max(len(name) for name in order) > _LONG_NAME
    colour = alt.Color(
        "series:N",
        title=None,
        sort=order,
        scale=alt.Scale(domain=order, range=list(COLOURS[: len(order)])),
        legend=alt.Legend(orient="bottom", columns=2, labelLimit=325, labelFontSize=11, symbolType="square")
        if is_long
        else alt.Legend(orient="right", labelLimit=220, labelFontSize=12, symbolType="square"),
    )
    beside = 70 if is_long else max(len(name) for name in order) * 7 + 110
    drawn = (
        alt.Chart(alt.InlineData(values=ranked))
        .mark_bar(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X(
                "period:O",
                axis=alt.Axis(labelAngle=0, labelOverlap=True, title=None, labelExpr=PERIOD_LABELS),
            ),
            y=alt.Y("value:Q", stack="normalize", axis=alt.Axis(format="%", title=None)),
            color=colour,
            order=alt.Order("order:Q", sort="ascending"),
        )
        .properties(width=width - beside, height=300)
    )
    return captioned(drawn, caption, width)


def bars_chart(
    rows: Sequence[Mapping[str, Any]], caption: Caption, *, unit: str = "usd", width: int = 680
) -> Any:
    """Return bars by label, those of one label side by side, with their figures.

    Parameters
    ----------
    rows
        ``label, series, value``, in the order to be shown; ``figure``, if given, is what stands at the bar.
    caption, unit, width
        See :func:`lines_chart`.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    series = list(dict.fromkeys(str(row["series"]) for row in rows))
    labels = list(dict.fromkeys(str(row["label"]) for row in rows))
    check_series(len(series), len(rows))
    room = min(220, max(len(label) for label in labels) * 7 + 16)
    known = [row["value"] for row in rows if row["value"] is not None]
    low, high = min([*known, 0.0]), max([*known, 0.0])
    reach = (high - low or 1.0) * 0.16
    scale = alt.Scale(domain=[low - (reach if low < 0 else 0.0), high + reach], nice=False)
    y = alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=room))
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=y, yOffset=alt.YOffset("series:N", sort=series)
    )
    colour = alt.Color(
        "series:N",
        title=None,
        sort=series,
        scale=alt.Scale(domain=series, range=list(COLOURS[: len(series)])),
        legend=alt.Legend(orient="bottom", labelLimit=400, labelFontSize=12) if len(series) > 1 else None,
    )
    x = alt.X("value:Q", scale=scale, axis=value_axis(unit), title=None)
    bars = base.mark_bar().encode(x=x, color=colour)
    positive = base.transform_filter("datum.value >= 0").mark_text(align="left", dx=4, fontSize=11, color=INK)
    negative = base.transform_filter("datum.value < 0").mark_text(
        align="right", dx=-4, fontSize=11, color=INK
    )
    texts = [marks.encode(x=x, text="figure:N") for marks in (positive, negative)]
    step = alt.Step(20 if len(series) > 1 else 26)
    drawn = alt.layer(bars, *texts).properties(width=width - room - 20, height=step)
    return captioned(drawn, caption, width)


def check_series(series: int, rows: int) -> None:
    """Refuse to draw nothing, or more series than there are colours.

    Raises
    ------
    OptionError
        There is nothing to draw, or too much.
    """
    if not rows:
        raise OptionError(
            "there is nothing to draw", where="--chart", hint="look at the table: it has no rows"
        )
    if series > len(COLOURS):
        raise OptionError(
            f"{series} series are too many for one chart, which shows {len(COLOURS)}",
            where="--chart",
            hint="name some: --show AREAS, or ask for fewer exporters, importers or codes",
        )


def value_axis(unit: str) -> alt.Axis:
    """Return the axis of values of a unit: ``share``, ``index`` or ``number``, or an amount."""
    match unit:
        case "share":
            return alt.Axis(format=_SHARE, tickCount=5, title=None)
        case "index" | "number":
            return alt.Axis(labelExpr=_NUMBER_LABELS, tickCount=5, title=None)
        case _:
            return alt.Axis(labelExpr=USD_LABELS, tickCount=5, title=None)


def _ranks(places: Sequence[Any]) -> alt.Axis:
    last = max([int(one) for one in places if one is not None], default=1)
    return alt.Axis(values=[*range(1, last + 1)] if last <= 12 else [1, *range(5, last + 1, 5)], format="d")


def _is_annual(rows: Sequence[Mapping[str, Any]]) -> bool:
    return all(len(str(row["period"])) == 4 for row in rows)


def _ticks(rows: Sequence[Mapping[str, Any]]) -> int:
    return min(9, len({row["period"] for row in rows}))


def captioned(chart: Any, caption: Caption, width: int) -> Any:
    """Return a chart with its title above and its source below."""
    letters = int(width / _LETTER)
    title = alt.TitleParams(
        wrap(caption.title, int(letters * 0.6)), subtitle=wrap(caption.subtitle, int(letters * 0.85)) or "",
        anchor="start", frame="bounds", fontSize=15, subtitleFontSize=12, subtitleColor=MUTED, offset=10,
    )  # fmt: skip
    source = alt.TitleParams(
        wrap(caption.footer, letters) or "", orient="bottom", anchor="start", frame="bounds", fontSize=10.5,
        fontWeight="normal", color=MUTED, offset=12,
    )  # fmt: skip
    whole = alt.vconcat(chart.properties(title=title), title=source).resolve_legend(color="independent")
    return finished(whole).configure(
        font="Arial, Helvetica, Liberation Sans, sans-serif",
        background="white",
        padding={"left": 36, "top": 10, "bottom": 8, "right": 12},
    )


def write_chart(chart: Any, out: str | Path, *, scale: float = 2.0) -> None:
    """Write a chart as SVG, PNG, or as its Vega-Lite specification, by the file's suffix.

    Parameters
    ----------
    chart
        An Altair chart.
    out
        A path ending in one of :data:`CHART_SUFFIXES`.
    scale
        Pixels of a PNG for one of the chart: 2 is fit for print at half its width.

    Raises
    ------
    OptionError
        The suffix is another, or the file cannot be written.
    """
    check_out(out, suffixes=CHART_SUFFIXES)
    path = Path(out)
    with replacing(path) as part:
        match path.suffix.lower():
            case ".png":
                spec = json.dumps(chart.to_dict())
                part.write_bytes(
                    vl_convert.vegalite_to_png(spec, vl_version="6.4", scale=scale, allowed_base_urls=[])
                )
            case ".json":
                part.write_text(json.dumps(chart.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
            case _:
                part.write_text(svg(chart), encoding="utf-8")
