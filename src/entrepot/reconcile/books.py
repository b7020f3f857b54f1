"""The two books of trade: what exporters report, what importers report, and who published when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.schema import FlowKind, PartnerConcept, RowRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = [
    "CELL",
    "NEVER_ENDS",
    "consignment_pairs",
    "exporter_book",
    "importer_book",
    "reporting_calendar",
    "summed",
]

#: What identifies a flow in both books.
CELL = ("exporter", "importer", "hs_code", "frequency", "period")

#: Text after all periods.
NEVER_ENDS = "~"


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
        ``exporter_weight_kg``, ``exporter_quantity`` and its unit.

    Missing data: a flow without a row has none here; whether that is a zero says the calendar.
    """
    data = nw.from_native(cast("Any", reports)).filter(_is_export())
    return cast(
        "IntoFrameT",
        summed(
            data.rename({"reporter": "exporter", "partner": "importer"}),
            "exporter_report_usd",
            "exporter_weight_kg",
            "exporter_quantity",
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
        ``importer_weight_kg``, ``importer_quantity`` and its unit.
    """
    data = nw.from_native(cast("Any", reports)).filter(_is_import())
    return cast(
        "IntoFrameT",
        summed(
            data.rename({"reporter": "importer", "partner": "exporter"}),
            "importer_report_usd",
            "importer_weight_kg",
            "importer_quantity",
        ).to_native(),
    )


def reporting_calendar(reports: IntoFrameT, *, by: Sequence[str] = ()) -> IntoFrameT:
    """Return who published what when: not reported is not zero.

    Parameters
    ----------
    reports
        Rows of ``core__flow``.
    by
        Further columns that publications are told apart by, such as ``source``.

    Returns
    -------
    frame of the caller's kind
        **Grain**: area × flow (``export``, ``import``) × frequency × period (× ``by``) that has been
        published, that is, has at least one row in its book. A world total, or imports by country of
        consignment, say nothing about one partner and are no publication here.
    """
    data = nw.from_native(cast("Any", reports)).filter(_is_export() | _is_import())
    keys = ("area", "flow", "frequency", "period", *by)
    return cast(
        "IntoFrameT",
        (
            data.rename({"reporter": "area"})
            .select(*keys)
            .group_by(*keys)
            .agg(nw.len().alias("rows"))
            .drop("rows")
            .to_native()
        ),
    )


def consignment_pairs(reports: IntoFrameT) -> IntoFrameT:
    """Return the pairs that the importer reports by country of consignment, and when it does so alone.

    So are the imports of a member of the European Union from the others, as long as both are members. Of
    such a pair the importer says nothing by origin, and its silence is no zero.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × frequency. ``silent_before``: the first period by origin, where all
        by consignment came up to it; ``silent_after``: the last one, where all came from it on. A pair
        without any by origin is silent before ``~``, that is, always; one whose two kinds of report stand
        side by side is silent never.
    """
    period = nw.col("period")
    is_origin = nw.col("partner_concept") == PartnerConcept.ORIGIN.value
    data = nw.from_native(cast("Any", reports)).filter(
        (nw.col("flow") == FlowKind.IMPORT.value) & (nw.col("role") == RowRole.LEAF.value)
    )
    ends = (
        data.select(
            nw.col("partner").alias("exporter"),
            nw.col("reporter").alias("importer"),
            "frequency",
            nw.when(is_origin).then(period).alias("origin"),
            nw.when(~is_origin).then(period).alias("consignment"),
        )
        .group_by("exporter", "importer", "frequency")
        .agg(
            nw.col("origin").min().alias("first_origin"),
            nw.col("origin").max().alias("last_origin"),
            nw.col("consignment").min().alias("first"),
            nw.col("consignment").max().alias("last"),
        )
        .filter(~nw.col("first").is_null())
        .with_columns(
            nw.col("first_origin").fill_null(NEVER_ENDS), nw.col("last_origin").fill_null(NEVER_ENDS)
        )
    )
    # Both kinds in one period alone are the year of the change.
    begins_so = nw.col("last") <= nw.col("first_origin")
    ends_so = nw.col("first") >= nw.col("last_origin")
    return cast(
        "IntoFrameT",
        ends.select(
            "exporter",
            "importer",
            "frequency",
            nw.when(begins_so).then(nw.col("first_origin")).otherwise(nw.lit("")).alias("silent_before"),
            nw.when(ends_so).then(nw.col("last_origin")).otherwise(nw.lit(NEVER_ENDS)).alias("silent_after"),
        ).to_native(),
    )


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


def summed(data: Any, value: str, weight: str, quantity: str) -> Any:
    """Return values, weights and quantities summed by cell; the last two only where every part has one.

    A partial weight beside a full value would make a wrong unit value. Quantities of several units do not
    add up, and are null.

    Parameters
    ----------
    data
        Rows of one book under the names of the cell; they may lack ``quantity`` and ``quantity_unit``.
    value, weight, quantity
        Names of the sums; the quantity's unit is ``<quantity>_unit``.
    """
    sums = [
        nw.col("primary_value_usd").sum().alias(value),
        nw.col("net_weight_kg").sum().alias("__weight"),
        nw.col("net_weight_kg").count().alias("__weighed"),
        nw.len().alias("__rows"),
    ]
    missing = nw.lit(None, dtype=nw.Float64), nw.lit(None, dtype=nw.String)
    known: tuple[nw.Expr, nw.Expr] = missing
    if {"quantity", "quantity_unit"} <= set(data.collect_schema().names()):
        sums += [
            nw.col("quantity").sum().alias("__quantity"),
            nw.col("quantity").count().alias("__counted"),
            nw.col("quantity_unit").min().alias("__unit"),
            nw.col("quantity_unit").max().alias("__other_unit"),
        ]
        is_whole = (nw.col("__counted") == nw.col("__rows")) & (nw.col("__unit") == nw.col("__other_unit"))
        known = nw.when(is_whole).then(nw.col("__quantity")), nw.when(is_whole).then(nw.col("__unit"))
    return (
        data.group_by(*CELL)
        .agg(*sums)
        .with_columns(
            nw.when(nw.col("__weighed") == nw.col("__rows")).then(nw.col("__weight")).alias(weight),
            known[0].alias(quantity),
            known[1].alias(f"{quantity}_unit"),
        )
        .select(*CELL, value, weight, quantity, f"{quantity}_unit")
    )
