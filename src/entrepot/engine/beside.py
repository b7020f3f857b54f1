"""Tables between frames and engines: out of a frame as Arrow, beside a frame, on DuckDB for exact medians."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import duckdb
import narwhals as nw
import pyarrow as pa

from entrepot.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

__all__ = ["place_beside", "small_table", "with_exact_medians"]

_Step = TypeVar("_Step", bound="Callable[..., Any]")

#: More rows than a step on aggregates may take out of an engine.
_MOST_ROWS = 20_000_000


def small_table(frame: IntoFrame, *, what: str) -> pa.Table:
    """Execute a frame of aggregates and return its rows: the named step at which a lazy chain ends.

    Parameters
    ----------
    frame
        Any frame that Narwhals accepts.
    what
        What the rows are, for the error message.

    Raises
    ------
    ContractError
        The frame is no small table: over twenty million rows.
    """
    table: pa.Table = nw.from_native(frame).lazy().collect("pyarrow").to_native()
    if table.num_rows > _MOST_ROWS:
        raise ContractError(
            f"{table.num_rows:,} rows are no aggregate",
            where=what,
            hint="reconcile fewer years or products at a time",
        )
    return table


def place_beside(table: pa.Table, frame: IntoFrame) -> nw.LazyFrame[Any] | nw.DataFrame[Any]:
    """Return an Arrow table as a frame of the same engine and kind as another, to be joined to it.

    Parameters
    ----------
    table
        A small table.
    frame
        Where it is needed; a DuckDB relation gives its own connection.

    Raises
    ------
    ContractError
        The frame's engine takes no tables.
    """
    there = nw.from_native(frame)
    native: Any = nw.to_native(there)
    if isinstance(native, duckdb.DuckDBPyRelation):
        return nw.from_native(_on_connection(native, table))
    if there.implementation.is_pyspark() or there.implementation.is_pyspark_connect():
        rows: nw.LazyFrame[Any] = nw.from_native(native.sparkSession.createDataFrame(table))
        return rows
    if there.implementation.is_ibis() or there.implementation.is_sqlframe():
        raise ContractError(
            f"frames of {there.implementation} cannot be joined to tables of ours",
            hint="hand over a DuckDB, Polars, pandas, PySpark or Arrow frame",
        )
    made = nw.from_arrow(table, backend=there.implementation)
    return made.lazy() if isinstance(there, nw.LazyFrame) else made


def with_exact_medians(step: _Step) -> _Step:
    """Let a step that takes medians of groups run on DuckDB where its frame is an Arrow table.

    PyArrow's own medians of groups are approximate (a t-digest); all other frames stay where they are.

    Parameters
    ----------
    step
        Takes a frame, returns one of its kind.
    """

    @wraps(step)
    def run(frame: IntoFrame, *arguments: Any, **options: Any) -> Any:
        if not isinstance(frame, pa.Table):
            return step(frame, *arguments, **options)
        with duckdb.connect() as connection:
            return step(connection.from_arrow(frame), *arguments, **options).to_arrow_table()

    return cast("_Step", run)


def _on_connection(
    relation: duckdb.DuckDBPyRelation,
    rows_here: pa.Table,  # noqa: ARG001  (DuckDB finds it by its name)
) -> duckdb.DuckDBPyRelation:
    return cast("duckdb.DuckDBPyRelation", relation.query("beside_this", "SELECT * FROM rows_here"))
