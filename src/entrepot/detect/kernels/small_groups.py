"""Weighted medians of very many groups of a few members each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

from entrepot.detect.kernels.medians import GroupedMedian, ranked
from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from entrepot.detect.kernels.medians import Members

__all__ = ["AreaRuns", "Groups", "small_median", "sorted_groups"]

_ROUNDING = 1.0 - 1e-12
_FEWEST = 400_000
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


class AreaRuns(NamedTuple):
    """Cells in the order of exporter, importer and product, grouped by one of the areas and product.

    Attributes
    ----------
    starts : (n_areas² + 1,)
        Where the cells of each pair begin.
    product : (n,)
        Product of each cell.
    n_areas, n_products
        How many there are; group area · n_products + product.
    is_seller
        Whether the area is the exporter.
    """

    starts: NDArray[np.int64]
    product: NDArray[np.int32]
    n_areas: int
    n_products: int
    is_seller: bool


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
    groups: Groups | AreaRuns,
    members: Members,
    *,
    before: tuple[NDArray[np.bool_], GroupedMedian] | None = None,
    wanted: NDArray[np.bool_] | None = None,
) -> GroupedMedian:
    """Return the weighted median of each group, as :func:`~entrepot.detect.kernels.medians.grouped_median`.

    Parameters
    ----------
    groups
        The cells sorted, or in the order of their keys.
    members
        The cells; ``members.group`` is asked beside ``before`` only.
    before
        The medians of the same values where other members counted, and which did: only groups of which other
        members count are done again.
    wanted : (n_groups,)
        Groups that are asked about, the others being left empty; all of them when not given.
    """
    n = groups.n_areas * groups.n_products if isinstance(groups, AreaRuns) else groups.starts.size - 1
    if before is None:
        value, count = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
        wanted = np.ones(n, dtype=bool) if wanted is None else wanted
    else:
        counted, found = before
        value, count, wanted = found.value.copy(), found.count.copy(), np.zeros(n, dtype=bool)
        wanted[members.group[counted != members.counts]] = True
    if isinstance(groups, AreaRuns):
        _in_parts(
            lambda first, last: _medians_of_areas((first, last), groups, members, wanted, value, count),
            groups.n_areas,
            members,
        )
    else:
        which = np.flatnonzero(wanted)
        _in_parts(
            lambda first, last: _medians(which[first:last], groups, members, value, count),
            which.size,
            members,
        )
    return GroupedMedian(value=value, count=count)


def _in_parts(run: Callable[[int, int], None], size: int, members: Members) -> None:
    """Run over areas or groups in as many threads as their members are worth."""
    n_threads = max(members.change.size // _FEWEST, 1)
    in_parts(run, size, fewest=max(-(-size // n_threads), 1), each=_PARTS)


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _write(
    v: NDArray[np.float64],
    w: NDArray[np.float64],
    g: int,
    value: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Write the median and the members of one group; NaN without any."""
    count[g] = v.size
    total = 0.0
    for weight in w:
        total += weight
    value[g] = ranked(v, w, v.size, 0.5 * _ROUNDING * total) if v.size else np.nan


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
        n = 0
        for m in range(starts[g], starts[g + 1]):
            c = order[m]
            if counts[c]:
                v[n] = change[c] - known[at[c]]
                if is_also:
                    v[n] -= also[also_at[c]]
                w[n] = weight[c]
                n += 1
        _write(v[:n], w[:n], g, value, count)


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _medians_of_areas(
    areas: tuple[int, int],
    runs: AreaRuns,
    members: Members,
    wanted: NDArray[np.bool_],
    value: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Write the medians and members of the groups that are wanted of some areas."""
    k = runs.n_products
    ends = np.empty(k + 1, dtype=np.int64)
    v, w = np.empty(0), np.empty(0)
    for area in range(areas[0], areas[1]):
        own = wanted[area * k : (area + 1) * k]
        _count_products(area, runs, members.counts, own, ends)
        if ends[k] > v.size:
            v, w = np.empty(ends[k]), np.empty(ends[k])
        _bring_together(area, runs, members, own, ends, v, w)
        first = np.int64(0)
        for p in range(k):
            if own[p]:
                _write(v[first : ends[p]], w[first : ends[p]], area * k + p, value, count)
            first = ends[p]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _count_products(
    area: int,
    runs: AreaRuns,
    counts: NDArray[np.bool_],
    own: NDArray[np.bool_],
    starts: NDArray[np.int64],
) -> None:
    """Write where the members of each product will begin, and last how many there are."""
    starts[:] = 0
    for other in range(runs.n_areas):
        pair = area * runs.n_areas + other if runs.is_seller else other * runs.n_areas + area
        for c in range(runs.starts[pair], runs.starts[pair + 1]):
            p = runs.product[c]
            starts[p + 1] += np.int64(counts[c] & own[p])
    for p in range(runs.n_products):
        starts[p + 1] += starts[p]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _bring_together(
    area: int,
    runs: AreaRuns,
    members: Members,
    own: NDArray[np.bool_],
    cursor: NDArray[np.int64],
    v: NDArray[np.float64],
    w: NDArray[np.float64],
) -> None:
    """Write values and weights of an area's members product after product; cells are read in their order."""
    change, weight, counts, _, known, at, also, also_at = members
    is_also = also.any()
    for other in range(runs.n_areas):
        pair = area * runs.n_areas + other if runs.is_seller else other * runs.n_areas + area
        for c in range(runs.starts[pair], runs.starts[pair + 1]):
            p = runs.product[c]
            if counts[c] and own[p]:
                to = cursor[p]
                cursor[p] += 1
                v[to] = change[c] - known[at[c]]
                if is_also:
                    v[to] -= also[also_at[c]]
                w[to] = weight[c]
