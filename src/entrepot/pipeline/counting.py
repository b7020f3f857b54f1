"""Which rows of a lake count: of each report one set of goods, in one revision, of one source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrepot.engine import Engine, literal
from entrepot.pipeline.choices import ALL_REPORTS, ReportChoice
from entrepot.pipeline.leaves import frequency_reports, hs_levels, leaf_reports
from entrepot.pipeline.revisions import converted_reports, one_revision
from entrepot.schema import PartnerConcept
from entrepot.store import flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    import narwhals as nw

    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.store import Lake

__all__ = ["CountedReports", "counted_reports"]

_IS_REPORT = f"role = 'leaf' AND partner_concept <> '{PartnerConcept.RECONCILED.value}'"


@dataclass(frozen=True, slots=True, eq=False)
class CountedReports:
    """The rows of a lake that count, each once.

    Attributes
    ----------
    rows
        Columns of ``core__flow``, kept on the engine.
    call
        Number that ends the names of the tables made for them.
    are_reports
        They are reporters' own; otherwise flows that their publisher reconciled.
    """

    rows: nw.LazyFrame[Any]
    call: int
    are_reports: bool


def counted_reports(
    engine: Engine,
    lake: Lake,
    *,
    frequency: str = "M",
    choice: ReportChoice = ALL_REPORTS,
    tell: Callable[[str], None] | None = None,
) -> CountedReports:
    """Return the rows of a lake that count, goods and totals.

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
    tell
        Told in words what the codes' revisions mean for the result.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    """
    counted = flows_sql(
        lake, engine, as_of=choice.as_of, years=choice.years or None, sources=choice.sources or None
    )
    reports = frequency_reports(counted, frequency)
    has_reports = _has_reports(engine, reports)
    if has_reports:
        reports, counted = (f"SELECT * FROM ({rows}) WHERE {_IS_REPORT}" for rows in (reports, counted))
    levels = hs_levels(engine, reports, frequency)
    if not has_reports:
        counted = reports  # reports of the other frequency would outweigh the publisher's flows
    elif frequency == "M":
        counted = frequency_reports(counted, frequency)
    # Every call keeps its own tables: an earlier frame on the engine still reads those of its call.
    call = engine.rows("SELECT count(*) FROM duckdb_tables()")[0][0]
    leaves = engine.keep(engine.frame(leaf_reports(counted, levels)), f"leaves_{call}")
    if not has_reports:
        leaves = _one_edition(engine, call, choice.revision)
    if choice.revision is not None:
        leaves = converted_reports(engine, leaves, choice.revision, name=f"converted_{call}", tell=tell)
    if not has_reports:
        return CountedReports(leaves, call, are_reports=False)
    column = "hs_revision" if choice.revision is None else "source_hs_revision"
    leaves = one_revision(engine, leaves, name=f"revised_{call}", column=column, tell=tell)
    if choice.revision is None and tell is not None:
        _tell_mixed(engine, leaves, call, tell)
    if frequency == "A":
        leaves = _years(engine, leaves, call)
    return CountedReports(_one_source(engine, leaves, call), call, are_reports=True)


def _years(engine: Engine, leaves: nw.LazyFrame[Any], call: int) -> nw.LazyFrame[Any]:
    """Return annual leaves: years as published, or made of months, which are leaves by then."""
    leaves.to_native().create_view(f"periods_{call}", replace=True)
    columns = tuple(leaves.collect_schema().names())
    made = frequency_reports(f"FROM periods_{call}", "A", columns)
    return engine.keep(engine.frame(made), f"years_{call}")


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


def _tell_mixed(engine: Engine, leaves: nw.LazyFrame[Any], call: int, tell: Callable[[str], None]) -> None:
    """Say it where codes of several revisions stand side by side: a renumbered code looks like a break."""
    leaves.to_native().create_view(f"mixed_{call}", replace=True)
    rows = engine.rows(f"SELECT DISTINCT hs_revision FROM mixed_{call} WHERE hs_code <> 'TOTAL' ORDER BY 1")
    revisions = [row[0] for row in rows]
    if len(revisions) > 1:
        tell(
            f"codes are of {', '.join(revisions)}: one that was renumbered looks like a break; "
            f"--hs-revision {revisions[0]} brings all to one"
        )
