"""Areas that are no place ("not elsewhere specified", free zones): shared among partners, or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import narwhals as nw

from entrepot.nomenclature import OTHER_ASIA, special_areas
from entrepot.reconcile.exporter_first import with_pair_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT

__all__ = ["SpecialAreas", "allocate_special"]

#: Keep special areas as partners of their own, or allocate what was booked on them.
SpecialAreas = Literal["keep", "allocate"]

#: Goods that nobody imports: bunkers, high seas, stores and provisions. They stay where they are.
_NOBODY_IMPORTS = frozenset({"XBU", "XQP", "XQQ", "XQR", "XQS"})
#: Whose trade "Other Asia, not elsewhere specified" is.
_BEHIND_OTHER_ASIA = "TWN"


def allocate_special(paired: IntoFrameT, ratios: IntoFrameT) -> IntoFrameT:
    r"""Share what a book has on areas that are no place among the partners that know of the goods.

    *Formula*  Of reporter r, product and period: a partner's excess is what its mirror, on the scale of r,
    is over what r names for it, e_j = max(0, mirror_j − x_j). The amount A on special areas goes to the
    partners in proportion to e_j, and no more than Σ e_j of it: a_j = e_j · min(1, A ÷ Σ e). What no partner
    knows of stays. "Other Asia" goes to Taiwan alone, and only where Taiwan's own reports are there.
    Bunkers, stores and the high seas stay. The exporters' book comes first, then the importers'.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    ratios
        See :func:`entrepot.reconcile.cif_fob_ratios`.

    Returns
    -------
    frame of the caller's kind
        The same rows. ``exporter_report_usd`` and ``importer_report_usd`` with the shares in them;
        ``exporter_allocated_usd`` and ``importer_allocated_usd``, what a row got, or gave (negative), which
        add up to nought over the partners. Weights move with the values, quantities where the units agree.

    *Missing data*: where a special area's weight is not reported, that of the partners that got a share of
    its value is not known either.
    """
    data = with_pair_ratio(nw.from_native(cast("Any", paired)), nw.from_native(cast("Any", ratios)))
    nought = nw.lit(0.0)
    data = data.with_columns(nought.alias("exporter_allocated_usd"), nought.alias("importer_allocated_usd"))
    elsewhere = [code for code in special_areas() if code not in _NOBODY_IMPORTS | {OTHER_ASIA}]
    for side in ("exporter", "importer"):
        for pool, takers in (([OTHER_ASIA], [_BEHIND_OTHER_ASIA]), (elsewhere, None)):
            data = _allocated(data, side, pool, takers)
    names = nw.from_native(cast("Any", paired)).collect_schema().names()
    return cast("IntoFrameT", data.select(*names).to_native())


def _allocated(data: Any, side: str, pool: Sequence[str], takers: Sequence[str] | None) -> Any:
    """Move what one side has on the areas of a pool."""
    other = "importer" if side == "exporter" else "exporter"
    own, weight = nw.col(f"{side}_report_usd"), nw.col(f"{side}_weight_kg")
    quantity, unit = nw.col(f"{side}_quantity"), nw.col(f"{side}_quantity_unit")
    gives = nw.col(other).is_in(list(pool)) & (own > 0)
    takes = (
        nw.col(other).is_in(list(takers)) if takers is not None else ~nw.col(other).is_in(special_areas())
    ) & (nw.col("exporter") != nw.col("importer"))
    scale = nw.col("cif_fob_ratio") if side == "importer" else 1.0 / nw.col("cif_fob_ratio")
    more = nw.col(f"{other}_report_usd") * scale - own
    data = data.with_columns(
        nw.when(gives).then(own).otherwise(0.0).alias("__given"),
        nw.when(takes & (more > 0)).then(more).otherwise(0.0).alias("__excess"),
        gives.fill_null(value=False).alias("__gives"),
    )
    data = data.join(_pools(data, side), on=[side, "hs_code", "frequency", "period"], how="left")
    given, excess = nw.col("__all_given"), nw.col("__all_excess")
    moved = nw.when(given < excess).then(given).otherwise(excess)
    part = moved / nw.when(given > 0).then(given).otherwise(1.0)
    share = nw.col("__excess") * moved / nw.when(excess > 0).then(excess).otherwise(1.0)
    data = data.with_columns(
        nw.when(nw.col("__gives")).then(-own * part).otherwise(share).fill_null(0.0).alias("__moved"),
        nw.when(nw.col("__gives")).then(1.0 - part).otherwise(1.0).fill_null(1.0).alias("__kept"),
        (share / nw.when(given > 0).then(given).otherwise(1.0)).alias("__of_pool"),
    )
    is_moved, gets = nw.col("__moved") != 0, nw.col("__moved") > 0
    same = (own == 0) | (unit == nw.col("__pool_unit"))
    return data.with_columns(
        (own + nw.col("__moved")).alias(f"{side}_report_usd"),
        (nw.col(f"{side}_allocated_usd") + nw.col("__moved")).alias(f"{side}_allocated_usd"),
        _moved(weight, nw.col("__pool_kg"), own, gets).alias(f"{side}_weight_kg"),
        nw.when(same | ~gets).then(_moved(quantity, nw.col("__pool_quantity"), own, gets))
        .alias(f"{side}_quantity"),
        nw.when(gets & (own == 0)).then(nw.col("__pool_unit"))
        .when(same | ~is_moved | ~gets).then(unit)
        .alias(f"{side}_quantity_unit"),
    ).drop(*_INNER)  # fmt: skip


_INNER = (
    "__given", "__excess", "__gives", "__all_given", "__all_excess", "__pool_kg", "__pool_quantity",
    "__pool_unit", "__moved", "__kept", "__of_pool",
)  # fmt: skip


def _pools(data: Any, side: str) -> Any:
    """Return by reporter, product and period what special areas hold, and what partners know of."""
    given = nw.col("__gives")
    kg, quantity = nw.col(f"{side}_weight_kg"), nw.col(f"{side}_quantity")
    unit = nw.col(f"{side}_quantity_unit")
    sums = (
        data.with_columns(
            nw.when(given).then(kg).alias("__kg"),
            nw.when(given).then(quantity).alias("__quantity"),
            nw.when(given).then(unit).alias("__unit"),
            nw.when(given).then(1).otherwise(0).alias("__one"),
        )
        .group_by(side, "hs_code", "frequency", "period")
        .agg(
            nw.col("__given").sum().alias("__all_given"),
            nw.col("__excess").sum().alias("__all_excess"),
            nw.col("__one").sum().alias("__rows"),
            nw.col("__kg").sum().alias("__pool_kg"),
            nw.col("__kg").count().alias("__weighed"),
            nw.col("__quantity").sum().alias("__pool_quantity"),
            nw.col("__quantity").count().alias("__counted"),
            nw.col("__unit").min().alias("__pool_unit"),
            nw.col("__unit").max().alias("__other_unit"),
        )
        .filter(nw.col("__all_given") > 0)
    )
    is_weighed = nw.col("__weighed") == nw.col("__rows")
    is_counted = (nw.col("__counted") == nw.col("__rows")) & (nw.col("__pool_unit") == nw.col("__other_unit"))
    return sums.with_columns(
        nw.when(is_weighed).then(nw.col("__pool_kg")).alias("__pool_kg"),
        nw.when(is_counted).then(nw.col("__pool_quantity")).alias("__pool_quantity"),
        nw.when(is_counted).then(nw.col("__pool_unit")).alias("__pool_unit"),
    ).drop("__rows", "__weighed", "__counted", "__other_unit")


def _moved(amount: nw.Expr, pool: nw.Expr, own: nw.Expr, gets: nw.Expr) -> nw.Expr:
    """Return a weight or quantity after the move: a row that had nothing has the share alone."""
    before = nw.when(own == 0).then(0.0).otherwise(amount)
    return nw.when(gets).then(before + pool * nw.col("__of_pool")).otherwise(amount * nw.col("__kept"))
