"""The reconciled estimate of a flow: the weighted mean of both books in logs, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import pyarrow.compute as pc

from entrepot.reconcile.changes import OF_YEAR
from entrepot.reconcile.fitting import with_noises
from entrepot.reconcile.outliers import ordinary
from entrepot.reconcile.passage import LOG_PASSED, PASSED_VARIANCE
from entrepot.reconcile.ratios import RATIO_KEYS
from entrepot.reconcile.sizes import by_size, size_class
from entrepot.reconcile.windows import chapter, product_group

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from narwhals.typing import IntoFrame, IntoFrameT

    from entrepot.reconcile.fitting import MeasureFit
    from entrepot.reconcile.windows import Measure

__all__ = ["estimate_measure"]

_Z90 = 1.6448536269514722
#: Where neither the reporter nor the chapter is known.
_NEVER = 0.35**2
#: No report is weighed as if it were better than this.
_LEAST = 0.005**2
#: A gap beyond this (a factor of 20) counts as this.
_FARTHEST = 3.0
#: Standard deviations at which a month's gap pulls half as much as its weight says.
_FAR = 3.5
#: A month's noise is not taken to raise the year's sum by more (logs).
_MOST_RAISED = 0.25


def estimate_measure(
    paired: IntoFrameT,
    years: IntoFrame | None,
    fit: MeasureFit,
    measure: Measure,
    place: Callable[[pa.Table], Any],
) -> IntoFrameT:
    r"""Add to paired books the estimate of one measure.

    *Formula*  ln v = ln x + (1 − w)·G + m, with G = ln M − ln ρ − ln X the gap of the flow's calendar year
    (months that both published; of annual data the row itself) and 1 − w = p·a/(a + b) + (1 − p)·a/(a + b +
    C) the weight of the importer: p the probability that the gap is ordinary noise, C the variance of
    outliers. Of annual data this is v = x^w·(m/ρ)^(1−w). A flow is dated where it leaves: of a month's own
    gap g, beyond the year's, only m = g·a/(a + b + late) is taken, with a and b of months (see
    :func:`entrepot.reconcile.changes.month_noises`) and the variance of late arrival on the importer's side.
    Noise of months raises a year's sum by (11/12)·a/2, and so far the ratio: it is taken out of g.
    A month that one side did not publish takes the year's correction all the same.

    *Interval*  ln v ± 1.645·k·√V, with V = a·w² + b·(1 − w)² where both report, a where only the exporter
    does, b and the variance of ρ where only the importer does; for months the month's own is added.
    k, by size, makes the gaps themselves fall inside ±1.645·√(a + b) in nine cases of ten; of flows that both
    report the ordinary gaps, since their outliers are told apart.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    years
        See :func:`entrepot.reconcile.flow_years`, of the same measure; none for annual data.
    fit
        What was learnt of the measure.
    measure
        Which one.
    place
        Puts a small table beside the frames.

    Returns
    -------
    frame of the caller's kind
        ``paired`` with ``<name>``, ``<name>_low``, ``<name>_high``, ``<name>_basis``, ``<name>_share``
        (weight of the exporter's report), ``<name>_log_ratio``, ``<name>_log_freight``, ``<name>_log_gap``.

    *Missing data*: one published report, or one beside a published nothing, is the estimate; a published
    nothing against something has an interval from zero; both null give null.
    """
    data = _with_fit(nw.from_native(cast("Any", paired)), years, fit, place)
    x, m = nw.col(measure.exporter), nw.col(measure.importer)
    if years is None:
        both = ~x.is_null() & ~m.is_null()
        data = data.with_columns(
            nw.when(both).then(x).alias("__year_x"), nw.when(both).then(m).alias("__year_m")
        )
    data = data.with_columns(
        (m * (-nw.col("__log_ratio")).exp()).alias("__mirror"),
        ((nw.col("__year_x") > 0) & (nw.col("__year_m") > 0) & (nw.col("exporter") != nw.col("importer")))
        .fill_null(value=False)
        .alias("__matched"),
    ).with_columns(_case(x, m).alias("__case"))
    data = data.with_columns(
        size_class(_log(nw.when(x > 0).then(x).otherwise(nw.col("__mirror")))).alias("__size")
    )
    factor = by_size(fit.reliability.size_factors.tolist(), nw.col("__size"))
    data = data.with_columns(
        (nw.col("__a") * factor).alias("__a"),
        (nw.col("__b") * factor).alias("__b"),
        (_log(nw.col("__year_m")) - nw.col("__log_ratio") - _log(nw.col("__year_x"))).alias("__gap"),
    )
    data = _weighed(data, fit, factor)
    return cast("IntoFrameT", _finish(data, fit, measure, is_monthly=years is not None).to_native())


def _weighed(data: Any, fit: MeasureFit, factor: nw.Expr) -> Any:
    """Add the weight of the exporter, and what not knowing whether a gap is ordinary adds to the variance."""
    shared = factor * fit.reliability.shared
    own = nw.col("__a") - shared
    data = data.with_columns(nw.when(own > _LEAST).then(own).otherwise(_LEAST).alias("__own"))
    ordinary_gap = nw.col("__own") + nw.col("__b") + nw.col("__passed_variance")
    outliers, size = fit.reliability.outliers, nw.col("__size")
    data = data.with_columns(
        ordinary(nw.col("__gap"), ordinary_gap, size, outliers).alias("__p"),
        (nw.col("__own") / ordinary_gap).alias("__pull"),
        (nw.col("__own") / (ordinary_gap + by_size(outliers.variances, size))).alias("__far_pull"),
    )
    p, near, far = nw.col("__p"), nw.col("__pull"), nw.col("__far_pull")
    apart = (near - far) * nw.col("__gap").clip(-_FARTHEST, _FARTHEST)
    # A gap that noise cannot explain is another partner or product, not a noisy figure: it pulls less.
    return data.with_columns(
        (1.0 - p * near - (1.0 - p) * far).alias("__w"), (p * (1.0 - p) * apart * apart).alias("__doubt")
    )


def _with_fit(data: Any, years: Any, fit: MeasureFit, place: Callable[[pa.Table], Any]) -> Any:
    ratios = place(fit.ratios.table.select([*RATIO_KEYS, "log_ratio", "log_freight", "ratio_variance"]))
    ratios = ratios.rename({name: f"__{name}" for name in ("log_ratio", "log_freight", "ratio_variance")})
    data = data.with_columns(
        nw.col("period").str.slice(0, 4).alias("year"),
        chapter().alias("__chapter"),
        product_group().alias("product_group"),
    ).join(ratios, on=list(RATIO_KEYS), how="left")
    if LOG_PASSED in data.collect_schema().names():
        data = data.with_columns(
            (nw.col("__log_ratio") + nw.col(LOG_PASSED)).alias("__log_ratio"),
            nw.col(PASSED_VARIANCE).alias("__passed_variance"),
        )
    else:
        data = data.with_columns(nw.lit(0.0).alias("__passed_variance"))
    trust = fit.reliability.table
    for side, flow, name in (("exporter", "export", "__a"), ("importer", "import", "__b")):
        of_flow = trust.filter(pc.equal(trust["flow"], flow)).select(["reporter", "chapter", "variance"])
        of_side = place(with_noises(of_flow, flow, fit.noises, fit.month_noise))
        names = {"reporter": side, "chapter": "__chapter", "variance": name, "noise": f"{name}_noise"}
        data = data.join(of_side.rename(names), on=[side, "__chapter"], how="left").with_columns(
            nw.coalesce(nw.col(name), nw.lit(_NEVER)),
            nw.coalesce(nw.col(f"{name}_noise"), nw.lit(fit.month_noise)),
        )
    if years is None:
        return data
    keys = ["exporter", "importer", "hs_code", "frequency", "year"]
    sums = nw.from_native(years).select(
        *keys, nw.col("exporter_sum").alias("__year_x"), nw.col("importer_sum").alias("__year_m")
    )
    return data.join(sums, on=keys, how="left")


def _case(x: nw.Expr, m: nw.Expr) -> nw.Expr:
    """Return who is believed: the truth table of missing and published-nothing sides."""
    has_x, has_m = ~x.is_null(), ~m.is_null()
    is_home = nw.col("exporter") == nw.col("importer")
    return (
        nw.when(is_home & has_m)
        .then(nw.lit("importer"))
        .when(is_home & has_x)
        .then(nw.lit("exporter"))
        .when(has_x & has_m & (x > 0) & ~nw.col("__matched"))
        .then(nw.lit("exporter_alone"))
        .when(has_x & has_m & (m > 0) & ~nw.col("__matched"))
        .then(nw.lit("importer_alone"))
        .when(has_x & has_m)
        .then(nw.lit("both"))
        .when(has_x)
        .then(nw.lit("exporter"))
        .when(has_m)
        .then(nw.lit("importer"))
    )


def _finish(
    data: Any,
    fit: MeasureFit,
    measure: Measure,
    *,
    is_monthly: bool,
) -> Any:
    x, m, mirror = nw.col(measure.exporter), nw.col(measure.importer), nw.col("__mirror")
    a, b, gap, share = (nw.col(name) for name in ("__a", "__b", "__gap", "__w"))
    case = nw.col("__case")
    is_both, by_importer = case == "both", case.str.starts_with("importer")
    # the year's gap holds for months that one side did not publish, too
    of_year = nw.col("__matched") & ~case.str.ends_with("_alone")
    data = _with_months(data, fit, measure) if is_monthly else data.with_columns(nw.lit(0.0).alias("__month"))
    month = nw.col("__month")
    from_x = nw.when(of_year).then(x * ((1.0 - share) * gap + month).exp()).otherwise(x)
    from_m = nw.when(of_year).then(mirror * (-share * gap).exp()).otherwise(mirror)
    b = b + nw.col("__passed_variance")
    weighted = a * share * share + b * (1.0 - share) * (1.0 - share) + nw.col("__doubt")
    alone = nw.when(by_importer).then(b + nw.col("__ratio_variance")).otherwise(a)
    variance = nw.when(of_year).then(weighted).otherwise(alone)
    if is_monthly:
        variance = variance + nw.col("__month_variance")
    of_both, of_one = (by_size(k, nw.col("__size")) for k in (fit.ordinary_factors, fit.interval_factors))
    half = variance.sqrt() * _Z90 * nw.when(of_year).then(of_both).otherwise(of_one)
    data = data.with_columns(
        nw.when(by_importer).then(from_m).otherwise(from_x).alias("__value"), half.alias("__half")
    )
    value, half = nw.col("__value"), nw.col("__half")
    is_alone = case.str.ends_with("_alone")
    # a month in which only the importer saw goods of a flow that both know: they may have left in it
    is_late = is_both & (value == 0) & (mirror > 0)
    has_gap = is_both & (x > 0) & (m > 0)
    name = measure.name
    inner = [column for column in data.collect_schema().names() if column.startswith("__")]
    return data.with_columns(
        value.alias(name),
        nw.when(is_alone).then(nw.lit(0.0)).otherwise(value * (-half).exp()).alias(f"{name}_low"),
        nw.when(is_late).then(mirror).otherwise(value * half.exp()).alias(f"{name}_high"),
        case.alias(f"{name}_basis"),
        nw.when(is_both).then(share).when(by_importer).then(nw.lit(0.0)).otherwise(nw.lit(1.0))
        .alias(f"{name}_share"),
        nw.when(~m.is_null()).then(nw.col("__log_ratio").exp()).alias(f"{name}_ratio"),
        nw.when(~m.is_null()).then(nw.col("__log_freight").exp()).alias(f"{name}_freight"),
        nw.when(has_gap).then(_log(nw.col("__mirror")) - _log(x)).alias(f"{name}_log_gap"),
    ).drop(*inner, "year", "product_group")  # fmt: skip


def _with_months(data: Any, fit: MeasureFit, measure: Measure) -> Any:
    """Add what a month's own gap, beyond its year's, moves the estimate by, and the month's variance.

    What leaves in one month may arrive in the next, which is no error of the exporter: the variance of
    late arrival stands on the importer's side.
    """
    x, m, gap = nw.col(measure.exporter), nw.col(measure.importer), nw.col("__gap")
    own, other = fit.month_noise * nw.col("__own"), fit.month_noise * nw.col("__b")
    if fit.noises is not None:
        own, other = nw.col("__own") * nw.col("__a_noise"), nw.col("__b") * nw.col("__b_noise")
        # Noise of months raises their sum, by half its variance in logs; the ratio is one of sums. It is
        # taken out where months are compared; a month of one side alone has to add up to its year.
        raised = (OF_YEAR * 0.5 * (other - own)).clip(-_MOST_RAISED, _MOST_RAISED)
        data = data.with_columns(raised.alias("__raised"))
    else:
        data = data.with_columns(nw.lit(0.0).alias("__raised"))
    late = by_size(fit.month_variances, nw.col("__size"))
    both = nw.col("__matched") & (x > 0) & (m > 0)
    data = data.with_columns(
        nw.when(both)
        .then(_log(nw.col("__mirror")) + nw.col("__raised") - _log(x) - gap)
        .otherwise(0.0)
        .alias("__around"),
        own.alias("__month_x"),
        (other + late).alias("__month_m"),
    )
    own, other, around = nw.col("__month_x"), nw.col("__month_m"), nw.col("__around")
    score = around * around / (own + other)
    pull = own / (own + other) / (1.0 + score * score / _FAR**4)
    data = data.with_columns(nw.when(both).then(pull).otherwise(0.0).fill_null(0.0).alias("__month_pull"))
    pull = nw.col("__month_pull")
    by_importer = nw.col("__case").str.starts_with("importer")
    return data.with_columns(
        (pull * around.clip(-_FARTHEST, _FARTHEST)).fill_null(0.0).alias("__month"),
        nw.when(by_importer).then(other).otherwise(own * (1.0 - pull) * (1.0 - pull) + other * pull * pull)
        .alias("__month_variance"),
    )  # fmt: skip


def _log(amount: nw.Expr) -> nw.Expr:
    """Return the logarithm, 0 where there is none; such rows are not used."""
    return nw.when(amount > 0).then(amount).otherwise(nw.lit(1.0)).log()
