"""A lake of few rows, taken in by the real ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline import IngestOptions, ingest
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

_MAPPING = """
id = "{id}"
[columns]
reporter = "reporter"
partner = "partner"
flow = "flow"
period = "period"
product = "product"
value = "value"
net_weight = "kg"
[constants]
currency = "USD"
hs_revision = "by_year"
"""


@pytest.fixture
def take_in(tmp_path: Path) -> Callable[..., Lake]:
    """Return a function that ingests (reporter, flow, partner, period, product, value[, kg]) rows as one file."""
    files: list[Path] = []

    def take(rows: Iterable[tuple], *, source: str = "own", vintage: date | None = None) -> Lake:
        rows = list(rows)
        mapping = tmp_path / f"{source}.toml"
        mapping.write_text(_MAPPING.format(id=source), encoding="utf-8")
        path = tmp_path / f"{len(files)}.csv"
        files.append(path)
        lines = ["reporter,flow,partner,period,product,value,kg"]
        lines += [",".join(str(value) for value in (*row, "")[:7]) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        report = ingest(
            open_source(f"csv:{mapping}"), [path], lake=tmp_path / "lake", options=IngestOptions(vintage=vintage)
        )
        assert [file.error for file in report.failed] == []
        assert report.rows_quarantined == 0
        return Lake.open(tmp_path / "lake")

    return take
