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
hs_revision = "{revision}"
"""


def _taker(folder: Path) -> Callable[..., Lake]:
    files: list[Path] = []

    def take(
        rows: Iterable[tuple], *, source: str = "own", vintage: date | None = None, revision: str = "by_year"
    ) -> Lake:
        mapping = folder / f"{source}.toml"
        mapping.write_text(_MAPPING.format(id=source, revision=revision), encoding="utf-8")
        path = folder / f"{len(files)}.csv"
        files.append(path)
        lines = ["reporter,flow,partner,period,product,value,kg"]
        lines += [",".join(str(value) for value in (*row, "")[:7]) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        options = IngestOptions(vintage=vintage, threads=1)
        report = ingest(open_source(f"csv:{mapping}"), [path], lake=folder / "lake", options=options)
        assert [file.error for file in report.failed] == []
        assert report.rows_quarantined == 0
        return Lake.open(folder / "lake")

    return take


@pytest.fixture
def take_in(tmp_path: Path) -> Callable[..., Lake]:
    """Return a taker of (reporter, flow, partner, period, product, value[, kg]) rows, a file a call."""
    return _taker(tmp_path)


@pytest.fixture(scope="module")
def take_in_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Lake]:
    """Return the same for a lake that a module's tests share."""
    return _taker(tmp_path_factory.mktemp("shared"))
