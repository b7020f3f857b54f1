"""Fixtures of the sources' tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.engine import Engine
from entrepot.engine.container import fingerprint
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.inputs import make_readable, stage
from entrepot.sources.comtrade import ComtradeSource
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable
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
    def faults(self) -> list[tuple[int, str, str]]:
        return [(row["row_number"], row["reason"], row["detail"]) for row in self.rows if row["reason"]]

    @property
    def accounted(self) -> int:
        """Rows of the file that the canonical rows stand for."""
        return sum(row.get("parts") or 1 for row in self.rows)


@pytest.fixture(scope="session")
def source_engine():
    with Engine(memory_limit="500MB", threads=1) as engine:
        yield engine


@pytest.fixture(scope="session")
def judge_file(source_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Judged]:
    """Return a function that takes a file through recognition, staging and the source's query."""

    def judge(source: Source, path: Path) -> Judged:
        folder = tmp_path_factory.mktemp("judged")
        layout = source.recognise(path)
        readable = make_readable(path, layout, fingerprint(path), folder)
        staged, _ = stage(
            source_engine, readable, folder / "rows.parquet", constants={"file_hash": "0"}, path=path,
            scratch=folder,
        )  # fmt: skip
        for name, table in source.reference_tables().items():
            source_engine.register(name, table)
        query = source.canonical_sql(layout, f"({staged.query()})")
        rows = source_engine.sql(f"SELECT * FROM ({query}) ORDER BY row_number").to_pylist()
        return Judged(rows, staged.file.rows, staged.unreadable.num_rows, layout)

    return judge
