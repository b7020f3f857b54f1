"""The table itself: headers, encodings, delimiters, containers, and files that are something else."""

from __future__ import annotations

import gzip
import zipfile
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.errors import EmptyFileError, HeaderError, InputFileError


def test_columns_with_awkward_names(read, long_mapping: str) -> None:
    mapping = long_mapping.replace('"value"', '"row_number"').replace('"partner"', "'the \"other\"; x'")
    table = 'reporter;"the ""other""; x";flow;period;product;row_number;cell;_wide__value\n'
    table += "DEU;KGZ;export;2022;27;5;a;b\n"
    assert read(mapping, table).only["primary_value_usd"] == 5


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda t: t.replace("partner", "Partners"), HeaderError, "did you mean Partners"),
        (lambda t: t.replace("product", "value"), HeaderError, "product"),
        (lambda t: t.replace("flow", "value"), HeaderError, "not in the file: flow"),
        (lambda t: t.splitlines()[0] + "\n", EmptyFileError, "no row"),
        (lambda t: "", EmptyFileError, "empty"),
        (lambda t: " \n\n", EmptyFileError, "empty"),
        (lambda t: "<!DOCTYPE html><html></html>", InputFileError, "HTML"),
        (lambda t: "<table><tr><td>1</td></tr></table>", InputFileError, "HTML"),
        (lambda t: "a\x00b", InputFileError, "binary"),
        (lambda t: "PK\x03\x04rest", InputFileError, ""),
    ],
)
def test_files_that_are_not_the_table(change, kind, said: str, read, long_mapping: str) -> None:
    table = "reporter,partner,flow,period,product,value\nDEU,KGZ,export,2022,27,5\n"
    assert read(long_mapping, table).only["reason"] is None
    with pytest.raises(kind) as caught:
        read(long_mapping, change(table))
    assert said in str(caught.value)


def test_a_column_that_stands_twice(read, long_mapping: str) -> None:
    table = "reporter,partner,flow,period,product,value,{}\nDEU,KGZ,export,2022,27,5,6\n"
    with pytest.raises(HeaderError, match="value stands twice"):
        read(long_mapping, table.format("Value"))
    assert read(long_mapping, table.format("note")).only["primary_value_usd"] == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(encoding: str, delimiter: str, read, long_mapping: str) -> None:
    text = "reporter,partner,flow,period,product,value\nDEU,Côte d’Ivoire,export,2022,27,5\n".replace(
        ",", delimiter
    )
    stated = f'[file]\nencoding = "{encoding}"\n' if encoding in {"cp1252", "gb18030"} else ""
    assert read(long_mapping + stated, text.encode(encoding)).only["partner"] == "CIV"


def test_an_unstated_encoding_is_asked_for(read, long_mapping: str) -> None:
    text = "reporter,partner,flow,period,product,value\nDEU,Curaçao,export,2022,27,5\n"
    with pytest.raises(InputFileError, match="cp1252"):
        read(long_mapping, text.encode("cp1252"))
    with pytest.raises(InputFileError, match="no text encoding is called"):
        read(long_mapping + '[file]\nencoding = "klingon"\n', text)


def test_titles_before_the_header_and_commas_after_the_rows(read, long_mapping: str) -> None:
    table = "Trade of 2022\n\nreporter,partner,flow,period,product,value\n"
    table += "DEU,KGZ,export,2022,27,5,\nDEU,KAZ,export,2022,27,6,\n"
    found = read(long_mapping + "[file]\nskip_lines = 1\n", table)
    assert [row["primary_value_usd"] for row in found.good] == [5, 6]
    assert [row["row_number"] for row in found.rows] == [1, 2]


def test_a_table_without_a_header(read, long_mapping: str) -> None:
    table = "DEU,KGZ,export,2022,27,5\nDEU,KAZ,export,2022,27,6\n"
    names = '[file]\nheader = ["reporter", "partner", "flow", "period", "product", "value"]\n'
    assert [row["primary_value_usd"] for row in read(long_mapping + names, table).good] == [5, 6]
    numbered = long_mapping
    for number, name in enumerate(("reporter", "partner", "flow", "period", "product", "value"), start=1):
        numbered = numbered.replace(f'"{name}"', f'"column_{number}"')
    assert len(read(numbered + "[file]\nheader = false\n", table).good) == 2


def test_gz_and_zip_are_unpacked(read, long_mapping: str, tmp_path) -> None:
    text = b"reporter,partner,flow,period,product,value\nDEU,KGZ,export,2022,27,5\n"
    assert read(long_mapping, gzip.compress(text), name="t.csv.gz").only["reason"] is None
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("t.csv", text)
    assert read(long_mapping, tmp_path / "t.zip").only["reason"] is None
    with pytest.raises(InputFileError, match="cut short"):
        read(long_mapping, gzip.compress(text)[:-20], name="u.csv.gz")


def test_parquet_of_any_type(read, long_mapping: str, tmp_path) -> None:
    table = pa.table(
        {
            "reporter": ["DEU"],
            "partner": [417],
            "flow": ["export"],
            "period": [date(2022, 3, 1)],
            "product": ["27"],
            "value": [5.25],
            "row_number": [9],
            "Value": [1],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    row = read(long_mapping, tmp_path / "t.parquet").only
    assert (row["period"], row["partner"], row["primary_value_usd"], row["row_number"]) == (
        "2022-03",
        "KGZ",
        5.25,
        1,
    )


def test_the_files_name_may_speak(read, long_mapping: str) -> None:
    mapping = long_mapping.replace('flow = "flow"', "").replace('period = "period"', "")
    mapping += (
        "[file_name]\npattern = '(?P<flow>import|export)_(?P<year>\\d{4})(?:_v(?P<vintage>[\\d-]+))?'\n"
    )
    table = "reporter,partner,product,value\nDEU,KGZ,27,5\n"
    found = read(mapping, table, name="import_2021_v2023-05-06.csv")
    assert (found.only["flow"], found.only["period"]) == ("import", "2021")
    assert found.layout.extra["vintage"] == "2023-05-06"
    assert "vintage" not in read(mapping, table, name="export_2021.csv").layout.extra
    with pytest.raises(InputFileError, match="does not fit"):
        read(mapping, table, name="trade.csv")
    with pytest.raises(InputFileError, match="not a date"):
        read(mapping, table, name="import_2021_v2023-15-06.csv")
