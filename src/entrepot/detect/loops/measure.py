"""Candidates measured month by month: lag, onset, amount, mark-up, and what they add to the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.loops.amounts import Amounts, LegTotals, conserve, leg_totals
from entrepot.detect.loops.echo import Lumps, find_echo, is_lumpy
from entrepot.detect.loops.lags import Levels, find_lags, told_by_value
from entrepot.detect.loops.legs import (
    leg_months,
    own_months,
    position_of,
    residuals,
    span_of,
    totals_of,
    weighed_only,
    with_planted,
)
from entrepot.detect.loops.markups import MARKUP_SD, own_value
from entrepot.detect.loops.timing import MonthlyLegs, Timing, find_timing, with_echo, with_lags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.legs import LegMonths
    from entrepot.detect.loops.paths import Paths
    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.unit_values import UnitValues
    from entrepot.detect.loops.windows import Trade

__all__ = [
    "Heard",
    "Measured",
    "Planted",
    "Tools",
    "dearer_factor",
    "hear_echo",
    "hop_factor",
    "measure",
    "timing_factor",
]

_LOOK_BACK = 6
_HEARD = 1.0  # log Bayes factor of the echo from which on shipments say the amount
_MATCHED = 0.5
_LEAST_SD = 0.03
_SHIPMENT_SD = 0.1  # of shipments that certainly came back
_MOST_TIMING = 4.0
_MOST_MARKUP = 3.0
_LEAST_ERRORS = 2.0  # standard deviations that an excess must be to be an amount
_ROUGHLY = 0.05  # relative error of an amount whose lag is not known yet


@dataclass(frozen=True, slots=True)
class Tools:
    """What every measurement needs.

    Attributes
    ----------
    trade, expected
        Windows, and what was expected in them.
    series
        Months of all cells concerned.
    paths
        How trade moves through the months.
    longest_lag
        Lags tried.
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    report_variance : (n_areas, n_areas)
        Variance of the months of flows in the book that leads, in logs.
    unit_value_sd
        Standard deviation of the log ratio of the unit values of two flows of a product.
    unit_values
        What a kilogram is usually worth.
    """

    trade: Trade
    expected: ExpectedTrade
    series: Series
    paths: Paths
    longest_lag: int
    weighing_sd: float
    report_variance: NDArray[np.float64]
    unit_value_sd: float
    unit_values: UnitValues


@dataclass(frozen=True, slots=True)
class Planted:
    """Round trips added to the months of candidates.

    Attributes
    ----------
    out_usd, out_kg, back_usd, back_kg : (n, T)
        Amounts by month.
    """

    out_usd: NDArray[np.float64]
    out_kg: NDArray[np.float64]
    back_usd: NDArray[np.float64]
    back_kg: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> Planted:
        """Return some of the candidates."""
        return Planted(self.out_usd[rows], self.out_kg[rows], self.back_usd[rows], self.back_kg[rows])


@dataclass(frozen=True, slots=True)
class Heard:
    """Echoes of candidates.

    Attributes
    ----------
    lumpy : (n,)
        Whether the way out is lumpy; of others no echo is looked for.
    log_factor : (n,)
        What it adds to the log Bayes factor.
    before : (n,)
        Log Bayes factor of the same in the other quiet months.
    by_lag : (n, longest + 1)
        Its share of each lag.
    first_flow : (n,)
        First month since the beginning with a flow out, as a position.
    returned : (n, T)
        USD of each month's departures that came back.
    variance : (n,)
        Variance of their sum.
    match : (n, T)
        Probability that what left in the month came back whole.
    """

    lumpy: NDArray[np.bool_]
    log_factor: NDArray[np.float64]
    before: NDArray[np.float64]
    by_lag: NDArray[np.float64]
    first_flow: NDArray[np.int64]
    returned: NDArray[np.float64]
    variance: NDArray[np.float64]
    match: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> Heard:
        """Return some of the candidates."""
        return Heard(*(getattr(self, name)[rows] for name in Heard.__slots__))


@dataclass(frozen=True, slots=True)
class Measured:
    """Candidates and what the months say of them.

    Attributes
    ----------
    timing, amounts
        Lag and onset; amounts.
    out, back
        Both legs over the months that the lag matches.
    log_factor : (n,)
        What timing and unit values add to the log Bayes factor.
    correlation : (n,)
        Correlation of both legs' residuals at the lag.
    by_shipment : (n,)
        Whether the amount is that of shipments heard to return.
    """

    timing: Timing
    amounts: Amounts
    out: LegTotals
    back: LegTotals
    log_factor: NDArray[np.float64]
    correlation: NDArray[np.float64]
    by_shipment: NDArray[np.bool_]

    @property
    def is_told(self) -> NDArray[np.bool_]:
        """(n) Whether the amount is more than what flows stray by, or that of shipments heard to return."""
        beyond = self.amounts.log_sd <= 1.0 / _LEAST_ERRORS
        return np.asarray((self.amounts.usd > 0) & (beyond | self.by_shipment))

    def only(self, rows: NDArray[np.int64]) -> Measured:
        """Return some of the candidates."""
        return Measured(
            self.timing.only(rows),
            self.amounts.only(rows),
            self.out.only(rows),
            self.back.only(rows),
            self.log_factor[rows],
            self.correlation[rows],
            self.by_shipment[rows],
        )

    def joined(self, other: Measured) -> Measured:
        """Return these and others behind them."""
        parts: dict[str, Any] = {}
        for name in Measured.__slots__:
            own, more = getattr(self, name), getattr(other, name)
            if isinstance(own, np.ndarray):
                parts[name] = np.concatenate([own, more])
            else:  # arrays by candidate, under names
                each = ((getattr(own, column), getattr(more, column)) for column in type(own).__slots__)
                parts[name] = type(own)(*(np.concatenate(pair) for pair in each))
        return Measured(**parts)


def hear_echo(tools: Tools, candidates: Candidates, at: int, *, planted: Planted | None = None) -> Heard:
    """Return how strongly the way back repeats the way out, of lumpy candidates.

    Parameters
    ----------
    tools, candidates, at, planted
        See :func:`measure`.
    """
    start, since, end = span_of(tools.trade, at)
    sides = []
    for cells, areas, added in (
        (candidates.out, (candidates.maker, candidates.via), planted.out_usd if planted else 0.0),
        (candidates.back, (candidates.source, candidates.target), planted.back_usd if planted else 0.0),
    ):
        usd, _ = own_months(tools.series, cells)
        sides.append(np.where(tools.trade.observed[areas], usd + added, np.nan))
    lumpy = is_lumpy(sides[0][:, start:end])
    n, lags, months = lumpy.size, tools.longest_lag + 1, len(tools.trade.periods)
    factor, before, variance = np.zeros(n), np.zeros(n), np.zeros(n)
    by_lag = np.full((n, lags), 1.0 / lags)
    returned, match = np.zeros((n, months)), np.zeros((n, months))
    rows = np.flatnonzero(lumpy)
    if rows.size:
        maker, via = candidates.maker[rows], candidates.via[rows]
        source, target = candidates.source[rows], candidates.target[rows]
        noise = tools.report_variance[maker, via] + tools.report_variance[source, target]
        quiet_end = position_of(tools.trade, tools.trade.windows[0].after[0])
        legs = Lumps(sides[0][rows], sides[1][rows], noise, start, since, end, quiet_end)
        echo = find_echo(legs, longest_lag=tools.longest_lag)
        factor[rows], by_lag[rows], variance[rows] = echo.log_factor, echo.by_lag, echo.variance
        before[rows] = echo.before
        returned[rows], match[rows] = echo.returned, echo.match
    has_flow = np.nan_to_num(sides[0][:, since:end]) > 0
    matched = match[:, since:end] > _MATCHED
    first = np.where(matched.any(axis=1), matched.argmax(axis=1), has_flow.argmax(axis=1))
    return Heard(lumpy, factor, before, by_lag, since + first, returned, variance, match)


def measure(
    tools: Tools,
    candidates: Candidates,
    at: int,
    *,
    weighed: NDArray[np.bool_],
    heard: Heard,
    planted: Planted | None = None,
) -> Measured:
    """Measure candidates in one pair of windows.

    Parameters
    ----------
    tools
        Windows, expectations, months.
    candidates
        Their cells are in the series, or -1.
    at
        Which pair of windows.
    weighed : (n,)
        Candidates whose legs both have weights.
    heard
        Their echoes.
    planted
        Round trips to add first.
    """
    start, since, end = span_of(tools.trade, at)
    out = leg_months(tools, candidates.maker, candidates.via, candidates.out, candidates.product, at)
    back = leg_months(tools, candidates.source, candidates.target, candidates.back, candidates.product, at)
    if planted is not None:
        out, back = (
            with_planted(out, planted.out_usd, planted.out_kg),
            with_planted(back, planted.back_usd, planted.back_kg),
        )
    out, back = weighed_only(out, weighed), weighed_only(back, weighed)
    entered = (
        tools.report_variance[candidates.maker, candidates.via],
        tools.report_variance[candidates.source, candidates.target],
    )
    weighing = np.where(weighed, tools.weighing_sd**2, 0.0)
    own = (entered[0] + weighing, entered[1] + weighing)
    legs = residuals((out, back), own, weighed, max(since - _LOOK_BACK, start), since, end)
    timing = find_timing(legs, longest_lag=min(tools.longest_lag, end - since - 2))
    amounts, totals, _ = _matched(tools, (out, back), timing.lag, (since, end))
    timing = _with_lags(tools, timing, legs, (out, back), totals, amounts, weighed)
    timing = with_echo(timing, heard.lumpy, heard.by_lag, heard.first_flow)
    amounts, (totals_out, totals_back), gone = _matched(tools, (out, back), timing.lag, (since, end))
    amounts, by_shipment = _by_shipment(tools, heard, (out, back), (gone, timing.lag), amounts)
    added = timing_factor(timing) + dearer_factor(amounts, tools.unit_value_sd)
    return Measured(
        timing, amounts, totals_out, totals_back, added, _correlation(legs, timing.lag), by_shipment
    )


def _matched(
    tools: Tools, legs: tuple[LegMonths, LegMonths], lag: NDArray[np.int64], window: tuple[int, int]
) -> tuple[Amounts, tuple[LegTotals, LegTotals], NDArray[np.bool_]]:
    """Return the amounts, both legs over the months that a lag matches, and the months of departure."""
    since, end = window
    month = np.arange(len(tools.trade.periods))
    gone = (month >= since) & (month < (end - lag)[:, None])
    returned = (month >= (since + lag)[:, None]) & (month < end)
    totals = (totals_of(legs[0], gone), totals_of(legs[1], returned))
    amounts = conserve(totals, weighing_sd=tools.weighing_sd, likeness=tools.unit_values.likeness)
    return amounts, totals, gone


def _with_lags(
    tools: Tools,
    timing: Timing,
    legs: MonthlyLegs,
    months: tuple[LegMonths, LegMonths],
    totals: tuple[LegTotals, LegTotals],
    amounts: Amounts,
    weighed: NDArray[np.bool_],
) -> Timing:
    """Return the timing with the posterior of its lags, of months told by weight and by unit values."""
    end = legs.out.shape[1]
    told, levels = [], []
    for leg, total, residual, variance in zip(
        months, totals, (legs.out, legs.back), (legs.out_variance, legs.back_variance), strict=True
    ):
        own, own_variance, _ = own_value(total, amounts.kg, _ROUGHLY * amounts.kg, tools.weighing_sd)
        usd, kg, usual = leg.usd[:, :end], leg.kg[:, :end], leg.usual[:, :end]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            worth, goods = np.exp(usual), np.exp(own)[:, None]
            further = goods - worth
            apart = (usd - worth * kg) / further
            noise = worth * kg * np.hypot(tools.weighing_sd, leg.usual_sd[:, None])
            unsure = np.sqrt(own_variance)[:, None] * goods * np.abs(legs.size)[:, None]
            apart_sd = np.hypot(noise, unsure) / np.abs(further)
        known = weighed[:, None] & leg.seen[:, :end] & (kg > 0)
        told.append(told_by_value(residual, variance, np.where(known, apart, np.nan), apart_sd))
        expected = np.where(weighed[:, None], leg.expected_kg, leg.expected_usd)[:, :end]
        levels.append(np.nan_to_num(expected))
    (out, out_variance), (back, back_variance) = told
    better = MonthlyLegs(out, back, out_variance, back_variance, legs.size, legs.first, legs.since)
    share, onset = find_lags(
        better,
        Levels(levels[0], levels[1], months[0].sd, months[1].sd, weighed),
        longest_lag=timing.lag_share.shape[1] - 1,
    )
    return with_lags(timing, share, onset)


def _by_shipment(
    tools: Tools,
    heard: Heard,
    legs: tuple[LegMonths, LegMonths],
    departures: tuple[NDArray[np.bool_], NDArray[np.int64]],
    amounts: Amounts,
) -> tuple[Amounts, NDArray[np.bool_]]:
    """Return the amounts, from shipments where these are heard to return; and where that is."""
    (out, back), (gone, lag) = legs, departures
    later = np.minimum(np.arange(gone.shape[1]) + lag[:, None], gone.shape[1] - 1)

    def arrived(values: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(values, later, axis=1)

    seen = out.seen & arrived(back.seen)
    usd = leg_totals(heard.returned, gone, seen)
    with np.errstate(divide="ignore", invalid="ignore"):
        dearer = np.log(arrived(back.usd / back.kg)) - np.log(out.usd / out.kg)
        known = np.isfinite(dearer) & (heard.match > 0.0)
        weight = np.where(known, heard.match, 0.0)
        matches = weight.sum(axis=1)
        mean = np.where(known, weight * dearer, 0.0).sum(axis=1) / matches
        unit = (weight * np.where(known, out.usd, 0.0)).sum(axis=1)
        unit = unit / (weight * np.where(known, out.kg, 0.0)).sum(axis=1)
        kg = usd / unit
        sd = np.sqrt(heard.variance) / usd
        weighing = tools.weighing_sd * np.sqrt(2.0 / np.maximum(matches, 0.5))
    weighed = np.isfinite(amounts.kg) & np.isfinite(kg) & np.isfinite(mean)
    used = heard.lumpy & (heard.log_factor >= _HEARD) & (usd > 0) & (weighed | np.isnan(amounts.kg))
    sd = np.hypot(np.hypot(sd, np.where(weighed, _LEAST_SD, MARKUP_SD)), _SHIPMENT_SD)
    by_shipment = Amounts(
        usd=np.where(used, usd, amounts.usd),
        kg=np.where(used & weighed, kg, amounts.kg),
        log_sd=np.where(used, sd, amounts.log_sd),
        markup=np.where(used & weighed, np.expm1(mean), amounts.markup),
        markup_sd=np.where(used & weighed, weighing, amounts.markup_sd),
        told=np.where(used & weighed, mean, amounts.told),
        told_sd=np.where(used & weighed, weighing, amounts.told_sd),
    )
    return by_shipment, used


def timing_factor(timing: Timing) -> NDArray[np.float64]:
    """Return how much likelier one date and shipment are, within what months can say."""
    return np.clip(timing.log_factor, -_MOST_TIMING, _MOST_TIMING)


def hop_factor(timing: Timing) -> NDArray[np.float64]:
    """Return how much likelier one date and shipment are than two dates, within what months can say."""
    return np.clip(timing.log_factor - timing.own_dates, -_MOST_TIMING, _MOST_TIMING)


def dearer_factor(amounts: Amounts, unit_value_sd: float) -> NDArray[np.float64]:
    """Return how much likelier the ratio of unit values is of goods bought back than of any two flows."""
    is_told = np.isfinite(amounts.told)
    ratio, sd = np.where(is_told, amounts.told, 0.0), np.where(is_told, amounts.told_sd, 0.0)
    trip, other = np.hypot(MARKUP_SD, sd), np.hypot(unit_value_sd, sd)
    log = 0.5 * (ratio / other) ** 2 - 0.5 * (ratio / trip) ** 2 + np.log(other / trip)
    return np.where(is_told, np.clip(log, -_MOST_MARKUP, _MOST_MARKUP), 0.0)


def _correlation(legs: MonthlyLegs, lag: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the correlation of the residuals, the way back moved earlier by the lag."""
    end = legs.out.shape[1]
    month = np.arange(end)
    later = month + lag[:, None]
    both = (month >= legs.first) & (later < end)
    back = np.take_along_axis(legs.back, np.minimum(later, end - 1), axis=1)
    n = np.maximum(both.sum(axis=1), 1)

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = np.where(both, values, 0.0).sum(axis=1) / n
        return np.where(both, values - mean[:, None], 0.0)

    a, b = centred(legs.out), centred(back)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.asarray(np.divide((a * b).sum(axis=1), scale, out=np.full(n.size, np.nan), where=scale > 0))
