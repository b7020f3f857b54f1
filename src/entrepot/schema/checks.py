"""Checks made from the contracts: expressions that return the rows which break them.

The functions take any frame that Narwhals accepts, eager or lazy, and execute nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.errors import ContractError

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

    from entrepot.schema.columns import Column
    from entrepot.schema.tables import Table

__all__ = ["bad_rows", "conform", "duplicated_rows"]


def _breaks(column: Column) -> nw.Expr | None:
    """Return the expression that is true where a value breaks its column's contract."""
    value = nw.col(column.name)
    broken: list[nw.Expr] = []
    if not column.is_nullable:
        broken.append(value.is_null())
    if column.allowed is not None:
        broken.append(~value.is_null() & ~value.is_in([term.value for term in column.allowed]))
    if column.minimum is not None:
        broken.append(~value.is_null() & (value < column.minimum))
    if column.kind == "float64":
        broken.append(~value.is_null() & (value.is_nan() | ~value.is_finite()))
    if not broken:
        return None
    # A null in a comparison is not a finding: is_null is the only test that may see nulls.
    return nw.any_horizontal(*broken, ignore_nulls=True)


def bad_rows(frame: IntoFrameT, table: Table) -> IntoFrameT:
    """Return the rows that break the contract of their columns.

    Parameters
    ----------
    frame
        Any frame with the columns of ``table``.
    table
        The contract.

    Returns
    -------
    frame of the caller's kind
        **Grain**: a row of ``frame`` that has a null where none is allowed, a term outside its closed
        vocabulary, a number under its minimum, NaN or infinity. Empty when the contract holds.

    Raises
    ------
    ContractError
        Columns of the contract are not in the frame.
    """
    data = nw.from_native(cast("Any", frame))
    present = data.collect_schema().names()
    absent = [name for name in table.columns if name not in present]
    if absent:
        raise ContractError(
            f"table {table.name} lacks {len(absent)} columns: {', '.join(absent)}",
            where=f"columns present: {', '.join(present)}",
            hint="add the missing columns, with nulls where the contract allows them",
        )
    rules = [rule for column in table.column_contracts() if (rule := _breaks(column)) is not None]
    return cast("IntoFrameT", data.filter(nw.any_horizontal(*rules, ignore_nulls=True)).to_native())


def duplicated_rows(frame: IntoFrameT, table: Table) -> IntoFrameT:
    """Return one row per key that stands more than once, with the count in ``rows``."""
    data = nw.from_native(cast("Any", frame))
    return cast(
        "IntoFrameT",
        data.group_by(*table.key).agg(nw.len().alias("rows")).filter(nw.col("rows") > 1).to_native(),
    )


def conform(frame: IntoFrameT, table: Table) -> IntoFrameT:
    """Return the columns of the contract in their order, other columns dropped."""
    return cast("IntoFrameT", nw.from_native(cast("Any", frame)).select(*table.columns).to_native())
