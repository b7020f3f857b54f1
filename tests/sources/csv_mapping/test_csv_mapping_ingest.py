"""From a mapping and a file to a lake, through the pipeline."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from entrepot.engine import Engine
from entrepot.errors import EmptyFileError, HeaderError, MappingError, OptionError
from entrepot.pipeline.intake import ingest
from entrepot.schema import FlowKind
from entrepot.sources.base import Stated
from entrepot.sources.registry import open_source
from entrepot.store import Lake, compact, flows_sql, vacuum

SAMPLES = Path(str(files("entrepot.sources.csv_mapping"))) / "samples"
HEADER = "reporter,partner,flow,period,product,value\n"


@pytest.fixture
def take_in(tmp_path: Path, long_mapping: str):
    """Return a function that ingests one text table and gives the report of it."""

    def _take_in(table: str, mapping: str = long_mapping, *, lake: str = ""):
        (tmp_path / "own.toml").write_text(mapping, encoding="utf-8")
        (tmp_path / "t.csv").write_text(HEADER + table, encoding="utf-8")
        source = open_source(f"csv:{tmp_path / 'own.toml'}")
        folder = tmp_path / (lake or f"lake{len(list(tmp_path.glob('lake*')))}")
        (report,) = ingest(source, [tmp_path / "t.csv"], lake=folder).files
        return report

    return _take_in


def test_good_bad_and_unreadable_rows_are_counted(take_in) -> None:
    report = take_in(
        "DEU,KGZ,export,2022-01,27,5\nDEU,Atlantis,export,2022-01,27,5\nDEU,KAZ,export,2022-01,27,x\n"
        "DEU,UZB,export,2022-01,27,1\nDEU,TJK,export,2022-01\nDEU,GEO,export,2022-01,27,2\nDEU,ARM,export,2022-01,27,3\n"
    )
    assert report.status == "stored", report.error
    assert (report.rows_read, report.rows_stored, report.rows_quarantined) == (7, 4, 3)
    assert report.reasons == {"unknown_area": 1, "bad_number": 1, "unreadable": 1}


def test_rows_that_repeat_a_key_are_set_aside(take_in) -> None:
    report = take_in(
        "DEU,KGZ,export,2022,27,5\nDEU,KG,export,2022,27,5\nDEU,KAZ,export,2022,27,5\nDEU,UZB,export,2022,27,5\n"
    )
    assert report.reasons == {"duplicate_key": 1}


def test_a_table_of_many_years_is_found_again(take_in, tmp_path: Path) -> None:
    """The id of a mapping has a colon, which stands otherwise in a folder's name and in the lake's log."""
    years = range(2016, 2024)
    report = take_in("".join(f"DEU,KGZ,export,{year},27,{year}\n" for year in years))
    assert report.status == "stored", report.error
    take_in("DEU,KGZ,export,2016,28,9\n", lake="lake0")
    opened = Lake.open(tmp_path / "lake0")
    expected = sorted([("27", float(year)) for year in years] + [("28", 9.0)])

    def stored() -> list[tuple[str, float]]:
        with Engine() as engine:
            rows = engine.rows(f"SELECT hs_code, primary_value_usd FROM ({flows_sql(opened, engine)})")
        return sorted(rows)

    assert stored() == expected
    assert compact(opened) > 0
    assert stored() == expected
    frame = pl.scan_delta(str(tmp_path / "lake0" / "core__flow")).collect()
    assert sorted(frame.select("hs_code", "primary_value_usd").rows()) == expected
    vacuum(opened, keep_hours=0)
    assert stored() == expected


def test_rows_of_one_key_are_added_on_demand(take_in, read, long_mapping: str) -> None:
    """Provinces, customs regimes, means of transport: parts that the canonical row does not tell apart."""
    mapping = long_mapping.replace("[constants]", 'net_weight = "kg"\n[constants]').replace('"USD"', '"EUR"')
    parts = "DEU,KGZ,export,2022,27,5,1\nDEU,KG,export,2022,27,7,2\n"
    parts += "DEU,KAZ,export,2022,27,1,\nDEU,KAZ,export,2022,27,1,3\n"
    table = (
        HEADER.replace("value", "value,kg") + parts + "DEU,UZB,export,2022,27,4,\nDEU,UZB,export,2021,27,x,\n"
    )
    found = read(mapping + '[rows]\nduplicates = "add"\n', table)
    assert [(r["row_number"], r["reported_value"], r["net_weight_kg"], r["reason"]) for r in found.rows] == [
        (1, 12.0, 3.0, None),
        (3, 2.0, None, None),
        (5, 4.0, None, None),
        (6, None, None, "bad_number"),
    ]
    without_weights = "".join(line.rpartition(",")[0] + "\n" for line in parts.splitlines())
    report = take_in(without_weights, long_mapping + '[rows]\nduplicates = "add"\n')
    assert (report.status, report.rows_stored, report.rows_quarantined) == ("stored", 2, 0)
    assert (report.rows_added, report.rows_left_out) == (2, 0)


def test_a_sum_of_which_a_part_cannot_be_read_is_no_sum(take_in, long_mapping: str) -> None:
    parts = "DEU,KGZ,export,2022,27,5\nDEU,KGZ,export,2022,27,x\n"
    parts += "DEU,KAZ,export,2022,27,1\nDEU,KAZ,export,2022,27,2\n"
    parts += "DEU,UZB,export,2022,27,1\n"
    report = take_in(parts, long_mapping + '[rows]\nduplicates = "add"\n')
    assert report.reasons == {"bad_number": 1, "missing_value": 1}
    assert (report.rows_stored, report.rows_added) == (2, 1)


def test_the_user_states_what_the_mapping_leaves_open(tmp_path: Path, long_mapping: str) -> None:
    (tmp_path / "own.toml").write_text(long_mapping.replace('flow = "flow"\n', ""), encoding="utf-8")
    (tmp_path / "t.csv").write_text("reporter,partner,period,product,value\nDEU,KGZ,2022,27,5\n")
    name = f"csv:{tmp_path / 'own.toml'}"
    with pytest.raises(MappingError, match="gives flow") as caught:
        open_source(name)
    assert "--flow import or --flow export" in caught.value.hint
    (report,) = ingest(
        open_source(name, Stated(FlowKind.IMPORT)), [tmp_path / "t.csv"], lake=tmp_path / "l"
    ).files
    assert (report.status, report.layout) == ("stored", "long-import")
    assert "stated, not in the file: flow import" in report.notes
    (report,) = ingest(
        open_source(name, Stated(FlowKind.EXPORT)), [tmp_path / "t.csv"], lake=tmp_path / "l"
    ).files
    assert "read as long-import, not as long-export" in report.error.what
    by_name = long_mapping.replace('flow = "flow"\n', "")
    by_name += "[file_name]\npattern = '(?P<flow>import|export)'\n"
    (tmp_path / "named.toml").write_text(by_name, encoding="utf-8")
    with pytest.raises(OptionError, match="says the flow of its rows itself"):
        open_source(f"csv:{tmp_path / 'named.toml'}", Stated(FlowKind.EXPORT))
    with pytest.raises(OptionError, match="says the period"):
        open_source(name, Stated(FlowKind.EXPORT, "2022"))


WIDE = """\
id = "w"
[columns]
partner = "p"
[wide]
columns = "(?P<year>[0-9]+)"
[constants]
reporter = "KGZ"
flow = "export"
product = "TOTAL"
currency = "USD"
hs_revision = "by_year"
"""


@pytest.mark.parametrize(
    ("cells", "counts"),
    [("CHN,1,x\nKAZ,x,2\n", (2, 2, 0)), ("CHN,1,2\nKAZ,,\n", (2, 0, 1)), ("CHN,1,2\nKAZ,3,\n", (3, 0, 0))],
)
def test_every_cell_is_accounted_for_where_good_cells_are_as_many_as_rows(
    tmp_path: Path, cells: str, counts: tuple[int, int, int]
) -> None:
    (tmp_path / "w.toml").write_text(WIDE, encoding="utf-8")
    (tmp_path / "t.csv").write_text(f"p,2021,2022\n{cells}", encoding="utf-8")
    source = open_source(f"csv:{tmp_path / 'w.toml'}")
    (report,) = ingest(source, [tmp_path / "t.csv"], lake=tmp_path / "lake").files
    assert (report.rows_stored, report.rows_quarantined, report.rows_left_out) == counts


def test_a_wide_table_of_which_nothing_is_valid_is_refused_as_a_long_one(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(WIDE, encoding="utf-8")
    for number, (cells, what) in enumerate(
        [("Atlantis,1,2", "none of the 2 rows is valid"), ("CHN,,", "no row is left: all 1 have no value")]
    ):
        (tmp_path / f"{number}.csv").write_text(f"p,2021,2022\n{cells}\n", encoding="utf-8")
        source = open_source(f"csv:{tmp_path / 'w.toml'}")
        (report,) = ingest(source, [tmp_path / f"{number}.csv"], lake=tmp_path / "lake").files
        assert isinstance(report.error, EmptyFileError)
        assert report.error.what.startswith(what)


def test_rows_without_a_value_are_counted(tmp_path: Path, take_in, long_mapping: str) -> None:
    rows = "DEU,KGZ,export,2022,27,5\nDEU,KAZ,export,2022,27,:\nFRA,KGZ,export,2022,27,5\n"
    report = take_in(rows, long_mapping + '[rows]\nskip_missing = true\n[rows.keep]\nreporter = ["DEU"]\n')
    assert (report.rows_stored, report.rows_added, report.rows_left_out) == (1, 0, 2)
    assert any("HS revision" in note and "HS2022" in note for note in report.notes)


def test_rows_left_out_are_no_rows(take_in, long_mapping: str) -> None:
    table = "DEU,KGZ,export,2022,27,5\nDEU,KAZ,export,2022,27,:\nFRA,KGZ,export,2022,27,5\n"
    assert take_in(table).reasons == {"missing_value": 1}
    report = take_in(table, long_mapping + '[rows]\nskip_missing = true\n[rows.keep]\nreporter = ["DEU"]\n')
    assert (report.status, report.rows_read, report.rows_quarantined) in {
        ("stored", 1, 0),
        ("already_in", 0, 0),
    }


def test_a_table_of_which_nothing_is_valid_is_refused(take_in) -> None:
    report = take_in("DEU,KGZ,2,2022,27,5\n")
    assert isinstance(report.error, EmptyFileError)
    assert "flow 2" in report.error.hint


def test_a_table_that_the_mapping_does_not_fit_is_refused(take_in, long_mapping: str) -> None:
    report = take_in("DEU,KGZ,export,2022,27,5\n", long_mapping.replace('"value"', '"worth"'))
    assert isinstance(report.error, HeaderError)


@pytest.mark.realdata
def test_real_files_go_into_a_lake(realdata: Path, tmp_path: Path) -> None:
    for sample, name, rows, quarantined in (
        ("imf_wide", "imf-russia/RU_trade.csv", 3506, 0),
        ("armstat", "mirror-totals/armenia_armstat_by_country_monthly.csv", 22724, 189),
        ("wits", "wits-triangle-hs4/USA_17-20.csv", 1841, 0),
        ("comext_easy", "mirror-totals/national_imports_uzbek_yearly_eur.csv", 1175, 0),
    ):
        source = open_source(f"csv:{SAMPLES / sample}.toml")
        (report,) = ingest(source, [realdata / name], lake=tmp_path / "lake").files
        assert (report.status, report.rows_read, report.rows_quarantined) == ("stored", rows, quarantined)


@pytest.mark.realdata
def test_countries_that_stand_twice_count_once(realdata: Path, tmp_path: Path) -> None:
    """Kazakhstan's sheets repeat countries at their end: without the repeats the countries are the total."""
    path = realdata / "mirror-totals" / "kazakhstan_by_country_annual.csv"
    (report,) = ingest(open_source("kazakhstan"), [path], lake=tmp_path / "lake").files
    assert report.reasons == {"duplicate_key": 11}
    opened = Lake.open(tmp_path / "lake")
    assert {row["detail"].rpartition(" ")[0] for row in opened.quarantine().to_pylist()} == {
        "identical to row"
    }
    with Engine() as engine:
        rows = engine.rows(
            f"SELECT flow, year, sum(primary_value_usd) FILTER (role = 'leaf'), "
            f"any_value(primary_value_usd) FILTER (partner = 'XWD') FROM ({flows_sql(opened, engine)}) "
            "WHERE year BETWEEN 2020 AND 2023 GROUP BY ALL"
        )
    assert len(rows) == 8
    for flow, year, countries, total in rows:
        assert countries == pytest.approx(total, rel=1e-9), (flow, year)
