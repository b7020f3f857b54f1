"""Shares, ranks, overtaking, concentration and dependence against plain Python twins and closed forms."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.measures import (
    dependence,
    herfindahl_hirschman,
    overtakings,
    ranks,
    shares,
    totals,
    without_inside,
)

amounts = st.lists(st.floats(0.01, 1e9), min_size=1, max_size=12)


def one_market(values) -> pl.DataFrame:
    rows = [{"period": "2023", "exporter": f"E{k:02d}", "value_usd": v} for k, v in enumerate(values)]
    return pl.DataFrame(rows, schema={"period": pl.String, "exporter": pl.String, "value_usd": pl.Float64})


def near(value):
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_shares_and_ranks_are_those_of_the_twin(seed, flows, read) -> None:
    table = flows(seed, months=False, nulls=0.02)
    cells = {key: row["value_usd"] for key, row in read(
        totals(table, by=["importer", "period", "exporter"])).items()}  # fmt: skip
    wholes = defaultdict(list)
    for (importer, period, _), value in cells.items():
        wholes[importer, period].append(value)
    assert any(None in parts for parts in wholes.values())
    assert any(None not in parts for parts in wholes.values())
    frame = pl.from_arrow(table)
    found = read(ranks(frame, of=["exporter"], within=["importer", "period"]))
    plain = read(shares(frame, of=["exporter"], within=["importer", "period"]))
    assert {k: near(r["share"]) for k, r in plain.items()} == {k: r["share"] for k, r in found.items()}
    for key, value in cells.items():
        parts = wholes[key[:2]]
        whole = None if None in parts else sum(parts)
        assert found[key]["whole_value_usd"] == near(whole)
        assert found[key]["share"] == near(None if whole is None else value / whole)
        place = None if value is None else 1 + sum(p is not None and p > value for p in parts)
        assert found[key]["rank"] == place


def test_equal_ones_share_a_rank_on_arrow_too(read) -> None:
    frame = one_market([5.0, 9.0, 9.0, 1.0])
    for kind in (frame, frame.to_arrow()):
        found = read(ranks(kind, of=["exporter"]))
        assert [found["2023", f"E0{k}"]["rank"] for k in range(4)] == [3, 1, 1, 4]


@given(amounts)
def test_shares_add_up_to_one_and_hhi_lies_between_its_ends(values) -> None:
    frame = one_market(values)
    assert sum(shares(frame, of=["exporter"])["share"]) == pytest.approx(1.0)
    found = herfindahl_hirschman(frame, within=["period"]).to_dicts()[0]
    assert 1 / len(values) - 1e-9 <= found["hhi"] <= 1 + 1e-9
    assert found["effective_number"] == pytest.approx(1 / found["hhi"])
    assert found["largest_share"] ** 2 <= found["hhi"] + 1e-9
    assert found["hhi"] <= found["largest_share"] + 1e-9
    assert found["hhi"] == pytest.approx(sum((v / sum(values)) ** 2 for v in values))


@given(st.integers(1, 9), st.floats(0.1, 1e6))
def test_equal_parts_are_as_many_as_they_are(count, value) -> None:
    found = herfindahl_hirschman(one_market([value] * count), within=["period"]).to_dicts()[0]
    assert found["effective_number"] == pytest.approx(count)
    assert found["parts"] == count


def test_what_is_not_reported_makes_no_share_and_zero_does(read) -> None:
    frame = one_market([3.0, 1.0]).vstack(one_market([None, None]).with_columns(period=pl.lit("2024")))
    frame = frame.vstack(one_market([4.0, 0.0]).with_columns(period=pl.lit("2025")))
    found = read(herfindahl_hirschman(frame, within=["period"]))
    assert found["2023",]["hhi"] == pytest.approx(0.625)
    assert found["2024",]["hhi"] is None
    assert found["2025",]["hhi"] == 1.0
    assert found["2025",]["parts"] == 1
    nothing = read(herfindahl_hirschman(one_market([0.0, 0.0]), within=["period"]))
    assert nothing["2023",]["hhi"] is None


def test_the_denominator_is_that_which_is_asked_for(read) -> None:
    """With trade among members the union has 60 of 100, without it 20 of 60."""
    rows = [("DEU", "FRA", 40.0), ("DEU", "CHN", 20.0), ("CHN", "DEU", 30.0), ("CHN", "USA", 10.0)]
    table = pa.table(
        {
            "period": ["2023"] * 4, "exporter": [r[0] for r in rows], "importer": [r[1] for r in rows],
            "value_usd": [r[2] for r in rows],
        }
    )  # fmt: skip
    assert read(shares(table, of=["exporter"]))["2023", "DEU"]["share"] == pytest.approx(0.6)
    outside = without_inside(table, ["DEU", "FRA"])
    assert read(shares(outside, of=["exporter"]))["2023", "DEU"]["share"] == pytest.approx(20 / 60)


def test_since_when_one_is_ahead_for_good(read) -> None:
    values = {
        "2019": (5.0, 9.0), "2020": (9.5, 9.0), "2021": (8.0, 9.0), "2022": (9.0, 9.0), "2023": (12.0, 9.0),
        "2024": (13.0, 8.0),
    }  # fmt: skip
    rows = [
        {"importer": "RUS", "period": period, "exporter": name, "value_usd": value}
        for period, pair in values.items()
        for name, value in zip(("CHN", "DEU"), pair, strict=True)
    ]
    table = pa.Table.from_pylist(rows)
    for frame in (table, pl.from_arrow(table)):
        found = read(overtakings(frame, within=["importer"]))
        assert set(found) == {("RUS", "CHN", "DEU", "2023")}, (
            "equal is not ahead, a lead that was lost is none"
        )
        row = found["RUS", "CHN", "DEU", "2023"]
        assert (row["ahead_periods"], row["value_usd"], row["overtaken_value_usd"]) == (2, 12.0, 9.0)
    unknown = [row | {"value_usd": None} if row["period"] == "2023" else row for row in rows]
    assert set(read(overtakings(pa.Table.from_pylist(unknown), within=["importer"]))) == {
        ("RUS", "CHN", "DEU", "2024")
    }


@pytest.mark.parametrize("seed", range(2))
def test_dependence_is_that_of_the_twin(seed, flows, read) -> None:
    table = flows(seed, months=False, nulls=0.01)
    flow = {
        key: row["value_usd"]
        for key, row in read(totals(table, by=["exporter", "importer", "period"])).items()
    }
    areas = {key[0] for key in flow} | {key[1] for key in flow}

    def add(values):
        found = list(values)
        return None if None in found else sum(found)

    def depends(a, b, t):
        trade = add([flow.get((a, b, t), 0.0), flow.get((b, a, t), 0.0)])
        whole = add(v for key, v in flow.items() if key[2] == t and a in key[:2])
        return None if None in (trade, whole) else trade / whole

    found = read(dependence(pl.from_arrow(table)))
    checked = 0
    for (period, a, b), row in found.items():
        assert {a, b} <= areas
        mine, theirs = depends(a, b, period), depends(b, a, period)
        assert row["dependence"] == near(mine)
        assert row["partner_dependence"] == near(theirs)
        if mine is not None and theirs is not None:
            checked += 1
            assert row["asymmetry"] == near(mine - theirs)
            assert row["salience"] == near(sqrt(mine * theirs))
        back = found[period, b, a]
        assert row["export_value_usd"] == near(back["import_value_usd"])
        if row["asymmetry"] is not None:
            assert row["asymmetry"] == pytest.approx(-back["asymmetry"])
    assert checked


def test_a_small_economy_depends_on_a_large_one(read) -> None:
    """Closed form: all of S's trade is with L, a tenth of L's is with S."""
    table = pa.table(
        {
            "period": ["2023"] * 3, "exporter": ["S", "L", "L"], "importer": ["L", "S", "X"],
            "value_usd": [4.0, 6.0, 90.0],
        }
    )  # fmt: skip
    row = read(dependence(table))["2023", "S", "L"]
    assert (row["dependence"], row["partner_dependence"]) == (1.0, pytest.approx(0.1))
    assert row["asymmetry"] == pytest.approx(0.9)
    assert (row["export_dependence"], row["import_dependence"]) == (1.0, 1.0)
