"""Straight lines between a few points, for millions of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["interpolate"]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def interpolate(
    x: NDArray[np.float64], known: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what :func:`numpy.interp` does, without a search for every value: the points are few."""
    n = known.size
    slope = np.zeros(n + 1)
    for p in range(1, n):
        slope[p] = (values[p] - values[p - 1]) / (known[p] - known[p - 1])
    result = np.empty(x.size)
    for at in range(x.size):
        place = np.int64(0)
        for p in range(n):
            place += np.int64(known[p] <= x[at])
        start = max(place - 1, 0)
        result[at] = values[start] + slope[place] * (x[at] - known[start]) if place < n else values[n - 1]
    return result
