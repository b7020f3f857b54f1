"""Known round trips planted in the quiet months: out of real flows, back to real flows, of many sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.candidates import Candidates, PlantedSums, two_way
from entrepot.detect.loops.legs import own_months
from entrepot.detect.loops.markups import MARKUP_SD
from entrepot.detect.loops.measure import Planted
from entrepot.detect.loops.timing import ramp
from entrepot.detect.loops.windows import month_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.chain_spikes import ChainSets
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.unit_values import Likeness
    from entrepot.detect.loops.windows import Trade

__all__ = [
    "DRAWN",
    "Shipments",
    "SpikePlan",
    "SpikeSets",
    "departures",
    "draw_markups",
    "draw_spikes",
    "observed_pairs",
    "planted_months",
    "planted_sums",
    "window_share",
]

_PAIRS = 3
_MOST_WEIGHING = 0.5
_LONGEST = 5
_MOST_UNLIKE = 4.0  # a reporter's lasting errors over those of the middle one


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What planted trips are drawn from: size over the flow out, weight lost, latest start."""

    sizes: tuple[float, float]
    most_loss: float
    latest: int


#: Of round trips and of chains alike.
DRAWN = _Drawn(sizes=(0.2, 3.0), most_loss=0.03, latest=2)


@dataclass(frozen=True, slots=True)
class SpikePlan:
    """How real trade is measured, for the planted to be measured no better.

    Attributes
    ----------
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    report_sd
        Standard deviation of the lasting log error of the middle reporter's figure of a flow.
    monthly_sd : (n_areas, n_areas)
        Standard deviation of the months of flows in the book that leads, in logs, by exporter and importer.
    likeness
        How far the goods are from usual ones in unit value.
    """

    weighing_sd: float
    report_sd: float
    monthly_sd: NDArray[np.float64]
    likeness: Likeness

    def lasting_sd(self, exporter: NDArray[np.int64], importer: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n) the deviation of lasting errors: larger where the months are noisier."""
        over = self.monthly_sd[exporter, importer] / np.median(self.monthly_sd)
        return self.report_sd * np.clip(over, 1.0 / _MOST_UNLIKE, _MOST_UNLIKE)


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


def draw_markups(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Return mark-ups of planted trips: what is thought of them before anything is known."""
    return np.asarray(np.expm1(rng.normal(0.0, MARKUP_SD, size)))


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
    reachable = observed_pairs(trade, at)[trade.importer[out], trade.exporter[out]]
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
            own = Candidates(maker, via, product, chosen, trade.find(via, maker, product), via, maker)
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
        factor=np.exp(rng.uniform(math.log(DRAWN.sizes[0]), math.log(DRAWN.sizes[1]), size)),
        markup=draw_markups(rng, size),
        loss=rng.uniform(0.0, DRAWN.most_loss, size),
        lag=rng.integers(1, longest + 1, size),
        delay=rng.integers(0, DRAWN.latest + 1, size),
    )


def observed_pairs(trade: Trade, at: int) -> NDArray[np.bool_]:
    """Return (n_areas, n_areas) whether a third of both windows was published."""
    seen = np.ones((len(trade.areas), len(trade.areas)), dtype=bool)
    first = month_number(trade.periods[0])
    for window in (trade.windows[at].before, trade.windows[at].after):
        seen &= trade.observed[:, :, [p - first for p in window]].mean(axis=2) >= 1.0 / 3.0
    return seen


def planted_months(
    trade: Trade, series: Series, sets: SpikeSets, plan: SpikePlan, rng: np.random.Generator
) -> tuple[Planted, NDArray[np.float64]]:
    """Return what is added to both legs by month, and the true amounts, in USD at departure.

    Shipments are as irregular as the flow out that they hide in. What left too late to be back is no part
    of the true amount.
    """
    left = departures(trade, series, sets, plan, rng)
    back = left.later(sets.lag, kept=1.0 - sets.loss, dearer=1.0 + sets.markup)
    c = sets.candidates
    out = left.reported(plan, (c.maker, c.via), own_months(series, c.out)[0], rng)
    back = back.reported(plan, (c.source, c.target), own_months(series, c.back)[0], rng)
    return Planted(out.usd, out.kg, back.usd, back.kg), left.arriving(sets.lag)


@dataclass(frozen=True, slots=True)
class Shipments:
    """Goods of planted round trips on one leg, by the month in which they leave; n trips, T months.

    Attributes
    ----------
    usd, kg : (n, T)
        Amounts; zero from the window's end on.
    end
        Month after the window, as a position.
    """

    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    end: int

    def later(
        self, lag: NDArray[np.int64], *, kept: NDArray[np.float64], dearer: NDArray[np.float64]
    ) -> Shipments:
        """Return the goods on their next leg, months later, dearer, a part of the weight lost."""
        month = np.arange(self.usd.shape[1])
        before = month[None, :] - lag[:, None]
        inside = kept[:, None] * ((before >= 0) & (month < self.end))
        usd, kg = (np.take_along_axis(part, np.maximum(before, 0), axis=1) for part in (self.usd, self.kg))
        return Shipments(usd * inside * dearer[:, None], kg * inside, self.end)

    def arriving(self, lag: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n) the USD whose next leg, months later, is in the window."""
        month = np.arange(self.usd.shape[1])
        return np.asarray(np.where(month[None, :] + lag[:, None] < self.end, self.usd, 0.0).sum(axis=1))

    def reported(
        self,
        plan: SpikePlan,
        pair: tuple[NDArray[np.int64], NDArray[np.int64]],
        beside: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Shipments:
        """Return the goods as the reporters between whom they went weigh and enter them.

        An error of weighing is one of all that went between ``pair`` in the month, of the goods and of the
        USD ``beside`` them: what is added to D, which has its own, must have the variance of D + x less that
        of D.
        """
        lasting, monthly = plan.lasting_sd(*pair), plan.monthly_sd[pair]
        error = rng.normal(size=(lasting.size, 1)) * lasting[:, None]
        entered = np.exp(error + rng.normal(size=self.usd.shape) * monthly[:, None])
        over = np.divide(beside, self.usd, out=np.zeros_like(self.usd), where=self.usd > 0)
        sd = np.minimum(plan.weighing_sd * np.sqrt(1.0 + 2.0 * over), _MOST_WEIGHING)
        weighed = np.exp(rng.normal(size=self.usd.shape) * sd)
        return Shipments(self.usd * entered, self.kg * entered * weighed, self.end)


def departures(
    trade: Trade,
    series: Series,
    sets: SpikeSets | ChainSets,
    plan: SpikePlan,
    rng: np.random.Generator,
) -> Shipments:
    """Return what leaves the makers of planted round trips, as irregularly as the flows that they hide in."""
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
        unlike = rng.choice(plan.likeness.sd, size=rows.size, p=plan.likeness.share)
        unit = usd_total / kg_total * np.exp(rng.normal(size=rows.size) * unlike)
    return Shipments(usd, usd / unit[:, None], end)


def planted_sums(trade: Trade, at: int, planted: Planted, candidates: Candidates) -> PlantedSums:
    """Return the months of the after-window summed, on the length of the whole window."""
    out, back = (candidates.maker, candidates.via), (candidates.via, candidates.maker)
    return PlantedSums(
        window_share(trade, at, planted.out_usd, *out),
        window_share(trade, at, planted.out_kg, *out),
        window_share(trade, at, planted.back_usd, *back),
        window_share(trade, at, planted.back_kg, *back),
    )


def window_share(
    trade: Trade,
    at: int,
    values: NDArray[np.float64],
    exporter: NDArray[np.int64],
    importer: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return (n, T) months of flows summed over the after-window, for months that nobody saw as well."""
    pair = trade.windows[at]
    first = month_number(trade.periods[0])
    inside = np.zeros(len(trade.periods), dtype=bool)
    inside[[p - first for p in pair.after]] = True
    seen = trade.observed[exporter, importer] & inside
    share = len(pair.after) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray(np.where(seen, values, 0.0).sum(axis=1) * share)
