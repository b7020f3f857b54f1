"""Questions in another unit: which column a kernel reads, and what stands where there is no amount."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from entrepot.detect.breaks.options import BreakOptions
from entrepot.detect.breaks.search import breaks
from entrepot.engine import Engine
from entrepot.errors import CoverageError
from entrepot.pipeline.amounts import Amount
from entrepot.pipeline.other_units import in_other_unit, with_unit
from entrepot.sources.rates import ecb_rates

if TYPE_CHECKING:
    import narwhals as nw

ROWS: list[dict[str, Any]] = [
    {"period": "2020-01", "value_usd": 10.0, "net_weight_kg": 4.0},
    {"period": "2020-02", "value_usd": 30.0, "net_weight_kg": None},
    {"period": "2020-03", "value_usd": None, "net_weight_kg": None},
]


def flows(engine: Engine, rows: list[dict[str, Any]] = ROWS) -> nw.LazyFrame[Any]:
    fixed = {
        "exporter": "DEU",
        "importer": "KAZ",
        "hs_code": "847150",
        "quantity": None,
        "quantity_unit": None,
    }
    return engine.arrow_frame(pa.Table.from_pylist([fixed | row for row in rows]))


def values(frame: nw.LazyFrame[Any]) -> list[float | None]:
    found: list[float | None] = frame.sort("period").collect("pyarrow")["value_usd"].to_list()
    return found


def test_a_value_without_an_amount_is_null_or_nan_and_is_told() -> None:
    told: list[str] = []
    weights = Amount(value="net_weight_kg")
    with Engine() as engine:
        frame, unit = in_other_unit(engine, flows(engine), weights, unknown="null", tell=told.append)
        assert (values(frame), unit) == ([4.0, None, None], "kg")
        frame, _ = in_other_unit(engine, flows(engine), weights, unknown="nan")
        first, second, third = values(frame)
        assert (first, third) == (4.0, None)
        assert second is not None
        assert math.isnan(second)
    assert told == ["75.0% of the value has no amount in kg: those flows are not in the answer"]


def test_dollars_stay_and_euro_go_by_the_month() -> None:
    rate = {row["period"]: row["per_usd"] for row in ecb_rates().to_pylist() if row["currency"] == "EUR"}
    with Engine() as engine:
        assert values(in_other_unit(engine, flows(engine), None, unknown="null")[0]) == [10.0, 30.0, None]
        euro = values(in_other_unit(engine, flows(engine), Amount(value="value_eur"), unknown="null")[0])
        assert euro == [pytest.approx(10.0 * rate["2020-01"]), pytest.approx(30.0 * rate["2020-02"]), None]


def test_flows_without_any_amount_are_refused() -> None:
    with Engine() as engine, pytest.raises(CoverageError, match="no flow has an amount in kg"):
        in_other_unit(engine, flows(engine, ROWS[1:]), Amount(value="net_weight_kg"), unknown="null")


def test_columns_of_dollars_take_the_name_of_the_unit() -> None:
    table = pa.table({"hs_code": ["01"], "trade_usd": [5.0]})
    assert with_unit(table, "USD") is table
    assert with_unit(table, "kg").to_pylist() == [{"hs_code": "01", "trade_amount": 5.0, "amount_unit": "kg"}]
    assert with_unit(table, "EUR", suffix="eur").column_names == ["hs_code", "trade_eur"]


def test_a_month_without_a_weight_is_missing_in_a_series_and_no_stop_of_trade() -> None:
    """Weights are gone from the thirtieth month on: read as zeros they would be a break to nothing."""
    rows = [
        {
            "period": f"{2018 + at // 12}-{at % 12 + 1:02d}",
            "value_usd": 1e6 * (1 + 0.1 * math.sin(7.0 * at)),
            "net_weight_kg": None if 30 <= at < 36 else 5e5 * (1 + 0.1 * math.sin(7.0 * at)),
            "exporter_report_usd": 1e6,
            "importer_report_usd": None,
        }
        for at in range(60)
    ]
    with Engine() as engine:
        frame, _ = in_other_unit(engine, flows(engine, rows), Amount(value="net_weight_kg"), unknown="nan")
        found = breaks(frame, BreakOptions(permutations=9))
    assert found.table.num_rows == 0
    assert int(sum(math.isnan(value) for value in found.series.usd[0])) == 6
