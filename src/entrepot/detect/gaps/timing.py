"""Goods that leave in one month and arrive in the next: the share by pair, and what it does to each month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import parse_period

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.gaps.rows import GapRows

__all__ = ["Timing", "fit_timing"]

#: Months at which a pair's own share counts half.
_HALF = 30.0
#: No book shows more than this times the other in a month's expectation.
_LARGEST_RATIO = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """What a lag of a month does to the gaps.

    Attributes
    ----------
    amount : (n,)
        Part of each row's gap (FOB) that left in this month and arrives in the next, less what left in the
        month before and arrives in this one. 0 for annual data.
    late_share
        Share of a month's goods that arrive in the next, by pair (number as in ``GapRows.pair``).
    lead_share
        What the same regression finds of goods that arrive a month before they leave: how far it is led by
        noise. It has been taken off the share of every pair.
    """

    amount: NDArray[np.float64]
    late_share: dict[int, float]
    lead_share: float


def fit_timing(rows: GapRows) -> Timing:
    r"""Estimate the share of each pair's goods that arrive in the month after.

    *Formula*  M_t = ρ·((1 − l)·X_t + l·X_{t−1}) + noise, so that ρX_t − M_t = l·ρ(X_t − X_{t−1}). l is the
    least-squares coefficient over the pair's cells and months, each divided by the largest of its amounts,
    drawn to that of all pairs with thirty months. Noise in the exporter's book alone gives an l over
    nought; it gives the same for ρ(X_t − X_{t+1}), goods that arrive before they leave, which is fitted
    beside it and subtracted.

    Parameters
    ----------
    rows
        Both books, sorted by cell and period.
    """
    none = Timing(np.zeros(rows.x.size), {}, 0.0)
    if not rows.x.size or "-" not in rows.periods[0]:
        return none
    month = np.array([parse_period(period, option="period") for period in rows.periods])
    before, after = _neighbours(rows, month, step=-1), _neighbours(rows, month, step=1)
    ratio = _ratios(rows)
    x, y = ratio * rows.x, ratio * rows.x - rows.m
    lag, lead = x - ratio * before.x, x - ratio * after.x
    scale = np.maximum.reduce([x, rows.m, np.nan_to_num(ratio * before.x), np.nan_to_num(ratio * after.x)])
    use = np.isfinite(lag) & np.isfinite(lead) & (scale > 0)
    if not use.any():
        return none
    pairs, pair = np.unique(rows.pair[use], return_inverse=True)
    y, lag, lead = (values[use] / scale[use] for values in (y, lag, lead))
    late, lead_share = _shares(pair, pairs.size, y, lag, lead)
    share = dict(zip(pairs.tolist(), late.tolist(), strict=True))
    position = np.searchsorted(pairs, rows.pair)
    position = np.minimum(position, pairs.size - 1)
    own = np.where(pairs[position] == rows.pair, late[position], 0.0)
    leaving = np.where(after.is_row, own * ratio * rows.x, 0.0)
    arriving = np.where(before.is_row, np.nan_to_num(own * ratio * before.x), 0.0)
    return Timing(leaving - arriving, share, lead_share)


@dataclass(frozen=True, slots=True, eq=False)
class _Neighbours:
    """The exporter's report of the same cell a month away; (n) each.

    ``x`` is zero where the pair was published and has no row, NaN where it was not published; ``is_row``
    says that there is a row.
    """

    x: NDArray[np.float64]
    is_row: NDArray[np.bool_]


def _neighbours(rows: GapRows, month: NDArray[np.int64], *, step: int) -> _Neighbours:
    n = month.size
    other = np.searchsorted(month, month + step)
    is_there = (other < n) & (month[np.minimum(other, n - 1)] == month + step)
    wanted = np.where(is_there, other, -1)[rows.period]
    key, mine = rows.cell * n + rows.period, rows.cell * n + wanted
    at = np.minimum(np.searchsorted(key, mine), key.size - 1)
    is_row = (wanted >= 0) & (key[at] == mine)
    pairs, of_row = np.unique(rows.pair, return_inverse=True)
    is_published = (wanted >= 0) & rows.shared.of_pairs(pairs)[of_row, wanted]
    return _Neighbours(np.where(is_row, rows.x[at], np.where(is_published, 0.0, np.nan)), is_row)


def _ratios(rows: GapRows) -> NDArray[np.float64]:
    """Return the ratio of the books of each row's cell over all periods."""
    cells, cell = np.unique(rows.cell, return_inverse=True)
    x, m = (sum_by(cell, amount, cells.size) for amount in (rows.x, rows.m))
    ratio = np.divide(m, x, out=np.zeros(cells.size), where=x > 0)
    return np.minimum(ratio, _LARGEST_RATIO)[cell]


def _shares(
    pair: NDArray[np.int64],
    pairs: int,
    y: NDArray[np.float64],
    lag: NDArray[np.float64],
    lead: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """Return each pair's share, drawn to that of all, and the lead of all: least squares on both."""
    moments = [sum_by(pair, one * other, pairs) for one, other in (
        (lag, lag), (lag, lead), (lead, lead), (lag, y), (lead, y)
    )]  # fmt: skip
    whole = [_HALF * float(moment.sum()) / y.size for moment in moments]
    a, b, c, p, q = (moment + prior for moment, prior in zip(moments, whole, strict=True))
    determinant = a * c - b * b
    safe = determinant > 1e-9 * np.maximum(a * c, 1e-300)
    late = np.divide(c * p - b * q, determinant, out=np.zeros(pairs), where=safe)
    early = np.divide(a * q - b * p, determinant, out=np.zeros(pairs), where=safe)
    wa, wb, wc, wp, wq = whole
    common = (wa * wq - wb * wp) / (wa * wc - wb * wb) if wa * wc - wb * wb > 0 else 0.0
    return np.clip(late - np.maximum(early, 0.0), 0.0, 1.0), float(common)
