"""Goods that a reporter stopped publishing by code are read in the other book, and only those."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.cells import Cells
from entrepot.detect.hidden import with_hidden_goods

PRODUCTS = ("870323", "870324", "999999")
N = 6


def cells_of(rows: list[tuple[int, int, int, float, float, float, float]], silent: int = 5) -> Cells:
    """Make cells of exporter, importer, product, before, after, and both windows of the importer's book."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    mirrored = np.ones((N, N), dtype=bool)
    mirrored[:, silent] = False
    return Cells(
        *(column.astype(np.int64) for column in columns[:3]),
        before=columns[3].astype(float),
        after=columns[4].astype(float),
        after_kg=np.full(len(rows), np.nan),
        mirror_before=columns[5].astype(float),
        mirror_after=columns[6].astype(float),
        has_mirror=mirrored,
        n_areas=N,
        n_products=3,
    )


def hiding(shown: float = 90.0, partners: int = 3) -> Cells:
    """Return exporter 0 hiding good 0: its partners show it, the last one is silent; good 1 is open."""
    rows = [(0, 1 + at, 0, 100.0, 0.0, 80.0, shown) for at in range(partners)]
    rows += [(0, 5, 0, 200.0, 0.0, 0.0, 0.0)]
    rows += [(0, 1 + at, 1, 50.0, 60.0, 40.0, 45.0) for at in range(partners)]
    rows += [(0, 1 + at, 2, 10.0, 120.0, 8.0, 8.0) for at in range(partners)]
    return cells_of(rows)


def test_what_partners_show_counts_in_both_windows() -> None:
    cells = hiding()
    found = with_hidden_goods(cells, PRODUCTS)
    assert found.before[:3].tolist() == [80.0] * 3
    assert found.after[:3].tolist() == [90.0] * 3
    assert (found.before[3], found.after[3]) == (200.0, 0.0)  # nobody shows the silent one's
    assert found.before[4:7].tolist() == cells.before[4:7].tolist()
    assert found.after[7:].tolist() == [30.0] * 3  # 120 of no kind, of which 90 are the hidden good


def test_goods_hidden_before_and_open_after_are_read_alike() -> None:
    cells = hiding()
    turned = replace(
        cells,
        before=cells.after,
        after=cells.before,
        mirror_before=cells.mirror_after,
        mirror_after=cells.mirror_before,
    )
    found = with_hidden_goods(turned, PRODUCTS)
    assert found.before[:3].tolist() == [90.0] * 3
    assert found.after[:3].tolist() == [80.0] * 3
    assert found.before[7:].tolist() == [30.0] * 3


@pytest.mark.parametrize(
    "cells",
    [
        hiding(partners=2),  # two partners may be mistaken
        hiding(shown=20.0),  # a quarter of what it was: it stopped, and stocks arrived
        hiding(shown=0.0),
        replace(hiding(), has_mirror=np.zeros((N, N), dtype=bool)),
        cells_of([(0, 1, 0, 1.0, 1.0, 1.0, 1.0)]).only(np.zeros(1, dtype=bool)),
    ],
)
def test_where_it_is_not_clear_the_exporter_is_believed(cells: Cells) -> None:
    assert with_hidden_goods(cells, PRODUCTS) is cells


def test_one_sale_to_anybody_says_that_nothing_is_hidden() -> None:
    cells = hiding()
    after = cells.after.copy()
    after[3] = 1.0
    cells = replace(cells, after=after)
    assert with_hidden_goods(cells, PRODUCTS) is cells
