"""Candidates measured month by month: lag, onset, amount, mark-up, and what they add to the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.loops.amounts import MARKUP_SD, Amounts, LegTotals, conserve, leg_totals
from entrepot.detect.loops.echo import Lumps, find_echo, is_lumpy
from entrepot.detect.loops.timing import MonthlyLegs, Timing, find_timing, with_echo
from entrepot.detect.loops.windows import month_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.paths import Paths
    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.windows import Trade

__all__ = [
    "Heard",
    "LegMonths",
    "Measured",
    "Planted",
    "Tools",
    "dearer_factor",
    "hear_echo",
    "hop_factor",
    "leg_months",
    "leg_series",
    "measure",
    "span_of",
    "timing_factor",
    "totals_of",
    "with_planted",
]

_LOOK_BACK = 6
_HEARD = 1.0  # log Bayes factor of the echo from which on shipments say the amount
_MATCHED = 0.5
_LEAST_SD = 0.03
_SHIPMENT_SD = 0.1  # of shipments that certainly came back
_FLOOR_SHARE = 0.1
_MOST_TIMING = 4.0
_MOST_MARKUP = 3.0


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
    """

    trade: Trade
    expected: ExpectedTrade
    series: Series
    paths: Paths
    longest_lag: int
    weighing_sd: float
    report_variance: NDArray[np.float64]
    unit_value_sd: float


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


@dataclass(frozen=True, slots=True)
class LegMonths:
    """One leg by month: flow and expectation in USD and kg, months seen, spread of ordinary months."""

    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    expected_usd: NDArray[np.float64]
    expected_kg: NDArray[np.float64]
    seen: NDArray[np.bool_]
    spread: NDArray[np.float64]
    sd: NDArray[np.float64]
    floor: float


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
        usd, _ = _own_months(tools.series, cells)
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
        quiet_end = _position(tools.trade, tools.trade.windows[0].after[0])
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
    entered = (
        tools.report_variance[candidates.maker, candidates.via],
        tools.report_variance[candidates.source, candidates.target],
    )
    weighing = np.where(weighed, tools.weighing_sd**2, 0.0)
    own = (entered[0] + weighing, entered[1] + weighing)
    legs = _residuals((out, back), own, weighed, max(since - _LOOK_BACK, start), since, end)
    timing = find_timing(legs, longest_lag=min(tools.longest_lag, end - since - 2))
    timing = with_echo(timing, heard.lumpy, heard.by_lag, heard.first_flow)
    month = np.arange(len(tools.trade.periods))
    gone = (month >= since) & (month < (end - timing.lag)[:, None])
    returned = (month >= (since + timing.lag)[:, None]) & (month < end)
    totals_out, totals_back = totals_of(out, gone), totals_of(back, returned)
    amounts = conserve((totals_out, totals_back), weighing_sd=tools.weighing_sd)
    amounts, by_shipment = _by_shipment(tools, heard, (out, back), (gone, timing.lag), amounts)
    added = timing_factor(timing) + dearer_factor(amounts, tools.unit_value_sd)
    return Measured(
        timing, amounts, totals_out, totals_back, added, _correlation(legs, timing.lag), by_shipment
    )


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


def span_of(trade: Trade, at: int) -> tuple[int, int, int]:
    """Return the first quiet month, the first of the after-window, and the one after its last."""
    pair = trade.windows[at]
    return (
        _position(trade, pair.before[0]),
        _position(trade, pair.after[0]),
        _position(trade, pair.after[-1]) + 1,
    )


def _own_months(series: Series, cell: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return USD and kg of cells by month; zeros for flows that never were."""
    known = cell >= 0
    row = np.where(known, series.rows(np.maximum(cell, 0)), 0).clip(max=max(series.cell.size - 1, 0))
    usd, kg = (np.where(known[:, None], values[row], 0.0) for values in (series.usd, series.kg))
    return usd, kg


def leg_series(
    tools: Tools, candidates: Candidates
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return flow out, flow back, and what was expected of them: each (n, T), USD a month."""
    out = leg_months(tools, candidates.maker, candidates.via, candidates.out, candidates.product, 0)
    back = leg_months(tools, candidates.source, candidates.target, candidates.back, candidates.product, 0)
    return out.usd, back.usd, out.expected_usd, back.expected_usd


def _position(trade: Trade, number: int) -> int:
    return number - month_number(trade.periods[0])


def leg_months(
    tools: Tools,
    exporter: NDArray[np.int64],
    importer: NDArray[np.int64],
    cell: NDArray[np.int64],
    product: NDArray[np.int64],
    at: int,
) -> LegMonths:
    """Return one leg by month; zeros where such a flow never was.

    Parameters
    ----------
    tools
        Windows, expectations, months.
    exporter, importer, cell, product : (n,)
        Where the leg begins and ends, its cell or -1, and its product.
    at
        Which pair of windows.
    """
    trade, expected = tools.trade, tools.expected
    pair, sums = trade.windows[at], trade.sums[at]
    known = cell >= 0
    usd, kg = _own_months(tools.series, cell)
    before = slice(_position(trade, pair.before[0]), _position(trade, pair.before[-1]) + 1)
    after = slice(_position(trade, pair.after[0]), _position(trade, pair.after[-1]) + 1)
    shape = tools.paths.shape(exporter, importer, product)
    level = np.concatenate(
        [
            shape[:, : after.start] / np.maximum(shape[:, before].mean(axis=1, keepdims=True), 1e-9),
            shape[:, after.start :] / np.maximum(shape[:, after].mean(axis=1, keepdims=True), 1e-9),
        ],
        axis=1,
    ) / len(pair.after)
    is_after = np.arange(shape.shape[1]) >= after.start

    def monthly(wanted: NDArray[np.float64], was: NDArray[np.float64]) -> NDArray[np.float64]:
        amount = np.where(is_after, wanted[cell][:, None], was[cell][:, None])
        return np.where(known[:, None], amount, 0.0) * level

    expected_usd = monthly(expected.usd[at], sums.before)
    seen = trade.observed[exporter, importer]
    relative = np.divide(
        usd - expected_usd, expected_usd, out=np.zeros_like(usd), where=(expected_usd > 0) & seen
    )[:, before]
    nothing = float(expected.noise.at(np.zeros(1))[0])
    return LegMonths(
        usd=usd,
        kg=kg,
        expected_usd=expected_usd,
        expected_kg=monthly(expected.kg[at], sums.before_kg),
        seen=seen,
        spread=np.maximum(np.sqrt((relative**2).mean(axis=1)), _LEAST_SD),
        sd=np.where(known, expected.sd[at][cell], nothing) * expected.stretch[at],
        floor=expected.noise.floor / len(pair.after),
    )


def with_planted(months: LegMonths, usd: NDArray[np.float64], kg: NDArray[np.float64]) -> LegMonths:
    """Return a leg with amounts added to its months."""
    return LegMonths(
        months.usd + usd, months.kg + kg, months.expected_usd, months.expected_kg, months.seen, months.spread,
        months.sd, months.floor,
    )  # fmt: skip


def _residuals(
    legs: tuple[LegMonths, LegMonths],
    own: tuple[NDArray[np.float64], NDArray[np.float64]],
    weighed: NDArray[np.bool_],
    first: int,
    since: int,
    end: int,
) -> MonthlyLegs:
    """Return residuals up to the end of the window: in kg, or in USD without weights.

    ``own`` is the variance of the logs with which goods that go round are weighed and entered, on each leg:
    of much that goes round it is more than what ordinary trade strays by.
    """
    residual, variance = [], []
    for leg in legs:
        flow = np.where(weighed[:, None], leg.kg, leg.usd)[:, :end]
        wanted = np.where(weighed[:, None], leg.expected_kg, leg.expected_usd)[:, :end]
        value = np.where(weighed, leg.usd.sum(axis=1), 1.0)
        weight = np.nansum(leg.kg, axis=1)
        unit = np.divide(value, weight, out=np.ones(value.size), where=weighed & (value > 0) & (weight > 0))
        ordinary = (leg.spread[:, None] * wanted) ** 2 + (_FLOOR_SHARE * leg.floor / unit[:, None]) ** 2
        seen = leg.seen[:, :end] & np.isfinite(flow)
        residual.append(np.where(seen, flow - wanted, 0.0))
        variance.append(np.where(seen, ordinary, 1e12 * np.maximum(ordinary, 1e-12)))
    size = np.minimum(residual[0][:, since:].mean(axis=1), residual[1][:, since:].mean(axis=1))
    least = np.sqrt(np.median(variance[0], axis=1) + np.median(variance[1], axis=1))
    size = np.maximum(size, _FLOOR_SHARE * least)
    runs = np.arange(end) >= since
    out, back = (v + by[:, None] * size[:, None] ** 2 * runs for v, by in zip(variance, own, strict=True))
    return MonthlyLegs(residual[0], residual[1], out, back, size, first, since)


def totals_of(leg: LegMonths, inside: NDArray[np.bool_]) -> LegTotals:
    """Return the sums of a leg over the (n, T) months that are inside."""
    kg, expected_kg, usd, expected_usd = (
        leg_totals(values, inside, leg.seen)
        for values in (leg.kg, leg.expected_kg, leg.usd, leg.expected_usd)
    )
    months = inside.sum(axis=1).astype(np.float64)
    unit = np.divide(usd, kg, out=np.ones_like(usd), where=(kg > 0) & (usd > 0))
    floor = np.full(kg.size, leg.floor) * months
    return LegTotals(kg, expected_kg, usd, expected_usd, leg.sd, floor / unit, floor, months)


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
