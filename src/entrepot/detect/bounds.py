"""Bounds: how far each leg departs from its expected flow, beyond the noise of its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["Bounds", "find_bounds"]


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
        The same, scaled down so that the sum over a pair's products is not more than the pair's net
        departure: with real noise the sum of positive parts alone is far too large.
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
) -> Bounds:
    """Return the legs whose departure has the given sign and exceeds ``z`` standard deviations.

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
    """
    index = np.flatnonzero(legs)
    departure = sign * (cells.after[index] - expected[index])
    strength = sign * noise.log_change(cells.after[index], expected[index]) / noise.at(expected[index])
    over = (strength > z) & (departure > 0)
    pair = cells.pair[index]
    n_pairs = cells.n_areas**2
    net = np.maximum(sum_by(pair, departure, n_pairs), 0.0)
    gross = sum_by(pair[over], departure[over], n_pairs)
    share = np.divide(net, gross, out=np.zeros(n_pairs), where=gross > 0)
    usd = departure[over]
    net_usd = usd * np.minimum(share, 1.0)[pair[over]]
    return Bounds(cell=index[over], usd=usd, net_usd=net_usd, predicted_usd=net_usd)
