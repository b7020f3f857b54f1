"""Planted detours: what is taken away comes back, and the truth says where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.cells import Hidden
from entrepot.detect.noise import flat_noise
from entrepot.detect.spikes import BookErrors, Books, SpikePlan, plant
from entrepot.detect.unseen import mirror_ratio

NOISE = flat_noise(1.0)
DECLARED, _, RELAY, UNOBSERVED = range(4)


def drawn(
    seed: int, random_cells, make_question, *, total_usd: float = 2e5, n_hubs: int = 3, is_exact: bool = True
):
    cells = random_cells(seed, n_areas=12, n_products=8)
    question = make_question(
        cells, origins=(0, 1, 5), destinations=(2, 11), listed=range(6), unobserved=[(3, 2), (4, 11)]
    )
    cells = cells.only(~np.isin(cells.pair, [3 * 12 + 2, 4 * 12 + 11]))
    if is_exact:  # books that agree to the digit: what is planted stands in them as it is
        cells = replace(cells, mirror_before=cells.before * 0.8, mirror_after=cells.after * 0.8)
    weight = np.where(np.isin(np.arange(12), [3, 4, 6, 7, 8]), 1.0, 0.0)
    plan = SpikePlan(total_usd=total_usd, hub_weight=weight, n_hubs=n_hubs)
    return cells, question, plan


def sums(n_cells: int, index: np.ndarray, usd: np.ndarray) -> np.ndarray:
    return np.bincount(index, weights=usd, minlength=n_cells)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_planted_is_conserved(seed, random_cells, make_question) -> None:
    """Over all cells of the cube: only treated flows fall, and what falls covers what is planted."""
    cells, question, plan = drawn(seed, random_cells, make_question)
    p = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(seed))
    assert (p.usd > 0).all()
    assert (plan.hub_weight[p.hub] > 0).all()
    assert question.listed[p.product].all()
    own = p.kind != RELAY
    assert question.is_treated[p.origin, p.destination][own].all()
    assert not question.origins[p.origin[~own]].any()
    n, k = 12, 8
    size = n * n * k
    change = sums(size, p.cells.key, p.cells.after) - sums(size, cells.key, cells.after)
    before = sums(size, cells.key, cells.after)
    np.testing.assert_allclose(sums(size, p.cells.key, p.cells.before), sums(size, cells.key, cells.before))
    slack = 1e-9 * before.max()

    pair = np.arange(size) // k
    is_direct = question.is_treated[pair // n, pair % n]
    fell = change < -slack
    assert not fell[~is_direct].any()
    assert ((change >= -0.95 * before - slack) & (change <= -0.4 * before + slack))[fell].all()
    planted_direct = sums(size, ((p.origin * n + p.destination) * k + p.product)[own], p.usd[own])
    assert (planted_direct <= -change + slack)[is_direct].all()
    planted_in = sums(size, (p.origin * n + p.hub) * k + p.product, p.usd)
    assert (planted_in <= change + slack)[planted_in > 0].all()
    onward = (p.hub * n + p.destination) * k + p.product
    is_seen = p.kind == DECLARED
    assert is_seen.any()
    unobserved = ~question.is_observed[p.hub, p.destination]
    np.testing.assert_array_equal((p.kind == UNOBSERVED)[own], unobserved[own])
    planted_on = sums(size, onward[is_seen], p.usd[is_seen])
    assert (1.05 * planted_on <= change + slack)[~is_direct].all()
    for h, d in ((3, 2), (4, 11)):  # of a pair that nobody reports no cell is made
        assert not np.isin(p.cells.pair, h * n + d).any()


def test_as_much_as_was_found_is_planted(random_cells, make_question) -> None:
    """In the median over sets, for totals well within what the direct trade has to lose."""
    for total in (2e4, 1e5):
        planted = []
        for seed in range(60):
            cells, question, plan = drawn(1, random_cells, make_question, total_usd=total)
            p = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(seed))
            planted.append(p.usd[p.kind != RELAY].sum())
        assert np.median(planted) == pytest.approx(total, rel=0.35)


@pytest.mark.parametrize("seed", range(5))
def test_origins_sell_a_part_of_what_they_lost_elsewhere(seed, random_cells, make_question) -> None:
    """Without hubs only the direct trade falls, and up to 15% of the loss of a product turns up elsewhere."""
    cells, question, plan = drawn(seed, random_cells, make_question)
    none = replace(plan, hub_weight=np.zeros(12))
    p = plant(cells, question, none, books=Books.of(cells, NOISE), rng=np.random.default_rng(seed))
    size = 12 * 12 * 8
    change = (sums(size, p.cells.key, p.cells.after) - sums(size, cells.key, cells.after)).reshape(12, 12, 8)
    is_direct = question.is_treated
    lost = -change * is_direct[:, :, None]
    elsewhere = change * ~is_direct[:, :, None]
    assert (elsewhere >= -1e-6).all()
    assert elsewhere.sum() > 0
    assert (elsewhere.sum(axis=1) <= 0.15 * lost.sum(axis=1) + 1e-6).all()
    assert not elsewhere[~question.origins].any()


def test_innocent_areas_boom_beside_the_hubs(random_cells, make_question) -> None:
    """An area that is neither hub nor origin buys more, up to three times as much, in some set."""
    grown = set()
    for seed in range(10):
        cells, question, plan = drawn(1, random_cells, make_question)
        p = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(seed))
        factor = p.cells.after[: cells.after.size] / np.where(cells.after > 0, cells.after, np.nan)
        innocent = (plan.hub_weight == 0) & ~question.origins & ~question.destinations
        seller = ~question.origins[cells.exporter] & ~(plan.hub_weight > 0)[cells.exporter]
        mine = innocent[cells.importer] & seller & (factor > 1.01)
        assert np.nanmax(factor[mine], initial=1.0) <= 5.0 + 1e-9  # buyer and seller may both boom
        grown |= set(cells.importer[mine])
    assert len(grown) > 1


def test_equal_seeds_give_equal_plants_and_others_do_not(random_cells, make_question) -> None:
    cells, question, plan = drawn(0, random_cells, make_question)
    one, same, other = (
        plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(s))
        for s in (7, 7, 8)
    )
    np.testing.assert_array_equal(one.usd, same.usd)
    np.testing.assert_array_equal(one.cells.after, same.cells.after)
    assert one.usd.shape != other.usd.shape or not np.allclose(one.usd, other.usd)


def test_as_many_hubs_as_planned(random_cells, make_question) -> None:
    for n_hubs in (1, 2, 4):
        cells, question, plan = drawn(2, random_cells, make_question, n_hubs=n_hubs)
        planted = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(0))
        assert np.unique(planted.hub).size <= n_hubs
        assert np.unique(planted.hub).size >= min(n_hubs, 1)


def test_without_a_possible_hub_nothing_is_planted(random_cells, make_question) -> None:
    cells, question, _ = drawn(3, random_cells, make_question)
    plan = SpikePlan(total_usd=2e5, hub_weight=np.zeros(12), n_hubs=2)
    assert (
        plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(0)).usd.size == 0
    )


def test_the_hubs_book_shows_what_is_declared_and_no_more(random_cells, make_question) -> None:
    """Arrivals in the hub's book rise by the declared part, at the pair's own earlier ratio."""
    cells, question, plan = drawn(1, random_cells, make_question)
    ratio = mirror_ratio(cells, NOISE)
    n, k = 12, 8
    seen = 0
    for seed in range(10):
        p = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(seed))
        book = sums(n * n * k, p.cells.key, p.cells.mirror_after)
        book -= sums(n * n * k, cells.key, cells.mirror_after)
        mine = p.kind == DECLARED
        leg = ((p.origin * n + p.hub) * k + p.product)[mine]
        rise = sums(n * n * k, leg, (np.nan_to_num(ratio)[p.origin, p.hub] * p.usd)[mine])
        assert (rise <= book + 1e-6 * book.max())[rise > 0].all()
        seen += int((rise > 0).sum())
        assert (book.reshape(n, n, k)[~cells.has_mirror] == 0).all()
    assert seen > 0


@pytest.mark.parametrize(("cell_sd", "pair_sd"), [(0.2, 0.0), (0.05, 0.1), (0.0, 0.0)])
def test_the_errors_of_books_are_told_from_two_of_them(cell_sd, pair_sd, random_cells) -> None:
    """Each book errs by so much on its own, cell by cell, and pair by pair between the windows."""
    cells = random_cells(4, n_areas=30, n_products=40, density=0.9)
    rng = np.random.default_rng(0)
    n = cells.before.size

    def book(usd: np.ndarray) -> np.ndarray:
        return usd * np.exp(rng.normal(0.0, cell_sd, n) + rng.normal(0.0, pair_sd, 900)[cells.pair])

    true = np.exp(rng.normal(12.0, 1.0, n))
    seen = np.ones((30, 30), dtype=bool)
    ours, theirs = (book(true), book(true)), (0.7 * book(true), 0.7 * book(true))
    cells = replace(
        cells, before=ours[0], after=ours[1], mirror_before=theirs[0], mirror_after=theirs[1], has_mirror=seen
    )
    found = BookErrors.of(cells)
    assert found.cell_sd == pytest.approx(cell_sd, rel=0.1, abs=1e-9)
    # The change between two windows holds the errors of both of them.
    assert found.pair_sd == pytest.approx(np.sqrt(2.0) * pair_sd, rel=0.15, abs=0.2 * cell_sd + 1e-9)
    nobody = BookErrors.of(replace(cells, has_mirror=np.zeros((30, 30), dtype=bool)))
    assert (nobody.cell_sd, nobody.pair_sd) == (0.0, 0.0)


def test_no_book_records_what_is_planted_more_exactly_than_other_trade(random_cells, make_question) -> None:
    cells, question, plan = drawn(0, random_cells, make_question, is_exact=False)
    errors = BookErrors.of(cells)
    assert errors.cell_sd > 0.01
    p = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(7))
    exact, *_ = drawn(0, random_cells, make_question)
    q = plant(exact, question, plan, books=Books.of(exact, NOISE), rng=np.random.default_rng(7))
    np.testing.assert_array_equal(p.usd, q.usd)  # the truth is the same, and what the books show is not
    assert not np.allclose(p.cells.after, q.cells.after, rtol=1e-4)


def test_areas_that_hide_goods_hide_what_is_planted(random_cells, make_question) -> None:
    """Where all goods are hidden and nobody mirrors them, detours are true, and no flow of them is there."""
    cells, question, plan = drawn(0, random_cells, make_question)
    cells = replace(cells, has_mirror=np.zeros((12, 12), dtype=bool))
    plan = replace(plan, hides=np.ones(12))
    p = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(0))
    own = p.kind != RELAY
    assert p.usd[own].sum() > 0
    assert set(p.kind[own]) == {UNOBSERVED}
    assert not question.is_treated[p.cells.exporter, p.cells.importer][question.listed[p.cells.product]].any()
    places = p.cells.find(p.origin[own], p.hub[own], p.product[own])
    was = cells.find(p.origin[own], p.hub[own], p.product[own])
    arrived = np.where(places >= 0, p.cells.after[places], 0.0)
    boomed = arrived > np.where(was >= 0, cells.after[was], 0.0) * (1 + 1e-9)
    assert boomed.mean() < 0.5  # only what areas buy for reasons of their own


def test_what_a_hub_hides_stands_under_no_kind(random_cells, make_question) -> None:
    cells, question, plan = drawn(0, random_cells, make_question)
    goods = np.zeros((12, 8), dtype=bool)
    goods[:, :6] = True
    cells = replace(cells, has_mirror=np.zeros((12, 12), dtype=bool))
    hidden = replace(cells, hidden=Hidden(goods, np.arange(8) == 7))
    p = plant(hidden, question, plan, books=Books.of(hidden, NOISE), rng=np.random.default_rng(0))
    at = cells.find(p.cells.exporter, p.cells.importer, p.cells.product)
    grown = p.cells.after - np.where(at >= 0, cells.after[at], 0.0)
    of_no_kind = (p.cells.product == 7) & np.isin(p.cells.importer, [2, 11])
    planted = p.usd[(p.kind == UNOBSERVED) & question.is_observed[p.hub, p.destination]].sum()
    assert planted > 0
    assert grown[of_no_kind].sum() > 0.4 * planted  # a hub declares two fifths at least
    q = plant(cells, question, plan, books=Books.of(cells, NOISE), rng=np.random.default_rng(0))
    pairs = question.hubs[:, None] & question.destinations
    by_code = [one.cells.after[one.cells.under(pairs, question.listed)].sum() for one in (p, q)]
    assert by_code[1] - by_code[0] > 0.4 * planted
