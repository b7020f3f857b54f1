"""Substitutability and proximity: twins that loop over every pair, closed forms, bounds."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
import pytest

from entrepot.errors import OptionError
from entrepot.measures import proximity, revealed_comparative_advantage, substitutability


def cells(table) -> dict[tuple[str, str, str, str], float]:
    sums = defaultdict(float)
    for row in table.to_pylist():
        sums[row["period"], row["exporter"], row["importer"], row["hs_code"]] += row["value_usd"]
    return sums


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("theta", [1.0, 0.05])
def test_substitutability_is_that_of_the_twin(seed, theta, flows, read) -> None:
    table = flows(seed, months=False, nulls=0.0)
    x = cells(table)
    found = read(substitutability(table, divertible=theta))
    pairs = {key[:3] for key in x}
    assert set(found) == pairs
    for t, s, j in pairs:
        whole = covered = own = sole = 0.0
        for (time, i, m, k), value in x.items():
            if (time, i, m) != (t, s, j):
                continue
            here = {(a, b): v for (when, a, b, good), v in x.items() if (when, good) == (t, k)}
            others = sum(v for (a, b), v in here.items() if a not in {s, j} and b != j)
            exports = sum(v for (a, _), v in here.items() if a == j)
            whole += value
            covered += min(value, theta * others)
            own += min(value, exports)
            sole += value if others == 0 else 0.0
        row = found[t, s, j]
        assert row["value_usd"] == pytest.approx(whole)
        assert row["covered_value_usd"] == pytest.approx(covered, abs=1e-9)
        assert row["own_covered_value_usd"] == pytest.approx(own, abs=1e-9)
        assert row["sole_value_usd"] == pytest.approx(sole, abs=1e-9)
        if whole:
            assert row["coverage"] == pytest.approx(covered / whole)
    imports = defaultdict(float)
    for (t, _, j), row in found.items():
        imports[t, j] += row["share"]
    assert all(total == pytest.approx(1.0) for total in imports.values()), "shares of an importer add up"


def test_a_supplier_that_nobody_replaces_and_one_that_all_do(read) -> None:
    rows = [
        ("CHN", "RUS", "A", 100.0),
        ("DEU", "USA", "A", 40.0),
        ("RUS", "KAZ", "A", 10.0),
        ("CHN", "RUS", "B", 50.0),
    ]
    names = ("exporter", "importer", "hs_code", "value_usd")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) | {"period": "2023"} for row in rows])
    row = read(substitutability(table))["2023", "CHN", "RUS"]
    assert row["covered_value_usd"] == 40.0, "what Germany sells to America; Russia's own exports are apart"
    assert row["own_covered_value_usd"] == 10.0
    assert row["sole_value_usd"] == 50.0
    assert read(substitutability(table, divertible=0.5))["2023", "CHN", "RUS"]["covered_value_usd"] == 20.0
    with pytest.raises(OptionError, match="no share"):
        substitutability(table, divertible=2.0)


def test_a_null_makes_its_period_unknown(flows, read) -> None:
    table = flows(1, months=False, nulls=0.0)
    hole = pa.Table.from_pylist([table.to_pylist()[0] | {"value_usd": None}], schema=table.schema)
    found = read(substitutability(pa.concat_tables([table, hole])))
    period = hole["period"][0].as_py()
    assert all((row["coverage"] is None) == (key[0] == period) for key, row in found.items())


@pytest.mark.parametrize("seed", range(3))
def test_proximity_is_that_of_the_twin_and_of_both_orders(seed, flows, read) -> None:
    table = flows(seed, months=False, nulls=0.0)
    has = defaultdict(set)
    for (t, a, k), row in read(revealed_comparative_advantage(table)).items():
        if row["rca"] is not None and row["rca"] >= 1:
            has[t, k].add(a)
    expected = {
        (t, k, other): len(areas & theirs) / max(len(areas), len(theirs))
        for (t, k), areas in has.items()
        for (when, other), theirs in has.items()
        if t == when and k != other and areas & theirs
    }
    found = read(proximity(table))
    assert {key: row["proximity"] for key, row in found.items()} == pytest.approx(expected)
    assert all(found[t, b, a]["proximity"] == row["proximity"] for (t, a, b), row in found.items())
    assert 0 < max(expected.values()) <= 1
