"""Flows to series: what is missing, what is zero, what is summed."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest

from entrepot.detect.breaks.options import BreakOptions
from entrepot.detect.breaks.series import load_break_series
from entrepot.errors import CoverageError, OptionError

MONTHS = [f"{year}-{month:02d}" for year in (2020, 2021) for month in range(1, 13)]


def flow(exporter: str, importer: str, period: str, usd: float, **more: object) -> dict[str, object]:
    return {
        "exporter": exporter, "importer": importer, "hs_code": "870421", "period": period, "value_usd": usd,
        "exporter_report_usd": usd, "importer_report_usd": None,
    } | more  # fmt: skip


def load(rows: list[dict[str, object]], **options: object):
    return load_break_series(nw.from_native(pa.Table.from_pylist(rows)).lazy(), BreakOptions(**options))


def usd_of(series, exporter: str | None, importer: str | None) -> np.ndarray:
    (place,) = [
        at
        for at in range(len(series.usd))
        if (exporter is None or series.areas[series.exporter[at]] == exporter)
        and (importer is None or series.areas[series.importer[at]] == importer)
    ]
    return series.usd[place]


def test_published_without_a_row_is_zero_and_unpublished_is_missing() -> None:
    """China publishes all months but March 2020, and sends Kyrgyzstan nothing in 2021."""
    rows = [flow("CHN", "KAZ", month, 50.0) for month in MONTHS if month != "2020-03"]
    rows += [
        flow("CHN", "KGZ", month, 10.0) for month in MONTHS if month[:4] == "2020" and month != "2020-03"
    ]
    usd = usd_of(load(rows), "CHN", "KGZ")
    assert np.isnan(usd[2])
    assert usd[12:].tolist() == [0.0] * 12
    assert usd[:2].tolist() == [10.0, 10.0]


def test_the_other_side_fills_what_one_did_not_publish() -> None:
    rows = [flow("CHN", "KAZ", month, 50.0) for month in MONTHS[:12]]
    rows += [
        flow("CHN", "KAZ", month, 40.0, exporter_report_usd=None, importer_report_usd=42.0)
        for month in MONTHS[12:]
    ]
    series = load(rows)
    assert series.usd[0].tolist() == [50.0] * 12 + [40.0] * 12
    assert series.books[0].tolist() == [1] * 12 + [2] * 12


def test_months_between_are_there_even_if_nobody_published_them() -> None:
    rows = [flow("CHN", "KAZ", month, 50.0) for month in MONTHS if month[:7] not in {"2020-05", "2020-06"}]
    series = load(rows)
    assert series.periods == tuple(MONTHS)
    assert np.isnan(series.usd[0, 4:6]).all()
    assert series.calendar.tolist() == [*range(12), *range(12)]


def test_zero_becomes_a_hundredth_of_the_median_month() -> None:
    rows = [flow("CHN", "KAZ", month, 50.0) for month in MONTHS]
    rows += [flow("CHN", "KGZ", month, 10.0) for month in MONTHS[:12]]
    series = load(rows, importers=("KGZ",))
    assert len(series.usd) == 1
    assert np.exp(series.logs[0, -1]) == pytest.approx(0.1)


def test_a_series_with_little_trade_has_no_level() -> None:
    rows = [flow("CHN", "KAZ", month, 50.0) for month in MONTHS]
    rows += [flow("CHN", "KGZ", month, 10.0) for month in MONTHS[:11]]
    series = load(rows)
    judged = {
        series.areas[j]: bool(np.isfinite(own).any())
        for j, own in zip(series.importer, series.logs, strict=True)
    }
    assert judged == {"KAZ": True, "KGZ": False}


def test_a_sum_is_missing_where_a_large_part_is() -> None:
    """Germany is most of the sum and misses one month; Malta is little and misses another."""
    rows = [flow("DEU", "RUS", month, 98.0) for month in MONTHS if month != "2020-02"]
    rows += [flow("MLT", "RUS", month, 2.0) for month in MONTHS if month != "2020-03"]
    series = load(rows, by=("importer",))
    assert series.exporter.tolist() == series.product.tolist() == [-1]
    assert np.isnan(series.usd[0, 1])
    assert series.usd[0, 2] == 98.0
    assert series.usd[0, 3] == 100.0


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, {("DEU", "870421"), ("FRA", "870421"), ("FRA", "854231")}),
        ({"exporters": ("DEU",)}, {("DEU", "870421")}),
        ({"products": ("85",)}, {("FRA", "854231")}),
        ({"products": ("TOTAL",)}, {("DEU", "TOTAL")}),
        ({"periods": "2020-01:2020-01"}, {("DEU", "870421")}),
    ],
)
def test_what_is_asked_for(options: dict[str, object], left: set[tuple[str, str]]) -> None:
    rows = [flow("DEU", "RUS", "2020-01", 9.0), flow("DEU", "RUS", "2020-01", 99.0, hs_code="TOTAL")]
    rows += [flow("FRA", "RUS", "2020-02", 9.0, hs_code=code) for code in ("870421", "854231")]
    rows += [flow("FRA", "FRA", "2020-02", 9.0)]  # goods coming home are no flow between two
    series = load(rows, **options)
    found = {
        (series.areas[i], series.products[k]) for i, k in zip(series.exporter, series.product, strict=True)
    }
    assert found == left


def test_nothing_is_an_error() -> None:
    rows = [flow("DEU", "RUS", "2020-01", 9.0)]
    with pytest.raises(CoverageError, match="no monthly flow"):
        load(rows, importers=("USA",))
    with pytest.raises(OptionError, match="are years"):
        load(rows, periods="2020:2021")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"by": ("period",)}, "cannot make series"),
        ({"by": ()}, "cannot make series"),
        ({"rate": 0.0}, "false-positive rate"),
        ({"shortest": 1}, "1 months"),
        ({"event_months": 13}, "13 months"),
        ({"permutations": 0}, "0 permutations"),
        ({"products": ("TOTAL", "87")}, "cannot be added"),
    ],
)
def test_what_makes_no_question(options: dict[str, object], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        BreakOptions(**options)
