r"""What a kilogram of a flow is usually worth, by month, and how far goods that go round may be from that.

*Formula.* The usual log unit value of a flow is that of its quiet months, moved as those of its product and
of its exporter moved: with a(t) the middle of ln(USD/kg), less each flow's own mean, over the flows of a
product, and g(t) the middle of what is left over the flows of an exporter::

    ln u(t) = ln(USD/kg before) − mean before of (a + g) + a(t) + g(t)

A flow that never was has the unit value at which its exporter sold the product to others.

How far goods that go round are from usual ones is learnt from the same books: as far as what an exporter
sells to one buyer is from what he sells to the next. A part of them is allowed to be nothing like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.loops.windows import Trade
    from entrepot.engine import Engine

__all__ = ["USUAL_GOODS", "Likeness", "UnitValues", "goods_likeness", "load_unit_values"]

_FEW = 4.0  # flows of the world's path that stand beside a group's own
_FEWEST = 200
_QUANTILES = (0.5, 0.8, 0.95)
_NORMAL = np.array([0.6745, 1.2816, 1.96])  # the same quantiles of the size of a standard normal number
_LEARNT = (0.4, 0.2, 0.1)
_RANGE = (0.02, 1.5)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far goods that go round are from usual ones of their code: a mixture of normals around them.

    Attributes
    ----------
    sd
        Deviations of the log unit value.
    share
        The share of the goods that each is true of.
    """

    sd: tuple[float, ...]
    share: tuple[float, ...]


#: Where nothing can be learnt. Most goods are alike, some are nothing like it.
USUAL_GOODS = Likeness(sd=(0.12, 0.35, 1.0), share=(0.5, 0.3, 0.2))
_UNLIKE = 0.3  # share of what is learnt that may be as unlike as that all the same


@dataclass(frozen=True, slots=True)
class UnitValues:
    """Log unit values.

    Attributes
    ----------
    product : (n_products, T)
        Their path by product.
    exporter : (n_areas, T)
        And by exporter, beside its products'.
    sold : (n_windows, n_areas, n_products)
        What an exporter's kilogram was worth to all its buyers together in the months before; NaN where
        nothing was weighed.
    likeness
        How far goods are from that.
    """

    product: NDArray[np.float64]
    exporter: NDArray[np.float64]
    sold: NDArray[np.float64]
    likeness: Likeness

    def path(self, exporter: NDArray[np.int64], product: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, T) how the log unit values of flows are expected to move."""
        return self.product[product] + self.exporter[exporter]


def load_unit_values(flows: nw.LazyFrame[Any], trade: Trade, engine: Engine) -> UnitValues:
    """Learn how unit values move, and how alike an exporter's goods are. Two queries with small results.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    trade
        Windows; likeness is learnt from the quiet months of the event's.
    engine
        Where the flows live.
    """
    is_weighed = (nw.col("exporter") != nw.col("importer")) & (nw.col("net_weight_kg") > 0)
    value = (nw.col("value_usd") / nw.col("net_weight_kg")).log()
    own = nw.col("value").mean().over("exporter", "importer", "hs_code")
    months = (
        flows.filter(is_weighed & (nw.col("value_usd") > 0))
        .with_columns(value.alias("value"))
        .with_columns((nw.col("value") - own).alias("moved"))
    )
    product = _middle(months, "hs_code", trade.products, trade.periods)
    # the exporter's is what is left: its products are not those of the world
    at, month = np.divmod(np.arange(product.size), len(trade.periods))
    known = pa.table(
        {
            "hs_code": pa.array(np.array(trade.products, dtype=object)[at], pa.string()),
            "period": pa.array(np.array(trade.periods, dtype=object)[month], pa.string()),
            "path": pa.array(product.ravel(), pa.float64()),
        }
    )
    rest = months.join(engine.arrow_frame(known), on=["hs_code", "period"], how="inner")
    rest = rest.with_columns((nw.col("moved") - nw.col("path")).alias("moved"))
    return UnitValues(
        product=product,
        exporter=_middle(rest, "exporter", trade.areas, trade.periods),
        sold=np.stack([_sold(trade, at) for at in range(len(trade.windows))]),
        likeness=goods_likeness(trade),
    )


def _middle(
    months: nw.LazyFrame[Any], key: str, codes: Sequence[str], periods: Sequence[str]
) -> NDArray[np.float64]:
    """Return medians by group and month, drawn to the world's of the month where few flows tell them."""
    rows = (
        months.group_by(key, "period")
        .agg(nw.col("moved").median(), nw.len().alias("flows"))
        .collect(backend="pyarrow")
        .to_native()
    )
    place = {code: at for at, code in enumerate(codes)}
    month = {period: at for at, period in enumerate(periods)}
    moved, flows = np.zeros((len(place), len(month))), np.zeros((len(place), len(month)))
    names = (key, "period", "moved", "flows")
    for code, period, value, count in zip(*(rows[name].to_pylist() for name in names), strict=True):
        moved[place[code], month[period]], flows[place[code], month[period]] = value, count
    world = (moved * flows).sum(axis=0) / np.maximum(flows.sum(axis=0), 1.0)
    return np.asarray((moved * flows + world * _FEW) / (flows + _FEW))


def _sold(trade: Trade, at: int) -> NDArray[np.float64]:
    """Return (n_areas, n_products) the log unit value of all that an exporter sold in the months before."""
    sums = trade.sums[at]
    known = (np.nan_to_num(sums.before) > 0) & (np.nan_to_num(sums.before_kg) > 0)
    shape = (len(trade.areas), len(trade.products))
    group, size = trade.exporter * shape[1] + trade.product, shape[0] * shape[1]
    usd, kg = (sum_by(group, np.where(known, values, 0.0), size) for values in (sums.before, sums.before_kg))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(kg > 0, np.log(usd / kg), np.nan)).reshape(shape)


def goods_likeness(trade: Trade) -> Likeness:
    """Return how far what an exporter sells to one buyer is in unit value from what he sells to the next.

    From the quiet months; three quantiles of it give the deviations of a mixture.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(trade.sums[0].before / trade.sums[0].before_kg)
    cells = np.flatnonzero(np.isfinite(value))
    seller = trade.exporter[cells] * len(trade.products) + trade.product[cells]
    cells = cells[np.argsort(seller, kind="stable")]
    same = (np.diff(trade.exporter[cells]) == 0) & (np.diff(trade.product[cells]) == 0)
    apart = np.abs(np.diff(value[cells]))[same]
    if apart.size < _FEWEST:
        return USUAL_GOODS
    sd = np.clip(np.quantile(apart, _QUANTILES) / _NORMAL, *_RANGE)
    return Likeness(
        sd=(*(float(one) for one in sd), *USUAL_GOODS.sd),
        share=(*_LEARNT, *(_UNLIKE * share for share in USUAL_GOODS.share)),
    )
