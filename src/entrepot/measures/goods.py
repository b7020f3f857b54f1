"""What trade consists of by use, kind or technology, and whether an import is plausible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine import place_beside
from entrepot.measures.growth import rolling_year
from entrepot.measures.sums import lagged, opened, period_number, ratio, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = ["OTHER", "composition", "plausibility"]

#: Category of the goods that a classification does not name.
OTHER = "other"


def composition(
    frame: IntoFrameT,
    classes: pa.Table,
    *,
    by: Sequence[str] = ("period",),
    value: str = "value_usd",
) -> IntoFrameT:
    """Return trade by category of a classification, with shares.

    Parameters
    ----------
    frame
        Rows with ``hs_code`` of six digits, all of one revision.
    classes
        ``hs_code, category, weight`` of the same revision:
        :func:`entrepot.nomenclature.class_table`. A code's value is divided by the weights.
    by
        Keys of the whole whose parts the categories are.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``by`` × category. ``category``, the value, ``whole_<value>``, ``share``. What the
        classification does not name stands under ``other``, so that the parts add up to the whole.

    *Missing data*: a null value makes its category, the whole and its shares null.

    References
    ----------
    UN Statistical Papers M/53 (BEC Rev.4), M/34 (SITC Rev.4); the other schemes as in the table of classes.
    """
    keys = list(by)
    data = summed(opened(frame, *keys, "hs_code", value), [*keys, "hs_code"], value)
    named: Any = place_beside(_whole(classes), data.to_native())
    parts = data.join(named, on="hs_code", how="left").with_columns(
        nw.coalesce(nw.col("category"), nw.lit(OTHER)).alias("category"),
        (nw.col(value) * nw.coalesce(nw.col("weight"), nw.lit(1.0))).alias(value),
    )
    found = summed(parts, [*keys, "category"], value)
    group = keys or ["__all"]
    null = nw.when(nw.col(value).is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    found = found.with_columns(nw.lit(1).alias("__all"), null.alias("__null")).with_columns(
        nw.col(value).sum().over(*group).alias("__whole"),
        nw.col("__null").sum().over(*group).alias("__nulls"),
    )
    whole = nw.when(nw.col("__nulls") == 0).then(nw.col("__whole")).alias(f"whole_{value}")
    found = found.with_columns(whole).select(*keys, "category", value, f"whole_{value}")
    share = ratio(nw.col(value), nw.col(f"whole_{value}")).alias("share")
    return cast("IntoFrameT", found.with_columns(share).to_native())


def _whole(classes: pa.Table) -> pa.Table:
    """Return the classes with the rest of every code under ``other``, so that weights sum to one."""
    stated = classes.select(["hs_code", "category", "weight"])
    sums = stated.group_by("hs_code").aggregate([("weight", "sum")])
    rest = pc.subtract(1.0, sums["weight_sum"])
    lacking = pc.greater(rest, 1e-12)
    rows = (
        pa.table(
            {
                "hs_code": sums["hs_code"].filter(lacking),
                "category": pa.array([OTHER] * pc.sum(lacking).as_py(), pa.string()),
                "weight": rest.filter(lacking),
            }
        )
        if pc.any(lacking).as_py()
        else stated.slice(0, 0)
    )
    return pa.concat_tables([stated, rows])


def plausibility(
    frame: IntoFrameT,
    gdp: pa.Table,
    *,
    area: str = "importer",
    past: int = 3,
    value: str = "value_usd",
    frequency: Literal["A", "M"] = "A",
) -> IntoFrameT:
    r"""Return an import beside the economy that takes it and beside its own past.

    *Formula*  gdp_share = x_t / GDP_t;  past_ratio = x_t / mean(x_{t−1} … x_{t−past}), t a year; of months
    x_t is the sum of the twelve months up to it, GDP that of its year, and t − 1 twelve months before.

    Parameters
    ----------
    frame
        Rows with the area, ``period`` and the value in US dollars.
    gdp
        ``area, year, gdp_usd``: :func:`entrepot.read_gdp`.
    area
        Column of the economy.
    past
        How many earlier years.
    value
        Column to be summed.
    frequency
        Whether the rows of years or those of months are taken; the others are left out.

    Returns
    -------
    frame of the caller's kind
        **Grain**: area × period. The value (of months: of twelve), ``gdp_usd``, ``gdp_share``,
        ``past_<value>`` and ``past_ratio``.
        No threshold is applied: what share of GDP is absurd depends on the goods.

    *Missing data*: ``gdp_share`` is null where the year has no GDP; ``past_ratio`` where one of the earlier
    years has no row or is null. Of months all three are null where one of the twelve is.

    References
    ----------
    Absorption: imports over domestic demand, as in IMF, Balance of Payments Manual; here over GDP, which
    every economy publishes.
    """
    step = 12 if frequency == "M" else 1
    data: Any = nw.from_native(rolling_year(frame, by=[area], value=value)) if frequency == "M" else None
    if data is None:
        data = summed(opened(frame, area, "period", value), [area, "period"], value)
        data = data.filter(nw.col("period").str.len_chars() == 4)
    number = period_number()
    data = data.with_columns(
        (number // 12).alias("__year"), (number if step == 12 else number // 12).alias("__number")
    ).select(area, "period", value, "__year", "__number")
    facts = pa.table(
        {
            area: gdp["area"].cast(pa.string()),
            "__year": gdp["year"].cast(pa.int64()),
            "gdp_usd": gdp["gdp_usd"].cast(pa.float64()),
        }
    )
    beside: Any = place_beside(facts, data.to_native())
    lags = range(step, past * step + 1, step)
    found = lagged(data, [value, "__number"], lags, by=[area], order="__number")
    total, is_whole = nw.lit(0.0), nw.col("__number") >= 0
    for lag in lags:
        total = total + nw.col(f"{value}_{lag}")
        is_whole = is_whole & (nw.col(f"__number_{lag}") == nw.col("__number") - lag)
    found = found.with_columns(nw.when(is_whole).then(total / past).alias(f"past_{value}")).select(
        area, "period", "__year", value, f"past_{value}"
    )
    found = found.join(beside, on=[area, "__year"], how="left").with_columns(
        ratio(nw.col(value), nw.col("gdp_usd")).alias("gdp_share"),
        ratio(nw.col(value), nw.col(f"past_{value}")).alias("past_ratio"),
    )
    columns = (area, "period", value, "gdp_usd", "gdp_share", f"past_{value}", "past_ratio")
    return cast("IntoFrameT", found.select(*columns).to_native())
