"""Sizes of flows: the noise of a report depends on how much it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SIZES", "by_size", "size_class"]

#: Sizes of a flow: under a thousand (USD, or units of the measure), then by factors of ten.
SIZES = 7
_SMALLEST = 3.0  # log10 of the first bound
#: Logarithms of round amounts are off by their last digit, and engines differ in it.
_ROUNDED = 1e-9


def size_class(log_amount: nw.Expr) -> nw.Expr:
    """Return the expression of the size class, 0 to ``SIZES`` − 1, of a natural logarithm."""
    tens = (log_amount / float(np.log(10.0)) - _SMALLEST + 1.0 + _ROUNDED).floor()
    return tens.clip(0.0, SIZES - 1.0).cast(nw.Int64)


def by_size(factors: Sequence[float], size: nw.Expr) -> nw.Expr:
    """Return the expression of the factor of a size class."""
    found: nw.Expr = nw.lit(float(factors[0]))
    for least in range(1, SIZES):
        found = nw.when(size >= least).then(nw.lit(float(factors[least]))).otherwise(found)
    return found
