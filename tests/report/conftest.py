"""A search's result made by hand: every figure that the tests look for is stated here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import event_windows, period_text
from entrepot.detect.result import CalibrationSummary, DetourResult, Headline
from entrepot.detect.untold import Untold
from entrepot.schema import DETOUR

MONTHS = [period_text(at, is_monthly=True) for at in range(2020 * 12, 2024 * 12)]


def detour_rows(*rows: dict[str, Any]) -> pa.Table:
    """Return a table of the contract; what a row leaves out is null, identified unless it says otherwise."""
    common = {"status": "identified", "baseline": "untreated", "raw_increase_usd": 5e6, "shortfall_usd": 9e6}
    return pa.Table.from_pylist(
        [dict.fromkeys(DETOUR.columns) | common | row for row in rows], schema=DETOUR.arrow_schema()
    )


def finding(**columns: Any) -> dict[str, Any]:
    amounts = {"estimate_usd": 1.26e9, "low_usd": 0.91e9, "high_usd": 1.6e9, "q_value": 0.013}
    keys = {"origin": "DEU", "hub": "KGZ", "destination": "RUS", "hs_code": "870323", "kind": "declared"}
    return keys | amounts | columns


def _series() -> pa.Table:
    legs = [("direct", None), ("inbound", "KGZ"), ("inbound", "ARM"), ("onward", "KGZ"), ("onward", "ARM")]
    rows = [
        {"leg": leg, "hub": hub, "period": month, "usd": 1e6 * (1 + at % 7)}
        for leg, hub in legs
        for at, month in enumerate(MONTHS)
        if not (leg == "onward" and month == "2023-06")
    ]
    return pa.Table.from_pylist(rows).sort_by([("leg", "ascending"), ("period", "ascending")])


HEADLINE = Headline(
    estimate_usd=1.26e9,
    low_usd=0.91e9,
    high_usd=1.6e9,
    placebo_usd=(12e6, 40e6),
    baseline="untreated",
    by_baseline={"unchanged": 1.5e9, "untreated": 1.26e9},
    shortfall_usd=8.4e9,
    raw_increase_usd=5.7e9,
    excess_in_usd=3.1e9,
    onward_observed_share=0.65,
    unseen_usd=2.41e8,
    relay_usd=8e7,
    relay_high_usd=9e7,
    smallest_usd=0.2e9,
    largest_usd=2.2e9,
)

CALIBRATION = CalibrationSummary(
    sets=100,
    recovered_share=0.88,
    row_error=0.61,
    hub_error=0.22,
    row_coverage=0.93,
    hub_coverage=0.87,
    total_coverage=0.94,
    planted_usd=np.array([1e6, 2e7, 3e8, 5e5, 0.0]),
    estimated_usd=np.array([8e5, 1.9e7, 2.7e8, 0.0, 4e4]),
    noise_log_size=np.array([10.0, 15.0]),
    noise_sd=np.array([0.9, 0.4]),
)


@pytest.fixture(scope="session")
def result() -> DetourResult:
    """Return an identified search: two hubs, the second without an observed onward leg."""
    unseen = finding(
        hub="ARM", hs_code="854231", kind="onward_unobserved", estimate_usd=2e8, low_usd=0.0, high_usd=5e8
    )
    unnamed = {"origin": None, "hs_code": None}
    return DetourResult(
        table=detour_rows(finding(), unseen),
        hubs=detour_rows(finding(**unnamed), unseen | unnamed),
        products=detour_rows(
            *[row | {"origin": None, "hub": None, "destination": None} for row in (finding(), unseen)]
        ),
        untold=Untold(*[np.zeros(0, dtype=np.int64)] * 6).table((), ()),
        headline=HEADLINE,
        calibration=CALIBRATION,
        series=_series(),
        treated=pa.table({"origin": ["DEU"], "destination": ["RUS"], "signal": [-9.0], "is_treated": [True]}),
        options=DetourOptions(
            event="2022-03", origins=("DEU", "FRA"), destinations=("RUS",), products=("870323", "854231")
        ),
        windows=event_windows("2022-03", published=MONTHS),
        placebo_labels=(
            "2020-02:2020-08 against 2020-09:2021-01",
            "2020-02:2020-12 against 2021-01:2021-12",
        ),
        reporters_late={"ARM": "14 of 20, to 2023-06"},
    )


@pytest.fixture(scope="session")
def of_all_kinds(result: DetourResult) -> DetourResult:
    """Return the search with a row of every kind, and a hub whose sum is of several."""
    rows = (
        finding(estimate_usd=8.19e8),
        finding(kind="unseen", estimate_usd=2.41e8),
        finding(hub="ARM", kind="onward_unobserved", estimate_usd=2e8),
        finding(origin="CHN", kind="relay", estimate_usd=9e7, low_usd=0.0, high_usd=2e8),
    )
    hubs = [
        finding(origin=None, hs_code=None, kind=None, estimate_usd=1.06e9),
        finding(origin=None, hs_code=None, hub="ARM", kind="onward_unobserved", estimate_usd=2e8),
    ]
    return replace(result, table=detour_rows(*rows), hubs=detour_rows(*hubs))


@pytest.fixture(scope="session")
def untold(result: DetourResult) -> DetourResult:
    """Return a search whose baseline is unidentified: every amount withheld."""
    none = {
        "estimate_usd": None,
        "low_usd": None,
        "high_usd": None,
        "baseline": "unidentified",
        "status": "not identified: nothing in the data tells ordinary growth from the event",
    }

    def withheld(table: pa.Table) -> pa.Table:
        return detour_rows(*[row | none for row in table.to_pylist()])

    return replace(
        result,
        table=withheld(result.table),
        hubs=withheld(result.hubs),
        products=withheld(result.products),
        headline=replace(HEADLINE, baseline="unidentified", by_baseline={"unidentified": 1.26e9}),
    )


@pytest.fixture(scope="session")
def unidentified(result: DetourResult) -> DetourResult:
    """Return a search whose placebos give too much: every amount withheld."""
    why = "not identified: placebo dates give 44% of it"
    none = {"estimate_usd": None, "low_usd": None, "high_usd": None, "status": why}

    def withheld(table: pa.Table) -> pa.Table:
        return detour_rows(*[row | none for row in table.to_pylist()])

    return replace(
        result,
        table=withheld(result.table),
        hubs=withheld(result.hubs),
        products=withheld(result.products),
        headline=replace(HEADLINE, placebo_usd=(5e8, 6e8)),
    )


@pytest.fixture(scope="session")
def empty(result: DetourResult) -> DetourResult:
    """Return a search that found nothing, without placebos or calibration."""
    nothing = result.table.slice(0, 0)
    return replace(
        result,
        table=nothing,
        hubs=nothing,
        products=nothing,
        series=result.series.slice(0, 0),
        headline=replace(
            HEADLINE,
            estimate_usd=0.0,
            unseen_usd=0.0,
            relay_usd=0.0,
            relay_high_usd=0.0,
            smallest_usd=0.2e9,
            largest_usd=2.2e9,
            low_usd=float("nan"),
            high_usd=float("nan"),
            placebo_usd=(),
            by_baseline={"untreated": 0.0},
            onward_observed_share=float("nan"),
        ),
        calibration=replace(
            CALIBRATION,
            sets=0,
            planted_usd=np.zeros(0),
            estimated_usd=np.zeros(0),
            recovered_share=float("nan"),
        ),
        placebo_labels=(),
        reporters_late={},
    )


@pytest.fixture(scope="session")
def unobserved(result: DetourResult) -> DetourResult:
    """Return a search in which nobody publishes the onward leg."""

    def blind(table: pa.Table) -> pa.Table:
        return detour_rows(*[row | {"kind": "onward_unobserved"} for row in table.to_pylist()])

    is_onward = np.array([leg == "onward" for leg in result.series["leg"].to_pylist()])
    return replace(
        result,
        table=blind(result.table),
        hubs=blind(result.hubs),
        products=blind(result.products),
        headline=replace(
            HEADLINE,
            onward_observed_share=0.0,
            unseen_usd=0.0,
            relay_usd=0.0,
            relay_high_usd=0.0,
            smallest_usd=0.2e9,
            largest_usd=2.2e9,
        ),
        series=result.series.filter(pa.array(~is_onward)),
    )
