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
    n = cells.n_areas * cells.n_products
    weighed = (cells.after_kg > 0) & (cells.after > 0) & question.listed[cells.product]

    def unit_value(legs: NDArray[np.bool_], hub: NDArray[np.int64]) -> NDArray[np.float64]:
        at = hub[legs] * cells.n_products + cells.product[legs]
        usd = sum_by(at, cells.after[legs], n)
        kg = sum_by(at, cells.after_kg[legs], n)
        ratio: NDArray[np.float64] = np.divide(usd, kg, out=np.full(n, np.nan), where=kg > 0)
        return ratio

    arriving = unit_value(
        weighed & question.origins[cells.exporter] & question.hubs[cells.importer], cells.importer
    )
    leaving = unit_value(
        weighed & question.hubs[cells.exporter] & question.destinations[cells.importer], cells.exporter
    )
    ratio = (leaving / arriving).reshape(cells.n_areas, cells.n_products)
    markup = np.ones(cells.n_areas)
    for hub in np.flatnonzero(question.hubs):
        known = ratio[hub][np.isfinite(ratio[hub])]
        if known.size >= _FEWEST_UNIT_VALUES:
            markup[hub] = np.clip(np.median(known), 1.0, _LARGEST_MARKUP)
    return markup
