"""The command ``measure``: what it writes, prints, draws and refuses, on a small made-up table."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline import ingest
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.rates import ecb_rates
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
net_weight = "w"
[constants]
currency = "USD"
hs_revision = "by_year"
"""
#: China gains what Germany loses; Kazakhstan's market doubles; Kyrgyzstan publishes no 2022.
IMPORTS = {
    "2021": {("RUS", "CHN"): 30.0, ("RUS", "DEU"): 60.0, ("KAZ", "CHN"): 5.0, ("KGZ", "CHN"): 4.0},
    "2022": {("RUS", "CHN"): 60.0, ("RUS", "DEU"): 30.0, ("KAZ", "CHN"): 10.0},
    "2023": {("RUS", "CHN"): 90.0, ("RUS", "DEU"): 10.0, ("KAZ", "CHN"): 10.0, ("KGZ", "CHN"): 8.0},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measures")
    (folder / "made_up.toml").write_text(MAPPING, encoding="utf-8")
    with (folder / "trade.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["r", "p", "f", "t", "k", "v", "w"])
        for year, flows in IMPORTS.items():
            for (importer, exporter), usd in flows.items():
                for code, share in (("854231", 0.25), ("870323", 0.75)):
                    writer.writerow([importer, exporter, "import", year, code, usd * share, usd * share / 10])
                if importer == "RUS":  # months of the chips, for measures of months
                    for month in range(1, 13):
                        row = [importer, exporter, "import", f"{year}-{month:02d}", "854231", usd / 48, 1.0]
                        writer.writerow(row)
    source = MappedTable.from_toml(folder / "made_up.toml")
    done = ingest(source, [folder / "trade.csv"], lake=folder / "lake")
    assert (done.failed, done.rows_quarantined) == ((), 0)
    return folder / "lake"


@pytest.fixture
def measure(lake, entrepot, tmp_path):
    """Return a function that runs a measure and reads what it wrote."""

    def run(*arguments: object, status: int = 0):
        out = tmp_path / "out.json"
        done = entrepot("measure", *arguments, "--lake", lake, "--book", "imports", "--out", out)
        assert done.status == status, done.err
        return (json.loads(out.read_text(encoding="utf-8"))["rows"], done) if status == 0 else ([], done)

    return run


def by(rows, *keys):
    return {tuple(row[key] for key in keys): row for row in rows}


def test_shares_have_the_whole_they_are_asked_for(measure) -> None:
    rows, _ = measure("share", "--importer", "RUS", "--show", "CHN")
    assert {row["period"]: row["share"] for row in rows} == {
        "2021": pytest.approx(1 / 3), "2022": pytest.approx(2 / 3), "2023": pytest.approx(0.9)
    }  # fmt: skip
    every, _ = measure("share", "--by", "period", "--all-periods", "--show", "CHN")
    assert by(every, "period")["2023",]["share"] == pytest.approx(108 / 118)
    goods, _ = measure("share", "--importer", "RUS", "--of", "hs_code", "--periods", "2023:2023")
    assert {row["hs_code"]: row["share"] for row in goods} == {"854231": 0.25, "870323": 0.75}


def test_a_period_that_someone_did_not_publish_is_left_out_and_told(measure) -> None:
    rows, done = measure("total", "--by", "period")
    assert {row["period"]: row["value_usd"] for row in rows} == {"2021": 99.0, "2023": 118.0}
    assert "note: left out" in done.out
    assert "2022 (" in done.out
    every, quiet = measure("total", "--by", "period", "--all-periods")
    assert by(every, "period")["2022",]["value_usd"] == 100.0
    assert "left out" not in quiet.out
    russian, told = measure("total", "--by", "period", "--importer", "RUS")
    assert [row["value_usd"] for row in russian] == [90.0, 90.0, 100.0]
    assert "left out" not in told.out


def test_a_row_needs_its_own_reporters_alone(measure) -> None:
    """Kyrgyzstan's silence of 2022 takes nothing from the others' growth, shares and totals."""
    rows, done = measure("growth")
    found = by(rows, "exporter", "importer", "period")
    assert found["CHN", "KAZ", "2022"]["growth"] == pytest.approx(1.0)
    assert found["CHN", "RUS", "2022"]["growth"] == pytest.approx(1.0)
    assert ("CHN", "KGZ", "2022") not in found
    assert found["CHN", "KGZ", "2023"]["growth"] is None  # the year before is a hole
    assert "left out" not in done.out
    shares, told = measure("share", "--show", "CHN")
    assert "KGZ 2022 (100%)" in told.out
    assert {(row["importer"], row["period"]) for row in shares if row["importer"] == "KGZ"} == {
        ("KGZ", "2021"), ("KGZ", "2023")
    }  # fmt: skip
    assert by(shares, "importer", "period")["RUS", "2022"]["share"] == pytest.approx(2 / 3)
    whole, noted = measure("total", "--by", "exporter,period", "--show", "CHN")
    assert {row["period"] for row in whole} == {"2021", "2023"}  # China's exports lack one market
    assert "CHN 2022 (8%)" in noted.out
    german, _ = measure("total", "--by", "exporter,period", "--show", "DEU")
    assert [row["value_usd"] for row in german] == [60.0, 30.0, 10.0]


def test_where_every_period_lacks_someone_it_is_said_who_must_be_named(tmp_path, entrepot) -> None:
    """Two reporters that never publish the same year: no sum of both, and each by itself."""
    (tmp_path / "made_up.toml").write_text(MAPPING, encoding="utf-8")
    rows = ["r,p,f,t,k,v,w", "RUS,CHN,import,2021,854231,10,1", "RUS,CHN,import,2022,854231,20,1"]
    rows += ["KAZ,CHN,import,2023,854231,10,1", "KAZ,CHN,import,2024,854231,30,1"]
    (tmp_path / "trade.csv").write_text("\n".join(rows), encoding="utf-8")
    source = MappedTable.from_toml(tmp_path / "made_up.toml")
    assert ingest(source, [tmp_path / "trade.csv"], lake=tmp_path / "lake").failed == ()
    words = ("--lake", tmp_path / "lake", "--book", "imports", "--out", tmp_path / "out.json")
    done = entrepot("measure", "growth", "--by", "exporter", *words)
    assert done.status == 1
    assert "in every period reporters of over 1% of the whole published nothing" in done.err
    assert "--importer" in done.err
    assert "CHN 2024 (43%)" in done.err
    assert entrepot("measure", "growth", *words).status == 0
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["rows"]
    assert [row["growth"] for row in found] == [None, 2.0, None, 1.0]


def test_composition_by_a_file_of_ones_own(measure, tmp_path) -> None:
    """Cars are half of each use: three quarters of the trade are shared, and chips are intermediate."""
    file = tmp_path / "bec5.csv"
    lines = ["HS,HS6,BEC5EndUse", "H5,854231,INT", "H5,870323,CONS", "H5,870323,CAP"]
    file.write_text("\n".join(lines), encoding="utf-8")
    words = (
        "composition",
        "--importer",
        "RUS",
        "--by",
        "period",
        "--periods",
        "2023",
        "--hs-revision",
        "HS2017",
    )
    rows, _ = measure(*words, "--hs-revision", "HS2017", "--scheme", f"@{file}:BEC5EndUse")
    shares = {row["category"]: row["share"] for row in rows}
    assert shares == {"INT": 0.25, "CONS": 0.375, "CAP": 0.375}
    _, refused = measure(*words, "--scheme", f"@{file}:USE", status=1)
    assert "no column has the categories: USE" in refused.err


def test_growth_ranks_overtaking_and_weights(measure) -> None:
    rows, _ = measure("growth", "--importer", "RUS", "--periods", "2022")
    assert {row["exporter"]: row["growth"] for row in rows} == {"CHN": 1.0, "DEU": -0.5}
    rows, _ = measure("rank", "--importer", "RUS")
    assert {row["period"]: row["rank"] for row in rows if row["exporter"] == "CHN"} == {
        "2021": 2, "2022": 1, "2023": 1
    }  # fmt: skip
    rows, _ = measure("overtaking", "--importer", "RUS")
    assert [(row["overtaker"], row["overtaken"], row["period"]) for row in rows] == [("CHN", "DEU", "2022")]
    rows, _ = measure("overtaking", "--importer", "RUS", "--show", "DEU")
    assert rows == []
    rows, _ = measure("growth", "--importer", "RUS", "--value", "kg", "--periods", "2023", "--show", "CHN")
    assert rows[0]["net_weight_kg"] == pytest.approx(9.0)


def test_months(measure) -> None:
    rows, _ = measure("rolling_year", "--freq", "M", "--importer", "RUS", "--periods", "2022-12")
    assert {row["exporter"]: row["growth"] for row in rows} == {
        "CHN": pytest.approx(1.0), "DEU": pytest.approx(-0.5)
    }  # fmt: skip
    rows, _ = measure("year_to_date", "--freq", "M", "--importer", "RUS", "--periods", "2023-07")
    assert by(rows, "exporter")["CHN",]["value_usd"] == pytest.approx(90 / 48 * 7)
    _, done = measure("rolling_year", status=1)
    assert "--freq M" in done.err


def test_who_gained_the_market(measure) -> None:
    rows, _ = measure("supplanting", "--importer", "RUS", "--before", "2021", "--after", "2023")
    found = by(rows, "exporter")
    assert list(found) == [("CHN",), ("DEU",)], "who gained most comes first"
    assert found["CHN",]["change_value_usd"] == pytest.approx(60.0)
    assert found["CHN",]["competitive_value_usd"] == pytest.approx(-found["DEU",]["competitive_value_usd"])
    rows, _ = measure(
        "margins", "--importer", "RUS", "--before", "2021", "--after", "2023", "--by", "importer"
    )
    assert rows[0]["intensive_value_usd"] == pytest.approx(10.0)
    _, done = measure("supplanting", "--before", "2021", status=1)
    assert "--after" in done.err


def test_structure_and_composition(measure) -> None:
    rows, _ = measure("composition", "--importer", "RUS", "--by", "period", "--scheme", "CHPL")
    assert {(row["category"], row["share"]) for row in rows} == {("CHPL 1", 0.25), ("other", 0.75)}
    rows, _ = measure("composition", "--importer", "RUS", "--by", "period", "--scheme", "BEC4")
    assert {row["category"] for row in rows} == {"42", "51"}
    rows, _ = measure("composition", "--importer", "RUS", "--by", "period", "--scheme", "stage")
    assert {row["category"] for row in rows} == {"3 parts", "5 consumption"}
    rows, _ = measure("composition", "--importer", "RUS", "--by", "period", "--scheme", "ENERGY")
    assert {(row["category"], row["share"]) for row in rows} == {("non-energy", 1.0)}
    rows, _ = measure("similarity", "--importer", "RUS")
    assert {row["similarity"] for row in rows} == {1.0}
    rows, _ = measure("concentration", "--importer", "RUS", "--periods", "2023")
    assert rows[0]["hhi"] == pytest.approx(0.82)
    rows, _ = measure("index", "--importer", "RUS", "--base", "2021", "--by", "importer")
    assert [round(row["index"], 6) for row in rows] == [100.0, 100.0, round(1000 / 9, 6)]
    rows, _ = measure("advantage", "--level", "2", "--importer", "RUS", "--periods", "2023")
    assert {row["hs_code"] for row in rows} == {"85", "87"}
    rows, _ = measure("dependence", "--importer", "RUS", "--show", "RUS", "--periods", "2023")
    assert by(rows, "partner")["CHN",]["import_dependence"] == pytest.approx(0.9)
    rows, _ = measure("complementarity", "--importer", "RUS", "--show", "CHN", "--periods", "2023")
    assert rows[0]["complementarity"] == pytest.approx(1.0)


def test_a_group_without_its_inner_trade(measure) -> None:
    every, _ = measure("total", "--by", "period", "--all-periods", "--periods", "2021")
    outside, _ = measure(
        "total", "--by", "period", "--all-periods", "--periods", "2021", "--outside", "CHN,KAZ"
    )
    assert every[0]["value_usd"] - outside[0]["value_usd"] == pytest.approx(5.0)


def test_sources_vintages_and_revisions_are_chosen(measure) -> None:
    rows, _ = measure("total", "--importer", "RUS", "--by", "hs_code", "--source", "csv:made_up")
    assert {row["hs_code"] for row in rows} == {"854231", "870323"}
    older, _ = measure("total", "--importer", "RUS", "--by", "hs_code", "--hs-revision", "HS1992")
    assert {row["hs_code"] for row in older} != {"854231", "870323"}
    assert sum(row["value_usd"] for row in older) == pytest.approx(sum(row["value_usd"] for row in rows))
    _, unknown = measure("total", "--source", "comtrade", status=1)
    assert "holds nothing of comtrade" in unknown.err
    _, early = measure("total", "--as-of", "2000-01-01", status=1)
    assert "hint:" in early.err


def test_values_in_euro(measure) -> None:
    """At the bank's mean rate of the period: growth in euro is not that in dollars."""
    rows, _ = measure("growth", "--importer", "RUS", "--value", "eur", "--periods", "2022", "--show", "CHN")
    rates = {row["period"]: row["per_usd"] for row in ecb_rates().to_pylist() if row["currency"] == "EUR"}
    assert rows[0]["value_eur"] == pytest.approx(60.0 * rates["2022"])
    assert rows[0]["growth"] == pytest.approx(2.0 * rates["2022"] / rates["2021"] - 1)
    assert rows[0]["growth"] > 1.05


@pytest.mark.parametrize("suffix", [".svg", ".png", ".json"])
def test_the_chart_names_its_series_and_its_source(suffix, measure, tmp_path) -> None:
    chart = tmp_path / f"chart{suffix}"
    measure("share", "--importer", "RUS", "--chart", chart)
    data = chart.read_bytes()
    match suffix:
        case ".png":
            assert data.startswith(b"\x89PNG")
        case _:
            text = data.decode()
            assert all(word in text for word in ("China", "Germany", "csv:made_up", "CIF as published"))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("guess",), "no measure is called"),
        (("share", "--by", "country"), "no key of the rows"),
        (("dependence", "--by", "period"), "keys of its own"),
        (("index",), "needs a base"),
        (("plausibility",), "needs GDP"),
        (("growth", "--periods", "2021-13"), "no period"),
        (("share", "--value", "rub"), "none of the words"),
        (("share", "--products", "0101"), "no flows"),
        (("share", "--show", "FRA"), "no rows"),
        (("similarity", "--chart", "chart.svg"), "no chart of similarity"),
        (("composition", "--scheme", "BEC9"), "no classification"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_says_why_and_writes_nothing(arguments, word, measure, tmp_path) -> None:
    _, done = measure(*arguments, status=1)
    assert word in done.err
    assert "hint:" in done.err
    assert list(tmp_path.iterdir()) == []


def test_an_import_beside_gdp(measure, tmp_path) -> None:
    about = {"page": 1, "pages": 1, "per_page": 1000, "total": 1, "lastupdated": "2026-07-13"}
    country = {"id": "RU", "value": "Russian Federation"}
    rows = {
        "gdp-page-1-of-1[2026-07-13].json": {
            "countryiso3code": "RUS", "country": country, "date": "2023", "value": 400.0,
            "indicator": {"id": "NY.GDP.MKTP.CD"},
        },
        "countries-page-1-of-1.json": {
            "id": "RUS", "iso2Code": "RU", "region": {"id": "ECS", "iso2code": "Z7", "value": "Europe"},
        },
    }  # fmt: skip
    folder = tmp_path / "gdp"
    folder.mkdir()
    for name, row in rows.items():
        (folder / name).write_text(json.dumps([about, [row]]), encoding="utf-8")
    found, _ = measure("plausibility", "--importer", "RUS", "--gdp", folder)
    assert {row["period"]: row["gdp_share"] for row in found} == {"2021": None, "2022": None, "2023": 0.25}


def test_both_books_together(lake) -> None:
    """The reconciled book is FOB: an import alone is put there by its freight ratio."""
    from entrepot import MeasuredFlows, MeasureQuery, measure_lake  # noqa: PLC0415

    flows = MeasuredFlows(book="reconciled", importers=("RUS",))
    rows = measure_lake(Lake.open(lake), MeasureQuery(name="total", by=("period",), flows=flows)).to_pylist()
    assert [row["period"] for row in rows] == ["2021", "2022", "2023"]
    assert all(80.0 < row["value_usd"] < 100.0 for row in rows)


def test_constant_prices_are_those_of_the_index_given(measure, tmp_path) -> None:
    index = tmp_path / "index.csv"
    index.write_text("period,index\n2021,50\n2022,50\n2023,100\n", encoding="utf-8")
    rows, _ = measure(
        "growth", "--by", "importer", "--importer", "RUS", "--deflator", index, "--prices-of", "2021"
    )
    found = {row["period"]: row for row in rows}
    assert found["2023"]["constant_value_usd"] == pytest.approx(100 / 2)
    assert found["2023"]["growth"] == pytest.approx(50 / 90 - 1)
    _, refused = measure("growth", "--deflator", index, status=1)
    assert "--prices-of" in refused.err
    _, none = measure("total", "--value", "units", status=1)
    assert "no quantities" in none.err


def test_a_chart_of_another_kind_is_drawn_or_refused(measure, tmp_path) -> None:
    chart = tmp_path / "chart.svg"
    parts = ("--chart", chart, "--chart-kind", "parts", "--chart-first", "DEU")
    measure("total", "--by", "exporter,period", "--importer", "RUS", *parts)
    assert "Germany" in chart.read_text(encoding="utf-8")
    _, refused = measure("share", "--importer", "RUS", "--chart", chart, "--chart-kind", "bump", status=1)
    assert "places" in refused.err
    _, unknown = measure("share", "--chart-kind", "pie", status=1)
    assert "--chart-kind" in unknown.err
