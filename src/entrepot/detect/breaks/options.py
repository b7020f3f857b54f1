"""What can be asked of the breaks."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.errors import OptionError

__all__ = ["BREAK_KEYS", "BreakOptions"]

#: Columns that a series has; those left out are summed over.
BREAK_KEYS = ("exporter", "importer", "hs_code")
_LONGEST_WAIT = 12
_SHORTEST, _LONGEST = 2, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakOptions:
    """Which series, how sure, and which events.

    Attributes
    ----------
    exporters, importers
        Area codes; all when empty.
    products
        Codes; longer codes that begin with one of them count too. ``TOTAL`` alone asks for the totals of
        all goods. All goods when empty.
    periods
        Months to look at, ``first:last``; all when not given.
    by
        Keys of a series, of :data:`BREAK_KEYS`; the others are summed over.
    rate
        Share of series without breaks that may get one.
    shortest
        Fewest months of a level: what is over sooner is an outlier.
    event_months
        A break in the month of an event or so many months after it is joined with it.
    about
        Events to join, as in ``entrepot lookup``: words, a kind, or areas; all when not given.
    permutations
        Permutations that an event's breaks are held against.
    seed
        Seed of all draws.
    """

    exporters: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    periods: str | None = None
    by: tuple[str, ...] = BREAK_KEYS
    rate: float = 0.02
    shortest: int = 4
    event_months: int = 3
    about: str | None = None
    permutations: int = 999
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse keys and numbers that make no question."""
        if not self.by or set(self.by) - set(BREAK_KEYS) or len(set(self.by)) != len(self.by):
            raise OptionError(
                f"cannot make series by {', '.join(self.by) or 'nothing'}",
                where="--by",
                hint=f"choose among {', '.join(BREAK_KEYS)}, each once",
            )
        if not 0 < self.rate < 1:
            raise OptionError(
                f"a false-positive rate of {self.rate:g}",
                where="--false-positives",
                hint="give a share between 0 and 1, such as 0.02",
            )
        for name, value, least, most in (
            ("--shortest", self.shortest, _SHORTEST, _LONGEST),
            ("--event-months", self.event_months, 0, _LONGEST_WAIT),
        ):
            if not least <= value <= most:
                raise OptionError(f"{value} months", where=name, hint=f"give a number from {least} to {most}")
        if self.permutations < 1:
            raise OptionError(
                f"{self.permutations} permutations", where="--permutations", hint="give 1 or more"
            )
        if "TOTAL" in self.products and len(self.products) > 1:
            raise OptionError(
                "totals of all goods and goods cannot be added",
                where="--products",
                hint="ask for TOTAL alone, or for codes alone",
            )
