r"""How much went round, and how much dearer it came back.

*Formula.* With lag L, the excess out X_o is summed over the months whose goods can be back, the excess back
X_b over the months L later; weight is conserved on the way, so both measure one amount::

    x̂ = min(Σ X/ε² ÷ Σ 1/ε², X_o + ε_o, X_b + ε_b)       ε = σ·(ê + c), the error of the expected flow

A leg that by itself says less is believed up to one standard deviation. The amount in USD is x̂ at the unit
value of the excess out, which often is that of the flow's usual goods and need not be; ``markup`` is the unit
value of the excess back ÷ that of the excess out − 1, drawn towards none by how badly both are told: before
anything is known, goods come back at the value at which they left, give or take half of it. Where weights are
missing or the publisher estimated them, value is conserved instead, and that spread widens the error of the
way back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MARKUP_SD", "MIX_SD", "MIX_SHARE", "Amounts", "LegTotals", "conserve", "leg_totals"]

#: Deviation of the log of 1 + mark-up before anything is known of it, around no mark-up at all. Wide, and not
#: centred on what anybody claims: a claim is to be tested by the mark-ups that are found.
MARKUP_SD = 0.4
_LOSS = 0.03  # weight lost or gained on the way, beside all else
#: How far goods that go round are from the usual goods of their code in unit value: deviations of the log,
#: and the share of the goods that each is true of. Most are alike, some are nothing like it.
MIX_SD = (0.12, 0.35, 1.0)
MIX_SHARE = (0.5, 0.3, 0.2)
_LEAST_ERROR = 1e-9
_UNTOLD = 1e6  # variance of a log unit value of which nothing is known
_FARTHEST = 600.0


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


@dataclass(frozen=True, slots=True)
class _Prices:
    """Log unit value of what went out, and how much dearer it came back; means and variances, (n,) each."""

    out: NDArray[np.float64]
    out_variance: NDArray[np.float64]
    dearer: NDArray[np.float64]
    dearer_variance: NDArray[np.float64]
    told: NDArray[np.float64]
    told_variance: NDArray[np.float64]


def _own_value(
    leg: LegTotals, weighing_sd: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the log unit value of a leg's excess, its variance, and the usual one of the flow.

    A small excess on a large flow is the difference of two large numbers: weighing errors count by how much
    larger the flow is, and an error of what was expected by how far the excess is from it in unit value.
    """
    excess_usd = np.maximum(leg.usd - leg.expected_usd, 0.0)
    excess_kg = np.maximum(leg.kg - leg.expected_kg, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.log(excess_usd / excess_kg)
        usual = np.log(leg.expected_usd / leg.expected_kg)
        usual = np.where(np.isfinite(usual), usual, np.log(leg.usd / leg.kg))
        weighing = weighing_sd / np.sqrt(np.maximum(leg.months, 1.0)) * leg.usd / excess_usd
        mixing = leg.sd * (leg.expected_usd + leg.floor_usd) / excess_usd * np.abs(np.expm1(own - usual))
        variance = weighing**2 + mixing**2
    known = np.isfinite(own) & np.isfinite(variance)
    return (
        np.where(known, own, usual),
        np.where(known, np.clip(variance, _LEAST_ERROR, _UNTOLD), _UNTOLD),
        usual,
    )


def _priced(out: LegTotals, back: LegTotals, *, weighing_sd: float, markup_sd: float) -> _Prices:
    """Return what the excess out was worth a kg, and how much dearer it came back.

    Each leg's excess has its own unit value, as well as it is told. Goods that go round are mostly like the
    maker's usual goods of the code, and sometimes very unlike; those that come back are the same goods, at
    some mark-up. What the legs do not tell of it is drawn towards none.
    """
    own, variance, usual = _own_value(out, weighing_sd)
    back_own, back_variance, _ = _own_value(back, weighing_sd)
    is_told = (variance < _UNTOLD) & (back_variance < _UNTOLD)
    back_own = np.where(back_variance < _UNTOLD, back_own, usual)
    link = markup_sd**2 + back_variance
    total, mean, square = (np.zeros(own.size) for _ in range(3))
    for scale, share in zip(MIX_SD, MIX_SHARE, strict=True):
        before = 1.0 / scale**2 + 1.0 / variance
        middle = (usual / scale**2 + own / variance) / before
        apart = (own - usual) ** 2 / (scale**2 + variance)
        beyond = (back_own - middle) ** 2 / (link + 1.0 / before)
        likely = share * np.exp(-0.5 * (apart + beyond).clip(max=_FARTHEST))
        likely = likely / np.sqrt((scale**2 + variance) * (link + 1.0 / before))
        precision = before + 1.0 / link
        value = (middle * before + back_own / link) / precision
        total += likely
        mean += likely * value
        square += likely * (value**2 + 1.0 / precision)
    value = mean / total
    value_variance = np.maximum(square / total - value**2, _LEAST_ERROR)
    drawn = back_variance / link
    return _Prices(
        out=value,
        out_variance=value_variance,
        dearer=(1.0 - drawn) * (back_own - value),
        dearer_variance=drawn * markup_sd**2 + (1.0 - drawn) ** 2 * value_variance,
        told=np.where(is_told, back_own - own, np.nan),
        told_variance=variance + back_variance,
    )


def conserve(legs: Sequence[LegTotals], *, weighing_sd: float, markup_sd: float = MARKUP_SD) -> Amounts:
    """Return the amounts that went round, in weight where all legs are weighed, else in value.

    Parameters
    ----------
    legs
        The way out, the way between two vias if there are two, the way back.
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    markup_sd
        Standard deviation of the log of 1 + mark-up from the first leg to the last, before anything is known:
        what stands in where weights are missing or unit values told badly; of the leg between, half of it.
    """
    weighed = np.isfinite(np.sum([leg.kg + leg.expected_kg for leg in legs], axis=0))
    prices = _priced(legs[0], legs[-1], weighing_sd=weighing_sd, markup_sd=markup_sd)
    kg, kg_error = _one_of(
        [leg.kg - leg.expected_kg for leg in legs],
        [leg.sd * (leg.expected_kg + leg.floor_kg) for leg in legs],
    )
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
