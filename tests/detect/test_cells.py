"""Merging, finding, pooling and splitting cells: nothing is lost, nothing is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.blocs import pool, representative, split
from entrepot.detect.cells import add_to_cells, find_cells, merge_cells
from entrepot.detect.corridors import Corridors


@settings(max_examples=100, deadline=None)
@given(own=st.lists(st.integers(0, 50), unique=True), wanted=st.lists(st.integers(0, 50)))
def test_find_cells_equals_a_dictionary(own: list[int], wanted: list[int]) -> None:
    position = {key: at for at, key in enumerate(own)}
    found = find_cells(np.array(own, dtype=np.int64), np.array(wanted, dtype=np.int64))
    assert found.tolist() == [position.get(key, -1) for key in wanted]


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_cells_are_found_by_their_flows(seed, is_sorted, random_cells, in_order) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=6, n_products=7, density=[0.0, 0.01, 0.3, 0.6, 1.0][seed])
    cells = in_order(cells) if is_sorted else cells
    assert cells.is_sorted is bool((np.diff(cells.key) > 0).all())
    exporter, importer, product = (axis.ravel() for axis in np.indices((6, 6, 7)))
    position = {key: at for at, key in enumerate(cells.key.tolist())}
    wanted = cells.key_of(exporter, importer, product)
    at = cells.find(exporter, importer, product)
    assert at.tolist() == [position.get(key, -1) for key in wanted.tolist()]
    assert cells.find(exporter - 6, importer, product).tolist() == [-1] * exporter.size
    assert cells.key_at(at[at >= 0]).tolist() == wanted[at >= 0].tolist()
    assert cells.pair_at(at[at >= 0]).tolist() == cells.pair[at[at >= 0]].tolist()
    count = np.zeros((6, 6), dtype=int)
    np.add.at(count, (cells.exporter, cells.importer), 1)
    np.testing.assert_array_equal(cells.by_pair, count)
    for share in (0.0, 0.4, 1.0):
        pairs, goods = rng.random((6, 6)) < share, rng.random(7) < 0.7
        mask = pairs[cells.exporter, cells.importer] & goods[cells.product]
        assert cells.under(pairs, goods).tolist() == np.flatnonzero(mask).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_what_is_added_to_both_windows_is_all_there(seed, random_cells) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=4, n_products=3, density=0.4)
    key = rng.integers(0, 48, 30)
    before, after = rng.uniform(0.0, 5e4, (2, 30))
    found = add_to_cells(cells, key=key, before=before, after=after)
    assert found.is_sorted

    def cube(of, name: str) -> np.ndarray:
        return np.bincount(of.key, weights=getattr(of, name), minlength=48)

    for name, added in (
        ("before", before),
        ("after", after),
        ("mirror_before", 0 * key),
        ("mirror_after", 0 * key),
    ):
        whole = cube(cells, name) + np.bincount(key, weights=added, minlength=48)
        np.testing.assert_allclose(cube(found, name), whole)
    assert add_to_cells(cells, key=key[:0], before=before[:0], after=after[:0]) is cells


@pytest.mark.parametrize("seed", range(5))
def test_merging_keeps_the_order_of_cells(seed, random_cells, in_order) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=4, n_products=3, density=0.4)
    given = {"key": rng.integers(0, 48, 30), "change": rng.uniform(0.0, 5e4, 30), "mirrored": np.zeros(30)}
    mixed, merged = merge_cells(cells, **given), merge_cells(in_order(cells), **given)
    assert merged.is_sorted
    assert merged.before.size > cells.before.size
    for name in ("key", "before", "after", "after_kg", "mirror_before", "mirror_after"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(in_order(mixed), name))


@pytest.mark.parametrize("seed", range(20))
def test_merge_equals_a_dictionary(seed, random_cells) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=4, n_products=3, density=0.4)
    key = rng.integers(0, 4 * 4 * 3, 30)
    change, mirrored = rng.normal(0.0, 5e4, 30), rng.normal(0.0, 5e4, 30)
    after = dict(zip(cells.key.tolist(), cells.after.tolist(), strict=True))
    before = dict(zip(cells.key.tolist(), cells.before.tolist(), strict=True))
    for k in set(key.tolist()):
        amount = change[key == k].sum()
        if k in after or amount > 0:
            after[k] = max(after.get(k, 0.0) + amount, 0.0)
    merged = merge_cells(cells, key=key, change=change, mirrored=mirrored)
    assert np.unique(merged.key).size == merged.key.size
    found = dict(zip(merged.key.tolist(), merged.after.tolist(), strict=True))
    assert found == pytest.approx(after)
    assert dict(zip(merged.key.tolist(), merged.before.tolist(), strict=True)) == pytest.approx(
        {k: before.get(k, 0.0) for k in after}
    )
    book = dict(zip(cells.key.tolist(), cells.mirror_after.tolist(), strict=True))
    for k, usd in zip(merged.key.tolist(), merged.mirror_after.tolist(), strict=True):
        i, j = divmod(k // 3, 4)
        declared = mirrored[key == k].sum() if cells.has_mirror[i, j] else 0.0
        expected = max(book.get(k, 0.0) + declared, 0.0) if k in book else declared
        assert usd == pytest.approx(expected)  # where there is no book, nothing is written in it


def test_merge_keeps_the_unit_value_and_never_goes_under_zero(make_cells) -> None:
    cells = make_cells([(0, 1, 0, 5.0, 10.0, 2.0), (0, 2, 0, 5.0, 10.0, 2.0), (0, 3, 0, 5.0, 0.0)])
    born = ((4 * 6) + 5) * 4
    merged = merge_cells(
        cells,
        key=np.array([*cells.key, born, born]),
        change=np.array([10.0, -99.0, 7.0, 1.0, 2.0]),
        mirrored=np.zeros(5),
    )
    assert merged.after.tolist() == [20.0, 0.0, 7.0, 3.0]
    assert merged.after_kg[:2].tolist() == [4.0, 0.0]
    assert np.isnan(merged.after_kg[2:]).all()  # of new trade nobody knows the weight
    assert (merged.exporter[3], merged.importer[3], merged.product[3], merged.before[3]) == (4, 5, 0, 0.0)


def test_merge_adds_what_is_given(random_cells) -> None:
    cells = random_cells(1)
    key = np.random.default_rng(1).integers(0, 9 * 9 * 5, 200)
    merged = merge_cells(cells, key=key, change=np.full(200, 3.0), mirrored=np.zeros(200))
    assert merged.after.sum() == pytest.approx(cells.after.sum() + 600.0)
    assert merged.before.sum() == pytest.approx(cells.before.sum())


MEMBERS = np.isin(np.arange(9), [2, 5, 7])


@pytest.mark.parametrize("seed", range(10))
def test_pooled_sums_are_equal_and_trade_inside_is_left_out(seed, random_cells) -> None:
    cells = random_cells(seed)
    pooled = pool(cells, MEMBERS)
    inside = MEMBERS[cells.exporter] & MEMBERS[cells.importer]
    assert inside.any()
    assert pooled.before.sum() == pytest.approx(cells.before[~inside].sum())
    assert pooled.after.sum() == pytest.approx(cells.after[~inside].sum())
    assert np.unique(pooled.key).size == pooled.key.size
    assert set(pooled.exporter[MEMBERS[pooled.exporter]]) == {representative(MEMBERS)} == {2}
    for h in (0, 1):
        for k in range(5):
            mine = MEMBERS[cells.exporter] & (cells.importer == h) & (cells.product == k)
            there = (pooled.exporter == 2) & (pooled.importer == h) & (pooled.product == k)
            assert pooled.after[there].sum() == pytest.approx(cells.after[mine].sum())
    others = ~MEMBERS[cells.exporter]
    kept = find_cells(pooled.key, cells.key[others])
    assert (kept >= 0).all()
    np.testing.assert_array_equal(pooled.after_kg[kept], cells.after_kg[others])


def test_a_pool_of_nobody_changes_nothing(random_cells) -> None:
    cells = random_cells(0)
    assert pool(cells, np.zeros(9, dtype=bool)) is cells


def test_a_pooled_weight_is_known_where_every_part_that_flows_is_weighed(make_cells) -> None:
    cells = make_cells(
        [
            (2, 0, 0, 1.0, 10.0, 4.0), (5, 0, 0, 1.0, 10.0, 6.0), (3, 0, 0, 9.0, 0.0),  # one has stopped
            (2, 1, 0, 1.0, 10.0, 4.0), (5, 1, 0, 1.0, 10.0),  # one is not weighed
        ]
    )  # fmt: skip
    pooled = pool(cells, np.isin(np.arange(6), [2, 3, 5]))
    assert pooled.after_kg[pooled.importer == 0].tolist() == [10.0]
    assert np.isnan(pooled.after_kg[pooled.importer == 1]).all()


def corridors_of(hub: list[int], product: list[int]) -> Corridors:
    n = len(hub)
    none = np.full(n, -1, dtype=np.int64)
    return Corridors(
        origin=np.full(n, 2),
        hub=np.array(hub),
        destination=np.zeros(n, dtype=np.int64),
        product=np.array(product),
        kind=np.zeros(n, dtype=np.int64),
        usd=np.ones(n),
        inbound=none,
        direct=none,
        onward=none,
        second=none,
        third=none,
    )


@pytest.mark.parametrize("seed", range(10))
def test_split_shares_sum_to_one_and_follow_the_members_excess(seed, random_cells) -> None:
    cells = random_cells(seed)
    hubs, products = np.meshgrid([1, 3, 4], np.arange(5))
    corridors = corridors_of(hubs.ravel().tolist(), products.ravel().tolist())
    growth = np.exp(np.random.default_rng(seed).normal(0.0, 0.5, corridors.hub.size))
    row, cell, share = split(corridors, cells, growth, MEMBERS)
    assert MEMBERS[cells.exporter[cell]].all()
    assert (share > 0).all()
    for at in range(corridors.hub.size):
        legs = np.flatnonzero(
            MEMBERS[cells.exporter]
            & (cells.importer == corridors.hub[at])
            & (cells.product == corridors.product[at])
            & (cells.after > 0)
        )
        beyond = {leg: max(cells.after[leg] - cells.before[leg] * growth[at], 0.0) for leg in legs}
        if not sum(beyond.values()):
            beyond = {leg: cells.after[leg] for leg in legs}
        expected = {leg: usd / sum(beyond.values()) for leg, usd in beyond.items() if usd > 0}
        mine = row == at
        assert dict(zip(cell[mine].tolist(), share[mine], strict=True)) == pytest.approx(expected)
        assert not legs.size or share[mine].sum() == pytest.approx(1.0)


def test_cells_under_a_mask_keep_their_order(random_cells) -> None:
    cells = random_cells(3)
    mask = cells.after > np.median(cells.after)
    np.testing.assert_array_equal(cells.only(mask).after, cells.after[mask])
    np.testing.assert_array_equal(replace(cells).key, cells.key)


def test_a_unions_mirror_is_whole_or_absent(make_cells) -> None:
    """Members 2 and 5 sell to 0 and 1; the book of 0 shows both, that of 1 only member 2: no mirror there."""
    cells = make_cells(
        [(2, 0, 0, 10.0, 20.0), (5, 0, 0, 30.0, 40.0), (2, 1, 0, 1.0, 2.0), (5, 1, 0, 3.0, 4.0)]
    )
    seen = np.zeros((6, 6), dtype=bool)
    seen[2, 0] = seen[5, 0] = seen[2, 1] = True
    cells = replace(
        cells,
        mirror_before=np.array([5.0, 15.0, 1.0, 0.0]),
        mirror_after=np.array([10.0, 20.0, 2.0, 0.0]),
        has_mirror=seen,
    )
    pooled = pool(cells, np.isin(np.arange(6), [2, 3, 5]))  # member 3 sells nothing: nothing is missing of it
    assert pooled.has_mirror[2, [0, 1]].tolist() == [True, False]
    assert dict(zip(pooled.importer.tolist(), pooled.mirror_before.tolist(), strict=True)) == {
        0: 20.0,
        1: 0.0,
    }
    assert dict(zip(pooled.importer.tolist(), pooled.mirror_after.tolist(), strict=True)) == {0: 30.0, 1: 0.0}
