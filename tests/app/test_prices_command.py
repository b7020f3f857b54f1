"""The commands ``prices``: files to mark-ups, parts and outliers, each option, each refusal."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

import entrepot as package
from entrepot.pipeline import ingest
from entrepot.schema import PRICE_CHANGE, PRICE_MARKUP, PRICE_OUTLIER
from entrepot.schema.layouts import COMTRADE_WEB
from entrepot.sources.rates import ecb_rates
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = {
    "typeCode": "C", "freqCode": "M", "partner2Code": "0", "partner2ISO": "W00", "classificationCode": "H5",
    "classificationSearchCode": "HS", "isOriginalClassification": "true", "aggrLevel": "6", "isLeaf": "true",
    "customsCode": "C00", "mosCode": "0", "motCode": "0", "isReported": "true", "isAggregate": "false",
    "qtyUnitCode": "5", "qtyUnitAbbr": "u", "isQtyEstimated": "false",
}  # fmt: skip
AREAS = {
    "CHN": "156", "KGZ": "417", "KAZ": "398", "UZB": "860", "USA": "842", "DEU": "276", "FRA": "251",
    "BRA": "76",
}  # fmt: skip
BUYERS = tuple(AREAS)[1:]


def sale(
    flow: str, buyer: str, code: str, month: str, price: float, kg: float, **more: str
) -> dict[str, str]:
    usd = round(price * kg, 2)
    reporter, partner = ("CHN", buyer) if flow == "X" else (buyer, "CHN")
    value, other = ("fobvalue", "cifvalue") if flow == "X" else ("cifvalue", "fobvalue")
    return PLAIN | {
        "flowCode": flow, "reporterCode": AREAS[reporter], "reporterISO": reporter,
        "partnerCode": AREAS[partner], "partnerISO": partner, "cmdCode": code, "period": month,
        "refYear": month[:4], "refMonth": str(int(month[4:])), "refPeriodId": f"{month}01",
        value: str(usd), other: "", "primaryValue": str(usd), "netWgt": str(kg),
        "isNetWgtEstimated": "false", "qty": str(round(kg / 10, 3)), **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake in which from 2022 on Kyrgyzstan pays China 40% more than others do.

    All prices of 854231 rise by half; Brazil's weights are estimated; one sale to France is at five times
    the price. Importers pay 10% more than exporters declare.
    """
    rng = np.random.default_rng(5)
    months = [f"{year}{month:02d}" for year in (2020, 2021, 2022) for month in range(1, 13)]
    rows = []
    for month in months:
        for code, price in (("870421", 8.0), ("854231", 900.0)):
            for buyer in BUYERS:
                own = price * math.exp(0.05 * rng.standard_normal())
                own *= 1.5 if month >= "2022" and code == "854231" else 1.0
                own *= 1.4 if month >= "2022" and buyer == "KGZ" else 1.0
                own *= 5.0 if (month, code, buyer) == ("202105", "870421", "FRA") else 1.0
                more = {"isNetWgtEstimated": "true"} if buyer == "BRA" else {}
                kg = float(rng.integers(900, 1100))
                rows += [sale("X", buyer, code, month, own, kg, **more)]
                rows += [sale("M", buyer, code, month, 1.1 * own, kg, **more)]
    folder = tmp_path_factory.mktemp("prices")
    with (folder / "TradeData.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COMTRADE_WEB, lineterminator=",\r\n", restval="")
        file.write(",".join(COMTRADE_WEB) + "\r\n")
        writer.writerows(rows)
    done = ingest(open_source("comtrade"), [folder / "TradeData.csv"], lake=folder / "lake")
    assert (done.failed, done.rows_quarantined) == ((), 0)
    return folder / "lake"


EVENT = ("--event", "2022-01", "--before", "2020-01:2021-12", "--after", "2022-01:2022-12")


@pytest.fixture
def ask(lake: Path, entrepot: Callable, tmp_path: Path) -> Callable[..., tuple[list[dict[str, str]], str]]:
    """Return a function that runs a question and reads its rows back."""

    def run(question: str, *arguments: str) -> tuple[list[dict[str, str]], str]:
        out = tmp_path / "out.csv"
        done = entrepot("prices", question, "--lake", lake, "--out", out, *arguments)
        assert done.status == 0, done.err
        with out.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file)), done.out

    return run


def test_the_mark_up(ask: Callable, tmp_path: Path) -> None:
    chart = tmp_path / "markup.svg"
    rows, said = ask("markup", *EVENT, "--by", "importer", "--chart", str(chart))
    assert tuple(rows[0]) == PRICE_MARKUP.columns
    first = rows[0]
    assert first["importer"] == "KGZ"
    assert float(first["markup_change"]) == pytest.approx(0.4, abs=0.06)
    assert float(first["before_markup"]) == pytest.approx(0.0, abs=0.04)
    assert {row["importer"] for row in rows} == set(BUYERS) - {"BRA"}  # its weights are estimated
    assert max(float(row["markup_change"]) for row in rows[1:]) < 0.1
    assert "72 estimated by the publisher" in said
    assert "only the change tells of the event" in said
    drawn = chart.read_text(encoding="utf-8")
    assert "mark-up over other buyers" in drawn
    assert "Kyrgyzstan" in drawn


def test_estimated_weights_are_used_only_when_asked_for(ask: Callable) -> None:
    rows, said = ask("markup", *EVENT, "--by", "importer", "--estimated", "use")
    assert "BRA" in {row["importer"] for row in rows}
    assert "estimated amounts are used" in said


def test_price_and_volume(ask: Callable, tmp_path: Path) -> None:
    chart = tmp_path / "parts.svg"
    rows, _ = ask("decompose", *EVENT, "--by", "hs_code", "--chart", str(chart))
    assert tuple(rows[0]) == PRICE_CHANGE.columns
    found = {row["hs_code"]: row for row in rows}
    chips, lorries = found["854231"], found["870421"]
    assert float(chips["fisher_price"]) == pytest.approx(1.5 * (1 + 0.4 / 6), rel=0.03)
    assert float(chips["tornqvist_price"]) == pytest.approx(float(chips["fisher_price"]), rel=0.02)
    assert float(lorries["fisher_price"]) == pytest.approx(1 + 0.4 / 6, rel=0.03)
    assert (chips["items"], lorries["items"]) == ("6", "6")  # Brazil's weight is estimated
    for row in rows:
        parts = ("fisher_price_usd", "fisher_volume_usd", "entered_usd", "unpriced_change_usd")
        whole = sum(float(row[name]) for name in parts) - float(row["left_usd"])
        assert whole == pytest.approx(float(row["value_change_usd"]), abs=1e-3)
    assert "change of value, USD" in chart.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [("markup", "--event", "2021-11"), ("decompose", "--event", "2021-11"), ("outliers",)]
)
def test_without_a_file_the_answer_is_printed(
    entrepot: Callable, lake: Path, arguments: tuple[str, ...]
) -> None:
    done = entrepot("prices", arguments[0], "--lake", lake, *arguments[1:])
    assert done.status == 0, done.err
    assert "Rows (" in done.out
    assert "written:" not in done.out


def test_outliers(ask: Callable, tmp_path: Path) -> None:
    chart = tmp_path / "far.svg"
    rows, _ = ask("outliers", "--threshold", "8", "--periods", "2020-01:2021-12", "--chart", str(chart))
    assert tuple(rows[0]) == PRICE_OUTLIER.columns
    (row,) = rows
    assert (row["importer"], row["hs_code"], row["period"], row["invoicing"]) == (
        "FRA",
        "870421",
        "2021-05",
        "over",
    )
    assert float(row["unit_value_ratio"]) == pytest.approx(5.0, rel=0.15)
    assert "usual unit value" in chart.read_text(encoding="utf-8")


def test_book_unit_and_areas_change_the_answer(ask: Callable) -> None:
    plain, _ = ask("outliers", "--threshold", "8")
    value = {"kg": float(plain[0]["unit_value"])}
    pieces, _ = ask("outliers", "--threshold", "8", "--unit", "u")
    assert {row["unit"] for row in pieces} == {"u"}
    same = next(r for r in pieces if all(r[k] == plain[0][k] for k in ("importer", "hs_code", "period")))
    assert float(same["unit_value"]) == pytest.approx(10 * value["kg"], rel=1e-3)
    cif, _ = ask("outliers", "--threshold", "8", "--book", "importer")
    same = next(r for r in cif if all(r[k] == plain[0][k] for k in ("importer", "hs_code", "period")))
    assert float(same["unit_value"]) == pytest.approx(1.1 * value["kg"], rel=1e-3)
    assert {row["importer"] for row in ask("outliers", "--importer", "KGZ")[0]} == {"KGZ"}
    assert {row["hs_code"] for row in ask("decompose", *EVENT, "--products", "87")[0]} == {"870421"}


def test_the_same_from_python(lake: Path) -> None:
    options = package.PriceOptions(
        event="2022-01", before="2020-01:2021-12", after="2022-01:2022-12", by=("importer",)
    )
    opened = package.Lake.open(lake)
    assert package.find_markups(opened, options).table.schema.equals(PRICE_MARKUP.arrow_schema())
    assert package.decompose_values(opened, options).table.schema.equals(PRICE_CHANGE.arrow_schema())
    assert package.find_price_outliers(opened, options).table.schema.equals(PRICE_OUTLIER.arrow_schema())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("markup", *EVENT, "--book", "both"), "none of the words"),
        (("markup", "--event", "March"), "no period"),
        (("markup", "--event", "2022"), "no year of the window"),
        (("decompose", *EVENT, "--unit", "l"), "rows with another unit"),
        (("decompose", *EVENT, "--exporter", "FRA"), "no flow"),
        (("outliers", "--exporter", "KGZ"), "no flow"),
        (("outliers", "--periods", "2021:2022", "--freq", "M"), "differ"),
        (("outliers", "--unit", "t"), "counted in kg"),
    ],
)
def test_what_cannot_be_asked(
    lake: Path, entrepot: Callable, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    out = tmp_path / "none.csv"
    done = entrepot("prices", arguments[0], "--lake", lake, "--out", out, *arguments[1:])
    assert done.status == 1
    assert says in done.err
    assert "hint:" in done.err
    assert not out.exists()


def test_unit_values_in_euro_and_at_constant_prices(ask: Callable, tmp_path: Path) -> None:
    """Parts in euro are those of values turned month by month; an index that rises by half takes it out."""
    words = ("decompose", *EVENT, "--products", "854231", "--by", "hs_code")
    (plain,), _ = ask(*words)
    (euro,), said = ask(*words, "--value", "eur")
    assert "EUR per kg" in said
    assert not [name for name in euro if name.endswith("_usd")]
    rates = {row["period"]: row["per_usd"] for row in ecb_rates().to_pylist() if row["currency"] == "EUR"}
    span = [rates[f"{year}-{month:02d}"] for year in (2020, 2021) for month in range(1, 13)]
    before = float(euro["value_before_eur"]) / float(plain["value_before_usd"])
    assert min(span) < before < max(span)
    parts = ("fisher_price_eur", "fisher_volume_eur", "entered_eur", "unpriced_change_eur")
    whole = sum(float(euro[name]) for name in parts) - float(euro["left_eur"])
    assert whole == pytest.approx(float(euro["value_change_eur"]), rel=1e-6)
    dearer = float(euro["fisher_price"]) / float(plain["fisher_price"])
    after = sum(rates[f"2022-{month:02d}"] for month in range(1, 13)) / 12
    assert dearer == pytest.approx(after / (sum(span) / 24), rel=0.01)
    index = tmp_path / "index.csv"
    months = [f"{year}-{month:02d}" for year in (2020, 2021, 2022) for month in range(1, 13)]
    lines = [f"{month},{1.5 if month >= '2022' else 1.0}" for month in months]
    index.write_text("period,index\n" + "\n".join(lines), encoding="utf-8")
    (constant,), _ = ask(*words, "--deflator", str(index), "--prices-of", "2020")
    assert float(constant["fisher_price"]) == pytest.approx(float(plain["fisher_price"]) / 1.5)
    assert "value_change_constant_usd" in constant


def test_a_unit_value_is_money_a_unit(lake: Path, entrepot: Callable) -> None:
    done = entrepot("prices", "decompose", "--lake", lake, *EVENT, "--value", "kg")
    assert done.status == 1
    assert "choose the amount with --unit" in done.err
