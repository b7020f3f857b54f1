"""From the lake to a headline under other choices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import narwhals as nw
import pyarrow as pa

from entrepot.detect.periods import period_text
from entrepot.detect.specifications import specifications
from entrepot.detect.valued import MOSTLY_KNOWN
from entrepot.engine import Engine, small_table
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.detours import flows_for, measured_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.specifications import SpecificationResult
    from entrepot.detect.valued import Measured
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_specifications"]


def find_specifications(
    lake: Lake,
    options: DetourOptions,
    *,
    amount: Amount | None = None,
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
    amount
        Another unit than dollars: ``estimate_amount`` and ``amount_unit`` then stand in the table too, at the
        rate of what the origins sent each hub of each product in the headline's after-window.
    progress
        Called with the estimates done and all estimates.

    Returns
    -------
    SpecificationResult
        See :func:`entrepot.detect.specifications.specifications`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        flows = flows_for(engine, lake, options, choice=choice, tell=tell)
        measured = measured_rows(engine, flows.rows, flows.options, amount, tell=tell)
        result = specifications(flows.rows, flows.options, engine=engine, progress=progress)
        return result if measured is None else _valued(result, measured)


def _valued(result: SpecificationResult, measured: Measured) -> SpecificationResult:
    """Return the totals in another unit beside the dollars; null where under four fifths have a rate."""
    rates = _rates(result, measured)
    amounts: list[float | None] = []
    for legs in result.legs:
        whole = sum(legs.values())
        known = {key: usd for key, usd in legs.items() if key in rates}
        priced = sum(known.values())
        enough = priced > 0 and priced >= MOSTLY_KNOWN * whole
        amount = sum(usd * rates[key] for key, usd in known.items())
        amounts.append(amount * whole / priced if enough else 0.0 if not whole else None)
    table = result.table.append_column("estimate_amount", pa.array(amounts, pa.float64()))
    units = pa.array([measured.unit] * table.num_rows, pa.string())
    return replace(result, table=table.append_column("amount_unit", units))


def _rates(result: SpecificationResult, measured: Measured) -> dict[tuple[str, str], float]:
    """Return what a dollar of each hub's and product's inbound flow is in the unit."""
    options, windows = result.options, result.windows
    periods = [period_text(number, is_monthly=windows.is_monthly) for number in windows.after]
    hubs = sorted({hub for legs in result.legs for hub, _ in legs})
    origins = [*options.origins, *options.pooled_origins]
    wanted = nw.col("period").is_in(periods) & nw.col("importer").is_in(hubs)
    if origins:
        wanted &= nw.col("exporter").is_in(origins)
    own = nw.col(measured.column)
    sums = (
        measured.rows.filter(wanted & ~own.is_null() & (nw.col("value_usd") > 0))
        .group_by("importer", "hs_code")
        .agg(nw.col("value_usd").sum(), own.cast(nw.Float64).sum().alias("__amount"))
    )
    return {
        (row["importer"], row["hs_code"]): row["__amount"] / row["value_usd"]
        for row in small_table(sums.to_native(), what="rates").to_pylist()
    }
