"""Round trips: goods that leave their maker, stop over, and are bought back dearer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.cast import AreaRole, Cast
from entrepot.model.world.shipments import ship

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds
    from entrepot.model.world.trade import Trade

__all__ = ["RoundTrips", "draw_round_trips"]

_PAIRS = 3
_CHRONIC_PAIRS = 2


@dataclass(frozen=True, slots=True, eq=False)
class RoundTrips:
    """Goods in a circle; L trips (maker, via, product), T months of departure.

    Attributes
    ----------
    maker, via, product
        (L) indices.
    amount
        (L, T) USD at departure from the maker, FOB.
    markup
        (L) unit value back over unit value out, minus 1.
    lag
        (L) months between leaving the maker and leaving the via.
    weight_loss
        (L) share of the weight lost on the way.
    home_share
        (L) share of the return that the maker records as its own goods coming home (partner = reporter).
    is_chronic
        (L) whether the trip ran before the event already, as processing trade does.
    """

    maker: NDArray[np.int64]
    via: NDArray[np.int64]
    product: NDArray[np.int64]
    amount: NDArray[np.float64]
    markup: NDArray[np.float64]
    lag: NDArray[np.int64]
    weight_loss: NDArray[np.float64]
    home_share: NDArray[np.float64]
    is_chronic: NDArray[np.bool_]


def draw_round_trips(options: WorldOptions, cast: Cast, trade: Trade, seeds: Seeds) -> RoundTrips:
    """Draw the round trips: chronic ones in every world, new ones from the event on."""
    rng = seeds.part("round trips")
    row, new = _circles(options, cast, trade, rng)
    count = len(row)
    factor = np.where(
        new, np.exp(rng.uniform(np.log(0.2), np.log(3.0), count)), rng.uniform(0.05, 0.3, count)
    )
    since = np.arange(options.months) - options.event_month + 1
    ramp = np.where(new[:, None], np.clip(since / 3.0, 0.0, 1.0), 1.0)
    level = trade.intensity[row].mean(axis=1, keepdims=True)
    trips = RoundTrips(
        maker=trade.exporter[row],
        via=trade.importer[row],
        product=trade.product[row],
        amount=ship(
            factor[:, None] * level * ramp,
            options.setting,
            seeds.part("round-trip shipments"),
            least_frequency=0.3,
        ),
        markup=rng.uniform(0.10, 0.35, count),
        lag=rng.integers(1, 5, count),
        weight_loss=rng.uniform(0.0, 0.03, count),
        home_share=np.where(rng.random(count) < 0.5, rng.uniform(0.1, 0.4, count), 0.0),
        is_chronic=~new,
    )
    return trips if options.loops and not options.quiet else _chronic_only(trips)


def _chronic_only(trips: RoundTrips) -> RoundTrips:
    kept = trips.is_chronic
    return RoundTrips(**{name: getattr(trips, name)[kept] for name in RoundTrips.__slots__})


def _circles(
    options: WorldOptions, cast: Cast, trade: Trade, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Choose flows out of the maker, of pairs with many products and no part in the event."""
    idle = np.isin(np.arange(options.areas), cast.having(AreaRole.OTHER, AreaRole.FRIENDLY_ORIGIN))
    ordinary = idle[trade.exporter] & idle[trade.importer]
    pair = trade.exporter * options.areas + trade.importer
    found, products = np.unique(pair[ordinary], return_counts=True)
    rich = rng.permutation(found[products >= min(8, options.products // 4)])[: _PAIRS + _CHRONIC_PAIRS]
    rows = [rng.permutation(np.flatnonzero(pair == p))[: int(rng.integers(4, 9))] for p in rich]
    if not rows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    new = [np.full(len(row), order < _PAIRS) for order, row in enumerate(rows)]
    return np.concatenate(rows), np.concatenate(new)
