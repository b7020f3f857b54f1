"""The flows of a finding month by month: for amounts by period and for charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.cells import find_cells
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.valued import MOSTLY_KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LegMonths", "leg_months", "leg_series"]


def leg_series(
    flows: nw.LazyFrame[Any],
    *,
    origins: Sequence[str],
    hubs: Sequence[str],
    destinations: Sequence[str],
    products: Sequence[str],
) -> pa.Table:
    """Return the three legs of the corridors over all periods in the data. One query.

    Returns
    -------
    pa.Table
        **Grain**: leg (``inbound``, ``onward``, ``direct``) × hub × period; ``usd`` summed over origins,
        destinations and products. ``hub`` is null for the direct leg. A period without any report of the
        leg has no row: that is not a zero.
    """
    senders, receivers = sorted({*origins, *hubs}), sorted({*hubs, *destinations})
    found = (
        flows.filter(
            nw.col("hs_code").is_in(list(products))
            & nw.col("exporter").is_in(senders)
            & nw.col("importer").is_in(receivers)
        )
        .group_by("exporter", "importer", "period")
        .agg(nw.col("value_usd").sum().alias("usd"))
        .collect(backend="pyarrow")
        .to_native()
    )
    sides = {
        "inbound": (origins, hubs, "importer"),
        "onward": (hubs, destinations, "exporter"),
        "direct": (origins, destinations, None),
    }
    parts: list[pa.Table] = []
    for leg, (exporters, importers, hub) in sides.items():
        keys = ["period"] if hub is None else [hub, "period"]
        mine = pc.and_(
            pc.is_in(found["exporter"], pa.array(list(exporters), found["exporter"].type)),
            pc.is_in(found["importer"], pa.array(list(importers), found["importer"].type)),
        )
        sums = found.filter(mine).group_by(keys).aggregate([("usd", "sum")])
        n = sums.num_rows
        parts.append(
            pa.table(
                {
                    "leg": pa.array([leg] * n, pa.string()),
                    "hub": sums[hub].cast(pa.string()) if hub else pa.nulls(n, pa.string()),
                    "period": sums["period"].cast(pa.string()),
                    "usd": sums["usd_sum"].cast(pa.float64()),
                }
            )
        )
    return pa.concat_tables(parts).sort_by(
        [("leg", "ascending"), ("hub", "ascending"), ("period", "ascending")]
    )


@dataclass(frozen=True, slots=True)
class LegMonths:
    """How the excess of inbound legs spreads over the periods of the after-window.

    Attributes
    ----------
    leg : (s,)
        Index of the leg.
    period : (s,)
        Period.
    share : (s,)
        Share of the leg's excess; the shares of a leg sum to one.
    rate : (s,)
        Amount in another unit of measure in a dollar of the leg; NaN where not known or not asked for.
    """

    leg: NDArray[np.int64]
    period: NDArray[np.str_]
    share: NDArray[np.float64]
    rate: NDArray[np.float64]

    def rate_of_legs(self, n: int) -> NDArray[np.float64]:
        """Return the rate of each of ``n`` legs over its periods; NaN where four fifths are not known."""
        is_known = np.isfinite(self.rate)
        leg, share = self.leg[is_known], self.share[is_known]
        known = sum_by(leg, share, n)
        amount = sum_by(leg, share * self.rate[is_known], n)
        rate: NDArray[np.float64] = np.divide(
            amount, known, out=np.full(n, np.nan), where=known >= MOSTLY_KNOWN
        )
        return rate


def leg_months(
    flows: nw.LazyFrame[Any],
    *,
    periods: Sequence[str],
    labels: tuple[Sequence[str], Sequence[str]],
    inbound: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    expected: NDArray[np.float64],
    column: str = "",
) -> LegMonths:
    """Return how the excess of each inbound leg spreads over the periods of the after-window. One query.

    Parameters
    ----------
    flows
        Reconciled flows.
    periods
        Periods of the after-window.
    labels
        Codes of areas and of products.
    inbound : three of (m,)
        Exporter, importer and product of the legs.
    expected : (m,)
        Expected USD of the whole window.
    column
        Column of ``flows`` with the amount in another unit.

    Returns
    -------
    LegMonths
        A leg that nowhere exceeds its expected monthly flow is spread as the flow itself; one without any
        monthly row stands in no period.
    """
    areas, products = (np.array(codes, dtype=object) for codes in labels)
    exporter, importer, product = inbound
    rows = (
        flows.filter(
            nw.col("period").is_in(list(periods))
            & nw.col("exporter").is_in(list(areas[np.unique(exporter)]))
            & nw.col("importer").is_in(list(areas[np.unique(importer)]))
            & nw.col("hs_code").is_in(list(products[np.unique(product)]))
        )
        .select("exporter", "importer", "hs_code", "period", "value_usd", *([column] if column else []))
        .collect(backend="pyarrow")
        .to_native()
    )

    def position(name: str, codes: NDArray[np.object_]) -> NDArray[np.int64]:
        index = {code: at for at, code in enumerate(codes)}
        return np.array([index[code] for code in rows[name].to_pylist()], dtype=np.int64)

    n_areas, n_products = areas.size, products.size
    own = (exporter * n_areas + importer) * n_products + product
    seen = (position("exporter", areas) * n_areas + position("importer", areas)) * n_products
    leg = find_cells(own, seen + position("hs_code", products))
    keep = leg >= 0
    leg = leg[keep]
    period = np.array(rows["period"].to_pylist(), dtype=str)[keep]
    value = rows["value_usd"].to_numpy()[keep]
    rate = np.full(value.size, np.nan)
    if column:
        amount = rows[column].cast(pa.float64()).to_numpy()[keep]
        np.divide(amount, value, out=rate, where=value > 0)
    beyond = np.maximum(value - expected[leg] / len(periods), 0.0)
    total = sum_by(leg, beyond, own.size)
    whole = sum_by(leg, value, own.size)
    share = (
        np.where(total[leg] > 0, beyond, value) / np.where(total > 0, total, np.maximum(whole, 1e-300))[leg]
    )
    is_there = share > 0
    return LegMonths(leg[is_there], period[is_there], share[is_there], rate[is_there])
