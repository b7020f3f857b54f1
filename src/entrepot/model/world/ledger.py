"""Sparse flows by exporter, importer and product, month by month, and how they add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Flows", "Ledger", "shift_months"]


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Flows between areas; F flows, T months.

    Attributes
    ----------
    source, target, product
        (F) indices of the sending area, the receiving area and the product.
    usd, kg
        (F, T) value and weight.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    product: NDArray[np.int64]
    usd: NDArray[np.float64]
    kg: NDArray[np.float64]

    def __len__(self) -> int:
        """Count the flows."""
        return len(self.source)

    def pick(self, rows: NDArray[np.int64]) -> Flows:
        """Return some of the flows."""
        return Flows(self.source[rows], self.target[rows], self.product[rows], self.usd[rows], self.kg[rows])


@dataclass(slots=True)
class Ledger:
    """A book being written: parts are entered one by one and added up at the end.

    Attributes
    ----------
    areas, products
        Numbers of areas and products, which make the key.
    parts
        What has been entered.
    """

    areas: int
    products: int
    parts: list[Flows] = field(default_factory=list)

    def enter(self, flows: Flows) -> None:
        """Enter flows; empty ones are left out."""
        if len(flows):
            self.parts.append(flows)

    def total(self) -> Flows:
        """Add up the entries by source, target and product, sorted by them."""
        n, K = self.areas, self.products
        if not self.parts:
            none, empty = np.empty(0, dtype=np.int64), np.empty((0, 0))
            return Flows(none, none, none, empty, empty)
        keys = [(part.source * n + part.target) * K + part.product for part in self.parts]
        found, position = np.unique(np.concatenate(keys), return_inverse=True)
        months = self.parts[0].usd.shape[1]
        usd, kg = np.zeros((len(found), months)), np.zeros((len(found), months))
        start = 0
        for part in self.parts:
            rows = position[start : start + len(part)]
            start += len(part)
            if len(np.unique(rows)) == len(rows):  # as of ordinary trade, which is most of it
                usd[rows] += part.usd
                kg[rows] += part.kg
            else:
                np.add.at(usd, rows, part.usd)
                np.add.at(kg, rows, part.kg)
        pair, product = np.divmod(found, K)
        return Flows(pair // n, pair % n, product, usd, kg)


def shift_months(values: NDArray[np.float64], lag: NDArray[np.int64]) -> NDArray[np.float64]:
    """Move each row of an (F, T) array later by its lag; what passes the last month drops out."""
    months = values.shape[1]
    source = np.arange(months)[None, :] - lag[:, None]
    taken = np.take_along_axis(values, np.maximum(source, 0), axis=1)
    return np.where(source >= 0, taken, 0.0)
