"""The partition is the best one: against all partitions, and against another implementation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import ruptures
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.kernels.partition import optimal_partition

NUMBERS = st.lists(st.floats(-100, 100), min_size=1, max_size=9)


def cost_of(values: np.ndarray, starts: tuple[int, ...], penalty: float, rho: float = 0.0) -> float:
    """Fit all levels by least squares on what each value does not keep of the one before."""
    n = len(values)
    level = np.searchsorted(starts, np.arange(n), side="right")
    is_level = np.eye(len(starts) + 1)[level]
    new = (np.eye(n) - rho * np.eye(n, k=-1)) / np.where(np.arange(n) > 0, np.sqrt(1 - rho**2), 1.0)[:, None]
    rest = new @ values - new @ is_level @ np.linalg.lstsq(new @ is_level, new @ values)[0]
    return float(rest @ rest) + penalty * len(starts)


def cheapest(values: np.ndarray, penalty: float, shortest: int, rho: float = 0.0) -> float:
    """Try every partition."""
    n = len(values)
    found = [cost_of(values, (), penalty, rho)]
    for count in range(1, n):
        for starts in itertools.combinations(range(1, n), count):
            ends = (0, *starts, n)
            if min(b - a for a, b in itertools.pairwise(ends)) >= shortest:
                found.append(cost_of(values, starts, penalty, rho))
    return min(found)


@settings(max_examples=150, deadline=None)
@given(values=NUMBERS, penalty=st.floats(0.01, 1000), shortest=st.integers(1, 4))
def test_no_partition_is_cheaper(values: list[float], penalty: float, shortest: int) -> None:
    series = np.array(values)
    found = optimal_partition(series, penalty=penalty, shortest=shortest)
    assert found.cost == pytest.approx(cheapest(series, penalty, shortest), rel=1e-9, abs=1e-7)
    lengths = np.diff([*found.starts.tolist(), len(values)])
    assert found.starts[0] == 0
    assert lengths.min() >= min(shortest, len(values))


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.8])
def test_no_partition_under_lasting_noise_is_cheaper(rho: float) -> None:
    """With three histories of each start never; with one, a few are dearer by a few hundredths."""
    rng = np.random.default_rng(5)
    dearer = []
    for _ in range(25):
        noise = rng.standard_normal(13)
        for t in range(1, 13):
            noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho**2) * noise[t]
        series = noise + np.cumsum(np.where(rng.random(13) < 0.2, rng.normal(0, 4, 13), 0.0))
        best = cheapest(series, 6.0, 3, rho)
        rules = {"penalty": 6.0, "shortest": 3, "autocorrelation": rho}
        assert optimal_partition(series, **rules).cost == pytest.approx(best, rel=1e-9)
        dearer.append(optimal_partition(series, **rules, histories=1).cost / best - 1.0)
    assert max(dearer) < 0.05
    assert sum(more > 1e-9 for more in dearer) <= 2


def test_lasting_noise_shows_a_step_at_once() -> None:
    """Three values after a step are enough where they would not be of independent noise."""
    rng = np.random.default_rng(6)
    noise = rng.standard_normal(60)
    for t in range(1, 60):
        noise[t] = 0.9 * noise[t - 1] + np.sqrt(1 - 0.9**2) * noise[t]
    series = noise + np.where(np.arange(60) >= 57, 3.0, 0.0)
    found = optimal_partition(series, penalty=12.0, shortest=3, autocorrelation=0.9)
    assert found.starts.tolist() == [0, 57]
    assert optimal_partition(noise, penalty=12.0, shortest=3, autocorrelation=0.9).starts.tolist() == [0]


@pytest.mark.parametrize("penalty", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("shortest", [1, 4])
def test_another_implementation_finds_the_same(penalty: float, shortest: int) -> None:
    """Its pruning is not exact with a least length: there it may find a dearer partition, never a cheaper."""
    rng = np.random.default_rng(11)
    several = same = 0
    for _ in range(40):
        steps = np.where(rng.random(72) < 0.06, rng.normal(0, 3, 72), 0.0)
        series = np.cumsum(steps) + rng.standard_normal(72)
        theirs = ruptures.KernelCPD(kernel="linear", min_size=shortest, jump=1).fit(series)
        starts = tuple(int(end) for end in theirs.predict(pen=penalty)[:-1])
        found = optimal_partition(series, penalty=penalty, shortest=shortest)
        assert found.cost <= cost_of(series, starts, penalty) + 1e-9
        several += len(starts) > 0
        same += found.starts.tolist() == [0, *starts]
    assert several > 10
    assert same == 40 or (shortest > 1 and same >= 25)


def test_a_price_that_no_break_is_worth() -> None:
    assert optimal_partition(np.arange(20.0), penalty=1e9).starts.tolist() == [0]


def test_large_numbers_lose_no_digits() -> None:
    series = np.array([1.0] * 8 + [1.5] * 8) + 1e8
    assert optimal_partition(series, penalty=0.1, shortest=2).starts.tolist() == [0, 8]
