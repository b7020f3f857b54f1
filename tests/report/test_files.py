from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.errors import ContractError, OptionError
from entrepot.report import check_out, write_table
from entrepot.report.files import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = {"headline": "consistent with 1.26bn USD – “more or less”", "event": "2022-03"}
RISKY = [
    "=1+1",
    "+44",
    "-cmd",
    "@sum",
    "\tx",
    "\rx",
    "plain",
    'a "quoted", word',
    "two\nlines",
    "Côte d’Ivoire",
    "",
    None,
]


@pytest.fixture
def table() -> pa.Table:
    n = len(RISKY)
    return pa.table(
        {
            "origin": pa.array(RISKY, pa.string()),
            "hs_code": pa.array(["010121"] * n, pa.string()),
            "estimate_usd": pa.array([None, -5.0, 1e15, 123_456_789_012.34, 0.0, 1e-9, *[2.5] * (n - 6)]),
            "year": pa.array([2023, None, *[2022] * (n - 2)], pa.int32()),
            "is_treated": pa.array([True, None, *[False] * (n - 2)], pa.bool_()),
            "vintage": pa.array([date(2023, 1, 31), None, *[date(2024, 2, 29)] * (n - 2)], pa.date32()),
            "ingested_at": pa.array([datetime(2023, 1, 31, 23, 59, tzinfo=UTC), *[None] * (n - 1)]),
        }
    )  # fmt: skip


def _neutral(text: str | None) -> str | None:
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text


def test_csv_reads_back(table: pa.Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "out.csv", about=ABOUT)
    raw = (tmp_path / "out.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8"), newline="")))
    assert raw.count(b"\r\n") == len(RISKY) + 1
    assert [row["origin"] for row in rows] == [_neutral(text) or "" for text in RISKY]
    assert [row["estimate_usd"] and float(row["estimate_usd"]) for row in rows] == [
        "" if value is None else value for value in table["estimate_usd"].to_pylist()
    ]
    assert rows[1]["estimate_usd"].startswith("-5")  # a number is no formula
    assert (rows[0]["hs_code"], rows[0]["vintage"], rows[1]["year"]) == ("010121", "2023-01-31", "")


def test_csv_has_no_quotes_that_it_does_not_need(tmp_path: Path) -> None:
    table = pa.table({"hub": ["KGZ", None], "value_usd": [1.5, None]})
    write_table(table, tmp_path / "out.csv", about={})
    assert (tmp_path / "out.csv").read_bytes() == b"hub,value_usd\r\nKGZ,1.5\r\n,\r\n"


def test_a_dash_prints_csv(table: pa.Table, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_table(table, "-", about=ABOUT)
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [row["origin"] for row in rows] == [_neutral(text) or "" for text in RISKY]


def test_a_dash_prints_to_a_text_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write_table(pa.table({"hub": ["KGZ"]}), "-", about={})
    assert stream.getvalue() == "hub\nKGZ\n"


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    script = (
        "import pyarrow as pa; from entrepot.report import write_table; "
        "write_table(pa.table({'x': pa.array(range(2_000_000))}), '-', about={})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as made:
        assert made.stdout.readline() == b"x\n"
        made.stdout.close()
        assert made.stderr.read() == b""
        assert made.wait(timeout=60) == 0


def test_parquet_reads_back_with_its_record(table: pa.Table, tmp_path: Path) -> None:
    table = table.replace_schema_metadata({"kept": "yes"})
    write_table(table, tmp_path / "out.PARQUET", about=ABOUT)
    back = pq.read_table(tmp_path / "out.PARQUET")
    assert back.equals(table)  # nothing is neutralised where nothing is run
    metadata = {key.decode(): value.decode() for key, value in back.schema.metadata.items()}
    assert metadata == ABOUT | {"kept": "yes"}


def test_json_reads_back(table: pa.Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "out.json", about=ABOUT)
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    back = json.loads(text, parse_constant=pytest.fail)
    assert back["about"] == ABOUT
    assert [row["origin"] for row in back["rows"]] == RISKY
    assert [row["estimate_usd"] for row in back["rows"]] == table["estimate_usd"].to_pylist()
    assert back["rows"][1] | {"vintage": None, "year": None, "is_treated": None} == back["rows"][1]
    assert back["rows"][0]["ingested_at"] == "2023-01-31T23:59:00+00:00"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_rows_are_a_file_too(suffix: str, table: pa.Table, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    write_table(table.slice(0, 0), out, about=ABOUT)
    match suffix:
        case ".csv":
            assert out.read_text(encoding="utf-8").strip() == ",".join(table.column_names)
        case ".parquet":
            assert pq.read_table(out).schema.equals(table.schema)
        case ".json":
            assert json.loads(out.read_text(encoding="utf-8"))["rows"] == []
        case _:
            sheet = openpyxl.load_workbook(out)["data"]
            assert [cell.value for cell in sheet[1]] == table.column_names


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_kind_of_text_and_number_is_written(suffix: str, tmp_path: Path) -> None:
    table = pa.table(
        {
            "hub": pa.array(["=KGZ", None], pa.large_string()).dictionary_encode(),
            "origin": pa.array(["=DEU", "FRA"], pa.string_view()),
            "value_usd": pa.array([1, 2], pa.int64()).cast(pa.decimal128(21, 2)),
        }
    )
    write_table(table, tmp_path / f"out{suffix}", about={})
    assert (tmp_path / f"out{suffix}").stat().st_size > 0


def test_nan_is_written_as_missing(tmp_path: Path) -> None:
    table = pa.table({"value_usd": [1.0, float("nan"), None]})
    for suffix in (".json", ".csv", ".parquet"):
        write_table(table, tmp_path / f"out{suffix}", about={})
    assert [row["value_usd"] for row in json.loads((tmp_path / "out.json").read_text())["rows"]] == [
        1.0,
        None,
        None,
    ]
    assert (tmp_path / "out.csv").read_bytes() == b"value_usd\r\n1\r\n\r\n\r\n"
    assert pq.read_table(tmp_path / "out.parquet")["value_usd"].to_pylist() == [1.0, None, None]


def test_infinity_is_no_amount(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="1 values are infinite"):
        write_table(pa.table({"value_usd": [float("inf"), None]}), tmp_path / "out.csv", about={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.xls", "out.csv.gz", ".csv"])
def test_an_unknown_suffix_lists_the_known_ones(name: str, table: pa.Table, tmp_path: Path) -> None:
    with pytest.raises(OptionError) as caught:
        write_table(table, tmp_path / name, about={})
    assert all(suffix in caught.value.hint for suffix in SUFFIXES)
    assert list(tmp_path.iterdir()) == []


def test_names_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    check_out("-")
    check_out(tmp_path / "new.xlsx")
    for name in ("absent/out.csv", "folder.csv", "out.txt"):
        with pytest.raises(OptionError):
            check_out(tmp_path / name)
    with pytest.raises(OptionError, match="names no format"):
        check_out("out.csv", suffixes=(".html",))
    with pytest.raises(OptionError, match="no suffix"):
        check_out("-", suffixes=(".html",))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_old_file(suffix: str, tmp_path: Path) -> None:
    """A real limit of the operating system on the size of files stands for a full disk."""
    out = tmp_path / f"out{suffix}"
    out.write_text("old")
    script = (
        "import resource, signal, sys, random\n"
        "import pyarrow as pa\n"
        "from entrepot.errors import OptionError\n"
        "from entrepot.report import write_table\n"
        "import entrepot.report.workbook\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "table = pa.table({'x': [random.random() for _ in range(20_000)]})\n"
        "try:\n"
        "    write_table(table, sys.argv[1], about={})\n"
        "except OptionError as error:\n"
        "    print(error.what)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, out], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"cannot write out{suffix}: "), done.stderr
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_table(pa.table({"x": [1]}), tmp_path / "link.csv", about={})
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == b"x\r\n1\r\n"


def test_the_file_has_the_users_usual_permissions(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_table(pa.table({"x": [1]}), tmp_path / "out.csv", about={})
    finally:
        os.umask(mask)
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o644
