"""The commands check, diff and calendar: status, words on any width, files, and slips of the user."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from entrepot.report import print_findings
from entrepot.schema import FINDING


def revised(download, entrepot, lake) -> None:
    """Take the same download in twice, the second time with a value changed and rows lost."""
    first = download(name="TradeData_a.csv")
    assert entrepot("ingest", "comtrade", first, "--lake", lake, "--vintage", "2023-01-31").status == 0
    change = {"partnerCode": "417", "fobvalue": "9999", "primaryValue": "9999"}
    second = download(*[change], good=0, name="TradeData_b.csv")
    text = second.read_text(encoding="latin-1") + "".join(
        line + "\r\n" for line in first.read_text(encoding="latin-1").splitlines()[2:6]
    )
    second.write_text(text, encoding="latin-1", newline="")
    assert entrepot("ingest", "comtrade", second, "--lake", lake, "--vintage", "2023-03-31").status == 0


@pytest.fixture
def lake(download, entrepot, tmp_path):
    revised(download, entrepot, tmp_path / "lake")
    return tmp_path / "lake"


def test_check_says_what_where_and_what_next(entrepot, lake, tmp_path) -> None:
    outcome = entrepot(
        "check", "--lake", lake, "--out", tmp_path / "f.json", "--totals", tmp_path / "t.parquet"
    )
    assert outcome.status == 1
    assert "rows_lost comtrade CHN export 2022-03" in outcome.out
    assert "5 rows, 10 in the vintage of 2023-01-31 (-50%)" in outcome.out
    assert "rows_lost: entrepot diff shows what went" in outcome.out
    rows = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["rows"]
    assert [row["check"] for row in rows if row["severity"] == "error"] == ["rows_lost"]
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 0
    assert entrepot("check", "--lake", lake, "--accept", "rows_lost").status == 0
    assert entrepot("check", "--lake", lake, "--rows-changed", "0.6").status == 0


@pytest.mark.parametrize(
    ("sources", "shown"), [(("comtrade", "comtrade"), False), (("comtrade", "wits"), True)]
)
def test_findings_of_two_sources_are_told_apart_on_a_narrow_console(sources, shown) -> None:
    rows = [
        {
            "severity": "warning",
            "check": "total_missing",
            "source": source,
            "finding": "no total",
            "hint": "ingest",
        }
        for source in sources
    ]
    out = io.StringIO()
    findings = pa.Table.from_pylist(rows, schema=FINDING.arrow_schema())
    print_findings(findings, Console(file=out, width=80, highlight=False), rows=2, most=9)
    assert all(source in out.getvalue() for source in sources) is shown


def test_check_prints_csv(entrepot, lake) -> None:
    outcome = entrepot("check", "--lake", lake, "--out", "-", "--accept", "rows_lost")
    assert outcome.status == 0
    assert next(csv.reader(io.StringIO(outcome.out)))[:2] == ["severity", "check"]
    assert "rows checked" in outcome.err


def test_diff_says_what_moved(entrepot, lake, tmp_path) -> None:
    outcome = entrepot("diff", "--lake", lake, "--from", "2023-02-01", "--out", tmp_path / "c.csv")
    assert outcome.status == 0
    assert "6 cells changed: 0 published, 0 added, 5 removed, 1 revised" in outcome.out
    assert "1 published figure of reporters moved: goods +9,9" in outcome.out
    assert "for the first time" not in outcome.out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text(encoding="utf-8"))))
    kyrgyzstan = next(row for row in rows if row["partner"] == "KGZ")
    assert (kyrgyzstan["change"], kyrgyzstan["after_usd"]) == ("revised", "9999")
    assert kyrgyzstan["after_vintage"] == "2023-03-31"


def test_calendar(entrepot, lake, tmp_path) -> None:
    outcome = entrepot("calendar", "--lake", lake, "--reporter", "CHN", "--out", tmp_path / "c.xlsx")
    assert outcome.status == 0
    assert "CHN export M current 2022-03" in outcome.out
    assert "partners without any report of their own: ARM" in entrepot("calendar", "--lake", lake).out
    assert "0 current" in entrepot("calendar", "--lake", lake, "--state", "never").out


def test_who_speaks_in_one_book_is_not_called_silent(entrepot, lake) -> None:
    """Eurostat names China as a partner; China's own months are in the lake as UN Comtrade has them."""
    months = files("entrepot.sources.comext") / "samples" / "full_202403.dat"
    assert entrepot("ingest", "comext", months, "--lake", lake).status == 0
    for state in ((), ("--state", "never")):
        told = entrepot("calendar", "--lake", lake, *state).out
        silent = told.partition("partners without any report of their own: ")[2].splitlines()[0].split(", ")
        assert "ARM" in silent
        assert "CHN" not in silent


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("check", "--accept", "rows"), "rows_lost"),
        (("check", "--tolerance", "2"), "0.1 is a tenth"),
        (("check", "--out", "findings.doc"), ".csv"),
        (("check", "--source", "baci"), "it holds comtrade"),
        (("diff", "--from", "2022-01-01"), "2023-01-31, 2023-03-31"),
        (("diff", "--from", "2023-05-01", "--to", "2023-02-01"), "--from"),
        (("diff", "--from", "yesterday"), "2023-01-31"),
        (("diff", "--from", "2023-02-01", "--origin", "EU"), "--event 2022-03"),
        (("calendar", "--state", "gone"), "stopped"),
        (("calendar", "--as-of", "2020-01-01"), "ingest files"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_slips_are_told_with_the_next_step(entrepot, lake, arguments, hint) -> None:
    outcome = entrepot(arguments[0], "--lake", lake, *arguments[1:])
    assert outcome.status == 1
    assert hint in outcome.err
    assert "Traceback" not in outcome.err
