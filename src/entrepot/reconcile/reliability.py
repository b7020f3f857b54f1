"""How far each reporter's figures can be trusted, by flow and chapter: a variance analysis of the gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.errors import UnknownCodeError
from entrepot.reconcile.arrays import combine_codes, first_rows, sums, weighted_medians
from entrepot.reconcile.outliers import Outliers, find_outliers, ordinary_shares
from entrepot.reconcile.sizes import SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.reconcile.gaps import GapClasses, Gaps

__all__ = [
    "ALL_CHAPTERS",
    "Reliability",
    "fit_reliability",
    "ordinary_variances",
    "with_chapters",
]

#: Every chapter that a code may have, and totals of all goods.
ALL_CHAPTERS = (*(f"{number:02d}" for number in range(1, 100)), "TO")

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
#: Of the square of a standard normal number.
_MEDIAN_OF_SQUARES = 0.454936
#: Part of the best exporters' variance that is the importers': other months, other partner concept.
_SHARED = 0.5
_ROUNDS = 12
#: Steps of a round, which goes on from the last, and of the chapters, which begin at their reporters'.
_STEPS = 15
_CHAPTER_STEPS = 12


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
    outliers
        Gaps that are no noise: goods under another partner or code in one of the books.
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
    outliers: Outliers
    typical: float
    shared: float

    def is_judged(self, reporter: str) -> bool:
        """Tell whether the reporter has flows that its partners report too."""
        return reporter in self.reporters["reporter"].to_pylist()

    def explain(self, reporter: str, what: str = "figure") -> str:
        """Say in words what a reporter's weight rests on.

        Parameters
        ----------
        reporter
            Area code.
        what
            What is reported.

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
        return "\n".join(_sentence(row, what) for row in rows)


def _sentence(row: dict[str, Any], what: str) -> str:
    percent = 100 * (np.exp(row["reporting_sd"]) - 1)
    side = "exports" if row["flow"] == "export" else "imports"
    return (
        f"{row['reporter']} {side}: one {what} is typically {percent:.0f}% off (a factor of "
        f"{np.exp(row['reporting_sd']):.2f}), judged by {row['flows']:,} yearly flows with {row['partners']} "
        f"partners; rank {row['rank']} of {row['ranked']}. Against a typical partner it has "
        f"{100 * row['weight']:.0f}% of the weight."
    )


def fit_reliability(cells: GapClasses, areas: list[str], chapters: Sequence[str]) -> Reliability:
    r"""Split the variance of the gaps between exporters and importers; see :func:`with_chapters`.

    *Formula*  A gap of i's exports to j, of size s, is normal with variance (a_i + b_j)·h_s with probability
    1 − π_s, and an outlier with variance C_s more with probability π_s. Solved in turns (EM): the
    probability that a gap is ordinary; then a, b and h by the multiplicative steps that raise the
    likelihood of ordinary gaps; then π and C. Each reporter is drawn to the typical variance with 20 flows.
    Only sums a + b are seen. What a and b have in common is split evenly at first; then half of what even
    the best tenth of the exporters show is booked on the importers: it is arrival instead of departure,
    and origin instead of last known destination.

    Parameters
    ----------
    cells
        See :func:`entrepot.reconcile.gaps.gap_classes`.
    areas
        All areas that may report.
    chapters
        All chapters that occur; a reporter is the same in all of them.

    Returns
    -------
    Reliability
        For every area and chapter.

    References
    ----------
    Gaulier and Zignago (2010), BACI, CEPII working paper 2010-23, section 4.
    """
    if not len(cells.flows):
        return _unknown(areas, chapters)
    a, b, h, outliers = _of_reporters(cells)
    typical = max(
        0.5 * float((cells.flows * (a[cells.exporter] + b[cells.importer])).sum() / cells.flows.sum()),
        _LEAST_VARIANCE,
    )
    shared = _shared_variance(a, sums(cells.exporter, cells.flows))
    places = {area: order for order, area in enumerate(areas)}
    tables, reporters = [], []
    for flow, words, own, sides, sign in (
        ("export", cells.exporters, a, (cells.exporter, cells.importer), -1.0),
        ("import", cells.importers, b + shared, (cells.importer, cells.exporter), 1.0),
    ):
        row = np.array([places[word] for word in words], dtype=np.int64)
        variance = np.full((len(areas), len(chapters)), typical)
        variance[row] = own[:, None]
        nothing = np.zeros(variance.shape, dtype=np.int64)
        tables.append(_table(flow, areas, chapters, variance, nothing))
        reporters.append(_by_reporter(flow, words, own, (*sides, cells.flows, sign * cells.total), typical))
    return Reliability(pa.concat_tables(tables), pa.concat_tables(reporters), h, outliers, typical, shared)


def with_chapters(fit: Reliability, gaps: Gaps, areas: list[str], chapters: Sequence[str]) -> Reliability:
    """Return the reliability by chapter too, each drawn to its reporter's own with 60 flows.

    Parameters
    ----------
    fit
        Of reporters.
    gaps
        See :func:`entrepot.reconcile.gaps.read_gaps`; they count as far as they are ordinary.
    areas, chapters
        Those that ``fit`` was made for.
    """
    gaps = gaps.of_chapters()
    if not len(gaps.gap):
        return fit
    row_i, row_j = _rows(gaps, areas)
    of_flow = _variances(fit, areas, chapters)
    a, b = of_flow[0][row_i, 0], np.maximum(of_flow[1][row_j, 0] - fit.shared, _LEAST_VARIANCE)
    squares = gaps.gap * gaps.gap
    variance = ordinary_variances(fit, gaps, areas, chapters)
    part = gaps.flows * ordinary_shares(squares, variance, gaps.size, fit.outliers)
    found = _of_chapters(gaps, part, part * squares / fit.size_factors[gaps.size], a, b)
    shape = len(areas), len(chapters)
    tables = []
    for flow, row, before, extra, one in (
        ("export", row_i, of_flow[0], 0.0, found[0]),
        ("import", row_j, of_flow[1], fit.shared, found[1]),
    ):
        at, own, flows = (row[one.reporter], one.chapter), before.copy(), np.zeros(shape)
        own[at], flows[at] = one.variance + extra, one.flows
        tables.append(_table(flow, areas, chapters, own, np.rint(flows).astype(np.int64)))
    return replace(fit, table=pa.concat_tables(tables))


def ordinary_variances(
    fit: Reliability, gaps: Gaps, areas: list[str], chapters: Sequence[str]
) -> NDArray[np.float64]:
    """Return what each gap varies by if it is ordinary: of the two reporters, in the chapter, of the size.

    Parameters
    ----------
    fit
        Of reporters, or of reporters and chapters.
    gaps
        Of known chapters.
    areas, chapters
        Those that ``fit`` was made for.
    """
    a, b = _variances(fit, areas, chapters)
    row_i, row_j = _rows(gaps, areas)
    of_both = a[row_i[gaps.exporter], gaps.chapter] + b[row_j[gaps.importer], gaps.chapter]
    # what even the best exporters show is in both tables, and counts once
    return np.asarray((of_both - fit.shared) * fit.size_factors[gaps.size])


def _rows(gaps: Gaps, areas: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the place among all areas of those that export, and of those that import."""
    row_i, row_j = (
        np.searchsorted(areas, words).astype(np.int64) for words in (gaps.exporters, gaps.importers)
    )
    return row_i, row_j


def _variances(
    fit: Reliability, areas: list[str], chapters: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the variances of exports and imports, by area and chapter."""
    shape = len(areas), len(chapters)
    exports, imports = (
        np.array(fit.table.filter(pc.equal(fit.table["flow"], flow))["variance"]).reshape(shape)
        for flow in ("export", "import")
    )
    return exports, imports


@dataclass(frozen=True, slots=True, eq=False)
class _InChapters:
    """Variances of reporters in the chapters that they report; one entry a reporter and chapter."""

    reporter: NDArray[np.int64]
    chapter: NDArray[np.int64]
    variance: NDArray[np.float64]
    flows: NDArray[np.float64]


def _of_reporters(
    cells: GapClasses,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], Outliers]:
    """Return the variances of exporters and importers, the factors of sizes, and the outliers."""
    pair = combine_codes(cells.exporter, cells.importer)
    first = first_rows(pair)
    i, j = cells.exporter[first], cells.importer[first]
    n, squares, size = cells.flows, cells.squares / cells.flows, cells.size
    typical = max(0.5 * _median(squares, n) / _MEDIAN_OF_SQUARES, _LEAST_VARIANCE)
    a, b, h = np.full(len(cells.exporters), typical), np.full(len(cells.importers), typical), np.ones(SIZES)
    variance = (a[cells.exporter] + b[cells.importer]) * h[size]
    outliers = find_outliers(n, squares, size, None, variance)
    for _ in range(_ROUNDS):
        part = ordinary_shares(squares, variance, size, outliers)
        of_pair = np.maximum(sums(pair, n * part), 1e-9)
        q = sums(pair, n * part * squares / h[size]) / of_pair
        a, b = _split(np.maximum(q, 1e-12), of_pair, i, j, (a, b), (typical, typical, _HALF_REPORTER))
        expected = a[cells.exporter] + b[cells.importer]
        typical = max(0.5 * float((n * part * expected).sum() / (n * part).sum()), _LEAST_VARIANCE)
        h = _size_factors(n * part, n * part * squares, expected, size)
        variance = expected * h[size]
        outliers = find_outliers(n, squares, size, part, variance)
    return a, b, h, outliers


def _median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    one = np.zeros(len(values), dtype=np.int64)
    return float(weighted_medians(values, weight, one, 1)[0])


def _of_chapters(
    gaps: Gaps,
    part: NDArray[np.float64],
    squares: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
) -> tuple[_InChapters, _InChapters]:
    """Return both sides by chapter, each drawn to the reporter's own; sizes stand together."""
    cell = combine_codes(combine_codes(gaps.exporter, gaps.importer), gaps.chapter)
    first = first_rows(cell)
    i, j, c = gaps.exporter[first], gaps.importer[first], gaps.chapter[first]
    n = np.maximum(sums(cell, part), 1e-9)
    q = np.maximum(sums(cell, squares) / n, 1e-12)
    of_exporter, of_importer = combine_codes(i, c), combine_codes(j, c)
    i_first, j_first = first_rows(of_exporter), first_rows(of_importer)
    begin = (a[i[i_first]], b[j[j_first]])
    a_c, b_c = _split(q, n, of_exporter, of_importer, begin, (*begin, _HALF_CHAPTER), _CHAPTER_STEPS)
    return (
        _InChapters(i[i_first], c[i_first], a_c, sums(of_exporter, n)),
        _InChapters(j[j_first], c[j_first], b_c, sums(of_importer, n)),
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
        Outliers((0.05,) * SIZES, (1.0,) * SIZES),
        _UNKNOWN_VARIANCE,
        0.0,
    )
