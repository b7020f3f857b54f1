"""Goods that leave in one month and arrive in the next: what the importer's month is expected to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["expected_arrivals", "month_number", "own_part", "with_other_month"]

_FLOW = ("exporter", "importer", "hs_code", "frequency")
_MONTH = "__month_number"


def month_number() -> nw.Expr:
    """Return the expression of the number of a row's month; one number for all periods that are none."""
    period = nw.col("period")
    text = nw.when(period.str.len_chars() == 7).then(period).otherwise(nw.lit("2000-01"))
    return text.str.slice(0, 4).cast(nw.Int64) * 12 + text.str.slice(5, 2).cast(nw.Int64)


def with_other_month(data: Any, names: Mapping[str, str], *, back: int) -> Any:
    """Add what columns hold in another month of the same flow; null where that month has no row.

    Parameters
    ----------
    data
        A Narwhals frame of flows. Rows of a frame that is no lazy one are sorted.
    names
        Columns, by the names that they get.
    back
        Months back; negative for later ones.
    """
    data = data.with_columns(month_number().alias(_MONTH))
    month = nw.col(_MONTH)
    if isinstance(data, nw.LazyFrame):
        other = {name: nw.col(of).shift(back).over(*_FLOW, order_by=_MONTH) for name, of in names.items()}
        is_there = month - month.shift(back).over(*_FLOW, order_by=_MONTH) == back
    else:
        data = data.sort(*_FLOW, _MONTH)
        other = {name: nw.col(of).shift(back) for name, of in names.items()}
        same = [nw.col(key) == nw.col(key).shift(back) for key in _FLOW]
        is_there = nw.all_horizontal(*same, month - month.shift(back) == back, ignore_nulls=False)
    found = [
        nw.when(is_there.fill_null(value=False)).then(value).alias(name) for name, value in other.items()
    ]
    return data.with_columns(*found).drop(_MONTH)


def expected_arrivals(now: nw.Expr, before: nw.Expr, late: nw.Expr) -> nw.Expr:
    """Return the expression of (1 − l)·x_t + l·x_{t−1}; x_t alone where the month before is not known.

    Parameters
    ----------
    now, before
        What left in this month and in the one before.
    late
        Share of a month's goods that arrive in the next.
    """
    return nw.when((before > 0) & (now > 0)).then((1.0 - late) * now + late * before).otherwise(now)


def own_part(now: nw.Expr, before: nw.Expr, late: nw.Expr) -> nw.Expr:
    """Return the expression of the part of :func:`expected_arrivals` that left in the month itself."""
    both = (before > 0) & (now > 0)
    whole = nw.when(both).then((1.0 - late) * now + late * before).otherwise(1.0)
    return nw.when(both).then((1.0 - late) * now / whole).otherwise(1.0)
