"""From the lake to breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.detect.breaks.search import breaks
from entrepot.engine import Engine
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.flows import reconciled_flows
from entrepot.pipeline.other_units import in_other_unit, with_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.breaks.options import BreakOptions
    from entrepot.detect.breaks.result import BreakResult
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_breaks", "find_breaks_in"]


def find_breaks(
    lake: Lake,
    options: BreakOptions,
    *,
    amount: Amount | None = None,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> BreakResult:
    """Reconcile the monthly flows of a lake and find the months in which their levels changed.

    Parameters
    ----------
    lake
        The lake.
    options
        Which series, how sure, which events.
    amount
        What the series are of: dollars when None; euro, kilograms, units, constant prices. A month in which a
        flow has a value and no amount is missing.
    choice, memory_limit, tell
        See :func:`entrepot.pipeline.loops.find_loops`.

    Returns
    -------
    BreakResult
        See :func:`entrepot.detect.breaks.search.breaks`. In another unit than dollars the levels are
        ``level_before_amount`` and ``level_after_amount``, and ``amount_unit`` names it.
    """
    with Engine(memory_limit=memory_limit) as engine:
        flows = reconciled_flows(engine, lake, frequency="M", choice=choice, tell=tell)
        flows, unit = in_other_unit(engine, flows, amount, unknown="nan", tell=tell)
        result = breaks(flows, options)
    return replace(result, table=with_unit(result.table, unit), unit=unit)


def find_breaks_in(flows: IntoFrame, options: BreakOptions) -> BreakResult:
    """Find breaks in monthly flows of your own, without a lake.

    Parameters
    ----------
    flows
        Columns of ``core__reconciled``, of which ``exporter``, ``importer``, ``hs_code``, ``period``,
        ``value_usd``, ``exporter_report_usd`` and ``importer_report_usd`` are read; any frame that Narwhals
        accepts, months alone. The rows say who published when: give them whole, and choose by the options.
    options
        Which series, how sure, which events.
    """
    lazy: nw.LazyFrame[Any] = nw.from_native(flows).lazy()
    return breaks(lazy, options)
