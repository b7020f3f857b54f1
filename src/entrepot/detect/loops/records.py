"""What books record of goods coming home: evidence beside the flows themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import period_text

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.windows import Trade

__all__ = ["KINDS", "Records", "read_records", "via_supply"]

#: Kinds of records: the maker's re-imports, the via's re-exports to the maker, and imports of the maker's own
#: origin that the via consigned.
KINDS = ("re_import", "re_export", "own_origin")


@dataclass(frozen=True, slots=True)
class Records:
    """Rises of what is recorded, since the quiet months; n candidates.

    Attributes
    ----------
    re_import, re_export, own_origin : (n,)
        USD; NaN where no such report is in the data.
    home : (n,)
        USD of the maker's imports under itself, over all vias.
    """

    re_import: NDArray[np.float64]
    re_export: NDArray[np.float64]
    own_origin: NDArray[np.float64]
    home: NDArray[np.float64]


def read_records(trade: Trade, candidates: Candidates | Chains, table: pa.Table | None) -> Records:
    """Return the records of each candidate.

    Parameters
    ----------
    trade
        Windows and codes.
    candidates
        Round trips.
    table
        Columns ``kind`` (of :data:`KINDS`), ``maker``, ``via`` (null where the record names none),
        ``hs_code``, ``period``, ``usd``; None where the reports are not at hand.
    """
    before, after = trade.home
    rise = np.maximum(after - before, 0.0)
    found = {kind: np.full(candidates.maker.size, np.nan) for kind in KINDS}
    if table is not None:
        for kind in KINDS:
            rows = [row for row in table.to_pylist() if row["kind"] == kind]
            if rows:
                found[kind] = _rises(trade, candidates, rows)
    return Records(
        re_import=found["re_import"],
        re_export=found["re_export"],
        own_origin=found["own_origin"],
        home=rise[candidates.maker, candidates.product],
    )


def _rises(
    trade: Trade, candidates: Candidates | Chains, rows: list[dict[str, object]]
) -> NDArray[np.float64]:
    """Return after less before on the same length, never under zero; a record without a via is any via's."""
    pair = trade.windows[0]
    before = {period_text(p, is_monthly=True) for p in pair.before}
    after = {period_text(p, is_monthly=True) for p in pair.after}
    scale = len(after) / max(len(before), 1)
    sums: dict[tuple[object, object, object], float] = {}
    for row in rows:
        sign = 1.0 if row["period"] in after else -scale if row["period"] in before else 0.0
        key = (row["maker"], row["via"], row["hs_code"])
        sums[key] = sums.get(key, 0.0) + sign * float(str(row["usd"]))
    found = np.zeros(candidates.maker.size)
    for at in range(found.size):
        maker, via = trade.areas[candidates.maker[at]], trade.areas[candidates.last[at]]
        code = trade.products[candidates.product[at]]
        found[at] = max(sums.get((maker, via, code), 0.0) + sums.get((maker, None, code), 0.0), 0.0)
    return found


def via_supply(trade: Trade, candidates: Candidates | Chains) -> NDArray[np.float64]:
    """Return what each via sold of the product in the quiet months, on the length of the after-window."""
    n_products = len(trade.products)
    sold = sum_by(
        trade.exporter * n_products + trade.product,
        np.nan_to_num(trade.sums[0].before),
        len(trade.areas) * n_products,
    )
    return np.asarray(sold[candidates.last * n_products + candidates.product])
