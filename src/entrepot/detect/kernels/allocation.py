"""Conservation: the largest amounts that share three kinds of bounds in proportion (DESIGN section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["allocate"]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def allocate(
    start: NDArray[np.float64],
    inbound: NDArray[np.int64],
    onward: NDArray[np.int64],
    direct: NDArray[np.int64],
    capacity: NDArray[np.float64],
    rounds: int,
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
    rounds
        At most this many rounds of filling; each exhausts at least one capacity.

    Returns
    -------
    (n,)
        Amount of each triad.
    """
    n = start.size
    m = capacity.size
    left = capacity.copy()
    amount = np.zeros(n)
    active = start > 0.0
    demand = np.zeros(m)
    for _ in range(rounds):
        demand[:] = 0.0
        any_active = False
        for t in range(n):
            if active[t]:
                any_active = True
                for index in (inbound[t], onward[t], direct[t]):
                    if index >= 0:
                        demand[index] += start[t]
        if not any_active:
            break
        step = 1.0
        limited = False
        for c in range(m):
            if demand[c] > 0.0 and left[c] < step * demand[c]:
                step = left[c] / demand[c]
                limited = True
        for t in range(n):
            if active[t]:
                # a triad may not grow over its own smallest bound
                grow = min(step * start[t], start[t] - amount[t])
                amount[t] += grow
                for index in (inbound[t], onward[t], direct[t]):
                    if index >= 0:
                        left[index] -= grow
        if not limited:
            break
        for t in range(n):
            if active[t]:
                if amount[t] >= start[t] * (1.0 - 1e-12):
                    active[t] = False
                for index in (inbound[t], onward[t], direct[t]):
                    if index >= 0 and left[index] <= 1e-9 * capacity[index]:
                        active[t] = False
    for c in range(m):
        if left[c] < 0.0:
            left[c] = 0.0
    return amount
