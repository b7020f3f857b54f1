"""What is measured: units of one kind, values at the prices of a base; what does not fit is null."""

from __future__ import annotations

import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.errors import CoverageError, HeaderError, InputFileError, OptionError
from entrepot.pipeline.amounts import Amount, with_amount
from entrepot.sources.deflators import read_deflator

FLOWS = pa.table(
    {
        "exporter": ["CHN", "CHN", "DEU", "DEU"],
        "importer": ["KGZ"] * 4,
        "hs_code": ["870423", "870423", "270900", "870423"],
        "period": ["2021", "2023", "2023", "2022"],
        "value_usd": [100.0, 240.0, 60.0, 8.0],
        "net_weight_kg": [1.0, 2.0, 3.0, 4.0],
        "quantity": [5.0, 12.0, 7.0, None],
        "quantity_unit": ["u", "12u", "l", None],
    }
)


@pytest.fixture
def amounts():
    """Return a function that gives the column of an amount by exporter and period, and what was told."""

    def make(amount: Amount):
        told: list[str] = []
        with Engine(memory_limit="1GB") as engine:
            found, _ = with_amount(engine, engine.arrow_frame(FLOWS), amount, tell=told.append)
            rows = found.collect("pyarrow").to_native().to_pylist()
        return {(row["exporter"], row["period"]): row[amount.column] for row in rows}, told

    return make


@pytest.fixture
def index(tmp_path):
    def make(text: str) -> pa.Table:
        path = tmp_path / "index.csv"
        path.write_text(text, encoding="utf-8")
        return read_deflator(path)

    return make


def test_units_of_one_kind_are_added_in_it_and_others_are_not_known(amounts) -> None:
    found, told = amounts(Amount(value="quantity", unit="u"))
    assert found == {
        ("CHN", "2021"): 5.0, ("CHN", "2023"): 144.0, ("DEU", "2023"): None, ("DEU", "2022"): None
    }  # fmt: skip
    assert any("16.7% of the value" in line for line in told), "68 of 408 dollars"


def test_several_units_are_not_added_without_a_choice(amounts) -> None:
    with pytest.raises(OptionError, match=r"quantities are in u \(83%\), l \(15%\)"):
        amounts(Amount(value="quantity"))
    with pytest.raises(OptionError):
        amounts(Amount(value="quantity", unit="m2"))


def test_constant_prices_divide_by_the_index_of_the_period(amounts, index) -> None:
    deflator = index("period,index\n2021,80\n2022,100\n2023,120\n")
    found, told = amounts(Amount(deflator=deflator, prices_of="2021"))
    assert found["CHN", "2021"] == pytest.approx(100.0)
    assert found["CHN", "2023"] == pytest.approx(240.0 * 80 / 120)
    assert told == []
    of_two, _ = amounts(Amount(deflator=deflator, prices_of="2021:2022"))
    assert of_two["CHN", "2023"] == pytest.approx(240.0 * 90 / 120), "the mean of the base"


def test_an_index_of_goods_holds_for_what_lies_below_them(amounts, index) -> None:
    deflator = index("period,hs_code,index\n2021,87,100\n2023,87,150\n")
    found, told = amounts(Amount(deflator=deflator, prices_of="2021"))
    assert found["CHN", "2023"] == pytest.approx(160.0)
    assert found["DEU", "2023"] is None, "no index of oil is known, and none is guessed"
    assert any("2022, 2023" in line for line in told)


def test_an_index_that_fits_nothing_is_an_error(amounts, index) -> None:
    with pytest.raises(CoverageError, match="no row for these flows"):
        amounts(Amount(deflator=index("period,index\n2021-01,80\n"), prices_of="2021-01"))
    with pytest.raises(CoverageError):
        amounts(Amount(deflator=index("period,index\n2021,80\n2023,90\n"), prices_of="2020"))


def test_what_does_not_go_together_is_refused(index) -> None:
    deflator = index("period,index\n2021,80\n")
    for wrong in (
        {"deflator": deflator},
        {"prices_of": "2021"},
        {"value": "net_weight_kg", "deflator": deflator, "prices_of": "2021"},
        {"unit": "u"},
        {"value": "gold"},
    ):
        with pytest.raises(OptionError):
            Amount(**wrong)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("period,price\n2021,1\n", HeaderError),
        ("period,index\n2021,1\n2021,2\n", InputFileError),
        ("period,index\n2021,0\n", InputFileError),
        ("period,index\nMarch,1\n", InputFileError),
        ("period,hs_code,index\n2021,87,1\n2021,8703,1\n", InputFileError),
        ("period,index\n", InputFileError),
    ],
)
def test_what_is_no_index_says_where(index, text, error) -> None:
    with pytest.raises(error) as caught:
        index(text)
    assert "index.csv" in caught.value.where


def test_a_period_without_a_euro_rate_is_told() -> None:
    told: list[str] = []
    later = FLOWS.set_column(3, "period", pa.array(["2021", "2099", "2098", "2099"]))
    with Engine(memory_limit="1GB") as engine:
        found, _ = with_amount(engine, engine.arrow_frame(later), Amount(value="value_eur"), tell=told.append)
        values = found.sort("period").collect("pyarrow").to_native()["value_eur"].to_pylist()
    assert [value is None for value in values] == [False, True, True, True]
    assert told == ["there is no euro rate of 2098 to 2099 (2 periods): values in euro are not known there"]


def test_a_year_is_the_base_of_a_monthly_index(index) -> None:
    months = index("period,index\n" + "".join(f"2021-{m:02d},{100 + m}\n" for m in range(1, 13)))
    flows = FLOWS.set_column(3, "period", pa.array(["2021-01", "2021-12", "2021-06", "2021-02"]))
    found = []
    with Engine(memory_limit="1GB") as engine:
        for base in ("2021", "2021-01:2021-12"):
            amount = Amount(deflator=months, prices_of=base)
            rows, _ = with_amount(engine, engine.arrow_frame(flows), amount)
            found.append(rows.sort("period").collect("pyarrow").to_native()[amount.column].to_pylist())
    assert found[0] == found[1]
    assert None not in found[0]
