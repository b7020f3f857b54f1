"""Bounds: how far each leg departs from its expected flow, beyond the noise of its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["Bounds", "clear_pairs", "find_bounds"]

#: Strength of a departure that counts at most, and standard errors from which a pair departed as a whole.
_CLIP = 4.0
_CLEAR = 4.0
_MOST_BINS = 5
_FEWEST_IN_BIN = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Legs that depart from their expected flow by more than the noise of their size.

    Attributes
    ----------
    cell : (m,)
        Index of the leg's cell.
    usd : (m,)
        Excess (inbound, onward) or shortfall (direct), USD.
    net_usd : (m,)
        The same, scaled down by the chance that the departure is noise: with real noise the sum of positive
        parts alone is far too large.
    predicted_usd : (m,)
        What the pair as a whole lets expect of the leg, whatever the leg's own noise.
    """

    cell: NDArray[np.int64]
    usd: NDArray[np.float64]
    net_usd: NDArray[np.float64]
    predicted_usd: NDArray[np.float64]

    def scaled(self, share: NDArray[np.float64]) -> Bounds:
        """Return the bounds with the amounts of every leg multiplied by its share, (m,)."""
        return Bounds(self.cell, self.usd * share, self.net_usd * share, self.predicted_usd * share)

    def positive(self) -> Bounds:
        """Return the legs that can carry anything."""
        keep = self.net_usd > 0
        return Bounds(self.cell[keep], self.usd[keep], self.net_usd[keep], self.predicted_usd[keep])


def find_bounds(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.bool_],
    sign: int,
    z: float,
    is_clear: NDArray[np.bool_] | None = None,
) -> Bounds:
    """Return the legs whose departure has the given sign and exceeds ``z`` standard deviations.

    *Formula*  Noise departs as often one way as the other, so of n legs that depart by some strength and m
    that depart as strongly the other way, m/n are noise: ``net_usd`` = ``usd`` · (1 − m/n), in up to five
    classes of strength. Netting a pair's amounts instead lets one large product
    whose trade happened to rise hide the fall of all others.

    Parameters
    ----------
    cells, expected, noise
        The flows, what was expected, and how much flows of that size change for no reason.
    legs : (n,)
        Cells that may be such a leg.
    sign
        1 for an excess, -1 for a shortfall.
    z
        Threshold on the log scale.
    is_clear : (n_pairs,)
        Pairs that departed as a whole: no product of theirs has to exceed the threshold. None without it.
    """
    index = np.flatnonzero(legs)
    departure = sign * (cells.after[index] - expected[index])
    strength = sign * noise.log_change(cells.after[index], expected[index]) / noise.at(expected[index])
    least = np.full(index.size, z)
    if is_clear is not None:
        least[is_clear[cells.pair[index]]] = 0.0
    over = (strength > least) & (departure > 0)
    usd = departure[over]
    net_usd = usd * _real_share(strength[over], -strength[strength < -least])
    return Bounds(cell=index[over], usd=usd, net_usd=net_usd, predicted_usd=net_usd)


def clear_pairs(
    cells: Cells, expected: NDArray[np.float64], *, noise: Noise, legs: NDArray[np.bool_], sign: int
) -> NDArray[np.bool_]:
    """Return the pairs whose legs together depart by more than four standard errors.

    *Formula*  Σ clip(l_k ÷ σ_k, ±4) ÷ √n > 4 over the n products of the pair, l_k the log departure.

    Parameters
    ----------
    cells, expected, noise, legs, sign
        As for :func:`find_bounds`.

    Returns
    -------
    (n_pairs,)
        By exporter · n_areas + importer.
    """
    index = np.flatnonzero(legs)
    strength = sign * noise.log_change(cells.after[index], expected[index]) / noise.at(expected[index])
    pair, n_pairs = cells.pair[index], cells.n_areas**2
    count = np.bincount(pair, minlength=n_pairs)
    total = np.bincount(pair, weights=np.clip(strength, -_CLIP, _CLIP), minlength=n_pairs)
    clear: NDArray[np.bool_] = total > _CLEAR * np.sqrt(count)
    return clear


def _real_share(strength: NDArray[np.float64], opposite: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each departure the chance that it is not noise."""
    n_bins = int(np.clip(strength.size // _FEWEST_IN_BIN, 1, _MOST_BINS))
    edges = np.quantile(strength, np.linspace(0.0, 1.0, n_bins + 1)[1:-1]) if strength.size else np.zeros(0)
    at = np.searchsorted(edges, strength, side="right")
    ours = np.bincount(at, minlength=n_bins)
    theirs = np.bincount(np.searchsorted(edges, opposite, side="right"), minlength=n_bins)
    noise_share = np.minimum(theirs / np.maximum(ours, 1), 1.0)
    # The stronger, the less likely noise.
    real: NDArray[np.float64] = 1.0 - np.minimum.accumulate(noise_share)[at]
    return real
