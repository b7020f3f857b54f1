"""Fixtures of the sources' tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.engine import Engine
from entrepot.engine.container import fingerprint
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.inputs import make_readable, stage
from entrepot.schema import FLOW, QuarantineReason
from entrepot.sources.comtrade import ComtradeSource
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entrepot.sources.base import Layout, Source


@pytest.fixture
def taken_in(tmp_path: Path) -> Callable:
    """Return a function that takes a Comtrade file into a new lake: its report, and the rows stored."""
    count = iter(range(1000))

    def take(path: Path) -> tuple[object, list[dict[str, object]]]:
        folder = tmp_path / f"lake{next(count)}"
        options = IngestOptions(memory_limit="500MB", is_complete=True)
        report = ingest(ComtradeSource(), [path], lake=folder, options=options)
        lake = Lake.open(folder)
        with Engine() as engine:
            rows = engine.sql(f"SELECT * FROM ({flows_sql(lake, engine)}) ORDER BY row_number").to_pylist()
        return report.files[0], rows

    return take


@dataclass(frozen=True)
class Judged:
    """Rows that a source's query makes of a file, how many rows that has, unreadable ones, and the layout."""

    rows: list[dict[str, Any]]
    staged: int
    unreadable: int
    layout: Layout

    @property
    def good(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["reason"] is None]

    @property
    def reasons(self) -> list[str | None]:
        return [row["reason"] for row in self.rows]

    @property
    def only(self) -> dict[str, Any]:
        (row,) = self.rows
        return row

    @property
    def faults(self) -> list[tuple[int, str, str]]:
        return [(row["row_number"], row["reason"], row["detail"]) for row in self.rows if row["reason"]]

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

    @property
    def accounted(self) -> int:
        """Rows of the file that the canonical rows stand for."""
        return sum(row.get("parts") or 1 for row in self.rows)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="1GB", threads=2) as opened:
        yield opened


@pytest.fixture(scope="session")
def judge_file(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Judged]:
    """Return a function that takes a file through recognition, staging and the source's query."""

    def judge(source: Source, path: Path, folder: Path | None = None) -> Judged:
        folder = folder or tmp_path_factory.mktemp("judged")
        layout = source.recognise(path)
        readable = make_readable(path, layout, fingerprint(path), folder)
        staged, _ = stage(
            engine, readable, folder / "rows.parquet", constants={"file_hash": "0"}, path=path, scratch=folder
        )
        for name, table in source.reference_tables().items():
            engine.register(name, table)
        query = source.canonical_sql(layout, f"({staged.query()})")
        rows = engine.sql(f"SELECT * FROM ({query}) ORDER BY row_number, cell::VARCHAR").to_pylist()
        return Judged(rows, staged.file.rows, staged.unreadable.num_rows, layout)

    return judge
