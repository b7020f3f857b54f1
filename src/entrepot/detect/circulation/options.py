"""What can be asked of the circulation of trade."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.errors import OptionError

__all__ = ["CirculationOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CirculationOptions:
    """Which products, since when, against how many placebos.

    Attributes
    ----------
    since
        First period that is judged, ``2022`` or ``2022-03``; all earlier ones say what is usual.
    products
        Codes, six digits or their chapters and headings; all goods when empty.
    placebos
        Networks of placebo pairs a product and period.
    cycles
        Cycles named a product and period, the largest.
    seed
        Seed of the placebos.
    """

    since: str
    products: tuple[str, ...] = ()
    placebos: int = 2
    cycles: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that make no question."""
        for name, least in (("placebos", 1), ("cycles", 0), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise OptionError(
                    f"{name} is {value}, under {least}", where=f"--{name}", hint="leave it at its default"
                )
