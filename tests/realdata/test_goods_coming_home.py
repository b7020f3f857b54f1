"""What books record of goods coming home in three codes of fish; unit values around the tariffs of 2018.

The pages docs/tutorial/goods-coming-home.md and tariff-unit-values.md print more of the same figures.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot import (
    FlowQuery,
    Lake,
    LoopOptions,
    PriceOptions,
    decompose_values,
    find_loops,
    ingest,
    open_source,
    select_flows,
)

if TYPE_CHECKING:
    import pandas as pd

pytestmark = pytest.mark.realdata

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial" / "goods-coming-home.md"


@pytest.fixture(scope="module")
def fish(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("fish")
    mapping = folder / "fish.toml"
    mapping.write_text(re.search(r"<<'END'\n(.*?)\nEND\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1])
    files = sorted((realdata / "comtrade-all-pairs-fish-monthly").glob("comtrade_monthly_*.parquet"))
    assert not ingest(open_source(f"csv:{mapping}"), files, lake=folder / "lake").failed
    return Lake.open(folder / "lake")


@pytest.fixture(scope="module")
def parts(fish: Lake) -> pd.DataFrame:
    return select_flows(fish, FlowQuery(has_parts=True)).to_pandas()


def test_goods_coming_home_are_recorded_by_few(parts: pd.DataFrame) -> None:
    home = parts[parts["exporter"] == parts["importer"]]
    by_area = home.groupby("importer")["importer_report_usd"].sum()
    assert by_area.sum() == pytest.approx(50.5e6, rel=0.01)
    assert by_area["FRA"] == pytest.approx(26.9e6, rel=0.01)
    assert by_area["CHN"] == pytest.approx(16.9e6, rel=0.01)
    sent_on = parts.groupby("exporter")["re_export_usd"].sum()
    assert sent_on["USA"] == pytest.approx(188.6e6, rel=0.01)
    assert sent_on["HKG"] == pytest.approx(84.4e6, rel=0.01)


def test_re_imports_name_the_reporter_as_partner(parts: pd.DataFrame) -> None:
    back = parts[parts["re_import_usd"] > 0]
    assert back["re_import_usd"].sum() == pytest.approx(40.4e6, rel=0.01)
    own = back[back["exporter"] == back["importer"]]["re_import_usd"].sum()
    assert own == pytest.approx(39.6e6, rel=0.01)


def test_three_codes_show_no_round_trip_and_say_that_nothing_was_planted(fish: Lake) -> None:
    found = find_loops(fish, LoopOptions(since="2014-08"))
    assert found.headline.rows == 0
    assert found.calibration.true.size == 0
    assert found.unlisted.num_rows > 0
    assert found.unlisted["high_usd"].null_count == found.unlisted.num_rows  # not known, and so not zero


def test_imports_from_china_fell_by_volume_and_viet_nam_gained_it(realdata: Path, tmp_path: Path) -> None:
    files = sorted((realdata / "wits-triangle-hs4").glob("USA_1*.csv"))
    assert not ingest(open_source("wits"), files, lake=tmp_path / "lake").failed
    windows = {
        "event": "2018",
        "before": "2016:2017",
        "after": "2019:2020",
        "importers": ("USA",),
        "book": "importer",
    }
    lake = Lake.open(tmp_path / "lake")
    table = decompose_values(lake, PriceOptions(by=("exporter",), **windows), frequency="A").table
    rows = {row["exporter"]: row for row in table.to_pylist()}
    assert rows["CHN"]["value_change_usd"] == pytest.approx(-36.7e9, rel=0.01)
    assert rows["CHN"]["fisher_volume_usd"] == pytest.approx(-28.5e9, rel=0.01)
    assert rows["CHN"]["fisher_price"] == pytest.approx(0.979, abs=0.001)
    assert rows["VNM"]["fisher_volume_usd"] == pytest.approx(30.5e9, rel=0.01)
    furniture = PriceOptions(exporters=("CHN",), products=("9403",), **windows)
    (row,) = decompose_values(lake, furniture, frequency="A").table.to_pylist()
    assert row["fisher_price"] == pytest.approx(0.965, abs=0.001)
    assert row["fisher_price"] == pytest.approx(row["tornqvist_price"])  # of one item there is one index
