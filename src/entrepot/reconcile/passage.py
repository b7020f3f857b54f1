"""Goods that passed a hub stand under their origin in the importer's book: by how much each flow is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa

from entrepot.engine import place_beside, small_table
from entrepot.reconcile.arrays import codes, combine_codes, first_rows, floats, sums
from entrepot.reconcile.hubs import HubFit, find_hubs
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame, IntoFrameT

__all__ = ["LOG_PASSED", "PASSED_VARIANCE", "fit_hubs", "is_own", "passed_amount", "with_passage"]

#: Log of the importer's report over what it would be if goods that passed a hub stood under the hub.
LOG_PASSED = "log_passed"
#: What is not known of it.
PASSED_VARIANCE = "passed_variance"
#: A flow that has more of others' goods in it (logs) says nothing of ratios and reporters.
_MOST_PASSED = 0.2

#: Flows with two reports that hubs are looked for in.
_MOST_FLOWS = 300_000
#: Some of a report is always its own.
_LARGEST = 0.9999
#: Of a report that has no exporter's beside it at most this share is taken for others' goods.
_MOST_SHARE = 0.8
_CELL = ("exporter", "importer", "hs_code")
_X, _M = nw.col("exporter_report_usd"), nw.col("importer_report_usd")


def fit_hubs(paired: IntoFrameT) -> HubFit:
    """Find the exporters whose goods stand under their origin in importers' books.

    A named step that executes: two queries with small results.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.

    Returns
    -------
    HubFit
        See :func:`entrepot.reconcile.hubs.find_hubs`. Of more than 300,000 flows with two reports every
        n-th good is looked at.
    """
    data = _abroad(paired)
    counted = data.filter((_X > 0) & (_M > 0)).group_by("hs_code").agg(nw.len().alias("flows"))
    goods = small_table(counted.to_native(), what="flows by good").sort_by("hs_code")
    if not goods.num_rows:
        return find_hubs(None)
    every = int(np.ceil(floats(goods, "flows").sum() / _MOST_FLOWS))
    looked_at = goods.select(["hs_code"]).take(np.arange(0, goods.num_rows, every))
    is_both = ~_X.is_null() & ~_M.is_null()
    cells = (
        data.join(place_beside(looked_at, paired), on="hs_code", how="inner")
        .with_columns(
            nw.when(~_M.is_null()).then(_sent()).alias("__left"),
            nw.coalesce(_M, _X).alias("__arrived"),
            nw.when(is_both).then(_X).alias("__x"),
            nw.when(is_both).then(_M).alias("__m"),
        )
        .group_by(*_CELL)
        .agg(
            nw.col("__left").sum().alias("left"), nw.col("__arrived").sum().alias("arrived"),
            nw.col("__x").sum().alias("exporter_sum"), nw.col("__m").sum().alias("importer_sum"),
        )
    )  # fmt: skip
    return find_hubs(small_table(cells.to_native(), what="flows of both books"))


def with_passage(paired: IntoFrameT, hubs: HubFit) -> IntoFrameT:
    r"""Add to paired books by how much goods that passed a hub put the importer's report off.

    *Formula*  Of what a supplier o sent to j of good k the importer shows 1 + Σ_h s_h·A_hojk/x_ojk times as
    much, and of a hub's own goods 1 − s_h, where the hub has suppliers of the good. x and A are summed over
    the months of a calendar year that both published; where the exporter published none, or published that
    there was nothing, the importer's report stands for x + Σ_h s_h·A, of which at most four fifths are A.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`.
    hubs
        See :func:`fit_hubs`.

    Returns
    -------
    frame of the caller's kind
        ``paired`` with ``log_passed`` and ``passed_variance``; both 0 where no hub is concerned. Nothing is
        executed but a query for the hubs' suppliers.
    """
    data = nw.from_native(cast("Any", paired))
    if not hubs.table.num_rows:
        return cast(
            "IntoFrameT",
            data.with_columns(nw.lit(0.0).alias(LOG_PASSED), nw.lit(0.0).alias(PASSED_VARIANCE)).to_native(),
        )
    suppliers = _suppliers(paired, hubs)
    own = _beside(_own(suppliers, hubs), paired)
    year = nw.col("period").str.slice(0, 4).alias("__year")
    keys = [*_CELL, "frequency", "__year"]
    data = (
        data.with_columns(year)
        .join(_of_years(paired, _beside(suppliers, paired)), on=keys, how="left")
        .join(own, on=["exporter", "hs_code"], how="left")
    )
    is_abroad = nw.col("exporter") != nw.col("importer")
    share = nw.col("__share").fill_null(0.0)
    own_share = nw.when(is_abroad).then(nw.col("__own")).otherwise(0.0).fill_null(0.0)
    return cast(
        "IntoFrameT",
        data.with_columns(
            ((1.0 - own_share).log() - (1.0 - share).log()).alias(LOG_PASSED),
            ((share * share + own_share * own_share) * hubs.spread**2).alias(PASSED_VARIANCE),
        )
        .drop("__year", "__share", "__own")
        .to_native(),
    )


def is_own() -> nw.Expr:
    """Return the expression of a flow that has few of others' goods in the importer's report."""
    return nw.col(LOG_PASSED) < _MOST_PASSED


def passed_amount(paired: IntoFrame) -> nw.Expr:
    """Return the expression of ``importer_passed_usd``; null where nobody looked for hubs."""
    if LOG_PASSED not in nw.from_native(paired).collect_schema().names():
        return nw.lit(None, dtype=nw.Float64).alias("importer_passed_usd")
    return (_M * (1.0 - (-nw.col(LOG_PASSED)).exp())).alias("importer_passed_usd")


def _abroad(paired: Any) -> Any:
    return nw.from_native(paired).filter(nw.col("exporter") != nw.col("importer"))


def _sent() -> nw.Expr:
    return nw.coalesce(_X, _M / DEFAULT_CIF_FOB)


def _beside(table: pa.Table, paired: Any) -> Any:
    return place_beside(table, paired)


def _suppliers(paired: Any, hubs: HubFit) -> pa.Table:
    """Return the largest suppliers of each hub by good, and what part of the hub's exports each is under."""
    names = _beside(hubs.table.select(["hub"]).rename_columns(["importer"]), paired)
    bought = (
        _abroad(paired)
        .join(names, on="importer", how="inner")
        .with_columns(nw.coalesce(_M, _X).alias("__arrived"))
        .filter(nw.col("__arrived") > 0)
        .group_by(*_CELL)
        .agg(nw.col("__arrived").sum())
    )
    rows = small_table(bought.to_native(), what="suppliers of hubs")
    rows = rows.sort_by(
        [("importer", "ascending"), ("hs_code", "ascending"), ("__arrived", "descending"),
         ("exporter", "ascending")]
    )  # fmt: skip
    good = combine_codes(codes(rows, "importer")[1], codes(rows, "hs_code")[1])
    starts = first_rows(good)
    rows = rows.filter(pa.array(np.arange(len(good)) - starts[good] < hubs.suppliers))
    good = combine_codes(codes(rows, "importer")[1], codes(rows, "hs_code")[1])
    arrived = floats(rows, "__arrived")
    names, of_name = codes(rows, "importer")
    sent = np.array([hubs.share_of_sent(name) for name in names])
    return pa.table(
        {
            "hub": rows["importer"].cast(pa.string()),
            "origin": rows["exporter"].cast(pa.string()),
            "hs_code": rows["hs_code"].cast(pa.string()),
            "__part": pa.array(arrived / sums(good, arrived)[good] * sent[of_name], pa.float64()),
        }
    )


def _own(suppliers: pa.Table, hubs: HubFit) -> pa.Table:
    """Return the goods that hubs pass on, and the share that stands under others."""
    goods = suppliers.group_by(["hub", "hs_code"]).aggregate([])
    share = [hubs.share_of(hub) for hub in goods["hub"].to_pylist()]
    return pa.table(
        {"exporter": goods["hub"], "hs_code": goods["hs_code"], "__own": pa.array(share, pa.float64())}
    )


def _of_years(paired: Any, suppliers: Any) -> Any:
    """Return by flow and year the share of the importer's report that came through hubs."""
    keys = [*_CELL, "frequency", "period"]
    sent = _abroad(paired).rename({"exporter": "hub"}).filter(~_M.is_null())
    added = (
        sent.select("hub", *keys[1:], _sent().alias("__sent"))
        .join(suppliers, on=["hub", "hs_code"], how="inner")
        .rename({"origin": "exporter"})
        .with_columns((nw.col("__sent") * nw.col("__part")).alias("__added"))
        .group_by(*keys)
        .agg(nw.col("__added").sum())
    )
    is_both = ~_X.is_null()
    sums = (
        _abroad(paired)
        .filter(_M > 0)
        .join(added, on=keys, how="inner")
        .select(
            *_CELL,
            "frequency",
            nw.col("period").str.slice(0, 4).alias("__year"),
            "__added",
            nw.when(is_both).then(_X).alias("__x"),
            nw.when(is_both).then(nw.col("__added")).alias("__of_both"),
            (_M / DEFAULT_CIF_FOB).alias("__m"),
        )
        .group_by(*_CELL, "frequency", "__year")
        .agg(
            *[nw.col(name).sum() for name in ("__x", "__of_both", "__added", "__m")],
        )
    )
    x, of_both = nw.col("__x"), nw.col("__of_both")
    whole = nw.when(x > 0).then(x + of_both).otherwise(1.0)
    alone = (nw.col("__added") / nw.col("__m")).clip(0.0, _MOST_SHARE)
    share = nw.when(x > 0).then(of_both / whole).otherwise(alone).clip(0.0, _LARGEST)
    return sums.select(*_CELL, "frequency", "__year", share.alias("__share"))
