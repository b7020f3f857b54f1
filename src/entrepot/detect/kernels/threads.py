"""Long arrays in parts, a thread each: kernels release the GIL."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["in_blocks", "in_parts"]

_FEWEST = 1_000_000

#: What stays in the cache of a core while several expressions go over it.
_BLOCK = 65_536

_Result = TypeVar("_Result")


def in_parts(run: Callable[[int, int], _Result], size: int, *, fewest: int = _FEWEST) -> list[_Result]:
    """Return what a kernel makes of every part of ``size`` items, in order.

    Parameters
    ----------
    run
        Gets the first item of a part and the one after its last.
    size
        Number of items.
    fewest
        Items under which a part is not worth a thread.
    """
    n = max(min(os.cpu_count() or 1, size // fewest), 1)
    bounds = [size * at // n for at in range(n + 1)]
    if n == 1:
        return [run(0, size)]
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(lambda part: run(*part), pairwise(bounds)))


def in_blocks(
    run: Callable[..., NDArray[Any]], *columns: NDArray[Any], dtype: type[np.generic] = np.float64
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
    """
    size = columns[0].size
    result = np.empty(size, dtype=dtype)

    def fill(first: int, last: int) -> None:
        for start in range(first, last, _BLOCK):
            end = min(start + _BLOCK, last)
            result[start:end] = run(*[column[start:end] for column in columns])

    in_parts(fill, size)
    return result
