"""What round trips earn: closed forms, rates that are missing, bounds."""

from __future__ import annotations

import pyarrow as pa
import pytest

from entrepot.detect.prices.incentives import loop_incentives
from entrepot.errors import OptionError
from entrepot.nomenclature import area_currency
from entrepot.pipeline.incentives import find_incentives
from entrepot.schema import INCENTIVE, LOOP
from entrepot.sources.rates import RATE_SCHEMA

TRIP = {
    "maker": "CHN", "via": "RUS", "hs_code": "847130", "markup": 0.2, "markup_low": 0.1, "markup_high": 0.3,
    "lag_months": 2, "onset": "2022-01",
}  # fmt: skip
MONTHS = [f"2022-{month:02d}" for month in range(1, 13)]


def trips(*changes: dict[str, object]) -> pa.Table:
    types = {field.name: field.type for field in LOOP.arrow_schema()}
    return pa.Table.from_pylist(
        [TRIP | change for change in changes], schema=pa.schema([(name, types[name]) for name in TRIP])
    )


def rates(**currencies: dict[str, float]) -> pa.Table:
    rows = [
        {"currency": name, "period": period, "per_usd": rate}
        for name, own in currencies.items()
        for period, rate in own.items()
    ]
    return pa.Table.from_pylist(rows, schema=RATE_SCHEMA)


STEADY = rates(CNY=dict.fromkeys(MONTHS, 7.0), RUB=dict.fromkeys(MONTHS, 70.0))


def test_at_steady_rates_the_mark_up_goes_from_one_side_to_the_other() -> None:
    (row,) = loop_incentives(trips({}), STEADY, subsidy=0.13, cost=0.05).to_pylist()
    assert row["maker_gain"] == pytest.approx(0.13 - 0.2)
    assert (row["maker_gain_low"], row["maker_gain_high"]) == pytest.approx((0.13 - 0.3, 0.13 - 0.1))
    assert row["via_gain"] == pytest.approx(0.2 - 0.05)
    assert (row["via_gain_low"], row["via_gain_high"]) == pytest.approx((0.05, 0.25))
    assert row["maker_gain"] + row["via_gain"] == pytest.approx(0.13 - 0.05)  # one owner: subsidy less costs
    assert row["break_even_subsidy"] == row["break_even_cost"] == pytest.approx(0.2)
    assert row["status"] == "known"


def test_at_the_break_even_nothing_is_gained() -> None:
    moving = rates(
        CNY={month: 6.4 + 0.1 * at for at, month in enumerate(MONTHS)}, RUB=dict.fromkeys(MONTHS, 70.0)
    )
    (row,) = loop_incentives(trips({}), moving, months=6).to_pylist()
    (even,) = loop_incentives(
        trips({}), moving, months=6, subsidy=row["break_even_subsidy"], cost=row["break_even_cost"]
    ).to_pylist()
    assert even["maker_gain"] == pytest.approx(0.0, abs=1e-12)
    assert even["via_gain"] == pytest.approx(0.0, abs=1e-12)


def test_a_currency_that_falls_between_the_legs_costs_the_maker() -> None:
    """The yuan falls by a tenth in the third month: goods of the first two come back at the new rate."""
    fallen = {month: 7.0 if month < "2022-03" else 7.7 for month in MONTHS}
    (row,) = loop_incentives(
        trips({}), rates(CNY=fallen, RUB=dict.fromkeys(MONTHS, 70.0)), months=4
    ).to_pylist()
    assert row["maker_rate_change"] == pytest.approx(0.05)  # two of four months see it
    assert row["maker_gain"] == pytest.approx(1 - 1.2 * 1.05)
    assert row["via_gain"] == pytest.approx(0.2)
    (short,) = loop_incentives(
        trips({}), rates(CNY=fallen, RUB=dict.fromkeys(MONTHS, 70.0)), months=2
    ).to_pylist()
    assert short["maker_rate_change"] == pytest.approx(0.1)


def test_a_missing_rate_is_no_rate_of_one() -> None:
    (row,) = loop_incentives(trips({}), rates(CNY=dict.fromkeys(MONTHS, 7.0))).to_pylist()
    assert row["via_gain"] is row["via_rate_change"] is row["break_even_cost"] is None
    assert row["maker_gain"] is not None
    assert row["status"] == "no rate of RUB"
    always = rates(CNY=dict.fromkeys(MONTHS, 7.0), RUB={"": 70.0})
    assert loop_incentives(trips({}), always)["via_gain"].to_pylist() == [pytest.approx(0.2)]


def test_trips_without_a_mark_up_have_nothing_to_weigh() -> None:
    table = loop_incentives(trips({"markup": None}, {"onset": None}, {"lag_months": None}), STEADY)
    assert table.num_rows == 0
    assert table.schema.equals(INCENTIVE.arrow_schema())


@pytest.mark.parametrize("wrong", [{"subsidy": -0.1}, {"cost": 11.0}, {"months": 0}, {"cost": float("nan")}])
def test_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        loop_incentives(trips({}), STEADY, **wrong)


@pytest.mark.parametrize(
    ("code", "period", "currency"),
    [("CHN", "2022-03", "CNY"), ("LTU", "2014-12", "LTL"), ("LTU", "2015", "EUR"), ("XOA", "2022", None)],
)
def test_currencies_of_areas(code: str, period: str, currency: str | None) -> None:
    assert area_currency(code, period) == currency


def test_rates_of_the_bank_and_of_the_user(tmp_path) -> None:
    """The ECB quotes no rouble after March 2022: the user's file does."""
    trip = trips({"onset": "2022-04"})
    assert find_incentives(trip)["status"].to_pylist() == ["no rate of RUB"]
    own = tmp_path / "rates.csv"
    lines = [
        "currency,period,per_usd",
        *[f"RUB,2022-{month:02d},{60 + month}" for month in range(1, 13)],
        "CNY,,7",
    ]
    own.write_text("\n".join(lines), encoding="utf-8")
    (row,) = find_incentives(trip, rates=own, months=3).to_pylist()
    assert row["status"] == "known"
    assert row["via_rate_change"] == pytest.approx(sum(2 / (60 + month) for month in (4, 5, 6)) / 3)
    assert row["maker_currency"] == "CNY"
    assert row["maker_rate_change"] != 0  # a rate of a month of the bank's comes before one that always holds
