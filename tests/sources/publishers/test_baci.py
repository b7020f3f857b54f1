"""CEPII BACI: one flow a row, never two books."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from entrepot.errors import EmptyFileError, EntrepotError, HeaderError, InputFileError
from entrepot.pipeline.flows import FlowQuery, select_flows
from entrepot.sources.baci import BaciSource
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = BaciSource()
SAMPLES = files("entrepot.sources.baci") / "samples"
NAME = "BACI_HS17_Y2022_V202501.csv"
SAMPLE = (SAMPLES / NAME).read_bytes()


def test_rows_of_the_sample(take_in: Callable, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(SAMPLE)
    file, rows = take_in(SOURCE, tmp_path / NAME)
    assert (file.rows_stored, file.rows_quarantined, str(file.vintage)) == (6, 0, "2025-01-31")
    names = ("reporter", "partner", "hs_code", "primary_value_usd", "net_weight_kg")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("AFG", "CHN", "080212", 11_532.0, 2040.0), ("CHN", "KGZ", "870423", 40_500_250.0, 5_120_500.0),
        ("FRA", "USA", "220421", pytest.approx(903_001), None), ("XOA", "CHE", "854231", 77_700.0, pytest.approx(12)),
        ("IND", "NOR", "9999AA", 3000.0, None), ("USA", "FRA", "010121", 1500.0, None),
    ]  # fmt: skip
    for row in rows:
        kind = (
            row["flow"],
            row["valuation"],
            row["partner_concept"],
            row["hs_revision"],
            row["frequency"],
            row["role"],
        )
        assert kind == ("export", "fob", "reconciled", "HS2017", "A", "leaf")


def test_the_first_generation(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "baci92_2006.csv"
    path.write_bytes((SAMPLES / path.name).read_bytes())
    file, rows = take_in(SOURCE, path)
    assert (file.layout, file.rows_stored) == ("first", 2)
    assert [(row["reporter"], row["partner"], row["hs_revision"]) for row in rows] == [
        ("BEL", "FRA", "HS1992"),
        ("SCG", "RUS", "HS1992"),
    ]


def test_the_publishers_archive_is_read_as_one(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "BACI_HS17_V202501.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("country_codes_V202501.csv", "country_code,country_name\n4,Afghanistan\n")
        archive.writestr("Readme.txt", "BACI")
        archive.writestr("BACI_HS17_Y2023_V202501.csv", SAMPLE.replace(b"2022,", b"2023,").rstrip(b"\n"))
        archive.writestr(NAME, SAMPLE.rstrip(b"\n"))
    file, rows = take_in(SOURCE, path)
    assert file.error is None, file.error
    assert (file.rows_read, file.rows_stored, file.periods) == (12, 12, ("2022", "2023"))
    assert [row["period"] for row in rows] == ["2022"] * 6 + ["2023"] * 6
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(NAME, SAMPLE)
        archive.writestr("BACI_HS17_Y2023_V202501.csv", SAMPLE.replace(b"t,i,j,k", b"t,j,i,k"))
    file, _ = take_in(SOURCE, path)
    assert isinstance(file.error, HeaderError)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("country_codes_V202501.csv", "x")
    with pytest.raises(InputFileError, match="none of the archive's 1 files"):
        SOURCE.recognise(path)


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [("2021,4,156,080212,1,1", "bad_period", "t 2021; the file is 2022's"), ("22,4,156,080212,1,1", "bad_period", "t 22"),
     ("2022,999999,156,080212,1,1", "unknown_area", "i 999999"), ("2022,4,,080212,1,1", "unknown_area", "j is empty"),
     ("2022,4,156,80212,1,1", "unknown_hs_code", "k 80212; its leading zero is lost"), ("2022,4,156,000212,1,1", "unknown_hs_code", "k 000212"),
     ("2022,4,156,080212,,1", "missing_value", "v is empty"), ("2022,4,156,080212,x,1", "bad_number", "v x"), ("2022,4,156,080212,1,x", "bad_number", "q x"),
     ("2022,4,156,080212,-1,1", "negative_value", "v -1"), ("2022,4,156,080212,1e12,1", "absurd_value", "v 1e12"), ("2022,4,156,080212,inf,1", "bad_number", "v inf")],
)  # fmt: skip
def test_bad_rows_have_a_reason(
    line: str, reason: str, detail: str, read_file: Callable, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_text(f"t,i,j,k,v,q\n{line}\n", encoding="utf-8")
    found = read_file(SOURCE, tmp_path / NAME)
    found.check()
    assert found.rows[0]["reason"] == reason
    assert found.rows[0]["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("name", "data", "error", "message"),
    [("trade.csv", SAMPLE, InputFileError, "does not say the code revision"), ("BACI_HS18_V202501.csv", SAMPLE, InputFileError, "HS18"),
     (NAME, b"", EmptyFileError, "empty"), (NAME, b"t,i,j,k,v,q\n", EmptyFileError, "no row"), (NAME, b"<html>", InputFileError, "HTML"),
     (NAME, SAMPLE.replace(b"k,v,q", b"product,v,q"), HeaderError, "the product (k or hs6)"), (NAME, SAMPLE.replace(b"t,i,j", b"t,i,i"), HeaderError, "two columns"),
     (NAME, SAMPLE.replace(b"v,q", b"v,q,x"), HeaderError, "no column 'x'"), (NAME, SAMPLE.split(b"\n", 1)[1], HeaderError, "missing")],
)  # fmt: skip
def test_other_files_are_refused(name: str, data: bytes, error: type, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(error) as caught:
        SOURCE.recognise(tmp_path / name)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "day"),
    [("BACI_HS92_Y2000_V202401.csv", "2024-01-31"), ("BACI_HS92_Y2000_V202401b.csv", "2024-02-01"), ("BACI_HS92_Y2000_V202413.csv", None), ("baci92_2000.csv", None)],
)  # fmt: skip
def test_the_release_is_the_vintage(name: str, day: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(SAMPLE)
    assert SOURCE.recognise(tmp_path / name).extra.get("vintage") == day


def test_a_row_is_one_book(take_in: Callable, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(SAMPLE)
    take_in(SOURCE, tmp_path / NAME)
    flows = select_flows(Lake.open(tmp_path / "lake"), FlowQuery(frequency="A")).to_pylist()
    assert sum(row["value_usd"] for row in flows) == pytest.approx(
        1000 * sum(float(line.split(b",")[4]) for line in SAMPLE.splitlines()[1:])
    )
    for row in flows:
        assert (row["basis"], row["importer_report_usd"], row["exporter_report_usd"]) == (
            "publisher",
            None,
            row["value_usd"],
        )
        assert row["low_usd"] < row["value_usd"] < row["high_usd"]


def test_one_revision_of_several_is_used(take_in: Callable, tmp_path: Path) -> None:
    """HS12 and HS17 each hold the world's trade: the one of more years counts, and of equals the later."""
    older = tmp_path / "BACI_HS12_Y2022_V202501.csv"
    older.write_bytes(SAMPLE.replace(b"40500.25", b"99"))
    (tmp_path / NAME).write_bytes(SAMPLE)
    take_in(SOURCE, older, tmp_path / NAME)
    lake = Lake.open(tmp_path / "lake")

    def lorries() -> float:
        (row,) = [
            row
            for row in select_flows(lake, FlowQuery(frequency="A")).to_pylist()
            if row["hs_code"] == "870423"
        ]
        return row["value_usd"]

    assert lorries() == 40_500_250.0
    (tmp_path / "BACI_HS12_Y2021_V202501.csv").write_bytes(
        SAMPLE.replace(b"2022,", b"2021,").replace(b"40500.25", b"99")
    )
    take_in(SOURCE, tmp_path / "BACI_HS12_Y2021_V202501.csv")
    assert [
        row["value_usd"]
        for row in select_flows(lake, FlowQuery(frequency="A", products=("870423",))).to_pylist()
    ] == [99_000.0] * 2


def test_the_errors_are_ours(tmp_path: Path) -> None:
    with pytest.raises(EntrepotError):
        SOURCE.recognise(tmp_path / NAME)
