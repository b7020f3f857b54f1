"""The cases whose data are public tables: computed figures beside those that their publishers print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline.cases import find_case, run_case
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.realdata

_COMMAND = Path(sys.executable).with_name("entrepot")


@pytest.fixture(scope="module")
def lake_of(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Lake]:
    """Return a function that takes files in by the command and opens the lake."""

    def make(*ingests: tuple[str, str]) -> Lake:
        folder = tmp_path_factory.mktemp("case") / "lake"
        for source, file in ingests:
            subprocess.run(
                [
                    _COMMAND,
                    "ingest",
                    source,
                    realdata / file,
                    "--lake",
                    folder,
                    "--vintage",
                    "2025-01-09",
                    "--accept-quarantine",
                ],
                check=True,
                capture_output=True,
            )
        return Lake.open(folder)

    return make


def verdicts(result):
    return {one.figure.id: one.verdict for one in result.compared}


def test_shares_of_russias_partners(lake_of) -> None:
    result = run_case(find_case("RUSSIA-PARTNERS"), lake_of(("imf_wide", "imf-russia/RU_trade.csv")))
    assert set(verdicts(result).values()) == {"agrees"}
    assert len(result.compared) == 11
    assert max(abs(one.difference) for one in result.compared) < 0.001, "the sum is the IMF's line World"
    share = {(row["exporter"], row["period"]): row["share"] for row in result.tables["share"].to_pylist()}
    assert share["CHN", "2021"] == pytest.approx(72685.740904 / 293656.04, abs=1e-4)
    assert share["CHN", "2023"] == pytest.approx(119833.579267 / 265017.53, abs=1e-4)
    assert share["DEU", "2021"] > 3 * share["DEU", "2024"]
    robust = {(row["choice"], row["value"]): row for row in result.robustness.to_pylist()}
    assert robust["as the case asks", ""]["computed"] == pytest.approx(119833.579267 / 265017.53, abs=1e-4)
    without = 119833.579267 / (265017.534364 - 12152)
    assert robust["exporter", "UGA"]["computed"] == pytest.approx(without, abs=1e-3), "an error of the source"


def test_kyrgyz_imports_and_what_china_says(lake_of) -> None:
    lake = lake_of(
        ("kyrgyzstan", "mirror-totals/kyrgyzstan_imports_by_country_annual.csv"),
        ("comtrade", "comtrade-raw/TradeData_CHN_DEU_USA_2022_TOTAL_all_partners_raw.csv"),
    )
    result = run_case(find_case("KYRGYZ-IMPORTS"), lake)
    assert set(verdicts(result).values()) == {"agrees"}
    computed = {one.figure.id: one.computed for one in result.compared}
    assert computed["sent_2022"] - computed["china_2022"] == pytest.approx(11.35e9, abs=0.01e9)
    growth = {row["period"]: row["growth"] for row in result.tables["growth"].to_pylist()}
    assert growth["2022"] == pytest.approx(4069468.372 / 1463823.096 - 1)


def test_chinas_trade_with_russia_of_2022(lake_of) -> None:
    """Of C1 one year is there: both directions by China's books are the 190 billion of the report."""
    file = "comtrade-raw/TradeData_CHN_DEU_USA_2022_TOTAL_all_partners_raw.csv"
    result = run_case(find_case("C1"), lake_of(("comtrade", file)), is_partial=True)
    found = {one.figure.id: one for one in result.compared}
    assert found["trade_2022"].computed == pytest.approx(76_122_649_188 + 114_148_970_877)
    assert found["trade_2022"].verdict == "agrees"
    assert found["trade_2023"].verdict == "not computed"
    assert any("CHN 2021 and 2023" in note for note in result.notes)


def test_kazakh_imports(lake_of) -> None:
    result = run_case(
        find_case("KAZAKH-IMPORTS"), lake_of(("kazakhstan", "mirror-totals/kazakhstan_by_country_annual.csv"))
    )
    assert set(verdicts(result).values()) == {"agrees"}
    overtook = {
        (row["overtaker"], row["overtaken"]): row["period"] for row in result.tables["overtaking"].to_pylist()
    }
    assert ("RUS", "CHN") not in overtook


def test_growth_of_the_eus_exports(eu_lake: Lake) -> None:
    """The sum of the members in euro is Eurostat's figure of the union, two years of revisions later."""
    result = run_case(find_case("EU-EXPORTS"), eu_lake)
    assert set(verdicts(result).values()) == {"agrees"}
    assert max(abs(one.difference) for one in result.compared) < 0.001
    assert any("2022-11" in note for note in result.notes), "the Netherlands had not published November"
    last = {
        row["importer"]: row["growth"]
        for row in result.tables["growth"].to_pylist()
        if row["period"] == "2022-10"
    }
    assert last["KGZ"] > 1.0
    assert last["KGZ"] > last["GEO"]
