"""From monthly flows to cells: both windows on the same months, as each reporter has published them.

Both windows are scaled to the same length and months, cut to what the reporter of the book
has published. The exporter's book counts for a pair where the exporter published enough of both windows,
else the importer's on FOB, in both windows the same; where neither did, the pair is not observed.

A book says nothing of partners that it was not taken in with. Of a download of everybody's exports to one
area the silence about all others is no zero: a partner whom nobody names, or whom a book does not name that
names less than a tenth of those whom anybody names, is not in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.cells import Cells
from entrepot.detect.hidden import with_hidden_goods
from entrepot.detect.kernels.cell_bits import cells_of
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.kernels.threads import in_blocks
from entrepot.detect.periods import WindowPair, parse_period
from entrepot.detect.rows import sum_rows, survey_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.rows import CellSums, Survey
    from entrepot.engine import FrameEngine

__all__ = [
    "BOOKS",
    "Book",
    "Calendar",
    "WindowData",
    "calendar_of",
    "load_windows",
    "period_weights",
    "survey_of",
]

#: Whose book counts first where both sides published.
Book = Literal["exporter", "importer"]

BOOKS: tuple[Book, ...] = get_args(Book)

_ENOUGH = 1.0 / 3.0

#: Part of the partners named by anybody from which a book is taken to name all that it has trade with.
_WHOLE_BOOK = 0.1
_WEIGHED = 0.8


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods that each area has published, by book.

    Attributes
    ----------
    exports, imports
        Area → periods published.
    """

    exports: dict[str, frozenset[str]]
    imports: dict[str, frozenset[str]]

    @property
    def periods(self) -> frozenset[str]:
        """Return every period that anybody published."""
        return frozenset().union(*self.exports.values(), *self.imports.values())


@dataclass(frozen=True, slots=True)
class WindowData:
    """Cells of every pair of windows on one set of areas and products.

    Attributes
    ----------
    areas, products
        Codes; the cells hold their positions. Products are six-digit codes, or whatever level was given.
    cells
        One :class:`Cells` per pair of windows.
    is_observed : list of (n_areas, n_areas)
        Per pair of windows: whether some reporter published the pair in both.
    total_before, total_after : list of (n_areas, n_areas)
        All goods by pair, where the files have totals; NaN elsewhere.
    calendar
        Who published what.
    """

    areas: tuple[str, ...]
    products: tuple[str, ...]
    cells: tuple[Cells, ...]
    is_observed: tuple[NDArray[np.bool_], ...]
    total_before: tuple[NDArray[np.float64], ...]
    total_after: tuple[NDArray[np.float64], ...]
    calendar: Calendar


def calendar_of(flows: nw.LazyFrame[Any], survey: Survey | None = None) -> Calendar:
    """Return who published goods when, from reconciled flows. Executes two small queries without a survey.

    Totals do not count: who published no more than those has said nothing about any product.
    """
    if survey is not None:
        return Calendar(exports=survey.published(survey.exports), imports=survey.published(survey.imports))
    found: list[dict[str, frozenset[str]]] = []
    for side in ("exporter", "importer"):
        periods: dict[str, set[str]] = defaultdict(set)
        rows = (
            flows.filter(~nw.col(f"{side}_report_usd").is_null() & (nw.col("hs_code") != "TOTAL"))
            .group_by(side, "period")
            .agg(nw.len().alias("rows"))
            .collect(backend="pyarrow")
            .to_native()
        )
        for area, period in zip(rows[side].to_pylist(), rows["period"].to_pylist(), strict=True):
            periods[area].add(period)
        found.append({area: frozenset(seen) for area, seen in periods.items()})
    return Calendar(exports=found[0], imports=found[1])


def period_weights(
    published: frozenset[int], windows: WindowPair
) -> tuple[dict[int, float], dict[int, float]] | None:
    """Return the weights that put both windows on the length and the months of the after-window.

    Every month of the after-window that was published is set against the same month of the year in the
    before-window, on average over the years; against the average month where there is none.

    Parameters
    ----------
    published
        Periods that the reporter published.
    windows
        The windows.

    Returns
    -------
    (before, after)
        Period → weight; each side's weights sum to the periods of the after-window. None where less than a
        third of either window was published.
    """
    after = [p for p in windows.after if p in published]
    before = [p for p in windows.before if p in published]
    if not after or not before:
        return None
    if len(after) < _ENOUGH * len(windows.after) or len(before) < _ENOUGH * len(windows.before):
        return None
    scale = len(windows.after) / len(after)
    weight: dict[int, float] = defaultdict(float)
    season = 12 if windows.is_monthly else 1
    for period in after:
        same = [p for p in before if p % season == period % season] or before
        for p in same:
            weight[p] += scale / len(same)
    return dict(weight), dict.fromkeys(after, scale)


def survey_of(engine: FrameEngine, flows: nw.LazyFrame[Any]) -> Survey | None:
    """Return what the keys of the flows tell, where their rows can come here; None where they stay away."""
    return None if engine.has_executors else survey_rows(partial(engine.batches_in, flows))


def load_windows(
    engine: FrameEngine,
    flows: nw.LazyFrame[Any],
    pairs: Sequence[WindowPair],
    *,
    products: Sequence[str] | None = None,
    book: Book = "exporter",
    survey: Survey | None = None,
) -> WindowData:
    """Sum reconciled flows into the cells of every pair of windows. One query, or one pass over the rows.

    Parameters
    ----------
    engine
        Where the flows live.
    flows
        Rows of ``core__reconciled``; rows of product ``TOTAL`` give the totals.
    pairs
        Pairs of windows; the event's first.
    products
        Product codes to load; all six-digit ones, or the finest level there is, when not given.
    book
        Whose book counts first. With the importer's there are no mirrors beside: what a hub hides cannot be
        seen, and goods that pass a hub stand under their origin.
    survey
        What :func:`survey_of` has found in the flows, if it was asked before.
    """
    survey = survey or survey_of(engine, flows)
    calendar = calendar_of(flows, survey)
    # Of some products a book may name few partners: what it names at all counts.
    named = None if survey is not None else _named_pairs(flows)
    if products is not None:
        flows = flows.filter(nw.col("hs_code").is_in([*products, "TOTAL"]))
        survey = survey and survey.only(products)
    exporter_weights, exporter_is_used = _weight_table(calendar.exports, pairs, "exporter")
    importer_weights, importer_is_used = _weight_table(calendar.imports, pairs, "importer")
    if survey is not None:
        sides = ((exporter_weights, exporter_is_used), (importer_weights, importer_is_used))
        return _of_rows(survey, calendar, sides, len(pairs), book)
    told = _Told.of(cast("tuple[pa.Array, NDArray[np.bool_]]", named), exporter_is_used, importer_is_used)
    names = {
        "exporter": engine.arrow_frame(exporter_weights),
        "importer": engine.arrow_frame(importer_weights),
        "is_used": engine.arrow_frame(told.first_table(book)),
    }
    # Seeds are drawn cell by cell: without an order of the cells equal seeds would give unequal draws.
    cells = _sums(flows, names, len(pairs), book).sort("exporter", "importer", "hs_code")
    sums = cells.collect(backend="pyarrow").to_native()
    return _to_arrays(sums, calendar, told, book)


@dataclass(frozen=True, slots=True)
class _Told:
    """Which book tells of which pair.

    Attributes
    ----------
    areas
        Codes.
    by_exporter, by_importer : (n_pairs of windows, n_areas, n_areas)
        Whether the exporter's, and the importer's book covers both windows and speaks of the pair.
    """

    areas: pa.Array
    by_exporter: NDArray[np.bool_]
    by_importer: NDArray[np.bool_]

    @classmethod
    def of(cls, named: tuple[pa.Array, NDArray[np.bool_]], exporters: pa.Table, importers: pa.Table) -> _Told:
        """Return it from the pairs that books name, and the books that are used."""
        areas, (sold, bought) = named
        used = [
            np.stack([_flags(areas, table, side, name) for name in table.column_names if name != side])
            for table, side in ((exporters, "exporter"), (importers, "importer"))
        ]
        return cls(
            areas,
            used[0][:, :, None] & _speaks_of(sold),
            used[1][:, None, :] & _speaks_of(bought.T).T,
        )

    def first(self, book: Book) -> NDArray[np.bool_]:
        """Return of which pairs the book that counts first tells."""
        return self.by_exporter if book == "exporter" else self.by_importer

    def first_table(self, book: Book) -> pa.Table:
        """Return the same as a table, a column ``u0``, ``u1``, … a pair of windows."""
        first = self.first(book)
        exporter, importer = np.nonzero(first.any(axis=0))
        columns = {f"u{at}": pa.array(one[exporter, importer].astype(float)) for at, one in enumerate(first)}
        return pa.table(
            {"exporter": self.areas.take(exporter), "importer": self.areas.take(importer)} | columns
        )

    def of_areas(self, areas: pa.Array) -> _Told:
        """Return the same for some of the areas, in their order."""
        at = pc.index_in(areas, value_set=self.areas).to_numpy(zero_copy_only=False).astype(np.int64)
        square = np.ix_(range(len(self.by_exporter)), at, at)
        return _Told(areas, self.by_exporter[square], self.by_importer[square])


def _speaks_of(named: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return of which partners each book speaks.

    Those whom it names, and all whom anybody names where it names a tenth of them.

    Parameters
    ----------
    named : (n_reporters, n_partners)
        Whether a book ever has anything of a partner.
    """
    anybody = named.any(axis=0)
    is_whole = named.sum(axis=1) >= max(_WHOLE_BOOK * anybody.sum(), 1.0)
    spoken_of: NDArray[np.bool_] = named | (is_whole[:, None] & anybody)
    return spoken_of


def _named_pairs(flows: nw.LazyFrame[Any]) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return all areas, and of which pairs the exporter's and the importer's book ever has any goods."""
    is_goods = nw.col("hs_code") != "TOTAL"
    is_some = {
        name: is_goods & (nw.col(f"{side}_report_usd") > 0.0)
        for side, name in (("exporter", "sold"), ("importer", "bought"))
    }
    flags = [nw.when(some).then(nw.lit(1)).otherwise(nw.lit(0)).alias(name) for name, some in is_some.items()]
    rows = (
        flows.with_columns(*flags)
        .group_by("exporter", "importer")
        .agg(nw.col("sold").max(), nw.col("bought").max())
        .collect(backend="pyarrow")
        .to_native()
    )
    areas = pa.concat_arrays([pc.unique(rows[side]) for side in ("exporter", "importer")]).unique().sort()
    named = np.zeros((2, len(areas), len(areas)), dtype=bool)
    exporter, importer = _index(rows["exporter"], areas), _index(rows["importer"], areas)
    for book, name in zip(named, ("sold", "bought"), strict=True):
        book[exporter, importer] = rows[name].to_numpy() > 0
    return areas, named


def _weight_table(
    published: dict[str, frozenset[str]], pairs: Sequence[WindowPair], side: str
) -> tuple[pa.Table, pa.Table]:
    """Return weights by area and period, and by area whether its book is used, a column a pair of windows."""
    rows: dict[tuple[str, str], list[float]] = {}
    used: dict[str, list[float]] = {}
    for area, texts in published.items():
        numbers = {parse_period(t, option="period"): t for t in texts if ("-" in t) == pairs[0].is_monthly}
        used[area] = [0.0] * len(pairs)
        for position, windows in enumerate(pairs):
            weights = period_weights(frozenset(numbers), windows)
            if weights is None:
                continue
            used[area][position] = 1.0
            for shift, side_weights in enumerate(weights):
                for number, weight in side_weights.items():
                    row = rows.setdefault((area, numbers[number]), [0.0] * (2 * len(pairs)))
                    row[2 * position + shift] = weight
    keys = list(rows)
    table: dict[str, Any] = {
        side: pa.array([key[0] for key in keys], pa.string()),
        "period": pa.array([key[1] for key in keys], pa.string()),
    }
    for position in range(len(pairs)):
        for shift, name in enumerate(("b", "a")):
            table[f"{side[0]}{name}{position}"] = pa.array(
                [rows[key][2 * position + shift] for key in keys], pa.float64()
            )
    flags: dict[str, Any] = {side: pa.array(list(used), pa.string())}
    for position in range(len(pairs)):
        flags[f"{side[0]}u{position}"] = pa.array([u[position] for u in used.values()], pa.float64())
    return pa.table(table), pa.table(flags)


def _sums(
    flows: nw.LazyFrame[Any], names: dict[str, nw.LazyFrame[Any]], n_pairs: int, book: Book
) -> nw.LazyFrame[Any]:
    """Weight every period and sum by cell: the first book where it is used, else the other one."""
    joined = (
        flows.join(names["exporter"], on=["exporter", "period"], how="left")
        .join(names["importer"], on=["importer", "period"], how="left")
        .join(names["is_used"], on=["exporter", "importer"], how="left")
    )
    mirror = nw.col("importer_report_usd") / nw.col("cif_fob_ratio")
    columns: list[nw.Expr] = []
    is_exporter_first = book == "exporter"

    def is_used(position: int) -> nw.Expr:
        return nw.coalesce(nw.col(f"u{position}"), nw.lit(0.0))

    for position in range(n_pairs):
        for name in ("b", "a"):
            sent = nw.coalesce(nw.col("exporter_report_usd") * nw.col(f"e{name}{position}"), nw.lit(0.0))
            arrived = nw.coalesce(mirror * nw.col(f"i{name}{position}"), nw.lit(0.0))
            first, other = (sent, arrived) if is_exporter_first else (arrived, sent)
            columns.append((first + (1.0 - is_used(position)) * other).alias(f"{name}{position}"))
            # Beside each other the two books stand only in the periods that both have published.
            both = (nw.col(f"e{name}{position}") > 0.0) & (nw.col(f"i{name}{position}") > 0.0)
            is_beside = is_used(position) * nw.when(both).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
            beside = nw.coalesce(nw.col("exporter_report_usd") * nw.col(f"i{name}{position}"), nw.lit(0.0))
            for side, usd in (("m", arrived), ("s", beside)):
                shown = is_beside * usd if is_exporter_first else nw.lit(0.0)
                columns.append(shown.alias(f"{side}{name}{position}"))
    weighed = ~nw.col("net_weight_kg").is_null()
    first, other = (
        nw.coalesce(nw.col(f"{side}a0"), nw.lit(0.0)) for side in ("ei" if is_exporter_first else "ie")
    )
    months = first + (1.0 - is_used(0)) * other
    columns += [
        nw.when(weighed).then(nw.col("net_weight_kg") * months).otherwise(nw.lit(0.0)).alias("kg"),
        nw.when(weighed).then(nw.col("value_usd") * months).otherwise(nw.lit(0.0)).alias("weighed_usd"),
    ]
    sums = [f"{name}{position}" for position in range(n_pairs) for name in ("b", "a", "mb", "ma", "sb", "sa")]
    sums += ["kg", "weighed_usd"]
    return (
        joined.with_columns(*columns)
        .group_by("exporter", "importer", "hs_code")
        .agg(*[nw.col(name).sum() for name in sums])
    )


def _of_rows(
    survey: Survey,
    calendar: Calendar,
    sides: tuple[tuple[pa.Table, pa.Table], tuple[pa.Table, pa.Table]],
    n_pairs: int,
    book: Book,
) -> WindowData:
    """Sum the rows of a survey: what :func:`_sums` and :func:`_to_arrays` do where the rows stay away."""
    areas, n = pa.array(survey.areas, pa.string()), len(survey.areas)
    weights = []
    for side, (table, _) in zip(("exporter", "importer"), sides, strict=True):
        weight = np.zeros((n, len(survey.periods), 2 * n_pairs))
        at = (_index(table[side], areas), _index(table["period"], pa.array(survey.periods, pa.string())))
        for window in range(2 * n_pairs):
            name = f"{side[0]}{'ba'[window % 2]}{window // 2}"
            weight[(*at, window)] = table[name].to_numpy()
        weights.append(weight)
    told = _Told.of((areas, np.stack([survey.sold, survey.bought])), sides[0][1], sides[1][1])
    is_exporter_first = book == "exporter"
    sums = sum_rows(
        survey,
        by_exporter=weights[0],
        by_importer=weights[1],
        is_used=np.moveaxis(told.first(book), 0, -1).astype(np.float64),
        is_exporter_first=is_exporter_first,
    )
    sums.totals[:, ~sums.has_total] = np.nan
    codes = cells_of(survey.places, survey.n_cells)
    index: dict[str, Any] = dict(zip(("exporter", "importer", "product"), codes, strict=True))
    cells = []
    for position in range(n_pairs):
        before, after = sums.main[2 * position : 2 * position + 2]
        told_by = Cells(
            **index,
            before=before,
            after=after,
            after_kg=_kg(sums, position),
            mirror_before=_shown(sums, 2 * position, codes),
            mirror_after=_shown(sums, 2 * position + 1, codes),
            has_mirror=told.by_exporter[position] & told.by_importer[position] & is_exporter_first,
            n_areas=n,
            n_products=len(survey.products),
        )
        cells.append(_traded(with_hidden_goods(told_by, survey.products)))
    return WindowData(
        areas=survey.areas,
        products=survey.products,
        cells=tuple(cells),
        is_observed=tuple(told.by_exporter | told.by_importer),
        total_before=tuple(sums.totals[0::2]),
        total_after=tuple(sums.totals[1::2]),
        calendar=calendar,
    )


def _traded(cells: Cells) -> Cells:
    """Return the cells with something in one of the windows."""
    keep = in_blocks(lambda b, a: (b > 0) | (a > 0), cells.before, cells.after, dtype=np.bool_)
    return cells if keep.all() else cells.only(keep)


def _kg(sums: CellSums, position: int) -> NDArray[np.float64]:
    """Return the weight of each cell in the first after-window, where most of its value is weighed."""
    if position > 0:
        return np.broadcast_to(np.nan, sums.main.shape[1])

    def weight(after: NDArray[np.float64], kg: NDArray[np.float64], weighed: NDArray[np.float64]) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((kg > 0) & (weighed >= _WEIGHED * after), after * kg / weighed, np.nan)

    kg: NDArray[np.float64] = in_blocks(weight, sums.main[1], *sums.weighed, out=sums.weighed[0])
    return kg


def _shown(
    sums: CellSums, window: int, codes: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
) -> NDArray[np.float64]:
    """Return what the importer's book shows, as :func:`_mirror` does."""
    if not sums.shown.size:
        return np.broadcast_to(0.0, sums.main.shape[1])
    shown: NDArray[np.float64] = sums.shown[window]
    if not sums.apart.size:
        return np.maximum(shown, 0.0, out=shown)
    pair = codes[0] * np.int32(len(sums.has_total)) + codes[1]
    base = sums.beside[window].ravel()
    share = np.divide(sum_by(pair, shown, base.size), base, out=np.zeros(base.size), where=base > 0)
    whole: NDArray[np.float64] = in_blocks(
        lambda m, p, d: np.maximum(m + share[p] * d, 0.0), shown, pair, sums.apart[window]
    )
    return whole


def _index(column: pa.ChunkedArray, values: pa.Array) -> NDArray[np.int64]:
    index: NDArray[np.int64] = pc.index_in(column, value_set=values).to_numpy().astype(np.int64)
    return index


def _to_arrays(
    sums: pa.Table,
    calendar: Calendar,
    told: _Told,
    book: Book,
) -> WindowData:
    published = pa.array([*calendar.exports, *calendar.imports], pa.string())
    sides = [pc.unique(sums[side]) for side in ("exporter", "importer")]
    areas = pa.concat_arrays([*sides, published]).unique().sort()
    told = told.of_areas(areas)
    is_total = pc.equal(sums["hs_code"], "TOTAL").to_numpy()
    goods = sums.filter(pa.array(~is_total))
    totals = sums.filter(pa.array(is_total))
    products = goods["hs_code"].unique().sort()
    codes = tuple(products.to_pylist())
    n = len(areas)
    exporter, importer = _index(goods["exporter"], areas), _index(goods["importer"], areas)
    product = _index(goods["hs_code"], products)
    kg, weighed = goods["kg"].to_numpy(), goods["weighed_usd"].to_numpy()
    cells: list[Cells] = []
    observed: list[NDArray[np.bool_]] = []
    total_before: list[NDArray[np.float64]] = []
    total_after: list[NDArray[np.float64]] = []
    for position, (by_exporter, by_importer) in enumerate(
        zip(told.by_exporter, told.by_importer, strict=True)
    ):
        before, after = goods[f"b{position}"].to_numpy(), goods[f"a{position}"].to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            known = (position == 0) & (kg > 0) & (weighed >= _WEIGHED * after)
            after_kg = np.where(known, after * kg / weighed, np.nan)
        told_by = Cells(
            exporter=exporter,
            importer=importer,
            product=product,
            before=before,
            after=after,
            after_kg=after_kg,
            mirror_before=_mirror(goods, f"b{position}", exporter * n + importer),
            mirror_after=_mirror(goods, f"a{position}", exporter * n + importer),
            has_mirror=by_exporter & by_importer & (book == "exporter"),
            n_areas=n,
            n_products=len(products),
        )
        cells.append(_traded(with_hidden_goods(told_by, codes)))
        observed.append(by_exporter | by_importer)
        for name, into in (("b", total_before), ("a", total_after)):
            matrix = np.full((n, n), np.nan)
            matrix[_index(totals["exporter"], areas), _index(totals["importer"], areas)] = totals[
                f"{name}{position}"
            ].to_numpy()
            into.append(matrix)
    return WindowData(
        areas=tuple(areas.to_pylist()),
        products=codes,
        cells=tuple(cells),
        is_observed=tuple(observed),
        total_before=tuple(total_before),
        total_after=tuple(total_after),
        calendar=calendar,
    )


def _mirror(goods: pa.Table, window: str, pair: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the importer's book shows of each cell, as if it had published the exporter's periods.

    A hub that publishes late shows less growth than its supplier, and hides nothing: what the supplier sent
    beyond the periods that both have published is taken to show as the pair's other trade does.
    """
    sent, shown, beside = (goods[f"{side}{window}"].to_numpy() for side in ("", "m", "s"))
    size = int(pair.max()) + 1 if pair.size else 0
    base = sum_by(pair, beside, size)
    share = np.divide(sum_by(pair, shown, size), base, out=np.zeros(size), where=base > 0)
    mirror: NDArray[np.float64] = np.maximum(shown + share[pair] * (sent - beside), 0.0)
    return mirror


def _flags(areas: pa.Array, table: pa.Table, side: str, column: str) -> NDArray[np.bool_]:
    flags = np.zeros(len(areas), dtype=bool)
    flags[_index(table[side], areas)] = table[column].to_numpy() > 0
    return flags
