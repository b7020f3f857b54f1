"""What a destination pays over the same supplier's other buyers, before and after an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy import stats

from entrepot.detect.prices.outliers import believed_logs
from entrepot.detect.prices.windows import price_windows
from entrepot.errors import CoverageError
from entrepot.schema import PRICE_MARKUP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.prices.options import PriceOptions
    from entrepot.detect.prices.rows import PriceRows

__all__ = ["markup_table", "others_median"]

_FEWEST_OTHERS = 3
_FEWEST_PERIODS = 2  # of a flow in each window
_FEWEST_FOR_INTERVAL = 6  # periods: the spread of fewer says nothing
_LOW, _HIGH = 5.0, 95.0
_BLOCK, _FEWEST_BLOCKS = 6, 8  # periods of a block; blocks that a window has at least


def others_median(
    values: NDArray[np.float64], group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return for each value the median of the others in its group, and how many these are.

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    group : (n,)
        Their groups.

    Returns
    -------
    (n,), (n,)
        NaN where there are no others.
    """
    order = np.lexsort((values, group))
    sorted_values, sorted_group = values[order], group[order]
    is_first = np.r_[True, sorted_group[1:] != sorted_group[:-1]] if values.size else np.zeros(0, dtype=bool)
    starts = np.nonzero(is_first)[0]
    number = np.cumsum(is_first) - 1
    sizes = np.diff(np.r_[starts, values.size])
    start, others = starts[number], sizes[number] - 1
    rank = np.arange(values.size) - start

    def at(position: NDArray[np.int64]) -> NDArray[np.float64]:
        place = start + position + (position >= rank)  # the value itself is skipped
        value: NDArray[np.float64] = sorted_values[np.minimum(place, values.size - 1)]
        return value

    middle = np.full(values.size, np.nan)
    some = others > 0
    middle[some] = (0.5 * (at(np.maximum(others - 1, 0) // 2) + at(others // 2)))[some]
    found, count = np.empty(values.size), np.empty(values.size, dtype=np.int64)
    found[order], count[order] = middle, others
    return found, count


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """c flows with both windows: exporter × importer × product.

    Attributes
    ----------
    keys : (3, c)
        Exporter, importer, product.
    premium : (c, T)
        Log of the unit value over the median of the others; 0 where there is none.
    is_there : (c, T)
    weight : (c,)
        Value of the after-window.
    others : (c,)
        Median number of other buyers.
    """

    keys: NDArray[np.int64]
    premium: NDArray[np.float64]
    is_there: NDArray[np.bool_]
    weight: NDArray[np.float64]
    others: NDArray[np.float64]


def markup_table(rows: PriceRows, options: PriceOptions) -> pa.Table:
    """Return the mark-ups of the destinations asked about, those that rose most first.

    *Formula*: r = ln u − median ln u of the supplier's other buyers of the product in the period, without
    those that are outliers in their own flow and window; of a flow the mean over the periods of a window, of
    a sum over flows the mean weighted by the value after, so that both windows weigh the same goods;
    mark-up = exp(mean) − 1.

    Intervals: 5th and 95th percentile over draws of flows and of blocks of up to six successive periods
    (Bayesian bootstrap: weights are exponential).

    Parameters
    ----------
    rows
        Flows of one book, all buyers.
    options
        Destinations, windows, keys, threshold, draws.

    Returns
    -------
    table
        Columns of ``out__price_markup``. **Grain**: the keys asked for.

    *Missing data*: a period counts where three other buyers are priced, a flow where each window has two
    such periods. Intervals are null where a window has fewer than six.

    Raises
    ------
    CoverageError
        No flow is priced beside others in both windows.
    OptionError
        There is no event, or a window holds no period.
    """
    windows = price_windows(rows, options)
    cells = _cells(rows, options, windows.before, windows.after)
    names = ("exporter", "importer", "hs_code")
    by = np.stack(
        [
            cells.keys[at] if name in options.by else np.full(cells.weight.size, -1)
            for at, name in enumerate(names)
        ]
    )
    groups, group = np.unique(by, axis=1, return_inverse=True)
    size = groups.shape[1]
    count = np.bincount(group, minlength=size)
    rng = np.random.default_rng(options.seed)
    blocks = _blocks(windows.before, windows.after)
    ends: dict[str, list[NDArray[np.float64]]] = {"before": [], "after": [], "change": []}
    for draw in range(options.draws + 1):
        # The first is no draw: every period and flow counts once.
        periods, flows = np.ones(len(rows.periods)), np.ones(cells.weight.size)
        if draw:
            periods = rng.exponential(1.0, blocks.max() + 1)[blocks]
            flows = np.where(count[group] > 1, rng.exponential(1.0, flows.size), 1.0)
        means = [
            _means(cells, window * periods, flows, group, size) for window in (windows.before, windows.after)
        ]
        for name, value in (("before", means[0]), ("after", means[1]), ("change", means[1] - means[0])):
            ends[name].append(value)
    wider = _few_blocks(blocks[windows.before], blocks[windows.after])
    measures = {name: _interval(np.stack(values), wider) for name, values in ends.items()}
    return _table(
        rows, options, groups, _summary(cells, group, size, count, windows.before, windows.after), measures
    )


def _blocks(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (T,) the block of each period: successive ones are alike, and are drawn together."""
    found = np.zeros(before.size, dtype=np.int64)
    for window in (before, after):
        own = np.nonzero(window)[0]
        length = max(1, min(_BLOCK, own.size // _FEWEST_BLOCKS))
        found[own] = found.max() + 1 + np.arange(own.size) // length
    return found


def _few_blocks(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """Return by how much the draws of few blocks understate the spread, and a normal its tails.

    Weighted draws of B blocks spread by (B − 1) / (B + 1) of the variance; with B estimated deviations a
    Student quantile holds, not a normal one.
    """
    fewest = max(min(np.unique(before).size, np.unique(after).size), 2)
    student = float(stats.t.ppf(_HIGH / 100, 2 * (fewest - 1)) / stats.norm.ppf(_HIGH / 100))
    return student * float(np.sqrt((fewest + 1) / (fewest - 1)))


def _interval(logs: NDArray[np.float64], wider: float) -> NDArray[np.float64]:
    """Return (3, groups) estimate, low and high of draws of which the first is the estimate."""
    ends = np.nanpercentile(logs[1:] - logs[0], [_LOW, _HIGH], axis=0) * wider
    found: NDArray[np.float64] = np.expm1(np.stack([logs[0], logs[0] + ends[0], logs[0] + ends[1]]))
    return found


def _cells(
    rows: PriceRows, options: PriceOptions, before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> _Cells:
    priced = rows.only(np.isfinite(rows.log_unit_value))
    logs = priced.log_unit_value
    middle, others = others_median(logs, priced.supplier_product() * len(rows.periods) + priced.period)
    compared = (others >= _FEWEST_OTHERS) & (before | after)[priced.period]
    if options.importers:
        asked = [i for i, code in enumerate(rows.areas) if code in options.importers]
        compared &= np.isin(priced.importer, asked)
    kept, premium, others = priced.only(compared), (logs - middle)[compared], others[compared]
    keys, cell = np.unique(
        np.stack([kept.exporter, kept.importer, kept.product]), axis=1, return_inverse=True
    )
    believed = believed_logs(premium, 2 * cell + after[kept.period], options.threshold)
    kept, premium, others, cell = kept.only(believed), premium[believed], others[believed], cell[believed]
    shape = (keys.shape[1], len(rows.periods))
    table, is_there = np.zeros(shape), np.zeros(shape, dtype=bool)
    table[cell, kept.period], is_there[cell, kept.period] = premium, True
    weight = np.bincount(cell, weights=np.where(after[kept.period], kept.priced_usd, 0.0), minlength=shape[0])
    buyers = np.bincount(cell, weights=others, minlength=shape[0]) / np.maximum(is_there.sum(axis=1), 1)
    both = np.minimum((is_there & before).sum(axis=1), (is_there & after).sum(axis=1)) >= _FEWEST_PERIODS
    if not both.any():
        raise CoverageError(
            f"no flow asked for has {_FEWEST_PERIODS} periods in each window in which {_FEWEST_OTHERS} other "
            "buyers of its supplier are priced",
            where=f"the {options.book}s' book",
            hint="widen --before and --after, or take the exporters' book, which names all buyers",
        )
    return _Cells(keys[:, both], table[both], is_there[both], weight[both], buyers[both])


def _means(
    cells: _Cells,
    periods: NDArray[np.float64],
    flows: NDArray[np.float64],
    group: NDArray[np.int64],
    size: int,
) -> NDArray[np.float64]:
    """Return (groups) the weighted mean premium; NaN where a draw left nothing of a group."""
    counts = cells.is_there @ periods
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (cells.premium @ periods) / counts
        weight = np.where(counts > 0, cells.weight * flows, 0.0)
        total = np.bincount(group, weights=np.where(counts > 0, own * weight, 0.0), minlength=size)
        return np.asarray(total / np.bincount(group, weights=weight, minlength=size))


def _summary(
    cells: _Cells,
    group: NDArray[np.int64],
    size: int,
    count: NDArray[np.int64],
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
) -> dict[str, NDArray[Any]]:
    def periods(window: NDArray[np.bool_]) -> NDArray[np.int64]:
        there = np.zeros((size, window.size), dtype=bool)
        np.logical_or.at(there, group, cells.is_there & window)
        found: NDArray[np.int64] = there.sum(axis=1)
        return found

    return {
        "priced_flows": count,
        "before_periods": periods(before),
        "periods": periods(after),
        "priced_usd": np.bincount(group, weights=cells.weight, minlength=size),
        "other_buyers": np.bincount(group, weights=cells.others, minlength=size) / count,
    }


def _table(
    rows: PriceRows,
    options: PriceOptions,
    groups: NDArray[np.int64],
    summary: dict[str, NDArray[Any]],
    measures: dict[str, NDArray[np.float64]],
) -> pa.Table:
    columns: dict[str, Any] = {
        "exporter": _coded(groups[0], rows.areas),
        "importer": _coded(groups[1], rows.areas),
        "hs_code": _coded(groups[2], rows.products),
        "unit": pa.array([options.unit] * groups.shape[1]),
    } | {name: pa.array(values) for name, values in summary.items()}
    few = np.minimum(summary["before_periods"], summary["periods"]) < _FEWEST_FOR_INTERVAL
    for name, column in (("before", "before_markup"), ("after", "after_markup"), ("change", "markup_change")):
        value, low, high = measures[name]
        columns |= {
            column: pa.array(value),
            f"{column}_low": pa.array(low, mask=few),
            f"{column}_high": pa.array(high, mask=few),
        }
    table = pa.table([columns[name] for name in PRICE_MARKUP.columns], schema=PRICE_MARKUP.arrow_schema())
    return table.take(pa.array(np.argsort(-measures["change"][0], kind="stable")))


def _coded(index: NDArray[np.int64], words: Sequence[str]) -> pa.Array:
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))
