"""Reporters that publish years only, in a question by month."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from entrepot import Corridor, explain_detour
from entrepot.detect.options import DetourOptions
from entrepot.engine import Engine
from entrepot.errors import CoverageError
from entrepot.pipeline.choices import ALL_REPORTS, YearsAsMonths
from entrepot.pipeline.detours import find_detours, flows_for
from entrepot.pipeline.years_as_months import months_of_years

MONTHS = [f"{year}-{month:02d}" for year in (2020, 2021, 2022) for month in range(1, 13)]
QUESTION = DetourOptions(event="2022-03", origins=("DEU",), destinations=("RUS",), spikes=2)
PRODUCTS = ("870323", "870322", "870321")

#: Of a hub that publishes years only: goods, and USD of 2020, 2021 and 2022.
YEARS = {"870323": (1200, 1200, 4200), "870322": (1200, 2400, 300), "870321": (None, None, 500)}


def monthly(*, reporters: tuple[tuple[str, str], ...] = (("DEU", "RUS"), ("DEU", "ARE"))) -> list[tuple]:
    return [
        (reporter, "export", partner, month, code, 100, 10)
        for month in MONTHS
        for reporter, partner in reporters
        for code in PRODUCTS
    ]


def annual(years: dict[str, tuple], reporter: str = "ARE") -> list[tuple]:
    return [
        (reporter, "export", "RUS", year, code, usd, usd / 10)
        for code, of_years in years.items()
        for year, usd in zip((2020, 2021, 2022), of_years, strict=True)
        if usd is not None
    ]


def hub_months(lake, **choice) -> dict[tuple[str, str], dict]:
    with Engine() as engine:
        flows = flows_for(engine, lake, QUESTION, choice=replace(ALL_REPORTS, **choice))
        rows = flows.rows.collect("pyarrow").to_native().to_pylist()
    return {
        (row["hs_code"], row["period"]): row
        for row in rows
        if row["exporter"] == "ARE" and row["importer"] == "RUS"
    }


@pytest.fixture
def lake(take_in):
    take_in(monthly())
    return take_in(annual(YEARS))


def test_the_year_of_the_event_is_split_at_it(lake) -> None:
    found = hub_months(lake)
    grown = [found["870323", month]["exporter_report_usd"] for month in MONTHS]
    # 2021 had 100 a month: so had January and February 2022; the other 4,000 came in ten months
    assert grown == pytest.approx([100.0] * 26 + [400.0] * 10)
    # 2021 had 200 a month, more than all of 2022: nothing is left for the months from the event on
    assert found["870322", "2022-01"]["exporter_report_usd"] == pytest.approx(150.0)
    assert [month for month in MONTHS if ("870322", month) in found] == MONTHS[:26]
    # sold in 2022 for the first time: nothing was to be expected of the months before the event
    assert [month for month in MONTHS if ("870321", month) in found] == MONTHS[26:]
    assert found["870321", "2022-12"]["exporter_report_usd"] == pytest.approx(50.0)


@pytest.mark.parametrize(("months", "early"), [(12, 100.0), (11, 350.0)])
def test_a_book_that_went_over_to_years_has_its_year_before_in_its_months(take_in, months, early) -> None:
    """The hub published months up to 2021, years since; of a year with a gap there is no telling."""
    take_in(monthly())
    take_in([("ARE", "export", "RUS", month, "870323", 100, 10) for month in MONTHS[: 12 + months]])
    found = hub_months(take_in([("ARE", "export", "RUS", 2022, "870323", 4200, 420)]))
    values = [found["870323", month]["exporter_report_usd"] for month in MONTHS[24:]]
    late = (4200 - 2 * early) / 10
    assert values == pytest.approx([early] * 2 + [late] * 10)


def test_the_year_before_counts_from_another_source_too() -> None:
    """Months of one publisher, then years of another: the year before is not zero."""
    cell = {
        "reporter": "ARE", "partner": "RUS", "partner_concept": "last_known_destination", "flow": "export",
        "role": "leaf", "hs_code": "870323", "net_weight_kg": None, "quantity": None,
    }  # fmt: skip
    months = [
        cell | {"source": "one", "frequency": "M", "period": month, "primary_value_usd": 100.0}
        for month in MONTHS[12:24]
    ]
    year = cell | {"source": "other", "frequency": "A", "period": "2022", "primary_value_usd": 4200.0}
    schema = pa.schema(
        [(name, pa.float64() if name in {"net_weight_kg", "quantity", "primary_value_usd"} else pa.string())
         for name in year]
    )  # fmt: skip
    with Engine() as engine:
        spread = months_of_years(
            engine,
            engine.arrow_frame(pa.Table.from_pylist([year], schema)).lazy(),
            {("ARE", "export"): frozenset({2022})},
            event="2022-03",
            between=("2020-01", "2022-12"),
            monthly=engine.arrow_frame(pa.Table.from_pylist(months, schema)).lazy(),
            whole_years=frozenset({("ARE", "export", 2021)}),
        )
        rows = spread.collect("pyarrow").to_native().to_pylist()
    found = {row["period"]: row["primary_value_usd"] for row in rows}
    assert [found[month] for month in MONTHS[24:]] == pytest.approx([100.0] * 2 + [400.0] * 10)


def test_longer_codes_of_one_cell_are_split_as_their_sum(take_in) -> None:
    """Two national codes of one heading: the year before is that of both, and so are the months before."""
    take_in(monthly())
    years = {"87032310": (600, 600, 4000), "87032390": (600, 600, 200)}
    found = hub_months(take_in(annual(years)))
    values = [found["870323", month]["exporter_report_usd"] for month in MONTHS]
    assert values == pytest.approx([100.0] * 26 + [400.0] * 10)


def test_years_sum_to_what_was_published_in_value_and_weight(lake) -> None:
    found = hub_months(lake)
    for code, years in YEARS.items():
        for year, usd in zip(("2020", "2021", "2022"), years, strict=True):
            rows = [row for (product, month), row in found.items() if product == code and month[:4] == year]
            assert sum(row["exporter_report_usd"] for row in rows) == pytest.approx(usd or 0.0)
            assert sum(row["exporter_weight_kg"] for row in rows) == pytest.approx((usd or 0.0) / 10)


def test_without_the_year_before_the_year_is_spread_evenly(take_in) -> None:
    take_in(monthly())
    lake = take_in(annual({"870323": (None, None, 1200)}))
    found = hub_months(lake)
    values = [found["870323", month]["exporter_report_usd"] for month in MONTHS[24:]]
    assert values == pytest.approx([100.0] * 12)


def test_a_reporter_with_months_of_the_year_keeps_them(take_in) -> None:
    take_in(monthly(reporters=(("DEU", "RUS"), ("ARE", "RUS"))))
    lake = take_in(annual(YEARS))
    assert {row["exporter_report_usd"] for row in hub_months(lake).values()} == {100.0}


def test_years_can_be_left_out(lake) -> None:
    assert hub_months(lake, years_as_months=YearsAsMonths.NEVER) == {}


def test_a_world_of_years_is_not_taken_in_unasked(take_in) -> None:
    take_in(monthly())
    others = ("FRA", "ITA", "POL", "ESP", "KGZ", "KAZ", "ARM", "GEO", "UZB")
    lake = take_in([row for reporter in ("ARE", *others) for row in annual(YEARS, reporter)])
    notes: list[str] = []
    with Engine() as engine:
        flows = flows_for(engine, lake, QUESTION, tell=notes.append)
    assert flows.annual == ()
    assert "10 areas have years only" in notes[-1]
    assert "--years-as-months always" in notes[-1]
    assert len(hub_months(lake, years_as_months=YearsAsMonths.ALWAYS)) > 0


def test_years_of_shorter_codes_are_left_out_and_said(take_in) -> None:
    take_in(monthly())
    lake = take_in([(*row[:4], row[4][:4], *row[5:]) for row in annual({"870323": YEARS["870323"]})])
    notes: list[str] = []
    with Engine() as engine:
        assert flows_for(engine, lake, QUESTION, tell=notes.append).annual == ()
    assert "codes of 4 digits" in notes[-1]


def test_a_lake_of_years_alone_has_no_months(take_in) -> None:
    lake = take_in(annual(YEARS))
    with pytest.raises(CoverageError, match="no monthly reports"):
        find_detours(lake, QUESTION)


def test_the_result_names_them_and_the_explanation_goes_back_to_the_year(take_in) -> None:
    usd = {"RUS": (1000, 100), "ARE": (100, 900)}
    take_in(
        [
            ("DEU", "export", partner, month, code, before if month < "2022-03" else after, 10)
            for partner, (before, after) in usd.items()
            for month in MONTHS
            for code in PRODUCTS
        ]
    )
    lake = take_in(annual(dict.fromkeys(PRODUCTS, (1200, 1200, 8200))))
    result = find_detours(lake, QUESTION)
    assert result.reporters_annual == ("ARE",)
    kinds = {row["kind"] for row in result.table.to_pylist() if row["hub"] == "ARE"}
    assert "onward_unobserved" not in kinds
    found = explain_detour(lake, QUESTION, Corridor("DEU", "ARE", "RUS", "870323"))
    onward = [row for row in found.reports.to_pylist() if row["leg"] == "onward"]
    assert [(row["period"], row["primary_value_usd"]) for row in onward] == [
        ("2020", 1200.0),
        ("2021", 1200.0),
        ("2022", 8200.0),
    ]


def late_event(years: tuple[float | None, float, float | None]) -> list[float]:
    """Return the months of a year with an event in November, the years beside it published or not."""
    cell = {
        "reporter": "ARE", "partner": "RUS", "partner_concept": "last_known_destination", "flow": "export",
        "role": "leaf", "hs_code": "870323", "net_weight_kg": None, "quantity": None, "source": "one",
        "frequency": "A",
    }  # fmt: skip
    rows = [
        cell | {"period": str(2020 + at), "primary_value_usd": float(usd)}
        for at, usd in enumerate(years)
        if usd
    ]
    schema = pa.schema(
        [(name, pa.float64() if name in {"net_weight_kg", "quantity", "primary_value_usd"} else pa.string())
         for name in rows[0]]
    )  # fmt: skip
    known = frozenset(2020 + at for at, usd in enumerate(years) if usd is not None)
    with Engine() as engine:
        spread = months_of_years(
            engine,
            engine.arrow_frame(pa.Table.from_pylist(rows, schema)).lazy(),
            {("ARE", "export"): known},
            event="2021-11",
            between=("2020-01", "2022-12"),
        )
        found = {
            row["period"]: row["primary_value_usd"] for row in spread.collect("pyarrow").iter_rows(named=True)
        }
    assert sum(found.values()) == pytest.approx(sum(usd or 0.0 for usd in years))
    return [found.get(month, 0.0) for month in MONTHS[12:24]]


def test_steady_growth_is_no_step_at_a_late_event() -> None:
    """By the year before alone November and December would have 160% of a usual month, not 123%."""
    months = late_event((1200, 1320, 1452))
    assert months[0] == pytest.approx(107.7, abs=0.5)
    assert months[-1] == pytest.approx(123.2, abs=0.5)


@pytest.mark.parametrize(
    ("years", "before", "after"),
    [
        ((1200, 1200, 2400), 82.8, 186.2),
        ((1200, 1400, 2400), 100.0, 200.0),  # a step in November, exactly
        ((1200, 1000, 0), 100.0, 0.0),  # cut off
        ((0, 400, 2400), 0.0, 200.0),  # new
        ((None, 1400, 2400), 100.0, 200.0),  # the year after alone
        ((1200, 1400, None), 100.0, 200.0),  # the year before alone
        ((None, 1200, None), 100.0, 100.0),
        ((0, 1200, 0), 100.0, 100.0),
    ],
)
def test_a_year_is_split_by_its_neighbours(years, before: float, after: float) -> None:
    months = late_event(years)
    assert months[:10] == pytest.approx([before] * 10, abs=0.1)
    assert sum(months[10:]) / 2 == pytest.approx(after, abs=0.1)
