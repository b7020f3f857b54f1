"""Weighted medians of very many groups of a few members each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

from entrepot.detect.kernels.medians import GroupedMedian, ranked
from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.kernels.medians import Members

__all__ = ["Groups", "small_median", "sorted_groups"]

_ROUNDING = 1.0 - 1e-12
_FEWEST = 75_000
_PARTS = 16


class Groups(NamedTuple):
    """Cells sorted by group.

    Attributes
    ----------
    order : (n,)
        Indices of the cells, group after group.
    starts : (n_groups + 1,)
        Where each group begins in ``order``.
    """

    order: NDArray[np.int32]
    starts: NDArray[np.int64]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _sorted(group: NDArray[np.int32], n_groups: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    starts = np.zeros(n_groups + 1, dtype=np.int64)
    for g in group:
        starts[g + 1] += 1
    for g in range(n_groups):
        starts[g + 1] += starts[g]
    cursor = starts[:-1].copy()
    order = np.empty(group.size, dtype=np.int32)
    for c in range(group.size):
        order[cursor[group[c]]] = c
        cursor[group[c]] += 1
    return order, starts


def sorted_groups(group: NDArray[np.int32], n_groups: int) -> Groups:
    """Return the cells sorted by group, the order within a group kept."""
    return Groups(*_sorted(group, n_groups))


def small_median(
    groups: Groups, members: Members, *, before: tuple[NDArray[np.bool_], GroupedMedian] | None = None
) -> GroupedMedian:
    """Return the weighted median of each group, as :func:`~entrepot.detect.kernels.medians.grouped_median`.

    Parameters
    ----------
    groups
        The cells sorted.
    members
        The cells; ``members.group`` is asked beside ``before`` only.
    before
        The medians of the same values where other members counted, and which did: only groups of which other
        members count are done again.
    """
    n = groups.starts.size - 1
    if before is None:
        value, count, which = np.full(n, np.nan), np.zeros(n, dtype=np.int64), np.arange(n)
    else:
        counted, found = before
        value, count = found.value.copy(), found.count.copy()
        is_changed = np.zeros(n, dtype=bool)
        is_changed[members.group[counted != members.counts]] = True
        which = np.flatnonzero(is_changed)

    def run(first: int, last: int) -> None:
        _medians(which[first:last], groups, members, value, count)

    in_parts(run, which.size, fewest=_FEWEST, each=_PARTS)
    return GroupedMedian(value=value, count=count)


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _medians(
    which: NDArray[np.int64],
    groups: Groups,
    members: Members,
    value: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Write the medians and members of some groups."""
    order, starts = groups
    change, weight, counts, _, known, at, also, also_at = members
    is_also = also.any()
    room = 0
    for g in which:
        room = max(room, starts[g + 1] - starts[g])
    v, w = np.empty(room), np.empty(room)
    for g in which:
        value[g] = np.nan
        n = 0
        total = 0.0
        for m in range(starts[g], starts[g + 1]):
            c = order[m]
            if counts[c]:
                v[n] = change[c] - known[at[c]]
                if is_also:
                    v[n] -= also[also_at[c]]
                w[n] = weight[c]
                total += w[n]
                n += 1
        count[g] = n
        if n == 0:
            continue
        value[g] = ranked(v, w, n, 0.5 * _ROUNDING * total)
