"""One corridor's amounts with all that they were made of: what an explanation is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from entrepot.detect.result import DetourResult

__all__ = ["Corridor", "Explanation", "Legs"]

#: Exporter and importer of every leg, by its name.
Legs = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Corridor:
    """One origin, hub, destination and product: codes as the result has them."""

    origin: str
    hub: str
    destination: str
    hs_code: str

    def legs(self, rows: pa.Table) -> Legs:
        """Return the legs of the corridor's rows.

        ``direct``, ``inbound`` and ``onward``, which is what the first hub sends to the destination itself,
        and of roads over several hubs every leg after the first hub, named as ``ARM → GEO``.
        """
        legs = {
            "direct": (self.origin, self.destination),
            "inbound": (self.origin, self.hub),
            "onward": (self.hub, self.destination),
        }
        for further in rows["further_hubs"].to_pylist():
            if further:
                road = [self.hub, *further.split(","), self.destination]
                legs |= {f"{sender} → {receiver}": (sender, receiver) for sender, receiver in pairwise(road)}
        return legs


@dataclass(frozen=True, slots=True)
class Explanation:
    """One corridor's amounts with all that they were made of.

    Attributes
    ----------
    corridor
        Which.
    rows
        Its rows of ``out__detour``, one a kind and road over further hubs.
    legs
        See :meth:`Corridor.legs`.
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
    legs: Legs
    books: pa.Table
    reports: pa.Table
    result: DetourResult
