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
def put(request: pytest.FixtureRequest, engine: Engine) -> Callable[[pa.Table], Any]:
    """Return a function that puts an Arrow table on an engine."""

    def on_engine(table: pa.Table) -> Any:
        match request.param:
            case "pandas":
                return table.to_pandas()
            case "pandas_arrow":
                return table.to_pandas(types_mapper=pd.ArrowDtype)
            case "polars":
                return pl.from_arrow(table)
            case "polars_lazy":
                return pl.from_arrow(table).lazy()
            case "duckdb":
                return engine.arrow_frame(table).to_native()
            case "spark":
                session = request.getfixturevalue("spark")
                return SparkEngine(session).arrow_frame(table).to_native()
            case _:
                return table

    return on_engine


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
