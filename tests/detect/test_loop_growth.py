"""What groups of flows grew by: told from noise, against loops and planted growth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.cells import Cells
from entrepot.detect.loops.growth import drawn_to_none, log_growth, variance_between

AREAS, PRODUCTS = 20, 25
MEMBERS = st.lists(
    st.tuples(st.floats(-5.0, 5.0), st.integers(1, 5).map(float), st.integers(0, 3)), min_size=1, max_size=20
)


@settings(max_examples=100, deadline=None)
@given(members=MEMBERS)
def test_variance_between_equals_its_formula(members: list[tuple[float, float, int]]) -> None:
    above = below = 0.0
    for (r, w, g), (s, v, h) in itertools.permutations(members, 2):
        if g == h:
            above, below = above + w * v * r * s, below + w * v
    values, weights, group = (np.array(part) for part in zip(*members, strict=True))
    found = variance_between(values, weights, group.astype(np.int64))
    assert found == pytest.approx(max(above / below, 0.0) if below else 0.0, abs=1e-9)


def test_effects_equal_their_posterior_on_a_grid() -> None:
    """A mixture of three normals before, of variance one together, and a normal error of the median."""
    grid = np.linspace(-12.0, 12.0, 48_001)
    scales, shares = np.array([0.4, 1.0, 2.5]), np.array([0.6, 0.3, 0.1])
    sd = scales * np.sqrt(0.09 / (shares @ scales**2))
    before = (shares / sd * np.exp(-0.5 * (grid[:, None] / sd) ** 2)).sum(axis=1)
    for median, weight in ((0.2, 4.0), (0.2, 400.0), (-2.0, 50.0), (3.0, 0.5)):
        after = before * np.exp(-0.5 * (grid - median) ** 2 * weight / (np.pi / 2.0))
        expected = float((grid * after).sum() / after.sum())
        found = drawn_to_none(np.array([median]), np.array([weight]), 0.09)[0]
        assert found == pytest.approx(expected, abs=1e-4)


def test_what_is_not_told_is_none() -> None:
    assert drawn_to_none(np.array([np.nan, 1.0, 1.0]), np.array([3.0, 0.0, 3.0]), 0.0).tolist() == [0, 0, 0]
    found = drawn_to_none(np.array([np.nan, 1.0, 1.0]), np.array([3.0, 0.0, 3.0]), 0.5)
    assert found[0] == found[1] == 0.0
    assert 0.0 < found[2] < 1.0


def world(sd: float, stopped: float, seed: int) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Return flows, their log changes, and the growth of suppliers by product and of importers in them."""
    rng = np.random.default_rng(seed)
    exporter, importer, product = (
        part.ravel() for part in np.meshgrid(*(np.arange(n) for n in (AREAS, AREAS, PRODUCTS)), indexing="ij")
    )
    kept = (exporter != importer) & (rng.random(exporter.size) < 0.3)
    exporter, importer, product = exporter[kept], importer[kept], product[kept]
    growth = rng.normal(0.0, 0.15, (AREAS, PRODUCTS))[exporter, product]
    growth = growth + rng.normal(0.0, 0.15, AREAS)[importer]
    change = growth + rng.normal(0.0, sd, growth.size)
    lumpy = rng.random(growth.size) < stopped
    change[lumpy] = rng.choice((-9.0, 9.0), lumpy.sum())
    n = growth.size
    nothing = np.zeros(n)
    cells = Cells(
        exporter, importer, product, np.ones(n), np.ones(n), nothing, nothing, nothing,
        np.zeros((AREAS, AREAS), dtype=bool), AREAS, PRODUCTS,
    )  # fmt: skip
    return cells, change, growth


def test_growth_of_steady_trade_is_found() -> None:
    cells, change, growth = world(0.05, 0.0, 1)
    found = log_growth(cells, change, np.full(growth.size, 0.05))
    assert np.median(np.abs(found - growth)) < 0.3 * np.median(np.abs(growth))


@pytest.mark.parametrize("sd", [0.5, 2.0])
def test_of_lumpy_trade_no_growth_is_made_up(sd: float) -> None:
    """A third of the flows stop or begin, the others stray widely: no worse than no growth at all."""
    cells, change, growth = world(sd, 0.3, 2)
    found = log_growth(cells, change, np.full(growth.size, sd))
    assert np.median(np.abs(found - growth)) < 1.1 * np.median(np.abs(growth))
    assert np.abs(found - growth).max() < 2.5


def test_a_flow_does_not_raise_what_is_expected_of_itself() -> None:
    cells, change, growth = world(0.05, 0.0, 3)
    sd = np.full(growth.size, 0.05)
    trip = change.copy()
    trip[0] += 1.0
    moved = log_growth(cells, trip, sd)[0] - log_growth(cells, change, sd)[0]
    assert abs(moved) < 0.02
