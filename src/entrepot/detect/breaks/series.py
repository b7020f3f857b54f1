"""Flows as monthly series: an unpublished month is missing, a published month without a row is zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.gaps.calendar import load_calendar, numbered
from entrepot.detect.periods import parse_period, parse_span, period_text
from entrepot.errors import CoverageError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.breaks.options import BreakOptions

__all__ = ["BreakSeries", "load_break_series"]

_FEWEST_TRADED = 12  # months with trade: a series of fewer has no level
_FLOOR = 0.01  # of the median month: logs know no zero
_COVERED = 0.95  # share of a sum, by usual value, that must be published


@dataclass(frozen=True, slots=True, eq=False)
class BreakSeries:
    """n series over T successive months.

    Attributes
    ----------
    exporter, importer, product : (n,)
        Positions in ``areas`` and ``products``; -1 where summed over.
    usd : (n, T)
        Value; NaN where nobody published the month, 0 where somebody did and has no row.
    logs : (n, T)
        Logs of it, no lower than a hundredth of the median month; all NaN for a series with fewer than
        twelve months of trade.
    books : (n, T)
        Who published the month: 0 nobody, 1 the exporter, 2 the importer, 3 both.
    areas, products, periods
        Codes and months.
    """

    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    product: NDArray[np.int64]
    usd: NDArray[np.float64]
    logs: NDArray[np.float64]
    books: NDArray[np.int8]
    areas: tuple[str, ...]
    products: tuple[str, ...]
    periods: tuple[str, ...]

    @property
    def calendar(self) -> NDArray[np.int64]:
        """(T,) Month of the year, 0 to 11."""
        return np.array([int(period[5:]) - 1 for period in self.periods], dtype=np.int64)


def load_break_series(flows: nw.LazyFrame[Any], options: BreakOptions) -> BreakSeries:
    """Return the series asked for. Five queries.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``.
    options
        Areas, products, months, keys.

    Raises
    ------
    CoverageError
        There is no such flow.
    OptionError
        The periods are no months.

    *Missing data*: a sum over several flows is missing in a month in which less than 95% of it, by usual
    value, was published.
    """
    rows = _rows(flows, options)
    months = _months(flows, options)
    periods = pa.array(months, pa.string())
    areas = pa.concat_arrays([pc.unique(rows[side]) for side in ("exporter", "importer")]).unique().sort()
    codes = rows["hs_code"].unique().sort()
    exporter, importer = (numbered(rows[side], areas) for side in ("exporter", "importer"))
    product, period = numbered(rows["hs_code"], codes), numbered(rows["period"], periods)
    n = len(areas)
    cells, cell = np.unique((exporter * n + importer) * len(codes) + product, return_inverse=True)
    pair, k = np.divmod(cells, len(codes))
    i, j = np.divmod(pair, n)

    shared = load_calendar(flows, _kind(options), areas, periods)
    books = (shared.exports[i] + 2 * shared.imports[j]).astype(np.int8)
    usd = np.where(books > 0, 0.0, np.nan)
    usd[_closed(shared.closed, pair, len(months))] = np.nan
    values = rows["value_usd"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    usd[cell, period] = values
    parts = BreakSeries(
        i, j, k, usd, usd, books, tuple(areas.to_pylist()), tuple(codes.to_pylist()), tuple(months)
    )
    return _logged(parts if len(options.by) == 3 else _summed(parts, options.by))


def _rows(flows: nw.LazyFrame[Any], options: BreakOptions) -> pa.Table:
    chosen = _kind(options) & (nw.col("exporter") != nw.col("importer")) & ~nw.col("value_usd").is_null()
    for side, codes in (("exporter", options.exporters), ("importer", options.importers)):
        if codes:
            chosen &= nw.col(side).is_in(list(codes))
    if options.products:
        code = nw.col("hs_code")
        chosen &= nw.any_horizontal(
            *[code.str.starts_with(one) for one in options.products], ignore_nulls=False
        )
    if options.periods:
        first, last = _span(options.periods)
        chosen &= (nw.col("period") >= first) & (nw.col("period") <= last)
    found: pa.Table = (
        flows.filter(chosen)
        .select("exporter", "importer", "hs_code", "period", "value_usd")
        .collect(backend="pyarrow")
        .to_native()
    )
    if not found.num_rows:
        raise CoverageError(
            "no monthly flow is as asked",
            where="the flows",
            hint="see what there is with `entrepot flows --freq M`, or ask for other areas, goods or periods",
        )
    return found


def _span(periods: str) -> tuple[str, str]:
    start, end = parse_span(periods, option="--periods")
    if "-" not in periods:
        raise OptionError(
            f"{periods!r} are years", where="--periods", hint="breaks are of months: 2017-01:2022-12"
        )
    return period_text(start, is_monthly=True), period_text(end, is_monthly=True)


def _months(flows: nw.LazyFrame[Any], options: BreakOptions) -> list[str]:
    """Return all months from the first to the last of all flows: trade that stopped has no row of its own."""
    if options.periods:
        first, last = _span(options.periods)
    else:
        period = nw.col("period")
        ends = flows.filter(_kind(options)).select(period.min().alias("first"), period.max().alias("last"))
        first, last = ends.collect(backend="pyarrow").row(0)
    numbers = [parse_period(text, option="--periods") for text in (first, last)]
    return [period_text(number, is_monthly=True) for number in range(numbers[0], numbers[1] + 1)]


def _kind(options: BreakOptions) -> nw.Expr:
    is_total = nw.col("hs_code") == "TOTAL"
    return is_total if "TOTAL" in options.products else ~is_total


def _closed(closed: NDArray[np.int64], pair: NDArray[np.int64], months: int) -> NDArray[np.bool_]:
    """Return (n, T) where one side says nothing of the pair: its empty months are no proven zeros."""
    if not closed.size:
        return np.zeros((pair.size, months), dtype=bool)
    pairs, place = np.unique(pair, return_inverse=True)
    own = np.isin(pairs[:, None] * months + np.arange(months), closed)
    found: NDArray[np.bool_] = own[place]
    return found


def _summed(parts: BreakSeries, by: tuple[str, ...]) -> BreakSeries:
    """Return the sums over the keys left out."""
    held = {"exporter": parts.exporter, "importer": parts.importer, "hs_code": parts.product}
    columns = [held[name] if name in by else np.full(parts.exporter.size, -1) for name in held]
    keys, group = np.unique(np.stack(columns), axis=1, return_inverse=True)
    size, length = keys.shape[1], len(parts.periods)
    is_there = np.isfinite(parts.usd)
    counts = np.maximum(is_there.sum(axis=1, keepdims=True), 1)
    usual = np.nan_to_num(parts.usd).sum(axis=1, keepdims=True) / counts
    usd, covered, every = np.zeros((size, length)), np.zeros((size, length)), np.zeros((size, length))
    np.add.at(usd, group, np.nan_to_num(parts.usd))
    np.add.at(covered, group, is_there * usual)
    np.add.at(every, group, np.broadcast_to(usual, parts.usd.shape))
    books = np.zeros((size, length), dtype=np.int8)
    np.bitwise_or.at(books, group, parts.books)
    usd[covered < _COVERED * every] = np.nan
    i, j, k = keys
    return BreakSeries(i, j, k, usd, usd, books, parts.areas, parts.products, parts.periods)


def _logged(series: BreakSeries) -> BreakSeries:
    usd = series.usd
    traded = np.where(usd > 0, usd, np.nan)
    judged = np.isfinite(traded).sum(axis=1) >= _FEWEST_TRADED
    floor = np.ones(len(usd))
    if judged.any():
        floor[judged] = _FLOOR * np.nanmedian(traded[judged], axis=1)
    logs = np.log(np.maximum(usd, floor[:, None]))  # NaN stays NaN
    logs[~judged] = np.nan
    return BreakSeries(
        series.exporter, series.importer, series.product, usd, logs, series.books, series.areas,
        series.products, series.periods,
    )  # fmt: skip
