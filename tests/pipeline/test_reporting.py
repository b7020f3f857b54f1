"""The reporting calendar: holes, lags, late, stopped and silent reporters, planted and real."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.errors import CoverageError
from entrepot.model.world import WorldOptions, build_world, write_comtrade
from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.reporting import lake_calendar
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MONTHS = [f"{year}-{month:02d}" for year in (2021, 2022) for month in range(1, 13)]


def reports(reporter: str, periods: list[str], *, flow: str = "export", code: str = "854231") -> list[tuple]:
    partner = "CHN" if reporter != "CHN" else "KGZ"
    return [(reporter, flow, partner, period, code, 5.0) for period in periods]


def by_reporter(lake: Lake, **options: Any) -> dict[str, dict[str, Any]]:
    return {
        row["reporter"]: row for row in lake_calendar(lake, **options).to_pylist() if row["flow"] == "export"
    }


def test_holes_stopped_late_and_never(take_in: Callable[..., Lake]) -> None:
    rows = [row for reporter in ("DEU", "FRA", "CHN") for row in reports(reporter, MONTHS)]
    rows += reports("KAZ", [*MONTHS[:5], *MONTHS[7:12], MONTHS[13], *MONTHS[14:]])
    rows += reports("RUS", MONTHS[:11])  # a year and a month behind
    rows += reports("BLR", MONTHS[:13])  # eleven months
    rows += reports("ITA", MONTHS[:22])  # two
    found = by_reporter(take_in(rows, vintage=date(2023, 2, 1)))
    assert {reporter: row["state"] for reporter, row in found.items()} == {
        **dict.fromkeys(("DEU", "FRA", "CHN", "KAZ", "ITA"), "current"),
        "RUS": "stopped", "BLR": "late", "KGZ": "never",
    }  # fmt: skip
    assert (found["KAZ"]["holes"], found["KAZ"]["periods_missing"]) == ("2021-06:2021-07, 2022-01", 3)
    assert (found["RUS"]["last_period"], found["RUS"]["periods_behind"]) == ("2021-11", 13)
    assert (found["KGZ"]["content"], found["KGZ"]["last_period"]) == ("nothing", None)
    assert {row["usual_lag_days"] for row in found.values()} == {None}


def test_a_national_source_is_judged_by_the_others_of_the_lake(take_in: Callable[..., Lake]) -> None:
    """A reporter alone in its source has no others there."""
    take_in(reports("RUS", MONTHS[:11]), source="customs", vintage=date(2023, 2, 1))
    take_in(reports("ARM", MONTHS[:20]), source="armstat", vintage=date(2023, 2, 1))
    rows = [row for reporter in ("DEU", "FRA") for row in reports(reporter, MONTHS)]
    lake = take_in(rows, source="union", vintage=date(2023, 2, 1))
    found = lake_calendar(lake).to_pylist()
    assert {row["reporter"]: row["state"] for row in found if row["state"] != "never"} == {
        "ARM": "late", "RUS": "stopped", "DEU": "current", "FRA": "current",
    }  # fmt: skip
    alone = lake_calendar(lake, sources=("csv:customs",)).to_pylist()
    assert [(row["reporter"], row["state"]) for row in alone] == [("CHN", "never"), ("RUS", "current")]


def test_goods_and_totals_are_two_publications(take_in: Callable[..., Lake]) -> None:
    rows = [
        *reports("DEU", MONTHS[:12]),
        *reports("DEU", MONTHS, code="TOTAL"),
        *reports("UZB", MONTHS, code="TOTAL"),
    ]
    found = by_reporter(take_in(rows, vintage=date(2023, 2, 1)))
    assert (found["DEU"]["content"], found["DEU"]["last_period"]) == ("goods", "2021-12")
    assert (found["UZB"]["content"], found["UZB"]["last_period"]) == ("totals", "2022-12")


def test_the_usual_lag_is_learnt_from_vintages(take_in: Callable[..., Lake]) -> None:
    take_in(reports("DEU", MONTHS[:6]) + reports("KAZ", MONTHS[:6]), vintage=date(2021, 8, 20))
    for number in range(6, 12):  # Germany forty days after the month
        day = date(2021 + (number + 1) // 12, (number + 1) % 12 + 1, 1) + timedelta(days=39)
        lake = take_in(reports("DEU", MONTHS[: number + 1]), vintage=day)
    found = by_reporter(lake)
    assert (found["DEU"]["usual_lag_days"], found["DEU"]["state"]) == (40, "current")
    assert found["DEU"]["last_vintage"] == date(2022, 2, 9)
    assert (found["KAZ"]["usual_lag_days"], found["KAZ"]["state"]) == (None, "late")
    # By its own habit it is late half a year on, and a year and a half on it has stopped.
    assert by_reporter(lake, as_of=date(2022, 7, 1))["DEU"]["state"] == "late"
    assert by_reporter(lake, as_of=date(2023, 7, 1))["DEU"]["state"] == "stopped"
    # As it was in August 2021 nobody was late.
    assert {row["state"] for row in by_reporter(lake, as_of=date(2021, 9, 1)).values()} >= {"current"}
    assert by_reporter(lake, as_of=date(2021, 9, 1))["DEU"]["last_period"] == "2021-06"


def test_only_what_is_asked_for(take_in: Callable[..., Lake]) -> None:
    lake = take_in(reports("DEU", MONTHS) + reports("FRA", MONTHS), vintage=date(2023, 2, 1))
    assert set(by_reporter(lake, reporters=("FRA",))) == {"FRA"}
    with pytest.raises(CoverageError, match="no reports"):
        lake_calendar(lake, as_of=date(2020, 1, 1))


def test_a_world_with_silent_late_and_annual_reporters(tmp_path: Path) -> None:
    options = WorldOptions(
        areas=26, products=5, months=36, event_month=18, start="2020-01", seed=4, annual_reporters=2,
        late_reporters=4, onward_observed_share=0.6, silent_destination=True,
    )  # fmt: skip
    world = build_world(options)
    write_comtrade(world, tmp_path / "files")
    ingest(open_source("comtrade"), [tmp_path / "files"], lake=tmp_path / "lake",
           options=IngestOptions(vintage=date(2023, 3, 1), threads=1))  # fmt: skip
    rows = lake_calendar(Lake.open(tmp_path / "lake")).to_pylist()
    published: dict[tuple[str, str, str], set[str]] = {}
    for row in world.reports.select(["reporter", "flow", "period"]).to_pylist():
        frequency = "M" if "-" in row["period"] else "A"
        published.setdefault((row["reporter"], row["flow"], frequency), set()).add(row["period"])
    told = {(row["reporter"], row["flow"], row["frequency"]): row for row in rows if row["state"] != "never"}
    assert set(told) == {key for key in published if key[1] in {"import", "export"}}
    for key, row in told.items():
        assert (row["first_period"], row["last_period"]) == (min(published[key]), max(published[key]))
        assert row["periods_published"] == len(published[key])
    cast = {row["area"] for row in world.truth_areas.to_pylist()}
    silent = cast - {row["reporter"] for row in world.reports.to_pylist()}
    assert silent
    assert {row["reporter"] for row in rows if row["state"] == "never"} == silent
    assert any(row["state"] == "stopped" for row in told.values())
    assert any(row["state"] == "late" for row in told.values())


@pytest.mark.realdata
def test_russia_stopped_and_china_has_a_hole(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "comtrade-all-pairs-fish-monthly" / "comtrade_monthly_030354.parquet"
    ingest(open_source("comtrade"), [path], lake=tmp_path / "lake", options=IngestOptions(threads=1))
    rows = lake_calendar(Lake.open(tmp_path / "lake"), reporters=("RUS", "CHN", "NOR")).to_pylist()
    found = {(row["reporter"], row["flow"]): row for row in rows}
    assert (found["RUS", "export"]["state"], found["RUS", "export"]["last_period"]) == ("stopped", "2021-12")
    assert found["NOR", "export"]["state"] == "current"
    assert "2012-10:2015-12" in found["CHN", "import"]["holes"]
