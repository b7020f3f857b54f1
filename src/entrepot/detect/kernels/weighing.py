"""Sums of weighted least squares by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["weigh"]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def weigh(
    group: NDArray[np.signedinteger],
    beyond: NDArray[np.float64],
    reference: NDArray[np.float64],
    variance: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Σ r²/v and Σ r·x/v by group, v = variance + (spread · r)².

    Parameters
    ----------
    group : (m,)
        Group of each leg.
    beyond, reference, variance : (m,)
        x, r, and the variance of x.
    spread : (n_groups,)
        What varies beside that, as a share of r.
    """
    precision, total = np.zeros(spread.size), np.zeros(spread.size)
    for leg in range(group.size):
        g = group[leg]
        r = reference[leg]
        weight = r / (variance[leg] + (spread[g] * r) ** 2)
        precision[g] += weight * r
        total[g] += weight * beyond[leg]
    return precision, total
