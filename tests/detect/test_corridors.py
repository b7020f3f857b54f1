"""Bounds and corridors: thresholds, net scaling, conservation, and the leg that nobody reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.bounds import find_bounds, find_falls
from entrepot.detect.cells import Hidden
from entrepot.detect.corridors import KINDS, allocate_detours, allocate_relays
from entrepot.detect.estimate import estimate
from entrepot.detect.markup import hub_markup
from entrepot.detect.strength import clear_pairs, passing_hubs
from entrepot.schema import DetourKind

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


def test_noise_goes_both_ways_and_is_taken_off(make_cells, flat) -> None:
    """Three legs rose, one fell as strongly: a third of what rose is noise, whatever its size."""
    rows = [(0, 1, 0, 10.0, 110.0), (0, 1, 1, 10.0, 60.0), (0, 2, 0, 10.0, 110.0), (0, 1, 2, 9e6, 1e6)]
    cells = make_cells(rows)
    found = find_bounds(cells, cells.before, noise=flat(0.1), legs=all_legs(cells), sign=1, z=1.0)
    assert found.usd.tolist() == [100.0, 50.0, 100.0]
    np.testing.assert_allclose(found.net_usd, found.usd * 2 / 3)


def test_strong_departures_are_noise_less_often_than_weak_ones(make_cells, flat) -> None:
    """Forty legs rose a hundredfold and none fell as far; of forty that doubled, twenty others halved."""
    strong = [(0, 1, k, 1.0, 100.0) for k in range(40)]
    weak = [(0, 2, k, 1.0, 2.0 + k / 1000) for k in range(40)] + [(0, 3, k, 1.0, 0.5) for k in range(20)]
    cells = make_cells([*strong, *weak], n_products=40)
    found = find_bounds(cells, cells.before, noise=flat(0.1), legs=all_legs(cells), sign=1, z=1.0)
    share = found.net_usd / found.usd
    is_strong = cells.importer[found.cell] == 1
    np.testing.assert_allclose(share[is_strong], 1.0)
    assert share[~is_strong].mean() == pytest.approx(0.5, abs=0.05)


def test_only_the_legs_asked_for_count(make_cells, flat) -> None:
    cells = make_cells([(0, 1, 0, 10.0, 110.0), (0, 1, 1, 100.0, 1.0)])
    found = find_bounds(cells, cells.before, noise=flat(0.1), legs=np.array([True, False]), sign=1, z=1.0)
    assert found.net_usd.tolist() == [100.0]


def test_a_pair_that_fell_as_a_whole_needs_no_threshold_on_its_products(make_cells, flat) -> None:
    """Thirty products of one pair fell to a third, within the noise of each; of the other pair half fell."""
    fell = [(0, 1, k, 300.0, 100.0 + k) for k in range(30)]
    mixed = [(0, 2, k, 300.0, 100.0 if k % 2 else 900.0) for k in range(30)]
    cells = make_cells([*fell, *mixed], n_products=30)
    noise, legs = flat(1.3), all_legs(cells)
    clear = clear_pairs(cells, cells.before, noise=noise, at=np.flatnonzero(legs), sign=-1)
    assert np.flatnonzero(clear).tolist() == [0 * cells.n_areas + 1]
    assert find_bounds(cells, cells.before, noise=noise, legs=legs, sign=-1, z=1.0).cell.size == 0
    found = find_falls(cells, cells.before, noise=noise, legs=legs, z=1.0)
    assert cells.importer[found.cell].tolist() == [1] * 30
    assert cells.product[found.cell].tolist() == list(range(30))


def test_a_product_of_a_pair_that_fell_is_drawn_to_its_pair(make_cells, flat) -> None:
    """Thirty products fell to a fifth and one, by its noise, rose: most of it is taken to be missing too."""
    fell = [(0, 1, k, 1000.0, 200.0) for k in range(30)]
    cells = make_cells([*fell, (0, 1, 30, 1000.0, 1300.0)], n_products=31)
    for sd, least, most in ((1.5, 700.0, 780.0), (0.05, 0.0, 0.0)):
        found = find_falls(cells, cells.before, noise=flat(sd), legs=all_legs(cells), z=1.0)
        lost = dict(zip(cells.product[found.cell].tolist(), found.usd.tolist(), strict=True))
        assert least <= lost.get(30, 0.0) <= most, sd
        assert lost[0] == pytest.approx(800.0, rel=0.02)
        assert np.all(found.usd <= cells.before[found.cell])
        np.testing.assert_array_equal(found.usd, found.net_usd)


def test_one_wild_product_does_not_move_the_fall_of_its_pair(make_cells, flat) -> None:
    fell = [(0, 1, k, 1000.0, 200.0) for k in range(30)]
    cells = make_cells([*fell, (0, 1, 30, 1000.0, 1e9)], n_products=31)
    found = find_falls(cells, cells.before, noise=flat(1.0), legs=all_legs(cells), z=1.0)
    np.testing.assert_allclose(found.usd[:30], 780.0, atol=20.0)


def test_no_pair_is_clear_where_only_noise_moves(random_cells, flat) -> None:
    cells = random_cells(3)
    for sign in (1, -1):
        every = np.arange(cells.before.size)
        clear = clear_pairs(cells, cells.before, noise=flat(1.0), at=every, sign=sign)
        assert clear.mean() < 0.02


def test_an_area_passes_goods_on_where_both_legs_rose(make_cells, flat) -> None:
    """Hub 3: both rose; 4: arrivals only; 5: one large sale only; 6: unseen sales; 7: sales only."""
    rows = [(0, hub, k, 100.0, 300.0 if hub != 5 else 90.0) for hub in (3, 4, 5, 6) for k in range(12)]
    rows += [(3, 2, k, 100.0, 300.0) for k in range(12)]
    rows += [(hub, 2, k, 100.0, 60.0) for hub in (4, 5) for k in range(12)]
    rows += [(0, 5, 12, 100.0, 1e6)]
    rows += [row for k in range(12) for row in ((0, 7, k, 100.0, 110.0), (7, 2, k, 100.0, 1e4))]
    cells = make_cells(rows, n_areas=8, n_products=13)
    found = passing_hubs(
        cells,
        cells.before,
        noise=flat(1.0),
        inbound=np.flatnonzero(cells.exporter == 0),
        onward=np.flatnonzero(cells.importer == 2),
    )
    assert np.flatnonzero(found).tolist() == [3, 6]


# --- one detour by hand: 0 → 3 → 2 instead of 0 → 2 -----------------------------------------------------

#: Direct 1000 → 100, arrivals at hub 3 50 → 450, sent on 10 → 310.
ONE = [(0, 2, 1000.0, 100.0), (0, 3, 50.0, 450.0), (3, 2, 10.0, 310.0)]


def six_alike(make_cells, rows):
    """Return six products that all do the same: of a pair's share in all of them there is no doubt."""
    return make_cells([(i, j, k, x0, x1) for i, j, x0, x1 in rows for k in range(6)], n_products=6)


def of_kind(corridors, *kinds: DetourKind):
    return corridors.only(np.isin(corridors.kind, [KINDS.index(kind) for kind in kinds]))


def one_detour(cells, question, flat):
    corridors = estimate(cells, question, noise=flat(0.01), z=1.0).corridors
    return of_kind(corridors, DetourKind.DECLARED, DetourKind.ONWARD_UNOBSERVED)


def test_the_smallest_bound_is_the_amount(make_cells, make_question, flat) -> None:
    for at, after, expected in ((0, 100.0, 300.0), (2, 510.0, 400.0), (0, 950.0, 50.0)):
        rows = [list(row) for row in ONE]
        rows[at][3] = after
        cells = six_alike(make_cells, rows)
        found = one_detour(cells, make_question(cells, origins=(0,), hubs=(3,)), flat)
        assert found.usd == pytest.approx([expected] * 6)
        assert set(zip(found.origin, found.hub, found.destination, strict=True)) == {(0, 3, 2)}
        assert sorted(found.product) == list(range(6))
        assert set(found.kind) == {KINDS.index(DetourKind.DECLARED)}


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
    assert set(found.kind) == {KINDS.index(DetourKind.ONWARD_UNOBSERVED)}
    assert set(found.onward) == {-1}


def hides(cells, hub: int):
    """Let a hub hide all goods but the last one, which is of no kind; nobody mirrors it."""
    goods = np.zeros((cells.n_areas, cells.n_products), dtype=bool)
    goods[hub, :-1] = True
    return replace(cells, hidden=Hidden(goods, np.arange(cells.n_products) == cells.n_products - 1))


@pytest.mark.parametrize(("no_kind", "total"), [(10.0, 0.0), (1210.0, 1200.0), (1e6, 2400.0)])
def test_a_good_that_the_hub_hides_is_unobserved_and_bound_by_what_is_of_no_kind(
    no_kind, total, make_cells, make_question, flat
) -> None:
    """Arrivals of six goods rose by 400 each, and nothing goes on by their codes."""
    rows = [(i, j, k, before, after) for k in range(6) for i, j, before, after in ONE[:2]]
    cells = make_cells([*rows, (3, 2, 6, 10.0, no_kind)], n_products=7)
    question = make_question(cells, origins=(0,), hubs=(3,))
    assert one_detour(cells, question, flat).usd.sum() == 0.0
    found = one_detour(hides(cells, 3), question, flat)
    assert set(found.kind) == {KINDS.index(DetourKind.ONWARD_UNOBSERVED)}
    assert found.usd.sum() == pytest.approx(total)
    assert np.ptp(found.usd) == pytest.approx(0.0, abs=1e-9)


def test_what_others_sent_to_the_hub_leaves_less_of_what_it_sends_on(make_cells, make_question, flat) -> None:
    """Supplier 4 sent the hub 400 more as well: half of the onward excess of 300 is the origin's."""
    cells = six_alike(make_cells, [*ONE, (4, 3, 100.0, 500.0)])
    found = one_detour(cells, make_question(cells, origins=(0,), hubs=(3,)), flat)
    assert found.usd == pytest.approx([150.0] * 6)


# --- what the hub's books do not show, and what others send ---------------------------------------------

#: Direct 1000 → 100, arrivals at hub 3 50 → 450 of which its own book shows a half, sent on 10 → 210.
HALF_SEEN = [(0, 2, 1000.0, 100.0), (0, 3, 50.0, 450.0), (3, 2, 10.0, 210.0)]


def mirrored(cells, ratio_before: float, ratio_after: float):
    """Let the importer's book stand beside the exporter's of every pair, and show so much of it."""
    seen = np.ones((cells.n_areas, cells.n_areas), dtype=bool)
    return replace(
        cells,
        mirror_before=cells.before * ratio_before,
        mirror_after=cells.before * ratio_before + (cells.after - cells.before) * ratio_after,
        has_mirror=seen,
    )


@pytest.mark.parametrize("chronic", [1.0, 0.3])
def test_what_the_hub_does_not_show_is_unseen(chronic, make_cells, make_question, flat) -> None:
    """A hub that has always declared 30% of arrivals hides nothing new while that ratio holds."""
    cells = mirrored(six_alike(make_cells, HALF_SEEN), chronic, chronic * 0.5)
    found = estimate(cells, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    assert of_kind(found, DetourKind.DECLARED).usd == pytest.approx([200.0] * 6, rel=0.01)
    assert of_kind(found, DetourKind.UNSEEN).usd == pytest.approx([200.0] * 6, rel=0.01)
    shown = mirrored(six_alike(make_cells, HALF_SEEN), chronic, chronic)
    found = estimate(shown, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    assert of_kind(found, DetourKind.UNSEEN).usd.sum() == pytest.approx(0.0, abs=1e-6)


def test_goods_that_the_hub_never_bought_before_tell_what_it_hides(make_cells, make_question, flat) -> None:
    rows = [(0, 2, 1000.0, 100.0), (0, 3, 0.0, 400.0), (3, 2, 10.0, 210.0), (4, 3, 100.0, 100.0)]
    cells = mirrored(six_alike(make_cells, rows), 1.0, 0.5)
    found = estimate(cells, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    assert of_kind(found, DetourKind.DECLARED).usd == pytest.approx([200.0] * 6, rel=0.01)
    assert of_kind(found, DetourKind.UNSEEN).usd == pytest.approx([200.0] * 6, rel=0.01)


def test_a_hub_without_an_import_book_hides_nothing_that_we_know(make_cells, make_question, flat) -> None:
    cells = six_alike(make_cells, HALF_SEEN)
    found = estimate(cells, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    assert of_kind(found, DetourKind.UNSEEN).usd.size == 0


def test_a_gap_at_a_hub_that_sends_on_no_more_than_before_is_no_detour(
    make_cells, make_question, flat
) -> None:
    """Under-declaration alone ties a hub to nobody."""
    cells = mirrored(six_alike(make_cells, [*HALF_SEEN[:2], (3, 2, 10.0, 10.0)]), 1.0, 0.5)
    found = estimate(cells, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    assert found.usd.sum() == 0.0


def test_where_nobody_publishes_the_onward_leg_unseen_is_not_told_apart(
    make_cells, make_question, flat
) -> None:
    cells = mirrored(six_alike(make_cells, HALF_SEEN[:2]), 1.0, 0.5)
    question = make_question(cells, origins=(0,), hubs=(3,), unobserved=[(3, 2)])
    found = estimate(cells, question, noise=flat(0.01), z=1.0).corridors
    assert set(found.kind) == {KINDS.index(DetourKind.ONWARD_UNOBSERVED)}
    assert found.usd == pytest.approx([400.0] * 6)


def test_others_goods_are_a_relay_and_never_a_detour(make_cells, make_question, flat) -> None:
    """Supplier 4 sent 400 more as well: half of what the hub sent on is its, up to the unmet demand."""
    cells = six_alike(make_cells, [*ONE, (4, 3, 100.0, 500.0)])
    found = estimate(cells, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    relay = of_kind(found, DetourKind.RELAY)
    assert set(zip(relay.origin, relay.hub, relay.destination, strict=True)) == {(4, 3, 2)}
    assert relay.usd == pytest.approx([150.0] * 6)
    assert not (of_kind(found, DetourKind.DECLARED).origin == 4).any()


def test_an_area_that_passes_nothing_on_for_the_origins_relays_nothing(
    make_cells, make_question, flat
) -> None:
    """Area 5, whose sales nobody publishes, buys more from 4; the origin's goods go through hub 3 alone."""
    cells = six_alike(make_cells, [*ONE, (4, 3, 100.0, 500.0), (4, 5, 100.0, 900.0), (0, 5, 100.0, 100.0)])
    question = make_question(cells, origins=(0,), hubs=(3, 5), unobserved=[(5, 2)])
    found = estimate(cells, question, noise=flat(0.01), z=1.0).corridors
    assert set(of_kind(found, DetourKind.RELAY).hub.tolist()) == {3}


def test_a_relay_fills_no_more_than_the_unmet_demand(make_cells, make_question, flat) -> None:
    """Of a shortfall of 400, 300 came as detours: 100 may be a relay, however much more arrived."""
    rows = [(0, 2, 1000.0, 600.0), (0, 3, 50.0, 350.0), (3, 2, 10.0, 1010.0), (4, 3, 100.0, 800.0)]
    cells = six_alike(make_cells, rows)
    found = estimate(cells, make_question(cells, origins=(0,), hubs=(3,)), noise=flat(0.01), z=1.0).corridors
    assert of_kind(found, DetourKind.DECLARED).usd == pytest.approx([300.0] * 6)
    assert of_kind(found, DetourKind.RELAY).usd == pytest.approx([100.0] * 6)


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
    relays = of_kind(found.corridors, DetourKind.RELAY)
    c = of_kind(found.corridors, *(kind for kind in KINDS if kind is not DetourKind.RELAY))
    assert c.usd.sum() > 0
    assert (c.usd >= 0).all()
    n = cells.before.size
    expected = found.expected.usd
    slack = 1e-6 * cells.after.max()

    def passed(leg: np.ndarray) -> np.ndarray:
        return np.bincount(leg[leg >= 0], weights=c.usd[leg >= 0], minlength=n)

    def bound(of) -> np.ndarray:
        return np.bincount(of.cell, weights=of.net_usd, minlength=n)

    legs = found.legs
    for leg, of in ((c.inbound, legs.inbound), (c.direct, legs.direct)):
        assert (passed(leg) <= bound(of) + slack).all()
        assert (bound(of) <= np.bincount(of.cell, weights=of.usd, minlength=n) + slack).all()
    assert (bound(legs.direct) <= np.maximum(expected - cells.after, 0.0) + slack).all()
    assert (bound(legs.inbound) <= cells.after + slack).all()
    declared = of_kind(c, DetourKind.DECLARED)
    on = np.concatenate([declared.onward, relays.onward])
    usd = np.concatenate([declared.usd, relays.usd])
    sent_on = np.bincount(on[on >= 0], weights=usd[on >= 0], minlength=n)
    assert (sent_on <= bound(legs.onward) + slack).all()
    is_seen = question.is_observed[c.hub, c.destination]
    assert (c.onward[declared.kind.size :] >= -1).all()
    assert ((c.kind == KINDS.index(DetourKind.ONWARD_UNOBSERVED)) == ~is_seen).all()
    assert (declared.onward >= 0).all()
    arrived = np.bincount(relays.inbound, weights=relays.usd, minlength=n)
    assert (arrived <= bound(legs.others) + slack).all()
    demand = np.bincount(np.concatenate([c.product, relays.product]), np.concatenate([c.usd, relays.usd]), 8)
    lost = np.bincount(cells.product[legs.direct.cell], legs.direct.net_usd, 8)
    assert (demand <= lost + slack).all()
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
            for name in (
                "exporter",
                "importer",
                "product",
                "before",
                "after",
                "after_kg",
                "mirror_before",
                "mirror_after",
            )
        },
    )

    def amounts(of) -> dict:
        c = estimate(of, question, noise=flat(0.4, floor=100.0), z=0.5).corridors
        names = ("origin", "hub", "destination", "product", "kind")
        keys = zip(*[getattr(c, name).tolist() for name in names], strict=True)
        return dict(zip(keys, c.usd.tolist(), strict=True))

    found = amounts(cells)
    assert found or seed == 0
    assert amounts(shuffled) == pytest.approx(found)


def test_amounts_scale_with_the_currency(random_cells, make_question, flat) -> None:
    cells = random_cells(2, n_areas=12, n_products=6, noise=0.3)
    question = make_question(cells)
    cells = with_event(cells, question)
    found = estimate(cells, question, noise=flat(0.4, floor=100.0)).corridors
    names = ("before", "after", "mirror_before", "mirror_after")
    euro = replace(cells, **{name: getattr(cells, name) * 0.9 for name in names})
    again = estimate(euro, question, noise=flat(0.4, floor=90.0)).corridors
    assert found.usd.sum() > 0
    np.testing.assert_allclose(again.usd, found.usd * 0.9, rtol=1e-9)


def test_no_legs_no_corridors(make_cells, make_question, flat) -> None:
    cells = make_cells([])
    question = make_question(cells)
    found = estimate(cells, question, noise=flat())
    assert found.corridors.usd.size == 0
    detours = allocate_detours(cells, found.legs, question)
    assert detours.usd.size == 0
    assert allocate_relays(cells, found.legs, question, detours).usd.size == 0
