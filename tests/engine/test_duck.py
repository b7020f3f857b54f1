"""The engine: limits, quoting, Parquet, errors at the border."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import duckdb
import narwhals as nw
import pyarrow as pa
import pytest

from entrepot.engine import Engine, identifier, literal, parquet
from entrepot.engine.duck import engine_errors
from entrepot.errors import ContractError, InputFileError, LakeError

if TYPE_CHECKING:
    from pathlib import Path

AWKWARD = 'it\'s [2023-01-03] 100% * "x"?'


def test_tables_are_known_to_their_query_alone() -> None:
    table = pa.table({"a": [1, 2]})
    with Engine(threads=1) as engine:
        assert engine.sql("SELECT sum(a) AS s FROM given", given=table).to_pylist() == [{"s": 3}]
        with pytest.raises(ContractError, match="given"):
            engine.sql("FROM given")


def test_two_engines_share_nothing() -> None:
    with Engine() as one, Engine() as other:
        one.execute("CREATE TABLE t AS SELECT 1 AS a")
        with pytest.raises(ContractError):
            other.rows("FROM t")


def test_awkward_paths_and_names(tmp_path: Path) -> None:
    path = tmp_path / f"{AWKWARD}.parquet"
    with Engine() as engine:
        (written,) = engine.copy_to_parquet(
            f"SELECT 1 AS {identifier(AWKWARD)}, {literal(AWKWARD)} AS b", path
        )
        assert (written.path, written.rows, written.size) == (path, 1, path.stat().st_size)
        assert written.statistics[AWKWARD]["min"] == "1"
        assert engine.rows(f"FROM {parquet([path])}") == [(1, AWKWARD)]
        assert engine.rows(f"SELECT file_row_number FROM {parquet([path], with_row_number=True)}") == [(0,)]


def test_partitions(tmp_path: Path) -> None:
    with Engine() as engine:
        files = engine.copy_to_parquet(
            "SELECT 'a b' AS source, 2020 + i % 2 AS year, i FROM range(10) AS r (i)",
            tmp_path / "out",
            partition_by=("source", "year"),
        )
        assert sorted((file.partition["source"], file.partition["year"], file.rows) for file in files) == [
            ("a b", "2020", 5), ("a b", "2021", 5),
        ]  # fmt: skip
        rows = engine.rows(
            f"SELECT DISTINCT source, year FROM {parquet([file.path for file in files])} ORDER BY 2"
        )
    assert rows == [("a b", 2020), ("a b", 2021)]


def test_order_is_kept_on_request(tmp_path: Path) -> None:
    with Engine(threads=2) as engine:
        engine.copy_to_parquet(
            "SELECT i FROM range(300000) AS r (i)", tmp_path / "o.parquet", keeps_order=True
        )
        bad = engine.rows(
            f"SELECT count(*) FROM {parquet([tmp_path / 'o.parquet'], with_row_number=True)} WHERE i <> file_row_number"
        )
    assert bad == [(0,)]


def test_batches_stream() -> None:
    with Engine(memory_limit="200MB", threads=1) as engine:
        sizes = [
            batch.num_rows for batch in engine.batches("SELECT i FROM range(1000000) AS r (i)", rows=50_000)
        ]
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 60_000


def test_frame_is_lazy_and_narwhals() -> None:
    with Engine() as engine:
        frame = engine.frame("SELECT i % 3 AS k, i FROM range(10) AS r (i)")
        assert isinstance(frame, nw.LazyFrame)
        sums = frame.group_by("k").agg(nw.col("i").sum()).sort("k").collect().to_dict(as_series=False)
    assert sums == {"k": [0, 1, 2], "i": [18, 12, 15]}


def test_errors_are_ours(tmp_path: Path) -> None:
    with Engine(memory_limit="20MB", threads=1, temp_directory=tmp_path) as engine:
        with pytest.raises(ContractError, match="nothing") as caught:
            engine.rows("SELECT nothing FROM range(1)", where="testing")
        assert caught.value.where == "testing"
        with pytest.raises(LakeError, match=r"No files found|Cannot open"):
            engine.rows(f"FROM {parquet([tmp_path / 'absent.parquet'])}")
        with pytest.raises(InputFileError, match="Could not convert"):
            engine.rows("SELECT CAST(t AS INTEGER) FROM (VALUES ('x')) AS v (t)")
        with pytest.raises(LakeError, match="memory"):
            engine.rows("SELECT list(i ORDER BY hash(i)) FROM range(20000000) AS r (i)")


def test_ctrl_c_while_duckdb_calls_back_is_no_bad_input() -> None:
    def stop(_: int) -> int:
        raise KeyboardInterrupt

    with duckdb.connect() as connection:
        connection.create_function("stop", stop, ["INTEGER"], "INTEGER")
        with pytest.raises(KeyboardInterrupt), engine_errors("a query"):
            connection.sql("SELECT stop(1)").fetchall()


def test_ctrl_c_in_a_query_is_an_interruption_and_no_traceback_of_duckdb() -> None:
    script = """
from entrepot.engine import Engine
with Engine(threads=1) as engine:
    print("ready", flush=True)
    try:
        engine.rows("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5")
    except KeyboardInterrupt:
        print("interrupted")
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"
        assert process.wait(timeout=60) == 0


def test_no_network_extensions() -> None:
    with Engine() as engine:
        names = ("autoinstall_known_extensions", "autoload_known_extensions")
        assert [engine.rows(f"SELECT current_setting('{name}')")[0][0] for name in names] == [False, False]


def test_literals() -> None:
    values = [None, True, 7, 1.5, "o'clock"]
    with Engine() as engine:
        assert list(engine.rows(f"SELECT {', '.join(map(literal, values))}")[0]) == [
            None,
            True,
            7,
            1.5,
            "o'clock",
        ]
