"""Candidates scanned, measured and set against decoys: which round trips are there, and how sure is that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from entrepot.detect.loops.candidates import window_legs
from entrepot.detect.loops.measure import hear_echo, measure
from entrepot.detect.loops.odds import log_bayes_factor, log_odds, log_pair_odds, returned_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.loops.asked import Asked
    from entrepot.detect.loops.candidates import Candidates, PlantedSums
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.measure import Measured, Planted, Tools
    from entrepot.detect.loops.windows import Trade

__all__ = [
    "FALSE",
    "Judged",
    "Places",
    "Scan",
    "chronic_odds",
    "decoy_q_values",
    "judge",
    "one_way_odds",
    "one_way_round",
    "own_q_values",
    "placebo_scores",
    "placebo_weight",
    "q_and_threshold",
    "scan",
    "twins",
    "worth_measuring",
]

#: Share of findings that placebos may give too.
FALSE = 0.1
_WORTH_MEASURING = -6.0  # log odds
_STRONG = 1.5  # log Bayes factor before the months
_WORTH_A_LOOK = -10.0  # log Bayes factor of the windows alone: lumpy trade says little by its sums
_MOST_CHOSEN = 200_000
_MOST = 8.0
_NEARLY = -4.0  # log odds from which on a candidate may stand by its own evidence
_CLEAR = 2.0  # and its log Bayes factor
_ROUNDS = 3


Places = TypeVar("Places", "Candidates", "Chains")


@dataclass(frozen=True, slots=True)
class Scan(Generic[Places]):
    """Candidates of one pair of windows after the first look, at the sums of the windows.

    Attributes
    ----------
    at
        Which pair of windows.
    candidates
        All of them.
    weighed, log_factor : (n,)
        Whether both legs are weighed; log Bayes factors.
    chosen : (m,)
        Positions of those that are worth a look at their months.
    """

    at: int
    candidates: Places
    weighed: NDArray[np.bool_]
    log_factor: NDArray[np.float64]
    chosen: NDArray[np.int64]

    @property
    def cells(self) -> NDArray[np.int64]:
        """Return the cells whose months are needed."""
        return self.candidates.only(self.chosen).cells


@dataclass(frozen=True, slots=True)
class Judged(Generic[Places]):
    """Candidates after the second look.

    Attributes
    ----------
    candidates
        The chosen ones.
    rows : (m,)
        Their positions in the scan.
    weighed : (m,)
        Whether weight is what is conserved.
    measured
        What their months say.
    log_factor : (m,)
        Log Bayes factor of each by itself.
    log_odds : (m,)
        Log odds with everything heard, its pair's other products too.
    """

    candidates: Places
    rows: NDArray[np.int64]
    weighed: NDArray[np.bool_]
    measured: Measured
    log_factor: NDArray[np.float64]
    log_odds: NDArray[np.float64]

    @property
    def is_clear(self) -> NDArray[np.bool_]:
        """(m) Likelier than not; or nearly, and clear without its pair: what part of pairs do is a guess."""
        alone = (self.log_odds > _NEARLY) & (self.log_factor > _CLEAR)
        return np.asarray((self.log_odds > 0.0) | alone)

    def only(self, rows: NDArray[np.int64]) -> Judged[Places]:
        """Return some of the candidates."""
        return Judged(
            self.candidates.only(rows),
            self.rows[rows],
            self.weighed[rows],
            self.measured.only(rows),
            self.log_factor[rows],
            self.log_odds[rows],
        )


def scan(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    candidates: Candidates,
    *,
    longest_lag: int,
    planted: PlantedSums | None = None,
    pair: NDArray[np.int64] | None = None,
) -> Scan[Candidates]:
    """Look at the sums of a pair of windows.

    Parameters
    ----------
    trade, expected, at, candidates, planted
        See :func:`entrepot.detect.loops.candidates.window_legs`.
    longest_lag
        Months that goods may stay with the via.
    pair : (n,)
        Number of each candidate's group of products that speak for each other; by default maker and via.
    """
    out, back, weighed = window_legs(trade, expected, at, candidates, planted)
    factor = log_bayes_factor(
        out, back, tail=expected.tail, returned=returned_shares(len(trade.windows[at].after), longest_lag)
    )
    group = candidates.pair(len(trade.areas)) if pair is None else pair
    odds = log_odds(factor, group, int(group.max(initial=-1)) + 1)
    chosen = np.flatnonzero((odds > _WORTH_MEASURING) | (factor > _WORTH_A_LOOK))
    if chosen.size > _MOST_CHOSEN:
        best = np.argsort(-(odds + factor)[chosen], kind="stable")
        chosen = np.sort(chosen[best[:_MOST_CHOSEN]])
    return Scan(at, candidates, weighed, factor, chosen)


def judge(
    tools: Tools,
    found: Scan[Candidates],
    *,
    planted: Planted | None = None,
    pair: NDArray[np.int64] | None = None,
) -> Judged[Candidates]:
    """Look at the months of the chosen candidates.

    Parameters
    ----------
    tools
        Windows, expectations, months of all cells concerned.
    found
        The scan.
    planted
        Months planted in the chosen candidates.
    pair : (n,)
        As for :func:`scan`.
    """
    some, weighed = found.candidates.only(found.chosen), found.weighed[found.chosen]
    heard = hear_echo(tools, some, found.at, planted=planted)
    group = found.candidates.pair(len(tools.trade.areas)) if pair is None else pair
    n_groups = int(group.max(initial=-1)) + 1
    factor = found.log_factor.copy()
    chronic = chronic_odds(heard.before, group[found.chosen], n_groups)
    factor[found.chosen] = np.minimum(factor[found.chosen] + heard.log_factor - chronic, _MOST)
    is_close = worth_measuring(factor, group, n_groups)[found.chosen]
    whole, measured = factor.copy(), None
    close, new = np.zeros(0, dtype=np.int64), np.flatnonzero(is_close)
    while measured is None or new.size:
        found_new = measure(
            tools,
            some.only(new),
            found.at,
            weighed=weighed[new],
            heard=heard.only(new),
            planted=planted.only(new) if planted is not None else None,
        )
        measured = found_new if measured is None else measured.joined(found_new)
        close = np.concatenate([close, new])
        rows = found.chosen[new]
        whole[rows] = np.minimum(factor[rows] + found_new.log_factor, _MOST)
        # once the months of some products speak for a pair, its others are worth a look
        is_worth = worth_measuring(whole, group, n_groups)[found.chosen]
        is_worth[close] = False
        new = np.flatnonzero(is_worth)
    order = np.argsort(close, kind="stable")
    close, measured = close[order], measured.only(order)
    rows = found.chosen[close]
    odds = one_way_odds(whole, group, n_groups, twins(found.candidates))[rows]
    return Judged(some.only(close), rows, weighed[close], measured, whole[rows], odds)


def twins(candidates: Candidates) -> NDArray[np.int64]:
    """Return (n) the position of the same two flows the other way round, -1 where they are no candidate."""
    size = candidates.out.size
    if not size:
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((candidates.back, candidates.out))
    most = int(max(candidates.out.max(), candidates.back.max())) + 2
    key = (candidates.out + 1) * most + candidates.back + 1
    twin = (candidates.back + 1) * most + candidates.out + 1
    at = order[np.searchsorted(key[order], twin).clip(max=size - 1)]
    home = (candidates.source == candidates.via) & (candidates.target == candidates.maker)
    flows = home & home[at] & (candidates.out >= 0) & (candidates.back >= 0)
    return np.where(flows & (key[at] == twin), at, -1)


def one_way_odds(
    factor: NDArray[np.float64], group: NDArray[np.int64], n_groups: int, twin: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the log odds of every candidate where a product speaks for its pair in one direction alone.

    Read backwards, two legs that rose together look like a round trip as well: a pair that has many would
    vouch for the same pair the other way round. What is likelier in one direction says nothing of the other.

    Parameters
    ----------
    factor, group, n_groups
        See :func:`entrepot.detect.loops.odds.log_odds`.
    twin : (n,)
        See :func:`twins`.
    """
    odds = log_odds(factor, group, n_groups)
    has_twin = twin >= 0
    if not has_twin.any():
        return odds
    for _ in range(_ROUNDS):
        is_other_way = has_twin & (odds < odds[twin])
        heard = np.where(is_other_way, np.minimum(factor, 0.0), factor)
        # of a candidate itself all is heard, whichever way it counts for the others
        odds = log_odds(heard, group, n_groups) + factor - heard
    return odds


def worth_measuring(
    factor: NDArray[np.float64], group: NDArray[np.int64], n_groups: int, *, ways: int = 1
) -> NDArray[np.bool_]:
    """Return which candidates' months are worth a look: likely by all that was heard, or strong alone.

    Of a pair that trades very many products in both directions, the others say nothing yet.
    """
    odds = log_odds(factor, group, n_groups, ways=ways)
    return np.asarray((odds > _WORTH_MEASURING) | (factor > _STRONG))


def chronic_odds(before: NDArray[np.float64], group: NDArray[np.int64], n_groups: int) -> NDArray[np.float64]:
    """Return how likely it is, in log odds over zero, that goods went round before: these or their pair's."""
    of_pair = log_pair_odds(before, group, n_groups)[group]
    return np.asarray(np.maximum(np.maximum(before, of_pair), 0.0))


def one_way_round(judged: Judged[Candidates], n_areas: int, n_products: int) -> NDArray[np.bool_]:
    """Return which candidates are likelier than the same two flows the other way round."""
    c = judged.candidates
    key = (c.maker * n_areas + c.via) * n_products + c.product
    twin = (c.via * n_areas + c.maker) * n_products + c.product
    order = np.argsort(key, kind="stable")
    at = order[np.searchsorted(key[order], twin).clip(max=max(key.size - 1, 0))] if key.size else key
    has_twin = key[at] == twin
    return np.where(has_twin, judged.log_odds > judged.log_odds[at], True)


def placebo_scores(placebo: Judged[Places], asked: Asked) -> NDArray[np.float64]:
    """Return the scores of placebo pairs that count.

    What is sent on in the month in which it came is a detour through the maker, and no chance.
    """
    ahead = placebo.measured.timing.lag > 0
    return np.asarray(placebo.log_odds[ahead & asked.products[placebo.candidates.product]])


def placebo_weight(searched: float, placebo: Scan[Places], asked: Asked, longest_lag: int) -> float:
    """Return by how much a set of placebo pairs counts: a set with half as many candidates counts twice."""
    size = int(asked.products[placebo.candidates.product].sum())
    return max(searched / max(size, 1), 1.0) * (longest_lag + 1) / longest_lag


def q_and_threshold(
    found: Judged[Places], scores: Sequence[NDArray[np.float64]], weights: Sequence[float]
) -> tuple[NDArray[np.float64], float]:
    """Return q-values, and the score from which on a planted round trip counts as found.

    Parameters
    ----------
    found
        The findings.
    scores, weights
        See :func:`decoy_q_values`.
    """
    q = decoy_q_values(found.log_odds, scores, weights)
    passed = found.log_odds[(q < FALSE) & found.is_clear]
    if passed.size:
        return q, float(passed.min())
    every = np.concatenate(scores) if scores else np.zeros(0)
    return q, max(float(every.max(initial=0.0)), 0.0)


def own_q_values(
    log_factor: NDArray[np.float64], innocent: NDArray[np.float64], candidates: int
) -> NDArray[np.float64]:
    """Return the share of findings as strong as each by itself that idle products of their pairs also give.

    A pair that has round trips vouches for all its products. Those of planted pairs in which nothing was
    planted say how often one of them passes for a round trip.

    Parameters
    ----------
    log_factor : (n,)
        What speaks for each finding itself, its pair aside.
    innocent : (i,)
        The same of idle products of planted pairs; −∞ where they did not pass.
    candidates
        Products of the pairs of the findings that were looked at and may be idle.

    Returns
    -------
    (n,)
        As of :func:`decoy_q_values`, but with those seen alone: that few placebos cannot say zero stands in
        the other q already, and few planted sets say little of so many products.
    """
    if not innocent.size or not candidates:
        return np.zeros(log_factor.size)
    weight = candidates / innocent.size
    passed = np.sort(innocent[np.isfinite(innocent)])
    at_least = passed.size - np.searchsorted(passed, log_factor, side="left")
    strongest = np.argsort(-log_factor, kind="stable")
    rank = np.empty(log_factor.size)
    rank[strongest] = np.arange(log_factor.size) + 1.0
    q = at_least * weight / rank
    q[strongest] = np.minimum.accumulate(q[strongest][::-1])[::-1]
    return np.minimum(q, 1.0)


def decoy_q_values(
    score: NDArray[np.float64], decoys: Sequence[NDArray[np.float64]], weights: Sequence[float]
) -> NDArray[np.float64]:
    """Return the share of findings as strong as each that decoys also give, monotone, at most 1.

    Parameters
    ----------
    score : (n,)
        Scores of the findings.
    decoys
        Scores of each set of decoys.
    weights
        Candidates of the search over candidates of each set: a set with half as many counts twice.

    Returns
    -------
    (n,)
        One decoy more than were seen is counted, so that few sets cannot say zero; NaN without any set.
    """
    if not decoys:
        return np.full(score.size, np.nan)
    every = np.concatenate(decoys)
    weight = np.concatenate([np.full(d.size, w) for d, w in zip(decoys, weights, strict=True)])
    order = np.argsort(every)
    above = np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])
    at_least = above[np.searchsorted(every[order], score, side="left")]
    rank = np.argsort(np.argsort(-score, kind="stable"), kind="stable") + 1.0
    q = (1.0 + at_least) / len(decoys) / rank
    strongest = np.argsort(-score, kind="stable")
    q[strongest] = np.minimum.accumulate(q[strongest][::-1])[::-1]
    return np.minimum(q, 1.0)
