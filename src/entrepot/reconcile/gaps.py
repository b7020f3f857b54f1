"""The gaps that reliability is learnt from: one query, whose rows go on as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from entrepot.engine import place_beside, small_table
from entrepot.reconcile.arrays import codes, combine_codes, first_rows, floats, sums
from entrepot.reconcile.outliers import FARTHEST
from entrepot.reconcile.passage import is_own
from entrepot.reconcile.ratios import RATIO_KEYS
from entrepot.reconcile.sizes import size_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from entrepot.reconcile.ratios import RatioFit

__all__ = ["GapClasses", "Gaps", "gap_classes", "no_gaps", "read_gaps"]

#: Gaps that are looked at, about: of more, cells (pair, product group, year) with many give some of theirs.
_MOST_GAPS = 3_000_000
#: Classes of gaps alike: by factors of about 1.6, from a thousandth on.
_PER_LOG = 2.0
_NEAREST = -7.0
_CLASSES = int((np.log(FARTHEST) - _NEAREST) * _PER_LOG) + 1
#: Equal figures stand in the first class, whichever last digit an engine gives a logarithm.
_ROUNDED = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Gaps of flows that both report, on one scale; G gaps.

    Attributes
    ----------
    exporters, importers
        Areas.
    exporter, importer
        (G) their numbers.
    chapter
        (G) place among the chapters; −1 where it is none of them.
    size
        (G) size class of the flow.
    gap
        (G) ln importer's − ln ratio − ln exporter's, cut at ±3.
    flows
        (G) flows that the gap stands for.
    """

    exporters: list[str]
    importers: list[str]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    chapter: NDArray[np.int64]
    size: NDArray[np.int64]
    gap: NDArray[np.float64]
    flows: NDArray[np.float64]

    def of_chapters(self) -> Gaps:
        """Return the gaps of known chapters."""
        known = self.chapter >= 0
        if known.all():
            return self
        return Gaps(
            self.exporters,
            self.importers,
            self.exporter[known],
            self.importer[known],
            self.chapter[known],
            self.size[known],
            self.gap[known],
            self.flows[known],
        )


@dataclass(frozen=True, slots=True, eq=False)
class GapClasses:
    """How many gaps of each pair are how large: what reliability is fitted to; C classes.

    Attributes
    ----------
    exporters, importers
        Areas.
    exporter, importer
        (C) their numbers.
    size
        (C) size class of the flows.
    flows, total, squares
        (C) gaps, their sum, the sum of their squares.
    """

    exporters: list[str]
    importers: list[str]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    size: NDArray[np.int64]
    flows: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


def read_gaps(years: IntoFrame, ratios: RatioFit, chapters: Sequence[str]) -> Gaps:
    """Return the gaps of the flows that both report: a named step that executes one query, at most two.

    Of more than three million gaps a sample is enough: reliability is that of 220 reporters in 99 chapters.
    (With 28% of 50,000 gaps errors grew by 0.3% to 1.4%: docs/explanation/reconciliation.md.)
    Every cell (pair, product group, year) gives the same number at most, so that small traders keep theirs;
    of a cell with more every n-th good in the order of the codes is taken, and counts n times. No chance is
    in it: the same rows on every engine.

    Parameters
    ----------
    years
        See :func:`entrepot.reconcile.flow_years`.
    ratios
        Fitted to the same years.
    chapters
        All that there are.
    """
    x, m = nw.col("exporter_sum"), nw.col("importer_sum")
    data: Any = nw.from_native(years).filter(
        (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer")) & is_own()
    )
    cells, names = _cells(ratios)
    goods = place_beside(_numbered_goods(data), years) if "__every" in cells.column_names else None
    data = data.join(place_beside(cells, years), on=list(RATIO_KEYS), how="inner")
    if goods is not None:
        is_taken = (nw.col("__good") + nw.col("__cell")) % nw.col("__every") == 0
        data = data.join(goods, on="hs_code", how="inner").filter(is_taken)
    else:
        data = data.with_columns(nw.lit(1).alias("__every"))
    scale = nw.col("log_ratio") + nw.col("log_passed")
    rows = data.select(
        "__exporter", "__importer", "chapter", "__every",
        (m.log() - scale - x.log()).alias("log_gap"),
        size_class((x.log() + m.log() - scale) / 2).alias("size"),
    )  # fmt: skip
    return _gaps(small_table(rows.to_native(), what="gaps"), names, chapters)


def _cells(ratios: RatioFit) -> tuple[pa.Table, tuple[list[str], list[str]]]:
    """Return the ratio of each cell, numbers for its areas, and which of its goods are taken if not all."""
    seen = ratios.table.filter(pa.array(floats(ratios.table, "flows") > 0))
    names, columns = [], {name: seen[name] for name in (*RATIO_KEYS, "log_ratio")}
    for side in ("exporter", "importer"):
        words, number = codes(seen, side) if seen.num_rows else ([], np.empty(0, dtype=np.int64))
        names.append(words)
        columns[f"__{side}"] = pa.array(number.astype(np.int32))
    every = _every(floats(seen, "flows"))
    if every is not None:
        columns |= {"__every": pa.array(every), "__cell": pa.array(np.arange(seen.num_rows))}
    return pa.table(columns), (names[0], names[1])


def _every(flows: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Return which n-th good of a cell is taken; None where all are."""
    if flows.sum() <= _MOST_GAPS:
        return None
    least, most = 1, int(flows.max())
    while least < most:
        middle = (least + most + 1) // 2
        if (flows / np.ceil(flows / middle)).sum() <= _MOST_GAPS:
            least = middle
        else:
            most = middle - 1
    return np.ceil(flows / least).astype(np.int64)


def _numbered_goods(data: Any) -> pa.Table:
    goods = small_table(data.group_by("hs_code").agg(nw.len().alias("flows")).to_native(), what="goods")
    goods = goods.select(["hs_code"]).sort_by("hs_code")
    return goods.append_column("__good", pa.array(np.arange(goods.num_rows)))


def _gaps(rows: pa.Table, names: tuple[list[str], list[str]], chapters: Sequence[str]) -> Gaps:
    words, chapter = codes(rows, "chapter") if rows.num_rows else ([], np.empty(0, dtype=np.int64))
    places = {word: place for place, word in enumerate(chapters)}
    place = np.array([places.get(word, -1) for word in words], dtype=np.int64)
    exporters, exporter = _present(names[0], floats(rows, "__exporter").astype(np.int64))
    importers, importer = _present(names[1], floats(rows, "__importer").astype(np.int64))
    return Gaps(
        exporters, importers, exporter, importer, place[chapter], floats(rows, "size").astype(np.int64),
        np.clip(floats(rows, "log_gap"), -FARTHEST, FARTHEST), floats(rows, "__every"),
    )  # fmt: skip


def _present(words: list[str], number: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the words that occur, and their numbers: of a cell no row may have been taken."""
    occurs = np.bincount(number, minlength=len(words)) > 0
    present = [word for word, is_there in zip(words, occurs, strict=True) if is_there]
    return present, (np.cumsum(occurs) - 1)[number]


def no_gaps() -> Gaps:
    """Return the gaps of flows of which nobody knows the measure."""
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    return Gaps([], [], none, none, none, none, nothing, nothing)


def gap_classes(gaps: Gaps) -> GapClasses:
    """Return how many gaps of each pair and size are how large.

    Parameters
    ----------
    gaps
        See :func:`read_gaps`.
    """
    logs = np.log(np.clip(np.abs(gaps.gap), np.exp(_NEAREST), FARTHEST))
    kind = np.floor((logs - _NEAREST) * _PER_LOG + _ROUNDED).astype(np.int64)
    pair = combine_codes(gaps.exporter, gaps.importer)
    key = combine_codes(pair, gaps.size * _CLASSES + kind)
    first = first_rows(key)
    flows, total, squares = (
        sums(key, gaps.flows * part, len(first)) for part in (1.0, gaps.gap, gaps.gap * gaps.gap)
    )
    return GapClasses(
        gaps.exporters, gaps.importers, gaps.exporter[first], gaps.importer[first], gaps.size[first],
        flows, total, squares,
    )  # fmt: skip
