r"""Growth by a gravity model: Poisson with three-way fixed effects, on cells the event cannot have touched.

*Formula*  E[x_ijk,t] = exp(α_ik,t + β_jk,t + γ_ijk) over the two windows t, by Poisson pseudo-maximum
likelihood (Santos Silva and Tenreyro 2006, Review of Economics and Statistics 88(4); three-way: Weidner and
Zylkin 2021, Journal of International Economics 132). With two periods γ is conditioned out exactly (Hausman,
Hall and Griliches 1984, Econometrica 52(4)): given x_ijk,0 + x_ijk,1 = n, the later part is binomial with log
odds α_ik + β_jk, the growth. Solved by Newton steps, supplier × product and importer × product in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells

__all__ = ["LARGEST_GRAVITY", "gravity_growth"]

#: Cells up to which the model is fitted.
LARGEST_GRAVITY = 2_000_000

#: No effect is beyond this log growth: a supplier that sold nothing later has none that is finite.
_LARGEST = 4.0
_ROUNDS = 200
_TOLERANCE = 1e-9


def gravity_growth(cells: Cells, untreated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log growth of every cell that the model expects.

    Parameters
    ----------
    cells
        The flows.
    untreated : (n,)
        Cells that the event cannot have touched: the model is fitted on them.

    Returns
    -------
    (n,)
        α_ik + β_jk. A supplier or importer without an untreated cell of a product has the product's mean.
    """
    used = untreated & (cells.before + cells.after > 0)
    sides = [
        _Side(area[used] * cells.n_products + cells.product[used], cells.n_areas * cells.n_products)
        for area in (cells.exporter, cells.importer)
    ]
    total, later = (cells.before + cells.after)[used], cells.after[used]
    effects = [np.zeros(side.size) for side in sides]
    for _ in range(_ROUNDS):
        moved = 0.0
        for at, side in enumerate(sides):
            growth = effects[0][sides[0].group] + effects[1][sides[1].group]
            share = 1.0 / (1.0 + np.exp(-growth))
            step = side.newton(later - total * share, total * share * (1.0 - share))
            changed = np.clip(effects[at] + step, -_LARGEST, _LARGEST)
            moved = max(moved, float(np.max(np.abs(changed - effects[at]), initial=0.0)))
            effects[at] = changed
        if moved < _TOLERANCE:
            break
    # Where a supplier or an importer has no effect of its own, the product's mean stands in.
    product = cells.product[used]
    weight = sum_by(product, total, cells.n_products)
    result = np.zeros(cells.before.size)
    for effect, side, area in zip(effects, sides, (cells.exporter, cells.importer), strict=True):
        whole = sum_by(product, total * effect[side.group], cells.n_products)
        mean = np.divide(whole, weight, out=np.zeros(weight.size), where=weight > 0)
        known = np.bincount(side.group, minlength=side.size) > 0
        own = area * cells.n_products + cells.product
        result += np.where(known[own], effect[own], mean[cells.product])
    return result


class _Side:
    """One of the two sets of effects: which one each cell has."""

    def __init__(self, group: NDArray[np.int64], size: int) -> None:
        self.group = group
        self.size = size

    def newton(self, gap: NDArray[np.float64], curvature: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the Newton step of every effect, at most one in size."""
        slope = sum_by(self.group, gap, self.size)
        bend = sum_by(self.group, curvature, self.size)
        step = np.divide(slope, bend, out=np.zeros(self.size), where=bend > 0)
        return np.clip(step, -1.0, 1.0)
