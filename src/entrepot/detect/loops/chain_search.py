"""Chains scanned and measured: two hops in a row, one amount on three legs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.loops.amounts import Amounts, conserve, leg_totals
from entrepot.detect.loops.chains import chain_legs
from entrepot.detect.loops.legs import (
    LegMonths,
    leg_months,
    span_of,
    totals_of,
    weighed_only,
    with_planted,
)
from entrepot.detect.loops.measure import (
    Heard,
    Measured,
    Planted,
    dearer_factor,
    hear_echo,
    hop_factor,
    measure,
)
from entrepot.detect.loops.odds import log_chain_factors, log_odds
from entrepot.detect.loops.search import Judged, Scan, chronic_odds, worth_measuring
from entrepot.detect.loops.timing import Timing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.chains import Chains, PlantedLegs
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.measure import Tools
    from entrepot.detect.loops.windows import Trade

__all__ = ["ChainScan", "best_rotation", "judge_chains", "scan_chains"]

_WORTH_MEASURING = -6.0  # log odds
_WORTH_A_LOOK = -4.0  # log Bayes factor of the windows alone
_MOST_CHOSEN = 20_000
_MOST = 8.0
_LONGEST_HOP = 3


@dataclass(frozen=True, slots=True)
class ChainScan(Scan["Chains"]):
    """Chains of one pair of windows after the first look, and what they were weighed against.

    Attributes
    ----------
    by_story : (n, 4)
        See :func:`entrepot.detect.loops.odds.log_chain_factors`; ``log_factor`` is the least of them.
    """

    by_story: NDArray[np.float64]


def scan_chains(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    chains: Chains,
    *,
    shipments: NDArray[np.float64] | None = None,
    planted: PlantedLegs | None = None,
    group: NDArray[np.int64] | None = None,
) -> ChainScan:
    """Look at the sums of a pair of windows.

    Parameters
    ----------
    trade, expected, at, chains, planted
        See :func:`entrepot.detect.loops.chains.chain_legs`.
    shipments : (n,)
        How strongly shipments seem to go on at both vias, zero where nothing says it: these months are
        looked at whatever their sums say. By default none.
    group : (n,)
        Number of each candidate's group of products that speak for each other; by default its three areas.
    """
    legs, weighed = chain_legs(trade, expected, at, chains, planted)
    months = len(trade.windows[at].after)
    by_story = log_chain_factors(legs, tail=expected.tail, months=months, longest_hop=_LONGEST_HOP)
    factor = np.minimum(by_story.min(axis=1), _MOST)
    own, n_groups = _groups(trade, chains, group)
    odds = log_odds(factor, own, n_groups, ways=_ways(trade))
    strength = np.zeros(factor.size) if shipments is None else shipments
    chosen = np.flatnonzero((odds > _WORTH_MEASURING) | (factor > _WORTH_A_LOOK) | (strength > 0.0))
    if chosen.size > _MOST_CHOSEN:
        best = np.argsort(-(odds + factor + strength)[chosen], kind="stable")
        chosen = np.sort(chosen[best[:_MOST_CHOSEN]])
    return ChainScan(at, chains, weighed, factor, chosen, by_story)


def _groups(trade: Trade, chains: Chains, group: NDArray[np.int64] | None) -> tuple[NDArray[np.int64], int]:
    number = chains.pair(len(trade.areas)) if group is None else group
    found, own = np.unique(number, return_inverse=True)
    return own.astype(np.int64), found.size


def _ways(trade: Trade) -> int:
    """Return how many second vias a round trip could take."""
    return max(len(trade.areas) - 2, 1)


def judge_chains(
    tools: Tools,
    found: ChainScan,
    *,
    planted: tuple[Planted, Planted] | None = None,
    group: NDArray[np.int64] | None = None,
) -> Judged[Chains]:
    """Look at the months of the chosen chains: at both hops, each as a round trip is looked at.

    *Formula*: the months of a hop are h = ln p(both legs by one date and shipments) − ln p(each by itself).
    A chain says h₁ + h₂ of them; the stories that it is weighed against are left with what they explain::

        ln BF = min(w₀ + h₁ + h₂, w₁ + h₂, w₂ + h₁, w₃ + h₁ + h₂ − h₃) − ln odds that it ran before

    w₀ … w₃ are the factors of the windows over no change or growth, and over goods on the first two legs, on
    the last two, and on the way back and out again; h₃ is that third hop, through the maker. A detour from
    the second via through the maker to the via begins on one date on both its legs, too: with a way from its
    destination to its origin it would be a chain if its dates counted for one.

    Parameters
    ----------
    tools
        Windows, expectations, months of all cells concerned.
    found
        The scan.
    planted
        Months planted in the two hops of the chosen candidates.
    group : (n,)
        As for :func:`scan_chains`.
    """
    some, weighed = found.candidates.only(found.chosen), found.weighed[found.chosen]
    own, n_groups = _groups(tools.trade, found.candidates, group)
    added: tuple[Planted | None, ...] = planted or (None, None)
    stops = _with_detour(some, added)
    heard = [hear_echo(tools, hop, found.at, planted=months) for hop, months in stops]
    # it ran before if both its hops did
    before = np.minimum(heard[0].before, heard[1].before)
    chronic = chronic_odds(before, own[found.chosen], n_groups)
    stories = found.by_story.copy()
    stories[found.chosen] += _months_over(*(one.log_factor for one in heard)) - chronic[:, None]
    factor = np.minimum(stories.min(axis=1), _MOST)
    ways = _ways(tools.trade)
    close = np.flatnonzero(worth_measuring(factor, own, n_groups, ways=ways)[found.chosen])
    rows = found.chosen[close]
    measured, said = _measure(
        tools,
        [hop.only(close) for hop, _ in stops],
        found.at,
        weighed=weighed[close],
        heard=[one.only(close) for one in heard],
        planted=[months.only(close) if months is not None else None for _, months in stops],
    )
    stories[rows] += said
    factor[rows] = np.minimum(stories[rows].min(axis=1), _MOST)
    odds = log_odds(factor, own, n_groups, ways=ways)[rows]
    return Judged(some.only(close), rows, weighed[close], measured, factor[rows], odds)


def _with_detour(
    chains: Chains, planted: tuple[Planted | None, ...]
) -> list[tuple[Candidates, Planted | None]]:
    """Return both hops and the way back followed by the way out, with what was planted in each."""
    first, second = planted
    detour = None
    if first is not None and second is not None:
        detour = Planted(second.back_usd, second.back_kg, first.out_usd, first.out_kg)
    return list(zip((*chains.hops, chains.detour), (first, second, detour), strict=True))


def _months_over(
    first: NDArray[np.float64], second: NDArray[np.float64], detour: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n, 4) what the months of three hops say for a chain, over each story."""
    return np.stack([first + second, second, first, first + second - detour], axis=1)


def _measure(
    tools: Tools,
    stops: list[Candidates],
    at: int,
    *,
    weighed: NDArray[np.bool_],
    heard: list[Heard],
    planted: list[Planted | None],
) -> tuple[Measured, NDArray[np.float64]]:
    """Return what the months of chains say, and (n, 4) what they add to their factors over each story."""
    *hops, detour = (
        measure(tools, hop, at, weighed=weighed, heard=own, planted=months)
        for hop, own, months in zip(stops, heard, planted, strict=True)
    )
    _, since, end = span_of(tools.trade, at)
    first, second, _ = stops
    out = leg_months(tools, first.maker, first.via, first.out, first.product, at)
    on = leg_months(tools, first.source, first.target, first.back, first.product, at)
    back = leg_months(tools, second.source, second.target, second.back, second.product, at)
    if planted[0] is not None and planted[1] is not None:
        out = with_planted(out, planted[0].out_usd, planted[0].out_kg)
        on = with_planted(on, planted[0].back_usd, planted[0].back_kg)
        back = with_planted(back, planted[1].back_usd, planted[1].back_kg)
    out, on, back = (weighed_only(leg, weighed) for leg in (out, on, back))
    timing = _in_a_row(hops[0].timing, hops[1].timing, most=end - since - 2)
    on_lag = np.minimum(hops[0].timing.lag, timing.lag)
    month = np.arange(len(tools.trade.periods))
    gone, passed, returned = (
        (month >= (since + lag)[:, None]) & (month < (end - timing.lag + lag)[:, None])
        for lag in (np.zeros_like(on_lag), on_lag, timing.lag)
    )
    totals = (totals_of(out, gone), totals_of(on, passed), totals_of(back, returned))
    amounts = conserve(totals, weighing_sd=tools.weighing_sd, likeness=tools.unit_values.likeness)
    amounts, by_shipment = _by_shipment(heard, hops, on, (gone, on_lag), amounts)
    said = _months_over(*(hop_factor(one.timing) for one in (*hops, detour)))
    # the way back and out again: the same goods in either story
    said[:, :3] += dearer_factor(amounts, tools.unit_value_sd)[:, None]
    correlation = np.fmin(hops[0].correlation, hops[1].correlation)
    return Measured(timing, amounts, totals[0], totals[2], said[:, 0], correlation, by_shipment), said


def _in_a_row(first: Timing, second: Timing, *, most: int) -> Timing:
    """Return lag and onset of two hops: lags add up, and so does what is known of them."""
    n, lags = first.lag_share.shape
    share = np.zeros((n, 2 * lags - 1))
    for lag in range(lags):
        share[:, lag : lag + lags] += first.lag_share[:, [lag]] * second.lag_share
    return Timing(
        lag=np.minimum(first.lag + second.lag, max(most, 0)),
        lag_share=share,
        onset=first.onset,
        log_factor=first.log_factor + second.log_factor,
        own_dates=first.own_dates + second.own_dates,
    )


def _by_shipment(
    heard: list[Heard],
    hops: list[Measured],
    on: LegMonths,
    departures: tuple[NDArray[np.bool_], NDArray[np.int64]],
    amounts: Amounts,
) -> tuple[Amounts, NDArray[np.bool_]]:
    """Return the amounts, from shipments where both hops are heard; and where that is."""
    gone, on_lag = departures
    later = np.minimum(np.arange(gone.shape[1]) + on_lag[:, None], gone.shape[1] - 1)

    def arrived(values: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(values, later, axis=1)

    went_on = np.divide(heard[1].returned, on.usd, out=np.zeros_like(on.usd), where=on.usd > 0)
    usd = leg_totals(heard[0].returned * arrived(np.minimum(went_on, 1.0)), gone, arrived(on.seen))
    used = hops[0].by_shipment & hops[1].by_shipment & (usd > 0)
    one, other = hops[0].amounts, hops[1].amounts
    with np.errstate(divide="ignore", invalid="ignore"):
        kg = usd * one.kg / one.usd
        markup = (1.0 + one.markup) * (1.0 + other.markup) - 1.0
    return (
        Amounts(
            usd=np.where(used, usd, amounts.usd),
            kg=np.where(used, kg, amounts.kg),
            log_sd=np.where(used, np.hypot(one.log_sd, other.log_sd), amounts.log_sd),
            markup=np.where(used, markup, amounts.markup),
            markup_sd=np.where(used, np.hypot(one.markup_sd, other.markup_sd), amounts.markup_sd),
            told=np.where(used, one.told + other.told, amounts.told),
            told_sd=np.where(used, np.hypot(one.told_sd, other.told_sd), amounts.told_sd),
        ),
        used,
    )


def best_rotation(judged: Judged[Chains]) -> NDArray[np.bool_]:
    """Return which chains are likelier than the same three flows begun at another of their areas."""
    c = judged.candidates
    flows = np.sort(np.stack([c.out, c.on, c.back]), axis=0)
    order = np.lexsort((-judged.log_odds, *flows))
    first = np.ones(order.size, dtype=bool)
    first[1:] = (flows[:, order][:, 1:] != flows[:, order][:, :-1]).any(axis=0)
    best = np.zeros(order.size, dtype=bool)
    best[order[first]] = True
    return best
