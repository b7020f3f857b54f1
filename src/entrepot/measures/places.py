"""Shares with their denominator stated, ranks, and since when one has been ahead of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import narwhals as nw

from entrepot.measures.sums import opened, period_number, ratio, summed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from narwhals.typing import IntoFrameT

__all__ = ["overtakings", "ranks", "shares", "without_inside"]


def without_inside(
    frame: IntoFrameT, members: Sequence[str], *, exporter: str = "exporter", importer: str = "importer"
) -> IntoFrameT:
    """Return the flows that leave or enter a group; those between its members are left out.

    The EU's share of world exports is 31% or 15% by whether trade among its members counts: say which.

    Parameters
    ----------
    frame
        Rows of flows.
    members
        Area codes of the group.
    exporter, importer
        Columns of the two sides.
    """
    data = opened(frame, exporter, importer)
    codes = list(members)
    both = nw.col(exporter).is_in(codes) & nw.col(importer).is_in(codes)
    return cast("IntoFrameT", data.filter(~both).to_native())


def shares(
    frame: IntoFrameT, *, of: Sequence[str], within: Sequence[str] = ("period",), value: str = "value_usd"
) -> IntoFrameT:
    r"""Return what part of a whole each has, with the whole beside it.

    *Formula*  s_i = x_i / Σ_j x_j, over all j with the same ``within``.

    Parameters
    ----------
    frame
        Rows of everything that the whole consists of: filter afterwards, not before.
    of
        Whose shares: ``exporter``; or any dimension, such as currency, province, mode of transport.
    within
        What the whole is, such as ``importer, period``.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × ``of``. The keys, the value, ``whole_<value>`` and ``share`` (0 to 1).

    *Missing data*: where one part was not reported (null) the whole is null, and so are all its shares.

    References
    ----------
    OECD, Glossary of Statistical Terms, "market share".

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"period": ["2023"] * 2, "exporter": ["CHN", "DEU"], "value_usd": [30.0, 10.0]})
    >>> sorted(shares(table, of=["exporter"])["share"].to_pylist())
    [0.25, 0.75]
    """
    return cast("IntoFrameT", _shared(frame, of, within, value).to_native())


def _shared(frame: Any, of: Sequence[str], within: Sequence[str], value: str) -> Any:
    keys = list(dict.fromkeys([*within, *of]))
    data = summed(opened(frame, *keys, value), keys, value)
    group = list(within) or ["__all"]
    data = data.with_columns(
        nw.lit(1).alias("__all"),
        nw.when(nw.col(value).is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).alias("__null"),
    ).with_columns(
        nw.col(value).sum().over(*group).alias("__whole"),
        nw.col("__null").sum().over(*group).alias("__nulls"),
    )
    whole = nw.when(nw.col("__nulls") == 0).then(nw.col("__whole")).alias(f"whole_{value}")
    found = data.with_columns(whole).select(*keys, value, f"whole_{value}")
    return found.with_columns(ratio(nw.col(value), nw.col(f"whole_{value}")).alias("share"))


def ranks(
    frame: IntoFrameT, *, of: Sequence[str], within: Sequence[str] = ("period",), value: str = "value_usd"
) -> IntoFrameT:
    """Return the place of each, 1 the largest.

    Parameters
    ----------
    frame, of, within, value
        See :func:`shares`.

    Returns
    -------
    frame of the caller's kind
        Columns of :func:`shares` and ``rank``, from 1. Equal values have one rank, and the next one is
        left out (1, 2, 2, 4).

    *Missing data*: a null value has no rank; the others are ranked among those reported. Read ``share``,
    which is null there: an unreported one may be larger than the first.
    """
    data = _shared(frame, of, within, value)
    group = list(within) or ["__all"]
    data = data.with_columns(nw.lit(1).alias("__all"))
    if not data.implementation.is_pyarrow():
        rank = nw.col(value).rank("min", descending=True).over(*group)
        if not data.implementation.is_pandas():  # whose whole numbers have no null
            rank = rank.cast(nw.Int64)
        return cast("IntoFrameT", data.with_columns(rank.alias("rank")).drop("__all").to_native())
    # PyArrow has no ordered windows: rows are numbered in their order, equal ones by the first of them.
    ordered = data.sort(*group, value, descending=[*[False] * len(group), True], nulls_last=True)
    ordered = ordered.with_columns(nw.col("__all").cum_sum().alias("__place"))
    ordered = ordered.with_columns(
        nw.col("__place").min().over(*group).alias("__first"),
        nw.col("__place").min().over(*group, value).alias("__equal"),
    )
    rank = nw.col("__equal") - nw.col("__first") + 1
    placed = ordered.with_columns(nw.when(~nw.col(value).is_null()).then(rank).alias("rank"))
    return cast("IntoFrameT", placed.drop("__all", "__place", "__first", "__equal").to_native())


def overtakings(
    frame: IntoFrameT, *, of: str = "exporter", within: Sequence[str] = (), value: str = "value_usd"
) -> IntoFrameT:
    """Return since when one has been ahead of another to the end of the data, having been behind.

    Parameters
    ----------
    frame
        Rows with ``period``.
    of
        Who overtakes whom.
    within
        Where: ``importer`` compares suppliers of each market.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × overtaker × overtaken. ``overtaker``, ``overtaken``, ``period`` (the first
        from which it was ahead in every period both have), ``ahead_periods``, the value and
        ``overtaken_<value>`` of that period.

    *Missing data*: periods in which either has no row or is null are not compared; a lead that such a
    period lies in is one all the same.
    """
    keys = list(within)
    data = summed(opened(frame, *keys, of, "period", value), [*keys, of, "period"], value)
    data = data.filter(~nw.col(value).is_null()).with_columns(period_number().alias("__number"))
    theirs = f"overtaken_{value}"
    other = data.select(*keys, "period", nw.col(of).alias("overtaken"), nw.col(value).alias(theirs))
    pairs = (
        data.rename({of: "overtaker"})
        .join(other, on=[*keys, "period"], how="inner")
        .filter(nw.col("overtaker") != nw.col("overtaken"))
    )
    pair = [*keys, "overtaker", "overtaken"]
    number, behind = nw.col("__number"), nw.col("__behind")
    pairs = pairs.with_columns(
        nw.when(nw.col(value) <= nw.col(theirs)).then(number).otherwise(nw.lit(-1)).alias("__behind")
    ).with_columns(behind.max().over(*pair))
    ahead = pairs.filter((behind >= 0) & (number > behind))
    ahead = ahead.with_columns(
        number.min().over(*pair).alias("__since"),
        nw.col("__number").count().over(*pair).alias("ahead_periods"),
    ).filter(number == nw.col("__since"))
    return cast("IntoFrameT", ahead.select(*pair, "period", "ahead_periods", value, theirs).to_native())
