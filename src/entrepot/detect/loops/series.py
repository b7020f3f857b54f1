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

_NEAR = 2.0  # months over which a unit value says little of another month's


@dataclass(frozen=True, slots=True)
class Series:
    """Flows of chosen cells by month; n cells, T months.

    Attributes
    ----------
    cell : (n,)
        Positions among the cells of :class:`Trade`, increasing.
    usd, kg : (n, T)
        Value and weight; a month without a row is zero. A weight that is missing in a month is made with
        the cell's own unit value in the months about it, NaN where no month was weighed.
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
    kg = kg + np.where(usd > weighed, (usd - weighed) / _unit_values(weighed, kg), 0.0)
    observed = trade.observed[trade.exporter[cells], trade.importer[cells]]
    return Series(cell=cells, usd=usd, kg=kg, observed=observed)


def _unit_values(usd: NDArray[np.float64], kg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, T) the unit value of the weighed months about each month, the nearer the more."""
    month = np.arange(usd.shape[1])
    near = np.exp(-np.abs(month[:, None] - month) / _NEAR)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(usd / kg)
    known = np.isfinite(log)
    weight = known.astype(np.float64) @ near
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.exp(np.where(known, log, 0.0) @ near / weight))
