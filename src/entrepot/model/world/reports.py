"""From books to rows: silence, thresholds, missing weights, units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.model.world.labels import CONFIDENTIAL
from entrepot.model.world.ledger import Flows, Ledger
from entrepot.nomenclature import revision_in_force
from entrepot.schema.terms import FlowKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.books import Books
    from entrepot.model.world.cast import Cast
    from entrepot.model.world.goods import Goods
    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds

__all__ = ["coded", "hs_revision", "report_rows"]


def hs_revision(period: str) -> str:
    """Return the revision in force in a month or year."""
    return revision_in_force(int(period[:4]))


def coded(index: NDArray[np.int64], words: list[str]) -> pa.Array:
    """Return the words of an index column, null where the index is negative."""
    return pa.array(words, pa.string()).take(pa.array(index, mask=index < 0))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Published cells as columns of one length."""

    reporter: NDArray[np.int64]
    partner: NDArray[np.int64]
    product: NDArray[np.int64]
    month: NDArray[np.int64]  # the years follow the months
    flow: NDArray[np.int64]
    usd: NDArray[np.float64]
    kg: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Codes:
    """Under which code goods are published; K products, n areas, T months.

    Attributes
    ----------
    words
        Codes: of the K products, then those that stand for several or for other months.
    kg_per_item
        Weight of an item by code; NaN for what is not counted.
    earlier
        (K) the code of a product before the codes changed, as an index into ``words``.
    is_new
        (T) whether the codes have changed.
    hidden_from
        (n, K) first month in which a reporter publishes a product as confidential; T for never.
    """

    words: list[str]
    kg_per_item: NDArray[np.float64]
    earlier: NDArray[np.int64]
    is_new: NDArray[np.bool_]
    hidden_from: NDArray[np.int64]

    @classmethod
    def of(cls, options: WorldOptions, goods: Goods, rng: np.random.Generator) -> _Codes:
        """Draw what is confidential, and lay out the codes."""
        n, K, T = options.areas, options.products, options.months
        words = [*goods.codes]
        words += sorted(set(goods.earlier_codes) - set(words))
        place = {code: at for at, code in enumerate(words)}
        hidden_from = np.full((n, K), T)
        if options.confidential_share > 0.0:
            hides = rng.random((n, K)) < options.confidential_share
            hidden_from[hides] = np.where(rng.random(int(hides.sum())) < 0.5, 0, options.event_month)
            words.append(CONFIDENTIAL)
        per_item = np.full(len(words), np.nan)
        per_item[:K] = goods.kg_per_item
        return cls(
            words=words,
            kg_per_item=per_item,
            earlier=np.array([place[code] for code in goods.earlier_codes], dtype=np.int64),
            is_new=np.array(options.is_recoded),
            hidden_from=hidden_from,
        )

    def applied(self, book: Flows, areas: int) -> Flows:
        """Return a book under the codes that are published; what shares a code is added up."""
        month = np.arange(self.is_new.size)
        is_hidden = month >= self.hidden_from[book.source, book.product][:, None]
        is_moved = (self.earlier != np.arange(self.earlier.size))[book.product][:, None] & ~self.is_new
        if not (is_hidden.any() or is_moved.any()):
            return book
        entries = (
            (~is_hidden & ~is_moved, book.product),
            (~is_hidden & is_moved, self.earlier[book.product]),
            (is_hidden, np.full(len(book), len(self.words) - 1)),
        )
        ledger = Ledger(areas, len(self.words))
        for is_there, product in entries:
            some = np.flatnonzero(is_there.any(axis=1))
            usd, kg = (np.where(is_there[some], values[some], 0.0) for values in (book.usd, book.kg))
            ledger.enter(Flows(book.source[some], book.target[some], product[some], usd, kg))
        return ledger.total()


_FLOWS = (FlowKind.IMPORT, FlowKind.EXPORT, FlowKind.RE_EXPORT, FlowKind.RE_IMPORT)


def report_rows(options: WorldOptions, cast: Cast, goods: Goods, books: Books, seeds: Seeds) -> pa.Table:
    """Return the published rows of all reporters, sorted by reporter, period, flow, partner and code."""
    least = options.least_usd * seeds.part("thresholds").uniform(0.5, 2.0, options.areas)
    codes = _Codes.of(options, goods, seeds.part("confidential products"))
    parts = [
        _published(options, codes.applied(books.by_flow[kind], options.areas), order, cast, least)
        for order, kind in enumerate(_FLOWS)
    ]
    rows = _Rows(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _Rows.__slots__}
    )
    rows = _sorted(rows, cast.codes, codes.words)
    return _table(options, cast, codes, rows, seeds.part("missing weights"))


def _published(
    options: WorldOptions, flows: Flows, flow: int, cast: Cast, least: NDArray[np.float64]
) -> _Rows:
    """Return what is published of a book; months first, then the years of annual reporters."""
    if not len(flows):
        none = np.empty(0, dtype=np.int64)
        return _Rows(none, none, none, none, none, np.empty(0), np.empty(0))
    annual = cast.is_annual[flows.source]
    monthly = flows.pick(np.flatnonzero(~annual))
    yearly = flows.pick(np.flatnonzero(annual))
    of_year = np.array(
        [[period[:4] == year for year in options.years] for period in options.periods], dtype=float
    )
    parts = [
        (monthly, monthly.usd, monthly.kg, cast.publishes[monthly.source], 0),
        (yearly, yearly.usd @ of_year, yearly.kg @ of_year, True, options.months),
    ]
    found = []
    for part, values, weights, is_open, first in parts:
        usd = np.rint(values)
        row, period = np.nonzero((usd >= np.maximum(least[part.source], 1.0)[:, None]) & is_open)
        ends = (part.source[row], part.target[row], part.product[row], period + first)
        found.append((*ends, np.full(len(row), flow), usd[row, period], np.round(weights[row, period], 3)))
    return _Rows(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _sorted(rows: _Rows, areas: list[str], products: list[str]) -> _Rows:
    """Sort by what is published, so that the order of rows betrays no role."""
    area, product = np.argsort(np.argsort(areas)), np.argsort(np.argsort(products))
    key = area[rows.reporter]
    for size, part in (
        (int(rows.month.max(initial=0)) + 1, rows.month),
        (len(_FLOWS), rows.flow),
        (len(areas), area[rows.partner]),
        (len(products), product[rows.product]),
    ):
        key = key * size + part
    order = np.argsort(key, kind="stable")
    return _Rows(**{name: getattr(rows, name)[order] for name in _Rows.__slots__})


def _table(
    options: WorldOptions, cast: Cast, codes: _Codes, rows: _Rows, rng: np.random.Generator
) -> pa.Table:
    unweighed = np.zeros((options.areas, len(codes.words)), dtype=bool)
    unweighed[:, : options.products] = rng.random((options.areas, options.products)) < 0.05
    no_weight = unweighed[rows.reporter, rows.product] | (rng.random(len(rows.usd)) < 0.02) | (rows.kg <= 0)
    per_item = codes.kg_per_item[rows.product]
    counted = ~np.isnan(per_item)
    quantity = np.where(counted, np.maximum(np.rint(rows.kg / per_item), 1.0), rows.kg)
    no_quantity = np.where(counted, unweighed[rows.reporter, rows.product], no_weight)
    unit = pa.array(["u", "kg"], pa.string()).take(pa.array(np.where(counted, 0, 1), mask=no_quantity))
    periods = [*options.periods, *options.years]
    return pa.table(
        {
            "reporter": coded(rows.reporter, cast.codes),
            "partner": coded(rows.partner, cast.codes),
            "flow": coded(rows.flow, [kind.value for kind in _FLOWS]),
            "period": coded(rows.month, periods),
            "hs_code": coded(rows.product, codes.words),
            "hs_revision": coded(rows.month, [hs_revision(period) for period in periods]),
            "value_usd": pa.array(rows.usd),
            "net_weight_kg": pa.array(rows.kg, mask=no_weight),
            "quantity": pa.array(quantity, mask=no_quantity),
            "quantity_unit": unit,
        }
    )
