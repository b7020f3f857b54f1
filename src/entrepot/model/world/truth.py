"""What is true in a world, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.model.world.reports import coded
from entrepot.schema.terms import DetourKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.books import Legs
    from entrepot.model.world.cast import Cast
    from entrepot.model.world.detours import Routes
    from entrepot.model.world.goods import Goods
    from entrepot.model.world.ledger import Flows
    from entrepot.model.world.loops import RoundTrips
    from entrepot.model.world.options import WorldOptions

__all__ = ["area_table", "detour_table", "flow_table", "loop_table", "pair_table", "product_table"]


def flow_table(
    options: WorldOptions, cast: Cast, goods: Goods, legs: Legs, expected: NDArray[np.float64]
) -> pa.Table:
    """Return the physical flows, FOB.

    **Grain**: exporter × importer × hs_code × period × leg. ``expected_usd`` is the mean of the direct flow
    had there been no event (null on the other legs);
    of a direct flow that was ever sent the empty months stand here too.
    """
    parts = []
    for leg in ("direct", "detour_in", "detour_between", "detour_on", "loop_out", "loop_on", "loop_back"):
        flows: Flows = getattr(legs, leg)
        if not len(flows):
            continue
        wanted = np.ones_like(flows.usd) if leg == "direct" else flows.usd
        row, month = np.nonzero(wanted)
        mean = pa.array(expected[row, month]) if leg == "direct" else pa.nulls(len(row), pa.float64())
        parts.append(
            pa.table(
                {
                    "exporter": coded(flows.source[row], cast.codes),
                    "importer": coded(flows.target[row], cast.codes),
                    "hs_code": coded(flows.product[row], goods.codes),
                    "period": coded(month, list(options.periods)),
                    "leg": coded(np.zeros(len(row), dtype=np.int64), [leg]),
                    "value_usd": pa.array(flows.usd[row, month]),
                    "net_weight_kg": pa.array(flows.kg[row, month]),
                    "expected_usd": mean,
                }
            )
        )
    return pa.concat_tables(parts)


def detour_table(options: WorldOptions, cast: Cast, goods: Goods, legs: Legs, routes: Routes) -> pa.Table:
    """Return the detours by month of departure from the origin.

    **Grain**: origin × hub × destination × hs_code × kind × period. A route is split into what the hub's
    books show (declared) and what they do not (unseen); a relay is shown in full. ``second_hub`` is null
    where the hub sends the goods to the destination itself; ``onward_usd`` is what the last hub sends.
    """
    kg = legs.detour_in.kg
    onward = (1.0 + routes.markup) * (1.0 + routes.second_markup)
    lag = routes.lag + routes.second_lag
    unseen = routes.unseen_share[:, None]
    kinds = [DetourKind.DECLARED, DetourKind.UNSEEN, DetourKind.RELAY]
    own = ~routes.is_relay[:, None]
    shares = (np.where(own, 1.0 - unseen, 0.0), np.where(own, unseen, 0.0), np.where(own, 0.0, 1.0))
    parts = []
    for order, share in enumerate(shares):
        row, month = np.nonzero((routes.amount > 0.0) & (share > 0.0))
        share_of_row = share[row, 0]
        usd = routes.amount[row, month] * share_of_row
        parts.append(
            pa.table(
                {
                    "origin": coded(routes.origin[row], cast.codes),
                    "hub": coded(routes.hub[row], cast.codes),
                    "second_hub": coded(routes.second[row], cast.codes),
                    "destination": coded(routes.destination[row], cast.codes),
                    "hs_code": coded(routes.product[row], goods.codes),
                    "period": coded(month, list(options.periods)),
                    "kind": coded(np.full(len(row), order), [kind.value for kind in kinds]),
                    "amount_usd": pa.array(usd),
                    "onward_usd": pa.array(usd * onward[row]),
                    "net_weight_kg": pa.array(kg[row, month] * share_of_row),
                    "markup": pa.array(routes.markup[row]),
                    "lag_months": pa.array(lag[row], pa.int32()),
                    "arrives_in_world": pa.array(month + lag[row] < options.months),
                }
            )
        )
    return pa.concat_tables(parts)


def loop_table(options: WorldOptions, cast: Cast, goods: Goods, legs: Legs, trips: RoundTrips) -> pa.Table:
    """Return the round trips by month of departure from the maker.

    **Grain**: maker × via × second_via × hs_code × period; ``second_via`` null where the goods come back from
    the first.
    """
    row, month = np.nonzero(trips.amount > 0.0)
    usd, kg, kept = trips.amount[row, month], legs.loop_out.kg[row, month], 1.0 - trips.weight_loss[row]
    return pa.table(
        {
            "maker": coded(trips.maker[row], cast.codes),
            "via": coded(trips.via[row], cast.codes),
            "second_via": coded(trips.second[row], cast.codes),
            "hs_code": coded(trips.product[row], goods.codes),
            "period": coded(month, list(options.periods)),
            "out_usd": pa.array(usd),
            "back_usd": pa.array(usd * kept * (1.0 + trips.markup[row])),
            "out_kg": pa.array(kg),
            "back_kg": pa.array(kg * kept),
            "markup": pa.array(trips.markup[row]),
            "lag_months": pa.array(trips.lag[row], pa.int32()),
            "home_share": pa.array(trips.home_share[row]),
            "is_chronic": pa.array(trips.is_chronic[row]),
            "arrives_in_world": pa.array(month + trips.lag[row] < options.months),
        }
    )


def area_table(options: WorldOptions, cast: Cast) -> pa.Table:
    """Return the areas, sorted by code. **Grain**: area."""
    table = pa.table(
        {
            "area": pa.array(cast.codes, pa.string()),
            "role": pa.array([role.value for role in cast.roles], pa.string()),
            "publishes": pa.array(cast.silence, pa.string()),
            "last_period": pa.array(
                [
                    options.periods[int(np.flatnonzero(months)[-1])] if months.any() else None
                    for months in cast.publishes
                ],
                pa.string(),
            ),
            "unseen_share": pa.array(cast.unseen_share),
            "under_declaration": pa.array(cast.declared_ratio.mean(axis=1)),
            "re_export_share": pa.array(cast.re_export_share),
            "reporting_sd": pa.array(cast.quality),
        }
    )
    return table.sort_by("area")


def pair_table(cast: Cast) -> pa.Table:
    """Return distance, CIF/FOB ratio and the importer's declared share. **Grain**: exporter × importer."""
    exporter, importer = np.nonzero(~np.eye(len(cast.codes), dtype=bool))
    return pa.table(
        {
            "exporter": coded(exporter, cast.codes),
            "importer": coded(importer, cast.codes),
            "distance_km": pa.array(cast.distance_km[exporter, importer]),
            "cif_fob_ratio": pa.array(cast.cif_fob_ratio[exporter, importer]),
            "declared_ratio": pa.array(cast.declared_ratio[importer, exporter]),
        }
    ).sort_by([("exporter", "ascending"), ("importer", "ascending")])


def product_table(goods: Goods) -> pa.Table:
    """Return the products, sorted by code. **Grain**: hs_code."""
    return pa.table(
        {
            "hs_code": pa.array(goods.codes, pa.string()),
            "is_listed": pa.array(goods.is_listed),
            "demand_shock": pa.array(goods.shock),
            "unit_value_usd_per_kg": pa.array(np.exp(np.log(goods.unit_value).mean(axis=0))),
            "kg_per_item": pa.array(goods.kg_per_item, mask=np.isnan(goods.kg_per_item)),
        }
    ).sort_by("hs_code")
