"""Real mirrors: China and Central Asia, the European Union and Armenia, salmon around an embargo."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from entrepot.store import Lake

pytestmark = pytest.mark.realdata

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def mirrors() -> ModuleType:
    """Return the script that makes the page's figures and charts."""
    spec = importlib.util.spec_from_file_location("mirrors", ROOT / "docs" / "mirrors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def totals(mirrors: ModuleType, realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return mirrors.make_lake(mirrors.TOTALS, realdata, tmp_path_factory.mktemp("totals"))


@pytest.fixture(scope="module")
def salmon(mirrors: ModuleType, realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return mirrors.make_lake(mirrors.SALMON, realdata, tmp_path_factory.mktemp("salmon"))


def test_china_to_kyrgyzstan_taken_apart(mirrors: ModuleType, totals: Lake) -> None:
    """China says 15,421m USD, Kyrgyzstan 4,069m; neither freight nor another partner explains it."""
    rows = {
        row["importer"]: row
        for row in mirrors.china_parts(totals).table.to_pylist()
        if row["direction"] == "exporter_more"
    }
    kyrgyz = rows["KGZ"]
    assert kyrgyz["exporter_report_usd"] == pytest.approx(15_421e6, rel=1e-3)
    assert kyrgyz["importer_report_usd"] == pytest.approx(4_069e6, rel=1e-3)
    assert -0.2 * kyrgyz["importer_report_usd"] < kyrgyz["valuation_usd"] < 0
    assert kyrgyz["unexplained_usd"] > 11e9
    assert kyrgyz["elsewhere_usd"] < 0.05 * kyrgyz["published_gap_usd"]
    assert set(rows) == {"KGZ", "KAZ", "TJK", "UZB"}  # more left China than arrived, in all four


def test_the_unions_exports_that_kyrgyzstan_does_not_see(mirrors: ModuleType, totals: Lake) -> None:
    rows = {row["period"]: row for row in mirrors.eu_gaps(totals, "KGZ").table.to_pylist()}
    assert set(rows) == {"2019", "2020", "2021", "2022", "2023"}
    ratio = {year: row["arrived_ratio"] for year, row in rows.items()}
    assert min(ratio["2020"], ratio["2021"]) > 0.8
    assert max(ratio["2022"], ratio["2023"]) < 0.5
    assert rows["2022"]["exporter_report_usd"] == pytest.approx(1_226e6, rel=1e-3)
    assert rows["2022"]["unusual_low_usd"] > 100e6
    assert rows["2022"]["z_score"] < -3
    assert rows["2023"]["gap_usd"] > 1.8e9
    assert rows["2021"]["q_value"] > 0.5


def test_armenia_by_origin_and_by_consignment(mirrors: ModuleType, totals: Lake) -> None:
    """Of the Chinese goods that China never sent to Armenia three quarters came through others."""
    rows = {
        row["exporter"]: row
        for row in mirrors.armenia_parts(totals).table.to_pylist()
        if row["direction"] is None
    }
    china = rows["CHN"]
    assert china["published_gap_usd"] == pytest.approx(-908e6, rel=1e-2)
    assert china["attribution_usd"] == pytest.approx(-690e6, rel=0.1)
    assert abs(china["unexplained_usd"]) < 0.35 * abs(china["published_gap_usd"])
    union = rows["XEU"]
    assert (
        union["attribution_usd"] > 0.4 * union["published_gap_usd"] > 0
    )  # the same goods, seen from the others


def test_both_books_see_the_embargo_and_belarus_is_no_gap(mirrors: ModuleType, salmon: Lake) -> None:
    to_russia = mirrors.salmon_gaps(salmon, "RUS")
    (row,) = to_russia.table.to_pylist()
    assert row["exporter_report_usd"] < 0.01 * row["before_exporter_usd"]
    assert row["importer_fob_usd"] < 0.001 * row["before_importer_fob_usd"]
    assert row["before_importer_fob_usd"] == pytest.approx(row["before_exporter_usd"], rel=0.05)
    last = max(one["period"] for one in to_russia.series.to_pylist() if one["importer_fob_usd"] > 1e6)
    assert last == "2014-08"
    (belarus,) = mirrors.salmon_gaps(salmon, "BLR").table.to_pylist()
    assert belarus["exporter_report_usd"] > 1.2 * belarus["before_exporter_usd"]  # more goes there
    assert belarus["arrived_ratio"] == pytest.approx(belarus["usual_ratio"], abs=0.1)  # and arrives
    assert belarus["q_value"] > 0.5
