"""Planted detours: what is taken away comes back, and the truth says where."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect.noise import flat_noise
from entrepot.detect.spikes import SpikePlan, plant
from entrepot.detect.unseen import mirror_ratio

NOISE = flat_noise(1.0)
DECLARED, _, RELAY, UNOBSERVED = range(4)


def drawn(seed: int, random_cells, make_question, *, share: float = 0.5, n_hubs: int = 3):
    cells = random_cells(seed, n_areas=12, n_products=8)
    question = make_question(
        cells, origins=(0, 1, 5), destinations=(2, 11), listed=range(6), unobserved=[(3, 2), (4, 11)]
    )
    cells = cells.only(~np.isin(cells.pair, [3 * 12 + 2, 4 * 12 + 11]))
    weight = np.where(np.isin(np.arange(12), [3, 4, 6, 7, 8]), 1.0, 0.0)
    plan = SpikePlan(returned_share=share, hub_weight=weight, n_hubs=n_hubs)
    return cells, question, plan


def sums(n_cells: int, index: np.ndarray, usd: np.ndarray) -> np.ndarray:
    return np.bincount(index, weights=usd, minlength=n_cells)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_planted_is_conserved(seed, random_cells, make_question) -> None:
    """Over all cells of the cube: only treated flows fall, and what falls covers what is planted."""
    cells, question, plan = drawn(seed, random_cells, make_question)
    p = plant(cells, question, plan, noise=NOISE, rng=np.random.default_rng(seed))
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
    touches_hub = (plan.hub_weight[pair // n] > 0) | (plan.hub_weight[pair % n] > 0)
    assert np.abs(change[~touches_hub & ~is_direct]).max() <= slack


def test_the_share_that_comes_back_follows_the_plan(random_cells, make_question) -> None:
    returned = {}
    for share in (0.05, 0.5):
        ratios = []
        for seed in range(30):
            cells, question, plan = drawn(1, random_cells, make_question, share=share)
            planted = plant(cells, question, plan, noise=NOISE, rng=np.random.default_rng(seed))
            direct = question.is_treated[cells.exporter, cells.importer]
            own = planted.kind != RELAY
            ratios.append(planted.usd[own].sum() / cells.after[direct].sum())
        returned[share] = np.median(ratios)
    assert returned[0.05] < 0.3 * returned[0.5]


def test_equal_seeds_give_equal_plants_and_others_do_not(random_cells, make_question) -> None:
    cells, question, plan = drawn(0, random_cells, make_question)
    one, same, other = (
        plant(cells, question, plan, noise=NOISE, rng=np.random.default_rng(s)) for s in (7, 7, 8)
    )
    np.testing.assert_array_equal(one.usd, same.usd)
    np.testing.assert_array_equal(one.cells.after, same.cells.after)
    assert one.usd.shape != other.usd.shape or not np.allclose(one.usd, other.usd)


def test_as_many_hubs_as_planned(random_cells, make_question) -> None:
    for n_hubs in (1, 2, 4):
        cells, question, plan = drawn(2, random_cells, make_question, n_hubs=n_hubs)
        planted = plant(cells, question, plan, noise=NOISE, rng=np.random.default_rng(0))
        assert np.unique(planted.hub).size <= n_hubs
        assert np.unique(planted.hub).size >= min(n_hubs, 1)


def test_without_a_possible_hub_nothing_is_planted(random_cells, make_question) -> None:
    cells, question, _ = drawn(3, random_cells, make_question)
    plan = SpikePlan(returned_share=0.5, hub_weight=np.zeros(12), n_hubs=2)
    assert plant(cells, question, plan, noise=NOISE, rng=np.random.default_rng(0)).usd.size == 0


def test_the_hubs_book_shows_what_is_declared_and_no_more(random_cells, make_question) -> None:
    """Arrivals in the hub's book rise by the declared part, at the pair's own earlier ratio."""
    cells, question, plan = drawn(1, random_cells, make_question)
    ratio = mirror_ratio(cells, NOISE)
    n, k = 12, 8
    seen = 0
    for seed in range(10):
        p = plant(cells, question, plan, noise=NOISE, rng=np.random.default_rng(seed))
        book = sums(n * n * k, p.cells.key, p.cells.mirror_after)
        book -= sums(n * n * k, cells.key, cells.mirror_after)
        mine = p.kind == DECLARED
        leg = ((p.origin * n + p.hub) * k + p.product)[mine]
        rise = sums(n * n * k, leg, (np.nan_to_num(ratio)[p.origin, p.hub] * p.usd)[mine])
        assert (rise <= book + 1e-6 * book.max())[rise > 0].all()
        seen += int((rise > 0).sum())
        assert (book.reshape(n, n, k)[~cells.has_mirror] == 0).all()
    assert seen > 0
