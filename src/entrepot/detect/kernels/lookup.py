"""Where a flow stands among cells in the order of exporter, importer and product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cells_under", "places_of", "starts_of_pairs"]


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


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
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
    n = np.int64(0)
    for pair in pairs:
        for cell in range(starts[pair], starts[pair + 1]):
            n += np.int64(products[own[cell]])
    found = np.empty(n, dtype=np.int64)
    n = np.int64(0)
    for pair in pairs:
        for cell in range(starts[pair], starts[pair + 1]):
            if products[own[cell]]:
                found[n] = cell
                n += 1
    return found
