"""What a hub puts on the price of goods that pass it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question

__all__ = ["hub_markup"]

_LARGEST_MARKUP = 1.5
_FEWEST_UNIT_VALUES = 5


def hub_markup(cells: Cells, question: Question) -> NDArray[np.float64]:
    """Return each hub's mark-up: unit value to the destinations over unit value from the origins.

    The median over products with weights on both legs, between 1 and 1.5; 1 where fewer than five
    products have weights, which leaves the onward bound wider rather than narrower.

    Returns
    -------
    (n_areas,)
        Ratio of unit values.
    """
    n, hubs = cells.n_areas * cells.n_products, question.hubs
    arrives, leaves = question.origins[:, None] & hubs, hubs[:, None] & question.destinations

    def unit_value(pairs: NDArray[np.bool_], hub: NDArray[np.int64]) -> NDArray[np.float64]:
        legs = cells.under(pairs, question.listed)
        legs = legs[(cells.after_kg[legs] > 0) & (cells.after[legs] > 0)]
        at = hub[legs] * cells.n_products + cells.product[legs]
        usd = sum_by(at, cells.after[legs], n)
        kg = sum_by(at, cells.after_kg[legs], n)
        ratio: NDArray[np.float64] = np.divide(usd, kg, out=np.full(n, np.nan), where=kg > 0)
        return ratio

    arriving, leaving = unit_value(arrives, cells.importer), unit_value(leaves, cells.exporter)
    ratio = (leaving / arriving).reshape(cells.n_areas, cells.n_products)
    markup = np.ones(cells.n_areas)
    for hub in np.flatnonzero(question.hubs):
        known = ratio[hub][np.isfinite(ratio[hub])]
        if known.size >= _FEWEST_UNIT_VALUES:
            markup[hub] = np.clip(np.median(known), 1.0, _LARGEST_MARKUP)
    return markup
