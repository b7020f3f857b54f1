"""Sums by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sum_by"]


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
    return np.bincount(groups, weights=values, minlength=n_groups).astype(np.float64, copy=False)
