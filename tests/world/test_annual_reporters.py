"""A world in which some areas, a hub among them, publish years only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import period_text
from entrepot.model.world import OWN, WorldOptions, build_world, detour_truth, score_detours, write_comtrade
from entrepot.pipeline import ingest
from entrepot.pipeline.choices import ReportChoice, YearsAsMonths
from entrepot.pipeline.detours import find_detours
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from pathlib import Path

#: Seed of a world in which hubs are among the annual reporters.
SEED = 12


@pytest.fixture(scope="module")
def world():
    return build_world(WorldOptions(areas=32, products=50, annual_reporters=10, seed=SEED))


@pytest.fixture(scope="module")
def lake(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("annual")
    files = write_comtrade(world, folder / "reports")
    report = ingest(open_source("comtrade"), [str(path) for path in files], lake=folder / "lake")
    assert report.failed == ()
    return folder / "lake"


def test_annual_reporters_are_used_and_tell_more_than_silence(world, lake: Path) -> None:
    areas = world.truth_areas.to_pylist()
    annual = {row["area"] for row in areas if row["publishes"] == "annual"}
    hubs = {row["area"] for row in areas if row["role"] == "hub"} & annual
    assert hubs, "the seed makes a hub an annual reporter"
    options = DetourOptions(
        event=world.event,
        origins=tuple(row["area"] for row in areas if row["role"] == "treated_origin"),
        destinations=tuple(row["area"] for row in areas if row["role"] == "destination"),
        spikes=8,
    )
    errors: dict[str, float] = {}
    for word in (YearsAsMonths.AUTO, YearsAsMonths.NEVER):
        result = find_detours(Lake.open(lake), options, choice=ReportChoice(years_as_months=word))
        truth = detour_truth(world, [period_text(p, is_monthly=True) for p in result.windows.after])
        errors[word] = score_detours(result.table, truth, kinds=OWN).absolute_error
        assert set(result.reporters_annual) == (annual if word is YearsAsMonths.AUTO else set())
        rows = [row for row in result.table.to_pylist() if row["hub"] in hubs and row["estimate_usd"]]
        kinds = {row["kind"] for row in rows if row["kind"] != "relay"}
        if word is YearsAsMonths.NEVER:
            assert kinds == {"onward_unobserved"}
        else:
            assert "onward_unobserved" not in kinds
    assert errors[YearsAsMonths.AUTO] < errors[YearsAsMonths.NEVER] - 0.05, errors
    assert errors[YearsAsMonths.AUTO] < 0.3, errors
