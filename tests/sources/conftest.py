"""Fixtures of the sources' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrepot.engine import Engine
from entrepot.pipeline import IngestOptions, ingest
from entrepot.sources.comtrade import ComtradeSource
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
