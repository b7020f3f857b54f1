"""Goods that the measures took: told by all treated flows of a good together."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect import fallen_goods
from entrepot.detect.fallen_goods import taken_chance

ORIGINS, GOODS = 9, 120


def draw(
    rng: np.random.Generator, *, goods: int = GOODS, taken: float = 0.3, of_good: float = 1.0, sd: float = 0.4
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return log changes, noise, goods, and which flows the measures took: some of the goods' flows."""
    good = np.repeat(np.arange(goods), ORIGINS)
    noise = sd * np.exp(rng.normal(0.0, 0.3, good.size))
    is_taken = (rng.random(goods) < taken)[good] & (rng.random(good.size) < of_good)
    change = rng.standard_t(4.0, good.size) * noise
    change[is_taken] += np.log(rng.uniform(0.1, 0.5, int(is_taken.sum())))
    return change, noise, good, is_taken


def test_a_fall_alone_is_no_measure_where_goods_fall_together() -> None:
    change, noise, good, taken = draw(np.random.default_rng(1))
    alone = np.flatnonzero(~taken)[0]
    change[alone] = -2.0
    chance = taken_chance(change, noise, good)
    assert ((chance > 0.5) == taken).mean() > 0.98
    assert chance[alone] < 0.5


def test_falls_that_hit_single_flows_stay() -> None:
    change, noise, good, taken = draw(np.random.default_rng(2), taken=1.0, of_good=0.1, sd=0.2)
    chance = taken_chance(change, noise, good)
    assert chance[taken].mean() > 0.8
    assert chance[~taken].mean() < 0.05


def test_chances_are_what_they_say() -> None:
    rng = np.random.default_rng(3)
    found = [(taken_chance(*one[:3]), one[3]) for one in (draw(rng, sd=0.9) for _ in range(20))]
    chance, taken = (np.concatenate(parts) for parts in zip(*found, strict=True))
    for low, high in ((0.05, 0.35), (0.35, 0.65), (0.65, 0.95)):
        some = (chance > low) & (chance < high)
        assert some.sum() > 50
        assert taken[some].mean() == pytest.approx(chance[some].mean(), abs=0.15)


def test_where_nothing_happened_hardly_a_flow_was_taken() -> None:
    chance = taken_chance(*draw(np.random.default_rng(4), taken=0.0)[:3])
    assert (chance > 0.5).mean() < 0.01


@pytest.mark.parametrize(
    ("fall", "sd"), [(-0.4, 0.1), (-0.4, 0.2), (-1.0, 0.4), (-1.0, 0.9), (-3.0, 0.4), (-3.0, 0.9)]
)
def test_measures_may_name_all_goods(fall: float, sd: float) -> None:
    change, noise, good, _ = draw(np.random.default_rng(8), taken=0.0, sd=sd)
    assert (taken_chance(change + fall, noise, good) > 0.5)[change <= 0.0].mean() > 0.9


def test_the_deeper_the_fall_the_likelier() -> None:
    change, noise, good, _ = draw(np.random.default_rng(5))
    noise[:] = 0.4
    first = np.flatnonzero(good == 0)[0]
    chances = []
    for fall in (3.0, 0.0, -0.5, -1.0, -2.0, -6.0):
        change[first] = fall
        chances.append(taken_chance(change, noise, good)[first])
    assert np.all(np.diff(chances) > -0.02)
    assert chances[-1] > chances[0]


def test_few_flows_tell_nothing() -> None:
    change, noise, good, _ = draw(np.random.default_rng(6))
    assert (taken_chance(change[:99], noise[:99], good[:99]) == 1.0).all()
    assert (taken_chance(change, noise, good % 29) == 1.0).all()


def test_a_large_question_is_learnt_from_a_part_of_its_goods(monkeypatch: pytest.MonkeyPatch) -> None:
    change, noise, good, taken = draw(np.random.default_rng(7), goods=400)
    whole = taken_chance(change, noise, good)
    monkeypatch.setattr(fallen_goods, "_MOST_LEARNT", 1000)
    part = taken_chance(change, noise, good)
    assert ((part > 0.5) == (whole > 0.5)).mean() > 0.995
    assert ((part > 0.5) == taken).mean() > 0.98
