"""Breaks and events: who is concerned, and how many breaks would follow by chance."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from entrepot.detect.breaks.event_breaks import count_events, event_table, events_of_breaks, relation_of
from entrepot.detect.breaks.options import BreakOptions
from entrepot.detect.breaks.series import BreakSeries
from entrepot.detect.kernels.breaks import SeriesBreaks
from entrepot.nomenclature import Event

AREAS = ("CHN", "DEU", "KGZ", "RUS", "USA")
MONTHS = tuple(f"{year}-{month:02d}" for year in range(2018, 2024) for month in range(1, 13))


def event(day: str, actors: tuple[str, ...], targets: tuple[str, ...]) -> Event:
    return Event(date.fromisoformat(day), "a ban", "sanction", actors, targets, "made up", "sure")


def series_of(pairs: list[tuple[int, int]]) -> BreakSeries:
    n, nothing = len(pairs), np.zeros((len(pairs), len(MONTHS)))
    i, j = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    return BreakSeries(
        i,
        j,
        np.arange(n),
        nothing,
        nothing,
        nothing.astype(np.int8),
        AREAS,
        tuple(map(str, range(n))),
        MONTHS,
    )


def breaks_at(months: list[tuple[int, int]], n: int) -> SeriesBreaks:
    """Return breaks (series, month)."""
    place, period = (np.array([one[side] for one in months], dtype=np.int64) for side in (0, 1))
    zeros = np.zeros(place.size)
    return SeriesBreaks(
        place, period, period, period, *[zeros] * 6, period, period, np.full(n, 0.5), np.zeros(n)
    )


@pytest.mark.parametrize(
    ("pair", "stands"),
    [
        (("DEU", "RUS"), "direct"),
        (("RUS", "DEU"), "direct"),
        (("DEU", "KGZ"), "one side"),
        (("CHN", "RUS"), "one side"),
        (("CHN", "KGZ"), "neither"),
    ],
)
def test_how_a_pair_stands_to_an_event(pair: tuple[str, str], stands: str) -> None:
    """The group EU holds Germany; who acts and who is aimed at may sell or buy."""
    series = series_of([(AREAS.index(pair[0]), AREAS.index(pair[1]))])
    direct, one, everybody = relation_of(event("2022-03-02", ("EU",), ("RUS",)), series)
    assert (bool(direct[0]), bool(one[0])) == (stands == "direct", stands == "one side")
    assert not everybody[0]


def test_a_side_that_is_summed_over_is_nobodys() -> None:
    series = series_of([(-1, AREAS.index("RUS")), (AREAS.index("USA"), -1)])
    direct, one, _ = relation_of(event("2022-03-02", ("EU",), ("RUS",)), series)
    assert direct.tolist() == [False, False]
    assert one.tolist() == [True, False]


def test_an_event_without_areas_concerns_everybody() -> None:
    assert relation_of(event("2022-01-01", (), ()), series_of([(0, 1)]))[2].tolist() == [True]


def test_an_event_with_unusually_many_breaks_is_told_from_one_without() -> None:
    rng = np.random.default_rng(0)
    series = series_of([(1, 3), (0, 3), (1, 2), (0, 2)] * 10)
    at = MONTHS.index("2022-03")
    months = [(s, int(rng.integers(6, 66))) for s in range(40)]
    months += [(s, at + int(rng.integers(0, 3))) for s in range(40) if s % 4 == 0]
    found = breaks_at(months, 40)
    asked = BreakOptions(event_months=2, permutations=499)
    ban, calm = event("2022-03-02", ("EU",), ("RUS",)), event("2019-06-01", ("EU",), ("RUS",))
    counted = {
        (one.event.date.year, one.relation.value): one
        for one in count_events(found, series, (ban, calm), asked)
    }
    strong = counted[2022, "direct"]
    assert strong.series == 10
    assert strong.breaks >= 10
    assert strong.expected == pytest.approx(20 * 3 / 65, rel=0.3)  # 20 breaks, 3 of 65 months
    assert counted[2019, "direct"].p > 0.05
    assert strong.months_share <= 3 / 65 + 0.05


def test_products_of_a_pair_are_one_witness() -> None:
    """Ten products of one pair that break together weigh no more than one; ten pairs do."""
    at = MONTHS.index("2022-04")
    asked = BreakOptions(event_months=2, permutations=999)
    ban = event("2022-03-02", ("EU",), ("RUS",))
    one_pair = count_events(
        breaks_at([(s, at) for s in range(10)], 10), series_of([(1, 3)] * 10), (ban,), asked
    )
    assert one_pair[0].p == pytest.approx(3 / 65, abs=0.02)
    many = [(1, 3), (3, 1), (1, 2), (2, 1), (1, 0), (0, 1), (1, 4), (4, 1), (0, 3), (3, 0)]
    several = count_events(breaks_at([(s, at) for s in range(10)], 10), series_of(many), (ban,), asked)
    assert next(one for one in several if one.relation == "one_side").p <= 0.002


def test_an_event_too_near_the_end_is_not_tested() -> None:
    asked = BreakOptions(event_months=3)
    found = breaks_at([(0, 30)], 1)
    late, early, fit = (event(day, ("EU",), ("RUS",)) for day in ("2023-08-01", "2018-03-01", "2020-01-01"))
    tested = count_events(found, series_of([(1, 3)]), (late, early, fit), asked)
    assert [one.event.date for one in tested] == [fit.date]


def test_which_series_broke_at_an_event() -> None:
    series = series_of([(1, 3), (0, 2)])
    at = MONTHS.index("2022-03")
    found = breaks_at([(0, at - 1), (0, at), (0, at + 2), (0, at + 3), (1, at)], 2)
    named = events_of_breaks(found, series, (event("2022-03-02", ("EU",), ("RUS",)),), 2)
    assert named == [None, "a ban (2022-03-02)", "a ban (2022-03-02)", None, None]


def test_the_table_orders_and_corrects() -> None:
    series = series_of([(1, 3)] * 4)
    at = MONTHS.index("2022-03")
    days = [event(f"{year}-03-01", ("EU",), ("RUS",)) for year in (2020, 2021, 2022)]
    asked = BreakOptions(event_months=1, permutations=199)
    table = event_table(count_events(breaks_at([(s, at) for s in range(4)], 4), series, days, asked))
    assert table["event_date"].to_pylist()[0] == date(2022, 3, 1)
    p, q = (np.array(table[name].to_pylist()) for name in ("p_value", "q_value"))
    assert (q >= p).all()
    assert q[0] == pytest.approx(min(p[0] * 3, q[1]))
    assert event_table([]).num_rows == 0
