"""Distances, borders and coasts: consistent by themselves, and beside CEPII's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from entrepot.nomenclature import area_table, geography_table

if TYPE_CHECKING:
    from pathlib import Path


def test_every_pair_stands_once_and_both_ways_agree() -> None:
    table = geography_table().to_pandas()
    assert not table.duplicated(["exporter", "importer"]).any()
    assert not (table["exporter"] == table["importer"]).any()
    back = table.rename(columns={"exporter": "importer", "importer": "exporter"})
    both = table.merge(back, on=["exporter", "importer"], suffixes=("", "_back"))
    assert len(both) == len(table)
    for name in ("distance_km", "is_contiguous", "landlocked"):
        np.testing.assert_allclose(both[name], both[f"{name}_back"])
    assert table["distance_km"].between(1, 20_038).all()
    assert set(table["landlocked"]) == {0, 1, 2}
    assert set(table["exporter"]) <= set(area_table()["code"].to_pylist())


@pytest.mark.parametrize(
    ("one", "other", "km", "touch", "inland"),
    [
        ("KAZ", "KGZ", 800, 1, 2),
        ("CHN", "RUS", 5200, 1, 0),
        ("DEU", "KGZ", 5100, 0, 1),
        ("XOA", "CHN", 1400, 0, 0),
    ],
)
def test_known_pairs(one, other, km, touch, inland) -> None:
    table = geography_table().to_pandas().set_index(["exporter", "importer"])
    row = table.loc[one, other]
    assert row["distance_km"] == pytest.approx(km, rel=0.25)
    assert (row["is_contiguous"], row["landlocked"]) == (touch, inland)


@pytest.mark.realdata
def test_distances_agree_with_those_of_cepii(realdata: Path) -> None:
    theirs = pd.read_parquet(realdata / "distances" / "dist_cepii.parquet")
    codes = {"ROM": "ROU", "ZAR": "COD", "TMP": "TLS", "PAL": "PSE"}
    theirs = theirs.assign(exporter=theirs["iso_o"].replace(codes), importer=theirs["iso_d"].replace(codes))
    both = geography_table().to_pandas().merge(theirs.dropna(subset="distw"), on=["exporter", "importer"])
    assert len(both) > 40_000
    off = np.log(both["distance_km"] / both["distw"]).abs()
    assert off.median() < 0.01
    assert off.quantile(0.95) < 0.05
    assert (both["is_contiguous"] == both["contig"]).mean() > 0.999
