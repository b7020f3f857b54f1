"""Real unit values: Norway's salmon around Russia's food embargo."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from entrepot.detect.prices.options import PriceOptions
from entrepot.pipeline.prices import decompose_values, find_markups, find_price_outliers

if TYPE_CHECKING:
    from entrepot.store import Lake

pytestmark = pytest.mark.realdata

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = {"event": "2014-08", "before": "2012-08:2014-07", "after": "2014-08:2016-07", "exporters": ("NOR",)}


@pytest.fixture(scope="module")
def salmon(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    spec = importlib.util.spec_from_file_location("mirrors", ROOT / "docs" / "mirrors.py")
    mirrors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mirrors)
    return mirrors.make_lake(mirrors.SALMON, realdata, tmp_path_factory.mktemp("salmon"))


def test_norway_sold_more_for_less(salmon: Lake) -> None:
    (row,) = decompose_values(salmon, PriceOptions(by=("exporter",), **WINDOWS)).table.to_pylist()
    assert row["value_change_usd"] == pytest.approx(-607e6, rel=0.01)
    assert row["fisher_price"] == pytest.approx(0.91, abs=0.01)
    assert row["fisher_volume"] > 1.02
    assert row["tornqvist_price"] == pytest.approx(row["fisher_price"], rel=0.01)
    assert row["priced_share"] > 0.99
    parts = row["fisher_price_usd"] + row["fisher_volume_usd"] + row["entered_usd"] - row["left_usd"]
    assert parts + row["unpriced_change_usd"] == pytest.approx(row["value_change_usd"])


def test_indices_from_the_file_itself(salmon: Lake, realdata: Path) -> None:
    """With no month left out, pandas gives the same from the raw rows: indices, parts, what came and went."""
    raw = pd.read_parquet(realdata / "comtrade-all-pairs-fish-monthly" / "comtrade_monthly_030214.parquet")
    raw = raw[(raw["reporter_iso"] == "NOR") & (raw["flow_code"] == "X") & (raw["partner_code"] != 0)]
    month = raw["period"].astype(int)
    before, after = (
        raw[(month >= first) & (month <= last)].groupby("partner_iso")[["primary_value", "net_wgt"]].sum()
        for first, last in ((201208, 201407), (201408, 201607))
    )
    common = before.index.intersection(after.index)
    v0, v1 = (side.loc[common, "primary_value"] for side in (before, after))
    q0, q1 = (side.loc[common, "net_wgt"] for side in (before, after))
    p0, p1 = v0 / q0, v1 / q1
    laspeyres, paasche = (p1 * q0).sum() / v0.sum(), v1.sum() / (p0 * q1).sum()
    share = (v0 / v0.sum() + v1 / v1.sum()) / 2
    fisher, tornqvist = math.sqrt(laspeyres * paasche), math.exp((share * np.log(p1 / p0)).sum())
    change = v1.sum() - v0.sum()

    every = PriceOptions(by=("exporter",), threshold=1e6, **WINDOWS)
    (row,) = decompose_values(salmon, every).table.to_pylist()
    assert row["items"] == len(common)
    for name, index in (
        ("laspeyres_price", laspeyres), ("paasche_price", paasche), ("fisher_price", fisher),
        ("tornqvist_price", tornqvist),
    ):  # fmt: skip
        assert row[name] == pytest.approx(index, rel=1e-6)
    price = change * math.log(fisher) / math.log(v1.sum() / v0.sum())
    assert row["fisher_price_usd"] == pytest.approx(price, rel=1e-6)
    assert row["fisher_volume_usd"] == pytest.approx(change - price, rel=1e-6)
    for name, side in (("entered_usd", after), ("left_usd", before)):
        assert row[name] == pytest.approx(side.drop(common)["primary_value"].sum(), rel=1e-6)


def test_belarus_paid_no_more_than_before(salmon: Lake) -> None:
    table = find_markups(salmon, PriceOptions(importers=("BLR", "UKR"), **WINDOWS)).table
    rows = {row["importer"]: row for row in table.to_pylist()}
    assert rows["BLR"]["markup_change_high"] < 0.03
    assert rows["UKR"]["markup_change_high"] < 0
    assert rows["BLR"]["other_buyers"] > 40


def test_outliers_are_few_and_explained(salmon: Lake) -> None:
    found = find_price_outliers(salmon, PriceOptions(periods="2012-01:2014-12"))
    rows = found.table.to_pylist()
    assert 0 < len(rows) < 0.1 * found.flows
    assert {row["invoicing"] for row in rows} == {"over", "under"}
    assert rows[0]["z_share"] < 0.02
