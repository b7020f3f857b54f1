"""The commands of cases: what runs without data, what says which data are missing, what is compared."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline import ingest
from entrepot.sources.csv_mapping import MappedTable

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = """
id = "vehicles"
title = "made up"
[columns]
reporter = "r"
partner = "p"
flow = "f"
period = "t"
value = "v"
[constants]
product = "87"
currency = "USD"
hs_revision = "by_year"
"""
NEIGHBOURS = ("BLR", "KAZ", "KGZ", "RUS", "TJK", "UZB")


@pytest.fixture(scope="module")
def vehicles(tmp_path_factory: pytest.TempPathFactory):
    """Return a writer of lakes: what importers bought of two suppliers in 2021, what China sold in 2023."""

    def make(**amounts: float) -> Path:
        folder = tmp_path_factory.mktemp("vehicles")
        (folder / "vehicles.toml").write_text(MAPPING, encoding="utf-8")
        with (folder / "trade.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["r", "p", "f", "t", "v"])
            for area in NEIGHBOURS:
                bought = amounts.get(area, 300e6)
                writer.writerow([area, "DEU", "import", "2021", bought / 3])
                writer.writerow([area, "JPN", "import", "2021", bought * 2 / 3])
                if "CHN" in amounts:
                    writer.writerow(["CHN", area, "export", "2023", amounts["CHN"]])
        source = MappedTable.from_toml(folder / "vehicles.toml")
        assert ingest(source, [folder / "trade.csv"], lake=folder / "lake").failed == ()
        return folder / "lake"

    return make


def test_the_list_names_every_claim(entrepot, tmp_path) -> None:
    out = tmp_path / "cases.json"
    done = entrepot("case", "list", "--out", out)
    assert done.status == 0
    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert [row["id"] for row in rows[:11]] == [f"C{number}" for number in range(1, 12)]
    assert all(row["id"] in done.out for row in rows)


def test_c6_runs_without_data_and_draws_its_chart(entrepot, tmp_path) -> None:
    chart, out = tmp_path / "c6.json", tmp_path / "c6.csv"
    done = entrepot("case", "run", "c6", "--chart", chart, "--out", out)
    assert done.status == 0
    assert "Kyrgyzstan 302,909,157 3,155,495,461 10.42" in done.out
    text = chart.read_text(encoding="utf-8")
    assert all(word in text for word in ("Kyrgyzstan", "× 10.4", "published study"))
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert {row["verdict"] for row in rows} == {"not computed"}
    assert {row["standing"] for row in rows} == {"study"}


def test_c6_on_a_lake_compares_every_figure(entrepot, vehicles, tmp_path) -> None:
    lake = vehicles(CHN=3_155_495_461.0, KGZ=302_909_157.0)
    out, chart = tmp_path / "c6.json", tmp_path / "c6.svg"
    done = entrepot("case", "run", "C6", "--lake", lake, "--out", out, "--chart", chart)
    assert done.status == 0, done.err
    rows = {row["figure"]: row for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}
    assert rows["all_KGZ"]["verdict"] == rows["china_KGZ"]["verdict"] == "agrees"
    assert rows["all_KGZ"]["difference"] == pytest.approx(0.0, abs=1e-9)
    assert rows["all_RUS"]["verdict"] == "differs"
    assert rows["all_RUS"]["difference"] == pytest.approx(300e6 / 26_788_687_343 - 1)
    assert "likely why" in done.out
    assert "× 10.4" in chart.read_text(encoding="utf-8")


def test_a_case_without_its_data_names_the_download_and_how_to_take_it_in(entrepot, vehicles) -> None:
    lake = vehicles(KGZ=1e8)
    done = entrepot("case", "run", "C6", "--lake", lake)
    assert done.status == 1
    assert "missing: CHN 2023" in done.err
    assert "BLR" not in done.err, "what is there is not asked for"
    assert "entrepot fetch comtrade --periods 2023:2023 --reporter CHN" in done.err
    assert "entrepot ingest comtrade vehicles_sold --lake LAKE" in done.err


def test_a_part_of_a_case_can_be_run(entrepot, vehicles, tmp_path) -> None:
    lake, out = vehicles(KGZ=302_909_157.0), tmp_path / "part.json"
    done = entrepot("case", "run", "C6", "--lake", lake, "--partial", "--out", out)
    assert done.status == 0, done.err
    rows = {row["figure"]: row for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}
    assert rows["all_KGZ"]["verdict"] == "agrees"
    assert rows["china_KGZ"]["verdict"] == "not computed"
    assert "note: the lake lacks" in done.out
    assert "china was not run" in done.out
    nothing = entrepot("case", "run", "C1", "--lake", lake, "--partial")
    assert nothing.status == 1
    assert "the lake lacks" in nothing.err


@pytest.mark.parametrize("name", [f"C{number}" for number in range(1, 12) if number != 6])
def test_the_other_claims_say_what_they_need(name, entrepot) -> None:
    done = entrepot("case", "run", name)
    assert done.status == 1
    assert "hint:" in done.err
    if name == "C10":  # no publisher that can be fetched has it
        assert "entrepot case run C10 --table declarations=" in done.err
    else:
        assert "entrepot fetch" in done.err
        assert "entrepot ingest" in done.err


def test_the_unverified_claim_is_shown_and_never_compared(entrepot, tmp_path) -> None:
    shown = entrepot("case", "show", "C11")
    assert shown.status == 0
    assert "unverified" in shown.out
    assert "to settle it" in shown.out
    out = tmp_path / "facts.csv"
    assert entrepot("case", "facts", "--out", out).status == 0
    rows = [
        row for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines()) if row["case"] == "C11"
    ]
    assert len(rows) == 6
    assert {row["standing"] for row in rows} == {"unverified"}


def test_a_case_of_ones_own(entrepot, tmp_path, monkeypatch, vehicles) -> None:
    monkeypatch.chdir(tmp_path)
    assert entrepot("case", "new", "mine").status == 0
    again = entrepot("case", "new", "mine")
    assert again.status == 1
    assert "there already" in again.err
    text = (tmp_path / "mine.toml").read_text(encoding="utf-8")
    lacking = entrepot("case", "run", "mine.toml", "--lake", vehicles(CHN=1.0))
    assert lacking.status == 1
    assert "China's exports by partner, 2022 (missing: CHN 2022)" in lacking.err
    changed = text.replace('"TOTAL"', '"87"').replace("2022", "2023").replace("76122649188.0", "5.0e9")
    (tmp_path / "mine.toml").write_text(changed, encoding="utf-8")
    done = entrepot("case", "run", "mine.toml", "--lake", vehicles(CHN=5.05e9), "--chart", "mine.svg")
    assert done.status == 0, done.err
    assert "+1.00% agrees" in done.out
    assert (tmp_path / "mine.svg").read_text(encoding="utf-8").startswith("<svg")
    assert entrepot("case", "new", "other", "--to", "other.txt").status == 1


def test_what_cannot_be_written_is_told_before_anything_runs(entrepot, tmp_path) -> None:
    done = entrepot("case", "run", "C6", "--chart", tmp_path / "c6.pdf")
    assert done.status == 1
    assert ".svg" in done.err
    assert list(tmp_path.iterdir()) == []
    unknown = entrepot("case", "run", "C12")
    assert unknown.status == 1
    assert "no case is called" in unknown.err


def test_a_chart_that_lacks_data_does_not_take_the_answer_with_it(entrepot, tmp_path) -> None:
    (tmp_path / "years.toml").write_text(
        MAPPING.replace('product = "87"', 'product = "TOTAL"'), encoding="utf-8"
    )
    rows = [("CHN", "RUS", flow, "2022", value) for flow, value in (("export", 76e9), ("import", 114e9))]
    with (tmp_path / "trade.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("r", "p", "f", "t", "v"), *rows])
    source = MappedTable.from_toml(tmp_path / "years.toml")
    assert ingest(source, [tmp_path / "trade.csv"], lake=tmp_path / "lake").failed == ()
    out, chart = tmp_path / "c1.csv", tmp_path / "c1.png"
    done = entrepot(
        "case", "run", "C1", "--lake", tmp_path / "lake", "--partial", "--out", out, "--chart", chart
    )
    assert done.status == 1
    assert "was not run" in done.err
    assert (
        "computed from: exporters' reports, FOB; importers' reports by origin, CIF as published" in done.out
    )
    assert "agrees" in done.out
    assert out.exists()
    assert not chart.exists()


def test_c10_says_which_table_it_needs_and_runs_on_it_without_a_lake(entrepot, tmp_path) -> None:
    missing = entrepot("case", "run", "C10")
    assert missing.status == 1
    assert "customs declarations by company" in missing.err
    header = "period,importer,exporter,hs_code,registered,quantity"
    assert header in missing.err
    assert "entrepot case run C10 --table declarations=declarations.csv" in missing.err
    file, out = tmp_path / "declarations.csv", tmp_path / "c10.json"
    file.write_text(f"{header}\n2023-03-15,Moscow A,Shanghai B,650610,2022-09,100000\n", encoding="utf-8")
    done = entrepot("case", "run", "C10", "--table", f"declarations={file}", "--out", out)
    assert done.status == 0, done.err
    (row,) = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert (row["computed"], row["verdict"]) == (100_000.0, "agrees")
    assert "2022-09" in done.out
    assert "your table declarations" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("C10", "--table", "helmets=x.csv"), "C10 has no table called 'helmets'"),
        (("C1", "--table", "helmets=x.csv"), "it asks for none"),
        (("C10", "--table", "declarations"), "names no table and file"),
        (("C10", "--table", "declarations=absent.csv"), "cannot be read"),
    ],
)
def test_tables_that_are_none_are_refused(entrepot, words, says) -> None:
    done = entrepot("case", "run", *words)
    assert done.status == 1
    assert says in done.err
