r"""What a hub declares of what is sent to it beyond expectation; the rest of it goes unseen.

*Formula*  For hub h, over origins o and products k: x the excess of o's exports to h, m the excess of h's own
imports from o, divided by the pair's earlier ratio ρ⁰ (a hub that has always declared 30% of arrivals hides
nothing new), z the excess that the pair's share of the lost trade predicts. declared share φ_h =
Σ w·m ÷ Σ w·x, w = z/(e + c + z), e the expected leg, c the size at which flows appear from nothing. Goods
that the hub never bought before tell it as others do. The prediction z is an instrument: ordinary shipments
move x and m alike and would draw a plain regression to one. φ is drawn to one as far as its standard error
demands (prior standard deviation 0.5), and is one where the hub publishes no imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.bounds import Bounds
    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["declared_share", "mirror_ratio"]

_PRIOR_SD = 0.5
_SMALLEST = 0.02


def mirror_ratio(cells: Cells, noise: Noise) -> NDArray[np.float64]:
    """Return the importer's over the exporter's figure before the event, by pair.

    Pairs with little trade are drawn to their importer's ratio. NaN where the two books do not stand side
    by side.

    Returns
    -------
    (n_areas, n_areas)
        Ratio, on FOB; below one where the importer has always declared a part only.
    """
    declared = np.where(cells.has_mirror, cells.sum_by_pair(cells.mirror_before), 0.0)
    sent = np.where(cells.has_mirror, cells.sum_by_pair(cells.before), 0.0)
    whole = declared.sum(axis=0) / np.maximum(sent.sum(axis=0), 1e-300)
    whole = np.where(sent.sum(axis=0) > 0, whole, np.nan)
    ratio: NDArray[np.float64] = (declared + noise.floor * whole) / (sent + noise.floor)
    ratio[~cells.has_mirror] = np.nan
    return ratio


def declared_share(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    inbound: Bounds,
    usual_ratio: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the share of what reached each hub beyond expectation that the hub declares as arrived.

    Parameters
    ----------
    cells, expected, noise
        The flows, what was expected, and how much flows of that size change for no reason.
    inbound
        Inbound excess; its ``predicted_usd`` is the instrument.
    usual_ratio
        As of :func:`mirror_ratio`.

    Returns
    -------
    (n_areas,)
        Share between 0.02 and 1.
    """
    ratio = usual_ratio[cells.exporter[inbound.cell], cells.importer[inbound.cell]]
    usable = np.isfinite(ratio) & (ratio > 0)
    cell, ratio = inbound.cell[usable], ratio[usable]
    before, usual = cells.before[cell], ratio * expected[cell]
    np.divide(cells.mirror_before[cell] * expected[cell], before, out=usual, where=before > 0)
    sent = cells.after[cell] - expected[cell]
    declared = (cells.mirror_after[cell] - usual) / ratio
    predicted = inbound.predicted_usd[usable]
    weight = predicted / (expected[cell] + noise.floor + predicted)
    hub, n = cells.importer[cell], cells.n_areas
    base = sum_by(hub, weight * sent, n)
    share = np.divide(sum_by(hub, weight * declared, n), base, out=np.ones(n), where=base > 0)
    error = sum_by(hub, (weight * (declared - share[hub] * sent)) ** 2, n)
    variance = np.divide(error, base**2, out=np.full(n, np.inf), where=base > 0)
    drawn: NDArray[np.float64] = 1.0 + (share - 1.0) * _PRIOR_SD**2 / (_PRIOR_SD**2 + variance)
    return drawn.clip(_SMALLEST, 1.0)
