"""Trade of the pairs with round trips, and what is left of it without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.schema import NET_TRADE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from entrepot.detect.loops.windows import Trade

__all__ = ["net_trade"]

_ENERGY = "27"


def net_trade(
    trade: Trade, found: Mapping[str, NDArray[Any]], interval: Callable[[float], tuple[float, float]]
) -> pa.Table:
    """Return trade before and since, with and without round trips, of both directions of each pair found.

    What leaves the maker counts at its value going out; what comes back at that value and the mark-up, the
    median of the pair where a product has none. Goods on their way at the end are in the exports alone.

    Parameters
    ----------
    trade
        Windows.
    found
        Columns of the identified round trips: ``maker``, ``via``, ``second_via``, ``hs_code``,
        ``estimate_usd``, ``markup``.
    interval
        Returns the ends of the interval of a sum of round trips.

    Returns
    -------
    pa.Table
        Columns of ``out__net_trade``, by exporter, importer and category.
    """
    at = {code: number for number, code in enumerate(trade.areas)}
    chapter = np.array([code[:2] for code in trade.products], dtype=object)[trade.product]
    legs: dict[tuple[str, str], list[_Leg]] = {}
    for leg in _legs(found):
        legs.setdefault((leg.exporter, leg.importer), []).append(leg)
    rows: list[dict[str, Any]] = []
    for (exporter, importer), mine in sorted(legs.items()):
        cells = np.flatnonzero((trade.exporter == at[exporter]) & (trade.importer == at[importer]))
        for category in sorted({"all", "non-energy", *(leg.chapter for leg in mine)}):
            inside = cells[_belongs(chapter[cells], category)]
            window = [
                float(np.nansum(values[inside])) for values in (trade.sums[0].before, trade.sums[0].after)
            ]
            chosen = [leg for leg in mine if _belongs(np.array([leg.chapter], dtype=object), category).item()]
            trips = sum(leg.usd for leg in chosen)
            home = sum(leg.usd for leg in chosen if leg.is_back)
            row = {"exporter": exporter, "importer": importer, "category": category}
            rows.append(row | _figures(window, trips, home, interval))
    return pa.Table.from_pylist(rows, schema=NET_TRADE.arrow_schema())


@dataclass(frozen=True, slots=True)
class _Leg:
    """What one round trip put on one leg, USD at the value there."""

    exporter: str
    importer: str
    chapter: str
    usd: float
    is_back: bool


def _legs(found: Mapping[str, NDArray[Any]]) -> Iterator[_Leg]:
    """Yield the legs of all round trips; between two vias half of the mark-up is taken to be on the goods."""
    names = ("maker", "via", "second_via", "hs_code", "estimate_usd", "markup")
    rows = list(zip(*(found[name].tolist() for name in names), strict=True))
    dearer: dict[tuple[str, str, str | None], list[float]] = {}
    for maker, via, second, _, _, markup in rows:
        if np.isfinite(markup):
            dearer.setdefault((maker, via, second), []).append(markup)
    for maker, via, second, code, usd, markup in rows:
        known = dearer.get((maker, via, second), [0.0])
        by = markup if np.isfinite(markup) else float(np.median(known))
        yield _Leg(maker, via, code[:2], usd, is_back=False)
        if second is not None:
            yield _Leg(via, second, code[:2], usd * (1.0 + 0.5 * by), is_back=False)
        yield _Leg(second or via, maker, code[:2], usd * (1.0 + by), is_back=True)


def _belongs(chapter: NDArray[Any], category: str) -> NDArray[np.bool_]:
    if category == "all":
        return np.ones(chapter.size, dtype=bool)
    if category == "non-energy":
        return np.asarray(chapter != _ENERGY, dtype=bool)
    return np.asarray(chapter == category, dtype=bool)


def _figures(
    window: list[float], trips: float, home: float, interval: Callable[[float], tuple[float, float]]
) -> dict[str, float | None]:
    before, after = window
    taken = min(trips, after)
    low, high = interval(trips) if trips else (0.0, 0.0)
    return {
        "quiet_usd": before,
        "since_usd": after,
        "round_trip_usd": taken,
        "round_trip_low_usd": None if np.isnan(low) else min(low, after),
        "round_trip_high_usd": None if np.isnan(high) else min(high, after),
        "net_usd": after - taken,
        "growth": after / before - 1.0 if before else None,
        "net_growth": (after - taken) / before - 1.0 if before else None,
        "returned_share": min(home, after) / after if home and after else None,
    }
