"""Series without breaks, made of the panel's own noise: what a break must save, and how often one is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter

from entrepot.detect.kernels.breaks import RHO_PRIOR, LevelFit, fit_levels, series_breaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PanelNoise", "learn_noise"]

_MOST_SERIES = 1000  # that placebos are made of
_FEWEST_PLACEBOS = 4000
_BLOCK = 12  # months whose shocks stay together
_BURN = 24  # months after which the beginning is forgotten
_FIRST_PRICE = 2.5  # one break in 30 series of independent noise
_PRICES = (*np.arange(1.5, 6.0, 0.125).tolist(), 6.0, 7.0, 8.0, 10.0)
_RHO, _RHO_SERIES = 0.3, 10.0  # where to begin, and what it is worth
_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class PanelNoise:
    """What was learnt of the noise of a panel.

    Attributes
    ----------
    rho0
        Autocorrelation in the middle of the panel.
    price
        Price of a level, see :func:`entrepot.detect.kernels.breaks.series_breaks`.
    false_positive_rate
        Share of placebo series in which a break is found at that price; other placebos than those that the
        price was chosen on.
    placebos
        Those placebo series.
    z : (placebo breaks,)
        Their z, increasing.
    """

    rho0: float
    price: float
    false_positive_rate: float
    placebos: int
    z: NDArray[np.float64]

    def q_values(self, z: NDArray[np.float64], series: int) -> NDArray[np.float64]:
        """Return for each break the share of breaks so strong that placebos give too.

        *Formula*: placebo breaks ≥ z in as many series ÷ breaks ≥ z, never falling with z. Where no placebo
        is as strong, one is counted half.

        Parameters
        ----------
        z : (b,)
            Strength of the breaks.
        series
            Series that were judged.
        """
        if not z.size:
            return np.zeros(0)
        order = np.argsort(-z, kind="stable")
        as_strong = self.z.size - np.searchsorted(self.z, z[order], side="left")
        expected = np.maximum(as_strong, 0.5) / max(self.placebos, 1) * series
        ratio = np.minimum(expected / np.arange(1, z.size + 1), 1.0)
        found = np.empty(z.size)
        found[order] = np.minimum.accumulate(ratio[::-1])[::-1]
        return found


def learn_noise(
    values: NDArray[np.float64],
    calendar: NDArray[np.int64],
    *,
    rate: float,
    shortest: int,
    fewest: int,
    seed: int,
) -> PanelNoise:
    """Return the price at which no more than ``rate`` of the series without breaks get one.

    A placebo is a series of the panel without its levels: its season, and noise of its own deviation and
    autocorrelation, made anew from its shocks in blocks of twelve months (post-blackening).

    Parameters
    ----------
    values : (n, T)
        Logs; NaN where a month is missing.
    calendar : (T,)
        Month of the year of each period, 0 to 11.
    rate
        Share of placebo series that may get a break.
    shortest, fewest
        See :func:`entrepot.detect.kernels.breaks.series_breaks`.
    seed
        Seed of the draws.

    References
    ----------
    Davison and Hinkley (1997), *Bootstrap Methods and their Application*, section 8.2.3.
    """
    rng = np.random.default_rng(seed)
    judged = np.nonzero(np.isfinite(values).sum(axis=1) >= fewest)[0]
    if not judged.size:
        return PanelNoise(_RHO, _FIRST_PRICE, float("nan"), 0, np.zeros(0))
    chosen = rng.permutation(judged)[:_MOST_SERIES]
    rho0 = _RHO
    for _ in range(_ROUNDS):
        first = series_breaks(
            values[chosen], calendar, rho0=rho0, price=_FIRST_PRICE, shortest=shortest, fewest=fewest
        )
        is_known = np.isfinite(first.autocorrelation)
        weight = RHO_PRIOR / (np.isfinite(values[chosen[is_known]]).sum(axis=1) + RHO_PRIOR)
        # each was drawn towards where this round began
        own = (first.autocorrelation[is_known] - weight * rho0) / (1.0 - weight)
        middle = float(np.clip(np.median(own), 0.0, 1.0)) if own.size else _RHO
        rho0 = (own.size * middle + _RHO_SERIES * _RHO) / (own.size + _RHO_SERIES)
    fits = [
        fit_levels(values[series], calendar, rho0=rho0, price=_FIRST_PRICE, shortest=shortest)
        for series in chosen
    ]
    each = max(2, -(-_FEWEST_PLACEBOS // len(fits)))
    sets = [
        np.stack([_placebo(fit, values.shape[1], rng) for fit in fits for _ in range(half)])
        for half in (each // 2, each - each // 2)
    ]
    price = _PRICES[-1]
    for price in _PRICES:
        found = series_breaks(sets[0], calendar, rho0=rho0, price=price, shortest=shortest, fewest=fewest)
        if np.unique(found.series).size <= rate * len(sets[0]):
            break
    tested = series_breaks(sets[1], calendar, rho0=rho0, price=price, shortest=shortest, fewest=fewest)
    return PanelNoise(
        rho0=rho0,
        price=price,
        false_positive_rate=float(np.unique(tested.series).size / len(sets[1])),
        placebos=len(sets[1]),
        z=np.sort(tested.z),
    )


def _placebo(fit: LevelFit, periods: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a series with the fit's season and months, and noise made anew from its shocks.

    The rest is taken apart into shocks and what they leave in the next month. The shocks, in blocks in
    another order, are put together again with the autocorrelation and the deviation of the noise: a fit
    takes slow noise for a level, so that the rest itself has too little of both.
    """
    before, after = fit.rest[:-1], fit.rest[1:]
    power = float(before @ before)
    own = max(float(before @ after) / power, 0.0) if power > 0 else 0.0
    shocks = after - own * before
    shocks = shocks - shocks.mean()
    spread = float(shocks.std())
    rho = fit.autocorrelation
    shocks = shocks * (fit.noise * np.sqrt(1.0 - rho**2) / spread if spread > 0 else 0.0)
    length = periods + _BURN
    begins = rng.integers(0, shocks.size, -(-length // _BLOCK))
    drawn = shocks[(begins[:, None] + np.arange(_BLOCK)).ravel()[:length] % shocks.size]
    noise = lfilter([1.0], [1.0, -rho], drawn)[_BURN:]
    values = np.full(periods, np.nan)
    values[fit.at] = fit.season + noise[fit.at]
    return values
