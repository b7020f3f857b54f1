"""What can be asked of the flows of a lake: levels, parts, goods coming home, special areas."""

from __future__ import annotations

import pytest

from entrepot.errors import OptionError
from entrepot.pipeline.flows import FlowQuery, select_flows
from entrepot.pipeline.quality import explain_reporter
from entrepot.schema import FLOW_PARTS, RECONCILED, TOTALS, bad_rows

JANUARY = "2022-01"


def row(product: str, value: float, flow: str = "export", *, who: str = "DEU", partner: str = "KGZ") -> tuple:
    return (who, flow, partner, JANUARY, product, value)


ROWS = [
    row("870323", 100), row("870324", 50), row("840810", 30), row("870323", 40, "re_export"),
    row("870323", 60, partner="XAN"), row("TOTAL", 200),
    row("870323", 106, "import", who="KGZ", partner="DEU"),
    row("870324", 53, "import", who="KGZ", partner="DEU"),
    row("870323", 80, "import", who="KAZ", partner="DEU"),
    row("840810", 9, "import", who="KAZ", partner="KAZ"),
    row("840810", 9, "re_import", who="KAZ", partner="KAZ"),
]  # fmt: skip


@pytest.fixture
def lake(take_in):
    return take_in(ROWS)


def ask(lake, **options) -> list[dict]:
    return select_flows(lake, FlowQuery(**options)).to_pylist()


def test_levels_add_up_and_the_total_is_explained(lake) -> None:
    every = ask(lake, level="all", exporters=("DEU",), importers=("KGZ",), estimate="exporter_first")
    value = {r["hs_code"]: r["value_usd"] for r in every}
    assert value == {
        "870323": 100, "870324": 50, "840810": 30, "8703": 150, "8408": 30, "87": 150, "84": 30, "TOTAL": 180,
    }  # fmt: skip
    for level, codes in (("4", {"8703", "8408"}), ("2", {"87", "84"}), ("TOTAL", {"TOTAL"})):
        found = ask(lake, level=level, exporters=("DEU",), importers=("KGZ",), estimate="exporter_first")
        assert {r["hs_code"] for r in found} == codes
    total = next(r for r in every if r["hs_code"] == "TOTAL")
    assert (total["exporter_total_usd"], total["exporter_undetailed_usd"]) == (200, 20)
    assert bad_rows(select_flows(lake, FlowQuery(level="all")), TOTALS).num_rows == 0
    some = ask(lake, level="4", products=("87",), estimate="exporter_first")
    assert {r["hs_code"] for r in some} == {"8703"}


def test_parts_stand_beside_and_change_nothing(lake) -> None:
    plain, parts = (
        select_flows(lake, FlowQuery(has_parts=has, estimate="exporter_first")) for has in (False, True)
    )
    assert parts.select(RECONCILED.columns).equals(plain)
    assert bad_rows(parts, FLOW_PARTS).num_rows == 0
    told = {(r["exporter"], r["importer"], r["hs_code"]): r for r in parts.to_pylist()}
    assert told["DEU", "KGZ", "870323"]["re_export_usd"] == 40
    assert told["DEU", "KGZ", "870324"]["re_export_usd"] == 0
    assert told["KAZ", "KAZ", "840810"]["re_import_usd"] == 9
    assert told["DEU", "KGZ", "870323"]["re_import_usd"] is None


@pytest.mark.parametrize(("home", "rows"), [("with", {True, False}), ("without", {False}), ("only", {True})])
def test_goods_coming_home_can_be_asked_for(home, rows, lake) -> None:
    assert {r["exporter"] == r["importer"] for r in ask(lake, home=home, estimate="exporter_first")} == rows


def test_special_areas_are_kept_or_allocated_and_nothing_is_lost(lake) -> None:
    kept, shared = (
        {
            (r["importer"], r["hs_code"]): r
            for r in ask(lake, special=how, exporters=("DEU",), estimate="exporter_first")
        }
        for how in ("keep", "allocate")
    )
    assert kept["XAN", "870323"]["exporter_report_usd"] == 60
    assert kept["KAZ", "870323"]["exporter_report_usd"] == 0
    assert kept["KAZ", "870323"]["exporter_allocated_usd"] is None
    got = shared["KAZ", "870323"]["exporter_allocated_usd"]
    assert 50 < got <= 60
    assert shared["KAZ", "870323"]["exporter_report_usd"] == got
    sums = [sum(r["exporter_report_usd"] or 0 for r in rows.values()) for rows in (kept, shared)]
    assert sums[0] == pytest.approx(sums[1])


@pytest.mark.parametrize(
    "options",
    [
        {"level": "4", "has_parts": True},
        {"is_reconciled": False, "level": "4"},
        {"is_reconciled": False, "has_parts": True},
        {"is_reconciled": False, "special": "allocate"},
        {"level": "4", "products": ("870323",)},
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(options) -> None:
    with pytest.raises(OptionError):
        FlowQuery(**options)


def test_a_reporter_is_explained_from_the_lake(lake) -> None:
    said = explain_reporter(lake, "KGZ")
    assert said.startswith("KGZ imports: one figure is typically")
    assert "2 yearly flows with 1 partners" in said
