"""Gaps that are not as they always were: by event, or period by period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.gaps.comparisons import Compared, compare_windows, history_in_blocks
from entrepot.detect.gaps.expected import expect, small_flow
from entrepot.detect.gaps.groups import GroupAdder, GroupSums
from entrepot.detect.gaps.judgement import Changes, Judged, judge, judge_in_turn
from entrepot.detect.gaps.result import GapResult
from entrepot.detect.gaps.selection import Selection
from entrepot.detect.gaps.table import columns_of, gap_table, shown_order
from entrepot.detect.gaps.unions import with_unions
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import WindowPair, event_windows, parse_period, placebo_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.rows import GapRows

__all__ = ["unusual_gaps"]

_FEWEST_MONTHS = 3
#: Part of the before-window that a pair must have published.
_ENOUGH = 1.0 / 3.0


def unusual_gaps(rows: GapRows, options: GapOptions) -> GapResult:
    """Compare the two books of every flow, and both with what they used to be.

    Use it where goods may leave for one place and arrive in another, or where a partner's figures are in
    doubt. A partner that always declared a third of what was sent has no unusual gap while it goes on so.

    Parameters
    ----------
    rows
        See :func:`~entrepot.detect.gaps.rows.load_rows`, of the products asked for.
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
    *Missing data*: only periods that both sides of a pair published are compared. Of groups most of whose
    trade has no history the unusual part is null, with the reason in ``status``; without placebo periods
    interval, score and q-value are.
    """
    rows = with_unions(rows, options.unions)
    pairs = _windows(rows, options) if options.event is not None else ()
    series = _series(rows, options)  # first, while there is nothing beside its columns
    asked, by_importer = _asked(rows, pairs, options)
    hubs = by_importer.table()
    return GapResult(
        table=asked.table(),
        hubs=hubs,
        series=series,
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


@dataclass(slots=True, eq=False)
class _Asked:
    """Groups of one set of keys, and what they are judged by: placebo windows, or the years before."""

    rows: GapRows
    options: GapOptions
    names: tuple[str, ...]
    small: float
    groups: list[GroupSums]
    placebos: Changes | None

    def table(self) -> pa.Table:
        """Return the gaps of the groups that are shown, in their order. Once: the groups go with it."""
        groups = self.groups.pop()
        judged = self._judged(groups)
        chosen = Selection(self.rows, self.options, self.names)
        mask = chosen.shows(groups.exporter, groups.importer, groups.period)
        at = shown_order(groups, judged, np.flatnonzero(mask & ((groups.x > 0) | (groups.m > 0))))
        columns = columns_of(groups, judged)
        del groups, judged
        return gap_table(columns, at, self.rows, self.options.unions, self.names)

    def _judged(self, groups: GroupSums) -> Judged:
        small = self.small
        changes = Changes.of(groups, small)
        if self.placebos is not None:
            return judge(groups.books(), changes, self.placebos, small)
        year = np.array([int(period[:4]) for period in self.rows.periods], dtype=np.int32)
        return judge_in_turn(groups, changes, year[groups.period], small)


def _asked(rows: GapRows, pairs: tuple[WindowPair, ...], options: GapOptions) -> tuple[_Asked, _Asked]:
    """Return the groups of the result's keys, and those by importer."""
    by_period = options.is_by_period
    names = (*options.keys, "period") if by_period else options.keys
    if not pairs:
        both, small = (names, ("importer", "period")), small_flow(rows.x, rows.m)
        table, hubs = (
            _Asked(rows, options, keys, small, [groups], None)
            for keys, groups in zip(both, _history_sums(rows, options, both, small), strict=True)
        )
        return table, hubs
    windows = [(_mask(rows, pair.before), _mask(rows, pair.after)) for pair in pairs]
    event = compare_windows(rows, *windows[0])
    found = []
    for keys in (names, ("importer",)):
        is_apart = "period" in keys
        small = small_flow(rows.x, rows.m) if is_apart else small_flow(event.x_before, event.m_before)
        groups = _window_sums(rows, options, windows[0], keys, small)
        changes = [Changes.of(_window_sums(rows, options, pair, keys, small), small) for pair in windows[1:]]
        placebos = Changes.joined([one.only(one.has_history) for one in changes])
        found.append(_Asked(rows, options, keys, small, [groups], placebos))
    return found[0], found[1]


def _history_sums(
    rows: GapRows, options: GapOptions, keys: Sequence[tuple[str, ...]], small: float
) -> list[GroupSums]:
    """Return the groups of several sets of keys: every period against all earlier ones."""
    chosen = [Selection(rows, options, names) for names in keys]
    counts = [one.counts(rows.exporter, rows.importer, rows.period) for one in chosen]
    adders = [
        GroupAdder(rows if mask.all() else rows.only(mask), names)
        for names, mask in zip(keys, counts, strict=True)
    ]
    need, done = _fewest(rows), 0
    for compared in history_in_blocks(rows):
        block = slice(done, done + compared.x.size)
        done = block.stop
        expected, has_history = expect(compared, small), compared.before_periods >= need
        for adder, mask in zip(adders, counts, strict=True):
            mine = mask[block]
            if mine.all():
                adder.add(compared, expected, has_history)
            else:
                adder.add(compared.only(mine), expected.only(mine), has_history[mine])
    return [adder.sums() for adder in adders]


def _window_sums(
    rows: GapRows,
    options: GapOptions,
    windows: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    names: tuple[str, ...],
    small: float,
) -> GroupSums:
    """Return the groups of one pair of windows; of every period after it where periods are apart."""
    before, after = windows
    if "period" not in names:
        return _grouped(rows, options, compare_windows(rows, before, after), names, small, before)
    parts = []
    for position in np.flatnonzero(after):
        one = np.zeros_like(after)
        one[position] = True
        compared = compare_windows(rows, before, one)
        compared = compared.only(compared.periods > 0)
        parts.append(_grouped(rows, options, compared, names, small, before))
    return GroupSums.joined(parts)


def _grouped(
    rows: GapRows,
    options: GapOptions,
    compared: Compared,
    names: tuple[str, ...],
    small: float,
    before: NDArray[np.bool_],
) -> GroupSums:
    counts = Selection(rows, options, names).counts(compared.exporter, compared.importer, compared.period)
    if not counts.all():
        compared = compared.only(counts)
    need = min(max(_fewest(rows), int(np.ceil(_ENOUGH * before.sum()))), max(int(before.sum()), 1))
    adder = GroupAdder(compared, names)
    adder.add(compared, expect(compared, small), compared.before_periods >= need)
    return adder.sums()


def _fewest(rows: GapRows) -> int:
    """Return how many earlier periods make a history at least."""
    return _FEWEST_MONTHS if "-" in rows.periods[0] else 1


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
