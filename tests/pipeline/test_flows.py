"""From a real lake to flows: one level, whole years, vintages, totals apart."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from entrepot.engine import Engine
from entrepot.errors import CoverageError, OptionError
from entrepot.pipeline import ingest
from entrepot.pipeline.flows import FlowQuery, reconciled_flows, select_flows
from entrepot.schema import FLOW, RECONCILED, bad_rows, duplicated_rows
from entrepot.sources.baci import BaciSource

if TYPE_CHECKING:
    from pathlib import Path

MONTHS = [f"2022-{m:02d}" for m in range(1, 13)]


def row(
    product: str, value: float, *, period: str = "2022-01", flow: str = "export", kg: object = "", **who: str
) -> tuple:
    return (who.get("reporter", "DEU"), flow, who.get("partner", "KGZ"), period, product, value, kg)


def values(lake, **options) -> dict:
    """Return the reconciled value by (product, period)."""
    found = select_flows(lake, FlowQuery(is_reconciled=True, **options))
    assert bad_rows(found, RECONCILED).num_rows == 0
    assert duplicated_rows(found, RECONCILED).num_rows == 0
    return {(r["hs_code"], r["period"]): r["value_usd"] for r in found.to_pylist()}


# --- levels ---------------------------------------------------------------------------------------------


def test_longer_codes_are_rolled_up_to_six_digits(take_in) -> None:
    lake = take_in([row("87032310", 10), row("87032390", 20), row("87032210", 5)])
    assert values(lake) == {("870323", "2022-01"): 30.0, ("870322", "2022-01"): 5.0}


def test_shorter_codes_are_never_added_to_their_parts(take_in) -> None:
    lake = take_in([row("87", 1000), row("8703", 500), row("870323", 30), row("TOTAL", 9000)])
    assert values(lake) == {("870323", "2022-01"): 30.0}
    assert values(lake, products=["TOTAL"]) == {("TOTAL", "2022-01"): 9000.0}


def test_a_published_level_counts_before_the_sum_of_its_parts(take_in) -> None:
    """A publisher's eight-digit codes may be a selection."""
    lake = take_in([row("870323", 100), row("87032310", 30), row("87032210", 7)])
    assert values(lake) == {("870323", "2022-01"): 100.0, ("870322", "2022-01"): 7.0}


@pytest.mark.parametrize(
    "other",
    [{"partner": "KAZ"}, {"reporter": "FRA"}, {"period": "2022-02"}, {"flow": "import"}],
    ids=lambda other: next(iter(other)),
)
def test_parts_count_where_the_level_is_published_for_others_only(other, take_in) -> None:
    lake = take_in([row("870323", 100, **other), row("87032310", 30)])
    found = select_flows(
        lake, FlowQuery(is_reconciled=True, exporters=["DEU"], importers=["KGZ"], periods="2022-01")
    )
    assert found["exporter_report_usd"].to_pylist() == [30.0]


def test_the_finest_level_is_taken_where_there_are_no_six_digits(take_in) -> None:
    lake = take_in([row("8703", 500), row("87", 1000)])
    assert values(lake) == {("8703", "2022-01"): 500.0}


def test_totals_are_reconciled_by_themselves(take_in) -> None:
    """Germany published a total and Kyrgyzstan goods: neither turns the other into a zero."""
    lake = take_in([row("TOTAL", 9000), row("870323", 106, flow="import", reporter="KGZ", partner="DEU")])
    assert values(lake) == {("870323", "2022-01"): pytest.approx(100.0)}
    assert values(lake, products=["TOTAL"]) == {("TOTAL", "2022-01"): 9000.0}


def test_weights_are_summed_where_all_parts_are_weighed(take_in) -> None:
    lake = take_in(
        [row("87032310", 10, kg=2), row("87032390", 20, kg=3), row("87032210", 1, kg=1), row("87032290", 1)]
    )
    found = select_flows(lake, FlowQuery(is_reconciled=True)).to_pylist()
    assert {r["hs_code"]: r["net_weight_kg"] for r in found} == {"870323": 5.0, "870322": None}


# --- years ----------------------------------------------------------------------------------------------


def test_a_year_is_the_sum_of_twelve_months(take_in) -> None:
    lake = take_in([row("870323", m, period=p, kg=m) for m, p in enumerate(MONTHS, 1)])
    found = select_flows(lake, FlowQuery(is_reconciled=True, frequency="A")).to_pylist()
    assert [(r["period"], r["value_usd"], r["net_weight_kg"]) for r in found] == [("2022", 78.0, 78.0)]
    monthly = values(lake)
    assert sum(monthly.values()) == found[0]["value_usd"]


def test_a_year_of_eleven_months_is_no_year(take_in) -> None:
    lake = take_in([row("870323", 1, period=p) for p in MONTHS[:11]] + [row("870323", 5, period="2021")])
    assert values(lake, frequency="A") == {("870323", "2021"): 5.0}


def test_a_flow_may_be_absent_in_months_that_were_published(take_in) -> None:
    rows = [row("870322", 1, period=p) for p in MONTHS] + [row("870323", 10, period="2022-05")]
    assert values(take_in(rows), frequency="A") == {("870322", "2022"): 12.0, ("870323", "2022"): 10.0}


def test_a_published_year_counts_before_its_months(take_in) -> None:
    lake = take_in([row("870323", 1, period=p) for p in MONTHS] + [row("870323", 15, period="2022")])
    assert values(lake, frequency="A") == {("870323", "2022"): 15.0}
    assert values(lake) == {("870323", p): 1.0 for p in MONTHS}


def test_whole_years_are_judged_by_reporter_and_flow(take_in) -> None:
    """Germany's imports lack a month: its exports are a year all the same."""
    rows = [row("870323", 1, period=p) for p in MONTHS]
    rows += [row("870323", 2, period=p, flow="import") for p in MONTHS[1:]]
    found = select_flows(take_in(rows), FlowQuery(is_reconciled=True, frequency="A")).to_pylist()
    assert [(r["exporter"], r["importer"], r["value_usd"]) for r in found] == [("DEU", "KGZ", 12.0)]


@pytest.mark.parametrize("frequency", ["A", "M"])
def test_a_frequency_without_reports_is_said(frequency, take_in) -> None:
    lake = take_in([row("870323", 1, period="2022" if frequency == "M" else "2022-01")])
    with pytest.raises(CoverageError, match="monthly" if frequency == "M" else "annual"):
        select_flows(lake, FlowQuery(is_reconciled=True, frequency=frequency))


# --- vintages -------------------------------------------------------------------------------------------


def test_the_newest_vintage_counts_and_older_ones_can_be_asked_for(take_in) -> None:
    take_in([row("870323", 100), row("870322", 7)], vintage=date(2023, 1, 10))
    lake = take_in([row("870323", 120), row("870322", 8)], vintage=date(2023, 6, 10))
    new = {("870323", "2022-01"): 120.0, ("870322", "2022-01"): 8.0}
    old = {("870323", "2022-01"): 100.0, ("870322", "2022-01"): 7.0}
    assert values(lake) == new
    assert values(lake, as_of=date(2023, 6, 10)) == new
    assert values(lake, as_of=date(2023, 6, 9)) == old
    with pytest.raises(CoverageError):
        values(lake, as_of=date(2022, 12, 31))


def test_the_order_of_ingest_does_not_matter(take_in) -> None:
    take_in([row("870323", 120)], vintage=date(2023, 6, 10))
    lake = take_in([row("870323", 100)], vintage=date(2023, 1, 10))
    assert values(lake) == {("870323", "2022-01"): 120.0}
    assert values(lake, as_of=date(2023, 2, 1)) == {("870323", "2022-01"): 100.0}


def test_two_sources_of_one_reporter_are_not_added_up(take_in) -> None:
    take_in([row("870323", 100)], source="one")
    lake = take_in([row("870323", 101), row("870322", 7)], source="two")
    assert values(lake) == {
        ("870323", "2022-01"): 101.0,
        ("870322", "2022-01"): 7.0,
    }  # the larger source counts


# --- choosing -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(take_in_once):
    return take_in_once(
        [
            row("870323", 1), row("870422", 2), row("870323", 4, period="2022-02"),
            row("870323", 8, partner="KAZ"), row("870323", 16, reporter="FRA"), row("TOTAL", 99),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 31.0),
        ({"exporters": ["FRA"]}, 16.0),
        ({"importers": ["KAZ"]}, 8.0),
        ({"products": ["8704"]}, 2.0),
        ({"products": ["8704", "870323"]}, 31.0),
        ({"products": ["87"]}, 31.0),
        ({"products": ["TOTAL"]}, 99.0),
        ({"periods": "2022-02"}, 4.0),
        ({"periods": "2022-01:2022-02"}, 31.0),
        ({"exporters": ["DEU"], "importers": ["KGZ"], "periods": "2022-01"}, 3.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_reconciled", [True, False])
def test_every_choice_changes_the_rows(is_reconciled, options, expected, mixed) -> None:
    found = select_flows(mixed, FlowQuery(is_reconciled=is_reconciled, **options))
    column = "value_usd" if is_reconciled else "primary_value_usd"
    assert sum(found[column].to_pylist()) == expected


def test_reports_keep_their_own_columns_and_sides(take_in) -> None:
    lake = take_in([row("870323", 100), row("870323", 106, flow="import", reporter="KGZ", partner="DEU")])
    found = select_flows(lake, FlowQuery(is_reconciled=False))
    assert found.schema.names == ["exporter", "importer", *FLOW.columns]
    assert [(r["exporter"], r["importer"]) for r in found.to_pylist()] == [("DEU", "KGZ")] * 2
    assert sorted(r["primary_value_usd"] for r in found.to_pylist()) == [100.0, 106.0]


def test_rows_are_in_order(mixed) -> None:
    found = select_flows(mixed, FlowQuery(is_reconciled=True)).to_pylist()
    keys = [(r["exporter"], r["importer"], r["hs_code"], r["period"]) for r in found]
    assert keys == sorted(keys)


@pytest.mark.parametrize(("frequency", "periods"), [("M", "2022:2023"), ("A", "2022-01:2022-12")])
def test_periods_of_the_other_frequency_are_refused(frequency, periods, mixed) -> None:
    with pytest.raises(OptionError, match="frequency") as caught:
        select_flows(mixed, FlowQuery(is_reconciled=True, frequency=frequency, periods=periods))
    assert "--freq" in caught.value.hint


def test_flows_can_be_reconciled_twice_on_one_engine(mixed) -> None:
    """As a notebook does: the second question must not stumble over the tables of the first."""
    with Engine(memory_limit="500MB") as engine:
        first = reconciled_flows(engine, mixed).collect().shape
        assert reconciled_flows(engine, mixed).collect().shape == first


def test_what_a_publisher_reconciled_is_not_used_beside_reports(take_in, tmp_path: Path) -> None:
    """Not even where it is finer than they are: BACI has six digits, these reports four."""
    lake = take_in([("CHN", "export", "KGZ", "2022", "8542", 500.0)])
    query = FlowQuery(frequency="A")
    before = select_flows(lake, query).to_pylist()
    path = tmp_path / "BACI_HS22_Y2022_V202501.csv"
    path.write_text("t,i,j,k,v,q\n2022,156,417,854231,0.7,1\n2022,156,398,854231,0.1,1\n", encoding="utf-8")
    assert ingest(BaciSource(), [path], lake=lake.path).failed == ()
    assert select_flows(lake, query).to_pylist() == before
    chosen = select_flows(lake, FlowQuery(frequency="A", sources=("baci",))).to_pylist()
    assert [(row["importer"], row["value_usd"]) for row in chosen] == [("KAZ", 100.0), ("KGZ", 700.0)]
