"""From the reports that count to reconciled flows, kept on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from entrepot.errors import OptionError
from entrepot.pipeline.weighing import weighted_flows
from entrepot.reconcile import (
    allocate_special,
    cif_fob_ratios,
    pair_books,
    published_flows,
    reconcile_books,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.engine import FrameEngine
    from entrepot.pipeline.counting import CountedReports
    from entrepot.reconcile import Estimate, SpecialAreas

__all__ = ["GoodsOrTotals", "kept_pairs", "reconcile_counted"]

GoodsOrTotals = Literal["goods", "totals"]


def reconcile_counted(
    engine: FrameEngine,
    counted: CountedReports,
    *,
    frequency: str,
    estimate: Estimate,
    special: SpecialAreas = "keep",
    only: Sequence[GoodsOrTotals] = ("goods", "totals"),
) -> nw.LazyFrame[Any]:
    """Return one row per flow of the reports that count; goods and totals are reconciled apart.

    Parameters
    ----------
    engine
        Where the reports are, and the flows will be.
    counted
        See :func:`entrepot.pipeline.counting.counted_reports`.
    frequency
        ``M`` or ``A``.
    estimate, special
        See :func:`entrepot.reconcile.reconcile`.
    only
        Which flows: those of goods, published totals, or both.

    Raises
    ------
    OptionError
        Special areas are to be allocated in flows that their publisher reconciled.
    """
    if not counted.are_reports:
        if special == "allocate":
            raise OptionError(
                "flows that their publisher reconciled have no second book to allocate special areas by",
                where="--special-areas",
                hint="leave the option out, or ingest the reporters' own figures",
            )
        return engine.keep(_lazy(published_flows(counted.rows.to_native())), f"published_{counted.name}")
    parts: list[nw.LazyFrame[Any]] = []
    for kind in only:
        is_wanted = nw.col("hs_code") != "TOTAL" if kind == "goods" else nw.col("hs_code") == "TOTAL"
        name = f"{kind}_{counted.name}"
        paired = kept_pairs(engine, counted.rows.filter(is_wanted), name, special=special)
        if estimate == "weighted":
            parts.append(weighted_flows(engine, paired, name, frequency=frequency)[0])
        else:
            ratios = engine.keep(_lazy(cif_fob_ratios(paired.to_native())), f"ratios_{name}")
            flows = _lazy(reconcile_books(paired.to_native(), ratios.to_native()))
            parts.append(engine.keep(flows, f"reconciled_{name}"))
        engine.drop(f"paired_{name}")
    return nw.concat(parts, how="vertical")


def kept_pairs(
    engine: FrameEngine, reports: nw.LazyFrame[Any], name: str, *, special: SpecialAreas = "keep"
) -> nw.LazyFrame[Any]:
    """Return both books side by side, kept on the engine, special areas kept or allocated.

    Parameters
    ----------
    engine, reports
        The engine, and leaf reports on it.
    name
        Ends the name of the kept table, ``paired_<name>``.
    special
        See :func:`entrepot.reconcile.reconcile`.
    """
    if special == "keep":
        return engine.keep(_lazy(pair_books(reports.to_native())), f"paired_{name}")
    raw = engine.keep(_lazy(pair_books(reports.to_native())), f"unallocated_{name}").to_native()
    ratios = engine.keep(_lazy(cif_fob_ratios(raw)), f"rough_ratios_{name}").to_native()
    paired = engine.keep(_lazy(allocate_special(raw, ratios)), f"paired_{name}")
    for table in ("unallocated", "rough_ratios"):
        engine.drop(f"{table}_{name}")
    return paired


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    return lazy
