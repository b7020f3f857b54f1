"""From the lake to a headline under other choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.detect.specifications import specifications
from entrepot.engine import Engine
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.detours import flows_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.specifications import SpecificationResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_specifications"]


def find_specifications(
    lake: Lake,
    options: DetourOptions,
    *,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> SpecificationResult:
    """Estimate a headline of a lake under other choices, and without its largest parts.

    Parameters
    ----------
    lake, options, choice, memory_limit, tell
        As for :func:`entrepot.find_detours`.
    progress
        Called with the estimates done and all estimates.

    Returns
    -------
    SpecificationResult
        See :func:`entrepot.detect.specifications.specifications`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        flows = flows_for(engine, lake, options, choice=choice, tell=tell)
        return specifications(flows.rows, flows.options, engine=engine, progress=progress)
