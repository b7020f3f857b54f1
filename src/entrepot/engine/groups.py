"""Kernels over groups: one Python function, Arrow table in and out, mapped over the groups of a frame."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine.spark import arrow_schema, carrying_errors, spark_errors, spark_schema
from entrepot.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from narwhals.typing import IntoFrame
    from pyspark.sql import DataFrame

__all__ = ["map_groups"]


def map_groups(
    frame: IntoFrame,
    keys: Sequence[str],
    kernel: Callable[[pa.Table], pa.Table],
    schema: pa.Schema,
    *,
    threads: int | None = None,
) -> pa.Table:
    """Apply a kernel to each group of rows and put the results together.

    Use it for work that is independent per group (a product, a pair) and not an expression: kernels that
    release the GIL run side by side.

    Parameters
    ----------
    frame
        Any frame that Narwhals accepts; a lazy one is executed here. On a Spark frame the kernel runs where
        the rows are (``applyInArrow``), and only what it returns comes to this machine.
    keys
        Columns that make the groups; rows with null keys make groups of their own.
    kernel
        Gets the rows of one group, all columns, in the order of the frame; on Spark, whose frames have no
        order, in any. There it travels to the executors, so it must be picklable.
    schema
        What the kernel returns; other columns are refused, types are cast.
    threads
        Worker threads; all processors when not given. Spark has its own.

    Returns
    -------
    pa.Table
        **Grain**: the kernel's. Groups stand in the order of their keys, whatever the number of threads.

    Raises
    ------
    ContractError
        A key is not in the frame, or the kernel's result does not fit ``schema``.
    """
    lazy = nw.from_native(frame).lazy()
    _check(keys, lazy.collect_schema().names())
    if lazy.implementation.is_pyspark() or lazy.implementation.is_pyspark_connect():
        return _on_spark(lazy.to_native(), keys, kernel, schema)
    groups = _groups(lazy.collect("pyarrow").to_native(), keys)
    with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda group: _run(kernel, group, schema), groups))
    return pa.concat_tables(results) if results else schema.empty_table()


def _check(keys: Sequence[str], columns: Sequence[str]) -> None:
    absent = [name for name in keys if name not in columns]
    if absent or not keys:
        raise ContractError(
            f"no columns {', '.join(absent)} to group by" if absent else "no columns to group by",
            where=f"columns present: {', '.join(columns)}",
            hint="name at least one key, and only columns of the frame",
        )


def _on_spark(
    frame: DataFrame, keys: Sequence[str], kernel: Callable[[pa.Table], pa.Table], schema: pa.Schema
) -> pa.Table:
    """Run the kernel on the executors; the keys come along, so that the groups can be put in their order."""
    names = [f"__key_{at}" for at in range(len(keys))]
    kinds = arrow_schema(frame.select(*keys)).types
    whole = pa.schema([*schema, *(pa.field(name, kind) for name, kind in zip(names, kinds, strict=True))])

    def run(key: tuple[pa.Scalar, ...], group: pa.Table) -> pa.Table:
        with carrying_errors():
            result = _run(kernel, group, schema)
        columns = [pa.repeat(value, result.num_rows) for value in key]
        return pa.table([*result.columns, *columns], schema=whole)

    with spark_errors():
        table = frame.groupBy(*keys).applyInArrow(run, spark_schema(whole)).toArrow()
    return _sorted(table, names).select(schema.names).cast(schema)


def _sorted(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Return a table sorted by keys, the order of equal ones kept: the position is the last key."""
    position = pa.array(np.arange(table.num_rows))
    order = pc.sort_indices(
        table.select(list(keys)).append_column("__position", position),
        sort_keys=[(name, "ascending") for name in (*keys, "__position")],
    )
    return table.take(order)


def _groups(table: pa.Table, keys: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the groups as slices of the table sorted by its keys, the order within a group kept."""
    if table.num_rows == 0:
        return
    table = _sorted(table, keys).combine_chunks()
    is_start = np.zeros(table.num_rows, dtype=bool)
    is_start[0] = True
    for name in keys:
        codes = table[name].combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy()
        is_start[1:] |= codes[1:] != codes[:-1]
    bounds = np.append(np.flatnonzero(is_start), table.num_rows)
    for start, end in pairwise(bounds.tolist()):
        yield table.slice(start, end - start)


def _run(kernel: Callable[[pa.Table], pa.Table], group: pa.Table, schema: pa.Schema) -> pa.Table:
    result = kernel(group)
    if sorted(result.column_names) != sorted(schema.names):
        got, expected = ", ".join(result.column_names), ", ".join(schema.names)
        raise ContractError(
            f"the kernel returned columns {got} instead of {expected}",
            hint="return exactly the columns of the stated schema",
        )
    try:
        return result.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ContractError(
            f"the kernel's result does not fit its schema: {error}",
            hint="return the types of the stated schema",
        ) from error
