"""Placebo windows of a whole world, in portions: products apart, each a world small enough to plant in.

A planted set needs every expected flow again. Of a world of millions of cells that takes seconds a set, and
tells no more: what an interval is learnt from are planted and estimated amounts, of which a portion of the
products holds hundreds. Growth of areas and shares of pairs are then learnt from fewer products than in the
event's own estimate: planted detours are harder to see there. How often the intervals hold the truth of a
world of that size has not been measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import Hidden
from entrepot.detect.kernels.sums import count_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question

__all__ = ["LARGEST_PORTION", "Portion", "n_portions", "portion"]

#: Cells of a placebo up to which it is planted in as a whole.
LARGEST_PORTION = 600_000


@dataclass(frozen=True, slots=True)
class Portion:
    """Some of the products.

    Attributes
    ----------
    cells, question
        Of these products, which have numbers of their own.
    products : (k,)
        The numbers that they have in the whole.
    share
        Part of the direct trade under measures that is theirs.
    """

    cells: Cells
    question: Question
    products: NDArray[np.int64]
    share: float


def n_portions(cells: Cells, *, largest: int = LARGEST_PORTION) -> int:
    """Return into how many portions cells are divided: one, as long as they are no more than the largest."""
    return max(math.ceil(cells.before.size / largest), 1)


def portion(cells: Cells, question: Question, at: int, *, n: int) -> Portion:
    """Return one of ``n`` portions: every ``n``-th product under measures, and every ``n``-th of the others.

    Products are taken by the size of their trade, so that each portion has large ones and small ones.
    """
    if n == 1:
        return Portion(cells, question, np.arange(cells.n_products), 1.0)
    count = count_by(cells.product, cells.n_products)
    ranked = np.lexsort((-count, ~question.listed))
    # Back and forth, or the first portion would have the larger one of every row.
    turn = np.arange(ranked.size) % (2 * n)
    chosen = np.sort(ranked[np.where(turn < n, turn, 2 * n - 1 - turn) == at])
    number = np.full(cells.n_products, -1, dtype=cells.product.dtype)
    number[chosen] = np.arange(chosen.size)
    is_mine = number >= 0
    mine = cells.only(is_mine[cells.product])
    lost = cells.under(question.is_treated, question.listed)
    whole = cells.after[lost].sum()
    own = cells.after[lost][is_mine[cells.product[lost]]].sum()
    return Portion(
        cells=replace(
            mine,
            product=number[mine.product],
            n_products=chosen.size,
            hidden=None
            if mine.hidden is None
            else Hidden(mine.hidden.goods[:, chosen], mine.hidden.no_kind[chosen]),
        ),
        question=replace(
            question,
            listed=question.listed[chosen],
            controls=None if question.controls is None else question.controls[chosen],
        ),
        products=chosen,
        share=float(own / whole) if whole > 0 else 1.0 / n,
    )
