"""From the lake to round trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from entrepot.detect.loops.round_trips import loops
from entrepot.engine import Engine
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.flows import reconciled_flows
from entrepot.store import flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from narwhals.typing import IntoFrame

    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.result import LoopResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["find_loops", "find_loops_in"]

_MOSTLY = 0.2  # share of a flow's value beyond which its weights count as estimated


def find_loops(
    lake: Lake,
    options: LoopOptions,
    *,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> LoopResult:
    """Reconcile the monthly flows of a lake and find the round trips among them.

    Parameters
    ----------
    lake
        The lake.
    options
        Makers, vias, products, the first month.
    choice
        Which reports count, and the revision that their codes are brought to.
    memory_limit
        Memory of the engine; larger work spills to disk.
    progress
        Called with the steps done and all steps.
    tell
        Told in words what the codes' revisions mean for the result.

    Returns
    -------
    LoopResult
        See :func:`entrepot.detect.loops.round_trips.loops`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        flows = reconciled_flows(engine, lake, frequency="M", choice=choice, tell=tell)
        reports = flows_sql(
            lake, engine, as_of=choice.as_of, years=choice.years or None, sources=choice.sources or None
        )
        return loops(
            flows,
            options,
            engine=engine,
            records=_records(engine, reports),
            estimated_weights=_estimated_weights(engine, reports, of_importers=False),
            estimated_again=_estimated_weights(engine, reports, of_importers=True),
            progress=progress,
        )


def find_loops_in(
    flows: IntoFrame,
    options: LoopOptions,
    *,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
) -> LoopResult:
    """Find the round trips among reconciled flows of your own, without a lake.

    Parameters
    ----------
    flows
        Columns of ``core__reconciled``, as :func:`entrepot.reconcile.reconcile` makes them with the
        exporter's report first; any frame that Narwhals accepts, months alone.
    options
        Makers, vias, products, the first month.
    memory_limit
        Memory of the engine.
    progress
        Called with the steps done and all steps.

    Returns
    -------
    LoopResult
        See :func:`entrepot.detect.loops.round_trips.loops`; what books record of goods coming home is not in
        it, but for imports of the maker under itself.
    """
    table = nw.from_native(flows).lazy().collect(backend="pyarrow").to_native()
    with Engine(memory_limit=memory_limit) as engine:
        return loops(engine.arrow_frame(table), options, engine=engine, progress=progress)


def _records(engine: Engine, reports: str) -> pa.Table:
    """Return re-imports, re-exports, and imports of one's own origin that another country consigned.

    Of a reporter that publishes several levels the shortest of six digits or more counts.
    """
    return engine.sql(f"""
        WITH home AS (
            SELECT * FROM ({reports})
            WHERE frequency = 'M' AND hs_level >= 6 AND role <> 'aggregate' AND (
                flow IN ('re_import', 're_export')
                OR (flow = 'import' AND reporter = partner AND consignment_partner <> reporter)
            )
            QUALIFY hs_level = min(hs_level) OVER (PARTITION BY source, reporter, flow, period)
        )
        SELECT CASE WHEN flow = 'import' THEN 'own_origin' ELSE flow END AS kind,
               CASE WHEN flow = 're_export' THEN partner ELSE reporter END AS maker,
               CASE flow WHEN 're_export' THEN reporter WHEN 're_import' THEN nullif(partner, reporter)
                    ELSE consignment_partner END AS via,
               substr(coalesce(national_code, hs_code), 1, 6) AS hs_code,
               period,
               sum(primary_value_usd) AS usd
        FROM home GROUP BY ALL
    """)


def _estimated_weights(engine: Engine, reports: str, *, of_importers: bool) -> pa.Table:
    """Return the flows of which a fifth or more was weighed by the publisher's estimate.

    The exporter's weights are used where there are any: only its flags count there. With ``of_importers`` it
    is the importer's flags, whose weights are a second opinion.
    """
    flow = "exporter, importer, hs_code"
    used = (
        "WHERE NOT is_export"
        if of_importers
        else f"QUALIFY is_export = bool_or(is_export) OVER (PARTITION BY {flow})"
    )
    return engine.sql(f"""
        WITH flagged AS (
            SELECT CASE WHEN flow = 'import' THEN partner ELSE reporter END AS exporter,
                   CASE WHEN flow = 'import' THEN reporter ELSE partner END AS importer,
                   substr(coalesce(national_code, hs_code), 1, 6) AS hs_code,
                   flow = 'export' AS is_export,
                   primary_value_usd AS usd,
                   coalesce(is_net_weight_estimated, false) AS is_estimated
            FROM ({reports})
            WHERE frequency = 'M' AND role = 'leaf' AND hs_level >= 6 AND flow IN ('import', 'export')
        ), sides AS (
            SELECT exporter, importer, hs_code, is_export,
                   sum(usd) FILTER (is_estimated) / nullif(sum(usd), 0) AS share
            FROM flagged GROUP BY ALL
        ), used AS (
            SELECT * FROM sides
            {used}
        )
        SELECT exporter, importer, hs_code FROM used WHERE share >= {_MOSTLY}
    """)
