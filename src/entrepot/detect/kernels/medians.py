"""Weighted medians by group, for millions of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GroupedMedian", "Members", "grouped_median", "ranked"]

_ROUNDING = 1.0 - 1e-12

#: Values up to which comparing each with each is faster than dividing them first, and after they were.
_FEW = 40
_VERY_FEW = 8


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
def ranked(v: NDArray[np.float64], w: NDArray[np.float64], n: int, half: float) -> float:
    """Return the smallest of the first ``n`` values up to which there is weight ``half``, by selection.

    Of many values those on the side of a pivot where it cannot be are left out, again and again. Infinity
    where there is less weight in all.

    Parameters
    ----------
    v, w : (n or more,)
        Values and their weights; afterwards in another order.
    n
        How many count.
    half
        Weight to be reached.
    """
    if n <= _FEW:
        return float(_compared(v[:n], w[:n], half))
    first, last = 0, n
    while last - first > _VERY_FEW:
        size = last - first
        one, other, third = v[first], v[(first + last) >> 1], v[last - 1]
        pivot = max(min(one, other), min(max(one, other), third))
        place, below = first, 0.0
        # Whether a value is below is a coin's toss: products are faster than branches.
        for m in range(first, last):
            value, weight = v[m], w[m]
            v[m], w[m] = v[place], w[place]
            v[place], w[place] = value, weight
            is_below = value < pivot
            below += weight * np.float64(is_below)
            place += int(is_below)
        if below >= half and place > first:
            last = place
            continue
        half -= below
        first = place
        for m in range(place, last):
            if v[m] == pivot:
                half -= w[m]
                v[m], w[m] = v[first], w[first]
                first += 1
        # Weights that reach the half in one order may miss it by a rounding in another.
        if half <= 0.0 or (first == last and last < n):
            return float(pivot)
        if last - first == size:  # a pivot that is no number
            break
    found = _compared(v[first:last], w[first:last], half)
    return float(v[first:last].max() if found == np.inf and last < n else found)


@nb.njit(cache=True, nogil=True, fastmath={"reassoc"})  # type: ignore[untyped-decorator, unused-ignore]
def _compared(v: NDArray[np.float64], w: NDArray[np.float64], half: float) -> float:
    """Return the same of a few values, each compared with each: nothing in it branches."""
    smallest = np.inf
    for m in range(v.size):
        reached = 0.0
        for other in range(v.size):
            reached += w[other] * np.float64(v[other] <= v[m])
        smallest = min(smallest, v[m] if reached >= half else np.inf)
    return smallest


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
        members = order[starts[g] : starts[g + 1]]
        if members.size == 0:
            continue
        v, w = values[members], weights[members]
        # Of equal weights the sum depends on the order: a tie must stay a tie.
        result[g] = ranked(v, w, v.size, 0.5 * _ROUNDING * w.sum())
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
