"""Straight lines between a few points, for millions of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["interpolate", "places"]

_CELLS = 4_096


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def places(x: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many of the known numbers, not decreasing, are at most each ``x``.

    A grid tells where to begin, so that hardly anything is left to search.
    """
    n = known.size
    result = np.zeros(x.size, dtype=np.int64)
    width = known[n - 1] - known[0]
    scale = _CELLS / width if width > 0.0 else 0.0
    begin = np.empty(_CELLS + 1, dtype=np.int64)
    place = np.int64(0)
    for cell in range(_CELLS + 1):
        # One cell early, so that no rounding begins too late.
        start = known[0] + (cell - 1.0) * (width / _CELLS)
        while place < n and known[place] <= start:
            place += 1
        begin[cell] = place
    for at in range(x.size):
        if x[at] >= known[n - 1]:
            result[at] = n
        elif x[at] >= known[0]:
            place = begin[np.int64((x[at] - known[0]) * scale)]
            while known[place] <= x[at]:
                place += 1
            result[at] = place
    return result


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def interpolate(
    x: NDArray[np.float64], known: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what :func:`numpy.interp` does, without a search for every value: the points are few."""
    n = known.size
    slope = np.zeros(n + 1)
    for p in range(1, n):
        slope[p] = (values[p] - values[p - 1]) / (known[p] - known[p - 1])
    place = places(x, known)
    result = np.empty(x.size)
    for at in range(x.size):
        start = max(place[at] - 1, np.int64(0))
        result[at] = values[start] + slope[place[at]] * (x[at] - known[start])
    return result
