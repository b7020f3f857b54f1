"""Conservation: the largest amounts that share three kinds of bounds in proportion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["allocate"]

#: A capacity of which less than this share is left is spent.
_SPENT = 1e-9


def allocate(
    start: NDArray[np.float64],
    inbound: NDArray[np.int64],
    onward: NDArray[np.int64],
    direct: NDArray[np.int64],
    capacity: NDArray[np.float64],
    part: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Share capacities among triads by filling them in proportion until every one binds or is free.

    Every triad begins with its weight ``start`` and grows at a rate in proportion to it; when a capacity
    is exhausted, its triads stop (progressive filling). No capacity is ever exceeded.

    Parameters
    ----------
    start : (n,)
        Weight of each triad: the minimum of its own bounds. Zero leaves the triad out.
    inbound, onward, direct : (n,)
        Index into ``capacity`` of each triad's three bounds; -1 where a bound is absent.
    capacity : (m,)
        Capacities in USD.
    part : (n,)
        Triads of different parts share no capacity, such as those of different products: each part is
        filled by itself, which keeps the work in proportion to the triads.

    Returns
    -------
    (n,)
        Amount of each triad.
    """
    legs = np.stack([inbound, onward, direct], axis=1)
    order = np.argsort(part, kind="stable")
    first = np.flatnonzero(np.diff(part[order], prepend=-1, append=-1))
    amount: NDArray[np.float64] = _fill_parts(start, legs, capacity, order, first)
    return amount


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _fill_parts(
    start: NDArray[np.float64],
    legs: NDArray[np.int64],
    capacity: NDArray[np.float64],
    order: NDArray[np.int64],
    first: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Fill part by part; ``order[first[p]:first[p + 1]]`` are the triads of part p."""
    amount = np.zeros(start.size)
    left = capacity.copy()
    demand = np.zeros(capacity.size)
    for p in range(first.size - 1):
        growing = order[first[p] : first[p + 1]]
        growing = growing[start[growing] > 0.0]
        share = 0.0  # every growing triad stands at this share of its start
        while growing.size > 0 and share < 1.0:
            step = min(_next_stop(growing, start, legs, left, demand), 1.0 - share)
            share += step
            is_growing = np.ones(growing.size, dtype=np.bool_)
            for i in range(growing.size):
                t = growing[i]
                amount[t] = share * start[t]
                for c in legs[t]:
                    if c >= 0:
                        left[c] = max(left[c] - step * start[t], 0.0)
            for i in range(growing.size):
                for c in legs[growing[i]]:
                    if c >= 0 and left[c] <= _SPENT * capacity[c]:
                        is_growing[i] = False
            growing = growing[is_growing]
    return amount


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _next_stop(
    growing: NDArray[np.int64],
    start: NDArray[np.float64],
    legs: NDArray[np.int64],
    left: NDArray[np.float64],
    demand: NDArray[np.float64],
) -> float:
    """Return by which share of their start the triads can grow until the first capacity is spent."""
    for t in growing:
        for c in legs[t]:
            if c >= 0:
                demand[c] = 0.0
    for t in growing:
        for c in legs[t]:
            if c >= 0:
                demand[c] += start[t]
    stop = np.inf
    for t in growing:
        for c in legs[t]:
            if c >= 0:
                stop = min(stop, left[c] / demand[c])
    return stop
