"""Known round trips planted in the quiet months: out of real flows, back to real flows, of many sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.candidates import Candidates, PlantedSums, two_way
from entrepot.detect.loops.measure import Planted
from entrepot.detect.loops.timing import ramp
from entrepot.detect.loops.windows import month_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.windows import Trade

__all__ = ["SpikePlan", "SpikeSets", "draw_spikes", "planted_months", "planted_sums"]

_PAIRS = 3
_SIZES = (0.2, 3.0)
_MARKUPS = (0.0, 0.4)
_LONGEST = 5
_MOST_LOSS = 0.03
_MIX_SD = 0.15
_LATEST = 2


@dataclass(frozen=True, slots=True)
class SpikePlan:
    """How real trade is measured, for the planted to be measured no better.

    Attributes
    ----------
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    report_sd
        Standard deviation of the lasting log error of one reporter's figure of a flow.
    """

    weighing_sd: float
    report_sd: float


@dataclass(frozen=True, slots=True)
class SpikeSets:
    """Sets of planted round trips in one pair of windows, before their months are drawn.

    Attributes
    ----------
    at
        Which pair of windows.
    candidates
        All products of the chosen pairs that flow in both directions, and those planted in.
    group : (n,)
        Set and pair of each.
    number : (n,)
        Number of the set.
    is_planted : (n,)
        Whether a trip is planted there.
    factor, markup, loss : (n,)
        Size over the flow out; unit value back over out − 1; weight lost.
    lag, delay : (n,)
        Months with the via; months from the window's first to the first departure.
    """

    at: int
    candidates: Candidates
    group: NDArray[np.int64]
    number: NDArray[np.int64]
    is_planted: NDArray[np.bool_]
    factor: NDArray[np.float64]
    markup: NDArray[np.float64]
    loss: NDArray[np.float64]
    lag: NDArray[np.int64]
    delay: NDArray[np.int64]

    def only(self, rows: NDArray[np.int64]) -> SpikeSets:
        """Return some of the candidates."""
        return SpikeSets(
            self.at,
            self.candidates.only(rows),
            *(getattr(self, name)[rows] for name in SpikeSets.__slots__[2:]),
        )


def draw_spikes(
    trade: Trade, expected: ExpectedTrade, at: int, *, numbers: NDArray[np.int64], rng: np.random.Generator
) -> SpikeSets | None:
    """Draw sets of round trips: three pairs of areas each, four to eight products a pair.

    None where no pair has four products.

    Parameters
    ----------
    trade, expected, at
        Where to plant.
    numbers
        Numbers of the sets.
    rng
        Stream to draw from.
    """
    sums, n = trade.sums[at], len(trade.areas)
    out = np.flatnonzero((np.nan_to_num(sums.after) > 0) & np.isfinite(expected.usd[at]))
    reachable = np.isfinite(_observed_back(trade, at))[trade.importer[out], trade.exporter[out]]
    out = out[reachable]
    pair = trade.exporter[out] * n + trade.importer[out]
    order = np.argsort(pair, kind="stable")
    found, first, count = np.unique(pair[order], return_index=True, return_counts=True)
    rich = np.flatnonzero(count >= 4)
    if not rich.size or not numbers.size:
        return None
    both = two_way(trade, expected, at)
    by_pair = both.pair(n)
    parts: list[Candidates] = []
    group, number, planted = [], [], []
    for set_number in numbers:
        for place, at_pair in enumerate(rng.choice(rich, min(_PAIRS, rich.size), replace=False)):
            cells = out[order[first[at_pair] : first[at_pair] + count[at_pair]]]
            chosen = rng.permutation(cells)[: int(rng.integers(4, 9))]
            maker, via, product = trade.exporter[chosen], trade.importer[chosen], trade.product[chosen]
            own = Candidates(maker, via, product, chosen, trade.find(via, maker, product))
            others = both.only(np.flatnonzero(by_pair == found[at_pair]))
            others = others.only(~np.isin(others.out, chosen))
            parts += [own, others]
            size = own.out.size + others.out.size
            group.append(np.full(size, set_number * _PAIRS + place))
            number.append(np.full(size, set_number))
            planted.append(np.arange(size) < own.out.size)
    candidates = parts[0]
    for part in parts[1:]:
        candidates = candidates.joined(part)
    size = candidates.out.size
    longest = min(_LONGEST, max(len(trade.windows[at].after) // 2 - 1, 1))
    return SpikeSets(
        at=at,
        candidates=candidates,
        group=np.concatenate(group),
        number=np.concatenate(number),
        is_planted=np.concatenate(planted),
        factor=np.exp(rng.uniform(math.log(_SIZES[0]), math.log(_SIZES[1]), size)),
        markup=rng.uniform(*_MARKUPS, size),
        loss=rng.uniform(0.0, _MOST_LOSS, size),
        lag=rng.integers(1, longest + 1, size),
        delay=rng.integers(0, _LATEST + 1, size),
    )


def _observed_back(trade: Trade, at: int) -> NDArray[np.float64]:
    """Return (n_areas, n_areas) numbers that are NaN where too little of a pair was published."""
    seen = np.full((len(trade.areas), len(trade.areas)), np.nan)
    pair = trade.windows[at]
    first = month_number(trade.periods[0])
    for window in (pair.before, pair.after):
        months = trade.observed[:, :, [p - first for p in window]].mean(axis=2)
        seen = np.where(months >= 1.0 / 3.0, np.nan_to_num(seen), np.nan)
    return seen


def planted_months(
    trade: Trade, series: Series, sets: SpikeSets, plan: SpikePlan, rng: np.random.Generator
) -> tuple[Planted, NDArray[np.float64]]:
    """Return what is added to both legs by month, and the true amounts, in USD at departure.

    Shipments are as irregular as the flow out that they hide in. What left too late to be back is no part
    of the true amount.
    """
    pair = trade.windows[sets.at]
    first = month_number(trade.periods[0])
    since, end = pair.after[0] - first, pair.after[-1] + 1 - first
    rows = series.rows(sets.candidates.out)
    own = series.usd[rows][:, since:end]
    level = own.mean(axis=1)
    irregular = np.clip(own.std(axis=1) / np.maximum(level, 1e-9), 0.1, 2.0)
    months = len(trade.periods)
    month = np.arange(months)
    begun = ramp(((month - since)[None, :] - sets.delay[:, None]).astype(np.float64))
    shape = 1.0 / irregular**2
    shipments = rng.gamma(shape[:, None], 1.0 / shape[:, None], (rows.size, months))
    usd = (sets.factor * level * sets.is_planted)[:, None] * begun * shipments * (month < end)
    kg_total, usd_total = series.kg[rows].sum(axis=1), series.usd[rows].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = usd_total / kg_total * np.exp(rng.normal(0.0, _MIX_SD, rows.size))
    kg = usd / unit[:, None]
    back_month = month[None, :] - sets.lag[:, None]
    kept = (1.0 - sets.loss)[:, None] * ((back_month >= 0) & (month < end))
    at = np.maximum(back_month, 0)
    back_usd = np.take_along_axis(usd, at, axis=1) * kept * (1.0 + sets.markup[:, None])
    back_kg = np.take_along_axis(kg, at, axis=1) * kept
    true = np.where(month[None, :] + sets.lag[:, None] < end, usd, 0.0).sum(axis=1)
    reported = np.exp(rng.normal(0.0, plan.report_sd, (2, rows.size, 1)))
    weighed = np.exp(rng.normal(0.0, plan.weighing_sd, (2, rows.size, months)))
    return (
        Planted(
            usd * reported[0],
            kg * reported[0] * weighed[0],
            back_usd * reported[1],
            back_kg * reported[1] * weighed[1],
        ),
        true,
    )


def planted_sums(trade: Trade, at: int, planted: Planted, candidates: Candidates) -> PlantedSums:
    """Return the months of the after-window summed, on the length of the whole window."""
    pair = trade.windows[at]
    first = month_number(trade.periods[0])
    inside = np.zeros(len(trade.periods), dtype=bool)
    inside[[p - first for p in pair.after]] = True
    sums = []
    for values, exporter, importer in (
        (planted.out_usd, candidates.maker, candidates.via),
        (planted.out_kg, candidates.maker, candidates.via),
        (planted.back_usd, candidates.via, candidates.maker),
        (planted.back_kg, candidates.via, candidates.maker),
    ):
        seen = trade.observed[exporter, importer] & inside
        share = len(pair.after) / np.maximum(seen.sum(axis=1), 1)
        sums.append(np.where(seen, values, 0.0).sum(axis=1) * share)
    return PlantedSums(*sums)
