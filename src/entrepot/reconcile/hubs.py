"""Which exporters' goods stand under their origin in importers' books: what the gaps of others tell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import scipy

from entrepot.reconcile.arrays import codes, combine_codes, first_rows, floats, sums, weighted_medians

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

__all__ = ["HubFit", "find_hubs", "no_hubs"]

#: How many of a hub's largest suppliers its goods may be entered under; what fits best is taken.
_SUPPLIERS = (1, 2, 3, 5, 10)
#: Shares from which the search begins: a redescending loss has several bottoms.
_STARTS = (0.05, 0.3)
_ROUNDS = 30
#: Rounds after which the numbers of suppliers are compared, and how many of them go on.
_TRIAL_ROUNDS = 9
_FINALISTS = 2
#: Starts whose shares lie so near after those rounds end at the same place: each round halves the distance.
_SAME_BOTTOM = 0.005
#: Rounds after which the habits of reporters and pairs are found anew.
_HABITS = 3
#: Standard deviations at which a gap pulls half.
_FAR = 2.5
#: A hub is believed with so many gaps of others, standard errors and at least such a share.
_FEWEST_GAPS = 50
_LEAST_SCORE = 5.0
_LEAST_SHARE = 0.02
_MOST_SHARE = 0.7
#: Flows with two reports under which an exporter's own gaps do not say whether it is a hub.
_FEWEST_OWN = 20
#: Goods of one that has none, under which the gaps of others do not say so either.
_FEWEST_GOODS = 10
#: Pairs, and flows of a pair, at which a habit counts half.
_HALF_PAIRS = 3.0
_HALF_FLOWS = 8.0
_DEVIATION = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class HubFit:
    """Exporters whose goods importers enter under the goods' origin.

    Attributes
    ----------
    table
        **Grain**: hub. ``share`` of its exports that importers enter under its suppliers, ``score`` (in
        standard errors), ``gaps`` that tell, ``is_judged``: whether its own gaps were there to agree.
    suppliers
        Under how many of the largest suppliers of a good they stand.
    spread
        Standard deviation of the log of what a hub's goods add to a flow, around what is expected.
    """

    table: pa.Table
    suppliers: int
    spread: float

    def share_of(self, exporter: str) -> float:
        """Return the share of an exporter's goods that stand under their origin; 0 where it is no hub."""
        known = dict(zip(self.table["hub"].to_pylist(), self.table["share"].to_pylist(), strict=True))
        return float(known.get(exporter, 0.0))

    def share_of_sent(self, exporter: str) -> float:
        """Return what stands under others over what is known to have been sent.

        That is what the exporter reports; of one that publishes nothing, what importers left under it.
        """
        judged = dict(zip(self.table["hub"].to_pylist(), self.table["is_judged"].to_pylist(), strict=True))
        share = self.share_of(exporter)
        return share if judged.get(exporter, True) else share / (1.0 - share)


def no_hubs() -> HubFit:
    """Return the fit of books in which no exporter's goods stand under others."""
    columns = {
        "hub": pa.array([], pa.string()), "share": pa.array([], pa.float64()),
        "score": pa.array([], pa.float64()), "gaps": pa.array([], pa.int64()),
        "is_judged": pa.array([], pa.bool_()),
    }  # fmt: skip
    return HubFit(pa.table(columns), _SUPPLIERS[0], 0.0)


def find_hubs(cells: pa.Table | None) -> HubFit:
    r"""Find hubs from what importers show of their suppliers over what these export.

    Goods that passed a hub stand under the hub in its own book and under their origin in the importer's.
    Nothing is lost, it is booked elsewhere: where a hub sends much of a good to an importer, the importer
    shows more of the hub's suppliers of that good than these have sent.

    *Formula*  With A_hojk the hub's exports to j of good k times the share of o among its suppliers of k,
    ln m_ojk − ln x_ojk = u_j + v_o + p_oj + ln(1 + Σ_h s_h·A_hojk/x_ojk) + ε, s_h ≥ 0 by reweighted least
    squares with a redescending loss, in turns with the habits u, v, p (medians, shrunk). How many of the
    largest suppliers count is what fits best. A hub that publishes is believed only where its own gaps show
    at least half of the loss, v_h ≤ ½·ln(1 − s_h), in twenty flows; one that publishes nothing where it
    has ten goods.

    Parameters
    ----------
    cells
        **Grain**: exporter × importer × hs_code. ``left`` and ``arrived`` (the other side's report where
        one is missing), ``exporter_sum`` and ``importer_sum`` over what both published. None where there
        are none.

    Returns
    -------
    HubFit
        Empty where nothing stands out.

    References
    ----------
    United Nations (2010), International Merchandise Trade Statistics: concepts and definitions, chapter VI
    (imports by country of origin, exports by last known destination).
    """
    if cells is None:
        return no_hubs()
    # engines differ in the order of rows, sums must not
    cells = cells.sort_by([(key, "ascending") for key in ("hs_code", "importer", "exporter")])
    books = _books(cells)
    if len(books.gap) < _FEWEST_GAPS:
        return no_hubs()
    # one scale for all, or the losses could not be compared
    scale = _scale(books.gap - _habits(books, books.gap)[0])
    with ThreadPoolExecutor() as threads:
        tried = list(threads.map(lambda suppliers: _trials(books, suppliers, scale), _SUPPLIERS))
        finalists = sorted(filter(None, tried), key=lambda trials: min(one.loss for one in trials))
        goes_on = [one for trials in finalists[:_FINALISTS] for one in _apart(trials)]
        turns = range(_TRIAL_ROUNDS, _ROUNDS)
        ends = list(threads.map(lambda trial: _descend(books, trial, turns, scale), goes_on))
    best = min(ends, key=lambda one: one.loss, default=None)
    return no_hubs() if best is None else _believed(books, _with_errors(best))


def _apart(trials: list[_Trial]) -> list[_Trial]:
    """Return the trials that are not on the way to the same bottom: of two of those, the lower."""
    kept: list[_Trial] = []
    for trial in sorted(trials, key=lambda one: one.loss):
        if all(np.abs(trial.share - one.share).max() > _SAME_BOTTOM for one in kept):
            kept.append(trial)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Books:
    """The cells as arrays; C cells, T of them with two reports, n areas.

    Attributes
    ----------
    areas
        n codes.
    i, j, k
        (C) exporter, importer, good.
    left, arrived
        (C) what left, what arrived by origin.
    told
        (T) rows with two reports.
    gap, own
        (T) log of importer's over exporter's; exporter's report.
    pair
        (T) number of the pair.
    """

    areas: list[str]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    k: NDArray[np.int64]
    left: NDArray[np.float64]
    arrived: NDArray[np.float64]
    told: NDArray[np.int64]
    gap: NDArray[np.float64]
    own: NDArray[np.float64]
    pair: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A number of suppliers and a start, after some rounds; H hubs, T told flows, n areas.

    Attributes
    ----------
    hubs, gaps, share
        (H) areas, gaps of others that tell, shares so far.
    added
        (T × H) what a hub's goods can add to a flow.
    habit, left
        (T) what the pair is off by in all goods; what is left of the gap.
    exporters
        (n) the exporters' habits.
    loss
        Mean loss of what is left.
    """

    suppliers: int
    hubs: NDArray[np.int64]
    added: csr_array
    gaps: NDArray[np.int64]
    share: NDArray[np.float64]
    habit: NDArray[np.float64]
    exporters: NDArray[np.float64]
    left: NDArray[np.float64]
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """The number of suppliers that fits best; H hubs."""

    suppliers: int
    hubs: NDArray[np.int64]
    share: NDArray[np.float64]
    error: NDArray[np.float64]
    gaps: NDArray[np.int64]
    exporters: NDArray[np.float64]
    spread: float


def _books(cells: pa.Table) -> _Books:
    areas = sorted({*codes(cells, "exporter")[0], *codes(cells, "importer")[0]})
    i, j = (
        np.searchsorted(areas, codes(cells, side)[0]).astype(np.int64)[codes(cells, side)[1]]
        for side in ("exporter", "importer")
    )
    x, m = floats(cells, "exporter_sum"), floats(cells, "importer_sum")
    told = np.flatnonzero((x > 0) & (m > 0))
    return _Books(
        areas, i, j, codes(cells, "hs_code")[1], floats(cells, "left"), floats(cells, "arrived"),
        told, np.log(m[told] / x[told]), x[told], combine_codes(i[told], j[told]),
    )  # fmt: skip


def _entries(books: _Books, suppliers: int) -> tuple[NDArray[np.int64], csr_array]:
    """Return the hubs and what their goods can add to each told flow, over the exporter's report (T × H)."""
    n = len(books.areas)
    good_at = books.j * (int(books.k.max()) + 1) + books.k  # a good where it arrives
    order = np.lexsort((books.i, -books.arrived, good_at))
    order = order[books.arrived[order] > 0]
    starts = np.flatnonzero(np.r_[True, np.diff(good_at[order]) != 0])
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    bought = order[place < suppliers]  # hub = importer here, origin = exporter
    whole = sums(good_at[bought], books.arrived[bought])
    part = books.arrived[bought] / whole[good_at[bought]]
    # what the hub sent on, joined to what it bought of the good
    sent = np.flatnonzero(books.left > 0)
    key = books.i[sent] * (int(books.k.max()) + 1) + books.k[sent]
    by_hub = good_at[bought]
    first, last = np.searchsorted(by_hub, key), np.searchsorted(by_hub, key, side="right")
    many = last - first
    at = np.repeat(np.arange(len(sent)), many)
    of = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
    origin, hub, to = books.i[bought[of]], books.i[sent[at]], books.j[sent[at]]
    amount = books.left[sent[at]] * part[of]
    wanted = (books.k[sent[at]] * n + to) * n + origin
    known = (books.k[books.told] * n + books.j[books.told]) * n + books.i[books.told]
    row = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    is_told = (known[row] == wanted) & (origin != to)
    row, hub, amount = row[is_told], hub[is_told], amount[is_told]
    names, column = np.unique(hub, return_inverse=True)
    shape = len(books.gap), len(names)
    return names, scipy.sparse.csr_array((amount / books.own[row], (row, column)), shape=shape)


def _trials(books: _Books, suppliers: int, scale: float) -> list[_Trial]:
    """Return the first rounds from every start; none where no hub has gaps enough."""
    names, added = _entries(books, suppliers)
    gaps = np.bincount(added.indices, minlength=len(names))
    enough = np.flatnonzero(gaps >= _FEWEST_GAPS)
    if not len(enough):
        return []
    names, added, gaps = names[enough], scipy.sparse.csr_array(added[:, enough]), gaps[enough]
    none = np.zeros(0)
    return [
        _descend(
            books,
            _Trial(suppliers, names, added, gaps, np.full(len(names), start), none, none, none, np.inf),
            range(_TRIAL_ROUNDS),
            scale,
        )
        for start in _STARTS
    ]


def _with_errors(end: _Trial) -> _Fit:
    error, spread = _errors(end.added, end.share, end.left, _scale(end.left))
    return _Fit(end.suppliers, end.hubs, end.share, error, end.gaps, end.exporters, spread)


def _descend(books: _Books, trial: _Trial, turns: range, scale: float) -> _Trial:
    added, share, habit, exporters = trial.added, trial.share, trial.habit, trial.exporters
    for turn in turns:
        grown = 1.0 + added @ share
        shown = books.gap - np.log(grown)
        if turn % _HABITS == 0:
            habit, exporters = _habits(books, shown)
        left = shown - habit
        slopes, weight, square = _slopes(added, grown, left, _scale(left))
        weighted = slopes.T @ (weight * (left + slopes @ share))
        lower = _root(square)
        found = scipy.optimize.nnls(lower.T, scipy.linalg.solve_triangular(lower, weighted, lower=True))[0]
        share = 0.5 * share + 0.5 * np.minimum(found, 1.0 / (1.0 - _MOST_SHARE))
    left = books.gap - habit - np.log(1.0 + added @ share)
    loss = float(np.mean(left**2 / (left**2 + (_FAR * scale) ** 2)))
    return replace(trial, share=share, habit=habit, exporters=exporters, left=left, loss=loss)


def _scale(left: NDArray[np.float64]) -> float:
    return max(_DEVIATION * float(np.median(np.abs(left))), 1e-6)


def _weights(left: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return the weights of Geman and McClure's loss, which lets go of outliers."""
    return np.asarray(1.0 / (1.0 + (left / (_FAR * scale)) ** 2) ** 2)


def _slopes(
    added: csr_array, grown: NDArray[np.float64], left: NDArray[np.float64], scale: float
) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """Return the slopes of the gaps by share, the gaps' weights, and the normal matrix."""
    slopes = _rows_times(added, 1.0 / grown)
    weight = _weights(left, scale)
    square = (slopes.T @ _rows_times(slopes, weight)).toarray()
    return slopes, weight, square + np.eye(len(square)) * (1e-9 * np.trace(square) + 1e-12)


def _root(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower triangle whose square this is.

    Packed, since LAPACK does that in one thread: threads that wait for each other on a busy machine took a
    hundred times as long for two hundred hubs.
    """
    lower = np.tril_indices(len(square))
    packed, info = scipy.linalg.lapack.dpptrf(len(square), square[lower])
    if info:
        return np.asarray(np.linalg.cholesky(square))  # which says what is wrong
    root = np.zeros_like(square)
    root[lower] = packed
    return root


def _rows_times(matrix: csr_array, factors: NDArray[np.float64]) -> csr_array:
    data = matrix.data * np.repeat(factors, np.diff(matrix.indptr))
    return scipy.sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _errors(
    added: csr_array, share: NDArray[np.float64], left: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.float64], float]:
    """Return the shares' standard errors (sandwich), and the spread of what hubs add around expectation."""
    grown = 1.0 + added @ share
    slopes, weight, square = _slopes(added, grown, left, scale)
    middle = (slopes.T @ _rows_times(slopes, (weight * left) ** 2)).toarray()
    inverse = np.linalg.inv(square)
    part = 1.0 - 1.0 / grown
    much = part > 0.2
    beyond = 0.0
    if much.sum() >= _FEWEST_GAPS:
        beyond = max(_scale(left[much]) ** 2 - scale**2, 0.0) / float(np.mean(part[much] ** 2))
    return np.sqrt(np.maximum(np.diag(inverse @ middle @ inverse), 0.0)), float(np.sqrt(beyond))


def _habits(books: _Books, gap: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what reporters and pairs are off by in all goods, by told flow, and the exporters' habits."""
    first = first_rows(books.pair)
    i, j = books.i[books.told[first]], books.j[books.told[first]]
    n = sums(books.pair, np.ones(len(gap)))
    middle = weighted_medians(gap, np.ones(len(gap)), books.pair, len(first))
    areas, weight = len(books.areas), np.minimum(n, _FEWEST_OWN)
    u, v = np.zeros(areas), np.zeros(areas)
    pairs_i, pairs_j = (np.bincount(side, minlength=areas) for side in (i, j))
    for _ in range(4):
        u = weighted_medians(middle - v[i], weight, j, areas) * pairs_j / (pairs_j + _HALF_PAIRS)
        v = weighted_medians(middle - u[j], weight, i, areas) * pairs_i / (pairs_i + _HALF_PAIRS)
    own = u[j] + v[i]
    own = own + n / (n + _HALF_FLOWS) * (middle - own)
    return own[books.pair], v


def _believed(books: _Books, fit: _Fit) -> HubFit:
    score = np.where(fit.error > 0, fit.share / np.where(fit.error > 0, fit.error, 1.0), 0.0)
    own_flows = np.bincount(books.i[books.told], minlength=len(books.areas))[fit.hubs]
    is_judged = own_flows >= _FEWEST_OWN
    # of a hub that publishes nothing only what importers left under it is known
    share = np.where(is_judged, fit.share, fit.share / (1.0 + fit.share))
    share = np.minimum(share, _MOST_SHARE)
    usual = float(np.median(fit.exporters[np.unique(books.i[books.told])]))
    agrees = fit.exporters[fit.hubs] - usual <= 0.5 * np.log1p(-share)
    sent = np.flatnonzero(books.left > 0)
    of_good = first_rows(combine_codes(books.i[sent], books.k[sent]))
    goods = np.bincount(books.i[sent][of_good], minlength=len(books.areas))[fit.hubs]
    is_silent = (own_flows == 0) & (goods >= _FEWEST_GOODS)
    keep = (score >= _LEAST_SCORE) & (share >= _LEAST_SHARE) & ((is_judged & agrees) | is_silent)
    table = pa.table(
        {
            "hub": pa.array([books.areas[hub] for hub in fit.hubs[keep]], pa.string()),
            "share": pa.array(share[keep], pa.float64()),
            "score": pa.array(score[keep], pa.float64()),
            "gaps": pa.array(fit.gaps[keep], pa.int64()),
            "is_judged": pa.array(is_judged[keep], pa.bool_()),
        }
    )
    return HubFit(table, fit.suppliers, fit.spread)
