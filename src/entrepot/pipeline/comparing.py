"""What changed between two vintages of a lake, and which figures move because of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError, OptionError
from entrepot.nomenclature import WORLD
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.detours import find_detours
from entrepot.pipeline.leaves import hs_levels, leaf_reports
from entrepot.schema import CHANGE, FLOW, MOVED
from entrepot.store import CELL, SLICE, flows_sql, stored_rows_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pyarrow as pa

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.result import DetourResult
    from entrepot.pipeline.revisions import RevisionChoice
    from entrepot.store import Lake

__all__ = ["Comparison", "compare_detours", "compare_vintages"]

_SLICE: Final = ", ".join(SLICE)
_CELL: Final = ", ".join((*SLICE, *CELL))
_PAGE: Final = "source, reporter, flow, frequency, period"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two vintages of a lake side by side.

    Attributes
    ----------
    start, end
        The days as of which the lake was read.
    changes
        Columns of ``out__change``, by reporter and period.
    moved
        Columns of ``out__moved_figure``.
    """

    start: date
    end: date
    changes: pa.Table
    moved: pa.Table


def compare_vintages(
    lake: Lake, start: date, end: date, *, sources: tuple[str, ...] = (), memory_limit: str = "2GB"
) -> Comparison:
    """Return what changed in a lake between two days, and which figures of the reporters moved.

    Parameters
    ----------
    lake
        The lake.
    start, end
        The lake is read as of both: with the vintages published up to then.
    sources
        Only these; all when empty.
    memory_limit
        Memory of the engine; larger work spills to disk.

    Returns
    -------
    Comparison
        Every cell that was added, removed or revised, and the totals by reporter, flow and period.

    *Missing data*: a figure that was not reported is null, never zero; ``change_usd`` takes it as nothing.

    Raises
    ------
    OptionError
        The days are the wrong way round.
    CoverageError
        The lake has no vintage up to ``start``, or none between the two.
    """
    _check_days(lake, start, end, sources)
    with Engine(memory_limit=memory_limit) as engine:
        _keep_sides(lake, engine, start, end, sources)
        engine.execute(f"CREATE TABLE changes AS {_CHANGES}", where="comparing vintages")
        changes = engine.sql(f"FROM changes ORDER BY {_ORDER}").cast(CHANGE.arrow_schema())
        _keep_goods(engine)
        moved = engine.sql(_MOVED, where="comparing totals").select(MOVED.columns)
        moved = moved.cast(MOVED.arrow_schema())
    return Comparison(start, end, changes, moved)


def _check_days(lake: Lake, start: date, end: date, sources: tuple[str, ...]) -> None:
    if end <= start:
        raise OptionError(
            f"{end} is not after {start}", where="--from, --to", hint="give the earlier day with --from"
        )
    vintages = sorted(
        {row["vintage"] for row in lake.files().to_pylist() if not sources or row["source"] in sources}
    )
    have = ", ".join(str(vintage) for vintage in vintages[-8:]) or "none"
    for is_there, what in (
        (any(vintage <= start for vintage in vintages), f"the lake has no vintage up to {start}"),
        (
            any(start < vintage <= end for vintage in vintages),
            f"the lake has no vintage after {start} and up to {end}: nothing can have changed",
        ),
    ):
        if not is_there:
            raise CoverageError(what, where="--from, --to", hint=f"its vintages are {have}")


def _keep_sides(lake: Lake, engine: Engine, start: date, end: date, sources: tuple[str, ...]) -> None:
    """Keep the tables ``early`` and ``late``: the reports as of both days of slices with a new vintage.

    Nothing else can have changed: a vintage replaces rows of its own slices alone.
    """
    files = lake.table_files(FLOW.name, sources=sources or None)
    span = f"vintage > {literal(start.isoformat())}::DATE AND vintage <= {literal(end.isoformat())}::DATE"
    engine.execute(
        f"CREATE TABLE touched AS SELECT DISTINCT {_SLICE} FROM ({stored_rows_sql(FLOW, files)}) WHERE {span}"
    )
    for name, day in (("early", start), ("late", end)):
        counted = flows_sql(lake, engine, as_of=day, sources=sources or None)
        engine.execute(
            f"CREATE TABLE {name} AS SELECT * FROM ({counted}) SEMI JOIN touched USING ({_SLICE})",
            where=f"reading the lake as of {day}",
        )


def _side(name: str) -> str:
    """Return the cells of one side with their sums; two rows of a cell are a fault that a check finds."""
    return f"""
        SELECT {_CELL}, hash({_CELL}) AS low, hash('cell', {_CELL}) AS high,
               sum(primary_value_usd) AS usd, max(vintage) AS vintage,
               CASE WHEN count(net_weight_kg) = count(*) THEN sum(net_weight_kg) END AS kg
        FROM {name} GROUP BY {_CELL}
    """


_BOTH: Final = ", ".join(f"coalesce(late.{name}, early.{name}) AS {name}" for name in (*SLICE, *CELL))

#: Cells are joined by 128 bits of hash: nine of their columns may be null.
_CHANGES: Final = f"""
    WITH early AS ({_side("early")}), late AS ({_side("late")}),
    published AS (SELECT DISTINCT {_PAGE}, TRUE AS was_published FROM early),
    joined AS (
        SELECT {_BOTH}, early.low IS NOT NULL AS was_there,
               late.low IS NOT NULL AS is_there,
               early.usd AS before_usd, late.usd AS after_usd, early.kg AS before_kg, late.kg AS after_kg,
               early.vintage AS before_vintage, late.vintage AS after_vintage
        FROM early FULL JOIN late ON early.low = late.low AND early.high = late.high
    )
    SELECT {", ".join(CHANGE.columns)}
    FROM (
        SELECT *, coalesce(after_usd, 0) - coalesce(before_usd, 0) AS change_usd,
               CASE WHEN was_there AND is_there THEN 'revised' WHEN was_there THEN 'removed'
                    WHEN was_published THEN 'added' ELSE 'published' END AS change
        FROM joined LEFT JOIN published USING ({_PAGE})
        WHERE NOT was_there OR NOT is_there OR before_usd IS DISTINCT FROM after_usd
              OR before_kg IS DISTINCT FROM after_kg
    )
"""
_ORDER: Final = (
    "source, reporter, period, flow, hs_level, abs(change_usd) DESC, hs_code, national_code, partner, role"
)


def _keep_goods(engine: Engine) -> None:
    """Keep ``early_goods`` and ``late_goods``: the leaves at the level that analyses are made at."""
    for side in ("early", "late"):
        parts = []
        for (frequency,) in engine.rows(
            f"SELECT DISTINCT frequency FROM {side} WHERE role = 'leaf' ORDER BY ALL"
        ):
            rows = f"SELECT * FROM {side} WHERE frequency = '{frequency}'"
            levels = hs_levels(engine, rows, frequency)
            parts.append(leaf_reports(rows, levels, has_longer=len(levels) > 1))
        every = " UNION ALL ".join(f"FROM ({part})" for part in parts)
        engine.execute(
            f"CREATE TABLE {side}_goods AS FROM ({every}) WHERE hs_level > 0"
            if parts
            else f"CREATE TABLE {side}_goods AS SELECT *, hs_level AS level FROM {side} WHERE FALSE"
        )


def _goods(side: str) -> str:
    cell = f"{_PAGE}, partner, partner_concept, hs_revision, hs_code"
    return f"SELECT {cell}, sum(primary_value_usd) AS usd FROM {side}_goods GROUP BY ALL"


def _total(side: str) -> str:
    """Return the published total of all goods of a page: of the world, else of all partners.

    A partner given by origin and by consignment has one total, the larger.
    """
    of = f"hs_level = 0 AND (role = 'leaf' OR (role = 'aggregate' AND partner = '{WORLD}'))"
    return f"""
        SELECT {_PAGE}, coalesce(max(usd) FILTER (partner = '{WORLD}'), sum(usd)) AS total FROM (
            SELECT {_PAGE}, partner, max(usd) AS usd FROM (
                SELECT {_PAGE}, partner, partner_concept, sum(primary_value_usd) AS usd
                FROM {side} WHERE {of} GROUP BY ALL
            ) GROUP BY {_PAGE}, partner
        ) GROUP BY {_PAGE}
    """


_MOVED: Final = f"""
    WITH cells AS (
        SELECT {_PAGE},
               count(*) FILTER (role = 'leaf' AND change IN ('added', 'published')) AS cells_added,
               count(*) FILTER (role = 'leaf' AND change = 'removed') AS cells_removed,
               count(*) FILTER (role = 'leaf' AND change = 'revised') AS cells_revised
        FROM changes GROUP BY ALL
    ),
    early_cells AS ({_goods("early")}), late_cells AS ({_goods("late")}),
    goods AS (
        SELECT {_PAGE}, sum(early_cells.usd) AS goods_before_usd, sum(late_cells.usd) AS goods_after_usd,
               sum(abs(coalesce(late_cells.usd, 0) - coalesce(early_cells.usd, 0))) AS gross_usd
        FROM early_cells FULL JOIN late_cells
             USING ({_PAGE}, partner, partner_concept, hs_revision, hs_code)
        GROUP BY ALL
    ),
    early_totals AS (SELECT * RENAME (total AS total_before_usd) FROM ({_total("early")})),
    late_totals AS (SELECT * RENAME (total AS total_after_usd) FROM ({_total("late")}))
    SELECT {", ".join(name for name in MOVED.columns if name != "gross_usd")},
           coalesce(gross_usd, 0) AS gross_usd
    FROM cells LEFT JOIN goods USING ({_PAGE}) LEFT JOIN early_totals USING ({_PAGE})
         LEFT JOIN late_totals USING ({_PAGE})
    ORDER BY source, reporter, period, flow
"""


def compare_detours(
    lake: Lake,
    options: DetourOptions,
    days: tuple[date, date],
    *,
    sources: tuple[str, ...] = (),
    revision: RevisionChoice | None = None,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[DetourResult, DetourResult]:
    """Return the same search for detours as of two days: what a published headline has become.

    Parameters
    ----------
    lake
        The lake.
    options
        What is searched for. Windows that are not given end where the reports of each day end.
    days
        The earlier and the later day.
    sources, revision
        As for :class:`~entrepot.pipeline.choices.ReportChoice`.
    memory_limit
        Memory of the engine.
    progress
        Called with the calibration sets done and all sets, for one search after the other.
    """
    early, late = (
        find_detours(
            lake,
            options,
            choice=ReportChoice(as_of=day, sources=sources, revision=revision),
            memory_limit=memory_limit,
            progress=progress,
        )
        for day in days
    )
    return early, late
