"""Sums by group, and of what stands before in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sum_before", "sum_by"]

_FEWEST = 1_000_000


def sum_by(
    groups: NDArray[np.signedinteger], values: NDArray[np.float64], n_groups: int
) -> NDArray[np.float64]:
    """Return the sum of the values of each group.

    Parameters
    ----------
    groups : (n,)
        Group of each value, from 0 to ``n_groups - 1``.
    values : (n,)
        Numbers; NaN makes its group's sum NaN.
    n_groups
        Number of groups.

    Returns
    -------
    (n_groups,)
        Sums; zero for an empty group.
    """
    if groups.size < _FEWEST:
        return np.bincount(groups, weights=values, minlength=n_groups).astype(np.float64, copy=False)
    sums: NDArray[np.float64] = _sums(groups, values, n_groups)
    return sums


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _sums(
    groups: NDArray[np.signedinteger], values: NDArray[np.float64], n_groups: int
) -> NDArray[np.float64]:
    """Add up without a copy of the groups as long integers."""
    sums = np.zeros(n_groups)
    for at in range(groups.size):
        sums[groups[at]] += values[at]
    return sums


def sum_before(keys: NDArray[np.signedinteger], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the values that stand before each in its run of equal keys.

    Parameters
    ----------
    keys : (n,)
        Numbers; those of a run stand together.
    values : (n,)
        Numbers.

    Returns
    -------
    (n,)
        Sums; zero for the first of a run.
    """
    sums: NDArray[np.float64] = _sums_before(keys, values)
    return sums


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _sums_before(keys: NDArray[np.signedinteger], values: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.zeros(keys.size)
    for at in range(1, keys.size):
        if keys[at] == keys[at - 1]:
            found[at] = found[at - 1] + values[at - 1]
    return found
