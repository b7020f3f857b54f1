"""Reports as pandas frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_COLUMNS = (
    "reporter", "partner", "flow", "partner_concept", "role", "hs_code", "frequency", "period",
    "primary_value_usd", "net_weight_kg", "quantity", "quantity_unit",
)  # fmt: skip


@pytest.fixture(scope="session")
def reports() -> Callable[..., pd.DataFrame]:
    """Return a maker of reports from (reporter, flow, partner, value, {more}) rows."""

    def make(rows: Iterable[tuple]) -> pd.DataFrame:
        table = []
        for reporter, flow, partner, usd, *more in rows:
            row = {
                "reporter": reporter, "partner": partner, "flow": flow, "role": "leaf", "hs_code": "854231",
                "partner_concept": "origin" if "import" in flow else "last_known_destination",
                "frequency": "M", "period": "2022-01", "primary_value_usd": usd, "net_weight_kg": None,
                "quantity": None, "quantity_unit": None,
            }  # fmt: skip
            table.append(row | (more[0] if more else {}))
        frame = pd.DataFrame(table, columns=list(_COLUMNS))
        amounts = dict.fromkeys(("primary_value_usd", "net_weight_kg", "quantity"), float)
        return frame.astype(amounts | dict.fromkeys((*_COLUMNS[:8], "quantity_unit"), "str"))

    return make
