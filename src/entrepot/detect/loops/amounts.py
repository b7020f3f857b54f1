r"""How much went round, and how much dearer it came back.

*Formula.* With lag L, the excess out X_o is summed over the months whose goods can be back, the excess back
X_b over the months L later; weight is conserved on the way, so both measure one amount::

    x̂ = min(Σ X/ε² ÷ Σ 1/ε², X_o + ε_o, X_b + ε_b)       ε = σ·(ê + c), the error of the expected flow

A leg that by itself says less is believed up to one standard deviation. The amount in USD is x̂ at the unit
value of the excess out; how that and ``markup`` are told is in :mod:`entrepot.detect.loops.markups`. Where
weights are missing or the publisher estimated them, value is conserved instead, and the spread of mark-ups
widens the error of the way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.markups import MARKUP_SD, priced
from entrepot.detect.loops.unit_values import USUAL_GOODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.loops.unit_values import Likeness

__all__ = ["Amounts", "LegTotals", "conserve", "leg_totals"]

_LOSS = 0.03  # weight lost or gained on the way, beside all else
_LEAST_ERROR = 1e-9


@dataclass(frozen=True, slots=True)
class LegTotals:
    """One leg over its matched months; n candidates.

    Attributes
    ----------
    kg, expected_kg, usd, expected_usd : (n,)
        Flow and expected flow; kg NaN where not weighed.
    sd : (n,)
        Standard deviation of the log change of the flow.
    floor_kg, floor_usd : (n,)
        Size of flows that appear from nothing.
    months : (n,)
        Months that the sums hold.
    usual, usual_sd : (n,)
        Log of what a kilogram of the flow's usual goods is worth in these months, and the error of that; NaN
        where nothing says it.
    """

    kg: NDArray[np.float64]
    expected_kg: NDArray[np.float64]
    usd: NDArray[np.float64]
    expected_usd: NDArray[np.float64]
    sd: NDArray[np.float64]
    floor_kg: NDArray[np.float64]
    floor_usd: NDArray[np.float64]
    months: NDArray[np.float64]
    usual: NDArray[np.float64]
    usual_sd: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> LegTotals:
        """Return some of the candidates."""
        return LegTotals(*(getattr(self, name)[rows] for name in LegTotals.__slots__))


@dataclass(frozen=True, slots=True)
class Amounts:
    """What went round; n candidates.

    Attributes
    ----------
    usd : (n,)
        At the unit value going out.
    kg : (n,)
        Weight; NaN where value was conserved instead.
    log_sd : (n,)
        Standard deviation of its log, from the errors of both legs: what calibration scales.
    markup, markup_sd : (n,)
        Unit value back over unit value out − 1, and the standard deviation of its log; NaN without weights.
    told, told_sd : (n,)
        Log of unit value back over out by what the legs alone tell, and its deviation; NaN where they do not.
    """

    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    log_sd: NDArray[np.float64]
    markup: NDArray[np.float64]
    markup_sd: NDArray[np.float64]
    told: NDArray[np.float64]
    told_sd: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> Amounts:
        """Return some of the candidates."""
        return Amounts(*(getattr(self, name)[rows] for name in Amounts.__slots__))


def leg_totals(
    values: NDArray[np.float64], inside: NDArray[np.bool_], seen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return sums of months of each candidate, scaled up where a month was not observed.

    Parameters
    ----------
    values : (n, T)
        Amounts by month.
    inside : (n, T)
        Months that are wanted.
    seen : (n, T)
        Months that somebody published.
    """
    wanted, have = inside.sum(axis=1), (inside & seen).sum(axis=1)
    sums = np.where(inside & seen, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(sums * wanted, have, out=np.full(sums.size, np.nan), where=have > 0))


def conserve(
    legs: Sequence[LegTotals],
    *,
    weighing_sd: float,
    likeness: Likeness = USUAL_GOODS,
    markup_sd: float = MARKUP_SD,
) -> Amounts:
    """Return the amounts that went round, in weight where all legs are weighed, else in value.

    Parameters
    ----------
    legs
        The way out, the way between two vias if there are two, the way back.
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    likeness
        How far goods that go round may be from usual ones in unit value.
    markup_sd
        Standard deviation of the log of 1 + mark-up from the first leg to the last, before anything is known:
        what stands in where weights are missing or unit values told badly; of the leg between, half of it.
    """
    weighed = np.isfinite(np.sum([leg.kg + leg.expected_kg for leg in legs], axis=0))
    kg, kg_error = _one_of(
        [leg.kg - leg.expected_kg for leg in legs],
        [leg.sd * (leg.expected_kg + leg.floor_kg) for leg in legs],
    )
    prices = priced(
        (legs[0], legs[-1]), kg, kg_error,
        weighing_sd=weighing_sd, likeness=likeness, markup_sd=markup_sd,
    )  # fmt: skip
    values, errors = [], []
    for leg, part in zip(legs, np.linspace(0.0, 1.0, len(legs)), strict=True):
        excess = leg.usd - leg.expected_usd
        values.append(excess)
        ordinary = leg.sd * (leg.expected_usd + leg.floor_usd)
        errors.append(np.hypot(ordinary, np.maximum(excess, 0.0) * part * markup_sd))
    usd, usd_error = _one_of(values, errors)
    with np.errstate(invalid="ignore", over="ignore"):
        by_weight = kg * np.exp(prices.out)
        by_weight_sd = np.sqrt(_relative(kg_error, kg) ** 2 + prices.out_variance)
        log_sd = np.where(weighed, by_weight_sd, _relative(usd_error, usd))
    return Amounts(
        usd=np.where(weighed, by_weight, usd),
        kg=np.where(weighed, kg, np.nan),
        log_sd=log_sd,
        markup=np.where(weighed, np.expm1(prices.dearer), np.nan),
        markup_sd=np.where(weighed, np.sqrt(prices.dearer_variance), np.nan),
        told=np.where(weighed, prices.told, np.nan),
        told_sd=np.sqrt(prices.told_variance),
    )


def _relative(error: NDArray[np.float64], amount: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(error, amount, out=np.full(error.size, np.nan), where=amount > 0))


def _one_of(
    measured: Sequence[NDArray[np.float64]], ordinary: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return one amount of several measurements of it, and its error, wider where they disagree."""
    error = [np.hypot(e, _LOSS * np.abs(x)) + _LEAST_ERROR for x, e in zip(measured, ordinary, strict=True)]
    weight = [1.0 / e**2 for e in error]
    total = np.sum(weight, axis=0)
    mean = np.sum([w * x for w, x in zip(weight, measured, strict=True)], axis=0) / total
    ceiling = np.min([x + e for x, e in zip(measured, error, strict=True)], axis=0)
    amount = np.maximum(np.minimum(mean, ceiling), 0.0)
    squares = np.sum([w * (x - mean) ** 2 for w, x in zip(weight, measured, strict=True)], axis=0)
    apart = np.sqrt(squares / (len(measured) - 1))
    return amount, np.sqrt(1.0 / total) * np.maximum(apart, 1.0)
