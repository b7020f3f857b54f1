"""How far a headline depends on choices: the specification curve, and what is left without its largest parts.

Every specification answers the same question, with the treated pairs and the noise of the headline's own
search, so that what moves is the choice and nothing else. Windows, baseline, threshold and book are crossed.
Leave-one-out takes one product, origin, hub, destination or period out of the headline's specification: a
total that rests on one of them says so here. No specification has an interval of its own: the headline's
stands for the noise, these figures for the choices.

References
----------
Simonsohn, Simmons, Nelson (2020), "Specification curve analysis", Nature Human Behaviour 4, pp. 1208-1214.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from entrepot.detect.baseline import Baseline
from entrepot.detect.blocs import pool
from entrepot.detect.corridors import kind_number
from entrepot.detect.estimate import estimate
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import WindowPair, event_windows, period_text, placebo_windows
from entrepot.detect.search import Search, rest_growth, seen_pairs
from entrepot.detect.windows import BOOKS, calendar_of, load_windows
from entrepot.schema import SPECIFICATION, DetourKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import narwhals as nw
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.estimate import Estimate
    from entrepot.detect.options import DetourOptions
    from entrepot.detect.windows import Book, WindowData
    from entrepot.engine import Engine

__all__ = ["THRESHOLDS", "SpecificationResult", "specifications"]

#: Thresholds of the direct shortfall that are crossed, besides the one asked for.
THRESHOLDS = (0.5, 1.0, 2.0)

#: Of each sort, so many are left out, the largest first.
_MOST_LEFT_OUT = 15

_MOST_PERIODS = 24
_SHORTEST = 3
_STOCKPILING = 6

_Sort = Literal["product", "origin", "hub", "destination", "period"]


@dataclass(frozen=True, slots=True)
class SpecificationResult:
    """A headline under other choices.

    Attributes
    ----------
    table
        Columns of ``out__specification``: the headline first, then the curve from the smallest total to the
        largest, then what was left out, the most important first.
    options, windows
        What was asked, and the windows it became.
    legs
        Of each row of the table, USD by hub and product.
    """

    table: pa.Table
    options: DetourOptions
    windows: WindowPair
    legs: tuple[dict[tuple[str, str], float], ...] = ()

    @property
    def headline_usd(self) -> float:
        """Return the total of the specification that was asked for."""
        return float(self.table["estimate_usd"][0].as_py())

    @property
    def curve_usd(self) -> NDArray[np.float64]:
        """Return the totals of all specifications, the headline's among them, from small to large."""
        values = [row["estimate_usd"] for row in self.table.to_pylist() if row["left_out_kind"] is None]
        return np.sort(np.array(values, dtype=np.float64))

    @property
    def left_out(self) -> list[dict[str, Any]]:
        """Return the rows of the leave-one-out, the one that moves the total most first."""
        return [row for row in self.table.to_pylist() if row["left_out_kind"] is not None]


def specifications(
    flows: nw.LazyFrame[Any],
    options: DetourOptions,
    *,
    engine: Engine,
    progress: Callable[[int, int], None] | None = None,
) -> SpecificationResult:
    """Estimate the headline of a search under every other reasonable choice, and without its largest parts.

    Use it before a total is printed: a figure that one choice or one product carries is not ready.

    Parameters
    ----------
    flows, options, engine
        As for :func:`entrepot.detect.detours.detours`.
    progress
        Called with the estimates done and all estimates.

    Returns
    -------
    SpecificationResult
        **Grain** of its table: one choice of windows, baseline, threshold and book, or one thing left out.

    Raises
    ------
    OptionError
        Windows or areas make no question.
    CoverageError
        The data do not hold what the question needs.
    """
    published = calendar_of(flows).periods
    windows = event_windows(options.event, published=published, before=options.before, after=options.after)
    pairs = (windows, *placebo_windows(windows, published=published))
    search = Search.of(load_windows(engine, flows, pairs), pairs, options)
    variants = tuple(dict.fromkeys((windows, *_other_windows(windows), *_without_periods(windows))))
    views = {
        book: _View.of(load_windows(engine, flows, variants, book=book), variants, search) for book in BOOKS
    }
    found = search.run(0)
    own = _Choice(windows=windows, run=lambda: found, baseline=found.expected.baseline, z=search.z)
    headline = _own_total(found)
    rows = []
    todo = [*_curve(own, search, views), *_left_out(own, search, views["exporter"])]
    for done, one in enumerate(todo, start=1):
        worth = len(windows.after) / len(one.windows.after)
        other = one.run()
        rows.append(_row(one, worth * _own_total(other), headline) | {"legs": _by_leg(other, search, worth)})
        if progress is not None:
            progress(done, len(todo))
    curve = sorted((r for r in rows if r["left_out_kind"] is None), key=lambda r: r["estimate_usd"])
    left = sorted(
        (r for r in rows if r["left_out_kind"] is not None),
        key=lambda r: -abs(r["estimate_usd"] - headline),
    )
    head = _row(own, headline, headline) | {"is_headline": True, "legs": _by_leg(found, search, 1.0)}
    ordered = [head, *curve, *left]
    return SpecificationResult(
        table=pa.Table.from_pylist(ordered, schema=SPECIFICATION.arrow_schema()),
        options=options,
        windows=windows,
        legs=tuple(row["legs"] for row in ordered),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """The flows of all variants of the windows in one book, with the search's question on them."""

    search: Search
    cells: dict[WindowPair, Cells]
    observed: dict[WindowPair, NDArray[np.bool_]]
    growth: dict[WindowPair, NDArray[np.float64] | None]

    @classmethod
    def of(cls, data: WindowData, variants: tuple[WindowPair, ...], search: Search) -> _View:
        """Pool what the search pools; the growth of other goods is read off the same windows."""
        at = {windows: position for position, windows in enumerate(variants)}
        return cls(
            search=search,
            cells={w: pool(data.cells[i], search.members) for w, i in at.items()},
            observed={
                w: seen_pairs(data.is_observed[i], search.members, search.representative)
                for w, i in at.items()
            },
            growth={w: rest_growth(data, i, search.asked, search.members) for w, i in at.items()},
        )

    def run(
        self,
        windows: WindowPair,
        *,
        question: Question | None = None,
        cells: Cells | None = None,
        z: float | None = None,
        baseline: Baseline | None = None,
    ) -> Estimate:
        """Estimate the search's question, or a part of it, on one variant of the windows."""
        search = self.search
        observed = search.question.is_observed & self.observed[windows]
        return estimate(
            self.cells[windows] if cells is None else cells,
            replace(question or search.question, is_observed=observed),
            noise=search.noise,
            z=search.z if z is None else z,
            partner_growth=self.growth[windows],
            baseline=baseline,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """One estimate to make, and how its row is called."""

    windows: WindowPair
    run: Callable[[], Estimate]
    baseline: Baseline
    z: float
    book: Book = "exporter"
    sort: _Sort | None = None
    left_out: str | None = None


def _own_total(found: Estimate) -> float:
    own = found.corridors.kind != kind_number(DetourKind.RELAY)
    return float(found.corridors.usd[own].sum())


def _by_leg(found: Estimate, search: Search, worth: float) -> dict[tuple[str, str], float]:
    """Return what the total is made of, by hub and product."""
    corridors, data = found.corridors, search.data
    own = np.flatnonzero((corridors.kind != kind_number(DetourKind.RELAY)) & (corridors.usd > 0))
    legs: dict[tuple[str, str], float] = {}
    for hub, code, usd in zip(
        corridors.hub[own].tolist(), corridors.product[own].tolist(), corridors.usd[own].tolist(), strict=True
    ):
        key = (data.areas[hub], data.products[code])
        legs[key] = legs.get(key, 0.0) + worth * usd
    return legs


def _row(choice: _Choice, total: float, headline: float) -> dict[str, Any]:
    windows = choice.windows
    return {
        "is_headline": False,
        "before": windows.text(windows.before),
        "after": windows.text(windows.after),
        "baseline": choice.baseline.value,
        "z": choice.z,
        "book": choice.book,
        "left_out_kind": choice.sort,
        "left_out": choice.left_out,
        "estimate_usd": total,
        "headline_share": total / headline if headline > 0 else None,
    }


def _curve(own: _Choice, search: Search, views: dict[Book, _View]) -> Iterator[_Choice]:
    """Yield every combination of choices but the headline's own."""
    every = [own.windows, *_other_windows(own.windows)]
    baselines = [own.baseline, *search.other_baselines(own.baseline)]
    thresholds = tuple(dict.fromkeys((own.z, *THRESHOLDS)))
    for (book, view), windows, baseline, z in product(views.items(), every, baselines, thresholds):
        is_own = windows == own.windows and baseline is own.baseline and z == own.z and book == own.book
        if is_own or not _allows(baseline, view, windows):
            continue
        insisted = None if baseline is own.baseline else baseline
        run = _bound(view, windows, z=z, baseline=insisted)
        yield replace(own, windows=windows, run=run, baseline=baseline, z=z, book=book)


def _bound(view: _View, windows: WindowPair, **choices: Any) -> Callable[[], Estimate]:
    return lambda: view.run(windows, **choices)


def _allows(baseline: Baseline, view: _View, windows: WindowPair) -> bool:
    return baseline is not Baseline.UNLISTED or view.growth[windows] is not None


def _other_windows(windows: WindowPair) -> Iterator[WindowPair]:
    """Yield shorter windows: the year before, the halves of the after-window, months of stockpiling out."""
    year = 12 if windows.is_monthly else 1
    fewest = _SHORTEST if windows.is_monthly else 1
    before, after = windows.before, windows.after
    half = len(after) // 2
    for one, other in (
        (before[-year:], after),
        (before[:-_STOCKPILING] if windows.is_monthly else before[:-1], after),
        (before, after[:half]),
        (before, after[half:]),
        (before, after[-year:]),
    ):
        pair = WindowPair(one, other, windows.is_monthly)
        if len(one) >= fewest and len(other) >= fewest and pair != windows:
            yield pair


def _without_periods(windows: WindowPair) -> Iterator[WindowPair]:
    """Yield the after-window without each of its periods."""
    if len(windows.after) > 1:
        for left_out in windows.after[-_MOST_PERIODS:]:
            yield replace(windows, after=tuple(p for p in windows.after if p != left_out))


def _left_out(own: _Choice, search: Search, view: _View) -> Iterator[_Choice]:
    """Yield the headline's specification without each of its largest parts."""
    found = own.run().corridors
    mine = found.only(found.kind != kind_number(DetourKind.RELAY))
    question, data, windows = search.question, search.data, own.windows

    def largest(index: NDArray[np.int64], size: int) -> list[int]:
        by = sum_by(index, mine.usd, size)
        order = np.argsort(-by, kind="stable")[:_MOST_LEFT_OUT]
        return [int(at) for at in order if by[at] > 0]

    def choice(sort: _Sort, code: str, **changed: Any) -> _Choice:
        return replace(own, run=_bound(view, windows, **changed), sort=sort, left_out=code)

    # All goods but one are still an assortment: bounded as named goods they would be another question.
    named = not question.is_assortment
    for at in largest(mine.product, len(data.products)):
        less = replace(question, listed=_less(question.listed, at), are_goods_named=named)
        yield choice("product", data.products[at], question=less)
    areas = len(data.areas)
    hubs = largest(mine.hub, areas)
    if len(hubs) > 1:
        for at in hubs:
            yield choice("hub", data.areas[at], question=replace(question, hubs=_less(question.hubs, at)))
    ends: tuple[tuple[_Sort, NDArray[np.int64]], ...] = (
        ("origin", mine.origin),
        ("destination", mine.destination),
    )
    for sort, index in ends:
        if len(np.unique(index)) > 1:
            for at in largest(index, areas):
                if not search.members[at]:
                    yield choice(sort, data.areas[at], question=_without_area(question, at, sort))
    yield from _without_members(own, search, view)
    for pair in _without_periods(windows):
        (gone,) = set(windows.after) - set(pair.after)
        code = period_text(gone, is_monthly=windows.is_monthly)
        yield replace(own, windows=pair, run=_bound(view, pair), sort="period", left_out=code)


def _less(mask: NDArray[np.bool_], at: int) -> NDArray[np.bool_]:
    less = mask.copy()
    less[at] = False
    return less


def _without_area(question: Question, at: int, sort: _Sort) -> Question:
    """Return the question without one origin or destination; an origin left out is no hub of the rest."""
    treated = question.is_treated.copy()
    treated[(at, slice(None)) if sort == "origin" else (slice(None), at)] = False
    if sort == "origin":
        return replace(
            question,
            origins=_less(question.origins, at),
            hubs=_less(question.hubs, at),
            is_treated=treated,
        )
    return replace(question, destinations=_less(question.destinations, at), is_treated=treated)


def _without_members(own: _Choice, search: Search, view: _View) -> Iterator[_Choice]:
    """Yield the pooled origins without each of the members that sent the hubs most beyond expectation."""
    members = np.flatnonzero(search.members)
    cells, hubs = search.data.cells[0], search.question.hubs
    rise = np.maximum(cells.after - cells.before, 0.0) * hubs[cells.importer]
    rise *= search.question.listed[cells.product]
    by = sum_by(cells.exporter, rise, hubs.size)[members]
    for at in members[np.argsort(-by, kind="stable")][:_MOST_LEFT_OUT]:
        kept = cells.only(cells.exporter != at)
        run = _bound(view, own.windows, cells=pool(kept, search.members))
        yield replace(own, run=run, sort="origin", left_out=search.data.areas[at])
