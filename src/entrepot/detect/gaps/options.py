"""What can be asked of the gaps."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.errors import OptionError
from entrepot.nomenclature import CUSTOMS_UNIONS

__all__ = ["GAP_KEYS", "GapOptions"]

#: Columns that gaps can be summed by.
GAP_KEYS = ("exporter", "importer", "hs_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class GapOptions:
    """Windows, areas, products and the keys of the result.

    Attributes
    ----------
    event
        Month of the event, ``2022-03`` (a year for annual data): the periods after it are compared with
        those before. Without one every period is compared with all earlier ones.
    before, after
        Windows around the event as ``first:last``; see :func:`entrepot.detect.periods.event_windows`.
    periods
        Without an event: the periods to show, ``first:last``. All when empty.
    exporters, importers
        Area codes, those of unions (``XEU``) included; all when empty.
    products
        Codes; longer codes that begin with one of them count too. ``TOTAL`` alone asks for the totals of
        all goods. All goods when empty.
    unions
        Customs unions whose members are also added up, under the code of the union: what one member sent
        may be booked as another's (the Rotterdam effect). Membership is that of each period.
    by
        Keys of the rows, of :data:`GAP_KEYS` and ``period``. Without an event there is a row a period in
        any case.
    """

    event: str | None = None
    before: str | None = None
    after: str | None = None
    periods: str | None = None
    exporters: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    unions: tuple[str, ...] = ()
    by: tuple[str, ...] = GAP_KEYS

    def __post_init__(self) -> None:
        """Refuse keys, unions and windows that make no question."""
        allowed = (*GAP_KEYS, "period")
        if not self.by or set(self.by) - set(allowed) or len(set(self.by)) != len(self.by):
            raise OptionError(
                f"cannot sum by {', '.join(self.by) or 'nothing'}",
                where="--by",
                hint=f"choose among {', '.join(allowed)}, each once",
            )
        unknown = [name for name in self.unions if name not in CUSTOMS_UNIONS]
        if unknown:
            raise OptionError(
                f"{', '.join(unknown)} is no customs union",
                where="--union",
                hint=f"use some of: {', '.join(CUSTOMS_UNIONS)}",
            )
        if self.event is None and (self.before or self.after):
            raise OptionError(
                "windows without an event",
                where="--before, --after",
                hint="add --event, or leave the windows out: every period is compared with all earlier ones",
            )
        if self.event is not None and self.periods:
            raise OptionError(
                "periods beside an event",
                where="--periods",
                hint="use --after to choose the periods after it",
            )
        if "TOTAL" in self.products and len(self.products) > 1:
            raise OptionError(
                "totals of all goods and goods cannot be added",
                where="--products",
                hint="ask for TOTAL alone, or for codes alone",
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the rows in their order, without the period."""
        return tuple(name for name in GAP_KEYS if name in self.by)

    @property
    def is_by_period(self) -> bool:
        """Whether every period has rows of its own."""
        return self.event is None or "period" in self.by
