r"""Expected flows: what would have gone where without the event.

*Formula*  ê_ijk = x⁰_ijk · exp(p_k + a_i + a_ik + b_j + b_jk + c_ij): product growth p_k, the growth of
supplier i beyond it (median over all it sells), of supplier i in product k beyond that (median over its other
partners), the growth of importer j (median over what then remains) and of importer j in product k (median
over its untreated suppliers), and last, once the losses of the direct road are known, the growth of the pair
in goods of which nothing was lost. All are weighted by the precision of the flow, shrunk with n/(n+4), a_ik
and b_jk with what windows before the event tell instead of the 4 (:mod:`~entrepot.detect.shrinkage`), and
learnt from untreated cells only. Three terms are more than the design asks: a_i takes a general boom of a
hub's sales out of what it sends on, b_jk takes genuine booms of a hub in exactly the listed goods out of what
it buys, c_ij what two areas trade more of in general (eight smooth worlds, all sent: median error 0.197 →
0.168 of the true volume).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from entrepot.detect.controls import control_growth
from entrepot.detect.gravity import gravity_growth
from entrepot.detect.kernels.brackets import streamed_median
from entrepot.detect.kernels.lookup import added_up
from entrepot.detect.kernels.medians import GroupedMedian, Members
from entrepot.detect.kernels.small_groups import Groups, small_median, sorted_groups
from entrepot.detect.kernels.threads import in_blocks, over_runs
from entrepot.detect.shrinkage import USUAL_HALF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Grouping
    from entrepot.detect.noise import Noise

__all__ = [
    "Baseline",
    "Expected",
    "drawn",
    "expected_at",
    "expected_flows",
    "with_pair_growth",
    "without_filling",
]

_ROUNDS = 2
_FEWEST_SUPPLIERS = 3


class Baseline(StrEnum):
    """Where the expected growth comes from."""

    UNTREATED = "untreated"  # other partners, other goods
    UNLISTED = "unlisted"  # the same pairs' goods outside the list: TOTAL less the goods given
    GRAVITY = "gravity"  # other partners, other goods, by Poisson three-way fixed effects
    CONTROLS = "controls"  # the same pairs' goods outside the list, product by product in the data
    UNCHANGED = "unchanged"  # no growth: a bound for the range over baselines
    UNIDENTIFIED = "unidentified"  # nothing untreated is in the data


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected flows of the after-window.

    Attributes
    ----------
    usd : (n,)
        Expected USD of each cell.
    baseline
        Where the growth comes from.
    supply, demand : (n_areas * n_products,)
        What suppliers and importers show of growth in each product beyond all that is known without it,
        before it is shrunk, by how many flows (of importers, beyond the first two); None where growth is not
        learnt by medians.
    """

    usd: NDArray[np.float64]
    baseline: Baseline
    supply: GroupedMedian | None = None
    demand: GroupedMedian | None = None


def expected_flows(
    cells: Cells,
    *,
    untreated: NDArray[np.bool_],
    noise: Noise,
    partner_growth: NDArray[np.float64] | None = None,
    method: Baseline = Baseline.UNTREATED,
    controls: NDArray[np.bool_] | None = None,
) -> Expected:
    """Return the expected flow of every cell.

    Parameters
    ----------
    cells
        The flows.
    untreated : (n,)
        Cells that the event cannot have touched. Without any, growth is taken from ``partner_growth``.
    noise
        Precision of each cell: medians are weighted by the inverse variance.
    partner_growth : (n_areas,)
        Log growth of the goods outside the question by importer, where the files tell it (NaN where not).
    method
        How growth is learnt from the untreated cells: medians (``UNTREATED``), ``GRAVITY`` or ``CONTROLS``.
    controls : (n_products,)
        Goods that may serve as controls; needed by ``CONTROLS``.
    """
    if not untreated.any():
        if partner_growth is None:
            return Expected(usd=cells.before.copy(), baseline=Baseline.UNIDENTIFIED)
        growth = np.nan_to_num(partner_growth)[cells.importer]
        return Expected(usd=cells.before * np.exp(growth), baseline=Baseline.UNLISTED)
    if method is Baseline.GRAVITY:
        growth = gravity_growth(cells, untreated)
    elif method is Baseline.CONTROLS and controls is not None:
        growth = control_growth(cells, untreated=untreated, controls=controls, noise=noise)
    else:
        return _by_medians(cells, untreated, noise)
    usd = in_blocks(lambda before, rate: before * np.exp(rate), cells.before, growth)
    return Expected(usd=usd, baseline=method)


def with_pair_growth(
    expected: Expected, cells: Cells, *, noise: Noise, controls: NDArray[np.bool_]
) -> Expected:
    """Return the expected flows with the growth that each pair shows in goods which the event left alone.

    What two areas trade more of in general, whatever the reason, is no detour: the pair is its own control
    group. Left as they are where the baseline is not of untreated trade: with no growth, or where all goods
    in the question are under measures and growth comes from those outside it.

    Parameters
    ----------
    expected, cells, noise
        As of :func:`expected_flows`.
    controls : (n,)
        Cells of goods of which nothing was lost on the direct road.
    """
    if expected.baseline is not Baseline.UNTREATED:
        return expected
    usual, usd, nothing = expected.usd, np.empty(expected.usd.size), np.zeros(1)

    def grow(cell: NDArray[np.int32] | slice, groups: Groups) -> None:
        """Let the cells of some pairs grow, which are groups of them."""
        own, sizes = usual[cell], np.diff(groups.starts)
        change, weight = noise.log_change(cells.after[cell], own), 1.0 / noise.at(own) ** 2
        none = np.zeros(own.size, dtype=np.int32)
        found = small_median(
            groups, Members(change, weight, controls[cell], none, nothing, none, nothing, none)
        )
        usd[cell] = own * np.exp(np.repeat(drawn(found), sizes))

    if not cells.is_sorted:
        by_pair = sorted_groups(cells.pair.astype(np.int32, copy=False), cells.n_areas**2)
        grow(by_pair.order, Groups(np.arange(usual.size, dtype=np.int32), by_pair.starts))
        return replace(expected, usd=usd)
    starts = cells.starts_of_pairs

    def of_pairs(first: int, last: int) -> None:
        begin, end = starts[first], starts[last]
        order = np.arange(end - begin, dtype=np.int32)
        grow(slice(begin, end), Groups(order, starts[first : last + 1] - begin))

    over_runs(of_pairs, starts)
    return replace(expected, usd=usd)


def without_filling(
    expected: Expected, cells: Cells, *, noise: Noise, direct: NDArray[np.signedinteger]
) -> Expected:
    """Return the expected flows without demand, on the direct road, that others may have met in its place.

    Where a road is closed others sell more, and whether an area wanted more of a good or only from somebody
    else cannot be told. What those under measures would have sold it is expected without any such rise, and
    what all others would have with it: both ways less is missing, and less is too much.

    Parameters
    ----------
    expected, cells, noise
        As of :func:`expected_flows`.
    direct : (m,)
        Flows under measures.
    """
    if expected.demand is None:
        return expected
    filling = np.maximum(drawn(expected.demand, half=noise.half_demand), 0.0)
    usd = expected.usd.copy()
    usd[direct] *= np.exp(-filling[cells.grouping.importer_product[direct]])
    return replace(expected, usd=usd)


def drawn(
    found: GroupedMedian, *, half: float = USUAL_HALF, around: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Return medians shrunk to ``around`` with n/(n + ``half``); that itself for an empty group."""

    def shrunk(
        value: NDArray[np.float64], count: NDArray[np.int64], centre: NDArray[np.float64] | float = around
    ) -> NDArray[np.float64]:
        weight = count / (count + half)
        result: NDArray[np.float64] = centre + (np.nan_to_num(value) - centre) * weight
        return result

    columns = (around,) if isinstance(around, np.ndarray) else ()
    return in_blocks(shrunk, found.value, found.count, *columns)


def _inputs(cells: Cells, noise: Noise) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log changes and weights, which stay the same as long as the noise does."""
    kept = cells.grouping.inputs
    if not kept or kept[0][0] is not noise:
        kept.clear()
        cells.grouping.firsts.clear()
        change = noise.log_change(cells.after, cells.before)
        kept.append((noise, change, in_blocks(lambda usd: 1.0 / noise.at(usd) ** 2, cells.before)))
    return kept[0][1], kept[0][2]


def _first(by: Grouping, of: Members) -> GroupedMedian:
    """Return the medians by exporter and product while nothing else is known.

    They follow from changes and weights alone: where the same cells count as the last time, they are as then.
    """
    of = of._replace(group=by.supplier_product)
    found = small_median(by.by_supplier_product, of, before=by.firsts[0] if by.firsts else None)
    by.firsts[:] = [(of.counts, found)]
    return found


class _Learnt(NamedTuple):
    """Growth learnt by medians, without that of importers in single products.

    Attributes
    ----------
    supply_growth : (n_areas * n_products,)
        Of suppliers in each product, shrunk.
    importer_growth : (n_areas,)
        Of importers beyond it.
    supply
        What suppliers show in each product, as of :class:`Expected`.
    rest
        The cells, with what is known of each: members of importers' groups.
    """

    supply_growth: NDArray[np.float64]
    importer_growth: NDArray[np.float64]
    supply: GroupedMedian
    rest: Members

    def usd(
        self,
        before: NDArray[np.float64],
        supplier: NDArray[np.int32],
        importer: NDArray[np.int32],
        buyer: NDArray[np.int32],
        *,
        boom: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the expected flows of cells of these groups; ``boom`` is importers' growth in a product."""

        def grown(before: NDArray[np.float64], *groups: NDArray[np.int32]) -> NDArray[np.float64]:
            supplier, importer, buyer = groups
            growth = added_up(self.supply_growth, supplier, self.importer_growth, importer, boom, buyer)
            usd: NDArray[np.float64] = before * np.exp(growth, out=growth)
            return usd

        usd: NDArray[np.float64] = in_blocks(grown, before, supplier, importer, buyer)
        return usd


def expected_at(
    cells: Cells,
    *,
    untreated: NDArray[np.bool_],
    noise: Noise,
    at: NDArray[np.signedinteger],
    partner_growth: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the expected flow of some cells, as :func:`expected_flows` by medians does of all.

    Parameters
    ----------
    cells, untreated, noise, partner_growth
        As of :func:`expected_flows`.
    at : (m,)
        Cells that are asked about.
    """
    if not untreated.any():
        every = expected_flows(cells, untreated=untreated, noise=noise, partner_growth=partner_growth)
        usd: NDArray[np.float64] = every.usd[at]
        return usd
    learnt, by = _learnt(cells, untreated, noise), cells.grouping
    buyer = by.importer_product[at]
    wanted = np.zeros(cells.n_areas * cells.n_products, dtype=bool)
    wanted[buyer] = True
    boom = drawn(_demand(by, learnt, wanted), half=noise.half_demand)
    return learnt.usd(cells.before[at], by.supplier_product[at], by.importer[at], buyer, boom=boom)


def _by_medians(cells: Cells, untreated: NDArray[np.bool_], noise: Noise) -> Expected:
    """Return the expected flows, their growth learnt by medians."""
    learnt, by = _learnt(cells, untreated, noise), cells.grouping
    demand = _demand(by, learnt)
    boom = drawn(demand, half=noise.half_demand)
    usd = learnt.usd(cells.before, by.supplier_product, by.importer, by.importer_product, boom=boom)
    return Expected(usd=usd, baseline=Baseline.UNTREATED, supply=learnt.supply, demand=demand)


def _demand(by: Grouping, learnt: _Learnt, wanted: NDArray[np.bool_] | None = None) -> GroupedMedian:
    """Return what importers show of growth in each product.

    A boom of one importer in one product shows in its untreated suppliers too. In one or two of them it may
    be a relay: those tell nothing.
    """
    demand = small_median(by.by_importer_product, learnt.rest, wanted=wanted)
    return GroupedMedian(demand.value, np.maximum(demand.count - (_FEWEST_SUPPLIERS - 1), 0))


def _learnt(cells: Cells, untreated: NDArray[np.bool_], noise: Noise) -> _Learnt:
    """Return what medians tell of the growth of products, suppliers and importers."""
    change, weights = _inputs(cells, noise)
    by, n_areas, n_products = cells.grouping, cells.n_areas, cells.n_products
    nothing = np.zeros(n_areas)

    def members(
        group: NDArray[np.int32],
        known: NDArray[np.float64],
        at: NDArray[np.int32],
        also: NDArray[np.float64] = nothing,
        also_at: NDArray[np.int32] = by.exporter,
    ) -> Members:
        return Members(change, weights, untreated, group, known, at, also, also_at)

    def streamed(of: Members, step: str, turn: int, n: int) -> GroupedMedian:
        guess = by.guesses.get(f"{step} {turn}", by.guesses.get(f"{step} 0"))
        found = streamed_median(of, n, guess=guess)
        by.guesses[f"{step} {turn}"] = found.value
        return found

    importer_growth = nothing
    for turn in range(_ROUNDS):
        of = members(by.product, importer_growth, by.importer)
        product_growth = np.nan_to_num(streamed(of, "product", turn, n_products).value)
        own = small_median(by.by_supplier_product, of) if turn else _first(by, of)
        of = members(by.exporter, importer_growth, by.importer, product_growth, by.product)
        general = drawn(streamed(of, "supplier", turn, n_areas))
        supply_growth = (product_growth[None, :] + general[:, None]).ravel()
        supply = GroupedMedian(own.value - supply_growth, own.count)
        supply_growth += drawn(supply, half=noise.half_supply)
        of = members(by.importer, supply_growth, by.supplier_product)
        importer_growth = drawn(streamed(of, "importer", turn, n_areas))
    rest = members(by.importer, supply_growth, by.supplier_product, importer_growth, by.importer)
    return _Learnt(supply_growth, importer_growth, supply, rest)
