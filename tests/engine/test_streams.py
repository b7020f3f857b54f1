"""Parquet written batch by batch: what the first batch shows of a column is how the file encodes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.engine.streams import open_parquet

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 10_000
COLUMNS = pa.table(
    {
        "row_number": pa.array(range(1, ROWS + 1), pa.int64()),
        "code": [f"{n % 90:06d}" for n in range(ROWS)],
        "value": [n * 1.37 for n in range(ROWS)],
        "text": [f"{n * 7919}" for n in range(ROWS)],
    }
)


def test_columns_are_encoded_by_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with open_parquet(path, COLUMNS.schema) as write:
        for batch in COLUMNS.to_batches(max_chunksize=4_000):
            write(batch)
    assert pq.read_table(path).equals(COLUMNS)
    group = pq.read_metadata(path).row_group(0)
    encodings = {
        group.column(n).path_in_schema: set(group.column(n).encodings) for n in range(group.num_columns)
    }
    assert "RLE_DICTIONARY" in encodings["code"]
    assert "DELTA_BINARY_PACKED" in encodings["row_number"]
    assert "BYTE_STREAM_SPLIT" in encodings["value"]
    assert "DELTA_LENGTH_BYTE_ARRAY" in encodings["text"]
    assert not any("DICTIONARY" in one for name in ("value", "text") for one in encodings[name])


def test_a_file_of_no_batch_is_a_file_of_no_rows(tmp_path: Path) -> None:
    with open_parquet(tmp_path / "rows.parquet", COLUMNS.schema):
        pass
    assert pq.read_table(tmp_path / "rows.parquet").equals(COLUMNS.schema.empty_table())


def test_what_fails_before_the_first_batch_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_parquet(tmp_path / "rows.parquet", COLUMNS.schema):
        1 / 0  # noqa: B018
    assert not list(tmp_path.iterdir())
