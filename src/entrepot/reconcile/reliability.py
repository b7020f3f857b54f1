"""How far each reporter's figures can be trusted, by flow and chapter: a variance analysis of the gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa

from entrepot.errors import UnknownCodeError
from entrepot.reconcile.arrays import codes, combine_codes, first_rows, floats, sums
from entrepot.reconcile.ratios import RATIO_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame, IntoFrameT
    from numpy.typing import NDArray

__all__ = [
    "ALL_CHAPTERS",
    "SIZES",
    "Reliability",
    "by_size",
    "fit_reliability",
    "gap_moments",
    "log_gaps",
    "size_class",
]

#: Sizes of a flow: under a thousand (USD, or units of the measure), then by factors of ten.
SIZES = 7
#: Every chapter that a code may have, and totals of all goods.
ALL_CHAPTERS = (*(f"{number:02d}" for number in range(1, 100)), "TO")
_SMALLEST = 3.0  # log10 of the first bound

#: A gap beyond this (a factor of 20) counts as this.
_FARTHEST = 3.0
#: Standard deviations beyond which a gap counts as that many once a first fit is there.
_TAIL = 2.0
#: Flows at which a reporter's variance counts half against the typical one, and a chapter's against the
#: reporter's.
_HALF_REPORTER = 20.0
_HALF_CHAPTER = 60.0
#: Flows at which a size's factor counts half.
_HALF_SIZE = 200.0
#: Variance of one report where the data hold no flow with two: a standard deviation of 0.35.
_UNKNOWN_VARIANCE = 0.35**2
#: No report is believed to be better than this: a standard deviation of 0.5%.
_LEAST_VARIANCE = 0.005**2
#: Part of the best exporters' variance that is the importers': other months, other partner concept.
_SHARED = 0.8
_ROUNDS = 4
#: Steps of a round, which goes on from the last, and of the chapters, which begin at their reporters'.
_STEPS = 40
_CHAPTER_STEPS = 12


def log_gaps(years: IntoFrameT, ratios: IntoFrame) -> IntoFrameT:
    """Return the gap of every flow that both report, on one scale.

    Parameters
    ----------
    years
        See :func:`entrepot.reconcile.flow_years`.
    ratios
        ``RatioFit.table`` beside it.

    Returns
    -------
    frame of the caller's kind
        **Grain**: a row of ``years`` with two positive reports. ``exporter, importer, hs_code, year,
        chapter``, ``log_gap`` = ln importer's − ln ratio − ln exporter's, ``size`` (class).
    """
    x, m = nw.col("exporter_sum"), nw.col("importer_sum")
    two_sided = nw.from_native(cast("Any", years)).filter(
        (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer"))
    )
    known = nw.from_native(cast("Any", ratios)).select(*RATIO_KEYS, "log_ratio")
    return cast(
        "IntoFrameT",
        two_sided.join(known, on=list(RATIO_KEYS), how="inner")
        .with_columns((m.log() - nw.col("log_ratio") - x.log()).alias("log_gap"))
        .select(
            "exporter", "importer", "hs_code", "year", "chapter", "log_gap",
            size_class((x.log() + m.log() - nw.col("log_ratio")) / 2).alias("size"),
        )
        .to_native(),
    )  # fmt: skip


def size_class(log_amount: nw.Expr) -> nw.Expr:
    """Return the expression of the size class, 0 to ``SIZES`` − 1, of a natural logarithm."""
    tens = (log_amount / float(np.log(10.0)) - _SMALLEST + 1.0).floor()
    return tens.clip(0.0, SIZES - 1.0).cast(nw.Int64)


def by_size(factors: Sequence[float], size: nw.Expr) -> nw.Expr:
    """Return the expression of the factor of a size class."""
    found: nw.Expr = nw.lit(float(factors[0]))
    for least in range(1, SIZES):
        found = nw.when(size >= least).then(nw.lit(float(factors[least]))).otherwise(found)
    return found


def gap_moments(gaps: IntoFrameT, expected: nw.Expr | None = None, *, by_chapter: bool = True) -> IntoFrameT:
    """Return what reliability is fitted to: squares of the gaps, cut at ±3.

    Parameters
    ----------
    gaps
        See :func:`log_gaps`.
    expected
        Standard deviation of a gap; if it is given, gaps beyond two of it count as that.
    by_chapter
        Tell chapters apart.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × chapter × size. ``flows``, ``total``, ``squares``.
    """
    keys = ["exporter", "importer", *(["chapter"] if by_chapter else []), "size"]
    gap = nw.col("log_gap")
    cut = gap.clip(-_FARTHEST, _FARTHEST)
    if expected is not None:
        most = expected * _TAIL
        cut = nw.when(gap > most).then(most).when(gap < -most).then(-most).otherwise(gap)
    return cast(
        "IntoFrameT",
        nw.from_native(cast("Any", gaps))
        .with_columns(cut.alias("__cut"), (cut * cut).alias("__square"))
        .group_by(*keys)
        .agg(
            nw.len().alias("flows"),
            nw.col("__cut").sum().alias("total"),
            nw.col("__square").sum().alias("squares"),
        )
        .to_native(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """What every reporter's figures are worth.

    Attributes
    ----------
    table
        **Grain**: reporter × flow × chapter, all reporters in all chapters. ``variance`` of the log of one
        yearly report of ordinary size, ``flows`` it was learnt from.
    reporters
        **Grain**: reporter × flow. ``reporting_sd``, ``flows``, ``partners``, ``mean_gap`` (of log gaps after
        the ratio), ``weight`` against a typical partner (0 to 1), ``rank`` of ``ranked`` (1 is the most
        reliable).
    size_factors
        (SIZES) by what a flow's variance is multiplied for its size.
    typical
        Variance of a typical report.
    shared
        What even the best exporters show. It is the importers' when the two reports are weighed (arrival
        instead of departure, origin instead of last known destination), but counts for the exporter's
        interval too, since the data cannot tell.
    """

    table: pa.Table
    reporters: pa.Table
    size_factors: NDArray[np.float64]
    typical: float
    shared: float

    def explain(self, reporter: str) -> str:
        """Say in words what a reporter's weight rests on.

        Parameters
        ----------
        reporter
            Area code.

        Raises
        ------
        UnknownCodeError
            The reporter has no flow that its partner reports too.
        """
        rows = [row for row in self.reporters.to_pylist() if row["reporter"] == reporter]
        if not rows:
            raise UnknownCodeError(
                f"nothing is known of the reports of {reporter}",
                where=f"{self.reporters.num_rows} reporters and flows are judged",
                hint="only reporters with flows that their partners report too can be judged",
            )
        return "\n".join(_sentence(row) for row in rows)


def _sentence(row: dict[str, Any]) -> str:
    percent = 100 * (np.exp(row["reporting_sd"]) - 1)
    side = "exports" if row["flow"] == "export" else "imports"
    return (
        f"{row['reporter']} {side}: one figure is typically {percent:.0f}% off (a factor of "
        f"{np.exp(row['reporting_sd']):.2f}), judged by {row['flows']:,} yearly flows with {row['partners']} "
        f"partners; rank {row['rank']} of {row['ranked']}. Against a typical partner it has "
        f"{100 * row['weight']:.0f}% of the weight."
    )


def fit_reliability(moments: pa.Table, areas: list[str], chapters: Sequence[str]) -> Reliability:
    r"""Split the variance of the gaps between exporters and importers.

    *Formula*  E[gap²_ijcs] = (a_i + b_j)·h_s: a of the exporter, b of the importer, h of the size. Solved
    by the multiplicative steps that raise the likelihood of gaps that are normal with that variance; each
    reporter is drawn to the typical variance with 20 flows, each chapter to its reporter's with 60. Only
    sums a + b are seen. What a and b have in common is split evenly at first; then four fifths of what
    even the best tenth of the exporters show is booked on the importers: it is arrival instead of
    departure, and origin instead of last known destination.

    Parameters
    ----------
    moments
        See :func:`gap_moments`, executed; without chapters a reporter is the same in all of them.
    areas
        All areas that may report.
    chapters
        All chapters that occur.

    Returns
    -------
    Reliability
        For every area and chapter.

    References
    ----------
    Gaulier and Zignago (2010), BACI, CEPII working paper 2010-23, section 4.
    """
    if not moments.num_rows:
        return _unknown(areas, chapters)
    cells = _cells(moments)
    typical = max(0.5 * float(cells.squares.sum() / cells.flows.sum()), _LEAST_VARIANCE)
    a, b, h = _of_reporters(cells, typical)
    shared = _shared_variance(a, sums(cells.exporter, cells.flows))
    more = (None, None) if "chapter" not in moments.column_names else _of_chapters(cells, moments, a, b, h)
    places = {area: order for order, area in enumerate(areas)}
    tables, reporters = [], []
    for flow, words, own, extra, found, sign in (
        ("export", cells.exporters, a, 0.0, more[0], -1.0),
        ("import", cells.importers, b, shared, more[1], 1.0),
    ):
        row = np.array([places[word] for word in words], dtype=np.int64)
        variance, flows = np.full((len(areas), len(chapters)), typical), np.zeros((len(areas), len(chapters)))
        variance[row] = own[:, None]
        if found is not None:
            column = np.array([list(chapters).index(name) for name in found.chapters], dtype=np.int64)
            at = row[found.reporter], column[found.chapter]
            variance[at], flows[at] = found.variance, found.flows
        tables.append(_table(flow, areas, chapters, variance + extra, flows.astype(np.int64)))
        sides = (cells.exporter, cells.importer) if flow == "export" else (cells.importer, cells.exporter)
        reporters.append(
            _by_reporter(flow, words, own + extra, (*sides, cells.flows, sign * cells.total), typical)
        )
    return Reliability(pa.concat_tables(tables), pa.concat_tables(reporters), h, typical, shared)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The moments as arrays; C cells."""

    exporters: list[str]
    importers: list[str]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    size: NDArray[np.int64]
    flows: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _InChapters:
    """Variances of reporters in the chapters that they report; one entry a reporter and chapter."""

    chapters: list[str]
    reporter: NDArray[np.int64]
    chapter: NDArray[np.int64]
    variance: NDArray[np.float64]
    flows: NDArray[np.float64]


def _cells(moments: pa.Table) -> _Cells:
    exporters, exporter = codes(moments, "exporter")
    importers, importer = codes(moments, "importer")
    size = floats(moments, "size").astype(np.int64)
    of_cells = (floats(moments, name) for name in ("flows", "total", "squares"))
    return _Cells(exporters, importers, exporter, importer, size, *of_cells)


def _of_reporters(
    cells: _Cells, typical: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the variances of exporters and importers, and the factors of sizes, found in turns."""
    pair = combine_codes(cells.exporter, cells.importer)
    first = first_rows(pair)
    i, j, counts = cells.exporter[first], cells.importer[first], sums(pair, cells.flows)
    a, b = np.full(len(cells.exporters), typical), np.full(len(cells.importers), typical)
    h = np.ones(SIZES)
    for _ in range(_ROUNDS):
        q = sums(pair, cells.squares / h[cells.size]) / counts
        a, b = _split(q, counts, i, j, (a, b), (typical, typical, _HALF_REPORTER))
        h = _size_factors(cells.flows, cells.squares, a[cells.exporter] + b[cells.importer], cells.size)
    return a, b, h


def _of_chapters(
    cells: _Cells,
    moments: pa.Table,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    h: NDArray[np.float64],
) -> tuple[_InChapters, _InChapters]:
    """Return both sides by chapter, each drawn to the reporter's own; sizes stand together."""
    names, chapter = codes(moments, "chapter")
    cell = combine_codes(combine_codes(cells.exporter, cells.importer), chapter)
    first = first_rows(cell)
    i, j, c, n = cells.exporter[first], cells.importer[first], chapter[first], sums(cell, cells.flows)
    of_exporter, of_importer = combine_codes(i, c), combine_codes(j, c)
    i_first, j_first = first_rows(of_exporter), first_rows(of_importer)
    begin = (a[i[i_first]], b[j[j_first]])
    q = sums(cell, cells.squares / h[cells.size]) / n
    a_c, b_c = _split(q, n, of_exporter, of_importer, begin, (*begin, _HALF_CHAPTER), _CHAPTER_STEPS)
    return (
        _InChapters(names, i[i_first], c[i_first], a_c, sums(of_exporter, n)),
        _InChapters(names, j[j_first], c[j_first], b_c, sums(of_importer, n)),
    )


def _split(
    q: NDArray[np.float64],
    n: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    start: tuple[NDArray[np.float64], NDArray[np.float64]],
    prior: tuple[NDArray[np.float64] | float, NDArray[np.float64] | float, float],
    steps: int = _STEPS,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Split mean squares q of n gaps into a_i + b_j, each drawn to its prior as if by so many flows.

    Multiplicative steps (Févotte and Idier 2011, Itakura-Saito divergence): they keep a and b positive and
    never lower the likelihood.
    """
    a, b = (np.array(side, dtype=np.float64) for side in start)
    strength = prior[2]
    for _ in range(steps):
        for own, index, drawn in ((a, i, prior[0]), (b, j, prior[1])):
            s = a[i] + b[j]
            above = sums(index, n * q / s**2, len(own)) + strength * drawn / own**2
            below = sums(index, n / s, len(own)) + strength / own
            np.maximum(own * np.sqrt(above / below), _LEAST_VARIANCE, out=own)
    return a, b


def _shared_variance(a: NDArray[np.float64], flows: NDArray[np.float64]) -> float:
    """Return the part of the exporters' variance that even the best of them show."""
    known = flows >= _HALF_REPORTER
    return _SHARED * float(np.quantile(a[known], 0.1)) if known.any() else 0.0


def _size_factors(
    n: NDArray[np.float64],
    squares: NDArray[np.float64],
    expected: NDArray[np.float64],
    size: NDArray[np.int64],
) -> NDArray[np.float64]:
    found = (sums(size, squares, SIZES) + _HALF_SIZE * (n * expected).sum() / n.sum()) / (
        sums(size, n * expected, SIZES) + _HALF_SIZE * (n * expected).sum() / n.sum()
    )
    # The typical variance is that of the typical flow.
    return np.asarray(found / (sums(size, n, SIZES) @ found / n.sum()))


def _table(
    flow: str,
    areas: list[str],
    chapters: Sequence[str],
    variance: NDArray[np.float64],
    flows: NDArray[np.int64],
) -> pa.Table:
    return pa.table(
        {
            "reporter": pa.array(np.repeat(areas, len(chapters)).tolist(), pa.string()),
            "flow": pa.array([flow] * variance.size, pa.string()),
            "chapter": pa.array(list(chapters) * len(areas), pa.string()),
            "variance": pa.array(variance.ravel()),
            "flows": pa.array(flows.ravel()),
        }
    )


def _by_reporter(
    flow: str,
    words: list[str],
    variance: NDArray[np.float64],
    cells: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    typical: float,
) -> pa.Table:
    own, other, n, total = cells
    flows = sums(own, n, len(words))
    others = int(other.max(initial=0)) + 1
    pairs = np.unique(own * others + other) // others
    rank = np.argsort(np.argsort(variance, kind="stable"), kind="stable") + 1
    return pa.table(
        {
            "reporter": pa.array(words, pa.string()),
            "flow": pa.array([flow] * len(words), pa.string()),
            "reporting_sd": pa.array(np.sqrt(variance)),
            "mean_gap": pa.array(sums(own, total, len(words)) / flows),
            "flows": pa.array(flows.astype(np.int64)),
            "partners": pa.array(np.bincount(pairs, minlength=len(words))),
            "weight": pa.array(typical / (typical + variance)),
            "rank": pa.array(rank.astype(np.int64)),
            "ranked": pa.array(np.full(len(words), len(words), dtype=np.int64)),
        }
    )


def _unknown(areas: list[str], chapters: Sequence[str]) -> Reliability:
    shape = (len(areas), len(chapters))
    variance, flows = np.full(shape, _UNKNOWN_VARIANCE), np.zeros(shape, dtype=np.int64)
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    return Reliability(
        pa.concat_tables([_table(flow, areas, chapters, variance, flows) for flow in ("export", "import")]),
        _by_reporter("export", [], nothing, (none, none, nothing, nothing), _UNKNOWN_VARIANCE),
        np.ones(SIZES),
        _UNKNOWN_VARIANCE,
        0.0,
    )
