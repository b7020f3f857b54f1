"""Flows of both directions in windows before and since a month: in USD and, where weighed, in kg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.cells import Cells, find_cells
from entrepot.detect.periods import parse_period, period_text
from entrepot.detect.windows import Calendar, calendar_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.periods import WindowPair

__all__ = ["Trade", "WindowSums", "load_trade", "month_number", "observed_months"]

_ENOUGH = 1.0 / 3.0
_WEIGHED = 0.8


@dataclass(frozen=True, slots=True)
class WindowSums:
    """All flows of one pair of windows, a number a cell; NaN where the pair was not observed.

    Attributes
    ----------
    before, after : (n,)
        USD (FOB), the before-window on the length of the after-window.
    before_kg, after_kg : (n,)
        Net weight of the same flows; NaN where less than four fifths of the value were weighed.
    """

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    before_kg: NDArray[np.float64]
    after_kg: NDArray[np.float64]

    @property
    def is_active(self) -> NDArray[np.bool_]:
        """(n) Whether the pair was observed and either window has a flow."""
        return np.asarray(np.nan_to_num(self.before) + np.nan_to_num(self.after) > 0)


@dataclass(frozen=True, slots=True)
class Trade:
    """Flows between different areas in every pair of windows, on one set of cells.

    Attributes
    ----------
    areas, products
        Codes; cells hold their positions.
    exporter, importer, product : (n,)
        The cells, sorted by their key.
    windows
        The pairs of windows; the event's first.
    sums
        One a pair of windows.
    home
        USD before and since by maker and product of goods that a maker's imports show under itself
        (partner = reporter): two arrays (n_areas, n_products).
    periods
        All months in the data.
    observed : (n_areas, n_areas, T)
        Whether exporter or importer published the month.
    calendar
        Who published what.
    """

    areas: tuple[str, ...]
    products: tuple[str, ...]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    product: NDArray[np.int64]
    windows: tuple[WindowPair, ...]
    sums: tuple[WindowSums, ...]
    home: tuple[NDArray[np.float64], NDArray[np.float64]]
    periods: tuple[str, ...]
    observed: NDArray[np.bool_]
    calendar: Calendar

    @property
    def key(self) -> NDArray[np.int64]:
        """(n) One number a cell, increasing."""
        return self.key_of(self.exporter, self.importer, self.product)

    def key_of(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the keys of flows, whether they have a cell or not."""
        return (exporter * len(self.areas) + importer) * len(self.products) + product

    def find(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the positions of flows among the cells, -1 where there is none."""
        return find_cells(self.key, self.key_of(exporter, importer, product))

    def cells(self, at: int) -> tuple[Cells, NDArray[np.int64]]:
        """Return the active cells of a pair of windows for the baseline, and their positions."""
        sums = self.sums[at]
        kept = np.flatnonzero(sums.is_active)
        nothing, n = np.zeros(kept.size), len(self.areas)
        cells = Cells(
            exporter=self.exporter[kept],
            importer=self.importer[kept],
            product=self.product[kept],
            before=sums.before[kept],
            after=sums.after[kept],
            after_kg=sums.after_kg[kept],
            mirror_before=nothing,
            mirror_after=nothing,
            has_mirror=np.zeros((n, n), dtype=bool),
            n_areas=n,
            n_products=len(self.products),
        )
        return cells, kept


def month_number(period: str) -> int:
    """Return a month as a number, see :func:`entrepot.detect.periods.parse_period`."""
    return parse_period(period, option="period")


def observed_months(calendar: Calendar, areas: Sequence[str], periods: Sequence[str]) -> NDArray[np.bool_]:
    """Return (n_areas, n_areas, T) whether the exporter or the importer published each month."""
    at = {period: number for number, period in enumerate(periods)}
    books = []
    for book in (calendar.exports, calendar.imports):
        flags = np.zeros((len(areas), len(periods)), dtype=bool)
        for row, area in enumerate(areas):
            flags[row, [at[period] for period in book.get(area, ()) if period in at]] = True
        books.append(flags)
    return np.asarray(books[0][:, None, :] | books[1][None, :, :])


def load_trade(
    flows: nw.LazyFrame[Any], windows: Sequence[WindowPair], *, estimated_weights: pa.Table | None = None
) -> Trade:
    """Sum reconciled flows into the cells of every pair of windows. One query, beside the calendar's two.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    windows
        Pairs of windows; the event's first.
    estimated_weights
        Columns ``exporter``, ``importer``, ``hs_code`` of flows whose weights do not count.
    """
    calendar = calendar_of(flows)
    periods = _all_periods(calendar)
    columns = [
        column
        for number, pair in enumerate(windows)
        for side, window in (("b", pair.before), ("a", pair.after))
        for column in _sums(f"{side}{number}", window)
    ]
    year, month = (nw.col("period").str.slice(at, n).cast(nw.Int32) for at, n in ((0, 4), (5, 2)))
    # goods under the maker itself are in the importer's book alone: exporters send nothing to themselves
    is_home = nw.col("exporter") == nw.col("importer")
    value = nw.when(is_home).then(nw.col("importer_report_usd")).otherwise(nw.col("value_usd"))
    rows = (
        flows.with_columns((year * 12 + month - 1).alias("month"), value.alias("value_usd"))
        .group_by("exporter", "importer", "hs_code")
        .agg(*columns)
        .sort("exporter", "importer", "hs_code")
        .collect(backend="pyarrow")
        .to_native()
    )
    areas = tuple(
        sorted(set(rows["exporter"].unique().to_pylist()) | set(rows["importer"].unique().to_pylist()))
    )
    products = tuple(sorted(rows["hs_code"].unique().to_pylist()))
    exporter, importer = (_positions(rows[side], areas) for side in ("exporter", "importer"))
    product = _positions(rows["hs_code"], products)
    is_home = exporter == importer
    observed = observed_months(calendar, areas, periods)
    away = np.flatnonzero(~is_home)
    scales = [_scales(observed, periods, pair) for pair in windows]
    pick = (exporter[away], importer[away])
    sums = tuple(
        _window_sums(rows, number, away, [scale[pick] for scale in both])
        for number, both in enumerate(scales)
    )
    if estimated_weights is not None:
        sums = _without_weights(sums, rows, away, estimated_weights)
    home = tuple(
        _home(rows[f"{side}0"].to_numpy()[is_home], exporter[is_home], product[is_home], shape)
        for side, shape in (("b", (len(areas), len(products))), ("a", (len(areas), len(products))))
    )
    length = len(windows[0].after) / max(len(windows[0].before), 1)
    return Trade(
        areas, products, exporter[away], importer[away], product[away], tuple(windows), sums,
        (home[0] * length, home[1]), periods, observed, calendar,
    )  # fmt: skip


def _all_periods(calendar: Calendar) -> tuple[str, ...]:
    """Return every month from the first to the last that anybody published."""
    numbers = [parse_period(period, option="period") for period in calendar.periods]
    return tuple(period_text(p, is_monthly=True) for p in range(min(numbers), max(numbers) + 1))


def _sums(name: str, window: tuple[int, ...]) -> list[nw.Expr]:
    # a window is a span: months that nobody published have no rows
    inside = (nw.col("month") >= window[0]) & (nw.col("month") <= window[-1])
    weighed = inside & ~nw.col("net_weight_kg").is_null()
    return [
        nw.when(inside).then(nw.col("value_usd")).otherwise(0.0).sum().alias(name),
        nw.when(weighed).then(nw.col("value_usd")).otherwise(0.0).sum().alias(f"{name}_weighed"),
        nw.when(weighed).then(nw.col("net_weight_kg")).otherwise(0.0).sum().alias(f"{name}_kg"),
    ]


def _positions(column: pa.ChunkedArray, codes: Sequence[str]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = pc.index_in(column, value_set=pa.array(codes, pa.string())).to_numpy()
    return found.astype(np.int64)


def _scales(
    observed: NDArray[np.bool_], periods: Sequence[str], pair: WindowPair
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by pair of areas what puts its observed months on the whole after-window; NaN where too few."""
    at = {period: number for number, period in enumerate(periods)}
    scales = []
    for window in (pair.before, pair.after):
        months = observed[:, :, [at[period_text(p, is_monthly=True)] for p in window]].sum(axis=2)
        enough = months >= max(_ENOUGH * len(window), 1.0)
        scales.append(np.where(enough, len(pair.after) / np.maximum(months, 1), np.nan))
    both = scales[0] + scales[1]
    return np.where(np.isnan(both), np.nan, scales[0]), np.where(np.isnan(both), np.nan, scales[1])


def _window_sums(
    rows: pa.Table, number: int, away: NDArray[np.int64], scales: Sequence[NDArray[np.float64]]
) -> WindowSums:
    found = []
    for side, scale in zip(("b", "a"), scales, strict=True):
        usd, weighed, kg = (
            rows[f"{side}{number}{kind}"].to_numpy()[away] for kind in ("", "_weighed", "_kg")
        )
        is_known = (kg > 0) & (weighed >= _WEIGHED * usd)
        whole = np.divide(usd, weighed, out=np.ones(usd.size), where=is_known)
        found.append((usd * scale, np.where(is_known, kg * whole, np.where(usd > 0, np.nan, 0.0)) * scale))
    return WindowSums(before=found[0][0], after=found[1][0], before_kg=found[0][1], after_kg=found[1][1])


def _without_weights(
    sums: tuple[WindowSums, ...], rows: pa.Table, away: NDArray[np.int64], estimated: pa.Table
) -> tuple[WindowSums, ...]:
    keys = ("exporter", "importer", "hs_code")
    named = set(zip(*(estimated[key].to_pylist() for key in keys), strict=True))
    own = zip(*(rows[key].to_pylist() for key in keys), strict=True)
    is_estimated = np.array([key in named for key in own], dtype=bool)[away]
    return tuple(
        WindowSums(
            one.before,
            one.after,
            np.where(is_estimated & (one.before_kg > 0), np.nan, one.before_kg),
            np.where(is_estimated & (one.after_kg > 0), np.nan, one.after_kg),
        )
        for one in sums
    )


def _home(
    usd: NDArray[np.float64], area: NDArray[np.int64], product: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    sums = np.zeros(shape)
    np.add.at(sums, (area, product), usd)
    return sums
