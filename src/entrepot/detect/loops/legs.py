"""The legs of candidates by month: flows, what was expected of them, what a kilogram is usually worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.amounts import LegTotals, leg_totals
from entrepot.detect.loops.timing import MonthlyLegs
from entrepot.detect.loops.windows import month_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.measure import Tools
    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.windows import Trade

__all__ = [
    "LegMonths",
    "leg_months",
    "leg_series",
    "own_months",
    "position_of",
    "residuals",
    "span_of",
    "totals_of",
    "weighed_only",
    "with_planted",
]

_LEAST_SD = 0.03
_FLOOR_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class LegMonths:
    """One leg by month: flow and expectation, usual log unit value, spread of ordinary months."""

    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    expected_usd: NDArray[np.float64]
    expected_kg: NDArray[np.float64]
    usual: NDArray[np.float64]
    usual_sd: NDArray[np.float64]
    seen: NDArray[np.bool_]
    spread: NDArray[np.float64]
    sd: NDArray[np.float64]
    floor: float


def span_of(trade: Trade, at: int) -> tuple[int, int, int]:
    """Return the first quiet month, the first of the after-window, and the one after its last."""
    pair = trade.windows[at]
    return (
        position_of(trade, pair.before[0]),
        position_of(trade, pair.after[0]),
        position_of(trade, pair.after[-1]) + 1,
    )


def position_of(trade: Trade, number: int) -> int:
    """Return the position of a month among all months."""
    return number - month_number(trade.periods[0])


def own_months(series: Series, cell: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return USD and kg of cells by month; zeros for flows that never were."""
    known = cell >= 0
    row = np.where(known, series.rows(np.maximum(cell, 0)), 0).clip(max=max(series.cell.size - 1, 0))
    usd, kg = (np.where(known[:, None], values[row], 0.0) for values in (series.usd, series.kg))
    return usd, kg


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
    usd, kg = own_months(tools.series, cell)
    before = slice(position_of(trade, pair.before[0]), position_of(trade, pair.before[-1]) + 1)
    after = slice(position_of(trade, pair.after[0]), position_of(trade, pair.after[-1]) + 1)
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
    usual, usual_sd = _usual_values(tools, (exporter, cell, product), usd[:, before], at)
    with np.errstate(over="ignore"):
        expected_kg = np.where(
            np.isfinite(usual) & (expected_usd > 0),
            expected_usd * np.exp(-usual),
            monthly(expected.kg[at], sums.before_kg),
        )
    seen = trade.observed[exporter, importer]
    relative = np.divide(
        usd - expected_usd, expected_usd, out=np.zeros_like(usd), where=(expected_usd > 0) & seen
    )[:, before]
    nothing = float(expected.noise.at(np.zeros(1))[0])
    return LegMonths(
        usd=usd,
        kg=kg,
        expected_usd=expected_usd,
        expected_kg=expected_kg,
        usual=usual,
        usual_sd=usual_sd,
        seen=seen,
        spread=np.maximum(np.sqrt((relative**2).mean(axis=1)), _LEAST_SD),
        sd=np.where(known, expected.sd[at][cell], nothing) * expected.stretch[at],
        floor=expected.noise.floor / len(pair.after),
    )


def _usual_values(
    tools: Tools,
    flows: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    quiet_usd: NDArray[np.float64],
    at: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n, T) the log of what a kilogram of flows is usually worth by month, and the error of that.

    Flows are their exporters, cells and products.
    """
    exporter, cell, product = flows
    trade, values = tools.trade, tools.unit_values
    pair, sums = trade.windows[at], trade.sums[at]
    before = slice(position_of(trade, pair.before[0]), position_of(trade, pair.before[-1]) + 1)
    path = values.path(exporter, product)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(cell >= 0, np.log(sums.before / sums.before_kg)[cell], np.nan)
    is_own = np.isfinite(own)
    weight = np.where(is_own[:, None], quiet_usd, 0.0)
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1.0)
    was = (weight * path[:, before]).sum(axis=1) / weight.sum(axis=1)
    level = np.where(is_own, own, values.sold[at][exporter, product])
    months = np.maximum((quiet_usd > 0).sum(axis=1), 1)
    return level[:, None] + path - was[:, None], tools.weighing_sd / np.sqrt(months)


def leg_series(
    tools: Tools, candidates: Candidates
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return flow out, flow back, and what was expected of them: each (n, T), USD a month."""
    out = leg_months(tools, candidates.maker, candidates.via, candidates.out, candidates.product, 0)
    back = leg_months(tools, candidates.source, candidates.target, candidates.back, candidates.product, 0)
    return out.usd, back.usd, out.expected_usd, back.expected_usd


def with_planted(months: LegMonths, usd: NDArray[np.float64], kg: NDArray[np.float64]) -> LegMonths:
    """Return a leg with amounts added to its months."""
    return LegMonths(
        months.usd + usd, months.kg + kg, months.expected_usd, months.expected_kg, months.usual,
        months.usual_sd, months.seen, months.spread, months.sd, months.floor,
    )  # fmt: skip


def weighed_only(months: LegMonths, weighed: NDArray[np.bool_]) -> LegMonths:
    """Return a leg without the weights of candidates of which a leg has no measured one."""
    return replace(months, kg=np.where(weighed[:, None], months.kg, np.nan))


def residuals(
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
    usual = leg_totals(leg.usual, inside, leg.seen) / np.maximum(months, 1.0)
    return LegTotals(
        kg, expected_kg, usd, expected_usd, leg.sd, floor / unit, floor, months, usual, leg.usual_sd
    )
