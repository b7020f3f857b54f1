"""The areas: who plays which part, how large, how far apart, and how well each keeps its books."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.labels import deal_areas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.options import WorldOptions
    from entrepot.model.world.seeds import Seeds

__all__ = ["AreaRole", "Cast", "draw_cast"]

_EARTH_RADIUS_KM = 6371.0


class AreaRole(StrEnum):
    """The part that an area plays in the event."""

    TREATED_ORIGIN = "treated_origin"
    DESTINATION = "destination"
    HUB = "hub"
    BOOMING_HUB = "booming_hub"
    FRIENDLY_ORIGIN = "friendly_origin"
    OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """The areas of a world; n areas, T months.

    Attributes
    ----------
    codes
        n area codes.
    roles
        n parts.
    ln_supply, ln_demand
        (n) log sizes as exporter and importer.
    distance_km
        (n, n) distances, the diagonal a nominal inner distance.
    cif_fob_ratio
        (n exporters, n importers) CIF value over FOB value.
    declared_ratio
        (n importers, n exporters) what the importer's book shows of an ordinary arrival; 1 except at hubs.
    unseen_share
        (n) share of detoured goods that the hub's books never show; 0 elsewhere.
    re_export_share
        (n) ordinary exports that are re-exports.
    quality
        (n) standard deviation of the reporting noise in logs.
    publishes
        (n, T) whether a month is published, by itself or in a year.
    silence
        n words: ``all``, ``until_event``, ``never``, ``late``, ``annual``.
    """

    codes: list[str]
    roles: list[AreaRole]
    ln_supply: NDArray[np.float64]
    ln_demand: NDArray[np.float64]
    distance_km: NDArray[np.float64]
    cif_fob_ratio: NDArray[np.float64]
    declared_ratio: NDArray[np.float64]
    unseen_share: NDArray[np.float64]
    re_export_share: NDArray[np.float64]
    quality: NDArray[np.float64]
    publishes: NDArray[np.bool_]
    silence: list[str]

    @property
    def is_annual(self) -> NDArray[np.bool_]:
        """(n) Whether an area publishes calendar years only."""
        return np.array([word == "annual" for word in self.silence])

    def having(self, *roles: AreaRole) -> NDArray[np.int64]:
        """Return the areas that play one of the parts."""
        return np.array([i for i, role in enumerate(self.roles) if role in roles], dtype=np.int64)


def draw_cast(options: WorldOptions, seeds: Seeds) -> Cast:
    """Draw the areas of a world."""
    n = options.areas
    rng = seeds.part("areas")
    size = rng.normal(0.0, 1.2, n)
    ln_supply, ln_demand = size + rng.normal(0.0, 0.4, n), size + rng.normal(0.0, 0.4, n)
    distance = _distances(rng, n)
    roles = _roles(options, seeds.part("roles"), ln_supply, ln_demand, distance)
    is_hub = np.array([role is AreaRole.HUB for role in roles])
    books = seeds.part("books of areas")
    freight = 0.02 + 0.11 * (distance / distance.max()) ** 0.7 + books.normal(0.0, 0.012, (n, n))
    declared = np.where(is_hub[:, None], books.uniform(0.3, 1.0, (n, n)), 1.0)
    unseen = np.where(is_hub, books.uniform(0.0, options.unseen_share, n), 0.0)
    re_exports = np.where(is_hub, books.uniform(0.1, 0.4, n), books.uniform(0.02, 0.1, n))
    re_exports[~is_hub & (books.random(n) < 0.7)] = 0.0
    silence, publishes = _silence(options, seeds.part("silence"), roles)
    return Cast(
        codes=deal_areas(n, seeds.part("area codes")),
        roles=roles,
        ln_supply=ln_supply,
        ln_demand=ln_demand,
        distance_km=distance,
        cif_fob_ratio=np.clip(1.0 + freight, 1.02, 1.15),
        declared_ratio=declared,
        unseen_share=unseen,
        re_export_share=re_exports,
        quality=_quality(options, seeds, books.uniform(0.01, 0.06, n)),
        publishes=publishes,
        silence=silence,
    )


def _quality(options: WorldOptions, seeds: Seeds, even: NDArray[np.float64]) -> NDArray[np.float64]:
    if options.reporting_sd is None:
        return even * (1.0 if options.setting == "smooth" else 3.0)
    low, high = np.log(options.reporting_sd)
    return np.exp(seeds.part("reporting quality").uniform(low, high, options.areas))


def _distances(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    point = rng.normal(size=(n, 3))
    point /= np.linalg.norm(point, axis=1, keepdims=True)
    distance = _EARTH_RADIUS_KM * np.arccos(np.clip(point @ point.T, -1.0, 1.0))
    return np.maximum(distance, 150.0)


def _roles(
    options: WorldOptions,
    rng: np.random.Generator,
    ln_supply: NDArray[np.float64],
    ln_demand: NDArray[np.float64],
    distance: NDArray[np.float64],
) -> list[AreaRole]:
    """Cast by size and place: a large destination, sizeable origins, smaller hubs not far from it."""
    roles = [AreaRole.OTHER] * len(ln_supply)
    free = np.ones(len(ln_supply), dtype=bool)

    def cast(role: AreaRole, count: int, score: NDArray[np.float64], pool: int) -> NDArray[np.int64]:
        ranked = [i for i in np.argsort(-score) if free[i]][: max(pool, count)]
        chosen = np.asarray(rng.permutation(ranked)[:count], dtype=np.int64)
        free[chosen] = False
        for i in chosen:
            roles[i] = role
        return chosen

    n = len(roles)
    places = cast(AreaRole.DESTINATION, options.destinations, ln_demand, n // 5)
    cast(AreaRole.TREATED_ORIGIN, options.treated_origins, ln_supply, int(0.6 * n))
    cast(AreaRole.FRIENDLY_ORIGIN, options.friendly_origins, ln_supply, n // 4)
    remoteness = np.log(distance[places].min(axis=0))
    near_and_middling = -remoteness - 0.7 * np.abs(ln_demand + 0.3)
    hubs = options.hubs + options.booming_hubs
    chosen = cast(AreaRole.HUB, hubs, near_and_middling, min(2 * hubs, n - 4))
    for i in chosen[options.hubs :]:
        roles[i] = AreaRole.BOOMING_HUB
    return roles


def _silence(
    options: WorldOptions, rng: np.random.Generator, roles: list[AreaRole]
) -> tuple[list[str], NDArray[np.bool_]]:
    """Draw who does not publish what."""
    silence = ["all"] * len(roles)
    publishes = np.ones((len(roles), options.months), dtype=bool)
    hubs = [i for i, role in enumerate(roles) if role is AreaRole.HUB]
    for i in rng.permutation(hubs)[: round(len(hubs) * (1.0 - options.onward_observed_share))]:
        silence[i] = "never"
        publishes[i] = False
    if options.silent_destination and not options.quiet:
        for i, role in enumerate(roles):
            if role is AreaRole.DESTINATION:
                silence[i] = "until_event"
                publishes[i, options.event_month :] = False
    prompt = [i for i, word in enumerate(silence) if word == "all"]
    late = rng.permutation(prompt)[: options.late_reporters].tolist()
    late += [i for i in hubs if silence[i] == "all" and i not in late][: options.late_hubs]
    for i in late:
        silence[i] = "late"
        publishes[i, options.months - int(rng.integers(3, 7)) :] = False
    in_full = np.array([period[:4] in options.years for period in options.periods])
    for i in rng.permutation([i for i in prompt if silence[i] == "all"])[: options.annual_reporters]:
        silence[i] = "annual"
        publishes[i] = in_full
    return silence, publishes
