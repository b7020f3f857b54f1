"""The two books of trade: what exporters report, what importers report, and who published when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.schema import FlowKind, PartnerConcept, RowRole

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["CELL", "consignment_pairs", "exporter_book", "importer_book", "reporting_calendar"]

#: What identifies a flow in both books.
CELL = ("exporter", "importer", "hs_code", "frequency", "period")


def exporter_book(reports: IntoFrameT) -> IntoFrameT:
    """Return what exporters report.

    Exports contain re-exports and domestic exports, which are therefore left out. Rows that their publisher
    reconciled are no exporter's report: see :func:`entrepot.reconcile.published_flows`.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × hs_code × frequency × period. ``exporter_report_usd`` (USD, FOB),
        ``exporter_weight_kg``.

    Missing data: a flow without a row has none here; whether that is a zero says the calendar.
    """
    data = nw.from_native(cast("Any", reports)).filter(_is_export())
    return cast(
        "IntoFrameT",
        _summed(
            data.rename({"reporter": "exporter", "partner": "importer"}),
            "exporter_report_usd",
            "exporter_weight_kg",
        ).to_native(),
    )


def importer_book(reports: IntoFrameT) -> IntoFrameT:
    """Return what importers report, by country of origin, as published (CIF where the publisher says so).

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level. Imports by country of consignment are another concept and
        are left out.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × hs_code × frequency × period. ``importer_report_usd`` (USD),
        ``importer_weight_kg``.
    """
    data = nw.from_native(cast("Any", reports)).filter(_is_import())
    return cast(
        "IntoFrameT",
        _summed(
            data.rename({"reporter": "importer", "partner": "exporter"}),
            "importer_report_usd",
            "importer_weight_kg",
        ).to_native(),
    )


def reporting_calendar(reports: IntoFrameT) -> IntoFrameT:
    """Return who published what when: not reported is not zero.

    Returns
    -------
    frame of the caller's kind
        **Grain**: area × flow (``export``, ``import``) × frequency × period that has been published, that
        is, has at least one row in its book. A world total, or imports by country of consignment, say
        nothing about one partner and are no publication here.
    """
    data = nw.from_native(cast("Any", reports)).filter(_is_export() | _is_import())
    return cast(
        "IntoFrameT",
        (
            data.select(nw.col("reporter").alias("area"), "flow", "frequency", "period")
            .group_by("area", "flow", "frequency", "period")
            .agg(nw.len().alias("rows"))
            .drop("rows")
            .to_native()
        ),
    )


def consignment_pairs(reports: IntoFrameT) -> IntoFrameT:
    """Return the pairs that the importer reports by country of consignment alone.

    So are the imports of a member of the European Union from the others. Of such a pair the importer says
    nothing by origin, and its silence is no zero.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × frequency.
    """
    data = nw.from_native(cast("Any", reports)).filter(
        (nw.col("flow") == FlowKind.IMPORT.value) & (nw.col("role") == RowRole.LEAF.value)
    )
    is_origin = nw.col("partner_concept") == PartnerConcept.ORIGIN.value
    counted = (
        data.select(
            nw.col("partner").alias("exporter"),
            nw.col("reporter").alias("importer"),
            "frequency",
            nw.when(is_origin).then(nw.lit(1)).otherwise(nw.lit(0)).alias("by_origin"),
        )
        .group_by("exporter", "importer", "frequency")
        .agg(nw.col("by_origin").max())
        .filter(nw.col("by_origin") == 0)
    )
    return cast("IntoFrameT", counted.select("exporter", "importer", "frequency").to_native())


def _is_export() -> nw.Expr:
    return (
        (nw.col("flow") == FlowKind.EXPORT.value)
        & (nw.col("role") == RowRole.LEAF.value)
        & (nw.col("partner_concept") != PartnerConcept.RECONCILED.value)
    )


def _is_import() -> nw.Expr:
    return (
        (nw.col("flow") == FlowKind.IMPORT.value)
        & (nw.col("role") == RowRole.LEAF.value)
        & (nw.col("partner_concept") == PartnerConcept.ORIGIN.value)
    )


def _summed(data: Any, value: str, weight: str) -> Any:
    """Sum values and weights by cell; a weight is known only where every part of it is.

    A partial weight beside a full value would make a wrong unit value.
    """
    return (
        data.group_by(*CELL)
        .agg(
            nw.col("primary_value_usd").sum().alias(value),
            nw.col("net_weight_kg").sum().alias("__weight"),
            nw.col("net_weight_kg").count().alias("__weighed"),
            nw.len().alias("__rows"),
        )
        .with_columns(nw.when(nw.col("__weighed") == nw.col("__rows")).then(nw.col("__weight")).alias(weight))
        .drop("__weight", "__weighed", "__rows")
    )
