r"""The most and the least that the books allow, whatever shares are assumed.

The estimate draws every leg to what its pair shows as a whole; these two figures do not. They use the plain
departures of each leg, noise included, through the hubs found, and bracket every way of matching them.

*Largest*: the linear programme max Σ (d + u) over the corridors, subject to Σ_d (d + u) ≤ X_oh,
Σ_d u ≤ (1 − φ_h) X_oh, Σ_o d ≤ Y_hd / μ_h, Σ_h (d + u) ≤ L_od, product by product. *Smallest*: the Fréchet
bound of every hub, max(0, Σ_o X_oh − A_h − Σ_e Y_he, Σ_d Y_hd / μ_h − S_h − Σ_p X_ph), within what arrived
and what was missing directly. X, Y, L are inbound excess, onward excess and shortfall; φ what hub h declares,
μ its mark-up; e the other buyers of the hub, p the suppliers that were not asked about. A_h is what the hub
may have used itself and S_h what it may have sent of its own: their stated values are the 95th percentile of
the noise of its whole imports, and of its sales to the destinations, of that product.

References
----------
Fréchet (1951), "Sur les tableaux de corrélation dont les marges sont données", Annales de l'Université de
Lyon, Section A 14, pp. 53-77: the bounds of a table of which the margins are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy

from entrepot.detect.cells import find_cells
from entrepot.detect.corridors import join_keys, kind_number
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.kernels.threads import in_blocks
from entrepot.detect.markup import hub_markup
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.estimate import Estimate
    from entrepot.detect.noise import Noise

__all__ = ["Extremes", "extremes_of", "largest_flow"]

_Z95 = 1.6448536269514722

#: Above so many corridors the programme is not solved: its bound says least where everything is asked.
_MOST_CORRIDORS = 200_000

#: Amounts from which on a further programme is begun.
_MOST_TOGETHER = 4_000


@dataclass(frozen=True, slots=True)
class Extremes:
    """What the books allow.

    Attributes
    ----------
    smallest_usd, largest_usd
        USD, FOB at the origin; NaN where there are too many corridors to solve for.
    """

    smallest_usd: float
    largest_usd: float


def extremes_of(cells: Cells, question: Question, found: Estimate, noise: Noise) -> Extremes:
    """Return the most and the least that can have passed the hubs that an estimate found.

    Parameters
    ----------
    cells, question, noise
        The flows, who is asked about, and how much flows change for no reason.
    found
        The estimate of the same question.

    Returns
    -------
    Extremes
        Both zero where the estimate is empty. The largest is never under the estimate's own total.
    """
    own = found.corridors.only(found.corridors.kind != kind_number(DetourKind.RELAY))
    total = float(own.usd.sum())
    if total <= 0:
        return Extremes(0.0, 0.0)
    hubs = np.zeros(cells.n_areas, dtype=bool)
    hubs[own.hub[own.usd > 0]] = True
    beyond = _Beyond.of(cells, question, found)
    largest = _largest(cells, question, found, hubs, beyond)
    smallest = min(_smallest(cells, question, found, hubs, beyond, noise), total)
    return Extremes(smallest, max(largest, total))


@dataclass(frozen=True, slots=True)
class _Beyond:
    """Plain departures of cells ``at``, (m,): above the expected flow, and below it.

    What hubs send on to destinations is less their mark-up.
    """

    cells: Cells
    usual: NDArray[np.float64]
    ends: NDArray[np.bool_]
    rate: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Cells, question: Question, found: Estimate) -> _Beyond:
        rate = np.where(question.hubs, hub_markup(cells, question), 1.0)
        return cls(cells, found.expected.usd, question.destinations, rate)

    def over(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        def over(place: NDArray[np.int64]) -> NDArray[np.float64]:
            beyond: NDArray[np.float64] = np.maximum(self.cells.after[place] - self.usual[place], 0.0)
            seller, buyer = self.cells.exporter[place], self.cells.importer[place]
            beyond /= np.where(self.ends[buyer], self.rate[seller], 1.0)
            return beyond

        return in_blocks(over, at)

    def short(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.maximum(self.usual[at] - self.cells.after[at], 0.0)


def _largest(
    cells: Cells, question: Question, found: Estimate, hubs: NDArray[np.bool_], beyond: _Beyond
) -> float:
    """Solve the linear programme; NaN where there are too many corridors."""
    inbound, direct, onward = (
        cells.under(pairs, question.listed)
        for pairs in (
            question.origins[:, None] & hubs & ~question.is_treated,
            question.is_treated,
            hubs[:, None] & question.destinations,
        )
    )
    inbound, onward = (legs[beyond.over(legs) > 0] for legs in (inbound, onward))
    direct = direct[beyond.short(direct) > 0]
    at_in, at_direct = join_keys(
        cells.exporter[inbound] * cells.n_products + cells.product[inbound],
        cells.exporter[direct] * cells.n_products + cells.product[direct],
    )
    hub, destination = cells.importer[inbound[at_in]], cells.importer[direct[at_direct]]
    product = cells.product[inbound[at_in]]
    observed = question.sees(cells, hub, destination, product)
    at_on = find_cells(cells.key_at(onward), cells.key_of(hub, destination, product))
    apart = (hub != destination) & ~question.is_treated[hub, destination]
    unseen = 1.0 - found.legs.declared[hub]
    rows = {
        "declared": np.flatnonzero(apart & observed & (at_on >= 0)),
        "unseen": np.flatnonzero(apart & observed & (unseen > 0)),
        "unobserved": np.flatnonzero(apart & ~observed),
    }
    sizes = [rows[kind].size for kind in rows]
    if sum(sizes) > _MOST_CORRIDORS:
        return float("nan")
    every = np.concatenate(list(rows.values()))
    column = np.arange(every.size)
    is_declared = column < sizes[0]
    is_unseen = ~is_declared & (column < sizes[0] + sizes[1])
    n_in, n_direct = inbound.size, direct.size
    arrived = beyond.over(inbound)
    hidden = arrived * (1.0 - found.legs.declared[cells.importer[inbound]])
    return largest_flow(
        column=np.concatenate([column, column, column[is_unseen], column[is_declared]]),
        bound=np.concatenate(
            [
                at_in[every],
                n_in + at_direct[every],
                n_in + n_direct + at_in[every][is_unseen],
                2 * n_in + n_direct + at_on[every][is_declared],
            ]
        ),
        capacity=np.concatenate([arrived, beyond.short(direct), hidden, beyond.over(onward)]),
        n=every.size,
    )


def largest_flow(
    *, column: NDArray[np.int64], bound: NDArray[np.int64], capacity: NDArray[np.float64], n: int
) -> float:
    """Return the largest sum of ``n`` amounts of which every bound holds some together.

    Parameters
    ----------
    column, bound : (m,)
        Amount ``column`` counts against bound ``bound``.
    capacity : (b,)
        What the amounts under each bound may sum to, USD.
    n
        Number of amounts.

    Returns
    -------
    float
        USD; zero without amounts, NaN where the solver gives up.
    """
    if n == 0:
        return 0.0
    scale = max(float(capacity.max()), 1.0)
    matrix = scipy.sparse.coo_array((np.ones(column.size), (bound, column)), shape=(capacity.size, n)).tocsr()
    largest = 0.0
    for bounds, amounts in _apart(column=column, bound=bound, n_bounds=capacity.size, n=n):
        solved = scipy.optimize.linprog(
            -np.ones(amounts.size),
            A_ub=cast("Any", matrix[bounds][:, amounts]),
            b_ub=capacity[bounds] / scale,
            bounds=(0, None),
            method="highs",
        )
        if solved.x is None:
            return float("nan")
        largest += float(solved.x.sum()) * scale
    return largest


def _apart(
    *, column: NDArray[np.int64], bound: NDArray[np.int64], n_bounds: int, n: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the bounds and amounts of programmes that share nothing, thousands of amounts a programme.

    Products never share a bound, so that a whole world falls apart into thousands of small programmes. Solved
    as one, 130,000 corridors took eight times as long.
    """
    links = scipy.sparse.coo_array(
        (np.ones(column.size), (bound, n_bounds + column)), shape=(n_bounds + n, n_bounds + n)
    )
    count, group = scipy.sparse.csgraph.connected_components(links, directed=False)
    size = np.bincount(group[n_bounds:], minlength=count)
    of_group = (np.cumsum(size) - size) // _MOST_TOGETHER
    # A bound without amounts is a group of its own, without a programme.
    of_group[size == 0] = -1
    of_bound, of_amount = of_group[group[:n_bounds]], of_group[group[n_bounds:]]
    by_bound, by_amount = (np.argsort(of, kind="stable") for of in (of_bound, of_amount))
    for number in np.unique(of_amount):
        first, last = np.searchsorted(of_bound[by_bound], (number, number + 1))
        begin, end = np.searchsorted(of_amount[by_amount], (number, number + 1))
        yield by_bound[first:last], by_amount[begin:end]


def _smallest(
    cells: Cells,
    question: Question,
    found: Estimate,
    hubs: NDArray[np.bool_],
    beyond: _Beyond,
    noise: Noise,
) -> float:
    """Return the sum of the hubs' Fréchet bounds, product by product, within what was missing directly."""
    listed, expected, k = question.listed, found.expected.usd, cells.n_products
    treated = cells.under(question.is_treated, listed)

    def doubt(usd: NDArray[np.float64]) -> NDArray[np.float64]:
        return usd * np.expm1(_Z95 * noise.at(usd))

    def passed(hub: int) -> NDArray[np.float64]:
        """Return by product the least that passed a hub, no more than arrived from the origins."""
        is_hub = np.arange(cells.n_areas) == hub
        arrivals = cells.under(np.broadcast_to(is_hub, question.is_treated.shape), listed)
        sales = cells.under(np.broadcast_to(is_hub[:, None], question.is_treated.shape), listed)
        good, sold_good, seller = cells.product[arrivals], cells.product[sales], cells.exporter[arrivals]
        is_asked, is_free = question.origins[seller], ~question.is_treated[seller, hub]
        is_end = question.destinations[cells.importer[sales]]
        bought, sold = beyond.over(arrivals), beyond.over(sales)
        arrived = sum_by(good, bought * (is_asked & is_free), k)
        from_others = sum_by(good, bought * ~is_asked, k)
        sent = sum_by(sold_good, sold * is_end, k)
        elsewhere = sum_by(sold_good, sold * ~is_end, k)
        own_use = doubt(sum_by(good, expected[arrivals], k))
        own_supply = doubt(sum_by(sold_good, expected[sales] * is_end, k))
        least = np.maximum(np.maximum(arrived - own_use - elsewhere, sent - own_supply - from_others), 0.0)
        return np.minimum(least, arrived)

    of_all = sum((passed(int(hub)) for hub in np.flatnonzero(hubs)), np.zeros(k))
    # No more than the products lost.
    lost = sum_by(cells.product[treated], beyond.short(treated), k)
    return float(np.minimum(of_all, lost).sum())
