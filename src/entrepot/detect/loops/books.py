r"""How much each reporter's book of exports and of imports stray from month to month, and which one leads.

*Formula.* The log gap of a flow's two books, less its own middle gap, has by pair of areas the robust
variance d_ij. Lasting differences, freight and under-declaration among them, are in the middle gap. With v_i
the monthly noise of i's book of exports and u_j that of j's book of imports::

    d_ij = v_i + u_j,      v_i = middle over j of d_ij − u_j,      u_j = middle over i of d_ij − v_i

A gap tells books apart from one another but for one number that may be moved from all v to all u: books of
exports are taken to be as good as books of imports on the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.noise import MAD_TO_SD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.windows import Trade
    from entrepot.engine import Engine

__all__ = ["BookNoise", "book_noise", "lead_books"]

_FEWEST_MONTHS = 4
_ENOUGH = 400.0  # months of a pair beyond which more say no more
_FEW = 50.0
_ROUNDS = 6
_RANGE = (0.01, 0.6)
_DEFAULT = 0.1
_BETTER = 2.0  # noise of the exporter's book over that of the importer's from which the importer's leads
_POOR = (
    0.2  # and what it must be at least: a part of the goods may stand under another origin in the importer's
)
_KEYS = ("exporter", "importer", "hs_code")


@dataclass(frozen=True, slots=True)
class BookNoise:
    """Standard deviations of the months in both books, in logs.

    Attributes
    ----------
    exports, imports
        By reporter: its book of exports, and of imports. A reporter that no partner can be compared with
        is not in them.
    usual
        Of the middle reporter's exports and imports, for those.
    """

    exports: dict[str, float]
    imports: dict[str, float]
    usual: tuple[float, float]

    def leads(self, exporter: str, importer: str) -> bool:
        """Return whether the importer's book says better what left in which month."""
        if exporter not in self.exports or importer not in self.imports:
            return False
        poor = max(_POOR, _BETTER * self.imports[importer])
        return self.exports[exporter] > poor

    def variance(self, trade: Trade) -> NDArray[np.float64]:
        """Return (n_areas, n_areas) the variance of the months of flows in the book that leads."""
        areas = trade.areas
        exports = np.array([self.exports.get(area, self.usual[0]) for area in areas])
        imports = np.array([self.imports.get(area, self.usual[1]) for area in areas])
        has_exports = np.array([bool(trade.calendar.exports.get(area)) for area in areas])
        by_importer = ~np.broadcast_to(has_exports[:, None], (len(areas), len(areas))).copy()
        for one, exporter in enumerate(areas):
            for other, importer in enumerate(areas):
                by_importer[one, other] |= self.leads(exporter, importer)
        return np.where(by_importer, imports[None, :] ** 2, exports[:, None] ** 2)


def book_noise(flows: nw.LazyFrame[Any]) -> BookNoise:
    """Learn the noise of both books of every reporter from the flows that two books hold. One query.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    """
    both = (nw.col("exporter_report_usd") > 0) & (nw.col("importer_report_usd") > 0)
    gap = nw.col("importer_report_usd").log() - nw.col("exporter_report_usd").log()
    pairs = (
        flows.filter(both & (nw.col("exporter") != nw.col("importer")))
        .with_columns(gap.alias("gap"))
        .with_columns(
            nw.col("gap").median().over(*_KEYS).alias("middle"), nw.len().over(*_KEYS).alias("months")
        )
        .filter(nw.col("months") >= _FEWEST_MONTHS)
        .with_columns((nw.col("gap") - nw.col("middle")).abs().alias("away"))
        .group_by("exporter", "importer")
        .agg(nw.col("away").median(), nw.len().alias("months"))
        .sort("exporter", "importer")
        .collect(backend="pyarrow")
        .to_native()
    )
    if not pairs.num_rows:
        return BookNoise({}, {}, (_DEFAULT, _DEFAULT))
    variance = (MAD_TO_SD * pairs["away"].to_numpy()) ** 2
    weight = np.minimum(pairs["months"].to_numpy().astype(np.float64), _ENOUGH)
    exporters, i = np.unique(np.array(pairs["exporter"].to_pylist()), return_inverse=True)
    importers, j = np.unique(np.array(pairs["importer"].to_pylist()), return_inverse=True)
    v, u = np.zeros(exporters.size), np.full(importers.size, 0.5 * float(np.median(variance)))
    for _ in range(_ROUNDS):
        v = _middle(variance - u[j], weight, i, exporters.size)
        u = _middle(variance - v[i], weight, j, importers.size)
        moved = 0.5 * (float(np.median(v)) - float(np.median(u)))
        v, u = v - moved, u + moved
    exports, imports = (np.sqrt(np.clip(values, _RANGE[0] ** 2, _RANGE[1] ** 2)) for values in (v, u))
    return BookNoise(
        dict(zip(exporters.tolist(), exports.tolist(), strict=True)),
        dict(zip(importers.tolist(), imports.tolist(), strict=True)),
        (float(np.median(exports)), float(np.median(imports))),
    )


def _middle(
    values: NDArray[np.float64], weight: NDArray[np.float64], group: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """Return the median of each group, drawn to the median of all where few months say it."""
    found = grouped_median(values, weight, group.astype(np.int64), size).value
    total = np.bincount(group, weights=weight, minlength=size)
    middle = float(np.median(found))
    return np.asarray((found * total + middle * _FEW) / (total + _FEW))


def lead_books(flows: nw.LazyFrame[Any], noise: BookNoise, engine: Engine) -> nw.LazyFrame[Any]:
    """Return the flows with the importer's report, on the exporter's valuation, where that book leads.

    Only a flow and month that both books hold changes: what the importer does not show may stand there
    under another origin.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    noise
        See :func:`book_noise`.
    engine
        Where the flows live.
    """
    pairs = [(e, i) for e in noise.exports for i in noise.imports if e != i and noise.leads(e, i)]
    if not pairs:
        return flows
    table = pa.table(
        {
            "exporter": pa.array([e for e, _ in pairs], pa.string()),
            "importer": pa.array([i for _, i in pairs], pa.string()),
            "lead": pa.array([1.0] * len(pairs), pa.float64()),
        }
    )
    both = (nw.col("exporter_report_usd") > 0) & (nw.col("importer_report_usd") > 0)
    other = nw.col("importer_report_usd") / nw.col("cif_fob_ratio")
    is_led = both & ~nw.col("lead").is_null()
    return flows.join(engine.arrow_frame(table), on=["exporter", "importer"], how="left").with_columns(
        nw.when(is_led).then(other).otherwise(nw.col("value_usd")).alias("value_usd"),
        nw.when(is_led)
        .then(nw.col("net_weight_kg") * other / nw.col("exporter_report_usd"))
        .otherwise(nw.col("net_weight_kg"))
        .alias("net_weight_kg"),
    )
