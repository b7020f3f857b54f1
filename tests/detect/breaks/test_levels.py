"""Breaks of many series: what was planted is found, and little else."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect.breaks.placebos import learn_noise
from entrepot.detect.kernels.breaks import fit_levels, series_breaks

RULES = {"shortest": 4, "fewest": 24}


def search(panel, rate: float = 0.02):
    noise = learn_noise(panel.values, panel.calendar, rate=rate, **RULES, seed=0)
    found = series_breaks(panel.values, panel.calendar, rho0=noise.rho0, price=noise.price, **RULES)
    return noise, found


@pytest.mark.parametrize("rho", [0.0, 0.3])
@pytest.mark.parametrize("breaks", [1, 3])
def test_breaks_of_three_times_the_noise(make_panel, rho: float, breaks: int) -> None:
    """Precision and recall are 0.9 or more, the intervals of dates and sizes cover about 90%."""
    panel = make_panel(1000, seed=21, rho=rho, breaks=breaks)
    _, found = search(panel)
    score = panel.score(found)
    assert score["recall"] >= 0.9, score
    assert score["precision"] >= 0.9, score
    assert 0.85 <= score["dates"] <= 0.99, score
    assert 0.8 <= score["sizes"] <= 0.97, score


@pytest.mark.parametrize(("breaks", "recall"), [(1, 0.87), (3, 0.58)])
def test_strong_autocorrelation_costs_breaks_not_truth(make_panel, breaks: int, recall: float) -> None:
    """At 0.6 some of three breaks a series are missed; what is found is true nearly as often."""
    panel = make_panel(1000, seed=22, rho=0.6, breaks=breaks)
    score = panel.score(search(panel)[1])
    assert recall <= score["recall"] < 0.97, score
    assert score["precision"] >= 0.86, score
    assert score["sizes"] >= 0.75, score


@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.03), (0.3, 0.035), (0.6, 0.035)])
def test_series_without_breaks(make_panel, rho: float, most: float) -> None:
    panel = make_panel(1500, seed=23, rho=rho, breaks=0)
    noise, found = search(panel)
    assert panel.score(found)["with_break"] <= most
    assert noise.false_positive_rate <= 0.035
    assert (noise.q_values(found.z, 1500) < 0.1).sum() <= 0.2 * max(found.z.size, 5)


def test_the_rate_asked_for_changes_the_price(make_panel) -> None:
    panel = make_panel(500, seed=24, breaks=0)
    strict, loose = search(panel, rate=0.005), search(panel, rate=0.2)
    assert strict[0].price > loose[0].price
    assert strict[1].z.size < loose[1].z.size


def test_q_values_tell_planted_from_noise(make_panel) -> None:
    half, none = make_panel(300, seed=25, breaks=1), make_panel(300, seed=26, breaks=0)
    panel = np.vstack([half.values, none.values])
    noise = learn_noise(panel, half.calendar, rate=0.2, **RULES, seed=0)
    found = series_breaks(panel, half.calendar, rho0=noise.rho0, price=noise.price, **RULES)
    q = noise.q_values(found.z, 600)
    sure = q < 0.1
    assert (found.series[sure] >= 300).mean() < 0.15
    assert (found.series[~sure] >= 300).mean() > 0.3
    assert np.all(np.diff(q[np.argsort(-found.z, kind="stable")]) >= 0)


def test_season_is_no_break(make_panel) -> None:
    calm, wild = (make_panel(200, seed=27, breaks=1, season=s) for s in (0.0, 2.0))
    scores = [panel.score(search(panel)[1]) for panel in (calm, wild)]
    assert scores[1]["recall"] > scores[0]["recall"] - 0.05
    assert scores[1]["precision"] > scores[0]["precision"] - 0.05


def test_the_season_is_found(make_panel) -> None:
    panel = make_panel(1, seed=28, breaks=0, season=1.0, months=120)
    fit = fit_levels(panel.values[0], panel.calendar, rho0=0.0, price=2.5)
    effect = np.array([panel.values[0][panel.calendar == k].mean() for k in range(12)])
    assert np.corrcoef(fit.season[:12], effect)[0, 1] > 0.95
    assert fit.level.std() == 0


def test_a_missing_month_is_not_zero(make_panel) -> None:
    """Leave out a third of the months: the same break, at the same month of the calendar."""
    panel = make_panel(300, seed=29, breaks=1, size=4.0)
    panel.values[np.random.default_rng(0).random(panel.values.shape) < 0.33] = np.nan
    score = panel.score(search(panel)[1], within=3)
    assert score["recall"] >= 0.9
    assert score["precision"] >= 0.9


def test_a_single_wild_month_is_no_break(make_panel) -> None:
    panel = make_panel(300, seed=30, breaks=0)
    panel.values[np.arange(300), np.random.default_rng(1).integers(0, 72, 300)] -= 6.0
    assert panel.score(search(panel)[1])["with_break"] <= 0.05


def test_logs_may_be_moved_and_turned(make_panel) -> None:
    """Another currency changes no date; the mirror image changes the sign alone."""
    panel = make_panel(100, seed=31, rho=0.3)
    plain = series_breaks(panel.values, panel.calendar, rho0=0.3, price=2.5)
    moved = series_breaks(panel.values + 7.0, panel.calendar, rho0=0.3, price=2.5)
    turned = series_breaks(-panel.values, panel.calendar, rho0=0.3, price=2.5)
    assert plain.period.size > 80
    assert moved.period.tolist() == plain.period.tolist()
    assert turned.period.tolist() == plain.period.tolist()
    assert turned.log_change == pytest.approx(-plain.log_change)
    assert moved.before == pytest.approx(plain.before + 7.0)


def test_a_series_too_short_is_not_judged(make_panel) -> None:
    panel = make_panel(2, seed=32, size=8.0)
    panel.values[0, 23:] = np.nan
    found = series_breaks(panel.values, panel.calendar, rho0=0.3, price=2.5)
    assert np.isnan(found.noise).tolist() == [True, False]
    assert set(found.series.tolist()) == {1}


def test_many_chunks_are_one(make_panel) -> None:
    panel = make_panel(50, seed=33)
    few = series_breaks(panel.values, panel.calendar, rho0=0.3, price=2.5)
    many = series_breaks(np.tile(panel.values, (100, 1)), panel.calendar, rho0=0.3, price=2.5)
    assert many.period.size == 100 * few.period.size
    assert many.series[-few.series.size :].tolist() == (few.series + 99 * 50).tolist()


def test_no_series() -> None:
    found = series_breaks(np.empty((0, 72)), np.arange(72) % 12, rho0=0.3, price=2.5)
    assert found.series.size == found.noise.size == 0
    noise = learn_noise(np.empty((0, 72)), np.arange(72) % 12, rate=0.02, **RULES, seed=0)
    assert noise.placebos == 0
    assert noise.q_values(found.z, 0).size == 0
