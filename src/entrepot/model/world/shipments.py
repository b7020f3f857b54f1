"""From an intensity (USD a month) to what leaves in each month.

Rough trade is calibrated on the exports of EU member states to seven partners by HS6, 2020–2022: the
constants below were fitted, by differential evolution on flows of lognormal size, to the log changes
between windows of 1, 7 and 12 months, overall and by fifth of size, to the shares of flows that appear or
vanish, to the number of active months and to the sizes. ``tests/model`` holds the comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.options import Setting

__all__ = ["ROUGH_LEVEL", "persistent_paths", "ship"]

_SMOOTH_SD = 0.12  # monthly noise of a smooth flow, in logs
_SMOOTH_STEP = 0.015  # monthly step of its persistent component

#: Median USD a month of the flows of a rough world, and their standard deviation in logs.
ROUGH_LEVEL = (67.0, 3.64)
_FREQUENCY = 0.125  # shipments a month of a flow of 1,000 USD a month
_FREQUENCY_POWER = 0.848  # their growth with the flow's size
_FREQUENCY_SD = 1.811  # their spread, in logs, between flows of one size
_SHIPMENT_SD = 1.227  # spread of the shipments of one flow, in logs
_STEP = 0.067  # monthly step of the persistent component of a flow of 10,000 USD a month
_STEP_POWER = -0.30  # its change with the flow's size
_STEP_RANGE = (0.01, 0.6)
_REVERSION = 0.093  # monthly return of the persistent component to its mean


def persistent_paths(
    ln_level: NDArray[np.float64], months: int, setting: Setting, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the (flows, months) persistent components of flows in logs: a slowly reverting walk.

    Parameters
    ----------
    ln_level
        (flows) log USD a month; small flows wander more in a rough world.
    months
        Length of the paths.
    setting
        Smooth or rough.
    rng
        Stream to draw from.
    """
    if setting == "smooth":
        step, kept = np.full(len(ln_level), _SMOOTH_STEP), 1.0
        start = np.zeros(len(ln_level))
    else:
        step = np.clip(_STEP * np.exp(_STEP_POWER * (ln_level - np.log(1e4))), *_STEP_RANGE)
        kept = 1.0 - _REVERSION
        start = step / np.sqrt(1.0 - kept**2)
    draws = rng.normal(size=(months, len(ln_level)))
    path = np.empty((months, len(ln_level)))
    path[0] = start * draws[0]
    for t in range(1, months):
        path[t] = kept * path[t - 1] + step * draws[t]
    return np.ascontiguousarray(path.T)


def ship(
    intensity: NDArray[np.float64],
    setting: Setting,
    rng: np.random.Generator,
    *,
    least_frequency: float = 0.0,
) -> NDArray[np.float64]:
    """Draw what leaves in each month; its mean is the intensity.

    Smooth flows have lognormal noise. Rough ones are compound Poisson: a Poisson number N of shipments of
    lognormal sizes, whose sum given N is drawn as the lognormal of the same mean and variance (exact for
    N = 1). Where the intensity of a flow moves, half of the move (in logs) is in the number of shipments
    and half in their size.

    Parameters
    ----------
    intensity
        (flows, T) mean USD of each month.
    setting
        Smooth or rough.
    rng
        Stream to draw from.
    least_frequency
        Fewest shipments a month of a rough flow while it is open: a business with customers waiting does
        not send one shipment in ten years.
    """
    if setting == "smooth":
        noise = rng.normal(-0.5 * _SMOOTH_SD**2, _SMOOTH_SD, intensity.shape)
        return np.asarray(intensity * np.exp(noise))
    open_months = np.maximum((intensity > 0).sum(axis=1, keepdims=True), 1)
    mean = np.maximum(intensity.sum(axis=1, keepdims=True) / open_months, 1e-9)
    spread = np.exp(rng.normal(0.0, _FREQUENCY_SD, mean.shape))
    frequency = np.maximum(_FREQUENCY * (mean / 1000.0) ** _FREQUENCY_POWER * spread, least_frequency)
    move = np.sqrt(intensity / mean)
    number = rng.poisson(np.minimum(frequency * move, 1e6))
    out = np.zeros_like(intensity)
    some = np.nonzero(number)
    n = number[some]
    variance = np.log1p(np.expm1(_SHIPMENT_SD**2) / n)
    sizes = np.exp(rng.normal(size=len(n)) * np.sqrt(variance) - 0.5 * variance)
    out[some] = n * (move * (mean / frequency))[some] * sizes
    return out
