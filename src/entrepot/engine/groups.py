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

from entrepot.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from narwhals.typing import IntoFrame

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
        Any frame that Narwhals accepts; a lazy one is executed here.
    keys
        Columns that make the groups; rows with null keys make groups of their own.
    kernel
        Gets the rows of one group, all columns, in the order of the frame.
    schema
        What the kernel returns; other columns are refused, types are cast.
    threads
        Worker threads; all processors when not given.

    Returns
    -------
    pa.Table
        **Grain**: the kernel's. Groups stand in the order of their keys, whatever the number of threads.

    Raises
    ------
    ContractError
        A key is not in the frame, or the kernel's result does not fit ``schema``.
    """
    table = nw.from_native(frame).lazy().collect("pyarrow").to_native()
    absent = [name for name in keys if name not in table.column_names]
    if absent or not keys:
        raise ContractError(
            f"no columns {', '.join(absent)} to group by" if absent else "no columns to group by",
            where=f"columns present: {', '.join(table.column_names)}",
            hint="name at least one key, and only columns of the frame",
        )
    groups = _groups(table, keys)
    with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda group: _run(kernel, group, schema), groups))
    return pa.concat_tables(results) if results else schema.empty_table()


def _groups(table: pa.Table, keys: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the groups as slices of the table sorted by its keys, the order within a group kept."""
    if table.num_rows == 0:
        return
    # The position as last key makes the sort stable.
    position = pa.array(np.arange(table.num_rows))
    order = pc.sort_indices(
        table.select(list(keys)).append_column("__position", position),
        sort_keys=[(name, "ascending") for name in (*keys, "__position")],
    )
    table = table.take(order).combine_chunks()
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
