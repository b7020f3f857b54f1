r"""What goods that went round were worth a kilogram, and how much dearer they came back.

*Formula.* Of a leg's weight K and value V, x̂ went round and the rest is worth u a kilogram, as usual. The
unit value of what went round, and its variance, are::

    p = (V − u·(K − x̂)) ÷ x̂
    var ln p = (K/x̂)²·(g + (1 − g)·u/p)²·ω² + (u·(K − x̂)/(p·x̂))²·ν² + (u/p − 1)²·ε²

with ω the error of weighing, ν that of the usual unit value and ε the relative one of x̂, which both legs
tell: V/K alone does not say how much of a leg is usual, and where one leg holds little else, it says it for
the other. Books may have the amount somewhat differently, so x̂ is drawn to what the leg itself exceeds its
due by, with g the part of it that the leg says. Before anything is known goods that go round are worth about
as much as usual ones, see :class:`entrepot.detect.loops.unit_values.Likeness`, and come back at the value at
which they left, give or take half of it; ``markup`` is the unit value of what came back over that of what
left, less 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.amounts import LegTotals
    from entrepot.detect.loops.unit_values import Likeness

__all__ = ["MARKUP_SD", "Prices", "own_value", "priced"]

#: Deviation of the log of 1 + mark-up before anything is known of it, around no mark-up at all. Wide, and not
#: centred on what anybody claims: a claim is to be tested by the mark-ups that are found.
MARKUP_SD = 0.4
_LEAST_ERROR = 1e-9
_APART = 0.1  # how far apart two books have one amount
_UNTOLD = 1e6  # variance of a log unit value of which nothing is known
_FARTHEST = 600.0


@dataclass(frozen=True, slots=True)
class Prices:
    """Unit values of what went round; means and variances of logs, n candidates.

    Attributes
    ----------
    out, out_variance : (n,)
        What a kilogram was worth when it left.
    dearer, dearer_variance : (n,)
        How much dearer it came back.
    told, told_variance : (n,)
        The same by what the legs alone tell; NaN where they do not.
    """

    out: NDArray[np.float64]
    out_variance: NDArray[np.float64]
    dearer: NDArray[np.float64]
    dearer_variance: NDArray[np.float64]
    told: NDArray[np.float64]
    told_variance: NDArray[np.float64]


def priced(
    legs: tuple[LegTotals, LegTotals],
    kg: NDArray[np.float64],
    kg_error: NDArray[np.float64],
    *,
    weighing_sd: float,
    likeness: Likeness,
    markup_sd: float = MARKUP_SD,
) -> Prices:
    """Return what the goods were worth going out, and how much dearer they came back.

    Parameters
    ----------
    legs
        The way out and the way back.
    kg, kg_error : (n,)
        The weight that went round, and its error.
    weighing_sd
        Standard deviation of the log unit value of one flow from month to month.
    likeness
        How far goods that go round may be from usual ones.
    markup_sd
        Deviation of the log of 1 + mark-up before anything is known.
    """
    out, back = legs
    own, variance, usual = own_value(out, kg, kg_error, weighing_sd)
    back_own, back_variance, _ = own_value(back, kg, kg_error, weighing_sd)
    is_told = (variance < _UNTOLD) & (back_variance < _UNTOLD)
    back_own = np.where(back_variance < _UNTOLD, back_own, usual)
    link = markup_sd**2 + back_variance
    total, mean, square = (np.zeros(own.size) for _ in range(3))
    for unlike, share in zip(likeness.sd, likeness.share, strict=True):
        scale = unlike**2 + np.nan_to_num(out.usual_sd) ** 2
        before = 1.0 / scale + 1.0 / variance
        middle = (usual / scale + own / variance) / before
        apart = (own - usual) ** 2 / (scale + variance)
        beyond = (back_own - middle) ** 2 / (link + 1.0 / before)
        likely = share * np.exp(-0.5 * (apart + beyond).clip(max=_FARTHEST))
        likely = likely / np.sqrt((scale + variance) * (link + 1.0 / before))
        precision = before + 1.0 / link
        value = (middle * before + back_own / link) / precision
        total += likely
        mean += likely * value
        square += likely * (value**2 + 1.0 / precision)
    value = mean / total
    value_variance = np.maximum(square / total - value**2, _LEAST_ERROR)
    drawn = back_variance / link
    return Prices(
        out=value,
        out_variance=value_variance,
        dearer=(1.0 - drawn) * (back_own - value),
        dearer_variance=drawn * markup_sd**2 + (1.0 - drawn) ** 2 * value_variance,
        told=np.where(is_told, back_own - own, np.nan),
        told_variance=variance + back_variance,
    )


def _of_leg(
    leg: LegTotals, kg: NDArray[np.float64], kg_error: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the weight that went round as this leg's book has it, its error, and what part the leg says.

    What both legs tell, and what this leg exceeds its due by: a book may have some of the goods under another
    partner, and reporters enter the same goods differently.
    """
    own, own_error = leg.kg - leg.expected_kg, leg.sd * (leg.expected_kg + leg.floor_kg)
    apart = _APART * kg + _LEAST_ERROR
    by_itself = apart**2 / (apart**2 + own_error**2)
    return kg + by_itself * (own - kg), np.hypot(kg_error, np.sqrt(by_itself) * own_error), by_itself


def own_value(
    leg: LegTotals, kg: NDArray[np.float64], kg_error: NDArray[np.float64], weighing_sd: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the log unit value of what went round on a leg, its variance, and the usual one of the flow.

    Parameters
    ----------
    leg
        The leg.
    kg, kg_error, weighing_sd
        See :func:`priced`.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        is_known = np.isfinite(leg.usual)
        usual = np.where(is_known, leg.usual, np.log(leg.usd / leg.kg))
        kg, kg_error, by_itself = _of_leg(leg, kg, kg_error)
        rest = np.where(is_known, np.maximum(leg.kg - kg, 0.0), 0.0)
        worth = np.exp(usual)
        value = leg.usd - worth * rest
        own = np.log(np.maximum(value, 0.0) / (leg.kg - rest))
        # an error of weighing is one of the rest as far as x̂ is told elsewhere, else of x̂
        scale = by_itself + (1.0 - by_itself) * worth * (leg.kg - rest) / value
        weighing = weighing_sd / np.sqrt(np.maximum(leg.months, 1.0)) * leg.kg / (leg.kg - rest) * scale
        level = np.where(is_known, leg.usual_sd, 0.0) * worth * rest / value
        amount = kg_error / (leg.kg - rest) * np.abs(np.expm1(usual - own))
        variance = weighing**2 + level**2 + np.where(is_known, amount, 0.0) ** 2
    known = np.isfinite(own) & np.isfinite(variance) & (kg > 0)
    return (
        np.where(known, own, usual),
        np.where(known, np.clip(variance, _LEAST_ERROR, _UNTOLD), _UNTOLD),
        usual,
    )
