"""How well a supplier could be replaced by what others sell elsewhere, and by one's own exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.errors import OptionError
from entrepot.measures.sums import opened, ratio, summed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = ["substitutability"]

_PARTS = ("covered", "own_covered", "sole")


def substitutability(
    frame: IntoFrameT,
    *,
    product: str = "hs_code",
    within: Sequence[str] = ("period",),
    value: str = "value_usd",
    divertible: float = 1.0,
) -> IntoFrameT:
    r"""Return how much of what an importer buys of a supplier others sell to other markets.

    Use it beside a share: a supplier of nine tenths of what the world is full of is no dependence, one
    of a fifth of what nobody else makes is. It says what is traded today, not what could be made.

    *Formula*  of supplier s, importer j and product k: o_k = Σ_{i ∉ {s, j}} Σ_{m ≠ j} x_imk, what others sell
    elsewhere; coverage = Σ_k min(x_sjk, θ·o_k) / Σ_k x_sjk; own coverage = Σ_k min(x_sjk, e_jk) / Σ_k x_sjk,
    with e_jk what j itself exports.

    Parameters
    ----------
    frame
        Rows of the whole world's flows: ``exporter``, ``importer``, the product and the value.
    product
        Column of the products. The finer, the fewer substitutes that are none.
    within
        Further keys, such as ``period``.
    value
        Column to be summed.
    divertible
        θ: which part of what others sell elsewhere could come instead, 0 to 1. All of it is the upper bound.

    Returns
    -------
    frame of the caller's kind
        **Grain**: ``within`` × exporter × importer that trade. The value; ``share`` of the importer's;
        ``covered_<value>`` and ``coverage`` (0 to 1); ``own_covered_<value>`` and ``own_coverage``;
        ``sole_<value>`` and ``sole_share``: goods that nobody else sells anywhere else. Goods coming home
        (exporter and importer are one) are left out.

    *Missing data*: no row is no trade; a null makes all figures of its ``within`` null.

    Raises
    ------
    OptionError
        ``divertible`` is not between 0 and 1.

    References
    ----------
    European Commission (2021), Strategic dependencies and capacities, SWD(2021) 352, section 3: its third
    indicator sets imports against own exports; others' exports elsewhere are set beside it here.
    """
    if not 0 <= divertible <= 1:
        raise OptionError(
            f"{divertible} is no share",
            where="divertible",
            hint="1 for all that others sell elsewhere, 0.1 for a tenth",
        )
    keys, pair = list(within), ["exporter", "importer"]
    data = opened(frame, *keys, *pair, product, value).filter(nw.col("exporter") != nw.col("importer"))
    data = summed(data, [*keys, *pair, product], value)
    null = nw.when(nw.col(value).is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    data = data.with_columns(null.alias("__null"))
    own = data.group_by(*keys, "exporter", product).agg(nw.col(value).sum().alias("__own"))
    own = own.rename({"exporter": "importer"})
    amount = nw.col(value)
    data = data.with_columns(
        amount.sum().over(*keys, product).alias("__world"),
        amount.sum().over(*keys, "exporter", product).alias("__sold"),
        amount.sum().over(*keys, "importer", product).alias("__bought"),
    )
    data = data.join(own, on=[*keys, "importer", product], how="left")
    data = data.with_columns(nw.coalesce(nw.col("__own"), nw.lit(0.0)).alias("__own"))
    elsewhere = nw.col("__world") - nw.col("__sold") - nw.col("__bought") + amount - nw.col("__own")
    # What is left of sums that cancel is nothing.
    data = data.with_columns(
        nw.when(elsewhere > nw.col("__world") * 1e-12)
        .then(elsewhere)
        .otherwise(nw.lit(0.0))
        .alias("__others")
    )
    data = data.with_columns(
        _least(amount, nw.col("__others") * divertible).alias("__covered"),
        _least(amount, nw.col("__own")).alias("__own_covered"),
        nw.when(nw.col("__others") > 0).then(nw.lit(0.0)).otherwise(amount).alias("__sole"),
    )
    found = data.group_by(*keys, *pair).agg(
        amount.sum(), *[nw.col(f"__{name}").sum() for name in _PARTS], nw.col("__null").sum()
    )
    return cast("IntoFrameT", _shown(found, keys, pair, value).to_native())


def _least(one: nw.Expr, other: nw.Expr) -> nw.Expr:
    return nw.when(one < other).then(one).otherwise(other)


def _shown(found: Any, keys: list[str], pair: list[str], value: str) -> Any:
    """Return amounts and shares, null where something was not reported."""
    group = keys or ["__all"]
    found = found.with_columns(nw.lit(1).alias("__all"))
    found = found.with_columns(
        nw.col("__null").sum().over(*group).alias("__nulls"),
        nw.col(value).sum().over(*keys, "importer").alias("__imports"),
    )
    is_known = nw.col("__nulls") == 0
    names = {value: value, "__imports": "__imports"} | {f"__{name}": f"{name}_{value}" for name in _PARTS}
    found = found.select(
        *keys, *pair, *[nw.when(is_known).then(nw.col(old)).alias(new) for old, new in names.items()]
    )
    shares = {"share": (value, "__imports"), "coverage": (f"covered_{value}", value)}
    shares |= {"own_coverage": (f"own_covered_{value}", value), "sole_share": (f"sole_{value}", value)}
    found = found.with_columns(
        *[ratio(nw.col(upper), nw.col(lower)).alias(name) for name, (upper, lower) in shares.items()]
    )
    columns = ("share", f"covered_{value}", "coverage", f"own_covered_{value}", "own_coverage")
    return found.select(*keys, *pair, value, *columns, f"sole_{value}", "sole_share")
