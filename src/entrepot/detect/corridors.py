"""Corridors origin → hub → destination: the amounts that obey all bounds at once.

Sparse throughout: a corridor is there only where the direct flow fell
short and the inbound flow exceeds what was expected in the same product.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import find_cells
from entrepot.detect.kernels.allocation import allocate
from entrepot.detect.kernels.sums import sum_by
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from entrepot.detect.bounds import Bounds
    from entrepot.detect.cells import Cells, Question

__all__ = [
    "CHAIN",
    "KINDS",
    "UNSEEN",
    "Corridors",
    "Legs",
    "allocate_detours",
    "allocate_relays",
    "declared_part",
    "join_keys",
    "kind_number",
    "share_out",
    "through_hubs",
]

#: Kinds by their number in :attr:`Corridors.kind`.
KINDS = (
    DetourKind.DECLARED,
    DetourKind.UNSEEN,
    DetourKind.RELAY,
    DetourKind.ONWARD_UNOBSERVED,
    DetourKind.DECLARED,  # over several hubs: published books show the goods going on from each
)

_DECLARED, UNSEEN, _RELAY, _UNOBSERVED, CHAIN = range(5)


#: What rounding may leave of amounts, USD.
_CENT = 0.01

#: A demand of which less than this share is left is met.
_ROUNDING = 1e-9


def kind_number(kind: DetourKind) -> int:
    """Return the number of a kind in :attr:`Corridors.kind`."""
    return KINDS.index(kind)


@dataclass(frozen=True, slots=True)
class Legs:
    """Bounds of the legs of all corridors.

    Attributes
    ----------
    inbound
        Inbound excess of the origins.
    others
        The same of everybody else who supplies the hubs.
    onward
        What the hubs sent on beyond expectation, less their mark-up.
    direct
        Shortfall on the direct road.
    declared : (n_areas,)
        Share of the origins' inbound excess that each hub declares (:mod:`entrepot.detect.unseen`).
    others_declared : (n_areas,)
        The same of the others'.
    """

    inbound: Bounds
    others: Bounds
    onward: Bounds
    direct: Bounds
    declared: NDArray[np.float64]
    others_declared: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corridors:
    """Amounts of origin × hub × destination × product × kind.

    Attributes
    ----------
    origin, hub, destination, product : (t,)
        Indices.
    kind : (t,)
        Number of the kind, see :data:`KINDS`.
    usd : (t,)
        Amount, FOB at the origin.
    inbound, direct, onward : (t,)
        Index of the legs' cells; -1 where there is none.
    second, third : (t,)
        Hubs after the first one (:mod:`entrepot.detect.chains`); -1 where there is none.
    """

    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    kind: NDArray[np.int64]
    usd: NDArray[np.float64]
    inbound: NDArray[np.int64]
    direct: NDArray[np.int64]
    onward: NDArray[np.int64]
    second: NDArray[np.int64]
    third: NDArray[np.int64]

    def only(self, mask: NDArray[np.bool_]) -> Corridors:
        """Return the corridors under a mask."""
        return Corridors(*[getattr(self, field.name)[mask] for field in fields(self)])

    def joined(self, other: Corridors) -> Corridors:
        """Return these corridors and others."""
        pairs = [(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]
        return Corridors(*[np.concatenate(pair) for pair in pairs])


def allocate_detours(cells: Cells, legs: Legs, question: Question) -> Corridors:
    """Join the origins' legs to corridors and share the bounds among them.

    What a hub declares goes on in its books and is bound by them; what it does not declare is bound by the
    arrivals and the direct road only, and is looked for only where the hub sends more to the destination in
    its books as well, or to another hub that does. Every corridor aims at the smallest of its bounds; the
    amounts grow in proportion until the inbound excess, the origins' share of the onward excess (less the
    hub's mark-up) and the shortfall bind.

    Parameters
    ----------
    cells, question
        The flows and who is asked about.
    legs
        Bounds of the legs.
    """
    inbound, direct = legs.inbound.positive(), legs.direct.positive()
    leg_in, leg_direct = join_keys(
        cells.exporter[inbound.cell] * cells.n_products + cells.product[inbound.cell],
        cells.exporter[direct.cell] * cells.n_products + cells.product[direct.cell],
    )
    cell_in, cell_direct = inbound.cell[leg_in], direct.cell[leg_direct]
    origin, hub, product = cells.exporter[cell_in], cells.importer[cell_in], cells.product[cell_in]
    destination = cells.importer[cell_direct]
    declared = declared_part(cells, inbound, legs.declared, question)
    share = _origins_share(cells, legs)
    sent = legs.onward.cell
    onward_usd = legs.onward.net_usd * share[cells.exporter[sent], cells.product[sent]]
    leg_on = find_cells(cells.key_at(sent), cells.key_of(hub, destination, product))

    observed = question.sees(cells, hub, destination, product)
    # Nothing but its own mirror gap would tie a hub to a destination to which it sends no more than before,
    # neither by itself nor through another hub.
    sends_on = _roads_on(cells, legs)[hub, destination]
    apart = (hub != origin) & _can_pass(hub, destination, question)
    row, kind = _rows_of(
        {
            _DECLARED: apart & observed & (leg_on >= 0),
            UNSEEN: apart & observed & sends_on & (declared[leg_in] < 1.0),
            _UNOBSERVED: apart & ~observed,
        }
    )
    n_in, n_direct = inbound.cell.size, direct.cell.size
    capacity = np.concatenate(
        [inbound.net_usd * declared, inbound.net_usd * (1.0 - declared), direct.net_usd, onward_usd]
    )
    at_in = leg_in[row] + np.where(kind == UNSEEN, n_in, 0)
    at_direct = leg_direct[row] + 2 * n_in
    at_on = np.where(kind == _DECLARED, leg_on[row] + 2 * n_in + n_direct, -1)
    usd = share_out(capacity, at_in, at_on, at_direct, product[row])
    alone = np.where(kind == _UNOBSERVED, usd, 0.0)
    usd *= _within_no_kind(cells, legs, question, hub[row], destination[row], alone)
    return Corridors(
        origin=origin[row],
        hub=hub[row],
        destination=destination[row],
        product=product[row],
        kind=kind,
        usd=usd,
        inbound=cell_in[row],
        direct=cell_direct[row],
        onward=_cell_of(legs.onward, np.where(observed, leg_on, -1)[row]),
        second=np.full(usd.size, -1),
        third=np.full(usd.size, -1),
    )


def allocate_relays(cells: Cells, legs: Legs, question: Question, detours: Corridors) -> Corridors:
    """Return what other suppliers send to the destinations through the hubs: the friendly road.

    Their direct trade did not fall, so no shortfall of their own bounds them: what is left of the onward
    excess does, and the demand that the fall of the treated origins left unmet.

    Parameters
    ----------
    cells, legs, question
        As for :func:`allocate_detours`.
    detours
        What the origins themselves send through the hubs, which goes first.
    """
    others = legs.others.scaled(declared_part(cells, legs.others, legs.others_declared, question)).positive()
    n_markets = cells.n_areas * cells.n_products
    direct, product_of = legs.direct.cell, cells.product[legs.direct.cell]
    unmet = sum_by(cells.importer[direct] * cells.n_products + product_of, legs.direct.net_usd, n_markets)
    lost = unmet.copy()
    unmet -= sum_by(detours.destination * cells.n_products + detours.product, detours.usd, n_markets)
    market = np.flatnonzero(unmet > _ROUNDING * lost)
    leg_in, at_market = join_keys(cells.product[others.cell], market % cells.n_products)
    cell_in = others.cell[leg_in]
    origin, hub, product = cells.exporter[cell_in], cells.importer[cell_in], cells.product[cell_in]
    destination = market[at_market] // cells.n_products
    leg_on = find_cells(cells.key_at(legs.onward.cell), cells.key_of(hub, destination, product))
    observed = question.sees(cells, hub, destination, product)
    keep = (hub != origin) & (origin != destination) & _can_pass(hub, destination, question)
    keep &= ~observed | (leg_on >= 0)
    passed = find_cells(legs.onward.cell, detours.onward)
    declared = (detours.kind == _DECLARED) & (passed >= 0)
    left_on = legs.onward.net_usd - sum_by(passed[declared], detours.usd[declared], legs.onward.cell.size)
    capacity = np.concatenate([others.net_usd, unmet[market], np.maximum(left_on, 0.0)])
    leg_in, at_market, leg_on, observed = leg_in[keep], at_market[keep], leg_on[keep], observed[keep]
    at_on = np.where(observed, leg_on + others.cell.size + market.size, -1)
    usd = share_out(capacity, leg_in, at_on, at_market + others.cell.size, product[keep])
    origin, hub, destination, product = origin[keep], hub[keep], destination[keep], product[keep]
    return Corridors(
        origin=origin,
        hub=hub,
        destination=destination,
        product=product,
        kind=np.full(usd.size, _RELAY),
        usd=usd,
        inbound=cell_in[keep],
        direct=cells.find(origin, destination, product),
        onward=_cell_of(legs.onward, np.where(observed, leg_on, -1)),
        second=np.full(usd.size, -1),
        third=np.full(usd.size, -1),
    )


def through_hubs(relays: Corridors, own: Corridors, n_areas: int) -> Corridors:
    """Return the relays through hubs that pass the origins' own goods on to the same destination.

    An area that buys more of everybody, or sells more of its own, is no road for that.

    Parameters
    ----------
    relays
        What other suppliers sent.
    own
        What the origins sent, over one hub and over several.
    n_areas
        Number of areas.
    """
    last = np.select([own.third >= 0, own.second >= 0], [own.third, own.second], own.hub)
    carried = np.bincount(last * n_areas + own.destination, own.usd, n_areas**2)
    return relays.only(carried[relays.hub * n_areas + relays.destination] > _CENT)


def _within_no_kind(
    cells: Cells,
    legs: Legs,
    question: Question,
    hub: NDArray[np.int64],
    destination: NDArray[np.int64],
    usd: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the factor that keeps what went on under no code of its own within what went on so in all.

    A hub that hides goods sends them on among its goods of no kind, whose growth towards the destination
    therefore bounds all of them together, as far as it declares anything. One where nothing is hidden.

    Parameters
    ----------
    cells, legs, question
        As for :func:`allocate_detours`.
    hub, destination, usd : (m,)
        Corridors whose onward leg nobody tells, with their amounts; zero for the others.
    """
    factor = np.ones(usd.size)
    if cells.hidden is None or not cells.hidden.no_kind.any():
        return factor
    n = cells.n_areas
    pair = hub * n + destination
    bound = usd * question.is_observed[hub, destination]
    asked = np.bincount(pair, bound, n * n)
    under = cells.under((asked > 0).reshape(n, n), np.ones(cells.n_products, dtype=bool))
    exporter, product = cells.exporter[under], cells.product[under]
    under = under[cells.hidden.no_kind[product] | cells.hidden.goods[exporter, product]]
    grown = sum_by(cells.pair_at(under), cells.after[under] - cells.before[under], n * n)
    declared = np.repeat(legs.declared, n)
    most = np.divide(np.maximum(grown, 0.0), declared, out=np.full(n * n, np.inf), where=declared > 0)
    of_pair = np.divide(most, asked, out=np.ones(n * n), where=asked > 0)
    return np.where(bound > 0, np.minimum(of_pair[pair], 1.0), factor)


def _roads_on(cells: Cells, legs: Legs) -> NDArray[np.bool_]:
    """Return whether each area sends more to each other one, or to a hub that does: (n_areas, n_areas)."""
    shape = (cells.n_areas, cells.n_areas)
    sells, supplies = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for mask, cell in ((sells, legs.onward.cell), (supplies, legs.others.positive().cell)):
        mask[cells.exporter[cell], cells.importer[cell]] = True
    roads: NDArray[np.bool_] = sells | ((supplies.astype(np.float32) @ sells.astype(np.float32)) > 0)
    return roads


def _rows_of(masks: Mapping[int, NDArray[np.bool_]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows under each kind's mask, kind after kind, and the kind of each."""
    rows = {kind: np.flatnonzero(mask) for kind, mask in masks.items()}
    kinds = [np.full(found.size, kind) for kind, found in rows.items()]
    return np.concatenate(list(rows.values())), np.concatenate(kinds)


def _can_pass(
    hub: NDArray[np.int64], destination: NDArray[np.int64], question: Question
) -> NDArray[np.bool_]:
    """Return whether goods can go on: not from where trade with the destination is itself under measures."""
    passes: NDArray[np.bool_] = (hub != destination) & ~question.is_treated[hub, destination]
    return passes


def declared_part(
    cells: Cells, inbound: Bounds, declared: NDArray[np.float64], question: Question
) -> NDArray[np.float64]:
    """Return the declared share of each inbound leg: all of it where nobody publishes the onward leg.

    Of such a hub nothing tells what was declared from what was not.
    """
    hub = cells.importer[inbound.cell]
    return np.where(question.is_alone(cells, hub, cells.product[inbound.cell]), 1.0, declared[hub])


def _origins_share(cells: Cells, legs: Legs) -> NDArray[np.float64]:
    """Return the origins' share of all that each hub declares to have reached it beyond expectation.

    A hub sends on what came from others too (a friendly relay), and cannot send on in its books what it
    never declared; so only this share of its onward excess is the origins'. One where nothing arrived.

    Returns
    -------
    (n_areas, n_products)
        Share between 0 and 1.
    """
    shape = (cells.n_areas, cells.n_products)

    def arrived(bounds: Bounds, declared: NDArray[np.float64]) -> NDArray[np.float64]:
        hub = cells.importer[bounds.cell]
        at = hub * cells.n_products + cells.product[bounds.cell]
        return sum_by(at, bounds.net_usd * declared[hub], cells.n_areas * cells.n_products).reshape(shape)

    mine = arrived(legs.inbound, legs.declared)
    whole = mine + arrived(legs.others, legs.others_declared)
    share: NDArray[np.float64] = np.divide(mine, whole, out=np.ones(shape), where=whole > 0)
    return share


def share_out(
    capacity: NDArray[np.float64],
    at_in: NDArray[np.int64],
    at_on: NDArray[np.int64],
    at_direct: NDArray[np.int64],
    product: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Let every corridor aim at the smallest of its capacities, and fill them in proportion."""
    if not at_in.size:
        return np.zeros(0)
    smallest = np.minimum(capacity[at_in], capacity[at_direct])
    smallest = np.where(at_on >= 0, np.minimum(smallest, capacity[at_on]), smallest)
    return allocate(smallest, at_in, at_on, at_direct, capacity, product)


def _cell_of(bounds: Bounds, leg: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cell of each leg, -1 for leg -1."""
    return np.append(bounds.cell, -1)[leg]


def join_keys(
    left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of every pair of equal keys, left and right, in the order of the right ones."""
    order = np.argsort(left, kind="stable")
    in_order = left[order]
    first = np.searchsorted(in_order, right, side="left")
    count = np.searchsorted(in_order, right, side="right") - first
    at_right = np.repeat(np.arange(right.size), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return order[np.repeat(first, count) + offset], at_right
