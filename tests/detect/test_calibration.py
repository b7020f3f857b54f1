"""Intervals, coverage and q-values: by definition, by twins, on exchangeable draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.calibration import Calibration, Placebo, SpikeRun, calibrate, group_ids
from entrepot.detect.corridors import KINDS
from entrepot.detect.findings import q_values, withheld
from entrepot.detect.spikes import SpikePlan
from entrepot.schema import DetourKind


def rows(run: SpikeRun) -> list[np.ndarray]:
    return [run.origin, run.hub, run.destination, run.product]


def run_of(planted, estimated) -> SpikeRun:
    planted, estimated = np.asarray(planted, dtype=float), np.asarray(estimated, dtype=float)
    index = np.arange(planted.size)
    zero = np.zeros(planted.size, dtype=np.int64)
    return SpikeRun(index, index % 5, zero, zero, zero, planted, estimated)


def exchangeable(seed: int, runs: int = 40, n: int = 50, missed: float = 0.0) -> Calibration:
    """Return runs of an estimator whose error has one distribution: half is off by exp(N(0.2, 0.5))."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(runs):
        planted = np.exp(rng.normal(12.0, 1.0, n))
        estimated = planted / np.exp(rng.normal(0.2, 0.5, n))
        estimated[rng.random(n) < missed] = 0.0
        made.append(run_of(planted, estimated))
    return Calibration(tuple(made))


def test_intervals_of_an_exchangeable_estimator_cover_nine_in_ten() -> None:
    coverage = [exchangeable(seed).coverage(rows) for seed in range(8)]
    assert np.mean(coverage) == pytest.approx(0.9, abs=0.02)


def test_intervals_cover_new_draws_too() -> None:
    interval = exchangeable(0).interval(rows)
    rng = np.random.default_rng(99)
    planted = np.exp(rng.normal(12.0, 1.0, 20_000))
    low, high = interval.around(planted / np.exp(rng.normal(0.2, 0.5, planted.size)))
    assert ((planted >= low) & (planted <= high)).mean() == pytest.approx(0.9, abs=0.03)


def test_of_few_values_the_extremes_are_taken() -> None:
    interval = Calibration((run_of([2.0, 8.0, 5.0], [4.0, 4.0, 4.0]),)).interval(rows)
    low, high = interval.around(np.array([4.0]))
    assert (low[0], high[0]) == (2.0, 8.0)


def test_an_interval_contains_its_estimate() -> None:
    """Even where all planted amounts were far over, or far under, what was found."""
    for factor in (0.3, 3.0):
        calibration = Calibration((run_of(np.full(100, 1e6), np.full(100, 1e6 * factor)),))
        for usd in (1e3, 1e6, 1e9):
            low, high = calibration.interval(rows).around(np.array([usd]))
            assert low[0] <= usd <= high[0]
    interval = exchangeable(1).interval(rows)
    usd = np.exp(np.linspace(0, 25, 300))
    low, high = interval.around(usd)
    assert ((low <= usd) & (usd <= high)).all()


def test_found_but_never_planted_pulls_the_lower_end_to_zero() -> None:
    interval = Calibration((run_of([0.0] * 10 + [1e6] * 10, [1e6] * 20),)).interval(rows)
    assert interval.around(np.array([1e6]))[0][0] == 0.0


def test_missed_rows_count_against_coverage() -> None:
    """Half of the rows are missed; the largest twentieth of those lies over the missed end."""
    calibration = exchangeable(2, missed=0.5)
    interval = calibration.interval(rows)
    missed = np.concatenate([r.planted[r.estimated == 0] for r in calibration.runs])
    assert interval.missed_high == pytest.approx(np.quantile(missed, 0.95))
    low, high = interval.around(np.zeros(1))
    assert (low[0], high[0]) == (0.0, interval.missed_high)
    assert calibration.coverage(rows) == pytest.approx(0.92, abs=0.03)
    never = Calibration(tuple(run_of([1e6] * 20, [0.0] * 20) for _ in range(4)))
    assert never.interval(rows) is None
    assert never.coverage(rows) == 0.0


def test_intervals_follow_the_size() -> None:
    rng = np.random.default_rng(0)
    estimated = np.exp(rng.uniform(5, 20, 3000))
    sd = np.where(estimated < np.exp(12), 1.5, 0.1)
    interval = Calibration((run_of(estimated * np.exp(rng.normal(0, sd)), estimated),)).interval(rows)
    small, large = (interval.around(np.array([np.exp(x)])) for x in (7.0, 18.0))
    assert small[1] / small[0] > 20 * (large[1] / large[0])


def test_sums_have_their_own_errors() -> None:
    calibration = Calibration((run_of([10.0, 10.0, 0.0], [0.0, 10.0, 10.0]),))
    assert calibration.error(rows) == 1.0
    assert calibration.error(lambda _: ()) == 0.0
    assert calibration.recovered_share == 1.0
    assert np.isnan(Calibration(()).error(rows))
    assert np.isnan(Calibration(()).recovered_share)
    assert np.isnan(Calibration(()).coverage(rows))
    assert Calibration(()).interval(rows) is None


@settings(max_examples=50, deadline=None)
@given(keys=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_group_ids_number_the_distinct_combinations(keys: list[tuple[int, int]]) -> None:
    columns = [np.array([key[at] for key in keys], dtype=np.int64) for at in range(2)]
    ids = group_ids(columns, len(keys))
    assert len(set(ids.tolist())) == len(set(keys))
    assert len(set(zip(ids.tolist(), keys, strict=True))) == len(set(keys))
    assert group_ids([], 3).tolist() == [0, 0, 0]
    # Combinations of more keys than a number can hold are numbered in the same order.
    vast = [column * 2**40 for column in columns]
    np.testing.assert_array_equal(group_ids([*vast, columns[0]], len(keys)), ids)


# --- planting and estimating --------------------------------------------------------------------------


def placebo(seed: int, random_cells, make_question, *, scale: float = 1.0) -> Placebo:
    cells = random_cells(seed, n_areas=14, n_products=10, noise=0.2)
    question = make_question(cells, origins=(0, 1, 5), unobserved=[(3, 2)])
    return Placebo(cells.only(cells.pair != 3 * 14 + 2), question, None, scale, "placebo")


PLAN = SpikePlan(total_usd=2e5, hub_weight=np.where(np.arange(14) > 5, 1.0, 0.0), n_hubs=3)


def test_equal_seeds_give_equal_calibrations(random_cells, make_question, flat) -> None:
    one = placebo(0, random_cells, make_question)

    def backwards(run, sets):
        """Sets may run in any order and anywhere: they come back in theirs."""
        return [run(number) for number in reversed(sets)][::-1]

    made = [
        calibrate([one], noise=flat(0.2), plan=PLAN, z=1.0, sets=6, seed=seed, each=each)
        for seed, each in ((1, map), (1, backwards), (2, map))
    ]
    assert [len(c.runs) for c in made] == [6, 6, 6]
    for a, b in zip(made[0].runs, made[1].runs, strict=True):
        np.testing.assert_array_equal(a.planted, b.planted)
        np.testing.assert_array_equal(a.estimated, b.estimated)
    assert made[0].recovered_share != made[2].recovered_share
    assert 0.3 < made[0].recovered_share < 1.5


def test_amounts_are_worth_what_they_are_in_the_events_window(random_cells, make_question, flat) -> None:
    single, double = (
        calibrate(
            [placebo(0, random_cells, make_question, scale=scale)],
            noise=flat(0.2),
            plan=replace(PLAN, total_usd=PLAN.total_usd * scale),
            z=1.0,
            sets=2,
            seed=0,
        )
        for scale in (1.0, 2.0)
    )
    for a, b in zip(single.runs, double.runs, strict=True):
        np.testing.assert_allclose(b.planted, 2 * a.planted)
        np.testing.assert_allclose(b.estimated, 2 * a.estimated)


def test_rows_missed_and_rows_imagined_stand_beside_each_other(random_cells, make_question, flat) -> None:
    calibration = calibrate(
        [placebo(0, random_cells, make_question)], noise=flat(0.2), plan=PLAN, z=1.0, sets=10, seed=0
    )
    planted = np.concatenate([r.planted for r in calibration.runs])
    estimated = np.concatenate([r.estimated for r in calibration.runs])
    assert ((planted > 0) & (estimated == 0)).any()
    assert ((planted == 0) & (estimated > 0)).any()
    assert ((planted > 0) & (estimated > 0)).any()
    unobserved = KINDS.index(DetourKind.ONWARD_UNOBSERVED)
    for run in calibration.runs:
        own = run.kind != KINDS.index(DetourKind.RELAY)
        silent = (run.hub == 3) & (run.destination == 2)
        np.testing.assert_array_equal((run.kind == unobserved)[own], silent[own])
        keys = [*rows(run), run.kind]
        assert len(set(zip(*(c.tolist() for c in keys), strict=True))) == run.planted.size
    kinds = np.concatenate([r.kind for r in calibration.runs])
    assert set(kinds) >= {KINDS.index(DetourKind.DECLARED), KINDS.index(DetourKind.UNSEEN)}
    for kind in set(kinds):
        chosen = calibration.only([kind])
        assert sum(r.planted.size for r in chosen.runs) == (kinds == kind).sum()


def test_no_placebo_no_calibration(flat) -> None:
    assert calibrate([], noise=flat(), plan=PLAN, z=1.0, sets=10, seed=0).runs == ()


# --- q-values ------------------------------------------------------------------------------------------


def slow_q(found: list[float], decoys: list[list[float]]) -> list[float]:
    """Say q as it is defined, and the least q of any finding no larger; nothing found is no finding."""
    raw = {
        s: 1.0
        if s <= 0
        else min(
            (1 + sum(d >= s for decoy in decoys for d in decoy)) / len(decoys) / sum(f >= s for f in found),
            1.0,
        )
        for s in found
    }
    return [min(q for t, q in raw.items() if t <= s) for s in found]


AMOUNTS = st.lists(st.one_of(st.integers(0, 5).map(float), st.floats(0, 1e9)), max_size=15)


@settings(max_examples=150, deadline=None)
@given(found=AMOUNTS, decoys=st.lists(AMOUNTS, min_size=1, max_size=4))
def test_q_values_equal_their_definition_and_fall_with_the_amount(found, decoys) -> None:
    q = q_values(np.array(found), [np.array(decoy) for decoy in decoys])
    assert q.tolist() == pytest.approx(slow_q(found, decoys))
    order = np.argsort(found, kind="stable")
    assert (np.diff(q[order]) <= 1e-12).all()
    assert ((q >= 0) & (q <= 1)).all()


def test_rows_without_an_amount_lend_no_strength() -> None:
    found, decoys = np.linspace(1.0, 100.0, 100), [np.linspace(1.0, 100.0, 50)] * 4
    padded = q_values(np.concatenate([found, np.zeros(10_000)]), decoys)
    np.testing.assert_array_equal(padded[:100], q_values(found, decoys))
    assert (padded[100:] == 1.0).all()


def test_planted_sets_tell_what_a_handful_of_dates_cannot() -> None:
    """Of a hundred sets in four windows, 25 alike at 0.3, twelve are as good as independent."""
    nothing, four = [np.zeros(0)] * 96, [np.zeros(0)] * 4
    (alone,) = q_values(np.array([7.0]), four)
    (beside,) = q_values(np.array([7.0]), four, [*nothing, *[np.array([3.0])] * 4], windows=4)
    assert alone == 0.25
    assert beside == pytest.approx((1 + 0.3 * 24) / 100)
    (small,) = q_values(np.array([2.0]), four, [*nothing, *[np.array([3.0])] * 4], windows=4)
    assert small == pytest.approx(0.04 + beside)


def test_the_kind_of_decoys_that_gives_more_decides() -> None:
    """A date on which as much is found for nothing is not outvoted by planted sets without any."""
    dates = [np.array([9.0]), np.zeros(0), np.zeros(0), np.zeros(0)]
    (q,) = q_values(np.array([7.0]), dates, [np.zeros(0)] * 100, windows=4)
    assert q == 0.25


def test_sets_planted_in_portions_are_no_decoys() -> None:
    found, dates = np.array([7.0, 5.0]), [np.array([6.0]), np.zeros(0)]
    np.testing.assert_array_equal(
        q_values(found, dates, [np.array([100.0])] * 50, windows=0), q_values(found, dates)
    )


def test_no_placebo_no_q_value() -> None:
    assert np.isnan(q_values(np.array([1.0, 2.0]), [])).all()


def test_placebo_share_of_a_finding() -> None:
    found = np.array([10.0, 0.0, 0.0])
    share = withheld(found, [np.array([1.0, 2.0, 0.0]), np.array([3.0, 0.0, 0.0])])
    assert share.tolist() == [0.2, np.inf, 0.0]
    assert withheld(found, []).tolist() == [0.0, 0.0, 0.0]
