"""Goods that a reporter does not publish by their code: confidential always, or from some month on.

Such a reporter still publishes, so that nothing under a code reads as zero, and its trade stands under a code
of no kind (999999). Its partners' books go on showing it. Where they do, they are read instead, in both
windows. Towards a partner that is silent itself, what is published of no kind is dealt out to the goods that
are always hidden as it consists of them towards the others: enough to tell that a direct flow was there and
fell, too little to tell which good went on from a hub. Such flows are marked (``Cells.hides``): their onward
leg is unobserved, as if that hub had published nothing, and bound by what went on under no kind in all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import Hidden, add_to_cells
from entrepot.detect.kernels.sums import sum_by, sum_in_blocks
from entrepot.detect.kernels.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells

__all__ = ["UNSPECIFIED", "hidden_share", "with_hidden_goods"]

#: Heading under which goods are published that are not to be told (UN Comtrade: commodities not specified).
UNSPECIFIED = "9999"

#: Partners that have to show a good which its exporter shows to nobody.
_FEWEST_PARTNERS = 3

#: Part of their earlier arrivals that these have to show still, or they may have stopped too.
_STILL_SHOWN = 1.0 / 3.0

#: Part of what partners show of a good never published that must fit into what came to them under no kind.
_FITS = 0.5

_CENT = 0.01

#: Goods of an area as much as which the part that all areas hide counts.
_GOODS_OF_ALL = 10


def with_hidden_goods(cells: Cells, products: Sequence[str]) -> Cells:
    """Return the cells with goods that an exporter hides as its partners show them.

    Hidden in one window is a good that the exporter's book has in the other one and for nobody in this, while
    three partners at least, who had it from there by that book, show it in both windows and in the second no
    less than a third of what they did in the first. Hidden in both is one that the exporter's book has
    nowhere, while three partners show it in both windows, and half of what they show at least fits into what
    came to each of them under a code of no kind. What partners show is taken out of the goods of no kind.

    Parameters
    ----------
    cells
        The flows, the exporter's book first; those that only the importer's has are there, with nothing in
        either window.
    products
        Codes.
    """
    if not cells.before.size or not cells.has_mirror.any():
        return cells
    is_unspecified = np.array([code.startswith(UNSPECIFIED) for code in products], dtype=bool)
    found = _find(cells, is_unspecified)
    if not found.goods.any():
        return cells
    supply = _supply(cells)
    rest = _unspecified(cells, is_unspecified)
    is_read = found.goods[supply] & cells.has_mirror[cells.exporter, cells.importer]
    filled: list[NDArray[np.float64]] = []
    parts: list[NDArray[np.float64]] = []
    for usd, shown, published in zip(
        (cells.before, cells.after), (cells.mirror_before, cells.mirror_after), found.published, strict=True
    ):
        moved = np.where(is_read & ~published[supply], shown, 0.0)
        inside, no_kind = sum_by(cells.pair, moved, cells.n_areas**2), _of_no_kind(cells, rest, usd)
        parts.append(_part_of_no_kind(cells, np.where(found.stops[supply], 0.0, moved), no_kind))
        # Several codes of no kind (999999, 999998) give in proportion.
        gone = np.divide(inside, no_kind, out=np.zeros(no_kind.size), where=no_kind > 0)
        left = np.where(is_read, shown, usd)
        left[rest] *= 1.0 - np.minimum(gone, 1.0)[cells.pair_at(rest)]
        filled.append(_without_dust(left))
    read = replace(cells, before=filled[0], after=filled[1])
    if not is_unspecified.any():
        # Nothing would bound what a hub that hides a good sends on: it sends nothing.
        return read
    goods = found.goods.reshape(cells.n_areas, cells.n_products)
    return _dealt_out(replace(read, hidden=Hidden(goods, is_unspecified)), parts, rest)


@dataclass(frozen=True, slots=True)
class _Found:
    """What exporters hide, by exporter and product: (n_areas * n_products,) each.

    Attributes
    ----------
    goods
        Hidden in one window at least.
    stops
        Published in one of the windows alone.
    published
        Published, window by window.
    """

    goods: NDArray[np.bool_]
    stops: NDArray[np.bool_]
    published: tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _find(cells: Cells, is_unspecified: NDArray[np.bool_]) -> _Found:
    """Find the hidden goods: see :func:`with_hidden_goods`."""
    size, supply = cells.n_areas * cells.n_products, _supply(cells)
    own, shown = (cells.before, cells.after), (cells.mirror_before, cells.mirror_after)
    before, after = (sum_in_blocks(lambda values: values, supply, usd, n_groups=size) > 0 for usd in own)
    stops = before != after
    suspect = stops | ~(before | after) if is_unspecified.any() else stops
    at = np.flatnonzero(in_blocks(lambda of: suspect[of], supply, dtype=np.bool_))
    at = at[cells.has_mirror[cells.exporter[at], cells.importer[at]]]
    at = at[~is_unspecified[cells.product[at]] & (shown[0][at] > 0) & (shown[1][at] > 0)]
    of, pair, rest = supply[at], cells.pair_at(at), _unspecified(cells, is_unspecified)
    early, late = (sum_by(of, usd[at], size) for usd in shown)
    first, second = np.where(before, early, late), np.where(before, late, early)
    fits = np.ones(size, dtype=bool)
    for usd, beside, seen in zip(own, shown, (early, late), strict=True):
        room = np.minimum(_of_no_kind(cells, rest, usd)[pair], beside[at])
        fits &= sum_by(of, room, size) >= _FITS * seen
    goods = suspect & (np.bincount(of, minlength=size) >= _FEWEST_PARTNERS)
    goods &= np.where(stops, second >= _STILL_SHOWN * first, fits)
    return _Found(goods, stops, (before, after))


def _supply(cells: Cells) -> NDArray[np.signedinteger]:
    """Return the exporter and product of each cell as one number."""
    k, kind = cells.n_products, cells.exporter.dtype.type
    supply: NDArray[np.signedinteger] = in_blocks(
        lambda e, p: e * k + p, cells.exporter, cells.product, dtype=kind
    )
    return supply


def _unspecified(cells: Cells, is_unspecified: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the cells of goods of no kind."""
    every = np.ones((cells.n_areas, cells.n_areas), dtype=bool)
    return cells.under(every, is_unspecified) if is_unspecified.any() else np.zeros(0, dtype=np.int64)


def _without_dust(usd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return amounts, those nil that are what rounding leaves of a difference: less than a cent."""
    return np.where(usd < _CENT, 0.0, usd)


def _of_no_kind(cells: Cells, rest: NDArray[np.int64], usd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each pair publishes under no kind, (n_areas²,), of which ``rest`` are the cells."""
    return sum_by(cells.pair_at(rest), usd[rest], cells.n_areas**2)


def hidden_share(cells: Cells) -> NDArray[np.float64] | None:
    """Return the part of its goods that each area hides, of those sold to three others; None for none.

    Areas with few such goods are drawn to what all of them hide: ten goods count as much as all areas do.

    Returns
    -------
    (n_areas,)
        Parts between 0 and 1.
    """
    if cells.hidden is None:
        return None
    n, k = cells.n_areas, cells.n_products
    partners = np.bincount(cells.exporter * k + cells.product, minlength=n * k).reshape(n, k)
    is_known = partners >= _FEWEST_PARTNERS
    hidden, known = (cells.hidden.goods & is_known).sum(axis=1), is_known.sum(axis=1)
    usual = hidden.sum() / max(known.sum(), 1)
    parts: NDArray[np.float64] = (hidden + _GOODS_OF_ALL * usual) / (known + _GOODS_OF_ALL)
    return parts


def _part_of_no_kind(
    cells: Cells, moved: NDArray[np.float64], no_kind: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how much of an exporter's goods of no kind each hidden good is, by what its partners show.

    Returns
    -------
    (n_areas, n_products)
        Parts, whose sum over the products is one at most.
    """
    n, k = cells.n_areas, cells.n_products
    amount = sum_by(cells.exporter * k + cells.product, moved, n * k).reshape(n, k)
    base = np.where(cells.has_mirror, no_kind.reshape(n, n), 0.0).sum(axis=1)
    whole = np.maximum(base, amount.sum(axis=1))[:, None]
    parts: NDArray[np.float64] = np.divide(amount, whole, out=np.zeros_like(amount), where=whole > 0)
    return parts


def _dealt_out(cells: Cells, parts: Sequence[NDArray[np.float64]], rest: NDArray[np.int64]) -> Cells:
    """Return the cells with what silent partners got under no kind dealt out to the hidden goods.

    Parameters
    ----------
    cells
        The cells, those of mirrored pairs done.
    parts
        Per window, the part of each exporter's goods of no kind that each good is, (n_areas, n_products).
    rest
        The cells of no kind.
    """
    silent = rest[~cells.has_mirror[cells.exporter[rest], cells.importer[rest]]]
    row, product = np.nonzero((parts[0] + parts[1] > 0)[cells.exporter[silent]])
    cell = silent[row]
    amounts = [
        usd[cell] * part[cells.exporter[cell], product]
        for usd, part in zip((cells.before, cells.after), parts, strict=True)
    ]
    before, after = cells.before.copy(), cells.after.copy()
    for usd, amount in zip((before, after), amounts, strict=True):
        usd[silent] = _without_dust(usd[silent] - sum_by(row, amount, silent.size))
    key = cells.key_of(cells.exporter[cell], cells.importer[cell], product)
    return add_to_cells(
        replace(cells, before=before, after=after), key=key, before=amounts[0], after=amounts[1]
    )
