"""From the lake to reconciled flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from entrepot.detect.periods import parse_span, period_text
from entrepot.engine import Engine
from entrepot.errors import CoverageError, OptionError
from entrepot.reconcile import (
    VALUE,
    WEIGHT,
    BooksFit,
    Estimate,
    cif_fob_ratios,
    fit_books,
    flow_years,
    pair_books,
    reconcile_books,
    weigh_books,
)
from entrepot.schema import FLOW
from entrepot.store import flows_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import pyarrow as pa

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
        "reporter, partner, partner_concept, flow, frequency, period, source, hs_level, role, "
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
    as_of: date | None = None,
    years: Sequence[int] | None = None,
    estimate: Estimate = "exporter_first",
) -> nw.LazyFrame[Any]:
    """Return the reconciled flows of a lake, kept on the engine.

    Parameters
    ----------
    engine
        Where they live; the frame dies with it.
    lake
        The lake.
    frequency
        ``M`` or ``A``.
    as_of
        Use only vintages published up to this day.
    years
        Only these years.
    estimate
        See :func:`entrepot.reconcile.reconcile`.

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
    parts: list[nw.LazyFrame[Any]] = []
    for name, paired in _paired(engine, lake, frequency=frequency, as_of=as_of, years=years):
        if estimate == "weighted":
            flows = _weighted(engine, paired, name, frequency)[0]
        else:
            ratios = engine.keep(_lazy(cif_fob_ratios(paired.to_native())), f"ratios_{name}")
            flows = _lazy(reconcile_books(paired.to_native(), ratios.to_native()))
        parts.append(engine.keep(flows, f"reconciled_{name}"))
        engine.execute(f"DROP TABLE paired_{name}")
    return nw.concat(parts, how="vertical")


def books_of(
    engine: Engine, lake: Lake, *, frequency: str = "M", as_of: date | None = None
) -> tuple[nw.LazyFrame[Any], BooksFit]:
    """Return the weighted flows of all goods, kept on the engine, and what was learnt of the reporters.

    Parameters
    ----------
    engine, lake, frequency, as_of
        See :func:`reconciled_flows`.
    """
    name, paired = next(_paired(engine, lake, frequency=frequency, as_of=as_of, years=None))
    flows, fit = _weighted(engine, paired, name, frequency)
    return engine.keep(flows, f"reconciled_{name}"), fit


def _weighted(
    engine: Engine, paired: nw.LazyFrame[Any], name: str, frequency: str
) -> tuple[nw.LazyFrame[Any], BooksFit]:
    def keep(frame: Any, what: str) -> nw.LazyFrame[Any]:
        return engine.keep(_lazy(frame), f"{what}_{name}")

    is_monthly = frequency == "M"
    rows = paired.to_native()
    years = {
        measure.name: keep(
            flow_years(rows, measure, is_monthly=is_monthly), f"years_{measure.name}"
        ).to_native()
        for measure in (VALUE, WEIGHT)
    }
    fit = fit_books(rows, is_monthly=is_monthly, years=years, keep=keep)
    return _lazy(weigh_books(rows, fit, is_monthly=is_monthly, years=years)), fit


def _paired(
    engine: Engine, lake: Lake, *, frequency: str, as_of: date | None, years: Sequence[int] | None
) -> Iterator[tuple[str, nw.LazyFrame[Any]]]:
    """Yield the paired books of goods, then those of totals, each with a name of its own on the engine."""
    reports = frequency_reports(flows_sql(lake, engine, as_of=as_of, years=years), frequency)
    level = finest_level(engine, reports, frequency)
    # Every call keeps its own tables: an earlier frame on the engine still reads those of its call.
    call = engine.rows("SELECT count(*) FROM duckdb_tables()")[0][0]
    leaves = engine.keep(
        engine.frame(leaf_reports(reports, level=level, frequency=frequency)), f"leaves_goods_{call}"
    )
    leaves = _one_source(engine, leaves, call)
    for name, is_wanted in (
        ("goods", nw.col("hs_code") != "TOTAL"),
        ("totals", nw.col("hs_code") == "TOTAL"),
    ):
        rows = leaves.filter(is_wanted).to_native()
        yield f"{name}_{call}", engine.keep(_lazy(pair_books(rows)), f"paired_{name}_{call}")
    engine.execute(f"DROP TABLE leaves_goods_{call}")


def _one_source(engine: Engine, leaves: nw.LazyFrame[Any], call: int) -> nw.LazyFrame[Any]:
    """Keep one source's report of each cell: that of the source with most reports of the reporter and flow.

    Two publishers may both have a reporter's figures (Comtrade, the national office): they are never added.
    """
    sources = engine.rows(f"SELECT count(DISTINCT source) FROM leaves_goods_{call}")[0][0]
    if sources < 2:
        return leaves
    columns = ", ".join(leaves.collect_schema().names())
    kept = engine.frame(f"""
        WITH sizes AS (SELECT reporter, flow, source, count(*) AS size FROM leaves_goods_{call} GROUP BY ALL)
        SELECT {columns} FROM leaves_goods_{call} JOIN sizes USING (reporter, flow, source)
        QUALIFY source = first_value(source) OVER (
            PARTITION BY reporter, partner, partner_concept, flow, period, hs_code ORDER BY size DESC, source
        )
    """)
    return engine.keep(kept, f"single_{call}")


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
    estimate: Estimate = "weighted"


def select_flows(lake: Lake, query: FlowQuery, *, memory_limit: str = "4GB") -> pa.Table:
    """Return flows of a lake, as reported or reconciled.

    Parameters
    ----------
    lake
        The lake.
    query
        Which flows.
    memory_limit
        Memory of the engine.

    Returns
    -------
    pa.Table
        Columns of ``core__reconciled``, or of ``core__flow`` with ``exporter`` and ``importer`` in front;
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
                engine, lake, frequency=query.frequency, as_of=query.as_of, estimate=query.estimate
            )
        else:
            frame = engine.frame(_reported(engine, lake, query.frequency, query.as_of))
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


def _reported(engine: Engine, lake: Lake, frequency: str, as_of: date | None) -> str:
    reports = frequency_reports(flows_sql(lake, engine, as_of=as_of), frequency)
    is_import = "flow LIKE '%import%'"
    return f"""
        SELECT CASE WHEN {is_import} THEN partner ELSE reporter END AS exporter,
               CASE WHEN {is_import} THEN reporter ELSE partner END AS importer, *
        FROM ({reports}) WHERE role = 'leaf'
    """


def frequency_reports(reports: str, frequency: str) -> str:
    """Return the query over the reports of a frequency; years are made of months where none are published.

    A reporter's year is summed only when it published all twelve months of the flow and no annual report.
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
        annual AS (SELECT DISTINCT reporter, flow, year FROM every WHERE frequency = 'A'),
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
