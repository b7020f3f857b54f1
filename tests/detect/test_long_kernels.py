"""Kernels for long arrays against their slow, obvious twins."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from entrepot.detect.baseline import expected_at, expected_flows
from entrepot.detect.kernels.brackets import streamed_median
from entrepot.detect.kernels.cell_bits import Codes, Keys, cells_of, mark, reordered
from entrepot.detect.kernels.interpolation import interpolate
from entrepot.detect.kernels.lookup import added_up, cells_under, starts_of_pairs
from entrepot.detect.kernels.medians import Members, grouped_median, ranked
from entrepot.detect.kernels.small_groups import AreaRuns, small_median, sorted_groups
from entrepot.detect.kernels.sums import add_by, count_by, each_once, sum_by, sum_in_blocks, sum_runs
from entrepot.detect.kernels.threads import in_blocks, in_parts, over_runs, zeros
from entrepot.detect.noise import Noise, fit_noise
from entrepot.detect.strength import clear_pairs, clear_rises

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells

_NOISE = Noise(log_size=np.array([2.0, 5.0, 9.0]), sd=np.array([1.5, 0.8, 0.3]), floor=7.0)


def members(rng: np.random.Generator, n: int, n_groups: int) -> Members:
    """Return members of groups of which the last is empty, with ties and values far out."""
    change = rng.normal(0.0, 0.8, n).round(rng.integers(1, 9))
    change[rng.random(n) < 0.1] = 6.0
    return Members(
        change=change,
        weight=rng.choice([0.5, 1.0, 3.0], n),
        counts=rng.random(n) < 0.9,
        group=rng.integers(0, n_groups - 1, n).astype(np.int32),
        known=rng.normal(0.0, 0.1, 5),
        at=rng.integers(0, 5, n).astype(np.int32),
        also=rng.normal(0.0, 0.1, 3),
        also_at=rng.integers(0, 3, n).astype(np.int32),
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("off", [None, 0.0, 0.01, 5.0, np.nan])
def test_streamed_medians_are_those_of_the_sorted_groups(seed: int, off: float | None) -> None:
    rng = np.random.default_rng(seed)
    n_groups = 20
    of = members(rng, int(rng.integers(1, 5_000)), n_groups)
    values = (of.change - of.known[of.at]) - of.also[of.also_at]
    groups = np.where(of.counts, of.group.astype(np.int64), -1)
    twin = grouped_median(values, of.weight, groups, n_groups)
    guess = None if off is None else twin.value + off
    found = streamed_median(of, n_groups, guess=guess)
    np.testing.assert_array_equal(found.value, twin.value)
    np.testing.assert_array_equal(found.count, twin.count)


@pytest.mark.parametrize("n_groups", [1, 3, 40, 900])
def test_medians_of_small_groups_are_those_of_the_sorted_groups(n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    of = members(rng, 900, n_groups + 1)
    groups = np.where(of.counts, of.group.astype(np.int64), -1)
    values = (of.change - of.known[of.at]) - of.also[of.also_at]
    twin = grouped_median(values, of.weight, groups, n_groups + 1)
    found = small_median(sorted_groups(of.group, n_groups + 1), of)
    np.testing.assert_array_equal(found.value, twin.value)
    np.testing.assert_array_equal(found.count, twin.count)


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_what_is_selected_is_what_sorting_finds(digits: int) -> None:
    rng = np.random.default_rng(digits)
    for n in [*range(1, 90), 500, 3_001]:
        value, weight = rng.normal(0.0, 1.0, n).round(digits), rng.choice([0.0, 0.25, 1.0, 3.0], n)
        order = np.argsort(value, kind="stable")
        reached = np.cumsum(weight[order])
        for half in (0.0, 0.25, 0.5 * reached[-1], reached[-1], reached[-1] + 1.0):
            twin = value[order][reached >= half][0] if (reached >= half).any() else np.inf
            assert ranked(np.append(value, -99.0), np.append(weight, 9.0), n, half) == twin


@pytest.mark.timeout(60)
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_values_that_are_no_numbers_end(share: float) -> None:
    """They are no median of anything, but nobody waits for ever."""
    rng = np.random.default_rng(0)
    for n in (50, 500):
        value = np.where(rng.random(n) < share, np.nan, rng.normal(0.0, 1.0, n))
        assert isinstance(ranked(value, np.ones(n), n, 0.5 * n), float)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_members_once_are_those_of_a_set(n: int) -> None:
    rng = np.random.default_rng(n)
    groups = rng.integers(0, 6, n)
    for of in (groups, rng.permutation(n)):
        members = rng.integers(-1, 5, n)
        group, member = each_once(of, members, 5)
        found = list(zip(group.tolist(), member.tolist(), strict=True))
        assert len(set(found)) == len(found)
        told = zip(of.tolist(), members.tolist(), strict=True)
        assert set(found) == {(g, m) for g, m in told if m >= 0}


@pytest.mark.parametrize("longest", [1, 3_000, 400_000])
def test_no_run_is_divided_and_none_is_left_out(longest: int) -> None:
    rng = np.random.default_rng(longest)
    starts = np.concatenate([[0], np.cumsum(rng.integers(0, longest + 1, 300))])
    done = np.zeros(300, dtype=np.int64)

    def run(first: int, last: int) -> None:
        done[first:last] += 1

    over_runs(run, starts)
    assert (done[np.diff(starts) > 0] == 1).all()
    assert (done <= 1).all()


def looked_up(rng: np.random.Generator, numbers: np.ndarray) -> Codes:
    """Return numbers as they stand beside texts in another order; -1 as no text."""
    number = rng.permutation(numbers.max() + 1).astype(np.int32)
    at = np.argsort(number).astype(np.int32)[numbers]
    return Codes(np.where(numbers < 0, np.int32(-1), at), np.append(number, np.int32(-1)))


@pytest.mark.parametrize("n_areas", [3, 130])
def test_rows_set_bits_and_bits_give_cells_in_order(n_areas: int) -> None:
    rng = np.random.default_rng(n_areas)
    n, n_products, n_periods = 5_000, 100, 4
    e, i = (rng.integers(0, n_areas, n).astype(np.int32) for _ in range(2))
    k, p = rng.integers(-1, n_products, n).astype(np.int32), rng.integers(0, n_periods, n).astype(np.int32)
    usd = [np.where(rng.random(n) < 0.3, np.nan, np.maximum(rng.normal(1.0, 1.0, n), 0.0)) for _ in range(2)]
    told = [np.isfinite(values) for values in usd]
    bits = np.zeros((n_areas, n_areas, 2), dtype=np.uint64)
    published, shown = (
        np.zeros((2, n_areas, n_periods), dtype=bool),
        np.zeros((2, n_areas, n_areas), dtype=bool),
    )
    mark(Keys(*(looked_up(rng, numbers) for numbers in (e, i, k, p)), *told, *usd), bits, published, shown)
    for side, (area, values) in enumerate(zip((e, i), usd, strict=True)):
        rows = np.flatnonzero((k >= 0) & told[side])
        there = set(zip(area[rows].tolist(), p[rows].tolist(), strict=True))
        assert set(zip(*(at.tolist() for at in np.nonzero(published[side])), strict=True)) == there
        rows = rows[values[rows] > 0]
        pairs = set(zip(e[rows].tolist(), i[rows].tolist(), strict=True))
        assert set(zip(*(at.tolist() for at in np.nonzero(shown[side])), strict=True)) == pairs
    flows = sorted({flow for flow in zip(e.tolist(), i.tolist(), k.tolist(), strict=True) if flow[2] >= 0})
    places = reordered(bits, np.arange(n_areas), np.arange(n_products))
    cells = cells_of(places, len(flows))
    assert list(zip(*(column.tolist() for column in cells), strict=True)) == flows


@pytest.mark.parametrize("side", ["exporter", "importer"])
@pytest.mark.parametrize("n_areas", [1, 4, 60])
def test_medians_by_area_and_product_are_those_of_sorted_groups(n_areas: int, side: str) -> None:
    rng = np.random.default_rng(n_areas)
    n_products, size = 7, n_areas * n_areas * 7
    key = np.sort(rng.choice(size, size // 2 + 1, replace=False))
    pair, product = np.divmod(key, n_products)
    exporter, importer = np.divmod(pair, n_areas)
    of = members(rng, key.size, 2)
    area = exporter if side == "exporter" else importer
    of = of._replace(group=(area * n_products + product).astype(np.int32))
    starts = starts_of_pairs(exporter, importer, product, n_areas)
    runs = AreaRuns(starts, product.astype(np.int32), n_areas, n_products, side == "exporter")
    groups = sorted_groups(of.group, n_areas * n_products)
    twin, found = small_median(groups, of), small_median(runs, of)
    np.testing.assert_array_equal(found.value, twin.value)
    np.testing.assert_array_equal(found.count, twin.count)
    asked = rng.random(twin.value.size) < 0.5
    for by in (groups, runs):
        some = small_median(by, of, wanted=asked)
        np.testing.assert_array_equal(some.value, np.where(asked, twin.value, np.nan))
        np.testing.assert_array_equal(some.count, np.where(asked, twin.count, 0))
    fewer = of._replace(counts=of.counts & (rng.random(key.size) < 0.9), change=of.change + 1.0)
    twin, found = (small_median(by, fewer, before=(of.counts, twin)) for by in (groups, runs))
    np.testing.assert_array_equal(found.value, twin.value)
    np.testing.assert_array_equal(found.count, twin.count)


@pytest.mark.parametrize("moved", [0, 1, 50, 900])
def test_medians_done_again_are_those_done_anew(moved: int) -> None:
    rng = np.random.default_rng(moved)
    of = members(rng, 900, 41)
    groups, counts = sorted_groups(of.group, 41), of.counts.copy()
    counts[rng.choice(900, moved, replace=False)] ^= True
    before = (of.counts, small_median(groups, of))
    anew = small_median(groups, of._replace(counts=counts))
    again = small_median(groups, of._replace(counts=counts), before=before)
    np.testing.assert_array_equal(again.value, anew.value)
    np.testing.assert_array_equal(again.count, anew.count)
    # Groups in which nothing has changed are not done again.
    other = of._replace(counts=counts, change=of.change + 1.0)
    kept = small_median(groups, other, before=before).value
    touched = np.unique(of.group[counts != of.counts])
    np.testing.assert_array_equal(np.delete(kept, touched), np.delete(before[1].value, touched))


@pytest.mark.parametrize("n", [0, 1, 70_000, 2_100_000])
def test_sums_in_blocks_are_those_of_whole_columns(n: int) -> None:
    rng = np.random.default_rng(n)
    groups, x, y = rng.integers(0, 40, n).astype(np.int32), rng.normal(0.0, 1.0, n), rng.random(n)
    found = sum_in_blocks(lambda a, b: a * b, groups, x, y, n_groups=41)
    np.testing.assert_allclose(found, sum_by(groups, x * y, 41), rtol=1e-9, atol=1e-9)
    assert found[40] == 0.0
    np.testing.assert_array_equal(count_by(groups, 41), np.bincount(groups, minlength=41))


@pytest.mark.parametrize("longest", [1, 9_000])
def test_sums_of_runs_are_those_of_groups(longest: int) -> None:
    rng = np.random.default_rng(longest)
    size = rng.integers(0, longest + 1, 300)
    values = rng.normal(0.0, 1.0, size.sum())
    found = sum_runs(np.concatenate([[0], np.cumsum(size)]), values)
    np.testing.assert_array_equal(found, sum_by(np.repeat(np.arange(300), size), values, 300))


def test_all_zeros_are_written() -> None:
    assert not zeros((3, 700_001)).any()
    assert zeros((2, 0)).shape == (2, 0)


def test_lines_between_points_are_numpys() -> None:
    x = np.concatenate([np.linspace(-1.0, 12.0, 400), [2.0, 5.0, 9.0]])
    for known, values in (([2.0, 5.0, 9.0], [1.5, 0.8, 0.3]), ([4.0], [0.7])):
        line = interpolate(x, np.array(known), np.array(values))
        np.testing.assert_allclose(line, np.interp(x, known, values), rtol=1e-14)


@pytest.mark.parametrize("born", [0, 5, 400])
def test_noise_by_bin_is_that_of_masks(born: int) -> None:
    rng = np.random.default_rng(born)
    expected = np.exp(rng.normal(8.0, 2.0, 3_000))
    expected[:born] = 0.0
    after = expected * np.exp(rng.normal(0.0, 0.5, 3_000)) + 100.0 * (expected == 0)
    noise = fit_noise([expected[:1_000], expected[1_000:]], [after[:1_000], after[1_000:]], floor=50.0)
    log_size, change = np.log(expected + 50.0), np.log((after + 50.0) / (expected + 50.0))
    edges = np.quantile(log_size, np.linspace(0.0, 1.0, 21))
    inside = [(log_size >= low) & (log_size <= high) for low, high in pairwise(edges)]
    middle = np.array([np.median(log_size[mask]) for mask in inside])
    sd = np.array([1.4826 * np.median(np.abs(change[mask])) for mask in inside])
    news = np.diff(np.maximum.accumulate(middle), prepend=-np.inf) > 0
    np.testing.assert_array_equal(noise.log_size, middle[news])
    np.testing.assert_allclose(noise.sd, sd[news], rtol=1e-14)


def test_parts_cover_everything_once() -> None:
    spans = in_parts(lambda first, last: (first, last), 10, fewest=3)
    assert [at for first, last in spans for at in range(first, last)] == list(range(10))
    values = np.random.default_rng(1).random(200_000)
    np.testing.assert_array_equal(in_blocks(lambda x, y: x * y, values, values), values * values)
    squares = values * values
    assert in_blocks(lambda x, y: x * y, values, values, out=values) is values
    np.testing.assert_array_equal(values, squares)
    several = in_parts(lambda first, last: (first, last), 10, fewest=3, each=3)
    assert [at for first, last in several for at in range(first, last)] == list(range(10))


def growth_by_sorting(cells: Cells, untreated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the growth of every cell, step by step as the module describes it."""
    change = _NOISE.log_change(cells.after, cells.before)
    weights = 1.0 / _NOISE.at(cells.before) ** 2
    n, k = cells.n_areas, cells.n_products
    supply, demand = cells.exporter * k + cells.product, cells.importer * k + cells.product

    def drawn(
        values: NDArray[np.float64], group: NDArray[np.int64], size: int, less: int = 0
    ) -> NDArray[np.float64]:
        found = grouped_median(values, weights, np.where(untreated, group, -1), size)
        count = np.maximum(found.count - less, 0)
        return np.nan_to_num(found.value) * count / (count + 4.0)

    by_importer = np.zeros(n)
    growth = np.zeros(change.size)
    for _ in range(2):
        rest = change - by_importer[cells.importer]
        groups = np.where(untreated, cells.product, -1)
        growth = np.nan_to_num(grouped_median(rest, weights, groups, k).value)[cells.product]
        growth = growth + drawn(rest - growth, cells.exporter, n)[cells.exporter]
        growth = growth + drawn(rest - growth, supply, n * k)[supply]
        by_importer = drawn(change - growth, cells.importer, n)
    growth = growth + by_importer[cells.importer]
    return growth + drawn(change - growth, demand, n * k, less=2)[demand]


@pytest.mark.parametrize("seed", range(4))
def test_expected_growth_is_that_of_the_sorted_groups(seed: int, random_cells: Callable[..., Cells]) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=9, n_products=30)
    for share in (1.0, 0.7, 0.95):
        untreated = rng.random(cells.before.size) < share
        found = expected_flows(cells, untreated=untreated, noise=_NOISE).usd
        twin = cells.before * np.exp(growth_by_sorting(cells, untreated))
        np.testing.assert_allclose(found, twin, rtol=1e-12)


@pytest.mark.parametrize("n_areas", [4, 110])
def test_cells_under_pairs_and_products_are_those_of_a_mask(n_areas: int) -> None:
    rng = np.random.default_rng(n_areas)
    n_products, size = 9, n_areas * n_areas * 9
    key = np.sort(rng.choice(size, size // 3, replace=False))
    pair, product = np.divmod(key, n_products)
    starts = starts_of_pairs(*np.divmod(pair, n_areas), product, n_areas)
    for share in (0.0, 0.3, 1.0):
        pairs, products = rng.random(n_areas * n_areas) < share, rng.random(n_products) < 0.6
        found = cells_under(np.flatnonzero(pairs), products, starts, product)
        np.testing.assert_array_equal(found, np.flatnonzero(pairs[pair] & products[product]))


def test_what_is_looked_up_in_three_columns_is_added_in_their_order() -> None:
    rng = np.random.default_rng(5)
    columns = [rng.normal(0.0, 10.0**size, 50) for size in (0, 5, 9)]
    at = [rng.integers(0, 50, 1_000).astype(np.int32) for _ in columns]
    one, other, third = (column[place] for column, place in zip(columns, at, strict=True))
    found = added_up(columns[0], at[0], columns[1], at[1], columns[2], at[2])
    np.testing.assert_array_equal(found, one + other + third)


@pytest.mark.parametrize("n_areas", [9, 120])
def test_rises_looked_for_some_exporters_at_a_time_are_those_of_all_at_once(
    random_cells, n_areas: int
) -> None:
    rng = np.random.default_rng(n_areas)
    cells = random_cells(n_areas, n_areas=n_areas, n_products=6, density=0.5, noise=1.5)
    columns = (
        "exporter",
        "importer",
        "product",
        "before",
        "after",
        "after_kg",
        "mirror_before",
        "mirror_after",
    )
    order = np.argsort(cells.key)
    in_order = replace(cells, **{name: getattr(cells, name)[order] for name in columns})
    assert in_order.is_sorted
    noise = Noise(log_size=np.array([0.0, 20.0]), sd=np.array([1.0, 0.3]), floor=10.0)
    pairs, products = rng.random((n_areas, n_areas)) < 0.8, np.arange(6) != 2
    for own in (cells, in_order):
        at = np.flatnonzero(pairs[own.exporter, own.importer] & products[own.product])
        twin = clear_pairs(own, own.before, noise=noise, at=at, sign=1, are_few_enough=True)
        found = clear_rises(own, own.before, noise=noise, pairs=pairs, products=products)
        np.testing.assert_array_equal(found.ravel(), twin)
        assert 0 < found.sum() < found.size / 2
        assert not found[~pairs].any()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_expected_of_some_cells_is_what_is_expected_of_them_among_all(
    random_cells, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=12, n_products=8)
    noise = Noise(log_size=np.array([0.0, 20.0]), sd=np.array([1.0, 0.3]), floor=10.0)
    at = np.flatnonzero(rng.random(cells.before.size) < 0.1)
    growth = rng.normal(0.0, 0.3, cells.n_areas)
    for share in (0.0, 0.8, 1.0):
        untreated = rng.random(cells.before.size) < share
        twin = expected_flows(cells, untreated=untreated, noise=noise, partner_growth=growth).usd[at]
        # The other way round there is nothing kept of the same cells.
        own = replace(cells)
        found = expected_at(own, untreated=untreated, noise=noise, at=at, partner_growth=growth)
        np.testing.assert_array_equal(found, twin)
    assert expected_at(cells, untreated=untreated, noise=noise, at=at[:0]).size == 0


@pytest.mark.parametrize("cuts", [(), (7, 120_000), (150_000, 150_100)], ids=str)
def test_parts_added_one_after_the_other_give_the_digits_of_all_at_once(cuts) -> None:
    """Parts that a compiled kernel adds, and those too small for one."""
    rng = np.random.default_rng(3)
    groups, values = rng.integers(0, 40, 300_000, dtype=np.int32), np.exp(rng.normal(0.0, 9.0, 300_000))
    sums = np.zeros(41)
    for start, end in pairwise((0, *cuts, groups.size)):
        add_by(groups[start:end], values[start:end], sums)
    np.testing.assert_array_equal(sums, sum_by(groups, values, 41))
