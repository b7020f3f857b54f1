"""Both books of a flow over a calendar year: the window in which months of departure and arrival agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["PRODUCT_GROUPS", "VALUE", "WEIGHT", "Measure", "chapter", "flow_years", "product_group"]

#: Goods whose freight is alike, by the last chapter of the group.
PRODUCT_GROUPS: tuple[tuple[str, str], ...] = (
    ("24", "food"),
    ("27", "minerals"),
    ("40", "chemicals"),
    ("49", "wood and paper"),
    ("67", "textiles and footwear"),
    ("83", "stone and metals"),
    ("90", "machines and vehicles"),
    ("99", "other goods"),
)
_ALL_GOODS = "all goods"


@dataclass(frozen=True, slots=True)
class Measure:
    """What of a flow both books state.

    Attributes
    ----------
    name
        ``value``, ``weight`` or ``quantity``.
    exporter, importer
        Columns of the paired books that hold it.
    unit
        Column of the unit, where flows have different ones.
    is_valued
        Whether freight and insurance are in the importer's figure.
    """

    name: str
    exporter: str
    importer: str
    unit: str | None = None
    is_valued: bool = False


VALUE = Measure("value", "exporter_report_usd", "importer_report_usd", is_valued=True)
WEIGHT = Measure("weight", "exporter_weight_kg", "importer_weight_kg")


def chapter() -> nw.Expr:
    """Return the expression of a row's HS chapter; ``TO`` for totals of all goods."""
    return nw.col("hs_code").str.slice(0, 2)


def product_group() -> nw.Expr:
    """Return the expression of a row's product group, see :data:`PRODUCT_GROUPS`."""
    group: nw.Expr = nw.lit(_ALL_GOODS)
    for last, name in reversed(PRODUCT_GROUPS):
        group = nw.when(chapter() <= last).then(nw.lit(name)).otherwise(group)
    return group


def flow_years(paired: IntoFrameT, measure: Measure = VALUE, *, is_monthly: bool = True) -> IntoFrameT:
    """Sum both books of each flow over the months of a calendar year that both sides published.

    What leaves in one month arrives in the next: over a year that hardly matters, in a month it is most of
    the difference. Reliability is therefore judged by the year.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    measure
        What is summed.
    is_monthly
        False where every period is a year already, so that nothing needs to be summed.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × hs_code × frequency × year. ``chapter``, ``product_group``,
        ``exporter_sum``, ``importer_sum``; ``log_unit_value`` (logs of USD a kg by the exporter's book);
        ``log_passed`` (see :func:`entrepot.reconcile.with_passage`; 0 where that was not asked).

    *Missing data*: the sums are null where no month was published by both, or in several units.
    """
    exporter, importer = nw.col(measure.exporter), nw.col(measure.importer)
    is_shared = ~exporter.is_null() & ~importer.is_null()
    data = nw.from_native(cast("Any", paired)).select(
        "exporter", "importer", "hs_code", "frequency",
        nw.col("period").str.slice(0, 4).alias("year"),
        nw.when(is_shared).then(exporter).alias("__x"),
        nw.when(is_shared).then(importer).alias("__m"),
        nw.when(~nw.col("exporter_weight_kg").is_null()).then(nw.col("exporter_report_usd")).alias("__usd"),
        nw.col("exporter_weight_kg").alias("__kg"),
        *([nw.col(measure.unit).alias("__in")] if measure.unit else []),
        _passed(paired),
    )  # fmt: skip
    is_known = nw.col("__shared") > 0
    if is_monthly:
        units = [nw.col("__in").min().alias("__in"), nw.col("__in").max().alias("__also_in")]
        sums = data.group_by("exporter", "importer", "hs_code", "frequency", "year").agg(
            nw.col("__x").count().alias("__shared"),
            *[nw.col(name).sum() for name in ("__x", "__m", "__usd", "__kg")],
            *(units if measure.unit else []),
            nw.col("log_passed").max(),
        )
        if measure.unit:
            is_known &= nw.col("__in") == nw.col("__also_in")
    else:
        sums = data.with_columns(nw.when(~nw.col("__x").is_null()).then(1).otherwise(0).alias("__shared"))
    is_weighed = (nw.col("__kg") > 0) & (nw.col("__usd") > 0)
    return cast(
        "IntoFrameT",
        sums.select(
            "exporter", "importer", "hs_code", "frequency", "year",
            chapter().alias("chapter"), product_group().alias("product_group"),
            nw.when(is_known).then(nw.col("__x")).alias("exporter_sum"),
            nw.when(is_known).then(nw.col("__m")).alias("importer_sum"),
            nw.when(is_weighed).then(_ratio("__usd", "__kg").log()).alias("log_unit_value"),
            "log_passed",
        ).to_native(),
    )  # fmt: skip


def _passed(paired: Any) -> nw.Expr:
    """Return the expression of what hubs put the importer's report off by, alike in all months of a year."""
    known = "log_passed" in nw.from_native(paired).collect_schema().names()
    return nw.col("log_passed") if known else nw.lit(0.0).alias("log_passed")


def _ratio(above: str, below: str) -> nw.Expr:
    """Divide, with a harmless number below where there is nothing to divide by (Spark raises on zero)."""
    return nw.when(nw.col(above) > 0).then(nw.col(above)).otherwise(1.0) / nw.when(nw.col(below) > 0).then(
        nw.col(below)
    ).otherwise(1.0)
