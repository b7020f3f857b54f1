"""From two states of a lake to what changed between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from entrepot.detect.watching import WatchResult, compare_findings
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.detours import find_detours

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from entrepot.detect.options import DetourOptions
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["watch_detours"]


def watch_detours(  # noqa: PLR0913  (as find_detours, of two days)
    lake: Lake,
    options: DetourOptions,
    *,
    since: date,
    amount: Amount | None = None,
    choice: ReportChoice = ALL_REPORTS,
    q: float = 0.1,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
) -> WatchResult:
    """Search a lake as it is and as it was on a day, and say what became of every finding.

    Parameters
    ----------
    lake, options, amount, choice, memory_limit, progress
        As for :func:`entrepot.find_detours`.
    since
        The earlier state holds the vintages published up to this day.
    q
        Findings have a q-value under it.

    Returns
    -------
    WatchResult
        See :func:`entrepot.detect.watching.compare_findings`.

    Raises
    ------
    CoverageError
        The lake held nothing of the question on that day.
    """
    now, earlier = (
        find_detours(lake, options, amount=amount, choice=which, memory_limit=memory_limit, progress=progress)
        for which in (choice, replace(choice, as_of=since))
    )
    table = compare_findings(now.table, earlier.table, by=options.by, q=q)
    return WatchResult(table=table, now=now, earlier=earlier, since=since)
