"""Rows of flows in batches: who published what, and the sums of every cell, without ever holding the rows.

A first pass over the keys finds areas, products, periods, the calendar, and sets a bit for every flow; from
then on each cell has its place, in the order of exporter, importer and product. A second pass adds every row
to its place.
"""

from __future__ import annotations

from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.kernels.cell_bits import Codes, Keys, Places, Rows, add_rows, mark, reordered
from entrepot.detect.kernels.threads import zeros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["CellSums", "Survey", "sum_rows", "survey_rows"]

_KEYS = ("exporter", "importer", "hs_code", "period")
_REPORTS = ("exporter_report_usd", "importer_report_usd")
_AMOUNTS = (*_REPORTS, "cif_fob_ratio", "value_usd", "net_weight_kg")
_TOTAL = "TOTAL"
#: What is made before it is asked for: of two threads that take turns neither waits for the other.
_ITEMS_AHEAD = 2

_AREAS, _PRODUCTS, _PERIODS = 256, 8_192, 512

_Kind = TypeVar("_Kind", bound=np.generic)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Survey:
    """What the keys of all rows tell.

    Attributes
    ----------
    batches
        Yields the rows again: gets the columns, of which text may come as dictionaries.
    areas, products, periods
        Codes, sorted; totals are no product.
    exports, imports : (n_areas, n_periods)
        Whether an area has published goods of its own.
    sold, bought : (n_areas, n_areas)
        Whether an exporter's, and an importer's book ever has anything of a pair, by exporter and importer.
    places
        Where each cell stands.
    """

    batches: Callable[[Sequence[str]], Iterable[pa.RecordBatch]]
    areas: tuple[str, ...]
    products: tuple[str, ...]
    periods: tuple[str, ...]
    exports: NDArray[np.bool_]
    imports: NDArray[np.bool_]
    sold: NDArray[np.bool_]
    bought: NDArray[np.bool_]
    places: Places

    @property
    def n_cells(self) -> int:
        """Return how many flows there are in any period."""
        bits, first = self.places
        return int(first[-1, -1, -1]) + int(bits[-1, -1, -1]).bit_count() if first.size else 0

    def only(self, products: Sequence[str]) -> Survey:
        """Return the survey of some of the products; who published what stays as it is."""
        chosen = [at for at, code in enumerate(self.products) if code in set(products)]
        places = reordered(self.places.bits, np.arange(len(self.areas)), np.array(chosen, dtype=np.int64))
        return replace(self, products=tuple(self.products[at] for at in chosen), places=places)

    def published(self, flags: NDArray[np.bool_]) -> dict[str, frozenset[str]]:
        """Return the periods of each area under ``exports`` or ``imports``, those without any left out."""
        found: dict[str, set[str]] = defaultdict(set)
        for area, period in zip(*np.nonzero(flags), strict=True):
            found[self.areas[area]].add(self.periods[period])
        return {area: frozenset(seen) for area, seen in found.items()}


class _Codes:
    """Numbers of texts, in the order in which they came."""

    def __init__(self) -> None:
        self.words = pa.nulls(0, pa.string())
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.words)

    def of(self, column: pa.Array) -> Codes:
        """Return a column as numbers, new texts getting the next ones; -1 for a null."""
        words = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
        texts = words.dictionary.cast(pa.string())
        found = pc.index_in(texts, self.words)
        if found.null_count > texts.null_count:
            new = pc.filter(texts, pc.and_(pc.is_null(found), pc.is_valid(texts)))
            self._numbers.update(zip(new.to_pylist(), count(len(self)), strict=False))
            self.words = pa.concat_arrays([self.words, new])
            found = pc.index_in(texts, self.words)
        return _numbers(words, found)

    def number(self, word: str) -> int:
        """Return the number of a text; -1 where it never came."""
        return self._numbers.get(word, -1)

    def sorted(self, *, without: str | None = None) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Return the texts sorted, and the number of each."""
        texts = sorted(self._numbers.keys() - {without})
        return tuple(texts), np.array([self._numbers[text] for text in texts], dtype=np.int64)


def _numbers(words: pa.DictionaryArray, found: pa.Array) -> Codes:
    """Return texts as the numbers found for the different ones; -1 for a null and where nothing was found."""
    number = np.nan_to_num(found.to_numpy(zero_copy_only=False), nan=-1.0)
    at = words.indices.cast(pa.int32())
    at = pc.fill_null(at, -1) if at.null_count else at
    return Codes(at.to_numpy(), np.append(number, -1).astype(np.int32, copy=False))


def survey_rows(
    batches: Callable[[Sequence[str]], Iterable[pa.RecordBatch]],
) -> Survey:
    """Read the keys of all rows and return what they tell."""
    codes = {"area": _Codes(), "product": _Codes(), "period": _Codes()}
    bits = np.zeros((_AREAS, _AREAS, _PRODUCTS // 64), dtype=np.uint64)
    published = np.zeros((2, _AREAS, _PERIODS), dtype=bool)
    shown = np.zeros((2, _AREAS, _AREAS), dtype=bool)
    read = _ahead(batches((*_KEYS, *_REPORTS)))
    keys = ((_keys(batch, codes), [len(of) for of in codes.values()]) for batch in read)
    for rows, (n_areas, n_products, n_periods) in _ahead(keys):
        bits = _grown(bits, (n_areas, n_areas, (n_products + 63) // 64))
        published = _grown(published, (2, n_areas, n_periods))
        shown = _grown(shown, (2, n_areas, n_areas))
        mark(rows, bits, published, shown)
    areas, old_areas = codes["area"].sorted()
    products, old_products = codes["product"].sorted(without=_TOTAL)
    periods, old_periods = codes["period"].sorted()
    flags = published[:, old_areas][:, :, old_periods]
    places = reordered(bits, old_areas, old_products)
    pairs = shown[:, old_areas][:, :, old_areas]
    return Survey(batches, areas, products, periods, flags[0], flags[1], pairs[0], pairs[1], places=places)


def _keys(batch: pa.RecordBatch, codes: dict[str, _Codes]) -> Keys:
    """Return the keys of rows as numbers, new texts getting the next ones."""
    exporter, importer = (codes["area"].of(batch[side]) for side in _KEYS[:2])
    product, period = codes["product"].of(batch["hs_code"]), codes["period"].of(batch["period"])
    product.number[product.number == codes["product"].number(_TOTAL)] = -1
    are_told = (batch[name].is_valid().to_numpy(zero_copy_only=False) for name in _REPORTS)
    return Keys(exporter, importer, product, period, *are_told, *(_amounts(batch, name) for name in _REPORTS))


def _grown(array: NDArray[_Kind], needed: tuple[int, ...]) -> NDArray[_Kind]:
    """Return an array with room for what is needed: twice as much along an axis that is too short."""
    shape = tuple(
        have if have >= least else max(2 * have, least)
        for have, least in zip(array.shape, needed, strict=True)
    )
    if shape == array.shape:
        return array
    larger = np.zeros(shape, dtype=array.dtype)
    larger[tuple(slice(have) for have in array.shape)] = array
    return larger


def _ahead(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield items, the next ones being made by a thread meanwhile."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, iterator, None) for _ in range(_ITEMS_AHEAD))
        while (item := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, iterator, None))
            yield item


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums of all cells.

    Attributes
    ----------
    main : (w, n)
        USD by window: before and after of the first pair of windows, of the second, ….
    shown : (w, n)
        What the importer's book shows beside the exporter's.
    apart : (w, n) or (0, 0)
        What of ``main`` the exporter has in periods that do not stand beside the importer's; nowhere
        anything where it has no windows.
    weighed : two of (n,)
        Weight in the first after-window, and the value of what is weighed.
    totals : (w, n_areas, n_areas)
        All goods by pair, as rows of product ``TOTAL`` say.
    beside : (w, n_areas, n_areas)
        What of ``main`` stands beside the importer's book.
    has_total : (n_areas, n_areas)
        Whether there is any such row.
    """

    main: NDArray[np.float64]
    shown: NDArray[np.float64]
    apart: NDArray[np.float64]
    weighed: tuple[NDArray[np.float64], NDArray[np.float64]]
    totals: NDArray[np.float64]
    beside: NDArray[np.float64]
    has_total: NDArray[np.bool_]


def sum_rows(
    survey: Survey,
    *,
    by_exporter: NDArray[np.float64],
    by_importer: NDArray[np.float64],
    is_used: NDArray[np.float64],
    is_exporter_first: bool,
) -> CellSums:
    """Add up all rows, weighted by the periods of each side.

    Parameters
    ----------
    survey
        The rows.
    by_exporter, by_importer : (n_areas, n_periods, w)
        Weights of every window.
    is_used : (n_areas, n_areas, w // 2)
        By exporter, importer and pair of windows, whether the book that counts first is used: the exporter's,
        or the importer's.
    is_exporter_first
        Which of the two it is.
    """
    n_windows, n_areas, n = by_exporter.shape[2], len(survey.areas), survey.n_cells
    needs_apart = is_exporter_first and _differ(by_exporter, by_importer, is_used)
    sums = (
        zeros((n_windows, n)),
        zeros((n_windows, n if is_exporter_first else 0)),
        zeros((n_windows, n) if needs_apart else (0, 0)),
        (zeros((n,)), zeros((n,))),
    )
    of_pairs = (
        np.zeros((n_windows, n_areas, n_areas)),
        np.zeros((n_windows, n_areas, n_areas)),
        np.zeros((n_areas, n_areas), dtype=bool),
    )
    total = survey.places.bits.shape[2] * 64
    known = {
        "area": pa.array(survey.areas, pa.string()),
        "product": pa.array(survey.products, pa.string()),
        "period": pa.array(survey.periods, pa.string()),
    }
    read = _ahead(survey.batches((*_KEYS, *_AMOUNTS)))
    for rows in _ahead(_rows(batch, known, total) for batch in read):
        add_rows(
            rows, survey.places, (by_exporter, by_importer), (is_used, is_exporter_first), sums, of_pairs
        )
    pa.default_memory_pool().release_unused()
    return CellSums(*sums, *of_pairs)


def _differ(
    by_exporter: NDArray[np.float64], by_importer: NDArray[np.float64], is_used: NDArray[np.float64]
) -> bool:
    """Return whether some importer's periods do not weigh as some exporter's whose book is used."""
    for w in range(by_exporter.shape[2]):
        sides = [by_exporter[(is_used[:, :, w // 2] > 0).any(axis=1), :, w], by_importer[:, :, w]]
        weights = np.concatenate([side[side.any(axis=1)] for side in sides])
        if weights.size and (weights != weights[0]).any():
            return True
    return False


def _rows(batch: pa.RecordBatch, known: dict[str, pa.Array], total: int) -> Rows:
    def codes(name: str, kind: str) -> Codes:
        column = batch[name]
        words = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
        found = _numbers(words, pc.index_in(words.dictionary.cast(pa.string()), known[kind]))
        if kind == "product":
            is_total = pc.fill_null(pc.equal(words.dictionary, _TOTAL), False)
            found.number[:-1][is_total.to_numpy(zero_copy_only=False)] = total
        return found

    with np.errstate(divide="ignore", invalid="ignore"):
        arrived = _amounts(batch, "importer_report_usd") / _amounts(batch, "cif_fob_ratio")
    return Rows(
        codes("exporter", "area"),
        codes("importer", "area"),
        codes("hs_code", "product"),
        codes("period", "period"),
        _amounts(batch, "exporter_report_usd"),
        arrived,
        _amounts(batch, "value_usd"),
        _amounts(batch, "net_weight_kg"),
    )


def _amounts(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """Return the numbers of a column, NaN where they are missing; never to be written to."""
    values: NDArray[np.float64] = batch[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    values.flags.writeable = False  # as it is where nothing is missing: kernels are compiled by it
    return values
