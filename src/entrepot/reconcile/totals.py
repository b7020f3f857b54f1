"""Reconciled values added up from six digits to the total, and why each book's own figure differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.books import exporter_book, importer_book
from entrepot.schema import TOTALS

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["LEVELS", "add_up"]

#: Digits of the levels; 0 is the total of all goods.
LEVELS = (6, 4, 2, 0)

_KEYS = ("exporter", "importer", "frequency", "period")
_SIDES = ("exporter", "importer")
#: What a side's goods differ by from the estimate.
_REASONS = ("valuation", "weighting", "unknown", "silent", "confidential")


def add_up(flows: IntoFrameT, totals: IntoFrameT) -> IntoFrameT:
    r"""Return the reconciled flows at six, four and two digits and in total, and what each book says there.

    A level is the sum of the level under it, so sums hold exactly.

    *Formula*  Of either side, book − value = undetailed + valuation + weighting − unknown − silent, where
    book is its published total, or, below the total or without one, the sum of its goods.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled``, goods of six digits (or the finest there are).
    totals
        Rows of ``core__flow`` of product ``TOTAL``.

    Returns
    -------
    frame of the caller's kind
        **Grain** and columns of ``out__totals``. ``hs_code`` of two, four or six digits, or ``TOTAL``. Of
        the exporter and the importer:

        * ``…_report_usd``, the sum of its goods; ``…_total_usd``, its own published total;
        * ``…_undetailed_usd``, the total less the goods: what it publishes under no code;
        * ``…_valuation_usd``, freight and insurance in its goods;
        * ``…_weighting_usd``, its goods on FOB less the estimate, of flows that it reports;
        * ``…_unknown_usd``, the estimate of flows that it has no row of in a period that it published;
        * ``…_silent_usd``, the estimate of flows in periods that it did not publish;
        * ``…_confidential_usd``, its goods under codes with withheld digits (in its goods already).

    *Missing data*: a book's sum is null where the side did not publish the period; its published total is
    null below the total and where it published none.
    """
    goods = nw.from_native(cast("Any", flows)).filter(nw.col("hs_code") != "TOTAL")
    goods = goods.with_columns(*_explained())
    levels = []
    for digits in LEVELS:
        code = nw.col("hs_code").str.slice(0, digits) if digits else nw.lit("TOTAL")
        levels.append(_summed(goods.with_columns(code.alias("hs_code")), digits))
    found = nw.concat(levels, how="vertical")
    for side, book in (("exporter", exporter_book(totals)), ("importer", importer_book(totals))):
        published = nw.from_native(cast("Any", book)).select(
            *_KEYS, "hs_code", nw.col(f"{side}_report_usd").alias(f"{side}_total_usd")
        )
        detailed = nw.coalesce(nw.col(f"{side}_report_usd"), nw.lit(0.0))
        found = found.join(published, on=[*_KEYS, "hs_code"], how="left").with_columns(
            (nw.col(f"{side}_total_usd") - detailed).alias(f"{side}_undetailed_usd")
        )
    return cast("IntoFrameT", found.select(*TOTALS.columns).to_native())


def _explained() -> list[nw.Expr]:
    """Return the expressions of what either side's figure differs by from the estimate, flow by flow."""
    value = nw.col("value_usd")
    freight = nw.coalesce(nw.col("freight_ratio"), nw.col("cif_fob_ratio"), nw.lit(1.0))
    found = []
    for side in _SIDES:
        own = nw.col(f"{side}_report_usd")
        fob = own / freight if side == "importer" else own
        parts = {
            "valuation": own - fob,
            "weighting": nw.when(own > 0).then(fob - value).otherwise(0.0),
            "unknown": nw.when(own == 0).then(value).otherwise(0.0),
            "silent": nw.when(own.is_null()).then(value).otherwise(0.0),
            "confidential": nw.when(nw.col("hs_code").str.contains("X", literal=True))
            .then(own)
            .otherwise(0.0),
        }
        found += [
            nw.coalesce(parts[reason], nw.lit(0.0)).alias(f"{side}_{reason}_usd") for reason in _REASONS
        ]
    return found


def _summed(goods: Any, digits: int) -> Any:
    if digits:
        goods = goods.filter(nw.col("hs_code").str.len_chars() == digits)
    books = [f"{side}_report_usd" for side in _SIDES]
    reasons = [f"{side}_{reason}_usd" for side in _SIDES for reason in _REASONS]
    sums = goods.group_by(*_KEYS, "hs_code").agg(
        *[nw.col(name).sum() for name in ("value_usd", *reasons, *books)],
        *[nw.col(book).count().alias(f"__{book}") for book in books],
    )
    return sums.select(
        *_KEYS, "hs_code", "value_usd", *reasons,
        *[nw.when(nw.col(f"__{book}") > 0).then(nw.col(book)).alias(book) for book in books],
    )  # fmt: skip
