"""Flows that their publisher reconciled (BACI): one figure of both sides' books, taken as it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.books import Book, summed
from entrepot.reconcile.exporter_first import interval_factor
from entrepot.schema import RECONCILED, PartnerConcept, RowRole

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["published_flows"]


def published_flows(reports: IntoFrameT) -> IntoFrameT:
    """Return one row per flow from rows whose publisher has reconciled both books already.

    Use it on a publisher's rows alone, never beside reports: the publisher's figure is made of the same
    reports, and a second time would count as evidence.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level and one revision; rows of other concepts than ``reconciled``
        are left out. Any frame that Narwhals accepts; nothing is executed on a lazy one.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``core__reconciled``, ``basis`` publisher. The figure stands in
        ``exporter_report_usd`` too, the book that analyses read; ``importer_report_usd`` and
        ``cif_fob_ratio`` are null, so that no flow has two books. ``low_usd`` to ``high_usd`` is the 90%
        interval of one book at the default spread: publishers say nothing of their error.

    *Missing data*: only positive flows are published. A flow without a row is null to a reader, and a zero
    to an analysis that takes the exporter as having published the period.
    """
    data = nw.from_native(cast("Any", reports)).filter(
        (nw.col("partner_concept") == PartnerConcept.RECONCILED.value)
        & (nw.col("role") == RowRole.LEAF.value)
    )
    cells = summed(
        data.rename({"reporter": "exporter", "partner": "importer"}),
        Book("value_usd", "net_weight_kg", "quantity"),
    )
    factor = interval_factor()
    missing = nw.when(nw.col("value_usd") < 0).then(nw.col("value_usd"))  # a null of the engine's float
    flows = cells.with_columns(
        (nw.col("value_usd") * math.exp(-factor)).alias("low_usd"),
        (nw.col("value_usd") * math.exp(factor)).alias("high_usd"),
        nw.col("value_usd").alias("exporter_report_usd"),
        missing.alias("importer_report_usd"),
        missing.alias("cif_fob_ratio"),
        nw.lit("publisher").alias("basis"),
        nw.lit(1.0).alias("exporter_share"),
        missing.alias("freight_ratio"),
        missing.alias("log_gap"),
        nw.col("net_weight_kg").alias("exporter_weight_kg"),
        missing.alias("importer_weight_kg"),
        nw.col("quantity").alias("exporter_quantity"),
        nw.col("quantity_unit").alias("exporter_quantity_unit"),
        missing.alias("importer_quantity"),
        missing.alias("exporter_allocated_usd"),
        missing.alias("importer_allocated_usd"),
        missing.alias("importer_passed_usd"),
        nw.lit(None, dtype=nw.String).alias("importer_quantity_unit"),
    )
    return cast("IntoFrameT", flows.select(*RECONCILED.columns).to_native())
