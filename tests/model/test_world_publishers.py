"""Worlds in Eurostat's and CEPII's bytes: what is written is what is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from entrepot.engine import Engine
from entrepot.errors import OptionError
from entrepot.model.world import build_world, write_baci, write_comext
from entrepot.nomenclature import group_members
from entrepot.pipeline import ingest
from entrepot.pipeline.flows import FlowQuery, select_flows
from entrepot.schema.layouts import BACI, COMEXT_FULL_V2
from entrepot.sources.baci import BaciSource
from entrepot.sources.comext import ComextSource
from entrepot.sources.rates import ecb_rates
from entrepot.store import Lake, flows_sql

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.model.world import World

KEY = ["reporter", "partner", "flow", "period", "hs_code"]


@pytest.fixture(scope="module")
def world(small) -> World:
    return build_world(replace(small, products=6, months=24, event_month=14, annual_reporters=8))


@pytest.fixture(scope="module")
def eur_per_usd() -> dict[str, float]:
    return {row["period"]: row["per_usd"] for row in ecb_rates().to_pylist() if row["currency"] == "EUR"}


@pytest.fixture(scope="module")
def members(world) -> pd.DataFrame:
    """Return the reports of the Union's members, imports and exports."""
    reports = world.reports.to_pandas()
    is_member = reports["reporter"].isin(group_members("EU"))
    is_member |= (reports["reporter"] == "GBR") & reports["period"].isin(["2020-01", "2020"])
    return reports[is_member & reports["flow"].isin(["import", "export"])]


@pytest.fixture(scope="module")
def taken(world, eur_per_usd, tmp_path_factory) -> tuple[list[Path], pd.DataFrame]:
    folder = tmp_path_factory.mktemp("comext")
    files = write_comext(world, folder / "files", eur_per_usd=eur_per_usd)
    report = ingest(ComextSource(), files, lake=folder / "lake")
    assert [file.error for file in report.failed] == []
    assert report.rows_quarantined == 0
    with Engine() as engine:
        rows = engine.sql(f"SELECT * FROM ({flows_sql(Lake.open(folder / 'lake'), engine)})").to_pandas()
    return list(files), rows


def test_comext_has_the_publishers_bytes(taken) -> None:
    files, _ = taken
    assert {"full_202001.dat", "full_202112.dat", "full_202052.dat"} <= {file.name for file in files}
    lines = files[0].read_bytes().split(b"\n")
    assert lines[0].decode() == ",".join(COMEXT_FULL_V2)
    assert lines[-1] == b""
    assert {line.count(b",") for line in lines[:-1]} == {17}
    assert b'"' not in files[0].read_bytes()
    assert any(file.name.endswith("52.dat") for file in files)


def test_comext_sums_are_the_reports(taken, members) -> None:
    """Whole euro by line: a report is right to half a euro."""
    _, rows = taken
    found = rows.groupby(KEY)["primary_value_usd"].sum()
    expected = members.set_index(KEY)["value_usd"].astype(float)
    found, expected = found.align(expected)
    assert not found.isna().any()
    assert not expected.isna().any()
    assert (found - expected).abs().max() < 1.0


def test_comext_weights_are_the_reports_where_they_are_known(taken, members) -> None:
    _, rows = taken
    weighed = rows.groupby(KEY)["net_weight_kg"].agg(["sum", "count", "size"])
    whole = weighed[weighed["count"] == weighed["size"]]["sum"]
    expected = members.set_index(KEY)["net_weight_kg"].reindex(whole.index)
    assert len(whole) > 100
    assert (whole - expected).abs().max() <= 0.5


def test_comext_keeps_procedures_positions_and_concepts_apart(taken) -> None:
    _, rows = taken
    assert set(rows["customs_procedure"]) == {"normal", "inward_processing"}
    assert (rows["hs_level"] == 8).all()
    assert not rows.duplicated([*KEY, "national_code", "customs_procedure"]).any()
    inside = rows["partner"].isin(group_members("EU"))
    rows, inside = rows[rows["partner"] != "GBR"], inside[rows["partner"] != "GBR"]  # it left in 2020
    is_import = rows["flow"] == "import"
    assert set(rows.loc[is_import & inside, "partner_concept"]) == {"consignment"}
    assert set(rows.loc[is_import & ~inside, "partner_concept"]) == {"origin"}


def test_comext_needs_a_rate_for_every_period(world, eur_per_usd, tmp_path) -> None:
    lacking = {period: rate for period, rate in eur_per_usd.items() if period != "2020-05"}
    with pytest.raises(OptionError, match="2020-05"):
        write_comext(world, tmp_path, eur_per_usd=lacking)


def test_baci_is_one_figure_between_the_two_books(world, tmp_path) -> None:
    files = write_baci(world, tmp_path / "files")
    assert [file.name for file in files] == ["BACI_HS17_Y2020_V202501.csv", "BACI_HS17_Y2021_V202501.csv"]
    assert files[0].read_text("utf-8").split("\n")[0] == ",".join(BACI)
    table = pd.concat(pd.read_csv(file, dtype={"k": str}, keep_default_na=False) for file in files)
    assert not table.duplicated(["t", "i", "j", "k"]).any()
    assert (table["q"] == "NA").any()
    report = ingest(BaciSource(), files, lake=tmp_path / "lake")
    assert (report.rows_quarantined, report.failed) == (0, ())
    flows = select_flows(Lake.open(tmp_path / "lake"), FlowQuery(frequency="A")).to_pandas()
    assert len(flows) == len(table)
    assert flows["value_usd"].sum() == pytest.approx(1000 * table["v"].sum(), rel=1e-12)

    reports = world.reports.to_pandas()
    reports["period"] = reports["period"].str[:4]
    reports = reports[reports["reporter"] != reports["partner"]]
    ratio = world.truth_pairs.to_pandas().set_index(["exporter", "importer"])["cif_fob_ratio"]
    key = ["exporter", "importer", "hs_code", "period"]
    books = []
    for flow, names in (("export", ["exporter", "importer"]), ("import", ["importer", "exporter"])):
        book = reports[reports["flow"] == flow].rename(columns=dict(zip(KEY[:2], names, strict=True)))
        books.append(book.groupby(key)["value_usd"].sum().rename(flow))
    both = pd.concat(books, axis=1).reset_index().join(ratio, on=["exporter", "importer"])
    both["import"] /= both["cif_fob_ratio"]
    expected = both.set_index(key)[["export", "import"]].mean(axis=1)
    found = flows.set_index(key)["value_usd"]
    assert (found - expected.reindex(found.index)).abs().max() <= 0.5
    assert both["export"].isna().any()  # some exporters are silent: their flows are the mirror's
    assert set(flows["basis"]) == {"publisher"}


def test_baci_beside_reports_changes_nothing(world, eur_per_usd, tmp_path) -> None:
    """BACI is made of the reports: it is no third opinion on them."""
    lake = tmp_path / "lake"
    ingest(ComextSource(), write_comext(world, tmp_path / "c", eur_per_usd=eur_per_usd), lake=lake)
    query = FlowQuery(frequency="A")
    before = select_flows(Lake.open(lake), query)
    ingest(BaciSource(), write_baci(world, tmp_path / "b"), lake=lake)
    after = select_flows(Lake.open(lake), query)
    pd.testing.assert_frame_equal(after.to_pandas(), before.to_pandas(), rtol=1e-12)
    chosen = select_flows(Lake.open(lake), FlowQuery(frequency="A", sources=("baci",))).to_pandas()
    assert set(chosen["basis"]) == {"publisher"}
    assert len(chosen) > before.num_rows
