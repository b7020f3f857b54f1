"""The weighted reconciliation on an engine: each step that is read several times is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.reconcile import BooksFit, fit_books, fit_hubs, measure_years, weigh_books, with_passage

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.engine import FrameEngine

__all__ = ["weighted_flows"]


def weighted_flows(
    engine: FrameEngine,
    paired: nw.LazyFrame[Any],
    name: str,
    *,
    frequency: str,
    geography: pa.Table | None = None,
) -> tuple[nw.LazyFrame[Any], BooksFit]:
    """Return the weighted flows of paired books, kept on the engine, and what was learnt for them.

    Parameters
    ----------
    engine
        Where the books are.
    paired
        See :func:`entrepot.reconcile.pair_books`, of one frequency.
    name
        Ends the names of the kept tables.
    frequency
        ``M`` or ``A``.
    geography
        See :func:`entrepot.reconcile.reconcile`.
    """

    def keep(frame: Any, what: str) -> nw.LazyFrame[Any]:
        lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
        return engine.keep(lazy, f"{what}_{name}")

    is_monthly = frequency == "M"
    hubs = fit_hubs(paired.to_native())
    rows = paired.to_native()
    if hubs.table.num_rows:
        rows = keep(with_passage(rows, hubs), "passed").to_native()
    years = measure_years(rows, is_monthly=is_monthly)
    if is_monthly:
        years = keep(years, "years").to_native()
    fit = fit_books(rows, geography=geography, is_monthly=is_monthly, years=years, hubs=hubs)
    flows = keep(weigh_books(rows, fit, is_monthly=is_monthly, years=years), "reconciled")
    if is_monthly:
        engine.drop(f"years_{name}")
    if hubs.table.num_rows:
        engine.drop(f"passed_{name}")
    return flows, fit
