"""Values by the bins that their sizes fall into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from entrepot.detect.kernels.interpolation import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["by_bin"]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def by_bin(
    size: NDArray[np.float64], value: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the sizes and the values bin after bin, and where each begins.

    Parameters
    ----------
    size, value : (n,)
        Sizes between the first edge and the last, and what is wanted by bin.
    edges : (b + 1,)
        Not decreasing. A size on the edge of two bins is in both.
    """
    n_bins = edges.size - 1
    starts = np.zeros(n_bins + 1, dtype=np.int64)
    last = places(size, edges[:n_bins])
    for at in range(size.size):
        b = last[at]
        while b > 0 and edges[b] >= size[at]:
            starts[b] += 1
            b -= 1
    for b in range(n_bins):
        starts[b + 1] += starts[b]
    cursor = starts[:-1].copy()
    sizes, values = np.empty(starts[n_bins]), np.empty(starts[n_bins])
    for at in range(size.size):
        b = last[at]
        while b > 0 and edges[b] >= size[at]:
            sizes[cursor[b - 1]] = size[at]
            values[cursor[b - 1]] = value[at]
            cursor[b - 1] += 1
            b -= 1
    return sizes, values, starts
