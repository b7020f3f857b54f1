r"""The excess of a leg, pooled over the products of its pair.

A pair's excess in one product is mostly noise; over all products that lost their direct road it is not. So
the pair's excess is read as a share of what the products lost, and every product is drawn to that share as
far as its own noise demands.

*Formula*  x_k = after − expected of the leg, L_k what product k lost on the direct road, σ_k the noise of the
leg. x_k ~ N(s·L_k·ε_k, σ_k²) with a relative spread τ = 1 of ε around one: s by weighted least squares,
weights 1/(σ_k² + (τ s L_k)²), three rounds; then the posterior mean of s·L_k·ε_k. A pair whose share is under
two standard errors has none (with n < 5 products: under 0.9·√n, which for one product is an excess of twice
its noise). On the legs to and from hubs this stands in for a threshold on every product:
against that it lowered the median absolute error from 0.27 to 0.21 of the true volume in five smooth worlds
and from 0.32 to 0.29 in three rough ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.bounds import Bounds
from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["pooled_excess"]

_SPREAD = 1.0
_ROUNDS = 3
_SMALLEST_SHARE = 0.02
_STANDARD_ERRORS = 2.0
_NEAR_ALL = 0.9


def pooled_excess(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.bool_],
    lost: NDArray[np.float64],
) -> Bounds:
    """Return the excess of each leg as a part of what its product lost.

    Parameters
    ----------
    cells, expected, noise
        The flows, what was expected, and how much flows of that size change for no reason.
    legs : (n,)
        Cells that may be such a leg.
    lost : (n,)
        USD that the cell's product lost on the direct road.

    Returns
    -------
    Bounds
        Every leg of the pairs that have an excess; never more than the leg's own, which may be nothing.
    """
    index = np.flatnonzero(legs & (lost > 0))
    n_pairs = cells.n_areas**2
    pair = cells.pair[index]
    beyond = cells.after[index] - expected[index]
    reference = lost[index]
    variance = (noise.at(expected[index]) * (expected[index] + noise.floor)) ** 2
    share = np.zeros(n_pairs)
    precision = np.zeros(n_pairs)
    for _ in range(_ROUNDS):
        spread = _SPREAD * np.maximum(share, _SMALLEST_SHARE)[pair] * reference
        weight = reference / (variance + spread**2)
        precision = sum_by(pair, weight * reference, n_pairs)
        total = sum_by(pair, weight * beyond, n_pairs)
        share = np.maximum(np.divide(total, precision, out=np.zeros(n_pairs), where=precision > 0), 0.0)
    # With few products the spread alone keeps the ratio under √n, however clear the excess: ask for less.
    products = np.bincount(pair, minlength=n_pairs)
    is_real = share * np.sqrt(precision) > np.minimum(_STANDARD_ERRORS, _NEAR_ALL * np.sqrt(products))
    mean = np.where(is_real, share, 0.0)[pair] * reference
    spread = (_SPREAD * mean) ** 2
    posterior = np.divide(
        beyond * spread + mean * variance, spread + variance, out=np.zeros(mean.size), where=mean > 0
    )
    # No product passes more than its own excess, whatever the pair as a whole says.
    usd = np.clip(posterior, 0.0, np.maximum(beyond, 0.0))
    real = mean > 0
    return Bounds(cell=index[real], usd=usd[real], net_usd=usd[real], predicted_usd=mean[real])
