"""Detours and relays: who sends what through which hub, how late, how dear, and what stays unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.cast import AreaRole, Cast
from entrepot.model.world.shipments import ship

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.event import Cut
    from entrepot.model.world.goods import Goods
    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds
    from entrepot.model.world.trade import Trade

__all__ = ["Routes", "draw_routes"]

_LEAST_SHARE = 0.04  # a hub that would get less of an origin's detours gets none


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """Goods on their way through hubs; R routes, T months of departure from the origin.

    Attributes
    ----------
    origin, hub, destination, product
        (R) indices.
    amount
        (R, T) USD, FOB at the origin.
    unseen_share
        (R) share that the hub's books never show.
    markup
        (R) onward value over value at the origin, minus 1.
    lag
        (R) months between the departure from the origin and from the hub.
    is_relay
        (R) whether a friendly origin relays, with no loss on the direct road.
    second
        (R) area through which the hub sends the goods on; -1 where it sends them to the destination.
    second_markup, second_lag
        (R) as ``markup`` and ``lag``, at the second hub; 0 without one.
    """

    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    amount: NDArray[np.float64]
    unseen_share: NDArray[np.float64]
    markup: NDArray[np.float64]
    lag: NDArray[np.int64]
    is_relay: NDArray[np.bool_]
    second: NDArray[np.int64]
    second_markup: NDArray[np.float64]
    second_lag: NDArray[np.int64]

    @property
    def last(self) -> NDArray[np.int64]:
        """(R) The hub that sends the goods to the destination."""
        return np.where(self.second >= 0, self.second, self.hub)


def draw_routes(
    options: WorldOptions, cast: Cast, goods: Goods, trade: Trade, cut: Cut, seeds: Seeds
) -> Routes:
    """Draw the detours of what the direct road lost, and the relays of what the destination lacks."""
    rng = seeds.part("detours")
    hubs = cast.having(AreaRole.HUB)
    exporter, product = trade.exporter[cut.rows], trade.product[cut.rows]
    taste = rng.uniform(0.25, 0.65, options.areas)
    returned = np.clip(taste[exporter] * np.exp(rng.normal(0.0, 0.25, len(exporter))), 0.2, 0.7)
    growth = _ramp(options, rng.integers(1, 7, options.areas)[exporter])
    back = cut.lost * returned[:, None] * growth
    split = _hub_shares(rng, options.areas, len(hubs), exporter)
    flow, which = np.nonzero(split)
    origin, place, good = exporter[flow], trade.importer[cut.rows][flow], product[flow]
    amount = back[flow] * split[flow, which][:, None]
    is_relay = np.zeros(len(origin), dtype=bool)
    hub = hubs[which]
    if options.relay and not options.quiet:
        relay = _relays(options, cast, trade, cut, back, seeds.part("relays"))
        origin, hub = np.append(origin, relay[0]), np.append(hub, relay[1])
        place, good = np.append(place, relay[2]), np.append(good, relay[3])
        amount = np.concatenate([amount, relay[4]])
        is_relay = np.append(is_relay, np.ones(len(relay[0]), dtype=bool))
    routes = _dressed(options, cast, goods, seeds, (origin, hub, place, good), amount, is_relay)
    return _chained(options, cast, routes, seeds.part("hub chains")) if options.hub_chains else routes


def _chained(options: WorldOptions, cast: Cast, routes: Routes, rng: np.random.Generator) -> Routes:
    """Send the declared goods of some hubs on through a second one; what is unseen goes straight on."""
    hubs = [hub for hub in cast.having(AreaRole.HUB) if cast.silence[hub] != "never"]
    firsts = rng.permutation(hubs)[: options.hub_chains]
    others = [area for area in cast.having(AreaRole.OTHER) if cast.silence[area] == "all"]
    second = np.full(options.areas, -1)
    second[firsts] = rng.permutation(others)[: len(firsts)]
    goes_on = second[routes.hub] >= 0
    declared = np.flatnonzero(goes_on & (routes.unseen_share < 1.0))
    rest = np.flatnonzero(~goes_on | (routes.unseen_share > 0.0))
    rows = np.concatenate([rest, declared])
    is_declared = np.arange(len(rows)) >= len(rest)
    unseen = routes.unseen_share[rows]
    hidden = goes_on[rows] & ~is_declared
    share = np.where(is_declared, 1.0 - unseen, np.where(hidden, unseen, 1.0))
    return Routes(
        origin=routes.origin[rows],
        hub=routes.hub[rows],
        destination=routes.destination[rows],
        product=routes.product[rows],
        amount=routes.amount[rows] * share[:, None],
        unseen_share=np.where(is_declared, 0.0, np.where(hidden, 1.0, unseen)),
        markup=routes.markup[rows],
        lag=routes.lag[rows],
        is_relay=routes.is_relay[rows],
        second=np.where(is_declared, second[routes.hub[rows]], -1),
        second_markup=np.where(is_declared, rng.uniform(0.05, 0.15, options.areas)[routes.hub[rows]], 0.0),
        second_lag=np.where(is_declared, rng.integers(0, 2, options.areas)[routes.hub[rows]], 0),
    )


def _dressed(
    options: WorldOptions,
    cast: Cast,
    goods: Goods,
    seeds: Seeds,
    ends: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    intensity: NDArray[np.float64],
    is_relay: NDArray[np.bool_],
) -> Routes:
    """Give routes their shipments, lags, mark-ups and unseen shares."""
    rng = seeds.part("routes")
    n, K = options.areas, len(goods.codes)
    origin, hub, place, good = ends
    lag = rng.integers(0, 4, (n, n))[origin, hub]
    margin = rng.uniform(0.07, 0.28, n)[hub] + rng.normal(0.0, 0.03, (n, K))[hub, good]
    wobble = rng.normal(0.0, 0.03, (n, K))[hub, good]
    base = cast.unseen_share[hub]
    unseen = np.where(is_relay | (base == 0.0), 0.0, np.clip(base + wobble, 0.0, options.unseen_share))
    return Routes(
        origin=origin,
        hub=hub,
        destination=place,
        product=good,
        amount=ship(intensity, options.setting, seeds.part("detour shipments"), least_frequency=0.3),
        unseen_share=unseen,
        markup=np.clip(margin, 0.05, 0.30),
        lag=lag,
        is_relay=is_relay,
        second=np.full(len(origin), -1),
        second_markup=np.zeros(len(origin)),
        second_lag=np.zeros(len(origin), dtype=np.int64),
    )


def _ramp(options: WorldOptions, months: NDArray[np.int64]) -> NDArray[np.float64]:
    since = np.arange(options.months) - options.event_month + 1
    return np.clip(since / months[:, None], 0.0, 1.0)


def _hub_shares(
    rng: np.random.Generator, areas: int, hubs: int, exporter: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (Q, hubs) shares: each origin has its own way, tilted by product."""
    own = rng.dirichlet(np.full(hubs, 0.8), areas)
    share = own[exporter] * rng.gamma(4.0, 0.25, (len(exporter), hubs))
    for _ in range(2):
        share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        share[share < _LEAST_SHARE] = 0.0
    return np.asarray(share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12))


def _relays(
    options: WorldOptions,
    cast: Cast,
    trade: Trade,
    cut: Cut,
    back: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Let friendly origins serve 10 to 30 per cent of the unmet demand, through the hubs."""
    n, K = options.areas, options.products
    hubs, friends = cast.having(AreaRole.HUB), cast.having(AreaRole.FRIENDLY_ORIGIN)
    want = np.zeros((n * K, options.months))
    np.add.at(want, trade.importer[cut.rows] * K + trade.product[cut.rows], cut.lost - back)
    makes = np.zeros((n, K), dtype=bool)
    makes[trade.exporter, trade.product] = True
    wanted = np.flatnonzero(want.sum(axis=1) > 0)
    friend = np.repeat(friends, len(wanted))
    cell = np.tile(wanted, len(friends))
    keep = makes[friend, cell % K]
    friend, cell = friend[keep], cell[keep]
    share = rng.uniform(0.1, 0.3, (n, K))[friend, cell % K] / len(friends)
    split = _hub_shares(rng, n, len(hubs), friend)
    flow, which = np.nonzero(split)
    amount = want[cell[flow]] * (share[flow] * split[flow, which])[:, None]
    return friend[flow], hubs[which], cell[flow] // K, cell[flow] % K, amount
