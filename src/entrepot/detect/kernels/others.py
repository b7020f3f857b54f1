"""What the others of a group did: weighted medians that leave each member out of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OthersMedian", "others_median"]

_ROUNDING = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class OthersMedian:
    """Weighted medians of the other members.

    Attributes
    ----------
    value : (n,)
        Lower weighted median of the other members of each one's group; NaN where there is none.
    count : (n,)
        How many others there are.
    """

    value: NDArray[np.float64]
    count: NDArray[np.int64]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _walk(
    order: NDArray[np.int64],
    bounds: NDArray[np.int64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Walk up each group, sorted by value, once for every member."""
    result = np.full(values.size, np.nan)
    for g in range(bounds.size - 1):
        first, last = bounds[g], bounds[g + 1]
        total = 0.0
        for at in range(first, last):
            total += weights[order[at]]
        for out in range(first, last):
            half = 0.5 * _ROUNDING * (total - weights[order[out]])
            running = 0.0
            for at in range(first, last):
                if at != out:
                    running += weights[order[at]]
                    if running >= half:
                        result[order[out]] = values[order[at]]
                        break
    return result


def others_median(
    values: NDArray[np.float64], weights: NDArray[np.float64], groups: NDArray[np.int64]
) -> OthersMedian:
    """Return for every member the weighted median of the others of its group.

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    weights : (n,)
        Positive weights.
    groups : (n,)
        Group of each value, not negative.
    """
    order = np.lexsort((values, groups))
    bounds = (
        np.flatnonzero(np.diff(groups[order], prepend=-1, append=-1))
        if groups.size
        else np.zeros(1, dtype=np.int64)
    )
    size = np.bincount(groups) if groups.size else np.zeros(0, dtype=np.int64)
    return OthersMedian(value=_walk(order, bounds, values, weights), count=size[groups] - 1)
