"""From the lake to detours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.detect.detours import detours
from entrepot.detect.periods import event_windows
from entrepot.engine import Engine, parquet
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.flows import reconciled_flows
from entrepot.schema import FLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.result import DetourResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_detours", "find_detours_in", "flows_for"]


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
        flows = flows_for(engine, lake, options, choice=choice, tell=tell)
        return detours(flows, options, engine=engine, progress=progress)


def flows_for(
    engine: Engine,
    lake: Lake,
    options: DetourOptions,
    *,
    choice: ReportChoice = ALL_REPORTS,
    tell: Callable[[str], None] | None = None,
) -> nw.LazyFrame[Any]:
    """Return the flows that a search works on, the exporter's book first, kept on the engine.

    Parameters
    ----------
    engine
        Where they live; the frame dies with it.
    lake, options, choice, tell
        As for :func:`find_detours`.
    """
    _check_windows(engine, lake, options, choice)
    frequency = "M" if "-" in options.event else "A"
    return reconciled_flows(engine, lake, frequency=frequency, choice=choice, tell=tell)


def _check_windows(engine: Engine, lake: Lake, options: DetourOptions, choice: ReportChoice) -> None:
    """Refuse windows that no report of the lake is in, before minutes are spent on its flows."""
    files = lake.table_files(FLOW.name, sources=choice.sources or None, years=choice.years or None)
    if not files:
        return
    # A year may be made of its months.
    length = len("2022-03") if "-" in options.event else len("2022")
    rows = engine.rows(f"SELECT DISTINCT substr(period, 1, {length}) FROM {parquet(files)}")
    published = [period for (period,) in rows if len(period) == length]
    if published:  # else the flows say what is missing
        event_windows(options.event, published=published, before=options.before, after=options.after)


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
