"""Ordinary gaps and outliers: which gaps are noise, and which are goods under another partner or code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.reconcile.arrays import sums
from entrepot.reconcile.sizes import SIZES

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

__all__ = ["FARTHEST", "Outliers", "find_outliers", "ordinary", "ordinary_shares"]

#: A gap beyond this (a factor of 20) counts as this.
FARTHEST = 3.0

#: What is taken for granted before anything is learnt, and with how many flows it counts.
_FIRST_SHARE = 0.1
_HALF_SHARE = 200.0
_HALF_VARIANCE = 50.0
#: An outlier varies by at least so many times what a typical gap does.
_LEAST_TIMES = 8.0
#: More than this in an exponent changes nothing.
_MOST_EXPONENT = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Outliers:
    """How many gaps are outliers, and how far they lie.

    Attributes
    ----------
    shares
        (SIZES) share of the gaps.
    variances
        (SIZES) variance that an outlier has beyond that of an ordinary gap.
    """

    shares: tuple[float, ...]
    variances: tuple[float, ...]


def ordinary_shares(
    squares: NDArray[np.float64],
    variance: NDArray[np.float64],
    size: NDArray[np.int64],
    outliers: Outliers,
) -> NDArray[np.float64]:
    """Return the probability that each gap is ordinary: of two normal laws, the narrow one.

    Parameters
    ----------
    squares, variance, size
        (n) squares of the gaps, variances of ordinary ones, size classes.
    outliers
        The wide law.
    """
    share, more = (np.asarray(values)[size] for values in (outliers.shares, outliers.variances))
    wide = variance + more
    exponent = 0.5 * squares * (1.0 / variance - 1.0 / wide)
    odds = share / (1.0 - share) * np.sqrt(variance / wide) * np.exp(np.minimum(exponent, _MOST_EXPONENT))
    return np.asarray(1.0 / (1.0 + odds))


def ordinary(gap: nw.Expr, variance: nw.Expr, odds: nw.Expr, farther: nw.Expr) -> nw.Expr:
    """Return the expression of :func:`ordinary_shares`.

    Parameters
    ----------
    gap, variance
        Expressions of the log gap and the variance of ordinary ones.
    odds, farther
        Of the wide law, for the size of the flow: share ÷ (1 − share), and the variance beyond ordinary.
    """
    cut = gap.clip(-FARTHEST, FARTHEST)
    wide = variance + farther
    exponent = (0.5 * cut * cut * (1.0 / variance - 1.0 / wide)).clip(0.0, _MOST_EXPONENT)
    return 1.0 / (1.0 + odds * (variance / wide).sqrt() * exponent.exp())


def find_outliers(
    flows: NDArray[np.float64],
    squares: NDArray[np.float64],
    size: NDArray[np.int64],
    ordinary_part: NDArray[np.float64] | None,
    variance: NDArray[np.float64],
) -> Outliers:
    """Return how many gaps are outliers and how far they lie, given what is ordinary of each class of gaps.

    Parameters
    ----------
    flows, squares, size
        (n) gaps in a class of like gaps, the square of one, and the size class.
    ordinary_part
        (n) share of the class that is ordinary; None before anything is known.
    variance
        (n) variance of ordinary gaps.
    """
    typical = float((flows * variance).sum() / flows.sum())
    least = _LEAST_TIMES * typical
    if ordinary_part is None:
        far = max(float((flows * squares).sum() / flows.sum()), least)
        return Outliers((_FIRST_SHARE,) * SIZES, (far,) * SIZES)
    out = flows * (1.0 - ordinary_part)
    whole = sums(size, flows, SIZES)
    many, spread = sums(size, out, SIZES), sums(size, out * squares, SIZES)
    share = max(float(out.sum() / flows.sum()), 1e-4)
    of_all = float(spread.sum() / max(out.sum(), 1e-9)) if out.sum() > 0 else least
    shares = (many + _HALF_SHARE * share) / (whole + _HALF_SHARE)
    variances = np.maximum((spread + _HALF_VARIANCE * of_all) / (many + _HALF_VARIANCE), least)
    return Outliers(tuple(float(s) for s in np.clip(shares, 1e-4, 0.5)), tuple(float(v) for v in variances))
