"""A publisher's file through recognition, staging and the query, on the real engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.engine import Engine, stage_text
from entrepot.engine.container import fingerprint
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.inputs import make_readable
from entrepot.schema import FLOW, QuarantineReason
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entrepot.sources.base import Layout, Source


@dataclass(frozen=True)
class Read:
    """Rows in the order of the file, how many lines it has, unreadable ones, and the layout."""

    rows: list[dict[str, Any]]
    staged: int
    unreadable: int
    layout: Layout

    @property
    def good(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["reason"] is None]

    def check(self) -> None:
        """Every line is there once, good or with its reason; a good row holds what its contract asks."""
        assert [row["row_number"] for row in self.rows] == sorted({row["row_number"] for row in self.rows})
        assert len(self.rows) == self.staged
        columns = {column.name: column for column in FLOW.column_contracts()}
        for row in self.rows:
            if row["reason"] is not None:
                QuarantineReason(row["reason"])
                assert row["detail"]
                continue
            for name, value in row.items():
                column = columns.get(name)
                if column is None:
                    continue
                assert value is not None or column.is_nullable, (name, row)
                if value is not None and column.allowed is not None:
                    column.allowed(value)
                if value is not None and column.minimum is not None:
                    assert column.minimum <= value < float("inf"), (name, row)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="500MB", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def read_file(engine: Engine) -> Callable[..., Read]:
    """Return a reader of a file; temporary files go beside it."""

    def read(source: Source, path: Path) -> Read:
        layout = source.recognise(path)
        readable = make_readable(path, layout, fingerprint(path), path.parent)
        staged = stage_text(
            engine, readable.path, path.parent / "rows.parquet", readable.form, constants={"file_hash": "0"}
        )
        for name, table in source.reference_tables().items():
            engine.register(name, table)
        query = source.canonical_sql(layout, f"({staged.query()})")
        rows = engine.sql(f"SELECT * FROM ({query}) ORDER BY row_number, cell").to_pylist()
        return Read(rows, staged.file.rows, staged.unreadable.num_rows, layout)

    return read


@pytest.fixture
def take_in(tmp_path: Path) -> Callable:
    """Return a function that takes files into one lake: the last report, and what counts in the lake."""

    def take(source: Source, *paths: Path) -> tuple[Any, list[dict[str, Any]]]:
        report = ingest(source, paths, lake=tmp_path / "lake", options=IngestOptions(memory_limit="500MB"))
        lake = Lake.open(tmp_path / "lake")
        with Engine(memory_limit="500MB") as opened:
            order = "ORDER BY source, period, row_number"
            rows = opened.sql(f"SELECT * FROM ({flows_sql(lake, opened)}) {order}").to_pylist()
        for file in lake.files().to_pylist():
            assert file["rows_read"] == file["rows_stored"] + file["rows_quarantined"]
        return report.files[-1], rows

    return take
