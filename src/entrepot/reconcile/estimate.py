"""The reconciled estimate of a flow: the weighted mean of both books in logs, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import pyarrow.compute as pc

from entrepot.reconcile.ratios import RATIO_KEYS
from entrepot.reconcile.reliability import by_size, size_class
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
#: Standard deviations at which a gap pulls half as much as its weight says.
_FAR = 2.5


def estimate_measure(
    paired: IntoFrameT,
    years: IntoFrame | None,
    fit: MeasureFit,
    measure: Measure,
    place: Callable[[pa.Table], Any],
) -> IntoFrameT:
    r"""Add to paired books the estimate of one measure.

    *Formula*  ln v = ln x + (1 − w)·G, with G = ln M − ln ρ − ln X the gap of the flow's calendar year
    (months that both published; of annual data the row itself) and w = b/(a + b) the weight of the
    exporter. The months are the exporter's: a flow is dated where it leaves. Of annual data this is
    v = x^w·(m/ρ)^(1−w).

    *Interval*  ln v ± 1.645·k·√V, with V = a·b/(a + b) where both report, a where only the exporter does,
    b and the variance of ρ where only the importer does; for months the irregularity of a month is added.
    k, by size, makes the gaps themselves fall inside ±1.645·√(a + b) in nine cases of ten.

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
    shared = factor * fit.reliability.shared
    a = nw.when(nw.col("__a") - shared > _LEAST).then(nw.col("__a") - shared).otherwise(_LEAST)
    data = data.with_columns(
        (nw.col("__b") / (a + nw.col("__b"))).alias("__w"),
        (nw.col("__gap") * nw.col("__gap") / (a + nw.col("__b"))).alias("__score"),
    )
    # A gap that noise cannot explain is another partner or product, not a noisy figure: it pulls less.
    doubt = 1.0 + nw.col("__score") * nw.col("__score") / _FAR**4
    data = data.with_columns((1.0 - (1.0 - nw.col("__w")) / doubt).alias("__w"))
    return cast("IntoFrameT", _finish(data, fit, measure, is_monthly=years is not None).to_native())


def _with_fit(data: Any, years: Any, fit: MeasureFit, place: Callable[[pa.Table], Any]) -> Any:
    ratios = place(fit.ratios.table.select([*RATIO_KEYS, "log_ratio", "log_freight", "ratio_variance"]))
    ratios = ratios.rename({name: f"__{name}" for name in ("log_ratio", "log_freight", "ratio_variance")})
    data = data.with_columns(
        nw.col("period").str.slice(0, 4).alias("year"),
        chapter().alias("__chapter"),
        product_group().alias("product_group"),
    ).join(ratios, on=list(RATIO_KEYS), how="left")
    trust = fit.reliability.table
    for side, flow, name in (("exporter", "export", "__a"), ("importer", "import", "__b")):
        of_side = place(
            trust.filter(pc.equal(trust["flow"], flow)).select(["reporter", "chapter", "variance"])
        )
        of_side = of_side.rename({"reporter": side, "chapter": "__chapter", "variance": name})
        data = data.join(of_side, on=[side, "__chapter"], how="left").with_columns(
            nw.coalesce(nw.col(name), nw.lit(_NEVER))
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


def _finish(data: Any, fit: MeasureFit, measure: Measure, *, is_monthly: bool) -> Any:
    x, mirror = nw.col(measure.exporter), nw.col("__mirror")
    a, b, gap, share = (nw.col(name) for name in ("__a", "__b", "__gap", "__w"))
    is_both, by_importer = nw.col("__case") == "both", nw.col("__case").str.starts_with("importer")
    value = nw.when(by_importer).then(mirror).when(is_both).then(x * ((1.0 - share) * gap).exp()).otherwise(x)
    month_x, month_m = _month_variances(fit, a) if is_monthly else (nw.lit(0.0), nw.lit(0.0))
    variance = (
        nw.when(by_importer)
        .then(b + nw.col("__ratio_variance") + month_m)
        .when(is_both)
        .then(a * share * share + b * (1.0 - share) * (1.0 - share) + month_x)
        .otherwise(a + month_x)
    )
    half = variance.sqrt() * _Z90 * by_size(fit.interval_factors, nw.col("__size"))
    is_alone = nw.col("__case").str.ends_with("_alone")
    data = data.with_columns(value.alias("__value"), half.alias("__half"))
    value, half = nw.col("__value"), nw.col("__half")
    # a month in which only the importer saw goods of a flow that both know: they may have left in it
    is_late = is_both & (value == 0) & (mirror > 0)
    has_gap = is_both & (nw.col(measure.exporter) > 0) & (nw.col(measure.importer) > 0)
    name = measure.name
    inner = [column for column in data.collect_schema().names() if column.startswith("__")]
    return data.with_columns(
        value.alias(name),
        nw.when(is_alone).then(nw.lit(0.0)).otherwise(value * (-half).exp()).alias(f"{name}_low"),
        nw.when(is_late).then(mirror).otherwise(value * half.exp()).alias(f"{name}_high"),
        nw.col("__case").alias(f"{name}_basis"),
        nw.when(is_both).then(share).when(by_importer).then(nw.lit(0.0)).otherwise(nw.lit(1.0))
        .alias(f"{name}_share"),
        nw.when(~nw.col(measure.importer).is_null()).then(nw.col("__log_ratio").exp()).alias(f"{name}_ratio"),
        nw.when(~nw.col(measure.importer).is_null()).then(nw.col("__log_freight").exp())
        .alias(f"{name}_freight"),
        nw.when(has_gap).then(_log(mirror) - _log(x)).alias(f"{name}_log_gap"),
    ).drop(*inner, "year", "product_group")  # fmt: skip


def _month_variances(fit: MeasureFit, a: nw.Expr) -> tuple[nw.Expr, nw.Expr]:
    """Split what months add: the exporter's months vary as its years do, the rest is late arrival."""
    month = by_size(fit.month_variances, nw.col("__size"))
    most = month / 2
    of_exporter = nw.when(a < most).then(a).otherwise(most)
    return of_exporter, month - of_exporter


def _log(amount: nw.Expr) -> nw.Expr:
    """Return the logarithm, 0 where there is none; such rows are not used."""
    return nw.when(amount > 0).then(amount).otherwise(nw.lit(1.0)).log()
