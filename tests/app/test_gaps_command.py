"""The command ``gaps``: what it writes, prints and refuses, on made-up Comtrade downloads."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline import ingest
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = {
    "typeCode": "C", "freqCode": "M", "partner2Code": "0", "partner2ISO": "W00", "classificationCode": "H6",
    "classificationSearchCode": "HS", "isOriginalClassification": "true", "cmdCode": "854231",
    "aggrLevel": "6", "isLeaf": "true", "customsCode": "C00", "mosCode": "0", "motCode": "0",
    "isReported": "true", "isAggregate": "false",
}  # fmt: skip
AREAS = {"CHN": "156", "KGZ": "417", "KAZ": "398", "DEU": "276"}


def row(reporter: str, flow: str, partner: str, month: str, usd: float, **more: str) -> dict[str, str]:
    value = "fobvalue" if flow == "X" else "cifvalue"
    other = "cifvalue" if flow == "X" else "fobvalue"
    return PLAIN | {
        "reporterCode": AREAS[reporter], "reporterISO": reporter, "flowCode": flow,
        "partnerCode": AREAS[partner],
        "partnerISO": partner, "period": month, "refYear": month[:4], "refMonth": str(int(month[4:])),
        "refPeriodId": f"{month}01", value: str(usd), other: "", "primaryValue": str(usd), **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake in which from 2022 on four fifths of China's goods do not arrive in Kyrgyzstan."""
    months = [f"{year}{month:02d}" for year in (2020, 2021, 2022) for month in range(1, 13)]
    rows = []
    for month in months:
        arrived = 900 if month < "2022" else 200
        rows += [row("CHN", "X", "KGZ", month, 1000), row("KGZ", "M", "CHN", month, arrived)]
        rows += [row("CHN", "X", "KAZ", month, 1000), row("KAZ", "M", "CHN", month, 1050)]
        rows += [row("KAZ", "X", "KGZ", month, 100), row("KGZ", "M", "KAZ", month, 105)]
        # by second partner: of the Chinese goods a half came from Kazakhstan
        for partner, share in (("CHN", 0.5), ("KAZ", 0.5)):
            second = {"partner2Code": AREAS[partner], "partner2ISO": partner}
            rows.append(row("KGZ", "M", "CHN", month, arrived * share, **second))
        rows.append(row("KGZ", "M", "KAZ", month, 105, partner2Code=AREAS["KAZ"], partner2ISO="KAZ"))
    folder = tmp_path_factory.mktemp("gaps")
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


def test_the_fixed_interface(lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    done = entrepot("gaps", "--lake", lake, "--event", "2022-01", "--out", tmp_path / "gaps.csv")
    assert done.status == 0
    first = read(tmp_path / "gaps.csv")[0]
    assert (first["exporter"], first["importer"], first["hs_code"]) == ("CHN", "KGZ", "854231")
    assert float(first["arrived_ratio"]) < 0.3
    assert float(first["usual_ratio"]) > 0.7
    assert 5_500 < float(first["unusual_usd"]) < 7_500
    assert "China→Kyrgyzstan 854231" in done.out
    assert "A gap accuses nobody" in done.out


def test_every_period_where_there_is_no_event(lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    done = entrepot(
        "gaps", "--lake", lake, "--importer", "KGZ", "--periods", "2022-01:2022-02",
        "--by", "exporter,importer",
        "--out", tmp_path / "gaps.json",
    )  # fmt: skip
    assert done.status == 0
    text = json.loads((tmp_path / "gaps.json").read_text(encoding="utf-8"))
    assert {one["period"] for one in text["rows"]} == {"2022-01", "2022-02"}
    assert {one["importer"] for one in text["rows"]} == {"KGZ"}
    assert "every period against all earlier ones" in text["about"]["title"]
    assert text["about"]["rows read"].startswith("324")


def test_gaps_are_taken_apart_with_the_second_partner(lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    """What came from Kazakhstan and is booked as Chinese: the importer's own second partner says it."""
    done = entrepot(
        "gaps", "--lake", lake, "--freq", "A", "--periods", "2022:2022", "--by", "exporter,importer",
        "--decompose",
        "--explain", "1", "--chart", tmp_path / "parts.svg", "--out", tmp_path / "parts.csv",
    )  # fmt: skip
    assert done.status == 0
    rows = {
        (one["exporter"], one["importer"]): one
        for one in read(tmp_path / "parts.csv")
        if not one["direction"]
    }
    china, kazakh = rows["CHN", "KGZ"], rows["KAZ", "KGZ"]
    assert float(china["attribution_usd"]) < 0 < float(kazakh["attribution_usd"])
    assert float(kazakh["consignment_fob_usd"]) > 10 * float(kazakh["exporter_report_usd"]) / 12
    assert "by consignment less those by origin" in done.out
    assert (tmp_path / "parts.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_files_by_suffix_and_charts(suffix: str, lake: Path, entrepot: Callable, tmp_path: Path) -> None:
    out, chart = tmp_path / f"gaps.{suffix}", tmp_path / "gaps.svg"
    done = entrepot("gaps", "--lake", lake, "--event", "2022-01", "--chart", chart, "--out", out)
    assert done.status == 0
    assert out.stat().st_size > 100
    assert "missing arrivals" in chart.read_text(encoding="utf-8")


def test_standard_output_is_csv_alone(lake: Path, entrepot: Callable) -> None:
    done = entrepot("gaps", "--lake", lake, "--event", "2022-01", "--by", "importer", "--out", "-")
    assert done.out.startswith("exporter,importer,hs_code,period,member_of,")
    assert "The two books of" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--before", "2020-01:2020-06"], "windows without an event"),
        (["--event", "2022-01", "--freq", "A"], "and the frequency A differ"),
        (["--freq", "W"], "'W' is no frequency"),
        (["--by", "hub"], "cannot sum by hub"),
        (["--union", "G7"], "G7 is no customs union"),
        (["--products", "TOTAL"], "no flow of TOTAL was published by both its sides"),
        (["--periods", "2030-01:2030-02"], "holds no period of the data"),
        (["--event", "soon"], "is no period"),
        (["--source", "baci"], "the lake holds nothing of baci"),
        (["--exporter", "ATL"], "ATL"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(
    arguments: list[str], said: str, lake: Path, entrepot: Callable, tmp_path: Path
) -> None:
    done = entrepot("gaps", "--lake", lake, "--out", tmp_path / "gaps.csv", *arguments)
    assert done.status != 0
    assert said in done.err
    assert "hint:" in done.err
    assert not (tmp_path / "gaps.csv").exists()


def test_a_customs_union_named_as_an_area_has_its_own_row(
    lake: Path, entrepot: Callable, tmp_path: Path
) -> None:
    done = entrepot(
        "gaps", "--lake", lake, "--event", "2022-01", "--importer", "EAEU", "--by", "exporter,importer",
        "--out", tmp_path / "gaps.csv",
    )  # fmt: skip
    assert done.status == 0
    rows = {(one["exporter"], one["importer"]): one for one in read(tmp_path / "gaps.csv")}
    assert float(rows["CHN", "XEC"]["exporter_report_usd"]) == 2 * float(
        rows["CHN", "KGZ"]["exporter_report_usd"]
    )
    assert (rows["CHN", "KGZ"]["member_of"], rows["KAZ", "KGZ"]["member_of"]) == ("XEC", "")
