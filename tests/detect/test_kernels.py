"""The kernels against slow, obvious twins and their own laws."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.kernels.allocation import allocate
from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.kernels.sums import sum_before

MEMBERS = st.lists(
    st.tuples(
        st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)),
        st.integers(1, 5).map(float),
        st.integers(-2, 4),
    ),
    max_size=40,
)


def slow_median(values: list[float], weights: list[float]) -> float:
    """Say the lower weighted median as defined: the least value with half of the weight at or under it."""
    for value in sorted(values):
        if sum(w for v, w in zip(values, weights, strict=True) if v <= value) >= sum(weights) / 2:
            return value
    return math.nan


@settings(max_examples=150, deadline=None)
@given(members=MEMBERS)
def test_median_equals_its_definition(members: list[tuple[float, float, int]]) -> None:
    values, weights, groups = ([m[i] for m in members] for i in range(3))
    found = grouped_median(
        np.array(values, dtype=float), np.array(weights, dtype=float), np.array(groups, dtype=np.int64), 5
    )
    for group in range(5):
        mine = [(v, w) for v, w, g in members if g == group]
        assert found.count[group] == len(mine)
        expected = slow_median([v for v, _ in mine], [w for _, w in mine])
        assert found.value[group] == expected or (not mine and math.isnan(found.value[group]))


def test_weight_moves_the_median() -> None:
    values, groups = np.array([1.0, 2.0, 9.0]), np.zeros(3, dtype=np.int64)
    assert grouped_median(values, np.ones(3), groups, 1).value[0] == 2.0
    assert grouped_median(values, np.array([1.0, 1.0, 5.0]), groups, 1).value[0] == 9.0


@settings(max_examples=50, deadline=None)
@given(weight=st.floats(0.01, 100.0), half=st.integers(1, 20))
def test_of_equal_weights_the_lower_median_counts(weight: float, half: int) -> None:
    values = np.random.default_rng(half).permutation(2 * half).astype(float)
    found = grouped_median(values, np.full(2 * half, weight), np.zeros(2 * half, dtype=np.int64), 1)
    assert found.value[0] == half - 1


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.floats(0.0, 1e9)), max_size=30))
def test_what_stands_before_in_a_run_is_the_sum_of_a_loop(rows: list[tuple[int, float]]) -> None:
    keys, values = [key for key, _ in rows], [value for _, value in rows]
    slow = []
    for at, key in enumerate(keys):
        first = at
        while first and keys[first - 1] == key:
            first -= 1
        slow.append(sum(values[first:at]))
    found = sum_before(np.array(keys, dtype=np.int64), np.array(values, dtype=float))
    assert found.tolist() == pytest.approx(slow)


# --- allocation ---------------------------------------------------------------------------------------


def slow_fill(start: list[float], legs: list[tuple[int, int, int]], capacity: list[float]) -> list[float]:
    """Fill in proportion, one exact stop after the other, in dictionaries.

    All unstopped triads stand at the same share of their start; the next stop is the least share at which
    a capacity is spent.
    """
    amount = dict.fromkeys(range(len(start)), 0.0)
    growing = {t for t in amount if start[t] > 0}
    share = 0.0
    while growing and share < 1.0:
        used: dict[int, float] = defaultdict(float)
        demand: dict[int, float] = defaultdict(float)
        for t in amount:
            for c in legs[t]:
                if c >= 0:
                    (demand if t in growing else used)[c] += start[t] if t in growing else amount[t]
        stops = {c: max((capacity[c] - used[c]) / d, share) for c, d in demand.items()}
        share = min([1.0, *stops.values()])
        spent = {c for c, stop in stops.items() if stop <= share * (1 + 1e-12)}
        for t in growing:
            amount[t] = share * start[t]
        growing = {t for t in growing if not spent & set(legs[t])}
    return [amount[t] for t in range(len(start))]


def triads(seed: int, n: int, n_in: int = 4, n_direct: int = 3, n_on: int = 4):
    """Draw triads of one product; one onward bound in four is absent."""
    rng = np.random.default_rng(seed)
    capacity = np.exp(rng.normal(0.0, 1.5, n_in + n_direct + n_on)) * (
        rng.random(n_in + n_direct + n_on) > 0.1
    )
    inbound = rng.integers(0, n_in, n)
    direct = n_in + rng.integers(0, n_direct, n)
    onward = np.where(rng.random(n) < 0.25, -1, n_in + n_direct + rng.integers(0, n_on, n))
    smallest = np.minimum(capacity[inbound], capacity[direct])
    start = np.where(onward >= 0, np.minimum(smallest, capacity[onward]), smallest)
    return start, inbound, onward, direct, capacity


def run(start, inbound, onward, direct, capacity, part=None) -> np.ndarray:
    part = np.zeros(start.size, dtype=np.int64) if part is None else part
    return allocate(start, inbound, onward, direct, capacity, part)


@pytest.mark.parametrize("seed", range(60))
def test_allocation_equals_progressive_filling(seed: int) -> None:
    start, inbound, onward, direct, capacity = triads(seed, 1 + seed % 25)
    found = run(start, inbound, onward, direct, capacity)
    legs = list(zip(inbound.tolist(), onward.tolist(), direct.tolist(), strict=True))
    np.testing.assert_allclose(
        found, slow_fill(start.tolist(), legs, capacity.tolist()), rtol=1e-7, atol=1e-7 * capacity.max()
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 30), scale=st.sampled_from([1e-3, 7.0, 1e9]))
def test_allocation_obeys_its_laws(seed: int, n: int, scale: float) -> None:
    start, inbound, onward, direct, capacity = triads(seed, n)
    found = run(start, inbound, onward, direct, capacity)
    assert (found >= 0).all()
    assert (found <= start * (1 + 1e-9)).all()
    for index in (inbound, onward, direct):
        there = index >= 0
        sums = np.bincount(index[there], weights=found[there], minlength=capacity.size)
        assert (sums <= capacity * (1 + 1e-9) + 1e-12).all()
    larger = run(start * scale, inbound, onward, direct, capacity * scale)
    np.testing.assert_allclose(larger, found * scale, rtol=1e-6, atol=1e-9 * scale)
    order = np.random.default_rng(seed).permutation(n)
    shuffled = run(start[order], inbound[order], onward[order], direct[order], capacity)
    np.testing.assert_allclose(shuffled, found[order], rtol=1e-6, atol=1e-9)


def test_a_single_triad_takes_the_smallest_of_its_bounds() -> None:
    one = np.array([0])
    for bounds in ([5.0, 3.0, 4.0], [2.0, 3.0, 4.0], [5.0, 3.0, 1.0]):
        found = run(np.array([min(bounds)]), one, one + 1, one + 2, np.array(bounds))
        np.testing.assert_allclose(found, [min(bounds)])


def test_an_absent_bound_does_not_bind() -> None:
    one = np.array([0])
    assert run(np.array([3.0]), one, one - 1, one + 1, np.array([3.0, 8.0])) == pytest.approx(3.0)


def test_no_triads_no_amounts() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert run(np.zeros(0), none, none, none, np.zeros(0)).size == 0


def test_products_do_not_hold_each_other_up() -> None:
    """What a thousand products allocate together is what each allocates alone."""
    parts = [triads(seed, 12) for seed in range(1000)]
    alone = np.concatenate([run(*part) for part in parts])
    step = np.array([part[4].size for part in parts]).cumsum() - parts[0][4].size

    def joined(at: int) -> np.ndarray:
        return np.concatenate(
            [np.where(part[at] >= 0, part[at] + shift, -1) for part, shift in zip(parts, step, strict=True)]
        )

    together = run(
        np.concatenate([part[0] for part in parts]),
        joined(1),
        joined(2),
        joined(3),
        np.concatenate([part[4] for part in parts]),
        np.repeat(np.arange(1000), 12),
    )
    np.testing.assert_allclose(together, alone, rtol=1e-9)
