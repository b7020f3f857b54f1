"""The products: which are listed, what a kilogram is worth, and their shocks, seasons and price paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.cast import AreaRole
from entrepot.model.world.labels import deal_new_products, deal_products

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.cast import Cast
    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds

__all__ = ["Goods", "draw_goods"]


@dataclass(frozen=True, slots=True, eq=False)
class Goods:
    """The products of a world; n areas, K products, T months.

    Attributes
    ----------
    codes
        K HS6 codes.
    earlier_codes
        The codes of the same goods in HS2017.
    is_listed
        (K) whether the event's control list names the product.
    ln_weight
        (K) log size of the product's market.
    unit_value
        (n, K) USD per kg of an exporter's product at the first month's price level.
    price
        (K, T) price path, 1 at the first month.
    exchange
        (n, T) dollar prices of what an area makes, beside what they would have been; 1 without a shock.
    shock
        (K) size of the demand shock in logs, 0 where there is none.
    ln_demand_path
        (K, T) season, drift and shock of demand in logs.
    kg_per_item
        (K) weight of an item; NaN for goods that are not counted.
    """

    codes: list[str]
    earlier_codes: list[str]
    is_listed: NDArray[np.bool_]
    ln_weight: NDArray[np.float64]
    unit_value: NDArray[np.float64]
    price: NDArray[np.float64]
    exchange: NDArray[np.float64]
    shock: NDArray[np.float64]
    ln_demand_path: NDArray[np.float64]
    kg_per_item: NDArray[np.float64]

    def unit_values(self, exporter: NDArray[np.int64], product: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the (flows, T) unit values of exporters' products in USD per kg."""
        usual = self.unit_value[exporter, product][:, None] * self.price[product]
        return np.asarray(usual * self.exchange[exporter])


def draw_goods(options: WorldOptions, cast: Cast, seeds: Seeds) -> Goods:
    """Draw the products of a world."""
    n, K, T = options.areas, options.products, options.months
    rng = seeds.part("products")
    is_listed = np.zeros(K, dtype=bool)
    is_listed[rng.permutation(K)[: round(options.listed_share * K)]] = True
    ln_unit_value = rng.normal(np.log(12.0), 1.4, K)
    counted = rng.random(K) < 0.5
    kg_per_item = np.where(counted, np.exp(rng.normal(0.5, 1.8, K)), np.nan)
    quality = seeds.part("unit values").normal(0.0, 0.3, (n, K))
    shock, path = _demand_path(options, seeds.part("demand paths"))
    steps = seeds.part("price paths").normal(0.0, 0.012, (K, T))
    steps[:, 0] = 0.0
    codes = deal_products(K, seeds.part("product codes"))
    earlier = list(codes)
    new = deal_new_products(round(options.recoded_share * K), seeds.part("new codes"))
    places = seeds.part("recoded products").permutation(K)
    for at, (code, before) in zip(places, new, strict=False):
        codes[at], earlier[at] = code, before
    return Goods(
        codes=codes,
        earlier_codes=earlier,
        is_listed=is_listed,
        ln_weight=rng.normal(0.0, 0.7, K),
        unit_value=np.exp(ln_unit_value + quality),
        price=np.exp(np.cumsum(steps, axis=1)),
        exchange=_exchange(options, cast, seeds.part("currencies")),
        shock=shock,
        ln_demand_path=path,
        kg_per_item=kg_per_item,
    )


def _exchange(options: WorldOptions, cast: Cast, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the (n, T) dollar prices beside what they would have been: an origin, a hub and two others."""
    exchange = np.ones((options.areas, options.months))
    if options.currency_shock > 0.0:
        ours = [rng.choice(cast.having(role)) for role in (AreaRole.TREATED_ORIGIN, AreaRole.HUB)]
        others = rng.permutation(cast.having(AreaRole.OTHER))[:2]
        exchange[[*ours, *others], options.event_month :] = np.exp(-options.currency_shock)
    return exchange


def _demand_path(
    options: WorldOptions, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    K, T = options.products, options.months
    rough = options.setting == "rough"
    month = np.arange(T)
    amplitude, phase = rng.uniform(0.02, 0.25 if rough else 0.15, K), rng.uniform(0.0, 12.0, K)
    season = amplitude[:, None] * np.sin(2.0 * np.pi * (month + phase[:, None]) / 12.0)
    drift = np.cumsum(rng.normal(0.0, 0.02, (K, T)), axis=1)
    shock = np.where(rng.random(K) < 0.3, rng.normal(0.0, 0.35, K), 0.0)
    onset = rng.integers(2, T - 1, K)
    return shock, season + drift + shock[:, None] * (month >= onset[:, None])
