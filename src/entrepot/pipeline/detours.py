"""From the lake to detours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.detect.detours import detours
from entrepot.engine import Engine
from entrepot.pipeline.flows import reconciled_flows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.result import DetourResult
    from entrepot.store import Lake

__all__ = ["find_detours"]


def find_detours(
    lake: Lake,
    options: DetourOptions,
    *,
    as_of: date | None = None,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
) -> DetourResult:
    """Reconcile the flows of a lake and estimate the detours among them.

    Parameters
    ----------
    lake
        The lake.
    options
        Windows, suspects, products; an event given as a year works on annual reports.
    as_of
        Use only vintages published up to this day.
    memory_limit
        Memory of the engine; larger work spills to disk.
    progress
        Called with the calibration sets done and all sets.

    Returns
    -------
    DetourResult
        See :func:`entrepot.detect.detours.detours`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        frequency = "M" if "-" in options.event else "A"
        flows = reconciled_flows(engine, lake, frequency=frequency, as_of=as_of)
        return detours(flows, options, engine=engine, progress=progress)
