"""A bit for every flow there could be: which cells there are, and where in their order each one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

from entrepot.detect.kernels.threads import in_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Codes", "Keys", "Places", "Rows", "add_rows", "cells_of", "mark", "reordered"]

_ONE = np.uint64(1)

#: Exporters whose cells are worth a thread.
_FEWEST_EXPORTERS = 50


class Places(NamedTuple):
    """Cells and their places in the order of exporter, importer and product.

    Attributes
    ----------
    bits : (n_areas, n_areas, words)
        64 products a word.
    first : (n_areas, n_areas, words)
        Cells before those of a word.
    """

    bits: NDArray[np.uint64]
    first: NDArray[np.int64]


class Codes(NamedTuple):
    """A column of texts as numbers, which are looked up row by row and never written as a column.

    Attributes
    ----------
    at : (m,)
        Place of each row's text among the different ones; -1 without a text.
    number : (n_texts + 1,)
        Number of each text, last the one of no text; -1 for none.
    """

    at: NDArray[np.int32]
    number: NDArray[np.int32]


class Rows(NamedTuple):
    """Rows of flows; a product below zero leaves a row out, amounts that are missing are NaN.

    Attributes
    ----------
    exporter, importer, product, period
        Codes; a product beyond all words of the bits is the total.
    sent, arrived : (m,)
        USD FOB in the exporter's book and in the importer's.
    value, kg : (m,)
        USD of the estimate, and net weight.
    """

    exporter: Codes
    importer: Codes
    product: Codes
    period: Codes
    sent: NDArray[np.float64]
    arrived: NDArray[np.float64]
    value: NDArray[np.float64]
    kg: NDArray[np.float64]


class Keys(NamedTuple):
    """Keys of rows, and what stands in the two books; a product below zero leaves a row out.

    Attributes
    ----------
    exporter, importer, product, period
        Codes.
    is_sent, is_arrived : (m,)
        Whether the exporter's book, and the importer's, says anything.
    sent, arrived : (m,)
        What it says, USD.
    """

    exporter: Codes
    importer: Codes
    product: Codes
    period: Codes
    is_sent: NDArray[np.bool_]
    is_arrived: NDArray[np.bool_]
    sent: NDArray[np.float64]
    arrived: NDArray[np.float64]


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _key(rows: Keys | Rows, row: int) -> tuple[np.int32, np.int32, np.int32, np.int32]:
    """Return exporter, importer, product and period of a row."""
    exporter, importer, product, period = rows.exporter, rows.importer, rows.product, rows.period
    return (
        exporter.number[exporter.at[row]],
        importer.number[importer.at[row]],
        product.number[product.at[row]],
        period.number[period.at[row]],
    )


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def mark(
    rows: Keys, bits: NDArray[np.uint64], published: NDArray[np.bool_], shown: NDArray[np.bool_]
) -> None:
    """Note what rows tell.

    Parameters
    ----------
    rows
        The rows.
    bits : (n_areas, n_areas, words)
        Set for every flow, 64 products a word.
    published : (2, n_areas, n_periods)
        Set where an exporter, and where an importer, has said anything of a period.
    shown : (2, n_areas, n_areas)
        Set where the exporter's book, and where the importer's, has a positive amount of a pair.
    """
    for row in range(rows.product.at.size):
        e, i, k, p = _key(rows, row)
        if k < 0:
            continue
        bits[e, i, k >> 6] |= _ONE << np.uint64(k & 63)
        if rows.is_sent[row]:
            published[0, e, p] = True
            shown[0, e, i] |= rows.sent[row] > 0.0
        if rows.is_arrived[row]:
            published[1, i, p] = True
            shown[1, e, i] |= rows.arrived[row] > 0.0


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _count(word: np.uint64) -> np.int64:
    """Return how many bits of a word are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


def reordered(bits: NDArray[np.uint64], areas: NDArray[np.int64], products: NDArray[np.int64]) -> Places:
    """Return the bits with every area and product at its new place, and the cells before each word.

    Parameters
    ----------
    bits
        Bits of :func:`mark`.
    areas, products : (n_areas,), (n_products,)
        The old number of each new one; products without a new number are left out.
    """
    n, k = areas.size, products.size
    new_product = np.full(bits.shape[2] * 64, -1, dtype=np.int64)
    new_product[products] = np.arange(k)
    ordered = np.zeros((n, n, (k + 63) // 64), dtype=np.uint64)
    in_parts(
        lambda first, last: _reorder(first, last, bits, areas, new_product, ordered),
        n,
        fewest=_FEWEST_EXPORTERS,
    )
    count = np.bitwise_count(ordered)
    first = np.cumsum(count, dtype=np.int64).reshape(ordered.shape)
    first -= count
    return Places(ordered, first)


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _reorder(
    first: int,
    last: int,
    bits: NDArray[np.uint64],
    areas: NDArray[np.int64],
    new_product: NDArray[np.int64],
    ordered: NDArray[np.uint64],
) -> None:
    """Set the bits of the exporters from ``first`` to ``last`` at their new places."""
    for e in range(first, last):
        for i in range(areas.size):
            old, new = bits[areas[e], areas[i]], ordered[e, i]
            for w in range(old.size):
                word = old[w]
                for b in range(64):
                    if word == 0:
                        break
                    if word & _ONE:
                        place = new_product[w * 64 + b]
                        if place >= 0:
                            new[place >> 6] |= _ONE << np.uint64(place & 63)
                    word >>= _ONE


def cells_of(places: Places, n_cells: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return exporter, importer and product of every cell, in order."""
    exporter, importer, product = (np.empty(n_cells, dtype=np.int32) for _ in range(3))

    def run(first: int, last: int) -> None:
        _write_cells(first, last, places, exporter, importer, product)

    in_parts(run, places.bits.shape[0], fewest=_FEWEST_EXPORTERS)
    return exporter, importer, product


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _write_cells(
    first: int,
    last: int,
    places: Places,
    exporter: NDArray[np.int32],
    importer: NDArray[np.int32],
    product: NDArray[np.int32],
) -> None:
    """Write the cells of the exporters from ``first`` to ``last``."""
    bits = places.bits
    for e in range(first, last):
        for i in range(bits.shape[1]):
            for w in range(bits.shape[2]):
                word, at = bits[e, i, w], places.first[e, i, w]
                for b in range(64):
                    if word == 0:
                        break
                    if word & _ONE:
                        exporter[at], importer[at], product[at] = e, i, w * 64 + b
                        at += 1
                    word >>= _ONE


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def add_rows(
    rows: Rows,
    places: Places,
    weights: tuple[NDArray[np.float64], NDArray[np.float64]],
    is_first_used: tuple[NDArray[np.float64], bool],
    sums: tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        tuple[NDArray[np.float64], NDArray[np.float64]],
    ],
    of_pairs: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    """Add rows to the sums of their cells, weighted by the periods of each side.

    Parameters
    ----------
    rows, places
        The rows, and where their cells stand.
    weights : two of (n_areas, n_periods, w)
        Weights of every window by exporter and by importer.
    is_first_used : (n_areas, n_areas, w // 2), bool
        By exporter and importer, whether the book that counts first is used; and whether that is the
        exporter's.
    sums : (w, n), (w, n), (w, n) or (0, 0), two of (n,)
        Of the book that counts; of the importer's book beside it; of what the first book has where the other
        does not stand beside it by the same weight; weight and the value of what is weighed, for window 1.
    of_pairs : two of (w, n_areas, n_areas), (n_areas, n_areas)
        The first of these for all goods together; what of the first book stands beside the other; and whether
        there is a row for all goods together.
    """
    by_exporter, by_importer = weights
    used_of, is_exporter_first = is_first_used
    main, shown, apart, weighed = sums
    totals, besides, has_total = of_pairs
    n_windows, n_products = by_exporter.shape[2], places.bits.shape[2] * 64
    for row in range(rows.product.at.size):
        e, i, k, p = _key(rows, row)
        if k < 0:
            continue
        sent, arrived = rows.sent[row], rows.arrived[row]
        has_sent, has_arrived = not np.isnan(sent), not np.isnan(arrived)
        is_total = k >= n_products
        at = np.int64(0)
        if is_total:
            has_total[e, i] = True
        else:
            word = places.bits[e, i, k >> 6]
            below = (_ONE << np.uint64(k & 63)) - _ONE
            at = places.first[e, i, k >> 6] + _count(word & below)
        for w in range(n_windows):
            we, wi = by_exporter[e, p, w], by_importer[i, p, w]
            if we == 0.0 and wi == 0.0:
                continue
            used = used_of[e, i, w >> 1]
            of_exporter = sent * we if has_sent else 0.0
            of_importer = arrived * wi if has_arrived else 0.0
            first, other = (of_exporter, of_importer) if is_exporter_first else (of_importer, of_exporter)
            usd = first + (1.0 - used) * other
            if is_total:
                totals[w, e, i] += usd
                continue
            main[w, at] += usd
            if is_exporter_first:
                beside = sent * wi if has_sent and we > 0.0 and wi > 0.0 else 0.0
                if we > 0.0 and wi > 0.0:
                    shown[w, at] += used * of_importer
                besides[w, e, i] += used * beside
                if apart.size > 0:
                    apart[w, at] += usd - used * beside
            if w == 1 and not np.isnan(rows.kg[row]):
                first, other = (we, wi) if is_exporter_first else (wi, we)
                months = first + (1.0 - used) * other
                weighed[0][at] += rows.kg[row] * months
                if not np.isnan(rows.value[row]):
                    weighed[1][at] += rows.value[row] * months
