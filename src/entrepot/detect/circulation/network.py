r"""The most that can go in circles in a network of flows, and the cycles that carry it.

*Formula.* Of flows w_ij between areas, the maximum circulation is a linear programme, solved by HiGHS::

    max Σ f_ij    with    Σ_j f_ij = Σ_j f_ji  for every i,    0 ≤ f_ij ≤ w_ij

Ordinary two-way trade is in it. Placebo networks have the same flows with their importers exchanged among
flows of about the same size: every area sends what it sent and receives about what it received, but who
sends back to whom is chance. All periods of a product exchange alike, so that chance is the same in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_matrix
from scipy.sparse.csgraph import connected_components

from entrepot.errors import CoverageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Network", "exchanged_importers", "leading_cycles", "max_circulation", "placebo_network"]

_BAND = 8  # flows that exchange their importers
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Network:
    """Flows of one product in one period; e flows between n areas.

    Attributes
    ----------
    exporter, importer : (e,)
        Areas, from 0 to ``size - 1``; never the same one.
    usd : (e,)
        Positive amounts.
    size
        Number of areas.
    """

    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    usd: NDArray[np.float64]
    size: int


def max_circulation(network: Network) -> NDArray[np.float64]:
    """Return (e,) the part of each flow that a maximum circulation takes.

    Only flows inside a strongly connected set of areas can be part of a circle; the others are zero.

    Raises
    ------
    CoverageError
        The solver gave no answer.
    """
    taken = np.zeros(network.usd.size)
    graph = csc_matrix(
        (np.ones(network.usd.size), (network.exporter, network.importer)), shape=(network.size,) * 2
    )
    _, part = connected_components(graph, directed=True, connection="strong")
    inside = np.flatnonzero(part[network.exporter] == part[network.importer])
    if not inside.size:
        return taken
    usd, flows = network.usd[inside], np.arange(inside.size)
    balance: Any = csc_matrix(  # the stubs of linprog know dense ones alone
        (
            np.concatenate([np.ones(inside.size), -np.ones(inside.size)]),
            (np.concatenate([network.exporter[inside], network.importer[inside]]), np.tile(flows, 2)),
        ),
        shape=(network.size, inside.size),
    )
    scale = usd.max()
    limits = [(0.0, float(limit)) for limit in usd / scale]
    solved = linprog(
        -np.ones(inside.size), A_eq=balance, b_eq=np.zeros(network.size), bounds=limits, method="highs"
    )
    if solved.status != 0:
        raise CoverageError(
            f"the circulation of {inside.size} flows was not solved: {solved.message}",
            where="entrepot circulation",
            hint="look for amounts that are no numbers in the product's flows",
        )
    taken[inside] = np.clip(solved.x * scale, 0.0, usd)
    return taken


def exchanged_importers(network: Network, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (e,) the importers of a placebo: exchanged among flows of about the same size.

    Parameters
    ----------
    network
        The flows.
    rng
        Stream to draw from.
    """
    order = np.argsort(-network.usd, kind="stable")
    importer = network.importer.copy()
    # shuffled inside bands: a draw in [0, 1) added to the band's number orders each band at random
    band = np.arange(order.size) // _BAND
    mixed = order[np.argsort(band + rng.random(order.size), kind="stable")]
    importer[order] = network.importer[mixed]
    return importer


def placebo_network(network: Network, importer: NDArray[np.int64]) -> Network:
    """Return the flows with other importers.

    Flows that would lead back to their exporter are left out; those of which two became one are added up.

    Parameters
    ----------
    network
        The flows.
    importer : (e,)
        See :func:`exchanged_importers`.
    """
    away = importer != network.exporter
    key = network.exporter[away] * network.size + importer[away]
    pairs, at = np.unique(key, return_inverse=True)
    usd = np.bincount(at, weights=network.usd[away], minlength=pairs.size).astype(np.float64)
    return Network(pairs // network.size, pairs % network.size, usd, network.size)


def leading_cycles(
    network: Network, taken: NDArray[np.float64], most: int
) -> list[tuple[tuple[int, ...], float]]:
    """Return the largest cycles of a circulation, each with what it carries, largest first.

    One after the other: the flow that carries most, closed by the widest way back, is taken out. A
    circulation can be taken apart in many ways; this one gives few cycles of much.

    Parameters
    ----------
    network
        The flows.
    taken : (e,)
        See :func:`max_circulation`.
    most
        Cycles wanted.
    """
    left = {
        (int(i), int(j)): float(usd)
        for i, j, usd in zip(network.exporter, network.importer, taken, strict=True)
        if usd > 0.0
    }
    least = _LEAST * max(left.values(), default=0.0)
    found: list[tuple[tuple[int, ...], float]] = []
    while left and len(found) < most:
        exporter, importer = max(left, key=lambda flow: (left[flow], flow))
        way = _widest(left, importer, exporter)
        if way is None:  # rounding of the solver
            del left[exporter, importer]
            continue
        nodes = (exporter, *way[:-1])
        flows = [(exporter, importer), *pairwise(way)]
        width = min(left[flow] for flow in flows)
        for flow in flows:
            left[flow] -= width
            if left[flow] <= least:
                del left[flow]
        found.append((nodes, width))
    return sorted(found, key=lambda cycle: -cycle[1])


def _widest(flows: dict[tuple[int, int], float], start: int, end: int) -> list[int] | None:
    """Return the areas of the way from start to end whose smallest flow is largest; None without any."""
    onward: dict[int, list[tuple[int, float]]] = {}
    for (i, j), usd in flows.items():
        onward.setdefault(i, []).append((j, usd))
    best, came, queue = {start: np.inf}, {start: start}, [(-np.inf, start)]
    while queue:
        width, area = heappop(queue)
        if area == end:
            way = [end]
            while way[-1] != start:
                way.append(came[way[-1]])
            return way[::-1]
        for after, usd in onward.get(area, ()):
            through = min(-width, usd)
            if through > best.get(after, 0.0):
                best[after], came[after] = through, area
                heappush(queue, (-through, after))
    return None
