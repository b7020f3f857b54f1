"""From the lake to the circulation of trade."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import narwhals as nw

from entrepot.detect.circulation.circulation import circulation
from entrepot.engine import Engine
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.flows import reconciled_flows
from entrepot.pipeline.other_units import in_other_unit, with_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.circulation.circulation import CirculationResult
    from entrepot.detect.circulation.options import CirculationOptions
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_circulation", "find_circulation_in"]


def find_circulation(
    lake: Lake,
    options: CirculationOptions,
    *,
    amount: Amount | None = None,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> CirculationResult:
    """Reconcile the flows of a lake and say in which products trade has become more circular.

    Parameters
    ----------
    lake
        The lake.
    options
        Products, first period (a month or a year, which says what the periods are), placebos.
    amount
        What flows are measured in: dollars when None. A flow without an amount is in no network.
    choice, memory_limit, tell
        See :func:`entrepot.pipeline.loops.find_loops`.

    Returns
    -------
    CirculationResult
        See :func:`entrepot.detect.circulation.circulation.circulation`. In another unit than dollars its
        columns are ``trade_amount``, ``cycle_amount`` and so on, and ``amount_unit`` names it.
    """
    frequency = "M" if "-" in options.since else "A"
    with Engine(memory_limit=memory_limit) as engine:
        flows = reconciled_flows(engine, lake, frequency=frequency, choice=choice, tell=tell)
        flows, unit = in_other_unit(engine, flows, amount, unknown="null", tell=tell)
        result = circulation(flows, options)
    table, cycles = (with_unit(one, unit) for one in (result.table, result.cycles))
    return replace(result, table=table, cycles=cycles, unit=unit)


def find_circulation_in(flows: IntoFrame, options: CirculationOptions) -> CirculationResult:
    """Say in which products the trade of reconciled flows of your own has become more circular.

    Parameters
    ----------
    flows
        Columns ``exporter``, ``importer``, ``hs_code``, ``period``, ``value_usd``, one frequency; any frame
        that Narwhals accepts.
    options
        Products, first period, placebos.

    Returns
    -------
    CirculationResult
        See :func:`entrepot.detect.circulation.circulation.circulation`.
    """
    return circulation(nw.from_native(flows).lazy(), options)
