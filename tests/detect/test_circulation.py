"""Circulation: equal to brute force, unmoved by ordinary growth, raised by circles."""

from __future__ import annotations

from itertools import permutations

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.circulation.circulation import CirculationResult, circulation
from entrepot.detect.circulation.network import (
    Network,
    exchanged_importers,
    leading_cycles,
    max_circulation,
    placebo_network,
)
from entrepot.detect.circulation.options import CirculationOptions
from entrepot.errors import CoverageError, OptionError
from entrepot.schema import CIRCULATION, CYCLE, bad_rows, duplicated_rows

AREAS = ["AUT", "BEL", "CHE", "DNK", "ESP", "FRA", "GBR", "HUN", "IRL", "JPN", "KOR", "LUX"]


def network(flows: dict[tuple[int, int], float], size: int = 4) -> Network:
    ends = np.array(list(flows), dtype=np.int64).reshape(-1, 2)
    return Network(ends[:, 0], ends[:, 1], np.array(list(flows.values()), dtype=float), size)


def slow_maximum(flows: dict[tuple[int, int], int], size: int) -> int:
    """Cancel circles in the residual network until none adds to the sum: integral, so it ends."""
    taken = dict.fromkeys(flows, 0)
    rings = [
        ring for n in range(2, size + 1) for ring in permutations(range(size), n) if ring[0] == min(ring)
    ]
    while True:
        for ring in rings:
            steps = list(zip(ring, (*ring[1:], ring[0]), strict=True))
            # a step is a flow that has room, or one the other way round that gives back
            ways: list[list[tuple[tuple[int, int], int]]] = [[]]
            for i, j in steps:
                options = [((i, j), 1)] if flows.get((i, j), 0) > taken.get((i, j), 0) else []
                options += [((j, i), -1)] if taken.get((j, i), 0) > 0 else []
                ways = [[*way, option] for way in ways for option in options]
            better = [way for way in ways if sum(sign for _, sign in way) > 0]
            if better:
                for flow, sign in better[0]:
                    taken[flow] += sign
                break
        else:
            return sum(taken.values())


@settings(max_examples=60, deadline=None)
@given(
    flows=st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda ends: ends[0] != ends[1]),
        st.integers(1, 4),
        min_size=1,
    )
)
def test_the_maximum_equals_cancelling_circles(flows) -> None:
    made = network(flows)
    taken = max_circulation(made)
    assert taken.sum() == pytest.approx(slow_maximum(flows, 4), abs=1e-6)
    assert (taken <= made.usd + 1e-9).all()
    balance = np.bincount(made.exporter, taken, 4) - np.bincount(made.importer, taken, 4)
    np.testing.assert_allclose(balance, 0.0, atol=1e-6)


def test_cycles_add_up_and_the_largest_comes_first() -> None:
    made = network({(0, 1): 10.0, (1, 0): 7.0, (1, 2): 5.0, (2, 0): 4.0, (0, 3): 100.0})
    taken = max_circulation(made)
    assert taken.sum() == pytest.approx(2 * 6.0 + 3 * 4.0)
    cycles = leading_cycles(made, taken, 10)
    assert [(nodes, round(usd, 6)) for nodes, usd in cycles] == [((0, 1), 6.0), ((2, 0, 1), 4.0)]
    assert leading_cycles(made, taken, 1) == cycles[:1]
    assert leading_cycles(made, np.zeros(5), 10) == []


def test_placebos_keep_what_is_sent_and_never_lead_home() -> None:
    rng = np.random.default_rng(3)
    ends = rng.permutation([i * 30 + j for i in range(30) for j in range(30) if i != j])[:300]
    made = Network(ends // 30, ends % 30, np.exp(rng.normal(0.0, 2.0, 300)), 30)
    other = placebo_network(made, exchanged_importers(made, rng))
    assert (other.exporter != other.importer).all()
    assert 0.9 * made.usd.sum() < other.usd.sum() <= made.usd.sum() * (1.0 + 1e-12)
    assert len({*zip(other.exporter, other.importer, strict=True)}) == other.usd.size
    received = [np.bincount(one.importer, one.usd, 30) for one in (made, other)]
    assert np.corrcoef(*received)[0, 1] > 0.8
    assert not np.array_equal(other.importer, made.importer)


def made_trade(circles: dict[str, float], *, seed: int = 0, products: int = 30) -> pa.Table:
    """Trade of six years; from the fifth on, of the products named, a circle of three areas."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(products):
        code = f"0101{number:02d}"
        level = np.exp(rng.normal(0.0, 1.5, (12, 12))) * (rng.random((12, 12)) < 0.4)
        np.fill_diagonal(level, 0.0)
        for year in range(2016, 2022):
            usd = level * np.exp(rng.normal(0.0, 0.2, (12, 12))) * 1.1 ** (year - 2016)
            if year >= 2020 and code in circles:
                for i, j in ((0, 1), (1, 2), (2, 0)):
                    usd[i, j] += circles[code] * level.sum()
            for i, j in zip(*np.nonzero(usd), strict=True):
                rows.append((AREAS[i], AREAS[j], code, str(year), usd[i, j] * 1e6))
    names = ("exporter", "importer", "hs_code", "period", "value_usd")
    return pa.table({name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)})


def solve(flows: pa.Table, **asked: object) -> CirculationResult:
    return circulation(nw.from_native(flows).lazy(), CirculationOptions(**{"since": "2020", **asked}))


@pytest.fixture(scope="module")
def found() -> CirculationResult:
    return solve(made_trade({"010103": 0.3, "010111": 0.2}))


def test_products_with_new_circles_come_first(found) -> None:
    assert found.before == ("2016", "2017", "2018", "2019")
    unusual = [row for row in found.table.to_pylist() if row["q_value"] < 0.1]
    assert {row["hs_code"] for row in unusual} == {"010103", "010111"}
    assert all(0.0 < row["low_share"] < row["excess_share"] < row["high_share"] < 1.0 for row in unusual)
    assert found.table["hs_code"][0].as_py() in {"010103", "010111"}


def test_the_cycle_that_carries_it_is_named_first(found) -> None:
    first = found.cycles.to_pylist()[0]
    assert first["cycle"] == "AUT → BEL → CHE → AUT"
    assert first["hs_code"] in {"010103", "010111"}
    assert first["cycle_excess_usd"] == pytest.approx(first["cycle_usd"] - first["cycle_before_usd"])
    named = found.cycles.group_by(["hs_code", "period"]).aggregate([([], "count_all")])
    assert max(named["count_all"].to_pylist()) <= 3


def test_the_tables_keep_their_contracts(found) -> None:
    for table, contract in ((found.table, CIRCULATION), (found.cycles, CYCLE)):
        assert table.schema.equals(contract.arrow_schema())
        assert bad_rows(table, contract).num_rows == 0
        assert duplicated_rows(table, contract).num_rows == 0


def test_growth_without_circles_is_not_unusual() -> None:
    """Nine of ten quiet worlds show nothing, of seeds that were not looked at before."""
    quiet = [solve(made_trade({}, seed=seed)).table["q_value"].to_numpy() for seed in range(31, 41)]
    assert sum((q < 0.1).any() for q in quiet) <= 1


def test_options_change_the_answer(found) -> None:
    flows = made_trade({"010103": 0.3, "010111": 0.2})
    assert set(solve(flows, products=("010103",)).table["hs_code"].to_pylist()) == {"010103"}
    assert set(solve(flows, since="2021").table["period"].to_pylist()) == {"2021"}
    assert solve(flows, cycles=0).cycles.num_rows == 0
    assert solve(flows, seed=7).table["placebo_share"] != found.table["placebo_share"]
    assert solve(flows).table.equals(found.table)


def test_questions_without_an_answer_are_refused() -> None:
    with pytest.raises(CoverageError, match="1 periods of data are before 2017"):
        solve(made_trade({}, products=2), since="2017")
    with pytest.raises(OptionError):
        CirculationOptions(since="2020", placebos=0)
