r"""How trade moves through the months: by product, by exporter, by importer.

Every flow counts the same: its months are taken over its own average, and averaged over the flows of a
product (exporter, importer). A month of a flow is expected to be p_k(t)·E_i(t)·M_j(t) of its level, exporters
and importers over the world's path. Two areas that boom at once have more trade than their windows say one by
one, since the mean of a product is not the product of means: :meth:`Paths.together`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.loops.windows import Trade

__all__ = ["Paths", "load_paths"]

_MOST = 10.0  # a month of more than ten times the average says no more than one of ten times
_FEW = 5.0  # flows of the world's path that stand beside a group's own


@dataclass(frozen=True, slots=True)
class Paths:
    """Monthly trade over its average; exporters and importers over the world's.

    Attributes
    ----------
    product : (n_products, T)
        Path of each product.
    exporter, importer : (n_areas, T)
        Paths of each area, the world's taken out.
    """

    product: NDArray[np.float64]
    exporter: NDArray[np.float64]
    importer: NDArray[np.float64]

    def shape(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return (n, T) what is expected of each month of flows, but for their level."""
        return self.product[product] * self.exporter[exporter] * self.importer[importer]

    def together(self, months: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n_areas, n_areas) the mean of the joint path over the product of both means."""
        one, other = self.exporter[:, months], self.importer[:, months]
        joint = one @ other.T / months.size
        return np.asarray(joint / (one.mean(axis=1)[:, None] * other.mean(axis=1)[None, :]))


def load_paths(flows: nw.LazyFrame[Any], trade: Trade) -> Paths:
    """Return the paths. Three queries with small results."""
    away = flows.filter(nw.col("exporter") != nw.col("importer"))
    mean = away.group_by("exporter", "importer", "hs_code").agg(nw.col("value_usd").mean().alias("mean"))
    months = away.join(mean, on=["exporter", "importer", "hs_code"], how="inner").filter(nw.col("mean") > 0)
    relative = months.with_columns(
        nw.min_horizontal(nw.col("value_usd") / nw.col("mean"), nw.lit(_MOST)).alias("relative")
    )
    found = {}
    for key, codes, group in (
        ("hs_code", trade.products, trade.product),
        ("exporter", trade.areas, trade.exporter),
        ("importer", trade.areas, trade.importer),
    ):
        rows = (
            relative.group_by(key, "period")
            .agg(nw.col("relative").sum())
            .collect(backend="pyarrow")
            .to_native()
        )
        found[key] = _sums(rows, key, codes, trade.periods), _observed(trade, group, len(codes))
    total, count = (part.sum(axis=0) for part in found["hs_code"])
    world = total / np.maximum(count, 1.0)
    paths = {key: (sums + _FEW * world) / (observed + _FEW) for key, (sums, observed) in found.items()}
    return Paths(
        product=paths["hs_code"],
        exporter=paths["exporter"] / np.maximum(world, 1e-9),
        importer=paths["importer"] / np.maximum(world, 1e-9),
    )


def _sums(rows: pa.Table, key: str, codes: Sequence[str], periods: Sequence[str]) -> NDArray[np.float64]:
    place = {code: at for at, code in enumerate(codes)}
    month = {period: at for at, period in enumerate(periods)}
    sums = np.zeros((len(place), len(month)))
    for code, period, value in zip(
        *(rows[name].to_pylist() for name in (key, "period", "relative")), strict=True
    ):
        sums[place[code], month[period]] = value
    return sums


def _observed(trade: Trade, group: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return (size, T) how many flows of each group somebody could have reported in each month."""
    return np.stack(
        [
            sum_by(group, trade.observed[trade.exporter, trade.importer, month].astype(np.float64), size)
            for month in range(len(trade.periods))
        ],
        axis=1,
    )
