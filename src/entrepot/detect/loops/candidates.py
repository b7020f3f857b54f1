"""Candidates for round trips: a flow out of a maker beside a flow back from the via in the same product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.odds import Leg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.windows import Trade

__all__ = [
    "Added",
    "Candidates",
    "PlantedSums",
    "active_flows",
    "decoys_of",
    "legs_in_measure",
    "two_way",
    "window_legs",
]

_ALIKE = 4.0  # ratio of two excesses, in value, beyond which they are not the same goods

#: USD and kg that are added to a leg.
Added = tuple["NDArray[np.float64] | float", "NDArray[np.float64] | float"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Possible round trips in one pair of windows.

    Attributes
    ----------
    maker, via, product : (n,)
        Places.
    out, back : (n,)
        Cells of the legs in :class:`Trade`; -1 where such a flow never was.
    source, target : (n,)
        Where the second leg leaves and ends: the via and the maker, but for placebos and hops of chains.
    """

    maker: NDArray[np.int64]
    via: NDArray[np.int64]
    product: NDArray[np.int64]
    out: NDArray[np.int64]
    back: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]

    def only(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Candidates:
        """Return some of the candidates."""
        return Candidates(*(getattr(self, name)[rows] for name in Candidates.__slots__))

    def joined(self, other: Candidates) -> Candidates:
        """Return these and others behind them."""
        return Candidates(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in Candidates.__slots__)
        )

    @property
    def cells(self) -> NDArray[np.int64]:
        """Cells of all legs that ever flowed."""
        every = np.concatenate([self.out, self.back])
        return every[every >= 0]

    @property
    def last(self) -> NDArray[np.int64]:
        """(n) The via from which the goods come back."""
        return self.via

    @property
    def ends(self) -> Candidates:
        """The first and the last leg."""
        return self

    def pair(self, n_areas: int) -> NDArray[np.int64]:
        """(n) One number per maker and via."""
        return self.maker * n_areas + self.via


@dataclass(frozen=True, slots=True)
class PlantedSums:
    """What was planted in the after-window of each candidate; zero where nothing was.

    Attributes
    ----------
    out_usd, out_kg, back_usd, back_kg : (n,)
        Amounts.
    """

    out_usd: NDArray[np.float64]
    out_kg: NDArray[np.float64]
    back_usd: NDArray[np.float64]
    back_kg: NDArray[np.float64]


def active_flows(trade: Trade, expected: ExpectedTrade, at: int) -> NDArray[np.int64]:
    """Return the cells with a flow in the after-window, where something could be expected."""
    sums = trade.sums[at]
    return np.flatnonzero((np.nan_to_num(sums.after) > 0) & np.isfinite(expected.usd[at]))


def two_way(trade: Trade, expected: ExpectedTrade, at: int) -> Candidates:
    """Return all products that flow in both directions of a pair of areas in the after-window."""
    out = active_flows(trade, expected, at)
    maker, via, product = trade.exporter[out], trade.importer[out], trade.product[out]
    back = trade.find(via, maker, product)
    flows = np.zeros(trade.exporter.size + 1, dtype=bool)
    flows[out] = True
    kept = flows[back]  # the last place stands for a flow that never was
    maker, via = maker[kept], via[kept]
    return Candidates(maker, via, product[kept], out[kept], back[kept], via, maker)


def decoys_of(
    trade: Trade, expected: ExpectedTrade, at: int, *, makers: NDArray[np.bool_], vias: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Candidates:  # fmt: skip
    """Return placebo pairs: what went from a maker to a via beside what came to the maker from elsewhere.

    Every pair of areas is given one other area, the same for all products. Nothing of what went to the via
    can come back from there, while booms of the maker, of the product and of the via's purchases are in it.
    Where the via's own sales to that area grew as both flows did, the goods may have gone on that way and
    come back: a chain is no placebo.
    """
    n = len(trade.areas)
    other = rng.integers(0, n, (n, n))
    out = active_flows(trade, expected, at)
    out = out[makers[trade.exporter[out]] & vias[trade.importer[out]]]
    maker, via, product = trade.exporter[out], trade.importer[out], trade.product[out]
    elsewhere = other[maker, via]
    back = trade.find(elsewhere, maker, product)
    flows = np.zeros(trade.exporter.size + 1, dtype=bool)
    flows[active_flows(trade, expected, at)] = True
    kept = flows[back] & (elsewhere != via)
    kept &= ~_goes_on(trade, expected, at, (out, back), trade.find(via, elsewhere, product))
    maker = maker[kept]
    return Candidates(maker, via[kept], product[kept], out[kept], back[kept], elsewhere[kept], maker)


def _goes_on(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    legs: tuple[NDArray[np.int64], NDArray[np.int64]],
    on: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return where the flow between two legs grew beyond its noise, and by an amount like theirs."""
    wanted = expected.usd[at]
    excess = np.where(np.isfinite(wanted), trade.sums[at].after - wanted, 0.0)
    error = expected.sd[at] * (wanted + expected.noise.floor)
    least = np.minimum(excess[legs[0]], excess[legs[1]])
    grew = (on >= 0) & (least > 0) & (excess[on] > error[on])
    return np.asarray(grew & (excess[on] < _ALIKE * least) & (least < _ALIKE * excess[on]))


def window_legs(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    candidates: Candidates,
    planted: PlantedSums | None = None,
) -> tuple[Leg, Leg, NDArray[np.bool_]]:
    """Return both legs of the after-window in one measure, and which candidates are in kg.

    Candidates of which a leg is not weighed are in USD.
    """
    added: Sequence[Added] = ((0.0, 0.0), (0.0, 0.0))
    if planted is not None:
        added = ((planted.out_usd, planted.out_kg), (planted.back_usd, planted.back_kg))
    (out, back), weighed = legs_in_measure(
        trade, expected, at, (candidates.out, candidates.back), added=added
    )
    return out, back, weighed


def legs_in_measure(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    cells: Sequence[NDArray[np.int64]],
    *,
    added: Sequence[Added],
) -> tuple[list[Leg], NDArray[np.bool_]]:
    """Return legs of the after-window in one measure, and which candidates are in kg.

    Parameters
    ----------
    trade, expected, at
        The pair of windows.
    cells
        (n,) cells of each leg.
    added
        USD and kg planted in each leg.
    """
    sides = []
    for own, (usd, kg) in zip(cells, added, strict=True):
        side = _leg(trade, expected, at, own)
        sides.append((side[0] + usd, side[1], side[2] + kg, side[3], side[4]))
    weighed = np.isfinite(np.sum([side[2] + side[3] for side in sides], axis=0))
    return [_in_measure(side, weighed, expected.noise.floor) for side in sides], weighed


_Side = tuple[
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
    "NDArray[np.float64]",
]


def _leg(trade: Trade, expected: ExpectedTrade, at: int, cell: NDArray[np.int64]) -> _Side:
    """Return USD, expected USD, kg, expected kg and deviation of cells; zeros for flows that never were."""
    sums = trade.sums[at]
    known = cell >= 0
    usd, wanted, kg, wanted_kg = (
        np.where(known, values[cell], 0.0)
        for values in (sums.after, expected.usd[at], sums.after_kg, expected.kg[at])
    )
    nothing = float(expected.noise.at(np.zeros(1))[0])
    return usd, wanted, kg, wanted_kg, np.where(known, expected.sd[at][cell], nothing)


def _in_measure(side: _Side, weighed: NDArray[np.bool_], floor: float) -> Leg:
    usd, wanted, kg, wanted_kg, sd = side
    unit = np.divide(usd, kg, out=np.ones_like(usd), where=weighed & (kg > 0))
    return Leg(
        flow=np.where(weighed, kg, usd),
        expected=np.where(weighed, wanted_kg, wanted),
        sd=sd,
        floor=np.where(weighed, floor / unit, floor),
    )
