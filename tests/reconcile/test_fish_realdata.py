"""Two real books: fish of all reporters. One book of two is hidden and predicted from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.nomenclature import area_code_table
from entrepot.reconcile import BooksFit, fit_books, pair_books, weigh_books

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def fish(realdata: Path) -> pd.DataFrame:
    """Return yearly reports of the panel: sums of the published months."""
    folder = realdata / "comtrade-all-pairs-fish-monthly"
    rows = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
    codes = area_code_table().to_pandas()
    codes = codes[(codes["scheme"] == "m49") & ~codes["is_aggregate"]].drop_duplicates("foreign_code")
    named = codes.set_index("foreign_code")["code"]
    rows = rows[rows["flow_code"].isin(["X", "M"]) & (rows["partner_code"] != 0)]
    rows = rows.assign(
        reporter=rows["reporter_code"].astype(str).map(named),
        partner=rows["partner_code"].astype(str).map(named),
        flow=rows["flow_code"].map({"X": "export", "M": "import"}),
        partner_concept=rows["flow_code"].map({"X": "last_known_destination", "M": "origin"}),
        hs_code=rows["cmd_code"].astype(str).str.zfill(6),
        period=rows["period"].astype(str).str[:4], frequency="A", role="leaf",
        primary_value_usd=rows["primary_value"].astype(float),
        net_weight_kg=rows["net_wgt"].where(rows["net_wgt"] > 0),
    ).dropna(subset=["reporter", "partner", "primary_value_usd"])  # fmt: skip
    keys = ["reporter", "partner", "flow", "partner_concept", "hs_code", "period", "frequency", "role"]
    return rows.groupby(keys, as_index=False).agg(
        primary_value_usd=("primary_value_usd", "sum"),
        net_weight_kg=("net_weight_kg", lambda kg: kg.sum(min_count=1)),
    )


def weighed(reports: pd.DataFrame) -> tuple[pd.DataFrame, BooksFit]:
    with Engine(memory_limit="1GB", threads=1) as engine:
        rows = engine.arrow_frame(pa.Table.from_pandas(reports, preserve_index=False)).to_native()
        paired = pair_books(rows).to_arrow_table().to_pandas()
    fit = fit_books(paired, is_monthly=False)
    return weigh_books(paired, fit, is_monthly=False), fit


def test_reliabilities_make_sense(fish: pd.DataFrame) -> None:
    """Norway sells what it catches; the Netherlands pass on what others caught."""
    _, fit = weighed(fish)
    found = fit.value.reliability.reporters.to_pandas()
    export = found[found["flow"] == "export"].set_index("reporter")
    assert export.loc["NOR", "rank"] <= 5
    assert export.loc["NLD", "reporting_sd"] > 1.5 * export.loc["NOR", "reporting_sd"]
    table = fit.value.ratios.table.to_pandas().query("flows > 0")
    freight = np.exp(table["log_freight"])
    assert freight.min() >= 1.0
    assert 1.0 <= freight.median() < 1.15
    assert freight.quantile(0.95) < 1.6


def test_a_hidden_book_is_predicted_with_an_honest_interval(fish: pd.DataFrame) -> None:
    """Of every tenth pair the exporter's book is hidden; the interval of the rest must hold it.

    The hidden figure has its own noise, so its interval is that of a prediction: both variances.
    """
    whole, _ = weighed(fish)
    pair = pd.util.hash_pandas_object(whole["exporter"] + whole["importer"], index=False) % 10 == 0
    two_sided = whole[pair & (whole["exporter_report_usd"] > 0) & (whole["importer_report_usd"] > 0)]
    hidden = two_sided[["exporter", "importer"]].drop_duplicates()
    marked = fish.merge(
        hidden.rename(columns={"exporter": "reporter", "importer": "partner"}).assign(flow="export"),
        on=["reporter", "partner", "flow"], how="left", indicator=True,
    )  # fmt: skip
    paired = pair_books(marked[marked["_merge"] == "left_only"].drop(columns="_merge"))
    is_hidden = (
        paired.merge(hidden, on=["exporter", "importer"], how="left", indicator=True)["_merge"] == "both"
    )
    paired.loc[is_hidden.to_numpy(), "exporter_report_usd"] = np.nan
    fit = fit_books(paired, is_monthly=False)
    found = weigh_books(paired, fit, is_monthly=False)
    keys = ["exporter", "importer", "hs_code", "period"]
    both = two_sided[[*keys, "exporter_report_usd"]].merge(found.drop(columns="exporter_report_usd"), on=keys)
    assert len(both) > 1_000
    assert set(both["basis"]) == {"importer"}
    sd = fit.value.reliability.reporters.to_pandas().query("flow == 'export'").set_index("reporter")
    own = 1.645 * both["exporter"].map(sd["reporting_sd"]).fillna(sd["reporting_sd"].median())
    half = np.hypot(np.log(both["high_usd"] / both["value_usd"]), own)
    off = np.log(both["exporter_report_usd"] / both["value_usd"])
    inside = off.abs() <= half
    print("covered", inside.mean(), "median error", off.abs().median())  # noqa: T201
    print(inside.groupby(pd.cut(both["exporter_report_usd"], [0, 1e4, 1e5, 1e6, 1e12])).agg(["mean", "size"]))  # noqa: T201
    top = both["exporter"].value_counts().index[:8]
    print(inside.groupby(both["exporter"]).agg(["mean", "size"]).loc[top])  # noqa: T201
    assert 0.85 < inside.mean() < 0.97
    assert abs(off.median()) < 0.25
