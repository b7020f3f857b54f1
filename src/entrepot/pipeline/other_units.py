"""Questions asked of flows in another unit than dollars: the unit stands where the dollars stood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import pyarrow as pa

from entrepot.engine import small_table
from entrepot.errors import CoverageError
from entrepot.pipeline.amounts import with_amount

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.engine import Engine
    from entrepot.pipeline.amounts import Amount

__all__ = ["in_other_unit", "with_unit"]


def in_other_unit(
    engine: Engine,
    flows: nw.LazyFrame[Any],
    amount: Amount | None,
    *,
    unknown: Literal["null", "nan"],
    tell: Callable[[str], None] | None = None,
) -> tuple[nw.LazyFrame[Any], str]:
    """Return flows whose ``value_usd`` is in another unit, for a kernel that reads one column, and the unit.

    Use it where the question itself is another one in another unit: a level of kilograms breaks in another
    month than a level of dollars. Where dollars found are only to be turned, take ``valued_rows``.

    Parameters
    ----------
    engine
        Where they live.
    flows
        Columns that :func:`entrepot.pipeline.amounts.with_amount` reads; ``value_usd``.
    amount
        The unit; None for dollars.
    unknown
        What stands where a flow has a value and no amount: null, or NaN where that is read as missing.
    tell
        Told what part of the value has no amount.

    Raises
    ------
    CoverageError
        No flow has an amount.
    """
    if amount is None:
        return flows, "USD"
    flows, known = with_amount(engine, flows, amount, tell=tell)
    value, own = nw.col("value_usd"), nw.col(known.column).cast(nw.Float64)
    is_known = ~own.is_null() & ~value.is_null()
    sums = flows.select(value.sum().alias("whole"), nw.when(is_known).then(value).sum().alias("known"))
    row = small_table(sums.to_native(), what="value with an amount").to_pylist()[0]
    whole, part = row["whole"] or 0.0, row["known"] or 0.0
    if whole > 0 and not part:
        raise CoverageError(
            f"no flow has an amount in {known.unit_words}",
            where="--value",
            hint="ask for dollars, or ingest files that give it",
        )
    if tell is not None and part < whole:
        tell(
            f"{1 - part / whole:.1%} of the value has no amount in {known.unit_words}: those flows are not "
            "in the answer"
        )
    other = own
    if unknown == "nan":
        other = nw.when(value.is_null() | ~own.is_null()).then(own).otherwise(nw.lit(float("nan")))
    return flows.with_columns(other.alias("value_usd")), known.unit_words


def with_unit(table: pa.Table, unit: str, *, suffix: str = "amount") -> pa.Table:
    """Return a result whose columns in dollars are named after what they are in.

    Parameters
    ----------
    table
        Columns ``…_usd``, in ``unit``.
    unit
        In words; with ``USD`` the table stays as it is.
    suffix
        What ``usd`` becomes; with ``amount`` a column ``amount_unit`` names the unit.
    """
    if unit == "USD":
        return table
    table = table.rename_columns(
        [f"{name[:-3]}{suffix}" if name.endswith("_usd") else name for name in table.column_names]
    )
    if suffix != "amount":
        return table
    return table.append_column("amount_unit", pa.array([unit] * table.num_rows, pa.string()))
