r"""Gravity of trade: Poisson pseudo-maximum likelihood with any number of sets of fixed effects.

*Formula*  E[y_i] = exp(x_i'β + Σ_s α_{s, g_s(i)}). Solved by reweighted least squares, in which outcome and
terms are swept of the effects by weighted means in turn (Correia, Guimarães and Zylkin 2020, The Stata
Journal 20, pp. 95-115). Own code: the libraries that fit it bring a plotting
stack along, or are under the GPL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from scipy.stats import norm

from entrepot.errors import CoverageError, OptionError
from entrepot.model.gravity_effects import effect_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["GravityFit", "fit_gravity"]

_ROUNDS = 200
_SWEEPS = 20_000
_TOLERANCE = 1e-10
_ALONE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class GravityFit:
    """Estimates of a gravity model.

    Attributes
    ----------
    table
        **Grain**: term. ``term``, ``estimate``, ``std_error``, ``low``, ``high`` (90%), ``p_value``.
    rows
        Rows that the fit is made of.
    rows_null
        Rows left out since a column is null.
    rows_separated
        Rows left out since all rows of an effect are zero: their effect is minus infinity, and they say
        nothing of the terms.
    deviance
        Of the fit.
    effects
        Of each set named in ``keep``, **grain**: its columns. ``estimate`` (log), ``component``: effects of
        one component can be compared with one another and have a mean of zero, others cannot.
    """

    table: pa.Table
    rows: int
    rows_null: int
    rows_separated: int
    deviance: float
    effects: Mapping[str, pa.Table]


def fit_gravity(
    frame: Any,
    *,
    outcome: str = "value_usd",
    terms: Sequence[str],
    effects: Sequence[str],
    cluster: str | None = None,
    keep: Sequence[str] = (),
) -> GravityFit:
    """Estimate what trade costs and agreements do to trade, zeros included.

    Use it for a panel of flows with distance, agreements and the like. Growth of cells around an event is
    what the ``gravity`` baseline of the detours takes: that needs none of this.

    Parameters
    ----------
    frame
        Any frame that Narwhals accepts; a lazy one is executed here.
    outcome
        Column of the flows, zero or more.
    terms
        Columns of numbers, logs taken already.
    effects
        Columns, or several joined by a colon, that each make a set of fixed effects: ``exporter:year``,
        ``importer:year``, ``pair``.
    cluster
        Column (or several joined by a colon) within which errors may depend; by rows when not given.
    keep
        Those of ``effects`` whose estimates are wanted, as trade costs of pairs are for a second stage.

    Returns
    -------
    GravityFit
        Standard errors are robust, times √(n/(n−1)), or √(G/(G−1)) of G clusters, as Stata's ``ppml``.

    *Missing data*: rows with a null in any of the columns are left out and counted.

    Raises
    ------
    CoverageError
        No flow is above zero, or no row is left.
    OptionError
        A column is missing, the outcome is below zero, the effects leave nothing of a term, or ``keep`` names
        a set that is none of the effects.

    References
    ----------
    Santos Silva, J. M. C. and Tenreyro, S. (2006), The log of gravity, Review of Economics and Statistics 88.
    Three-way panels: Yotov, Y. V. et al. (2016), An Advanced Guide to Trade Policy Analysis, WTO, chapter 1.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"x": [0.0, 0.0, 1.0, 1.0], "place": ["a"] * 4, "trade": [1.0, 3.0, 3.0, 5.0]})
    >>> fit = fit_gravity(table, outcome="trade", terms=["x"], effects=["place"])
    >>> round(fit.table["estimate"][0].as_py(), 6)  # log of twice as much
    0.693147
    """
    keys = list(
        dict.fromkeys([part for name in (*effects, cluster or "") for part in name.split(":") if part])
    )
    lazy = nw.from_native(frame).lazy()
    absent = [name for name in (outcome, *terms, *keys) if name not in lazy.collect_schema().names()]
    if absent or not terms or not effects:
        raise OptionError(
            f"the frame has no column {', '.join(absent)}" if absent else "no term or no effect is named",
            where="terms and effects",
            hint="terms=['rta'], effects=['exporter:year', 'importer:year', 'pair']",
        )
    if set(keep) - set(effects):
        raise OptionError(
            f"{', '.join(sorted(set(keep) - set(effects)))}: no such set of effects",
            where="keep",
            hint=f"choose among {', '.join(effects)}",
        )
    every = lazy.select(*dict.fromkeys([outcome, *terms, *keys])).collect("pyarrow").to_native()
    table = every.drop_null()
    y = table[outcome].cast(pa.float64()).to_numpy()
    x = np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in terms])
    known = np.isfinite(y) & np.isfinite(x).all(axis=1)
    groups = [_groups(table, name)[known] for name in effects]
    y, x = y[known], x[known]
    if np.any(y < 0):
        raise OptionError("flows below zero", where=f"column {outcome}", hint="give values, not changes")
    kept = _not_separated(y, groups)
    if not np.any(y[kept] > 0):
        raise CoverageError("no flow is above zero", where=f"column {outcome}", hint="look at its values")
    own = _groups(table, cluster)[known][kept] if cluster else np.arange(int(kept.sum()))
    groups = [np.unique(group[kept], return_inverse=True)[1] for group in groups]
    sweep = _Sweep(groups)
    y, x = y[kept], x[kept]
    found, mu, swept = _poisson(y, x, sweep, terms)
    scores = swept * (y - mu)[:, None]
    clusters = np.unique(own, return_inverse=True)[1]
    n_clusters = int(clusters.max()) + 1
    sums = np.column_stack([np.bincount(clusters, column, n_clusters) for column in scores.T])
    bread = np.linalg.inv(swept.T @ (swept * mu[:, None]))
    covariance = bread @ (sums.T @ sums) @ bread * (n_clusters / (n_clusters - 1))
    return GravityFit(
        _told(terms, found, np.sqrt(np.diag(covariance))),
        rows=y.size,
        rows_null=every.num_rows - int(known.sum()),
        rows_separated=int((~kept).sum()),
        deviance=_deviance(y, mu),
        effects=effect_tables(
            np.log(mu) - x @ found,
            table.filter(pa.array(known)).filter(pa.array(kept)),
            effects,
            groups,
            keep,
        ),
    )


def _groups(table: pa.Table, name: str) -> NDArray[np.int64]:
    """Return the number of the group of every row, of columns joined by colons."""
    code = np.zeros(table.num_rows, dtype=np.int64)
    for column in name.split(":"):
        own = table[column].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
        code = np.unique(code * (int(own.max(initial=0)) + 1) + own, return_inverse=True)[1]
    return code


def _not_separated(y: NDArray[np.float64], groups: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Return the rows that are left when groups of nothing but zeros are taken out, again and again."""
    kept = np.ones(y.size, dtype=bool)
    while True:
        before = kept.sum()
        for group in groups:
            sums = np.bincount(group, np.where(kept, y, 0.0), int(group.max(initial=0)) + 1)
            kept &= sums[group] > 0
        if kept.sum() == before:
            return kept


class _Sweep:
    """Takes weighted means of groups out of columns, set by set, until none is left."""

    def __init__(self, groups: list[NDArray[np.int64]]) -> None:
        self.groups = groups
        self.sizes = [int(group.max(initial=0)) + 1 for group in groups]

    def __call__(self, columns: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return columns (n, k) less what the effects explain, at weights (n,)."""
        sums = [
            np.bincount(g, weight, size).astype(np.float64)
            for g, size in zip(self.groups, self.sizes, strict=True)
        ]
        return np.column_stack([self._column(column, weight, sums) for column in columns.T])

    def _column(
        self, column: NDArray[np.float64], weight: NDArray[np.float64], sums: list[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        left = column.copy()
        scale = np.sqrt(np.average((column - np.average(column, weights=weight)) ** 2, weights=weight)) or 1.0
        for _ in range(_SWEEPS):
            moved = 0.0
            for group, size, total in zip(self.groups, self.sizes, sums, strict=True):
                mean = np.bincount(group, weight * left, size) / total
                left -= mean[group]
                moved = max(moved, float(np.max(np.abs(mean), initial=0.0)))
            if moved < _TOLERANCE * scale or len(self.groups) == 1:
                break
        return left


def _poisson(
    y: NDArray[np.float64], x: NDArray[np.float64], sweep: _Sweep, terms: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the coefficients, the fitted flows, and the terms swept of the effects at the fitted weights."""
    mu = (y + y.mean()) / 2
    eta, deviance = np.log(mu), np.inf
    for _ in range(_ROUNDS):
        working = eta + (y - mu) / mu
        swept = sweep(np.column_stack([working, x]), mu)
        ours, theirs = swept[:, 0], swept[:, 1:]
        size = np.sqrt(np.average(theirs**2, weights=mu, axis=0))
        whole = np.sqrt(np.average((x - np.average(x, weights=mu, axis=0)) ** 2, weights=mu, axis=0))
        lost = [term for term, a, b in zip(terms, size, whole, strict=True) if a <= _ALONE * max(b, 1.0)]
        if lost:
            raise OptionError(
                f"the effects explain {', '.join(lost)} fully",
                where="terms and effects",
                hint="leave the term out, or an effect that it is constant within",
            )
        found = np.linalg.solve(theirs.T @ (theirs * mu[:, None]), theirs.T @ (mu * ours))
        eta = working - (ours - theirs @ found)
        mu = np.exp(np.clip(eta, -300.0, 300.0))
        last, deviance = deviance, _deviance(y, mu)
        if abs(last - deviance) <= _TOLERANCE * max(1.0, deviance):
            break
    return found, mu, sweep(x, mu)


def _deviance(y: NDArray[np.float64], mu: NDArray[np.float64]) -> float:
    logs = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / mu), 0.0)
    return float(2 * np.sum(logs - (y - mu)))


def _told(terms: Sequence[str], estimate: NDArray[np.float64], error: NDArray[np.float64]) -> pa.Table:
    reach = norm.ppf(0.95) * error
    return pa.table(
        {
            "term": pa.array(terms, pa.string()),
            "estimate": estimate,
            "std_error": error,
            "low": estimate - reach,
            "high": estimate + reach,
            "p_value": 2 * norm.sf(np.abs(estimate / error)),
        }
    )
