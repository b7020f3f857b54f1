"""From Arrow columns to arrays: numbers, codes of words, medians by owner, variance without outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["codes", "combine_codes", "common_variance", "first_rows", "floats", "sums", "weighted_medians"]

#: Of the square of a standard normal number.
_MEDIAN_OF_SQUARES = 0.454936
#: Combinations that may be counted in one array (80 MB); more are sorted.
_DENSE = 10_000_000
#: Owners that sixteen bits can tell apart: NumPy sorts those without comparing.
_RADIX = 1 << 16


def weighted_medians(
    values: NDArray[np.float64], weights: NDArray[np.float64], owner: NDArray[np.int64], owners: int
) -> NDArray[np.float64]:
    """Return the weighted median of each owner's values.

    Parameters
    ----------
    values, weights, owner
        (n) values, weights of at least 0, and 0 to ``owners`` − 1.
    owners
        How many there are.

    Returns
    -------
    (owners) array
        The value at which half of the weight is reached; the middle of two where it is reached between
        them. 0 where an owner has no weight.
    """
    order = _by_owner(values, owner, owners)
    order = order[weights[order] > 0]
    who, value, weight = owner[order], values[order], weights[order]
    found = np.zeros(owners)
    if not len(order):
        return found
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    ends = np.r_[starts[1:], len(who)] - 1
    running = np.cumsum(weight)
    before = np.r_[0.0, running][starts]
    half = before + 0.5 * (running[ends] - before)
    tolerance = 1e-12 * running[ends]
    low = np.minimum(np.searchsorted(running, half - tolerance), ends)
    high = np.minimum(np.searchsorted(running, half + tolerance, side="right"), ends)
    found[who[starts]] = 0.5 * (value[low] + value[high])
    return found


def _by_owner(values: NDArray[np.float64], owner: NDArray[np.int64], owners: int) -> NDArray[np.int64]:
    """Return the order by owner, then by value. Owners of few bits are sorted digit by digit (radix)."""
    if owners > _RADIX:
        return np.lexsort((values, owner))
    by_value = np.argsort(values)
    return by_value[np.argsort(owner[by_value].astype(np.uint16), kind="stable")]


def common_variance(values: NDArray[np.float64], known: NDArray[np.float64], *, least: float) -> float:
    """Return the variance τ² that values have beyond the variance known of each, without heed to outliers.

    It makes the median of value² ÷ (τ² + known variance) what it is for normal values, over the more
    precise half of the values (robust form of Paule and Mandel's estimator).
    """
    precise = known <= np.median(known)
    squares, variances = values[precise] ** 2, known[precise]
    low, high = 0.0, float(squares.max(initial=0.0)) / _MEDIAN_OF_SQUARES
    for _ in range(50):
        middle = 0.5 * (low + high)
        if np.median(squares / np.maximum(middle + variances, 1e-300)) > _MEDIAN_OF_SQUARES:
            low = middle
        else:
            high = middle
    return max(0.5 * (low + high), least)


def sums(
    owner: NDArray[np.int64], values: NDArray[np.float64] | NDArray[np.bool_], owners: int = 0
) -> NDArray[np.float64]:
    """Return the sum of each owner's values."""
    return np.bincount(owner, values, owners).astype(np.float64)


def floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is null."""
    values = table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def codes(table: pa.Table, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the words of a column in their own order, and the number of each row's word."""
    encoded = table[name].combine_chunks().dictionary_encode()
    words = encoded.dictionary.cast(pa.string())
    rank = pc.rank(words, tiebreaker="first").to_numpy().astype(np.int64) - 1
    ordered: list[str] = words.take(pc.sort_indices(words)).to_pylist()
    return ordered, rank[encoded.indices.to_numpy()]


def combine_codes(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each combination of two codes, in their order."""
    others = int(other.max(initial=0)) + 1
    combined = one * others + other
    possible = (int(one.max(initial=0)) + 1) * others
    if possible > _DENSE:
        return np.asarray(np.unique(combined, return_inverse=True)[1], dtype=np.int64)
    occurs = np.zeros(possible, dtype=np.int64)
    occurs[combined] = 1
    return np.asarray((np.cumsum(occurs) - 1)[combined], dtype=np.int64)


def first_rows(number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of each number, of numbers from 0 without gaps."""
    first = np.empty(int(number.max(initial=-1)) + 1, dtype=np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return first
