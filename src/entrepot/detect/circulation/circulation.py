r"""The circulation of trade by product and period, as the excess over what is usual.

*Formula.* Let c_t be the maximum circulation of a product's flows in period t over its trade, and p_t the
mean of the same in placebo networks. What pairs give back to each other, d_t = c_t − p_t, is compared with
the earlier periods s < since::

    excess_t = d_t − median_s d_s          z_t = excess_t ÷ scale

The scale is the spread of d_s, drawn to that of all products. What z is by chance is
seen in the quiet periods themselves, each against the others, of all products: a Student distribution is
fitted to them, whose tail says p; q follows Benjamini and Hochberg.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from scipy.stats import t as student

from entrepot.detect.circulation.network import (
    Network,
    exchanged_importers,
    leading_cycles,
    max_circulation,
    placebo_network,
)
from entrepot.detect.loops.expected import student_tail
from entrepot.detect.noise import MAD_TO_SD
from entrepot.engine import map_groups
from entrepot.errors import CoverageError
from entrepot.schema import CIRCULATION, CYCLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.circulation.options import CirculationOptions

__all__ = ["CirculationResult", "circulation"]

_FEW = 3.0  # quiet periods of all products that stand beside a product's own
_LEAST_SCALE = 1e-4
_LEAST_SPREAD = 0.5
_THINNEST_TAIL = 5.0  # degrees of freedom: products differ in their noise by more than few periods show
_Z90 = 1.6448536269514722
_FEWEST_BEFORE = 2  # a quiet period is judged by at least as many others

_CYCLES = pa.list_(pa.struct([("cycle", pa.string()), ("usd", pa.float64()), ("before_usd", pa.float64())]))
_SHARES = pa.schema(
    [
        ("hs_code", pa.string()), ("period", pa.string()), ("trade_usd", pa.float64()), ("flows", pa.int64()),
        ("circulation_share", pa.float64()), ("placebo_share", pa.float64()),
        ("cycles", _CYCLES),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CirculationResult:
    """Circulation of every product and period from the first that was judged.

    Attributes
    ----------
    table
        Columns of ``out__circulation``, the most unusual first.
    cycles
        Columns of ``out__cycle``: the cycles that carry it, by what they carry beyond their earlier periods.
    before
        The periods that said what is usual.
    unit
        What flows were measured in.
    """

    table: pa.Table
    cycles: pa.Table
    before: tuple[str, ...]
    unit: str = "USD"


@dataclass(frozen=True, slots=True)
class _Kernel:
    """Shares of one product's periods; what travels to where the rows are."""

    options: CirculationOptions

    def __call__(self, rows: pa.Table) -> pa.Table:
        code = rows["hs_code"][0].as_py()
        areas, position = np.unique(
            np.concatenate([np.asarray(rows[side].to_pylist()) for side in ("exporter", "importer")]),
            return_inverse=True,
        )
        exporter, importer = np.split(position.astype(np.int64), 2)
        usd = rows["value_usd"].to_numpy()
        period = np.asarray(rows["period"].to_pylist())
        pairs, pair = np.unique(exporter * areas.size + importer, return_inverse=True)
        whole = Network(
            pairs // areas.size,
            pairs % areas.size,
            np.bincount(pair, weights=usd).astype(np.float64),
            areas.size,
        )
        rng = np.random.default_rng([self.options.seed, *code.encode()])
        exchanged = [exchanged_importers(whole, rng) for _ in range(self.options.placebos)]
        found = []
        for at in np.unique(period):
            mine = np.flatnonzero(period == at)
            network = Network(exporter[mine], importer[mine], usd[mine], areas.size)
            taken = max_circulation(network)
            total = float(network.usd.sum())
            placebos = [
                float(max_circulation(placebo_network(network, other[pair[mine]])).sum()) / total
                for other in exchanged
            ]
            named = leading_cycles(network, taken, self.options.cycles if at >= self.options.since else 0)
            found.append(
                {
                    "hs_code": code, "period": str(at), "trade_usd": total, "flows": mine.size,
                    "circulation_share": float(taken.sum()) / total,
                    "placebo_share": float(np.mean(placebos)),
                    "cycles": [
                        {"cycle": _named(areas, nodes), "usd": carried, "before_usd": None}
                        for nodes, carried in named
                    ],
                }
            )  # fmt: skip
        self._say_before(found, (exporter, importer, usd, period), areas)
        return pa.Table.from_pylist(found, schema=_SHARES)

    def _say_before(
        self, found: list[dict[str, Any]], flows: tuple[NDArray[Any], ...], areas: NDArray[Any]
    ) -> None:
        """Add to each cycle the mean of its smallest flow in the earlier periods."""
        exporter, importer, usd, period = flows
        place = {area: at for at, area in enumerate(areas.tolist())}
        quiet = [row["period"] for row in found if row["period"] < self.options.since]
        early = period < self.options.since
        known = {
            (p, i, j): amount
            for p, i, j, amount in zip(
                period[early].tolist(), exporter[early].tolist(), importer[early].tolist(),
                usd[early].tolist(), strict=True,
            )
        }  # fmt: skip
        for row in found:
            for cycle in row["cycles"]:
                nodes = [place[area] for area in cycle["cycle"].split(" → ")]
                steps = list(pairwise(nodes))
                widths = [min(known.get((p, i, j), 0.0) for i, j in steps) for p in quiet]
                cycle["before_usd"] = float(np.mean(widths)) if widths else None


def _named(areas: NDArray[Any], nodes: tuple[int, ...]) -> str:
    """Write a cycle from its first area in the alphabet round to it again."""
    first = min(range(len(nodes)), key=lambda at: areas[nodes[at]])
    turned = nodes[first:] + nodes[:first]
    return " → ".join(str(areas[node]) for node in (*turned, turned[0]))


def circulation(
    flows: nw.LazyFrame[Any], options: CirculationOptions, *, threads: int | None = None
) -> CirculationResult:
    """Return by product and period how much more of the trade can go in circles than is usual.

    Use it to see in which products the trade of the world has become more circular than it was, without
    naming anybody. It is no volume of round trips: ordinary two-way trade that grows is in it.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled`` of one frequency; product ``TOTAL`` and goods under their own reporter
        are left out.
    options
        Products, first period, placebos.
    threads
        Worker threads; all processors when not given.

    Returns
    -------
    CirculationResult
        **Grain** of its table: hs_code × period from ``since`` on.

    Raises
    ------
    CoverageError
        The data hold fewer than two periods before ``since``, or none from it on.

    *Missing data*: a pair that nobody published in a period is not in that period's network.
    """
    goods = flows.filter(
        (nw.col("hs_code") != "TOTAL")
        & (nw.col("exporter") != nw.col("importer"))
        & (nw.col("value_usd") > 0)
    ).select("exporter", "importer", "hs_code", "period", "value_usd")
    if options.products:
        asked = nw.any_horizontal(
            *(nw.col("hs_code").str.starts_with(code) for code in options.products), ignore_nulls=True
        )
        goods = goods.filter(asked)
    periods = sorted(goods.select("period").unique().collect(backend="pyarrow")["period"].to_list())
    before = tuple(p for p in periods if p < options.since)
    if len(before) < _FEWEST_BEFORE or len(before) == len(periods):
        raise CoverageError(
            f"{len(before)} periods of data are before {options.since} and "
            f"{len(periods) - len(before)} from it on",
            where="--since",
            hint=f"at least {_FEWEST_BEFORE} and 1 are needed; "
            f"the data begin with {', '.join(periods[:6]) or 'nothing'}",
        )
    shares = map_groups(goods.to_native(), ["hs_code"], _Kernel(options), _SHARES, threads=threads)
    return CirculationResult(_judged(shares, options.since), _cycles(shares), before)


def _judged(shares: pa.Table, since: str) -> pa.Table:
    """Return the rows from the first judged period on, with excess, interval and q."""
    code = np.asarray(shares["hs_code"].to_pylist())
    is_after = np.asarray(shares["period"].to_pylist()) >= since
    beyond = shares["circulation_share"].to_numpy() - shares["placebo_share"].to_numpy()
    _, product = np.unique(code, return_inverse=True)
    quiet = _by_product(~is_after, product)
    count = np.bincount(product[~is_after], minlength=int(product.max(initial=-1)) + 1)
    usual, scale = _usual(beyond, quiet, product)
    excess = beyond - usual[product]
    by_chance = _quiet_z(beyond, quiet)
    known = is_after & (count[product] >= _FEWEST_BEFORE)
    rows = np.flatnonzero(is_after)
    p = np.where(known, _chance(excess / scale, by_chance), np.nan)[rows]
    q = _benjamini_hochberg(p)
    columns = {
        "hs_code": code[rows],
        "period": np.asarray(shares["period"].to_pylist())[rows],
        "excess_share": np.where(known, excess, np.nan)[rows],
        "low_share": np.where(known, excess - _Z90 * scale, np.nan)[rows],
        "high_share": np.where(known, excess + _Z90 * scale, np.nan)[rows],
        "q_value": q,
        "circulation_share": shares["circulation_share"].to_numpy()[rows],
        "placebo_share": shares["placebo_share"].to_numpy()[rows],
        "before_share": np.where(known, usual[product], np.nan)[rows],
        "earlier_periods": count[product][rows],
        "trade_usd": shares["trade_usd"].to_numpy()[rows],
        "flows": shares["flows"].to_numpy()[rows],
    }
    order = np.lexsort((-np.nan_to_num((excess / scale)[rows], nan=-np.inf), np.nan_to_num(q, nan=2.0)))
    schema = CIRCULATION.arrow_schema()
    return pa.table(
        {field.name: pa.array(columns[field.name][order], field.type, from_pandas=True) for field in schema},
        schema=schema,
    )


def _usual(
    beyond: NDArray[np.float64], quiet: list[NDArray[np.int64]], product: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the median of each product's quiet periods, and (rows) the scale of their spread."""
    size = int(product.max(initial=-1)) + 1
    usual, spread = np.full(size, np.nan), np.full(size, _LEAST_SCALE)
    overall = _overall(beyond, quiet)
    for mine in quiet:
        usual[product[mine[0]]] = np.median(beyond[mine])
        spread[product[mine[0]]] = _spread(beyond[mine], overall)
    return usual, spread[product]


def _overall(beyond: NDArray[np.float64], quiet: list[NDArray[np.int64]]) -> float:
    """Return the typical spread of the quiet periods of a product."""
    found = [float(beyond[mine].std(ddof=1)) for mine in quiet if mine.size > 1]
    return float(np.median(found)) if found else _LEAST_SCALE


def _spread(values: NDArray[np.float64], overall: float) -> float:
    """Return the standard deviation of some periods, drawn to that of all products."""
    own = float(values.var(ddof=1)) if values.size > 1 else 0.0
    free = values.size - 1
    return max(float(np.sqrt((free * own + _FEW * overall**2) / (free + _FEW))), _LEAST_SCALE)


def _quiet_z(beyond: NDArray[np.float64], quiet: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return z of every quiet period against the other quiet ones of its product."""
    found = []
    overall = _overall(beyond, quiet)
    for mine in quiet:
        for at in mine if mine.size > _FEWEST_BEFORE else ():
            others = beyond[mine[mine != at]]
            found.append((beyond[at] - np.median(others)) / _spread(others, overall))
    return np.array(found)


def _by_product(is_quiet: NDArray[np.bool_], product: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the quiet rows of each product."""
    order = np.flatnonzero(is_quiet)
    order = order[np.argsort(product[order], kind="stable")]
    return [part for part in np.split(order, np.flatnonzero(np.diff(product[order])) + 1) if part.size]


def _chance(z: NDArray[np.float64], quiet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how often quiet periods are as far out as each, by a Student distribution fitted to them."""
    if not quiet.size:
        return np.full(z.size, np.nan)
    spread = max(MAD_TO_SD * float(np.median(np.abs(quiet))), _LEAST_SPREAD)
    tail = min(student_tail(quiet / spread), _THINNEST_TAIL)
    return np.asarray(student.sf(z / spread, tail), dtype=np.float64)


def _benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.flatnonzero(np.isfinite(p))
    q = np.full(p.size, np.nan)
    order = known[np.argsort(-p[known], kind="stable")]
    rank = np.arange(order.size, 0, -1)
    q[order] = np.minimum(np.minimum.accumulate(p[order] * order.size / rank), 1.0)
    return q


def _cycles(shares: pa.Table) -> pa.Table:
    """Return the named cycles, by what each carries beyond its earlier periods."""
    rows = [
        {"hs_code": row["hs_code"], "period": row["period"], "cycle": cycle["cycle"],
         "cycle_usd": cycle["usd"], "cycle_before_usd": cycle["before_usd"],
         "cycle_excess_usd": cycle["usd"] - (cycle["before_usd"] or 0.0)}
        for row in shares.select(["hs_code", "period", "cycles"]).to_pylist()
        for cycle in row["cycles"]
    ]  # fmt: skip
    rows.sort(key=lambda row: (-row["cycle_excess_usd"], row["hs_code"], row["period"], row["cycle"]))
    return pa.Table.from_pylist(rows, schema=CYCLE.arrow_schema())
