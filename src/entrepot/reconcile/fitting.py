"""What is learnt from two books before they are brought together: the steps that execute queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow.compute as pc

from entrepot.engine import place_beside, small_table
from entrepot.reconcile.arrays import codes, floats
from entrepot.reconcile.ratios import RATIO_KEYS, RatioFit, fit_ratios, ratio_statistics
from entrepot.reconcile.reliability import (
    ALL_CHAPTERS,
    SIZES,
    Reliability,
    by_size,
    fit_reliability,
    gap_moments,
    log_gaps,
    size_class,
)
from entrepot.reconcile.windows import VALUE, Measure, product_group

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

__all__ = ["MeasureFit", "fit_measure"]

_Z90 = 1.6448536269514722
#: Width of a class of |gap| ÷ its standard deviation, and how many classes there are.
_STEP = 0.05
_CLASSES = 120
#: Flows at which a size's own factor counts half.
_HALF = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class MeasureFit:
    """What was learnt of one measure.

    Attributes
    ----------
    ratios
        Importer's over exporter's reports, by pair, product group and year.
    reliability
        What each reporter's reports are worth.
    interval_factors
        (SIZES) by what a normal interval is multiplied, so that nine gaps of ten lie inside.
    month_variances
        (SIZES) variance of a month's log gap around that of its year; empty for annual data.
    """

    ratios: RatioFit
    reliability: Reliability
    interval_factors: tuple[float, ...]
    month_variances: tuple[float, ...]


def fit_measure(
    paired: IntoFrame,
    years: IntoFrame,
    geography: pa.Table,
    *,
    measure: Measure = VALUE,
    is_monthly: bool = True,
    keep: Callable[[Any, str], Any] | None = None,
) -> MeasureFit:
    """Learn ratios, reliabilities and widths of intervals from the flows that both report.

    Executes three queries on aggregates (four for months), whose results are small tables.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    years
        See :func:`entrepot.reconcile.flow_years`, of the same measure.
    geography
        Columns of :func:`entrepot.nomenclature.geography_table`: distances that freight depends on.
    measure
        What is compared.
    is_monthly
        Whether ``paired`` has months.
    keep
        Executes a frame once and returns its rows under a name, such as ``Engine.keep``; without it a lazy
        frame is executed in every query.
    """
    statistics = _sorted(small_table(ratio_statistics(cast("Any", years)), what="ratios by pair"))
    ratios = fit_ratios(statistics, geography)
    known = place_beside(ratios.table.select([*RATIO_KEYS, "log_ratio"]), years)
    gaps: Any = log_gaps(cast("Any", years), nw.to_native(known))
    if keep is not None:
        gaps = nw.to_native(keep(nw.from_native(gaps), f"gaps_{measure.name}"))
    moments = _sorted(small_table(gap_moments(gaps, by_chapter=False), what="gaps by pair"))
    areas = sorted({*codes(statistics, "exporter")[0], *codes(statistics, "importer")[0]})
    reliability = fit_reliability(moments, areas, ALL_CHAPTERS)
    # Once more, with what lies far outside the first fit cut: a few misplaced goods are no bad reporter.
    cut = gap_moments(_with_sd(gaps, reliability), nw.col("sd"))
    reliability = fit_reliability(small_table(cut, what="gaps by chapter, cut"), areas, ALL_CHAPTERS)
    factors = _interval_factors(small_table(_score_classes(gaps, reliability), what="sizes of gaps"))
    months: tuple[float, ...] = ()
    if is_monthly:
        found = _month_moments(nw.from_native(paired), nw.from_native(years), known, measure)
        months = _month_variances(small_table(found, what="months of a year"), reliability.typical)
    return MeasureFit(ratios, reliability, factors, months)


def _sorted(table: pa.Table) -> pa.Table:
    """Sort by the keys, so that the regression sees the same rows in the same order on every engine."""
    keys = [name for name in (*RATIO_KEYS, "size") if name in table.column_names]
    return table.sort_by([(name, "ascending") for name in keys])


def _with_sd(gaps: Any, reliability: Reliability) -> Any:
    """Add ``sd``: what is expected of the gap between the two reporters, for the size of the flow."""
    data = nw.from_native(gaps)
    table = reliability.table
    for side, flow, name in (("exporter", "export", "__a"), ("importer", "import", "__b")):
        of_flow = table.filter(pc.equal(table["flow"], flow)).select(["reporter", "chapter", "variance"])
        of_side = place_beside(of_flow, gaps).rename({"reporter": side, "variance": name})
        data = data.join(of_side, on=[side, "chapter"], how="inner")
    variance = nw.col("__a") + nw.col("__b") - reliability.shared
    return data.with_columns(
        (variance * by_size(reliability.size_factors.tolist(), nw.col("size"))).sqrt().alias("sd")
    ).to_native()


def _score_classes(gaps: Any, reliability: Reliability) -> Any:
    """Return how many gaps are how large, against what is expected of the two reporters, by size."""
    score = nw.col("log_gap").abs() / nw.col("sd")
    return (
        nw.from_native(_with_sd(gaps, reliability))
        .select("size", (score / _STEP).clip(0.0, _CLASSES - 1.0).floor().cast(nw.Int64).alias("class"))
        .group_by("size", "class")
        .agg(nw.len().alias("flows"))
        .to_native()
    )


def _interval_factors(classes: pa.Table) -> tuple[float, ...]:
    counts = np.zeros((SIZES, _CLASSES))
    at = floats(classes, "size").astype(np.int64), floats(classes, "class").astype(np.int64)
    np.add.at(counts, at, floats(classes, "flows"))
    whole = counts.sum(axis=0)
    if whole.sum() < 30:
        return (1.0,) * SIZES
    of_all = _ninth_decile(whole) / _Z90
    flows = counts.sum(axis=1)
    return tuple(
        float((n * _ninth_decile(row) / _Z90 + _HALF * of_all) / (n + _HALF)) if n else float(of_all)
        for row, n in zip(counts, flows, strict=True)
    )


def _ninth_decile(counts: NDArray[np.float64]) -> float:
    """Return the score under which nine of ten lie, even within a class."""
    below = np.r_[0.0, np.cumsum(counts)] / counts.sum()
    return float(np.interp(0.9, below, np.arange(_CLASSES + 1) * _STEP))


def _month_moments(paired: Any, years: Any, known: Any, measure: Measure) -> Any:
    """Return squares of the months' log gaps around their years', by size."""
    keys = ["exporter", "importer", "hs_code", "frequency", "year"]
    x, m = nw.col(measure.exporter), nw.col(measure.importer)
    positive = (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer"))
    sums = years.filter((nw.col("exporter_sum") > 0) & (nw.col("importer_sum") > 0))
    around = m.log() - x.log() - nw.col("importer_sum").log() + nw.col("exporter_sum").log()
    return (
        paired.filter(positive)
        .with_columns(nw.col("period").str.slice(0, 4).alias("year"), product_group().alias("product_group"))
        .join(sums.select(*keys, "exporter_sum", "importer_sum"), on=keys, how="inner")
        .join(known, on=list(RATIO_KEYS), how="inner")
        .select(
            size_class((x.log() + m.log() - nw.col("log_ratio")) / 2).alias("size"),
            around.clip(-3.0, 3.0).alias("around"),
        )
        .with_columns((nw.col("around") * nw.col("around")).alias("square"))
        .group_by("size")
        .agg(nw.len().alias("flows"), nw.col("square").sum().alias("squares"))
        .to_native()
    )


def _month_variances(moments: pa.Table, typical: float) -> tuple[float, ...]:
    n, squares = np.zeros(SIZES), np.zeros(SIZES)
    size = floats(moments, "size").astype(np.int64)
    np.add.at(n, size, floats(moments, "flows"))
    np.add.at(squares, size, floats(moments, "squares"))
    whole = (squares.sum() + _HALF * 2 * typical) / (n.sum() + _HALF)
    return tuple(float(value) for value in (squares + _HALF * whole) / (n + _HALF))
