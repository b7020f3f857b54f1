"""Known detours planted in the months before the event (DESIGN section 5, step 8).

The planted detours resemble what was found: as many hubs, the same order of magnitude of the lost trade
that comes back; everything else is drawn widely. They go into the user's own figures, so the noise, the
growth and the gaps around them are the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import merge_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question

__all__ = ["Planted", "SpikePlan", "plant"]


@dataclass(frozen=True, slots=True)
class SpikePlan:
    """What the planted detours should resemble.

    Attributes
    ----------
    returned_share
        Centre of the share of the lost direct trade that comes back through hubs.
    hub_weight : (n_areas,)
        Weight with which each hub is drawn; zero for areas that are no hub.
    n_hubs
        Hubs of one planted set.
    """

    returned_share: float
    hub_weight: NDArray[np.float64]
    n_hubs: int


@dataclass(frozen=True, slots=True)
class Planted:
    """Flows with detours planted in them, and the truth.

    Attributes
    ----------
    cells
        The flows after planting.
    origin, hub, destination, product : (t,)
        Corridors.
    usd : (t,)
        Planted amount, FOB at the origin.
    """

    cells: Cells
    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    usd: NDArray[np.float64]


def plant(cells: Cells, question: Question, plan: SpikePlan, rng: np.random.Generator) -> Planted:
    """Plant one set of detours.

    Every treated direct flow of a drawn part of the listed products loses 40 to 95% of what it had; a
    drawn share of the loss goes through hubs, each origin by its own weights, each product near them.
    The amount is taken from the direct flow, added to the inbound leg and, with a mark-up of 5 to 30%,
    to the onward leg where that is observed.
    """
    direct = np.flatnonzero(
        question.is_treated[cells.exporter, cells.importer] & question.listed[cells.product] & (cells.after > 0)
    )
    treated_part = rng.uniform(0.4, 1.0)
    treated_product = rng.random(cells.n_products) < treated_part
    direct = direct[treated_product[cells.product[direct]]]
    lost = cells.after[direct] * rng.uniform(0.4, 0.95, direct.size)
    centre = float(np.clip(plan.returned_share, 0.01, 0.9) * np.exp(rng.normal(0.0, 0.5)))
    share = np.clip(centre * np.exp(rng.normal(0.0, 0.5, direct.size)), 0.0, 0.95)
    hubs = _draw_hubs(plan, rng)
    weights = _hub_shares(cells, direct, hubs, plan, rng)
    hubs_of = np.tile(hubs, direct.size)
    row = np.repeat(np.arange(direct.size), hubs.size)
    usd = (lost * share)[row] * weights.ravel()
    origin = cells.exporter[direct][row]
    destination = cells.importer[direct][row]
    product = cells.product[direct][row]
    keep = (usd > 0) & (hubs_of != destination) & (hubs_of != origin)
    origin, destination, product = origin[keep], destination[keep], product[keep]
    hub, usd = hubs_of[keep], usd[keep]
    markup = 1.0 + rng.uniform(0.05, 0.3, cells.n_areas)
    onward = question.is_observed[hub, destination]
    key = np.concatenate(
        [
            cells.key[direct],
            (origin * cells.n_areas + hub) * cells.n_products + product,
            ((hub * cells.n_areas + destination) * cells.n_products + product)[onward],
        ]
    )
    change = np.concatenate([-lost, usd, (usd * markup[hub])[onward]])
    return Planted(
        cells=merge_cells(cells, key=key, change=change),
        origin=origin,
        hub=hub,
        destination=destination,
        product=product,
        usd=usd,
    )


def _draw_hubs(plan: SpikePlan, rng: np.random.Generator) -> NDArray[np.int64]:
    possible = np.flatnonzero(plan.hub_weight > 0)
    n = min(max(plan.n_hubs, 1), possible.size)
    weight = plan.hub_weight[possible]
    return rng.choice(possible, size=n, replace=False, p=weight / weight.sum())


def _hub_shares(
    cells: Cells, direct: NDArray[np.int64], hubs: NDArray[np.int64], plan: SpikePlan, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the share of each direct flow's detour that each hub takes: rows sum to one."""
    mean = plan.hub_weight[hubs] / plan.hub_weight[hubs].sum()
    shares = np.empty((direct.size, hubs.size))
    for origin in np.unique(cells.exporter[direct]):
        own = rng.dirichlet(np.maximum(mean * 2.0 * hubs.size, 0.2))
        mine = np.flatnonzero(cells.exporter[direct] == origin)
        shares[mine] = rng.dirichlet(np.maximum(own * 4.0 * hubs.size, 0.05), size=mine.size)
    return shares
