"""What is learnt from two books before they are brought together: the steps that execute queries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine import place_beside, small_table
from entrepot.reconcile.arrays import codes, floats, sums
from entrepot.reconcile.changes import OF_YEAR, MonthNoises, change_moments, month_noises
from entrepot.reconcile.gaps import gap_classes, no_gaps, read_gaps
from entrepot.reconcile.lasting import lasting_share
from entrepot.reconcile.late import expected_arrivals, own_part, with_other_month
from entrepot.reconcile.outliers import ordinary_shares
from entrepot.reconcile.ratios import RATIO_KEYS, RatioFit, fit_ratios, ratio_statistics, statistics_of
from entrepot.reconcile.reliability import (
    ALL_CHAPTERS,
    Reliability,
    fit_reliability,
    ordinary_variances,
    with_chapters,
)
from entrepot.reconcile.sizes import SIZES, by_size, size_class
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB
from entrepot.reconcile.windows import chapter, of_measure, product_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from entrepot.reconcile.gaps import Gaps
    from entrepot.reconcile.windows import Measure

__all__ = ["MeasureFit", "fit_measures", "with_noises"]

_Z90 = 1.6448536269514722
#: Width of a class of |gap| ÷ its standard deviation, and how many classes there are.
_STEP = 0.05
_CLASSES = 120
#: A month's noise is at most so many times a year's (variances), and never nothing: neither is late arrival.
_MOST_MONTH_NOISE = 2.0
_LEAST_MONTH_NOISE = 0.01
_LEAST_LATE = 0.01**2
#: No report is weighed as if it were better than this.
_LEAST = 0.005**2
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
    ordinary_factors
        (SIZES) the same of ordinary gaps: where both report, outliers are told from noise.
    month_variances
        (SIZES) variance of a month's log gap around that of its year, beyond noise: goods that arrive in
        another month than they leave in. Empty for annual data.
    timed_variances
        (SIZES) the same where a month is held against what is to arrive in it, by the share of the pair's
        goods that arrive a month later; not above the other. It is less where dispatches are split, and not
        where each arrives as a whole. Empty where late shares are not known.
    month_noise
        Variance of a month's noise over that of a year's, of reporters that ``noises`` lacks.
    noises
        The same by reporter and flow (``noise``), told from changes over time; None where there are too few.
    lasting
        Part of the variance of ordinary gaps that lasts from year to year; 0 where there is but one year.
    """

    ratios: RatioFit
    reliability: Reliability
    interval_factors: tuple[float, ...]
    ordinary_factors: tuple[float, ...]
    month_variances: tuple[float, ...] = ()
    timed_variances: tuple[float, ...] = ()
    month_noise: float = 0.0
    noises: MonthNoises | None = None
    lasting: float = 0.0


def fit_measures(
    paired: IntoFrame,
    years: IntoFrame,
    geography: pa.Table,
    *,
    measures: Sequence[Measure],
    is_monthly: bool = True,
) -> list[MeasureFit]:
    """Learn ratios, reliabilities and widths of intervals from the flows that both report.

    Executes one query for all measures and one for each (four for months), whose results are small tables;
    where there are millions of gaps one more, for the codes of the goods. What is done with the results is
    done side by side, a thread a measure.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`, with the columns of every measure.
    years
        See :func:`entrepot.reconcile.windows.years_of`, of the same measures.
    geography
        Columns of :func:`entrepot.nomenclature.geography_table`: distances that freight depends on.
    measures
        What is compared.
    is_monthly
        Whether ``paired`` has months.
    """
    statistics = _statistics(paired, years, measures)
    years_of_each = [of_measure(cast("Any", years), measure) for measure in measures]
    areas = [sorted({*codes(one, "exporter")[0], *codes(one, "importer")[0]}) for one in statistics]
    usual = [DEFAULT_CIF_FOB if measure.is_valued else 1.0 for measure in measures]
    with ThreadPoolExecutor() as threads:
        ratios = list(
            threads.map(lambda one, ratio: fit_ratios(one, geography, usual=ratio), statistics, usual)
        )
        futures = []
        for of_year, ratio, known in zip(years_of_each, ratios, areas, strict=True):
            gaps = read_gaps(of_year, ratio, ALL_CHAPTERS) if ratio.cells else no_gaps()
            futures.append(threads.submit(_fit_gaps, gaps, known))
        trust = [future.result() for future in futures]
    fits = [
        MeasureFit(ratio, reliability, *factors, lasting=lasting_share(of_year, ratio, reliability.typical))
        for of_year, ratio, (reliability, factors) in zip(years_of_each, ratios, trust, strict=True)
    ]
    if not is_monthly:
        return fits
    return [
        _with_months(paired, of_year, measure, fit)
        for of_year, measure, fit in zip(years_of_each, measures, fits, strict=True)
    ]


def _statistics(paired: IntoFrame, years: IntoFrame, measures: Sequence[Measure]) -> list[pa.Table]:
    """Return the statistics of each measure; none, and no medians, of quantities that nobody knows."""
    by_unit = [measure for measure in measures if measure.unit]
    counts = [
        nw.col(side).count().alias(f"{measure.name}_{at}")
        for measure in by_unit
        for at, side in enumerate((measure.exporter, measure.importer))
    ]
    known = [measure for measure in measures if not measure.unit]
    if counts:
        told = small_table(nw.from_native(paired).select(*counts).to_native(), what="quantities")
        known += [one for one in by_unit if any(told[f"{one.name}_{at}"][0].as_py() for at in (0, 1))]
    table = small_table(ratio_statistics(cast("Any", years), known), what="ratios by pair")
    none = statistics_of(table.slice(0, 0), known[0])
    return [_sorted(statistics_of(table, measure) if measure in known else none) for measure in measures]


def _fit_gaps(
    gaps: Gaps, areas: list[str]
) -> tuple[Reliability, tuple[tuple[float, ...], tuple[float, ...]]]:
    reliability = fit_reliability(gap_classes(gaps), areas, ALL_CHAPTERS)
    reliability = with_chapters(reliability, gaps, areas, ALL_CHAPTERS)
    return reliability, _interval_factors(gaps.of_chapters(), reliability, areas)


def _with_months(paired: Any, years: Any, measure: Measure, fit: MeasureFit) -> MeasureFit:
    """Add what is learnt of months: three queries."""
    changes = small_table(change_moments(paired, measure), what="changes by pair")
    noises = month_noises(
        changes.sort_by([("exporter", "ascending"), ("importer", "ascending")]), fit.reliability
    )
    known = place_beside(fit.ratios.table.select([*RATIO_KEYS, "log_ratio"]), years)
    trust = fit.reliability, noises
    late, noise = _months(
        small_table(_month_moments(paired, years, known, measure, trust), what="months of a year"),
        timed=noises,
    )
    if noises is None:
        return replace(fit, month_variances=late, month_noise=noise)
    moments = _month_moments(paired, years, known, measure, trust, pairs=place_beside(noises.pairs, paired))
    of_timed, _ = _months(
        small_table(moments, what="months of a year, the month before known"), timed=replace(noises, late=0.0)
    )
    least = tuple(min(both) for both in zip(of_timed, late, strict=True))
    return replace(fit, month_variances=late, timed_variances=least, month_noise=noise, noises=noises)


def _sorted(table: pa.Table) -> pa.Table:
    """Sort by the keys, so that the regression sees the same rows in the same order on every engine."""
    return table.sort_by([(name, "ascending") for name in RATIO_KEYS])


def _with_variance(gaps: Any, reliability: Reliability, noises: MonthNoises | None = None) -> Any:
    """Add ``variance``, of an ordinary gap of the two reporters and the size: of years, or of months."""
    data = nw.from_native(gaps)
    table = reliability.table
    for side, flow, name in (("exporter", "export", "__a"), ("importer", "import", "__b")):
        of_flow = table.filter(pc.equal(table["flow"], flow)).select(["reporter", "chapter", "variance"])
        of_flow = with_noises(of_flow, flow, noises)
        names = {"reporter": side, "variance": name, "noise": f"{name}_noise"}
        of_side = place_beside(of_flow, gaps).rename(names)
        data = data.join(of_side, on=[side, "chapter"], how="inner")
    a, b = nw.col("__a") - reliability.shared, nw.col("__b")
    if noises is not None:
        a = nw.when(a > _LEAST).then(a).otherwise(_LEAST) * nw.col("__a_noise")
        if "spread" in data.collect_schema().names():
            a = a * nw.col("spread")
        b = b * nw.col("__b_noise")
    variance = a + b
    size = nw.col("size")
    return data.with_columns(
        (variance * by_size(reliability.size_factors.tolist(), size)).alias("variance")
    ).to_native()


def with_noises(trust: pa.Table, flow: str, noises: MonthNoises | None, usual: float = 1.0) -> pa.Table:
    """Add ``noise`` to a table of reporters: that of their months over that of their years."""
    known: dict[str, float] = {}
    if noises is not None:
        rows = noises.table.filter(pc.equal(noises.table["flow"], flow))
        known = dict(zip(rows["reporter"].to_pylist(), rows["noise"].to_pylist(), strict=True))
    found = [known.get(reporter, usual) for reporter in trust["reporter"].to_pylist()]
    return trust.append_column("noise", pa.array(found, pa.float64()))


def _interval_factors(
    gaps: Gaps, reliability: Reliability, areas: list[str]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return by what normal intervals are multiplied, by size: for all gaps, and for ordinary ones."""
    variance = ordinary_variances(reliability, gaps, areas, ALL_CHAPTERS)
    part = ordinary_shares(gaps.gap * gaps.gap, variance, gaps.size, reliability.outliers)
    kind = np.clip(np.abs(gaps.gap) / np.sqrt(variance) / _STEP, 0.0, _CLASSES - 1.0).astype(np.int64)
    at = gaps.size * _CLASSES + kind
    of_all, of_ordinary = (
        _factors(sums(at, flows, SIZES * _CLASSES).reshape(SIZES, _CLASSES))
        for flows in (gaps.flows, gaps.flows * part)
    )
    return of_all, of_ordinary


def _factors(counts: NDArray[np.float64]) -> tuple[float, ...]:
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


def _month_moments(
    paired: Any,
    years: Any,
    known: Any,
    measure: Measure,
    trust: tuple[Reliability, MonthNoises | None],
    pairs: Any = None,
) -> Any:
    """Return how far months' log gaps lie from their years', by size, against the noise of the reporters.

    With the late shares of ``pairs`` importers' months are held against what is to arrive in them.
    """
    keys = ["exporter", "importer", "hs_code", "frequency", "year"]
    x, m = nw.col(measure.exporter), nw.col(measure.importer)
    positive = (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer"))
    paired, years = nw.from_native(paired), nw.from_native(years)
    expected, spread = x, nw.lit(1.0)
    if pairs is not None:
        paired = with_other_month(paired, {"__before": measure.exporter}, back=1)
        paired = paired.join(nw.from_native(pairs), on=["exporter", "importer"], how="left")
        timing = x, nw.col("__before"), nw.col("late_share").fill_null(0.0)
        expected, own = expected_arrivals(*timing), own_part(*timing)
        spread = own * own + (1.0 - own) * (1.0 - own)
    sums = years.filter((nw.col("exporter_sum") > 0) & (nw.col("importer_sum") > 0))
    around = m.log() - expected.log() - nw.col("importer_sum").log() + nw.col("exporter_sum").log()
    months = (
        paired.filter(positive)
        .with_columns(
            nw.col("period").str.slice(0, 4).alias("year"),
            product_group().alias("product_group"),
            chapter().alias("chapter"),
        )
        .join(sums.select(*keys, "exporter_sum", "importer_sum"), on=keys, how="inner")
        .join(known, on=list(RATIO_KEYS), how="inner")
        .select(
            "exporter", "importer", "chapter",
            size_class((x.log() + m.log() - nw.col("log_ratio")) / 2).alias("size"),
            around.clip(-3.0, 3.0).alias("around"), spread.alias("spread"),
        )
    )  # fmt: skip
    square, noise = nw.col("around") * nw.col("around"), nw.col("variance")
    return (
        nw.from_native(_with_variance(months.to_native(), *trust))
        .select(
            "size", square.alias("square"), noise.alias("noise"), (noise * noise).alias("noise_noise"),
            (noise * square).alias("noise_square"),
        )
        .group_by("size")
        .agg(
            nw.len().alias("flows"),
            *[nw.col(name).sum() for name in ("square", "noise", "noise_noise", "noise_square")],
        )
        .to_native()
    )  # fmt: skip


def _months(moments: pa.Table, *, timed: MonthNoises | None) -> tuple[tuple[float, ...], float]:
    """Split what months vary by into late arrival, by size, and noise in proportion to the reporters'.

    Where noise is told from changes already, the rest is late arrival.
    """
    at = floats(moments, "size").astype(np.int64)
    n, square, noise, noise_noise, noise_square = (
        np.bincount(at, floats(moments, name), SIZES).astype(np.float64)
        for name in ("flows", "square", "noise", "noise_noise", "noise_square")
    )
    if not n.sum():
        return (_LEAST_LATE,) * SIZES, 1.0
    many = np.maximum(n, 1.0)
    spread = float((noise_noise - noise**2 / many).sum())
    slope = float((noise_square - noise * square / many).sum()) / spread if spread > 0 else 0.0
    slope = OF_YEAR if timed else min(max(slope, _LEAST_MONTH_NOISE), _MOST_MONTH_NOISE)
    least = max(timed.late if timed else 0.0, _LEAST_LATE)
    late = np.maximum(square - slope * noise, least * n)
    whole = max(late.sum() / n.sum(), _LEAST_LATE)
    return tuple(float(value) for value in (late + _HALF * whole) / (n + _HALF)), slope
