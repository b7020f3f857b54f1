"""The event: what is cut on the direct road, who fills in, and where the rest is sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.cast import AreaRole, Cast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.goods import Goods
    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds
    from entrepot.model.world.trade import Trade

__all__ = ["Cut", "draw_cut"]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What the event does to ordinary trade; Q cut flows, F flows, T months.

    Attributes
    ----------
    rows
        (Q) places of the cut flows among the F flows of trade.
    lost
        (Q, T) intensity lost on the direct road.
    change
        (F, T) change of the intensity of ordinary trade: the loss, suppliers that fill in, and sales of
        treated origins elsewhere.
    """

    rows: NDArray[np.int64]
    lost: NDArray[np.float64]
    change: NDArray[np.float64]


def draw_cut(options: WorldOptions, cast: Cast, goods: Goods, trade: Trade, seeds: Seeds) -> Cut:
    """Draw the event: listed goods of treated origins to the destination fall by 60 to 95 per cent."""
    is_treated = np.isin(trade.exporter, cast.having(AreaRole.TREATED_ORIGIN))
    is_place = np.isin(trade.importer, cast.having(AreaRole.DESTINATION))
    chosen = is_treated & is_place & goods.is_listed[trade.product]
    rows = np.flatnonzero(chosen) if not options.quiet else np.empty(0, dtype=np.int64)
    rng = seeds.part("cut")
    month = np.arange(options.months)
    depth = rng.uniform(0.60, 0.95, (options.areas, options.products))
    ramp_months = rng.integers(1, 4, options.areas)
    exporter, product = trade.exporter[rows], trade.product[rows]
    ramp = np.clip((month - options.event_month + 1) / ramp_months[exporter][:, None], 0.0, 1.0)
    lost = trade.intensity[rows] * depth[exporter, product][:, None] * ramp
    change = np.zeros_like(trade.intensity)
    change[rows] = -lost
    filled = rng.uniform(0.1, 0.5, options.products)
    elsewhere = rng.uniform(0.0, 0.15, options.areas)
    change += _spread(
        trade, rows, lost * filled[product][:, None], by=trade.importer, among=is_place & ~is_treated
    )
    if options.switching_share > 0.0:
        is_friend = np.isin(trade.exporter, cast.having(AreaRole.FRIENDLY_ORIGIN))
        switched = lost * options.switching_share
        change += _spread(trade, rows, switched, by=trade.importer, among=is_place & is_friend)
    change += _spread(
        trade, rows, lost * elsewhere[exporter][:, None], by=trade.exporter, among=is_treated & ~is_place
    )
    return Cut(rows, lost, change)


def _spread(
    trade: Trade,
    rows: NDArray[np.int64],
    amount: NDArray[np.float64],
    *,
    by: NDArray[np.int64],
    among: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Spread amounts by (area, product) over other flows of the same area and product, by their size."""
    out = np.zeros_like(trade.intensity)
    key = by * (trade.product.max() + 1) + trade.product
    pool = np.zeros((int(key.max()) + 1, trade.intensity.shape[1]))
    np.add.at(pool, key[rows], amount)
    base = np.zeros_like(pool)
    np.add.at(base, key[among], trade.intensity[among])
    share = np.divide(pool, base, out=np.zeros_like(pool), where=base > 0)
    # a small pool of other flows cannot take more than twice what it had
    out[among] = trade.intensity[among] * np.minimum(share[key[among]], 2.0)
    return out
