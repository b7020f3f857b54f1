"""What can be asked of the search for round trips."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.errors import OptionError

__all__ = ["LoopOptions"]

_LONGEST_LAG = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions:
    """Who may send goods in a circle, through whom, since when.

    Attributes
    ----------
    makers, vias
        Area codes. Whatever is left empty is searched for.
    since
        First month in which round trips may have begun, ``2021-11``; all months before it are quiet: noise,
        expected flows and calibration are learnt there. Searched for when not given.
    products
        Codes, six digits or their chapters and headings; all goods in the data when empty.
    longest_lag
        Most months between leaving the maker and leaving the via; of a chain, at each via.
    stations
        Most vias that goods pass before they are bought back: 1, or 2 to look for chains as well.
    spikes
        Sets of planted round trips that calibrate the intervals.
    seed
        Seed of all draws.
    """

    makers: tuple[str, ...] = ()
    vias: tuple[str, ...] = ()
    since: str | None = None
    products: tuple[str, ...] = ()
    longest_lag: int = 6
    stations: int = 1
    spikes: int = 60
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers and areas that make no question."""
        if not 1 <= self.longest_lag <= _LONGEST_LAG:
            raise OptionError(
                f"the longest lag is {self.longest_lag} months, outside 1 to {_LONGEST_LAG}",
                where="--longest-lag",
                hint="leave it at its default of 6",
            )
        if self.stations not in {1, 2}:
            raise OptionError(
                f"{self.stations} stations",
                where="--stations",
                hint="use 1, or 2 for chains",
            )
        if self.spikes < 0:
            raise OptionError(
                f"spikes = {self.spikes} must not be negative", where="--spikes", hint="leave it out"
            )
        if len(self.makers) == 1 and self.makers == self.vias:
            raise OptionError(
                f"{self.makers[0]} cannot be maker and via at once",
                where="--maker, --via",
                hint="name another via, or leave --via out to search among all",
            )
