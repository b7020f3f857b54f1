"""A user's table, a mapping, and the canonical rows that the real engine makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.engine import Engine, stage_text
from entrepot.engine.container import fingerprint
from entrepot.pipeline.inputs import make_readable
from entrepot.sources.csv_mapping import MappedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from entrepot.sources.base import Layout

LONG = """
id = "own"
[columns]
reporter = "reporter"
partner = "partner"
flow = "flow"
period = "period"
product = "product"
value = "value"
[constants]
currency = "USD"
hs_revision = "by_year"
"""


GOOD = {
    "reporter": "DEU",
    "partner": "KGZ",
    "flow": "export",
    "period": "2022-03",
    "product": "870323",
    "value": "1000",
}


@dataclass(frozen=True)
class Canonical:
    """Rows in the order of the file, how many rows the file has, unreadable lines, and the layout."""

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


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="1GB", threads=2) as opened:
        yield opened


@pytest.fixture(scope="session")
def read_in(engine: Engine) -> Callable[..., Canonical]:
    """Return a function that takes a table through recognition, staging and the query, in a given folder."""

    def _read_in(folder: Path, mapping: str | Path, table: str | bytes | Path, name: str) -> Canonical:
        if isinstance(mapping, str):
            (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
            mapping = folder / "mapping.toml"
        if not isinstance(table, Path):
            data = table.encode() if isinstance(table, str) else table
            table = folder / name
            table.write_bytes(data)
        source = MappedTable.from_toml(mapping)
        layout = source.recognise(table)
        readable = make_readable(table, layout, fingerprint(table), folder)
        staged = stage_text(
            engine, readable.path, folder / "rows.parquet", readable.form, constants={"file_hash": "0"}
        )
        for known, reference in source.reference_tables().items():
            engine.register(known, reference)
        query = source.canonical_sql(layout, f"({staged.query()})")
        rows = engine.sql(f"SELECT * FROM ({query}) ORDER BY row_number, cell").to_pylist()
        return Canonical(rows, staged.file.rows, staged.unreadable.num_rows, layout)

    return _read_in


@pytest.fixture
def read(read_in: Callable[..., Canonical], tmp_path: Path) -> Callable[..., Canonical]:
    """Return the function, in this test's own folder."""

    def _read(mapping: str | Path, table: str | bytes | Path, *, name: str = "table.csv") -> Canonical:
        return read_in(tmp_path, mapping, table, name)

    return _read


@pytest.fixture
def long_mapping() -> str:
    return LONG


@pytest.fixture
def one(read: Callable[..., Canonical]) -> Callable[..., dict[str, Any]]:
    """Return a function that reads one row of the long table, given what differs from a good one."""

    def _one(mapping: str = LONG, **fields: str) -> dict[str, Any]:
        given = {**GOOD, **fields}
        text = ";".join(given) + "\n" + ";".join(f'"{value}"' for value in given.values()) + "\n"
        return read(mapping, text).only

    return _one


@pytest.fixture
def many(read: Callable[..., Canonical]) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return a function that reads one row for each text of one field, the rest of the row being good."""

    def _many(
        field: str, texts: Iterable[str], mapping: str = LONG, **fields: str
    ) -> dict[str, dict[str, Any]]:
        given = {**GOOD, **fields}
        said = list(texts)
        lines = [
            ";".join(f'"{text if name == field else value}"' for name, value in given.items())
            for text in said
        ]
        found = read(mapping, "\n".join([";".join(given), *lines, ""]))
        assert [row["row_number"] for row in found.rows] == list(range(1, len(said) + 1))
        return dict(zip(said, found.rows, strict=True))

    return _many
