"""Which of several reports of one cell counts: the vintage rule.

The unit is the slice: source, reporter, period and flow. Where several files have rows of a slice, a later
file (by vintage, then by time of ingest) that repeats at least half of the cells of an earlier one
publishes the slice anew: what it no longer has is withdrawn. A file that repeats less is a complement, and
only the cells that both have are taken from the later one. The rule looks at every pair of files by
itself, so that the order of ingest does not matter.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from entrepot.engine.quoting import literal
from entrepot.schema import FLOW
from entrepot.store.lake import COMPACTED
from entrepot.store.reading import no_rows_sql, stored_rows_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from entrepot.engine.duck import Engine
    from entrepot.store.lake import Lake

__all__ = ["CELL", "SLICE", "earlier_flows_sql", "flows_sql"]

#: Columns of one publication unit.
SLICE = ("source", "reporter", "period", "flow")

#: What makes two rows reports of the same cell, inside a slice.
CELL = (
    "partner", "frequency", "hs_code", "national_code", "hs_level", "hs_revision", "role", "partner_concept",
    "consignment_partner", "customs_procedure",
)  # fmt: skip

_WITHDRAWN = "__withdrawn"
_WITHDRAWN_SCHEMA = pa.schema(
    [("source", pa.string()), ("file_hash", pa.string()), ("row_number", pa.int64()), ("cell", pa.string())]
)

#: Share of an earlier file's cells from which a later file replaces the slice.
_REPUBLISHED = 0.5


def flows_sql(
    lake: Lake,
    engine: Engine,
    *,
    as_of: date | None = None,
    sources: Iterable[str] | None = None,
    years: Iterable[int] | None = None,
    reporters: tuple[str, str] | None = None,
    among: tuple[str, ...] = (),
) -> str:
    """Return the query over the rows of ``core__flow`` that count.

    Parameters
    ----------
    lake
        The lake.
    engine
        Where the query will run; it takes the list of withdrawn rows.
    as_of
        Use only vintages published up to this day.
    sources, years
        Use only these partitions.
    reporters
        Use only reporters from the first to the last of two codes: a part of a lake by itself.
    among
        Use only these reporters; all when empty.

    Returns
    -------
    str
        A query with the columns of ``core__flow``. **Grain**: one report; every role and level, so filter
        by ``role`` and ``hs_level``. It is bound to the files of this moment.

    Missing data: an empty lake gives no rows, with the right types.
    """
    years = None if years is None else tuple(years)
    sources = None if sources is None else tuple(sources)
    files = lake.table_files(FLOW.name, sources=sources, years=years)
    if not files:
        return no_rows_sql(FLOW)
    wanted = [] if as_of is None else [f"vintage <= {literal(as_of.isoformat())}::DATE"]
    if reporters is not None:
        wanted.append(f"reporter BETWEEN {literal(reporters[0])} AND {literal(reporters[1])}")
    if among:
        wanted.append(f"reporter IN ({', '.join(map(literal, among))})")
    chosen = f" WHERE {' AND '.join(wanted)}" if wanted else ""

    def rows(paths: list[Path]) -> str:
        return f"{stored_rows_sql(FLOW, paths)}{chosen}"

    name = f"{_WITHDRAWN}_{'' if as_of is None else as_of.strftime('%Y%m%d')}"
    return _standing(lake, engine, rows, files, _shared_partitions(lake, sources, years), name)


def earlier_flows_sql(
    lake: Lake,
    engine: Engine,
    *,
    sources: Iterable[str] | None = None,
    years: Iterable[int] | None = None,
) -> str:
    """Return the query over the rows that counted before the latest vintage of their slice came.

    Slices (source, reporter, period and flow) of which there is one vintage have no rows here.

    Parameters
    ----------
    lake, engine, sources, years
        As for :func:`flows_sql`.
    """
    years = None if years is None else tuple(years)
    sources = None if sources is None else tuple(sources)
    partitions = _shared_partitions(lake, sources, years)
    if not partitions:
        return no_rows_sql(FLOW)
    slice_columns = ", ".join(SLICE)
    every = stored_rows_sql(FLOW, [path for partition in partitions for path in partition])
    latest = engine.sql(
        f"SELECT {slice_columns}, max(vintage) AS latest FROM ({every}) "
        "GROUP BY ALL HAVING min(vintage) < max(vintage)"
    )
    if latest.num_rows == 0:
        return no_rows_sql(FLOW)
    name = _keep(engine, "__latest", latest)

    def before(paths: list[Path]) -> str:
        return (
            f"SELECT early.* FROM ({stored_rows_sql(FLOW, paths)}) AS early "
            f"JOIN {name} USING ({slice_columns}) WHERE vintage < latest"
        )

    files = [path for partition in partitions for path in partition]
    return _standing(lake, engine, before, files, partitions, f"{_WITHDRAWN}_early")


def _standing(
    lake: Lake,
    engine: Engine,
    rows: Callable[[list[Path]], str],
    files: list[Path],
    partitions: list[list[Path]],
    name: str,
) -> str:
    """Return the query over the rows of files that no later file of their partition withdraws.

    Only partitions with withdrawn rows are compared with the list of them.
    """
    found = [(paths, _withdrawn(lake, engine, rows(paths))) for paths in partitions]
    withdrawn = [(paths, gone) for paths, gone in found if gone.num_rows]
    if not withdrawn:
        return rows(files)
    touched = [path for paths, _ in withdrawn for path in paths]
    name = _keep(engine, name, pa.concat_tables([gone for _, gone in withdrawn]))
    standing = (
        f"SELECT flow_rows.* FROM ({rows(touched)}) AS flow_rows ANTI JOIN {name} AS old "
        "ON flow_rows.file_hash = old.file_hash "
        "AND flow_rows.source = old.source AND flow_rows.row_number = old.row_number "
        "AND flow_rows.cell IS NOT DISTINCT FROM old.cell"
    )
    others = sorted(set(files) - set(touched))
    return f"{standing} UNION ALL ({rows(others)})" if others else standing


def _keep(engine: Engine, name: str, table: pa.Table) -> str:
    """Give the engine a table under a name that no earlier query of it uses."""
    taken = {row[0] for row in engine.rows("SELECT view_name FROM duckdb_views() WHERE internal = FALSE")}
    taken |= {row[0] for row in engine.rows("SELECT table_name FROM duckdb_tables()")}
    number = next(count for count in range(len(taken) + 1) if f"{name}_{count}" not in taken)
    engine.register("__arriving", table)
    # Batches are read on a cursor, which sees no temporary tables.
    engine.execute(f"CREATE TABLE {name}_{number} AS FROM __arriving")
    return f"{name}_{number}"


def _shared_partitions(
    lake: Lake, sources: tuple[str, ...] | None, years: tuple[int, ...] | None
) -> list[list[Path]]:
    """Return the files of each partition in which more than one ingested file has rows."""
    partitions: dict[tuple[str, str], list[str]] = {}
    for file in lake.active(FLOW.name):
        source, year = file.partition["source"], file.partition["year"]
        if (sources is None or source in sources) and (years is None or int(year) in years):
            partitions.setdefault((source, year), []).append(file.path)
    return [
        [lake.path / FLOW.name / path for path in paths]
        for paths in partitions.values()
        if len(Counter(path.split("/")[0] for path in paths)) > 1 or paths[0].startswith(COMPACTED)
    ]


def _withdrawn(lake: Lake, engine: Engine, rows: str) -> pa.Table:
    """Return those of a partition's rows that a later file replaces or withdraws."""
    slice_columns = ", ".join(SLICE)
    slices = engine.sql(
        f"SELECT {slice_columns} FROM ({rows}) GROUP BY ALL HAVING min(file_hash) <> max(file_hash)"
    )
    if slices.num_rows == 0:
        return _WITHDRAWN_SCHEMA.empty_table()
    order = lake.files().sort_by(
        [("vintage", "ascending"), ("ingested_at", "ascending"), ("file_hash", "ascending")]
    )
    rank = pa.table(
        {
            "source": order["source"],
            "file_hash": order["file_hash"],
            "rank": pa.array(range(order.num_rows), pa.int32()),
        }
    )
    cells = ", ".join(CELL)
    # 128 bits of hash stand for a cell: the joins below then carry two integers instead of nine texts.
    return engine.sql(
        f"""
        WITH reports AS MATERIALIZED (
            SELECT source, file_hash, row_number, cell, rank,
                   hash({slice_columns}) AS slice_id,
                   hash({cells}) AS cell_low, hash('cell', {cells}) AS cell_high
            FROM ({rows})
            SEMI JOIN __slices USING ({slice_columns})
            JOIN __rank USING (source, file_hash)
        ),
        cells AS MATERIALIZED (SELECT DISTINCT slice_id, cell_low, cell_high, rank FROM reports),
        sizes AS (SELECT slice_id, rank, count(*) AS size FROM cells GROUP BY ALL),
        repeated AS MATERIALIZED (
            SELECT slice_id, cell_low, cell_high, early.rank AS early_rank, late.rank AS late_rank
            FROM cells AS early JOIN cells AS late USING (slice_id, cell_low, cell_high)
            WHERE late.rank > early.rank
        ),
        shared AS (SELECT slice_id, early_rank, late_rank, count(*) AS cells FROM repeated GROUP BY ALL),
        republished AS (
            SELECT DISTINCT shared.slice_id, early_rank FROM shared JOIN sizes
            ON sizes.slice_id = shared.slice_id AND sizes.rank = early_rank
            WHERE cells >= {_REPUBLISHED} * size
        )
        SELECT source, file_hash, row_number, cell FROM reports
        WHERE EXISTS (
            FROM republished WHERE republished.slice_id = reports.slice_id AND early_rank = reports.rank
        ) OR EXISTS (
            FROM repeated WHERE repeated.slice_id = reports.slice_id AND repeated.cell_low = reports.cell_low
            AND repeated.cell_high = reports.cell_high AND repeated.early_rank = reports.rank
        )
        """,
        where="choosing vintages",
        __rank=rank,
        __slices=slices,
    )
