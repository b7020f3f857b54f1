"""Advantage, similarity, complementarity, market shares, margins, composition: twins, sums, closed forms."""

from __future__ import annotations

from collections import defaultdict

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.measures import (
    complementarity,
    composition,
    export_similarity,
    margins,
    plausibility,
    revealed_comparative_advantage,
    supplanting,
    totals,
)
from entrepot.nomenclature import class_table

CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ABC"), st.sampled_from("KLM"), st.sampled_from(["2021", "2023"])),
    st.floats(0.5, 1e6),
    min_size=2,
    max_size=18,
)


def market(cells) -> pl.DataFrame:
    rows = [
        {"exporter": e, "importer": "RUS", "hs_code": k, "period": t, "value_usd": v}
        for (e, k, t), v in cells.items()
    ]
    names = ("exporter", "importer", "hs_code", "period")
    return pl.DataFrame(rows, schema={**dict.fromkeys(names, pl.String), "value_usd": pl.Float64})


def near(value):
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)


def by_cell(table, keys, read):
    return {key: row["value_usd"] for key, row in read(totals(table, by=keys)).items()}


@pytest.mark.parametrize("seed", range(2))
def test_advantage_is_that_of_the_twin(seed, flows, read) -> None:
    table = flows(seed, months=False, nulls=0.0)
    x = by_cell(table, ["period", "exporter", "hs_code"], read)
    found = read(revealed_comparative_advantage(table))
    assert set(found) == set(x)
    for (t, a, k), row in found.items():
        own = sum(v for (s, b, _), v in x.items() if (s, b) == (t, a))
        product = sum(v for (s, _, j), v in x.items() if (s, j) == (t, k))
        world = sum(v for (s, _, _), v in x.items() if s == t)
        rca = (x[t, a, k] / own) / (product / world)
        assert row["rca"] == near(rca)
        assert row["symmetric_rca"] == near((rca - 1) / (rca + 1))


def test_advantage_weighs_up_to_the_world(flows, read) -> None:
    """Property: the mean of the rca of a product, weighted by the areas' shares of world exports, is 1."""
    table = flows(5, months=False, nulls=0.0)
    x = by_cell(table, ["period", "exporter"], read)
    rows = read(revealed_comparative_advantage(table))
    for t in ("2020", "2021"):
        world = sum(v for key, v in x.items() if key[0] == t)
        for k in {key[2] for key in rows}:
            mean = sum(
                row["rca"] * x[t, key[1]] / world for key, row in rows.items() if key[0] == t and key[2] == k
            )
            assert mean == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(2))
def test_overlaps_are_those_of_the_twin(seed, flows, read) -> None:
    table = flows(seed, months=False, nulls=0.005).filter(
        pa.array([(k * 7 + seed) % 5 != 0 for k in range(flows(seed, months=False, nulls=0.005).num_rows)])
    )
    sold = by_cell(table, ["period", "exporter", "hs_code"], read)
    bought = by_cell(table, ["period", "importer", "hs_code"], read)
    goods = {key[2] for key in sold}

    def shares(cells, t, a):
        own = {k: cells[t, a, k] for k in goods if (t, a, k) in cells}
        return None if None in own.values() else {k: v / sum(own.values()) for k, v in own.items()}

    def overlap(one, two):
        if one is None or two is None:
            return None
        return 1 - sum(abs(one.get(k, 0.0) - two.get(k, 0.0)) for k in goods) / 2

    alike = read(export_similarity(pl.from_arrow(table)))
    fits = read(complementarity(pl.from_arrow(table)))
    areas = {key[1] for key in sold}
    assert set(alike) == {(t, a, b) for t in ("2020", "2021") for a in areas for b in areas if a != b}
    for (t, a, b), row in alike.items():
        assert row["similarity"] == near(overlap(shares(sold, t, a), shares(sold, t, b)))
    for (t, a, b), row in fits.items():
        assert row["complementarity"] == near(overlap(shares(sold, t, a), shares(bought, t, b)))
    assert any(row["similarity"] is not None for row in alike.values())


def test_nothing_in_common_is_zero_and_the_same_shares_are_one(read) -> None:
    frame = market({("A", "K", "2021"): 2.0, ("B", "L", "2021"): 5.0, ("C", "K", "2021"): 9.0})
    found = read(export_similarity(frame))
    assert found["2021", "A", "B"]["similarity"] == 0.0
    assert found["2021", "A", "C"]["similarity"] == 1.0
    assert ("2021", "A", "A") not in found


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_gains_and_losses_add_up(cells) -> None:
    frame = market(cells)
    found = supplanting(frame, before="2021", after="2023")
    total = sum(cells.values())
    goods_before = {k for (_, k, t) in cells if t == "2021"}
    for row in found.to_dicts():
        parts = sum(row[f"{name}_value_usd"] for name in ("market", "mix", "competitive", "new"))
        assert parts == pytest.approx(row["change_value_usd"], abs=1e-9 * total + 1e-9)
        own = {
            t: sum(v for (e, _, s), v in cells.items() if (e, s) == (row["exporter"], t))
            for t in ("2021", "2023")
        }
        assert row["before_value_usd"] == near(own["2021"])
        assert row["after_value_usd"] == near(own["2023"])
        new = sum(
            v for (e, k, t), v in cells.items()
            if e == row["exporter"] and t == "2023" and k not in goods_before
        )  # fmt: skip
        assert row["new_value_usd"] == near(new)
    assert found["competitive_value_usd"].sum() == pytest.approx(0.0, abs=1e-8 * total)
    assert found["mix_value_usd"].sum() == pytest.approx(0.0, abs=1e-8 * total)


def test_one_supplier_takes_the_place_of_another(read) -> None:
    """Closed form: the market stays as large, China takes 30 of Germany's 40."""
    frame = market(
        {
            ("A", "K", "2021"): 60.0,
            ("B", "K", "2021"): 40.0,
            ("A", "K", "2023"): 90.0,
            ("B", "K", "2023"): 10.0,
        }
    )
    found = read(supplanting(frame, before="2021", after="2023"))
    assert found["RUS", "A"]["competitive_value_usd"] == pytest.approx(30.0)
    assert found["RUS", "B"]["competitive_value_usd"] == pytest.approx(-30.0)
    assert found["RUS", "A"]["market_value_usd"] == 0.0
    assert (found["RUS", "A"]["before_share"], found["RUS", "A"]["after_share"]) == (0.6, 0.9)


def test_a_market_of_which_something_is_not_reported_is_null(read) -> None:
    frame = market({("A", "K", "2021"): 6.0, ("A", "K", "2023"): 9.0, ("B", "K", "2023"): 1.0})
    frame = frame.with_columns(
        value_usd=pl.when(pl.col("exporter") == "B").then(None).otherwise(pl.col("value_usd"))
    )
    found = read(supplanting(frame, before="2021", after="2023"))
    assert found["RUS", "A"]["change_value_usd"] is None
    other = frame.with_columns(importer=pl.lit("KAZ"), value_usd=pl.col("value_usd").fill_null(0.0))
    both = read(supplanting(pl.concat([frame, other]), before="2021", after="2023"))
    assert both["KAZ", "A"]["change_value_usd"] == 3.0
    assert both["RUS", "A"]["change_value_usd"] is None
    assert read(margins(frame, before="2021", after="2023"))["B", "RUS"]["change_value_usd"] is None


@settings(max_examples=60, deadline=None)
@given(CELLS)
def test_margins_add_up_and_count(cells) -> None:
    found = margins(market(cells), before="2021", after="2023")
    for row in found.to_dicts():
        was = {k: v for (e, k, t), v in cells.items() if e == row["exporter"] and t == "2021"}
        now = {k: v for (e, k, t), v in cells.items() if e == row["exporter"] and t == "2023"}
        assert row["intensive_value_usd"] == near(sum(now[k] - was[k] for k in was.keys() & now.keys()))
        assert row["entry_value_usd"] == near(sum(now[k] for k in now.keys() - was.keys()))
        assert row["exit_value_usd"] == near(-sum(was[k] for k in was.keys() - now.keys()))
        assert (row["kept"], row["entered"], row["left"]) == (
            len(was.keys() & now.keys()), len(now.keys() - was.keys()), len(was.keys() - now.keys())
        )  # fmt: skip
        parts = sum(row[f"{name}_value_usd"] for name in ("intensive", "entry", "exit"))
        assert parts == pytest.approx(row["change_value_usd"], abs=1e-9 * sum(cells.values()))


def test_what_is_new_depends_on_the_unit(read) -> None:
    frame = market({("A", "K", "2021"): 1.0, ("A", "K", "2023"): 2.0})
    frame = pl.concat([frame.filter(pl.col("period") == "2021"), frame.with_columns(importer=pl.lit("KAZ"))])
    by_product = read(margins(frame, before="2021", after="2023", by=["exporter"]))["A",]
    by_market = read(
        margins(frame, before="2021", after="2023", by=["exporter"], unit=["importer", "hs_code"])
    )["A",]
    assert (by_product["left"], by_market["left"]) == (0, 1)
    assert by_product["change_value_usd"] == by_market["change_value_usd"] == 0.0


@pytest.mark.parametrize("scheme", ["BEC4", "SITC4", "ICT", "RAUCH"])
def test_categories_add_up_to_the_whole(scheme, flows, read) -> None:
    table = flows(3, months=False, nulls=0.0)
    found = read(composition(table, class_table(scheme), by=["period"]))
    whole = by_cell(table, ["period"], read)
    sums = defaultdict(float)
    for (period, _), row in found.items():
        sums[period] += row["value_usd"]
        assert row["share"] == near(row["value_usd"] / whole[period,])
    assert dict(sums) == {key[0]: near(value) for key, value in whole.items()}
    assert (("2020", "other") in found) == (scheme == "ICT"), "the others name every code drawn"


def test_a_code_of_two_categories_is_divided(read) -> None:
    table = pa.table({"period": ["2023"] * 2, "hs_code": ["870323", "854231"], "value_usd": [10.0, 4.0]})
    classes = pa.table({"hs_code": ["870323", "870323"], "category": ["51", "6"], "weight": [0.75, 0.15]})
    found = read(composition(table, classes))
    assert {key[1]: row["value_usd"] for key, row in found.items()} == {
        "51": near(7.5), "6": near(1.5), "other": near(5.0)
    }  # fmt: skip


def test_an_import_beside_gdp_and_past(read) -> None:
    years = ["2019", "2020", "2021", "2022", "2023"]
    table = pa.table({"importer": ["KGZ"] * 5, "period": years, "value_usd": [1.0, 2.0, 3.0, 4.0, 12.0]})
    gdp = pa.table({"area": ["KGZ"], "year": pa.array([2023], pa.int32()), "gdp_usd": [48.0]})
    found = read(plausibility(table, gdp))
    assert found["KGZ", "2023"]["gdp_share"] == 0.25
    assert found["KGZ", "2023"]["past_ratio"] == pytest.approx(4.0)
    assert found["KGZ", "2022"]["gdp_share"] is None
    assert found["KGZ", "2021"]["past_ratio"] is None
    assert read(plausibility(table, gdp, past=1))["KGZ", "2021"]["past_ratio"] == pytest.approx(1.5)
    hole = table.filter(pa.array([year != "2021" for year in years]))
    assert read(plausibility(hole, gdp))["KGZ", "2023"]["past_ratio"] is None


def test_twelve_months_in_december_are_what_years_give(read) -> None:
    """Closed form: each December is its year, and a month missing makes twelve sums unknown, not smaller."""
    rows = [
        {"importer": "KGZ", "period": f"{year}-{month:02d}", "value_usd": float(year - 2018) * month}
        for year in (2020, 2021, 2022)
        for month in range(1, 13)
    ]
    years = [
        {"importer": "KGZ", "period": str(y), "value_usd": (y - 2018) * 78.0} for y in (2020, 2021, 2022)
    ]
    gdp = pa.table(
        {"area": ["KGZ"] * 2, "year": pa.array([2021, 2022], pa.int32()), "gdp_usd": [780.0, 936.0]}
    )
    of_months = read(plausibility(pa.Table.from_pylist(rows), gdp, past=1, frequency="M"))
    of_years = read(plausibility(pa.Table.from_pylist(years), gdp, past=1))
    for year in ("2021", "2022"):
        for column in ("value_usd", "gdp_share", "past_ratio"):
            assert of_months["KGZ", f"{year}-12"][column] == pytest.approx(of_years["KGZ", year][column])
    june = of_months["KGZ", "2022-06"]
    twelve = sum(row["value_usd"] for row in rows if "2021-07" <= row["period"] <= "2022-06")
    assert june["gdp_share"] == pytest.approx(twelve / 936.0)
    hole = [row for row in rows if row["period"] != "2021-03"]
    found = read(plausibility(pa.Table.from_pylist(hole), gdp, past=1, frequency="M"))
    assert found["KGZ", "2022-02"]["gdp_share"] is None
    assert found["KGZ", "2022-03"]["gdp_share"] is not None
