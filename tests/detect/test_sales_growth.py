"""What areas sell more of elsewhere, of the goods that fell: closed forms and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.baseline import Baseline, Expected
from entrepot.detect.sales_growth import with_sales_growth

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
    found = with_sales_growth(plain, cells, question=question, noise=flat(sd), direct=direct)
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
        assert with_sales_growth(plain, cells, question=question, noise=flat(), direct=direct) is plain
