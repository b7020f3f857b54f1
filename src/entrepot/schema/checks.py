"""Checks made from the contracts: expressions that return the rows which break them.

The functions take any frame that Narwhals accepts, eager or lazy, and execute nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from narwhals.typing import IntoFrameT

    from entrepot.schema.columns import Column
    from entrepot.schema.table import Table

__all__ = ["Rule", "bad_rows", "conform", "duplicated_rows", "rules_of"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a contract.

    Attributes
    ----------
    column
        The column that it is about.
    fault
        What a value is that breaks it, in words.
    is_broken
        Expression that is true where a value breaks it, and never null.
    """

    column: str
    fault: str
    is_broken: nw.Expr


def rules_of(table: Table) -> tuple[Rule, ...]:
    """Return every rule that the contract of a table makes for single values."""
    return tuple(rule for column in table.column_contracts() for rule in _rules(column))


def _rules(column: Column) -> Iterator[Rule]:
    """Yield the rules of a column. A null in a comparison is no fault: only ``null`` may see nulls."""
    value = nw.col(column.name)
    is_there = ~value.is_null()
    if not column.is_nullable:
        yield Rule(column.name, "null", value.is_null())
    if column.allowed is not None:
        words = [term.value for term in column.allowed]
        yield Rule(column.name, "not one of the allowed words", _and(is_there, ~value.is_in(words)))
    if column.kind == "float64":
        yield Rule(column.name, "NaN", _and(is_there, value.is_nan()))
        yield Rule(column.name, "infinite", _and(is_there, ~value.is_nan() & ~value.is_finite()))
    if column.minimum is not None:
        fault = "negative" if column.minimum == 0 else f"under {column.minimum:g}"
        yield Rule(column.name, fault, _and(is_there, value < column.minimum))


def _and(is_there: nw.Expr, fault: nw.Expr) -> nw.Expr:
    return nw.all_horizontal(is_there, fault, ignore_nulls=True)


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
    broken = [rule.is_broken for rule in rules_of(table)]
    return cast("IntoFrameT", data.filter(nw.any_horizontal(*broken, ignore_nulls=True)).to_native())


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
