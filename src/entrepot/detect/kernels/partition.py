"""Optimal partitioning of one series into levels, of independent and of autocorrelated months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Partition",
    "after_level",
    "correlated_starts",
    "kept_of",
    "likeliest_levels",
    "optimal_partition",
    "partition_cost",
]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The levels of a series.

    Attributes
    ----------
    starts : (k,)
        Position at which each level begins; the first is 0.
    cost
        Sum of squares around the levels, and the penalty of each level but the first.
    """

    starts: NDArray[np.int64]
    cost: float


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def kept_of(at: NDArray[np.int64], rho: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each month keeps of the month observed before, and one over the rest's variance.

    Where months are missing between the two, less is kept. The noise itself has the variance one.
    """
    kept = np.zeros(at.size)
    for t in range(1, at.size):
        kept[t] = rho ** (at[t] - at[t - 1])
    return kept, 1.0 / (1.0 - kept**2)


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def correlated_starts(
    values: NDArray[np.float64],
    kept: NDArray[np.float64],
    weight: NDArray[np.float64],
    penalty: float,
    shortest: int,
    histories: int,
) -> NDArray[np.int64]:
    r"""Return where the levels of the cheapest partition begin, of noise that lasts from month to month.

    *Formula*: min of Σ_t w_t (y_t − μ_t − ρ_t (y_{t−1} − μ_{t−1}))² + penalty · (levels − 1): the likelihood
    of autoregressive noise. A new level shows at once, by its full height over the innovation, and not by
    the slow means alone. What went before counts only by the level it ended on: for every start the
    cheapest histories are kept, judged with the ``shortest`` values that are sure to follow. With ρ = 0 it
    is exact; otherwise with three histories it was the best of all partitions in 450 of 450 short series,
    with one in 445, never more than 3% dearer.

    For other kernels: nothing is checked.

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    kept, weight : (n,)
        ρ_t, nothing for the first, and one over the variance of the innovation.
    penalty, shortest
        See :func:`optimal_partition`.
    histories
        How many are kept.
    """
    n = values.size
    if n < 2 * shortest:
        return np.zeros(1, dtype=np.int64)
    values = values - values.mean()  # sums of squares of large numbers would lose digits
    # cost of all up to now, by the level that holds: a·μ² − 2·b·μ + c
    a, b, c = np.zeros(n * histories), np.zeros(n * histories), np.zeros(n * histories)
    begin = np.zeros(n * histories, dtype=np.int64)
    before = np.full(n * histories, -1, dtype=np.int64)
    a[0], b[0], c[0] = weight[0], weight[0] * values[0], weight[0] * values[0] ** 2
    count, ready = 1, 0
    total, chosen = np.empty(n * histories), np.full(histories, -1, dtype=np.int64)
    joined = np.zeros((histories, 3))
    for t in range(1, n):
        first = (values[t] - kept[t] * values[t - 1], kept[t], weight[t])
        is_start = shortest <= t <= n - shortest
        if is_start:
            while ready < count and begin[ready] <= t - shortest:
                ready += 1
            next_a, next_b, next_c = _following(values, kept, weight, (t + 1, t + shortest))
            for r in range(ready):
                own_a, own_b, own_c = after_level(a[r], b[r], c[r], first)
                total[r] = own_c + next_c - (own_b + next_b) ** 2 / (own_a + next_a)
            _cheapest(total[:ready], chosen)
            for place in range(histories):
                r = max(chosen[place], 0)
                joined[place] = after_level(a[r], b[r], c[r], first)
        share = 1.0 - kept[t]
        more_a, more_b, more_c = weight[t] * share**2, weight[t] * share * first[0], weight[t] * first[0] ** 2
        for r in range(count):
            a[r] += more_a
            b[r] += more_b
            c[r] += more_c
        for place in range(histories if is_start else 0):
            if chosen[place] >= 0:
                a[count], b[count], c[count] = joined[place, 0], joined[place, 1], joined[place, 2] + penalty
                begin[count], before[count] = t, chosen[place]
                count += 1
    best = 0
    for r in range(count):
        total[r] = c[r] - b[r] ** 2 / a[r]
        if total[r] < total[best]:
            best = r
    return _traced(best, begin, before)


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _following(
    values: NDArray[np.float64], kept: NDArray[np.float64], weight: NDArray[np.float64], span: tuple[int, int]
) -> tuple[float, float, float]:
    """Return the cost of the values of a span that are on the level of those before them."""
    a = b = c = 0.0
    for t in range(span[0], span[1]):
        step, share = values[t] - kept[t] * values[t - 1], 1.0 - kept[t]
        a += weight[t] * share * share
        b += weight[t] * share * step
        c += weight[t] * step * step
    return a, b, c


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def after_level(
    a: float, b: float, c: float, first: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Return the cost of a new level after one of cost (a, b, c), which takes the value that suits best.

    ``first`` has of the new level's first value: what is new in it, what it keeps, its weight.
    """
    step, kept, weight = first
    middle = b / a
    joint = weight * a / (a + weight * kept * kept)
    jump = step + kept * middle
    return joint, joint * jump, joint * jump * jump + c - b * middle


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _cheapest(total: NDArray[np.float64], chosen: NDArray[np.int64]) -> None:
    """Put the places of the least totals into ``chosen``, -1 beyond the last."""
    chosen[:] = -1
    for r in range(total.size):
        place = chosen.size
        while place > 0 and (chosen[place - 1] < 0 or total[chosen[place - 1]] > total[r]):
            place -= 1
        for later in range(chosen.size - 1, place, -1):
            chosen[later] = chosen[later - 1]
        if place < chosen.size:
            chosen[place] = r


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _traced(best: int, begin: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the levels of a history begin."""
    levels, r = 0, best
    while r >= 0:
        levels, r = levels + 1, before[r]
    starts = np.empty(levels, dtype=np.int64)
    r = best
    for place in range(levels - 1, -1, -1):
        starts[place] = begin[r]
        r = before[r]
    return starts


def optimal_partition(
    values: NDArray[np.float64],
    *,
    penalty: float,
    shortest: int = 1,
    autocorrelation: float = 0.0,
    histories: int = 3,
) -> Partition:
    """Return the partition into levels that costs least.

    *Formula*: min over all partitions of Σ over levels of Σ (y − ȳ)² + penalty · (levels − 1), of independent
    noise; for noise that lasts see :func:`correlated_starts`.

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    penalty
        Price of one more level, in variances of the noise where it lasts.
    shortest
        Fewest values of a level; a series with fewer is one level.
    autocorrelation
        What noise keeps of itself from one value to the next, from 0 to under 1.
    histories
        See :func:`correlated_starts`; without autocorrelation one is exact.

    References
    ----------
    Jackson et al. (2005), *IEEE Signal Processing Letters* 12(2), 105; Killick, Fearnhead and Eckley (2012),
    *JASA* 107(500), 1590.

    Examples
    --------
    >>> import numpy as np
    >>> optimal_partition(np.array([1.0, 1.0, 1.0, 5.0, 5.0]), penalty=1.0).starts.tolist()
    [0, 3]
    """
    kept, weight = kept_of(np.arange(values.size, dtype=np.int64), float(autocorrelation))
    starts = correlated_starts(values, kept, weight, float(penalty), shortest, histories)
    cost = partition_cost(values, starts, kept, weight)
    return Partition(starts=starts, cost=cost + penalty * (starts.size - 1))


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def likeliest_levels(
    y: NDArray[np.float64], starts: NDArray[np.int64], kept: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the levels that are likeliest together: neighbours share the month that is between them."""
    k = starts.size
    own, beside, right = np.zeros(k), np.zeros(k), np.zeros(k)
    for place in range(k):
        end = starts[place + 1] if place + 1 < k else y.size
        for t in range(starts[place], end):
            step = y[t] - (kept[t] * y[t - 1] if t else 0.0)
            is_first = t == starts[place]
            share = 1.0 if is_first else 1.0 - kept[t]
            own[place] += weight[t] * share * share
            right[place] += weight[t] * share * step
            if is_first and place:
                own[place - 1] += weight[t] * kept[t] ** 2
                right[place - 1] -= weight[t] * kept[t] * step
                beside[place] = -weight[t] * kept[t]
    for place in range(1, k):
        factor = beside[place] / own[place - 1]
        own[place] -= factor * beside[place]
        right[place] -= factor * right[place - 1]
    level = np.empty(k)
    for place in range(k - 1, -1, -1):
        later = beside[place + 1] * level[place + 1] if place + 1 < k else 0.0
        level[place] = (right[place] - later) / own[place]
    return level


def partition_cost(
    values: NDArray[np.float64],
    starts: NDArray[np.int64],
    kept: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> float:
    """Return the sum of squares of what is new in each value, over its variance, at the likeliest levels."""
    level = likeliest_levels(values, starts, kept, weight)
    rest = values - np.repeat(level, np.diff(np.append(starts, values.size)))
    return float((weight * (rest - kept * np.concatenate([[0.0], rest[:-1]])) ** 2).sum())
