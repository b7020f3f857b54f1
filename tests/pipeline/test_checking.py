"""Every fault planted in a lake is found where it is, nothing else is, and a sound world passes."""

from __future__ import annotations

import csv
import math
from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.engine import ParquetFile
from entrepot.errors import OptionError
from entrepot.model.world import WorldOptions, build_world, write_comtrade
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.checking import CheckOptions, CheckReport, check_lake
from entrepot.schema import FLOW, CheckName, Severity
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.sources.registry import open_source
from entrepot.store import FileRows, Lake, Staging, staging
from entrepot.store.delta import replace_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_ROW = {
    "source": "test", "role": "leaf", "reporter": "CHN", "partner": "KGZ", "flow": "export",
    "partner_concept": "last_known_destination", "frequency": "M", "period": "2022-01", "hs_code": "854231",
    "hs_level": 6, "hs_revision": "HS2022", "primary_value_usd": 100.0, "valuation": "fob",
}  # fmt: skip


def plant(
    lake: Lake,
    changes: Iterable[dict[str, Any]],
    *,
    name: str = "a",
    vintage: date = date(2023, 1, 1),
    is_committed: bool = True,
    **entry: Any,
) -> str:
    """Put rows into a lake as an ingest does, whatever is in them; ``entry`` changes the register."""
    file_hash = name.rjust(64, "0")
    rows = [
        dict.fromkeys(FLOW.columns) | _ROW | {"row_number": number} | change
        for number, change in enumerate(changes, start=1)
    ]
    for row in rows:
        row |= {"year": int(row["period"][:4]), "vintage": vintage, "file_hash": file_hash}
    loose = pa.schema([pa.field(field.name, field.type) for field in FLOW.arrow_schema()])
    with Staging(lake, "test", file_hash, "raw_test__long") as open_staging:
        flow = []
        for year in sorted({row["year"] for row in rows}):
            path = open_staging.workspace.folder(FLOW.name) / f"{year}.parquet"
            table = pa.Table.from_pylist([row for row in rows if row["year"] == year], schema=loose)
            pq.write_table(table, path)
            partition = {"source": "test", "year": str(year)}
            flow.append(ParquetFile(path, table.num_rows, path.stat().st_size, partition))
        raw_path = open_staging.workspace.folder("raw_test__long") / "rows.parquet"
        pq.write_table(pa.table({"file_hash": [file_hash]}), raw_path)
        register = {
            "file_hash": file_hash, "file_name": name, "file_size": 1, "source": "test", "layout": "long",
            "raw_table": "raw_test__long", "vintage": vintage, "ingested_at": datetime.now(tz=UTC),
            "rows_read": len(rows), "rows_stored": len(rows), "rows_quarantined": 0,
        } | entry  # fmt: skip
        raw = ParquetFile(raw_path, 1, raw_path.stat().st_size)
        files = FileRows((raw,), (), tuple(flow), register)
        open_staging.commit(files, pa.schema([("file_hash", pa.string())]))
    return file_hash


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


def grave(report: CheckReport, *, least: Severity = Severity.WARNING) -> list[tuple[Any, ...]]:
    """Return check, reporter and period of the findings of a severity or worse."""
    worst = [Severity.ERROR, Severity.WARNING, Severity.NOTE]
    wanted = worst[: worst.index(least) + 1]
    return [
        (row["check"], row["reporter"], row["period"])
        for row in report.findings.to_pylist()
        if row["severity"] in wanted
    ]


def errors(lake: Lake, **options: Any) -> list[tuple[Any, ...]]:
    return grave(check_lake(lake, CheckOptions(**options)), least=Severity.ERROR)


def said(lake: Lake, check: CheckName) -> list[str]:
    rows = check_lake(lake).findings.to_pylist()
    return [row["finding"] for row in rows if row["check"] == check]


# --- values and keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"primary_value_usd": math.nan}, "primary_value_usd is NaN in 1 rows, first in row 2"),
        ({"net_weight_kg": math.inf}, "net_weight_kg is infinite in 1 rows"),
        ({"primary_value_usd": -1.0}, "primary_value_usd is negative"),
        ({"partner": None}, "partner is null"),
        ({"valuation": "ex works"}, "valuation is not one of the allowed words"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_that_break_the_contract(lake: Lake, fault: dict[str, Any], words: str) -> None:
    plant(lake, [{}, {"partner": "KAZ"} | fault])
    found = [row for row in check_lake(lake).findings.to_pylist() if row["check"] == CheckName.CONTRACT]
    assert len(found) == 1
    assert words in found[0]["finding"]
    assert (found[0]["severity"], found[0]["file_name"], found[0]["period"]) == ("error", "a", "2022-01")


def test_many_places_of_one_fault_are_counted(lake: Lake) -> None:
    plant(lake, [{"partner": "KAZ", "period": f"20{year}", "frequency": "A", "primary_value_usd": -1.0}
                 for year in range(10, 40)])  # fmt: skip
    found = [row for row in check_lake(lake).findings.to_pylist() if row["check"] == CheckName.CONTRACT]
    assert sum(row["rows"] for row in found) == 30
    assert len(found) == 21


def test_a_row_and_a_cell_that_stand_twice(lake: Lake) -> None:
    plant(lake, [{"row_number": 1}, {"row_number": 1, "partner": "KAZ"}], name="a")
    plant(lake, [{"period": "2022-02"}, {"period": "2022-02", "primary_value_usd": 30.0}], name="b")
    assert sorted(errors(lake)) == [
        (CheckName.DUPLICATE_CELL, "CHN", "2022-02"), (CheckName.DUPLICATE_KEY, "CHN", "2022-01"),
    ]  # fmt: skip
    # Rows of two procedures add up; the breakdown of a cell repeats it and never counts.
    sound = [{"customs_procedure": "normal"}, {"customs_procedure": "inward_processing"}]
    sound += [{"role": "breakdown"}, {"role": "breakdown"}]
    plant(lake, [row | {"period": "2022-03"} for row in sound], name="c")
    assert len(errors(lake)) == 2


# --- what must not be mixed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "check", "severity"),
    [
        ({"valuation": "cif"}, CheckName.VALUATION_MIXED, "error"),
        ({"reported_currency": "EUR", "reported_value": 90.0}, CheckName.CURRENCY_MIXED, "warning"),
        ({"hs_revision": "HS2017"}, CheckName.REVISION_MIXED, "warning"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_terms_that_differ_within_a_page(
    lake: Lake, fault: dict[str, Any], check: CheckName, severity: str
) -> None:
    plant(lake, [{}, {"partner": "KAZ"} | fault])
    plant(lake, [fault | {"period": "2022-02"}], name="b")  # another page may be otherwise
    found = {row["check"]: row for row in check_lake(lake).findings.to_pylist()}
    assert found[check]["severity"] == severity
    assert (found[check]["reporter"], found[check]["period"], found[check]["rows"]) == ("CHN", "2022-01", 2)


def test_units_of_one_code(lake: Lake) -> None:
    plant(lake, [{"quantity": 1.0, "quantity_unit": "u"},
                 {"quantity": 1.0, "quantity_unit": "kg", "partner": "KAZ"},
                 {"quantity": 1.0, "quantity_unit": "m2", "hs_code": "870121"}])  # fmt: skip
    assert said(lake, CheckName.UNIT_MIXED) == [
        "1 code has quantities in several units within a period, such as 854231 in kg and u"
    ]


# --- totals and parts -----------------------------------------------------------------------------------


def total(usd: float, **change: Any) -> dict[str, Any]:
    return {"hs_code": "TOTAL", "hs_level": 0, "primary_value_usd": usd} | change


def world(usd: float, **change: Any) -> dict[str, Any]:
    return {"role": "aggregate", "partner": "XWD", "primary_value_usd": usd} | change


def good(code: str, usd: float, **change: Any) -> dict[str, Any]:
    return {"hs_code": code, "hs_level": len(code), "primary_value_usd": usd} | change


def checked(lake: Lake, parts_of: str, level: int) -> dict[str, float]:
    rows = check_lake(lake).totals.to_pylist()
    (found,) = [row for row in rows if (row["parts_of"], row["hs_level"]) == (parts_of, level)]
    sums = ("named_usd", "confidential_usd", "unallocated_usd", "rounding_usd", "missing_usd")
    assert math.fsum(found[name] for name in sums) - found["surplus_usd"] == pytest.approx(found["total_usd"])
    return found


def test_a_total_is_explained_to_the_last_dollar(lake: Lake) -> None:
    plant(lake, [total(1000.0), good("854231", 600.0), good("39XXXX", 150.0), good("999999", 50.0),
                 good("870121", 120.5)])  # fmt: skip
    found = checked(lake, "codes", 0)
    assert (found["named_usd"], found["confidential_usd"], found["unallocated_usd"]) == (720.5, 150.0, 50.0)
    assert (found["missing_usd"], found["surplus_usd"], found["rounding_usd"]) == (79.5, 0.0, 0.0)


def test_rounding_is_judged_by_the_publishers_own_step(lake: Lake) -> None:
    in_thousands = [total(10_000.0), good("854231", 6_000.0), good("870121", 3_000.0)]
    plant(lake, in_thousands)
    assert checked(lake, "codes", 0)["rounding_usd"] == 1_000.0
    exact = [total(10_000.0, partner="KAZ"), good("854231", 6_000.0, partner="KAZ"),
             good("870121", 2_999.25, partner="KAZ")]  # fmt: skip
    plant(lake, [row | {"period": "2022-02"} for row in exact], name="b")
    rows = {row["period"]: row for row in check_lake(lake).totals.to_pylist()}
    assert (rows["2022-02"]["missing_usd"], rows["2022-02"]["rounding_usd"]) == (1000.75, 0.0)


def test_chapters_headings_and_codes_are_compared_step_by_step(lake: Lake) -> None:
    plant(lake, [total(100.0), good("85", 90.0), good("99", 10.0), good("8542", 70.0), good("8541", 20.0),
                 good("854231", 40.0), good("85XXXX", 25.0)])  # fmt: skip
    assert checked(lake, "codes", 0)["unallocated_usd"] == 10.0
    chapter = checked(lake, "codes", 2)
    assert (chapter["named_usd"], chapter["unallocated_usd"], chapter["missing_usd"]) == (90.0, 10.0, 0.0)
    heading = checked(lake, "codes", 4)
    # 8541 has no code below it, 8542 lacks 30; 25 of them are withheld in the chapter.
    assert (heading["named_usd"], heading["confidential_usd"], heading["missing_usd"]) == (40.0, 25.0, 25.0)


def test_national_codes_are_parts_of_six_digits(lake: Lake) -> None:
    parts = [{"hs_code": "854231", "hs_level": 8, "national_code": f"854231{end}", "primary_value_usd": usd}
             for end, usd in (("10", 60.0), ("90", 45.0))]  # fmt: skip
    plant(lake, [good("854231", 100.0), *parts])
    assert checked(lake, "codes", 6)["surplus_usd"] == 5.0


def test_partners_of_the_world(lake: Lake) -> None:
    plant(lake, [world(1000.0), good("854231", 500.0), good("854231", 300.0, partner="XQX"),
                 good("854231", 100.0, partner="XAN"), good("854231", 60.0, partner="XOA")])  # fmt: skip
    found = checked(lake, "partners", 6)
    assert (found["named_usd"], found["confidential_usd"], found["unallocated_usd"]) == (560.0, 300.0, 100.0)
    assert found["missing_usd"] == 40.0


def test_partners_by_origin_and_by_consignment(lake: Lake) -> None:
    by = [
        {"flow": "import", "valuation": "cif", "partner_concept": concept}
        for concept in ("origin", "consignment")
    ]
    whole = [world(100.0) | by[0], good("854231", 100.0) | by[0], world(100.0) | by[1]]
    far = good("854231", 30.0, partner="KAZ") | by[1]
    plant(lake, [*whole, good("854231", 70.0) | by[1], far])
    found = checked(lake, "partners", 6)
    assert (found["totals"], found["named_usd"], found["surplus_usd"]) == (2, 200.0, 0.0)


def test_members_by_consignment_and_others_by_origin_are_the_world_together(lake: Lake) -> None:
    plant(lake, [world(100.0, partner_concept="origin"), good("854231", 60.0, partner_concept="origin"),
                 good("854231", 40.0, partner="KAZ", partner_concept="consignment")])  # fmt: skip
    found = checked(lake, "partners", 6)
    assert (found["named_usd"], found["missing_usd"]) == (100.0, 0.0)


def test_a_null_total_is_missing(lake: Lake) -> None:
    plant(lake, [total(None), world(None), good("854231", 10.0)])
    assert len(said(lake, CheckName.TOTAL_MISSING)) == 2


# --- files ----------------------------------------------------------------------------------------------


def test_counts_of_the_register_and_of_the_tables(lake: Lake) -> None:
    plant(lake, [{}], rows_read=3, rows_stored=2)
    assert said(lake, CheckName.FILE_INCOMPLETE) == [
        "2 rows were written to core__flow, 1 are there",
        "of 3 rows read 2 were stored and 0 set aside",
    ]


def test_rows_set_aside_are_told_by_reason(tmp_path: Path) -> None:
    path = tmp_path / "TradeData.csv"
    names = list(COMTRADE_WEB)
    row = dict.fromkeys(names, "") | {
        "typeCode": "C", "freqCode": "M", "period": "202203", "reporterCode": "156", "flowCode": "X",
        "partner2Code": "0", "classificationCode": "H6", "cmdCode": "854231", "customsCode": "C00",
        "motCode": "0", "mosCode": "0", "primaryValue": "5",
    }  # fmt: skip
    rows = [row | {"partnerCode": code} for code in ("417", "398", "643", "9999")]
    rows += [row | {"partnerCode": "860", "period": "202213"}]
    lines = [",".join(names), *(",".join(one[name] for name in names) + "," for one in rows)]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="latin-1", newline="")
    ingest(open_source("comtrade"), [path], lake=tmp_path / "lake", options=IngestOptions(threads=1))
    found = [row for row in check_lake(Lake.open(tmp_path / "lake")).findings.to_pylist() if row["rows"] == 1]
    assert [row["finding"] for row in found if row["check"] == CheckName.QUARANTINE] == [
        "1 of 5 rows set aside: bad_period", "1 of 5 rows set aside: unknown_area",
    ]  # fmt: skip
    assert {row["severity"] for row in found} == {"error"}


def test_an_interrupted_ingest_is_told(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(lake, [{}], name="a")
    real = staging.replace_files

    def stops(folder: Path, **rest: Any) -> None:
        if folder.name == FLOW.name:
            raise KeyboardInterrupt
        real(folder, **rest)

    monkeypatch.setattr(staging, "replace_files", stops)
    with pytest.raises(KeyboardInterrupt):
        plant(lake, [{"partner": "KAZ"}], name="b")
    assert grave(check_lake(lake))[0] == (CheckName.FILE_UNFINISHED, None, None)
    assert check_lake(lake).is_passed


def test_rows_written_past_the_ingest_are_told(lake: Lake) -> None:
    plant(lake, [{}], name="a")
    path = lake.path / FLOW.name / "stray" / "rows.parquet"
    path.parent.mkdir()
    table = pq.read_table(lake.table_files(FLOW.name)[0])
    strange = table.set_column(table.schema.get_field_index("file_hash"), "file_hash", pa.array(["f" * 64]))
    pq.write_table(strange, path)
    file = ParquetFile(path, 1, path.stat().st_size, {"source": "test", "year": "2022"})
    replace_files(lake.path / FLOW.name, added=(file,))
    (words,) = said(lake, CheckName.FILE_INCOMPLETE)
    assert words == "rows of a file that the register does not know (ffffffffffff)"
    assert (CheckName.DUPLICATE_CELL, "CHN", "2022-01") in errors(lake)


def test_a_file_of_exactly_the_limit(lake: Lake) -> None:
    plant(lake, [{"partner": "KGZ", "hs_code": f"{code:06d}"} for code in range(500)])
    assert said(lake, CheckName.FILE_LIMIT) == ["the file has exactly 500 rows, a limit of publishers"]


def test_a_file_that_is_gone_stops_the_check(lake: Lake) -> None:
    plant(lake, [{"primary_value_usd": -1.0}])
    path = lake.table_files(FLOW.name)[0]
    path.unlink()
    report = check_lake(lake)
    assert grave(report) == [(CheckName.FILE_MISSING, None, None)]
    assert report.findings["file_name"].to_pylist() == [str(path.relative_to(lake.path))]
    assert not report.is_passed


def test_accepted_findings_are_notes(lake: Lake) -> None:
    plant(lake, [{"primary_value_usd": -1.0}])
    report = check_lake(lake, CheckOptions(accepted=(CheckName.CONTRACT,)))
    assert report.is_passed
    assert report.count(Severity.NOTE) == 1


def test_only_the_sources_asked_for(lake: Lake) -> None:
    plant(lake, [{"primary_value_usd": -1.0}])
    assert check_lake(lake, CheckOptions(sources=("other",))).rows == 0
    assert errors(lake, sources=("test",)) == [(CheckName.CONTRACT, "CHN", "2022-01")]


@pytest.mark.parametrize("option", [{"rows_changed": -0.1}, {"tolerance": 10}])
def test_shares_that_are_none_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="no share"):
        CheckOptions(**option)


# --- vintages -------------------------------------------------------------------------------------------


def month(period: str, codes: int) -> list[dict[str, Any]]:
    return [good(f"{code:06d}", 10.0, period=period) for code in range(1, codes + 1)]


def test_rows_lost_and_gained(lake: Lake) -> None:
    first = [*month("2022-01", 20), *month("2022-02", 20), *month("2022-03", 20), *month("2022-04", 20)]
    plant(lake, first, name="a", vintage=date(2022, 6, 1))
    later = [*month("2022-01", 19), *month("2022-02", 15), *month("2022-03", 40)]
    plant(lake, later, name="b", vintage=date(2022, 7, 1))
    plant(lake, [good("870121", 5.0, period="2022-04")], name="c", vintage=date(2022, 7, 1))  # a complement
    changes = [row for row in grave(check_lake(lake)) if row[0].startswith("rows")]
    assert changes == [(CheckName.ROWS_LOST, "CHN", "2022-02"), (CheckName.ROWS_GAINED, "CHN", "2022-03")]
    assert "15 rows, 20 in the vintage of 2022-06-01 (-25%)" in said(lake, CheckName.ROWS_LOST)
    assert errors(lake, rows_changed=0.04) == [
        (CheckName.ROWS_LOST, "CHN", "2022-01"), (CheckName.ROWS_LOST, "CHN", "2022-02"),
    ]  # fmt: skip


def test_a_period_that_vanished(lake: Lake) -> None:
    months = [f"2022-{number:02d}" for number in range(1, 9)]
    plant(lake, [row for one in months for row in month(one, 3)], name="a", vintage=date(2022, 10, 1))
    kept = [one for one in months if one != "2022-05"]
    plant(lake, [row for one in kept for row in month(one, 3)], name="b", vintage=date(2022, 11, 1))
    assert errors(lake) == [(CheckName.PERIOD_VANISHED, "CHN", "2022-05")]
    # Two months fetched again are no publication of the others between them.
    ends = [*month("2022-01", 3), *month("2022-08", 3)]
    plant(lake, ends, name="c", vintage=date(2022, 12, 1))
    assert errors(lake) == []


# --- worlds ---------------------------------------------------------------------------------------------

_WORLD = WorldOptions(
    areas=26, products=6, months=24, event_month=12, start="2021-01", seed=5, annual_reporters=2
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Comtrade files of a world with silent, late and annual reporters."""
    folder = tmp_path_factory.mktemp("world")
    write_comtrade(build_world(_WORLD), folder)
    return folder


def spoilt(folder: Path, target: Path, change: Callable[[dict[str, str]], dict[str, str] | None]) -> Path:
    """Write the files again, each row as ``change`` makes it, none where it returns None."""
    target.mkdir()
    for path in folder.iterdir():
        with (
            path.open(encoding="latin-1", newline="") as file,
            (target / path.name).open("w", encoding="latin-1", newline="") as out,
        ):
            names = file.readline().strip().split(",")
            out.write(",".join(names) + "\r\n")
            for values in csv.reader(file):
                made = change(dict(zip(names, values, strict=False)))
                if made is not None:
                    out.write("".join(f'"{made[name]}",' if made[name] else "," for name in names) + "\r\n")
    return target


def taken(folder: Path, lake: Path, vintage: date = date(2023, 6, 1)) -> Lake:
    report = ingest(
        open_source("comtrade"), [folder], lake=lake, options=IngestOptions(vintage=vintage, threads=1)
    )
    assert [file.error for file in report.failed] == []
    return Lake.open(lake)


def test_a_sound_world_passes_and_its_totals_add_up(published: Path, tmp_path: Path) -> None:
    report = check_lake(taken(published, tmp_path / "lake"))
    assert grave(report, least=Severity.NOTE) == []
    assert report.is_passed
    assert report.rows > 10_000
    totals = report.totals.to_pylist()
    kinds = {("codes", 0), ("partners", 0), ("partners", 6)}
    assert {(row["parts_of"], row["hs_level"]) for row in totals} == kinds
    assert sum(row["missing_usd"] + row["surplus_usd"] for row in totals) == 0.0


def _page(row: dict[str, str]) -> tuple[str, str, str]:
    return row["reporterISO"], row["period"], row["flowCode"]


def test_faults_planted_in_a_world_are_found_where_they_are(published: Path, tmp_path: Path) -> None:
    with (published / "TradeData_2021.csv").open(encoding="latin-1", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["flowCode"] == "X" and row["freqCode"] == "M"]
    who = [area for area, _ in Counter(row["reporterISO"] for row in rows).most_common(4)]

    def change(row: dict[str, str]) -> dict[str, str] | None:
        is_leaf = row["cmdCode"] != "TOTAL" and row["partnerISO"] != "W00"
        match _page(row):
            case (reporter, "202102", "X") if reporter == who[0] and is_leaf:  # half of the rows lost
                return None if float(row["primaryValue"]) % 2 else row
            case (reporter, "202103", "X") if reporter == who[1] and row["partnerISO"] == "W00":
                return None
            case (reporter, "202104", "X") if reporter == who[2] and row["cmdCode"] == "TOTAL":
                return row | {"primaryValue": str(float(row["primaryValue"]) * 0.8), "fobvalue": ""}
            case (reporter, "202105", "M") if (
                reporter == who[3] and is_leaf and float(row["primaryValue"]) % 2
            ):
                return row | {"cifvalue": "", "fobvalue": row["primaryValue"]}
        return row

    report = check_lake(taken(spoilt(published, tmp_path / "files", change), tmp_path / "lake"))
    found = set(grave(report))
    assert (CheckName.PARTS_MISSING, who[0], "2021-02") in found
    assert (CheckName.TOTAL_MISSING, who[1], "2021-03") in found
    assert (CheckName.PARTS_EXCEED_TOTAL, who[2], "2021-04") in found
    assert (CheckName.VALUATION_MIXED, who[3], "2021-05") in found
    assert {row[1:] for row in found} == {
        (area, f"2021-{month:02d}") for area, month in zip(who, range(2, 6), strict=True)
    }
    assert not report.is_passed


# --- real files -----------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_real_downloads_add_up(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "comtrade-raw"
    files = [folder / f"TradeData_{name}_raw.csv" for name in
             ("CHN_DEU_USA_2022_TOTAL_all_partners", "THA_imports_8542_2014_2024")]  # fmt: skip
    ingest(open_source("comtrade"), files, lake=tmp_path / "lake", options=IngestOptions(threads=1))
    report = check_lake(Lake.open(tmp_path / "lake"))
    totals = report.totals.to_pylist()
    assert {row["reporter"] for row in totals} == {"CHN", "DEU", "USA", "THA"}
    assert sum(row["missing_usd"] + row["surplus_usd"] for row in totals) == 0.0
    assert max(abs(row["rounding_usd"]) for row in totals) <= 3.0
    china = next(row for row in totals if (row["reporter"], row["flow"]) == ("CHN", "export"))
    assert round(china["total_usd"] / 1e9) == 3594
    assert report.is_passed
    assert [row["reporter"] for row in report.findings.to_pylist() if row["check"] == "unit_mixed"] == ["THA"]
