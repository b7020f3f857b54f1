"""What is true in a world adds up: goods are conserved, the event does what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from entrepot.model.world import World, build_world

if TYPE_CHECKING:
    import pandas as pd

PLACES = ["origin", "hub", "hs_code", "period"]


@pytest.fixture(params=["smooth", "rough"])
def world(request) -> World:
    return request.getfixturevalue(request.param)


def leg(world: World, name: str) -> pd.DataFrame:
    flows = world.truth_flows.to_pandas()
    return flows[flows["leg"] == name]


def later(period: pd.Series, months: pd.Series) -> pd.Series:
    number = period.str[:4].astype(int) * 12 + period.str[5:].astype(int) - 1 + months
    return (number // 12).astype(str) + "-" + (number % 12 + 1).astype(str).str.zfill(2)


def test_what_leaves_the_origin_is_declared_unseen_or_relayed(world) -> None:
    detours = world.truth_detours.to_pandas()
    by_kind = detours.groupby(PLACES)[["amount_usd", "net_weight_kg"]].sum()
    physical = leg(world, "detour_in").rename(columns={"exporter": "origin", "importer": "hub"})
    left = physical.groupby(PLACES)[["value_usd", "net_weight_kg"]].sum()
    assert by_kind.index.equals(left.index)
    np.testing.assert_allclose(by_kind.to_numpy(), left.to_numpy(), rtol=1e-9)


def test_what_arrived_goes_on_later_and_dearer(world) -> None:
    """By hub, product and month of departure from the hub: weight in = weight on, value by the mark-up."""
    detours = world.truth_detours.to_pandas()
    np.testing.assert_allclose(
        detours["onward_usd"], detours["amount_usd"] * (1 + detours["markup"]), rtol=1e-12
    )
    assert detours["lag_months"].between(0, 3).all()
    assert detours["markup"].between(0.05, 0.30).all()
    detours["period"] = later(detours["period"], detours["lag_months"])
    np.testing.assert_array_equal(detours["arrives_in_world"], detours["period"] <= world.options.periods[-1])
    keys = ["hub", "destination", "hs_code", "period"]
    due = detours[detours["arrives_in_world"]].groupby(keys)[["onward_usd", "net_weight_kg"]].sum()
    physical = leg(world, "detour_on").rename(columns={"exporter": "hub", "importer": "destination"})
    went = physical.groupby(keys)[["value_usd", "net_weight_kg"]].sum()
    assert due.index.equals(went.index)
    np.testing.assert_allclose(due.to_numpy(), went.to_numpy(), rtol=1e-9)


def test_detours_link_the_roles_they_should(world) -> None:
    roles = world.truth_areas.to_pandas().set_index("area")["role"]
    listed = world.truth_products.to_pandas().set_index("hs_code")["is_listed"]
    detours = world.truth_detours.to_pandas()
    assert (detours["hub"].map(roles) == "hub").all()
    assert (detours["destination"].map(roles) == "destination").all()
    relayed = detours["kind"] == "relay"
    assert (detours.loc[~relayed, "origin"].map(roles) == "treated_origin").all()
    assert (detours.loc[relayed, "origin"].map(roles) == "friendly_origin").all()
    assert detours["hs_code"].map(listed).all()
    assert (detours["period"] >= world.event).all()


def test_unseen_shares_belong_to_hubs(smooth) -> None:
    detours = smooth.truth_detours.to_pandas()
    by_kind = detours.pivot_table(
        index="hub", columns="kind", values="amount_usd", aggfunc="sum", fill_value=0.0
    )
    share = by_kind["unseen"] / (by_kind["unseen"] + by_kind["declared"])
    stated = smooth.truth_areas.to_pandas().set_index("area")["unseen_share"]
    assert (share - stated[share.index]).abs().max() < 0.06
    assert share.max() <= smooth.options.unseen_share


def test_direct_exports_of_listed_goods_fall_by_60_to_95_per_cent(smooth) -> None:
    detours = smooth.truth_detours.to_pandas()
    roles = smooth.truth_areas.to_pandas().set_index("area")["role"]
    listed = smooth.truth_products.to_pandas().set_index("hs_code")["is_listed"]
    direct = leg(smooth, "direct")
    settled = smooth.options.periods[smooth.options.event_month + 3]
    to_it = direct[(direct["importer"].map(roles) == "destination") & (direct["period"] >= settled)]
    treated = to_it["exporter"].map(roles) == "treated_origin"
    cut = to_it[treated & to_it["hs_code"].map(listed)].groupby(["exporter", "hs_code"])[
        ["value_usd", "expected_usd"]
    ]
    kept = cut.sum()["value_usd"] / cut.sum()["expected_usd"]
    assert len(kept) > 10
    assert kept.between(0.05 * 0.85, 0.40 * 1.15).all()
    spared = to_it[treated & ~to_it["hs_code"].map(listed)]
    assert spared["value_usd"].sum() / spared["expected_usd"].sum() == pytest.approx(1.0, abs=0.05)
    friends = to_it[~treated & to_it["hs_code"].map(listed)]
    assert friends["value_usd"].sum() > 1.01 * friends["expected_usd"].sum()
    lost = (to_it["expected_usd"] - to_it["value_usd"])[treated & to_it["hs_code"].map(listed)].sum()
    own = detours[(detours["kind"] != "relay") & (detours["period"] >= settled)]["amount_usd"].sum()
    assert 0.1 < own / lost < 0.7


def test_ordinary_trade_averages_its_expectation(world) -> None:
    roles = world.truth_areas.to_pandas().set_index("area")["role"]
    direct = leg(world, "direct")
    plain = direct[direct["importer"].map(roles) == "other"]
    drawn, mean = plain["value_usd"], plain["expected_usd"]
    if world.options.setting == "smooth":
        untreated = plain["exporter"].map(roles) == "other"
        noise = np.log(drawn[untreated] / mean[untreated])
        assert noise.std() == pytest.approx(0.12, abs=0.01)
    else:
        assert (drawn == 0).mean() > 0.3


def test_round_trips_keep_their_weight_and_come_back_dearer(world) -> None:
    loops = world.truth_loops.to_pandas()
    unit_back, unit_out = loops["back_usd"] / loops["back_kg"], loops["out_usd"] / loops["out_kg"]
    np.testing.assert_allclose(unit_back / unit_out - 1, loops["markup"], rtol=1e-6)
    assert (loops["back_kg"] / loops["out_kg"]).between(0.97, 1.0).all()
    assert loops["markup"].between(0.10, 0.35).all()
    assert loops["lag_months"].between(1, 4).all()
    new = loops[~loops["is_chronic"]]
    assert (new["period"] >= world.event).all()
    assert (loops[loops["is_chronic"]]["period"] < world.event).any()
    back = loops[loops["arrives_in_world"]]["back_usd"].sum()
    assert leg(world, "loop_back")["value_usd"].sum() == pytest.approx(back)
    assert leg(world, "loop_out")["value_usd"].sum() == pytest.approx(loops["out_usd"].sum())


def test_booming_hubs_boom_without_detours(smooth) -> None:
    roles = smooth.truth_areas.to_pandas().set_index("area")["role"]
    direct = leg(smooth, "direct")
    late = smooth.options.periods[smooth.options.event_month + 10]
    early = smooth.options.periods[smooth.options.event_month - 6]

    def growth(role: str) -> float:
        to = direct[direct["importer"].map(roles) == role]
        after, before = to[to["period"] >= late], to[to["period"] < early]
        return (after["expected_usd"].sum() / after["period"].nunique()) / (
            before["expected_usd"].sum() / before["period"].nunique()
        )

    assert growth("booming_hub") > 1.25 * growth("other")
    assert not smooth.truth_detours.to_pandas()["hub"].map(roles).eq("booming_hub").any()


def test_rough_detours_keep_their_size_on_average(small) -> None:
    """Shipments are lumpy, but unbiased: over seeds a rough world detours what its event implies."""
    ratios = []
    for seed in range(6):
        world = build_world(replace(small, setting="rough", seed=seed, relay=False))
        roles = world.truth_areas.to_pandas().set_index("area")["role"]
        direct = leg(world, "direct")
        chosen = direct[
            (direct["exporter"].map(roles) == "treated_origin")
            & (direct["importer"].map(roles) == "destination")
        ]
        listed = world.truth_products.to_pandas().set_index("hs_code")["is_listed"]
        chosen = chosen[chosen["hs_code"].map(listed) & (chosen["period"] >= world.event)]
        ratios.append(world.truth_detours.to_pandas()["amount_usd"].sum() / chosen["expected_usd"].sum())
    assert 0.05 < np.median(ratios) < 0.7
