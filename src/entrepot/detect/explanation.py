"""One corridor's amounts with all that they were made of: what an explanation is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.detect.result import DetourResult

__all__ = ["LEGS", "Corridor", "Explanation"]

#: The three legs of a corridor, each with its two ends.
LEGS = {"direct": ("origin", "destination"), "inbound": ("origin", "hub"), "onward": ("hub", "destination")}


@dataclass(frozen=True, slots=True)
class Corridor:
    """One origin, hub, destination and product: codes as the result has them."""

    origin: str
    hub: str
    destination: str
    hs_code: str

    def ends(self, leg: str) -> tuple[str, str]:
        """Return exporter and importer of a leg."""
        first, second = LEGS[leg]
        return getattr(self, first), getattr(self, second)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One corridor's amounts with all that they were made of.

    Attributes
    ----------
    corridor
        Which.
    rows
        Its rows of ``out__detour``, one a kind.
    books
        **Grain**: leg × period. Columns of ``core__reconciled`` with ``leg`` in front and ``window``: before,
        after, or null for periods in neither.
    reports
        **Grain**: one report that speaks of a leg: columns of ``core__flow`` with ``leg`` in front and
        ``file_name``.
    result
        The search that the rows are from.
    """

    corridor: Corridor
    rows: pa.Table
    books: pa.Table
    reports: pa.Table
    result: DetourResult
