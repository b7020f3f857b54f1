"""The two books of trade: what exporters report, what importers report, and who published when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.schema import FlowKind, PartnerConcept, RowRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = [
    "CELL",
    "NEVER_ENDS",
    "Book",
    "both_books",
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


@dataclass(frozen=True, slots=True)
class Book:
    """One book of the reports: what its sums are called.

    Attributes
    ----------
    value, weight, quantity
        Names of the sums; the quantity's unit is ``<quantity>_unit``.
    of
        Which rows are in the book; all where it is not said.
    """

    value: str
    weight: str
    quantity: str
    of: nw.Expr | None = None

    def parts(self, *, has_quantities: bool) -> list[nw.Expr]:
        """Return the expressions of what a row gives to the book; null where it is of another."""
        taken = {"usd": nw.col("primary_value_usd"), "kg": nw.col("net_weight_kg"), "row": nw.lit(1)}
        if has_quantities:
            taken |= {"amount": nw.col("quantity"), "unit": nw.col("quantity_unit")}
        return [
            (column if self.of is None else nw.when(self.of).then(column)).alias(self._part(name))
            for name, column in taken.items()
        ]

    def sums(self, *, has_quantities: bool) -> list[nw.Expr]:
        """Return the expressions of what the rows of a cell add up to."""
        usd, kg, row, amount, unit = (
            nw.col(self._part(name)) for name in ("usd", "kg", "row", "amount", "unit")
        )
        sums = [
            usd.sum(), kg.sum(), kg.count().alias(self._part("weighed")), row.count(),
        ]  # fmt: skip
        if has_quantities:
            sums += [
                amount.sum(), amount.count().alias(self._part("counted")),
                unit.min(), unit.max().alias(self._part("other_unit")),
            ]  # fmt: skip
        return sums

    def columns(self, *, has_quantities: bool) -> list[nw.Expr]:
        """Return the expressions of the book's columns from its sums; null where it has no row."""
        usd, kg, amount, unit = (nw.col(self._part(name)) for name in ("usd", "kg", "amount", "unit"))
        rows, weighed, counted = (nw.col(self._part(name)) for name in ("row", "weighed", "counted"))
        is_there = rows > 0
        known: tuple[nw.Expr, nw.Expr] = nw.lit(None, dtype=nw.Float64), nw.lit(None, dtype=nw.String)
        if has_quantities:
            is_whole = is_there & (counted == rows) & (unit == nw.col(self._part("other_unit")))
            known = nw.when(is_whole).then(amount), nw.when(is_whole).then(unit)
        return [
            nw.when(is_there).then(usd).alias(self.value),
            nw.when(is_there & (weighed == rows)).then(kg).alias(self.weight),
            known[0].alias(self.quantity),
            known[1].alias(f"{self.quantity}_unit"),
        ]

    def _part(self, name: str) -> str:
        return f"__{self.value}_{name}"


_EXPORTS = Book("exporter_report_usd", "exporter_weight_kg", "exporter_quantity")
_IMPORTS = Book("importer_report_usd", "importer_weight_kg", "importer_quantity")


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
        summed(data.rename({"reporter": "exporter", "partner": "importer"}), _EXPORTS).to_native(),
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
        summed(data.rename({"reporter": "importer", "partner": "exporter"}), _IMPORTS).to_native(),
    )


def both_books(reports: IntoFrameT) -> IntoFrameT:
    """Return both books of every flow, added up in one pass.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of :func:`exporter_book` and :func:`importer_book`, joined.

    *Missing data*: what the other side alone reports is null here; whether that is a zero says the calendar.
    """
    is_import = _is_import()
    data = (
        nw.from_native(cast("Any", reports))
        .filter(_is_export() | is_import)
        .with_columns(
            nw.when(is_import).then(nw.col("partner")).otherwise(nw.col("reporter")).alias("exporter"),
            nw.when(is_import).then(nw.col("reporter")).otherwise(nw.col("partner")).alias("importer"),
        )
    )
    is_export = nw.col("flow") == FlowKind.EXPORT.value
    books = replace(_EXPORTS, of=is_export), replace(_IMPORTS, of=~is_export)
    return cast("IntoFrameT", summed(data, *books).to_native())


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
    imports = nw.from_native(cast("Any", reports)).filter(
        (nw.col("flow") == FlowKind.IMPORT.value) & (nw.col("role") == RowRole.LEAF.value)
    )
    is_origin = nw.col("partner_concept") == PartnerConcept.ORIGIN.value
    pair = ("exporter", "importer", "frequency")
    by_origin, by_consignment = (
        imports.filter(concept).select(
            nw.col("partner").alias("exporter"), nw.col("reporter").alias("importer"), "frequency", "period"
        )
        for concept in (is_origin, ~is_origin)
    )
    # few pairs are reported by consignment: rows of the others are let go before they are added up
    ends = by_consignment.group_by(*pair).agg(
        nw.col("period").min().alias("first"), nw.col("period").max().alias("last")
    )
    origins = (
        by_origin.join(ends.select(*pair), on=list(pair), how="inner")
        .group_by(*pair)
        .agg(nw.col("period").min().alias("first_origin"), nw.col("period").max().alias("last_origin"))
    )
    ends = ends.join(origins, on=list(pair), how="left").with_columns(
        nw.col("first_origin").fill_null(NEVER_ENDS), nw.col("last_origin").fill_null(NEVER_ENDS)
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


def summed(data: Any, *books: Book) -> Any:
    """Return values, weights and quantities summed by cell; the last two only where every part has one.

    A partial weight beside a full value would make a wrong unit value. Quantities of several units do not
    add up, and are null.

    Parameters
    ----------
    data
        Rows under the names of the cell; they may lack ``quantity`` and ``quantity_unit``.
    books
        What the sums are called, and which rows are added.
    """
    has_quantities = {"quantity", "quantity_unit"} <= set(data.collect_schema().names())
    rows = data.select(
        *CELL, *[column for book in books for column in book.parts(has_quantities=has_quantities)]
    )
    cells = rows.group_by(*CELL).agg(
        *[total for book in books for total in book.sums(has_quantities=has_quantities)]
    )
    return cells.select(
        *CELL, *[column for book in books for column in book.columns(has_quantities=has_quantities)]
    )
