"""Shipments that go on: a quick look at very many hops, before those that are worth it are heard in full."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Passing", "Shipments", "passed_on"]

_FEWEST = 20_000  # hops under which a thread is not worth it
_SQRT_2PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class Shipments:
    """Months of flows; n flows, T months.

    Attributes
    ----------
    log : (n, T)
        Log amounts; −∞ for nothing, NaN where it is not known.
    log_other : (n, T)
        Log density of each amount if it is ordinary trade; zero where nothing went.
    busy : (n,)
        Share of the months with trade, over zero and under one.
    variance : (n,)
        Variance of the log of a report of one shipment.
    """

    log: NDArray[np.float32]
    log_other: NDArray[np.float32]
    busy: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Passing:
    """How shipments go on, and the months in which they may.

    Attributes
    ----------
    shares
        Shares ρ of arrivals that go on.
    dearer
        Spread of the log ratio of what goes on to what came, beside the variance of both reports.
    partial, decay
        Share of what goes on that is a part of what came, and the mean log size of what stays.
    since, end
        Months in which arrivals and departures lie, from the first to before the last.
    longest
        Lags tried are 0 to this.
    """

    shares: NDArray[np.float64]
    dearer: float
    partial: float
    decay: float
    since: int
    end: int
    longest: int


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _strongest(
    months: tuple[NDArray[np.float32], NDArray[np.float32]],
    flows: tuple[NDArray[np.float64], NDArray[np.float64]],
    hops: tuple[NDArray[np.int64], NDArray[np.int64]],
    model: tuple[NDArray[np.float64], float, float, float],
    span: tuple[int, int, int],
) -> NDArray[np.float64]:
    log, log_other = months
    busy, variance = flows
    shares, dearer, partial, decay = model
    since, end, longest = span
    found = np.empty(hops[0].size)
    by_share = np.empty(shares.size)
    for at in range(found.size):
        came, went = hops[0][at], hops[1][at]
        own = busy[went]
        spread = math.sqrt(dearer**2 + variance[came] + variance[went])
        best = -np.inf
        for lag in range(min(longest, end - since - 1) + 1):
            by_share[:] = 0.0
            for month in range(since, end - lag):
                left, on = log[came, month], log[went, month + lag]
                if math.isnan(left) or math.isnan(on) or left == -np.inf:
                    continue
                ratio = 0.0
                if on > -np.inf:
                    distance = on - left
                    ratio = (1.0 - partial) * math.exp(-0.5 * (distance / spread) ** 2)
                    ratio /= spread * _SQRT_2PI
                    if distance < 0.0:
                        ratio += partial * math.exp(distance / decay) / decay
                    ratio *= (1.0 - own) / own * math.exp(-log_other[went, month + lag])
                for s in range(shares.size):
                    here = 1.0 - shares[s] if on == -np.inf else 1.0 + shares[s] * ratio
                    by_share[s] += math.log(here)
            best = max(best, by_share.max())
        found[at] = best
    return found


def passed_on(
    shipments: Shipments, came: NDArray[np.int64], went: NDArray[np.int64], passing: Passing
) -> NDArray[np.float64]:
    r"""Return (m,) how much likelier the months of each hop are if arrivals go on, at the best lag.

    *Formula.* As in :func:`entrepot.detect.kernels.returns.return_factors`, with the busy share π of the flow
    that goes on as it is, one spread for its unit value, and the best share ρ and lag in place of means::

        max over lag and ρ of  Σ ln(1 + ρ·(1 − π)·M/(π·g))   what went on a lag after an arrival
                             + Σ ln(1 − ρ)                   nothing did

    Parameters
    ----------
    shipments
        Months of all flows.
    came, went : (m,)
        Rows of the flows that arrive, and that leave, at a station.
    passing
        How shipments go on.
    """
    model = (passing.shares, passing.dearer, passing.partial, passing.decay)
    span = (passing.since, passing.end, passing.longest)

    def part(begin: int, last: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = _strongest(
            (shipments.log, shipments.log_other),
            (shipments.busy, shipments.variance),
            (came[begin:last], went[begin:last]),
            model,
            span,
        )
        return found

    return np.concatenate(in_parts(part, came.size, fewest=_FEWEST))
