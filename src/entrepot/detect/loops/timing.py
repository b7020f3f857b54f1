r"""When a round trip began, and how long the goods stayed with the via.

*Model.* Out of the maker go o(t) = e_o(t) + x·r(t − s)·(1 + h·η(t)) and back come b(t) = e_b(t) +
x·r(t − s − L)·(1 + h·η(t − L)): the trade that was expected, and x a month more from month s on (r rises to
one in three months), the same shipments η on both legs, L months apart. For every s and L the likelihood of
the residuals y = o − e_o and b − e_b is Gaussian, x at its best::

    x̂ = Σ r·(v_b y_o(t) + v_o y_b(t+L))/D ÷ Σ r²·(v_o + v_b)/D
    D = v_o v_b + q·(v_o + v_b),   q = h²x₀²r²

with v_o, v_b the monthly variances of ordinary trade. How much larger one leg's change is than the other's is
left open: whether they are of one size is asked of the sums of the windows, where errors of what was expected
are known. The lag is the median of its posterior, onsets and two sizes of h averaged. Weighed against it is
the same change on both legs without a common shipment or date; or, for chains, which have two such hops, a
change of each leg from a month of its own on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "SPREADS",
    "MonthlyLegs",
    "Timing",
    "find_timing",
    "onsets_of",
    "ramp",
    "shape_of",
    "share_median",
    "with_echo",
    "with_lags",
]

_RISE = 3.0
#: How unlike the shipments of a trip are from month to month.
SPREADS = (0.2, 1.0)
_SCALES = (0.8, 1.0, 1.25)
_MOST_RATIO = 2.0
_LATEST_ONSET = 4


@dataclass(frozen=True, slots=True)
class MonthlyLegs:
    """Residuals of both legs; n candidates, T months.

    Attributes
    ----------
    out, back : (n, T)
        Flow less expected flow; zero where not observed.
    out_variance, back_variance : (n, T)
        Variance of ordinary months; very large where not observed.
    size : (n,)
        Rough size of the trip a month, same unit.
    first, since
        First month used, and the month from which trips may begin, as positions.
    """

    out: NDArray[np.float64]
    back: NDArray[np.float64]
    out_variance: NDArray[np.float64]
    back_variance: NDArray[np.float64]
    size: NDArray[np.float64]
    first: int
    since: int


@dataclass(frozen=True, slots=True)
class Timing:
    """What the months say; n candidates.

    Attributes
    ----------
    lag : (n,)
        Months between the legs, the median of the posterior.
    lag_share : (n, longest + 1)
        Posterior of the lags.
    onset : (n,)
        Month of departure of the first trip, as a position.
    log_factor : (n,)
        Log of how much likelier one date and shipment are than two legs that changed by themselves, both
        from the first month on.
    own_dates : (n,)
        Log of how much likelier than that are two legs that each changed from a month of its own on.
    """

    lag: NDArray[np.int64]
    lag_share: NDArray[np.float64]
    onset: NDArray[np.int64]
    log_factor: NDArray[np.float64]
    own_dates: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> Timing:
        """Return some of the candidates."""
        return Timing(*(getattr(self, name)[rows] for name in Timing.__slots__))


def with_echo(
    timing: Timing, lumpy: NDArray[np.bool_], by_lag: NDArray[np.float64], first_flow: NDArray[np.int64]
) -> Timing:
    """Return the timing with lags of lumpy candidates from their echo, which is evidence heard already.

    Parameters
    ----------
    timing
        As if months were normal around their mean.
    lumpy : (n,)
        Whose months are not.
    by_lag : (n, longest + 1)
        Their lags by the echo.
    first_flow : (n,)
        First month with a flow out.
    """
    share = np.where(lumpy[:, None], by_lag[:, : timing.lag_share.shape[1]], timing.lag_share)
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    return Timing(
        lag=np.where(lumpy, share.argmax(axis=1), timing.lag),
        lag_share=share,
        onset=np.where(lumpy, first_flow, timing.onset),
        log_factor=np.where(lumpy, 0.0, timing.log_factor),
        own_dates=np.where(lumpy, 0.0, timing.own_dates),
    )


def with_lags(timing: Timing, share: NDArray[np.float64], onset: NDArray[np.int64]) -> Timing:
    """Return the timing with other lags and onsets, the evidence as it was.

    Parameters
    ----------
    timing
        What the months say.
    share : (n, longest + 1)
        Posterior of the lags.
    onset : (n,)
        Month of departure of the first trip.
    """
    return Timing(share_median(share), share, onset, timing.log_factor, timing.own_dates)


def ramp(month: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what share of the full size goes in a month, counted from the first."""
    return np.clip((month + 1.0) / _RISE, 0.0, 1.0)


def find_timing(legs: MonthlyLegs, *, longest_lag: int) -> Timing:
    """Return lag and onset of every candidate, and how well they explain the months.

    Parameters
    ----------
    legs
        Residuals.
    longest_lag
        Lags tried are 0 to this.
    """
    n, months = legs.out.shape
    onsets = onsets_of(legs)
    ratio = _size_ratio(legs)
    scales = [(_scaled(legs, by * ratio), -np.log(by * ratio) * (months - legs.first)) for by in _SCALES]
    fit = np.full((n, len(onsets), longest_lag + 1), -np.inf)
    for at, onset in enumerate(onsets):
        for lag in range(longest_lag + 1):
            ways = [
                np.logaddexp.reduce([_log_likelihood(scaled, onset, lag, spread) for spread in SPREADS])
                + back
                for scaled, back in scales
            ]
            fit[:, at, lag] = np.max(ways, axis=0) - np.log(len(SPREADS))
    top = fit.max(axis=(1, 2), keepdims=True)
    weight = np.exp(fit - top)
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    by_lag, by_onset = weight.sum(axis=1), weight.sum(axis=2)
    whole = top[:, 0, 0] + np.log(np.exp(fit - top).mean(axis=(1, 2)))
    apart = _apart(legs)
    return Timing(
        lag=share_median(by_lag),
        lag_share=by_lag,
        onset=np.asarray(onsets)[share_median(by_onset)],
        log_factor=whole - apart,
        own_dates=_by_themselves(legs, onsets, longest_lag) - apart,
    )


def onsets_of(legs: MonthlyLegs) -> list[int]:
    """Return the months from which trips may begin, as positions."""
    return list(range(legs.since, min(legs.since + _LATEST_ONSET, legs.out.shape[1] - 2) + 1))


def _size_ratio(legs: MonthlyLegs) -> NDArray[np.float64]:
    """Return (n) how much larger the change back is than the change out, within reason."""
    out, back = (leg[:, legs.since :].mean(axis=1) for leg in (legs.out, legs.back))
    both = (out > 0) & (back > 0)
    ratio = np.divide(back, out, out=np.ones(out.size), where=both)
    return np.asarray(np.clip(ratio, 1.0 / _MOST_RATIO, _MOST_RATIO))


def _scaled(legs: MonthlyLegs, by: NDArray[np.float64]) -> MonthlyLegs:
    """Return the legs with the way back divided: what was expected of either may be somewhat off."""
    return MonthlyLegs(
        legs.out,
        legs.back / by[:, None],
        legs.out_variance,
        legs.back_variance / by[:, None] ** 2,
        legs.size,
        legs.first,
        legs.since,
    )


def share_median(share: NDArray[np.float64], at: float = 0.5) -> NDArray[np.int64]:
    """Return (n) the median, or another quantile, of distributions over 0, 1, 2 and so on."""
    return np.asarray((np.cumsum(share, axis=1) < at).sum(axis=1).clip(max=share.shape[1] - 1))


def _log_likelihood(legs: MonthlyLegs, onset: int, lag: int, spread: float) -> NDArray[np.float64]:
    """Return the log likelihood of all months under one onset and lag, the size at its best."""
    first, months = legs.first, legs.out.shape[1]
    both, gone, early = (
        np.arange(first, months - lag),
        np.arange(months - lag, months),
        np.arange(first, first + lag),
    )
    a, b = legs.out[:, both], legs.back[:, both + lag]
    v_a, v_b = legs.out_variance[:, both], legs.back_variance[:, both + lag]
    r, q = shape_of(legs.size, both - onset, spread)
    d = v_a * v_b + q * (v_a + v_b)
    inner = (r**2 * (v_a + v_b) / d).sum(axis=1)
    upper = (r * (v_b * a + v_a * b) / d).sum(axis=1)
    left = (((v_b + q) * a**2 - 2.0 * q * a * b + (v_a + q) * b**2) / d + np.log(d)).sum(axis=1)
    # what left last is not back yet, and what came back first left before the months that are looked at
    for y, v, since in (
        (legs.out[:, gone], legs.out_variance[:, gone], gone - onset),
        (legs.back[:, early], legs.back_variance[:, early], early - lag - onset),
    ):
        r, q = shape_of(legs.size, since, spread)
        inner += (r**2 / (v + q)).sum(axis=1)
        upper += (r * y / (v + q)).sum(axis=1)
        left += (y**2 / (v + q) + np.log(v + q)).sum(axis=1)
    return _profiled(left, upper, inner)


def shape_of(
    size: NDArray[np.float64], since_onset: NDArray[np.int64], spread: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ramp of months, and the variance of the shipments around it."""
    r = ramp(since_onset.astype(np.float64))
    return r, (spread * size[:, None] * r) ** 2


def _profiled(
    left: NDArray[np.float64], upper: NDArray[np.float64], inner: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log likelihood at the best size; goods go round in one direction, so it is not negative."""
    gain = np.divide(np.maximum(upper, 0.0) ** 2, inner, out=np.zeros_like(inner), where=inner > 0)
    return np.asarray(-0.5 * (left - gain))


def _apart(legs: MonthlyLegs) -> NDArray[np.float64]:
    """Return the log likelihood of two legs that each changed from the first month on, at their own size."""
    at = np.arange(legs.first, legs.out.shape[1])
    since = (at >= legs.since).astype(np.float64)
    ways = []
    for spread in SPREADS:
        total = np.zeros(legs.size.size)
        q = (spread * legs.size[:, None] * since) ** 2
        for y, v in ((legs.out, legs.out_variance), (legs.back, legs.back_variance)):
            full = v[:, at] + q
            left = (y[:, at] ** 2 / full + np.log(full)).sum(axis=1)
            total += _profiled(left, (since * y[:, at] / full).sum(axis=1), (since / full).sum(axis=1))
        ways.append(total)
    return np.asarray(np.logaddexp(*ways) - np.log(2.0))


def _by_themselves(legs: MonthlyLegs, onsets: Sequence[int], longest_lag: int) -> NDArray[np.float64]:
    """Return the log likelihood of two legs that each rose from a month of its own on, or from the first.

    What a leg's own path says for a ramp rather than a step is no evidence that it shares a date.
    """
    at = np.arange(legs.first, legs.out.shape[1])
    month = at.astype(np.float64)
    later = range(onsets[0], min(onsets[-1] + longest_lag, legs.out.shape[1] - 2) + 1)
    total = np.zeros(legs.size.size)
    for y, v, begins in (
        (legs.out, legs.out_variance, onsets), (legs.back, legs.back_variance, later)
    ):  # fmt: skip
        steps, ramps = [], []
        for spread in SPREADS:
            steps.append(_one_leg(y[:, at], v[:, at], (at >= legs.since).astype(float), spread * legs.size))
            ramps += [_one_leg(y[:, at], v[:, at], ramp(month - on), spread * legs.size) for on in begins]
        ways = [np.logaddexp.reduce(some) - np.log(len(some)) for some in (steps, ramps)]
        total += np.logaddexp(*ways) - np.log(2.0)
    return total


def _one_leg(
    y: NDArray[np.float64], v: NDArray[np.float64], r: NDArray[np.float64], shipment: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log likelihood of one leg with shipments along a path r, the size at its best."""
    full = v + (shipment[:, None] * r) ** 2
    left = (y**2 / full + np.log(full)).sum(axis=1)
    return _profiled(left, (r * y / full).sum(axis=1), (r**2 / full).sum(axis=1))
