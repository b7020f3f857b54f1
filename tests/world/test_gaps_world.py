"""Gaps in made-up worlds: habits, freight, late goods and silence are known, and so is what went unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from entrepot.detect.gaps.options import GapOptions
from entrepot.engine import Engine
from entrepot.model.world import World, WorldOptions, build_world
from entrepot.pipeline.freight import with_freight
from entrepot.pipeline.gaps import decompose_gaps_in, find_gaps_in
from entrepot.reconcile import pair_books

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAIR = ("exporter", "importer")


def leaves(world: World) -> pd.DataFrame:
    rows = world.reports.to_pandas()
    rows = rows[(rows["period"].str.len() == 7) & (rows["hs_code"] != "TOTAL")]
    is_import = rows["flow"].isin(["import", "re_import"])
    return rows.assign(
        frequency="M", role="leaf", primary_value_usd=rows["value_usd"],
        partner_concept=np.where(is_import, "origin", "last_known_destination"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def flows_of() -> Iterator[Callable[[World], nw.LazyFrame]]:
    """Return a maker of paired books with freight, as the pipeline makes them."""
    with Engine(memory_limit="1GB", threads=1) as engine:

        def make(world: World, name: str) -> nw.LazyFrame:
            import pyarrow as pa  # noqa: PLC0415

            rows = pa.Table.from_pandas(leaves(world), preserve_index=False)
            books = pair_books(engine.arrow_frame(rows).to_native())
            paired = engine.keep(nw.from_native(books).lazy(), f"paired_{name}")
            return with_freight(paired, frozenset(), frequency="M")

        yield make


@pytest.fixture(scope="module")
def quiet(flows_of) -> tuple[World, nw.LazyFrame]:
    world = build_world(WorldOptions(areas=30, products=40, seed=8, quiet=True, reporting_sd=(0.01, 0.06)))
    return world, flows_of(world, "quiet")


def test_chronic_under_declaration_is_usual(quiet) -> None:
    """Hubs declare 30 to 100% of what arrives: the ratio is found, and is no finding."""
    world, flows = quiet
    table = find_gaps_in(flows, GapOptions(event=world.event, by=PAIR)).table.to_pandas()
    truth = world.truth_pairs.to_pandas().set_index(list(PAIR))["declared_ratio"]
    table["truth"] = [truth[key] for key in zip(table["exporter"], table["importer"], strict=True)]
    chronic = table[(table["truth"] < 0.8) & (table["exporter_report_usd"] > 1e5)]
    assert len(chronic) > 30
    assert (chronic["usual_ratio"] - chronic["truth"]).abs().median() < 0.05
    assert chronic["lost_usd"].sum() > 0.2 * chronic["exporter_report_usd"].sum()
    assert chronic["unusual_usd"].abs().sum() < 0.12 * chronic["lost_usd"].sum()
    assert (chronic["q_value"] <= 0.1).sum() <= 1


def test_where_nothing_happens_hardly_a_row_is_strong(quiet) -> None:
    world, flows = quiet
    for asked in ({"event": world.event}, {}):
        q = find_gaps_in(flows, GapOptions(**asked)).table["q_value"].drop_null().to_numpy()
        assert q.size > 1_000
        assert (q <= 0.1).mean() < 0.01


def test_silent_and_late_reporters_have_no_gap_in_their_silence(quiet) -> None:
    world, flows = quiet
    areas = world.truth_areas.to_pandas().set_index("area")
    table = find_gaps_in(flows, GapOptions(by=PAIR)).table.to_pandas()
    for side in PAIR:
        assert not set(table[side]) & set(areas.index[areas["publishes"] == "never"])
        last = table[side].map(areas["last_period"])
        assert (table["period"] <= last).all()
    assert (areas["publishes"] == "late").sum() > 0


def test_freight_is_valuation_and_goods_at_sea_are_timing(quiet) -> None:
    world, flows = quiet
    result = decompose_gaps_in(flows, GapOptions(by=PAIR))
    truth = world.truth_pairs.to_pandas().set_index(list(PAIR))
    nets = result.table.to_pandas()
    nets = nets[nets["direction"].isna() & (nets["importer_report_usd"] > 1e6)]
    freight = nets["importer_report_usd"] / (nets["importer_report_usd"] + nets["valuation_usd"])
    true = truth.loc[list(zip(nets["exporter"], nets["importer"], strict=True)), "cif_fob_ratio"].to_numpy()
    assert np.median(np.abs(freight.to_numpy() - true)) < 0.03
    late = pd.Series(result.summary.late_shares)
    known = 0.5 * np.minimum(truth["distance_km"] / 15_000.0, 1.0).loc[late.index]
    assert np.corrcoef(late, known)[0, 1] > 0.8
    assert np.median(np.abs(late - known)) < 0.08
    assert abs(result.summary.lead_share) < 0.1


def test_goods_that_hubs_never_show_are_found(flows_of) -> None:
    """Hubs hide a part of what passes after the event: that much of their arrivals is missing."""
    world = build_world(
        WorldOptions(
            areas=30,
            products=40,
            seed=6,
            unseen_share=0.95,
            onward_observed_share=1.0,
            relay=False,
            loops=False,
        )
    )
    result = find_gaps_in(flows_of(world, "unseen"), GapOptions(event=world.event, by=PAIR))
    table = result.table.to_pandas().set_index(list(PAIR))
    hidden = world.truth_detours.to_pandas().query("kind == 'unseen'")
    hidden = hidden[hidden["period"] >= "2022-01"]
    truth = hidden.groupby(["origin", "hub"])["amount_usd"].sum()
    declared = world.truth_pairs.to_pandas().set_index(list(PAIR))["declared_ratio"]
    missing = truth * declared.loc[list(truth.index)].to_numpy()
    missing = missing[missing > 1e5]
    found = table.loc[list(missing.index)]
    assert len(missing) >= 8
    assert np.corrcoef(np.log(missing), np.log(found["unusual_usd"].clip(lower=1e3)))[0, 1] > 0.5
    inside = (found["unusual_low_usd"] <= missing) & (missing <= found["unusual_high_usd"])
    assert inside.mean() > 0.7
    hubs = set(world.truth_areas.to_pandas().query("role == 'hub'")["area"])
    strong = table[(table["q_value"] <= 0.05) & (table["unusual_usd"] > 0)].reset_index()
    by_hubs = strong[strong["importer"].isin(hubs)]["unusual_usd"].sum()
    assert by_hubs > 0.8 * strong["unusual_usd"].sum() > 0
    by_hub = result.hubs.to_pandas().set_index("importer")
    assert set(by_hub["unusual_low_usd"].nlargest(2).index) <= hubs
