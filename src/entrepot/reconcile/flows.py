"""One flow out of two reports (first form): the exporter's book, the mirror where that is missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.books import (
    CELL,
    NEVER_ENDS,
    consignment_pairs,
    exporter_book,
    importer_book,
    reporting_calendar,
)
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB, cif_fob_ratios
from entrepot.schema import RECONCILED, FlowKind

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["interval_factor", "pair_books", "reconcile", "reconcile_books"]

_MAD_TO_SD = 1.4826
_Z90 = 1.6448536269514722

#: Standard deviation of the log gap between the books where the data hold too few flows with two reports.
_DEFAULT_SPREAD = 0.5


def interval_factor() -> float:
    """Return the log half-width of the 90% interval of one book where no spread can be learnt."""
    return _DEFAULT_SPREAD * _Z90 / math.sqrt(2.0)


def reconcile(reports: IntoFrameT) -> IntoFrameT:
    """Return one row per flow, on FOB, from the reports of both sides.

    The exporter's report counts where the exporter published the period, also when it says nothing (that
    is a zero); where the exporter did not publish, the importer's report, put on FOB with the pair's own
    ratio, stands in. Imports are booked by country of origin, so goods that passed a hub stand under their
    origin in the importer's book: another reason to prefer the exporter's.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level and one vintage (see ``Lake``), any frame that Narwhals
        accepts. Nothing is executed on a lazy frame.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``core__reconciled``. ``low_usd`` to ``high_usd`` is a 90% interval from the
        spread of the two books: that of one book (spread / √2) for an exporter's report, the whole spread
        for a mirror.

    *Missing data*: ``exporter_report_usd`` is null where the exporter did not publish the period and zero
    where it published and has no row; the same for ``importer_report_usd``. A pair that the importer
    reports by country of consignment alone (members of the European Union among themselves, as long as
    both are) has none by origin: null. A flow that nobody published has no row.
    """
    paired = pair_books(reports)
    return reconcile_books(paired, cif_fob_ratios(paired))


def reconcile_books(paired: IntoFrameT, ratios: IntoFrameT) -> IntoFrameT:
    """Return one row per flow from paired books: the last step of :func:`reconcile`.

    Parameters
    ----------
    paired
        See :func:`pair_books`.
    ratios
        See :func:`entrepot.reconcile.cif_fob_ratios`.

    Returns
    -------
    frame of the caller's kind
        Columns of ``core__reconciled``.
    """
    with_ratio = _with_ratio(nw.from_native(cast("Any", paired)), nw.from_native(cast("Any", ratios)))
    spread = nw.col("spread")
    has_exporter = ~nw.col("exporter_report_usd").is_null()
    mirror = nw.col("importer_report_usd") / nw.col("cif_fob_ratio")
    value = nw.when(has_exporter).then(nw.col("exporter_report_usd")).otherwise(mirror)
    half_width = nw.when(has_exporter).then(spread * (_Z90 / math.sqrt(2.0))).otherwise(spread * _Z90)
    weight = nw.when(has_exporter).then(nw.col("exporter_weight_kg")).otherwise(nw.col("importer_weight_kg"))
    return cast(
        "IntoFrameT",
        (
            with_ratio.with_columns(
                value.alias("value_usd"), half_width.alias("half_width"), weight.alias("net_weight_kg")
            )
            .with_columns(
                (nw.col("value_usd") * (-nw.col("half_width")).exp()).alias("low_usd"),
                (nw.col("value_usd") * nw.col("half_width").exp()).alias("high_usd"),
                nw.when(has_exporter).then(nw.lit("exporter")).otherwise(nw.lit("importer")).alias("basis"),
                nw.when(~nw.col("importer_report_usd").is_null())
                .then(nw.col("cif_fob_ratio"))
                .alias("cif_fob_ratio"),
            )
            .select(*RECONCILED.columns)
            .to_native()
        ),
    )


def pair_books(reports: IntoFrameT) -> IntoFrameT:
    """Return both books side by side: the first step of :func:`reconcile`.

    On an engine keep the result before going on (``Engine.keep``): the next steps read it several times.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × hs_code × frequency × period. Both reports, nulls turned to zeros
        where
        the side published the period, and both weights.
    """
    exports = nw.from_native(cast("Any", exporter_book(reports)))
    imports = nw.from_native(cast("Any", importer_book(reports)))
    calendar = nw.from_native(cast("Any", reporting_calendar(reports)))
    keys = list(CELL)
    joined = exports.join(imports, on=keys, how="full", suffix="_right").with_columns(
        *[nw.coalesce(nw.col(key), nw.col(f"{key}_right")).alias(key) for key in keys]
    )
    for side, flow in (("exporter", FlowKind.EXPORT), ("importer", FlowKind.IMPORT)):
        published = calendar.filter(nw.col("flow") == flow.value).select(
            nw.col("area").alias(side), "frequency", "period", nw.lit(0.0).alias(f"{side}_zero")
        )
        joined = joined.join(published, on=[side, "frequency", "period"], how="left")
        zero = nw.col(f"{side}_zero")
        if side == "importer":
            silent = nw.from_native(cast("Any", consignment_pairs(reports)))
            joined = joined.join(silent, on=["exporter", "importer", "frequency"], how="left").with_columns(
                nw.col("silent_before").fill_null(""), nw.col("silent_after").fill_null(NEVER_ENDS)
            )
            period = nw.col("period")
            is_heard = (period >= nw.col("silent_before")) & (period <= nw.col("silent_after"))
            zero = nw.when(is_heard).then(zero)
        # a report without a calendar entry cannot be: the calendar is made of the reports
        joined = joined.with_columns(
            nw.coalesce(nw.col(f"{side}_report_usd"), zero).alias(f"{side}_report_usd")
        )
    return cast(
        "IntoFrameT",
        joined.select(
            *keys, "exporter_report_usd", "exporter_weight_kg", "importer_report_usd", "importer_weight_kg"
        ).to_native(),
    )


def _with_ratio(paired: Any, ratios: Any) -> Any:
    """Attach to every flow the ratio of its pair, else of its importer, else of all flows."""
    by_pair = ratios.select("exporter", "importer", nw.col("log_ratio").alias("pair_log_ratio"))
    by_importer = ratios.group_by("importer").agg(nw.col("importer_log_ratio").max())
    whole = (
        ratios.select(nw.lit(1).alias("one"), "whole_median", "spread")
        .group_by("one")
        .agg(nw.col("whole_median").max(), nw.col("spread").max())
    )
    log_ratio = nw.coalesce(
        nw.col("pair_log_ratio"),
        nw.col("importer_log_ratio"),
        nw.col("whole_median"),
        nw.lit(math.log(DEFAULT_CIF_FOB)),
    )
    return (
        paired.with_columns(nw.lit(1).alias("one"))
        .join(by_pair, on=["exporter", "importer"], how="left")
        .join(by_importer, on="importer", how="left")
        .join(whole, on="one", how="left")
        .with_columns(
            log_ratio.exp().alias("cif_fob_ratio"),
            nw.coalesce(nw.col("spread") * _MAD_TO_SD, nw.lit(_DEFAULT_SPREAD)).alias("spread"),
        )
        .drop("one")
    )
