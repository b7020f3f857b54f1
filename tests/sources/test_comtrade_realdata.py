"""Real downloads: every row is stored, and sums equal those of an independent reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.realdata

RAW = {
    "TradeData_CHN_DEU_USA_2022_TOTAL_all_partners_raw.csv": (1352, "web"),
    "TradeData_THA_imports_8542_2014_2024_raw.csv": (1178, "web"),
    "comtrade_legacy_8486_sme_imports_2016_2020_raw.csv": (2863, "legacy"),
    "comtrade_legacy_871200_bicycles_world_2016_2019_raw.csv": (1302, "legacy"),
}


def sums(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", RAW)
def test_downloads(name: str, realdata: Path, taken_in: Callable) -> None:
    count, layout = RAW[name]
    file, rows = taken_in(realdata / "comtrade-raw" / name)
    assert (file.rows_read, file.rows_stored, file.rows_quarantined, file.layout) == (count, count, 0, layout)
    encoding = "latin-1" if layout == "web" else "utf-8"
    theirs = pd.read_csv(realdata / "comtrade-raw" / name, encoding=encoding, index_col=False)
    value, weight = ("primaryValue", "netWgt") if layout == "web" else ("Trade Value (US$)", "Netweight (kg)")
    partner = "partnerCode" if layout == "web" else "Partner Code"
    ours = pd.DataFrame(rows)
    assert ours["primary_value_usd"].tolist() == theirs[value].astype(float).tolist()
    assert ours["net_weight_kg"].sum() == pytest.approx(theirs[weight].sum(), rel=1e-12)
    assert (ours["role"] == "aggregate").sum() == (theirs[partner] == 0).sum()
    assert ours["net_weight_kg"].isna().sum() == (theirs[weight].fillna(0) == 0).sum()


def test_china_to_kyrgyzstan(realdata: Path, taken_in: Callable) -> None:
    _, rows = taken_in(realdata / "comtrade-raw" / "TradeData_CHN_DEU_USA_2022_TOTAL_all_partners_raw.csv")
    values = {(row["reporter"], row["partner"], row["flow"]): row["primary_value_usd"] for row in rows}
    assert round(values["CHN", "KGZ", "export"] / 1e6) == 15421
    assert round(values["CHN", "RUS", "import"] / 1e6) == 114149


@pytest.mark.parametrize("code", ["030214", "030354", "030363"])
def test_fish_of_all_pairs(code: str, realdata: Path, taken_in: Callable) -> None:
    path = realdata / "comtrade-all-pairs-fish-monthly" / f"comtrade_monthly_{code}.parquet"
    file, rows = taken_in(path)
    theirs = pd.read_parquet(path)
    assert (file.rows_stored, file.rows_quarantined) == (len(theirs), 0)
    ours = pd.DataFrame(rows)
    assert ours["primary_value_usd"].tolist() == theirs["primary_value"].tolist()
    assert ours["net_weight_kg"].sum() == pytest.approx(theirs["net_wgt"].sum(), rel=1e-12)
    assert ours["hs_code"].unique().tolist() == [code]
    assert (ours["role"] == "aggregate").sum() == theirs["partner_code"].eq(0).sum()
    # One area a code, and no two codes of a month for one area: else keys would have met.
    assert ours["period"].str.replace("-", "").tolist() == theirs["period"].tolist()
