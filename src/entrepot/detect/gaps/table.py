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
    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.rows import GapRows

__all__ = ["coded", "gap_table", "member_of"]


def gap_table(
    groups: GroupSums, judged: Judged, rows: GapRows, options: GapOptions, names: Sequence[str]
) -> pa.Table:
    """Return the table: members of a union last; by what is unusual at the least, then by the estimate."""
    member = member_of(groups, rows, options.unions, names)
    sure = np.where(judged.unusual > 0, judged.low, -judged.high)
    sizes = (np.maximum(np.nan_to_num(sure), 0.0), np.nan_to_num(np.abs(judged.unusual)))
    keys = (groups.product, groups.importer, groups.exporter, groups.period)
    order = np.lexsort((*keys, -(groups.lost + groups.orphan), -sizes[1], -sizes[0]))
    order = order[np.argsort(np.array([bool(text) for text in member])[order], kind="stable")]
    has_before = groups.before_periods > 0
    is_judged = judged.has_history
    columns: dict[str, pa.Array] = {
        "exporter": coded(groups.exporter, rows.areas),
        "importer": coded(groups.importer, rows.areas),
        "hs_code": coded(groups.product, rows.products),
        "period": coded(groups.period if "period" in names else np.full(groups.x.size, -1), rows.periods),
        "member_of": pa.array([text or None for text in member], pa.string()),
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
        "status": pa.array(judged.status.tolist(), pa.string()),
        "before_exporter_usd": _where(groups.x_before, has_before),
        "before_importer_fob_usd": _where(groups.m_before, has_before),
        "before_lost_usd": _where(groups.lost_before, has_before),
        "before_orphan_usd": _where(groups.orphan_before, has_before),
        "periods": pa.array(groups.periods),
        "before_periods": pa.array(groups.before_periods),
    }
    table = pa.table([columns[name] for name in GAP.columns], schema=GAP.arrow_schema())
    return table.take(pa.array(order))


def member_of(groups: GroupSums, rows: GapRows, unions: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return for each group the unions in whose row it is, by area code; empty where in none."""
    found = [""] * groups.x.size
    if not {"exporter", "importer"} & set(names):
        return found
    last = len(rows.periods) - 1
    period = np.where(groups.period >= 0, groups.period, last)
    for name in unions:
        inside = membership(rows, name)
        is_out, is_in = (inside[period, at] & (at >= 0) for at in (groups.exporter, groups.importer))
        for at in np.flatnonzero(is_out ^ is_in).tolist():
            code = CUSTOMS_UNIONS[name]
            found[at] = f"{found[at]},{code}" if found[at] else code
    return found


def coded(index: NDArray[np.int64], words: Sequence[str]) -> pa.Array:
    """Return the words at positions; null at -1."""
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))


def _floats(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _where(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~mask)


def _over(above: NDArray[np.float64], below: NDArray[np.float64], mask: NDArray[np.bool_]) -> pa.Array:
    return pa.array(np.divide(above, below, out=np.zeros(above.size), where=mask), mask=~mask)
