"""How well a flow is weighed and reported: noise that planted round trips must have too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from entrepot.detect.noise import MAD_TO_SD
from entrepot.detect.periods import period_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.series import Series
    from entrepot.detect.loops.windows import Trade
    from entrepot.detect.periods import WindowPair

__all__ = ["report_noise", "unit_value_spread", "weighing_noise"]

_DEFAULT = 0.1
_FEWEST = 30
_LEAST, _MOST = 0.01, 0.5
_NOTHING = 1e-9
_ANY = 0.5
_LEAST_ANY, _MOST_ANY = 0.2, 2.0


def weighing_noise(series: Series, cells: NDArray[np.int64]) -> float:
    """Return the standard deviation of the log unit value of one flow of some cells, month against month."""
    rows = series.rows(np.unique(cells))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(series.usd[rows] / series.kg[rows])
        step = np.diff(value, axis=1) / np.sqrt(2.0)
    known = step[np.isfinite(step) & (np.abs(step) > _NOTHING)]  # a weight that was made up steps by nothing
    return _robust_sd(known)


def report_noise(flows: nw.LazyFrame[Any], windows: WindowPair) -> float:
    """Return the standard deviation of the lasting log error of one reporter's figure of a flow. One query.

    From the sums of the quiet months in both books: their log ratio, that is usual put aside, holds the
    errors of two.
    """
    quiet = [period_text(p, is_monthly=True) for p in windows.before]
    both = (nw.col("exporter_report_usd") > 0) & (nw.col("importer_report_usd") > 0)
    sums = (
        flows.filter(nw.col("period").is_in(quiet) & both)
        .group_by("exporter", "importer", "hs_code")
        .agg(
            nw.col("exporter_report_usd").sum().alias("x"),
            (nw.col("importer_report_usd") / nw.col("cif_fob_ratio")).sum().alias("m"),
            nw.len().alias("months"),
        )
        .filter(nw.col("months") * 2 >= len(quiet))
        .with_columns((nw.col("m") / nw.col("x")).log().alias("gap"))
        .select("gap")
        .collect(backend="pyarrow")
        .to_native()
    )
    gap = sums["gap"].to_numpy()
    return _robust_sd(gap / np.sqrt(2.0))


def unit_value_spread(trade: Trade) -> float:
    """Return the standard deviation of the log ratio of a product's unit values in both directions of a pair.

    From the quiet months: how far apart the unit values of two flows are that have nothing to do with each
    other. That much goods that come back are not.
    """
    back = trade.find(trade.importer, trade.exporter, trade.product)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(trade.sums[0].before / trade.sums[0].before_kg)
    ratio = (value[back] - value)[(back >= 0) & (trade.exporter < trade.importer)]
    known = ratio[np.isfinite(ratio)]
    if known.size < _FEWEST:
        return _ANY
    return float(np.clip(MAD_TO_SD * float(np.median(np.abs(known))), _LEAST_ANY, _MOST_ANY))


def _robust_sd(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    if values.size < _FEWEST:
        return _DEFAULT
    spread = MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
    return float(np.clip(spread, _LEAST, _MOST))
