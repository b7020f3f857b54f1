"""Chains through two vias: candidates against brute force, the odds against a slow twin, rotations, lags."""

from __future__ import annotations

import math
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest

from entrepot.detect.loops.amounts import LegTotals, conserve
from entrepot.detect.loops.candidates import decoys_of
from entrepot.detect.loops.chain_search import _in_a_row, _months_over, best_rotation
from entrepot.detect.loops.chain_trips import _q_of
from entrepot.detect.loops.chains import find_chains, flowing_on
from entrepot.detect.loops.expected import ExpectedTrade
from entrepot.detect.loops.odds import Leg, log_chain_factors
from entrepot.detect.loops.timing import Timing
from entrepot.detect.loops.windows import Trade, WindowSums
from entrepot.detect.noise import Noise

AREAS, PRODUCTS, FLOOR = 6, 3, 1.0


def random_trade(seed: int) -> tuple[Trade, ExpectedTrade]:
    rng = np.random.default_rng(seed)
    cells = [c for c in product(range(AREAS), range(AREAS), range(PRODUCTS)) if c[0] != c[1]]
    cells = [cell for cell in cells if rng.random() < 0.8]
    exporter, importer, goods = (np.array(part, dtype=np.int64) for part in zip(*cells, strict=True))
    n = exporter.size
    expected, after = rng.uniform(1.0, 10.0, n), rng.uniform(0.0, 30.0, n)
    after[rng.random(n) < 0.2] = 0.0
    nothing = np.zeros(n)
    trade = Trade(
        tuple("ABCDEF"), tuple("xyz"), exporter, importer, goods, (),
        (WindowSums(expected, after, nothing, nothing),),
        (np.zeros((AREAS, PRODUCTS)), np.zeros((AREAS, PRODUCTS))),
        (), np.ones((AREAS, AREAS, 1), dtype=bool), SimpleNamespace(),
    )  # fmt: skip
    noise = Noise(np.array([0.0]), np.array([0.5]), FLOOR)
    return trade, ExpectedTrade((expected,), (expected,), (np.full(n, 0.5),), noise, tail=5.0, stretch=(1.0,))


def chains_by_hand(trade: Trade, expected: ExpectedTrade, other: np.ndarray | None) -> set[tuple[int, ...]]:
    """Try all threes of areas and all goods."""
    excess = {}
    for at, cell in enumerate(zip(trade.exporter, trade.importer, trade.product, strict=True)):
        beyond = trade.sums[0].after[at] - expected.usd[0][at]
        if beyond > 0.5 * 0.5 * (expected.usd[0][at] + FLOOR):
            excess[tuple(int(c) for c in cell)] = beyond
    found = set()
    for goods in range(PRODUCTS):
        for maker, via, second in permutations(range(AREAS), 3):
            source = second if other is None else int(other[maker, second])
            if other is not None and source in {second, maker, via}:
                continue
            legs = [(maker, via, goods), (via, second, goods), (source, maker, goods)]
            sizes = [excess.get(leg) for leg in legs]
            if None not in sizes and max(sizes) < 4.0 * min(sizes):
                found.add((maker, via, second, source, goods))
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("is_placebo", [False, True])
def test_chains_are_all_threes_whose_legs_exceed_alike(seed: int, *, is_placebo: bool) -> None:
    trade, expected = random_trade(seed)
    other = np.random.default_rng(seed).integers(0, AREAS, (AREAS, AREAS)) if is_placebo else None
    found = find_chains(trade, expected, 0, asked=np.ones(AREAS, dtype=bool), other=other)
    rows = list(
        zip(
            *(getattr(found, n).tolist() for n in ("maker", "via", "second", "source", "product")),
            strict=True,
        )
    )
    assert len(rows) == len(set(rows))
    assert set(rows) == chains_by_hand(trade, expected, other)
    assert len(rows) > 0
    for leg, ends in (("out", ("maker", "via")), ("on", ("via", "second")), ("back", ("source", "maker"))):
        cell = getattr(found, leg)
        assert (trade.exporter[cell] == getattr(found, ends[0])).all()
        assert (trade.importer[cell] == getattr(found, ends[1])).all()
        assert (trade.product[cell] == found.product).all()


def test_only_chains_of_the_areas_asked_about_are_candidates() -> None:
    trade, expected = random_trade(1)
    everywhere = find_chains(trade, expected, 0, asked=np.ones(AREAS, dtype=bool))
    asked = np.arange(AREAS) == 2
    some = find_chains(trade, expected, 0, asked=asked)
    has_two = (everywhere.maker == 2) | (everywhere.via == 2) | (everywhere.second == 2)
    assert 0 < some.maker.size == has_two.sum() < everywhere.maker.size


def test_other_products_of_a_chain_are_all_that_flow_on_its_three_legs() -> None:
    trade, expected = random_trade(3)
    every = find_chains(trade, expected, 0, asked=np.ones(AREAS, dtype=bool))
    found = every.only(every.product == 0)
    others = flowing_on(trade, 0, found)
    names = ("maker", "via", "second", "product")
    rows = list(zip(*(getattr(others, name).tolist() for name in names), strict=True))
    known = set(zip(*(getattr(found, name).tolist() for name in names), strict=True))
    flows = {
        (int(a), int(b), int(k))
        for a, b, k, usd in zip(
            trade.exporter, trade.importer, trade.product, trade.sums[0].after, strict=True
        )
        if usd > 0
    }
    by_hand = {
        (m, v, s, k)
        for m, v, s in {key[:3] for key in known}
        for k in range(PRODUCTS)
        if {(m, v, k), (v, s, k), (s, m, k)} <= flows and (m, v, s, k) not in known
    }
    assert len(rows) == len(set(rows)) > 0
    assert set(rows) == by_hand
    assert (trade.exporter[others.on] == others.via).all()
    judged = others.only(np.array([1, 0])).joined(found)
    q = np.arange(judged.maker.size) / 100.0
    assert _q_of(trade, others, judged, q).tolist() == [0.01, 0.0, *[1.0] * (others.maker.size - 2)]
    assert _q_of(trade, others, judged.only(np.zeros(0, dtype=np.int64)), q[:0]).tolist() == [1.0] * len(rows)


def slow_chain_factors(
    legs: list[tuple[float, float, float, float]], tail: float, months: int
) -> list[float]:
    """Say the Bayes factors as the docstring does: legs (flow, expected, sd, floor), hops of 0 or 1 month."""

    def density(leg: tuple[float, ...], flow: float, goods: float = 0.0) -> float:
        _, expected, sd, floor = leg
        wide = floor + 0.1 * goods / sd
        change = math.log((max(flow, 0.0) + wide) / (expected + wide)) / sd
        return (1.0 + change**2 / tail) ** (-(tail + 1.0) / 2.0) * (expected + floor) / (expected + wide)

    parts = [(step + 0.5) / 24.0 for step in range(24)] + [0.99, 1.0]

    def together(some: list[tuple[float, ...]], shares: list[float]) -> float:
        most = min(leg[0] / share for leg, share in zip(some, shares, strict=True))
        return sum(
            math.prod(
                density(leg, leg[0] - f * p * most, f * p * most) for leg, f in zip(some, shares, strict=True)
            )
            for p in parts
        ) / len(parts)

    trips = [
        together(legs, [1.0, (months - a) / months, (months - a - b) / months])
        for a in (0, 1)
        for b in (0, 1)
    ]
    none = [density(leg, leg[0]) for leg in legs]
    grew = [sum(density(leg, leg[0] * (1.0 - p), leg[0] * p) for p in parts) / len(parts) for leg in legs]
    growth = []
    for which in product([False, True], repeat=3):
        likely = math.prod(g if w else n for w, g, n in zip(which, grew, none, strict=True))
        growth.append(likely * 0.05 ** max(sum(which) - 1, 0))
    stories = [max(growth)]
    for one, two, three in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        pair = sum(together([legs[one], legs[two]], [1.0, (months - a) / months]) for a in (0, 1)) / 2
        stories.append(pair * max(none[three], 0.05 * grew[three]))
    return [math.log(sum(trips) / 4 / story) for story in stories]


@pytest.mark.parametrize(
    "flows", [(200.0, 190.0, 180.0), (200.0, 190.0, 100.0), (100.0, 100.0, 100.0), (400.0, 180.0, 90.0)]
)
def test_odds_of_a_chain_equal_their_definition(flows: tuple[float, float, float]) -> None:
    sides = [(flow, 100.0, sd, 5.0) for flow, sd in zip(flows, (0.1, 0.2, 0.15), strict=True)]
    legs = [Leg(*(np.array([value]) for value in side)) for side in sides]
    found = log_chain_factors(legs, tail=5.0, months=12, longest_hop=1)[0]
    assert found.tolist() == pytest.approx(slow_chain_factors(sides, 5.0, 12), abs=1e-9)


def test_a_detour_with_a_way_back_of_its_own_is_no_chain() -> None:
    """Two legs that rise by one weight and a third that does not are likelier something else."""

    def factor(*flows: float) -> float:
        legs = [Leg(np.array([f]), np.array([100.0]), np.array([0.05]), np.array([1.0])) for f in flows]
        return float(log_chain_factors(legs, tail=5.0, months=12, longest_hop=2).min())

    assert factor(300.0, 290.0, 280.0) > 2.0
    assert factor(300.0, 290.0, 100.0) < 0.0
    assert factor(100.0, 100.0, 100.0) < 0.0


def test_months_count_only_beyond_what_the_other_story_explains() -> None:
    """Hops of 3 and 2, and a detour of 4: what a detour explains of its dates is no evidence of a chain."""
    over = _months_over(*(np.array([value]) for value in (3.0, 2.0, 4.0)))
    assert over.tolist() == [[5.0, 2.0, 3.0, 1.0]]


def test_two_legs_of_one_amount_need_not_agree_to_the_last_kilogram() -> None:
    """Goods are lost, weighed anew, sent unevenly: legs that hold little else may be a tenth apart."""

    def factor(*flows: float) -> float:
        legs = [Leg(np.array([f]), np.array([1.0]), np.array([0.1]), np.array([1.0])) for f in flows]
        return float(log_chain_factors(legs, tail=5.0, months=24, longest_hop=3)[0].min())

    assert factor(1000.0, 900.0, 870.0) > 3.0
    assert factor(1000.0, 400.0, 870.0) < 0.0


def test_of_three_rotations_the_likeliest_is_kept() -> None:
    flows = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 1, 3)]  # the last one is another circle
    out, on, back = (np.array(part, dtype=np.int64) for part in zip(*flows, strict=True))
    chains = SimpleNamespace(out=out, on=on, back=back)
    judged = SimpleNamespace(candidates=chains, log_odds=np.array([1.0, 3.0, 2.0, -5.0]))
    assert best_rotation(judged).tolist() == [False, True, False, True]


@pytest.mark.parametrize("is_placebo", [False, True])
def test_a_chain_begun_at_its_first_via_has_the_same_flows(*, is_placebo: bool) -> None:
    trade, expected = random_trade(2)
    other = np.random.default_rng(2).integers(0, AREAS, (AREAS, AREAS)) if is_placebo else None
    found = find_chains(trade, expected, 0, asked=np.ones(AREAS, dtype=bool), other=other)
    turned = found.rotated
    for chains in (found, turned, turned.rotated):
        legs = [(chains.begin, chains.via), (chains.passed, chains.second), (chains.source, chains.maker)]
        for cell, (exporter, importer) in zip((chains.out, chains.on, chains.back), legs, strict=True):
            assert (trade.exporter[cell] == exporter).all()
            assert (trade.importer[cell] == importer).all()
    assert (turned.maker == found.via).all()
    again = turned.rotated.rotated
    assert all((getattr(again, name) == getattr(found, name)).all() for name in found.__slots__)
    if not is_placebo:
        own = {tuple(row) for row in zip(found.maker, found.via, found.second, found.product, strict=True)}
        assert own == set(zip(turned.maker, turned.via, turned.second, turned.product, strict=True))


def test_lags_of_two_hops_add_up() -> None:
    def hop(share: list[float], lag: int) -> Timing:
        return Timing(np.array([lag]), np.array([share]), np.array([4]), np.array([1.5]), np.array([0.5]))

    both = _in_a_row(hop([0.0, 0.75, 0.25], 1), hop([0.5, 0.0, 0.5], 2), most=10)
    assert both.lag.tolist() == [3]
    assert both.lag_share[0].tolist() == [0.0, 0.375, 0.125, 0.375, 0.125]
    assert both.onset.tolist() == [4]
    assert both.log_factor.tolist() == [3.0]
    assert both.own_dates.tolist() == [1.0]


@pytest.mark.parametrize("seed", range(6))
def test_a_chain_is_no_placebo(seed: int) -> None:
    """Placebo pairs by hand: what came from the area drawn, but where the goods may have gone on to it."""
    trade, expected = random_trade(seed)
    everybody = np.ones(AREAS, dtype=bool)
    found = decoys_of(trade, expected, 0, makers=everybody, vias=everybody, rng=np.random.default_rng(seed))
    other = np.random.default_rng(seed).integers(0, AREAS, (AREAS, AREAS))
    flows = {
        (int(a), int(b), int(k)): (after, after - due, 0.5 * (due + FLOOR))
        for a, b, k, after, due in zip(
            trade.exporter, trade.importer, trade.product, trade.sums[0].after, expected.usd[0], strict=True
        )
    }
    by_hand, chains = set(), 0
    for (maker, via, goods), (after, excess, _) in flows.items():
        source = int(other[maker, via])
        back = flows.get((source, maker, goods))
        if source in {maker, via} or after <= 0 or back is None or back[0] <= 0:
            continue
        least = min(excess, back[1])
        on = flows.get((via, source, goods))
        if on and least > 0 and on[1] > on[2] and on[1] < 4.0 * least and least < 4.0 * on[1]:
            chains += 1
            continue
        by_hand.add((maker, via, source, goods))
    columns = (found.maker, found.via, found.source, found.product)
    assert set(zip(*(c.tolist() for c in columns), strict=True)) == by_hand
    assert chains > 0


def test_three_legs_measure_one_amount_better_than_two() -> None:
    def leg(kg: float, value: float) -> LegTotals:
        numbers = (kg, 0.0, kg * value, 0.0, 0.1, 20.0, 20.0, 10.0, np.nan, 0.0)
        return LegTotals(*(np.array([number]) for number in numbers))

    legs = [leg(100.0, 2.0), leg(100.0, 2.2), leg(100.0, 2.5)]
    three = conserve(legs, weighing_sd=0.01, markup_sd=0.4)
    two = conserve([legs[0], legs[2]], weighing_sd=0.01, markup_sd=0.4)
    assert three.kg[0] == pytest.approx(100.0, rel=0.01)
    assert three.markup[0] == pytest.approx(0.25, abs=0.01)
    assert three.log_sd[0] < two.log_sd[0]
