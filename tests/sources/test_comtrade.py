"""UN Comtrade: the same reports in every layout, and what each column becomes."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.engine import Engine
from entrepot.errors import HeaderError
from entrepot.pipeline import Step, ingest
from entrepot.schema.layouts import COMTRADE_BULK, COMTRADE_LEGACY, COMTRADE_TARIFFLINE, COMTRADE_WEB
from entrepot.sources.base import Layout
from entrepot.sources.comtrade import ComtradeSource
from entrepot.sources.comtrade.columns import match_columns
from entrepot.sources.comtrade.recognise import ROW_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = ComtradeSource()

GOOD = {
    "typeCode": "C", "freqCode": "M", "refPeriodId": "20220301", "refYear": "2022", "refMonth": "3", "period": "202203",
    "reporterCode": "276", "reporterISO": "DEU", "flowCode": "M", "partnerCode": "842", "partnerISO": "USA",
    "partner2Code": "0", "classificationCode": "H6", "cmdCode": "854231", "customsCode": "C00", "mosCode": "0",
    "motCode": "0", "qtyUnitCode": "5", "qtyUnitAbbr": "u", "qty": "10", "isQtyEstimated": "false", "netWgt": "2.5",
    "isNetWgtEstimated": "true", "cifvalue": "1000.5", "primaryValue": "1000.5", "legacyEstimationFlag": "4",
}  # fmt: skip


def judge(**changes: str | None) -> dict[str, object]:
    """Return the canonical row of a good row with changes."""
    row = {name: value for name, value in (GOOD | changes).items() if value is not None}
    raw = pa.table({name: pa.array([value or None], pa.string()) for name, value in row.items()})
    raw = raw.append_column("row_number", pa.array([1], pa.int64()))
    with Engine(memory_limit="200MB", threads=1) as engine:
        layout = Layout(id="table", raw_table="raw", form="csv", columns=tuple(row))
        rows = engine.sql(
            SOURCE.canonical_sql(layout, "given"), given=raw, **SOURCE.reference_tables()
        ).to_pylist()
    assert len(rows) == 1
    return rows[0]


def test_good_row() -> None:
    row = judge()
    assert row["reason"] is None
    expected = {
        "reporter": "DEU", "partner": "USA", "flow": "import", "period": "2022-03", "year": 2022, "frequency": "M",
        "hs_code": "854231", "hs_level": 6, "hs_revision": "HS2022", "national_code": None, "role": "leaf",
        "primary_value_usd": 1000.5, "valuation": "cif", "partner_concept": "origin", "net_weight_kg": 2.5,
        "is_net_weight_estimated": True, "quantity": 10.0, "quantity_unit": "u", "is_quantity_estimated": False,
        "consignment_partner": None,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("period", "frequency", "expected"),
    [("2022", "A", "2022"), ("202252", "A", "2022"), ("202203", "M", "2022-03"), ("2022-03", "M", "2022-03"),
     ("202213", "M", None), ("22", "A", None), ("202203", "A", None), ("2022", "M", None), ("1850", "A", None)],
)  # fmt: skip
def test_periods(period: str, frequency: str, expected: str | None) -> None:
    row = judge(period=period, freqCode=frequency)
    assert (row["reason"] is None) == (expected is not None)
    if expected:
        assert row["period"] == expected
    else:
        assert row["reason"] == "bad_period"


@pytest.mark.parametrize(
    ("month", "expected"), [("3", "2022-03"), ("12", "2022-12"), ("52", "2022"), (None, "2022")]
)
def test_period_of_year_and_month(month: str | None, expected: str) -> None:
    assert judge(period=None, freqCode=None, refMonth=month)["period"] == expected


@pytest.mark.parametrize(
    ("code", "flow", "valuation", "concept"),
    [("M", "import", "cif", "origin"), ("X", "export", "fob", "last_known_destination"),
     ("RX", "re_export", "fob", "last_known_destination"), ("RM", "re_import", "cif", "origin"),
     ("DX", "domestic_export", "fob", "last_known_destination"), ("FM", "foreign_import", "cif", "origin"),
     ("MIP", "import_inward_processing", "cif", "origin"), ("XOP", "export_outward_processing", "fob", "last_known_destination"),
     ("1", "import", "cif", "origin"), ("2", "export", "fob", "last_known_destination"), ("3", "re_export", "fob", "last_known_destination"),
     ("4", "re_import", "cif", "origin"), ("Re-Export", "re_export", "fob", "last_known_destination")],
)  # fmt: skip
def test_flows(code: str, flow: str, valuation: str, concept: str) -> None:
    row = judge(flowCode=code)
    assert (row["flow"], row["valuation"], row["partner_concept"]) == (flow, valuation, concept)


@pytest.mark.parametrize(
    ("changes", "role", "detail"),
    [({}, "leaf", None), ({"partnerCode": "0"}, "aggregate", None), ({"partnerCode": None, "partnerISO": "W00"}, "aggregate", None),
     ({"partnerCode": "97"}, "aggregate", None), ({"partnerCode": "899"}, "leaf", None), ({"partnerCode": "276"}, "leaf", None),
     ({"motCode": "2100"}, "breakdown", "motCode 2100"), ({"customsCode": "C01"}, "breakdown", "customsCode C01"),
     ({"mosCode": "0 "}, "leaf", None), ({"mosCode": "-1"}, "leaf", None), ({"mosCode": "2"}, "breakdown", "mosCode 2"),
     ({"partner2Code": "344"}, "breakdown", "partner2Code 344"), ({"partnerCode": "0", "motCode": "2100"}, "breakdown", "motCode 2100"),
     ({"customsCode": None, "motCode": "", "partner2Code": ""}, "leaf", None)],
)  # fmt: skip
def test_roles(changes: dict[str, str | None], role: str, detail: str | None) -> None:
    row = judge(**changes)
    assert (row["reason"], row["role"], row["detail"]) == (None, role, detail)


@pytest.mark.parametrize(
    ("code", "hs_code", "level", "national"),
    [("TOTAL", "TOTAL", 0, None), ("85", "85", 2, None), ("8542", "8542", 4, None), ("9999AA", "9999AA", 6, None),
     ("85423190", "854231", 8, "85423190"), ("8542319000", "854231", 10, "8542319000"),
     ("54231", None, 0, None), ("00", None, 0, None), ("8542.31", None, 0, None), ("AG6", None, 0, None)],
)  # fmt: skip
def test_codes(code: str, hs_code: str | None, level: int, national: str | None) -> None:
    row = judge(cmdCode=code)
    if hs_code is None:
        assert (row["reason"], row["detail"]) == ("unknown_hs_code", f"cmdCode {code}")
    else:
        assert (row["hs_code"], row["hs_level"], row["national_code"]) == (hs_code, level, national)


@pytest.mark.parametrize(
    ("text", "revision"),
    [("H0", "HS1992"), ("H1", "HS1996"), ("H2", "HS2002"), ("H3", "HS2007"), ("H4", "HS2012"), ("H5", "HS2017"),
     ("H6", "HS2022"), ("HS", "HS2022"), (None, "HS2022"), ("S4", None), ("B5", None), ("EB10", None)],
)  # fmt: skip
def test_revisions(text: str | None, revision: str | None) -> None:
    row = judge(classificationCode=text)
    assert row["hs_revision"] == revision
    assert row["reason"] == (None if revision else "unknown_revision")


@pytest.mark.parametrize(
    ("changes", "weight", "quantity", "unit"),
    [({"netWgt": ""}, None, 10.0, "u"), ({"netWgt": "0"}, None, 10.0, "u"), ({"qtyUnitCode": "-1", "qtyUnitAbbr": "N/A"}, 2.5, None, None),
     ({"qtyUnitCode": "1"}, 2.5, None, None), ({"qty": "0"}, 2.5, None, None), ({"qtyUnitCode": "8", "qtyUnitAbbr": None}, 2.5, 10.0, "kg"),
     ({"qtyUnitCode": "12"}, 2.5, 10.0, "m3"), ({"qtyUnitCode": "99", "qtyUnitAbbr": "GIGA"}, 2.5, 10.0, "giga"),
     ({"qtyUnitCode": "99", "qtyUnitAbbr": ""}, 2.5, 10.0, "unit 99")],
)  # fmt: skip
def test_null_is_not_zero(
    changes: dict[str, str | None], weight: object, quantity: object, unit: object
) -> None:
    row = judge(**changes)
    assert (row["net_weight_kg"], row["quantity"], row["quantity_unit"]) == (weight, quantity, unit)


@pytest.mark.parametrize(
    ("changes", "value", "valuation"),
    [({"primaryValue": None}, 1000.5, "cif"), ({"primaryValue": "0", "cifvalue": "0"}, 0.0, "cif"),
     ({"cifvalue": "", "fobvalue": "7", "primaryValue": "7"}, 7.0, "fob"),
     ({"cifvalue": "8", "fobvalue": "7", "primaryValue": "8"}, 8.0, "cif"),
     ({"flowCode": "X", "cifvalue": "", "fobvalue": "7", "primaryValue": ""}, 7.0, "fob")],
)  # fmt: skip
def test_values(changes: dict[str, str | None], value: float, valuation: str) -> None:
    row = judge(**changes)
    assert (row["primary_value_usd"], row["valuation"], row["reason"]) == (value, valuation, None)


@pytest.mark.parametrize(
    ("code", "period", "area"),
    [("490", "202203", "XOA"), ("736", "201105", "XSD"), ("729", "201203", "SDN"), ("251", "202203", "FRA"),
     ("699", "202203", "IND"), ("842", "202203", "USA"), ("757", "202203", "CHE")],
)  # fmt: skip
def test_areas_by_date(code: str, period: str, area: str) -> None:
    row = judge(partnerCode=code, period=period, refYear=period[:4])
    assert (row["partner"], row["reason"]) == (area, None)


def test_iso_serves_where_there_is_no_number() -> None:
    row = judge(reporterCode=None, partnerCode=None, partnerISO="S19")
    assert (row["reporter"], row["partner"]) == ("DEU", "XOA")


LAYOUTS = (
    "web",
    "web upper",
    "web lf",
    "semicolon",
    "api",
    "bulk",
    "legacy",
    "tariffline",
    "snake",
    "parquet",
    "gz",
)


def _write(layout: str, folder: Path) -> Path:  # noqa: PLR0912  a case a layout
    """Write the good row, and one to the world, in a layout."""
    rows = [
        GOOD,
        GOOD | {"partnerCode": "0", "partnerISO": "W00", "primaryValue": "5000", "cifvalue": "5000"},
    ]
    names: dict[str, str] = {name: name for name in COMTRADE_WEB}
    delimiter, ending = ",", ",\r\n"
    match layout:
        case "web upper":
            names = {
                name: "AtlQty" if name == "altQty" else name[0].upper() + name[1:] for name in COMTRADE_WEB
            }
        case "web lf":
            ending = "\n"
        case "semicolon":
            delimiter, ending = ";", "\n"
        case "bulk":
            known = {name.casefold(): name for name in COMTRADE_WEB}
            names = {known.get(name.casefold(), name): name for name in COMTRADE_BULK}
            delimiter, ending = "\t", "\n"
        case "legacy":
            names = {new: old for old, new in COMTRADE_LEGACY.items()}
            ending = "\n"
        case "tariffline":
            names = {name: name for name in COMTRADE_TARIFFLINE}
        case "snake":
            short = [name for name in GOOD if name not in {"typeCode", "refPeriodId", "isNetWgtEstimated"}]
            names = {
                name: "".join(f"_{c.lower()}" if c.isupper() else c for c in name) for name in reversed(short)
            }
            ending = "\n"
        case _:
            pass
    table = [{name: row.get(meaning, "") for meaning, name in names.items()} for row in rows]
    if layout in {"api", "tariffline"}:
        path = folder / f"{layout}.json"
        numbers = {"qty", "netWgt", "cifvalue", "primaryValue"}
        data = [{k: float(v) if k in numbers and v else v or None for k, v in row.items()} for row in table]
        path.write_text(
            json.dumps({"elapsedTime": "0.2 secs", "count": 2, "data": data, "error": ""}, indent=1)
        )
        return path
    if layout == "parquet":
        path = folder / "cut.parquet"
        columns = {"period": "period", "reporterCode": "reporter_code", "flowCode": "flow_code", "netWgt": "net_wgt",
                   "partnerCode": "partner_code", "classificationCode": "classification_code", "cmdCode": "cmd_code",
                   "qtyUnitCode": "qty_unit_code", "qty": "qty", "primaryValue": "primary_value"}  # fmt: skip
        frame = pa.Table.from_pylist([{new: row[old] for old, new in columns.items()} for row in rows])
        # As pandas writes codes of a column with gaps: floating point.
        place = frame.column_names.index("partner_code")
        frame = frame.set_column(place, "partner_code", frame["partner_code"].cast(pa.float64()))
        pq.write_table(frame, path)
        return path
    empty = "(null)" if layout == "bulk" else ""
    quote = '"' if layout.startswith("web") else ""
    text = delimiter.join(table[0]) + "\r\n"
    for row in table:
        text += (
            delimiter.join(f"{quote}{value}{quote}" if value else empty for value in row.values()) + ending
        )
    if layout in {"bulk", "gz"}:
        path = folder / "COMTRADE-FINAL-CM276202203H6[2022-06-01].gz"
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path = folder / "TradeData.csv"
        path.write_bytes(text.encode("latin-1"))
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_says_the_same(layout: str, tmp_path: Path, taken_in: Callable) -> None:
    file, rows = taken_in(_write(layout, tmp_path))
    assert file.error is None, file.error
    assert (file.rows_read, file.rows_quarantined) == (2, 0)
    named = {
        "web upper": "web",
        "web lf": "web",
        "semicolon": "web",
        "gz": "web",
        "snake": "table",
        "parquet": "table",
    }
    assert file.layout == named.get(layout, layout)
    assert [(row["partner"], row["role"], row["primary_value_usd"]) for row in rows] == [
        ("USA", "leaf", 1000.5), ("XWD", "aggregate", 5000.0),
    ]  # fmt: skip
    names = (
        "reporter",
        "flow",
        "period",
        "frequency",
        "hs_code",
        "hs_revision",
        "net_weight_kg",
        "quantity",
        "quantity_unit",
    )
    assert [rows[0][name] for name in names] == [
        "DEU",
        "import",
        "2022-03",
        "M",
        "854231",
        "HS2022",
        2.5,
        10.0,
        "u",
    ]
    if layout in {"web", "bulk", "legacy"}:
        assert rows[0]["is_net_weight_estimated"] is True
    if layout in {"bulk", "gz"}:
        assert str(file.vintage) == "2022-06-01"


def test_missing_column_is_named() -> None:
    names = [name for name in COMTRADE_WEB if name not in {"cmdCode", "period", "refYear"}]
    with pytest.raises(HeaderError, match=r"the period .period or refYear.; the commodity") as caught:
        match_columns([*names, "cmd_cod"], where="here")
    assert "'cmd_cod' looks like 'cmdCode'" in caught.value.hint


def test_another_table_is_sent_to_a_mapping() -> None:
    """A rank of partners is no code of partners, whatever the letters say."""
    with pytest.raises(HeaderError) as caught:
        match_columns(["refYear", "flowCode", "reporterDesc", "partner_rank", "value_usd"], where="here")
    assert "csv:MAPPING.toml" in caught.value.hint
    assert "partner_rank" not in caught.value.hint


def test_samples_are_read(taken_in: Callable) -> None:
    folder = files("entrepot.sources.comtrade") / "samples"
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".csv", ".json", ".txt"})
    assert len(paths) == 4
    for path in paths:
        file, _ = taken_in(path)
        assert file.status == "stored", file.error
        assert file.rows_quarantined == 0


def test_facts_file_agrees_with_the_reader() -> None:
    text = (files("entrepot.sources.comtrade") / "source.yml").read_text()
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and line[0] not in " #")
    assert facts["id"] == SOURCE.id
    limits = sorted({limit for limits in ROW_LIMITS.values() for limit in limits})
    assert json.loads(facts["row_limits"]) == limits


def test_steps_are_told_in_order(tmp_path: Path) -> None:
    steps: list[Step] = []
    ingest(SOURCE, [_write("web", tmp_path)], lake=tmp_path / "lake", progress=steps.append)
    names = list(dict.fromkeys(step.name for step in steps))
    assert names == ["reading bytes", "staging", "judging", "checking keys", "committing"]
    assert all(0 <= step.share <= 1 for step in steps if step.share is not None)
    assert next(step.rows for step in steps if step.name == "staging") in {2, 3}
