"""Corridors origin → hub → destination: their bounds, and the amounts that obey all of them.

Sparse throughout: a corridor is there only where the direct flow fell
short and the inbound flow exceeds what was expected in the same product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import find_cells
from entrepot.detect.kernels.allocation import allocate
from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.noise import Noise

__all__ = ["Bounds", "Corridors", "allocate_corridors", "find_bounds", "hub_markup", "origins_share"]

_LARGEST_MARKUP = 1.5
_FEWEST_UNIT_VALUES = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """Legs that depart from their expected flow by more than the noise of their size.

    Attributes
    ----------
    cell : (m,)
        Index of the leg's cell.
    usd : (m,)
        Excess (inbound, onward) or shortfall (direct), USD.
    net_usd : (m,)
        The same, scaled down so that the sum over a pair's products is not more than the pair's net
        departure: with real noise the sum of positive parts alone is far too large.
    """

    cell: NDArray[np.int64]
    usd: NDArray[np.float64]
    net_usd: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corridors:
    """Amounts of origin × hub × destination × product.

    Attributes
    ----------
    origin, hub, destination, product : (t,)
        Indices.
    usd : (t,)
        Amount, FOB at the origin.
    is_onward_observed : (t,)
        Whether the onward leg bounds the amount.
    inbound, direct, onward : (t,)
        Index of the legs' cells; -1 where there is none.
    excess_in, shortfall, excess_on : (t,)
        The bounds, USD; NaN where the onward leg is not observed.
    """

    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    usd: NDArray[np.float64]
    is_onward_observed: NDArray[np.bool_]
    inbound: NDArray[np.int64]
    direct: NDArray[np.int64]
    onward: NDArray[np.int64]
    excess_in: NDArray[np.float64]
    shortfall: NDArray[np.float64]
    excess_on: NDArray[np.float64]


def find_bounds(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.bool_],
    sign: int,
    z: float,
) -> Bounds:
    """Return the legs whose departure has the given sign and exceeds ``z`` standard deviations.

    Parameters
    ----------
    cells, expected, noise
        The flows, what was expected, and how much flows of that size change for no reason.
    legs : (n,)
        Cells that may be such a leg.
    sign
        1 for an excess, -1 for a shortfall.
    z
        Threshold on the log scale.
    """
    index = np.flatnonzero(legs)
    departure = sign * (cells.after[index] - expected[index])
    strength = sign * noise.log_change(cells.after[index], expected[index]) / noise.at(expected[index])
    over = (strength > z) & (departure > 0)
    pair = cells.pair[index]
    n_pairs = cells.n_areas**2
    net = np.maximum(sum_by(pair, departure, n_pairs), 0.0)
    gross = sum_by(pair[over], departure[over], n_pairs)
    share = np.divide(net, gross, out=np.zeros(n_pairs), where=gross > 0)
    usd = departure[over]
    return Bounds(cell=index[over], usd=usd, net_usd=usd * np.minimum(share, 1.0)[pair[over]])


def origins_share(cells: Cells, ours: Bounds, others: Bounds) -> NDArray[np.float64]:
    """Return the origins' share of all that reached each hub beyond expectation.

    A hub sends on what came from others too (a friendly relay), and cannot send on what it never declared;
    so only this share of its onward excess is the origins'.

    Parameters
    ----------
    cells
        The flows.
    ours, others
        Inbound excess of the origins, and of everybody else.

    Returns
    -------
    (n_areas, n_products)
        Share between 0 and 1; 1 where nothing reached the hub beyond expectation.
    """
    shape = (cells.n_areas, cells.n_products)

    def arrived(legs: Bounds) -> NDArray[np.float64]:
        at = cells.importer[legs.cell] * cells.n_products + cells.product[legs.cell]
        return sum_by(at, legs.net_usd, cells.n_areas * cells.n_products).reshape(shape)

    mine, whole = arrived(ours), arrived(ours) + arrived(others)
    share: NDArray[np.float64] = np.divide(mine, whole, out=np.ones(shape), where=whole > 0)
    return share


def allocate_corridors(
    cells: Cells,
    inbound: Bounds,
    onward: Bounds,
    direct: Bounds,
    question: Question,
    share: NDArray[np.float64],
) -> Corridors:
    """Join the legs to corridors and share the bounds among them.

    Every corridor aims at the smallest of its bounds; the amounts grow in proportion until the inbound
    excess, the origins' share of the onward excess (less the hub's mark-up) and the shortfall bind.

    Parameters
    ----------
    cells, question
        The flows and who is asked about.
    inbound, onward, direct
        Bounds of the three legs.
    share : (n_areas, n_products)
        See :func:`origins_share`.
    """
    leg_in, leg_direct = _join(cells, inbound, direct)
    cell_in, cell_direct = inbound.cell[leg_in], direct.cell[leg_direct]
    hub = cells.importer[cell_in]
    destination = cells.importer[cell_direct]
    product = cells.product[cell_in]
    origin = cells.exporter[cell_in]
    observed = question.is_observed[hub, destination]
    leg_on = find_cells(
        cells.key[onward.cell], (hub * cells.n_areas + destination) * cells.n_products + product
    )
    keep = (hub != destination) & (~observed | (leg_on >= 0))
    leg_in, leg_direct, leg_on, observed = leg_in[keep], leg_direct[keep], leg_on[keep], observed[keep]
    origin, hub, destination, product = origin[keep], hub[keep], destination[keep], product[keep]

    markup = hub_markup(cells, question)
    onward_hub, onward_product = cells.exporter[onward.cell], cells.product[onward.cell]
    on_usd = onward.net_usd / markup[onward_hub] * share[onward_hub, onward_product]
    capacity = np.concatenate([inbound.net_usd, direct.net_usd, on_usd])
    at_direct = leg_direct + inbound.cell.size
    at_on = np.where(observed, leg_on + inbound.cell.size + direct.cell.size, -1)
    smallest = np.minimum(capacity[leg_in], capacity[at_direct])
    smallest = np.where(at_on >= 0, np.minimum(smallest, capacity[at_on]), smallest)
    usd = allocate(smallest, leg_in, at_on, at_direct, capacity, product)
    return Corridors(
        origin=origin,
        hub=hub,
        destination=destination,
        product=product,
        usd=usd,
        is_onward_observed=observed,
        inbound=inbound.cell[leg_in],
        direct=direct.cell[leg_direct],
        onward=np.where(observed, onward.cell[leg_on] if onward.cell.size else -1, -1),
        excess_in=inbound.usd[leg_in],
        shortfall=direct.usd[leg_direct],
        excess_on=np.where(observed, onward.usd[leg_on] if onward.cell.size else np.nan, np.nan),
    )


def _join(cells: Cells, inbound: Bounds, direct: Bounds) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every pair of an inbound leg and a direct leg with the same origin and product."""
    key_in = cells.exporter[inbound.cell] * cells.n_products + cells.product[inbound.cell]
    key_direct = cells.exporter[direct.cell] * cells.n_products + cells.product[direct.cell]
    order = np.argsort(key_in, kind="stable")
    first = np.searchsorted(key_in, key_direct, side="left", sorter=order)
    count = np.searchsorted(key_in, key_direct, side="right", sorter=order) - first
    leg_direct = np.repeat(np.arange(key_direct.size), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return order[np.repeat(first, count) + offset], leg_direct


def hub_markup(cells: Cells, question: Question) -> NDArray[np.float64]:
    """Return each hub's mark-up: unit value to the destinations over unit value from the origins.

    The median over products with weights on both legs, between 1 and 1.5; 1 where fewer than five
    products have weights, which leaves the onward bound wider rather than narrower.

    Returns
    -------
    (n_areas,)
        Ratio of unit values.
    """
    n = cells.n_areas * cells.n_products
    weighed = (cells.after_kg > 0) & (cells.after > 0) & question.listed[cells.product]

    def unit_value(legs: NDArray[np.bool_], hub: NDArray[np.int64]) -> NDArray[np.float64]:
        at = hub[legs] * cells.n_products + cells.product[legs]
        usd = sum_by(at, cells.after[legs], n)
        kg = sum_by(at, cells.after_kg[legs], n)
        ratio: NDArray[np.float64] = np.divide(usd, kg, out=np.full(n, np.nan), where=kg > 0)
        return ratio

    arriving = unit_value(
        weighed & question.origins[cells.exporter] & question.hubs[cells.importer], cells.importer
    )
    leaving = unit_value(
        weighed & question.hubs[cells.exporter] & question.destinations[cells.importer], cells.exporter
    )
    ratio = (leaving / arriving).reshape(cells.n_areas, cells.n_products)
    markup = np.ones(cells.n_areas)
    for hub in np.flatnonzero(question.hubs):
        known = ratio[hub][np.isfinite(ratio[hub])]
        if known.size >= _FEWEST_UNIT_VALUES:
            markup[hub] = np.clip(np.median(known), 1.0, _LARGEST_MARKUP)
    return markup
