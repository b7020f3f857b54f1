"""From the lake to reconciled flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from entrepot.detect.periods import parse_span, period_text
from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError, OptionError
from entrepot.pipeline.choices import ALL_REPORTS, ReportChoice
from entrepot.pipeline.revisions import converted_reports, one_revision
from entrepot.pipeline.weighing import weighted_flows
from entrepot.reconcile import (
    BooksFit,
    Estimate,
    cif_fob_ratios,
    pair_books,
    published_flows,
    reconcile_books,
)
from entrepot.schema import FLOW, PartnerConcept
from entrepot.store import flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pyarrow as pa

    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.store import Lake

__all__ = [
    "FlowQuery",
    "books_of",
    "finest_level",
    "frequency_reports",
    "leaf_reports",
    "reconciled_flows",
    "select_flows",
]

_SIX_DIGITS = 6
_IS_REPORT = f"role = 'leaf' AND partner_concept <> '{PartnerConcept.RECONCILED.value}'"


def finest_level(engine: Engine, reports: str, frequency: str) -> int:
    """Return the HS level that flows of a frequency are compared at: six digits, or the finest below it."""
    rows = engine.rows(
        f"SELECT max(least(hs_level, {_SIX_DIGITS})) FROM ({reports}) "
        f"WHERE role = 'leaf' AND frequency = '{frequency}'"
    )
    level = rows[0][0]
    if level is None:
        word = "monthly" if frequency == "M" else "annual"
        raise CoverageError(
            f"the lake holds no {word} reports",
            where="core__flow",
            hint="ingest files of that frequency, or ask for the other (--freq A or M, --event 2022)",
        )
    return int(level)


def leaf_reports(reports: str, *, level: int, frequency: str) -> str:
    """Return the query over the leaf reports of one HS level, longer codes rolled up to it.

    A row published at the level itself counts before the sum of its parts: a publisher's longer codes may
    be a selection. Totals of all goods (``TOTAL``) are kept as they are.
    """
    columns = (
        "reporter, partner, partner_concept, flow, frequency, period, source, hs_level, hs_revision, role, "
        "primary_value_usd, net_weight_kg"
    )
    kept = f"SELECT {columns}, hs_code FROM ({reports}) WHERE role = 'leaf' AND frequency = '{frequency}'"
    grain = ("source", "reporter", "partner", "partner_concept", "flow", "period")
    same = " AND ".join(f"parts.{name} = own.{name}" for name in grain)
    return f"""
        WITH leaves AS ({kept}),
        parts AS (
            SELECT {columns}, substr(hs_code, 1, {level}) AS hs_code FROM leaves WHERE hs_level > {level}
        )
        SELECT {columns}, CASE WHEN hs_level = 0 THEN 'TOTAL' ELSE hs_code END AS hs_code
        FROM leaves WHERE hs_level IN (0, {level})
        UNION ALL
        SELECT {columns}, hs_code FROM parts ANTI JOIN (FROM leaves WHERE hs_level = {level}) AS own
        ON {same} AND parts.hs_code = own.hs_code
    """


def reconciled_flows(
    engine: Engine,
    lake: Lake,
    *,
    frequency: str = "M",
    choice: ReportChoice = ALL_REPORTS,
    estimate: Estimate = "exporter_first",
    tell: Callable[[str], None] | None = None,
) -> nw.LazyFrame[Any]:
    """Return the reconciled flows of a lake, kept on the engine.

    Flows that a publisher has reconciled itself (BACI) are made of the same reports as the others: they are
    used where there are no reports of the frequency, and not at all beside them.

    Parameters
    ----------
    engine
        Where they live; the frame dies with it.
    lake
        The lake.
    frequency
        ``M`` or ``A``.
    choice
        Which reports count, and the revision that their codes are brought to.
    estimate
        How one figure is made of two reports, see :func:`entrepot.reconcile.reconcile`.
    tell
        Told in words what the codes' revisions mean for the result.

    Returns
    -------
    lazy frame
        Columns of ``core__reconciled``; six-digit codes (the finest level there is, where that is
        shorter), and rows of product ``TOTAL`` reconciled by themselves, since some publish totals only.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    """
    leaves, call, has_reports = _leaves(engine, lake, frequency, choice, tell)
    if not has_reports:
        return engine.keep(_lazy(published_flows(leaves.to_native())), f"published_{call}")
    parts: list[nw.LazyFrame[Any]] = []
    for kind, is_wanted in (
        ("goods", nw.col("hs_code") != "TOTAL"),
        ("totals", nw.col("hs_code") == "TOTAL"),
    ):
        name = f"{kind}_{call}"
        paired = engine.keep(_lazy(pair_books(leaves.filter(is_wanted).to_native())), f"paired_{name}")
        if estimate == "weighted":
            parts.append(weighted_flows(engine, paired, name, frequency=frequency)[0])
        else:
            ratios = engine.keep(_lazy(cif_fob_ratios(paired.to_native())), f"ratios_{name}")
            flows = _lazy(reconcile_books(paired.to_native(), ratios.to_native()))
            parts.append(engine.keep(flows, f"reconciled_{name}"))
        engine.execute(f"DROP TABLE paired_{name}")
    engine.execute(f"DROP TABLE leaves_{call}")
    return nw.concat(parts, how="vertical")


def books_of(
    engine: Engine, lake: Lake, *, frequency: str = "M", choice: ReportChoice = ALL_REPORTS
) -> tuple[nw.LazyFrame[Any], BooksFit]:
    """Return the weighted flows of all goods, kept on the engine, and what was learnt of the reporters.

    Parameters
    ----------
    engine, lake, frequency, choice
        See :func:`reconciled_flows`.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency, or flows alone that their publisher reconciled.
    """
    leaves, call, has_reports = _leaves(engine, lake, frequency, choice, None)
    if not has_reports:
        raise CoverageError(
            "the lake holds flows that their publisher reconciled, and no reports",
            where="core__flow",
            hint="ingest the reporters' own figures: of one figure made of two no reporter can be judged",
        )
    goods = leaves.filter(nw.col("hs_code") != "TOTAL").to_native()
    paired = engine.keep(_lazy(pair_books(goods)), f"paired_goods_{call}")
    return weighted_flows(engine, paired, f"goods_{call}", frequency=frequency)


def _leaves(
    engine: Engine,
    lake: Lake,
    frequency: str,
    choice: ReportChoice,
    tell: Callable[[str], None] | None,
) -> tuple[nw.LazyFrame[Any], int, bool]:
    """Return the rows that count, the number of this call, and whether the rows are reports."""
    counted = flows_sql(
        lake, engine, as_of=choice.as_of, years=choice.years or None, sources=choice.sources or None
    )
    reports = frequency_reports(counted, frequency)
    has_reports = _has_reports(engine, reports)
    if has_reports:
        reports = f"SELECT * FROM ({reports}) WHERE {_IS_REPORT}"
    level = finest_level(engine, reports, frequency)
    # Every call keeps its own tables: an earlier frame on the engine still reads those of its call.
    call = engine.rows("SELECT count(*) FROM duckdb_tables()")[0][0]
    leaves = engine.keep(
        engine.frame(leaf_reports(reports, level=level, frequency=frequency)), f"leaves_{call}"
    )
    if not has_reports:
        leaves = _one_edition(engine, call, choice.revision)
    if choice.revision is not None:
        leaves = converted_reports(engine, leaves, choice.revision, name=f"converted_{call}", tell=tell)
    elif tell is not None and has_reports:
        _tell_mixed(engine, call, tell)
    if not has_reports:
        return leaves, call, False
    column = "hs_revision" if choice.revision is None else "source_hs_revision"
    leaves = one_revision(engine, leaves, name=f"revised_{call}", column=column)
    return _one_source(engine, leaves, call), call, True


def _has_reports(engine: Engine, reports: str) -> bool:
    """Tell whether some row is a report, not a publisher's reconciled flow."""
    return bool(engine.rows(f"SELECT count(*) FROM (FROM ({reports}) WHERE {_IS_REPORT} LIMIT 1)")[0][0])


def _one_edition(engine: Engine, call: int, wanted: RevisionChoice | None) -> nw.LazyFrame[Any]:
    """Return a publisher's own flows, of one source and revision: each repeats the world's trade.

    That with most periods counts; of equals that in the revision asked for, else the newest.
    """
    is_wanted = f"hs_revision = {literal(wanted.revision if wanted else '')}"
    chosen = engine.frame(f"""
        WITH sizes AS (
            SELECT source, hs_revision, count(DISTINCT period) AS periods FROM leaves_{call} GROUP BY ALL
        )
        SELECT * FROM leaves_{call} SEMI JOIN (
            FROM sizes ORDER BY periods DESC, {is_wanted} DESC, hs_revision DESC, source LIMIT 1
        ) AS one USING (source, hs_revision)
    """)
    return engine.keep(chosen, f"edition_{call}")


def _one_source(engine: Engine, leaves: nw.LazyFrame[Any], call: int) -> nw.LazyFrame[Any]:
    """Keep one source's report of each cell: that of the source with most reports of the reporter and flow.

    Two publishers may both have a reporter's figures (Comtrade, the national office): they are never added.
    """
    leaves.to_native().create_view(f"sources_{call}", replace=True)
    sources = engine.rows(f"SELECT count(DISTINCT source) FROM sources_{call}")[0][0]
    if sources < 2:
        return leaves
    columns = ", ".join(leaves.collect_schema().names())
    kept = engine.frame(f"""
        WITH sizes AS (SELECT reporter, flow, source, count(*) AS size FROM sources_{call} GROUP BY ALL)
        SELECT {columns} FROM sources_{call} JOIN sizes USING (reporter, flow, source)
        QUALIFY source = first_value(source) OVER (
            PARTITION BY reporter, partner, partner_concept, flow, period, hs_code ORDER BY size DESC, source
        )
    """)
    return engine.keep(kept, f"single_{call}")


def _tell_mixed(engine: Engine, call: int, tell: Callable[[str], None]) -> None:
    """Say it where codes of several revisions stand side by side: a renumbered code looks like a break."""
    rows = engine.rows(f"SELECT DISTINCT hs_revision FROM leaves_{call} WHERE hs_code <> 'TOTAL' ORDER BY 1")
    revisions = [row[0] for row in rows]
    if len(revisions) > 1:
        tell(
            f"codes are of {', '.join(revisions)}: one that was renumbered looks like a break; "
            f"--hs-revision {revisions[0]} brings all to one"
        )


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    return lazy


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowQuery:
    """Which flows of a lake.

    Attributes
    ----------
    is_reconciled
        One row per flow instead of one per report.
    frequency
        ``M``, or ``A``: annual reports where a reporter published them, else the sum of its twelve months;
        a year of which months are missing has no annual row.
    periods
        ``first:last``, of the frequency's periods.
    exporters, importers
        Area codes; all when empty. The reporter of an export is its exporter, that of an import its
        importer.
    products
        Codes; longer codes that begin with one of them count too. ``TOTAL`` only when asked for. All goods
        when empty.
    as_of
        Use only vintages published up to this day.
    revision
        Bring all codes to this revision; ``products`` are codes of it then.
    sources
        Only these sources; all when empty.
    estimate
        How one figure is made of two reports, see :func:`entrepot.reconcile.reconcile`.
    """

    is_reconciled: bool = True
    frequency: Literal["A", "M"] = "M"
    periods: str | None = None
    exporters: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    as_of: date | None = None
    revision: RevisionChoice | None = None
    sources: tuple[str, ...] = ()
    estimate: Estimate = "weighted"

    @property
    def choice(self) -> ReportChoice:
        """Which reports the flows are made of."""
        return ReportChoice(as_of=self.as_of, sources=self.sources, revision=self.revision)


def select_flows(
    lake: Lake,
    query: FlowQuery,
    *,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> pa.Table:
    """Return flows of a lake, as reported or reconciled.

    Parameters
    ----------
    lake
        The lake.
    query
        Which flows.
    memory_limit
        Memory of the engine.
    tell
        Told in words what the codes' revisions mean for the result.

    Returns
    -------
    pa.Table
        Columns of ``core__reconciled``, or of ``core__flow`` (of ``out__revised_flow``, where a revision is
        asked for) with ``exporter`` and ``importer`` in front;
        ordered by exporter, importer, product and period.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    OptionError
        The periods are of the other frequency.
    """
    span = _span(query.periods, query.frequency) if query.periods else None
    with Engine(memory_limit=memory_limit) as engine:
        if query.is_reconciled:
            frame = reconciled_flows(
                engine,
                lake,
                frequency=query.frequency,
                choice=query.choice,
                estimate=query.estimate,
                tell=tell,
            )
        else:
            frame = engine.frame(_reported(engine, lake, query))
            if query.revision is not None:
                frame = converted_reports(engine, frame, query.revision, name="converted", tell=tell)
        if query.exporters:
            frame = frame.filter(nw.col("exporter").is_in(list(query.exporters)))
        if query.importers:
            frame = frame.filter(nw.col("importer").is_in(list(query.importers)))
        if span is not None:
            is_monthly = query.frequency == "M"
            first, last = (period_text(end, is_monthly=is_monthly) for end in span)
            frame = frame.filter((nw.col("period") >= first) & (nw.col("period") <= last))
        code = nw.col("hs_code")
        if query.products:
            frame = frame.filter(
                nw.any_horizontal(*[code.str.starts_with(p) for p in query.products], ignore_nulls=False)
            )
        else:
            frame = frame.filter(code != "TOTAL")
        return frame.sort("exporter", "importer", "hs_code", "period").collect(backend="pyarrow").to_native()


def _span(periods: str, frequency: str) -> tuple[int, int]:
    if ("-" in periods) != (frequency == "M"):
        raise OptionError(
            f"{periods!r} and the frequency {frequency} differ",
            where="--periods",
            hint="write months (2023-01:2023-12) with --freq M and years (2022:2023) with --freq A",
        )
    return parse_span(periods, option="--periods")


def _reported(engine: Engine, lake: Lake, query: FlowQuery) -> str:
    counted = flows_sql(lake, engine, as_of=query.as_of, sources=query.sources or None)
    reports = frequency_reports(counted, query.frequency)
    is_import = "flow LIKE '%import%'"
    return f"""
        SELECT CASE WHEN {is_import} THEN partner ELSE reporter END AS exporter,
               CASE WHEN {is_import} THEN reporter ELSE partner END AS importer, *
        FROM ({reports}) WHERE role = 'leaf'
    """


def frequency_reports(reports: str, frequency: str) -> str:
    """Return the query over the reports of a frequency; years are made of months where none are published.

    A reporter's year is summed only when it published all twelve months of the flow and no annual report;
    what a publisher reconciled is no report of anybody.
    """
    if frequency == "M":
        return f"SELECT * FROM ({reports}) WHERE frequency = 'M'"
    columns = ", ".join(FLOW.columns)
    made: dict[str, str] = {
        "file_hash": "min(file_hash)",
        "row_number": "min(row_number)",
        "vintage": "max(vintage)",
        "frequency": "'A'",
        "period": "CAST(year AS VARCHAR)",
        "primary_value_usd": "sum(primary_value_usd)",
        "reported_value": "sum(reported_value)",
        "net_weight_kg": "CASE WHEN count(net_weight_kg) = count(*) THEN sum(net_weight_kg) END",
        "is_net_weight_estimated": "bool_or(is_net_weight_estimated)",
        "quantity": "CASE WHEN count(quantity) = count(*) THEN sum(quantity) END",
        "is_quantity_estimated": "bool_or(is_quantity_estimated)",
        "cell": "NULL",
    }
    summed = ", ".join(f"{made[name]} AS {name}" if name in made else name for name in FLOW.columns)
    keys = ", ".join(name for name in FLOW.columns if name not in made)
    return f"""
        WITH every AS (SELECT * FROM ({reports})),
        annual AS (
            SELECT DISTINCT reporter, flow, year FROM every
            WHERE frequency = 'A' AND partner_concept <> '{PartnerConcept.RECONCILED.value}'
        ),
        whole AS (
            SELECT reporter, flow, year FROM every WHERE frequency = 'M'
            GROUP BY ALL HAVING count(DISTINCT period) = 12
        )
        SELECT {columns} FROM every WHERE frequency = 'A'
        UNION ALL
        SELECT {summed} FROM every SEMI JOIN whole USING (reporter, flow, year)
        ANTI JOIN annual USING (reporter, flow, year)
        WHERE frequency = 'M' GROUP BY {keys}
    """
