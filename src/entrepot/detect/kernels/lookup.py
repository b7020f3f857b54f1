"""Where a flow stands among cells in the order of exporter, importer and product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["added_up", "cells_under", "places_of", "starts_of_pairs"]

#: Pairs whose cells are worth a thread, and parts that a thread gets of them.
_FEWEST_PAIRS, _PARTS = 5_000, 8


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def starts_of_pairs(
    exporter: NDArray[np.signedinteger],
    importer: NDArray[np.signedinteger],
    product: NDArray[np.signedinteger],
    n_areas: int,
) -> NDArray[np.int64]:
    """Return where the cells of each pair begin; nothing where the cells are not in order.

    Parameters
    ----------
    exporter, importer, product : (n,)
        The cells.
    n_areas
        Number of areas.

    Returns
    -------
    (n_areas² + 1,) or (0,)
        Of pair exporter · n_areas + importer, its first cell; last the number of cells.
    """
    starts = np.zeros(n_areas * n_areas + 1, dtype=np.int64)
    before = np.int64(-1)
    for at in range(product.size):
        pair = np.int64(exporter[at]) * n_areas + importer[at]
        if pair < before or (pair == before and product[at] <= product[at - 1]):
            return np.empty(0, dtype=np.int64)
        before = pair
        starts[pair + 1] += 1
    for pair in range(n_areas * n_areas):
        starts[pair + 1] += starts[pair]
    return starts


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def places_of(
    pair: NDArray[np.signedinteger],
    product: NDArray[np.signedinteger],
    starts: NDArray[np.int64],
    own: NDArray[np.signedinteger],
) -> NDArray[np.int64]:
    """Return the cell of each flow, -1 where there is none.

    Parameters
    ----------
    pair, product : (m,)
        The flows; of a pair below zero there is no cell.
    starts
        As of :func:`starts_of_pairs`.
    own : (n,)
        Product of each cell.
    """
    places = np.full(pair.size, -1, dtype=np.int64)
    for at in range(pair.size):
        if pair[at] < 0:
            continue
        first, last = starts[pair[at]], starts[pair[at] + 1]
        while first < last:
            middle = (first + last) >> 1
            if own[middle] < product[at]:
                first = middle + 1
            else:
                last = middle
        if first < starts[pair[at] + 1] and own[first] == product[at]:
            places[at] = first
    return places


def cells_under(
    pairs: NDArray[np.int64],
    products: NDArray[np.bool_],
    starts: NDArray[np.int64],
    own: NDArray[np.signedinteger],
) -> NDArray[np.int64]:
    """Return the cells of some pairs and products, in order.

    Parameters
    ----------
    pairs : (p,)
        The pairs, ascending.
    products : (n_products,)
        Whether a product is meant.
    starts, own
        As of :func:`places_of`.
    """
    begin = np.zeros(pairs.size + 1, dtype=np.int64)
    in_parts(
        lambda first, last: _count_under((first, last), pairs, products, starts, own, begin[1:]),
        pairs.size,
        fewest=_FEWEST_PAIRS,
        each=_PARTS,
    )
    np.cumsum(begin, out=begin)
    found = np.empty(begin[-1], dtype=np.int64)
    in_parts(
        lambda first, last: _write_under((first, last), pairs, products, starts, own, begin, found),
        pairs.size,
        fewest=_FEWEST_PAIRS,
        each=_PARTS,
    )
    return found


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _count_under(
    part: tuple[int, int],
    pairs: NDArray[np.int64],
    products: NDArray[np.bool_],
    starts: NDArray[np.int64],
    own: NDArray[np.signedinteger],
    count: NDArray[np.int64],
) -> None:
    """Write how many cells a part of the pairs have, one by one, in some products."""
    for at in range(part[0], part[1]):
        n = np.int64(0)
        for cell in range(starts[pairs[at]], starts[pairs[at] + 1]):
            n += np.int64(products[own[cell]])
        count[at] = n


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _write_under(
    part: tuple[int, int],
    pairs: NDArray[np.int64],
    products: NDArray[np.bool_],
    starts: NDArray[np.int64],
    own: NDArray[np.signedinteger],
    begin: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Write the cells of a part of the pairs where each pair's begin."""
    for at in range(part[0], part[1]):
        n = begin[at]
        for cell in range(starts[pairs[at]], starts[pairs[at] + 1]):
            if products[own[cell]]:
                found[n] = cell
                n += 1


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def added_up(
    one: NDArray[np.float64],
    at_one: NDArray[np.int32],
    other: NDArray[np.float64],
    at_other: NDArray[np.int32],
    third: NDArray[np.float64],
    at_third: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return ``one[at_one] + other[at_other] + third[at_third]``, (n,), without a column of each."""
    sums = np.empty(at_one.size)
    for at in range(sums.size):
        sums[at] = one[at_one[at]] + other[at_other[at]] + third[at_third[at]]
    return sums
