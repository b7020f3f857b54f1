"""A world from its options: draw the parts, let the event happen, keep the books, write down the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world import truth
from entrepot.model.world.books import physical_legs, write_books
from entrepot.model.world.cast import draw_cast
from entrepot.model.world.detours import draw_routes
from entrepot.model.world.event import draw_cut
from entrepot.model.world.goods import draw_goods
from entrepot.model.world.ledger import Flows
from entrepot.model.world.loops import draw_round_trips
from entrepot.model.world.reports import report_rows
from entrepot.model.world.seeds import Seeds
from entrepot.model.world.shipments import ship
from entrepot.model.world.trade import draw_trade

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.model.world.options import WorldOptions

__all__ = ["World", "build_world"]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What is published in a world, and what is true in it.

    Attributes
    ----------
    options
        What the world was asked to be.
    event
        Month of the event (of a quiet world: the month in which none happens).
    reports
        Published rows. **Grain**: reporter × partner × flow × period × hs_code, six digits, monthly (of
        annual reporters the period is a year);
        ``value_usd`` CIF for imports and re-imports, FOB for exports and re-exports. Exports contain
        re-exports, imports contain re-imports.
    truth_flows
        Physical flows, FOB, by leg.
    truth_detours
        Detours and relays by month of departure.
    truth_loops
        Round trips by month of departure.
    truth_areas, truth_products, truth_pairs
        The areas' parts and books, the products, the pairs' distances and ratios.
    """

    options: WorldOptions
    event: str
    reports: pa.Table
    truth_flows: pa.Table
    truth_detours: pa.Table
    truth_loops: pa.Table
    truth_areas: pa.Table
    truth_products: pa.Table
    truth_pairs: pa.Table


def build_world(options: WorldOptions) -> World:
    """Build a world.

    Parameters
    ----------
    options
        Size, setting and seed; equal options give equal worlds.

    Returns
    -------
    World
        Reports and truth.
    """
    seeds = Seeds(options.seed)
    cast = draw_cast(options, seeds)
    goods = draw_goods(options, cast, seeds)
    trade = draw_trade(options, cast, goods, seeds)
    cut = draw_cut(options, cast, goods, trade, seeds)
    shipped = ship(np.maximum(trade.intensity + cut.change, 0.0), options.setting, seeds.part("shipments"))
    pairing = np.exp(seeds.part("unit values of flows").normal(0.0, 0.15, (len(shipped), 1)))
    kg = shipped / (goods.unit_values(trade.exporter, trade.product) * pairing)
    sent = np.flatnonzero((shipped > 0.0).any(axis=1))
    direct = Flows(trade.exporter, trade.importer, trade.product, shipped, kg).pick(sent)
    routes = draw_routes(options, cast, goods, trade, cut, seeds)
    trips = draw_round_trips(options, cast, trade, seeds)
    legs = physical_legs(direct, routes, trips, goods)
    books = write_books(options, cast, legs, routes, trips, seeds)
    return World(
        options=options,
        event=options.event,
        reports=report_rows(options, cast, goods, books, seeds),
        truth_flows=truth.flow_table(options, cast, goods, legs, trade.intensity[sent]),
        truth_detours=truth.detour_table(options, cast, goods, legs, routes),
        truth_loops=truth.loop_table(options, cast, goods, legs, trips),
        truth_areas=truth.area_table(options, cast),
        truth_products=truth.product_table(goods),
        truth_pairs=truth.pair_table(cast),
    )
