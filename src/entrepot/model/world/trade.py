"""Ordinary trade: who sends what to whom, and how it grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.cast import AreaRole, Cast
from entrepot.model.world.shipments import ROUGH_LEVEL, persistent_paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.goods import Goods
    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds

__all__ = ["Trade", "draw_trade"]

_SMOOTH_FLOOR_USD = 10_000.0  # the smallest ordinary flow of a smooth world, a month
_DENSITY = {"smooth": 0.15, "rough": 0.70}
_MATCH_SD = {"smooth": 0.8, "rough": 1.8}  # how well exporter, importer and product fit, in logs

_TREATED_LANE = 1.6  # treated origins and the destination trade more with each other than gravity has it
_ENTREPOT = 0.6  # and hubs, innocent ones too, more than their size
_LARGE = 50.0  # how much more than other hubs a large one buys
_OPEN_LANES = 0.6  # share of the hubs' empty lanes that a smooth world opens (a new lane betrays a detour)


@dataclass(frozen=True, slots=True, eq=False)
class Trade:
    """Ordinary trade as intensities; F flows, T months.

    Attributes
    ----------
    exporter, importer, product
        (F) indices.
    intensity
        (F, T) mean USD a month, FOB, without the event.
    """

    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    product: NDArray[np.int64]
    intensity: NDArray[np.float64]


def draw_trade(options: WorldOptions, cast: Cast, goods: Goods, seeds: Seeds) -> Trade:
    """Draw ordinary trade: gravity for the level, a_ik, b_j and the product's path for the growth."""
    exporter, importer, product, ln_level = _levels(options, cast, goods, seeds)
    rough = options.setting == "rough"
    T = options.months
    years = (np.arange(T) - options.event_month) / 12.0
    supplier = seeds.part("supplier growth").normal(
        0.0, 0.18 if rough else 0.12, (options.areas, len(goods.codes))
    )
    walk = persistent_paths(ln_level, T, options.setting, seeds.part("flow walks"))
    ln_intensity = (
        ln_level[:, None]
        + supplier[exporter, product][:, None] * years
        + _importer_growth(options, seeds.part("importer growth"))[importer]
        + (goods.ln_demand_path + np.log(goods.price))[product]
        + walk
    )
    calm = Trade(exporter, importer, product, np.exp(ln_intensity))
    booms = _booms(options, cast, goods, calm, seeds.part("booms"))
    return Trade(exporter, importer, product, calm.intensity * booms * goods.exchange[exporter])


def _levels(
    options: WorldOptions, cast: Cast, goods: Goods, seeds: Seeds
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    n, K = options.areas, options.products
    rng = seeds.part("gravity")
    supply = cast.ln_supply[:, None] + rng.normal(0.0, 1.2, (n, K)) + goods.ln_weight
    demand = cast.ln_demand[:, None] + rng.normal(0.0, 0.7, (n, K))
    ln = supply[:, None, :] + demand[None, :, :] - 0.9 * np.log(cast.distance_km / 2000.0)[:, :, None]
    ln += rng.normal(0.0, _MATCH_SD[options.setting], (n, n, K))
    if options.setting == "rough":
        median, sd = ROUGH_LEVEL
        ln = np.log(median) + (ln - np.median(ln)) * (sd / ln.std())
    treated, places = cast.having(AreaRole.TREATED_ORIGIN), cast.having(AreaRole.DESTINATION)
    entrepots = cast.having(AreaRole.HUB, AreaRole.BOOMING_HUB)
    ln[np.ix_(treated, places)] += _TREATED_LANE
    ln[:, entrepots] += _ENTREPOT
    ln[entrepots] += _ENTREPOT
    ln[np.arange(n), np.arange(n)] = -np.inf
    cut = np.quantile(ln, 1.0 - (options.density or _DENSITY[options.setting]))
    if options.setting == "smooth":
        senders = np.concatenate([treated, cast.having(AreaRole.FRIENDLY_ORIGIN)])
        _open_lanes(ln, cut, senders, entrepots, seeds.part("lanes"))
        _open_lanes(ln, cut, entrepots, places, seeds.part("onward lanes"))
    exporter, importer, product = (index.astype(np.int64) for index in np.nonzero(ln > cut))
    level = ln[exporter, importer, product]
    if options.setting == "smooth":
        level += np.log(_SMOOTH_FLOOR_USD) - cut
    large = cast.having(AreaRole.HUB)[: options.large_hubs]
    level[np.isin(importer, large)] += np.log(_LARGE)
    return exporter, importer, product, level


def _open_lanes(
    ln: NDArray[np.float64],
    cut: float,
    senders: NDArray[np.int64],
    receivers: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    """Let senders and receivers trade, in small amounts, a part of what they would not; in place."""
    lanes = np.ix_(senders, receivers)
    before = ln[lanes]
    small = cut + np.abs(rng.normal(0.0, 0.7, before.shape))
    opened = (before <= cut) & (rng.random(before.shape) < _OPEN_LANES)
    ln[lanes] = np.where(opened, small, before)


def _importer_growth(options: WorldOptions, rng: np.random.Generator) -> NDArray[np.float64]:
    n, T = options.areas, options.months
    trend = rng.normal(0.04, 0.08, (n, 1)) * (np.arange(T) - options.event_month) / 12.0
    return np.asarray(trend + np.cumsum(rng.normal(0.0, 0.02, (n, T)), axis=1))


def _booms(
    options: WorldOptions, cast: Cast, goods: Goods, trade: Trade, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the (F, T) factors by which hubs and innocent areas boom at about the time of the event.

    A booming hub's imports grow 1.5 to 3 times, of all products or of the listed ones only; the exports
    of every second one boom too. Hubs proper grow by up to 1.6 times in their own right.
    """
    month = np.arange(options.months)
    ln = np.zeros_like(trade.intensity)
    for order, area in enumerate(cast.having(AreaRole.BOOMING_HUB, AreaRole.HUB)):
        genuine = cast.roles[area] is AreaRole.HUB
        size = np.log(rng.uniform(1.0, 1.6) if genuine else rng.uniform(1.5, 3.0))
        onset = options.event_month + int(rng.integers(-4, 5))
        ramp = size * np.clip((month - onset + 1) / rng.integers(3, 10), 0.0, 1.0)
        is_narrow = rng.random() < 0.4 or options.booms_in_listed
        concerned = goods.is_listed if is_narrow else np.ones(options.products, dtype=bool)
        ln[(trade.importer == area) & concerned[trade.product]] += ramp
        if not genuine and order % 2 == 0:
            ln[(trade.exporter == area) & concerned[trade.product]] += 0.7 * ramp
    return np.exp(ln)
