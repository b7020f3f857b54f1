"""One book of made-up flows with known unit values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import pyarrow as pa
import pytest

from entrepot.detect.prices.options import PriceOptions
from entrepot.detect.prices.rows import load_prices

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.detect.prices.rows import PriceRows

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("exporter", "importer", "hs_code", "period")),
        ("value_usd", pa.float64()), ("amount", pa.float64()), ("unit", pa.string()),
        ("is_estimated", pa.bool_()),
    ]
)  # fmt: skip


@pytest.fixture(scope="session")
def sale() -> Callable[..., dict[str, object]]:
    """Return a maker of one row: supplier, buyer, period, unit value and amount."""

    def make(
        exporter: str, importer: str, period: str, price: float, amount: float = 100.0, **more: object
    ) -> dict[str, object]:
        return {
            "exporter": exporter, "importer": importer, "hs_code": "870421", "period": period,
            "value_usd": price * amount, "amount": amount, "unit": "kg", "is_estimated": False,
        } | more  # fmt: skip

    return make


@pytest.fixture(scope="session")
def load() -> Callable[..., PriceRows]:
    """Return the loader of rows: a list of sales and options."""

    def run(rows: list[dict[str, object]], **options: object) -> PriceRows:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        return load_prices(nw.from_native(table).lazy(), PriceOptions(**options))

    return run
