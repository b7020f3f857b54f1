"""map_groups against a plain loop."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.engine import Engine, map_groups
from entrepot.errors import ContractError

SCHEMA = pa.schema([("k", pa.string()), ("total", pa.int64()), ("first", pa.int64())])


def kernel(group: pa.Table) -> pa.Table:
    values = group["v"].to_pylist()
    return pa.table({"total": [sum(values)], "k": group["k"][:1], "first": [values[0]]})


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(-5, 5)), max_size=40),
    st.integers(1, 4),
)
def test_same_as_a_loop(rows: list[tuple[str | None, int]], threads: int) -> None:
    table = pa.table(
        {"k": pa.array([k for k, _ in rows], pa.string()), "v": pa.array([v for _, v in rows], pa.int64())}
    )
    got = map_groups(table, ["k"], kernel, SCHEMA, threads=threads).to_pylist()
    groups: dict[str | None, list[int]] = {}
    for key, value in rows:
        groups.setdefault(key, []).append(value)
    order = sorted(groups, key=lambda key: (key is None, key or ""))
    assert got == [{"k": key, "total": sum(groups[key]), "first": groups[key][0]} for key in order]


@pytest.mark.parametrize("kind", ["pandas", "polars", "lazy polars", "duckdb"])
def test_any_frame(kind: str) -> None:
    data = {"k": ["b", "a", "b"], "g": [1, 1, 2], "v": [1, 2, 3]}
    schema = pa.schema([("k", pa.string()), ("total", pa.int64()), ("first", pa.int64())])
    with Engine() as engine:
        engine.register("t", pa.table(data))
        frame = {
            "pandas": lambda: pd.DataFrame(data),
            "polars": lambda: pl.DataFrame(data),
            "lazy polars": lambda: pl.LazyFrame(data),
            "duckdb": lambda: engine.frame("FROM t"),
        }[kind]()
        got = map_groups(frame, ["k", "g"], kernel, schema).to_pylist()
    assert [(row["k"], row["total"]) for row in got] == [("a", 2), ("b", 1), ("b", 3)]


def test_refusals() -> None:
    table = pa.table({"k": ["a"], "v": [1]})
    with pytest.raises(ContractError, match="no columns z"):
        map_groups(table, ["z"], kernel, SCHEMA)
    with pytest.raises(ContractError, match="instead of"):
        map_groups(table, ["k"], lambda group: group, SCHEMA)
    with pytest.raises(ContractError, match="does not fit"):
        map_groups(
            table,
            ["k"],
            lambda g: pa.table({"k": ["x"], "v": ["y"]}),
            pa.schema([("k", pa.string()), ("v", pa.int64())]),
        )
    assert map_groups(table.slice(0, 0), ["k"], kernel, SCHEMA).schema == SCHEMA
