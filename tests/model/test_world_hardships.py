"""Worlds that are hard in the ways in which real data are: each hardship does what it says, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from entrepot.errors import OptionError
from entrepot.model.world import HARDSHIPS, World, WorldOptions, build_world, write_comtrade
from entrepot.nomenclature import concordance

KEYS = ["reporter", "partner", "flow", "period"]


def hard(small: WorldOptions, name: str) -> World:
    return build_world(replace(small, **HARDSHIPS[name]))


def by_code(world: World, codes: set[str]) -> pd.Series:
    reports = world.reports.to_pandas()
    return reports[reports["hs_code"].isin(codes)].groupby([*KEYS, "hs_code"])["value_usd"].sum()


@pytest.mark.parametrize("name", sorted(HARDSHIPS))
def test_every_hardship_makes_a_world_of_its_own_with_unique_keys(small, smooth, name: str) -> None:
    world = hard(small, name)
    assert not world.reports.equals(smooth.reports)
    assert not world.reports.to_pandas().duplicated([*KEYS, "hs_code"]).any()
    truth = world.truth_detours.to_pandas()
    assert not truth.duplicated(["origin", "hub", "destination", "hs_code", "kind", "period"]).any()
    assert truth["amount_usd"].sum() > 0


def test_confidential_goods_are_published_under_one_code_and_nothing_is_lost(small, smooth) -> None:
    """Values by reporter, partner, flow and month are the same but for what a threshold hides."""
    world = hard(small, "confidential")
    reports, open_ = world.reports.to_pandas(), smooth.reports.to_pandas()
    sums = [frame.groupby(KEYS)["value_usd"].sum() for frame in (reports, open_)]
    both = pd.concat(sums, axis=1, join="inner")
    assert len(both) > 0.99 * len(sums[1])
    assert both.iloc[:, 0].sum() == pytest.approx(both.iloc[:, 1].sum(), rel=1e-3)
    share = reports.loc[reports["hs_code"] == "999999", "value_usd"].sum() / reports["value_usd"].sum()
    assert 0.02 < share < 0.2
    hidden = reports[reports["hs_code"] == "999999"]
    assert hidden["period"].min() < world.event
    late = hidden.groupby("period")["value_usd"].sum()
    assert late[late.index >= world.event].mean() > 1.3 * late[late.index < world.event].mean()


def test_recoded_goods_have_their_old_code_before_2022(small, smooth) -> None:
    world = hard(small, "recoded")
    listed = set(world.truth_products["hs_code"].to_pylist())
    to_new = concordance("HS2022").shares["HS2017"]
    reports = world.reports.to_pandas()
    before = set(reports.loc[reports["period"] < "2022-01", "hs_code"])
    since = set(reports.loc[reports["period"] >= "2022-01", "hs_code"])
    assert since <= listed
    moved = before - listed
    assert len(moved) >= 4
    for code in moved:
        assert set(to_new[code]) & (listed - before), code
    assert any(len(set(to_new[code]) & listed) == 2 for code in moved)  # two goods, one code before
    sums = [frame.groupby(KEYS)["value_usd"].sum() for frame in (reports, smooth.reports.to_pandas())]
    assert pd.concat(sums, axis=1).corr().iloc[0, 1] > 0.99


def test_recoding_needs_a_world_in_which_codes_change() -> None:
    with pytest.raises(OptionError, match="2022-01"):
        WorldOptions(start="2016-01", recoded_share=0.3)


def test_a_currency_moves_prices_and_no_weights(small, smooth) -> None:
    """Four areas' goods: dollars per kilogram fall by exp(-0.35), kilograms stay."""
    world = hard(small, "currency")
    frames = [one.truth_flows.to_pandas() for one in (world, smooth)]
    direct = [
        frame[(frame["leg"] == "direct") & (frame["period"] >= world.event)]
        .groupby("exporter")[["value_usd", "net_weight_kg"]]
        .sum()
        for frame in frames
    ]
    ratio = direct[0] / direct[1]
    fallen = ratio["value_usd"] < 0.9
    assert fallen.sum() == 4
    np.testing.assert_allclose(ratio.loc[fallen, "value_usd"], np.exp(-0.35), rtol=0.02)
    np.testing.assert_allclose(ratio.loc[fallen, "net_weight_kg"], 1.0, rtol=0.02)


def test_friends_switch_in_on_the_direct_road(small, smooth, roles) -> None:
    world = hard(small, "switching")
    sold = []
    for one in (world, smooth):
        flows = one.truth_flows.to_pandas()
        flows = flows[(flows["leg"] == "direct") & (flows["period"] >= one.event)]
        is_theirs = flows["exporter"].map(roles).eq("friendly_origin")
        sold.append(flows[is_theirs & flows["importer"].map(roles).eq("destination")]["value_usd"].sum())
    assert sold[0] > 1.1 * sold[1]


def test_a_chain_goes_over_a_second_hub_and_nothing_is_lost_on_the_way(small) -> None:
    world = hard(small, "chain")
    truth, flows = world.truth_detours.to_pandas(), world.truth_flows.to_pandas()
    chained = truth[truth["second_hub"].notna()]
    assert set(chained["kind"]) <= {"declared", "relay"}
    assert chained["hub"].nunique() == chained["second_hub"].nunique() == 1
    assert (chained["second_hub"] != chained["hub"]).all()
    between = flows[flows["leg"] == "detour_between"]
    assert set(between["exporter"]) == set(chained["hub"])
    assert set(between["importer"]) == set(chained["second_hub"])
    arrived = chained[chained["arrives_in_world"]]
    assert between["net_weight_kg"].sum() >= arrived["net_weight_kg"].sum() * (1 - 1e-9)
    reports = world.reports.to_pandas()
    onward = reports[(reports["flow"] == "re_export") & reports["reporter"].isin(set(between["exporter"]))]
    assert set(between["importer"]) <= set(onward["partner"])


def test_a_late_hub_and_two_destinations(small) -> None:
    areas = hard(small, "late-hub").truth_areas.to_pandas()
    assert (areas[areas["role"] == "hub"]["publishes"] == "late").sum() >= 1
    areas = hard(small, "two-destinations").truth_areas.to_pandas()
    assert (areas["role"] == "destination").sum() == 2


def test_booms_in_exactly_the_listed_goods(small, smooth) -> None:
    world = hard(small, "listed-boom")
    listed = {row["hs_code"] for row in world.truth_products.to_pylist() if row["is_listed"]}
    growth = []
    for one in (world, smooth):
        flows = one.truth_flows.to_pandas()
        areas = one.truth_areas.to_pandas()
        booming = set(areas[areas["role"] == "booming_hub"]["area"])
        into = flows[(flows["leg"] == "direct") & flows["importer"].isin(booming)]
        other = into[~into["hs_code"].isin(listed)]
        year = other["period"].str[:4]
        early, late = (other[year == which]["value_usd"].sum() for which in ("2020", "2022"))
        growth.append(late / early)
    assert growth[0] < growth[1]


def test_hard_worlds_are_written_as_comtrade_files(small, tmp_path) -> None:
    every = {key: value for options in HARDSHIPS.values() for key, value in options.items()}
    world = build_world(replace(small, **every))
    files = write_comtrade(world, tmp_path)
    written = pd.concat([pd.read_csv(f, dtype=str, encoding="latin-1", index_col=False) for f in files])
    leaves = written[(written["cmdCode"] != "TOTAL") & (written["partnerCode"] != "0")]
    assert leaves["primaryValue"].astype(float).sum() == pytest.approx(
        world.reports.to_pandas()["value_usd"].sum(), rel=1e-9
    )
    assert "999999" in set(leaves["cmdCode"])
