"""One flow out of two reports, the exporter's first: the mirror only where that book is missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.valuation import DEFAULT_CIF_FOB
from entrepot.schema import RECONCILED

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["interval_factor", "reconcile_books", "with_pair_ratio"]

_MAD_TO_SD = 1.4826
_Z90 = 1.6448536269514722

#: Standard deviation of the log gap between the books where the data hold too few flows with two reports.
_DEFAULT_SPREAD = 0.5


def interval_factor() -> float:
    """Return the log half-width of the 90% interval of one book where no spread can be learnt."""
    return _DEFAULT_SPREAD * _Z90 / math.sqrt(2.0)


def reconcile_books(paired: IntoFrameT, ratios: IntoFrameT) -> IntoFrameT:
    """Return one row per flow from paired books, the exporter's report wherever it published the period.

    This is the rule for questions about hubs: goods that passed a hub stand under their origin in the
    importer's book, and what a hub does not declare is a signal that a mean would take away.

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
    with_ratio = with_pair_ratio(nw.from_native(cast("Any", paired)), nw.from_native(cast("Any", ratios)))
    spread = nw.col("spread")
    has_exporter = ~nw.col("exporter_report_usd").is_null()
    mirror = nw.col("importer_report_usd") / nw.col("cif_fob_ratio")
    value = nw.when(has_exporter).then(nw.col("exporter_report_usd")).otherwise(mirror)
    half_width = nw.when(has_exporter).then(spread * (_Z90 / math.sqrt(2.0))).otherwise(spread * _Z90)
    weight, quantity, unit = (
        nw.when(has_exporter).then(nw.col(f"exporter_{name}")).otherwise(nw.col(f"importer_{name}"))
        for name in ("weight_kg", "quantity", "quantity_unit")
    )
    return cast(
        "IntoFrameT",
        (
            with_ratio.with_columns(
                value.alias("value_usd"),
                half_width.alias("half_width"),
                weight.alias("net_weight_kg"),
                quantity.alias("quantity"),
                unit.alias("quantity_unit"),
            )
            .with_columns(
                (nw.col("value_usd") * (-nw.col("half_width")).exp()).alias("low_usd"),
                (nw.col("value_usd") * nw.col("half_width").exp()).alias("high_usd"),
                nw.when(has_exporter).then(nw.lit("exporter")).otherwise(nw.lit("importer")).alias("basis"),
                nw.when(~nw.col("importer_report_usd").is_null())
                .then(nw.col("cif_fob_ratio"))
                .alias("cif_fob_ratio"),
                nw.when(has_exporter).then(nw.lit(1.0)).otherwise(nw.lit(0.0)).alias("exporter_share"),
                nw.lit(None, dtype=nw.Float64).alias("freight_ratio"),
                _log_gap().alias("log_gap"),
                nw.lit(None, dtype=nw.Float64).alias("importer_passed_usd"),
            )
            .select(*RECONCILED.columns)
            .to_native()
        ),
    )


def _log_gap() -> nw.Expr:
    """Return the log of the mirror, on the exporter's scale, over the exporter's report."""
    x, m = nw.col("exporter_report_usd"), nw.col("importer_report_usd")
    is_both = (x > 0) & (m > 0)
    ratio = nw.when(is_both).then(m).otherwise(1.0) / nw.when(is_both).then(x).otherwise(1.0)
    return nw.when(is_both).then(ratio.log() - nw.col("cif_fob_ratio").log())


def with_pair_ratio(paired: Any, ratios: Any) -> Any:
    """Attach to every flow the ratio of its pair, else of its importer, else of all flows.

    Parameters
    ----------
    paired
        Paired books as a Narwhals frame.
    ratios
        See :func:`entrepot.reconcile.cif_fob_ratios`, as a Narwhals frame.

    Returns
    -------
    Narwhals frame
        ``paired`` with ``cif_fob_ratio`` and ``spread``.
    """
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
