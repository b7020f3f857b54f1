"""How many flows tell a growth half: variances that are known, and what tells nothing."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect.kernels.medians import GroupedMedian
from entrepot.detect.shrinkage import USUAL_HALF, half_of


def medians(rng: np.random.Generator, *, between: float, within: float) -> GroupedMedian:
    """Draw groups of 1 to 30 flows: medians vary by ``between`` and by ``within`` over the root of n."""
    count = rng.integers(1, 31, 20_000)
    sd = np.sqrt(between**2 + within**2 / count)
    return GroupedMedian(value=rng.normal(0.3, 1.0, count.size) * sd, count=count)


@pytest.mark.parametrize(("between", "within"), [(0.1, 0.1), (0.1, 0.2), (0.05, 0.2)])
def test_the_ratio_of_the_variances_is_found(between: float, within: float) -> None:
    rng = np.random.default_rng(7)
    found = half_of([medians(rng, between=between, within=within)])
    assert found == pytest.approx((within / between) ** 2, rel=0.15)


def test_it_gives_the_best_guess_of_a_growth() -> None:
    """Drawn with the number found, medians lie closer to the truth than with half or twice as many."""
    rng = np.random.default_rng(3)
    count = rng.integers(1, 31, 40_000)
    truth = rng.normal(0.0, 0.1, count.size)
    value = truth + rng.normal(0.0, 0.25, count.size) / np.sqrt(count)
    half = half_of([GroupedMedian(value=value, count=count)])

    def error(k: float) -> float:
        return float(np.mean((value * count / (count + k) - truth) ** 2))

    assert error(half) < min(error(half / 2), error(half * 2))
    assert error(half) == pytest.approx(error((0.25 / 0.1) ** 2), rel=0.01)


def test_windows_are_asked_for_their_median_and_empty_groups_for_nothing() -> None:
    rng = np.random.default_rng(5)
    windows = [medians(rng, between=0.1, within=within) for within in (0.1, 0.2, 0.4)]
    emptied = [
        GroupedMedian(np.append(w.value, np.full(500, np.nan)), np.append(w.count, np.zeros(500, dtype=int)))
        for w in windows
    ]
    assert half_of(emptied) == half_of(windows) == half_of(windows[1:2])


@pytest.mark.parametrize(
    "found",
    [
        [],
        [GroupedMedian(np.zeros(0), np.zeros(0, dtype=np.int64))],
        [GroupedMedian(np.full(200, np.nan), np.zeros(200, dtype=np.int64))],
        [GroupedMedian(np.linspace(-1, 1, 200), np.ones(200, dtype=np.int64))],  # one class
        [GroupedMedian(np.zeros(300), np.repeat([1, 2, 3], 100))],  # nothing varies
    ],
)
def test_what_tells_nothing_leaves_the_usual_number(found: list[GroupedMedian]) -> None:
    assert half_of(found) == USUAL_HALF


def test_growth_that_does_not_differ_is_told_by_the_whole_alone() -> None:
    rng = np.random.default_rng(11)
    assert half_of([medians(rng, between=0.0, within=0.3)]) > 10
    assert half_of([medians(rng, between=0.3, within=0.0)]) == 0.5
