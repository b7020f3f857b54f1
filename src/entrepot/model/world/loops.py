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
_FEWEST_TWO_WAY = 3
_LEAST_FREQUENCY = 0.3
_LATEST_ON = 3


@dataclass(frozen=True, slots=True, eq=False)
class RoundTrips:
    """Goods in a circle; L trips (maker, via, product), T months of departure.

    Attributes
    ----------
    maker, via, product
        (L) indices.
    second
        (L) index of the via that the first one sells on to; -1 for goods that come back from the first.
    amount
        (L, T) USD at departure from the maker, FOB.
    markup
        (L) unit value back over unit value out, minus 1.
    lag
        (L) months between leaving the maker and leaving the last via.
    on_lag, on_markup
        (L) months between leaving the maker and leaving the first via, and the mark-up there; zeros without
        a second one.
    weight_loss
        (L) share of the weight lost on the way.
    home_share
        (L) share of the return that the maker records as its own goods coming home (partner = reporter).
    is_chronic
        (L) whether the trip ran before the event already, as processing trade does.
    """

    maker: NDArray[np.int64]
    via: NDArray[np.int64]
    second: NDArray[np.int64]
    product: NDArray[np.int64]
    amount: NDArray[np.float64]
    markup: NDArray[np.float64]
    lag: NDArray[np.int64]
    on_lag: NDArray[np.int64]
    on_markup: NDArray[np.float64]
    weight_loss: NDArray[np.float64]
    home_share: NDArray[np.float64]
    is_chronic: NDArray[np.bool_]

    @property
    def last(self) -> NDArray[np.int64]:
        """(L) The via from which the goods come back."""
        return np.where(self.second >= 0, self.second, self.via)

    def joined(self, other: RoundTrips) -> RoundTrips:
        """Return these and others behind them."""
        return RoundTrips(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in RoundTrips.__slots__)
        )


def draw_round_trips(options: WorldOptions, cast: Cast, trade: Trade, seeds: Seeds) -> RoundTrips:
    """Draw the round trips: chronic ones in every world, new ones from the event on."""
    rng = seeds.part("round trips")
    row, new = _circles(options, cast, trade, rng)
    trips = _trips(options, trade, (row, new, np.full(len(row), -1)), rng, seeds.part("round-trip shipments"))
    if not options.loops or options.quiet:
        return _chronic_only(trips)
    if not options.chains:
        return trips
    rng = seeds.part("chains")
    row, second = _chains(options, cast, trade, rng)
    new = np.ones(len(row), dtype=bool)
    return trips.joined(_trips(options, trade, (row, new, second), rng, seeds.part("chain shipments")))


def _trips(
    options: WorldOptions,
    trade: Trade,
    circles: tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]],
    rng: np.random.Generator,
    shipments: np.random.Generator,
) -> RoundTrips:
    """Draw sizes, dates and mark-ups of circles: flow out of the maker, whether new, second via."""
    row, new, second = circles
    count, is_chain = len(row), second >= 0
    factor = np.where(
        new, np.exp(rng.uniform(np.log(0.2), np.log(3.0), count)), rng.uniform(0.05, 0.3, count)
    )
    since = np.arange(options.months) - options.event_month + 1
    ramp = np.where(new[:, None], np.clip(since / 3.0, 0.0, 1.0), 1.0)
    level = trade.intensity[row].mean(axis=1, keepdims=True)
    amount = ship(
        factor[:, None] * level * ramp, options.setting, shipments, least_frequency=_LEAST_FREQUENCY
    )
    markup, lag = rng.uniform(*options.loop_markups, count), rng.integers(1, 5, count)
    weight_loss = rng.uniform(0.0, 0.03, count)
    home_share = np.where(rng.random(count) < 0.5, rng.uniform(0.1, 0.4, count), 0.0)
    on_lag, part = (
        (rng.integers(1, 4, count), rng.uniform(0.2, 0.8, count))
        if is_chain.any()
        else (np.zeros(count, dtype=np.int64), np.zeros(count))
    )
    return RoundTrips(
        maker=trade.exporter[row],
        via=trade.importer[row],
        second=second,
        product=trade.product[row],
        amount=amount,
        markup=markup,
        lag=np.where(is_chain, on_lag + np.minimum(lag, _LATEST_ON), lag),
        on_lag=on_lag,
        on_markup=part * markup * is_chain,
        weight_loss=weight_loss,
        home_share=home_share,
        is_chronic=~new,
    )


def _chronic_only(trips: RoundTrips) -> RoundTrips:
    kept = trips.is_chronic
    return RoundTrips(**{name: getattr(trips, name)[kept] for name in RoundTrips.__slots__})


def _ordinary(options: WorldOptions, cast: Cast, trade: Trade) -> NDArray[np.bool_]:
    """Return which flows are between areas without a part in the event."""
    idle = np.isin(np.arange(options.areas), cast.having(AreaRole.OTHER, AreaRole.FRIENDLY_ORIGIN))
    return np.asarray(idle[trade.exporter] & idle[trade.importer])


def _circles(
    options: WorldOptions, cast: Cast, trade: Trade, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Choose flows out of the maker, of pairs with many products and no part in the event."""
    ordinary = _ordinary(options, cast, trade)
    pair = trade.exporter * options.areas + trade.importer
    found, products = np.unique(pair[ordinary], return_counts=True)
    rich = found[products >= min(8, options.products // 4)]
    both = _has_way_back(options, trade)
    if options.two_way_loops:
        rich = rich[np.bincount(pair[both], minlength=options.areas**2)[rich] >= _FEWEST_TWO_WAY]
    rows = []
    for chosen in rng.permutation(rich)[: _PAIRS + _CHRONIC_PAIRS]:
        own, size = rng.permutation(np.flatnonzero(pair == chosen)), int(rng.integers(4, 9))
        if options.two_way_loops:  # half of them at least, where there are so many
            own = np.concatenate([own[both[own]][: (size + 1) // 2], own[~both[own]], own[both[own]]])
            own = own[np.sort(np.unique(own, return_index=True)[1])]
        rows.append(own[:size])
    if not rows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    new = [np.full(len(row), order < _PAIRS) for order, row in enumerate(rows)]
    return np.concatenate(rows), np.concatenate(new)


def _has_way_back(options: WorldOptions, trade: Trade) -> NDArray[np.bool_]:
    """Return of which flows the importer sells the same product to the exporter."""

    def key(exporter: NDArray[np.int64], importer: NDArray[np.int64]) -> NDArray[np.int64]:
        return (exporter * options.areas + importer) * options.products + trade.product

    return np.isin(key(trade.importer, trade.exporter), key(trade.exporter, trade.importer))


def _chains(
    options: WorldOptions, cast: Cast, trade: Trade, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose flows out of the maker, and a second via: as for circles, of idle areas alone."""
    ordinary = _ordinary(options, cast, trade)
    pair = trade.exporter * options.areas + trade.importer
    found, products = np.unique(pair[ordinary], return_counts=True)
    rich = rng.permutation(found[products >= min(8, options.products // 4)])[: options.chains]
    idle = cast.having(AreaRole.OTHER, AreaRole.FRIENDLY_ORIGIN)
    rows, seconds = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for chosen in rich:
        own = rng.permutation(np.flatnonzero(pair == chosen))[: int(rng.integers(4, 9))]
        others = idle[~np.isin(idle, [chosen // options.areas, chosen % options.areas])]
        rows.append(own)
        seconds.append(np.full(len(own), int(rng.choice(others))))
    return np.concatenate(rows), np.concatenate(seconds)
