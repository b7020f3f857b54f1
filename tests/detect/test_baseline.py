"""Expected flows and their noise: closed forms, the untreated mask, and every baseline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.baseline import (
    Baseline,
    Expected,
    expected_flows,
    with_pair_growth,
    without_filling,
)
from entrepot.detect.cells import Cells
from entrepot.detect.estimate import expect, learn_noise
from entrepot.detect.noise import appearing_size, fit_noise, flat_noise


def full_trade(n_areas: int, n_products: int, growth, seed: int = 0) -> Cells:
    """Return trade of everybody with everybody that grows by exp(growth(i, j, k))."""
    exporter, importer, product = (
        index.ravel() for index in np.indices((n_areas, n_areas, n_products), dtype=np.int64)
    )
    foreign = exporter != importer
    exporter, importer, product = exporter[foreign], importer[foreign], product[foreign]
    before = np.exp(np.random.default_rng(seed).normal(10.0, 1.0, exporter.size))
    after = before * np.exp(growth(exporter, importer, product))
    nan = np.full(exporter.size, np.nan)
    nothing, none = np.zeros(nan.size), np.zeros((n_areas, n_areas), dtype=bool)
    return Cells(exporter, importer, product, before, after, nan, nothing, nothing, none, n_areas, n_products)


def everywhere(cells: Cells) -> np.ndarray:
    return np.ones(cells.before.size, dtype=bool)


def test_product_growth_is_recovered_exactly(flat) -> None:
    p = np.array([0.7, -0.4, 0.0])
    cells = full_trade(5, 3, lambda i, j, k: p[k])
    found = expected_flows(cells, untreated=everywhere(cells), noise=flat())
    np.testing.assert_allclose(found.usd, cells.after, rtol=1e-12)
    assert found.baseline is Baseline.UNTREATED


def test_supplier_and_importer_growth_are_recovered_but_for_the_shrinkage(flat) -> None:
    """Growth p + a + b comes back whole as partners grow in number: what is missing is 4/(n+4) of it."""
    rng = np.random.default_rng(3)
    p, a, b = rng.normal(0, 0.5, 4), rng.normal(0, 0.5, (41, 4)), rng.normal(0, 0.5, 41)
    a -= np.sort(a, axis=0)[20]  # medians of the effects are zero: else they belong to the product
    b -= np.sort(b)[20]
    cells = full_trade(41, 4, lambda i, j, k: p[k] + a[i, k] + b[j])
    found = expected_flows(cells, untreated=everywhere(cells), noise=flat())
    error = np.abs(np.log(found.usd / cells.after))
    assert error.max() < 0.25
    assert np.median(error) < 0.05
    assert np.median(error) < 0.1 * np.median(np.abs(np.log(cells.after / cells.before)))


def test_one_suppliers_growth_is_shrunk_with_n_over_n_plus_four(flat) -> None:
    """Closed form: only supplier 0 grows, by 0.8, to its 8 partners."""
    cells = full_trade(9, 2, lambda i, j, k: np.where(i == 0, 0.8, 0.0))
    found = expected_flows(cells, untreated=everywhere(cells), noise=flat())
    growth = np.log(found.usd / cells.before)
    in_general = 0.8 * 16 / 20  # over both products
    own = in_general + (0.8 - in_general) * 8 / 12
    np.testing.assert_allclose(growth[cells.exporter == 0], own, rtol=1e-9)
    np.testing.assert_allclose(growth[cells.exporter != 0], 0.0, atol=1e-9)


def test_a_boom_of_one_importer_in_one_product_is_no_excess(flat) -> None:
    """The boom term: importer 1 takes exp(0.9) times as much of product 0 from everybody."""
    cells = full_trade(9, 6, lambda i, j, k: np.where((j == 1) & (k == 0), 0.9, 0.0))
    found = expected_flows(cells, untreated=everywhere(cells), noise=flat())
    growth = np.log(found.usd / cells.before)
    booms = (cells.importer == 1) & (cells.product == 0)
    # Eight suppliers, of which the first two count for nothing.
    np.testing.assert_allclose(growth[booms], 0.9 * 6 / 10, rtol=1e-9)
    np.testing.assert_allclose(growth[~booms], 0.0, atol=1e-9)


def test_one_or_two_suppliers_make_no_boom(flat) -> None:
    """A friend's relay multiplies its sales to a hub: it must not lift what is expected of the others."""
    cells = full_trade(9, 6, lambda i, j, k: np.where((i < 2) & (j == 8) & (k == 0), 3.0, 0.0))
    untreated = ~((cells.importer == 8) & (cells.product == 0) & (cells.exporter >= 2))
    found = expected_flows(cells, untreated=untreated, noise=flat())
    others = (cells.importer == 8) & (cells.product == 0) & (cells.exporter >= 2)
    np.testing.assert_allclose(found.usd[others], cells.before[others], rtol=1e-9)


def test_what_others_may_have_filled_in_is_not_expected_of_the_closed_road(flat) -> None:
    """Importer 1 takes more of product 0 from all suppliers, less of product 1; the road 0 → 1 is closed."""
    rise = {0: 0.9, 1: -0.9}
    cells = full_trade(9, 6, lambda i, j, k: np.where(j == 1, np.select([k == 0, k == 1], [0.9, -0.9]), 0.0))
    direct = (cells.exporter == 0) & (cells.importer == 1)
    told = expected_flows(cells, untreated=~direct, noise=flat())
    found = without_filling(told, cells, noise=flat(), direct=np.flatnonzero(direct))
    growth = np.log(found.usd / told.usd)
    for product, size in rise.items():
        of_good = direct & (cells.product == product)
        # Seven other suppliers, of which two count for nothing, tell 5/9 of it.
        np.testing.assert_allclose(growth[of_good], -max(size, 0.0) * 5 / 9, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(growth[~(direct & (cells.product == 0))], 0.0, atol=1e-9)


def test_a_pair_grows_as_its_controls_do(flat) -> None:
    """Pair 1 → 2 trades exp(0.4) as much of everything; product 0 more than that."""
    cells = full_trade(5, 9, lambda i, j, k: np.where((i == 1) & (j == 2), 0.4 + 0.9 * (k == 0), 0.0))
    plain = Expected(usd=cells.before.copy(), baseline=Baseline.UNTREATED)
    found = with_pair_growth(plain, cells, noise=flat(), controls=cells.product > 0)
    growth = np.log(found.usd / cells.before)
    pair = (cells.exporter == 1) & (cells.importer == 2)
    np.testing.assert_allclose(growth[pair], 0.4 * 8 / 12, rtol=1e-9)
    np.testing.assert_allclose(growth[~pair], 0.0, atol=1e-9)
    assert not np.allclose(found.usd, plain.usd)
    for baseline in set(Baseline) - {Baseline.UNTREATED}:
        other = Expected(usd=cells.before.copy(), baseline=baseline)
        assert with_pair_growth(other, cells, noise=flat(), controls=cells.product > 0) is other


def test_pairs_grow_alike_in_whatever_order_their_cells_are(random_cells, flat) -> None:
    columns = [
        *("exporter", "importer", "product", "before", "after"),
        *("after_kg", "mirror_before", "mirror_after"),
    ]
    drawn = random_cells(7)
    order = np.argsort(drawn.key)
    cells = replace(drawn, **{name: getattr(drawn, name)[order] for name in columns})
    rng = np.random.default_rng(7)
    mixed, controls = rng.permutation(order.size), rng.random(order.size) < 0.8
    plain = Expected(usd=cells.before + 5.0, baseline=Baseline.UNTREATED)
    found = with_pair_growth(plain, cells, noise=flat(), controls=controls)
    other = replace(cells, **{name: getattr(cells, name)[mixed] for name in columns})
    assert cells.is_sorted
    assert not other.is_sorted
    again = with_pair_growth(
        replace(plain, usd=plain.usd[mixed]), other, noise=flat(), controls=controls[mixed]
    )
    np.testing.assert_allclose(again.usd, found.usd[mixed], rtol=1e-12)
    assert not np.allclose(found.usd, plain.usd)


def test_treated_cells_do_not_move_what_is_expected(random_cells, flat) -> None:
    cells = random_cells(5)
    untreated = np.random.default_rng(5).random(cells.before.size) < 0.6
    found = expected_flows(cells, untreated=untreated, noise=flat(floor=100.0))
    changed = replace(cells, after=np.where(untreated, cells.after, cells.after * 50 + 1e6))
    again = expected_flows(changed, untreated=untreated, noise=flat(floor=100.0))
    np.testing.assert_array_equal(found.usd, again.usd)
    moved = replace(cells, after=np.where(untreated, cells.after * 50 + 1e6, cells.after))
    assert not np.allclose(found.usd, expected_flows(moved, untreated=untreated, noise=flat(floor=100.0)).usd)


def test_a_question_takes_its_own_cells_out_of_the_medians(random_cells, make_question, flat) -> None:
    cells = random_cells(6, n_areas=12, density=0.9)
    question = make_question(cells, origins=(0, 1), hubs=(3, 4), destinations=(2,), listed=(0, 1))
    noise = flat(floor=100.0)
    found = expect(cells, question, noise=noise)
    o, h, d = question.origins, question.hubs, question.destinations
    touched = question.listed[cells.product] & (
        (o[cells.exporter] & d[cells.importer])
        | (o[cells.exporter] & h[cells.importer])
        | (h[cells.exporter] & d[cells.importer])
    )
    assert touched.any()
    changed = replace(cells, after=np.where(touched, cells.after * 9 + 1e5, cells.after))
    np.testing.assert_array_equal(expect(changed, question, noise=noise).usd, found.usd)
    unlisted = ~question.listed[cells.product] & o[cells.exporter]
    changed = replace(cells, after=np.where(unlisted, cells.after * 9, cells.after))
    assert not np.allclose(expect(changed, question, noise=noise).usd, found.usd)


def test_without_untreated_cells_growth_is_that_of_other_goods_or_unknown(random_cells, flat) -> None:
    cells = random_cells(7)
    nothing = np.zeros(cells.before.size, dtype=bool)
    growth = np.linspace(-0.5, 0.5, 9)
    growth[3] = np.nan
    found = expected_flows(cells, untreated=nothing, noise=flat(), partner_growth=growth)
    assert found.baseline is Baseline.UNLISTED
    factor = np.exp(np.where(np.isnan(growth), 0.0, growth))[cells.importer]
    np.testing.assert_allclose(found.usd, cells.before * factor)
    bare = expected_flows(cells, untreated=nothing, noise=flat())
    assert bare.baseline is Baseline.UNIDENTIFIED
    np.testing.assert_array_equal(bare.usd, cells.before)


def test_baselines_can_be_insisted_on(random_cells, make_question, flat) -> None:
    cells = random_cells(8, n_areas=12)
    question = make_question(cells, hubs=(3,))
    growth = np.full(12, 0.3)
    got = {
        b: expect(cells, question, noise=flat(), partner_growth=growth, baseline=b)
        for b in (None, Baseline.UNLISTED, Baseline.UNCHANGED)
    }
    assert [found.baseline for found in got.values()] == [
        Baseline.UNTREATED,
        Baseline.UNLISTED,
        Baseline.UNCHANGED,
    ]
    np.testing.assert_allclose(got[Baseline.UNLISTED].usd, cells.before * np.exp(0.3))
    np.testing.assert_array_equal(got[Baseline.UNCHANGED].usd, cells.before)


def test_origins_that_ship_no_listed_goods_have_no_hubs(make_cells, make_question, flat) -> None:
    """Ten third areas, but none of them gets a listed product: no hub stands out, nothing warns."""
    rows = [(0, j, 1, 5.0, 6.0) for j in range(1, 13)] + [(12, j, 0, 5.0, 6.0) for j in range(1, 12)]
    cells = make_cells(rows, n_areas=13, n_products=2)
    question = make_question(cells, origins=(0,), destinations=(1,), listed=(0,))
    assert expect(cells, question, noise=flat()).usd.shape == (23,)


# --- noise --------------------------------------------------------------------------------------------


def test_noise_by_size_is_recovered() -> None:
    rng = np.random.default_rng(0)
    size = rng.uniform(5.0, 15.0, 40_000)
    sd = 1.5 - 0.08 * size
    noise = fit_noise([np.exp(size)], [np.exp(size + rng.normal(0.0, sd))], floor=1e-6)
    for at in (6.0, 10.0, 14.0):
        assert noise.at(np.array([np.exp(at)]))[0] == pytest.approx(1.5 - 0.08 * at, rel=0.1)
    assert (np.diff(noise.log_size) > 0).all()


def test_flows_exceed_the_expected_on_average() -> None:
    """Half of the flows double and half halve: a quarter above on average, whatever their size."""
    rng = np.random.default_rng(1)
    size = np.exp(rng.uniform(5.0, 15.0, 40_000))
    noise = fit_noise([size], [size * np.where(rng.random(size.size) < 0.5, 2.0, 0.5)], floor=1e-6)
    for usd in (1e3, 1e5):
        assert noise.mean_at(np.array([usd]))[0] == pytest.approx(1.25 * usd, rel=0.05)


def test_single_wild_flows_do_not_make_the_average(flat) -> None:
    size = np.exp(np.linspace(5.0, 15.0, 4000))
    after = size * np.where(np.arange(4000) % 2, 2.0, 0.5)
    after[::400] *= 1e9
    assert fit_noise([size], [after], floor=1e-6).lift.max() < 1.0
    assert flat().mean_at(np.array([7.0])).tolist() == [7.0]


def test_noise_of_too_few_flows_is_one() -> None:
    assert fit_noise([np.ones(5)], [np.ones(5)], floor=1.0).sd.tolist() == [1.0]
    assert fit_noise([np.zeros(0)], [np.zeros(0)], floor=1.0).sd.tolist() == [1.0]


def test_noise_is_never_nothing() -> None:
    same = np.exp(np.linspace(1, 10, 1000))
    assert (fit_noise([same], [same], floor=1.0).sd > 0).all()


def test_the_floor_is_the_size_of_flows_that_appear(make_cells) -> None:
    born = make_cells([(0, 1, 0, 0.0, float(x)) for x in range(1, 41)])
    assert appearing_size([born]) == 20.5
    few = make_cells([(0, 1, 0, 5.0, float(x)) for x in range(1, 102)])
    assert appearing_size([few]) == pytest.approx(0.2)
    assert appearing_size([make_cells([])]) == 1.0


def test_what_rounding_leaves_of_a_difference_does_not_appear(make_cells) -> None:
    """Forty amounts of a millionth of a dollar would be what appears, and every change would be huge."""
    flows = [(0, 1, 0, 5.0, float(x)) for x in range(1, 102)]
    dust = [(0, 1, 1, 0.0, 1e-6)] * 40
    assert appearing_size([make_cells([*flows, *dust])]) == pytest.approx(0.2)
    born = [(0, 2, 0, 0.0, float(x)) for x in range(1, 41)]
    assert appearing_size([make_cells([*flows, *dust, *born])]) == 20.5


def test_the_floor_lets_a_flow_appear_from_nothing() -> None:
    noise = flat_noise(10.0)
    change = noise.log_change(np.array([0.0, 90.0]), np.array([0.0, 0.0]))
    np.testing.assert_allclose(change, [0.0, np.log(10.0)])


def test_noise_is_learnt_with_the_question_left_out(random_cells, make_question) -> None:
    quiet = random_cells(9, n_areas=15, n_products=8, density=0.9, noise=0.4)
    question = make_question(quiet, hubs=(3,))
    noise = learn_noise([quiet], [question], [None])
    typical = noise.at(np.array([np.median(quiet.before)]))[0]
    assert 0.2 < typical < 0.45  # 0.4 planted; medians of a few flows take some of it


def test_noise_of_a_part_of_the_products_is_that_of_all(random_cells, make_question) -> None:
    quiet = random_cells(9, n_areas=25, n_products=60, density=0.9, noise=0.4)
    question = make_question(quiet, hubs=(3,), listed=range(0, 60, 2))
    whole = learn_noise([quiet], [question], [None])
    part = learn_noise([quiet], [question], [None], largest=quiet.before.size // 3)
    sizes = np.quantile(quiet.before, [0.2, 0.5, 0.8])
    assert not np.array_equal(part.sd, whole.sd)
    np.testing.assert_allclose(part.at(sizes), whole.at(sizes), rtol=0.15)
    np.testing.assert_allclose(part.mean_at(sizes), whole.mean_at(sizes), rtol=0.15)


def test_noise_of_no_flows_is_one(make_cells, make_question) -> None:
    nothing = make_cells([])
    assert learn_noise([nothing], [make_question(nothing)], [None]).at(np.ones(1))[0] == 1.0


def test_with_nobody_named_growth_comes_from_all_trade(random_cells, make_question, flat) -> None:
    """The open search: an event touches a minority of all cells, which moves no median."""
    cells = random_cells(7, n_areas=14, density=0.9)
    everybody = tuple(range(14))
    question = make_question(cells, origins=everybody, destinations=everybody, hubs=everybody)
    question = replace(question, is_treated=np.zeros((14, 14), dtype=bool), are_hubs_given=False)
    found = expect(cells, question, noise=flat(floor=100.0))
    wanted = expected_flows(cells, untreated=everywhere(cells), noise=flat(floor=100.0))
    assert found.baseline is Baseline.UNTREATED
    np.testing.assert_array_equal(found.usd, wanted.usd)
