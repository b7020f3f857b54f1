"""Judged groups as rows of ``out__gap``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.gaps.unions import membership
from entrepot.nomenclature import CUSTOMS_UNIONS
from entrepot.schema import GAP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.groups import GroupSums
    from entrepot.detect.gaps.judgement import Judged
    from entrepot.detect.gaps.rows import GapRows

__all__ = ["coded", "gap_table", "member_of", "shown_order"]


def gap_table(
    groups: GroupSums,
    judged: Judged,
    shown: NDArray[np.int64],
    rows: GapRows,
    unions: Sequence[str],
    names: Sequence[str],
) -> pa.Table:
    """Return the table of some groups, in the order of their positions; rows in the row of a union last.

    A column is made at a time: of a world's trade all groups in their order would be gigabytes twice over.
    """
    member, words = member_of(groups, rows, unions, names)
    if words:
        shown = shown[np.argsort(member[shown] >= 0, kind="stable")]
    has_before = groups.before_periods[shown] > 0
    has_history = judged.has_history[shown]
    n = shown.size

    def amounts(values: NDArray[np.float64], mask: NDArray[np.bool_] | None = None) -> pa.Array:
        return pa.array(values[shown], mask=None if mask is None else ~mask)

    def known(values: NDArray[np.float64]) -> pa.Array:
        values = values[shown]
        return pa.array(values, mask=~np.isfinite(values))

    def over(above: NDArray[np.float64], mask: NDArray[np.bool_]) -> pa.Array:
        return pa.array(np.divide(above[shown], groups.x[shown], out=np.zeros(n), where=mask), mask=~mask)

    def words_of(index: NDArray[np.integer[Any]], of: Sequence[str]) -> pa.Array:
        return coded(index[shown], of)

    has_x = groups.x[shown] > 0
    columns: dict[str, pa.Array] = {
        "exporter": words_of(groups.exporter, rows.areas),
        "importer": words_of(groups.importer, rows.areas),
        "hs_code": words_of(groups.product, rows.products),
        "period": words_of(groups.period, rows.periods) if "period" in names else pa.nulls(n, pa.string()),
        "member_of": words_of(member, words),
        "exporter_report_usd": amounts(groups.x),
        "importer_fob_usd": amounts(groups.m),
        "gap_usd": amounts(groups.x - groups.m),
        "lost_usd": amounts(groups.lost),
        "orphan_usd": amounts(groups.orphan),
        "arrived_ratio": over(groups.m, has_x),
        "usual_ratio": over(groups.arrivals, has_x & has_history),
        "unusual_usd": known(judged.unusual),
        "unusual_low_usd": known(np.minimum(judged.low, judged.unusual)),
        "unusual_high_usd": known(np.maximum(judged.high, judged.unusual)),
        "z_score": known(judged.z),
        "q_value": known(judged.q),
        "status": words_of(*judged.status),
        "before_exporter_usd": amounts(groups.x_before, has_before),
        "before_importer_fob_usd": amounts(groups.m_before, has_before),
        "before_lost_usd": amounts(groups.lost_before, has_before),
        "before_orphan_usd": amounts(groups.orphan_before, has_before),
        "periods": pa.array(groups.periods[shown]),
        "before_periods": pa.array(groups.before_periods[shown]),
    }
    return pa.table([columns[name] for name in GAP.columns], schema=GAP.arrow_schema())


def shown_order(groups: GroupSums, judged: Judged, shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some groups in their order: what is unusual at the least first, then by the estimate.

    Groups come by exporter, importer and product, which decides among equals.
    """
    unusual = judged.unusual[shown]
    sure = np.maximum(np.nan_to_num(np.where(unusual > 0, judged.low[shown], -judged.high[shown])), 0.0)
    gap = groups.lost[shown] + groups.orphan[shown]
    size = np.nan_to_num(np.abs(unusual))
    found: NDArray[np.int64] = shown[np.lexsort((groups.period[shown], -gap, -size, -sure))]
    return found


def member_of(
    groups: GroupSums, rows: GapRows, unions: Sequence[str], names: Sequence[str]
) -> tuple[NDArray[np.integer[Any]], list[str]]:
    """Return for each group in the rows of which unions it is: a position among words, -1 in none."""
    index: NDArray[np.integer[Any]] = np.full(groups.x.size, -1)
    if not unions or not {"exporter", "importer"} & set(names):
        return index, []
    period = np.where(groups.period >= 0, groups.period, len(rows.periods) - 1)
    bits = np.zeros(groups.x.size, dtype=np.int64)
    codes = [CUSTOMS_UNIONS[name] for name in unions]
    for at, name in enumerate(unions):
        inside = membership(rows, name)
        is_out, is_in = (inside[period, side] & (side >= 0) for side in (groups.exporter, groups.importer))
        bits |= (is_out ^ is_in).astype(np.int64) << at
    held, index = np.unique(bits, return_inverse=True)
    words = [",".join(code for at, code in enumerate(codes) if bit >> at & 1) for bit in held.tolist()]
    return np.where(bits > 0, index, -1), words


def coded(index: NDArray[np.integer[Any]], words: Sequence[str]) -> pa.Array:
    """Return the words at positions; null at -1."""
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))
