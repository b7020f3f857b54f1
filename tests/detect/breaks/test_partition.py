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


def cost_of(values: np.ndarray, starts: tuple[int, ...], penalty: float) -> float:
    levels = np.split(values, starts)
    return sum(((level - level.mean()) ** 2).sum() for level in levels) + penalty * len(starts)


def cheapest(values: np.ndarray, penalty: float, shortest: int) -> float:
    """Try every partition."""
    n = len(values)
    found = [cost_of(values, (), penalty)]
    for count in range(1, n):
        for starts in itertools.combinations(range(1, n), count):
            ends = (0, *starts, n)
            if min(b - a for a, b in itertools.pairwise(ends)) >= shortest:
                found.append(cost_of(values, starts, penalty))
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
