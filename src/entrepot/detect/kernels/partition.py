"""Exact optimal partitioning of one series into levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Partition", "optimal_partition", "partition_starts"]


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


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def partition_starts(values: NDArray[np.float64], penalty: float, shortest: int) -> NDArray[np.int64]:
    """Return where the levels of the cheapest partition begin; see :func:`optimal_partition`.

    For other kernels: nothing is checked.
    """
    n = values.size
    sums = np.zeros(n + 1)
    squares = np.zeros(n + 1)
    centre = values.mean() if n else 0.0  # sums of squares of large numbers would lose digits
    for t in range(n):
        value = values[t] - centre
        sums[t + 1] = sums[t] + value
        squares[t + 1] = squares[t] + value * value
    best = np.full(n + 1, np.inf)
    last = np.zeros(n + 1, dtype=np.int64)
    best[0] = -penalty
    for end in range(shortest, n + 1):
        # A level too short to be one is possible at no price: a start below `shortest` is 0 alone.
        for start in range(end - shortest + 1):
            if best[start] == np.inf:
                continue
            total = sums[end] - sums[start]
            spread = squares[end] - squares[start] - total * total / (end - start)
            cost = best[start] + max(spread, 0.0) + penalty
            if cost < best[end]:
                best[end] = cost
                last[end] = start
    count = 0
    end = n
    while end > 0:
        count += 1
        end = last[end]
    starts = np.zeros(max(count, 1), dtype=np.int64)
    end = n
    for place in range(count - 1, -1, -1):
        starts[place] = last[end]
        end = last[end]
    return starts


def optimal_partition(values: NDArray[np.float64], *, penalty: float, shortest: int = 1) -> Partition:
    """Return the partition into levels that costs least.

    *Formula*: min over all partitions of Σ over levels of Σ (y − ȳ)² + penalty · (levels − 1). The search
    is exact (optimal partitioning; PELT finds the same with pruning).

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    penalty
        Price of one more level.
    shortest
        Fewest values of a level; a series with fewer is one level.

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
    starts = partition_starts(values, penalty, shortest)
    levels = np.split(values, starts[1:])
    cost = sum(float(((level - level.mean()) ** 2).sum()) for level in levels if level.size)
    return Partition(starts=starts, cost=cost + penalty * (starts.size - 1))
