"""Single values against the contract, and rows that stand twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from entrepot.pipeline.checking.findings import Finding
from entrepot.pipeline.twins import repeated_hashes
from entrepot.schema import FLOW, CheckName, Rule, Severity, rules_of
from entrepot.store import CELL, SLICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entrepot.engine import Engine

__all__ = ["duplicate_findings", "value_findings"]

_PLACE = ("source", "reporter", "flow", "period", "file_hash")

#: Places of one fault that are told one by one; of more the first are named.
_MOST_PLACES = 20


def value_findings(engine: Engine, stored: str, names: dict[str, str]) -> Iterator[Finding]:
    """Yield findings on values that break the contract of ``core__flow``.

    Parameters
    ----------
    engine
        Where queries run.
    stored
        Query over the rows, all vintages.
    names
        File names by hash.
    """
    frame = engine.frame(stored)
    rules = rules_of(FLOW)
    broken = [rule.is_broken.cast(nw.Int64).sum().alias(str(place)) for place, rule in enumerate(rules)]
    counts = frame.select(*broken).collect(backend="pyarrow").to_native().to_pylist()[0]
    for place, rule in enumerate(rules):
        if counts[str(place)]:
            yield from _places(frame, rule, names)


def _places(frame: nw.LazyFrame[Any], rule: Rule, names: dict[str, str]) -> Iterator[Finding]:
    # No filter by is_nan: DuckDB would skip row groups of Parquet by bounds that leave NaN out.
    found = (
        frame.with_columns(nw.when(rule.is_broken).then(nw.col("row_number")).alias("broken"))
        .group_by(*_PLACE)
        .agg(nw.col("broken").count().alias("rows"), nw.col("broken").min().alias("first"))
        .filter(nw.col("rows") > 0)
        .collect(backend="pyarrow")
        .to_native()
        .sort_by([("rows", "descending"), *((name, "ascending") for name in _PLACE)])
        .to_pylist()
    )
    for row in found[:_MOST_PLACES]:
        yield Finding(
            severity=Severity.ERROR,
            check=CheckName.CONTRACT,
            source=row["source"],
            reporter=row["reporter"],
            flow=row["flow"],
            period=row["period"],
            file_name=names.get(row["file_hash"]),
            rows=row["rows"],
            finding=f"{rule.column} is {rule.fault} in {row['rows']:,} rows, first in row {row['first']}",
            hint="no reader of ours writes that: ingest the publisher's file again into a new lake",
        )
    if left := found[_MOST_PLACES:]:
        rows = sum(row["rows"] for row in left)
        yield Finding(
            severity=Severity.ERROR,
            check=CheckName.CONTRACT,
            rows=rows,
            finding=f"{rule.column} is {rule.fault} in {rows:,} rows of {len(left):,} more places",
            hint="mend the places named first, then check again",
        )


def duplicate_findings(engine: Engine, stored: str, counted: str, *, rows: int) -> Iterator[Finding]:
    """Yield findings on rows of a file that stand twice, and on cells that two rows that count report.

    Parameters
    ----------
    engine
        Where queries run.
    stored, counted
        Queries over the rows of all vintages, and over those that count.
    rows
        How many rows there are at most.
    """
    yield from _repeated(
        engine,
        stored,
        FLOW.key,
        rows=rows,
        check=CheckName.DUPLICATE_KEY,
        hint="a file of the lake is there twice: ingest the publishers' files again into a new lake",
    )
    yield from _repeated(
        engine,
        f"SELECT * FROM ({counted}) WHERE role <> 'breakdown'",
        (*SLICE, *CELL),
        rows=rows,
        check=CheckName.DUPLICATE_CELL,
        hint="sums count the cell twice: find out which row the publisher means, and ingest that alone",
    )


def _repeated(
    engine: Engine, query: str, key: Sequence[str], *, rows: int, check: CheckName, hint: str
) -> Iterator[Finding]:
    keys = ", ".join(key)
    candidates = pa.table({"key": repeated_hashes(engine, query, rows, key=f"hash({keys})")})
    if not candidates.num_rows:
        return
    found = engine.sql(
        f"""
        WITH suspects AS (
            SELECT * FROM ({query}) WHERE hash({keys}) IN (SELECT key FROM candidates)
        ),
        repeated AS (
            SELECT *, count(*) OVER same AS copies, row_number() OVER same AS place
            FROM suspects WINDOW same AS (PARTITION BY {keys})
        )
        SELECT source, reporter, flow, period, count(*) AS rows, count(*) FILTER (place = 1) AS keys,
               coalesce(sum(primary_value_usd) FILTER (place > 1), 0) AS usd
        FROM repeated WHERE copies > 1 GROUP BY ALL ORDER BY rows DESC, source, reporter, flow, period
        """,
        candidates=candidates,
        where="looking for rows that stand twice",
    )
    noun = "rows of files" if check is CheckName.DUPLICATE_KEY else "cells"
    for row in found.to_pylist():
        yield Finding(
            severity=Severity.ERROR,
            check=check,
            source=row["source"],
            reporter=row["reporter"],
            flow=row["flow"],
            period=row["period"],
            rows=row["rows"],
            parts_usd=None,
            finding=f"{row['keys']:,} {noun} stand in {row['rows']:,} rows: {row['usd']:,.0f} USD too much",
            hint=hint,
        )
