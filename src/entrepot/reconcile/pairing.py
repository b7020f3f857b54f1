"""Both books side by side: nulls where a side did not publish, zeros where it published nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import narwhals as nw

from entrepot.reconcile.books import (
    CELL,
    NEVER_ENDS,
    both_books,
    consignment_pairs,
    reporting_calendar,
)
from entrepot.reconcile.silence import unspoken_pairs
from entrepot.schema import FlowKind

if TYPE_CHECKING:
    from narwhals.typing import IntoFrameT

__all__ = ["pair_books"]


def pair_books(reports: IntoFrameT, *, unspoken: IntoFrameT | None = None) -> IntoFrameT:
    """Return both books side by side: the first step of :func:`reconcile`.

    A side that published the period and does not name the partner has a zero, unless its book was taken in
    without that partner, see :func:`unspoken_pairs`.

    On an engine keep the result before going on (``Engine.keep``): the next steps read it several times.

    Parameters
    ----------
    reports
        Rows of ``core__flow`` of one HS level.
    unspoken
        What :func:`unspoken_pairs` found in them, if it was asked before.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × hs_code × frequency × period. Both reports, nulls turned to zeros
        where the side published the period, both weights, and both quantities
        with their units.
    """
    calendar = nw.from_native(cast("Any", reporting_calendar(reports)))
    joined = nw.from_native(cast("Any", both_books(reports)))
    silences = nw.from_native(cast("Any", unspoken_pairs(reports) if unspoken is None else unspoken))
    joined = joined.join(silences, on=["exporter", "importer", "frequency"], how="left")
    for side, flow in (("exporter", FlowKind.EXPORT), ("importer", FlowKind.IMPORT)):
        published = calendar.filter(nw.col("flow") == flow.value).select(
            nw.col("area").alias(side), "frequency", "period", nw.lit(0.0).alias(f"{side}_zero")
        )
        joined = joined.join(published, on=[side, "frequency", "period"], how="left")
        is_spoken_of = nw.col(f"{side}_unspoken").fill_null(0) == 0
        zero = nw.when(is_spoken_of).then(nw.col(f"{side}_zero"))
        if side == "importer":
            silent = nw.from_native(cast("Any", consignment_pairs(reports)))
            joined = joined.join(silent, on=["exporter", "importer", "frequency"], how="left").with_columns(
                nw.col("silent_before").fill_null(""), nw.col("silent_after").fill_null(NEVER_ENDS)
            )
            period = nw.col("period")
            is_heard = (period >= nw.col("silent_before")) & (period <= nw.col("silent_after"))
            zero = nw.when(is_heard).then(zero)
        # a report without a calendar entry cannot be: the calendar is made of the reports
        joined = joined.with_columns(
            nw.coalesce(nw.col(f"{side}_report_usd"), zero).alias(f"{side}_report_usd")
        )
    return cast(
        "IntoFrameT",
        joined.select(
            *CELL,
            *[
                f"{side}_{name}"
                for side in ("exporter", "importer")
                for name in ("report_usd", "weight_kg", "quantity", "quantity_unit")
            ],
            *[
                nw.lit(None, dtype=nw.Float64).alias(f"{side}_allocated_usd")
                for side in ("exporter", "importer")
            ],
        ).to_native(),
    )
