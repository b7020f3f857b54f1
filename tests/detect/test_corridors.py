"""Bounds and corridors: thresholds, net scaling, conservation, and the leg that nobody reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.corridors import Bounds, allocate_corridors, find_bounds, hub_markup, origins_share
from entrepot.detect.estimate import estimate

NAN = float("nan")


def all_legs(cells) -> np.ndarray:
    return np.ones(cells.before.size, dtype=bool)


@pytest.mark.parametrize(("sign", "passes"), [(1, [3]), (-1, [0])])
def test_the_threshold_is_symmetric_in_logs(sign, passes, make_cells, flat) -> None:
    """With noise of ln 2 a flow must more than double, or fall to less than half."""
    after = [49.0, 51.0, 199.0, 201.0]
    cells = make_cells([(i, 5, 0, 100.0, x) for i, x in enumerate(after)])
    noise = flat(np.log(2.0))
    found = find_bounds(cells, cells.before, noise=noise, legs=all_legs(cells), sign=sign, z=1.0)
    assert found.cell.tolist() == passes
    assert found.usd.tolist() == [sign * (after[at] - 100.0) for at in passes]


def test_z_moves_the_threshold(random_cells, flat) -> None:
    cells = random_cells(0)
    found = [
        find_bounds(cells, cells.before, noise=flat(0.5), legs=all_legs(cells), sign=1, z=z).cell.size
        for z in (0.0, 1.0, 2.0)
    ]
    assert found[0] > found[1] > found[2] > 0


def test_a_shortfall_can_pass_where_noise_is_larger_than_the_flow(make_cells, flat) -> None:
    """On the linear scale a fall of a whole flow is one flow at most; on the log scale it has no limit."""
    cells = make_cells([(0, 1, 0, 100.0, 1.0)])
    found = find_bounds(cells, cells.before, noise=flat(1.8), legs=all_legs(cells), sign=-1, z=1.0)
    assert found.usd.tolist() == [99.0]


def test_a_pair_has_no_more_than_its_net_departure(make_cells, flat) -> None:
    cells = make_cells(
        [
            (0, 1, 0, 10.0, 110.0), (0, 1, 1, 10.0, 60.0), (0, 1, 2, 100.0, 10.0),  # +100, +50, -90
            (0, 2, 0, 10.0, 110.0),  # +100
            (0, 3, 0, 10.0, 40.0), (0, 3, 1, 90.0, 10.0),  # +30, -80
        ]
    )  # fmt: skip
    found = find_bounds(cells, cells.before, noise=flat(0.1), legs=all_legs(cells), sign=1, z=1.0)
    assert found.usd.tolist() == [100.0, 50.0, 100.0, 30.0]
    np.testing.assert_allclose(found.net_usd, [40.0, 20.0, 100.0, 0.0])


def test_only_the_legs_asked_for_count(make_cells, flat) -> None:
    cells = make_cells([(0, 1, 0, 10.0, 110.0), (0, 1, 1, 100.0, 1.0)])
    found = find_bounds(cells, cells.before, noise=flat(0.1), legs=np.array([True, False]), sign=1, z=1.0)
    assert found.net_usd.tolist() == [100.0]


# --- one detour by hand: 0 → 3 → 2 instead of 0 → 2 -----------------------------------------------------

#: Direct 1000 → 100, arrivals at hub 3 50 → 450, sent on 10 → 310.
ONE = [(0, 2, 1000.0, 100.0), (0, 3, 50.0, 450.0), (3, 2, 10.0, 310.0)]


def six_alike(make_cells, rows):
    """Return six products that all do the same: of a pair's share in all of them there is no doubt."""
    return make_cells([(i, j, k, x0, x1) for i, j, x0, x1 in rows for k in range(6)], n_products=6)


def one_detour(cells, question, flat):
    return estimate(cells, question, noise=flat(0.01), z=1.0).corridors


def test_the_smallest_bound_is_the_amount(make_cells, make_question, flat) -> None:
    for at, after, expected in ((0, 100.0, 300.0), (2, 510.0, 400.0), (0, 950.0, 50.0)):
        rows = [list(row) for row in ONE]
        rows[at][3] = after
        cells = six_alike(make_cells, rows)
        found = one_detour(cells, make_question(cells, origins=(0,), hubs=(3,)), flat)
        assert found.usd == pytest.approx([expected] * 6)
        assert set(zip(found.origin, found.hub, found.destination, strict=True)) == {(0, 3, 2)}
        assert sorted(found.product) == list(range(6))
        assert found.is_onward_observed.all()


def test_a_clear_detour_of_a_single_product_is_found(make_cells, make_question, flat) -> None:
    cells = six_alike(make_cells, ONE)
    one = cells.only(cells.product == 0)
    found = one_detour(one, make_question(one, origins=(0,), hubs=(3,)), flat)
    assert found.usd == pytest.approx([300.0], rel=0.05)


@pytest.mark.parametrize("onward", [[(3, 2, 10.0, 10.0)], []], ids=["flat", "zero"])
def test_a_published_onward_leg_that_did_not_rise_forbids_the_detour(
    onward, make_cells, make_question, flat
) -> None:
    cells = six_alike(make_cells, [*ONE[:2], *onward])
    assert one_detour(cells, make_question(cells, origins=(0,), hubs=(3,)), flat).usd.sum() == 0.0


def test_an_unobserved_onward_leg_is_an_absent_bound_not_a_zero(make_cells, make_question, flat) -> None:
    cells = six_alike(make_cells, ONE[:2])
    question = make_question(cells, origins=(0,), hubs=(3,), unobserved=[(3, 2)])
    found = one_detour(cells, question, flat)
    assert found.usd == pytest.approx([400.0] * 6)
    assert not found.is_onward_observed.any()
    assert set(found.onward) == {-1}
    assert np.isnan(found.excess_on).all()


def test_what_others_sent_to_the_hub_leaves_less_of_what_it_sends_on(make_cells, make_question, flat) -> None:
    """Supplier 4 sent the hub 400 more as well: half of the onward excess of 300 is the origin's."""
    cells = six_alike(make_cells, [*ONE, (4, 3, 100.0, 500.0)])
    found = one_detour(cells, make_question(cells, origins=(0,), hubs=(3,)), flat)
    assert found.usd == pytest.approx([150.0] * 6)


def test_the_origins_share_is_theirs_of_all_that_arrived(make_cells) -> None:
    cells = make_cells([(0, 3, 0, 0.0, 300.0), (4, 3, 0, 0.0, 100.0), (4, 3, 1, 50.0, 60.0)])
    usd = cells.after - cells.before
    ours, others = (
        Bounds(cell=index, usd=usd[index], net_usd=usd[index]) for index in (np.array([0]), np.array([1, 2]))
    )
    share = origins_share(cells, ours, others)
    assert share[3, 0] == pytest.approx(0.75)
    assert share[3, 1] == 0.0  # nothing of this product came from the origins
    assert (share[5] == 1.0).all()  # nothing reached it


def test_the_hubs_markup_comes_off_the_onward_leg(make_cells, make_question, flat) -> None:
    """Six products with weights: goods leave the hub at 1.25 of the unit value at which they came."""
    rows = [row for k in range(6) for row in (
        (0, 2, k, 1000.0, 100.0, 50.0), (0, 3, k, 50.0, 550.0, 275.0), (3, 2, k, 10.0, 260.0, 104.0),
    )]  # fmt: skip
    cells = make_cells(rows, n_products=6)
    question = make_question(cells, origins=(0,), hubs=(3,))
    assert hub_markup(cells, question)[3] == pytest.approx(1.25)
    assert one_detour(cells, question, flat).usd == pytest.approx([200.0] * 6)
    four = cells.only(cells.product < 4)
    assert hub_markup(four, question)[3] == 1.0
    cheaper = replace(cells, after_kg=np.where(cells.exporter == 3, cells.after, cells.after_kg))
    assert hub_markup(cheaper, question)[3] == 1.0  # never under one
    dearer = replace(cells, after_kg=np.where(cells.exporter == 3, 1.0, cells.after_kg))
    assert hub_markup(dearer, question)[3] == 1.5  # never over one and a half


# --- conservation ---------------------------------------------------------------------------------------


def with_event(cells, question):
    """Let direct flows fall and the flows by way of areas 3 to 6 rise."""
    o, h, d = question.origins, np.isin(np.arange(cells.n_areas), [3, 4, 5, 6]), question.destinations
    is_direct = question.is_treated[cells.exporter, cells.importer]
    is_risen = (o[cells.exporter] & h[cells.importer]) | (h[cells.exporter] & d[cells.importer])
    factor = np.where(is_direct, 0.2, np.where(is_risen, 4.0, 1.0))
    return replace(cells, after=cells.after * factor, after_kg=cells.after_kg * factor)


@pytest.mark.parametrize("seed", range(25))
def test_what_passes_a_hub_obeys_every_bound(seed, random_cells, make_question, flat) -> None:
    """The inequalities of DESIGN 5.5, summed over all corridors of each leg."""
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=14, n_products=8, noise=0.3)
    unobserved = [(h, 2) for h in range(3, 14) if rng.random() < 0.3]
    cells = cells.only(~np.isin(cells.pair, [h * 14 + d for h, d in unobserved]))
    question = make_question(cells, origins=(0, 1, 7), destinations=(2,), unobserved=unobserved)
    cells = with_event(cells, question)
    found = estimate(cells, question, noise=flat(0.3, floor=100.0), z=0.5)
    c = found.corridors
    assert c.usd.sum() > 0
    assert (c.usd >= 0).all()
    n = cells.before.size
    expected = found.expected.usd
    slack = 1e-6 * cells.after.max()

    def passed(leg: np.ndarray) -> np.ndarray:
        return np.bincount(leg[leg >= 0], weights=c.usd[leg >= 0], minlength=n)

    def bound(of) -> np.ndarray:
        return np.bincount(of.cell, weights=of.net_usd, minlength=n)

    for leg, of in ((c.inbound, found.inbound), (c.direct, found.direct)):
        assert (passed(leg) <= bound(of) + slack).all()
        assert (bound(of) <= np.bincount(of.cell, weights=of.usd, minlength=n) + slack).all()
    assert (bound(found.direct) <= np.maximum(expected - cells.after, 0.0) + slack).all()
    assert (bound(found.inbound) <= np.maximum(cells.after - expected, 0.0) + slack).all()
    share = origins_share(cells, found.inbound, found.others)[cells.exporter, cells.product]
    sent_on = bound(found.onward) * share / hub_markup(cells, question)[cells.exporter]
    assert (passed(c.onward) <= sent_on + slack).all()
    assert (c.onward >= 0).tolist() == c.is_onward_observed.tolist()
    np.testing.assert_array_equal(cells.importer[c.inbound], c.hub)
    np.testing.assert_array_equal(cells.exporter[c.inbound], c.origin)
    np.testing.assert_array_equal(cells.importer[c.direct], c.destination)
    np.testing.assert_array_equal(cells.product[c.direct], c.product)
    assert (c.hub != c.destination).all()
    assert (c.hub != c.origin).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_answer_does_not_depend_on_the_order_of_cells(seed, random_cells, make_question, flat) -> None:
    cells = random_cells(seed, n_areas=12, n_products=6, noise=0.3)
    question = make_question(cells, hubs=(3, 4, 5, 6))
    cells = with_event(cells, question)
    order = np.random.default_rng(seed).permutation(cells.before.size)
    shuffled = replace(
        cells,
        **{
            name: getattr(cells, name)[order]
            for name in ("exporter", "importer", "product", "before", "after", "after_kg")
        },
    )

    def amounts(of) -> dict:
        c = estimate(of, question, noise=flat(0.4, floor=100.0), z=0.5).corridors
        keys = zip(c.origin.tolist(), c.hub.tolist(), c.destination.tolist(), c.product.tolist(), strict=True)
        return dict(zip(keys, c.usd.tolist(), strict=True))

    found = amounts(cells)
    assert found or seed == 0
    assert amounts(shuffled) == pytest.approx(found)


def test_amounts_scale_with_the_currency(random_cells, make_question, flat) -> None:
    cells = random_cells(2, n_areas=12, n_products=6, noise=0.3)
    question = make_question(cells)
    cells = with_event(cells, question)
    found = estimate(cells, question, noise=flat(0.4, floor=100.0)).corridors
    euro = replace(cells, before=cells.before * 0.9, after=cells.after * 0.9)
    again = estimate(euro, question, noise=flat(0.4, floor=90.0)).corridors
    assert found.usd.sum() > 0
    np.testing.assert_allclose(again.usd, found.usd * 0.9, rtol=1e-9)


def test_no_legs_no_corridors(make_cells, make_question, flat) -> None:
    cells = make_cells([])
    question = make_question(cells)
    found = estimate(cells, question, noise=flat())
    assert found.corridors.usd.size == 0
    none = found.inbound
    share = np.ones((6, 4))
    assert allocate_corridors(cells, none, none, none, question, share).usd.size == 0
