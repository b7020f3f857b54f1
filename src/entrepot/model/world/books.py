"""Two books of one world: what exporters and importers report of the physical flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.ledger import Flows, Ledger, shift_months
from entrepot.model.world.origins import imports_by_origin
from entrepot.schema.terms import FlowKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.cast import Cast
    from entrepot.model.world.detours import Routes
    from entrepot.model.world.goods import Goods
    from entrepot.model.world.loops import RoundTrips
    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds

__all__ = ["Books", "Legs", "physical_legs", "write_books"]

_WHOLE_USD = 50_000.0  # a rough month's dispatch under this amount arrives in one month


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """The physical flows, FOB, in the month in which they leave.

    Attributes
    ----------
    direct
        Ordinary trade, the event's losses taken out.
    detour_in, detour_on
        Origin to hub, last hub to destination; a row for each route.
    detour_between
        Hub to second hub; a row for each route that has one, which is declared in full.
    loop_out, loop_back
        Maker to via, last via to maker; a row for each round trip.
    loop_on
        Via to second via; a row for each round trip that has one.
    """

    direct: Flows
    detour_in: Flows
    detour_on: Flows
    detour_between: Flows
    loop_out: Flows
    loop_back: Flows
    loop_on: Flows


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """What all reporters would publish, by flow; source is the reporter, target the partner."""

    by_flow: dict[FlowKind, Flows]


def physical_legs(direct: Flows, routes: Routes, trips: RoundTrips, goods: Goods) -> Legs:
    """Lay out the legs of detours and round trips: weight is conserved, value gains the mark-up."""
    kg = routes.amount / goods.unit_values(routes.origin, routes.product)
    detour_in = Flows(routes.origin, routes.hub, routes.product, routes.amount, kg)
    dearer = routes.amount * (1.0 + routes.markup[:, None])
    on_usd, on_kg = shift_months(dearer, routes.lag), shift_months(kg, routes.lag)
    detour_between = Flows(routes.hub, routes.second, routes.product, on_usd, on_kg)
    detour_on = Flows(
        routes.last,
        routes.destination,
        routes.product,
        shift_months(on_usd * (1.0 + routes.second_markup[:, None]), routes.second_lag),
        shift_months(on_kg, routes.second_lag),
    )
    detour_between = detour_between.pick(np.flatnonzero(routes.second >= 0))
    out_kg = trips.amount / goods.unit_values(trips.maker, trips.product)
    loop_out = Flows(trips.maker, trips.via, trips.product, trips.amount, out_kg)
    kept = (1.0 - trips.weight_loss)[:, None]
    back_usd = shift_months(trips.amount * kept * (1.0 + trips.markup[:, None]), trips.lag)
    back_kg = shift_months(out_kg * kept, trips.lag)
    loop_back = Flows(trips.last, trips.maker, trips.product, back_usd, back_kg)
    on_usd = shift_months(trips.amount * (1.0 + trips.on_markup[:, None]), trips.on_lag)
    loop_on = Flows(trips.via, trips.second, trips.product, on_usd, shift_months(out_kg, trips.on_lag))
    loop_on = loop_on.pick(np.flatnonzero(trips.second >= 0))
    return Legs(direct, detour_in, detour_on, detour_between, loop_out, loop_back, loop_on)


def write_books(
    options: WorldOptions, cast: Cast, legs: Legs, routes: Routes, trips: RoundTrips, seeds: Seeds
) -> Books:
    """Write both books, with valuation, timing, under-declaration and noise, but nobody silent yet.

    Exporters enter the physical flows FOB by last known destination, importers CIF by country of origin.
    The unseen part of a detour is in the origin's export book alone. Of a round trip the maker enters a
    part as its own goods coming home (partner = reporter); these are its re-imports.
    """
    exports = _export_book(options, legs, routes)
    imports = _import_book(options, cast, legs, routes, trips)
    imports = _arrived(imports, options, cast, seeds.part("arrivals"))
    export_rows = _reported(exports, options, cast, seeds.part("export book"))
    import_rows = _reported(imports, options, cast, seeds.part("import book"))
    re_exports = _re_export_book(options, cast, legs, routes)
    return Books(
        {
            FlowKind.EXPORT: export_rows,
            FlowKind.IMPORT: import_rows,
            FlowKind.RE_EXPORT: _inside(re_exports, exports, export_rows, options),
            FlowKind.RE_IMPORT: import_rows.pick(np.flatnonzero(import_rows.source == import_rows.target)),
        }
    )


def _scaled(flows: Flows, by: NDArray[np.float64]) -> Flows:
    return Flows(flows.source, flows.target, flows.product, flows.usd * by[:, None], flows.kg * by[:, None])


def _turned(flows: Flows, reporter: NDArray[np.int64], partner: NDArray[np.int64]) -> Flows:
    return Flows(reporter, partner, flows.product, flows.usd, flows.kg)


def _export_book(options: WorldOptions, legs: Legs, routes: Routes) -> Flows:
    book = Ledger(options.areas, options.products)
    book.enter(legs.direct)
    book.enter(legs.detour_in)
    book.enter(_scaled(legs.detour_on, 1.0 - routes.unseen_share))
    book.enter(legs.detour_between)
    book.enter(legs.loop_out)
    book.enter(legs.loop_back)
    book.enter(legs.loop_on)
    return book.total()


def _re_export_book(options: WorldOptions, cast: Cast, legs: Legs, routes: Routes) -> Flows:
    book = Ledger(options.areas, options.products)
    share = cast.re_export_share[legs.direct.source]
    some = np.flatnonzero(share > 0.0)
    book.enter(_scaled(legs.direct.pick(some), share[some]))
    book.enter(_scaled(legs.detour_on, 1.0 - routes.unseen_share))
    book.enter(legs.detour_between)
    book.enter(legs.loop_back)
    book.enter(legs.loop_on)
    return book.total()


def _import_book(options: WorldOptions, cast: Cast, legs: Legs, routes: Routes, trips: RoundTrips) -> Flows:
    """By country of origin: goods that passed a hub stand under the origin, not under the hub."""
    book = Ledger(options.areas, options.products)
    for entry in imports_by_origin(options, cast, legs.direct):
        book.enter(entry)
    declared = _scaled(legs.detour_in, 1.0 - routes.unseen_share)
    book.enter(_turned(declared, routes.hub, routes.origin))
    book.enter(_turned(legs.detour_on, routes.destination, routes.origin))
    chained = np.flatnonzero(routes.second >= 0)
    book.enter(_turned(legs.detour_between, routes.second[chained], routes.origin[chained]))
    book.enter(_turned(legs.loop_out, trips.via, trips.maker))
    relabelled = _scaled(legs.loop_back, 1.0 - trips.home_share)
    book.enter(_turned(relabelled, trips.maker, trips.last))
    book.enter(_turned(legs.loop_on, legs.loop_on.target, legs.loop_on.source))
    home = _scaled(legs.loop_back, trips.home_share)
    some = np.flatnonzero(trips.home_share > 0.0)
    book.enter(_turned(home, trips.maker, trips.maker).pick(some))
    return book.total()


def _arrived(flows: Flows, options: WorldOptions, cast: Cast, rng: np.random.Generator) -> Flows:
    """Put a book on CIF, under-declared as the reporter always did, a part of it a month late.

    The further away, the more arrives in the month after. Of rough trade a month's small dispatch arrives
    as a whole, in the one month or the other.
    """
    ratio = cast.declared_ratio[flows.source, flows.target][:, None]
    freight = cast.cif_fob_ratio[flows.target, flows.source][:, None]
    distance = cast.distance_km[flows.source, flows.target][:, None]
    late = np.broadcast_to(0.5 * np.minimum(distance / 15_000.0, 1.0), flows.usd.shape)
    if options.setting == "rough":
        late = np.where(flows.usd < _WHOLE_USD, rng.random(flows.usd.shape) < late, late)
    usd, kg = (_delayed(values, late) for values in (flows.usd, flows.kg))
    return Flows(flows.source, flows.target, flows.product, usd * ratio * freight, kg * ratio)


def _delayed(values: NDArray[np.float64], late: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the late share a month on; what comes into the first month is taken to be its own late share."""
    moved = values * late
    return np.asarray(values - moved + np.concatenate([moved[:, :1], moved[:, :-1]], axis=1))


def _reported(flows: Flows, options: WorldOptions, cast: Cast, rng: np.random.Generator) -> Flows:
    """Add the reporter's noise: a part of it stays with the flow, a part changes by the month."""
    quality = cast.quality[flows.source][:, None]
    lasting = rng.normal(size=(len(flows), 1)) * quality
    monthly = rng.normal(size=flows.usd.shape) * quality
    weighing = 1.0 + rng.normal(0.0, 0.03 if options.setting == "smooth" else 0.15, flows.kg.shape)
    noise = np.exp(lasting + monthly)
    kg = flows.kg * noise * np.maximum(weighing, 0.3)
    return Flows(flows.source, flows.target, flows.product, flows.usd * noise, kg)


def _inside(part: Flows, whole: Flows, reported: Flows, options: WorldOptions) -> Flows:
    """Report a part (re-exports) with the noise of the whole (exports) that contains it."""
    if not len(part):
        return part
    n, K = options.areas, options.products
    row = np.searchsorted(_key(whole, n, K), _key(part, n, K))
    usd = part.usd * np.divide(
        reported.usd[row], whole.usd[row], out=np.ones_like(part.usd), where=whole.usd[row] > 0
    )
    kg = part.kg * np.divide(
        reported.kg[row], whole.kg[row], out=np.ones_like(part.kg), where=whole.kg[row] > 0
    )
    return Flows(part.source, part.target, part.product, usd, kg)


def _key(flows: Flows, n: int, K: int) -> NDArray[np.int64]:
    return (flows.source * n + flows.target) * K + flows.product
