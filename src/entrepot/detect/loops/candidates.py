"""Candidates for round trips: a flow out of a maker beside a flow back from the via in the same product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.odds import Leg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.windows import Trade

__all__ = ["Candidates", "PlantedSums", "decoys_of", "two_way", "window_legs"]

_TYPICAL_MARKUP = 0.2


@dataclass(frozen=True, slots=True)
class Candidates:
    """Possible round trips in one pair of windows.

    Attributes
    ----------
    maker, via, product : (n,)
        Places.
    out, back : (n,)
        Cells of the legs in :class:`Trade`; -1 where such a flow never was.
    """

    maker: NDArray[np.int64]
    via: NDArray[np.int64]
    product: NDArray[np.int64]
    out: NDArray[np.int64]
    back: NDArray[np.int64]

    def only(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Candidates:
        """Return some of the candidates."""
        return Candidates(
            self.maker[rows], self.via[rows], self.product[rows], self.out[rows], self.back[rows]
        )

    def joined(self, other: Candidates) -> Candidates:
        """Return these and others behind them."""
        return Candidates(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in Candidates.__slots__)
        )

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


def _flows(trade: Trade, expected: ExpectedTrade, at: int) -> NDArray[np.int64]:
    sums = trade.sums[at]
    return np.flatnonzero((np.nan_to_num(sums.after) > 0) & np.isfinite(expected.usd[at]))


def two_way(trade: Trade, expected: ExpectedTrade, at: int) -> Candidates:
    """Return all products that flow in both directions of a pair of areas in the after-window."""
    out = _flows(trade, expected, at)
    maker, via, product = trade.exporter[out], trade.importer[out], trade.product[out]
    back = trade.find(via, maker, product)
    flows = np.zeros(trade.exporter.size + 1, dtype=bool)
    flows[out] = True
    kept = flows[back]  # the last place stands for a flow that never was
    return Candidates(maker[kept], via[kept], product[kept], out[kept], back[kept])


def decoys_of(
    trade: Trade, expected: ExpectedTrade, at: int, *, makers: NDArray[np.bool_], vias: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Candidates:  # fmt: skip
    """Return placebo pairs: what went from a maker to a via beside what came to the maker from elsewhere.

    Every pair of areas is given one other area, the same for all products. Nothing of what went to the via
    can come back from there, while booms of the maker, of the product and of the via's purchases are in it.
    """
    n = len(trade.areas)
    other = rng.integers(0, n, (n, n))
    out = _flows(trade, expected, at)
    out = out[makers[trade.exporter[out]] & vias[trade.importer[out]]]
    maker, via, product = trade.exporter[out], trade.importer[out], trade.product[out]
    elsewhere = other[maker, via]
    back = trade.find(elsewhere, maker, product)
    flows = np.zeros(trade.exporter.size + 1, dtype=bool)
    flows[_flows(trade, expected, at)] = True
    kept = flows[back] & (elsewhere != via)
    return Candidates(maker[kept], via[kept], product[kept], out[kept], back[kept])


def window_legs(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    candidates: Candidates,
    planted: PlantedSums | None = None,
) -> tuple[Leg, Leg, NDArray[np.bool_]]:
    """Return both legs of the after-window in one measure, and which candidates are in kg.

    Candidates of which a leg is not weighed are in USD, the way back deflated by a typical mark-up.
    """
    out = _leg(trade, expected, at, candidates.out)
    back = _leg(trade, expected, at, candidates.back)
    if planted is not None:
        out = (out[0] + planted.out_usd, out[1], out[2] + planted.out_kg, out[3], out[4])
        back = (back[0] + planted.back_usd, back[1], back[2] + planted.back_kg, back[3], back[4])
    weighed = np.isfinite(out[2] + out[3] + back[2] + back[3])
    return (
        _in_measure(out, weighed, expected.noise.floor, 1.0),
        _in_measure(back, weighed, expected.noise.floor, 1.0 + _TYPICAL_MARKUP),
        weighed,
    )


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


def _in_measure(side: _Side, weighed: NDArray[np.bool_], floor: float, deflator: float) -> Leg:
    usd, wanted, kg, wanted_kg, sd = side
    unit = np.divide(usd, kg, out=np.ones_like(usd), where=weighed & (kg > 0))
    return Leg(
        flow=np.where(weighed, kg, usd / deflator),
        expected=np.where(weighed, wanted_kg, wanted / deflator),
        sd=sd,
        floor=np.where(weighed, floor / unit, floor / deflator),
    )
