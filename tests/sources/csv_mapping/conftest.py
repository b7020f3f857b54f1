"""A user's table, a mapping, and the canonical rows that the real engine makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.sources.csv_mapping import MappedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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


@pytest.fixture(scope="session")
def read_in(judge_file: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes a table through recognition, staging and the query, in a given folder."""

    def _read_in(folder: Path, mapping: str | Path, table: str | bytes | Path, name: str) -> Any:
        if isinstance(mapping, str):
            (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
            mapping = folder / "mapping.toml"
        if not isinstance(table, Path):
            data = table.encode() if isinstance(table, str) else table
            table = folder / name
            table.write_bytes(data)
        return judge_file(MappedTable.from_toml(mapping), table, folder)

    return _read_in


@pytest.fixture
def read(read_in: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Return the function, in this test's own folder."""

    def _read(mapping: str | Path, table: str | bytes | Path, *, name: str = "table.csv") -> Any:
        return read_in(tmp_path, mapping, table, name)

    return _read


@pytest.fixture
def long_mapping() -> str:
    return LONG


@pytest.fixture
def one(read: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Return a function that reads one row of the long table, given what differs from a good one."""

    def _one(mapping: str = LONG, **fields: str) -> dict[str, Any]:
        given = {**GOOD, **fields}
        text = ";".join(given) + "\n" + ";".join(f'"{value}"' for value in given.values()) + "\n"
        return read(mapping, text).only

    return _one


@pytest.fixture
def many(read: Callable[..., Any]) -> Callable[..., dict[str, dict[str, Any]]]:
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
