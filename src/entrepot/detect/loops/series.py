"""Month by month: the two legs of candidate round trips, and what was to be expected of each month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

    from entrepot.detect.loops.windows import Trade
    from entrepot.engine import Engine

__all__ = ["Series", "load_series"]


@dataclass(frozen=True, slots=True)
class Series:
    """Flows of chosen cells by month; n cells, T months.

    Attributes
    ----------
    cell : (n,)
        Positions among the cells of :class:`Trade`, increasing.
    usd, kg : (n, T)
        Value and weight; a month without a row is zero. A weight that is missing in a month is made with
        the cell's own unit value, NaN where no month was weighed.
    observed : (n, T)
        Whether anybody published the month.
    """

    cell: NDArray[np.int64]
    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    observed: NDArray[np.bool_]

    def rows(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of cells that are all in the series."""
        return np.searchsorted(self.cell, cells)


def load_series(engine: Engine, flows: nw.LazyFrame[Any], trade: Trade, cells: NDArray[np.int64]) -> Series:
    """Return the months of some cells. One query."""
    cells = np.unique(cells)
    areas, products = np.array(trade.areas, dtype=object), np.array(trade.products, dtype=object)
    wanted = pa.table(
        {
            "exporter": pa.array(areas[trade.exporter[cells]], pa.string()),
            "importer": pa.array(areas[trade.importer[cells]], pa.string()),
            "hs_code": pa.array(products[trade.product[cells]], pa.string()),
            "row": pa.array(np.arange(cells.size), pa.int64()),
        }
    )
    found = (
        flows.join(engine.arrow_frame(wanted), on=["exporter", "importer", "hs_code"], how="inner")
        .select("row", "period", "value_usd", "net_weight_kg")
        .collect(backend="pyarrow")
        .to_native()
    )
    month = {period: number for number, period in enumerate(trade.periods)}
    at = np.array([month[period] for period in found["period"].to_pylist()], dtype=np.int64)
    place = found["row"].to_numpy() * len(trade.periods) + at
    shape, size = (cells.size, len(trade.periods)), cells.size * len(trade.periods)
    value = found["value_usd"].to_numpy()
    weight = found["net_weight_kg"].to_numpy(zero_copy_only=False)
    is_weighed = np.nan_to_num(weight) > 0
    usd = sum_by(place, value, size).reshape(shape)
    kg = sum_by(place, np.where(is_weighed, weight, 0.0), size).reshape(shape)
    weighed = sum_by(place, np.where(is_weighed, value, 0.0), size).reshape(shape)
    total = weighed.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(total > 0, total / kg.sum(axis=1), np.nan)
    kg = kg + np.where(usd > weighed, (usd - weighed) / unit[:, None], 0.0)
    observed = trade.observed[trade.exporter[cells], trade.importer[cells]]
    return Series(cell=cells, usd=usd, kg=kg, observed=observed)
