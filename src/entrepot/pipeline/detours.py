"""From the lake to detours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from entrepot.detect.detours import detours
from entrepot.engine import Engine
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.flows import reconciled_flows

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.result import DetourResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_detours", "find_detours_in"]


def find_detours(
    lake: Lake,
    options: DetourOptions,
    *,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> DetourResult:
    """Reconcile the flows of a lake and estimate the detours among them.

    Parameters
    ----------
    lake
        The lake.
    options
        Windows, suspects, products; an event given as a year works on annual reports.
    choice
        Which reports count, and the revision that their codes are brought to, so that one that was
        renumbered is no break; the products of ``options`` are codes of it then.
    memory_limit
        Memory of the engine; larger work spills to disk.
    progress
        Called with the calibration sets done and all sets.
    tell
        Told in words what the codes' revisions mean for the result.

    Returns
    -------
    DetourResult
        See :func:`entrepot.detect.detours.detours`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        frequency = "M" if "-" in options.event else "A"
        flows = reconciled_flows(engine, lake, frequency=frequency, choice=choice, tell=tell)
        return detours(flows, options, engine=engine, progress=progress)


def find_detours_in(
    flows: IntoFrame,
    options: DetourOptions,
    *,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
) -> DetourResult:
    """Estimate the detours among reconciled flows of your own, without a lake.

    Parameters
    ----------
    flows
        Columns of ``core__reconciled``, as :func:`entrepot.reconcile.reconcile` makes them; any frame that
        Narwhals accepts, of one frequency.
    options
        Windows, suspects, products.
    memory_limit
        Memory of the engine.
    progress
        Called with the calibration sets done and all sets.

    Returns
    -------
    DetourResult
        See :func:`entrepot.detect.detours.detours`.
    """
    table = nw.from_native(flows).lazy().collect(backend="pyarrow").to_native()
    with Engine(memory_limit=memory_limit) as engine:
        return detours(engine.arrow_frame(table), options, engine=engine, progress=progress)
