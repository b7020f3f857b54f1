"""A series whose trade stopped goes to zero; one that is no longer reported ends."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline import ingest
from entrepot.pipeline.measured_flows import MeasuredFlows
from entrepot.pipeline.measuring import MeasureQuery, measure_lake
from entrepot.sources.csv_mapping import MappedTable
from entrepot.store import Lake

if TYPE_CHECKING:
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
[constants]
currency = "USD"
hs_revision = "HS2017"
"""
YEARS = ("2019", "2020", "2021", "2022", "2023")


def lake_of(folder: Path, rows: list[tuple[str, str, str, str, str, float]]) -> Lake:
    (folder / "made_up.toml").write_text(MAPPING, encoding="utf-8")
    with (folder / "trade.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["r", "p", "f", "t", "k", "v"])
        writer.writerows(rows)
    source = MappedTable.from_toml(folder / "made_up.toml")
    assert ingest(source, [folder / "trade.csv"], lake=folder / "lake").failed == ()
    return Lake.open(folder / "lake")


def sold(exporter: str, importer: str, years, code: str = "030214", flow: str = "export"):
    """Rows of ten million a year, by the exporter or by the importer."""
    pair = (exporter, importer) if flow == "export" else (importer, exporter)
    return [(*pair, flow, year, code, 1e7) for year in years]


def series(lake: Lake, *, name="growth", book="exports", importer="RUS", products=("0302",), **more):
    flows = MeasuredFlows(book=book, importers=(importer,), products=products, has_all_periods=True)
    rows = measure_lake(lake, MeasureQuery(name=name, flows=flows, **more)).to_pylist()
    return {(row["exporter"], row["period"]): row for row in rows}


BASE = [
    *sold("NOR", "RUS", YEARS[:3]),  # stops, and Norway goes on selling elsewhere: zero
    *sold("NOR", "POL", YEARS),
    *sold("CHL", "RUS", YEARS[:3]),  # Chile publishes nothing of these goods any more: not known
    *sold("CHL", "USA", YEARS[:3]),
    *sold("FRO", "RUS", YEARS),
]


def test_a_trade_that_stopped_is_zero_and_one_that_nobody_reports_is_not(tmp_path) -> None:
    found = series(lake_of(tmp_path, BASE))
    assert found["NOR", "2022"]["value_usd"] == 0.0
    assert found["NOR", "2022"]["growth"] == -1.0
    assert found["NOR", "2023"]["value_usd"] == 0.0
    assert found["NOR", "2023"]["growth"] is None, "growth from nothing is not known"
    assert ("CHL", "2022") not in found
    assert ("NOR", "2019") in found
    assert found["FRO", "2023"]["value_usd"] == 1e7


@pytest.mark.parametrize("name", ["total", "growth", "index"])
def test_every_series_has_the_zeros(name, tmp_path) -> None:
    found = series(lake_of(tmp_path, BASE), name=name, **({"base": "2019"} if name == "index" else {}))
    assert found["NOR", "2023"]["value_usd"] == 0.0
    assert ("CHL", "2023") not in found


def test_a_book_of_one_partner_has_no_zero_of_it(tmp_path) -> None:
    """A download of one partner alone: no row in a year says nothing, since no other row is there."""
    found = series(lake_of(tmp_path, [*sold("NOR", "RUS", YEARS[:3]), *sold("FRO", "RUS", YEARS)]))
    assert ("NOR", "2022") not in found


def test_the_importer_makes_a_zero_where_it_has_named_the_partner(tmp_path) -> None:
    rows = [
        *sold("NOR", "RUS", YEARS[:3], flow="import"),
        *sold("CHL", "RUS", YEARS, flow="import"),
        *sold("FRO", "RUS", YEARS[:2]),  # only its own book has it
    ]
    found = series(lake_of(tmp_path, rows), book="reconciled")
    assert found["NOR", "2023"]["value_usd"] == 0.0
    assert ("FRO", "2023") not in found
    assert ("NOR", "2023") in series(Lake.open(tmp_path / "lake"), book="imports")


def test_a_published_total_that_is_not_there_is_missing(tmp_path) -> None:
    rows = [(*row[:4], "TOTAL", row[5]) for row in BASE]
    assert ("NOR", "2022") not in series(lake_of(tmp_path, rows), products=("TOTAL",))


def test_a_code_is_zero_only_where_its_reporter_used_it(tmp_path) -> None:
    rows = [
        *sold("NOR", "RUS", YEARS, "030214"),
        *sold("NOR", "RUS", YEARS[:2], "030363"),  # no longer used by Norway at all
        *sold("NOR", "RUS", YEARS[:2], "030354"),
        *sold("NOR", "POL", YEARS, "030354"),
    ]
    flows = MeasuredFlows(book="exports", importers=("RUS",), has_all_periods=True)
    query = MeasureQuery(name="growth", flows=flows, by=("exporter", "hs_code"))
    found = {(r["hs_code"], r["period"]): r for r in measure_lake(lake_of(tmp_path, rows), query).to_pylist()}
    assert found["030354", "2022"]["value_usd"] == 0.0
    assert ("030363", "2022") not in found


def test_zeros_do_not_move_a_sum_over_partners(tmp_path) -> None:
    lake = lake_of(tmp_path, BASE)
    flows = MeasuredFlows(book="exports", products=("0302",), has_all_periods=True)
    found = measure_lake(lake, MeasureQuery(name="total", flows=flows, by=("period",)))
    assert found["value_usd"].to_pylist() == [5e7, 5e7, 5e7, 2e7, 2e7]
