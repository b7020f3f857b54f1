"""Goods that a reporter does not publish by code are read in the other book, and only those."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.cells import Cells
from entrepot.detect.hidden import hidden_share, with_hidden_goods

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


def test_a_flow_that_only_the_partner_shows_is_read_once_the_good_is_hidden() -> None:
    """A hub that buys the good for the first time after its exporter hid it."""
    cells = cells_of([*rows_of(hiding()), (0, 4, 0, 0.0, 0.0, 0.0, 70.0)])
    found = with_hidden_goods(cells, PRODUCTS)
    at = np.flatnonzero((found.importer == 4) & (found.product == 0))
    assert (found.before[at].tolist(), found.after[at].tolist()) == ([0.0], [70.0])


def rows_of(cells: Cells) -> list[tuple[int, int, int, float, float, float, float]]:
    names = ("exporter", "importer", "product", "before", "after", "mirror_before", "mirror_after")
    return list(zip(*[getattr(cells, name).tolist() for name in names], strict=True))


def always_hiding(no_kind: float = 100.0, partners: int = 3) -> Cells:
    """Return exporter 0 which never publishes good 0; partner 5 is silent and gets goods of no kind too."""
    rows = [(0, 1 + at, 0, 0.0, 0.0, 80.0, 90.0) for at in range(partners)]
    rows += [(0, 1 + at, 1, 50.0, 60.0, 40.0, 45.0) for at in range(partners)]
    rows += [(0, 1 + at, 2, no_kind, 1.2 * no_kind, 8.0, 8.0) for at in range(partners)]
    return cells_of([*rows, (0, 5, 2, 200.0, 40.0, 0.0, 0.0)])


def usd_of(cells: Cells, importer: int, product: int) -> tuple[float, float]:
    at = np.flatnonzero((cells.importer == importer) & (cells.product == product))
    return float(cells.before[at].sum()), float(cells.after[at].sum())


def test_goods_that_were_never_published_are_read_where_what_partners_show_fits() -> None:
    cells = always_hiding()
    found = with_hidden_goods(cells, PRODUCTS)
    for partner in (1, 2, 3):
        assert usd_of(found, partner, 0) == (80.0, 90.0)
        assert usd_of(found, partner, 1) == (50.0, 60.0)
        assert usd_of(found, partner, 2) == pytest.approx((20.0, 30.0))
    assert np.argwhere(found.hidden.goods).tolist() == [[0, 0]]
    assert found.hidden.no_kind.tolist() == [False, False, True]


def test_a_silent_partner_gets_its_part_of_what_is_of_no_kind() -> None:
    """Of 300 and 360 of no kind partners show 240 and 270 to be the good: 80% and 75% of 200 and 40."""
    found = with_hidden_goods(always_hiding(), PRODUCTS)
    assert usd_of(found, 5, 0) == pytest.approx((160.0, 30.0))
    assert usd_of(found, 5, 2) == pytest.approx((40.0, 10.0))
    assert found.is_sorted


def test_what_rounding_leaves_is_no_flow() -> None:
    """All that is of no kind is the hidden good: 0.1 + 0.2 is not 0.3, and nobody traded the rest."""
    rows = [(0, 1 + at, 0, 0.0, 0.0, 0.3, 0.3) for at in range(3)]
    rows += [(0, 1 + at, 2, 0.1 + 0.2, 0.1 + 0.2, 0.0, 0.0) for at in range(3)]
    found = with_hidden_goods(cells_of([*rows, (0, 5, 2, 0.1 + 0.2, 0.1 + 0.2, 0.0, 0.0)]), PRODUCTS)
    of_no_kind = found.product == 2
    assert found.before[of_no_kind].tolist() == found.after[of_no_kind].tolist() == [0.0] * 4
    assert usd_of(found, 5, 0) == pytest.approx((0.3, 0.3))


def test_goods_hidden_from_the_event_on_are_dealt_to_nobody() -> None:
    """Before it they are known, and what fell cannot be told from what is of no kind after it."""
    cells = cells_of([*rows_of(hiding()), (0, 5, 2, 10.0, 300.0, 0.0, 0.0)])
    found = with_hidden_goods(cells, PRODUCTS)
    assert usd_of(found, 5, 0) == (200.0, 0.0)
    assert usd_of(found, 5, 2) == (10.0, 300.0)


@pytest.mark.parametrize(
    "cells",
    [
        always_hiding(partners=2),
        always_hiding(no_kind=30.0),  # under a half of what partners show
        replace(always_hiding(), product=always_hiding().product % 2),  # nothing of no kind
    ],
)
def test_what_an_exporter_never_had_is_not_made_up(cells: Cells) -> None:
    assert with_hidden_goods(cells, PRODUCTS).hidden is None


def test_without_goods_of_no_kind_no_onward_leg_is_unobserved() -> None:
    """Nothing would bound it: what stopped is read in the other book, and a zero stays a zero."""
    cells = hiding()
    found = with_hidden_goods(cells.only(cells.product != 2), PRODUCTS[:2])
    assert usd_of(found, 1, 0) == (80.0, 90.0)
    assert found.hidden is None


def test_flows_are_told_by_their_good_where_any_book_has_them() -> None:
    found = with_hidden_goods(always_hiding(), PRODUCTS)
    importer, product = (np.array(column) for column in ((5, 5, 5, 1), (0, 1, 2, 0)))
    assert found.hides(np.zeros(4, dtype=int), importer, product).tolist() == [True, False, False, False]
    assert not always_hiding().hides(np.zeros(4, dtype=int), importer, product).any()


def test_the_part_that_is_hidden_is_of_goods_that_could_have_been_seen() -> None:
    """Exporter 0 sells three goods to three partners and more, and hides one; nobody else sells any."""
    found = parts_of(with_hidden_goods(always_hiding(), PRODUCTS))
    assert found[0] == pytest.approx(1 / 3)
    assert found[1:].tolist() == pytest.approx([1 / 3] * (N - 1))  # of these nothing is known
    assert hidden_share(always_hiding()) is None


def parts_of(cells: Cells) -> np.ndarray:
    parts = hidden_share(cells)
    assert parts is not None
    return parts
