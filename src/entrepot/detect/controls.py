r"""Growth by difference in differences: what the same areas traded more of in goods that were left alone.

*Formula*  growth_ijk = c_ij + p_k, with c_ij the growth of the pair in control goods (median over all, then
over the exporter's, the importer's and the pair's, each of what remains, weighted by precision and shrunk
with n/(n+4)), and p_k what product k grew beyond that between pairs that the event left alone: a third
difference, without which a good that the whole world buys more of would look rerouted.

Control goods are never the ancestors or descendants of a listed code, nor its neighbours in the same heading:
a code that was renumbered at the event falls when its successor rises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.medians import grouped_median
from entrepot.nomenclature import related_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["control_goods", "control_growth"]

_SHRINK = 4.0
_HEADING = 4


def control_goods(products: Sequence[str], listed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which products may serve as controls: unlisted, unrelated to any listed one by code or heading.

    Parameters
    ----------
    products
        Codes of the data.
    listed : (n_products,)
        Products under measures.
    """
    if listed.all():
        return ~listed
    under = {code for code, is_listed in zip(products, listed, strict=True) if is_listed}
    related = related_codes(under)
    headings = {code[:_HEADING] for code in related}
    return np.array(
        [code not in related and code[:_HEADING] not in headings for code in products], dtype=bool
    )


def control_growth(
    cells: Cells, *, untreated: NDArray[np.bool_], controls: NDArray[np.bool_], noise: Noise
) -> NDArray[np.float64]:
    """Return the log growth of every cell that its pair's control goods let expect.

    Parameters
    ----------
    cells, noise
        The flows and the precision of each.
    untreated : (n,)
        Cells that the event cannot have touched, listed goods among them: they tell the products' growth.
    controls : (n_products,)
        Control goods.

    Returns
    -------
    (n,)
        c_ij + p_k.
    """
    change = noise.log_change(cells.after, cells.before)
    weights = 1.0 / noise.at(cells.before) ** 2
    is_control = untreated & controls[cells.product]
    growth = np.zeros(change.size)
    everything = np.zeros(change.size, dtype=np.int64)
    for group, size, shrink in (
        (everything, 1, 0.0),
        (cells.exporter, cells.n_areas, _SHRINK),
        (cells.importer, cells.n_areas, _SHRINK),
        (cells.pair, cells.n_areas**2, _SHRINK),
    ):
        found = grouped_median(change - growth, weights, np.where(is_control, group, np.int64(-1)), size)
        growth = growth + (np.nan_to_num(found.value) * found.count / (found.count + shrink + 1e-300))[group]
    by_product = np.where(untreated, cells.product, np.int64(-1))
    found = grouped_median(change - growth, weights, by_product, cells.n_products)
    product = np.nan_to_num(found.value) * found.count / (found.count + _SHRINK)
    total: NDArray[np.float64] = growth + product[cells.product]
    return total
