r"""What an area sells more of in exactly the goods that lost their direct road, to everybody else.

A boom of an innocent area in the goods under measures, of its own making, looks like goods passed on: its
purchases rise, and its sales to the destination rise with its sales to all others. Product by product those
others are few and say little; over all goods that fell on the direct road they say it.

*Formula*  A good fell where its direct flows, together, are under 0.6 of the expected ones and three standard
errors beneath them on the log scale. The growth of an area that is no origin is the weighted median, over its
flows of such goods to areas that are no destinations, of ln(after ÷ expected), shrunk with n/(n+4); of fewer
than eight flows it is none. All that it sells of these goods is expected to have grown so. In sixteen smooth
worlds (44 × 120) areas that boomed for reasons of their own had 2.1% of the true volume without this and 1.6%
with it; the absolute error went from 0.168 to 0.160. Ten rough ones were as before (0.174, 0.175).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.baseline import Baseline, drawn
from entrepot.detect.kernels.medians import Members
from entrepot.detect.kernels.small_groups import small_median, sorted_groups
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.kernels.threads import in_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.baseline import Expected
    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.noise import Noise

__all__ = ["with_sales_growth"]

_FEWEST = 8

#: A good fell: what is left of the expected flow at most, and how far beneath it is in standard errors.
_LEFT = 0.6
_CLEAR = 3.0


def with_sales_growth(
    expected: Expected, cells: Cells, *, question: Question, noise: Noise, direct: NDArray[np.bool_]
) -> Expected:
    """Return the expected flows with what each area sells more of, elsewhere, of the goods that fell.

    Left as they are where the baseline is not of untreated trade.

    Parameters
    ----------
    expected, cells, question, noise
        The flows, what was expected, who is asked about, and how much flows change for no reason.
    direct : (n,)
        Flows under measures.
    """
    if expected.baseline is not Baseline.UNTREATED:
        return expected
    fell = _fallen(cells, expected.usd, noise=noise, direct=direct) & question.listed

    def is_elsewhere(
        e: NDArray[np.integer], i: NDArray[np.integer], k: NDArray[np.integer]
    ) -> NDArray[np.bool_]:
        one: NDArray[np.bool_] = fell[k] & ~question.origins[e] & ~question.destinations[i]
        return one

    columns = cells.exporter, cells.importer, cells.product
    at = np.flatnonzero(in_blocks(is_elsewhere, *columns, dtype=np.bool_))
    usual, seller = expected.usd[at], cells.exporter[at].astype(np.int32)
    change = noise.log_change(cells.after[at], usual)
    every, nothing = np.ones(at.size, dtype=bool), np.zeros(cells.n_areas)
    members = Members(change, 1.0 / noise.at(usual) ** 2, every, seller, nothing, seller, nothing, seller)
    found = small_median(sorted_groups(seller, cells.n_areas), members)
    growth = np.where(found.count >= _FEWEST, drawn(found), 0.0)
    usd = in_blocks(
        lambda flow, e, k: np.where(fell[k], flow * np.exp(growth[e]), flow),
        expected.usd,
        cells.exporter,
        cells.product,
    )
    return replace(expected, usd=usd)


def _fallen(
    cells: Cells, expected: NDArray[np.float64], *, noise: Noise, direct: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return (n_products) whether the direct flows of a good fell, all together."""
    at = np.flatnonzero(direct)
    product, usual, after = cells.product[at], expected[at], cells.after[at]
    precision = 1.0 / noise.at(usual) ** 2

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return sum_by(product, values, cells.n_products)

    strength = total(precision * noise.log_change(after, usual))
    fell: NDArray[np.bool_] = (strength < -_CLEAR * np.sqrt(total(precision))) & (
        total(after) < _LEFT * total(usual)
    )
    return fell
