"""Trade of the pairs with round trips, and what is left of it without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.schema import NET_TRADE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        Columns of the identified round trips: ``maker``, ``via``, ``hs_code``, ``estimate_usd``, ``markup``.
    interval
        Returns the ends of the interval of a sum of round trips.

    Returns
    -------
    pa.Table
        Columns of ``out__net_trade``, by exporter, importer and category.
    """
    at = {code: number for number, code in enumerate(trade.areas)}
    chapter = np.array([code[:2] for code in trade.products], dtype=object)[trade.product]
    rows: list[dict[str, Any]] = []
    for maker, via in sorted({*zip(found["maker"].tolist(), found["via"].tolist(), strict=True)}):
        mine = (found["maker"] == maker) & (found["via"] == via)
        out = found["estimate_usd"][mine].astype(np.float64)
        dearer = found["markup"][mine].astype(np.float64)
        typical = float(np.nanmedian(dearer)) if np.isfinite(dearer).any() else 0.0
        back = out * (1.0 + np.where(np.isfinite(dearer), dearer, typical))
        chapters = np.array([code[:2] for code in found["hs_code"][mine]], dtype=object)
        for exporter, importer, usd in ((maker, via, out), (via, maker, back)):
            cells = np.flatnonzero((trade.exporter == at[exporter]) & (trade.importer == at[importer]))
            named = {"all", "non-energy", *chapters.tolist()}
            for category in sorted(named):
                window = [
                    float(np.nansum(values[cells[_belongs(chapter[cells], category)]]))
                    for values in (trade.sums[0].before, trade.sums[0].after)
                ]
                trips = float(usd[_belongs(chapters, category)].sum())
                row = {"exporter": exporter, "importer": importer, "category": category}
                rows.append(row | _figures(window, trips, interval, is_back=exporter == via))
    return pa.Table.from_pylist(rows, schema=NET_TRADE.arrow_schema())


def _belongs(chapter: NDArray[Any], category: str) -> NDArray[np.bool_]:
    if category == "all":
        return np.ones(chapter.size, dtype=bool)
    if category == "non-energy":
        return np.asarray(chapter != _ENERGY, dtype=bool)
    return np.asarray(chapter == category, dtype=bool)


def _figures(
    window: list[float], trips: float, interval: Callable[[float], tuple[float, float]], *, is_back: bool
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
        "returned_share": taken / after if is_back and after else None,
    }
