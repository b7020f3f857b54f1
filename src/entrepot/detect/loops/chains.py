"""Chains maker → via → second via → maker: candidates among all flows, and their three legs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.candidates import Candidates, active_flows, legs_in_measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.odds import Leg
    from entrepot.detect.loops.windows import Trade

__all__ = ["Chains", "PlantedLegs", "chain_legs", "find_chains", "flowing_on", "threes"]

_LEAST_EXCESS = 0.5  # standard deviations over what was expected, of every leg
_ALIKE = 4.0  # ratio of two legs' excesses, in value, beyond which they are not the same goods
_MOST_PATHS = 2_000_000  # pairs of legs laid end to end at once


@dataclass(frozen=True, slots=True)
class Chains:
    """Possible chains in one pair of windows.

    Attributes
    ----------
    maker, via, second, product : (n,)
        Places.
    begin, passed, source : (n,)
        Areas that the legs leave: the maker, the via, the second via; of placebos one is another area.
    out, on, back : (n,)
        Cells of the legs in :class:`Trade`; -1 where such a flow never was.
    """

    maker: NDArray[np.int64]
    via: NDArray[np.int64]
    second: NDArray[np.int64]
    product: NDArray[np.int64]
    begin: NDArray[np.int64]
    passed: NDArray[np.int64]
    source: NDArray[np.int64]
    out: NDArray[np.int64]
    on: NDArray[np.int64]
    back: NDArray[np.int64]

    def only(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Chains:
        """Return some of the candidates."""
        return Chains(*(getattr(self, name)[rows] for name in Chains.__slots__))

    def pair(self, n_areas: int) -> NDArray[np.int64]:
        """(n) One number per maker, via and second via."""
        return (self.maker * n_areas + self.via) * n_areas + self.second

    @property
    def cells(self) -> NDArray[np.int64]:
        """Cells of all legs that ever flowed."""
        every = np.concatenate([self.out, self.on, self.back])
        return every[every >= 0]

    @property
    def last(self) -> NDArray[np.int64]:
        """(n) The via from which the goods come back."""
        return self.second

    @property
    def ends(self) -> Candidates:
        """The first and the last leg."""
        return Candidates(self.maker, self.via, self.product, self.out, self.back, self.source, self.maker)

    @property
    def hops(self) -> tuple[Candidates, Candidates]:
        """The two stations: what comes to each via, and what leaves it."""
        return (
            Candidates(self.begin, self.via, self.product, self.out, self.on, self.passed, self.second),
            Candidates(self.passed, self.second, self.product, self.on, self.back, self.source, self.maker),
        )

    @property
    def detour(self) -> Candidates:
        """The maker as a station: what comes back, and what leaves it again."""
        return Candidates(self.source, self.maker, self.product, self.back, self.out, self.begin, self.via)

    @property
    def rotated(self) -> Chains:
        """The same three flows begun at the first via."""
        return Chains(
            self.via, self.second, self.maker, self.product, self.passed, self.source, self.begin,
            self.on, self.back, self.out,
        )  # fmt: skip

    def joined(self, other: Chains) -> Chains:
        """Return these and others behind them."""
        return Chains.together([self, other])

    @classmethod
    def together(cls, parts: Sequence[Chains]) -> Chains:
        """Return several behind one another; without any, none."""
        if not parts:
            return cls(*(np.zeros(0, dtype=np.int64) for _ in cls.__slots__))
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class PlantedLegs:
    """What was planted in the after-window of each candidate's three legs: (USD, kg), each (n,)."""

    out: tuple[NDArray[np.float64], NDArray[np.float64]]
    on: tuple[NDArray[np.float64], NDArray[np.float64]]
    back: tuple[NDArray[np.float64], NDArray[np.float64]]


def find_chains(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    *,
    asked: NDArray[np.bool_],
    other: NDArray[np.int64] | None = None,
) -> Chains:
    """Return all chains of three legs that each exceed what was expected, by amounts that are alike.

    Parameters
    ----------
    trade, expected, at
        The pair of windows.
    asked : (n_areas,)
        Areas one of which must be a place of the chain.
    other : (n_areas, n_areas)
        For placebos: the area from which, instead of the second via, goods come back, by maker and second
        via. Nothing of what went to the second via can be in it; what went to the via can, from there.
    """
    cells = active_flows(trade, expected, at)
    excess = trade.sums[at].after - expected.usd[at]
    error = expected.sd[at] * (expected.usd[at] + expected.noise.floor)
    cells = cells[excess[cells] > _LEAST_EXCESS * error[cells]]
    return Chains.together(list(threes(trade, cells, asked=asked, other=other, size=excess)))


def threes(
    trade: Trade,
    cells: NDArray[np.int64],
    *,
    asked: NDArray[np.bool_],
    other: NDArray[np.int64] | None = None,
    size: NDArray[np.float64] | None = None,
) -> Iterator[Chains]:
    """Yield all threes of some flows of one product that go round, begun at each of their areas; in blocks.

    Parameters
    ----------
    trade
        The flows.
    cells
        Those that may be legs.
    asked, other
        See :func:`find_chains`.
    size : (n,)
        An amount of every cell, which must be alike on all legs; None where it need not.
    """
    is_leg = np.zeros(trade.exporter.size + 1, dtype=bool)  # the last place: a flow that never was
    is_leg[cells] = True
    n_products = len(trade.products)
    leaves = trade.exporter[cells] * n_products + trade.product[cells]
    order = np.argsort(leaves, kind="stable")
    arrives = trade.importer[cells] * n_products + trade.product[cells]
    first = np.searchsorted(leaves[order], arrives, side="left")
    count = np.searchsorted(leaves[order], arrives, side="right") - first
    for block in _blocks(count):
        row = np.repeat(block, count[block])
        step = np.arange(row.size) - np.repeat(np.cumsum(count[block]) - count[block], count[block])
        out, on = cells[row], cells[order[first[row] + step]]
        maker, via, second = trade.exporter[out], trade.importer[out], trade.importer[on]
        kept = (second != maker) & (asked[maker] | asked[via] | asked[second])
        if size is not None:
            kept &= _alike(size[out], size[on])
        out, on, maker, via, second = (part[kept] for part in (out, on, maker, via, second))
        source = second if other is None else other[maker, second]
        product = trade.product[out]
        back = trade.find(source, maker, product)
        is_back = (source == second) if other is None else (source != second) & (source != via)
        kept = is_leg[back] & (source != maker) & is_back
        if size is not None:
            kept &= _alike(size[out], size[back]) & _alike(size[on], size[back])
        yield Chains(maker, via, second, product, maker, via, source, out, on, back).only(kept)


def _blocks(count: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield positions whose counts sum to no more than fits, in their order."""
    part = np.cumsum(count) // _MOST_PATHS
    for number in np.unique(part):
        yield np.flatnonzero(part == number)


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((one < _ALIKE * other) & (other < _ALIKE * one))


def flowing_on(trade: Trade, at: int, found: Chains) -> Chains:
    """Return all other products that flow on all three legs of some chains' areas in the after-window."""
    areas = np.unique(np.stack([found.maker, found.via, found.second]), axis=1)
    n = len(trade.products)
    maker, via, second = (np.repeat(part, n) for part in areas)
    product = np.tile(np.arange(n, dtype=np.int64), areas.shape[1])
    legs = [
        trade.find(exporter, importer, product)
        for exporter, importer in ((maker, via), (via, second), (second, maker))
    ]
    flows = np.append(np.nan_to_num(trade.sums[at].after) > 0, False)
    key = (
        (trade.key_of(maker, via, product), second),
        (trade.key_of(found.maker, found.via, found.product), found.second),
    )
    own, known = (leg * len(trade.areas) + last for leg, last in key)
    kept = flows[legs[0]] & flows[legs[1]] & flows[legs[2]] & ~np.isin(own, known)
    return Chains(maker, via, second, product, maker, via, second, *legs).only(kept)


def chain_legs(
    trade: Trade, expected: ExpectedTrade, at: int, chains: Chains, planted: PlantedLegs | None = None
) -> tuple[list[Leg], NDArray[np.bool_]]:
    """Return the three legs of the after-window in one measure, and which candidates are in kg."""
    nothing = ((0.0, 0.0),) * 3
    return legs_in_measure(
        trade, expected, at, (chains.out, chains.on, chains.back),
        added=nothing if planted is None else (planted.out, planted.on, planted.back),
    )  # fmt: skip
