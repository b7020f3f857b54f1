"""What detours are worth in another unit of measure: euro, pieces, kilograms, the prices of a base year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

    from entrepot.detect.parts import Parts

__all__ = ["MOSTLY_KNOWN", "WEIGHT", "Measured", "ValuedTotal", "group_rate"]

#: Column of weights, which every cell has beside its value.
WEIGHT = "net_weight_kg"

#: Part of a sum's value whose rate must be known before the sum is given one.
MOSTLY_KNOWN = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Flows with their amount in another unit of measure.

    Attributes
    ----------
    rows
        Rows of ``core__reconciled`` with the column.
    column
        Column of the amount.
    unit
        The unit in words: ``EUR``, ``kg``, ``u``, ``USD at prices of 2021``.
    """

    rows: nw.LazyFrame[Any]
    column: str
    unit: str


@dataclass(frozen=True, slots=True)
class ValuedTotal:
    """The headline in another unit of measure.

    Attributes
    ----------
    unit
        The unit in words.
    amount, low_amount, high_amount
        The total and its 90% interval; NaN where too little of it has the unit.
    """

    unit: str
    amount: float
    low_amount: float
    high_amount: float


def group_rate(
    parts: Parts, rate: NDArray[np.float64], ids: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Return what a dollar of each group is in another unit: the mean of its parts, weighted by their value.

    Parameters
    ----------
    parts : (m,)
        Amounts.
    rate : (m,)
        Amount in the other unit per dollar of each part; NaN where not known.
    ids : (m,)
        Group of each part.
    n
        Number of groups.

    Returns
    -------
    (n,)
        NaN where under four fifths of the group's value have a rate. A group in which nothing was found
        has the plain mean of its parts: its upper end is an amount too.
    """
    is_known = np.isfinite(rate)
    value = sum_by(ids, parts.usd, n)
    weight = np.where(value[ids] > 0, parts.usd, 1.0)
    whole = sum_by(ids, weight, n)
    known = sum_by(ids[is_known], weight[is_known], n)
    amount = sum_by(ids[is_known], (weight * rate)[is_known], n)
    enough = (known > 0) & (known >= MOSTLY_KNOWN * whole)
    mean: NDArray[np.float64] = np.divide(amount, known, out=np.full(n, np.nan), where=enough)
    return mean
