"""The reconciled estimate of a flow: the weighted mean of both books in logs, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.changes import OF_YEAR
from entrepot.reconcile.lasting import of_other_years
from entrepot.reconcile.late import expected_arrivals, own_part, with_other_month
from entrepot.reconcile.learnt import place_sizes, with_learnt
from entrepot.reconcile.outliers import ordinary
from entrepot.reconcile.sizes import size_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from narwhals.typing import IntoFrame, IntoFrameT

    from entrepot.reconcile.fitting import MeasureFit
    from entrepot.reconcile.windows import Measure

__all__ = ["estimate_measures"]

_Z90 = 1.6448536269514722
#: No report is weighed as if it were better than this.
_LEAST = 0.005**2
#: A gap beyond this (a factor of 20) counts as this.
_FARTHEST = 3.0
#: Standard deviations at which a month's gap pulls half as much as its weight says.
_FAR = 3.5
#: A month's noise is not taken to raise the year's sum by more (logs).
_MOST_RAISED = 0.25


def estimate_measures(
    paired: IntoFrameT,
    years: IntoFrame | None,
    fits: Sequence[tuple[Measure, MeasureFit]],
    place: Callable[[pa.Table], Any],
) -> IntoFrameT:
    r"""Add to paired books the estimate of each measure.

    *Formula*  ln v = ln x + (1 − w)·G + m, with G = ln M − ln ρ − ln X the gap of the flow's calendar year
    (months that both published; of annual data the row itself) and 1 − w = p·a/(a + b) + (1 − p)·a/(a + b +
    C) the weight of the importer: p the probability that the gap is ordinary noise, C the variance of
    outliers. Of annual data this is v = x^w·(m/ρ)^(1−w). A flow is dated where it leaves: of a month's own
    gap g = ln(M/ρ) − ln((1 − l)·X + l·X_before), l the share of the pair's goods that arrive a month later,
    and of the next month's, beyond their years', only m = −E[noise of the exporter | g, g_next] is taken (see
    ``_of_two_gaps``), with a and b of months (see :func:`entrepot.reconcile.changes.month_noises`) and what l
    leaves of late arrival as a variance of the importer's.
    Noise of months raises a year's sum by (11/12)·a/2, and so far the ratio: it is taken out of g.
    A month that one side did not publish takes the year's correction all the same; a year that one side did
    not publish that of the flow's other years, times the share ψ of a gap that lasts (see
    :func:`entrepot.reconcile.lasting.lasting_share`).

    *Interval*  ln v ± 1.645·k·√V, with V = a·w² + b·(1 − w)² where both report, a where only the exporter
    does, b and the variance of ρ where only the importer does (less ψ² of what the other book would tell,
    where other years have both); for months the month's own is added.
    k, by size, makes the gaps themselves fall inside ±1.645·√(a + b) in nine cases of ten; of flows that both
    report the ordinary gaps, since their outliers are told apart.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    years
        See :func:`entrepot.reconcile.measure_years`; none for annual data.
    fits
        The measures, and what was learnt of each.
    place
        Puts a small table beside the frames.

    Returns
    -------
    frame of the caller's kind
        ``paired`` with ``<name>``, ``<name>_low``, ``<name>_high``, ``<name>_basis``, ``<name>_share``
        (weight of the exporter's report), ``<name>_log_ratio``, ``<name>_log_freight``, ``<name>_log_gap``.

    *Missing data*: one published report, or one beside a published nothing, is the estimate; a published
    nothing against something has an interval from zero; both null give null. So does a measure that
    ``fits`` have learnt nothing of, since nobody knew it of any flow.
    """
    data = with_learnt(nw.from_native(cast("Any", paired)), fits, place)
    if years is not None:
        data = _with_years(data, nw.from_native(years), [measure for measure, _ in fits])
    known = data.collect_schema().names()
    for measure, fit in fits:
        if fit.ratios.table.num_rows:
            data = _estimated(data, measure, fit, place, is_monthly=years is not None)
        else:
            data = data.with_columns(*_nothing(measure))
        known += [name for name in data.collect_schema().names() if name.startswith(f"{measure.name}")]
        data = data.select(*dict.fromkeys(known))
    kept = [name for name in known if not name.startswith("__")]
    return cast("IntoFrameT", data.select(*dict.fromkeys(kept)).drop("year", "product_group").to_native())


def _nothing(measure: Measure) -> list[nw.Expr]:
    """Return the estimate of a measure that nobody knows of any flow."""
    unknown = nw.lit(None, dtype=nw.Float64)
    ends = ("", "_low", "_high", "_share", "_ratio", "_freight", "_log_gap")
    basis = nw.lit(None, dtype=nw.String).alias(f"{measure.name}_basis")
    return [*[unknown.alias(f"{measure.name}{end}") for end in ends], basis]


def _with_years(data: Any, years: Any, measures: Sequence[Measure]) -> Any:
    """Add both books of each flow's calendar year."""
    keys = ["exporter", "importer", "hs_code", "frequency", "year"]
    sums = years.select(
        *keys,
        *[
            nw.col(f"{measure.name}_{side}_sum").alias(f"__{measure.name}_year_{side}")
            for measure in measures
            for side in ("exporter", "importer")
        ],
    )
    return data.join(sums, on=keys, how="left")


def _estimated(
    data: Any, measure: Measure, fit: MeasureFit, place: Callable[[pa.Table], Any], *, is_monthly: bool
) -> Any:
    """Add one measure's estimate; what is left on the way stands under names that begin with ``__``."""
    x, m = nw.col(measure.exporter), nw.col(measure.importer)
    learnt = {name: nw.col(f"__{measure.name}_{name}") for name in ("log_ratio", "a", "b")}
    of_year = (x, m)
    if is_monthly:
        of_year = nw.col(f"__{measure.name}_year_exporter"), nw.col(f"__{measure.name}_year_importer")
    is_abroad = nw.col("exporter") != nw.col("importer")
    data = data.with_columns(learnt["log_ratio"].exp().alias("__ratio"))
    data = data.with_columns(
        (m / nw.col("__ratio")).alias("__mirror"),
        ((of_year[0] > 0) & (of_year[1] > 0) & is_abroad).fill_null(value=False).alias("__matched"),
    )
    data = data.with_columns(*_who(x, m), *_gap_and_size(x, of_year, learnt["log_ratio"]))
    data = data.join(place_sizes(fit, place), on="__size", how="left")
    factor = nw.col("__factor")
    data = data.with_columns(
        (learnt["a"] * factor).alias("__a"), (learnt["b"] * factor).alias("__b"),
        (factor * fit.reliability.shared).alias("__shared"),
    )  # fmt: skip
    data = _with_other_years(_weighed(data), fit.lasting)
    return _finish(data, fit, measure, place, is_monthly=is_monthly)


def _gap_and_size(x: nw.Expr, of_year: tuple[nw.Expr, nw.Expr], log_ratio: nw.Expr) -> list[nw.Expr]:
    """Return the expressions of the year's gap, 0 where there is none, and of the size of the flow."""
    matched = nw.col("__matched")
    year_x, year_m = (nw.when(matched).then(amount).otherwise(1.0) for amount in of_year)
    size = size_class(_log(nw.when(x > 0).then(x).otherwise(nw.col("__mirror"))))
    return [
        ((year_m / year_x).log() - nw.when(matched).then(log_ratio).otherwise(0.0)).alias("__gap"),
        size.alias("__size"),
    ]


def _weighed(data: Any) -> Any:
    """Add the weight of the exporter, and what not knowing whether a gap is ordinary adds to the variance."""
    own = nw.col("__a") - nw.col("__shared")
    data = data.with_columns(nw.when(own > _LEAST).then(own).otherwise(_LEAST).alias("__own"))
    ordinary_gap = nw.col("__own") + nw.col("__b") + nw.col("__passed_variance")
    data = data.with_columns(
        ordinary(nw.col("__gap"), ordinary_gap, nw.col("__odds"), nw.col("__farther")).alias("__p"),
        (nw.col("__own") / ordinary_gap).alias("__pull"),
        (nw.col("__own") / (ordinary_gap + nw.col("__farther"))).alias("__far_pull"),
    )
    p, near, far = nw.col("__p"), nw.col("__pull"), nw.col("__far_pull")
    apart = (near - far) * nw.col("__gap").clip(-_FARTHEST, _FARTHEST)
    # A gap that noise cannot explain is another partner or product, not a noisy figure: it pulls less.
    return data.with_columns(
        (1.0 - p * near - (1.0 - p) * far).alias("__w"), (p * (1.0 - p) * apart * apart).alias("__doubt")
    )


def _with_other_years(data: Any, lasting: float) -> Any:
    """Add what both books of a flow are off by in years that have both, as far as it lasts.

    ``__lasts`` is the part of a gap's variance that these tell; 0 of a flow without such a year.
    """
    if not lasting:
        return data.with_columns(*[nw.lit(0.0).alias(f"__{name}") for name in ("off_x", "off_m", "lasts")])
    matched, gap, share = nw.col("__matched"), nw.col("__gap"), nw.col("__w")
    return data.with_columns(
        (lasting * of_other_years((1.0 - share) * gap, matched)).alias("__off_x"),
        (-lasting * of_other_years(share * gap, matched)).alias("__off_m"),
    ).with_columns(
        nw.when(nw.col("__off_x").is_null()).then(0.0).otherwise(lasting * lasting).alias("__lasts"),
        *[nw.col(f"__off_{side}").fill_null(0.0) for side in "xm"],
    )


def _who(x: nw.Expr, m: nw.Expr) -> list[nw.Expr]:
    """Return the expressions of who is believed: the truth table of missing and published-nothing sides."""
    has_x, has_m = ~x.is_null(), ~m.is_null()
    is_home, is_alone = nw.col("exporter") == nw.col("importer"), ~nw.col("__matched")
    is_two = has_x & has_m & ~is_home
    some_x, some_m = (x > 0).fill_null(value=False), (m > 0).fill_null(value=False)
    x_alone, m_alone = is_two & is_alone & some_x, is_two & is_alone & some_m & ~some_x
    return [
        (is_two & ~x_alone & ~m_alone).alias("__both"),
        (m_alone | (has_m & (is_home | ~has_x))).alias("__by_importer"),
        (x_alone | m_alone).alias("__alone"),
        (has_x | has_m).alias("__any"),
    ]


def _basis() -> nw.Expr:
    """Return the expression of the word for who is believed."""
    by_importer = nw.col("__by_importer")
    return (
        nw.when(nw.col("__both"))
        .then(nw.lit("both"))
        .when(nw.col("__alone") & by_importer)
        .then(nw.lit("importer_alone"))
        .when(nw.col("__alone"))
        .then(nw.lit("exporter_alone"))
        .when(by_importer)
        .then(nw.lit("importer"))
        .when(nw.col("__any"))
        .then(nw.lit("exporter"))
    )


def _finish(
    data: Any, fit: MeasureFit, measure: Measure, place: Callable[[pa.Table], Any], *, is_monthly: bool
) -> Any:
    x, m, mirror = nw.col(measure.exporter), nw.col(measure.importer), nw.col("__mirror")
    a, b, gap, share = (nw.col(name) for name in ("__a", "__b", "__gap", "__w"))
    is_both, by_importer, matched = nw.col("__both"), nw.col("__by_importer"), nw.col("__matched")
    data = (
        _with_months(data, fit, measure, place)
        if is_monthly
        else data.with_columns(nw.lit(0.0).alias("__month"))
    )
    # the year's gap holds for months that one side did not publish, too; it is 0 where there is none
    moved = (1.0 - share) * gap + nw.col("__month")
    if is_monthly:
        moved = nw.when(by_importer).then(-share * gap).otherwise(moved)
    off = nw.when(by_importer).then(nw.col("__off_m")).otherwise(nw.col("__off_x"))
    moved = nw.when(matched | nw.col("__alone")).then(moved).otherwise(off)
    b = b + nw.col("__passed_variance")
    weighted = a * share * share + b * (1.0 - share) * (1.0 - share) + nw.col("__doubt")
    pull, lasts = nw.col("__pull"), nw.when(nw.col("__alone")).then(0.0).otherwise(nw.col("__lasts"))
    of_importer = b * (1.0 - (1.0 - pull) * lasts) + nw.col(f"__{measure.name}_ratio_variance")
    alone = nw.when(by_importer).then(of_importer).otherwise(a - nw.col("__own") * pull * lasts)
    variance = nw.when(matched).then(weighted).otherwise(alone)
    if is_monthly:
        variance = variance + nw.col("__month_variance")
    wide = nw.when(matched).then(nw.col("__of_ordinary")).otherwise(nw.col("__of_all"))
    data = data.with_columns(
        (nw.when(by_importer).then(mirror).otherwise(x) * moved.exp()).alias("__value"),
        (variance.sqrt() * _Z90 * wide).exp().alias("__times"),
    )
    value, times = nw.col("__value"), nw.col("__times")
    # a month in which only the importer saw goods of a flow that both know: they may have left in it
    is_late = is_both & (value == 0) & (mirror > 0)
    has_gap = is_both & (x > 0) & (m > 0)
    own_gap = _log(mirror) - _log(x) if is_monthly else gap
    name, has_m = measure.name, ~m.is_null()
    return data.with_columns(
        value.alias(name),
        nw.when(nw.col("__alone")).then(0.0).otherwise(value / times).alias(f"{name}_low"),
        nw.when(is_late).then(mirror).otherwise(value * times).alias(f"{name}_high"),
        _basis().alias(f"{name}_basis"),
        nw.when(is_both).then(share).when(by_importer).then(0.0).otherwise(1.0).alias(f"{name}_share"),
        nw.when(has_m).then(nw.col("__ratio")).alias(f"{name}_ratio"),
        nw.when(has_m).then(nw.col(f"__{name}_freight")).alias(f"{name}_freight"),
        nw.when(has_gap).then(own_gap).alias(f"{name}_log_gap"),
    )


def _with_months(data: Any, fit: MeasureFit, measure: Measure, place: Callable[[pa.Table], Any]) -> Any:
    """Add what a month's own gap, beyond its year's, moves the estimate by, and the month's variance.

    What leaves in one month may arrive in the next, which is no error of the exporter. How much of it does
    is known by pair; the rest of late arrival is a variance on the importer's side. So a month's noise shows
    in the gap of its own month and, in part, in that of the next: both are used.
    """
    x, gap = nw.col(measure.exporter), nw.col("__gap")
    own, other = fit.month_noise * nw.col("__own"), fit.month_noise * nw.col("__b")
    raised = nw.lit(0.0)
    if fit.noises is not None:
        own = nw.col("__own") * nw.col(f"__{measure.name}_a_noise")
        other = nw.col("__b") * nw.col(f"__{measure.name}_b_noise")
        # Noise of months raises their sum, by half its variance in logs; the ratio is one of sums. It is
        # taken out where months are compared; a month of one side alone has to add up to its year.
        raised = (OF_YEAR * 0.5 * (other - own)).clip(-_MOST_RAISED, _MOST_RAISED)
    data = _with_late(data, fit, measure, place).with_columns(
        own.alias("__month_x"), other.alias("__month_m")
    )
    both = nw.col("__matched") & (x > 0) & (nw.col(measure.importer) > 0)
    part, noise = nw.col("__own_part"), nw.col("__month_x")
    data = data.with_columns(
        nw.when(both)
        .then(_log(nw.col("__mirror")) + raised - _log(nw.col("__expected")) - gap)
        .alias("__around"),
        (noise * (part * part + (1.0 - part) * (1.0 - part)) + nw.col("__month_m") + nw.col("__timed"))
        .alias("__spread"),
    )  # fmt: skip
    around, spread = nw.col("__around"), nw.col("__spread")
    score = around * around / spread
    data = data.with_columns(
        (spread * (1.0 + score * score / _FAR**4)).alias("__spread"),
        around.clip(-_FARTHEST, _FARTHEST).alias("__around"),
        (1.0 - part).alias("__part_before"),
    )
    later = {"__next": "__around", "__next_spread": "__spread", "__next_part": "__part_before"}
    if fit.timed_variances:
        data = with_other_month(data, later, back=-1)
    else:
        data = data.with_columns(*[nw.lit(None, dtype=nw.Float64).alias(name) for name in later])
    return _of_two_gaps(data)


def _with_late(data: Any, fit: MeasureFit, measure: Measure, place: Callable[[pa.Table], Any]) -> Any:
    """Add what is expected to arrive in a month by the exporter's book, and the part that left in it."""
    x = nw.col(measure.exporter)
    if fit.noises is None or not fit.timed_variances:
        return data.with_columns(x.alias("__expected"), nw.lit(1.0).alias("__own_part"))
    data = with_other_month(data, {"__before": measure.exporter}, back=1)
    data = data.join(place(fit.noises.pairs), on=["exporter", "importer"], how="left")
    is_told = nw.col("__timed") < nw.col("__late")
    late = nw.when(is_told).then(nw.col("late_share").fill_null(0.0)).otherwise(0.0)
    timing = x, nw.col("__before"), late
    return data.with_columns(
        expected_arrivals(*timing).alias("__expected"), own_part(*timing).alias("__own_part")
    ).drop("late_share")


def _of_two_gaps(data: Any) -> Any:
    """Add the best linear guess of a month's noise by its own gap and the next month's, and what it leaves.

    *Formula*  with d_t the exporter's noise of a month, r_t = −(w_t·d_t + (1 − w_t)·d_{t−1}) + that of the
    importer; cov(d_t, r_t) = −w_t·a, cov(d_t, r_{t+1}) = −(1 − w_{t+1})·a, cov(r_t, r_{t+1}) =
    (1 − w_{t+1})·w_t·a.
    """
    a, here = nw.col("__month_x"), ~nw.col("__around").is_null()
    after = ~nw.col("__next").is_null() & ~nw.col("__next_part").is_null()
    one = nw.when(here).then(a * nw.col("__own_part")).otherwise(0.0)
    two = nw.when(after).then(a * nw.col("__next_part")).otherwise(0.0)
    data = data.with_columns(
        one.alias("__one"), two.alias("__two"),
        nw.when(here).then(nw.col("__spread")).otherwise(1.0).alias("__v1"),
        nw.when(after).then(nw.col("__next_spread")).otherwise(1.0).alias("__v2"),
        nw.when(here & after).then(a * nw.col("__own_part") * nw.col("__next_part")).otherwise(0.0)
        .alias("__v12"),
    )  # fmt: skip
    one, two, v1, v2, v12 = (nw.col(f"__{name}") for name in ("one", "two", "v1", "v2", "v12"))
    whole = v1 * v2 - v12 * v12
    data = data.with_columns(
        ((one * v2 - two * v12) / whole).alias("__pull_one"),
        ((two * v1 - one * v12) / whole).alias("__pull_two"),
    )
    pull_one, pull_two = nw.col("__pull_one"), nw.col("__pull_two")
    return data.with_columns(
        (pull_one * nw.col("__around").fill_null(0.0) + pull_two * nw.col("__next").fill_null(0.0))
        .alias("__month"),
        nw.when(nw.col("__by_importer")).then(nw.col("__month_m") + nw.col("__late"))
        .otherwise(a - pull_one * one - pull_two * two).alias("__month_variance"),
    )  # fmt: skip


def _log(amount: nw.Expr) -> nw.Expr:
    """Return the logarithm, 0 where there is none; such rows are not used."""
    return nw.when(amount > 0).then(amount).otherwise(nw.lit(1.0)).log()
