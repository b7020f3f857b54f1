"""Rough worlds, as lumpy as EU exports by HS6: the treated origins are found, and intervals are honest.

Only the destination and the listed goods are given. Measured on 2026-11-23, seeds 201 to 203: all eight
origins found and no other; absolute error of what the books show 0.15, 0.45, 0.48; hub error 0.13, 0.29,
0.36; all that the origins sent, total over truth: 0.96, 0.80, 0.79 in intervals of 0.95-1.26, 0.56-1.69,
0.61-2.17; rows in their interval 85, 81, 89%, of the larger half of the volume (about ten rows each) 100, 44,
91%.
"""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = (201, 202, 203)


@pytest.fixture(scope="module")
def answers(make_known: Callable, ask: Callable) -> dict:
    return {seed: ask(make_known("rough", seed), origins=()) for seed in SEEDS}


def test_no_origin_is_accused_wrongly(answers: dict) -> None:
    for answer in answers.values():
        assert answer.treated <= set(answer.known.origins)


def test_treated_origins_are_found(answers: dict) -> None:
    for answer in answers.values():
        assert len(answer.treated) >= len(answer.known.origins) - 1


def test_the_total_lies_in_its_interval(answers: dict) -> None:
    for answer in answers.values():
        head = answer.result.headline
        assert head.status == "identified"
        assert head.low_usd <= answer.whole.true_usd <= head.high_usd


def test_intervals_hold_most_true_rows(answers: dict) -> None:
    """Rows that were missed count: inside only where their upper limit holds the truth."""
    shares = {seed: answer.score.coverage for seed, answer in answers.items()}
    assert mean(shares.values()) >= 0.8, shares
    assert min(shares.values()) >= 0.7, shares


def test_most_of_the_amount_is_where_the_truth_is(answers: dict) -> None:
    for answer in answers.values():
        assert answer.score.overlap >= 0.6
        assert answer.score.hub_error <= 0.5


def test_the_hub_found_largest_is_a_large_one(answers: dict) -> None:
    """Two hubs may change places: one product of 202 carries a tenth of all that passed."""
    for answer in answers.values():
        true, found = answer.true_by_hub, answer.found_by_hub
        assert true[max(found, key=found.get)] >= 0.6 * max(true.values())
