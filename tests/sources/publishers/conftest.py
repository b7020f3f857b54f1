"""A publisher's file through recognition, staging and the query, on the real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entrepot.engine import Engine
from entrepot.pipeline import IngestOptions, ingest
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrepot.sources.base import Source


@pytest.fixture(scope="session")
def read_file(judge_file: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reader of a file; temporary files go beside it."""
    return lambda source, path: judge_file(source, path, path.parent)


@pytest.fixture
def take_in(tmp_path: Path) -> Callable:
    """Return a function that takes files into one lake: the last report, and what counts in the lake."""

    def take(source: Source, *paths: Path) -> tuple[Any, list[dict[str, Any]]]:
        report = ingest(source, paths, lake=tmp_path / "lake", options=IngestOptions(memory_limit="500MB"))
        if not (tmp_path / "lake").exists():
            # A first ingest that fails leaves no lake behind.
            return report.files[-1], []
        lake = Lake.open(tmp_path / "lake")
        with Engine(memory_limit="500MB") as opened:
            order = "ORDER BY source, period, row_number"
            rows = opened.sql(f"SELECT * FROM ({flows_sql(lake, opened)}) {order}").to_pylist()
        for file in lake.files().to_pylist():
            assert file["rows_read"] == file["rows_stored"] + file["rows_quarantined"]
        return report.files[-1], rows

    return take
