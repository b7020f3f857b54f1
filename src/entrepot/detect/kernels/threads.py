"""Long arrays in parts, a thread each: kernels release the GIL."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["blocks_of", "in_blocks", "in_parts", "in_threads", "over_runs", "zeros"]

_FEWEST = 400_000

#: What stays in the cache of a core while several expressions go over it.
_BLOCK = 65_536

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_parts(
    run: Callable[[int, int], _Result], size: int, *, fewest: int = _FEWEST, each: int = 1
) -> list[_Result]:
    """Return what a kernel makes of every part of ``size`` items, in order.

    Parameters
    ----------
    run
        Gets the first item of a part and the one after its last.
    size
        Number of items.
    fewest
        Items under which a part is not worth a thread.
    each
        Parts that a thread gets: several, where parts of one size are not of one length of work.
    """
    n = max(min(os.cpu_count() or 1, size // fewest), 1)
    if n == 1:
        return [run(0, size)]
    bounds = [size * at // (n * each) for at in range(n * each + 1)]
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(lambda part: run(*part), pairwise(bounds)))


def in_blocks(
    run: Callable[..., NDArray[Any]],
    *columns: NDArray[Any],
    dtype: type[np.generic] = np.float64,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Return what an expression makes of columns, worked out block by block in threads.

    An expression of several steps on whole columns writes every step to memory; in blocks only its result.

    Parameters
    ----------
    run
        Gets a block of every column and returns as many numbers.
    columns : (n,)
        The columns.
    dtype
        Of the result.
    out : (n,)
        Where the result is written, one of the columns if need be; without it a new array.
    """
    size = columns[0].size
    result = np.empty(size, dtype=dtype) if out is None else out

    def fill(first: int, last: int) -> None:
        for block in blocks_of(first, last):
            result[block] = run(*[column[block] for column in columns])

    in_parts(fill, size)
    return result


def blocks_of(first: int, last: int) -> Iterator[slice]:
    """Yield the items of a part block by block: what stays in the cache of a core."""
    for start in range(first, last, _BLOCK):
        yield slice(start, min(start + _BLOCK, last))


def zeros(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return zeros that are written by all threads at once.

    Memory that was never used costs its first writer most of a second a gigabyte, and of a world's sums that
    would be the one thread that adds the rows up.
    """
    array = np.empty(shape)
    flat = array.ravel()

    def fill(first: int, last: int) -> None:
        flat[first:last] = 0.0

    in_parts(fill, flat.size)
    return array


def over_runs(run: Callable[[int, int], None], starts: NDArray[np.int64]) -> None:
    """Call a function for all runs of items, in blocks that a core's cache holds and that divide no run.

    Parameters
    ----------
    run
        Gets the first run of a block and the one after its last.
    starts : (n_runs + 1,)
        Where each run begins; last the number of items.
    """
    size = int(starts[-1])
    bounds = np.unique(np.append(np.searchsorted(starts[:-1], range(0, size, _BLOCK)), starts.size - 1))

    def some(first: int, last: int) -> None:
        for block in pairwise(bounds[first : last + 1].tolist()):
            run(*block)

    in_parts(some, bounds.size - 1, fewest=max(_FEWEST // _BLOCK, 1), each=8)


def in_threads(run: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    """Yield what a function makes of each item, in order, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(run, items)
