"""The vintage rule against an obvious twin, in every order of ingest, before and after compaction."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.engine import Engine, ParquetFile
from entrepot.errors import CoverageError, LakeError
from entrepot.schema import FILE, FLOW, QUARANTINE
from entrepot.store import FileRows, Lake, Staging, compact, earlier_flows_sql, flows_sql, vacuum
from entrepot.store.delta import create_table

if TYPE_CHECKING:
    from pathlib import Path

    Rows = list[tuple[str, str, str]]

RAW = "raw_test__long"


def flow_row(
    file_hash: str, number: int, vintage: date, row: tuple[str, str, str], value: float
) -> dict[str, object]:
    period, partner, code = row
    return {
        "source": "test", "year": int(period[:4]), "vintage": vintage, "file_hash": file_hash, "row_number": number,
        "cell": None, "role": "leaf", "reporter": "CHN", "partner": partner,
        "partner_concept": "last_known_destination", "consignment_partner": None, "flow": "export",
        "frequency": "M", "period": period, "hs_code": code, "hs_level": 6, "hs_revision": "HS2022",
        "national_code": None, "primary_value_usd": value, "valuation": "fob", "reported_value": None,
        "reported_currency": None, "net_weight_kg": None, "is_net_weight_estimated": None, "quantity": None,
        "quantity_unit": None, "is_quantity_estimated": None,
    }  # fmt: skip


def put(
    lake: Lake,
    name: str,
    vintage: date,
    rows: Rows,
    *,
    is_committed: bool = True,
    lacks: tuple[str, ...] = (),
    inside: str = "",
) -> str:
    """Take rows in as the ingest does; the value says which file and cell it is."""
    file_hash = name.rjust(64, "0")
    with Staging(lake, "test", file_hash, RAW) as staging:
        years: dict[str, list[dict[str, object]]] = {}
        for number, row in enumerate(rows, start=1):
            years.setdefault(row[0][:4], []).append(flow_row(file_hash, number, vintage, row, float(number)))
        flow = []
        for year, found in years.items():
            path = staging.workspace.folder(FLOW.name) / inside / f"{year}.parquet"
            path.parent.mkdir(exist_ok=True)
            table = pa.Table.from_pylist(found, schema=FLOW.arrow_schema())
            pq.write_table(table.drop_columns(list(lacks)), path)
            flow.append(ParquetFile(path, len(found), path.stat().st_size, {"source": "test", "year": year}))
        raw_path = staging.workspace.folder(RAW) / "rows.parquet"
        raw = pa.table({"file_hash": [file_hash] * len(rows), "line": ["|".join(row) for row in rows]})
        pq.write_table(raw, raw_path)
        register = {
            "file_hash": file_hash, "file_name": name, "file_size": 1, "source": "test", "layout": "long",
            "raw_table": RAW, "vintage": vintage, "ingested_at": datetime.now(tz=UTC), "rows_read": len(rows),
            "rows_stored": len(rows), "rows_quarantined": 0,
        }  # fmt: skip
        if is_committed:
            raw_file = ParquetFile(raw_path, len(rows), raw_path.stat().st_size)
            staging.commit(FileRows((raw_file,), (), tuple(flow), register), raw.schema)
    return file_hash


def seen(lake: Lake, as_of: date | None = None) -> set[tuple[str, str, str, str]]:
    with Engine(memory_limit="500MB", threads=2) as engine:
        query = flows_sql(lake, engine, as_of=as_of)
        rows = engine.rows(f"SELECT ltrim(file_hash, '0'), period, partner, hs_code FROM ({query})")
    assert len(rows) == len(set(rows))
    return set(rows)


def expected(
    files: list[tuple[str, date, Rows]], as_of: date | None = None
) -> set[tuple[str, str, str, str]]:
    """Say the rule as it is written: a row counts unless a later file has its cell or republishes its slice."""
    kept = set()
    dated = sorted((file for file in files if as_of is None or file[1] <= as_of), key=lambda file: file[1])
    for place, (name, _, rows) in enumerate(dated):
        for row in rows:
            mine = {cell for cell in rows if cell[0] == row[0]}
            later = [{cell for cell in other if cell[0] == row[0]} for _, _, other in dated[place + 1 :]]
            is_old = any(row in cells or len(mine & cells) >= len(mine) / 2 for cells in later if cells)
            if not is_old:
                kept.add((name, *row))
    return kept


CELLS = st.tuples(
    st.sampled_from(["2021-12", "2022-01"]), st.sampled_from(["KGZ", "KAZ"]), st.sampled_from(["854231", "854232", "870323"])
)  # fmt: skip


def earlier(lake: Lake) -> set[tuple[str, str, str, str]]:
    with Engine(memory_limit="500MB", threads=2) as engine:
        query = earlier_flows_sql(lake, engine)
        rows = engine.rows(f"SELECT ltrim(file_hash, '0'), period, partner, hs_code FROM ({query})")
    assert len(rows) == len(set(rows))
    return set(rows)


def expected_earlier(files: list[tuple[str, date, Rows]]) -> set[tuple[str, str, str, str]]:
    """Say it slowly: what counted on the day before the latest vintage of each period."""
    found = set()
    for period in {row[0] for _, _, rows in files for row in rows}:
        latest = max(vintage for _, vintage, rows in files if any(row[0] == period for row in rows))
        before = expected(files, latest - timedelta(days=1))
        found |= {row for row in before if row[1] == period}
    return found


FILES = st.lists(st.lists(CELLS, min_size=1, max_size=8, unique=True), min_size=2, max_size=4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=FILES, seed=st.randoms(use_true_random=False))
def test_any_order_gives_the_answer_of_the_rule(
    contents: list[Rows], seed: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = [(f"{i + 1}", date(2023, 1, 1) + timedelta(days=i), rows) for i, rows in enumerate(contents)]
    order = list(files)
    seed.shuffle(order)
    lake = Lake.create(tmp_path_factory.mktemp("lake"))
    for name, vintage, rows in order:
        put(lake, name, vintage, rows)
    middle = files[len(files) // 2][1]
    assert seen(lake) == expected(files)
    assert seen(lake, middle) == expected(files, middle)
    compact(lake)
    vacuum(lake, keep_hours=0)
    assert seen(lake) == expected(files)
    assert seen(lake, middle) == expected(files, middle)
    assert earlier(lake) == expected_earlier(files)
    assert lake.files().num_rows == len(files)


def rows_of(period: str, partner: str, *codes: int) -> Rows:
    return [(period, partner, f"{code:06d}") for code in codes]


def test_complementary_files_stand_side_by_side(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    put(lake, "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1, 2, 3))
    put(lake, "b", date(2023, 2, 1), rows_of("2022-01", "KAZ", 1, 2, 3) + rows_of("2022-01", "KGZ", 3))
    assert {row[0] for row in seen(lake)} == {"a", "b"}
    assert len(seen(lake)) == 6
    assert ("b", "2022-01", "KGZ", "000003") in seen(lake)


def test_republished_slice_withdraws_what_it_lacks(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    put(lake, "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1, 2, 3, 4))
    put(lake, "b", date(2023, 2, 1), rows_of("2022-01", "KGZ", 1, 2))
    assert {row[0] for row in seen(lake)} == {"b"}
    assert {row[0] for row in seen(lake, date(2023, 1, 15))} == {"a"}
    assert seen(lake, date(2022, 1, 1)) == set()


def test_single_files_are_read_without_a_join(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    put(lake, "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1))
    put(lake, "b", date(2023, 1, 1), rows_of("2022-02", "KGZ", 1))
    with Engine() as engine:
        assert "JOIN" not in flows_sql(lake, engine)


def test_uncommitted_file_is_invisible_and_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    put(lake, "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1), is_committed=False)
    assert lake.files().num_rows == 0
    assert seen(lake) == set()
    assert not [file for file in tmp_path.rglob("*.parquet") if "_delta_log" not in file.parts]


def test_partitions_are_chosen(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    put(lake, "a", date(2023, 1, 1), rows_of("2021-01", "KGZ", 1) + rows_of("2022-01", "KGZ", 1))
    assert len(lake.table_files("core__flow", years=[2021])) == 1
    assert lake.table_files("core__flow", sources=["other"]) == []
    with Engine() as engine:
        assert engine.rows(f"SELECT period FROM ({flows_sql(lake, engine, years=[2022])})") == [("2022-01",)]
        empty = engine.sql(flows_sql(lake, engine, sources=["other"]))
    assert empty.schema.names == list(FLOW.columns)
    assert empty.num_rows == 0


def test_raw_row_survives_compaction(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    hashes = [
        put(lake, name, date(2023, 1, 1), rows_of(f"2022-0{i}", "KGZ", 1, 2))
        for i, name in enumerate("abc", 1)
    ]
    assert compact(lake) == 4
    vacuum(lake, keep_hours=0)
    assert lake.raw_row(hashes[1], 2) == {"line": "2022-02|KGZ|000002"}
    with pytest.raises(CoverageError, match="no row 3"):
        lake.raw_row(hashes[1], 3)
    with pytest.raises(CoverageError, match="no file"):
        lake.raw_row("f" * 64, 1)


def test_no_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="does not exist"):
        Lake.open(tmp_path / "absent")
    with pytest.raises(LakeError, match="no lake"):
        Lake.open(tmp_path)
    with pytest.raises(LakeError, match="not in an object store"):
        Lake.open("s3://bucket/lake")


def test_others_can_read_the_tables(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    put(lake, "a", date(2023, 1, 1), rows_of("2021-01", "KGZ", 1) + rows_of("2022-01", "KGZ", 1, 2))
    frame = pl.scan_delta(str(lake.path / "core__flow")).collect()
    assert frame.height == 3
    assert set(frame.columns) == set(FLOW.columns)
    assert sorted(frame["year"].to_list()) == [2021, 2022, 2022]


def test_folders_with_signs_of_urls_are_found(tmp_path: Path) -> None:
    """DuckDB writes ``source=csv:own`` as ``csv%3A``, and the log of a table writes that as ``csv%253A``."""
    lake = Lake.create(tmp_path)
    for day, name in enumerate("ab", start=1):
        put(lake, name, date(2023, 1, day), rows_of("2022-01", "KGZ", day), inside="source=csv%3Aown")
    assert "csv%253A" in "".join(path.read_text() for path in tmp_path.glob(f"{FLOW.name}/_delta_log/*.json"))
    expected_rows = {("a", "2022-01", "KGZ", "000001"), ("b", "2022-01", "KGZ", "000002")}
    assert seen(lake) == expected_rows
    assert compact(lake) > 0
    assert len(lake.table_files(FLOW.name)) == 1
    assert vacuum(lake, keep_hours=0) > 0
    assert seen(lake) == expected_rows


#: Columns that a lake of an earlier version does not have.
LACKED = ("consignment_partner", "customs_procedure")


def earlier_lake(folder: Path, lacks: tuple[str, ...]) -> Lake:
    """Make a lake as it was before columns were added to its flows."""
    fields = [field for field in FLOW.arrow_schema() if field.name not in lacks]
    create_table(folder / FLOW.name, pa.schema(fields), FLOW.partition_by)
    lake = Lake(folder)
    lake.locks.mkdir()
    for table in (FILE, QUARANTINE):
        create_table(folder / table.name, table.arrow_schema())
    return lake


def test_a_lake_of_an_earlier_version_is_read_with_nulls(tmp_path: Path) -> None:
    lake = earlier_lake(tmp_path, LACKED)
    put(lake, "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1, 2, 3), lacks=LACKED)
    put(lake, "b", date(2023, 2, 1), rows_of("2022-01", "KGZ", 1, 2), lacks=LACKED)
    opened = Lake.open(tmp_path)
    assert {row[0] for row in seen(opened)} == {"b"}
    with Engine() as engine:
        rows = engine.sql(flows_sql(opened, engine))
    assert rows.schema.types == FLOW.arrow_schema().types
    assert rows.schema.names == list(FLOW.columns)
    assert [rows[name].null_count for name in LACKED] == [2, 2]


def test_an_earlier_lake_takes_new_files(tmp_path: Path) -> None:
    """Old and new files stand side by side; an old report and its new issue are one cell."""
    put(earlier_lake(tmp_path, LACKED), "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1, 2), lacks=LACKED)
    lake = Lake.create(tmp_path)
    put(lake, "b", date(2023, 2, 1), rows_of("2022-01", "KGZ", 2) + rows_of("2022-01", "KAZ", 1))
    expected_rows = {("b", "2022-01", "KGZ", "000002"), ("b", "2022-01", "KAZ", "000001")}
    assert seen(lake) == expected_rows
    assert set(pl.scan_delta(str(tmp_path / FLOW.name)).collect().columns) == set(FLOW.columns)
    assert compact(lake) > 0
    assert seen(lake) == expected_rows


def test_a_lake_without_a_column_that_is_never_null_is_refused(tmp_path: Path) -> None:
    lake = earlier_lake(tmp_path, ("valuation",))
    put(lake, "a", date(2023, 1, 1), rows_of("2022-01", "KGZ", 1), lacks=("valuation",))
    with pytest.raises(LakeError, match="another version of entrepot: core__flow has no valuation") as error:
        seen(lake)
    assert "ingest" in error.value.hint
