"""Weighted medians by group, for millions of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GroupedMedian", "Members", "grouped_median"]

_ROUNDING = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class GroupedMedian:
    """Weighted medians of groups.

    Attributes
    ----------
    value : (n_groups,)
        Lower weighted median of each group; NaN for an empty group.
    count : (n_groups,)
        Members of each group.
    """

    value: NDArray[np.float64]
    count: NDArray[np.int64]


class Members(NamedTuple):
    """Cells as members of groups: their values are ``change`` less what is known of each already.

    Attributes
    ----------
    change, weight : (n,)
        Finite numbers and positive weights.
    counts : (n,)
        Members that count.
    group : (n,)
        Group of each.
    known : (m,)
        What is taken off every value.
    at : (n,)
        Index into ``known``.
    also, also_at
        The same once more, taken off after the first.
    """

    change: NDArray[np.float64]
    weight: NDArray[np.float64]
    counts: NDArray[np.bool_]
    group: NDArray[np.int32]
    known: NDArray[np.float64]
    at: NDArray[np.int32]
    also: NDArray[np.float64]
    also_at: NDArray[np.int32]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _medians(
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    n_groups = starts.size - 1
    result = np.full(n_groups, np.nan)
    for g in range(n_groups):
        first, last = starts[g], starts[g + 1]
        if last == first:
            continue
        members = order[first:last]
        member_values = values[members]
        inner = np.argsort(member_values)
        half = 0.0
        for m in members:
            half += weights[m]
        half *= 0.5 * _ROUNDING  # of equal weights the sum depends on the order: a tie must stay a tie
        running = 0.0
        for position in inner:
            running += weights[members[position]]
            if running >= half:
                result[g] = member_values[position]
                break
    return result


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _counting_sort(groups: NDArray[np.int64], n_groups: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices ordered by group and the start of each group; negative groups are left out."""
    starts = np.zeros(n_groups + 1, dtype=np.int64)
    for g in groups:
        if g >= 0:
            starts[g + 1] += 1
    for g in range(n_groups):
        starts[g + 1] += starts[g]
    cursor = starts[:-1].copy()
    order = np.empty(starts[n_groups], dtype=np.int64)
    for index in range(groups.size):
        g = groups[index]
        if g >= 0:
            order[cursor[g]] = index
            cursor[g] += 1
    return order, starts


def grouped_median(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    groups: NDArray[np.int64],
    n_groups: int,
) -> GroupedMedian:
    """Return the weighted median of each group.

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    weights : (n,)
        Positive weights.
    groups : (n,)
        Group of each value, from 0 to ``n_groups - 1``; a negative group leaves the value out.
    n_groups
        Number of groups.
    """
    order, starts = _counting_sort(groups, n_groups)
    return GroupedMedian(value=_medians(order, starts, values, weights), count=np.diff(starts))
