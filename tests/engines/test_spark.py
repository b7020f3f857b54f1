"""The same answers on Spark as on DuckDB, from files to detours; work and kernels on its executors."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from entrepot.detect.options import DetourOptions
from entrepot.engine import Engine, SparkEngine, map_groups, parquet
from entrepot.errors import ContractError, CoverageError, OptionError
from entrepot.model.world import WorldOptions, build_world, write_comtrade
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.detours import find_detours, find_detours_in
from entrepot.pipeline.flows import FlowQuery, reconciled_flows, select_flows
from entrepot.pipeline.measured_flows import MeasuredFlows
from entrepot.pipeline.measuring import MeasureQuery, measure_lake
from entrepot.pipeline.revisions import RevisionChoice
from entrepot.reconcile import to_revision
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = DetourOptions(event="2021-07", spikes=4)


@pytest.fixture(scope="module")
def engine(spark) -> Iterator[SparkEngine]:
    with SparkEngine(spark) as made:
        yield made


# --- work and kernels


def test_work_comes_back_in_order_from_wherever_it_ran(engine) -> None:
    assert list(engine.each(lambda item: {"twice": 2 * item}, [5, 3, 4])) == [
        {"twice": 10},
        {"twice": 6},
        {"twice": 8},
    ]
    assert list(engine.each(lambda item: item, [])) == []


def test_our_own_errors_come_home_as_themselves(engine) -> None:
    def refuse(_: int) -> None:
        raise CoverageError("nothing there", where="2022", hint="look elsewhere")

    with pytest.raises(CoverageError, match="nothing there") as caught:
        list(engine.each(refuse, [1]))
    assert (caught.value.where, caught.value.hint) == ("2022", "look elsewhere")


def test_an_error_of_spark_is_one_of_ours(engine) -> None:
    frame = engine.arrow_frame(pa.table({"text": ["x"]}))
    with pytest.raises(ContractError, match="Spark"):
        engine.keep(frame.select(nw.col("text").cast(nw.Int64)), "numbers")


def test_what_is_kept_is_a_beginning(engine) -> None:
    """Plans of steps on one another stay short: a cached frame's would grow with every step."""
    kept = engine.arrow_frame(pa.table({"n": [1, 2, None]}))
    plans = []
    for step in range(4):
        grown = nw.concat([kept, kept], how="vertical").with_columns(nw.col("n") + 1)
        kept = engine.keep(grown, f"step_{step}")
        plans.append(len(kept.to_native()._jdf.queryExecution().toString()))
    assert max(plans) < 1.5 * plans[0]
    counted = kept.group_by("n").agg(nw.len().alias("rows")).collect("pyarrow").to_native().to_pylist()
    assert sorted((row["n"] or 0, row["rows"]) for row in counted) == [(0, 16), (5, 16), (6, 16)]


def kernel(group: pa.Table) -> pa.Table:
    values = group["v"].to_pylist()
    return pa.table({"total": [sum(values), len(values)], "k": group["k"].take([0, 0])})


@pytest.mark.parametrize("rows", [0, 40])
def test_a_kernel_over_groups_gives_the_same_on_spark(rows, engine) -> None:
    rng = np.random.default_rng(1)
    table = pa.table(
        {
            "k": pa.array([None if n == 3 else f"k{n}" for n in rng.integers(0, 5, rows)], pa.string()),
            "g": pa.array(rng.integers(0, 2, rows), pa.int64()),
            "v": pa.array(rng.integers(-9, 9, rows), pa.int64()),
        }
    )
    schema = pa.schema([("k", pa.string()), ("total", pa.int64())])
    found = map_groups(engine.arrow_frame(table), ["k", "g"], kernel, schema)
    assert found.equals(map_groups(table, ["k", "g"], kernel, schema).combine_chunks())


def test_a_kernel_that_breaks_its_contract_is_refused_on_spark(engine) -> None:
    frame = engine.arrow_frame(pa.table({"k": ["a"], "v": [1]}))
    with pytest.raises(ContractError, match="no columns z"):
        map_groups(frame, ["z"], kernel, pa.schema([("k", pa.string())]))
    with pytest.raises(ContractError, match="the kernel returned columns"):
        map_groups(frame, ["k"], kernel, pa.schema([("k", pa.string())]))


def test_codes_are_brought_to_a_revision_on_spark(engine, rows) -> None:
    table = pa.table(
        {
            "hs_code": ["880730", "854231", "999999", None],
            "hs_revision": ["HS2022", "HS2022", "HS2022", None],
            "value_usd": [5.0, 7.0, None, 2.0],
        }
    )
    weights = pa.table(
        {
            "source_revision": ["HS2022", "HS2022"], "source_code": ["880730", "880730"],
            "target_code": ["880330", "880320"], "weight": [0.75, 0.25],
        }
    )  # fmt: skip
    found = to_revision(
        engine.arrow_frame(table).to_native(), "HS2017", engine.arrow_frame(weights).to_native()
    )
    expected = to_revision(pl.from_arrow(table), "HS2017", pl.from_arrow(weights))
    assert rows(found) == rows(expected)


# --- from files to detours


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return a world's reports, one file twice, one whose rows are bad, and one that is not there."""
    folder = tmp_path_factory.mktemp("files")
    world = build_world(
        WorldOptions(
            areas=18, products=10, months=30, event_month=18, treated_origins=3, hubs=4, booming_hubs=2
        )
    )
    made = sorted(write_comtrade(world, folder))
    again = folder / "again.csv"
    again.write_bytes(made[0].read_bytes())
    lines = made[0].read_text(encoding="utf-8").splitlines()
    bad = folder / "bad.csv"
    bad.write_text("\n".join([lines[0], *(line.replace(",", ";", 3) for line in lines[1:5])]) + "\n")
    return [*made, again, bad, folder / "absent.csv"]


@pytest.fixture(scope="module")
def lakes(files, spark, tmp_path_factory: pytest.TempPathFactory):
    """Return by engine what ingest reported, and the lake."""
    found = {}
    for name in ("duckdb", "spark"):
        options = IngestOptions(engine=name, vintage=date(2023, 1, 1), memory_limit="500MB")
        folder = tmp_path_factory.mktemp(name) / "lake"
        report = ingest(open_source("comtrade"), files, lake=folder, options=options)
        found[name] = report, Lake.open(folder)
    return found


def test_every_file_has_the_same_end(lakes) -> None:
    told = {}
    for name, (report, _) in lakes.items():
        told[name] = [
            (
                file.path, file.status, file.file_hash, file.layout, file.rows_read, file.rows_stored,
                file.rows_quarantined, file.reasons, file.periods, file.levels, file.notes, str(file.error),
            )
            for file in report.files
        ]  # fmt: skip
    assert told["spark"] == told["duckdb"]
    statuses = [file.status for file in lakes["spark"][0].files]
    assert statuses[-3:] == ["already_in", "failed", "failed"]
    assert set(statuses[:-3]) == {"stored"}


def test_both_lakes_hold_the_same(lakes) -> None:
    held = {}
    for name, (_, lake) in lakes.items():
        with Engine(memory_limit="500MB", threads=1) as engine:
            rows = parquet(lake.table_files("core__flow"))
            held[name] = engine.rows(f"SELECT count(*), sum(hash(flow)) FROM (FROM {rows}) AS flow")
        register = lake.files().drop_columns(["ingested_at"]).sort_by("file_hash")
        held[name] += [register.to_pylist(), lake.quarantine().to_pylist()]
        assert not list((lake.path / "_tmp").iterdir())
    assert held["spark"] == held["duckdb"]


def assert_tables_equal(found: pa.Table, expected: pa.Table) -> None:
    assert found.column_names == expected.column_names
    assert found.num_rows == expected.num_rows > 0
    for name in expected.column_names:
        mine, theirs = found[name].to_pylist(), expected[name].to_pylist()
        if pa.types.is_floating(expected.schema.field(name).type):
            for a, b in zip(mine, theirs, strict=True):
                same = a is b is None or (a is not None and b is not None and math.isnan(a) and math.isnan(b))
                assert same or a == pytest.approx(b, rel=1e-9, abs=1e-9), name
        else:
            assert mine == theirs, name


@pytest.fixture(scope="module")
def found(lakes):
    """Return by engine the detours of its lake, and what was told."""
    results = {}
    for name, (_, lake) in lakes.items():
        notes: list[str] = []
        result = find_detours(lake, QUESTION, engine=name, memory_limit="500MB", tell=notes.append)
        results[name] = result, notes
    return results


def test_detours_are_equal_to_a_billionth(found) -> None:
    (here, here_told), (there, there_told) = found["duckdb"], found["spark"]
    assert here.headline.estimate_usd > 0
    order = [(name, "ascending") for name in ("origin", "hub", "destination", "hs_code", "kind")]
    assert_tables_equal(there.table.sort_by(order), here.table.sort_by(order))
    assert_tables_equal(there.series, here.series)
    assert_tables_equal(there.treated, here.treated)
    assert there.headline.estimate_usd == pytest.approx(here.headline.estimate_usd, rel=1e-9)
    assert there.calibration.recovered_share == pytest.approx(here.calibration.recovered_share, rel=1e-9)
    assert there_told == here_told


def test_what_the_codes_mean_is_told_alike(lakes, engine) -> None:
    """Reports of two revisions, none asked for: every part tells its own, together they tell it once."""
    notes: dict[str, list[str]] = {"duckdb": [], "spark": []}
    with Engine(memory_limit="500MB", threads=1) as duck:
        for name, where in (("duckdb", duck), ("spark", engine)):
            counted_reports(where, lakes[name][1], tell=notes[name].append)
    assert notes["spark"] == notes["duckdb"] != []


def test_flows_of_a_spark_frame_stay_on_its_session(lakes, found, engine) -> None:
    with Engine(memory_limit="500MB", threads=1) as duck:
        flows = reconciled_flows(duck, lakes["duckdb"][1]).collect("pyarrow").to_native()
    result = find_detours_in(engine.arrow_frame(flows).to_native(), QUESTION)
    assert_tables_equal(result.hubs, found["duckdb"][0].hubs)


def test_weighted_years_in_one_revision_are_equal(lakes) -> None:
    """Years are made of months, codes are shared by what the whole lake trades; ratios are learnt."""
    lake = lakes["duckdb"][1]
    query = FlowQuery(frequency="A", estimate="weighted", revision=RevisionChoice("HS2017", "learnt"))
    told: dict[str, list[str]] = {"duckdb": [], "spark": []}
    here, there = (
        select_flows(lake, query, engine=name, memory_limit="500MB", tell=told[name].append) for name in told
    )
    assert_tables_equal(there, here)
    assert told["spark"] == told["duckdb"]


@pytest.mark.parametrize("name", ["share", "growth"])
def test_measures_of_a_lake_are_equal(name, lakes) -> None:
    lake = lakes["duckdb"][1]
    query = MeasureQuery(name=name, flows=MeasuredFlows(book="exports", frequency="M"), by=("importer",))
    here, there = (
        measure_lake(lake, query, engine=engine, memory_limit="500MB") for engine in ("duckdb", "spark")
    )
    assert_tables_equal(there, here)


def test_what_spark_does_not_do_is_said(lakes) -> None:
    lake = lakes["duckdb"][1]
    with pytest.raises(OptionError, match="DuckDB alone"):
        select_flows(lake, FlowQuery(is_reconciled=False), engine="spark")
    with pytest.raises(OptionError, match="is no engine"):
        IngestOptions(engine="flink")
    with pytest.raises(OptionError, match="is no engine"):
        measure_lake(lake, MeasureQuery(name="share"), engine="flink")
    with pytest.raises(OptionError, match="is no engine"):
        find_detours(lake, QUESTION, engine="flink")
    with pytest.raises(CoverageError, match="no monthly reports"):
        find_detours(lake, QUESTION, engine="spark", choice=ReportChoice(as_of=date(2020, 1, 1)))
