"""Rows that repeat or lack one another inside a file: duplicate keys, and parts without their total."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.engine import parquet
from entrepot.engine.words import word_types
from entrepot.schema import QuarantineReason, RowRole

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from entrepot.engine import Engine
    from entrepot.pipeline.flow_files import FlowFiles

__all__ = ["EXCLUDED", "excluded_rows", "key_hash", "repeated_hashes"]

#: Rows taken out of the canonical ones after all.
EXCLUDED = pa.schema(
    [("row_number", pa.int64()), ("cell", pa.string()), ("reason", pa.string()), ("detail", pa.string())]
)

_KEY = (
    "reporter", "partner", "flow", "period", "frequency", "hs_code", "national_code", "hs_level",
    "hs_revision", "role", "partner_concept", "consignment_partner", "customs_procedure",
)  # fmt: skip

_VALUES = ("primary_value_usd", "reported_value", "net_weight_kg", "quantity", "quantity_unit")

#: Hashes held in memory at a time: 800 MB.
_AT_ONCE = 100_000_000


def key_hash(*, without: Collection[str] = ()) -> str:
    """Return the SQL of a number that rows of one key have in common; null for parts, which repeat a key.

    Parameters
    ----------
    without
        Columns that are the same in all rows, of which none need be asked.
    """
    types = word_types()
    # A national code says the code that it begins with, a code its level, a period how often there is one.
    code = "hs_code::VARCHAR"
    if "national_code" not in without:
        code = f"coalesce(national_code::VARCHAR, {code})"
    names = [
        f"{name}::{types[name]}" if name in types else name
        for name in _KEY
        if name not in {*without, "hs_code", "national_code", "hs_level", "frequency"}
    ]
    names.append(code)
    return f"CASE WHEN role <> '{RowRole.BREAKDOWN.value}' THEN hash({', '.join(names)}) END"


def excluded_rows(engine: Engine, flow: FlowFiles, canonical: str) -> pa.Table:
    """Return the rows of a file that repeat another row's key, or are parts of no total.

    Rows of one key with different values are all taken out: none can be preferred. Of rows that agree in
    everything the first stays.

    Parameters
    ----------
    engine
        Runs the work.
    flow
        The file's canonical rows, as written. Their keys are sorted in place; where they are too many for
        memory they are computed again, a share at a time.
    canonical
        The query they came from: breakdown rows have there, in ``detail``, what they are a part by.
    """
    written, keys = parquet(flow.paths), flow.keys
    whole = f"SELECT * FROM {written} WHERE role <> '{RowRole.BREAKDOWN.value}'"
    repeated = repeated_hashes(engine, whole, flow.rows, key=flow.key) if keys is None else _repeated(keys)
    found = [_duplicates(engine, whole, repeated, key=flow.key)]
    if keys is None or len(keys) < flow.rows:
        parts = f"SELECT * FROM ({canonical}) WHERE role = 'breakdown' AND reason IS NULL"
        found += [engine.sql(_repeats(parts, (*_KEY, "detail"))), _orphans(engine, written)]
    table = pa.concat_tables([one.select(EXCLUDED.names).cast(EXCLUDED) for one in found])
    # A part can be both a repeat and without its total: one reason is enough.
    return engine.sql("SELECT DISTINCT ON (row_number, cell) * FROM excluded ORDER BY ALL", excluded=table)


def _duplicates(engine: Engine, rows_sql: str, candidates: NDArray[np.uint64], *, key: str) -> pa.Table:
    """Return rows whose key stands more than once; exact work is done on candidates only."""
    if not candidates.size:
        return EXCLUDED.empty_table()
    engine.register("key_candidates", pa.table({"key": candidates}))
    return engine.sql(_repeats(f"{rows_sql} AND {key} IN (SELECT key FROM key_candidates)", _KEY))


def _repeated(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the keys that stand more than once; sorts them in their place, each half in a thread."""
    middle = len(keys) // 2
    if middle:
        keys.partition(middle)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(np.ndarray.sort, (keys[:middle], keys[middle:])))
    return np.unique(keys[1:][keys[1:] == keys[:-1]])


def repeated_hashes(engine: Engine, rows_sql: str, rows: int, *, key: str) -> NDArray[np.uint64]:
    """Return the hashes that several rows share, by a share of all hashes at a time.

    Parameters
    ----------
    engine
        Runs the work.
    rows_sql
        The rows.
    rows
        How many rows there are at most.
    key
        SQL of the hash of a row's key.
    """
    slices = max(-(-rows // _AT_ONCE), 1)
    keys = f"SELECT {key} AS key FROM ({rows_sql})"
    shares = [f"SELECT key FROM ({keys}) WHERE key % {slices} = {number}" for number in range(slices)]
    return np.concatenate([_repeated(_fetch(engine, share, rows)) for share in shares])


def _fetch(engine: Engine, query: str, rows: int) -> NDArray[np.uint64]:
    hashes = np.empty(rows, dtype=np.uint64)
    filled = 0
    for batch in engine.batches(query):
        column = batch.column(0).to_numpy(zero_copy_only=False)
        hashes[filled : filled + len(column)] = column
        filled += len(column)
    return hashes[:filled]


def _repeats(rows_sql: str, key: Sequence[str]) -> str:
    keys, values = ", ".join(key), ", ".join(_VALUES)
    reason = QuarantineReason.DUPLICATE_KEY.value
    return f"""
    WITH counted AS (
        SELECT row_number, cell, count(*) OVER same AS copies, min(row_number) OVER same AS first_row,
               row_number() OVER (PARTITION BY {keys} ORDER BY row_number, cell) AS place,
               min(hash({values})) OVER same <> max(hash({values})) OVER same AS is_conflict
        FROM ({rows_sql}) WINDOW same AS (PARTITION BY {keys})
    )
    SELECT row_number, cell, '{reason}' AS reason,
        CASE WHEN is_conflict
             THEN copies || ' rows of one key with different values, the first is row ' || first_row
             ELSE 'identical to row ' || first_row END AS detail
    FROM counted WHERE copies > 1 AND (is_conflict OR place > 1)
    """


def _orphans(engine: Engine, written: str) -> pa.Table:
    total_key = [name for name in _KEY if name not in {"role", "consignment_partner", "customs_procedure"}]
    same = " AND ".join(f"total.{name} IS NOT DISTINCT FROM part.{name}" for name in total_key)
    return engine.sql(
        f"""
        SELECT part.row_number, part.cell, '{QuarantineReason.BREAKDOWN_WITHOUT_TOTAL.value}' AS reason,
               'the file has no row of the whole that this is a part of' AS detail
        FROM (SELECT * FROM {written} WHERE role = 'breakdown') AS part
        ANTI JOIN (SELECT * FROM {written} WHERE role <> 'breakdown') AS total ON {same}
        """
    )
