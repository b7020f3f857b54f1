"""One table on every engine: pandas, Polars eager and lazy, Arrow, a private DuckDB connection, Spark."""

from __future__ import annotations

import inspect
import math
from importlib import import_module
from itertools import product
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from entrepot.engine import Engine, SparkEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENGINES = ("pandas", "pandas_arrow", "polars", "polars_lazy", "arrow", "duckdb", "spark")


_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("reporter", "partner", "flow", "partner_concept")),
        *((name, pa.string()) for name in ("role", "hs_code", "frequency", "period")),
        ("primary_value_usd", pa.float64()),
        ("net_weight_kg", pa.float64()),
        ("quantity", pa.float64()),
        ("quantity_unit", pa.string()),
    ]
)  # fmt: skip


def _random_reports(seed: int = 0) -> pa.Table:
    """Return reports with every trap: silence, zeros, round amounts, missing weights, aggregates, origins."""
    rng = np.random.default_rng(seed)
    areas = ["AAA", "BBB", "CCC", "DDD", "EEE"]
    rows = []
    for a, b, k, month in product(areas, areas, range(4), ("2022-01", "2022-02")):
        usd = float(np.exp(rng.normal(10, 1))) if rng.random() > 0.1 else 0.0
        for reporter, partner, flow in ((a, b, "export"), (b, a, "import")):
            if (reporter == "DDD" and flow == "export") or (reporter == "EEE" and month == "2022-02"):
                continue
            if rng.random() < 0.3:
                continue
            is_import = flow == "import"
            noisy = usd * (1.08 if is_import else 1.0) * np.exp(rng.normal(0, 0.2))
            concept = "origin" if is_import else "last_known_destination"
            rows.append(
                {
                    "reporter": reporter, "partner": partner, "flow": flow,
                    "role": rng.choice(["leaf"] * 6 + ["aggregate"]),
                    "partner_concept": "consignment" if is_import and rng.random() < 0.1 else concept,
                    "hs_code": f"85423{k}", "frequency": "M", "period": month,
                    # round amounts lie on the bounds of sizes, and engines differ in a logarithm's last digit
                    "primary_value_usd": 10_000.0 if rng.random() < 0.05 else noisy,
                    "net_weight_kg": None if rng.random() < 0.2 else usd / 7,
                    "quantity": None if k == 3 else usd / 2 * np.exp(rng.normal(0, 0.1)),
                    "quantity_unit": None if k == 3 else str(rng.choice(["u", "u", "12u", "kg"])),
                }
            )  # fmt: skip
            if rng.random() < 0.1:
                rows.append({**rows[-1], "flow": "re_export"})
            if rng.random() < 0.1:
                rows.append({**rows[-1], "primary_value_usd": 5.0})
    return pa.Table.from_pylist([{**row, "role": str(row["role"])} for row in rows], schema=_SCHEMA)


@pytest.fixture(scope="session")
def random_reports() -> pa.Table:
    """Return reports with every trap."""
    return _random_reports()


#: Packages whose public names may take frames.
_PACKAGES = ("entrepot", *(f"entrepot.{name}" for name in (
    "engine", "measures", "nomenclature", "pipeline", "reconcile", "report", "schema", "store",
)))  # fmt: skip


@pytest.fixture(scope="session")
def frame_functions() -> dict[str, set[str]]:
    """Return by package the public functions that take a frame of the caller's, by their annotations."""
    return {
        package: {
            name
            for name in import_module(package).__all__
            if inspect.isroutine(found := getattr(import_module(package), name))
            and any(
                "IntoFrame" in str(one.annotation) for one in inspect.signature(found).parameters.values()
            )
        }
        for package in _PACKAGES
    }


@pytest.fixture(scope="session")
def assert_rows_equal() -> Callable[[list[dict[str, Any]], list[dict[str, Any]]], None]:
    """Return a function that compares rows, numbers to a billionth."""

    def compare(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            assert list(mine) == list(theirs), "columns in one order"
            for name, value in theirs.items():
                is_number = isinstance(value, float)
                assert mine[name] == (pytest.approx(value, rel=1e-9, abs=1e-9) if is_number else value), (
                    name, mine, theirs,
                )  # fmt: skip

    return compare


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
                if name != "__index_level_0__"  # pandas keeps the numbers of the rows that a filter leaves
            }
            for row in table.to_pylist()
        ]
        return sorted(found, key=lambda row: tuple(str(v) for v in row.values() if isinstance(v, str)))

    return read
