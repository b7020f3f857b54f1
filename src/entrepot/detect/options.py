"""What can be asked of the search for detours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from entrepot.errors import OptionError

__all__ = ["EXPECTED", "GROUP_KEYS", "DetourOptions", "ExpectedMethod"]

#: How expected flows are learnt.
ExpectedMethod = Literal["robust", "gravity", "controls"]
EXPECTED = get_args(ExpectedMethod)

#: Columns that a result can be summed by.
GROUP_KEYS = ("origin", "hub", "destination", "hs_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetourOptions:
    """Windows, suspects, products and the keys of the result.

    Attributes
    ----------
    event
        Month of the event, ``2022-03``; a year for annual data.
    before, after
        Windows as ``first:last``. By default the 24 months that end two months before the event, and
        everything from two months after it.
    origins, hubs, destinations
        Area codes. Whatever is left empty is searched for.
    products
        Codes under measures, six digits or their chapters and headings; all goods in the data when empty.
    pooled_origins
        Origins that are one customs territory: what one member no longer ships directly another may ship
        to the hub (the Rotterdam effect). They are estimated as one and split over the members.
    by
        Keys of the result's rows, of :data:`GROUP_KEYS`, ``period`` for amounts by month, and ``tier``.
    tiers
        Codes and the tier of a list that each stands in; needed for the key ``tier``.
    expected
        How the expected flows are learnt: ``robust`` (medians over untreated flows), ``gravity`` (Poisson
        with three-way fixed effects) or ``controls`` (difference in differences against unlisted goods).
    z
        Departures within so many standard deviations are noise.
    spikes
        Sets of planted detours that calibrate the intervals.
    seed
        Seed of all draws.
    """

    event: str
    before: str | None = None
    after: str | None = None
    origins: tuple[str, ...] = ()
    hubs: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    pooled_origins: tuple[str, ...] = ()
    by: tuple[str, ...] = GROUP_KEYS
    tiers: tuple[tuple[str, str], ...] = ()
    expected: ExpectedMethod = "robust"
    z: float = 1.0
    spikes: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse keys, numbers and areas that make no question."""
        allowed = (*GROUP_KEYS, "period", "tier")
        if not self.by or set(self.by) - set(allowed) or len(set(self.by)) != len(self.by):
            raise OptionError(
                f"cannot sum by {', '.join(self.by) or 'nothing'}",
                where="--by",
                hint=f"choose among {', '.join(allowed)}, each once",
            )
        if "tier" in self.by and not self.tiers:
            raise OptionError(
                "tiers are those of a list, and none is named",
                where="--by tier",
                hint="name a list under --products, such as CHPL, or leave tier out",
            )
        if self.expected not in EXPECTED:
            raise OptionError(
                f"{self.expected!r} is no way to expect flows",
                where="--expected",
                hint=f"choose among {', '.join(EXPECTED)}",
            )
        if self.z < 0 or self.spikes < 0:
            raise OptionError(
                f"z = {self.z} and spikes = {self.spikes} must not be negative",
                where="--z, --spikes",
                hint="leave them at their defaults",
            )
        for one, other in (("origins", "destinations"), ("hubs", "destinations")):
            both = set(getattr(self, one)) & set(getattr(self, other))
            if both:
                raise OptionError(
                    f"{', '.join(sorted(both))} cannot stand among {one} and {other} at once",
                    where=f"--{one[:-1]}, --{other[:-1]}",
                    hint="take them out of one of the two",
                )
