r"""How many months the goods stayed: the posterior of the lag.

*Model.* As in :mod:`entrepot.detect.loops.timing`, with two things beside::

    y_o(t) = x·r(t − s)·(1 + h·η(t)) + a_o·e_o(t) + noise
    y_b(t) = k·x·r(t − s − L)·(1 + h·η(t − L)) + a_b·e_b(t) + noise

What was expected of a leg may be off by a share a of it, in all months alike: a ~ N(0, σ²), σ the deviation
of log changes of such flows. It is integrated out, the size x is at its best, k is 1 in weight and spread as
mark-ups are in value. Trips begin in the first month or later, each month later half as likely: where one leg
alone says when, the other's date is not to be had for nothing.

*Two measurements of a month.* The excess of a month's weight K over what was expected holds all that trade
does by itself. Value and weight together say how much of it is of another unit value: with u a kilogram of
usual goods and p of those that go round, x(t) = (V − u·K) ÷ (p − u), whatever usual trade does. Both are
weighed by their precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.markups import MARKUP_SD
from entrepot.detect.loops.timing import SPREADS, onsets_of, shape_of, share_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.timing import MonthlyLegs

__all__ = ["Levels", "find_lags", "told_by_value"]

_LATER = 0.5
_IN_VALUE = np.exp(MARKUP_SD * np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))


@dataclass(frozen=True, slots=True)
class Levels:
    """What was expected of both legs; n candidates, T months.

    Attributes
    ----------
    out, back : (n, T)
        Expected flows, in the measure of the residuals.
    out_sd, back_sd : (n,)
        Standard deviation of the share by which they may be off.
    weighed : (n,)
        Whether the measure is weight.
    """

    out: NDArray[np.float64]
    back: NDArray[np.float64]
    out_sd: NDArray[np.float64]
    back_sd: NDArray[np.float64]
    weighed: NDArray[np.bool_]


def told_by_value(
    residual: NDArray[np.float64],
    variance: NDArray[np.float64],
    apart: NDArray[np.float64],
    apart_sd: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return residuals and their variance, two measurements of each month weighed by their precision.

    Parameters
    ----------
    residual, variance : (n, T)
        By weight, and its variance.
    apart, apart_sd : (n, T)
        By value and weight together, and its deviation; what is not finite says nothing.
    """
    is_told = np.isfinite(apart) & np.isfinite(apart_sd) & (apart_sd > 0)
    precision = np.where(is_told, 1.0 / np.where(is_told, apart_sd, 1.0) ** 2, 0.0)
    total = 1.0 / variance + precision
    return (residual / variance + np.where(is_told, apart, 0.0) * precision) / total, 1.0 / total


def find_lags(
    legs: MonthlyLegs, levels: Levels, *, longest_lag: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (n, longest + 1) the posterior of the lags, and (n) the month in which trips began.

    Parameters
    ----------
    legs
        Residuals.
    levels
        What was expected.
    longest_lag
        Lags tried are 0 to this.
    """
    onsets = onsets_of(legs)
    fit = np.full((legs.size.size, len(onsets), longest_lag + 1), -np.inf)
    months = legs.out.shape[1] - legs.first
    for at, onset in enumerate(onsets):
        for lag in range(longest_lag + 1):
            for spread in SPREADS:
                for larger in _IN_VALUE:
                    # in weight there is one size, in value the second leg may be larger by any mark-up
                    rows = np.flatnonzero(~levels.weighed | (larger == 1.0))
                    if not rows.size:
                        continue
                    thought = -0.5 * (np.log(larger) / MARKUP_SD) ** 2 * ~levels.weighed[rows]
                    said = _log_likelihood(legs, levels, rows, (onset, lag), spread, larger)
                    said = said + thought - np.log(larger) * months
                    fit[rows, at, lag] = np.logaddexp(fit[rows, at, lag], said)
        fit[:, at] += at * np.log(_LATER)
    share = np.exp(fit - fit.max(axis=(1, 2), keepdims=True))
    share /= share.sum(axis=(1, 2), keepdims=True)
    return share.sum(axis=1), np.asarray(onsets)[share_median(share.sum(axis=2))]


def _log_likelihood(
    legs: MonthlyLegs,
    levels: Levels,
    rows: NDArray[np.int64],
    when: tuple[int, int],
    spread: float,
    larger: float,
) -> NDArray[np.float64]:
    """Return the log likelihood of all months under an onset and a lag: levels integrated out, size at best.

    The inverse of a month's covariance is [[v_b + q, −q], [−q, v_a + q]]/d.
    """
    onset, lag = when
    first, months, size = legs.first, legs.out.shape[1], legs.size[rows]
    out = (legs.out[rows], legs.out_variance[rows], levels.out[rows] * levels.out_sd[rows, None])
    back = (
        legs.back[rows] / larger,
        legs.back_variance[rows] / larger**2,
        levels.back[rows] * levels.back_sd[rows, None] / larger,
    )
    both = np.arange(first, months - lag)
    (a, v_a, e_a), (b, v_b, e_b) = [x[:, both] for x in out], [x[:, both + lag] for x in back]
    r, q = shape_of(size, both - onset, spread)
    d = v_a * v_b + q * (v_a + v_b)
    # what left last is not back yet, and what came back first left before the months that are looked at
    gone, early = np.arange(months - lag, months), np.arange(first, first + lag)
    left = _alone([x[:, gone] for x in out], *shape_of(size, gone - onset, spread))
    came = _alone([x[:, early] for x in back], *shape_of(size, early - lag - onset, spread))
    ways = _Products(
        xx=(r**2 * (v_a + v_b) / d).sum(1) + left.xx + came.xx,
        xa=(r * e_a * v_b / d).sum(1) + left.xe,
        xb=(r * e_b * v_a / d).sum(1) + came.xe,
        aa=1.0 + (e_a**2 * (v_b + q) / d).sum(1) + left.ee,
        bb=1.0 + (e_b**2 * (v_a + q) / d).sum(1) + came.ee,
        ab=-(e_a * e_b * q / d).sum(1),
        x_y=(r * (v_b * a + v_a * b) / d).sum(1) + left.xy,
        a_y=(e_a * ((v_b + q) * a - q * b) / d).sum(1) + left.ey,
        b_y=(e_b * ((v_a + q) * b - q * a) / d).sum(1) + came.ey,
    )
    squares = (((v_b + q) * a**2 - 2.0 * q * a * b + (v_a + q) * b**2) / d + np.log(d)).sum(1)
    return np.asarray(ways.best() - 0.5 * (squares + left.squares + came.squares))


@dataclass(frozen=True, slots=True)
class _Products:
    """Products AᵀC⁻¹A and AᵀC⁻¹y: columns are the size x and the levels a, b over their deviations; (n,)."""

    xx: NDArray[np.float64]
    xa: NDArray[np.float64]
    xb: NDArray[np.float64]
    aa: NDArray[np.float64]
    bb: NDArray[np.float64]
    ab: NDArray[np.float64]
    x_y: NDArray[np.float64]
    a_y: NDArray[np.float64]
    b_y: NDArray[np.float64]

    def best(self) -> NDArray[np.float64]:
        """Return the log likelihood gained: levels integrated out, the size at its best and not negative."""
        det = self.aa * self.bb - self.ab**2
        a, b = self.bb * self.a_y - self.ab * self.b_y, self.aa * self.b_y - self.ab * self.a_y
        by_level = (a * self.a_y + b * self.b_y) / det
        inner = (
            self.xx - (self.bb * self.xa**2 - 2.0 * self.ab * self.xa * self.xb + self.aa * self.xb**2) / det
        )
        upper = np.maximum(self.x_y - (self.xa * a + self.xb * b) / det, 0.0)
        gain = np.divide(upper**2, inner, out=np.zeros_like(inner), where=inner > 0)
        return np.asarray(0.5 * (by_level + gain - np.log(det)))


@dataclass(frozen=True, slots=True)
class _Alone:
    """The same of months of one leg that have none of the other beside them, and their own squares; (n,)."""

    xx: NDArray[np.float64]
    xe: NDArray[np.float64]
    ee: NDArray[np.float64]
    xy: NDArray[np.float64]
    ey: NDArray[np.float64]
    squares: NDArray[np.float64]


def _alone(leg: list[NDArray[np.float64]], r: NDArray[np.float64], q: NDArray[np.float64]) -> _Alone:
    y, variance, e = leg
    full = variance + q
    r = np.broadcast_to(r, y.shape)
    xx, xe, ee, xy, ey = ((one / full).sum(axis=1) for one in (r**2, r * e, e**2, r * y, e * y))
    return _Alone(xx, xe, ee, xy, ey, (y**2 / full + np.log(full)).sum(axis=1))
