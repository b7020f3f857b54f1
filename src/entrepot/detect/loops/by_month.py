r"""In which months round trips came back.

*Formula*  share_t = (back_t − expected_t)⁺ / Σ_s (back_s − expected_s)⁺ over the months of the after-window;
the flow back itself where no month of it exceeds what was expected. Amounts of a month are the window's
amount times its share: they add up to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.loops.legs import leg_series, span_of
from entrepot.schema import LOOP_MONTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.measure import Tools

__all__ = ["KEYS", "amounts_by_month", "month_shares", "spread_back"]

#: Of a round trip.
KEYS = ("maker", "via", "second_via", "hs_code")
_AMOUNTS = (
    "estimate_usd", "low_usd", "high_usd", "estimate_amount", "low_amount", "high_amount", "estimate_kg"
)  # fmt: skip


def spread_back(back: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of each round trip that came back in each month.

    Parameters
    ----------
    back, expected : (n, T)
        The way back and what was expected of it, USD a month of the after-window.

    Returns
    -------
    (n, T)
        Rows sum to one; a row of zeros where nothing came back in any month.
    """
    beyond = np.maximum(back - expected, 0.0)
    weight = np.where(beyond.sum(axis=1, keepdims=True) > 0, beyond, back)
    whole = weight.sum(axis=1, keepdims=True)
    share: NDArray[np.float64] = np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
    return share


def month_shares(
    tools: Tools, candidates: Candidates | Chains, codes: Mapping[str, NDArray[np.object_]]
) -> pa.Table:
    """Return the months in which round trips came back, with the part of each.

    Parameters
    ----------
    tools
        Windows, expectations, months.
    candidates
        What was found.
    codes
        :data:`KEYS` of each.

    Returns
    -------
    pa.Table
        :data:`KEYS`, ``period``, ``month_share``; months of nothing have no row.
    """
    _, since, end = span_of(tools.trade, 0)
    _, back, _, expected = leg_series(tools, candidates.ends)
    share = spread_back(back[:, since:end], expected[:, since:end])
    row, month = np.nonzero(share)
    periods = np.array(tools.trade.periods[since:end], dtype=object)
    return pa.table(
        {
            **{name: pa.array(codes[name][row], pa.string()) for name in KEYS},
            "period": pa.array(periods[month], pa.string()),
            "month_share": pa.array(share[row, month], pa.float64()),
        }
    )


def amounts_by_month(table: pa.Table, shares: pa.Table) -> pa.Table:
    """Return the amounts of round trips by the month in which they came back.

    Parameters
    ----------
    table
        Columns of ``out__loop``, and amounts in another unit where there are any.
    shares
        As :func:`month_shares` gives them.

    Returns
    -------
    pa.Table
        Columns of ``out__loop_month``; ``…_amount`` and ``amount_unit`` where the table has them.
    """
    names = [name for name in _AMOUNTS if name in table.column_names]
    units = [name for name in ("amount_unit",) if name in table.column_names]
    rows = {tuple(row[key] for key in KEYS): row for row in table.select([*KEYS, *names, *units]).to_pylist()}
    found = []
    for one in shares.to_pylist():
        own = rows[tuple(one[key] for key in KEYS)]
        amounts = {name: None if own[name] is None else own[name] * one["month_share"] for name in names}
        found.append({**one, **amounts, **{name: own[name] for name in units}})
    schema = LOOP_MONTH.arrow_schema()
    for name in names:
        if name not in schema.names:
            schema = schema.append(pa.field(name, pa.float64()))
    for name in units:
        schema = schema.append(pa.field(name, pa.string()))
    return pa.Table.from_pylist(found, schema=schema)
