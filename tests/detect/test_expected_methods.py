"""Growth by gravity and by control goods: first-order conditions, a second implementation, closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from entrepot.detect.baseline import Baseline, expected_flows
from entrepot.detect.cells import Cells
from entrepot.detect.controls import control_goods, control_growth
from entrepot.detect.estimate import expect
from entrepot.detect.gravity import gravity_growth
from entrepot.detect.options import DetourOptions
from entrepot.errors import OptionError


def trade(n_areas: int, n_products: int, growth, seed: int = 0, noise: float = 0.0) -> Cells:
    """Return trade of everybody with everybody that grows by exp(growth(i, j, k)), times noise."""
    exporter, importer, product = (
        index.ravel() for index in np.indices((n_areas, n_areas, n_products), dtype=np.int64)
    )
    foreign = exporter != importer
    exporter, importer, product = exporter[foreign], importer[foreign], product[foreign]
    rng = np.random.default_rng(seed)
    before = np.exp(rng.normal(5.0, 1.0, exporter.size))
    after = before * np.exp(growth(exporter, importer, product) + rng.normal(0.0, noise, exporter.size))
    nan, nothing = np.full(exporter.size, np.nan), np.zeros(exporter.size)
    none = np.zeros((n_areas, n_areas), dtype=bool)
    return Cells(exporter, importer, product, before, after, nan, nothing, nothing, none, n_areas, n_products)


def test_gravity_recovers_supplier_and_importer_growth_exactly() -> None:
    """Without noise the growth α_ik + β_jk comes back whole, in cells that were left out of the fit too."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 0.5, (7, 3)), rng.normal(0, 0.5, (7, 3))
    cells = trade(7, 3, lambda i, j, k: a[i, k] + b[j, k])
    untreated = ~((cells.exporter == 0) & (cells.importer < 3))
    cells = replace(cells, after=np.where(untreated, cells.after, 0.0))
    growth = gravity_growth(cells, untreated)
    wanted = a[cells.exporter, cells.product] + b[cells.importer, cells.product]
    np.testing.assert_allclose(growth, wanted, atol=1e-6)


def test_gravity_is_the_optimum_of_the_three_way_likelihood() -> None:
    """The full likelihood with every fixed effect, maximised by another method, gives the same growth."""
    cells = trade(4, 1, lambda i, j, k: 0.3 * i - 0.2 * j, seed=5, noise=0.6)
    n, size = 4, cells.before.size

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, pair = parameters[:n], parameters[n : 2 * n], parameters[2 * n :]
        growth = a[cells.exporter] + b[cells.importer]
        first, second = np.exp(pair), np.exp(pair + growth)
        value = (first + second).sum() - (cells.before * pair + cells.after * (pair + growth)).sum()
        gap = second - cells.after
        slope = np.concatenate(
            [
                np.bincount(cells.exporter, gap, n),
                np.bincount(cells.importer, gap, n),
                first - cells.before + gap,
            ]
        )
        return value, slope

    start = np.concatenate([np.zeros(2 * n), np.log(cells.before)])
    best = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 5000}).x
    wanted = best[:n][cells.exporter] + best[n : 2 * n][cells.importer]
    np.testing.assert_allclose(gravity_growth(cells, np.ones(size, dtype=bool)), wanted, atol=1e-4)


def test_gravity_adds_up_by_supplier_and_importer() -> None:
    """First-order conditions: expected and true later trade have the same sum by i × k and by j × k."""
    cells = trade(6, 4, lambda i, j, k: 0.1 * k, seed=2, noise=1.0)
    growth = gravity_growth(cells, np.ones(cells.before.size, dtype=bool))
    later = (cells.before + cells.after) / (1.0 + np.exp(-growth))
    for area in (cells.exporter, cells.importer):
        group = area * 4 + cells.product
        np.testing.assert_allclose(np.bincount(group, later), np.bincount(group, cells.after), rtol=1e-6)


def test_gravity_without_a_cell_of_its_own_takes_the_products_mean() -> None:
    cells = trade(5, 2, lambda i, j, k: np.where(k == 0, 0.7, -0.2))
    untreated = ~((cells.exporter == 0) & (cells.product == 0))
    growth = gravity_growth(cells, untreated)
    np.testing.assert_allclose(growth[cells.product == 0], 0.7, atol=1e-6)
    np.testing.assert_allclose(growth[cells.product == 1], -0.2, atol=1e-6)


def test_a_supplier_that_stopped_has_a_finite_growth() -> None:
    cells = trade(4, 1, lambda i, j, k: 0.0 * i)
    cells = replace(cells, after=np.where(cells.exporter == 1, 0.0, cells.after))
    growth = gravity_growth(cells, np.ones(cells.before.size, dtype=bool))
    assert np.isfinite(growth).all()
    assert (growth[cells.exporter == 1] < -3.0).all()


def test_controls_give_the_growth_of_the_pair_and_of_the_product(flat) -> None:
    """Goods 0 and 1 are listed: pair (0, 1) doubles its controls, and good 0 grows by 0.4 everywhere else."""
    n_products = 60
    cells = trade(
        6,
        n_products,
        lambda i, j, k: np.where((i == 0) & (j == 1), np.log(2.0), 0.0) + np.where(k == 0, 0.4, 0.0),
    )
    treated = (cells.exporter == 0) & (cells.importer == 1) & (cells.product < 2)
    cells = replace(cells, after=np.where(treated, 9.0 * cells.before, cells.after))
    controls = np.arange(n_products) >= 2
    growth = control_growth(cells, untreated=~treated, controls=controls, noise=flat())
    shrunk = np.log(2.0) * 58 / 62
    np.testing.assert_allclose(growth[treated & (cells.product == 1)], shrunk, atol=1e-9)
    np.testing.assert_allclose(growth[treated & (cells.product == 0)], shrunk + 0.4 * 29 / 33, atol=1e-9)


def test_relatives_and_neighbours_of_listed_codes_are_no_controls() -> None:
    """854151 was a part of 854150, and 854160 is in its heading; 880730 was in 880320, a heading apart."""
    products = ("854151", "854150", "854160", "850431", "090111", "880320")
    listed = np.array([True, False, False, False, False, False])
    assert control_goods(products, listed).tolist() == [False, False, False, True, True, True]
    assert not control_goods(("880730", "880320"), np.array([True, False]))[1]


@pytest.mark.parametrize("method", [Baseline.GRAVITY, Baseline.CONTROLS])
def test_the_baseline_says_how_it_was_learnt(method: Baseline, flat, make_question) -> None:
    cells = trade(6, 10, lambda i, j, k: 0.2 + 0.0 * i)
    asked = make_question(cells, hubs=[3], listed=[0, 1])
    asked = replace(asked, method=method, controls=~asked.listed)
    found = expect(cells, asked, noise=flat())
    assert found.baseline is method
    np.testing.assert_allclose(found.usd, cells.after, rtol=1e-6)
    insisted = expect(cells, replace(asked, method=None), noise=flat(), baseline=method)
    np.testing.assert_array_equal(insisted.usd, found.usd)


def test_without_controls_medians_stand_in(flat) -> None:
    cells = trade(5, 3, lambda i, j, k: 0.1 + 0.0 * i)
    untreated = np.ones(cells.before.size, dtype=bool)
    found = expected_flows(cells, untreated=untreated, noise=flat(), method=Baseline.CONTROLS)
    assert found.baseline is Baseline.UNTREATED


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(OptionError, match="no way to expect flows"):
        DetourOptions(event="2022-03", expected="magic")
