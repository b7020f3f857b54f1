"""Contracts: Arrow schemas, rows that break them on every engine, the dictionary, and contracts refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl
import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.errors import ContractError
from entrepot.schema import (
    COLUMNS,
    FLOW,
    RECONCILED,
    TABLES,
    Column,
    Table,
    bad_rows,
    conform,
    data_dictionary,
    duplicated_rows,
)
from entrepot.schema.columns import _index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EXAMPLES = {
    "text": "x", "int32": 2022, "int64": 7, "float64": 1.5, "bool": True, "date": date(2022, 1, 1),
    "timestamp": datetime(2022, 1, 1, tzinfo=UTC),
}  # fmt: skip


def good_row(table: Table) -> dict[str, Any]:
    return {
        c.name: next(iter(c.allowed)).value if c.allowed else _EXAMPLES[c.kind]
        for c in table.column_contracts()
    }


def loose(table: Table) -> pa.Schema:
    """Return the types of a contract without its refusals: what a bad frame has."""
    return pa.schema([pa.field(f.name, f.type) for f in table.arrow_schema()])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="500MB", threads=1) as made:
        yield made


@pytest.fixture(params=["pandas", "polars", "duckdb", "arrow"])
def put(request: pytest.FixtureRequest, engine: Engine) -> Callable[[pa.Table], Any]:
    makers = {
        "pandas": lambda table: table.to_pandas(),
        "polars": pl.from_arrow,
        "duckdb": lambda table: engine.arrow_frame(table).to_native(),
        "arrow": lambda table: table,
    }
    return makers[request.param]


def count(frame: Any) -> int:
    return nw.from_native(frame).lazy().collect(backend="pyarrow").shape[0]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_the_arrow_schema_says_what_the_contract_says(table) -> None:
    schema = table.arrow_schema()
    assert schema.names == list(table.columns)
    assert len(set(table.columns)) == len(table.columns)
    for field, column in zip(schema, table.column_contracts(), strict=True):
        assert field.nullable == bool(column.missing)
        assert field.metadata[b"description"].decode() == column.description
        assert field.metadata[b"unit"].decode() == column.unit
    assert pa.Table.from_pylist([good_row(table)], schema=schema).num_rows == 1


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_sums_leave_their_keys_null(table) -> None:
    for column in table.column_contracts():
        if column.name in table.summed:
            assert column.is_nullable
        else:
            assert column == COLUMNS[column.name]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_good_rows_pass_on_every_engine(table, put) -> None:
    assert count(bad_rows(put(pa.Table.from_pylist([good_row(table)], schema=loose(table))), table)) == 0


def faults(table: Table) -> dict[str, dict[str, Any]]:
    """Return for every rule of every column a row that breaks this rule alone."""
    found: dict[str, dict[str, Any]] = {}
    for column in table.column_contracts():
        if not column.is_nullable:
            found[f"{column.name} null"] = {column.name: None}
        if column.allowed is not None:
            found[f"{column.name} word"] = {column.name: "no such word"}
        if column.minimum is not None:
            found[f"{column.name} small"] = {column.name: column.minimum - 1}
        if column.kind == "float64":
            found[f"{column.name} nan"] = {column.name: float("nan")}
            found[f"{column.name} infinite"] = {column.name: float("inf")}
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_rule_finds_its_row_on_every_engine(table, put) -> None:
    """One frame with a good row and a row for every rule: all of these come back, and nothing else."""
    good, broken = good_row(table), faults(table)
    assert len(broken) > 3
    rows = [good, *({**good, **fault} for fault in broken.values())]
    frame = put(pa.Table.from_pylist(rows, schema=loose(table)))
    is_pandas = type(frame).__module__.startswith("pandas")
    # to pandas NaN is null: where null is allowed it cannot be told apart
    lost = sum(
        1 for name in broken if (is_pandas and name.endswith(" nan") and COLUMNS[name.split()[0]].is_nullable)
        or (is_pandas and name.endswith(" nan") and name.split()[0] in table.summed)
    )  # fmt: skip
    assert count(bad_rows(frame, table)) == len(broken) - lost


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_nulls_are_no_fault_where_they_are_allowed(table, put) -> None:
    row = {c.name: None if c.is_nullable else good_row(table)[c.name] for c in table.column_contracts()}
    assert count(bad_rows(put(pa.Table.from_pylist([row], schema=loose(table))), table)) == 0


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_the_smallest_allowed_number_is_allowed(table, put) -> None:
    smallest = {c.name: c.minimum for c in table.column_contracts() if c.minimum is not None}
    row = {**good_row(table), **smallest}
    assert count(bad_rows(put(pa.Table.from_pylist([row], schema=loose(table))), table)) == 0


def test_bad_rows_keep_the_callers_kind_and_columns(put) -> None:
    row = good_row(RECONCILED) | {"value_usd": -1.0}
    table = pa.Table.from_pylist([row], schema=loose(RECONCILED)).append_column("more", pa.array([1]))
    frame = put(table)
    found = bad_rows(frame, RECONCILED)
    assert type(found) is type(frame)
    assert nw.from_native(found).collect_schema().names() == table.schema.names
    assert nw.from_native(conform(frame, RECONCILED)).collect_schema().names() == list(RECONCILED.columns)


def test_missing_columns_are_named(put) -> None:
    frame = put(pa.table({"reporter": ["DEU"]}))
    with pytest.raises(ContractError, match="lacks 27 columns: source") as caught:
        bad_rows(frame, FLOW)
    assert "reporter" in caught.value.where


def test_duplicates_are_counted_by_key(put) -> None:
    row = good_row(RECONCILED)
    rows = [row, row | {"value_usd": 9.0}, row | {"period": "2023-01"}]
    found = duplicated_rows(put(pa.Table.from_pylist(rows, schema=loose(RECONCILED))), RECONCILED)
    table = nw.from_native(found).lazy().collect(backend="pyarrow").to_native()
    assert table["rows"].to_pylist() == [2]
    assert table["period"].to_pylist() == ["x"]


# --- contracts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ("reporter", "no_such_column")},
        {"key": ("hs_code",)},
        {"partition_by": ("year",)},
        {"summed": ("no_such_column",)},
    ],
    ids=str,
)
def test_a_contract_with_unknown_columns_is_refused(change) -> None:
    parts = {
        "name": "core__x",
        "grain": "g",
        "columns": ("reporter",),
        "key": ("reporter",),
        "description": "d",
    }
    with pytest.raises(ValueError, match="core__x"):
        Table(**{**parts, **change})


def test_a_column_is_defined_once() -> None:
    column = Column("a", "text", "first")
    with pytest.raises(ValueError, match="defined twice"):
        _index([column, column])


def test_every_column_is_used_and_coded_columns_have_words() -> None:
    used = {name for table in TABLES for name in table.columns}
    assert used == set(COLUMNS)
    for column in COLUMNS.values():
        assert column.description
        assert column.allowed is None or issubclass(column.allowed, StrEnum)
        assert column.unit or not column.name.endswith(("_usd", "_kg"))
        assert not column.name.endswith("_usd") or column.unit == "USD" or column.name == "per_usd"
        assert not column.name.endswith("_kg") or column.unit == "kg"


def test_the_dictionary_names_every_table_column_and_word() -> None:
    text = data_dictionary()
    sections = dict(zip([t.name for t in TABLES], text.split("\n## ")[1:], strict=True))
    for table in TABLES:
        section = sections[table.name]
        assert section.startswith(f"`{table.name}`")
        assert f"**One row is** {table.grain}." in section
        assert all(f"- {trap}" in section for trap in table.traps)
        for column in table.column_contracts():
            lines = [line for line in section.splitlines() if line.startswith(f"| `{column.name}` |")]
            assert len(lines) == 1
            assert column.description in lines[0]
            assert (column.missing or "not allowed") in lines[0]
            assert all(f"`{term.value}`" in lines[0] for term in column.allowed or ())
            assert lines[0].count("|") == 6
