"""What areas trade more of elsewhere, of the goods that fell: closed forms and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.baseline import Baseline, Expected
from entrepot.detect.fallen_growth import with_fallen_growth
from entrepot.detect.kernels.medians import GroupedMedian

#: Origin 0 sells to destination 1, area 2 to it and to the nine areas from 3 on; products 0 and 1 fell.
BOOM = 0.7


def trade(make_cells, *, buyers: int = 9, fall: float = 0.1):
    rows = [(0, 1, k, 1e6, 1e6 * (fall if k < 2 else 1.0)) for k in range(4)]
    for k in range(4):
        growth = np.exp(BOOM) if k < 2 else 1.0
        rows += [(2, j, k, 1e5, 1e5 * growth) for j in (1, *range(3, 3 + buyers))]
        rows += [(3, 2, k, 1e5, 1e5)]
    return make_cells(rows, n_areas=3 + buyers)


def grown(cells, make_question, flat, *, origins=(0,), listed=None, sd: float = 0.3) -> np.ndarray:
    question = make_question(cells, origins=origins, destinations=(1,), listed=listed)
    direct = question.is_treated[cells.exporter, cells.importer] & question.listed[cells.product]
    plain = Expected(usd=cells.before.copy(), baseline=Baseline.UNTREATED)
    found = with_fallen_growth(plain, cells, question=question, noise=flat(sd), direct=direct)
    return np.log(found.usd / cells.before)


def test_what_an_area_sells_more_of_elsewhere_it_sells_more_of_to_the_destination(
    make_cells, make_question, flat
) -> None:
    """Eighteen flows of the two goods that fell, to nine other buyers: 18/22 of the boom is expected."""
    cells = trade(make_cells)
    growth = grown(cells, make_question, flat)
    booms = (cells.exporter == 2) & (cells.product < 2)
    np.testing.assert_allclose(growth[booms], BOOM * 18 / 22, rtol=1e-6)
    np.testing.assert_allclose(growth[~booms], 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("buyers", "fall", "origins", "listed"),
    [
        (3, 0.1, (0,), None),  # six flows tell too little
        (9, 0.7, (0,), None),  # nothing fell by so much
        (9, 0.1, (0, 2), None),  # it is an origin itself
        (9, 0.1, (0,), (2, 3)),  # the goods that fell are not asked about
    ],
)
def test_what_tells_nothing_moves_nothing(
    make_cells, make_question, flat, buyers: int, fall: float, origins: tuple[int, ...], listed
) -> None:
    cells = trade(make_cells, buyers=buyers, fall=fall)
    growth = grown(cells, make_question, flat, origins=origins, listed=listed)
    np.testing.assert_allclose(growth, 0.0, atol=1e-12)


def test_a_fall_within_the_noise_is_none(make_cells, make_question, flat) -> None:
    cells = trade(make_cells, fall=0.5)
    assert grown(cells, make_question, flat, sd=0.2).max() > 0.5
    np.testing.assert_allclose(grown(cells, make_question, flat, sd=0.3), 0.0, atol=1e-12)


def test_other_baselines_are_left_alone(make_cells, make_question, flat) -> None:
    cells = trade(make_cells)
    question = make_question(cells, origins=(0,), destinations=(1,))
    direct = question.is_treated[cells.exporter, cells.importer]
    for baseline in set(Baseline) - {Baseline.UNTREATED}:
        plain = replace(Expected(usd=cells.before.copy(), baseline=baseline))
        assert with_fallen_growth(plain, cells, question=question, noise=flat(), direct=direct) is plain


def purchases(make_cells):
    """Origin 0 sells to destination 1 and to area 2; 2 and 3 buy each good from the ten areas from 4 on."""
    rows = [(0, j, k, 1e6, 1e6 * (0.1 if j == 1 and k < 2 else 1.0)) for j in (1, 2, 3) for k in range(4)]
    for k in range(4):
        growth = np.exp(BOOM) if k < 2 else 1.0
        rows += [(i, 2, k, 1e5, 1e5 * growth) for i in range(4, 14)]
        rows += [(i, 3, k, 1e5, 1e5) for i in range(4, 14)]
        rows += [(i, 1, k, 1e5, 1e5 * growth) for i in range(4, 14)]
    return make_cells(rows, n_areas=14)


def told(value: np.ndarray, count: np.ndarray) -> GroupedMedian:
    return GroupedMedian(value=value.ravel(), count=count.ravel())


def test_what_an_area_buys_more_of_from_others_it_buys_more_of_from_the_origins(
    make_cells, make_question, flat
) -> None:
    """Twenty flows of the two goods that fell, of ten other sellers: 20/24 of the boom is expected."""
    cells = purchases(make_cells)
    question = make_question(cells, origins=(0,), destinations=(1,))
    direct = question.is_treated[cells.exporter, cells.importer]
    nothing = np.zeros((14, 4))
    plain = Expected(
        usd=cells.before.copy(), baseline=Baseline.UNTREATED, demand=told(nothing, nothing.astype(int))
    )
    found = with_fallen_growth(plain, cells, question=question, noise=flat(0.3), direct=direct)
    growth = np.log(found.usd / cells.before)
    booms = (cells.importer == 2) & (cells.product < 2)
    assert booms[(cells.exporter == 0)].any()
    np.testing.assert_allclose(growth[booms], BOOM * 20 / 24, rtol=1e-6)
    # What the destination buys elsewhere says nothing: others fill in there.
    np.testing.assert_allclose(growth[~booms], 0.0, atol=1e-12)


def test_growth_by_product_is_drawn_to_the_growth_of_all_goods_that_fell(
    make_cells, make_question, flat
) -> None:
    """Of eight flows that count: 8/12 of what the product shows, 4/12 of what all goods that fell show."""
    cells = purchases(make_cells)
    question = make_question(cells, origins=(0,), destinations=(1,))
    direct = question.is_treated[cells.exporter, cells.importer]
    value, count = np.zeros((14, 4)), np.zeros((14, 4), dtype=np.int64)
    value[2, 0], count[2, 0] = 0.9, 8
    value[2, 3], count[2, 3] = 0.6, 8
    known = np.where(count > 0, value * 8 / 12, 0.0)
    plain = Expected(
        usd=cells.before * np.exp(known[cells.importer, cells.product]),
        baseline=Baseline.UNTREATED,
        demand=told(value, count),
    )
    found = with_fallen_growth(plain, cells, question=question, noise=flat(0.3), direct=direct)
    growth = np.log(found.usd / cells.before)
    of_all = BOOM * 20 / 24
    expected = {0: 0.9 * 8 / 12 + of_all * 4 / 12, 1: of_all, 2: 0.0, 3: 0.6 * 8 / 12}
    for product, wanted in expected.items():
        at = (cells.importer == 2) & (cells.product == product)
        np.testing.assert_allclose(growth[at], wanted, rtol=1e-6, atol=1e-12)


def test_one_seller_of_many_goods_does_not_outvote_sellers_of_one(make_cells, make_question, flat) -> None:
    """A friend that relays twenty goods to area 2 counts as 20/2.9 flows; twelve sellers of one stay calm."""
    rows = [(0, 1, k, 1e6, 1e5) for k in range(20)]
    rows += [(3, 2, k, 1e5, 3e5) for k in range(20)]
    rows += [(3, j, k, 1e5, 1e5) for j in range(16, 21) for k in range(20)]
    rows += [(i, 2, 0, 1e5, 1e5) for i in range(4, 16)]
    cells = make_cells(rows, n_areas=21, n_products=20)
    question = make_question(cells, origins=(0,), destinations=(1,))
    direct = question.is_treated[cells.exporter, cells.importer]
    none = told(np.zeros((21, 20)), np.zeros((21, 20), dtype=np.int64))
    plain = Expected(usd=cells.before.copy(), baseline=Baseline.UNTREATED, demand=none)
    found = with_fallen_growth(plain, cells, question=question, noise=flat(0.3), direct=direct)
    calm = (cells.importer == 2) & (cells.exporter > 3)
    np.testing.assert_allclose(found.usd[calm], cells.before[calm], rtol=1e-9)


def test_a_floor_hides_no_growth(make_cells, make_question, flat) -> None:
    """Flows of 1e5 beside a floor of 1e5: ln of the two together shows half of the growth only."""
    cells = trade(make_cells)
    question = make_question(cells, origins=(0,), destinations=(1,))
    direct = question.is_treated[cells.exporter, cells.importer]
    plain = Expected(usd=cells.before.copy(), baseline=Baseline.UNTREATED)
    noise = flat(0.3, floor=1e5)
    found = with_fallen_growth(plain, cells, question=question, noise=noise, direct=direct)
    booms = (cells.exporter == 2) & (cells.product < 2)
    growth = np.log(found.usd / cells.before)[booms]
    np.testing.assert_allclose(growth, BOOM * 18 / 22, rtol=0.06)
    assert (noise.log_change(cells.after, cells.before)[booms] < 0.65 * BOOM).all()
