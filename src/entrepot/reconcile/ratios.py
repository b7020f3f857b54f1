"""CIF over FOB by pair and product group: the pair's own median, drawn to a regression on distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine import with_exact_medians
from entrepot.reconcile.arrays import (
    codes,
    combine_codes,
    common_variance,
    first_rows,
    floats,
    sums,
    weighted_medians,
)
from entrepot.reconcile.passage import is_own
from entrepot.reconcile.regression import robust_coefficients
from entrepot.reconcile.valuation import DEFAULT_CIF_FOB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrameT
    from numpy.typing import NDArray

    from entrepot.reconcile.windows import Measure

__all__ = ["RATIO_KEYS", "RatioFit", "fit_ratios", "ratio_statistics", "statistics_of"]

RATIO_KEYS = ("exporter", "importer", "product_group", "year")

#: Cells with both reports under which distance is not asked: a median of all must do.
_FEWEST_CELLS = 30
#: Turns of regression and habits.
_TURNS = 4
#: Cells that the regression looks at: the most precise.
_MOST_CELLS = 60_000
#: Flows at which a cell's median counts half in the regression, and pairs at which a habit counts half.
_HALF_FLOWS = 10.0
_HALF_PAIRS = 3.0
#: Pairs that the spread of an importer's pairs must be learnt from to count half.
_HALF_SPREAD = 3.0
#: A median's variance over a mean's, for normal noise.
_MEDIAN_VARIANCE = math.pi / 2
#: Standard deviation of the level of freight over places and times (logs).
_LEVELS_APART = 0.03
#: Standard deviations a median distance from the median.
_DEVIATION = 1.4826
#: No spread over pairs is believed to be smaller than this (logs).
_LEAST_SPREAD = 0.003
#: Log ratios beyond this (a factor of 20) count as this where squares are summed.
_FARTHEST = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class RatioFit:
    """Ratios of the two books, and the regression they were drawn to.

    Attributes
    ----------
    table
        **Grain**: exporter × importer × product_group × year. ``log_ratio`` puts the importer's report on
        the exporter's scale: freight, insurance and what the importer has always left out.
        ``log_freight`` is freight and insurance alone, never under nought. ``ratio_variance``, of the log
        ratio; ``flows`` with both reports.
    coefficients
        Of the log ratio: ``constant``, ``log_distance_km`` and its square, ``is_contiguous``, ``landlocked``,
        ``log_unit_value``, and one a year after the first. Those that the data cannot tell are absent.
    cells
        Cells with both reports that the regression saw.
    """

    table: pa.Table
    coefficients: dict[str, float]
    cells: int


@with_exact_medians
def ratio_statistics(years: IntoFrameT, measures: Sequence[Measure] = ()) -> IntoFrameT:
    """Return what the ratios are fitted to: medians by pair, product group and year.

    Parameters
    ----------
    years
        See :func:`entrepot.reconcile.flow_years`; or :func:`entrepot.reconcile.windows.years_of`.
    measures
        Those of the latter.

    Returns
    -------
    frame of the caller's kind
        **Grain**: exporter × importer × product_group × year, of every pair that trades. ``flows`` with
        both reports, ``median`` of their log ratios, ``total`` and ``squares`` of those (cut at ±3),
        ``log_unit_value`` (median). Of several measures all of these as :func:`statistics_of` takes them.
    """
    names: dict[str, Measure | None] = {f"{measure.name}_": measure for measure in measures}
    names = names or {"": None}
    data = nw.from_native(cast("Any", years))
    known = [f"{name}is_known" for name, measure in names.items() if measure and measure.unit]
    unit_values = dict.fromkeys(
        measure.unit_value if measure else "log_unit_value" for measure in names.values()
    )
    data = data.select(*RATIO_KEYS, *unit_values, *known, *[_log_ratio(name) for name in names])
    cuts = {name: nw.col(f"{name}log").clip(-_FARTHEST, _FARTHEST) for name in names}
    data = data.with_columns(
        *[cut.alias(f"{name}cut") for name, cut in cuts.items()],
        *[(cut * cut).alias(f"{name}square") for name, cut in cuts.items()],
    )
    return cast(
        "IntoFrameT",
        data.group_by(*RATIO_KEYS)
        .agg(
            *[nw.col(name).sum() for name in known],
            *[nw.col(f"{name}log").count().alias(f"{name}flows") for name in names],
            *[nw.col(f"{name}log").median().alias(f"{name}median") for name in names],
            *[nw.col(f"{name}cut").sum().alias(f"{name}total") for name in names],
            *[nw.col(f"{name}square").sum().alias(f"{name}squares") for name in names],
            *[nw.col(name).median() for name in unit_values],
        )
        .to_native(),
    )


def statistics_of(table: pa.Table, measure: Measure) -> pa.Table:
    """Return one measure's part of the statistics of several, of the cells in which somebody knows it.

    Parameters
    ----------
    table
        See :func:`ratio_statistics`, executed.
    measure
        One of its measures.
    """
    if measure.unit:
        table = table.filter(pc.greater(table[f"{measure.name}_is_known"], 0))
    columns = {key: table[key] for key in RATIO_KEYS}
    columns |= {name: table[f"{measure.name}_{name}"] for name in ("flows", "median", "total", "squares")}
    return pa.table(columns | {"log_unit_value": table[measure.unit_value]})


def _log_ratio(name: str) -> nw.Expr:
    """Return the expression of the log of importer's over exporter's report; null where one is missing."""
    x, m = nw.col(f"{name}exporter_sum"), nw.col(f"{name}importer_sum")
    is_two_sided = (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer")) & is_own()
    ratio = nw.when(is_two_sided).then(m).otherwise(1.0) / nw.when(is_two_sided).then(x).otherwise(1.0)
    return nw.when(is_two_sided).then(ratio.log() - nw.col("log_passed")).alias(f"{name}log")


def fit_ratios(statistics: pa.Table, geography: pa.Table, *, usual: float = DEFAULT_CIF_FOB) -> RatioFit:
    r"""Fit the ratio of every pair and product group.

    *Formula*  ln ρ_ijgt = x'β + u_j + v_i + p_ij + q_ijg. β by robust regression (first a soft
    absolute loss, then Cauchy's) on log distance, border, coasts, log unit value and years, in turns with u
    and v, the reporters' habits (medians of what is left, shrunk), whose own median is none; p and q what
    the pair and its product group have of their own, each drawn to zero by τ²/(τ² + π/2·σ²/n). τ² is learnt
    by importer: one that declares anything between a third and all of what arrives has pairs of their own,
    one that declares everything has none. The freight part of p is what all importers' pairs vary by.

    Parameters
    ----------
    statistics
        See :func:`ratio_statistics`, executed.
    geography
        Columns of :func:`entrepot.nomenclature.geography_table`.
    usual
        The ratio where nothing can be learnt.

    The level of freight is drawn to the usual one as far as the pairs, few or far apart, do not tell it.

    Returns
    -------
    RatioFit
        A row for each row of ``statistics``.

    *Missing data*: without any flow that both report the ratio is the usual one;
    without a distance a pair has the typical ratio of all.

    References
    ----------
    Gaulier and Zignago (2010), BACI, CEPII working paper 2010-23, section 3.
    """
    cells = _cells(statistics)
    flows = cells.flows
    seen = flows > 0
    if not seen.any():
        fitted = np.full(len(flows), math.log(usual))
        return RatioFit(
            _table(statistics, fitted, fitted, np.full(len(flows), 0.1**2)),
            {"constant": math.log(usual)},
            0,
        )
    median = floats(statistics, "median")
    names, X = _design(statistics, geography, seen)
    sampling = cells.noise_of_pair[cells.pair] / np.maximum(flows, 1.0)
    told = np.flatnonzero(seen)
    told = told[np.argsort(sampling[told], kind="stable")[:_MOST_CELLS]]
    beta = _regression(cells, X, np.where(seen, median, 0.0), sampling, told)
    base = X @ beta
    left = np.where(seen, median - base, 0.0)
    own, known = _own_ratios(cells, left), _level_known(cells, left)
    level = (1.0 - known) * (math.log(usual) - float(np.median(base[seen])))
    return RatioFit(
        # Freight costs something: what is under one is habit, and stays in the log ratio.
        _table(statistics, base + own.shift, np.maximum(base + level + own.freight, 0.0), own.variance),
        dict(zip(names, (float(value) for value in beta), strict=True)),
        int(seen.sum()),
    )


def _table(
    statistics: pa.Table,
    log_ratio: NDArray[np.float64],
    log_freight: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> pa.Table:
    columns: dict[str, Any] = {name: statistics[name].cast(pa.string()) for name in RATIO_KEYS}
    return pa.table(
        columns
        | {
            "log_ratio": pa.array(log_ratio, pa.float64()),
            "log_freight": pa.array(log_freight, pa.float64()),
            "ratio_variance": pa.array(variance, pa.float64()),
            "flows": statistics["flows"].cast(pa.int64()),
        }
    )


# --- the cells


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The statistics as arrays; C cells, P pairs, G product groups of pairs.

    Attributes
    ----------
    flows
        (C) flows with two reports.
    pair, group
        (C) numbers of the pair, and of the product group of the pair.
    exporter_of_pair, importer_of_pair
        (P) numbers of areas.
    goods, goods_of_pair
        (G), (P) flows of the fullest year: the same good is off by about the same every year, so years
        do not add to what is known.
    noise_of_pair
        (P) variance of log ratios within cells.
    """

    flows: NDArray[np.float64]
    pair: NDArray[np.int64]
    group: NDArray[np.int64]
    exporter_of_pair: NDArray[np.int64]
    importer_of_pair: NDArray[np.int64]
    goods: NDArray[np.float64]
    goods_of_pair: NDArray[np.float64]
    noise_of_pair: NDArray[np.float64]


def _cells(statistics: pa.Table) -> _Cells:
    flows = floats(statistics, "flows")
    exporter, importer = codes(statistics, "exporter")[1], codes(statistics, "importer")[1]
    pair = combine_codes(exporter, importer)
    group = combine_codes(pair, codes(statistics, "product_group")[1])
    first = first_rows(pair)
    goods = np.zeros(int(group.max(initial=-1)) + 1)
    np.maximum.at(goods, group, flows)
    owner = pair[first_rows(group)]
    i, j = exporter[first], importer[first]
    return _Cells(
        flows, pair, group, i, j, goods,
        goods_of_pair=sums(owner, goods, len(first)),
        noise_of_pair=_noise(statistics, pair, i, j),
    )  # fmt: skip


def _noise(
    statistics: pa.Table, pair: NDArray[np.int64], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return by pair the variance within cells, drawn to what its two reporters have with others."""
    flows, total, squares = (floats(statistics, name) for name in ("flows", "total", "squares"))
    inside = sums(pair, np.maximum(squares - total**2 / np.maximum(flows, 1.0), 0.0), len(i))
    free = sums(pair, np.maximum(flows - 1.0, 0.0), len(i))
    whole = (inside.sum() + 0.25) / (free.sum() + 1.0)
    of_i, of_j = (
        (sums(side, inside) + _HALF_FLOWS * whole) / (sums(side, free) + _HALF_FLOWS) for side in (i, j)
    )
    # additive: what is over all exporters is in both
    expected = np.maximum(of_i[i] + of_j[j] - whole, 0.25 * np.minimum(of_i[i], of_j[j]))
    return np.asarray((inside + _HALF_FLOWS * expected) / (free + _HALF_FLOWS))


# --- the regression


def _design(
    statistics: pa.Table, geography: pa.Table, seen: NDArray[np.bool_]
) -> tuple[list[str], NDArray[np.float64]]:
    """Return names and columns of the regressors; those that do not vary over what is seen are left out."""
    columns = {"constant": np.ones(statistics.num_rows)}
    if seen.sum() >= _FEWEST_CELLS:
        columns |= _places(statistics, geography)
        unit_value = floats(statistics, "log_unit_value")
        columns["log_unit_value"] = (
            np.nan_to_num(unit_value - np.nanmedian(unit_value))
            if np.isfinite(unit_value).any()
            else np.zeros(len(unit_value))
        )
        year = np.asarray(statistics["year"].to_pylist(), dtype=object)
        for one in sorted(set(year[seen]))[1:]:
            columns[f"year_{one}"] = (year == one).astype(float)
    kept = [name for name, values in columns.items() if name == "constant" or np.ptp(values[seen]) > 0]
    return kept, np.column_stack([columns[name] for name in kept])


def _as_text(table: pa.Table) -> pa.Table:
    """Return a table whose codes are plain strings: engines differ in the kind of their text."""
    for name in ("exporter", "importer"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.string()))
    return table


def _places(statistics: pa.Table, geography: pa.Table) -> dict[str, NDArray[np.float64]]:
    keys = ["exporter", "importer"]
    numbered = _as_text(statistics.select(keys)).append_column(
        "__row", pa.array(np.arange(statistics.num_rows))
    )
    places = geography.select([*keys, "distance_km", "is_contiguous", "landlocked"])
    joined = numbered.join(_as_text(places), keys=keys, join_type="left outer").sort_by("__row")
    log_distance = np.log(floats(joined, "distance_km"))
    known = np.isfinite(log_distance)
    typical = float(np.median(log_distance[known])) if known.any() else 0.0
    # Distances are centred, so that the constant is the ratio of a typical pair.
    centred = np.where(known, log_distance, typical) - typical
    return {
        "log_distance_km": centred,
        "log_distance_km_squared": centred**2,
        "is_contiguous": np.nan_to_num(floats(joined, "is_contiguous")),
        "landlocked": np.nan_to_num(floats(joined, "landlocked")),
    }


def _regression(
    cells: _Cells,
    X: NDArray[np.float64],
    median: NDArray[np.float64],
    sampling: NDArray[np.float64],
    told: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the coefficients, found in turns with the habits of reporters, most of whom have none.

    Hubs that show half of what arrives, or whose goods stand under their origin, would bend them: habits are
    taken out before the next turn, and precise cells count for more.
    """
    i, j = cells.exporter_of_pair, cells.importer_of_pair
    spread = float(np.median(sampling[told]))
    habit, beta = np.zeros(len(median)), np.zeros(X.shape[1])
    for _ in range(_TURNS):
        y, weight = (median - habit)[told], 1.0 / np.sqrt(sampling[told] + spread)
        beta = robust_coefficients(X[told], y, weight)
        left = median - X @ beta
        spread = common_variance((left - habit)[told], sampling[told], least=_LEAST_SPREAD**2)
        u, v, of_u, of_v = _pair_habits(cells, left)
        at_u, at_v = _centre(u, of_u), _centre(v, of_v)
        beta[0] += at_u + at_v
        habit = ((u - at_u)[j] + (v - at_v)[i])[cells.pair]
    return beta


def _pair_habits(
    cells: _Cells, left: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the habits of importers and exporters, and how much is known of each."""
    i, j, goods = cells.exporter_of_pair, cells.importer_of_pair, cells.goods_of_pair
    r = weighted_medians(left, cells.flows, cells.pair, len(i))
    sampling = _MEDIAN_VARIANCE * cells.noise_of_pair / np.maximum(goods, 1.0)
    weight = np.where(goods > 0, 1.0 / (sampling + np.median(sampling)), 0.0)
    u, v, _ = _habits(r, weight, i, j, goods > 0)
    return u, v, sums(j, weight, len(u)), sums(i, weight, len(v))


def _centre(habit: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the habit that most have, which is none: it belongs to the constant."""
    one = np.zeros(len(habit), dtype=np.int64)
    return float(weighted_medians(habit, weight, one, 1)[0])


def _level_known(cells: _Cells, left: NDArray[np.float64]) -> float:
    """Return how far the pairs tell the level of freight: 1 of many alike, little of few that differ.

    The median over pairs is off by the square root of π/2·σ²/n; the level that is usual by so much as
    countries' own are apart. What is not known of the level is drawn to the usual one.
    """
    flows = sums(cells.pair, cells.flows)
    of_pair = weighted_medians(left, cells.flows, cells.pair, len(flows))[flows > 0]
    spread = _DEVIATION * float(np.median(np.abs(of_pair - np.median(of_pair))))
    error = _MEDIAN_VARIANCE * spread**2 / of_pair.size
    return _LEVELS_APART**2 / (_LEVELS_APART**2 + error)


# --- what reporters, pairs and product groups have of their own


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """Beyond the regression; one entry a row of the statistics."""

    shift: NDArray[np.float64]
    freight: NDArray[np.float64]
    variance: NDArray[np.float64]


def _own_ratios(cells: _Cells, left: NDArray[np.float64]) -> _Own:
    """Split what the regression leaves into habits, pairs and product groups of pairs."""
    pair, i, j = cells.pair, cells.exporter_of_pair, cells.importer_of_pair
    flows = sums(pair, cells.flows)
    goods = cells.goods_of_pair
    r = weighted_medians(left, cells.flows, pair, len(i))
    sampling = _MEDIAN_VARIANCE * cells.noise_of_pair / np.maximum(goods, 1.0)
    u, v, habit_variance = _habits(r, 1.0 / (sampling + np.median(sampling)), i, j, goods > 0)
    p = np.where(goods > 0, r - u[j] - v[i], 0.0)
    common, by_importer = _pair_spreads(p, sampling, flows, j)
    tau = by_importer[j]
    trust = np.where(goods > 0, tau / (tau + sampling), 0.0)
    freight = np.where(goods > 0, np.minimum(common, tau) / (tau + sampling), 0.0) * p
    of_pair = u[j] + v[i] + trust * p
    q, q_variance = _group_shifts(cells, left - of_pair[pair])
    variance = tau * (1.0 - trust) + habit_variance * (1.0 - trust) ** 2
    return _Own(shift=of_pair[pair] + q, freight=freight[pair] + q, variance=variance[pair] + q_variance)


def _habits(
    r: NDArray[np.float64],
    weight: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    is_seen: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what importers and exporters are off by with all partners alike, shrunk by their pairs.

    The third is, by pair, the variance of the two habits: that of all habits where a reporter has no pair.
    """
    weight = np.where(is_seen, weight, 0.0)
    u, v = np.zeros(int(j.max()) + 1), np.zeros(int(i.max()) + 1)
    pairs_j, pairs_i = sums(j, is_seen), sums(i, is_seen)
    for _ in range(3):
        u = weighted_medians(r - v[i], weight, j, len(u)) * pairs_j / (pairs_j + _HALF_PAIRS)
        v = weighted_medians(r - u[j], weight, i, len(v)) * pairs_i / (pairs_i + _HALF_PAIRS)
    spread_u, spread_v = (
        float(np.mean(habit[pairs > 0] ** 2)) if (pairs > 0).any() else 0.1**2
        for habit, pairs in ((u, pairs_j), (v, pairs_i))
    )
    unknown_u, unknown_v = _HALF_PAIRS / (pairs_j + _HALF_PAIRS), _HALF_PAIRS / (pairs_i + _HALF_PAIRS)
    return u, v, spread_u * unknown_u[j] + spread_v * unknown_v[i]


def _pair_spreads(
    p: NDArray[np.float64],
    sampling: NDArray[np.float64],
    flows: NDArray[np.float64],
    j: NDArray[np.int64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the variance over pairs that is common to all importers, and each importer's own."""
    some = flows >= 3
    if not some.any():
        return _LEAST_SPREAD**2, np.full(int(j.max()) + 1, 0.1**2)
    common = common_variance(p[some], sampling[some], least=_LEAST_SPREAD**2)
    usual = max(common, float(np.median(sampling[some])))
    weight = np.where(some, usual / (usual + sampling), 0.0)
    excess = p**2 - sampling
    found, total = sums(j, weight * excess), sums(j, weight)
    own = (found + _HALF_SPREAD * common) / (total + _HALF_SPREAD)
    return common, np.maximum(own, _LEAST_SPREAD**2)


def _group_shifts(
    cells: _Cells, rest: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a product group of a pair is off by in all years, and the variance that remains."""
    group = cells.group
    shift = weighted_medians(rest, cells.flows, group, int(group.max()) + 1)
    first = first_rows(group)
    sampling = _MEDIAN_VARIANCE * cells.noise_of_pair[cells.pair[first]] / np.maximum(cells.goods, 1.0)
    some = cells.goods >= 3
    if not some.any():
        return np.zeros(len(rest)), np.zeros(len(rest))
    tau = common_variance(shift[some], sampling[some], least=0.0)
    trust = np.where(cells.goods > 0, tau / (tau + sampling), 0.0)
    return (trust * shift)[group], (tau * (1.0 - trust))[group]
