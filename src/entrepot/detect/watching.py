"""What a new file changed: findings that appeared, went, grew or shrank between two states of a lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from entrepot.detect.options import GROUP_KEYS
from entrepot.errors import OptionError
from entrepot.schema import WATCH, DetourKind, FindingChange

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from entrepot.detect.result import DetourResult

__all__ = ["WatchResult", "compare_findings"]

_AMOUNTS = ("estimate_usd", "low_usd", "high_usd", "q_value")
_OTHERS = ("estimate_amount", "low_amount", "high_amount")
_ORDER = tuple(FindingChange)


@dataclass(frozen=True, slots=True)
class WatchResult:
    """What a new file changed.

    Attributes
    ----------
    table
        Columns of ``out__watch``.
    now, earlier
        The two searches.
    since
        The earlier state: vintages published up to this day.
    """

    table: pa.Table
    now: DetourResult
    earlier: DetourResult
    since: date


def compare_findings(now: pa.Table, earlier: pa.Table, *, by: Sequence[str], q: float = 0.1) -> pa.Table:
    """Return every finding of either search with what became of it.

    A finding is a row with an amount and ``q_value`` under ``q``. It *appeared* where it is one now and was
    none, *went* where it was one and is none; of those that stand in both, it *grew* or *shrank* where the
    intervals leave each other's estimate out, and *stays* otherwise. Two searches differ by chance as well:
    what merely moved within its interval is no news.

    Parameters
    ----------
    now, earlier
        Tables of ``out__detour``, both by the same keys.
    by
        The keys.
    q
        Findings have a q-value under it.

    Returns
    -------
    pa.Table
        Columns of ``out__watch``: what appeared first, then what grew, shrank, went and stays, the largest
        first. Where both tables have amounts in another unit, those of either state and ``amount_unit``.

    *Missing data*: the earlier amounts are null where the earlier search had no such row, the present ones
    where this one has none.

    Raises
    ------
    OptionError
        ``q`` is not between 0 and 1.
    """
    if not 0.0 < q <= 1.0:
        raise OptionError(f"q = {q} is no share", where="--q", hint="choose one between 0 and 1, such as 0.1")
    present, past = ({_key(row, by): row for row in table.to_pylist()} for table in (now, earlier))
    others = _OTHERS if {*_OTHERS} <= {*now.column_names} & {*earlier.column_names} else ()
    amounts = (*_AMOUNTS, *others)
    rows = []
    for key in dict.fromkeys((*present, *past)):
        new, old = present.get(key), past.get(key)
        change = _change(new, old, q)
        if change is not None:
            rows.append(
                {name: (new or old or {})[name] for name in (*by, "kind", "further_hubs")}
                | {"news": change.value}
                | {name: new[name] if new else None for name in amounts}
                | {f"earlier_{name}": old[name] if old else None for name in amounts}
                | ({"amount_unit": (new or old or {})["amount_unit"]} if others else {})
            )
    rows.sort(key=lambda row: (_ORDER.index(FindingChange(row["news"])), -_size(row)))
    schema = WATCH.arrow_schema()
    for name in (*others, *(f"earlier_{name}" for name in others)):
        schema = schema.append(pa.field(name, pa.float64()))
    if others:
        schema = schema.append(pa.field("amount_unit", pa.string()))
    return pa.Table.from_pylist(rows, schema=schema)


def _key(row: dict[str, Any], by: Sequence[str]) -> tuple[str | None, ...]:
    """Return what makes a finding the same in both: in sums only relays stand apart from the other kinds."""
    kind = row["kind"]
    if set(GROUP_KEYS) - set(by) and kind != DetourKind.RELAY.value:
        kind = None
    return (*(row[name] for name in by), kind, row["further_hubs"])


def _size(row: dict[str, Any]) -> float:
    return max(row["estimate_usd"] or 0.0, row["earlier_estimate_usd"] or 0.0)


def _is_finding(row: dict[str, Any] | None, q: float) -> bool:
    return bool(row and row["estimate_usd"] and row["q_value"] is not None and row["q_value"] < q)


def _change(new: dict[str, Any] | None, old: dict[str, Any] | None, q: float) -> FindingChange | None:
    """Return what became of a finding; None where it is none and was none."""
    is_now, was = _is_finding(new, q), _is_finding(old, q)
    if new is None or old is None or not (is_now and was):
        return FindingChange.APPEARED if is_now else FindingChange.WENT if was else None
    if new["low_usd"] > old["estimate_usd"] and old["high_usd"] < new["estimate_usd"]:
        return FindingChange.GREW
    if new["high_usd"] < old["estimate_usd"] and old["low_usd"] > new["estimate_usd"]:
        return FindingChange.SHRANK
    return FindingChange.STAYS
