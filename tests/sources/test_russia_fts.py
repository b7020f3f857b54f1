"""Russia's customs: DATTSVT as dBASE table and as text, in its zip, until the last month that was published."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import struct
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot.engine.dbf import unpack_dbf
from entrepot.errors import EmptyFileError, EncodingError, EntrepotError, HeaderError, TruncatedFileError
from entrepot.pipeline import ingest
from entrepot.sources.russia_fts import RussiaFtsSource

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = RussiaFtsSource()
SAMPLE = Path(str(files("entrepot.sources.russia_fts"))) / "samples" / "DATTSVT.csv"
NAMES = ["napr", "period", "nastranapr", "tnved", "edizm", "Stoim", "Netto", "Kol", "Region", "Region_s"]
ROW = ["ИМ", "12/2021", "CN", "8542319010", "ШТ", "104500,5", "12,5", "900", "45000 - Г.МОСКВА", "01 - ЦФО"]


def dbf(
    names: list[str], rows: list[list[str]], *, deleted: tuple[int, ...] = (), encoding: str = "cp866"
) -> bytes:
    """Return a dBASE III table of character fields."""
    cells = [[text.encode(encoding) for text in row] for row in rows]
    widths = [max([1, *(len(row[place]) for row in cells)]) for place in range(len(names))]
    length = 1 + sum(widths)
    head = struct.pack("<BBBBIHH20x", 3, 122, 3, 15, len(rows), 32 + 32 * len(names) + 1, length)
    for name, width in zip(names, widths, strict=True):
        head += struct.pack("<11sc4xBB14x", name.encode("latin-1"), b"C", width, 0)
    records = [
        (b"*" if number in deleted else b" ") + b"".join(c.ljust(w) for c, w in zip(row, widths, strict=True))
        for number, row in enumerate(cells)
    ]
    return head + b"\r" + b"".join(records) + b"\x1a"


def lines(rows: list[list[str]], names: list[str] = NAMES) -> bytes:
    return "".join("\t".join(row) + "\r\n" for row in [names, *rows]).encode()


def changed(**changes: str) -> list[str]:
    return [changes.get(name.lower(), text) for name, text in zip(NAMES, ROW, strict=True)]


@pytest.fixture
def read(tmp_path: Path, judge_file) -> Callable:
    def _read(content: bytes, name: str = "DATTSVT.csv"):
        (tmp_path / name).write_bytes(content)
        return judge_file(SOURCE, tmp_path / name)

    return _read


def test_the_unload_as_text(judge_file) -> None:
    found = judge_file(SOURCE, SAMPLE)
    assert (found.staged, found.faults, found.layout.id, found.accounted) == (5, [], "text", 5)
    chips = found.good[0]
    expected = {
        "reporter": "RUS", "partner": "CHN", "flow": "import", "partner_concept": "origin", "valuation": "cif",
        "period": "2021-12", "hs_code": "854231", "national_code": "8542319010", "hs_revision": "HS2017",
        "primary_value_usd": 106_500.5, "net_weight_kg": pytest.approx(12.8), "quantity": 915.0, "quantity_unit": "u",
        "parts": 2, "role": "leaf",
    }  # fmt: skip
    assert {name: chips[name] for name in expected} == expected
    hidden = next(row for row in found.good if row["hs_code"] == "9999AA")
    assert (hidden["hs_level"], hidden["national_code"], hidden["valuation"]) == (6, None, "fob")
    parts = next(row for row in found.good if row["hs_code"] == "870829")
    assert (parts["quantity"], parts["quantity_unit"], parts["net_weight_kg"]) == (None, None, 1899.0)


@pytest.mark.parametrize("packed", [False, True])
def test_the_unload_as_a_table_says_the_same(*, packed: bool, tmp_path: Path, judge_file) -> None:
    text = SAMPLE.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in text[1:]]
    content = dbf([name.upper() for name in NAMES], rows)
    path = tmp_path / "DATTSVT.dbf"
    path.write_bytes(content)
    if packed:
        path = tmp_path / "DATTSVT.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("DATTSVT.dbf", content)
    found = judge_file(SOURCE, path)
    assert found.layout.id == "dbf"
    assert found.rows == judge_file(SOURCE, SAMPLE).rows


def test_deleted_records_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "DATTSVT.dbf"
    path.write_bytes(dbf(NAMES, [ROW, changed(nastranapr="DE")], deleted=(1,)))
    (report,) = ingest(SOURCE, [path], lake=tmp_path / "lake").files
    assert (report.status, report.rows_read) == ("stored", 1)
    assert "1 records are marked as deleted and were left out" in report.notes


@pytest.mark.parametrize(
    ("names", "flow"),
    [(["NAPR", "PERIOD", "STRANA", *NAMES[3:]], "ЭК"), (NAMES, "EXP"), (NAMES, "EK")],
)  # fmt: skip
def test_spellings_of_other_issues(names: list[str], flow: str, read) -> None:
    found = read(lines([changed(napr=flow, stoim="10.5")], names))
    assert [(row["flow"], row["primary_value_usd"]) for row in found.good] == [("export", 10.5)]


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"period": "02/2022"}, "bad_period", "period 02/2022"),
        ({"period": "13/2021"}, "bad_period", "period 13/2021"),
        ({"napr": "ТР"}, "unknown_flow", "napr ТР"),
        ({"nastranapr": "QQ9"}, "unknown_area", "nastranapr QQ9"),
        ({"tnved": "85423190"[:7]}, "unknown_hs_code", "tnved 8542319"),
        ({"stoim": ""}, "missing_value", "Stoim is empty"),
        ({"stoim": "1.000,5"}, "bad_number", "Stoim 1.000.5"),
        ({"stoim": "-1"}, "negative_value", "Stoim -1"),
        ({"netto": "-1"}, "negative_value", "Netto -1"),
        ({"stoim": "1e15"}, "absurd_value", "Stoim 1e15"),
    ],
)  # fmt: skip
def test_bad_rows(changes: dict[str, str], reason: str, detail: str, read) -> None:
    found = read(lines([changed(**changes), changed(nastranapr="DE")]))
    assert found.faults == [(1, reason, detail)]
    assert [row["partner"] for row in found.good] == ["DEU"]


def test_areas_that_iso_does_not_know(read) -> None:
    found = read(lines([changed(nastranapr="AB"), changed(nastranapr="OS", stoim="1")]))
    assert [(row["partner"], row["primary_value_usd"]) for row in found.good] == [("XAN", 104_501.5)]


def test_a_file_that_goes_on_after_the_end_is_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "china_2023.csv"
    path.write_bytes(lines([changed(period="05/2023"), changed(period="06/2023")]))
    (report,) = ingest(SOURCE, [path], lake=tmp_path / "lake").files
    assert isinstance(report.error, EmptyFileError)
    assert "period 05/2023" in report.error.hint


GOOD = dbf(NAMES, [ROW, ROW])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (GOOD[:20], EntrepotError),
        (GOOD[:100], TruncatedFileError),
        (GOOD[:-60], TruncatedFileError),
        (GOOD[:48] + b"\x00" + GOOD[49:], HeaderError),
        (dbf([*NAMES[:-1], "NAPR"], [ROW]), HeaderError),
        (dbf(NAMES[1:], [ROW[1:]]), HeaderError),
        (dbf(NAMES, []), EmptyFileError),
        (lines([ROW[1:]], NAMES[1:]), HeaderError),
        (lines([]), EmptyFileError),
        (b"", EmptyFileError),
    ],
)  # fmt: skip
def test_what_cannot_be_read(content: bytes, error: type[Exception], tmp_path: Path) -> None:
    path = tmp_path / "DATTSVT"
    path.write_bytes(content)
    (report,) = ingest(SOURCE, [path], lake=tmp_path / "lake").files
    assert isinstance(report.error, error), report.error


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "t.dbf").write_bytes(dbf(["A"], [["ИМ"]], encoding="cp1251"))
    with pytest.raises(EncodingError):
        unpack_dbf(tmp_path / "t.dbf", tmp_path / "t.csv", encoding="ascii")
