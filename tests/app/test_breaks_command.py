"""The command ``breaks``: files to breaks, each option, each refusal."""

from __future__ import annotations

import csv
import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

import entrepot as package
from entrepot.pipeline import ingest
from entrepot.schema import BREAK, EVENT_BREAKS
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = {
    "typeCode": "C", "freqCode": "M", "flowCode": "X", "partner2Code": "0", "partner2ISO": "W00",
    "classificationCode": "H5", "classificationSearchCode": "HS", "isOriginalClassification": "true",
    "aggrLevel": "6", "isLeaf": "true", "customsCode": "C00", "mosCode": "0", "motCode": "0",
    "isReported": "true", "isAggregate": "false",
}  # fmt: skip
AREAS = {"DEU": "276", "FRA": "251", "RUS": "643", "KGZ": "417", "USA": "842"}
CODES = ("870421", "854231", "840820", "901380")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake: in April 2022 exports to Russia fall to a fifth, those to Kyrgyzstan triple."""
    rng = np.random.default_rng(4)
    months = [f"{year}{month:02d}" for year in range(2018, 2024) for month in range(1, 13)]
    rows = []
    for reporter in ("DEU", "FRA"):
        for partner, after in (("RUS", 0.2), ("KGZ", 3.0), ("USA", 1.0)):
            for code in CODES:
                season = 0.3 * rng.standard_normal(12)
                for at, month in enumerate(months):
                    level = after if month >= "202204" else 1.0
                    usd = round(1e6 * level * math.exp(season[at % 12] + 0.2 * rng.standard_normal()))
                    rows.append(
                        PLAIN
                        | {
                            "reporterCode": AREAS[reporter], "reporterISO": reporter,
                            "partnerCode": AREAS[partner], "partnerISO": partner, "cmdCode": code,
                            "period": month, "refYear": month[:4], "refMonth": str(int(month[4:])),
                            "refPeriodId": f"{month}01", "fobvalue": str(usd), "primaryValue": str(usd),
                        }
                    )  # fmt: skip
    folder = tmp_path_factory.mktemp("breaks")
    with (folder / "TradeData.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COMTRADE_WEB, lineterminator=",\r\n", restval="")
        file.write(",".join(COMTRADE_WEB) + "\r\n")
        writer.writerows(rows)
    done = ingest(open_source("comtrade"), [folder / "TradeData.csv"], lake=folder / "lake")
    assert (done.failed, done.rows_quarantined) == ((), 0)
    return folder / "lake"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_files_to_breaks(lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    out, events, chart = tmp_path / "breaks.csv", tmp_path / "events.csv", tmp_path / "break.svg"
    done = entrepot("breaks", "--lake", lake, "--out", out, "--events-out", events, "--chart", chart)
    assert done.status == 0, done.err
    rows = read(out)
    assert tuple(rows[0]) == BREAK.columns
    true = [
        row
        for row in rows
        if row["importer"] != "USA" and row["earliest_period"] <= "2022-04" <= row["latest_period"]
    ]
    assert len(true) == 16  # every series to Russia and Kyrgyzstan
    assert len(rows) <= 18
    for row in true:
        expected = 0.2 if row["importer"] == "RUS" else 3.0
        assert float(row["change_ratio"]) == pytest.approx(expected, rel=0.25)
        assert float(row["change_low"]) < float(row["change_ratio"]) < float(row["change_high"])
        assert "EU fourth package" in row["events"]
        assert float(row["q_value"]) < 0.1
        assert (row["books_before"], row["books_after"]) == ("exporter", "exporter")
    counted = read(events)
    assert tuple(counted[0]) == EVENT_BREAKS.columns
    direct = next(
        row for row in counted if row["relation"] == "direct" and row["event"].startswith("EU fourth")
    )
    assert (direct["series"], direct["breaks"]) == ("8", "8")
    assert float(direct["p_value"]) < 0.02  # two pairs
    assert "24 have 24 observed months" in done.out
    assert "A break after an event is no proof" in done.out
    drawn = chart.read_text(encoding="utf-8")
    assert "USD a month, without season" in drawn
    assert "2022-04" in drawn


def test_sums_periods_and_areas(lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    out = tmp_path / "breaks.json"
    done = entrepot(
        "breaks", "--lake", lake, "--exporter", "EU27", "--importer", "RUS", "--by", "importer",
        "--periods", "2019-01:2022-12", "--out", out,
    )  # fmt: skip
    assert done.status == 0, done.err
    written = json.loads(out.read_text(encoding="utf-8"))
    (row,) = written["rows"]
    assert (row["exporter"], row["importer"], row["hs_code"]) == (None, "RUS", None)
    assert row["break_period"] == "2022-04"
    assert (row["months_before"], row["months_after"]) == (39, 9)
    assert written["about"]["series by"] == "importer"
    assert "2019-01 to 2022-12" in written["about"]["title"]


def test_options_change_the_answer(lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    def run(*options: str) -> list[dict[str, str]]:
        out = tmp_path / "one.csv"
        assert entrepot("breaks", "--lake", lake, "--out", out, *options).status == 0
        return read(out)

    plain = run()
    assert len(run("--false-positives", "0.4")) > len(plain)
    assert {row["importer"] for row in run("--importer", "KGZ")} == {"KGZ"}
    assert {row["hs_code"] for row in run("--products", "8542")} == {"854231"}
    assert all(not row["events"] for row in run("--about", "US tariffs"))
    assert all(
        "parallel" in row["events"] for row in run("--about", "parallel imports") if row["importer"] == "RUS"
    )
    assert all(
        "2022-02" not in row["events"] for row in run("--event-months", "1") if row["importer"] == "RUS"
    )
    assert all(row["break_period"] <= "2022-01" for row in run("--shortest", "24"))  # 24 months are left


def test_the_same_from_python(lake: Path) -> None:
    options = package.BreakOptions(importers=("RUS", "KGZ"), about="war")
    found = package.find_breaks(package.Lake.open(lake), options)
    assert found.table.schema.equals(BREAK.arrow_schema())
    flows = package.select_flows(package.Lake.open(lake), package.FlowQuery(estimate="exporter_first"))
    again = package.find_breaks_in(flows, options)
    assert again.table.equals(found.table)
    assert again.noise.false_positive_rate < 0.05
    months = found.months(0)
    assert [month["period"] for month in months] == list(found.series.periods)
    levels = {round(month["level_value"]) for month in months}
    assert {
        round(found.table["level_before_usd"][0].as_py()),
        round(found.table["level_after_usd"][0].as_py()),
    } <= levels


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--by", "month"), "cannot make series"),
        (("--importer", "Atlantis"), "Atlantis"),
        (("--importer", "BRA"), "no monthly flow"),
        (("--periods", "2020:2021"), "are years"),
        (("--periods", "2020-01:2020-06"), "24 observed months"),
        (("--false-positives", "2"), "false-positive rate"),
        (("--events-out", "events.doc"), "events.doc"),
    ],
)
def test_what_cannot_be_asked(
    lake: Path, entrepot: Callable, tmp_path: Path, arguments: tuple[str, str], says: str
) -> None:
    out = tmp_path / "none.csv"
    done = entrepot("breaks", "--lake", lake, "--out", out, *arguments)
    assert done.status == 1
    assert says in done.err
    assert "hint:" in done.err
    assert not out.exists()


def test_a_break_at_constant_prices_is_another_than_that_of_dollars(lake, entrepot, tmp_path) -> None:
    """Prices to the USA double in 2021-07 by the index: what was level in dollars falls to half."""
    index = tmp_path / "index.csv"
    months = [f"{year}-{month:02d}" for year in range(2018, 2024) for month in range(1, 13)]
    lines = [f"{month},{100 if month < '2021-07' else 200}" for month in months]
    index.write_text("period,index\n" + "\n".join(lines), encoding="utf-8")
    words = ("breaks", "--lake", lake, "--importer", "USA", "--by", "importer")
    plain, constant = tmp_path / "plain.csv", tmp_path / "constant.csv"
    assert entrepot(*words, "--out", plain).status == 0
    done = entrepot(*words, "--out", constant, "--deflator", index, "--prices-of", "2018")
    assert done.status == 0, done.err
    assert "USD at prices of 2018" in done.out
    assert read(plain) == []
    (found,) = read(constant)
    assert found["break_period"] == "2021-07"
    assert 0.4 < float(found["change_ratio"]) < 0.6
    assert found["amount_unit"] == "USD at prices of 2018"
    assert float(found["level_after_amount"]) < float(found["level_before_amount"])
    assert "level_after_usd" not in found


def test_weights_that_nobody_gave_are_missing_and_no_zeros(lake, entrepot, tmp_path) -> None:
    done = entrepot("breaks", "--lake", lake, "--value", "kg", "--out", tmp_path / "kg.csv")
    assert done.status == 1
    assert "no flow has an amount in kg" in done.err
