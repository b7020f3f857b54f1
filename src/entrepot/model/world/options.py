"""What a world can be asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from entrepot.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FEWEST_AFTER", "HARDSHIPS", "RECODED_FROM", "Setting", "WorldOptions"]

#: Months that a world has from its event on, at least.
FEWEST_AFTER = 4

#: Month from which the codes of HS2022 are in use.
RECODED_FROM = "2022-01"

#: How irregular trade is: ``smooth`` flows vary little and never vanish; ``rough`` ones are as lumpy as
#: the exports of EU member states by HS6.
Setting = Literal["smooth", "rough"]

#: What makes real data hard, by name, each as options of a world.
HARDSHIPS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "annual-reporters": {"annual_reporters": 10},
        "chain": {"hub_chains": 1},
        "confidential": {"confidential_share": 0.1},
        "currency": {"currency_shock": 0.35},
        "large-hub": {"large_hubs": 1},
        "late-hub": {"late_hubs": 2},
        "listed-boom": {"booms_in_listed": True},
        "recoded": {"recoded_share": 0.3},
        "switching": {"switching_share": 0.4},
        "two-destinations": {"destinations": 2},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """Size, shape and seed of a world.

    Attributes
    ----------
    areas, products, months
        Size of the world.
    start
        First month.
    event_month
        Month of the event, counted from 0 at ``start``.
    setting
        ``smooth`` or ``rough``.
    seed
        Everything is drawn from it.
    density
        Share of exporter × importer × product cells that may trade; by default 0.15 in a smooth world and
        0.70 in a rough one, where most of them trade once in a while only.
    listed_share
        Share of the products that the event's control list names.
    treated_origins
        Origins whose direct exports of listed products to the destination are cut.
    destinations
        Areas that the event is aimed at, 1 or 2.
    hubs
        Areas through which detours run.
    booming_hubs
        Innocent areas whose trade booms at about the time of the event.
    friendly_origins
        Origins whose direct trade does not fall, and that send more through the hubs where ``relay`` is set.
    unseen_share
        Largest share of a hub's detoured goods that the hub's own books never show.
    onward_observed_share
        Share of the hubs that publish; the others publish nothing at all.
    silent_destination
        Whether the destination stops publishing at the event.
    late_reporters
        Areas whose last three to six months are not out yet.
    large_hubs
        Hubs that buy fifty times as much as their size would have them, of everything: what they pass on is
        lost among their own purchases.
    late_hubs
        Hubs that are late in the same way.
    annual_reporters
        Areas that publish calendar years only; years that the world does not hold in full are left out.
    relay
        Whether friendly origins relay goods through hubs.
    loops
        Whether round trips (maker, via, maker) set in at the event.
    two_way_loops
        Whether half of the products of a round trip, at least, are ones that the via sold to the maker
        before; without it they are as they fall.
    chains
        Threes of areas maker, via, second via through which goods go round from the event on, beside the
        round trips.
    loop_markups
        Smallest and largest unit value back over unit value out, less 1, of new and old round trips.
    hub_chains
        Hubs that send all of their declared detoured goods on through a second area, which plays no other
        part.
    confidential_share
        Share of a reporter's products that it publishes under 999999 only: half of them always, half from the
        event on.
    recoded_share
        Share of the products whose code came with HS2022; months before 2022 have the codes of HS2017, of
        which two such products may share one. The world must hold January 2022.
    currency_shock
        By how much, in logs, the dollar prices of what four areas make fall at the event: of a treated
        origin, of a hub and of two others.
    booms_in_listed
        Whether all booms, those of the hubs too, are in exactly the listed goods.
    switching_share
        Share of what the direct road lost that friendly origins sell to the destination instead, as far as
        that trebles what they sold.
    quiet
        No event at all: no cut, no detour, no relay, no new round trip. Booms and ordinary noise stay.
    threshold_usd
        Typical monthly value under which a reporter publishes nothing; by default 500 in a smooth world and
        10 in a rough one.
    reporting_sd
        Smallest and largest standard deviation of a reporter's noise, in logs; reporters are drawn evenly
        on the log scale. By default 0.01 to 0.06 in a smooth world and 0.03 to 0.18 in a rough one, drawn
        evenly; the files of real reporters differ by far more.
    """

    areas: int = 44
    products: int = 120
    months: int = 36
    start: str = "2020-01"
    event_month: int = 22
    setting: Setting = "smooth"
    seed: int = 0
    density: float | None = None
    listed_share: float = 0.35
    treated_origins: int = 8
    destinations: int = 1
    hubs: int = 5
    booming_hubs: int = 4
    friendly_origins: int = 2
    unseen_share: float = 0.8
    onward_observed_share: float = 0.8
    silent_destination: bool = True
    late_reporters: int = 4
    large_hubs: int = 0
    late_hubs: int = 0
    annual_reporters: int = 0
    relay: bool = True
    loops: bool = True
    two_way_loops: bool = False
    chains: int = 0
    loop_markups: tuple[float, float] = (0.10, 0.35)
    hub_chains: int = 0
    confidential_share: float = 0.0
    recoded_share: float = 0.0
    currency_shock: float = 0.0
    booms_in_listed: bool = False
    switching_share: float = 0.0
    quiet: bool = False
    threshold_usd: float | None = None
    reporting_sd: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse options that no world can have."""
        self._check_choice()
        self._check_ranges()
        cast = (
            self.destinations + self.treated_origins + self.hubs + self.booming_hubs + self.friendly_origins
        )
        if cast + 4 > self.areas:
            raise OptionError(
                f"{self.areas} areas cannot hold {cast} areas with a part to play and 4 without one",
                where="WorldOptions.areas",
                hint=f"ask for at least {cast + 4} areas, or for fewer origins and hubs",
            )

    def _check_choice(self) -> None:
        if self.setting not in get_args(Setting):
            raise OptionError(
                f"setting {self.setting!r} is unknown",
                where="WorldOptions.setting",
                hint=f"use one of: {', '.join(get_args(Setting))}",
            )
        if not re.fullmatch(r"(199|20\d)\d-(0[1-9]|1[0-2])", self.start):
            raise OptionError(
                f"start {self.start!r} is no month",
                where="WorldOptions.start",
                hint="write it as 2020-01",
            )

    def _check_ranges(self) -> None:
        ranges: tuple[tuple[str, float, float], ...] = (
            ("areas", 8, 150),
            ("products", 4, 4000),
            ("months", 12, 240),
            ("event_month", 6, self.months - FEWEST_AFTER),
            ("seed", 0, 2**63),
            ("listed_share", 0.0, 1.0),
            ("treated_origins", 1, self.areas),
            ("destinations", 1, 2),
            ("hubs", 1, self.areas),
            ("booming_hubs", 0, self.areas),
            ("friendly_origins", 1, self.areas),
            ("unseen_share", 0.0, 0.95),
            ("onward_observed_share", 0.0, 1.0),
            ("late_reporters", 0, self.areas),
            ("large_hubs", 0, self.hubs),
            ("late_hubs", 0, self.hubs),
            ("hub_chains", 0, self.hubs),
            ("confidential_share", 0.0, 1.0),
            ("recoded_share", 0.0, 1.0),
            ("currency_shock", 0.0, 2.0),
            ("switching_share", 0.0, 1.0),
            ("annual_reporters", 0, self.areas),
            ("chains", 0, self.areas),
        )
        for name, low, high in ranges:
            value = getattr(self, name)
            if not low <= value <= high:
                raise OptionError(
                    f"{name} is {value}, outside {low} to {high}",
                    where=f"WorldOptions.{name}",
                    hint=f"choose {name} between {low} and {high}",
                )
        if self.recoded_share > 0.0 and RECODED_FROM not in self.periods[1:]:
            raise OptionError(
                f"codes change in {RECODED_FROM}, and the world is {self.periods[0]} to {self.periods[-1]}",
                where="WorldOptions.recoded_share",
                hint=f"choose start and months so that {RECODED_FROM} and months before it are held",
            )
        if self.threshold_usd is not None and not 0.0 <= self.threshold_usd <= 1e6:
            raise OptionError(
                f"threshold_usd is {self.threshold_usd}, outside 0 to 1000000",
                where="WorldOptions.threshold_usd",
                hint="choose an amount in USD, or leave it out",
            )
        if self.density is not None and not 0.0 < self.density <= 1.0:
            raise OptionError(
                f"density is {self.density}, outside 0 to 1",
                where="WorldOptions.density",
                hint="choose a share over 0 and up to 1, or leave it out",
            )
        if not -0.9 <= self.loop_markups[0] <= self.loop_markups[1] <= 10.0:
            raise OptionError(
                f"loop_markups is {self.loop_markups}, not two numbers from -0.9 to 10 in their order",
                where="WorldOptions.loop_markups",
                hint="choose a smallest and a largest, such as (0.1, 0.35)",
            )
        if self.reporting_sd is not None and not 0.0 < self.reporting_sd[0] <= self.reporting_sd[1] <= 2.0:
            raise OptionError(
                f"reporting_sd is {self.reporting_sd}, not two numbers over 0 and up to 2 in their order",
                where="WorldOptions.reporting_sd",
                hint="choose a smallest and a largest, such as (0.02, 0.5), or leave it out",
            )

    @property
    def least_usd(self) -> float:
        """Monthly value under which a reporter publishes nothing, typically."""
        return (
            self.threshold_usd
            if self.threshold_usd is not None
            else {"smooth": 500.0, "rough": 10.0}[self.setting]
        )

    @property
    def periods(self) -> tuple[str, ...]:
        """Months of the world, as ``2020-01``."""
        first = int(self.start[:4]) * 12 + int(self.start[5:]) - 1
        return tuple(f"{m // 12}-{m % 12 + 1:02d}" for m in range(first, first + self.months))

    @property
    def is_recoded(self) -> tuple[bool, ...]:
        """Whether each month has the codes of HS2022."""
        return tuple(period >= RECODED_FROM for period in self.periods)

    @property
    def years(self) -> tuple[str, ...]:
        """Calendar years that the world holds in full."""
        held = [period[:4] for period in self.periods]
        return tuple(year for year in dict.fromkeys(held) if held.count(year) == 12)

    @property
    def event(self) -> str:
        """Month of the event."""
        return self.periods[self.event_month]
