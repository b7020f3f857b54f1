"""Known chains planted in the quiet months: out of real flows, through two vias, of many sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.chains import Chains, PlantedLegs
from entrepot.detect.loops.legs import own_months
from entrepot.detect.loops.measure import Planted
from entrepot.detect.loops.spikes import DRAWN, departures, draw_markups, observed_pairs, window_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.spikes import SpikePlan
    from entrepot.detect.loops.windows import Trade

__all__ = ["ChainSets", "draw_chain_spikes", "planted_chain_months", "planted_legs"]

_CHAINS = 3
_LONGEST = 3  # months at one via


@dataclass(frozen=True, slots=True)
class ChainSets:
    """Sets of planted chains in one pair of windows, before their months are drawn; n trips.

    Attributes
    ----------
    at
        Which pair of windows.
    candidates
        The trips.
    group, number : (n,)
        Chain of areas, and set, of each.
    is_planted : (n,)
        True for all: nothing else is looked at beside them.
    factor, markup, loss : (n,)
        Size over the flow out; unit value back over out − 1; weight lost.
    part : (n,)
        Share of the mark-up that is on the goods when they leave the first via.
    lag, on_lag, delay : (n,)
        Months from the maker until they leave the second via, and the first; months from the window's first
        to the first departure.
    """

    at: int
    candidates: Chains
    group: NDArray[np.int64]
    number: NDArray[np.int64]
    is_planted: NDArray[np.bool_]
    factor: NDArray[np.float64]
    markup: NDArray[np.float64]
    loss: NDArray[np.float64]
    part: NDArray[np.float64]
    lag: NDArray[np.int64]
    on_lag: NDArray[np.int64]
    delay: NDArray[np.int64]


def draw_chain_spikes(
    trade: Trade, expected: ExpectedTrade, at: int, *, numbers: NDArray[np.int64], rng: np.random.Generator
) -> ChainSets | None:
    """Draw sets of chains: three threes of areas each, four to eight products a three.

    None where no pair has four products, or no third area is observed.

    Parameters
    ----------
    trade, expected, at
        Where to plant.
    numbers
        Numbers of the sets.
    rng
        Stream to draw from.
    """
    n, is_seen = len(trade.areas), observed_pairs(trade, at)
    out = np.flatnonzero((np.nan_to_num(trade.sums[at].after) > 0) & np.isfinite(expected.usd[at]))
    pair = trade.exporter[out] * n + trade.importer[out]
    found, count = np.unique(pair, return_counts=True)
    rich = found[count >= 4]
    places, group, number = [], [], []
    for set_number in numbers:
        for place, chosen in enumerate(rng.choice(rich, min(_CHAINS, rich.size), replace=False)):
            maker, via = divmod(int(chosen), n)
            thirds = np.flatnonzero(is_seen[via] & is_seen[:, maker])
            thirds = thirds[(thirds != maker) & (thirds != via)]
            if not thirds.size:
                continue
            cells = rng.permutation(out[pair == chosen])[: int(rng.integers(4, 9))]
            places.append((cells, np.full(cells.size, int(rng.choice(thirds)))))
            group.append(np.full(cells.size, set_number * _CHAINS + place))
            number.append(np.full(cells.size, set_number))
    if not places:
        return None
    cells, second = (np.concatenate(part) for part in zip(*places, strict=True))
    maker, via, product = trade.exporter[cells], trade.importer[cells], trade.product[cells]
    size = cells.size
    longest = min(_LONGEST, max(len(trade.windows[at].after) // 4, 1))
    on_lag, back_lag = rng.integers(1, longest + 1, (2, size))
    return ChainSets(
        at=at,
        candidates=Chains(
            maker, via, second, product, maker, via, second, cells,
            trade.find(via, second, product), trade.find(second, maker, product),
        ),
        group=np.concatenate(group),
        number=np.concatenate(number),
        is_planted=np.ones(size, dtype=bool),
        factor=np.exp(rng.uniform(math.log(DRAWN.sizes[0]), math.log(DRAWN.sizes[1]), size)),
        markup=draw_markups(rng, size),
        loss=rng.uniform(0.0, DRAWN.most_loss, size),
        part=rng.uniform(0.2, 0.8, size),
        lag=on_lag + back_lag,
        on_lag=on_lag,
        delay=rng.integers(0, DRAWN.latest + 1, size),
    )  # fmt: skip


def planted_chain_months(
    trade: Trade, series: Series, sets: ChainSets, plan: SpikePlan, rng: np.random.Generator
) -> tuple[tuple[Planted, Planted], NDArray[np.float64]]:
    """Return what is added to the legs of both hops by month, and the true amounts, in USD at departure."""
    left = departures(trade, series, sets, plan, rng)
    whole = np.ones(sets.loss.size)
    on = left.later(sets.on_lag, kept=whole, dearer=1.0 + sets.part * sets.markup)
    back = left.later(sets.lag, kept=1.0 - sets.loss, dearer=1.0 + sets.markup)
    c = sets.candidates
    out, on, back = (
        leg.reported(plan, pair, own_months(series, cell)[0], rng)
        for leg, pair, cell in (
            (left, (c.maker, c.via), c.out),
            (on, (c.via, c.second), c.on),
            (back, (c.second, c.maker), c.back),
        )
    )  # fmt: skip
    hops = Planted(out.usd, out.kg, on.usd, on.kg), Planted(on.usd, on.kg, back.usd, back.kg)
    return hops, left.arriving(sets.lag)


def planted_legs(trade: Trade, at: int, planted: tuple[Planted, Planted], chains: Chains) -> PlantedLegs:
    """Return the months of the after-window summed, on the length of the whole window."""
    sums = []
    for usd, kg, exporter, importer in (
        (planted[0].out_usd, planted[0].out_kg, chains.maker, chains.via),
        (planted[1].out_usd, planted[1].out_kg, chains.via, chains.second),
        (planted[1].back_usd, planted[1].back_kg, chains.source, chains.maker),
    ):
        sums.append(
            (
                window_share(trade, at, usd, exporter, importer),
                window_share(trade, at, kg, exporter, importer),
            )
        )
    return PlantedLegs(*sums)
