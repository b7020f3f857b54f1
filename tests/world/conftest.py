"""Worlds whose detours are known, carried from reports to findings without files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from entrepot.detect.detours import detours
from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import period_text
from entrepot.engine import Engine
from entrepot.model.world import OWN, World, WorldOptions, build_world, detour_truth, score_detours
from entrepot.reconcile import cif_fob_ratios, pair_books, reconcile_books
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from entrepot.detect.result import DetourResult
    from entrepot.model.world.scoring import DetourScore

#: Smaller than the benchmark's worlds (44 areas, 120 products), whose figures are in the documentation.
SIZE = {"areas": 36, "products": 80}
SPIKES = 40


@dataclass(frozen=True, slots=True)
class Known:
    """A world, the flows reconciled from its reports, and what an analyst would know of it."""

    world: World
    flows: pa.Table
    roles: dict[str, str]
    publishes: dict[str, str]

    def with_role(self, role: str) -> tuple[str, ...]:
        return tuple(area for area, own in self.roles.items() if own == role)

    @property
    def origins(self) -> tuple[str, ...]:
        return self.with_role("treated_origin")

    @property
    def destinations(self) -> tuple[str, ...]:
        return self.with_role("destination")

    @property
    def listed(self) -> tuple[str, ...]:
        goods = self.world.truth_products
        return tuple(goods.filter(goods["is_listed"])["hs_code"].to_pylist())


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, beside the truth."""

    known: Known
    result: DetourResult
    truth: pa.Table
    score: DetourScore

    @property
    def whole(self) -> DetourScore:
        """Return the score of all that the origins sent, unseen goods included."""
        return score_detours(self.result.table, self.truth, kinds=OWN)

    @property
    def relay(self) -> DetourScore:
        return score_detours(self.result.table, self.truth, kinds=[DetourKind.RELAY])

    @property
    def treated(self) -> set[str]:
        treated = self.result.treated
        return set(treated.filter(treated["is_treated"])["origin"].to_pylist())

    @property
    def rows(self) -> pd.DataFrame:
        return self.result.table.to_pandas()

    @property
    def true_by_hub(self) -> dict[str, float]:
        own = pa.array([kind.value for kind in OWN], pa.string())
        by_hub = (
            self.truth.filter(pc.is_in(self.truth["kind"], value_set=own))
            .group_by("hub")
            .aggregate([("usd", "sum")])
        )
        return dict(zip(by_hub["hub"].to_pylist(), by_hub["usd_sum"].to_pylist(), strict=True))

    @property
    def found_by_hub(self) -> dict[str, float]:
        hubs = self.result.hubs
        amounts = [usd or 0.0 for usd in hubs["estimate_usd"].to_pylist()]  # none where it is withheld
        return dict(zip(hubs["hub"].to_pylist(), amounts, strict=True))


def _leaves(world: World) -> pa.Table:
    """Return monthly reports as rows of ``core__flow``."""
    reports = world.reports.filter(pc.equal(pc.utf8_length(world.reports["period"]), 7)).to_pandas()
    is_import = reports["flow"].isin(["import", "re_import"])
    return pa.Table.from_pandas(
        reports.assign(
            frequency="M",
            role="leaf",
            partner_concept=np.where(is_import, "origin", "last_known_destination"),
            primary_value_usd=reports["value_usd"],
        ),
        preserve_index=False,
    )


def _reconciled(leaves: pa.Table) -> pa.Table:
    """Reconcile goods and totals each by themselves, as the pipeline does."""

    def lazy(frame: Any) -> nw.LazyFrame[Any]:
        return nw.from_native(frame).lazy()

    parts = []
    is_total = pc.equal(leaves["hs_code"], "TOTAL")
    for rows in (leaves.filter(pc.invert(is_total)), leaves.filter(is_total)):
        if not rows.num_rows:
            continue
        with Engine(memory_limit="2GB") as engine:
            paired = engine.keep(lazy(pair_books(engine.arrow_frame(rows).to_native())), "paired")
            ratios = engine.keep(lazy(cif_fob_ratios(paired.to_native())), "ratios")
            flows = lazy(reconcile_books(paired.to_native(), ratios.to_native()))
            parts.append(flows.collect(backend="pyarrow").to_native())
    return pa.concat_tables(parts)


def solve(known: Known, *, listed: bool = True, **asked: Any) -> Answer:
    """Ask about a world; origins and destination are given unless they are named here."""
    question = {"origins": known.origins, "destinations": known.destinations, "spikes": SPIKES, **asked}
    if listed:
        question["products"] = known.listed
    options = DetourOptions(event=known.world.event, **question)
    with Engine(memory_limit="2GB") as engine:
        result = detours(engine.arrow_frame(known.flows), options, engine=engine)
    truth = detour_truth(known.world, [period_text(p, is_monthly=True) for p in result.windows.after])
    return Answer(known, result, truth, score_detours(result.table, truth))


@cache
def _built(options: WorldOptions) -> Known:
    world = build_world(options)
    areas = world.truth_areas
    roles, publishes = (
        dict(zip(areas["area"].to_pylist(), areas[name].to_pylist(), strict=True))
        for name in ("role", "publishes")
    )
    known = Known(world, _reconciled(_leaves(world)), roles, publishes)
    slim = replace(world, truth_flows=world.truth_flows.slice(0, 0))
    return replace(known, world=slim)


@pytest.fixture(scope="session")
def make_known() -> Callable[..., Known]:
    """Return a maker of worlds; one that was made before is there at once."""

    def make(setting: str, seed: int, **options: Any) -> Known:
        return _built(WorldOptions(**{**SIZE, "setting": setting, "seed": seed, **options}))

    yield make
    _built.cache_clear()


@pytest.fixture(scope="session")
def ask() -> Callable[..., Answer]:
    """Return :func:`solve`."""
    return solve


@pytest.fixture(scope="session")
def reread() -> Callable[..., Known]:
    """Return a function that publishes a world's reports anew, changed by a function of theirs."""

    def change(
        known: Known, edit: Callable[[pd.DataFrame], pd.DataFrame], *, silences_hubs: bool = False
    ) -> Known:
        leaves = edit(_leaves(known.world).to_pandas())
        flows = _reconciled(pa.Table.from_pandas(leaves, preserve_index=False))
        if not silences_hubs:
            return replace(known, flows=flows)
        # Where no hub's books are left, all that was sent there to go on is what files can show.
        areas = known.world.truth_areas
        never = pa.array(["never"] * areas.num_rows)
        areas = areas.set_column(areas.column_names.index("publishes"), "publishes", never)
        return replace(known, flows=flows, world=replace(known.world, truth_areas=areas))

    return change
