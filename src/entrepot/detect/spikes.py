"""Known detours planted in the months before the event.

The planted detours resemble what was found: as many hubs, about as much in all; everything else is drawn
widely, and what happens beside a real event is planted too. They go into the user's own figures, so the
noise, the growth and the gaps around them are the real ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import merge_cells
from entrepot.detect.corridors import CHAIN, kind_number
from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.noise import MAD_TO_SD
from entrepot.detect.unseen import mirror_ratio
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.noise import Noise

__all__ = ["BookErrors", "Books", "Planted", "SpikePlan", "plant"]

_UNKNOWN_SHARE = 0.1
_LEAST_SHARE, _LARGEST_SHARE = 0.01, 0.9
_NO_RELAY = 0.5
_FRIENDS = 3
_BOOMING = 1.0 / 3.0
_BOOMING_GOODS = 0.5
_CHAINED = 0.25
_MOST_ELSEWHERE = 0.15
_FEWEST_CELLS = 5
_MEDIAN_VARIANCE = math.pi / 2.0

_DECLARED, _UNSEEN, _RELAY, _UNOBSERVED = (
    kind_number(kind)
    for kind in (DetourKind.DECLARED, DetourKind.UNSEEN, DetourKind.RELAY, DetourKind.ONWARD_UNOBSERVED)
)


@dataclass(frozen=True, slots=True)
class SpikePlan:
    """What the planted detours should resemble.

    Attributes
    ----------
    total_usd
        Centre of what goes through the hubs in all, in the windows that are planted in. At most nine tenths
        of the lost direct trade do; a tenth does where the centre is zero.
    hub_weight : (n_areas,)
        Weight with which each hub is drawn; zero for areas that are no hub.
    n_hubs
        Hubs of one planted set.
    hides : (n_areas,)
        Part of its goods that each area does not publish by their code; None where nobody hides any.
    """

    total_usd: float
    hub_weight: NDArray[np.float64]
    n_hubs: int
    hides: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Planted:
    """Flows with detours planted in them, and the truth.

    Attributes
    ----------
    cells
        The flows after planting.
    origin, hub, destination, product, kind : (t,)
        Corridors, and the number of their kind (:data:`entrepot.detect.corridors.KINDS`); of roads over
        several hubs the first.
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
    cells: Cells, question: Question, plan: SpikePlan, *, books: Books, rng: np.random.Generator
) -> Planted:
    """Plant one set of detours.

    Every treated direct flow of a drawn part of the listed products loses 40 to 95% of what it had; a
    drawn share of the loss goes through hubs, each origin by its own weights, each product near them.
    The amount is taken from the direct flow and added to the inbound leg. A part of 0 to 60% is never
    declared by the hub; its import book shows the rest as it has always shown the pair's trade, and where
    the onward leg is observed the rest goes on with a mark-up of 5 to 30%. In half of the sets other
    suppliers use the same hubs. What makes a real event hard must be in the planted ones too: the origins
    sell up to 15% of what they lost elsewhere, and hubs and innocent areas boom for reasons of their own. No
    book records what is planted more exactly than it records other trade (:class:`BookErrors`). In a quarter
    of the sets one hub sends a part on through a second one. Areas that hide goods hide some of what is
    planted too: towards a silent destination neither a hub's onward leg nor an origin's direct flow of such a
    good is there, and of its arrivals only what the hub declares. ``books`` are those of the same cells.
    """
    direct = cells.under(question.is_treated, question.listed)
    direct = direct[cells.after[direct] > 0]
    treated_product = rng.random(cells.n_products) < rng.uniform(0.4, 1.0)
    direct = direct[treated_product[cells.product[direct]]]
    lost = cells.after[direct] * rng.uniform(0.4, 0.95, direct.size)
    row, hub, usd = _routes(cells, direct, lost, plan, rng)
    keep = ~question.is_treated[hub, cells.importer[direct][row]]
    row, hub, usd = row[keep], hub[keep], usd[keep]
    origin, destination = cells.exporter[direct][row], cells.importer[direct][row]
    product = cells.product[direct][row]
    hidden = _hidden_goods(cells, plan, rng)
    is_told = question.sees(cells, hub, destination, product)
    onward = is_told & ~(hidden[hub, product] & ~cells.has_mirror[hub, destination])
    shown = usd * (1.0 - rng.uniform(0.0, 0.6, cells.n_areas)[hub])
    friend, relayed = _relay(cells, question, hub, product, shown, rng)
    markup = 1.0 + rng.uniform(0.05, 0.3, cells.n_areas)
    sold, elsewhere = _deflected(cells, question, direct, lost, rng)
    boom, grown = _boom(cells, question, hub, treated_product, rng)
    ratio, mirrored = books.ratio, books.mirrored
    in_own, in_hubs = (books.errors.draw(origin, hub, rng) for _ in range(2))
    arrived, mirror = usd * in_own, shown * ratio[origin, hub] * in_hubs
    arrived = np.where(hidden[origin, product], mirror * cells.has_mirror[origin, hub], arrived)
    going_on = books.errors.draw(hub, destination, rng)
    second, chained = _chained(question, hub, destination, np.where(onward, shown, 0.0), rng)
    on = chained > 0
    to_second = (chained * markup[hub])[on]
    sent_on = shown - chained + relayed
    in_books, under = onward, product
    if cells.hidden is not None and cells.hidden.no_kind.any():
        # What a hub sends on and hides stands under no kind.
        under = np.where(onward, product, np.flatnonzero(cells.hidden.no_kind)[0])
        in_books = question.is_observed[hub, destination]
    changes = (
        (cells.key_of(hub, second, product)[on], to_second, to_second * ratio[hub, second][on]),
        (cells.key_of(second, destination, product)[on], to_second * markup[second][on], None),
        (cells.key_at(direct), -lost, -lost * mirrored[direct]),
        (cells.key_of(origin, hub, product), arrived, mirror),
        (cells.key_of(hub, destination, under)[in_books], (sent_on * markup[hub] * going_on)[in_books], None),
        (cells.key_of(friend, hub, product), relayed, relayed * ratio[friend, hub]),
        (cells.key_at(sold), elsewhere, elsewhere * mirrored[sold]),
        (cells.key_at(boom), grown, grown * mirrored[boom]),
    )
    roads = (
        (origin, _DECLARED, np.where(onward, shown - chained, 0.0)),
        (origin, CHAIN, chained),
        (origin, _UNSEEN, np.where(onward, usd - shown, 0.0)),
        (origin, _UNOBSERVED, np.where(onward, 0.0, usd)),
        (friend, _RELAY, relayed),
    )
    planted = np.concatenate([amount for _, _, amount in roads])
    real = planted > 0
    merged = merge_cells(
        cells,
        key=np.concatenate([key for key, _, _ in changes]),
        change=np.concatenate([change for _, change, _ in changes]),
        mirrored=np.concatenate(
            [np.zeros(change.size) if seen is None else seen for _, change, seen in changes]
        ),
    )
    if hidden.any():
        merged = merged.only(~_is_hidden(merged, question, hidden))
    return Planted(
        cells=merged,
        origin=np.concatenate([sender for sender, _, _ in roads])[real],
        hub=np.tile(hub, len(roads))[real],
        destination=np.tile(destination, len(roads))[real],
        product=np.tile(product, len(roads))[real],
        kind=np.repeat([kind for _, kind, _ in roads], usd.size)[real],
        usd=planted[real],
    )


@dataclass(frozen=True, slots=True)
class Books:
    """What the two books of each flow tell before anything is planted: the same for every set.

    Attributes
    ----------
    errors
        How far one book is off.
    ratio : (n_areas, n_areas)
        The importer's over the exporter's figure before the event; zero where they do not stand side by side.
    mirrored : (n,)
        The same of each cell after it.
    """

    errors: BookErrors
    ratio: NDArray[np.float64]
    mirrored: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Cells, noise: Noise) -> Books:
        """Read them."""
        nothing = np.zeros(cells.after.size)
        return cls(
            BookErrors.of(cells),
            np.nan_to_num(mirror_ratio(cells, noise)),
            np.divide(cells.mirror_after, cells.after, out=nothing, where=cells.after > 0),
        )


@dataclass(frozen=True, slots=True)
class BookErrors:
    """How far one book is off, learnt from how far two books of one flow are apart.

    Attributes
    ----------
    cell_sd
        Standard deviation of the log error of one cell beside its pair.
    pair_sd
        That of what a pair's error changes by from one window to the other.
    """

    cell_sd: float
    pair_sd: float

    @classmethod
    def of(cls, cells: Cells) -> BookErrors:
        """Learn from the larger half of the cells that both sides report; no errors where none do.

        Half of the variance between two books is each one's own.
        """
        both = cells.has_mirror[cells.exporter, cells.importer]
        for side in (cells.before, cells.after, cells.mirror_before, cells.mirror_after):
            both &= side > 0
        if both.any():
            both &= cells.before >= np.median(cells.before[both])
        at = np.flatnonzero(both)
        pair = cells.pair_at(at)
        gap = np.log(cells.mirror_before[at] / cells.before[at])
        change = np.log(cells.mirror_after[at] / cells.after[at]) - gap
        weight = np.ones(gap.size)
        moved = grouped_median(change, weight, pair, cells.n_areas**2)
        usual = grouped_median(gap, weight, pair, cells.n_areas**2)
        told = usual.count >= _FEWEST_CELLS
        if not told.any():
            return cls(0.0, 0.0)
        half = MAD_TO_SD / math.sqrt(2.0)
        cell_sd = half * float(np.median(np.abs(gap - usual.value[pair])[told[pair]]))
        pair_sd = half * float(np.median(np.abs(moved.value[told])))
        # What the errors of single cells leave in the median of a pair is not the pair's.
        left = _MEDIAN_VARIANCE * 2.0 * cell_sd**2 * float(np.mean(1.0 / moved.count[told]))
        return cls(cell_sd=cell_sd, pair_sd=math.sqrt(max(pair_sd**2 - left, 0.0)))

    def draw(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return a factor for every flow of these pairs: one error a pair, and one a flow."""
        pairs, at = np.unique(np.stack([exporter, importer]), axis=1, return_inverse=True)
        by_pair = rng.normal(0.0, self.pair_sd, (pairs.shape[1],))
        error = by_pair[at] + rng.normal(0.0, self.cell_sd, exporter.size)
        factor: NDArray[np.float64] = np.exp(error)
        return factor


def _routes(
    cells: Cells,
    direct: NDArray[np.int64],
    lost: NDArray[np.float64],
    plan: SpikePlan,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return which lost flow goes through which hub, and how much: index into ``direct``, hub, USD."""
    whole = lost.sum()
    centre = plan.total_usd / whole if plan.total_usd > 0 and whole > 0 else _UNKNOWN_SHARE
    centre = float(np.clip(centre * np.exp(rng.normal(0.0, 0.5)), _LEAST_SHARE, _LARGEST_SHARE))
    share = np.clip(centre * np.exp(rng.normal(0.0, 0.8, direct.size)), 0.0, 0.95)
    hubs = _draw_hubs(plan, rng)
    weights = _hub_shares(cells, direct, hubs, plan, rng)
    row = np.repeat(np.arange(direct.size), hubs.size)
    hub = np.tile(hubs, direct.size)
    usd = (lost * share)[row] * weights.ravel()
    keep = (usd > 0) & (hub != cells.importer[direct][row]) & (hub != cells.exporter[direct][row])
    return row[keep], hub[keep], usd[keep]


def _hidden_goods(cells: Cells, plan: SpikePlan, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which goods areas hide in a set, (n_areas, n_products): as many as they do, drawn anew."""
    shape = (cells.n_areas, cells.n_products)
    if plan.hides is None:
        return np.zeros(shape, dtype=bool)
    hidden: NDArray[np.bool_] = rng.random(shape) < plan.hides[:, None]
    return hidden


def _is_hidden(cells: Cells, question: Question, hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the cells of direct trade under measures that no book tells by their good."""
    closed = cells.under(question.is_treated, question.listed)
    exporter, importer = cells.exporter[closed], cells.importer[closed]
    is_hidden = np.zeros(cells.before.size, dtype=bool)
    is_hidden[closed] = hidden[exporter, cells.product[closed]] & ~cells.has_mirror[exporter, importer]
    return is_hidden


def _relay(
    cells: Cells,
    question: Question,
    hub: NDArray[np.int64],
    product: NDArray[np.int64],
    usd: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what others send through the same hubs: nothing in half the sets, else up to half as much."""
    sells = np.flatnonzero((cells.by_pair[:, question.hubs] > 0).any(axis=1))
    others = sells[~question.origins[sells] & ~question.destinations[sells]]
    if not others.size or rng.random() < _NO_RELAY:
        return hub, np.zeros(usd.size)
    friend = rng.choice(rng.choice(others, size=min(_FRIENDS, others.size), replace=False), size=hub.size)
    share = rng.uniform(0.0, 0.5, cells.n_areas)[hub] * rng.uniform(0.0, 2.0, cells.n_products)[product]
    return friend, np.where(friend == hub, 0.0, usd * share)


def _chained(
    question: Question,
    hub: NDArray[np.int64],
    destination: NDArray[np.int64],
    shown: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return through which second hub goods go on, and how much: from one hub, in a quarter of the sets."""
    none = np.zeros(shown.size)
    is_seen = question.is_observed[:, np.unique(destination)].all(axis=1)
    possible = np.flatnonzero(question.hubs & ~question.origins & is_seen)
    first = np.unique(hub[shown > 0])
    if rng.random() > _CHAINED or not first.size or possible.size < 2:
        return hub, none
    sender, receiver = rng.choice(first), rng.choice(possible)
    share = rng.uniform(0.3, 0.9)
    passes = (hub == sender) & (receiver != sender) & question.is_observed[sender, receiver]
    passes &= ~question.is_treated[receiver, destination]
    return np.where(passes, receiver, hub), np.where(passes, shown * share, 0.0)


def _deflected(
    cells: Cells,
    question: Question,
    direct: NDArray[np.int64],
    lost: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where the origins sell a part of what they lost, and how much: by size of what they sold."""
    size = cells.n_areas * cells.n_products

    def supply(at: NDArray[np.int64]) -> NDArray[np.int64]:
        return cells.exporter[at] * cells.n_products + cells.product[at]

    pool = sum_by(supply(direct), lost, size) * rng.uniform(0.0, _MOST_ELSEWHERE, cells.n_areas).repeat(
        cells.n_products
    )
    loses = np.bincount(cells.exporter[direct], minlength=cells.n_areas) > 0
    other = cells.under(loses[:, None] & ~question.is_treated, np.ones(cells.n_products, dtype=bool))
    other = other[pool[supply(other)] > 0]
    base = sum_by(supply(other), cells.after[other], size)
    share = np.divide(pool, base, out=np.zeros(size), where=base > 0)
    # In a file of a few partners all of it would land on these: elsewhere is mostly outside the file.
    return other, cells.after[other] * np.minimum(share, _MOST_ELSEWHERE)[supply(other)]


def _boom(
    cells: Cells,
    question: Question,
    hub: NDArray[np.int64],
    treated: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cells of genuine booms, and the growth.

    A third of the hubs buy up to twice, and as many innocent areas as there are hubs up to three times as
    much, of half of all goods or of exactly those under measures; every second innocent sells more too.
    """
    used = np.unique(hub)
    innocent = np.setdiff1d(np.flatnonzero(question.hubs & ~question.origins), used)
    chosen = rng.choice(innocent, size=min(used.size, innocent.size), replace=False)
    buying, selling = np.zeros(cells.n_areas), np.zeros(cells.n_areas)
    buying[used] = rng.uniform(0.0, 1.0, used.size) * (rng.random(used.size) < _BOOMING)
    buying[chosen] = rng.uniform(0.0, 2.0, chosen.size)
    selling[chosen[::2]] = buying[chosen[::2]]
    goods = rng.random((cells.n_areas, cells.n_products)) < _BOOMING_GOODS
    goods[rng.random(cells.n_areas) < _BOOMING_GOODS] = treated
    grows = (selling > 0)[:, None] | (buying > 0)
    cell = cells.under(grows, np.ones(cells.n_products, dtype=bool))
    exporter, importer, product = cells.exporter[cell], cells.importer[cell], cells.product[cell]
    growth = buying[importer] * goods[importer, product] + selling[exporter] * goods[exporter, product]
    real = growth > 0
    return cell[real], cells.after[cell[real]] * growth[real]


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
        shares[mine] = rng.dirichlet(np.maximum(own * 2.0 * hubs.size, 0.05), size=mine.size)
    return shares
