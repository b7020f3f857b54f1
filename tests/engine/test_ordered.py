"""Ordered writing: every row once, in its place; what goes wrong on either side has its own error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from entrepot.engine import Engine
from entrepot.engine.duck import stream_error
from entrepot.engine.ordered import write_in_order
from entrepot.errors import InputFileError, LakeError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300_000


def test_rows_keep_their_order_over_many_groups(tmp_path: Path) -> None:
    query = f"SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE i::VARCHAR END AS t FROM range({ROWS}) AS r (i)"
    with Engine(threads=2) as engine:
        written = write_in_order(engine, query, tmp_path / "rows.parquet", rows_per_group=10_000)
    table = pq.read_table(written.path)
    assert table["i"].to_pylist() == list(range(ROWS))
    assert written.rows == ROWS
    assert written.statistics == {"i": {"null_count": "0"}, "t": {"null_count": str(ROWS // 3)}}
    assert written.size == written.path.stat().st_size
    assert pq.ParquetFile(written.path).num_row_groups == ROWS // 10_000


def test_no_rows_make_an_empty_file_with_columns(tmp_path: Path) -> None:
    with Engine() as engine:
        written = write_in_order(engine, "SELECT 'x' AS t WHERE FALSE", tmp_path / "rows.parquet")
    assert written.rows == 0
    assert pq.read_schema(written.path).names == ["t"]


def test_a_bad_row_far_down_is_an_error_of_the_data(tmp_path: Path) -> None:
    query = (
        f"SELECT CAST(CASE WHEN i = {ROWS - 9} THEN 'x' ELSE '1' END AS INTEGER) FROM range({ROWS}) AS r (i)"
    )
    with Engine(threads=1) as engine, pytest.raises(InputFileError, match="'x'") as caught:
        write_in_order(engine, query, tmp_path / "rows.parquet", where="file.csv", rows_per_group=5_000)
    assert caught.value.where == "file.csv"


def test_a_file_that_cannot_be_written_is_an_error_of_the_lake(tmp_path: Path) -> None:
    with Engine() as engine, pytest.raises(LakeError):
        write_in_order(engine, "SELECT 1 AS a", tmp_path / "nowhere" / "rows.parquet")


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("Out of Memory Error: could not allocate", LakeError, "out of memory"),
        ("IO Error: No space left on device", LakeError, "the disk is full"),
        ("IO Error: Could not read from file", LakeError, "IO Error"),
        ("Conversion Error: 'x'", InputFileError, "Conversion"),
    ],
)
def test_errors_of_a_stream_are_told_apart(text: str, kind: type[Exception], message: str) -> None:
    error = stream_error(text, "file.csv")
    assert isinstance(error, kind)
    assert message in str(error)
