"""The flows of two windows as arrays: what the estimator of detours works on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.lookup import cells_under, places_of, starts_of_pairs
from entrepot.detect.kernels.small_groups import AreaRuns, sorted_groups
from entrepot.detect.kernels.sums import sum_by, sum_runs
from entrepot.detect.kernels.threads import in_blocks, in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.baseline import Baseline
    from entrepot.detect.kernels.medians import GroupedMedian
    from entrepot.detect.kernels.small_groups import Groups

__all__ = ["Cells", "Grouping", "Hidden", "Question", "add_to_cells", "find_cells", "merge_cells"]

_COLUMNS = (
    "exporter",
    "importer",
    "product",
    "before",
    "after",
    "after_kg",
    "mirror_before",
    "mirror_after",
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Cells by what their growth is learnt from.

    Attributes
    ----------
    exporter, importer, product, supplier_product, importer_product : (n,)
        Small numbers of the groups of each cell.
    by_supplier_product, by_importer_product
        The cells by exporter and product, and by importer and product.
    guesses
        Medians of the last time by the step that needed them: a place to start from.
    inputs
        The noise of the last time, and the log changes and weights that follow from it.
    firsts
        The cells that counted the last time, and the medians of these changes by exporter and product.
    """

    exporter: NDArray[np.int32]
    importer: NDArray[np.int32]
    product: NDArray[np.int32]
    supplier_product: NDArray[np.int32]
    importer_product: NDArray[np.int32]
    by_supplier_product: Groups | AreaRuns
    by_importer_product: Groups | AreaRuns
    guesses: dict[str, NDArray[np.float64]]
    inputs: list[tuple[object, NDArray[np.float64], NDArray[np.float64]]]
    firsts: list[tuple[NDArray[np.bool_], GroupedMedian]]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Goods that exporters do not publish under their code.

    Attributes
    ----------
    goods : (n_areas, n_products)
        Whether an exporter hides a good in one window at least.
    no_kind : (n_products,)
        The codes of no kind, under which such goods are published.
    """

    goods: NDArray[np.bool_]
    no_kind: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """Flows of one pair of windows, one cell per exporter × importer × product.

    A cell is there when either window has a positive value; a pair whose reporter did not publish both
    windows has no cell at all, so an absent cell of a published pair is a zero.

    Attributes
    ----------
    exporter, importer, product : (n,)
        Indices of the areas and products, of 32 or 64 bits.
    before, after : (n,)
        USD (FOB) in the two windows, both on the length and months of the after-window.
    after_kg : (n,)
        Net weight in the after-window; NaN where not reported.
    mirror_before, mirror_after : (n,)
        The same flow in the importer's book, USD (FOB), where that book stands beside the exporter's; zero
        where ``has_mirror`` is false of the pair.
    has_mirror : (n_areas, n_areas)
        Whether exporter and importer both published both windows.
    n_areas, n_products
        Number of areas and of products.
    hidden
        Goods that exporters do not publish under their code; None where there are none.
    """

    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    product: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    after_kg: NDArray[np.float64]
    mirror_before: NDArray[np.float64]
    mirror_after: NDArray[np.float64]
    has_mirror: NDArray[np.bool_]
    n_areas: int
    n_products: int
    hidden: Hidden | None = None
    _grouping: list[Grouping] = field(default_factory=list, init=False, repr=False, compare=False)
    _starts: list[NDArray[np.int64]] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def grouping(self) -> Grouping:
        """Return the cells by group, sorted once."""
        if not self._grouping:
            self._grouping.append(self._grouped())
        return self._grouping[0]

    def forget(self) -> None:
        """Drop what is kept for further estimates of growth: of a whole world it is hundreds of megabytes."""
        for grouping in self._grouping:
            grouping.inputs.clear()
            grouping.firsts.clear()

    def _grouped(self) -> Grouping:
        exporter, importer, product = (
            column.astype(np.int32, copy=False) for column in (self.exporter, self.importer, self.product)
        )
        n = self.n_areas * self.n_products
        k = np.int32(self.n_products)
        supplier_product, importer_product = (
            in_blocks(lambda a, p: a * k + p, area, product, dtype=np.int32) for area in (exporter, importer)
        )
        by_supplier_product: Groups | AreaRuns
        by_importer_product: Groups | AreaRuns
        if self.is_sorted:
            shape = (self.starts_of_pairs, product, self.n_areas, self.n_products)
            by_supplier_product, by_importer_product = AreaRuns(*shape, True), AreaRuns(*shape, False)
        else:
            by_supplier_product = sorted_groups(supplier_product, n)
            by_importer_product = sorted_groups(importer_product, n)
        return Grouping(
            exporter=exporter,
            importer=importer,
            product=product,
            supplier_product=supplier_product,
            importer_product=importer_product,
            by_supplier_product=by_supplier_product,
            by_importer_product=by_importer_product,
            guesses={},
            inputs=[],
            firsts=[],
        )

    @property
    def key(self) -> NDArray[np.int64]:
        """Return one number per cell: exporter, importer, product in mixed radix."""
        return self.key_of(self.exporter, self.importer, self.product)

    @property
    def pair(self) -> NDArray[np.int64]:
        """Return one number per exporter and importer."""
        return self.exporter * self.n_areas + self.importer

    def pair_at(self, at: NDArray[np.signedinteger]) -> NDArray[np.int64]:
        """Return the pairs of some cells."""
        pair: NDArray[np.int64] = in_blocks(
            lambda place: self.exporter[place] * self.n_areas + self.importer[place],
            at,
            dtype=self.exporter.dtype.type,
        )
        return pair

    def key_at(self, at: NDArray[np.signedinteger]) -> NDArray[np.int64]:
        """Return the keys of some cells."""
        return self.key_of(self.exporter[at], self.importer[at], self.product[at])

    def find(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the position of each flow among the cells, -1 where it has none."""
        starts = self.starts_of_pairs
        if not starts.size:
            return find_cells(self.key, self.key_of(exporter, importer, product))
        places: NDArray[np.int64] = places_of(
            exporter * self.n_areas + importer, product, starts, self.product
        )
        return places

    @property
    def is_sorted(self) -> bool:
        """Return whether the cells are in the order of their keys."""
        return self.starts_of_pairs.size > 0

    @property
    def by_pair(self) -> NDArray[np.int64]:
        """Return how many cells each pair has: (n_areas, n_areas)."""
        starts, n = self.starts_of_pairs, self.n_areas
        count = np.diff(starts) if starts.size else np.bincount(self.pair, minlength=n * n)
        return count.reshape(n, n)

    def sum_by_pair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of one number a cell by pair: (n_areas, n_areas)."""
        starts, n = self.starts_of_pairs, self.n_areas
        sums = sum_runs(starts, values) if starts.size else sum_by(self.pair, values, n * n)
        return sums.reshape(n, n)

    def under(self, pairs: NDArray[np.bool_], products: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the positions of the cells of some pairs, (n_areas, n_areas), in some products, in order."""
        starts, of_pair = self.starts_of_pairs, pairs.ravel()
        if not starts.size:
            return np.flatnonzero(of_pair[self.pair] & products[self.product])
        at: NDArray[np.int64] = cells_under(np.flatnonzero(of_pair), products, starts, self.product)
        return at

    @property
    def starts_of_pairs(self) -> NDArray[np.int64]:
        """Return where the cells of each pair begin, looked up once; nothing where they are not in order."""
        if not self._starts:
            self._starts.append(starts_of_pairs(self.exporter, self.importer, self.product, self.n_areas))
        return self._starts[0]

    def key_of(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the keys of flows, whether they have a cell or not."""
        return (exporter.astype(np.int64) * self.n_areas + importer) * self.n_products + product

    def hides(
        self, exporter: NDArray[np.int64], importer: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return the flows that no book tells by their good: the exporter hides it, no importer shows it."""
        if self.hidden is None:
            return np.zeros(product.shape, dtype=bool)
        hides: NDArray[np.bool_] = self.hidden.goods[exporter, product] & ~self.has_mirror[exporter, importer]
        return hides

    def told(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of some cells that a book tells by their good."""
        return (
            at
            if self.hidden is None
            else at[~self.hides(self.exporter[at], self.importer[at], self.product[at])]
        )

    def only(self, mask: NDArray[np.bool_]) -> Cells:
        """Return the cells under a mask."""
        at = np.flatnonzero(mask)
        columns = in_threads(lambda name: getattr(self, name)[at], _COLUMNS)
        return replace(self, **dict(zip(_COLUMNS, columns, strict=True)))


def find_cells(own: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of each wanted key among the own ones (which are unique), -1 where absent."""
    if not own.size:
        return np.full(wanted.size, -1, dtype=np.int64)
    if (own[1:] > own[:-1]).all():
        at = np.minimum(np.searchsorted(own, wanted), own.size - 1)
        return np.where(own[at] == wanted, at, -1)
    order = np.argsort(own, kind="stable")
    at = order[np.minimum(np.searchsorted(own, wanted, sorter=order), own.size - 1)]
    return np.where(own[at] == wanted, at, -1)


def merge_cells(
    cells: Cells, *, key: NDArray[np.int64], change: NDArray[np.float64], mirrored: NDArray[np.float64]
) -> Cells:
    """Return the cells with amounts added to the after-window; cells that were not there are made.

    Parameters
    ----------
    cells
        The cells.
    key : (m,)
        Cell numbers as of :attr:`Cells.key`; may repeat.
    change : (m,)
        USD to add to the after-window (negative to take away; never below zero).
    mirrored : (m,)
        USD to add to the importer's book, where there is one.
    """
    wanted, position = np.unique(key, return_inverse=True)
    amount = sum_by(position, change, wanted.size)
    declared = sum_by(position, mirrored, wanted.size)
    declared *= cells.has_mirror.ravel()[wanted // cells.n_products]
    pair, product = np.divmod(wanted, cells.n_products)
    slot = cells.find(*np.divmod(pair, cells.n_areas), product)
    found = slot >= 0
    after = cells.after.copy()
    after_kg = cells.after_kg.copy()
    mirror_after = cells.mirror_after.copy()
    at = slot[found]
    mirror_after[at] = np.maximum(mirror_after[at] + declared[found], 0.0)
    old = after[at]
    after[at] = np.maximum(old + amount[found], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        after_kg[at] = np.where(old > 0, after_kg[at] * after[at] / old, np.nan)
    new_key = wanted[~found]
    new_amount, new_declared = amount[~found], declared[~found]
    born = new_amount > 0
    new_key, new_amount, new_declared = new_key[born], new_amount[born], new_declared[born]
    pair, product = np.divmod(new_key, cells.n_products)
    exporter, importer = np.divmod(pair, cells.n_areas)
    # Cells in order stay so.
    at = np.searchsorted(cells.key, new_key) if cells.is_sorted else np.full(new_key.size, after.size)
    return Cells(
        exporter=np.insert(cells.exporter, at, exporter),
        importer=np.insert(cells.importer, at, importer),
        product=np.insert(cells.product, at, product),
        before=np.insert(cells.before, at, 0.0),
        after=np.insert(after, at, new_amount),
        after_kg=np.insert(after_kg, at, np.nan),
        mirror_before=np.insert(cells.mirror_before, at, 0.0),
        mirror_after=np.insert(mirror_after, at, new_declared),
        has_mirror=cells.has_mirror,
        n_areas=cells.n_areas,
        n_products=cells.n_products,
        hidden=cells.hidden,
    )


def add_to_cells(
    cells: Cells, *, key: NDArray[np.int64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> Cells:
    """Return the cells, in order, with USD added in both windows; cells that were not there are made.

    Parameters
    ----------
    cells
        The cells.
    key : (m,)
        Cell numbers as of :attr:`Cells.key`; may repeat.
    before, after : (m,)
        USD to add.
    """
    if not key.size:
        return cells
    every = np.union1d(cells.key, key)
    pair, product = np.divmod(every, cells.n_products)
    exporter, importer = np.divmod(pair, cells.n_areas)
    old, new = np.searchsorted(every, cells.key), np.searchsorted(every, key)

    def column(values: NDArray[np.float64], otherwise: float) -> NDArray[np.float64]:
        filled = np.full(every.size, otherwise)
        filled[old] = values
        return filled

    return replace(
        cells,
        exporter=exporter.astype(cells.exporter.dtype),
        importer=importer.astype(cells.importer.dtype),
        product=product.astype(cells.product.dtype),
        before=column(cells.before, 0.0) + sum_by(new, before, every.size),
        after=column(cells.after, 0.0) + sum_by(new, after, every.size),
        after_kg=column(cells.after_kg, np.nan),
        mirror_before=column(cells.mirror_before, 0.0),
        mirror_after=column(cells.mirror_after, 0.0),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """Who and what is asked about, as masks over areas and products.

    Attributes
    ----------
    origins, hubs, destinations : (n_areas,)
        Areas that may take each part. An area in ``destinations`` is never a hub.
    listed : (n_products,)
        Products under measures; all true where none were named.
    are_hubs_given
        The hubs were named by the user; otherwise any area may be one and the baseline finds out which
        were used.
    is_treated : (n_areas, n_areas)
        Origin × destination pairs under measures.
    is_observed : (n_areas, n_areas)
        Whether some reporter published the pair in both windows.
    controls : (n_products,)
        Goods outside the list that may tell growth by difference in differences; None for too few.
    method
        How growth is learnt, see :func:`entrepot.detect.baseline.expected_flows`; None for the default.
    are_goods_named
        Whether the listed products were named; None where that is so if and only if some are not listed.
    """

    origins: NDArray[np.bool_]
    hubs: NDArray[np.bool_]
    destinations: NDArray[np.bool_]
    listed: NDArray[np.bool_]
    are_hubs_given: bool
    is_treated: NDArray[np.bool_]
    is_observed: NDArray[np.bool_]
    controls: NDArray[np.bool_] | None = None
    method: Baseline | None = None
    are_goods_named: bool | None = None

    @property
    def is_assortment(self) -> bool:
        """Return whether all that a pair trades is asked about, and not certain goods of it."""
        named = not self.listed.all() if self.are_goods_named is None else self.are_goods_named
        return not named

    def sees(
        self,
        cells: Cells,
        exporter: NDArray[np.int64],
        importer: NDArray[np.int64],
        product: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Return the flows that some book tells, by pair and by good."""
        seen: NDArray[np.bool_] = self.is_observed[exporter, importer] & ~cells.hides(
            exporter, importer, product
        )
        return seen

    def is_alone(self, cells: Cells, hub: NDArray[np.int64], product: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the hubs' goods of which no book tells what goes on to one of the destinations at least."""
        ends = self.destinations
        alone: NDArray[np.bool_] = ~np.atleast_1d(self.is_observed[:, ends].all(axis=1))[hub]
        if cells.hidden is not None:
            silent = np.atleast_1d((~cells.has_mirror[:, ends]).any(axis=1))
            alone = alone | (cells.hidden.goods[hub, product] & silent[hub])
        return alone
