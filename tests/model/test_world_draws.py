"""One seed makes one world; codes carry no information; options are checked and matter."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from entrepot.errors import OptionError
from entrepot.model.world import World, WorldOptions, build_world
from entrepot.model.world.cast import AreaRole, draw_cast
from entrepot.model.world.goods import draw_goods
from entrepot.model.world.seeds import Seeds

TABLES = [field.name for field in fields(World) if field.name not in {"options", "event"}]


def roles_of(world: World, role: str) -> set[str]:
    areas = world.truth_areas
    return set(areas.filter(pc.equal(areas["role"], role))["area"].to_pylist())


@pytest.mark.parametrize("setting", ["smooth", "rough"])
def test_equal_options_make_equal_worlds(small, setting, request) -> None:
    first = request.getfixturevalue(setting)
    again = build_world(replace(small, setting=setting))
    for name in TABLES:
        assert getattr(again, name).equals(getattr(first, name)), name


def test_another_seed_makes_another_world(small, smooth) -> None:
    other = build_world(replace(small, seed=small.seed + 1))
    for name in TABLES:
        assert not getattr(other, name).equals(getattr(smooth, name)), name


def test_a_part_draws_from_its_own_stream(small, smooth) -> None:
    """Who is late, or what a hub hides, moves nothing physical."""
    other = build_world(replace(small, late_reporters=6, unseen_share=0.2, onward_observed_share=0.5))
    assert other.truth_flows.equals(smooth.truth_flows)
    assert other.truth_products.equals(smooth.truth_products)
    assert not other.reports.equals(smooth.reports)
    assert Seeds(1).part("a").random() == Seeds(1).part("a").random() != Seeds(1).part("b").random()


def test_codes_say_nothing_about_roles() -> None:
    """Over many seeds every code is as often a hub as chance has it, and size says nothing either."""
    options = WorldOptions()
    hubs: dict[str, int] = {}
    seen: dict[str, int] = {}
    places, alphabet = set(), []
    for seed in range(150):
        cast = draw_cast(options, Seeds(seed))
        order = np.argsort(np.argsort(cast.codes)) / (options.areas - 1)
        is_hub = np.isin(np.arange(options.areas), cast.having(AreaRole.HUB))
        alphabet.append(order[is_hub].mean() - 0.5)
        places |= {cast.codes[i] for i in cast.having(AreaRole.DESTINATION)}
        for code, hub in zip(cast.codes, is_hub, strict=True):
            seen[code], hubs[code] = seen.get(code, 0) + 1, hubs.get(code, 0) + int(hub)
    assert len(seen) > 140  # the whole pool is dealt
    assert len(places) > 80  # 150 draws out of 156 give 96 different ones on average
    assert abs(np.mean(alphabet)) < 4 * 0.29 / np.sqrt(5 * 150)
    share = options.hubs / options.areas
    z = [(hubs[c] - seen[c] * share) / np.sqrt(seen[c] * share * (1 - share)) for c in seen if seen[c] > 20]
    assert 0.7 < np.std(z) < 1.3


def test_product_codes_say_nothing_about_the_list() -> None:
    chapters = []
    for seed in range(40):
        options, seeds = WorldOptions(), Seeds(seed)
        goods = draw_goods(options, draw_cast(options, seeds), seeds)
        rank = np.argsort(np.argsort(goods.codes)) / (len(goods.codes) - 1)
        chapters.append(rank[goods.is_listed].mean() - 0.5)
        assert goods.is_listed.sum() == 42
        assert len(set(goods.codes)) == 120
    assert abs(np.mean(chapters)) < 4 * 0.29 / np.sqrt(42 * 40)


def test_rows_are_sorted_by_what_is_published(smooth) -> None:
    order = [("reporter", "ascending"), ("period", "ascending")]
    keys = smooth.reports.select(["reporter", "period"])
    assert keys.equals(keys.sort_by(order))
    assert smooth.truth_areas["area"].to_pylist() == sorted(smooth.truth_areas["area"].to_pylist())


def test_reports_have_unique_keys(reports) -> None:
    assert not reports.duplicated(["reporter", "partner", "flow", "period", "hs_code"]).any()


def test_a_quiet_world_is_the_same_world_without_the_event(smooth, quiet) -> None:
    assert quiet.truth_detours.num_rows == 0
    assert quiet.truth_loops.num_rows > 0
    assert pc.all(quiet.truth_loops["is_chronic"]).as_py()
    assert roles_of(quiet, "hub") == roles_of(smooth, "hub")
    assert not pc.any(pc.equal(quiet.truth_areas["publishes"], "until_event")).as_py()

    def ordinary(world: World) -> pa.Table:
        return world.truth_flows.filter(pc.equal(world.truth_flows["leg"], "direct"))

    with_event, without = ordinary(smooth), ordinary(quiet)
    early = pc.less(with_event["period"], smooth.event)
    assert without.filter(early).equals(with_event.filter(early))
    assert without["expected_usd"].equals(with_event["expected_usd"])
    assert not without.equals(with_event)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, {"declared", "unseen", "relay"}),
        ({"relay": False}, {"declared", "unseen"}),
        ({"unseen_share": 0.0}, {"declared", "relay"}),
        ({"listed_share": 0.0}, set()),
    ],
)
def test_options_choose_the_kinds_of_detours(small, change, kinds) -> None:
    world = build_world(replace(small, **change))
    assert set(world.truth_detours["kind"].to_pylist()) == kinds


def test_without_loops_only_chronic_round_trips_are_left(small, smooth) -> None:
    without = build_world(replace(small, loops=False))
    assert pc.all(without.truth_loops["is_chronic"]).as_py()
    assert not pc.all(smooth.truth_loops["is_chronic"]).as_py()


def test_two_destinations_are_both_served(small) -> None:
    world = build_world(replace(small, destinations=2))
    assert set(world.truth_detours["destination"].to_pylist()) == roles_of(world, "destination")
    assert len(roles_of(world, "destination")) == 2


def test_size_and_calendar_follow_the_options() -> None:
    options = WorldOptions(areas=30, products=20, months=30, start="2019-06", event_month=12, density=0.3)
    world = build_world(options)
    assert (world.truth_areas.num_rows, world.truth_products.num_rows) == (30, 20)
    assert options.periods[0] == "2019-06"
    assert (options.periods[-1], world.event) == ("2021-11", "2020-06")
    assert set(world.reports["period"].to_pylist()) == set(options.periods)
    assert set(world.reports["hs_revision"].to_pylist()) == {"HS2017"}
    sparse = build_world(replace(options, density=0.1))
    assert sparse.reports.num_rows < 0.5 * world.reports.num_rows


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"setting": "bumpy"}, "setting"),
        ({"start": "2020-13"}, "start"),
        ({"areas": 12}, "areas"),
        ({"areas": 500}, "areas"),
        ({"event_month": 35}, "event_month"),
        ({"seed": -1}, "seed"),
        ({"unseen_share": 1.5}, "unseen_share"),
        ({"destinations": 3}, "destinations"),
        ({"density": 0.0}, "density"),
        ({"threshold_usd": -1.0}, "threshold_usd"),
        ({"loop_markups": (0.3, 0.1)}, "loop_markups"),
        ({"loop_markups": (-1.0, 0.1)}, "loop_markups"),
    ],
)
def test_impossible_options_are_refused(change, place) -> None:
    with pytest.raises(OptionError) as caught:
        WorldOptions(**change)
    assert caught.value.where == f"WorldOptions.{place}"
    assert caught.value.hint
