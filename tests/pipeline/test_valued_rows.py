"""Flows, gaps and round trips in euro, kilograms and at constant prices: what stands beside the dollars."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from entrepot.app.cli import main
from entrepot.pipeline import ingest
from entrepot.pipeline.amounts import Amount
from entrepot.pipeline.valued_rows import RowsOf, valued_rows
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.rates import ecb_rates
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAPPING = """
id = "made_up"
title = "made up"
[columns]
reporter = "r"
partner = "p"
flow = "f"
period = "t"
product = "k"
value = "v"
net_weight = "w"
[constants]
currency = "USD"
hs_revision = "HS2017"
"""
MONTHS = [f"{year}-{month:02d}" for year in (2019, 2020) for month in range(1, 13)]
FLOW_OF = {"exporter": "exporter", "importer": "importer"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Both books of two pairs and two codes; of one code the weights are not known from 2020 on."""
    folder = tmp_path_factory.mktemp("valued")
    (folder / "made_up.toml").write_text(MAPPING, encoding="utf-8")
    with (folder / "trade.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["r", "p", "f", "t", "k", "v", "w"])
        for step, month in enumerate(MONTHS):
            for place, (a, b) in enumerate((("DEU", "KAZ"), ("DEU", "KGZ"), ("FRA", "KAZ"), ("KAZ", "DEU"))):
                for code in ("847150", "030214"):
                    value = 1e6 * (place + 1) * (1 + step % 5)
                    weight = "" if code == "030214" and month >= "2020" else value / (2 + place)
                    writer.writerow([a, b, "export", month, code, value, weight])
                    writer.writerow([b, a, "import", month, code, value * 0.8, weight])
    source = MappedTable.from_toml(folder / "made_up.toml")
    assert ingest(source, [folder / "trade.csv"], lake=folder / "lake").failed == ()
    return Lake.open(folder / "lake")


def euro() -> dict[str, float]:
    return {row["period"]: row["per_usd"] for row in ecb_rates().to_pylist() if row["currency"] == "EUR"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, str]]]:
    """Return a function that runs a command and reads what it wrote."""

    def run(*words: str, out: Path) -> list[dict[str, str]]:
        monkeypatch.setattr(sys, "argv", ["entrepot", *words, "--out", str(out)])
        with pytest.raises(SystemExit) as stop:
            main()
        if stop.value.code:
            return []
        with out.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return run


def test_flows_in_kilograms_are_their_weights_and_in_euro_go_by_the_month(lake, run, tmp_path) -> None:
    rows = run("flows", "--lake", str(lake.path), "--value", "kg", out=tmp_path / "kg.csv")
    known = [row for row in rows if row["net_weight_kg"]]
    assert len(known) < len(rows)
    for row in known:
        assert float(row["value_amount"]) == pytest.approx(float(row["net_weight_kg"]))
        assert row["amount_unit"] == "kg"
    assert {row["value_amount"] for row in rows if not row["net_weight_kg"]} == {""}
    for row in run("flows", "--lake", str(lake.path), "--value", "eur", out=tmp_path / "eur.csv"):
        rate = euro()[row["period"]]
        for name in ("value", "low", "high"):
            assert float(row[f"{name}_amount"]) == pytest.approx(float(row[f"{name}_usd"]) * rate)


def test_gaps_of_months_go_by_the_rate_of_the_month(lake, run, tmp_path) -> None:
    words = ("gaps", "--lake", str(lake.path), "--by", "exporter,importer,period", "--value", "eur")
    rows = run(*words, out=tmp_path / "gaps.csv")
    assert rows
    for row in rows:
        assert float(row["gap_amount"]) == pytest.approx(float(row["gap_usd"]) * euro()[row["period"]])


def test_a_window_goes_by_what_flowed_in_it(lake) -> None:
    """Dollars of a window turn at the mean rate of its months, weighted by what flowed in them."""
    table = pa.table({"exporter": ["DEU"], "importer": ["KAZ"], "hs_code": ["847150"], "gap_usd": [5.0]})
    of = RowsOf(columns=("gap_usd",), places=FLOW_OF, window="2020-03:2020-04")
    found = valued_rows(lake, table, Amount(value="value_eur"), of)["gap_amount"][0].as_py()
    sizes = {month: 1 + MONTHS.index(month) % 5 for month in ("2020-03", "2020-04")}
    mean = sum(euro()[month] * size for month, size in sizes.items()) / sum(sizes.values())
    assert found == pytest.approx(5.0 * mean)


def test_a_sum_of_which_too_little_is_known_has_no_amount(lake) -> None:
    told: list[str] = []
    table = pa.table({"exporter": ["DEU", "NOR"], "importer": ["KAZ", "KAZ"], "gap_usd": [5.0, 7.0]})
    wide = RowsOf(columns=("gap_usd",), places=FLOW_OF, window="2020-01:2020-12")
    found = valued_rows(lake, table, Amount(value="net_weight_kg"), wide, tell=told.append)
    assert found["gap_amount"].to_pylist() == [None, None]
    assert "2 of 2 rows have none" in told[-1]
    narrow = RowsOf(
        columns=("gap_usd",), places=FLOW_OF, only={"products": ("8471",)}, window="2020-01:2020-12"
    )
    assert valued_rows(lake, table, Amount(value="net_weight_kg"), narrow)["gap_amount"].to_pylist() == [
        2.5,
        None,
    ]


def test_constant_prices_stand_beside_in_loops(lake, run, tmp_path) -> None:
    index = tmp_path / "index.csv"
    index.write_text(
        "period,index\n" + "".join(f"{month},{100 if month < '2020' else 200}\n" for month in MONTHS),
        encoding="utf-8",
    )
    rows = run(
        *("loops", "--lake", str(lake.path), "--maker", "DEU", "--via", "KAZ", "--since", "2020-01"),
        *("--spikes", "0", "--deflator", str(index), "--prices-of", "2019"),
        out=tmp_path / "loops.csv",
    )
    assert rows
    assert {row["amount_unit"] for row in rows} == {"USD at prices of 2019"}
    for row in rows:
        if row["high_usd"]:
            assert float(row["high_amount"]) == pytest.approx(float(row["high_usd"]) / 2)


@pytest.mark.parametrize("words", [("--reported",), ("--parts",), ("--add-up",)])
def test_other_units_are_refused_where_there_are_none(words, lake, run, tmp_path) -> None:
    out = tmp_path / "x.csv"
    assert run("flows", "--lake", str(lake.path), "--value", "kg", *words, out=out) == []
    assert not out.exists()
