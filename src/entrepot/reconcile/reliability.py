"""How far each reporter's figures can be trusted, by flow and chapter: a variance analysis of the gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.errors import UnknownCodeError
from entrepot.reconcile.arrays import codes, combine_codes, first_rows, floats, sums, weighted_medians
from entrepot.reconcile.outliers import FARTHEST, Outliers, find_outliers, ordinary_shares
from entrepot.reconcile.passage import is_own
from entrepot.reconcile.ratios import RATIO_KEYS
from entrepot.reconcile.sizes import SIZES, size_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame, IntoFrameT
    from numpy.typing import NDArray

__all__ = [
    "ALL_CHAPTERS",
    "Reliability",
    "chapter_moments",
    "fit_reliability",
    "gap_classes",
    "log_gaps",
    "with_chapters",
]

#: Every chapter that a code may have, and totals of all goods.
ALL_CHAPTERS = (*(f"{number:02d}" for number in range(1, 100)), "TO")

#: Classes of gaps alike: by factors of about 1.6, from a thousandth on.
_PER_LOG = 2.0
_NEAREST = -7.0
#: Equal figures stand in the first class, whichever last digit an engine gives a logarithm.
_ROUNDED = 1e-9
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
        (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer")) & is_own()
    )
    known = nw.from_native(cast("Any", ratios)).select(*RATIO_KEYS, "log_ratio")
    return cast(
        "IntoFrameT",
        two_sided.join(known, on=list(RATIO_KEYS), how="inner")
        .with_columns((m.log() - nw.col("log_ratio") - nw.col("log_passed") - x.log()).alias("log_gap"))
        .select(
            "exporter", "importer", "hs_code", "year", "chapter", "log_gap",
            size_class((x.log() + m.log() - nw.col("log_ratio") - nw.col("log_passed")) / 2).alias("size"),
        )
        .to_native(),
    )  # fmt: skip


def gap_classes(gaps: IntoFrameT) -> IntoFrameT:
    """Return how many gaps of each pair are how large: what reliability is fitted to.

    Parameters
    ----------
    gaps
        See :func:`log_gaps`.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × size × class of like gaps. ``flows``, ``total``, ``squares`` (of
        gaps cut at ±3).
    """
    cut = nw.col("log_gap").clip(-FARTHEST, FARTHEST)
    logs = cut.abs().clip(float(np.exp(_NEAREST)), FARTHEST).log()
    return cast(
        "IntoFrameT",
        nw.from_native(cast("Any", gaps))
        .select(
            "exporter", "importer", "size",
            ((logs - _NEAREST) * _PER_LOG + _ROUNDED).floor().cast(nw.Int64).alias("class"),
            cut.alias("__cut"), (cut * cut).alias("__square"),
        )
        .group_by("exporter", "importer", "size", "class")
        .agg(
            nw.len().alias("flows"),
            nw.col("__cut").sum().alias("total"),
            nw.col("__square").sum().alias("squares"),
        )
        .to_native(),
    )  # fmt: skip


def chapter_moments(gaps: IntoFrameT) -> IntoFrameT:
    """Return what chapters are fitted to: squares of the gaps as far as they are ordinary.

    Parameters
    ----------
    gaps
        See :func:`log_gaps`, with ``ordinary``, the probability that a gap is.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × chapter × size. ``flows`` and ``squares``, both weighted.
    """
    cut, part = nw.col("log_gap").clip(-FARTHEST, FARTHEST), nw.col("ordinary")
    return cast(
        "IntoFrameT",
        nw.from_native(cast("Any", gaps))
        .with_columns((part * cut * cut).alias("__square"))
        .group_by("exporter", "importer", "chapter", "size")
        .agg(part.sum().alias("flows"), nw.col("__square").sum().alias("squares"))
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


def fit_reliability(classes: pa.Table, areas: list[str], chapters: Sequence[str]) -> Reliability:
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
    classes
        See :func:`gap_classes`, executed.
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
    if not classes.num_rows:
        return _unknown(areas, chapters)
    cells = _cells(classes)
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


def with_chapters(
    fit: Reliability, moments: pa.Table, areas: list[str], chapters: Sequence[str]
) -> Reliability:
    """Return the reliability by chapter too, each drawn to its reporter's own with 60 flows.

    Parameters
    ----------
    fit
        Of reporters.
    moments
        See :func:`chapter_moments`, executed.
    areas, chapters
        Those that ``fit`` was made for.
    """
    if not moments.num_rows:
        return fit
    shape = len(areas), len(chapters)
    of_flow = [
        np.array(fit.table.filter(pc.equal(fit.table["flow"], flow))["variance"]).reshape(shape)
        for flow in ("export", "import")
    ]
    exporters, i = codes(moments, "exporter")
    importers, j = codes(moments, "importer")
    row_i, row_j = (np.searchsorted(areas, words).astype(np.int64) for words in (exporters, importers))
    a, b = of_flow[0][row_i, 0], of_flow[1][row_j, 0] - fit.shared
    found = _of_chapters(moments, (i, j), a, np.maximum(b, _LEAST_VARIANCE), fit.size_factors)
    tables = []
    for flow, row, variance, extra, one in (
        ("export", row_i, of_flow[0], 0.0, found[0]),
        ("import", row_j, of_flow[1], fit.shared, found[1]),
    ):
        column = np.searchsorted(chapters, one.chapters).astype(np.int64)
        at = row[one.reporter], column[one.chapter]
        own, flows = variance.copy(), np.zeros(shape)
        own[at], flows[at] = one.variance + extra, one.flows
        tables.append(_table(flow, areas, chapters, own, np.rint(flows).astype(np.int64)))
    return replace(fit, table=pa.concat_tables(tables))


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The classes of gaps as arrays; C cells."""

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


def _cells(classes: pa.Table) -> _Cells:
    exporters, exporter = codes(classes, "exporter")
    importers, importer = codes(classes, "importer")
    size = floats(classes, "size").astype(np.int64)
    of_cells = (floats(classes, name) for name in ("flows", "total", "squares"))
    return _Cells(exporters, importers, exporter, importer, size, *of_cells)


def _of_reporters(
    cells: _Cells,
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
    moments: pa.Table,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    h: NDArray[np.float64],
) -> tuple[_InChapters, _InChapters]:
    """Return both sides by chapter, each drawn to the reporter's own; sizes stand together."""
    names, chapter = codes(moments, "chapter")
    cell = combine_codes(combine_codes(*sides), chapter)
    first = first_rows(cell)
    i, j, c = sides[0][first], sides[1][first], chapter[first]
    size = floats(moments, "size").astype(np.int64)
    n = np.maximum(sums(cell, floats(moments, "flows")), 1e-9)
    q = np.maximum(sums(cell, floats(moments, "squares") / h[size]) / n, 1e-12)
    of_exporter, of_importer = combine_codes(i, c), combine_codes(j, c)
    i_first, j_first = first_rows(of_exporter), first_rows(of_importer)
    begin = (a[i[i_first]], b[j[j_first]])
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
        Outliers((0.05,) * SIZES, (1.0,) * SIZES),
        _UNKNOWN_VARIANCE,
        0.0,
    )
