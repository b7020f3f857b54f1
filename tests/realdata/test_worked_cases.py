"""Two worked cases of the tutorial: salmon after August 2014, tariffs of 2018. Sober answers stay sober."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot import DetourOptions, IngestOptions, Lake, find_detours, ingest, open_source
from entrepot.nomenclature import group_members

if TYPE_CHECKING:
    from entrepot.detect.result import DetourResult

pytestmark = pytest.mark.realdata

PAGES = Path(__file__).resolve().parents[2] / "docs" / "tutorial"
ASEAN = ("BRN", "IDN", "KHM", "LAO", "MMR", "MYS", "PHL", "SGP", "THA", "VNM")


def _mapping_of(page: str) -> str:
    """Return the mapping that a page prints."""
    return re.search(r"<<'END'\n(.*?)\nEND\n", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture(scope="module")
def fish(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("fish")
    mapping = folder / "fish.toml"
    mapping.write_text(_mapping_of("food-embargo.md"), encoding="utf-8")
    files = sorted((realdata / "comtrade-all-pairs-fish-monthly").glob("comtrade_monthly_*.parquet"))
    done = ingest(open_source(f"csv:{mapping}"), files, lake=folder / "lake", options=IngestOptions())
    assert len(done.files) == 3
    assert not done.failed
    return Lake.open(folder / "lake")


@pytest.fixture(scope="module")
def wits(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("wits")
    files = [p for p in sorted((realdata / "wits-triangle-hs4").glob("*_1*.csv")) if "Total" not in p.name]
    done = ingest(open_source("wits"), files, lake=folder / "lake", options=IngestOptions())
    assert len(done.files) == 6
    assert not done.failed
    return Lake.open(folder / "lake")


@pytest.fixture(scope="module")
def salmon(fish: Lake) -> DetourResult:
    union = group_members("EU", on=date(2014, 8, 1))
    options = DetourOptions(
        event="2014-08", before="2012-08:2014-06", after="2014-09:2015-12",
        origins=(*union, "NOR", "USA", "CAN", "AUS"), hubs=("BLR",), destinations=("RUS",),
        pooled_origins=union,
    )  # fmt: skip
    return find_detours(fish, options)


def test_the_embargo_is_seen_and_no_detour_through_belarus(salmon: DetourResult) -> None:
    head = salmon.headline
    assert head.status == "nothing found"
    # 0.99bn were sold before. What the Faroes sold more in its place is no demand (with it: 1.38bn).
    assert head.shortfall_usd == pytest.approx(1.11e9, rel=0.1)
    assert head.raw_increase_usd == pytest.approx(32e6, rel=0.05)
    assert head.excess_in_usd < 0.03 * head.shortfall_usd
    assert max(head.placebo_usd) == 0


def test_a_detour_through_belarus_would_have_been_seen(salmon: DetourResult) -> None:
    assert salmon.calibration.sets >= 80
    assert 0.8 < salmon.calibration.recovered_share < 1.25
    assert salmon.calibration.hub_error < 0.3
    assert salmon.calibration.total_coverage > 0.85


def test_tariffs_nothing_meets_by_heading(wits: Lake) -> None:
    asked = DetourOptions(
        event="2018", before="2015:2017", after="2019:2020", origins=("CHN",), destinations=("USA",)
    )
    head = find_detours(wits, asked).headline
    assert head.status == "nothing found"
    assert head.shortfall_usd == pytest.approx(33.2e9, rel=0.1)
    assert head.raw_increase_usd == pytest.approx(64.6e9, rel=0.02)
    assert head.excess_in_usd < 0.05 * head.shortfall_usd


def test_tariffs_with_all_neighbours_as_hubs_are_not_identified(wits: Lake) -> None:
    asked = DetourOptions(
        event="2018", before="2015:2017", after="2019:2020", origins=("CHN",), destinations=("USA",),
        hubs=ASEAN, spikes=10,
    )  # fmt: skip
    head = find_detours(wits, asked).headline
    assert head.baseline == "unidentified"
    assert head.status.startswith("not identified")
