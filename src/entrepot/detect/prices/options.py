"""What can be asked of unit values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from entrepot.errors import OptionError
from entrepot.nomenclature import exact_units

__all__ = ["PRICE_KEYS", "Book", "EstimatedAmounts", "PriceOptions"]

Book = Literal["exporter", "importer"]
EstimatedAmounts = Literal["leave_out", "use"]
#: Columns that results can be summed by.
PRICE_KEYS = ("exporter", "importer", "hs_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOptions:
    """Which unit values, and how they are judged.

    Attributes
    ----------
    exporters, importers
        Area codes; all when empty. Of the mark-up the importers are the destinations asked about: all
        buyers of the exporters are compared with them.
    products
        Codes; longer codes that begin with one of them count too. All goods when empty.
    book
        Whose values and amounts: the exporter's (FOB) or the importer's (CIF). They are never mixed.
    unit
        ``kg`` for net weight; another unit (``u``, ``l``, …) for supplementary quantities, of which those
        count that can be turned into it exactly.
    estimated
        What becomes of amounts that the publisher estimated: left out, or used.
    event, before, after
        Windows, see :func:`entrepot.detect.periods.event_windows`; of outliers not used.
    periods
        Of outliers: periods to judge, ``first:last``; all when not given.
    by
        Keys of the rows, of :data:`PRICE_KEYS`; of outliers not used.
    threshold
        Robust z from which a unit value is an outlier (Iglewicz and Hoaglin 1993 advise 3.5).
    draws, seed
        Draws of the intervals of mark-ups, and their seed.
    """

    exporters: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    book: Book = "exporter"
    unit: str = "kg"
    estimated: EstimatedAmounts = "leave_out"
    event: str | None = None
    before: str | None = None
    after: str | None = None
    periods: str | None = None
    by: tuple[str, ...] = PRICE_KEYS
    threshold: float = 3.5
    draws: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse keys, words and numbers that make no question."""
        if not self.by or set(self.by) - set(PRICE_KEYS) or len(set(self.by)) != len(self.by):
            raise OptionError(
                f"cannot sum by {', '.join(self.by) or 'nothing'}",
                where="--by",
                hint=f"choose among {', '.join(PRICE_KEYS)}, each once",
            )
        for option, word, words in (
            ("--book", self.book, ("exporter", "importer")),
            ("--estimated", self.estimated, ("leave_out", "use")),
        ):
            if word not in words:
                raise OptionError(
                    f"{word!r} is none of the words of this option",
                    where=option,
                    hint=f"use one of: {', '.join(words)}",
                )
        base = exact_units().get(self.unit, (self.unit, 1.0))[0]
        if base != self.unit:
            raise OptionError(f"{self.unit} is counted in {base}", where="--unit", hint=f"use --unit {base}")
        if not self.threshold > 0 or self.draws < 1:
            raise OptionError(
                f"a threshold of {self.threshold:g} and {self.draws} draws",
                where="--threshold, --draws",
                hint="give a positive threshold, such as 3.5, and one draw at least",
            )
        if "TOTAL" in self.products:
            raise OptionError(
                "the total of all goods has no unit value",
                where="--products",
                hint="ask for codes, or leave it out for all goods",
            )
