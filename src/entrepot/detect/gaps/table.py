"""Judged groups as rows of ``out__gap``."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    groups: GroupSums, judged: Judged, rows: GapRows, unions: Sequence[str], names: Sequence[str]
) -> pa.Table:
    """Return the table, its rows in the order of the groups; those in the row of a union last."""
    member, words = member_of(groups, rows, unions, names)
    if words:
        order = np.argsort(member >= 0, kind="stable")
        groups, judged, member = groups.only(order), judged.only(order), member[order]
    has_before = groups.before_periods > 0
    is_judged = judged.has_history
    columns: dict[str, pa.Array] = {
        "exporter": coded(groups.exporter, rows.areas),
        "importer": coded(groups.importer, rows.areas),
        "hs_code": coded(groups.product, rows.products),
        "period": coded(groups.period if "period" in names else np.full(groups.x.size, -1), rows.periods),
        "member_of": coded(member, words),
        "exporter_report_usd": pa.array(groups.x),
        "importer_fob_usd": pa.array(groups.m),
        "gap_usd": pa.array(groups.x - groups.m),
        "lost_usd": pa.array(groups.lost),
        "orphan_usd": pa.array(groups.orphan),
        "arrived_ratio": _over(groups.m, groups.x, groups.x > 0),
        "usual_ratio": _over(groups.arrivals, groups.x, (groups.x > 0) & is_judged),
        "unusual_usd": _floats(judged.unusual),
        "unusual_low_usd": _floats(np.minimum(judged.low, judged.unusual)),
        "unusual_high_usd": _floats(np.maximum(judged.high, judged.unusual)),
        "z_score": _floats(judged.z),
        "q_value": _floats(judged.q),
        "status": coded(*judged.status),
        "before_exporter_usd": _where(groups.x_before, has_before),
        "before_importer_fob_usd": _where(groups.m_before, has_before),
        "before_lost_usd": _where(groups.lost_before, has_before),
        "before_orphan_usd": _where(groups.orphan_before, has_before),
        "periods": pa.array(groups.periods),
        "before_periods": pa.array(groups.before_periods),
    }
    return pa.table([columns[name] for name in GAP.columns], schema=GAP.arrow_schema())


def shown_order(groups: GroupSums, judged: Judged, shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some groups in their order: what is unusual at the least first, then by the estimate."""
    unusual = judged.unusual[shown]
    sure = np.where(unusual > 0, judged.low[shown], -judged.high[shown])
    sizes = (np.maximum(np.nan_to_num(sure), 0.0), np.nan_to_num(np.abs(unusual)))
    keys = [getattr(groups, name)[shown] for name in ("product", "importer", "exporter", "period")]
    gap = groups.lost[shown] + groups.orphan[shown]
    found: NDArray[np.int64] = shown[np.lexsort((*keys, -gap, -sizes[1], -sizes[0]))]
    return found


def member_of(
    groups: GroupSums, rows: GapRows, unions: Sequence[str], names: Sequence[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return for each group in the rows of which unions it is: a position among words, -1 in none."""
    index = np.full(groups.x.size, -1, dtype=np.int64)
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


def coded(index: NDArray[np.int64], words: Sequence[str]) -> pa.Array:
    """Return the words at positions; null at -1."""
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))


def _floats(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _where(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~mask)


def _over(above: NDArray[np.float64], below: NDArray[np.float64], mask: NDArray[np.bool_]) -> pa.Array:
    return pa.array(np.divide(above, below, out=np.zeros(above.size), where=mask), mask=~mask)
