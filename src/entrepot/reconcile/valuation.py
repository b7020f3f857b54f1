"""CIF against FOB: the ratio of the two books, estimated from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.engine import with_exact_medians
from entrepot.reconcile.windows import product_group
from entrepot.schema import Valuation

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame, IntoFrameT

__all__ = ["DEFAULT_CIF_FOB", "cif_fob_ratios", "to_cif", "to_fob"]

#: Ratio where the data hold no flow with two reports. The convention of the International Monetary Fund's
#: Direction of Trade Statistics (CIF/FOB 1.06 since its 2018 methodology); used for nothing else.
DEFAULT_CIF_FOB = 1.06

#: Strength of the shrinkage of a pair to its importer, and of an importer to the whole: a pair with this many
#: flows counts half.
_SHRINK = 10.0

#: Flows with two reports from which the spread of the books is learnt.
_FEWEST_FLOWS = 30


@with_exact_medians
def cif_fob_ratios(paired: IntoFrameT) -> IntoFrameT:
    r"""Return the ratio of the importer's to the exporter's report for every pair.

    *Formula*  ln ρ_ij = w_ij · median_ij + (1 − w_ij) · ln ρ_j, with w = n / (n + 10) and medians over the
    flows that both sides report; ρ_j of the importer is shrunk to the median of all flows alike. It is the
    pair's own ratio: beside freight and insurance it holds what the importer always leaves out, which is
    what a mirror needs. A ratio of the whole under one is kept as it is.

    Parameters
    ----------
    paired
        Rows with ``exporter``, ``importer``, ``exporter_report_usd``, ``importer_report_usd``.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer. ``log_ratio``, ``spread`` (median absolute deviation of the log
        ratio over all flows, one number; null under thirty flows), ``flows`` (with two reports).

    *Missing data*: pairs without any flow reported twice have no row; see :data:`DEFAULT_CIF_FOB`.
    """
    both = nw.from_native(cast("Any", paired)).filter(
        (nw.col("exporter_report_usd") > 0) & (nw.col("importer_report_usd") > 0)
    )
    logs = both.select(
        "exporter",
        "importer",
        (nw.col("importer_report_usd") / nw.col("exporter_report_usd")).log().alias("log_ratio"),
        nw.lit(1).alias("one"),
    )
    whole = logs.group_by("one").agg(nw.col("log_ratio").median().alias("whole_median"))
    spread = (
        logs.join(whole, on="one", how="inner")
        .with_columns((nw.col("log_ratio") - nw.col("whole_median")).abs().alias("deviation"))
        .group_by("one")
        .agg(
            nw.col("deviation").median().alias("deviation"),
            nw.col("whole_median").max().alias("whole_median"),
            nw.len().alias("both"),
        )
        .with_columns(
            nw.when(nw.col("both") >= _FEWEST_FLOWS).then(nw.col("deviation")).alias("spread"),
        )
    )
    importers = logs.group_by("importer").agg(
        nw.col("log_ratio").median().alias("importer_median"), nw.len().alias("importer_flows")
    )
    pairs = logs.group_by("exporter", "importer").agg(
        nw.col("log_ratio").median().alias("pair_median"),
        nw.len().alias("flows"),
        nw.col("one").max().alias("one"),
    )
    importer_weight = nw.col("importer_flows") / (nw.col("importer_flows") + _SHRINK)
    pair_weight = nw.col("flows") / (nw.col("flows") + _SHRINK)
    return cast(
        "IntoFrameT",
        (
            pairs.join(importers, on="importer", how="inner")
            .join(spread, on="one", how="inner")
            .with_columns(
                (
                    importer_weight * nw.col("importer_median")
                    + (1.0 - importer_weight) * nw.col("whole_median")
                ).alias("importer_log_ratio")
            )
            .with_columns(
                (
                    pair_weight * nw.col("pair_median") + (1.0 - pair_weight) * nw.col("importer_log_ratio")
                ).alias("log_ratio")
            )
            .select(
                "exporter", "importer", "log_ratio", "importer_log_ratio", "whole_median", "spread", "flows"
            )
            .to_native()
        ),
    )


def to_fob(frame: IntoFrameT, ratios: IntoFrame, *, value: str = "primary_value_usd") -> IntoFrameT:
    """Put values on FOB: what is CIF is divided by the freight of its pair and product group.

    Parameters
    ----------
    frame
        Rows with ``exporter``, ``importer``, ``hs_code``, ``period``, ``valuation`` and ``value``.
    ratios
        ``RatioFit.table``, on the same engine (see :func:`entrepot.engine.place_beside`).
    value
        The column.

    Returns
    -------
    frame of the caller's kind
        The same rows, ``valuation`` fob. ``to_fob(to_cif(x))`` is x.

    *Missing data*: a pair without a ratio keeps its value and valuation: nothing is known of its freight.
    """
    return _valued(frame, ratios, value, Valuation.FOB)


def to_cif(frame: IntoFrameT, ratios: IntoFrame, *, value: str = "primary_value_usd") -> IntoFrameT:
    """Put values on CIF: what is FOB is multiplied by the freight; see :func:`to_fob`."""
    return _valued(frame, ratios, value, Valuation.CIF)


def _valued(frame: IntoFrameT, ratios: IntoFrame, value: str, wanted: Valuation) -> IntoFrameT:
    data = nw.from_native(cast("Any", frame))
    freight = nw.from_native(cast("Any", ratios)).select(
        "exporter", "importer", "product_group", "year", nw.col("log_freight").exp().alias("__freight")
    )
    joined = data.with_columns(
        product_group().alias("product_group"), nw.col("period").str.slice(0, 4).alias("year")
    ).join(freight, on=["exporter", "importer", "product_group", "year"], how="left")
    moves = (nw.col("valuation") != wanted.value) & ~nw.col("__freight").is_null()
    moved = (
        nw.col(value) * nw.col("__freight")
        if wanted is Valuation.CIF
        else nw.col(value) / nw.col("__freight")
    )
    names = data.collect_schema().names()
    return cast(
        "IntoFrameT",
        joined.with_columns(
            nw.when(moves).then(moved).otherwise(nw.col(value)).alias(value),
            nw.when(moves).then(nw.lit(wanted.value)).otherwise(nw.col("valuation")).alias("valuation"),
        )
        .select(*names)
        .to_native(),
    )
