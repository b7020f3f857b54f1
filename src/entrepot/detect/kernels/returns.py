"""Shipments that come back: how much likelier the months are if departures return a lag later."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Array = NDArray[np.float64]
    _Legs = tuple[_Array, _Array, _Array, _Array]
    _Priors = tuple[_Array, _Array]
    _Grids = tuple[_Array, _Array, _Array]
    _Parts = tuple[float, float]
    _Span = tuple[int, int]

__all__ = ["Match", "Returns", "match_returns", "return_factors"]

_FEWEST = 2_000  # candidates under which a thread is not worth it
_SQRT_2PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class Returns:
    """What a search for returns takes; n candidates, T months.

    Attributes
    ----------
    out, back : (n, T)
        Log amounts that went and came; −∞ for nothing, NaN where it is not known.
    log_other : (n, T)
        Log density of each log amount back if it is ordinary trade; zero where nothing came.
    spread : (n,)
        Standard deviation of the log ratio of two reports of one shipment.
    busy : (n, P)
        Prior of the share of months with ordinary trade on the way back, over ``busy_grid``.
    dearer : (n, K)
        Prior of the log ratio back over out, over ``dearer_grid``.
    busy_grid, dearer_grid, share_grid
        Shares of busy months (P), log ratios (K), shares of departures that return.
    partial, decay
        Share of returns that are only a part of what went, and the mean log size of what stays.
    """

    out: NDArray[np.float64]
    back: NDArray[np.float64]
    log_other: NDArray[np.float64]
    spread: NDArray[np.float64]
    busy: NDArray[np.float64]
    dearer: NDArray[np.float64]
    busy_grid: NDArray[np.float64]
    dearer_grid: NDArray[np.float64]
    share_grid: NDArray[np.float64]
    partial: float
    decay: float


@dataclass(frozen=True, slots=True)
class Match:
    """What came back of each departure at one lag.

    Attributes
    ----------
    whole, part : (n, T)
        Probability that all, or a part, of what left in the month came back.
    dearer : (n,)
        Posterior mean of the log ratio back over out.
    """

    whole: NDArray[np.float64]
    part: NDArray[np.float64]
    dearer: NDArray[np.float64]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _densities(distance: float, spread: float, partial: float, decay: float) -> tuple[float, float]:
    """Return the densities of a whole return and of a part, of the log amount back less what is due."""
    whole = (1.0 - partial) * math.exp(-0.5 * (distance / spread) ** 2) / (spread * _SQRT_2PI)
    part = partial * math.exp(distance / decay) / decay if distance < 0.0 else 0.0
    return whole, part


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _gather(
    out: NDArray[np.float64], back: NDArray[np.float64], lag: int, first: int, last: int,
    months: NDArray[np.int64],
) -> tuple[int, int, int, int]:  # fmt: skip
    """Return how many departures have a return to compare, are without one, and returns and gaps at all.

    The months of departure of the first kind are written to ``months``.
    """
    both = gone = came = empty = 0
    for month in range(max(first, first - lag), min(last, last - lag)):
        left, arrived = out[month], back[month + lag]
        if math.isnan(left) or math.isnan(arrived):
            continue
        if arrived > -np.inf:
            came += 1
            if left > -np.inf:
                months[both] = month
                both += 1
        else:
            empty += 1
            if left > -np.inf:
                gone += 1
    return both, gone, came, empty


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _factors(
    legs: _Legs, priors: _Priors, grids: _Grids, parts: _Parts, lags: NDArray[np.int64], span: _Span
) -> NDArray[np.float64]:
    out, back, log_other, spread = legs
    busy, dearer = priors
    busy_grid, dearer_grid, share_grid = grids
    partial, decay = parts
    first, last = span
    result = np.zeros((out.shape[0], lags.size))
    months = np.empty(out.shape[1], dtype=np.int64)
    ratio, alone, none = np.empty(out.shape[1]), np.empty(busy_grid.size), np.empty(share_grid.size)
    for row in range(out.shape[0]):
        for place in range(lags.size):
            lag = lags[place]
            both, gone, came, empty = _gather(out[row], back[row], lag, first, last, months)
            if both == 0 and gone == 0:
                continue
            null = 0.0
            for p in range(busy_grid.size):
                null += busy[row, p] * busy_grid[p] ** came * (1.0 - busy_grid[p]) ** empty
                alone[p] = busy[row, p] * busy_grid[p] ** (came - both) * (1.0 - busy_grid[p]) ** empty
            for s in range(share_grid.size):
                none[s] = (1.0 - share_grid[s]) ** gone
            trip = 0.0
            # without a return to compare, all ratios say the same
            for k in range(dearer_grid.size if both else 1):
                for at in range(both):
                    left, month = out[row, months[at]], months[at] + lag
                    whole, part = _densities(
                        back[row, month] - left - dearer_grid[k], spread[row], partial, decay
                    )
                    ratio[at] = (whole + part) * math.exp(-log_other[row, month])
                chance = dearer[row, k] if both else 1.0
                for p in range(busy_grid.size):
                    own = busy_grid[p]
                    for s in range(share_grid.size):
                        product = alone[p] * none[s]
                        for at in range(both):
                            product *= own + share_grid[s] * (1.0 - own) * ratio[at]
                        trip += chance * product / share_grid.size
            result[row, place] = math.log(max(trip, 1e-300)) - math.log(max(null, 1e-300))
    return result


def return_factors(
    returns: Returns, lags: NDArray[np.int64], *, first: int, last: int
) -> NDArray[np.float64]:
    r"""Return (n, lags) log Bayes factors of returns at each lag against trade of its own in both directions.

    *Formula.* With π the share of months in which the way back has ordinary trade anyway, g the density of
    its log amount, ρ the share of departures that return and M the density of what they return as::

        nothing left          both hypotheses alike
        left, nothing came    (1 − ρ)·(1 − π)     against 1 − π
        left, b came          π + ρ·(1 − π)·M/g   against π

    averaged over π, ρ and the ratio of what comes back to what went.

    Parameters
    ----------
    returns
        Candidates.
    lags
        Months between departure and return; negative ones compare returns with later departures.
    first, last
        Months in which departures and returns both lie, from the first to before the last.
    """

    def part(begin: int, end: int) -> _Array:
        return np.asarray(_factors(*_split(returns, slice(begin, end)), lags, (first, last)))

    return np.concatenate(in_parts(part, returns.out.shape[0], fewest=_FEWEST))


def _split(r: Returns, rows: slice) -> tuple[_Legs, _Priors, _Grids, _Parts]:
    return (
        (r.out[rows], r.back[rows], r.log_other[rows], r.spread[rows]),
        (r.busy[rows], r.dearer[rows]),
        (r.busy_grid, r.dearer_grid, r.share_grid),
        (r.partial, r.decay),
    )


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _matches(
    legs: _Legs, priors: _Priors, grids: _Grids, parts: _Parts, lags: NDArray[np.int64], span: _Span,
    found: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> None:  # fmt: skip
    out, back, log_other, spread = legs
    busy, dearer = priors
    busy_grid, dearer_grid, share_grid = grids
    partial, decay = parts
    first, last = span
    all_whole, all_part, ratio_mean = found
    size = out.shape[1]
    months = np.empty(size, dtype=np.int64)
    ratio, whole = np.empty(size), np.empty(size)
    alone, none = np.empty(busy_grid.size), np.empty(share_grid.size)
    for row in range(out.shape[0]):
        lag = lags[row]
        both, gone, came, empty = _gather(out[row], back[row], lag, first, last, months)
        for p in range(busy_grid.size):
            alone[p] = busy[row, p] * busy_grid[p] ** (came - both) * (1.0 - busy_grid[p]) ** empty
        for s in range(share_grid.size):
            none[s] = (1.0 - share_grid[s]) ** gone
        total = 0.0
        for k in range(dearer_grid.size):
            for at in range(both):
                left, month = out[row, months[at]], months[at] + lag
                w, part = _densities(back[row, month] - left - dearer_grid[k], spread[row], partial, decay)
                ratio[at] = (w + part) * math.exp(-log_other[row, month])
                whole[at] = w / max(w + part, 1e-300)
            for p in range(busy_grid.size):
                own = busy_grid[p]
                for s in range(share_grid.size):
                    product = dearer[row, k] * alone[p] * none[s]
                    for at in range(both):
                        product *= own + share_grid[s] * (1.0 - own) * ratio[at]
                    total += product
                    ratio_mean[row] += product * dearer_grid[k]
                    for at in range(both):
                        trip = share_grid[s] * (1.0 - own) * ratio[at]
                        returned = product * trip / max(own + trip, 1e-300)
                        all_whole[row, months[at]] += returned * whole[at]
                        all_part[row, months[at]] += returned * (1.0 - whole[at])
        if total > 0.0:
            ratio_mean[row] /= total
            all_whole[row] /= total
            all_part[row] /= total


def match_returns(returns: Returns, lags: NDArray[np.int64], *, first: int, last: int) -> Match:
    """Return which departures came back, each candidate at its own lag: the posterior of the same model.

    Parameters
    ----------
    returns
        Candidates.
    lags : (n,)
        Lag of each.
    first, last
        See :func:`return_factors`.
    """
    shape = returns.out.shape
    whole, part, dearer = np.zeros(shape), np.zeros(shape), np.zeros(shape[0])

    def fill(begin: int, end: int) -> None:
        rows = slice(begin, end)
        _matches(*_split(returns, rows), lags[rows], (first, last), (whole[rows], part[rows], dearer[rows]))

    in_parts(fill, shape[0], fewest=_FEWEST)
    return Match(whole, part, dearer)
