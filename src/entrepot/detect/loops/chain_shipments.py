"""Chains of lumpy trade: threes of flows whose shipments go on at both vias.

Sums of windows say little of lumpy trade: what went round may be a few shipments, far under what such flows
stray by. They are no ground to leave a three of flows out, and all threes are too many to be heard in full.
So every hop is looked at quickly, by :func:`entrepot.detect.kernels.passing.passed_on`, and threes of which
both hops have something to say are heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.kernels.passing import Passing, Shipments, passed_on
from entrepot.detect.loops.candidates import active_flows
from entrepot.detect.loops.chains import Chains, threes
from entrepot.detect.loops.echo import DECAY, PARTIAL, Sizes, is_lumpy
from entrepot.detect.loops.legs import span_of

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.windows import Trade
    from entrepot.engine import Engine

__all__ = ["FlowMonths", "beside", "find_shipped", "load_months"]

_SHARES = np.array([0.6, 0.95])  # of arrivals that go on
_DEARER = 0.25  # spread of the log unit value added at one via, and of what is entered anew
_LEAST = 0.5  # log factor of each hop
_TOGETHER = 3.0  # and of both
_MOST_LEARNT_OF = 200_000  # flows of which sizes are learnt
_BLOCK = 50_000


@dataclass(frozen=True, slots=True)
class FlowMonths:
    """All flows that are active in some window, by month.

    Attributes
    ----------
    row : (n_cells + 1,)
        Row of every cell of :class:`Trade`, -1 without one; the last place stands for a flow that never was.
    log : (n, T)
        Log USD; −∞ for nothing, NaN where nobody published.
    variance : (n,)
        Variance of the months in the book that leads, in logs.
    """

    row: NDArray[np.int64]
    log: NDArray[np.float32]
    variance: NDArray[np.float64]


def load_months(
    engine: Engine, flows: nw.LazyFrame[Any], trade: Trade, variance: NDArray[np.float64]
) -> FlowMonths:
    """Return the months of all flows that are active in some window. One query.

    Parameters
    ----------
    engine
        Where the flows live.
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    trade
        The windows.
    variance : (n_areas, n_areas)
        Variance of the months of flows in the book that leads, in logs.
    """
    is_active = np.any([np.nan_to_num(sums.after) > 0 for sums in trade.sums], axis=0)
    cells = np.flatnonzero(is_active)
    row = np.full(trade.exporter.size + 1, -1, dtype=np.int64)
    row[cells] = np.arange(cells.size)
    areas, products = np.array(trade.areas, dtype=object), np.array(trade.products, dtype=object)
    exporter, importer = trade.exporter[cells], trade.importer[cells]
    wanted = pa.table(
        {
            "exporter": pa.array(areas[exporter], pa.string()),
            "importer": pa.array(areas[importer], pa.string()),
            "hs_code": pa.array(products[trade.product[cells]], pa.string()),
            "row": pa.array(np.arange(cells.size), pa.int64()),
        }
    )
    found = (
        flows.join(engine.arrow_frame(wanted), on=["exporter", "importer", "hs_code"], how="inner")
        .select("row", "period", "value_usd")
        .collect(backend="pyarrow")
        .to_native()
    )
    month = pa.compute.index_in(found["period"], value_set=pa.array(trade.periods, pa.string()))
    usd = np.zeros((cells.size, len(trade.periods)), dtype=np.float32)
    np.add.at(usd, (found["row"].to_numpy(), month.to_numpy()), found["value_usd"].to_numpy())
    with np.errstate(divide="ignore"):
        log = np.log(usd, out=usd)
    log[~trade.observed[exporter, importer]] = np.nan
    return FlowMonths(row, log, variance[exporter, importer])


def find_shipped(
    trade: Trade,
    expected: ExpectedTrade,
    at: int,
    months: FlowMonths,
    *,
    asked: NDArray[np.bool_],
    longest_lag: int,
    other: NDArray[np.int64] | None = None,
) -> tuple[Chains, NDArray[np.float64]]:
    """Return the chains of lumpy flows whose shipments seem to go on at both vias, and how strongly they do.

    Parameters
    ----------
    trade, expected, at
        The pair of windows.
    months
        Of all flows.
    asked, other
        See :func:`entrepot.detect.loops.chains.find_chains`.
    longest_lag
        Most months at a via.
    """
    is_lump, shipments = _shipments(trade, at, months)
    cells = active_flows(trade, expected, at)
    cells = cells[is_lump[months.row[cells]]]
    _, since, end = span_of(trade, at)
    passing = Passing(_SHARES, _DEARER, PARTIAL, DECAY, since, end, longest_lag)
    found, strength = [Chains.together([])], [np.zeros(0)]

    def heard(came: NDArray[np.int64], went: NDArray[np.int64]) -> NDArray[np.float64]:
        return passed_on(shipments, months.row[came], months.row[went], passing)

    for block in threes(trade, cells, asked=asked, other=other):
        # a circle is found begun at each of its areas; a placebo at one, of which the others are made
        for some in (block,) if other is None else (block, block.rotated, block.rotated.rotated):
            first = heard(some.out, some.on)
            rows = np.flatnonzero(first > _LEAST)
            then = heard(some.on[rows], some.back[rows])
            both = first[rows] + then
            kept = (then > _LEAST) & (both > _TOGETHER)
            found.append(some.only(rows[kept]))
            strength.append(both[kept])
    return Chains.together(found), np.concatenate(strength)


def beside(
    by_sums: Chains, shipped: tuple[Chains, NDArray[np.float64]]
) -> tuple[Chains, NDArray[np.float64]]:
    """Return chains found by sums of windows and by shipments, each once, and how strongly shipments go on.

    The strength is zero where shipments said nothing, or too little to be asked.
    """
    chains, strength = shipped
    every = by_sums.joined(chains)
    strength = np.concatenate([np.zeros(by_sums.maker.size), strength])
    order = np.lexsort((-strength, every.back, every.on, every.out))
    legs = np.stack([every.out, every.on, every.back])[:, order]
    first = np.ones(order.size, dtype=bool)
    first[1:] = (legs[:, 1:] != legs[:, :-1]).any(axis=0)
    kept = np.sort(order[first])
    return every.only(kept), strength[kept]


def _shipments(trade: Trade, at: int, months: FlowMonths) -> tuple[NDArray[np.bool_], Shipments]:
    """Return which flows are lumpy in a pair of windows, and what the quick look takes of all."""
    span = span_of(trade, at)
    first, since, end = span
    size = len(months.log)
    some = months.log[:: max(size // _MOST_LEARNT_OF, 1)].astype(np.float64)
    sizes = Sizes.of(some, span)
    log_other, is_lump = np.empty_like(months.log), np.empty(size, dtype=bool)
    for begin in range(0, size, _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        log = months.log[rows].astype(np.float64)
        is_lump[rows] = is_lumpy(np.exp(log[:, first:end]))
        log_other[rows] = sizes.log_density(log)
    inside = months.log[:, since:end]
    known, flows = (~np.isnan(inside)).sum(axis=1), np.isfinite(inside).sum(axis=1)
    return is_lump, Shipments(months.log, log_other, (flows + 0.5) / (known + 1.0), months.variance)
