"""The most and the least that the books allow: small cases by hand, and the estimate always between."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array

from entrepot.detect.estimate import estimate, learn_noise
from entrepot.detect.extremes import extremes_of, largest_flow


def flow_of(bounds_of_amounts: list[list[int]], capacity: list[float]) -> float:
    column = np.array([at for at, bounds in enumerate(bounds_of_amounts) for _ in bounds], dtype=np.int64)
    bound = np.array([b for bounds in bounds_of_amounts for b in bounds], dtype=np.int64)
    return largest_flow(column=column, bound=bound, capacity=np.array(capacity), n=len(bounds_of_amounts))


def test_one_corridor_is_its_smallest_bound() -> None:
    assert flow_of([[0, 1, 2]], [30e6, 20e6, 70e6]) == pytest.approx(20e6)


def test_shared_bounds_are_shared() -> None:
    """Two origins into one hub that sent on 10: together no more than 10, whichever it was."""
    assert flow_of([[0, 2], [1, 2]], [8.0, 8.0, 10.0]) == pytest.approx(10.0)


def test_proportional_filling_is_not_the_most() -> None:
    """A chain: the middle amount blocks both ends, so the most leaves it out."""
    assert flow_of([[0], [0, 1], [1]], [5.0, 5.0]) == pytest.approx(10.0)


def test_no_amounts_sum_to_nothing() -> None:
    assert flow_of([], [1.0]) == 0.0


def test_thousands_of_products_solved_apart_are_the_same_as_together() -> None:
    """Bounds of no amount among them; three amounts a product, the first bound of each shared."""
    rng = np.random.default_rng(5)
    products = 4_000
    bounds = [[3 * k, 3 * k + 1 + (a % 2)] for k in range(products) for a in range(3)]
    order = rng.permutation(len(bounds))
    number = rng.permutation(3 * products + 500)  # bounds in no order either
    capacity = rng.lognormal(10.0, 2.0, number.size)
    rows = np.array([number[b] for at in order for b in bounds[at]])
    columns = np.repeat(np.arange(order.size), 2)
    together = linprog(
        -np.ones(order.size),
        A_ub=coo_array((np.ones(rows.size), (rows, columns)), shape=(number.size, order.size)).tocsr(),
        b_ub=capacity,
        bounds=(0, None),
    )
    assert largest_flow(column=columns, bound=rows, capacity=capacity, n=order.size) == pytest.approx(
        -together.fun, rel=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_programme_beats_every_vertex(data) -> None:
    """Slow twin: over all ways to fill amounts one after the other as far as the bounds allow."""
    n = data.draw(st.integers(1, 4))
    capacity = data.draw(st.lists(st.integers(0, 9), min_size=3, max_size=3))
    bounds = data.draw(
        st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True), min_size=n, max_size=n)
    )
    best = 0.0
    for order in product(range(n), repeat=n):
        left = [float(c) for c in capacity]
        filled = 0.0
        for at in dict.fromkeys(order):
            usd = min(left[b] for b in bounds[at])
            filled += usd
            for b in bounds[at]:
                left[b] -= usd
        best = max(best, filled)
    assert flow_of(bounds, [float(c) for c in capacity]) >= best - 1e-9


def detour_cells(make_cells, *, moved: float):
    """Eight products, 100 each before on every road; ``moved`` leave the direct road and pass the hub 3."""
    rows = []
    for at in range(8):
        before, after = [], []
        for exporter, importer in (
            (0, 2),
            (1, 2),
            (0, 3),
            (1, 3),
            (3, 2),
            (4, 2),
            (4, 3),
            (0, 4),
            (1, 4),
            (5, 3),
            (5, 2),
        ):
            change = {(0, 2): -moved, (1, 2): -moved, (0, 3): moved, (1, 3): moved, (3, 2): 2 * moved}
            before.append((exporter, importer))
            after.append(100e6 + change.get((exporter, importer), 0.0))
        rows += [(e, i, at, 100e6, usd) for (e, i), usd in zip(before, after, strict=True)]
    return make_cells(rows, n_areas=6, n_products=8)


def test_without_noise_the_bounds_close_in_on_the_truth(make_cells, make_question) -> None:
    quiet = detour_cells(make_cells, moved=0.0)
    cells = detour_cells(make_cells, moved=60e6)
    question = make_question(cells, hubs=(3, 4, 5))
    noise = learn_noise([quiet], [question], [None])
    found = estimate(cells, question, noise=noise)
    extremes = extremes_of(cells, question, found, noise)
    truth = 2 * 60e6 * 8
    assert float(found.corridors.usd.sum()) == pytest.approx(truth, rel=0.05)
    assert extremes.largest_usd == pytest.approx(truth, rel=0.05)
    # own use of 2% noise, 95th percentile: 3.3% of imports of 400 and more
    assert 0.8 * truth < extremes.smallest_usd <= extremes.largest_usd


def test_an_empty_estimate_allows_nothing(make_cells, make_question) -> None:
    cells = detour_cells(make_cells, moved=0.0)
    question = make_question(cells, hubs=(3, 4, 5))
    noise = learn_noise([cells], [question], [None])
    extremes = extremes_of(cells, question, estimate(cells, question, noise=noise), noise)
    assert (extremes.smallest_usd, extremes.largest_usd) == (0.0, 0.0)
