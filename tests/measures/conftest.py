"""Rows of flows with every trap, and how a frame is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("exporter", "importer", "hs_code", "period")),
        ("value_usd", pa.float64()),
    ]
)

Rows = list[dict[str, Any]]


def draw(seed: int, *, months: bool = True, nulls: float = 0.03) -> pa.Table:
    """Return flows of four areas and five goods, with gaps, zeros, nulls and rows that add up."""
    rng = np.random.default_rng(seed)
    areas, goods = ["AAA", "BBB", "CCC", "DDD"], ["010121", "270900", "854231", "870323", "999999"]
    periods = (
        [f"{y}-{m:02d}" for y in (2020, 2021, 2022) for m in range(1, 13)] if months else ["2020", "2021"]
    )
    rows = []
    for a in areas:
        for b in areas:
            for k in goods:
                for period in periods:
                    if a == b or rng.random() < 0.25:
                        continue
                    value = None if rng.random() < nulls else float(np.exp(rng.normal(3, 1)))
                    value = 0.0 if value and rng.random() < 0.05 else value
                    row = dict(zip(SCHEMA.names, (a, b, k, period, value), strict=True))
                    rows += [row] * (2 if rng.random() < 0.05 else 1)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.fixture
def flows() -> Callable[..., pa.Table]:
    """Return the function that draws flows."""
    return draw


@pytest.fixture
def read() -> Callable[..., dict[tuple[str, ...], dict[str, Any]]]:
    """Return a function that reads a frame as rows by their texts."""

    def rows(frame: Any) -> dict[tuple[str, ...], dict[str, Any]]:
        table = nw.from_native(frame).lazy().collect(backend="pyarrow").to_native()
        found = {}
        for row in table.to_pylist():
            key = tuple(value for value in row.values() if isinstance(value, str))
            assert key not in found, f"two rows of {key}"
            found[key] = row
        return found

    return rows
