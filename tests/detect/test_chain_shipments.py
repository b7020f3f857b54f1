"""Chains of lumpy trade: the quick look against a slow twin, candidates against brute force."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.kernels.passing import Passing, Shipments, passed_on
from entrepot.detect.loops.chain_shipments import FlowMonths, beside, find_shipped, load_months
from entrepot.detect.loops.chains import Chains
from entrepot.detect.loops.echo import Sizes, is_lumpy
from entrepot.detect.loops.windows import Trade, WindowSums, month_number
from entrepot.detect.periods import WindowPair, period_text
from entrepot.engine import Engine

AREAS, MONTHS, SINCE, LONGEST = 5, 24, 10, 2
EVERYBODY = np.ones(AREAS, dtype=bool)
AMOUNTS = st.sampled_from([0.0, 0.0, 1.0, 2.5, 40.0, math.nan])


def slow_passed_on(
    came: list[float], went: list[float], log_other: list[float], busy: float, spread: float, longest: int
) -> float:
    """Say the formula as the kernel's docstring does, of the months looked at alone."""
    best = -math.inf
    for lag in range(longest + 1):
        for share in (0.6, 0.95):
            total = 0.0
            for month, left in enumerate(came[: len(came) - lag]):
                on = went[month + lag]
                if math.isnan(left) or math.isnan(on) or left == 0.0:
                    continue
                if on == 0.0:
                    total += math.log(1.0 - share)
                    continue
                distance = math.log(on) - math.log(left)
                whole = math.exp(-0.5 * (distance / spread) ** 2) / (spread * math.sqrt(2.0 * math.pi))
                part = math.exp(distance / 0.7) / 0.7 if distance < 0.0 else 0.0
                ratio = (0.7 * whole + 0.3 * part) / math.exp(log_other[month + lag])
                total += math.log(1.0 + share * (1.0 - busy) / busy * ratio)
            best = max(best, total)
    return best


@settings(max_examples=80, deadline=None)
@given(flows=st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=4, max_size=12), busy=st.floats(0.05, 0.95))
def test_a_quick_look_equals_its_formula(flows, busy) -> None:
    came, went = (np.array([[flow[side] for flow in flows]]) for side in (0, 1))
    with np.errstate(divide="ignore"):
        log = np.log(np.concatenate([came, went])).astype(np.float32)
    other = np.linspace(-3.0, -1.0, 2 * came.size, dtype=np.float32).reshape(log.shape)
    shipments = Shipments(log, other, np.array([0.5, busy]), np.array([0.02, 0.03]))
    passing = Passing(np.array([0.6, 0.95]), 0.2, 0.3, 0.7, since=1, end=came.size, longest=LONGEST)
    found = passed_on(shipments, np.array([0]), np.array([1]), passing)
    slow = slow_passed_on(
        came[0, 1:].tolist(), went[0, 1:].tolist(), other[1, 1:].tolist(), busy,
        math.sqrt(0.2**2 + 0.05), min(LONGEST, came.size - 2),
    )  # fmt: skip
    assert found[0] == pytest.approx(slow, abs=1e-4)


def lumpy_world(seed: int) -> tuple[Trade, SimpleNamespace, FlowMonths, np.ndarray]:
    """Return few areas and goods with lumpy flows, of which a chain's legs repeat one another."""
    rng = np.random.default_rng(seed)
    cells = [c for c in product(range(AREAS), range(AREAS), range(2)) if c[0] != c[1]]
    exporter, importer, goods = (np.array(part, dtype=np.int64) for part in zip(*cells, strict=True))
    n = exporter.size
    usd = np.exp(rng.normal(8.0, 1.5, (n, MONTHS))) * (rng.random((n, MONTHS)) < 0.4)
    went = np.exp(rng.normal(8.0, 1.0, MONTHS)) * (rng.random(MONTHS) < 0.6) * (np.arange(MONTHS) >= SINCE)
    for cell, lag in zip(((0, 1, 0), (1, 2, 0), (2, 0, 0)), (0, 1, 3), strict=True):
        own = usd[cells.index(cell)]
        own[SINCE:] = 0.0
        own[SINCE + lag :] = went[SINCE : MONTHS - lag] * 1.05
    steady = cells.index((3, 4, 1))
    usd[steady] = 1000.0 * np.exp(rng.normal(0.0, 0.1, MONTHS))
    first = month_number("2020-01")
    months = tuple(range(first, first + MONTHS))
    nothing = np.zeros(n)
    trade = Trade(
        tuple("ABCDE"), ("x", "y"), exporter, importer, goods,
        (WindowPair(months[:SINCE], months[SINCE:], is_monthly=True),),
        (WindowSums(usd[:, :SINCE].sum(axis=1), usd[:, SINCE:].sum(axis=1), nothing, nothing),),
        (np.zeros((AREAS, 2)), np.zeros((AREAS, 2))),
        tuple(period_text(month, is_monthly=True) for month in months),
        np.ones((AREAS, AREAS, MONTHS), dtype=bool), SimpleNamespace(),
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        log = np.log(usd).astype(np.float32)
    row = np.concatenate([np.arange(n), [-1]])
    return trade, SimpleNamespace(usd=(nothing,)), FlowMonths(row, log, np.full(n, 0.01)), usd


def shipped_by_hand(trade: Trade, usd: np.ndarray, other: np.ndarray | None) -> dict[tuple[int, ...], float]:
    """Try all threes of areas and all goods, begun at each of their areas."""
    with np.errstate(divide="ignore"):
        density = Sizes.of(np.log(usd), (0, SINCE, MONTHS)).log_density(np.log(usd))
    lumpy = is_lumpy(usd)
    busy = ((usd[:, SINCE:] > 0).sum(axis=1) + 0.5) / (MONTHS - SINCE + 1.0)
    cells = zip(trade.exporter, trade.importer, trade.product, strict=True)
    at = {tuple(int(c) for c in cell): number for number, cell in enumerate(cells)}
    spread = math.sqrt(0.25**2 + 0.02)

    def heard(came: int, went: int) -> float:
        sides = (usd[came, SINCE:].tolist(), usd[went, SINCE:].tolist(), density[went, SINCE:].tolist())
        return slow_passed_on(*sides, busy[went], spread, LONGEST)

    found = {}
    for goods in range(2):
        for maker, via, second in permutations(range(AREAS), 3):
            source = second if other is None else int(other[maker, second])
            if other is not None and source in {second, maker, via}:
                continue
            legs = [at[maker, via, goods], at[via, second, goods], at[source, maker, goods]]
            if not (lumpy[legs].all() and (usd[legs, SINCE:].sum(axis=1) > 0).all()):
                continue
            for turn in range(1 if other is None else 3):
                own = legs[turn:] + legs[:turn]
                hops = heard(own[0], own[1]), heard(own[1], own[2])
                if min(hops) > 0.5 and sum(hops) > 3.0:
                    found[tuple(own)] = sum(hops)
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_placebo", [False, True])
def test_candidates_are_all_threes_whose_shipments_go_on(seed: int, *, is_placebo: bool) -> None:
    trade, expected, months, usd = lumpy_world(seed)
    other = np.random.default_rng(seed).integers(0, AREAS, (AREAS, AREAS)) if is_placebo else None
    chains, strength = find_shipped(
        trade, expected, 0, months, asked=EVERYBODY, longest_lag=LONGEST, other=other
    )
    found = dict(zip(zip(chains.out, chains.on, chains.back, strict=True), strength, strict=True))
    assert len(found) == strength.size
    by_hand = shipped_by_hand(trade, usd, other)
    assert found.keys() == by_hand.keys()
    assert [found[legs] for legs in by_hand] == pytest.approx(list(by_hand.values()), abs=1e-3)
    if not is_placebo:
        assert (0, 1, 2, 0) in set(
            zip(*(getattr(chains, n).tolist() for n in ("maker", "via", "second", "product")), strict=True)
        )


def test_steady_flows_and_areas_not_asked_about_are_no_candidates() -> None:
    trade, expected, months, _ = lumpy_world(1)
    steady = int(trade.find(np.array([3]), np.array([4]), np.array([1]))[0])
    asked = np.arange(AREAS) == 1
    everywhere, _ = find_shipped(trade, expected, 0, months, asked=EVERYBODY, longest_lag=LONGEST)
    some, _ = find_shipped(trade, expected, 0, months, asked=asked, longest_lag=LONGEST)
    has_one = (everywhere.maker == 1) | (everywhere.via == 1) | (everywhere.second == 1)
    assert 0 < some.maker.size == has_one.sum() < everywhere.maker.size
    assert not (np.stack([everywhere.out, everywhere.on, everywhere.back]) == steady).any()


def test_a_chain_found_twice_is_looked_at_once() -> None:
    def chains(*legs: tuple[int, int, int]) -> Chains:
        out, on, back = (np.array(part, dtype=np.int64) for part in zip(*legs, strict=True))
        nothing = np.zeros(out.size, dtype=np.int64)
        return Chains(*(nothing for _ in range(7)), out, on, back)

    every, strength = beside(
        chains((0, 1, 2), (3, 4, 5)), (chains((3, 4, 5), (1, 2, 0)), np.array([6.0, 5.0]))
    )
    legs = list(zip(every.out.tolist(), every.on.tolist(), every.back.tolist(), strict=True))
    assert dict(zip(legs, strength.tolist(), strict=True)) == {(0, 1, 2): 0.0, (3, 4, 5): 6.0, (1, 2, 0): 5.0}
    assert len(legs) == 3


def test_months_of_all_flows_are_those_of_the_table() -> None:
    trade, _, _, _ = lumpy_world(2)
    observed = trade.observed.copy()
    observed[0, 1, 3] = False
    sums = (WindowSums(*(np.where(np.arange(trade.exporter.size) == 4, 0.0, 1.0),) * 4),)
    trade = replace(trade, observed=observed, sums=sums)
    rows = [
        ("A", "B", "x", "2020-03", 10.0),
        ("A", "B", "x", "2020-05", 3.0),
        ("C", "A", "y", "2021-12", 7.0),
    ]
    table = pa.table(
        dict(
            zip(
                ("exporter", "importer", "hs_code", "period", "value_usd"),
                zip(*rows, strict=True),
                strict=True,
            )
        )
    )
    with Engine(memory_limit="500MB") as engine:
        months = load_months(engine, engine.arrow_frame(table), trade, np.full((AREAS, AREAS), 0.04))
    assert months.row[4] == months.row[-1] == -1
    assert len(months.log) == trade.exporter.size - 1
    usd = np.exp(months.log)
    first = usd[months.row[trade.find(np.array([0]), np.array([1]), np.array([0]))[0]]]
    assert first[[2, 4]].tolist() == pytest.approx([10.0, 3.0])
    assert math.isnan(first[3])
    assert np.nansum(usd) == pytest.approx(20.0)
    assert months.variance.tolist() == [0.04] * (trade.exporter.size - 1)
