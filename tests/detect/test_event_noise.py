"""Flows that change more around the event than before it: seen in what it cannot have touched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from entrepot.detect.event_noise import Departures, as_noisy, noise_ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.detect.cells import Cells, Question

AREAS, PRODUCTS = 24, 30
HUBS, DESTINATION = (3, 4), 2


@pytest.fixture(scope="module")
def drawn(make_cells: Callable[..., Cells]) -> Callable[..., Cells]:
    """Return a maker of flows of all pairs that change by a given sd, and some by more."""

    def draw(sd: float, *, seed: int, touched: Callable[..., np.ndarray] | None = None) -> Cells:
        rng = np.random.default_rng(seed)
        exporter, importer, product = (
            axis.ravel() for axis in np.meshgrid(np.arange(AREAS), np.arange(AREAS), np.arange(PRODUCTS))
        )
        own = exporter != importer
        exporter, importer, product = exporter[own], importer[own], product[own]
        before = np.exp(rng.normal(12.0, 1.5, exporter.size))
        change = rng.normal(0.0, sd, exporter.size)
        if touched is not None:
            change = np.where(touched(exporter, importer), 3.0, change)
        return make_cells(
            zip(exporter, importer, product, before, before * np.exp(change), strict=True),
            n_areas=AREAS,
            n_products=PRODUCTS,
        )

    return draw


@pytest.fixture(scope="module")
def ask(make_question: Callable[..., Question]) -> Callable[..., Question]:
    def make(cells: Cells, **who: object) -> Question:
        return make_question(cells, **({"hubs": HUBS, "listed": range(PRODUCTS // 2)} | who))

    return make


@pytest.fixture(scope="module")
def departures(flat: Callable[..., object]) -> Callable[[Cells], Departures]:
    return lambda cells: Departures.of(cells, cells.before, noise=flat(0.3))


def is_touched(exporter: np.ndarray, importer: np.ndarray) -> np.ndarray:
    """Return the direct flows, the legs, and all that origins or the destination trade besides."""
    return np.isin(exporter, (0, 1, DESTINATION)) | np.isin(importer, (0, 1, DESTINATION))


@pytest.mark.parametrize("ratio", [0.6, 1.5, 2.0])
def test_the_ratio_is_told_by_untouched_flows(drawn, ask, departures, ratio: float) -> None:
    placebos = [departures(drawn(0.3, seed=seed)) for seed in (1, 2)]
    event = drawn(0.3 * ratio, seed=3, touched=is_touched)
    assert noise_ratio([departures(event), *placebos], ask(event)) == pytest.approx(ratio, rel=0.05)


@pytest.mark.parametrize("ratio", [0.9, 1.0, 1.15])
def test_what_differs_by_less_than_a_quarter_is_left(drawn, ask, departures, ratio: float) -> None:
    event = drawn(0.3 * ratio, seed=3)
    assert noise_ratio([departures(event), departures(drawn(0.3, seed=1))], ask(event)) == 1.0


def test_all_goods_tell_where_all_are_asked_about(drawn, ask, departures) -> None:
    event, before = drawn(0.6, seed=3, touched=is_touched), drawn(0.3, seed=1)
    question = ask(event, listed=None)
    assert noise_ratio([departures(event), departures(before)], question) == pytest.approx(2.0, rel=0.05)


def test_a_file_of_the_origins_alone_is_told_by_what_is_no_leg(drawn, ask, departures) -> None:
    """Of the origins' books their sales to all but hubs and destination tell, if those are ten areas."""

    def legs(exporter: np.ndarray, importer: np.ndarray) -> np.ndarray:
        return np.isin(importer, (*HUBS, DESTINATION)) & np.isin(exporter, (0, 1))

    def of_origins(cells: Cells, *, buyers: int) -> Cells:
        return cells.only(np.isin(cells.exporter, (0, 1)) & (cells.importer < buyers))

    event, before = drawn(0.6, seed=3, touched=legs), drawn(0.3, seed=1)
    question = ask(event)
    many, few = (
        noise_ratio([departures(of_origins(c, buyers=n)) for c in (event, before)], question)
        for n in (AREAS, 8)
    )
    assert many == pytest.approx(2.0, rel=0.06)
    assert few == 1.0


def test_without_placebos_there_is_no_ratio(drawn, ask, departures) -> None:
    event = drawn(0.6, seed=3)
    assert noise_ratio([departures(event)], ask(event)) == 1.0


def test_departures_are_stretched_on_the_log_scale(drawn) -> None:
    floor = 50.0
    cells = drawn(0.3, seed=4)
    cells = replace(cells, mirror_after=cells.after * 0.8, after_kg=cells.after / 7.0)
    usual = cells.before * 1.1
    made = as_noisy(cells, usual, ratio=1.7, floor=floor)
    was, now = (np.log((after + floor) / (usual + floor)) for after in (cells.after, made.after))
    kept = made.after > 0
    np.testing.assert_allclose(now[kept], 1.7 * was[kept], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(made.mirror_after, made.after * 0.8, rtol=1e-12)
    np.testing.assert_allclose(made.after_kg, made.after / 7.0, rtol=1e-12)
    assert as_noisy(cells, usual, ratio=1.0, floor=floor) is cells


def test_flows_that_end_stay_at_nothing(make_cells) -> None:
    cells = make_cells([(0, 1, 0, 5e5, 0.0), (0, 1, 1, 5e5, 10.0), (0, 1, 2, 0.0, 3e3)])
    made = as_noisy(cells, cells.before, ratio=2.0, floor=100.0)
    assert made.after[0] == 0.0
    assert made.after[1] == 0.0
    assert made.after[2] > 3e3
