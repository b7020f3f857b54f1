"""Both books of every cell now and before: a window against another, or a period against all earlier ones."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.kernels.sums import sum_before, sum_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from entrepot.detect.gaps.rows import GapRows

__all__ = ["Compared", "compare_history", "compare_windows", "history_in_blocks"]

#: Rows that are compared with their history at a time.
_BLOCK = 250_000


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Cells with both books in a window and before it; k rows, amounts in USD FOB.

    Attributes
    ----------
    exporter, importer, product : (k,)
        As in :class:`~entrepot.detect.gaps.rows.GapRows`.
    period : (k,)
        Position of the period; that of the last one, where the window has several.
    x, m : (k,)
        Exporter's and importer's report over the window.
    x_before, m_before : (k,)
        The same before, scaled to as many periods.
    pair_x, pair_m, importer_x, importer_m : (k,)
        The same before of all goods of the pair, and of all that the importer gets.
    periods, before_periods : (k,)
        Periods of either window that both sides of the pair published, with or without trade.
    """

    exporter: NDArray[np.int32]
    importer: NDArray[np.int32]
    product: NDArray[np.int32]
    period: NDArray[np.int32]
    x: NDArray[np.float64]
    m: NDArray[np.float64]
    x_before: NDArray[np.float64]
    m_before: NDArray[np.float64]
    pair_x: NDArray[np.float64]
    pair_m: NDArray[np.float64]
    importer_x: NDArray[np.float64]
    importer_m: NDArray[np.float64]
    periods: NDArray[np.int64]
    before_periods: NDArray[np.int64]

    def only(self, at: NDArray[Any]) -> Compared:
        """Return the rows under a mask, or at positions."""
        return Compared(**{field.name: getattr(self, field.name)[at] for field in fields(self)})


def compare_windows(rows: GapRows, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Compared:
    """Compare the periods under one mask with those under another.

    Parameters
    ----------
    rows
        Both books.
    before, after : (periods,)
        The windows.

    Returns
    -------
    Compared
        A row a cell that either window shows something of.
    """
    is_before, is_after = before[rows.period], after[rows.period]
    cell, first = _runs(rows.cell)
    x, m, x_before, m_before = (
        sum_by(cell[mask], amount[mask], first.size)
        for mask in (is_after, is_before)
        for amount in (rows.x, rows.m)
    )
    pair = rows.pair[first]
    of_cell, first_of_pair = _runs(pair)
    pairs = pair[first_of_pair]
    shared = rows.shared.of_pairs(pairs)
    now, then = (shared[:, mask].sum(axis=1).astype(np.int64) for mask in (after, before))
    scale = np.divide(now, then, out=np.zeros(pairs.size), where=then > 0)[of_cell]
    x_before, m_before = x_before * scale, m_before * scale
    importer = rows.importer[first]
    areas = len(rows.areas)
    found = Compared(
        exporter=rows.exporter[first],
        importer=importer,
        product=rows.product[first],
        period=np.full(first.size, np.flatnonzero(after)[-1] if after.any() else 0, dtype=np.int32),
        x=x,
        m=m,
        x_before=x_before,
        m_before=m_before,
        pair_x=sum_by(of_cell, x_before, pairs.size)[of_cell],
        pair_m=sum_by(of_cell, m_before, pairs.size)[of_cell],
        importer_x=sum_by(importer, x_before, areas)[importer],
        importer_m=sum_by(importer, m_before, areas)[importer],
        periods=now[of_cell],
        before_periods=then[of_cell],
    )
    return found.only((x > 0) | (m > 0) | (x_before > 0) | (m_before > 0))


def compare_history(rows: GapRows) -> Compared:
    """Compare every period of a cell with all earlier ones, which are scaled to one period.

    Returns
    -------
    Compared
        A row a row of ``rows``, in their order.
    """
    return _history(rows, *_importers(rows))


def history_in_blocks(rows: GapRows, *, size: int = _BLOCK) -> Iterator[Compared]:
    """Yield what :func:`compare_history` returns in parts: whole pairs, together of ``size`` rows or so.

    Of a world's months the whole would be gigabytes, and each row of it is looked at once.
    """
    importers = _importers(rows)
    is_new = (rows.exporter[1:] != rows.exporter[:-1]) | (rows.importer[1:] != rows.importer[:-1])
    starts = np.r_[0, np.flatnonzero(is_new) + 1]
    first = np.searchsorted(starts, np.arange(0, rows.x.size, size))
    bounds = np.unique(np.append(starts[np.minimum(first, starts.size - 1)], rows.x.size))
    for start, end in pairwise(bounds.tolist()):
        yield _history(rows.only(slice(start, end)), *importers)


def _history(rows: GapRows, importer_x: NDArray[np.float64], importer_m: NDArray[np.float64]) -> Compared:
    """Compare the rows of some pairs; importers' books before stand by area and period."""
    of_row, first = _runs(rows.pair)
    pairs, n = rows.pair[first], len(rows.periods)
    before = _so_far(rows.shared.of_pairs(pairs))[of_row, rows.period]
    scale = np.divide(1.0, before, out=np.zeros(before.size), where=before > 0)
    at = of_row * n + rows.period
    pair_x, pair_m = (
        _earlier(at, amount, (pairs.size, n)).ravel()[at] * scale for amount in (rows.x, rows.m)
    )
    cell = rows.cell
    return Compared(
        exporter=rows.exporter,
        importer=rows.importer,
        product=rows.product,
        period=rows.period,
        x=rows.x,
        m=rows.m,
        x_before=sum_before(cell, rows.x) * scale,
        m_before=sum_before(cell, rows.m) * scale,
        pair_x=pair_x,
        pair_m=pair_m,
        importer_x=importer_x[rows.importer, rows.period],
        importer_m=importer_m[rows.importer, rows.period],
        periods=np.ones(before.size, dtype=np.int64),
        before_periods=before,
    )


def _importers(rows: GapRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (areas, periods) what both books of an importer showed in an earlier period, on average."""
    shape = len(rows.areas), len(rows.periods)
    published = _so_far(rows.shared.imports)
    scale = np.divide(1.0, published, out=np.zeros(shape), where=published > 0)
    at = rows.importer.astype(np.int64) * shape[1] + rows.period
    return _earlier(at, rows.x, shape) * scale, _earlier(at, rows.m, shape) * scale


def _so_far(published: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many earlier periods were published, of rows over periods."""
    count = np.cumsum(published, axis=1, dtype=np.int64)
    found: NDArray[np.int64] = count - published.astype(np.int64)
    return found


def _runs(sorted_keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each run of equal keys, row by row, and the first row of each run."""
    starts = np.r_[True, sorted_keys[1:] != sorted_keys[:-1]]
    return np.cumsum(starts) - 1, np.flatnonzero(starts)


def _earlier(
    at: NDArray[np.int64], amounts: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return (owners, periods) what is shown in all earlier periods; ``at`` is owner · periods + period."""
    sums = sum_by(at, amounts, shape[0] * shape[1]).reshape(shape)
    return np.cumsum(np.pad(sums, ((0, 0), (1, 0)))[:, :-1], axis=1)
