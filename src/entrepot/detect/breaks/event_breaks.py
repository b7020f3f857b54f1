"""Breaks and dated events: which event precedes unusually many, which series broke after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.periods import parse_period, period_text
from entrepot.nomenclature import group_members, group_names
from entrepot.schema import EVENT_BREAKS, EventRelation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.breaks.options import BreakOptions
    from entrepot.detect.breaks.series import BreakSeries
    from entrepot.detect.kernels.breaks import SeriesBreaks
    from entrepot.nomenclature import Event

__all__ = ["EventCount", "count_events", "event_span", "event_table", "events_of_breaks", "relation_of"]

_ROWS = 256  # permutations drawn at a time


@dataclass(frozen=True, slots=True)
class EventCount:
    """One event and one relation.

    Attributes
    ----------
    event, relation
        Which.
    series, breaks, expected
        Series that were judged and stand so to the event, their breaks after it, and the mean of those over
        permutations.
    p, months_share
        Share of permutations, and of all months, with as many breaks or more.
    """

    event: Event
    relation: EventRelation
    series: int
    breaks: int
    expected: float
    p: float
    months_share: float


def relation_of(
    event: Event, series: BreakSeries
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (n,) which series stand to the event directly, by one side, and as everybody.

    A side that was summed over is nobody's.
    """
    n = series.exporter.size
    actors, targets = (_areas(names, event.date) for names in (event.actors, event.targets))
    if not actors and not targets:
        return np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    known = np.array([*series.areas, ""], dtype=object)  # -1: the last
    acts, aimed = (np.array([code in codes for code in known], dtype=bool) for codes in (actors, targets))
    direct = (acts[series.exporter] & aimed[series.importer]) | (
        aimed[series.exporter] & acts[series.importer]
    )
    either = acts | aimed
    one = (either[series.exporter] | either[series.importer]) & ~direct
    return direct, one, np.zeros(n, dtype=bool)


def _areas(names: Sequence[str], day: date) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        found |= set(group_members(name, on=day)) if name in group_names() else {name}
    return frozenset(found)


def count_events(
    found: SeriesBreaks, series: BreakSeries, events: Sequence[Event], options: BreakOptions
) -> list[EventCount]:
    """Return how many breaks follow each event, against permutations.

    The breaks of a pair of areas are moved together by a random number of months, round the span in which
    a break can lie: products of a pair that break together stay together.

    Parameters
    ----------
    found
        Breaks.
    series
        The series they are of.
    events
        Dated events.
    options
        Months after an event that count, permutations, seed.
    """
    rng = np.random.default_rng(options.seed)
    first = options.shortest
    length = len(series.periods) - 2 * options.shortest + 1  # months in which a level can begin
    if length <= options.event_months:
        return []
    judged = np.isfinite(found.noise)
    start = parse_period(series.periods[0], option="period")
    pair = series.exporter * (len(series.areas) + 1) + series.importer
    counted: list[EventCount] = []
    for event in events:
        month = event.date.year * 12 + event.date.month - 1 - start - first
        if not 0 <= month < length - options.event_months:
            continue
        for relation, who in zip(
            (EventRelation.DIRECT, EventRelation.ONE_SIDE, EventRelation.EVERYBODY),
            relation_of(event, series),
            strict=True,
        ):
            own = who & judged
            if not own.any():
                continue
            of = own[found.series]
            table = _windows(pair[found.series[of]], found.period[of] - first, length, options.event_months)
            seen, expected, p = _permuted(table, month, options.permutations, rng)
            months = table.sum(axis=0)[: length - options.event_months]
            counted.append(
                EventCount(event, relation, int(own.sum()), seen, expected, p, float((months >= seen).mean()))
            )
    return counted


def _windows(unit: NDArray[np.int64], month: NDArray[np.int64], length: int, after: int) -> NDArray[np.int64]:
    """Return (units, length) the breaks of each unit in each month and those after it, round the span."""
    units, place = np.unique(unit, return_inverse=True)
    counts = np.zeros((units.size, length), dtype=np.int64)
    # missing months can move a first level's end past the span: such breaks stand at its ends
    np.add.at(counts, (place, np.clip(month, 0, length - 1)), 1)
    table = counts.copy()
    for step in range(1, after + 1):
        table += np.roll(counts, -step, axis=1)
    return table


def _permuted(
    table: NDArray[np.int64], month: int, permutations: int, rng: np.random.Generator
) -> tuple[int, float, float]:
    """Return the breaks seen, their mean over permutations, and the share of these with as many."""
    units, length = table.shape
    seen = int(table[:, month].sum())
    drawn = np.empty(permutations, dtype=np.int64)
    rows = np.arange(units)
    for begin in range(0, permutations, _ROWS):
        size = min(_ROWS, permutations - begin)
        shifts = rng.integers(0, length, (size, units))
        drawn[begin : begin + size] = table[rows, shifts].sum(axis=1)
    return seen, float(drawn.mean()), float((1 + (drawn >= seen).sum()) / (1 + permutations))


def events_of_breaks(
    found: SeriesBreaks, series: BreakSeries, events: Sequence[Event], after: int
) -> list[str | None]:
    """Return for each break the events that name a side and have it in the months after them, in words."""
    start = parse_period(series.periods[0], option="period")
    words: list[list[str]] = [[] for _ in range(found.series.size)]
    for event in events:
        month = event.date.year * 12 + event.date.month - 1 - start
        near = (found.period >= month) & (found.period <= month + after)
        if not near.any():
            continue
        direct, one, _ = relation_of(event, series)
        for place in np.nonzero(near & (direct | one)[found.series])[0]:
            words[place].append(f"{event.name} ({event.date})")
    return ["; ".join(own) or None for own in words]


def event_table(counted: Sequence[EventCount]) -> pa.Table:
    """Return rows of ``out__event_breaks``, the least likely first."""
    rows = sorted(counted, key=lambda one: (one.p, -one.breaks + one.expected, one.event.date))
    q = _benjamini_hochberg(np.array([one.p for one in rows]))
    return pa.Table.from_pylist(
        [
            {
                "event": one.event.name,
                "event_date": one.event.date,
                "event_kind": one.event.kind,
                "relation": one.relation.value,
                "series": one.series,
                "breaks": one.breaks,
                "expected_breaks": one.expected,
                "p_value": one.p,
                "q_value": value,
                "months_share": one.months_share,
            }
            for one, value in zip(rows, q.tolist(), strict=True)
        ],
        schema=EVENT_BREAKS.arrow_schema(),
    )


def _benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values of increasing p-values (Benjamini and Hochberg 1995)."""
    if not p.size:
        return p
    found = np.minimum.accumulate((p * p.size / np.arange(1, p.size + 1))[::-1])[::-1]
    return np.minimum(found, 1.0)


def event_span(series: BreakSeries, after: int) -> tuple[date, date]:
    """Return the days between which events can have breaks in the series."""
    first = parse_period(series.periods[0], option="period") - after
    last = parse_period(series.periods[-1], option="period") + 1
    begin, end = (period_text(number, is_monthly=True) for number in (first, last))
    return date.fromisoformat(f"{begin}-01"), date.fromisoformat(f"{end}-01")
