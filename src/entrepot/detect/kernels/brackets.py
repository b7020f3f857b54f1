"""Weighted medians of large groups in one or two passes over unsorted cells.

A group's members are never brought together: a first pass tells in which bracket of values the median lies
(or a guess does, such as the median of nearly the same cells), a second sums what is below it and collects
only what is inside. The result is the exact median, whatever the guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np

from entrepot.detect.kernels.medians import GroupedMedian, ranked
from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.kernels.medians import Members

__all__ = ["streamed_median"]

_ROUNDING = 1.0 - 1e-12
_BINS = 128
_REACH = 2.0
_NEAR = 0.02
_FEW = 1.0 / 16.0


def streamed_median(
    members: Members, n_groups: int, *, guess: NDArray[np.float64] | None = None
) -> GroupedMedian:
    """Return the weighted median of each group, as :func:`~entrepot.detect.kernels.medians.grouped_median`.

    Parameters
    ----------
    members
        The cells.
    n_groups
        Number of groups: best when each has hundreds of members.
    guess : (n_groups,)
        About what the medians are; it costs or saves time and changes nothing else.
    """
    low, high = _brackets(members, n_groups) if guess is None else (guess - _NEAR, guess + _NEAR)
    value, count, missed = _within(members, low, high)
    if missed.any():
        # The few members of groups that were guessed wrong are collected whole, many are told apart first.
        low, high = np.full(n_groups, -np.inf), np.full(n_groups, np.inf)
        if count[missed].sum() > _FEW * count.sum():
            low, high = _brackets(members, n_groups)
        low[~missed] = high[~missed] = np.inf
        again, _, _ = _within(members, low, high)
        value = np.where(missed, again, value)
    return GroupedMedian(value=value, count=count)


def _within(
    members: Members, low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the medians that lie within their bracket, the members, and the groups whose median does not."""

    def run(first: int, last: int) -> tuple[NDArray[Any], ...]:
        return _collect(first, last, members, low, high)

    parts = in_parts(run, members.change.size)
    below, total, count = (np.sum([part[at] for part in parts], axis=0) for at in range(3))
    group, value, weight = (np.concatenate([part[at] for part in parts]) for at in (3, 4, 5))
    medians = _select(group, value, weight, below, total, count)
    return medians, count, np.isnan(medians) & (count > 0)


def _brackets(members: Members, n_groups: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return brackets that hold the medians, told from a histogram of each group."""

    def run(first: int, last: int) -> NDArray[np.float64]:
        histogram: NDArray[np.float64] = _histograms(first, last, members, n_groups)
        return histogram

    weight, *others = in_parts(run, members.change.size)
    for other in others:
        weight += other
    reached = np.cumsum(weight, axis=1, out=weight)
    at = (reached >= 0.5 * _ROUNDING * reached[:, -1:]).argmax(axis=1)
    step = 2.0 * _REACH / _BINS
    # One bin more on either side: sums in another order may tip a median over an edge.
    low = np.where(at <= 1, -np.inf, -_REACH + (at - 2) * step)
    high = np.where(at >= _BINS, np.inf, -_REACH + (at + 1) * step)
    return low, high


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _histograms(
    first: int,
    last: int,
    members: Members,
    n_groups: int,
) -> NDArray[np.float64]:
    """Return the weight of each group by bin of value: (n_groups, bins + 2), the outer ones open."""
    change, weight, counts, group, known, at, also, also_at = members
    histogram = np.zeros((n_groups, _BINS + 2))
    scale = _BINS / (2.0 * _REACH)
    for c in range(first, last):
        place = (change[c] - known[at[c]] - also[also_at[c]] + _REACH) * scale
        b = np.int64(min(max(place + 1.0, 0.0), _BINS + 1.0))
        histogram[group[c], b] += weight[c] * np.float64(counts[c])
    return histogram


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _collect(
    first: int,
    last: int,
    members: Members,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.float64],
]:
    """Return weight below the bracket, whole weight and members by group, and what lies inside.

    Groups whose bracket begins at infinity are passed over.
    """
    change, weight, counts, group, known, at, also, also_at = members
    # What belongs to a group lies together: low, high, weight below, whole weight, members.
    of = np.zeros((low.size, 8))
    of[:, 0] = low
    of[:, 1] = high
    # Room for all: pages that are never written cost nothing.
    in_group = np.empty(last - first, dtype=np.int32)
    in_value, in_weight = np.empty(last - first), np.empty(last - first)
    inside = np.int64(0)
    for c in range(first, last):
        g = group[c]
        if of[g, 0] == np.inf:
            continue
        w = weight[c] * np.float64(counts[c])
        v = change[c] - known[at[c]] - also[also_at[c]]
        # Whether a value is below is a coin's toss: products are faster than branches.
        of[g, 2] += w * np.float64(v < of[g, 0])
        of[g, 3] += w
        of[g, 4] += np.float64(counts[c])
        in_group[inside] = g
        in_value[inside] = v
        in_weight[inside] = w
        inside += np.int64(counts[c] & (v >= of[g, 0]) & (v <= of[g, 1]))
    below, total, count = of[:, 2].copy(), of[:, 3].copy(), of[:, 4].astype(np.int64)
    return below, total, count, in_group[:inside].copy(), in_value[:inside].copy(), in_weight[:inside].copy()


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _select(
    group: NDArray[np.int32],
    value: NDArray[np.float64],
    weight: NDArray[np.float64],
    below: NDArray[np.float64],
    total: NDArray[np.float64],
    count: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the medians that lie inside their bracket, NaN for the others."""
    n_groups = below.size
    starts = np.zeros(n_groups + 1, dtype=np.int64)
    for g in group:
        starts[g + 1] += 1
    for g in range(n_groups):
        starts[g + 1] += starts[g]
    cursor = starts[:-1].copy()
    by_value, by_weight = np.empty(value.size), np.empty(value.size)
    for m in range(group.size):
        to = cursor[group[m]]
        by_value[to] = value[m]
        by_weight[to] = weight[m]
        cursor[group[m]] += 1
    medians = np.full(n_groups, np.nan)
    for g in range(n_groups):
        if count[g] == 0:
            continue
        half = 0.5 * _ROUNDING * total[g]
        if below[g] >= half:
            continue
        first, last = starts[g], starts[g + 1]
        found = ranked(by_value[first:last], by_weight[first:last], last - first, half - below[g])
        if found < np.inf:
            medians[g] = found
    return medians
