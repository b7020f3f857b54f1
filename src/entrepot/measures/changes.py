"""Who gained and who lost a market, and whether trade changed in old goods or by new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import narwhals as nw

from entrepot.measures.spans import Window, two_windows
from entrepot.measures.sums import opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from narwhals.typing import IntoFrameT

__all__ = ["margins", "supplanting"]

_PARTS = ("market", "mix", "competitive", "new")


def supplanting(
    frame: IntoFrameT,
    *,
    before: str,
    after: str,
    supplier: str = "exporter",
    market: Sequence[str] = ("importer",),
    product: str = "hs_code",
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return what each supplier gained or lost in a market, taken apart so that the parts add up.

    *Formula*  of supplier s and product k, with g the growth of the market in all goods that it bought
    before, g_k that of product k: x¹ − x⁰ = g·x⁰ (market) + (g_k − g)·x⁰ (mix) + (x¹ − (1 + g_k)·x⁰)
    (competitive) for goods that the market bought before, x¹ (new) for others. The competitive parts of a
    product add up to nothing over its suppliers: what one gained there the others lost.

    Parameters
    ----------
    frame
        Rows of all suppliers of the markets.
    before, after
        ``2021`` or ``2021-01:2021-12``, windows of the same length; values are summed over them.
    supplier, product
        Columns.
    market
        Keys of the markets.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: market × supplier. ``before_<value>``, ``after_<value>``, ``change_<value>`` and its
        parts ``market_…``, ``mix_…``, ``competitive_…``, ``new_…``, which add up to it exactly but for
        rounding; ``before_share``, ``after_share`` of the market (0 to 1).

    *Missing data*: no row is no trade. A null in a window makes all figures of its market null.

    Raises
    ------
    OptionError
        The windows are none, or differ in length.

    References
    ----------
    Constant market share analysis: Tyszynski, H. (1951), World trade in manufactured commodities, The
    Manchester School 19; Richardson, J. D. (1971), Journal of International Economics 1, p. 229. The goods
    are taken at the earlier window's weights throughout, so that no interaction is left over.
    """
    place = list(market)
    unit = [*place, supplier, product]
    data = _two_columns(frame, two_windows(before, after), unit, value)
    of_product, of_market = [*place, product], place or ["__all"]
    was, now = nw.col("__before"), nw.col("__after")
    data = data.with_columns(nw.lit(1).alias("__all"))
    data = data.with_columns(
        was.sum().over(*of_product).alias("__k0"), now.sum().over(*of_product).alias("__k1")
    )
    data = data.with_columns(
        nw.when(nw.col("__k0") > 0).then(now).otherwise(nw.lit(0.0)).alias("__old")
    ).with_columns(
        was.sum().over(*of_market).alias("__m0"), nw.col("__old").sum().over(*of_market).alias("__m1")
    )
    growth = _growth("__m0", "__m1")
    own_growth = _growth("__k0", "__k1")
    is_old = nw.col("__k0") > 0
    parts = {
        "market": growth * was,
        "mix": nw.when(is_old).then((own_growth - growth) * was).otherwise(nw.lit(0.0)),
        "competitive": nw.when(is_old).then(now - (own_growth + 1.0) * was).otherwise(nw.lit(0.0)),
        "new": nw.when(is_old).then(nw.lit(0.0)).otherwise(now),
    }
    data = data.with_columns(*[part.alias(f"__{name}") for name, part in parts.items()])
    found = data.group_by(*place, supplier).agg(
        was.sum().alias(f"before_{value}"),
        now.sum().alias(f"after_{value}"),
        *[nw.col(f"__{name}").sum().alias(f"{name}_{value}") for name in _PARTS],
        nw.col("__nulls").sum(),
    )
    return cast("IntoFrameT", _shown(found, place, supplier, value).to_native())


def _growth(earlier: str, later: str) -> nw.Expr:
    """Return the growth, 0 of what was not there."""
    was = nw.col(earlier)
    return nw.when(was > 0).then(nw.col(later) / was - 1.0).otherwise(nw.lit(0.0))


def _shown(found: Any, place: list[str], supplier: str, value: str) -> Any:
    """Return the change, shares and parts, null in markets of which something was not reported."""
    group = place or ["__all"]
    found = found.with_columns(nw.lit(1).alias("__all"))
    found = found.with_columns(
        nw.col("__nulls").sum().over(*group),
        (nw.col(f"after_{value}") - nw.col(f"before_{value}")).alias(f"change_{value}"),
        *[nw.col(f"{end}_{value}").sum().over(*group).alias(f"__{end}") for end in ("before", "after")],
    ).with_columns(
        *[
            nw.when(nw.col(f"__{end}") > 0)
            .then(nw.col(f"{end}_{value}") / nw.col(f"__{end}"))
            .alias(f"{end}_share")
            for end in ("before", "after")
        ]
    )
    names = [
        *[f"{name}_{value}" for name in ("before", "after", "change", *_PARTS)], "before_share", "after_share"
    ]  # fmt: skip
    is_known = nw.col("__nulls") == 0
    return found.select(
        *place, supplier, *[nw.when(is_known).then(nw.col(name)).alias(name) for name in names]
    )


def margins(
    frame: IntoFrameT,
    *,
    before: str,
    after: str,
    by: Sequence[str] = ("exporter", "importer"),
    unit: Sequence[str] = ("hs_code",),
    value: str = "value_usd",
) -> IntoFrameT:
    r"""Return the change of trade in goods of before and after, by new goods, and by goods given up.

    *Formula*  Δx = Σ_{k in both} (x¹ − x⁰) (intensive) + Σ_{k new} x¹ (entry) − Σ_{k gone} x⁰ (exit).

    Parameters
    ----------
    frame
        Rows of flows.
    before, after
        See :func:`supplanting`.
    by
        Keys of the rows.
    unit
        What is new or old: products, or ``importer, hs_code`` with ``by`` the exporter.
    value
        Column to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``by``. ``before_<value>``, ``after_<value>``, ``change_<value>``, ``intensive_…``,
        ``entry_…``, ``exit_…`` (zero or less): the last three add up to the change; ``kept``, ``entered``,
        ``left`` (how many units).

    *Missing data*: no row is no trade. A null in a window makes the row null. Codes of two revisions make
    entry and exit that are none: bring them to one first.

    References
    ----------
    Hummels, D. and Klenow, P. J. (2005), The variety and quality of a nation's exports, American Economic
    Review 95; the sum as in Eaton, J. et al. (2008), The margins of entry into export markets.
    """
    keys = list(by)
    data = _two_columns(frame, two_windows(before, after), list(dict.fromkeys([*keys, *unit])), value)
    was, now = nw.col("__before"), nw.col("__after")
    had, has = was > 0, now > 0
    none = nw.lit(0.0)
    data = data.with_columns(
        nw.lit(1).alias("__all"),
        nw.when(had & has).then(now - was).otherwise(none).alias(f"intensive_{value}"),
        nw.when(has & ~had).then(now).otherwise(none).alias(f"entry_{value}"),
        nw.when(had & ~has).then(none - was).otherwise(none).alias(f"exit_{value}"),
        *[
            nw.when(is_so).then(nw.lit(1)).otherwise(nw.lit(0)).alias(name)
            for name, is_so in (("kept", had & has), ("entered", has & ~had), ("left", had & ~has))
        ],
    )
    sums = [f"{name}_{value}" for name in ("intensive", "entry", "exit")]
    counts = ["kept", "entered", "left"]
    found = data.group_by(*(keys or ["__all"])).agg(
        was.sum().alias(f"before_{value}"), now.sum().alias(f"after_{value}"),
        *[nw.col(name).sum() for name in (*sums, *counts, "__nulls")],
    )  # fmt: skip
    found = found.with_columns(
        (nw.col(f"after_{value}") - nw.col(f"before_{value}")).alias(f"change_{value}")
    )
    names = [*[f"{name}_{value}" for name in ("before", "after", "change")], *sums, *counts]
    is_known = nw.col("__nulls") == 0
    return cast(
        "IntoFrameT",
        found.select(
            *keys, *[nw.when(is_known).then(nw.col(name)).alias(name) for name in names]
        ).to_native(),
    )


def _two_columns(frame: Any, windows: tuple[Window, Window], unit: list[str], value: str) -> Any:
    """Return the value of both windows side by side, 0 without a row, and how many rows are null."""
    data = opened(frame, *unit, "period", value)
    earlier, later = windows
    amount = nw.col(value).cast(nw.Float64)
    in_before, in_after = earlier.holds(), later.holds()
    data = data.filter(in_before | in_after).with_columns(
        nw.when(in_before).then(amount).otherwise(nw.lit(0.0)).alias("__before"),
        nw.when(in_after).then(amount).otherwise(nw.lit(0.0)).alias("__after"),
        nw.when(nw.col(value).is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).alias("__nulls"),
    )
    sums = data.group_by(*unit).agg(
        nw.col("__before").sum(), nw.col("__after").sum(), nw.col("__nulls").sum()
    )
    return sums.select(*unit, "__before", "__after", "__nulls")
