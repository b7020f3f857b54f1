"""Placebos in portions: every product in one, each with its part of the lost trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from entrepot.detect import calibration, portions
from entrepot.detect.calibration import Placebo, calibrate
from entrepot.detect.portions import n_portions, portion
from entrepot.detect.spikes import SpikePlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.noise import Noise


@pytest.fixture
def world(random_cells: Callable[..., Cells], make_question: Callable[..., Question]):
    cells = random_cells(3, n_areas=9, n_products=40)
    return cells, make_question(cells, listed=range(0, 40, 3))


def test_small_placebos_stay_whole(world) -> None:
    cells, question = world
    whole = portion(cells, question, 0, n=n_portions(cells))
    assert whole.cells is cells
    assert whole.question is question
    assert whole.share == 1.0


@pytest.mark.parametrize("n", [2, 3, 7])
def test_portions_hold_every_cell_once(world, n: int) -> None:
    cells, question = world
    made = [portion(cells, question, at, n=n) for at in range(n)]
    assert sum(one.share for one in made) == pytest.approx(1.0)
    whole = np.sort(cells.key)
    keys = [
        one.cells.key_of(one.cells.exporter, one.cells.importer, np.zeros(one.cells.before.size, dtype=int))
        // one.cells.n_products
        * cells.n_products
        + one.products[one.cells.product]
        for one in made
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(keys)), whole)
    for one in made:
        np.testing.assert_array_equal(one.question.listed, question.listed[one.products])
        listed = int(one.question.listed.sum())
        assert abs(listed - question.listed.sum() / n) <= 1
        assert one.cells.product.max() < one.cells.n_products == one.products.size


def test_a_large_placebo_is_planted_portion_by_portion(
    world, flat: Callable[..., Noise], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sets go through the portions in turn; what they planted stands under the products' own numbers."""
    cells, question = world
    placebo = Placebo(cells=cells, question=question, partner_growth=None, scale=1.0, label="")
    plan = SpikePlan(total_usd=0.0, hub_weight=question.hubs.astype(float), n_hubs=3)

    def run():
        made = calibrate([placebo], noise=flat(0.5, 1.0), plan=plan, z=1.0, sets=16, seed=4)
        return [set(run.product[run.planted > 0].tolist()) for run in made.runs]

    everywhere = run()
    monkeypatch.setattr(calibration, "n_portions", lambda cells: portions.n_portions(cells, largest=700))
    n = portions.n_portions(cells, largest=700)
    assert n > 1
    made = run()
    portions_of = [set(portion(cells, question, at, n=n).products.tolist()) for at in range(n)]
    assert any(not any(planted <= mine for mine in portions_of) for planted in everywhere)
    # A set in which nothing could be planted is left out.
    assert len(made) > n
    of = [at for planted in made for at, mine in enumerate(portions_of) if planted <= mine]
    assert len(of) == len(made)
    assert of == sorted(of)
    assert len(set(of)) > 1
