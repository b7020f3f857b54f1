"""Known detours planted in the months before the event.

The planted detours resemble what was found: as many hubs, the same order of magnitude of the lost trade
that comes back; everything else is drawn widely. They go into the user's own figures, so the noise, the
growth and the gaps around them are the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import merge_cells
from entrepot.detect.corridors import kind_number
from entrepot.detect.unseen import mirror_ratio
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.noise import Noise

__all__ = ["Planted", "SpikePlan", "plant"]

_NO_RELAY = 0.5
_FRIENDS = 3
_BOOMING = 1.0 / 3.0
_BOOMING_GOODS = 0.5

_DECLARED, _UNSEEN, _RELAY, _UNOBSERVED = (
    kind_number(kind)
    for kind in (DetourKind.DECLARED, DetourKind.UNSEEN, DetourKind.RELAY, DetourKind.ONWARD_UNOBSERVED)
)


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
    origin, hub, destination, product, kind : (t,)
        Corridors, and the number of their kind (:data:`entrepot.detect.corridors.KINDS`).
    usd : (t,)
        Planted amount, FOB at the origin.
    """

    cells: Cells
    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    kind: NDArray[np.int64]
    usd: NDArray[np.float64]


def plant(
    cells: Cells, question: Question, plan: SpikePlan, *, noise: Noise, rng: np.random.Generator
) -> Planted:
    """Plant one set of detours.

    Every treated direct flow of a drawn part of the listed products loses 40 to 95% of what it had; a
    drawn share of the loss goes through hubs, each origin by its own weights, each product near them.
    The amount is taken from the direct flow and added to the inbound leg. A part of 0 to 60% is never
    declared by the hub; its import book shows the rest as it has always shown the pair's trade, and where
    the onward leg is observed the rest goes on with a mark-up of 5 to 30%. In half of the sets other
    suppliers use the same hubs. A third of the hubs buy more of half their goods
    from all their suppliers for reasons of their own. What makes a real event hard must be in the planted
    ones too.
    """
    direct = np.flatnonzero(
        question.is_treated[cells.exporter, cells.importer]
        & question.listed[cells.product]
        & (cells.after > 0)
    )
    treated_product = rng.random(cells.n_products) < rng.uniform(0.4, 1.0)
    direct = direct[treated_product[cells.product[direct]]]
    lost = cells.after[direct] * rng.uniform(0.4, 0.95, direct.size)
    row, hub, usd = _routes(cells, direct, lost, plan, rng)
    origin, destination = cells.exporter[direct][row], cells.importer[direct][row]
    product = cells.product[direct][row]
    onward = question.is_observed[hub, destination]
    shown = usd * (1.0 - rng.uniform(0.0, 0.6, cells.n_areas)[hub])
    friend, relayed = _relay(cells, question, hub, product, shown, rng)
    markup = 1.0 + rng.uniform(0.05, 0.3, cells.n_areas)
    boom, grown = _boom(cells, hub, rng)
    ratio = np.nan_to_num(mirror_ratio(cells, noise))
    mirrored = np.divide(
        cells.mirror_after, cells.after, out=np.zeros(cells.after.size), where=cells.after > 0
    )
    changes = (
        (cells.key[direct], -lost, -lost * mirrored[direct]),
        (_key(cells, origin, hub, product), usd, shown * ratio[origin, hub]),
        (_key(cells, hub, destination, product)[onward], ((shown + relayed) * markup[hub])[onward], None),
        (_key(cells, friend, hub, product), relayed, relayed * ratio[friend, hub]),
        (cells.key[boom], grown, grown * mirrored[boom]),
    )
    roads = (
        (origin, _DECLARED, np.where(onward, shown, 0.0)),
        (origin, _UNSEEN, np.where(onward, usd - shown, 0.0)),
        (origin, _UNOBSERVED, np.where(onward, 0.0, usd)),
        (friend, _RELAY, relayed),
    )
    planted = np.concatenate([amount for _, _, amount in roads])
    real = planted > 0
    return Planted(
        cells=merge_cells(
            cells,
            key=np.concatenate([key for key, _, _ in changes]),
            change=np.concatenate([change for _, change, _ in changes]),
            mirrored=np.concatenate(
                [np.zeros(change.size) if seen is None else seen for _, change, seen in changes]
            ),
        ),
        origin=np.concatenate([sender for sender, _, _ in roads])[real],
        hub=np.tile(hub, len(roads))[real],
        destination=np.tile(destination, len(roads))[real],
        product=np.tile(product, len(roads))[real],
        kind=np.repeat([kind for _, kind, _ in roads], usd.size)[real],
        usd=planted[real],
    )


def _key(
    cells: Cells, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
) -> NDArray[np.int64]:
    return (exporter * cells.n_areas + importer) * cells.n_products + product


def _routes(
    cells: Cells,
    direct: NDArray[np.int64],
    lost: NDArray[np.float64],
    plan: SpikePlan,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return which lost flow goes through which hub, and how much: index into ``direct``, hub, USD."""
    centre = float(np.clip(plan.returned_share, 0.01, 0.9) * np.exp(rng.normal(0.0, 0.5)))
    share = np.clip(centre * np.exp(rng.normal(0.0, 0.5, direct.size)), 0.0, 0.95)
    hubs = _draw_hubs(plan, rng)
    weights = _hub_shares(cells, direct, hubs, plan, rng)
    row = np.repeat(np.arange(direct.size), hubs.size)
    hub = np.tile(hubs, direct.size)
    usd = (lost * share)[row] * weights.ravel()
    keep = (usd > 0) & (hub != cells.importer[direct][row]) & (hub != cells.exporter[direct][row])
    return row[keep], hub[keep], usd[keep]


def _relay(
    cells: Cells,
    question: Question,
    hub: NDArray[np.int64],
    product: NDArray[np.int64],
    usd: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what others send through the same hubs: nothing in half the sets, else up to half as much."""
    sells = np.unique(cells.exporter[question.hubs[cells.importer]])
    others = sells[~question.origins[sells] & ~question.destinations[sells]]
    if not others.size or rng.random() < _NO_RELAY:
        return hub, np.zeros(usd.size)
    friend = rng.choice(rng.choice(others, size=min(_FRIENDS, others.size), replace=False), size=hub.size)
    share = rng.uniform(0.0, 0.5, cells.n_areas)[hub] * rng.uniform(0.0, 2.0, cells.n_products)[product]
    return friend, np.where(friend == hub, 0.0, usd * share)


def _boom(
    cells: Cells, hub: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cells of genuine booms, and the growth: a third of the hubs buy more of half their goods."""
    booming = np.zeros(cells.n_areas, dtype=bool)
    used = np.unique(hub)
    booming[used[rng.random(used.size) < _BOOMING]] = True
    factor = rng.uniform(0.0, 1.0, cells.n_areas)
    goods = rng.random(cells.n_products) < _BOOMING_GOODS
    cell = np.flatnonzero(booming[cells.importer] & goods[cells.product])
    return cell, cells.after[cell] * factor[cells.importer[cell]]


def _draw_hubs(plan: SpikePlan, rng: np.random.Generator) -> NDArray[np.int64]:
    possible = np.flatnonzero(plan.hub_weight > 0)
    if not possible.size:
        return possible
    n = min(max(plan.n_hubs, 1), possible.size)
    weight = plan.hub_weight[possible]
    return rng.choice(possible, size=n, replace=False, p=weight / weight.sum())


def _hub_shares(
    cells: Cells,
    direct: NDArray[np.int64],
    hubs: NDArray[np.int64],
    plan: SpikePlan,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the share of each direct flow's detour that each hub takes: rows sum to one."""
    shares = np.empty((direct.size, hubs.size))
    if not hubs.size:
        return shares
    mean = plan.hub_weight[hubs] / plan.hub_weight[hubs].sum()
    for origin in np.unique(cells.exporter[direct]):
        own = rng.dirichlet(np.maximum(mean * 2.0 * hubs.size, 0.2))
        mine = np.flatnonzero(cells.exporter[direct] == origin)
        shares[mine] = rng.dirichlet(np.maximum(own * 4.0 * hubs.size, 0.05), size=mine.size)
    return shares
