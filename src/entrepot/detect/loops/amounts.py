r"""How much went round, and how much dearer it came back.

*Formula.* With lag L, the excess out X_o is summed over the months whose goods can be back, the excess back
X_b over the months L later; weight is conserved on the way, so both measure one amount::

    x̂ = min(Σ X/ε² ÷ Σ 1/ε², X_o + ε_o, X_b + ε_b)       ε = σ·(ê + c), the error of the expected flow

A leg that by itself says less is believed up to one standard deviation. The amount in USD is x̂ at the unit
value of the excess out; ``markup`` = unit value of the excess back ÷ that of the excess out − 1. Where
weights are missing or the publisher estimated them, value back ÷ (1 + mark-up) is conserved instead, at a
typical mark-up, and its spread widens the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Amounts", "LegTotals", "conserve", "leg_totals", "unit_value"]

_LOSS = 0.03  # weight lost or gained on the way, beside all else
_MIX_SD = 0.25  # how far goods of one flow differ in unit value, in logs
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
    """

    kg: NDArray[np.float64]
    expected_kg: NDArray[np.float64]
    usd: NDArray[np.float64]
    expected_usd: NDArray[np.float64]
    sd: NDArray[np.float64]
    floor_kg: NDArray[np.float64]
    floor_usd: NDArray[np.float64]
    months: NDArray[np.float64]

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
    """

    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    log_sd: NDArray[np.float64]
    markup: NDArray[np.float64]
    markup_sd: NDArray[np.float64]

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


def unit_value(leg: LegTotals, *, weighing_sd: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log unit value of a leg's excess, and its standard deviation.

    The unit value of a small excess on a large flow is told badly by the difference of two large numbers:
    it is drawn towards the unit value of the whole flow, by how badly.
    """
    excess_usd = np.maximum(leg.usd - leg.expected_usd, 0.0)
    excess_kg = np.maximum(leg.kg - leg.expected_kg, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.log(leg.usd / leg.kg)
        own = np.log(excess_usd / excess_kg)
        before = np.log(leg.expected_usd / leg.expected_kg)
        weighing = weighing_sd / np.sqrt(np.maximum(leg.months, 1.0)) * leg.usd / excess_usd
        mixing = (
            leg.sd
            * (leg.expected_usd + leg.floor_usd)
            / excess_usd
            * np.abs(np.expm1(own - np.where(np.isfinite(before), before, own)))
        )
        variance = weighing**2 + mixing**2
    known = np.isfinite(own) & np.isfinite(variance)
    variance = np.where(known, variance, 0.0)
    trust = np.where(known, _MIX_SD**2 / (_MIX_SD**2 + variance), 0.0)
    value = np.where(known, whole + trust * (np.where(known, own, 0.0) - whole), whole)
    sd = np.sqrt(np.where(known, trust * variance, _MIX_SD**2))
    return np.asarray(value), np.asarray(sd)


def conserve(legs: Sequence[LegTotals], *, weighing_sd: float, markup: tuple[float, float]) -> Amounts:
    """Return the amounts that went round, in weight where all legs are weighed, else in deflated value.

    Parameters
    ----------
    legs
        The way out, the way between two vias if there are two, the way back.
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    markup
        Typical log of 1 + mark-up from the first leg to the last, and its standard deviation, where weights
        are missing; of the leg between, half of both.
    """
    weighed = np.isfinite(np.sum([leg.kg + leg.expected_kg for leg in legs], axis=0))
    out_value, out_sd = unit_value(legs[0], weighing_sd=weighing_sd)
    back_value, back_sd = unit_value(legs[-1], weighing_sd=weighing_sd)
    kg, kg_error = _one_of(
        [leg.kg - leg.expected_kg for leg in legs],
        [leg.sd * (leg.expected_kg + leg.floor_kg) for leg in legs],
    )
    values, errors = [], []
    for leg, part in zip(legs, np.linspace(0.0, 1.0, len(legs)), strict=True):
        deflator = np.exp(-part * markup[0])
        excess = np.maximum(leg.usd - leg.expected_usd, 0.0) * deflator
        values.append(excess + np.minimum(leg.usd - leg.expected_usd, 0.0))
        ordinary = leg.sd * (leg.expected_usd + leg.floor_usd) * deflator
        errors.append(np.hypot(ordinary, excess * part * markup[1]))
    usd, usd_error = _one_of(values, errors)
    with np.errstate(invalid="ignore", over="ignore"):
        by_weight = kg * np.exp(out_value)
        log_sd = np.where(weighed, np.hypot(_relative(kg_error, kg), out_sd), _relative(usd_error, usd))
    return Amounts(
        usd=np.where(weighed, by_weight, usd),
        kg=np.where(weighed, kg, np.nan),
        log_sd=log_sd,
        markup=np.where(weighed, np.expm1(back_value - out_value), np.nan),
        markup_sd=np.where(weighed, np.hypot(out_sd, back_sd), np.nan),
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
