r"""Shipments that come back: the same amount again, a lag later.

Where trade is lumpy, sums of windows say little, but a shipment of an odd amount that returns is seldom
chance, and neither is one that returns to a maker who bought nothing before. The model and its Bayes factor
are in :mod:`entrepot.detect.kernels.returns`; what is ordinary on the way back is learnt here:

* how busy it is from its quiet months, half in doubt, since trade may have begun by itself;
* the density of an amount from the other months of the same flow, those since the beginning alone where the
  flow has another level then, and from all flows where there are none.

What placebo lags give, at which goods would be back before they left, is taken off, and so is what the other
quiet months give: a circle that ran before is ordinary trade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.returns import Returns, match_returns, return_factors
from entrepot.detect.loops.markups import MARKUP_SD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DECAY", "PARTIAL", "Echo", "Lumps", "Sizes", "find_echo", "is_lumpy"]

_MOST = 12.0
_EMPTY = 0.25
_SPREAD = 0.4
_BUSY = np.array([0.015, 0.04, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.985])
_DEARER = np.linspace(-0.8, 0.8, 17)
_SHARES = np.array([0.3, 0.6, 0.85, 0.97])
#: Share of returns that are a part of what went, and the mean log size of what stays.
PARTIAL, DECAY = 0.3, 0.7
_LEAST_SPREAD = 0.08
_DEFAULT_SIZES = (1.2, 2.5)


@dataclass(frozen=True, slots=True)
class Lumps:
    """Both legs by month, in USD; n candidates, T months.

    Attributes
    ----------
    out, back : (n, T)
        What went and what came; NaN where nobody published.
    variance : (n,)
        Variance of the log ratio of two reports of one shipment, by the month.
    first, since, end
        First month looked at, first of the round trips, and the one after the last, as positions.
    quiet_end
        Month after the last quiet one; over ``end`` where the round trips are looked for in quiet months.
    """

    out: NDArray[np.float64]
    back: NDArray[np.float64]
    variance: NDArray[np.float64]
    first: int
    since: int
    end: int
    quiet_end: int


@dataclass(frozen=True, slots=True)
class Echo:
    """How strongly shipments come back; n candidates, T months.

    Attributes
    ----------
    log_factor : (n,)
        Log Bayes factor, all lags heard and what placebo lags give taken off, at most twelve.
    before : (n,)
        Log Bayes factor of the same in the other quiet months.
    by_lag : (n, longest + 1)
        Its share of each lag; even where nothing comes back.
    returned : (n, T)
        USD of each month's departures that came back at the likeliest lag, expected under the posterior.
    variance : (n,)
        Variance of their sum, for not knowing which came back.
    match : (n, T)
        Probability that what left in the month came back whole.
    """

    log_factor: NDArray[np.float64]
    before: NDArray[np.float64]
    by_lag: NDArray[np.float64]
    returned: NDArray[np.float64]
    variance: NDArray[np.float64]
    match: NDArray[np.float64]


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


def find_echo(legs: Lumps, *, longest_lag: int) -> Echo:
    """Return how strongly the way back repeats the way out.

    Parameters
    ----------
    legs
        Flows by month.
    longest_lag
        Lags tried are 0 to this; placebo lags as many.
    """
    returns = _returns(legs)
    span = {"first": legs.since, "last": legs.end}
    ahead = np.arange(longest_lag + 1, dtype=np.int64)
    by_lag = return_factors(returns, ahead, **span)
    placebo = _mean(return_factors(returns, -ahead[1:], **span))
    factor = np.exp(by_lag - by_lag.max(axis=1, keepdims=True))
    share = factor / factor.sum(axis=1, keepdims=True)
    lag = share.argmax(axis=1).astype(np.int64)
    match = match_returns(returns, lag, **span)
    returned, variance = _returned(legs, lag, match.whole, match.part, match.dearer)
    quiet = return_factors(returns, ahead, first=legs.first, last=legs.since)
    if legs.end < legs.quiet_end:
        quiet = quiet + return_factors(returns, ahead, first=legs.end, last=legs.quiet_end)
    score = np.minimum(_mean(by_lag) - np.maximum(placebo, 0.0), _MOST)
    return Echo(score, _mean(quiet), share, returned, variance, match.whole)


def _mean(log: NDArray[np.float64]) -> NDArray[np.float64]:
    top = log.max(axis=1)
    return np.asarray(top + np.log(np.exp(log - top[:, None]).mean(axis=1)))


def _returns(legs: Lumps) -> Returns:
    out, back = (
        np.where(np.isnan(leg), np.nan, np.log(np.where(leg > 0, leg, 1.0)) + np.where(leg > 0, 0.0, -np.inf))
        for leg in (legs.out, legs.back)
    )
    sd = np.sqrt(MARKUP_SD**2 + legs.variance)[:, None]
    dearer = np.exp(-0.5 * (_DEARER / sd) ** 2)
    return Returns(
        out=out,
        back=back,
        log_other=_log_other(back, legs),
        spread=np.sqrt(np.maximum(legs.variance, _LEAST_SPREAD**2)),
        busy=_busy(legs),
        dearer=dearer / dearer.sum(axis=1, keepdims=True),
        busy_grid=_BUSY,
        dearer_grid=_DEARER,
        share_grid=_SHARES,
        partial=PARTIAL,
        decay=DECAY,
    )


def _busy(legs: Lumps) -> NDArray[np.float64]:
    """Return the prior of the share of busy months: as before by half, anything by half."""
    quiet = legs.back[:, legs.first : legs.since]
    known = np.isfinite(quiet)
    busy = (known & (quiet > 0)).sum(axis=1)[:, None]
    empty = known.sum(axis=1)[:, None] - busy
    log = busy * np.log(_BUSY) + empty * np.log1p(-_BUSY)
    before = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(0.5 * before / before.sum(axis=1, keepdims=True) + 0.5 / _BUSY.size)


def _log_other(back: NDArray[np.float64], legs: Lumps) -> NDArray[np.float64]:
    """Return (n, T) the log density of each amount back, were it trade of its own.

    By the other months of the flow; since the beginning also by those since then alone, where these tell
    the flow better: a way back that grew by itself to the size of the way out repeats nothing.
    """
    return Sizes.of(back, (legs.first, legs.since, legs.end)).log_density(back)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the months of flows are: of all of them, and how far those of one flow are apart.

    Attributes
    ----------
    span
        First month looked at, first of the round trips, and the one after the last, as positions.
    whole, later
        Of all these months and of those of the round trips alone: spread of the months of one flow and of
        all flows, and their mean, in logs.
    """

    span: tuple[int, int, int]
    whole: tuple[float, float, float]
    later: tuple[float, float, float]

    @classmethod
    def of(cls, log: NDArray[np.float64], span: tuple[int, int, int]) -> Sizes:
        """Return the sizes of (n, T) flows in logs; −∞ where nothing flows, NaN where it is not known."""
        first, since, end = span
        return cls(span, _spreads(log[:, first:end]), _spreads(log[:, since:end]))

    def log_density(self, log: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, T) the log density of each amount as ordinary trade; zero where nothing flows."""
        first, since, end = self.span
        found = np.zeros(log.shape)
        found[:, first:end] = _density_among(log[:, first:end], self.whole)
        later = _density_among(log[:, since:end], self.later)
        grew = (later - found[:, since:end]).sum(axis=1) > 0
        found[:, since:end] = np.where(grew[:, None], later, found[:, since:end])
        return found


def _density_among(back: NDArray[np.float64], spreads: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the log density of each amount, by its flow's other months and by all flows."""
    within, overall, middle = spreads
    flows = np.isfinite(back)
    log = np.where(flows, back, 0.0)
    others = np.maximum(flows.sum(axis=1)[:, None] - 1, 0)
    total = log.sum(axis=1)[:, None]
    mean = np.divide(total - log, others, out=np.full(log.shape, middle), where=others > 0)
    sd = np.where(others > 0, within * np.sqrt(1.0 + 1.0 / np.maximum(others, 1)), overall)
    near = np.exp(-0.5 * ((log - mean) / sd) ** 2) / sd
    far = np.exp(-0.5 * ((log - middle) / (1.5 * overall)) ** 2) / (1.5 * overall)
    density = np.log((0.9 * near + 0.1 * far) / np.sqrt(2.0 * np.pi) + 1e-12)
    return np.where(flows, density, 0.0)


def _spreads(back: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the spread of the months of one flow and of all flows, and their mean, in logs."""
    flows = np.isfinite(back)
    log = np.where(flows, back, 0.0)
    count, total, squares = flows.sum(axis=1), log.sum(axis=1), (log**2).sum(axis=1)
    some = count > 1
    if some.sum() < 30:
        return *_DEFAULT_SIZES, float(log[flows].mean()) if flows.any() else 0.0
    rest = squares[some] - total[some] ** 2 / count[some]
    within = np.sqrt(rest.sum() / (count[some] - 1).sum())
    return float(max(within, 0.1)), float(max(log[flows].std(), 0.2)), float(log[flows].mean())


def _returned(
    legs: Lumps,
    lag: NDArray[np.int64],
    whole: NDArray[np.float64],
    part: NDArray[np.float64],
    dearer: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the USD of departures that came back, by month, and the variance of their sum."""
    months = legs.out.shape[1]
    later = np.minimum(np.arange(months) + lag[:, None], months - 1)
    out = np.nan_to_num(legs.out)
    back = np.nan_to_num(np.take_along_axis(legs.back, later, axis=1)) * np.exp(-dearer)[:, None]
    less = np.minimum(out, back)
    mean = whole * out + part * less
    variance = (whole * out**2 + part * less**2 - mean**2).sum(axis=1)
    return mean, np.maximum(variance, 0.0)
