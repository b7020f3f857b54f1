"""The posterior of the lag: its likelihood, what levels and unit values do to it."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect.loops.lags import Levels, _log_likelihood, find_lags, told_by_value
from entrepot.detect.loops.timing import MonthlyLegs, ramp, share_median

MONTHS, FIRST, SINCE = 30, 10, 16


def made(
    *, lag: int, size: float = 5.0, noise: float = 1.0, off: tuple[float, float] = (0.0, 0.0), seed: int = 0
) -> tuple[MonthlyLegs, Levels]:
    """Return legs of a trip beside ordinary trade of 20 a month, expected too low by a share of it."""
    rng = np.random.default_rng(seed)
    trips = size * ramp(np.arange(MONTHS) - SINCE + 0.0) * np.exp(rng.normal(0.0, 0.2, MONTHS))
    back = np.concatenate([np.zeros(lag), trips[: MONTHS - lag]])
    variance = np.full((1, MONTHS), noise**2)
    usual = np.full((1, MONTHS), 20.0)
    out, home = (
        leg + 20.0 * share + rng.normal(0.0, noise, MONTHS)
        for leg, share in zip((trips, back), off, strict=True)
    )
    legs = MonthlyLegs(out[None, :], home[None, :], variance, variance, np.array([size]), FIRST, SINCE)
    sd = np.array([0.1])
    return legs, Levels(usual, usual, sd, sd, np.array([True]))


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("larger", [1.0, 1.3])
def test_the_likelihood_equals_the_dense_one(lag: int, larger: float) -> None:
    """Build the whole covariance of both legs, levels in it, and profile the size out by least squares."""
    legs, levels = made(lag=1, off=(0.2, -0.1))
    onset, spread, n = 17, 0.2, MONTHS - FIRST
    mean, cov = np.zeros(2 * n), np.eye(2 * n)
    cov[n:, n:] /= larger**2
    for at, level in enumerate((20.0 * 0.1, 20.0 * 0.1 / larger)):
        cov[at * n : (at + 1) * n, at * n : (at + 1) * n] += level**2
    for leaves in range(FIRST - lag, MONTHS):
        r = float(ramp(np.array([leaves - onset + 0.0]))[0])
        places = [leaves - FIRST] if leaves >= FIRST else []
        places += [n + leaves + lag - FIRST] if leaves + lag < MONTHS else []
        for one in places:
            mean[one] += r
            for other in places:
                cov[one, other] += (spread * legs.size[0] * r) ** 2
    y = np.concatenate([legs.out[0, FIRST:], legs.back[0, FIRST:] / larger])
    inverse = np.linalg.inv(cov)
    size = max(mean @ inverse @ y / (mean @ inverse @ mean), 0.0)
    left = y - size * mean
    expected = -0.5 * (left @ inverse @ left + np.linalg.slogdet(cov)[1])
    found = _log_likelihood(legs, levels, np.array([0]), (onset, lag), spread, larger)
    assert found[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("lag", [0, 1, 3, 5])
def test_the_lag_is_found_though_both_legs_were_expected_too_low(lag: int) -> None:
    share, onset = find_lags(*made(lag=lag, noise=0.3, off=(0.15, 0.1)), longest_lag=6)
    assert share_median(share)[0] == lag
    assert onset[0] == SINCE
    assert share.sum() == pytest.approx(1.0)


def test_a_level_that_is_off_is_no_trip() -> None:
    """The way back begins two months later; taken as certain, what was expected makes the lag zero."""
    legs, levels = made(lag=3, size=3.0, noise=0.7, off=(0.0, 0.15), seed=4)
    certain = Levels(levels.out, levels.back, 0.0 * levels.out_sd, 0.0 * levels.back_sd, levels.weighed)
    open_, closed = (find_lags(legs, one, longest_lag=6)[0][0] for one in (levels, certain))
    assert open_[3] > closed[3]


def test_the_date_of_one_leg_alone_is_the_first_month() -> None:
    """The way out is drowned; the way back begins in the third month. Lag and onset add up to that."""
    legs, levels = made(lag=2, noise=0.2)
    drowned = MonthlyLegs(
        legs.out, legs.back, 1e4 * legs.out_variance, legs.back_variance, legs.size, legs.first, legs.since
    )
    share, onset = find_lags(drowned, levels, longest_lag=6)
    assert onset[0] == SINCE
    assert share[0, 2] > share[0, 1] > share[0, 0]
    assert share[0, 3:].sum() < 0.05


def test_in_value_goods_may_come_back_dearer_and_in_weight_they_may_not() -> None:
    legs, levels = made(lag=2, noise=0.3)
    dearer = MonthlyLegs(
        legs.out, 1.45 * legs.back, legs.out_variance, legs.back_variance, legs.size, legs.first, legs.since
    )
    by_value = Levels(levels.out, levels.back, levels.out_sd, levels.back_sd, np.array([False]))
    strict, spread = (find_lags(dearer, one, longest_lag=6)[0][0] for one in (levels, by_value))
    assert spread[2] > 0.95
    assert spread[2] >= strict[2]


def test_two_measurements_of_a_month_are_weighed_by_their_precision() -> None:
    residual, variance = np.array([[4.0, 4.0, 4.0]]), np.array([[4.0, 4.0, 4.0]])
    told, left = told_by_value(
        residual, variance, np.array([[1.0, np.nan, 1.0]]), np.array([[1.0, 1.0, np.inf]])
    )
    assert told[0].tolist() == pytest.approx([(4.0 / 4.0 + 1.0) / (0.25 + 1.0), 4.0, 4.0])
    assert left[0].tolist() == pytest.approx([1.0 / 1.25, 4.0, 4.0])


def test_quantiles_of_a_posterior() -> None:
    share = np.array([[0.04, 0.5, 0.4, 0.06]])
    assert [int(share_median(share, at)[0]) for at in (0.03, 0.05, 0.5, 0.95)] == [0, 1, 1, 3]
