r"""Shipments that come back: the same weight again, a lag later.

Where trade is lumpy, sums of windows say little, but a shipment of an odd weight that returns is seldom
chance.

*Formula.* At lag L, n months of the way back have a flow, and in m of them it is, within a tolerance, what
went out L months before. The share p₀ of such months by chance is the candidate's own: at placebo lags, at
which goods would be back before they left, and in the quiet months. Against it stands any share::

    BF(L) = B(m + 1, n − m + 1) ÷ (p₀^m · (1 − p₀)^(n − m)),   at most 1 where m/n ≤ p₀;   BF = mean over L
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Echo", "Lumps", "find_echo", "is_lumpy"]

_CHANCE = 0.05  # share of equal months by chance, worth two months of the candidate's own
_WEIGHT = 2.0
_MOST = 6.0
_EDGE = 0.02
_EMPTY = 0.25
_SPREAD = 0.4


@dataclass(frozen=True, slots=True)
class Lumps:
    """Both legs by month in one measure; n candidates, T months.

    Attributes
    ----------
    out, back : (n, T)
        What went and what came; NaN where nobody published or the weight is not known.
    first, since, end
        First month looked at, first of the round trips, and the one after the last, as positions.
    """

    out: NDArray[np.float64]
    back: NDArray[np.float64]
    first: int
    since: int
    end: int


@dataclass(frozen=True, slots=True)
class Echo:
    """How strongly shipments come back.

    Attributes
    ----------
    log_factor : (n,)
        Log Bayes factor, all lags heard, at most six.
    by_lag : (n, longest + 1)
        Its share of each lag; even where nothing comes back.
    """

    log_factor: NDArray[np.float64]
    by_lag: NDArray[np.float64]


def is_lumpy(out: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which (n, T) flows are lumpy: a quarter of the months empty, or months far apart in size.

    Of steady flows alike months are no sign of anything.
    """
    known = np.isfinite(out)
    flows = known & (out > 0)
    empty = 1.0 - flows.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    log = np.log(np.where(flows, out, 1.0))
    follows = flows[:, 1:] & flows[:, :-1]
    steps = np.where(follows, np.diff(log, axis=1) ** 2, 0.0).sum(axis=1)
    spread = np.sqrt(steps / np.maximum(follows.sum(axis=1), 1) / 2.0)
    return np.asarray((empty >= _EMPTY) | (spread >= _SPREAD))


def find_echo(legs: Lumps, *, longest_lag: int, tolerance: float) -> Echo:
    """Return how strongly the way back repeats the way out.

    Parameters
    ----------
    legs
        Flows by month.
    longest_lag
        Lags tried are 0 to this; placebo lags as many.
    tolerance
        Largest log ratio of equal shipments.
    """
    n = legs.out.shape[0]
    trials, matches = np.zeros(n), np.zeros(n)
    for lag in range(1, longest_lag + 1):
        for some in (
            _compared(legs, -lag, legs.since, legs.end),
            _compared(legs, lag, legs.first, legs.since),
        ):
            months, equal = _counts(*some, tolerance)
            trials, matches = trials + months, matches + equal
    chance = (matches + _WEIGHT * _CHANCE) / (trials + _WEIGHT)
    chance = np.clip(chance, _EDGE, 1.0 - _EDGE)
    log = np.stack(
        [
            _log_factor(*_counts(*_compared(legs, lag, legs.since, legs.end), tolerance), chance)
            for lag in range(longest_lag + 1)
        ],
        axis=1,
    )
    factor = np.exp(log)
    mean = factor.mean(axis=1)
    return Echo(np.minimum(np.log(mean), _MOST), factor / factor.sum(axis=1, keepdims=True))


def _compared(
    legs: Lumps, lag: int, first: int, last: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the months of both legs that a lag compares, all from first to before last."""
    departures = np.arange(first, last)
    returns = departures + lag
    both = (returns >= first) & (returns < last)
    return legs.out[:, departures[both]], legs.back[:, returns[both]]


def _counts(
    out: NDArray[np.float64], back: NDArray[np.float64], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return months in which something came back that could be compared, and those in which it was equal."""
    known = np.isfinite(out) & np.isfinite(back) & (back > 0)
    sent = known & (out > 0)
    ratio = np.log(np.where(sent, back, 1.0) / np.where(sent, out, 1.0))
    equal = sent & (np.abs(ratio) <= tolerance)
    return known.sum(axis=1).astype(np.float64), equal.sum(axis=1).astype(np.float64)


def _log_factor(
    months: NDArray[np.float64], equal: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    most = int(months.max(initial=0))
    table = np.array([lgamma(k + 1.0) for k in range(most + 2)])
    m, n = equal.astype(np.int64), months.astype(np.int64)
    any_share = table[m] + table[n - m] - table[n + 1]
    log = any_share - m * np.log(chance) - (n - m) * np.log1p(-chance)
    return np.asarray(np.where(equal > months * chance, log, np.minimum(log, 0.0)))
