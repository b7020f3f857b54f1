"""Small cells and random worlds as arrays."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from entrepot.detect.cells import Cells, Question
from entrepot.detect.noise import Noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@pytest.fixture(scope="session")
def make_cells() -> Callable[..., Cells]:
    """Return a maker of cells from (exporter, importer, product, before, after[, kg]) rows."""

    def make(rows: Iterable[tuple[float, ...]], *, n_areas: int = 6, n_products: int = 4) -> Cells:
        table = [(*row, float("nan")) if len(row) == 5 else row for row in rows]
        columns = list(zip(*table, strict=True)) or [()] * 6
        index = [np.array(column, dtype=np.int64) for column in columns[:3]]
        amount = [np.array(column, dtype=np.float64) for column in columns[3:]]
        nothing = np.zeros(amount[0].size)
        none = np.zeros((n_areas, n_areas), dtype=bool)
        return Cells(*index, *amount, nothing, nothing, none, n_areas=n_areas, n_products=n_products)

    return make


@pytest.fixture(scope="session")
def make_question() -> Callable[..., Question]:
    """Return a maker of questions from positions; every pair is observed unless it is named."""

    def make(
        cells: Cells,
        *,
        origins: Iterable[int] = (0, 1),
        hubs: Iterable[int] | None = None,
        destinations: Iterable[int] = (2,),
        listed: Iterable[int] | None = None,
        unobserved: Iterable[tuple[int, int]] = (),
    ) -> Question:
        def mask(chosen: Iterable[int], n: int) -> np.ndarray:
            return np.isin(np.arange(n), list(chosen))

        n = cells.n_areas
        is_origin, is_destination = mask(origins, n), mask(destinations, n)
        is_observed = np.ones((n, n), dtype=bool)
        for pair in unobserved:
            is_observed[pair] = False
        is_treated = is_origin[:, None] & is_destination[None, :]
        np.fill_diagonal(is_treated, val=False)
        return Question(
            origins=is_origin,
            hubs=(np.ones(n, dtype=bool) if hubs is None else mask(hubs, n)) & ~is_destination,
            destinations=is_destination,
            listed=np.ones(cells.n_products, dtype=bool)
            if listed is None
            else mask(listed, cells.n_products),
            are_hubs_given=hubs is not None,
            is_treated=is_treated,
            is_observed=is_observed,
        )

    return make


@pytest.fixture(scope="session")
def flat() -> Callable[..., Noise]:
    """Return a maker of noise that is the same at every size, with a negligible floor."""

    def make(sd: float = 1.0, floor: float = 1e-9) -> Noise:
        return Noise(log_size=np.array([0.0]), sd=np.array([sd]), floor=floor)

    return make


@pytest.fixture(scope="session")
def in_order() -> Callable[[Cells], Cells]:
    """Return what puts cells in the order of their keys, in which files of flows are read."""

    def ordered(cells: Cells) -> Cells:
        order = np.argsort(cells.key)
        columns = {
            field.name: getattr(cells, field.name)[order]
            for field in fields(cells)
            if field.init and field.name != "has_mirror" and np.ndim(getattr(cells, field.name))
        }
        return replace(cells, **columns)

    return ordered


@pytest.fixture(scope="session")
def random_cells() -> Callable[..., Cells]:
    """Return a maker of random trade: sparse, lognormal, some flows born and some gone, some weighed."""

    def make(
        seed: int, *, n_areas: int = 9, n_products: int = 5, density: float = 0.7, noise: float = 0.6
    ) -> Cells:
        rng = np.random.default_rng(seed)
        there = np.flatnonzero(rng.random(n_areas * n_areas * n_products) < density)
        pair, product = np.divmod(rng.permutation(there), n_products)
        exporter, importer = np.divmod(pair, n_areas)
        size = rng.normal(10.0, 1.5, there.size)
        before = np.exp(size) * (rng.random(there.size) > 0.1)
        after = np.exp(size + rng.normal(0.0, noise, there.size)) * (rng.random(there.size) > 0.1)
        alive = (before > 0) | (after > 0)
        kg = np.where(rng.random(there.size) < 0.7, after / np.exp(rng.normal(2.0, 0.3, there.size)), np.nan)
        kg = np.where(after > 0, kg, np.nan)
        # Of two pairs in three the importer's book is there too; it declares 30 to 100% of what is sent.
        has_mirror = rng.random((n_areas, n_areas)) < 2 / 3
        ratio = rng.uniform(0.3, 1.0, (n_areas, n_areas))[exporter, importer]
        seen = has_mirror[exporter, importer] * ratio
        mirror_before = before * seen * np.exp(rng.normal(0.0, 0.1, there.size))
        mirror_after = after * seen * np.exp(rng.normal(0.0, 0.1, there.size))
        return Cells(
            exporter=exporter[alive],
            importer=importer[alive],
            product=product[alive],
            before=before[alive],
            after=after[alive],
            after_kg=kg[alive],
            mirror_before=mirror_before[alive],
            mirror_after=mirror_after[alive],
            has_mirror=has_mirror,
            n_areas=n_areas,
            n_products=n_products,
        )

    return make
