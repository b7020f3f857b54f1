"""Worlds that are hard as real data are: what each hardship may cost, and where it must cost nothing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from entrepot import Corridor, explain_detour
from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import period_text
from entrepot.model.world import (
    HARDSHIPS,
    OWN,
    WorldOptions,
    build_world,
    detour_truth,
    score_detours,
    write_comtrade,
)
from entrepot.pipeline import ingest
from entrepot.pipeline.choices import ALL_REPORTS, ReportChoice
from entrepot.pipeline.detours import find_detours
from entrepot.report import explanation_text
from entrepot.report.account import account_of
from entrepot.report.labels import hub_words
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from pathlib import Path

SEED = 12


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory):
    """Return a search of the same world with a hardship, its score and what it said."""

    found: dict[str, tuple[Path, DetourOptions]] = {}

    @cache
    def of(name: str, choice: ReportChoice = ALL_REPORTS):
        world = build_world(WorldOptions(areas=32, products=50, seed=SEED, **HARDSHIPS.get(name, {})))
        folder = tmp_path_factory.mktemp(name)
        files = write_comtrade(world, folder / "reports")
        report = ingest(open_source("comtrade"), [str(file) for file in files], lake=folder / "lake")
        assert report.failed == ()
        areas = world.truth_areas.to_pylist()
        options = DetourOptions(
            event=world.event,
            origins=tuple(row["area"] for row in areas if row["role"] == "treated_origin"),
            destinations=tuple(row["area"] for row in areas if row["role"] == "destination"),
            spikes=16,
        )
        said: list[str] = []
        result = find_detours(Lake.open(folder / "lake"), options, choice=choice, tell=said.append)
        truth = detour_truth(world, [period_text(p, is_monthly=True) for p in result.windows.after])
        found[name] = folder / "lake", options
        return result, score_detours(result.table, truth, kinds=OWN), said

    of.lakes = found
    return of


@pytest.mark.parametrize("name", ["none", "currency", "late-hub", "listed-boom", "switching", "chain"])
def test_what_the_data_still_tell_is_found(searched, name: str) -> None:
    result, score, _ = searched(name)
    assert score.hub_error < 0.25
    assert 0.8 < result.headline.estimate_usd / score.true_usd < 1.2


def test_an_explanation_follows_a_chain_over_its_second_hub(searched) -> None:
    """Both books and the reports of every leg, the one between the hubs too."""
    result, _, _ = searched("chain")
    lake, options = searched.lakes["chain"]
    row = next(row for row in result.table.to_pylist() if row["further_hubs"] and row["estimate_usd"])
    corridor = Corridor(row["origin"], row["hub"], row["destination"], row["hs_code"])
    found = explain_detour(Lake.open(lake), options, corridor)
    between = f"{row['hub']} → {row['further_hubs'].split(',')[0]}"
    assert between in found.legs
    assert between in found.books["leg"].to_pylist()
    assert between in found.reports["leg"].to_pylist()
    text = explanation_text(found)
    assert f"**By way of {hub_words(row)}.**" in text
    assert f"| {between} | after |" in text


def test_codes_that_change_are_no_detour_and_hide_none(searched) -> None:
    result, score, said = searched("recoded")
    assert score.hub_error < 0.25
    assert 0.8 < result.headline.estimate_usd / score.true_usd < 1.2
    assert any("--hs-revision published" in note for note in said)
    apart, wrong, _ = searched("recoded", ReportChoice(are_codes_linked=False))
    assert wrong.hub_error > 2 * score.hub_error, "the hardship is none without linked codes"
    assert {"HS2017", "HS2022"} & {word.strip(",") for note in said for word in note.split()}
    assert apart.table.num_rows


def test_confidential_goods_cost_a_part_of_the_total(searched) -> None:
    """What is hidden of a hub's sales to a silent destination nobody shows."""
    result, score, _ = searched("confidential")
    assert score.hub_error < 0.3
    assert 0.65 < result.headline.estimate_usd / score.true_usd < 1.25


def test_a_hub_lost_among_its_own_purchases_is_told_or_named_with_a_limit(searched) -> None:
    """Fifty times as much for itself: its amount is in the interval, or what it declared under a limit."""
    result, _, _ = searched("large-hub")
    options = WorldOptions(areas=32, products=50, seed=SEED, **HARDSHIPS["large-hub"])
    world = build_world(options)
    windows = [period_text(p, is_monthly=True) for p in result.windows.after]
    truth = detour_truth(world, windows).to_pylist()
    bought = {
        hub: sum(row["value_usd"] for row in world.truth_flows.to_pylist() if row["importer"] == hub)
        for hub in {row["hub"] for row in truth}
    }
    large = max(bought, key=bought.__getitem__)
    assert bought[large] > 5 * sorted(bought.values())[-2], "the hardship is none"
    mine = [row for row in truth if row["hub"] == large and row["kind"] != "relay"]
    told = {row["hub"]: row for row in result.hubs.to_pylist() if row["estimate_usd"] is not None}
    untold = {row["hub"]: row["high_usd"] for row in result.untold.to_pylist()}
    if large in told:
        assert told[large]["low_usd"] <= sum(row["usd"] for row in mine) <= told[large]["high_usd"]
    else:
        assert untold[large] > sum(row["usd"] for row in mine if row["kind"] == "declared") > 0
        assert account_of(result).untold.startswith("Cannot be told:")


def test_two_destinations_are_told_apart(searched) -> None:
    result, score, _ = searched("two-destinations")
    assert score.hub_error < 0.25
    assert len(set(result.hubs["destination"].to_pylist())) == 2
