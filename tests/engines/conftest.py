"""One table on every engine: pandas, Polars eager and lazy, Arrow, a private DuckDB connection, Spark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from entrepot.engine import Engine, SparkEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

ENGINES = ("pandas", "pandas_arrow", "polars", "polars_lazy", "arrow", "duckdb", "spark")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="500MB", threads=2) as made:
        yield made


@pytest.fixture(params=ENGINES)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of an engine."""
    return request.param


@pytest.fixture
def put(kind: str, request: pytest.FixtureRequest, engine: Engine) -> Callable[[pa.Table], Any]:
    """Return a function that puts an Arrow table on the engine."""
    session = request.getfixturevalue("spark") if kind == "spark" else None
    kinds: dict[str, Callable[[pa.Table], Any]] = {
        "pandas": lambda table: table.to_pandas(),
        "pandas_arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
        "polars": pl.from_arrow,
        "polars_lazy": lambda table: pl.from_arrow(table).lazy(),
        "arrow": lambda table: table,
        "duckdb": lambda table: engine.arrow_frame(table).to_native(),
        "spark": lambda table: SparkEngine(session).arrow_frame(table).to_native(),
    }
    return kinds[kind]


@pytest.fixture
def rows() -> Callable[[Any], list[dict[str, Any]]]:
    """Return a function that reads a frame of any engine as Python rows, NaN as null, sorted by all text."""

    def read(frame: Any) -> list[dict[str, Any]]:
        table = nw.from_native(frame).lazy().collect(backend="pyarrow").to_native()
        found = [
            {
                name: None if isinstance(value, float) and math.isnan(value) else value
                for name, value in row.items()
            }
            for row in table.to_pylist()
        ]
        return sorted(found, key=lambda row: tuple(str(v) for v in row.values() if isinstance(v, str)))

    return read
