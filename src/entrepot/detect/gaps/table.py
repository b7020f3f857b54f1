"""Judged groups as rows of ``out__gap``."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.gaps.judgement import status_of
from entrepot.detect.gaps.unions import membership
from entrepot.nomenclature import CUSTOMS_UNIONS
from entrepot.schema import GAP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.groups import GroupSums
    from entrepot.detect.gaps.judgement import Judged
    from entrepot.detect.gaps.rows import GapRows

__all__ = ["coded", "columns_of", "gap_table", "member_of", "shown_order"]

#: Columns of what was before, and the sums that they are.
_BEFORE = {
    "before_exporter_usd": "x_before",
    "before_importer_fob_usd": "m_before",
    "before_lost_usd": "lost_before",
    "before_orphan_usd": "orphan_before",
}


def columns_of(groups: GroupSums, judged: Judged) -> dict[str, NDArray[Any]]:
    """Return the columns of groups and of their verdicts by name."""
    return {field.name: getattr(part, field.name) for part in (groups, judged) for field in fields(part)}


def gap_table(
    columns: dict[str, NDArray[Any]],
    shown: NDArray[np.int64],
    rows: GapRows,
    unions: Sequence[str],
    names: Sequence[str],
) -> pa.Table:
    """Return the table of some groups, in the order of their positions; rows in the row of a union last.

    A column is made at a time, and what it is made of is taken out of ``columns``, see :func:`columns_of`: of
    a world's trade all groups in their order would be gigabytes twice over.
    """
    member, words = member_of(columns, rows, unions, names)
    if words:
        shown = shown[np.argsort(member[shown] >= 0, kind="stable")]
    n = shown.size

    def take(name: str) -> NDArray[Any]:
        return columns.pop(name)[shown]

    def known(values: NDArray[np.float64]) -> pa.Array:
        return pa.array(values, mask=~np.isfinite(values))

    def over(above: NDArray[np.float64], mask: NDArray[np.bool_]) -> pa.Array:
        return pa.array(np.divide(above, x, out=np.zeros(n), where=mask), mask=~mask)

    made = {
        "exporter": coded(take("exporter"), rows.areas),
        "importer": coded(take("importer"), rows.areas),
        "hs_code": coded(take("product"), rows.products),
        "period": coded(take("period"), rows.periods) if "period" in names else pa.nulls(n, pa.string()),
        "member_of": coded(member[shown], words),
    }
    x, m, has_history, before = take("x"), take("m"), take("has_history"), take("before_periods")
    made |= {"exporter_report_usd": pa.array(x), "importer_fob_usd": pa.array(m), "gap_usd": pa.array(x - m)}
    made |= {f"{name}_usd": pa.array(take(name)) for name in ("lost", "orphan")}
    made["arrived_ratio"] = over(m, x > 0)
    made["usual_ratio"] = over(take("arrivals"), (x > 0) & has_history)
    del columns["dispatches"], m
    unusual = take("unusual")
    made["unusual_usd"] = known(unusual)
    made["unusual_low_usd"] = known(np.minimum(take("low"), unusual))
    made["unusual_high_usd"] = known(np.maximum(take("high"), unusual))
    z = take("z")
    made |= {"z_score": known(z), "q_value": known(take("q")), "status": coded(*status_of(has_history, z))}
    for name, of in _BEFORE.items():
        made[name] = pa.array(take(of), mask=before <= 0)
    made["periods"] = pa.array(take("periods").astype(np.int64))
    made["before_periods"] = pa.array(before.astype(np.int64))
    return pa.table([made[name] for name in GAP.columns], schema=GAP.arrow_schema())


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
    columns: Mapping[str, NDArray[Any]], rows: GapRows, unions: Sequence[str], names: Sequence[str]
) -> tuple[NDArray[np.integer[Any]], list[str]]:
    """Return for each group in the rows of which unions it is: a position among words, -1 in none."""
    exporter, importer, period = columns["exporter"], columns["importer"], columns["period"]
    index: NDArray[np.integer[Any]] = np.full(exporter.size, -1, dtype=np.int8)
    if not unions or not {"exporter", "importer"} & set(names):
        return index, []
    period = np.where(period >= 0, period, len(rows.periods) - 1)
    bits = np.zeros(exporter.size, dtype=np.int64)
    codes = [CUSTOMS_UNIONS[name] for name in unions]
    for at, name in enumerate(unions):
        inside = membership(rows, name)
        is_out, is_in = (inside[period, side] & (side >= 0) for side in (exporter, importer))
        bits |= (is_out ^ is_in).astype(np.int64) << at
    held, index = np.unique(bits, return_inverse=True)
    words = [",".join(code for at, code in enumerate(codes) if bit >> at & 1) for bit in held.tolist()]
    return np.where(bits > 0, index, -1), words


def coded(index: NDArray[np.integer[Any]], words: Sequence[str]) -> pa.Array:
    """Return the words at positions; null at -1."""
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))
