"""Gaps that are not as they always were: by event, or period by period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.gaps.comparisons import Compared, compare_history, compare_windows
from entrepot.detect.gaps.expected import expect, small_flow
from entrepot.detect.gaps.groups import GroupSums, group_sums
from entrepot.detect.gaps.judgement import judge, judge_in_turn
from entrepot.detect.gaps.result import GapResult
from entrepot.detect.gaps.rows import GapRows, load_rows
from entrepot.detect.gaps.selection import Selection
from entrepot.detect.gaps.table import gap_table
from entrepot.detect.gaps.unions import with_unions
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import WindowPair, event_windows, parse_period, placebo_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import narwhals as nw
    from numpy.typing import NDArray

    from entrepot.detect.gaps.options import GapOptions

__all__ = ["unusual_gaps"]

_FEWEST_MONTHS = 3
#: Part of the before-window that a pair must have published.
_ENOUGH = 1.0 / 3.0


def unusual_gaps(flows: nw.LazyFrame[Any], options: GapOptions) -> GapResult:
    """Compare the two books of every flow, and both with what they used to be.

    Use it where goods may leave for one place and arrive in another, or where a partner's figures are in
    doubt. A partner that always declared a third of what was sent has no unusual gap while it goes on so.

    Parameters
    ----------
    flows
        Columns of ``core__reconciled`` that :func:`~entrepot.detect.gaps.rows.load_rows` names.
    options
        Windows, areas, products, keys.

    Returns
    -------
    GapResult
        **Grain** of its table: ``options.by``, and the period where there is no event. USD FOB.

    Raises
    ------
    OptionError
        Windows make no question.
    CoverageError
        Nothing was published by both sides.

    *Missing data*: only periods that both sides of a pair published are compared. Of groups most of whose
    trade has no history the unusual part is null, with the reason in ``status``; without placebo periods
    interval, score and q-value are.
    """
    rows = with_unions(load_rows(flows, options.products), options.unions)
    pairs = _windows(rows, options) if options.event is not None else ()
    comparisons = _Comparisons.of(rows, pairs, options)
    table, hubs = (
        comparisons.table(keys, is_hub=is_hub)
        for keys, is_hub in ((options.keys, False), (("importer",), True))
    )
    return GapResult(
        table=table,
        hubs=hubs,
        series=_series(rows, options),
        options=options,
        windows=pairs[0] if pairs else None,
        placebo_labels=tuple(pair.label for pair in pairs[1:]),
    )


def _windows(rows: GapRows, options: GapOptions) -> tuple[WindowPair, ...]:
    event = str(options.event)
    windows = event_windows(event, published=rows.periods, before=options.before, after=options.after)
    return (windows, *placebo_windows(windows, published=rows.periods))


def _mask(rows: GapRows, numbers: Sequence[int]) -> NDArray[np.bool_]:
    wanted = set(numbers)
    return np.array([parse_period(period, option="period") in wanted for period in rows.periods])


@dataclass(frozen=True, slots=True, eq=False)
class _Comparisons:
    """Every comparison of a question: that of the event and its placebos, or that of all periods."""

    rows: GapRows
    options: GapOptions
    pairs: tuple[WindowPair, ...]
    history: Compared | None
    small: float

    @classmethod
    def of(cls, rows: GapRows, pairs: tuple[WindowPair, ...], options: GapOptions) -> _Comparisons:
        if not pairs:
            return cls(rows, options, pairs, compare_history(rows), small_flow(rows.x, rows.m))
        if options.is_by_period:
            return cls(rows, options, pairs, None, small_flow(rows.x, rows.m))
        event = compare_windows(rows, _mask(rows, pairs[0].before), _mask(rows, pairs[0].after))
        return cls(rows, options, pairs, None, small_flow(event.x_before, event.m_before))

    def table(self, keys: Sequence[str], *, is_hub: bool) -> pa.Table:
        """Return the gaps by some keys."""
        by_period = self.options.is_by_period and not (is_hub and self.pairs)
        names = (*keys, "period") if by_period else tuple(keys)
        chosen = Selection(self.rows, self.options, names)
        if self.history is None:
            groups = self._sums(0, names, chosen)
            placebos = [self._sums(at, names, chosen) for at in range(1, len(self.pairs))]
            none = groups.only(np.zeros(0, dtype=np.int64))
            judged = judge(groups, GroupSums.joined([none, *placebos]), self.small)
        else:
            groups = self._grouped(self.history, names, chosen)
            year = np.array([int(period[:4]) for period in self.rows.periods])
            judged = judge_in_turn(groups, year[groups.period], self.small)
        mask = chosen.shows(groups.exporter, groups.importer, groups.period)
        shown = np.flatnonzero(mask & ((groups.x > 0) | (groups.m > 0)))
        return gap_table(groups.only(shown), judged.only(shown), self.rows, self.options, names)

    def _sums(self, at: int, names: tuple[str, ...], chosen: Selection) -> GroupSums:
        """Return the groups of one pair of windows; of every period after it where periods are apart."""
        pair = self.pairs[at]
        before, after = _mask(self.rows, pair.before), _mask(self.rows, pair.after)
        if "period" not in names:
            return self._grouped(compare_windows(self.rows, before, after), names, chosen, before)
        parts = []
        for position in np.flatnonzero(after):
            one = np.zeros_like(after)
            one[position] = True
            compared = compare_windows(self.rows, before, one)
            parts.append(self._grouped(compared.only(compared.periods > 0), names, chosen, before))
        return GroupSums.joined(parts)

    def _grouped(
        self,
        compared: Compared,
        names: tuple[str, ...],
        chosen: Selection,
        before: NDArray[np.bool_] | None = None,
    ) -> GroupSums:
        compared = compared.only(chosen.counts(compared.exporter, compared.importer, compared.period))
        is_monthly = "-" in self.rows.periods[0]
        need = _FEWEST_MONTHS if is_monthly else 1
        if before is not None:
            need = min(max(need, int(np.ceil(_ENOUGH * before.sum()))), max(int(before.sum()), 1))
        has_history = compared.before_periods >= need
        return group_sums(compared, expect(compared, self.small), has_history, names)


def _series(rows: GapRows, options: GapOptions) -> pa.Table:
    """Return both books by period, for charts: of the areas asked for, a union in place of its members."""
    mine = rows.only(Selection(rows, options, ()).counts(rows.exporter, rows.importer, rows.period))
    n = len(rows.periods)
    seen = np.flatnonzero(np.bincount(mine.period, minlength=n) > 0)
    gap = mine.x - mine.m
    columns = {
        "exporter_report_usd": mine.x,
        "importer_fob_usd": mine.m,
        "lost_usd": np.maximum(gap, 0.0),
        "orphan_usd": np.maximum(-gap, 0.0),
    }
    return pa.table(
        {"period": pa.array([rows.periods[at] for at in seen], pa.string())}
        | {name: pa.array(sum_by(mine.period, values, n)[seen]) for name, values in columns.items()}
    )
