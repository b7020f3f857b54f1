"""What users do to files: each case through the command line, with message, status and what the lake has."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import gzip
import json
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot.engine import Engine, parquet
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = ",".join(COMTRADE_WEB)
LAKE = "lake"


def reasons(lake: Path) -> dict[str, int]:
    table = Lake.open(lake).quarantine()
    return {row["values"]: row["counts"] for row in table["reason"].value_counts().to_pylist()}


def stored(lake: Path) -> list[dict[str, object]]:
    opened = Lake.open(lake)
    with Engine() as engine:
        return engine.sql(f"SELECT * FROM ({flows_sql(opened, engine)}) ORDER BY row_number").to_pylist()


def test_good_file_is_stored_and_reported(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    done = entrepot("ingest", "comtrade", download(), "--lake", tmp_path / LAKE, "--vintage", "2023-05-01")
    assert done.status == 0, done.err
    assert (
        "TradeData.csv: layout web, vintage 2023-05-01, 2022-03, 1 reporter, HS6 10 rows read, 10 stored"
        in done.out
    )
    assert [row["partner"] for row in stored(tmp_path / LAKE)][:3] == ["KGZ", "KAZ", "RUS"]


def test_second_time_nothing_is_done(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    file = download()
    assert entrepot("ingest", "comtrade", file, "--lake", tmp_path / LAKE).status == 0
    again = entrepot("ingest", "comtrade", file, "--lake", tmp_path / LAKE)
    assert again.status == 0
    assert "already in the lake" in again.err
    assert len(stored(tmp_path / LAKE)) == 10


REFUSED = {
    "missing": (HEADER.replace("cmdCode,", ""), "the commodity (cmdCode)"),
    "renamed": (
        HEADER.replace("primaryValue", "TradeValueUSD").replace("cifvalue,fobvalue", "a,b"),
        "the value",
    ),
    "doubled": (HEADER.replace("partnerDesc", "partnerCode"), "two columns are called 'partnerCode'"),
    "tab header": (HEADER.replace(",", "\t"), "the header has 47 columns and the rows have 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_header_is_refused(
    case: str, entrepot: Callable, download: Callable, tmp_path: Path, is_untouched: Callable
) -> None:
    header, message = REFUSED[case]
    done = entrepot("ingest", "comtrade", download(header=header), "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert message in done.err
    assert "TradeData.csv" in done.err
    assert "hint:" in done.err
    assert is_untouched(tmp_path / LAKE)


def test_renamed_column_names_the_nearest(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    header = HEADER.replace("flowCode", "flowsCode")
    done = entrepot("ingest", "comtrade", download(header=header), "--lake", tmp_path / LAKE)
    assert "'flowsCode' looks like 'flowCode'" in done.err


BYTES = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\r\n\r\n", "the file is empty"),
    "header only": (HEADER.encode() + b"\r\n", "a header and no row"),
    "web page": (b"<!DOCTYPE html><html><body>The resource you are looking for", "web page"),
    "one column": (b"nothing\r\nhere\r\n", "no header of several columns"),
    "no mark": (HEADER.encode("utf-16-le"), "UTF-16 without a byte order mark"),
    "json message": (b'{"statusCode": 429, "message": "Rate limit is exceeded."}', "no list of rows"),
    "json empty": (b'{"elapsedTime":"0.2 secs","count":0,"data":[],"error":""}', "no rows"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_are_refused(case: str, entrepot: Callable, tmp_path: Path, is_untouched: Callable) -> None:
    content, message = BYTES[case]
    (tmp_path / "given.csv").write_bytes(content)
    done = entrepot("ingest", "comtrade", tmp_path / "given.csv", "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert message in done.err
    assert is_untouched(tmp_path / LAKE)


def test_missing_file_and_the_others_go_on(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    done = entrepot("ingest", "comtrade", tmp_path / "absent.csv", download(), "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "absent.csv" in done.err
    assert len(stored(tmp_path / LAKE)) == 10


def test_folder_and_pattern(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    download(name="in/b.csv", good=3)
    download(name="in/a[2023-01-03].csv", good=4)
    assert entrepot("ingest", "comtrade", tmp_path / "in", "--lake", tmp_path / LAKE).status == 0
    files = Lake.open(tmp_path / LAKE).files().to_pylist()
    assert {file["file_name"]: file["rows_stored"] for file in files} == {"a[2023-01-03].csv": 4, "b.csv": 3}
    assert str(next(f["vintage"] for f in files if f["rows_stored"] == 4)) == "2023-01-03"
    assert entrepot("ingest", "comtrade", tmp_path / "in" / "*.csv", "--lake", tmp_path / "two").status == 0
    assert Lake.open(tmp_path / "two").files().num_rows == 2


def test_truncated_gzip(
    entrepot: Callable, download: Callable, tmp_path: Path, is_untouched: Callable
) -> None:
    packed = gzip.compress(download().read_bytes())
    (tmp_path / "whole.csv.gz").write_bytes(packed)
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-20])
    done = entrepot("ingest", "comtrade", tmp_path / "cut.csv.gz", "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "cut short" in done.err
    assert is_untouched(tmp_path / LAKE)
    assert entrepot("ingest", "comtrade", tmp_path / "whole.csv.gz", "--lake", tmp_path / LAKE).status == 0


def test_zip(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.write(download(), "TradeData.csv")
    assert entrepot("ingest", "comtrade", tmp_path / "data.zip", "--lake", tmp_path / LAKE).status == 0
    assert len(stored(tmp_path / LAKE)) == 10


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_encodings(encoding: str, entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    row = {"partnerCode": "384", "partnerISO": "CIV", "partnerDesc": "Côte d'Ivoire"}
    done = entrepot("ingest", "comtrade", download(row, encoding=encoding), "--lake", tmp_path / LAKE)
    assert done.status == 0, done.err
    lake = Lake.open(tmp_path / LAKE)
    file_hash = lake.files()["file_hash"][0].as_py()
    assert lake.raw_row(file_hash, 11)["partnerDesc"] == "Côte d'Ivoire"
    if encoding != "utf-8-sig":
        assert "read as" in done.err


def test_a_file_in_place_of_the_source_is_told_whose_it_looks_like(
    entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    file = download()
    for paths in ((), (file,)):
        done = entrepot("ingest", file, *paths, "--lake", tmp_path / LAKE)
        assert done.status == 1
        assert f"entrepot ingest comtrade {file} --lake DIR" in done.err
    text = tmp_path / "notes.txt"
    text.write_text("nothing of use\n", encoding="utf-8")
    assert f"entrepot ingest SOURCE {text}" in entrepot("ingest", text, "--lake", tmp_path / LAKE).err
    assert not (tmp_path / LAKE).exists()


def test_a_source_without_files_is_asked_for_them(
    entrepot: Callable, download: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = entrepot("ingest", "comtrade", "--lake", tmp_path / LAKE)
    assert (done.status, "no files are given for the source 'comtrade'" in done.err) == (1, True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "comtrade").mkdir()  # a folder that is called like a source hides no source
    assert entrepot("ingest", "comtrade", download(), "--lake", tmp_path / LAKE).status == 0


def test_status_1_says_why(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    good, bad, broken = (
        download(),
        download({"partnerCode": "9999"}, name="TradeData_2.csv"),
        tmp_path / "x.csv",
    )
    broken.write_bytes(b"")
    done = entrepot("ingest", "comtrade", good, bad, broken, "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "2 of 3 files are in the lake; 1 failed" in done.err
    assert "--accept-quarantine where they are known" in done.err


def test_totals_of_all_goods_have_no_revision(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    total = {"cmdCode": "TOTAL", "aggrLevel": "0"}
    rows = [total, total | {"classificationCode": "H5", "period": "202103", "refYear": "2021"}]
    done = entrepot("ingest", "comtrade", download(*rows, good=0), "--lake", tmp_path / LAKE)
    assert done.status == 0, done.err
    assert "revision" not in done.err


def test_half_written_last_line(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    file = download()
    file.write_bytes(file.read_bytes()[:-60])
    done = entrepot("ingest", "comtrade", file, "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "the last line is broken: the file may be cut short" in done.err
    assert reasons(tmp_path / LAKE) == {"unreadable": 1}
    assert len(stored(tmp_path / LAKE)) == 9
    assert entrepot("ingest", "comtrade", file, "--lake", tmp_path / "two", "--accept-quarantine").status == 0


BAD_ROWS = {
    "unknown_area": {"partnerCode": "999999"},
    "unknown_hs_code": {"cmdCode": "77AB"},
    "unknown_flow": {"flowCode": "Q"},
    "unknown_revision": {"classificationCode": "S3"},
    "bad_period": {"period": "202213"},
    "negative_value": {"primaryValue": "-5"},
    "absurd_value": {"primaryValue": "200000000000000"},
    "bad_number": {"primaryValue": "12,5"},
    "missing_value": {"primaryValue": "", "fobvalue": ""},
    "breakdown_without_total": {"partnerCode": "40", "motCode": "2100"},
}


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_bad_row_goes_to_quarantine(
    reason: str, entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    done = entrepot("ingest", "comtrade", download(BAD_ROWS[reason]), "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert f"1 row in quarantine: {reason}; row 11: " in done.err
    assert reasons(tmp_path / LAKE) == {reason: 1}
    row = Lake.open(tmp_path / LAKE).quarantine().to_pylist()[0]
    assert row["row_number"] == 11
    published = json.loads(row["raw_line"])
    assert all(published[name] == (value or None) for name, value in BAD_ROWS[reason].items())
    assert len(stored(tmp_path / LAKE)) == 10


@pytest.mark.parametrize("text", ["abc", "1 000", "1e400", "nan", "inf", "12,5", "1_000x"])
@pytest.mark.parametrize("column", ["primaryValue", "netWgt", "qty"])
def test_text_in_numbers(
    text: str, column: str, entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    entrepot("ingest", "comtrade", download({column: text, "partnerCode": "40"}), "--lake", tmp_path / LAKE)
    assert reasons(tmp_path / LAKE) == {"bad_number": 1}


@pytest.mark.parametrize(("text", "hints"), [("1234,5", 1), ("1,234,567.8", 1), ("n/a", 0)])
def test_numbers_with_separators_are_said_to_be_so(
    text: str, hints: int, entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    rows = [{"primaryValue": text, "partnerCode": partner} for partner in ("40", "56", "276", "804")]
    done = entrepot("ingest", "comtrade", download(*rows, good=3), "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert f"row 4: bad_number, primaryValue {text}" in done.err
    assert done.err.count("save it with plain numbers, 1234567.8") == hints


def test_duplicate_keys(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    conflict = {"partnerCode": "417", "primaryValue": "77"}
    same = {"partnerCode": "398", "fobvalue": "11", "primaryValue": "11"}
    assert entrepot("ingest", "comtrade", download(conflict, same), "--lake", tmp_path / LAKE).status == 1
    rows = Lake.open(tmp_path / LAKE).quarantine().sort_by("row_number").to_pylist()
    assert [(row["row_number"], row["reason"]) for row in rows] == [
        (1, "duplicate_key"), (11, "duplicate_key"), (12, "duplicate_key"),
    ]  # fmt: skip
    assert "different values" in rows[0]["detail"]
    assert rows[2]["detail"] == "identical to row 2"
    assert [row["row_number"] for row in stored(tmp_path / LAKE)] == list(range(2, 11))


def test_totals_are_not_leaves(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    extra = (
        {"partnerCode": "0", "partnerISO": "W00"},
        {"partnerCode": "97"},
        {"motCode": "2100"},
        {"motCode": "3200"},
        {"customsCode": "C01"},
        {"partner2Code": "344"},
        {"mosCode": "1 "},
        {"mosCode": "-1", "partnerCode": "40"},
    )
    done = entrepot("ingest", "comtrade", download(*extra), "--lake", tmp_path / LAKE)
    assert done.status == 0, done.err
    roles = [row["role"] for row in stored(tmp_path / LAKE)]
    assert roles == ["leaf"] * 10 + ["aggregate"] * 2 + ["breakdown"] * 5 + ["leaf"]
    assert stored(tmp_path / LAKE)[15]["consignment_partner"] == "HKG"


def test_two_revisions_are_said(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    row = {"classificationCode": "H5", "period": "202103", "refYear": "2021"}
    done = entrepot("ingest", "comtrade", download(row), "--lake", tmp_path / LAKE)
    assert done.status == 0
    assert "several code revisions (HS2017, HS2022)" in done.err


def test_no_valid_row_is_refused(
    entrepot: Callable, download: Callable, tmp_path: Path, is_untouched: Callable
) -> None:
    file = download({"flowCode": "Q"}, {"partnerCode": "abc"}, good=0)
    done = entrepot("ingest", "comtrade", file, "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "none of the 2 rows is valid" in done.err
    assert is_untouched(tmp_path / LAKE)


def test_mostly_bad_file_is_refused(
    entrepot: Callable, download: Callable, tmp_path: Path, is_untouched: Callable
) -> None:
    bad = [{"cmdCode": code} for code in ("1", "333", "55555", "ABCDEF")]
    done = entrepot("ingest", "comtrade", download(*bad, good=3), "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "4 of 7 rows cannot be used: unknown_hs_code 4" in done.err
    assert is_untouched(tmp_path / LAKE)


def test_publishers_row_limit(
    entrepot: Callable, download: Callable, tmp_path: Path, is_untouched: Callable
) -> None:
    file = download(good=1)
    with Engine() as engine:
        engine.copy_to_parquet(
            "SELECT '202203' AS period, '156' AS reporterCode, 'X' AS flowCode, 'H6' AS classificationCode, "
            "'417' AS partnerCode, printf('%02d%04d', 1 + i // 10000, i % 10000) AS cmdCode, i AS primaryValue "
            "FROM range(100000) AS r (i)",
            file.with_suffix(".parquet"),
        )
    done = entrepot("ingest", "comtrade", file.with_suffix(".parquet"), "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "exactly 100,000 rows" in done.err
    assert is_untouched(tmp_path / LAKE)
    again = entrepot(
        "ingest", "comtrade", file.with_suffix(".parquet"), "--lake", tmp_path / LAKE, "--complete"
    )
    assert again.status == 0, again.err


def test_preview_of_500_rows(entrepot: Callable, tmp_path: Path) -> None:
    rows = [
        {"period": "2022", "reporterCode": 156, "flowCode": "X", "partnerCode": 417, "classificationCode": "H6",
         "cmdCode": f"85{i:04d}", "primaryValue": 5.0} for i in range(500)
    ]  # fmt: skip
    (tmp_path / "p.json").write_text(json.dumps({"count": 500, "data": rows, "error": ""}))
    done = entrepot("ingest", "comtrade", tmp_path / "p.json", "--lake", tmp_path / LAKE)
    assert done.status == 1
    assert "exactly 500 rows" in done.err


def test_json_cut_short(entrepot: Callable, tmp_path: Path) -> None:
    row = {"period": "2022", "reporterCode": 156, "flowCode": "X", "partnerCode": 417, "cmdCode": "85",
           "primaryValue": 5.0}  # fmt: skip
    text = json.dumps({"count": 2, "data": [row, row | {"partnerCode": 398}], "error": ""})
    for name, content in {
        "cut.json": text[:-60],
        "count.json": text.replace('"count": 2', '"count": 3'),
    }.items():
        (tmp_path / name).write_text(content)
        done = entrepot("ingest", "comtrade", tmp_path / name, "--lake", tmp_path / LAKE)
        assert done.status == 1
        assert name in done.err
        assert "JSON" in done.err or "count 3" in done.err


def test_unknown_source_and_bad_date(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    done = entrepot("ingest", "comtrad", download(), "--lake", tmp_path / LAKE)
    assert (done.status, "sources are comtrade" in done.err) == (1, True)
    done = entrepot("ingest", "comtrade", download(), "--lake", tmp_path / LAKE, "--vintage", "soon")
    assert (done.status, "is no date" in done.err) == (1, True)
    assert not (tmp_path / LAKE).exists()


def test_unknown_columns_are_kept_and_said(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(
        "period,reporterCode,flowCode,partnerCode,cmdCode,primaryValue,my note\n2022,156,X,417,85,5,hello\n"
    )
    done = entrepot("ingest", "comtrade", file, "--lake", tmp_path / LAKE)
    assert done.status == 0
    assert "columns kept as published and not used: my note" in done.err
    lake = Lake.open(tmp_path / LAKE)
    assert lake.raw_row(lake.files()["file_hash"][0].as_py(), 1)["my note"] == "hello"


def test_lineage_with_unreadable_lines_in_the_middle(
    entrepot: Callable, download: Callable, tmp_path: Path
) -> None:
    file = download()
    lines = file.read_bytes().split(b"\r\n")
    lines[3] = b'"C","M","cut'
    lines.insert(6, b"")
    lines[8] = lines[8] + b'"one","more",'
    file.write_bytes(b"\r\n".join(lines))
    assert entrepot("ingest", "comtrade", file, "--lake", tmp_path / LAKE).status == 1
    lake = Lake.open(tmp_path / LAKE)
    file_hash = lake.files()["file_hash"][0].as_py()
    rows = stored(tmp_path / LAKE)
    # An unterminated quote takes the text up to the next quote with it; what is stored must point home.
    assert rows
    for row in rows:
        published = lake.raw_row(file_hash, row["row_number"])
        assert float(published["primaryValue"]) == row["primary_value_usd"]
    register = lake.files().to_pylist()[0]
    assert register["rows_read"] == register["rows_stored"] + register["rows_quarantined"]


def test_counts_in_tables_agree(entrepot: Callable, download: Callable, tmp_path: Path) -> None:
    entrepot("ingest", "comtrade", download(*BAD_ROWS.values(), good=10), "--lake", tmp_path / LAKE)
    lake = Lake.open(tmp_path / LAKE)
    register = lake.files().to_pylist()[0]
    with Engine() as engine:
        flow = engine.rows(f"SELECT count(*) FROM {parquet(lake.table_files('core__flow'))}")[0][0]
    assert register["rows_stored"] == flow == 10
    assert register["rows_quarantined"] == lake.quarantine().num_rows == len(BAD_ROWS)
    assert register["rows_read"] == 10 + len(BAD_ROWS)


def test_a_file_of_another_source_is_told(entrepot: Callable, tmp_path: Path) -> None:
    samples = Path(str(files("entrepot.sources")))
    slips = {
        ("comtrade", "us_census/samples/imports.json"): "us_census",
        ("comext", "gacc/samples/chinese.csv"): "gacc",
        ("baci", "comext/samples/full_202403.dat"): "comext",
        ("wits", "comtrade/samples/web.csv"): "comtrade",
    }
    for (source, file), right in slips.items():
        done = entrepot("ingest", source, samples / file, "--lake", tmp_path / LAKE)
        assert done.status == 1
        assert f"hint: it looks like a file of {right}: entrepot ingest {right}" in done.err
    assert not (tmp_path / LAKE).exists()


def test_lists_in_an_unpacked_archive_are_left_aside(entrepot: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "BACI_HS17_V202501"
    folder.mkdir()
    name = "BACI_HS17_Y2022_V202501.csv"
    (folder / name).write_bytes((files("entrepot.sources.baci") / "samples" / name).read_bytes())
    (folder / "country_codes_V202501.csv").write_text("country_code,country_name\n4,Afghanistan\n")
    (folder / "product_codes_HS17_V202501.csv").write_text("code,description\n010121,Horses\n")
    (folder / "Readme.txt").write_text("about BACI\n")

    done = entrepot("ingest", "baci", folder, "--lake", tmp_path / LAKE)
    assert done.status == 0, done.err
    assert done.err.count("left aside") == 3
    assert len(stored(tmp_path / LAKE)) == 6

    (folder / "notes.csv").write_text("a,b\n1,2\n")
    assert entrepot("ingest", "baci", folder, "--lake", tmp_path / LAKE).status == 1

    alone = entrepot("ingest", "baci", folder / "Readme.txt", "--lake", tmp_path / "none")
    assert alone.status == 1
    assert "none of the files holds flows" in alone.err
    assert not (tmp_path / "none").exists()
