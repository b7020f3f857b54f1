"""Small worlds, built once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from entrepot.model.world import World, WorldOptions, build_world

if TYPE_CHECKING:
    import pandas as pd

SMALL = WorldOptions(
    areas=26,
    products=40,
    treated_origins=5,
    hubs=4,
    booming_hubs=2,
    friendly_origins=2,
    late_reporters=2,
    seed=3,
)


@pytest.fixture(scope="session")
def small() -> WorldOptions:
    return SMALL


@pytest.fixture(scope="session")
def smooth(small: WorldOptions) -> World:
    return build_world(small)


@pytest.fixture(scope="session")
def rough(small: WorldOptions) -> World:
    return build_world(replace(small, setting="rough"))


@pytest.fixture(scope="session")
def quiet(small: WorldOptions) -> World:
    return build_world(replace(small, quiet=True))


@pytest.fixture(scope="session")
def reports(smooth: World) -> pd.DataFrame:
    return smooth.reports.to_pandas()


@pytest.fixture(scope="session")
def roles(smooth: World) -> pd.Series:
    areas = smooth.truth_areas.to_pandas()
    return areas.set_index("area")["role"]
