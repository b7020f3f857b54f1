"""Supplementary quantities of both books, in one unit where that is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.nomenclature import exact_units
from entrepot.reconcile.windows import Measure

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["QUANTITY", "comparable_quantities", "in_reported_unit"]

#: Quantities in base units; null where the units of the two books cannot be turned into one another.
QUANTITY = Measure("quantity", "__exporter_amount", "__importer_amount", unit="__unit")


def comparable_quantities(paired: IntoFrameT) -> IntoFrameT:
    """Add both books' quantities in one base unit, as :data:`QUANTITY` wants them.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.

    Returns
    -------
    frame of the caller's kind
        ``paired`` with both amounts and their base unit.

    *Missing data*: both amounts are null where both books have a quantity and one unit cannot be turned
    into the other exactly (pieces against kilograms): neither is believed then.
    """
    data = nw.from_native(cast("Any", paired))
    x, m = nw.col("exporter_quantity"), nw.col("importer_quantity")
    unit_x, unit_m = (_base(nw.col(f"{side}_quantity_unit")) for side in ("exporter", "importer"))
    differ = (~x.is_null() & ~m.is_null() & (unit_x != unit_m)).fill_null(value=False)
    return cast(
        "IntoFrameT",
        data.with_columns(
            nw.when(~differ).then(x * _factor(nw.col("exporter_quantity_unit"))).alias(QUANTITY.exporter),
            nw.when(~differ).then(m * _factor(nw.col("importer_quantity_unit"))).alias(QUANTITY.importer),
            nw.when(~differ).then(nw.coalesce(unit_x, unit_m)).alias(cast("str", QUANTITY.unit)),
        ).to_native(),
    )


def in_reported_unit() -> tuple[nw.Expr, nw.Expr]:
    """Return the expressions of the reconciled quantity and its unit: the exporter's, else the importer's."""
    unit = nw.coalesce(nw.col("exporter_quantity_unit"), nw.col("importer_quantity_unit"))
    is_known = ~nw.col("quantity").is_null()
    return (
        (nw.col("quantity") / _factor(unit)).alias("quantity"),
        nw.when(is_known).then(unit).alias("quantity_unit"),
    )


def _base(unit: nw.Expr) -> nw.Expr:
    found = unit
    for name, (base, _) in exact_units().items():
        if name != base:
            found = nw.when(unit == name).then(nw.lit(base)).otherwise(found)
    return found


def _factor(unit: nw.Expr) -> nw.Expr:
    found: nw.Expr = nw.lit(1.0)
    for name, (_, factor) in exact_units().items():
        if factor != 1.0:
            found = nw.when(unit == name).then(nw.lit(factor)).otherwise(found)
    return found
