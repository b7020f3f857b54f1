"""What every measure rests on: sums that know what is missing, ratios that do not divide by nothing, lags.

Of every measure: a row whose value is null was not reported, and what is made of it is null; no row is no
trade. Rows of several levels of codes, or of both books, must not stand in one frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = ["lagged", "opened", "period_number", "ratio", "summed", "totals"]


def totals(frame: IntoFrameT, *, by: Sequence[str], value: str = "value_usd") -> IntoFrameT:
    """Return a value summed by keys.

    Parameters
    ----------
    frame
        Rows with the keys and the value; any frame that Narwhals accepts, a lazy one stays lazy.
    by
        Keys of the sums. Any column will do: currency, province, mode of transport.
    value
        Column to be summed: an amount, a weight or a quantity of one unit.

    Returns
    -------
    frame of the caller's kind
        **Grain**: one combination of the keys that occurs. The keys, and the value under its name.

    *Missing data*: a sum with a part that is null is null, since not reported is not zero.

    Raises
    ------
    ContractError
        A column is missing.
    """
    return cast("IntoFrameT", summed(opened(frame, *by, value), by, value).to_native())


def opened(frame: Any, *needed: str) -> Any:
    """Return a frame as Narwhals sees it, after a look at its columns.

    Raises
    ------
    ContractError
        A column is missing.
    """
    data = nw.from_native(frame)
    there = data.collect_schema().names()
    absent = [name for name in dict.fromkeys(needed) if name not in there]
    if absent:
        raise ContractError(
            f"the frame has no column {', '.join(absent)}",
            where=f"columns {', '.join(there)}",
            hint="rename its columns, or name yours in the call",
        )
    return data


def summed(data: Any, by: Sequence[str], *values: str) -> Any:
    """Return values summed by keys; a sum of which a part is null is null."""
    keys = list(dict.fromkeys(by))
    sums = (
        data.select(*keys, *[nw.col(value).cast(nw.Float64) for value in values])
        .group_by(*keys)
        .agg(
            *[nw.col(value).sum() for value in values],
            *[nw.col(value).count().alias(f"__{value}") for value in values],
            nw.len().alias("__rows"),
        )
    )
    known = [
        nw.when(nw.col(f"__{value}") == nw.col("__rows")).then(nw.col(value)).alias(value) for value in values
    ]
    return sums.select(*keys, *known)


def ratio(upper: nw.Expr, lower: nw.Expr) -> nw.Expr:
    """Return one over the other, null where the lower one is null or nothing."""
    return nw.when(lower > 0).then(upper / lower)


def period_number(period: str = "period") -> nw.Expr:
    """Return months since year 0 of ``2023-07``, and of ``2023`` those of its January."""
    year = nw.col(period).str.slice(0, 4).cast(nw.Int64)
    month = (
        nw.when(nw.col(period).str.len_chars() > 4)
        .then(nw.col(period).str.slice(5, 2))
        .otherwise(nw.lit("01"))
    )
    return year * 12 + month.cast(nw.Int64) - 1


def lagged(data: Any, columns: Sequence[str], lags: Sequence[int], *, by: Sequence[str], order: str) -> Any:
    """Return a frame with ``<column>_<lag>`` beside its columns: the value so many rows before, in its group.

    Parameters
    ----------
    data
        A Narwhals frame.
    columns, lags
        What to look up, and how many rows before.
    by, order
        Keys of the groups, and the column that orders their rows.
    """
    if not data.implementation.is_pyarrow():
        group = list(by) or ["__all"]
        found = data.with_columns(nw.lit(1).alias("__all")).with_columns(
            *[
                nw.col(column).shift(lag).over(*group, order_by=order).alias(f"{column}_{lag}")
                for column in columns
                for lag in lags
            ]
        )
        return found.drop("__all")
    # PyArrow has no ordered windows: rows are sorted, and a row of another group is none.
    ordered = data.sort(*by, order)
    for lag in lags:
        same = nw.lit(True)
        for key in by:
            same = same & (nw.col(key) == nw.col(key).shift(lag))
        ordered = ordered.with_columns(
            *[nw.when(same).then(nw.col(column).shift(lag)).alias(f"{column}_{lag}") for column in columns]
        )
    return ordered
