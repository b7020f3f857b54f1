"""From the lake to reconciled flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import narwhals as nw

from entrepot.detect.periods import parse_span, period_text
from entrepot.engine import Engine, open_engine, spark_errors
from entrepot.errors import CoverageError, OptionError
from entrepot.pipeline.choices import ALL_REPORTS, ReportChoice
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.leaves import frequency_reports
from entrepot.pipeline.parts import counted_sql
from entrepot.pipeline.reconciling import kept_pairs, reconcile_counted
from entrepot.pipeline.revision_notes import Conversion, RevisionFacts
from entrepot.pipeline.revisions import converted_reports
from entrepot.pipeline.weighing import weighted_flows
from entrepot.reconcile import (
    BooksFit,
    Estimate,
    HomeFlows,
    SpecialAreas,
    add_up,
    with_parts,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pyarrow as pa

    from entrepot.engine import EngineName, SparkEngine
    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.pipeline.survey import Survey
    from entrepot.store import Lake

__all__ = ["FlowQuery", "Level", "books_of", "reconciled_flows", "select_flows"]

#: To which codes reconciled values are added up.
Level = Literal["6", "4", "2", "TOTAL", "all"]


def reconciled_flows(
    engine: Engine | SparkEngine,
    lake: Lake,
    *,
    frequency: str = "M",
    choice: ReportChoice = ALL_REPORTS,
    estimate: Estimate = "exporter_first",
    survey: Survey | None = None,
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
    survey
        What the lake holds, where it has been looked through already.
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
    counted = counted_reports(engine, lake, frequency=frequency, choice=choice, survey=survey, tell=tell)
    flows = reconcile_counted(engine, counted, frequency=frequency, estimate=estimate)
    if counted.are_reports:
        engine.drop(counted.name)
    return flows


def books_of(
    engine: Engine, lake: Lake, *, frequency: str = "M", choice: ReportChoice = ALL_REPORTS
) -> tuple[nw.LazyFrame[Any], BooksFit]:
    """Return the weighted flows of all goods, kept on the engine, and what was learnt of the reporters.

    Of a lake that holds published totals and no goods it is the totals that are judged.

    Parameters
    ----------
    engine, lake, frequency, choice
        See :func:`reconciled_flows`.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency, or flows alone that their publisher reconciled.
    """
    counted = counted_reports(engine, lake, frequency=frequency, choice=choice)
    if not counted.are_reports:
        raise CoverageError(
            "the lake holds flows that their publisher reconciled, and no reports",
            where="core__flow",
            hint="ingest the reporters' own figures: of one figure made of two no reporter can be judged",
        )
    goods = counted.rows.filter(nw.col("hs_code") != "TOTAL")
    has_goods = goods.select("hs_code").head(1).collect("pyarrow").shape[0] > 0
    name = f"goods_{counted.name}"
    rows = goods if has_goods else counted.rows
    return weighted_flows(engine, kept_pairs(engine, rows, name), name, frequency=frequency)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowQuery:
    """Which flows of a lake.

    Attributes
    ----------
    is_reconciled
        One row per flow instead of one per report.
    frequency
        ``M``, or ``A``: annual reports where a reporter published them of a partner and of more than half of
        its codes, else the sum of its twelve months; a year of which months are missing has no annual row.
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
    estimate, special
        How one figure is made of two reports, and what becomes of areas that are no place, see
        :func:`entrepot.reconcile.reconcile`.
    level
        Add reconciled values up to codes of six, four or two digits, or to ``TOTAL``; ``all`` for all of
        these.
    has_parts
        Put re-exports and re-imports beside the reconciled flows that contain them.
    home
        Goods coming home (exporter and importer are one area): ``with`` the others, ``without`` them, or
        ``only`` these.
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
    special: SpecialAreas = "keep"
    level: Level | None = None
    has_parts: bool = False
    home: HomeFlows = "with"

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.level is not None and self.has_parts:
            raise OptionError(
                "re-exports have no totals of their own",
                where="--level and --parts",
                hint="ask for the one or the other",
            )
        if not self.is_reconciled and (self.level or self.has_parts or self.special != "keep"):
            raise OptionError(
                "reports are given as they are",
                where="--reported",
                hint="leave out --level, --add-up, --parts and --special-areas, or ask for --reconciled",
            )
        most = {"6": 6, "4": 4, "2": 2, "TOTAL": 0}.get(self.level or "", 10)
        if any(len(code) > most for code in self.products if code != "TOTAL"):
            raise OptionError(
                f"codes of more digits than the level {self.level} are asked for",
                where="--products",
                hint="shorten the codes, or ask for a finer level",
            )

    @property
    def choice(self) -> ReportChoice:
        """Which reports the flows are made of."""
        return ReportChoice(as_of=self.as_of, sources=self.sources, revision=self.revision)


def select_flows(
    lake: Lake,
    query: FlowQuery,
    *,
    memory_limit: str = "4GB",
    engine: EngineName = "duckdb",
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
        Memory of DuckDB, of each task on Spark.
    engine
        Where reconciled flows are made: ``duckdb``, or ``spark``. Their rows come to this machine either way.
    tell
        Told in words what the codes' revisions mean for the result.

    Returns
    -------
    pa.Table
        Columns of ``core__reconciled`` (of ``out__flow_parts`` or ``out__totals``, where parts or a level
        are asked for), or of ``core__flow`` (of ``out__revised_flow``, where a revision is asked for) with
        ``exporter`` and ``importer`` in front; ordered by exporter, importer, product and period.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    OptionError
        The periods are of the other frequency, flows as reported are asked of Spark, or special areas are to
        be allocated in a publisher's own reconciled flows.
    """
    span = _span(query.periods, query.frequency) if query.periods else None
    if engine == "spark" and not query.is_reconciled:
        raise OptionError(
            "flows as they were reported are read by DuckDB alone",
            where="--engine",
            hint="leave the engine out: nothing is computed that Spark could share out",
        )
    with open_engine(engine, memory_limit=memory_limit) as opened, spark_errors():
        if query.is_reconciled:
            frame = _shaped_flows(opened, lake, query, span, tell)
        else:
            frame = _chosen(_reported(cast("Engine", opened), lake, query, tell), query, span)
        code = nw.col("hs_code")
        if query.products:
            frame = frame.filter(
                nw.any_horizontal(*[code.str.starts_with(p) for p in query.products], ignore_nulls=False)
            )
        elif query.level is None:
            frame = frame.filter(code != "TOTAL")
        return frame.sort("exporter", "importer", "hs_code", "period").collect(backend="pyarrow").to_native()


def _shaped_flows(
    engine: Engine | SparkEngine,
    lake: Lake,
    query: FlowQuery,
    span: tuple[int, int] | None,
    tell: Callable[[str], None] | None,
) -> nw.LazyFrame[Any]:
    """Return reconciled flows of the areas and periods asked for, added up or with parts as asked for."""
    counted = counted_reports(engine, lake, frequency=query.frequency, choice=query.choice, tell=tell)
    flows = reconcile_counted(
        engine, counted, frequency=query.frequency, estimate=query.estimate, special=query.special
    )
    frame = _chosen(flows, query, span)
    if query.has_parts:
        rows: nw.LazyFrame[Any] = nw.from_native(
            with_parts(frame.to_native(), counted.rows.to_native())
        ).lazy()
        return rows
    if query.level is None:
        return frame
    totals = counted.rows.filter(nw.col("hs_code") == "TOTAL").to_native()
    levels: nw.LazyFrame[Any] = nw.from_native(add_up(frame.to_native(), totals)).lazy()
    match query.level:
        case "all":
            return levels
        case "TOTAL":
            return levels.filter(nw.col("hs_code") == "TOTAL")
        case digits:
            is_level = nw.col("hs_code").str.len_chars() == int(digits)
            return levels.filter(is_level & (nw.col("hs_code") != "TOTAL"))


def _chosen(frame: nw.LazyFrame[Any], query: FlowQuery, span: tuple[int, int] | None) -> nw.LazyFrame[Any]:
    """Return the rows of the areas and periods asked for."""
    if query.exporters:
        frame = frame.filter(nw.col("exporter").is_in(list(query.exporters)))
    if query.importers:
        frame = frame.filter(nw.col("importer").is_in(list(query.importers)))
    if query.home != "with":
        is_home = nw.col("exporter") == nw.col("importer")
        frame = frame.filter(is_home if query.home == "only" else ~is_home)
    if span is not None:
        is_monthly = query.frequency == "M"
        first, last = (period_text(end, is_monthly=is_monthly) for end in span)
        frame = frame.filter((nw.col("period") >= first) & (nw.col("period") <= last))
    return frame


def _span(periods: str, frequency: str) -> tuple[int, int]:
    if ("-" in periods) != (frequency == "M"):
        raise OptionError(
            f"{periods!r} and the frequency {frequency} differ",
            where="--periods",
            hint="write months (2023-01:2023-12) with --freq M and years (2022:2023) with --freq A",
        )
    return parse_span(periods, option="--periods")


def _reported(
    engine: Engine, lake: Lake, query: FlowQuery, tell: Callable[[str], None] | None
) -> nw.LazyFrame[Any]:
    """Return the reports as they are, in the revision asked for."""
    reports = frequency_reports(counted_sql(engine, lake, query.choice), query.frequency)
    is_import = "flow LIKE '%import%'"
    frame = engine.frame(f"""
        SELECT CASE WHEN {is_import} THEN partner ELSE reporter END AS exporter,
               CASE WHEN {is_import} THEN reporter ELSE partner END AS importer, *
        FROM ({reports}) WHERE role = 'leaf'
    """)
    if query.revision is None:
        return frame
    found: list[Conversion] = []
    frame = converted_reports(
        engine, frame, query.revision, name="converted", tell=found.append if tell is not None else None
    )
    if tell is not None:
        for note in RevisionFacts(tuple(found)).words(query.revision):
            tell(note)
    return frame
