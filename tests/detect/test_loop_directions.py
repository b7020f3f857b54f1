"""A product speaks for its pair in one direction alone, and no pair vouches for products that say nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from entrepot.detect.loops.candidates import Candidates
from entrepot.detect.loops.measure import Measured
from entrepot.detect.loops.odds import log_odds
from entrepot.detect.loops.search import one_way_odds, own_q_values, twins

FORTH, BACK = 0, 1


def both_ways(products: int) -> Candidates:
    """Return products that area 0 sells to area 1 and buys from it, read either way."""
    product = np.tile(np.arange(products), 2)
    maker = np.repeat([0, 1], products)
    out = np.arange(2 * products)
    return Candidates(
        maker=maker, via=1 - maker, product=product, out=out, back=np.roll(out, products),
        source=1 - maker, target=maker,
    )  # fmt: skip


def test_twins_are_the_same_flows_the_other_way_round() -> None:
    candidates = both_ways(3)
    assert twins(candidates).tolist() == [3, 4, 5, 0, 1, 2]
    assert twins(candidates.only(np.array([0, 1, 3]))).tolist() == [2, -1, 0]
    assert twins(candidates.only(np.zeros(0, dtype=np.int64))).size == 0


def test_placebos_and_flows_that_never_were_have_no_twin() -> None:
    candidates = both_ways(2)
    elsewhere = Candidates(
        candidates.maker, candidates.via, candidates.product, candidates.out, candidates.back,
        source=np.full(4, 2), target=candidates.target,
    )  # fmt: skip
    assert twins(elsewhere).tolist() == [-1] * 4
    assert twins(candidates.only(np.array([0])).joined(candidates.only(np.array([1])))).tolist() == [-1, -1]


def test_a_pair_does_not_vouch_for_itself_read_backwards() -> None:
    """Seven products go forth; one of them alone fits better backwards, by itself not nearly enough."""
    forth = np.array([8.0, 8.0, 8.0, 7.0, 6.0, 8.0, -5.0])
    back = np.array([5.0, 4.0, 4.5, 5.0, 5.5, 3.0, 3.4])
    factor, group = np.concatenate([forth, back]), np.repeat([FORTH, BACK], 7)
    candidates = both_ways(7)
    assert log_odds(factor, group, 2)[13] > 0  # what is read backwards seven times stands
    found = one_way_odds(factor, group, 2, twins(candidates))
    assert found[13] < -4
    assert (found[:6] > 0).all()
    assert (found[:6] > found[7:13]).all()
    assert (found[7:13] < 0).all()


def test_without_twins_the_odds_are_those_of_the_pair() -> None:
    factor, group = np.array([3.0, 1.0, -2.0]), np.zeros(3, dtype=np.int64)
    found = one_way_odds(factor, group, 1, np.full(3, -1))
    assert found == pytest.approx(log_odds(factor, group, 1))


def test_own_evidence_is_set_against_idle_products_of_planted_pairs() -> None:
    innocent = np.array([2.0, 1.0, *[-np.inf] * 198])
    strength = np.array([8.0, 1.5, 7.0, 0.5])
    found = own_q_values(strength, innocent, 100)
    # half as many products as there are idle ones, by rank
    assert found == pytest.approx([0.0, 0.5 / 3.0, 0.0, 2 * 0.5 / 4.0])
    assert own_q_values(strength, innocent, 10_000)[[1, 3]].tolist() == [1.0, 1.0]
    assert own_q_values(strength, np.zeros(0), 100).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("usd", "log_sd", "by_shipment", "is_told"),
    [(1.0, 0.3, False, True), (1.0, 0.6, False, False), (1.0, 0.6, True, True), (0.0, 0.3, True, False)],
)
def test_an_amount_is_twice_its_error_or_that_of_shipments(usd, log_sd, by_shipment, is_told) -> None:
    measured = SimpleNamespace(
        amounts=SimpleNamespace(usd=np.array([usd]), log_sd=np.array([log_sd])),
        by_shipment=np.array([by_shipment]),
    )
    assert Measured.is_told.fget(measured).tolist() == [is_told]
