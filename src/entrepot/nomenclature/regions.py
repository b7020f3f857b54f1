"""Regions that people ask for and trade statistics do not keep apart: Crimea, Transnistria, Xinjiang.

The area is that of ISO 3166-2, which lists the region under it. That is a fact about the standard: whether a
publisher's figures of that area hold the region's trade is another question, and each publisher's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.names import normalise_name

__all__ = ["Region", "find_region", "region_names"]

_LANGUAGES = ("en", "de", "fr", "es", "ru", "zh")


@dataclass(frozen=True, slots=True)
class Region:
    """A region without figures of its own.

    Attributes
    ----------
    code
        ISO 3166-2.
    area
        The area under which ISO 3166-2 lists it.
    name
        English name.
    """

    code: str
    area: str
    name: str

    @property
    def note(self) -> str:
        """What may be said of it."""
        return (
            f"{self.name} has no figures of its own: UN M49 and UN Comtrade have no number for it, and ISO "
            f"3166-2 lists it under {self.area} ({self.code}). Whether a publisher counts its trade there is "
            "not told by the code: see the publisher's notes on coverage"
        )


@cache
def region_names() -> dict[str, Region]:
    """Return the regions by the normal form of every name they have, and by their codes."""
    found: dict[str, Region] = {}
    for row in fact_rows("regions"):
        names = [name for language in _LANGUAGES for name in row[language].split(";")]
        region = Region(row["code"], row["area"], names[0])
        for name in (row["code"], *names):
            found.setdefault(normalise_name(name), region)
    return found


def find_region(text: str) -> Region | None:
    """Return the region of a name in English, German, French, Spanish, Russian or Chinese, or of a code.

    Examples
    --------
    >>> find_region("Крым").area, find_region("克里米亚").code, find_region("France")
    ('UKR', 'UA-43', None)
    """
    return region_names().get(normalise_name(text))
