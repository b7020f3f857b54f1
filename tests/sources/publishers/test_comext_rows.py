"""Eurostat Comext: what becomes of each column, generation by generation."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.schema.layouts import COMEXT_FULL_V1, COMEXT_FULL_V2, COMEXT_NC
from entrepot.sources.comext import ComextSource
from entrepot.sources.rates import ecb_rates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = ComextSource()
SAMPLES = files("entrepot.sources.comext") / "samples"
LAYOUTS = {
    "full_202403.dat": "full_v2",
    "full200101.dat": "full_v1",
    "nc200201.dat": "nc",
    "sdmx.csv": "sdmx",
}

GOOD = dict(
    zip(
        COMEXT_FULL_V2,
        [
            "DE",
            "KG",
            "E",
            "85423190",
            "77640",
            "2611",
            "2611",
            "420",
            "421110",
            "16",
            "2",
            "1",
            "PST",
            "202403",
            "1000",
            "1000",
            "30",
            "7",
        ],
        strict=True,
    )
)


@pytest.fixture
def one(read_file: Callable, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a reader of one row of the third generation, given what differs from a good one."""

    def read(**changes: str) -> dict[str, Any]:
        row = GOOD | changes
        path = tmp_path / "full_202403.dat"
        path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
        found = read_file(SOURCE, path)
        found.check()
        (only,) = found.rows
        return only

    return read


def rate(period: str) -> float:
    return next(
        row["per_usd"]
        for row in ecb_rates().to_pylist()
        if (row["currency"], row["period"]) == ("EUR", period)
    )


def test_good_row(one: Callable) -> None:
    expected = {
        "reporter": "DEU", "partner": "KGZ", "flow": "export", "period": "2024-03", "year": 2024, "frequency": "M",
        "hs_code": "854231", "hs_level": 8, "hs_revision": "HS2022", "national_code": "85423190", "role": "leaf",
        "valuation": "fob", "partner_concept": "last_known_destination", "customs_procedure": "normal",
        "reported_value": 1000.0, "reported_currency": "EUR", "net_weight_kg": 30.0, "quantity": 7.0,
        "quantity_unit": "u", "is_net_weight_estimated": None, "reason": None,
    }  # fmt: skip
    row = one()
    assert {name: row[name] for name in expected} == expected
    assert row["primary_value_usd"] == pytest.approx(1000 / rate("2024-03"), rel=1e-12)


def test_a_year_has_the_rate_of_the_year(one: Callable) -> None:
    row = one(PERIOD="202352")
    assert (row["period"], row["frequency"]) == ("2023", "A")
    assert row["primary_value_usd"] == pytest.approx(1000 / rate("2023"), rel=1e-12)


@pytest.mark.parametrize(
    ("flow", "trade", "concept", "valuation"),
    [("1", "E", "origin", "cif"), ("1", "I", "consignment", "cif"), ("2", "I", "last_known_destination", "fob"),
     ("2", "E", "last_known_destination", "fob")],
)  # fmt: skip
def test_origin_and_consignment_are_kept_apart(
    one: Callable, flow: str, trade: str, concept: str, valuation: str
) -> None:
    row = one(FLOW=flow, TRADE_TYPE=trade, PARTNER="FR")
    assert (row["partner_concept"], row["valuation"]) == (concept, valuation)


@pytest.mark.parametrize(
    ("code", "hs_code", "level", "national"),
    [("39XXXXXX", "39XXXX", 8, "39XXXXXX 582XX 2611 2611 420 421110"), ("390120XX", "390120", 8, "390120XX 582XX 2611 2611 420 421110"),
     ("3901XXXX", "3901XX", 8, "3901XXXX 582XX 2611 2611 420 421110"), ("39SSS582", "39XXXX", 8, "39SSS582 582XX 2611 2611 420 421110"),
     ("99RRR100", "99XXXX", 8, "99RRR100 582XX 2611 2611 420 421110"), ("TOTAL", "TOTAL", 0, None), ("85", "85", 2, None),
     ("8542", "8542", 4, None), ("854231", "854231", 6, None), ("99500000", "995000", 8, "99500000")],
)  # fmt: skip
def test_withheld_codes_keep_what_is_known(
    one: Callable, code: str, hs_code: str, level: int, national: str | None
) -> None:
    row = one(PRODUCT_NC=code, PRODUCT_SITC="582XX")
    assert (row["hs_code"], row["hs_level"], row["national_code"], row["reason"]) == (
        hs_code,
        level,
        national,
        None,
    )


@pytest.mark.parametrize(
    ("partner", "area", "role"),
    [("GR", "GRC", "leaf"), ("EL", "GRC", "leaf"), ("XK", "XKX", "leaf"), ("XS", "SRB", "leaf"), ("QP", "XQP", "leaf"),
     ("QS", "XQS", "leaf"), ("QZ", "XQZ", "leaf"), ("XC", "XCE", "leaf"), ("XL", "XML", "leaf"), ("XU", "XGB", "leaf"),
     ("WORLD", "XWD", "aggregate"), ("EXT_EU27_2020", "XEX", "aggregate"), ("EU27_2020_EXTRA", "XEX", "aggregate"),
     ("INT_EU27_2020", "XIE", "aggregate"), ("EU27_2020", "XEU", "aggregate"), ("EA20", "XEA", "aggregate")],
)  # fmt: skip
def test_areas(one: Callable, partner: str, area: str, role: str) -> None:
    row = one(PARTNER=partner)
    assert (row["partner"], row["role"], row["reason"]) == (area, role, None)
    assert one(REPORTER="EU")["role"] == "aggregate"


@pytest.mark.parametrize(
    ("changes", "weight", "quantity", "unit"),
    [({"QUANTITY_KG": "0"}, None, 7.0, "u"), ({"QUANTITY_KG": ""}, None, 7.0, "u"), ({"SUPPL_UNIT": "NO_SU"}, 30.0, None, None),
     ({"QUANTITY_SUPPL_UNIT": "0"}, 30.0, None, None), ({"SUPPL_UNIT": "1000_KWH"}, 30.0, 7.0, "1000kwh"),
     ({"SUPPL_UNIT": "GIGA"}, 30.0, 7.0, "giga")],
)  # fmt: skip
def test_null_is_not_zero(
    one: Callable, changes: dict[str, str], weight: object, quantity: object, unit: object
) -> None:
    row = one(**changes)
    assert (row["net_weight_kg"], row["quantity"], row["quantity_unit"]) == (weight, quantity, unit)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [({"PERIOD": "202413"}, "bad_period", "PERIOD 202413"), ({"FLOW": "3"}, "unknown_flow", "FLOW 3"), ({"FLOW": ""}, "unknown_flow", "FLOW is empty"),
     ({"TRADE_TYPE": "Z"}, "unknown_flow", "TRADE_TYPE Z"), ({"STAT_PROCEDURE": "4"}, "unknown_flow", "STAT_PROCEDURE 4"),
     ({"REPORTER": "Q1"}, "unknown_area", "REPORTER Q1"), ({"PARTNER": ""}, "unknown_area", "PARTNER is empty"),
     ({"PRODUCT_NC": "1012100"}, "unknown_hs_code", "PRODUCT_NC 1012100; its leading zero is lost"), ({"PRODUCT_NC": "00123456"}, "unknown_hs_code", "PRODUCT_NC 00123456"),
     ({"PRODUCT_NC": "8X423190"}, "unknown_hs_code", "PRODUCT_NC 8X423190"), ({"VALUE_EUR": ""}, "missing_value", "VALUE_EUR is empty"),
     ({"VALUE_EUR": ":"}, "bad_number", "VALUE_EUR :"), ({"VALUE_EUR": "nan"}, "bad_number", "VALUE_EUR nan"), ({"VALUE_EUR": "-5"}, "negative_value", "VALUE_EUR -5"),
     ({"QUANTITY_KG": "x"}, "bad_number", "QUANTITY_KG x"), ({"QUANTITY_KG": "-1"}, "negative_value", "QUANTITY_KG -1"),
     ({"VALUE_EUR": "1e15"}, "absurd_value", "VALUE_EUR 1e15"), ({"PERIOD": "199801"}, "missing_rate", "PERIOD 199801; no euro rate")],
)  # fmt: skip
def test_bad_rows_have_a_reason(one: Callable, changes: dict[str, str], reason: str, detail: str) -> None:
    row = one(**changes)
    assert row["reason"] == reason
    assert row["detail"].startswith(detail)


@pytest.mark.parametrize("name", LAYOUTS)
def test_samples_are_read_whole(name: str, take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes((SAMPLES / name).read_bytes())
    file, rows = take_in(SOURCE, path)
    assert file.error is None, file.error
    assert (file.layout, file.rows_quarantined, len(rows)) == (LAYOUTS[name], 0, file.rows_read)


def test_procedures_of_a_cell_add_up_and_parts_of_the_kingdom_do_not(
    take_in: Callable, tmp_path: Path
) -> None:
    path = tmp_path / "full_202403.dat"
    path.write_bytes((SAMPLES / path.name).read_bytes())
    _, rows = take_in(SOURCE, path)
    leaves = [row for row in rows if row["role"] == "leaf"]
    chips = [(row["customs_procedure"], row["reported_value"]) for row in leaves if row["partner"] == "CHN"]
    assert chips == [("normal", 1200.0), ("inward_processing", 300.0)]
    kingdom = {
        row["partner"]: (row["role"], row["reported_value"]) for row in rows if row["hs_code"] == "870323"
    }
    assert kingdom == {"GBR": ("leaf", 90000.0), "XNI": ("aggregate", 20000.0), "XGB": ("aggregate", 70000.0)}


def test_the_cd_roms_totals_contain_their_parts(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "nc200201.dat"
    path.write_bytes((SAMPLES / path.name).read_bytes())
    _, rows = take_in(SOURCE, path)
    phones = {row["role"]: row for row in rows if row["hs_code"] == "851789"}
    assert phones["leaf"]["reported_value"] == pytest.approx(912_340)
    assert phones["leaf"]["customs_procedure"] is None
    assert phones["breakdown"]["customs_procedure"] == "inward_processing"
    assert phones["leaf"]["net_weight_kg"] == pytest.approx(18_400)
    assert {row["partner_concept"] for row in rows if row["partner"] == "NLD"} == {"consignment"}
    assert {row["role"] for row in rows if row["partner"] == "XEX" or row["reporter"] == "XEU"} == {
        "aggregate"
    }
    assert {row["hs_level"] for row in rows} == {0, 2, 8}


def test_a_part_without_its_total_is_set_aside(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "nc200201.dat"
    lines = [",".join(COMEXT_NC), "001,0720,85178900,1,4,200201,9,1,0", "001,0720,85178901,1,2,200201,9,1,0"]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    file, rows = take_in(SOURCE, path)
    assert (file.reasons, len(rows)) == ({"breakdown_without_total": 1}, 1)


def test_second_generation_takes_letters_before_numbers(read_file: Callable, tmp_path: Path) -> None:
    path = tmp_path / "full200101.dat"
    row = dict(
        zip(
            COMEXT_FULL_V1,
            [
                "004",
                "",
                "0075",
                "",
                "E",
                "85178900",
                "7",
                "1",
                "2",
                ".....",
                "4",
                "16",
                "2",
                "1",
                "B",
                "200101",
                "5",
                "1",
                "2",
            ],
            strict=True,
        )
    )
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
    (found,) = read_file(SOURCE, path).rows
    assert (found["reporter"], found["partner"], found["quantity_unit"]) == ("DEU", "RUS", "b")


def test_indicators_of_a_cell_make_one_report(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "sdmx.csv"
    path.write_bytes((SAMPLES / path.name).read_bytes())
    file, rows = take_in(SOURCE, path)
    assert str(file.vintage) == "2026-09-15"
    (chips,) = [row for row in rows if (row["role"], row["partner"], row["hs_level"]) == ("leaf", "KAZ", 8)]
    assert (chips["reported_value"], chips["net_weight_kg"], chips["quantity"]) == (73_500.0, 125.0, 9000.0)
    parts = [row for row in rows if row["role"] == "breakdown"]
    assert [row["primary_value_usd"] for row in parts] == [None, None]
    assert {row["partner"] for row in rows if row["role"] == "aggregate"} == {"XWD", "XEX", "KAZ"}


def test_a_weight_without_its_value_is_set_aside(take_in: Callable, tmp_path: Path) -> None:
    path = tmp_path / "sdmx.csv"
    head, first, *_ = (SAMPLES / path.name).read_text("utf-8").splitlines()
    lonely = first.replace("KZ", "KG").replace("VALUE_IN_EUROS", "QUANTITY_IN_100KG")
    hidden = first.replace("KZ", "UZ").replace("73500,", ",c")
    path.write_text("\n".join([head, first, first.replace("KZ", "AM"), lonely, hidden, ""]), encoding="utf-8")
    file, rows = take_in(SOURCE, path)
    assert file.reasons == {"breakdown_without_total": 1, "missing_value": 1}
    assert len(rows) == 2


def test_labels_behind_codes_are_left_out(read_file: Callable, tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text(
        "DATAFLOW,freq:Time frequency,reporter:R,partner:P,product:C,flow:F,indicators:I,TIME_PERIOD:T,OBS_VALUE:V\n"
        '"ESTAT:X(1.0)",M:Monthly,DE:Germany,KG:Kyrgyzstan,"8542:Circuits, electronic",2:EXPORT,VALUE_IN_EUROS:V,2024-03,7\n',
        encoding="utf-8",
    )
    (row,) = read_file(SOURCE, path).rows
    assert (row["reporter"], row["partner"], row["hs_code"], row["reported_value"]) == (
        "DEU",
        "KGZ",
        "8542",
        7.0,
    )
