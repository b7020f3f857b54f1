"""What a question about unit values returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.detect.prices.options import PriceOptions

__all__ = ["PriceResult"]


@dataclass(frozen=True, slots=True, eq=False)
class PriceResult:
    """Unit values of one question.

    Attributes
    ----------
    table
        Columns of ``out__price_markup``, ``out__price_change`` or ``out__price_outlier``.
    options
        What was asked.
    flows
        Flows and periods read.
    left_out
        Rows that have no part in unit values, by reason.
    money
        What values are in: ``USD``, ``EUR``, ``USD at prices of 2021``.
    """

    table: pa.Table
    options: PriceOptions
    flows: int
    left_out: dict[str, int]
    money: str = "USD"
