"""Reconciled values added up from six digits to the total, each book's own total beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.books import exporter_book, importer_book
from entrepot.schema import TOTALS

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["add_up"]

_LEVELS = (6, 4, 2, 0)


def add_up(flows: IntoFrameT, totals: IntoFrameT) -> IntoFrameT:
    """Return the reconciled flows at six, four and two digits and in total, and what each book says there.

    A level is the sum of the level under it, so sums hold exactly. What a book publishes as its own total
    is kept beside: where it is more than the sum of its goods, it holds what is confidential, or booked
    under no code.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled``, goods of six digits (or the finest there are).
    totals
        Rows of ``core__flow`` of product ``TOTAL``.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``out__totals``. ``hs_code`` of two, four or six digits, or ``TOTAL``.

    *Missing data*: a book's sum is null where the side did not publish the period; its published total is
    null below the total and where it published none. ``…_unexplained_usd`` is published total − sum of
    goods.
    """
    goods = nw.from_native(cast("Any", flows)).filter(nw.col("hs_code") != "TOTAL")
    keys = ["exporter", "importer", "frequency", "period"]
    levels = []
    for digits in _LEVELS:
        code = nw.col("hs_code").str.slice(0, digits) if digits else nw.lit("TOTAL")
        levels.append(_summed(goods.with_columns(code.alias("hs_code")), [*keys, "hs_code"], digits))
    found = nw.concat(levels, how="vertical")
    for side, book in (("exporter", exporter_book(totals)), ("importer", importer_book(totals))):
        published = nw.from_native(cast("Any", book)).select(
            *keys, "hs_code", nw.col(f"{side}_report_usd").alias(f"{side}_total_usd")
        )
        found = found.join(published, on=[*keys, "hs_code"], how="left").with_columns(
            (nw.col(f"{side}_total_usd") - nw.col(f"{side}_report_usd")).alias(f"{side}_unexplained_usd")
        )
    return cast("IntoFrameT", found.select(*TOTALS.columns).to_native())


def _summed(goods: Any, keys: list[str], digits: int) -> Any:
    sides = ("exporter_report_usd", "importer_report_usd")
    if digits:
        goods = goods.filter(nw.col("hs_code").str.len_chars() == digits)
    sums = goods.group_by(*keys).agg(
        nw.col("value_usd").sum(),
        *[nw.col(side).sum() for side in sides],
        *[nw.col(side).count().alias(f"__{side}") for side in sides],
    )
    return sums.select(
        *keys,
        "value_usd",
        *[nw.when(nw.col(f"__{side}") > 0).then(nw.col(side)).alias(side) for side in sides],
    )
