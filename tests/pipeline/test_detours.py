"""From a real lake to a search: frequency, vintages, and a lake in which nothing can be found."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.detect.options import DetourOptions
from entrepot.errors import CoverageError, OptionError
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.detours import find_detours
from entrepot.schema import DETOUR

MONTHS = [f"{year}-{month:02d}" for year in (2020, 2021, 2022) for month in range(1, 13)]


@pytest.fixture(scope="module")
def lake(take_in_once):
    rows = [
        (reporter, "export", partner, month, code, 100 + at)
        for at, month in enumerate(MONTHS)
        for reporter, partner in (
            ("DEU", "RUS"),
            ("DEU", "KGZ"),
            ("FRA", "RUS"),
            ("KGZ", "RUS"),
            ("FRA", "KGZ"),
        )
        for code in ("870323", "870322")
    ]
    return take_in_once(rows, vintage=date(2023, 6, 1))


QUESTION = {"event": "2022-03", "origins": ("DEU", "FRA"), "destinations": ("RUS",), "spikes": 3}


@pytest.mark.parametrize("named", [{}, {"destinations": ("RUS",)}, {"origins": ("DEU",)}])
def test_a_handful_of_products_is_no_open_search(named, lake) -> None:
    """With fewer than five products no pair is looked at: that nothing fell would be no finding."""
    with pytest.raises(CoverageError, match="no pair trades in 5 products, and 2 products are looked at"):
        find_detours(lake, DetourOptions(event="2022-03", spikes=3, **named))


def test_where_nothing_happened_nothing_is_found(lake) -> None:
    result = find_detours(lake, DetourOptions(**QUESTION))
    # With the hubs named, nothing untreated is left in so small a lake: that nothing meets then says nothing.
    told = "not identified: nothing in the data tells ordinary growth from the event"
    assert result.headline.status == told
    assert result.headline.estimate_usd == 0.0
    assert result.table.schema.names == list(DETOUR.columns)
    assert not any(result.table["estimate_usd"].drop_null().to_pylist())
    assert result.windows.text(result.windows.before) == "2020-02:2022-01"


def test_a_year_works_on_annual_reports(lake) -> None:
    result = find_detours(lake, DetourOptions(**{**QUESTION, "event": "2021"}))
    assert (result.windows.before, result.windows.after) == ((2020,), (2022,))
    assert not result.windows.is_monthly


def test_only_vintages_up_to_the_day_count(lake) -> None:
    with pytest.raises(CoverageError, match="no monthly reports"):
        find_detours(lake, DetourOptions(**QUESTION), choice=ReportChoice(as_of=date(2023, 5, 31)))


def test_windows_are_refused_before_the_flows_are_brought_together(lake) -> None:
    told: list[str] = []
    for windows, where in (
        ({"before": "2022-05:2022-06", "after": "2022-04:2022-05"}, "--before, --after, --event"),
        ({"after": "2023-01:2023-06"}, "--after"),
        ({"before": "2010-01:2011-12"}, "--before"),
    ):
        with pytest.raises(OptionError) as error:
            find_detours(lake, DetourOptions(**QUESTION, **windows), tell=told.append)
        assert error.value.where == where
    assert told == []
    # No code of this lake changed from HS2017 to HS2022: there is something to say only if codes stay apart.
    find_detours(lake, DetourOptions(**QUESTION), tell=told.append)
    assert told == []
    find_detours(
        lake, DetourOptions(**QUESTION), choice=ReportChoice(are_codes_linked=False), tell=told.append
    )
    assert "HS2017, HS2022" in told[0]


def test_an_event_outside_the_data_is_refused(lake) -> None:
    with pytest.raises(OptionError, match="no month of the window") as caught:
        find_detours(lake, DetourOptions(**{**QUESTION, "event": "2031-01"}))
    assert "2020-01:2022-12" in caught.value.hint
