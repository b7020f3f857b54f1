"""Sums by group, and of what stands before in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from entrepot.detect.kernels.threads import blocks_of, in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["add_by", "count_by", "each_once", "sum_before", "sum_by", "sum_in_blocks", "sum_runs"]

_FEWEST = 1_000_000
#: Values that are added before a compiled kernel has been loaded.
_FEW = 100_000


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
    sums = np.zeros(n_groups)
    _add(groups, values, sums)
    return sums


def add_by(groups: NDArray[np.signedinteger], values: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Add the values of some rows to the sums of their groups: the next part of what :func:`sum_by` adds up.

    Parameters
    ----------
    groups, values : (n,)
        As for :func:`sum_by`.
    sums : (n_groups,)
        Changed in place. Parts one after the other give the digits that all rows at once give.
    """
    if groups.size < _FEW:
        np.add.at(sums, groups, values)
    else:
        _add(groups, values, sums)


def count_by(groups: NDArray[np.signedinteger], n_groups: int) -> NDArray[np.int64]:
    """Return how many there are of each group, from 0 to ``n_groups - 1``: (n_groups,)."""
    if groups.size < _FEWEST:
        return np.bincount(groups, minlength=n_groups)
    counts: NDArray[np.int64] = _count(groups, n_groups)
    return counts


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _count(groups: NDArray[np.signedinteger], n_groups: int) -> NDArray[np.int64]:
    """Count without a copy of the groups as long integers."""
    counts = np.zeros(n_groups, dtype=np.int64)
    for group in groups:
        counts[group] += 1
    return counts


def each_once(
    groups: NDArray[np.signedinteger], members: NDArray[np.signedinteger], n_members: int
) -> tuple[NDArray[np.signedinteger], NDArray[np.signedinteger]]:
    """Return groups and members without the members that a group has already; in no certain order.

    Parameters
    ----------
    groups, members : (n,)
        Groups from 0, and a member of each from 0; one below zero is none.
    n_members
        How many members there are at most.
    """
    there = members >= 0
    groups, members = groups[there], members[there]
    # Sorting is the slow part of a large table, whose rows have one member each.
    if np.bincount(groups).max(initial=0) <= 1:
        return groups, members
    group, member = np.divmod(np.unique(groups * np.int64(n_members) + members), n_members)
    return group, member


def sum_in_blocks(
    run: Callable[..., NDArray[np.float64]],
    groups: NDArray[np.signedinteger],
    *columns: NDArray[np.generic],
    n_groups: int,
) -> NDArray[np.float64]:
    """Return the sum by group of what an expression makes of columns, which is never written as a whole.

    Parameters
    ----------
    run
        Gets a block of every column and returns as many numbers.
    groups, columns : (n,)
        Group of each value, from 0 to ``n_groups - 1``, and what ``run`` works on.
    n_groups
        Number of groups.

    Returns
    -------
    (n_groups,)
        Sums, as of :func:`sum_by`; each thread adds up its part of the values.
    """

    def part(first: int, last: int) -> NDArray[np.float64]:
        sums = np.zeros(n_groups)
        for block in blocks_of(first, last):
            _add(groups[block], run(*[column[block] for column in columns]), sums)
        return sums

    parts = in_parts(part, groups.size)
    for other in parts[1:]:
        parts[0] += other
    return parts[0]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add(groups: NDArray[np.signedinteger], values: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Add to sums without a copy of the groups as long integers."""
    for at in range(groups.size):
        sums[groups[at]] += values[at]


def sum_runs(starts: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the values of every run: ``values[starts[r] : starts[r + 1]]``, (n_runs,)."""
    n, n_threads = starts.size - 1, max(values.size // _FEWEST, 1)
    sums = np.zeros(n)
    in_parts(
        lambda first, last: _add_runs(first, last, starts, values, sums),
        n,
        fewest=max(-(-n // n_threads), 1),
        each=8,
    )
    return sums


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add_runs(
    first: int, last: int, starts: NDArray[np.int64], values: NDArray[np.float64], sums: NDArray[np.float64]
) -> None:
    for run in range(first, last):
        for at in range(starts[run], starts[run + 1]):
            sums[run] += values[at]


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
