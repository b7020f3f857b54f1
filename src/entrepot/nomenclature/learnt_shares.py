"""Shares of split codes, learnt from trade that was seen under both revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Shares", "learnt_shares"]

#: By source code, the share of every target code.
Shares: TypeAlias = "Mapping[str, Mapping[str, float]]"

_ROUNDS = 200
_CLOSE = 1e-10

#: A source code without trade of its own takes the shares that its relatives leave.
_UNSEEN = 1e-9


def learnt_shares(
    targets: Mapping[str, Sequence[str]], before: Mapping[str, float], after: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Return the shares that fit the trade seen under both revisions best.

    *Formula*  Iterative proportional fitting within each family of linked codes: the flows from source to
    target codes start equal and are scaled in turn until a code's flows sum to its value before and, with
    the family's growth taken out, to its value after. A code that only splits gets the targets' shares of
    their sum. Of all fits it is the one nearest to equal shares (Deming & Stephan 1940).

    Parameters
    ----------
    targets
        The linked codes of the other revision, by source code.
    before, after
        Trade values under the source and the target revision.

    Returns
    -------
    dict
        Shares by source code, each summing to one; only of codes in families with trade on both sides. A
        target without trade gets nothing.
    """
    found: dict[str, dict[str, float]] = {}
    for family in _families(targets):
        if len(family) > 1 or len(targets[family[0]]) > 1:
            found |= _fitted({code: targets[code] for code in family}, before, after)
    return found


def _families(targets: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the source codes that are linked with one another through targets."""
    sources: dict[str, list[str]] = {}
    for code, others in targets.items():
        for other in others:
            sources.setdefault(other, []).append(code)
    families: list[list[str]] = []
    seen: set[str] = set()
    for start in targets:
        if start in seen:
            continue
        seen.add(start)
        family = [start]
        for code in family:  # grows while it is walked
            for other in targets[code]:
                fresh = [one for one in sources[other] if one not in seen]
                seen.update(fresh)
                family += fresh
        families.append(family)
    return families


def _fitted(
    targets: Mapping[str, Sequence[str]], before: Mapping[str, float], after: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    reached = {other for others in targets.values() for other in others}
    rows = {code: max(before.get(code, 0.0), 0.0) for code in targets}
    columns = {other: max(after.get(other, 0.0), 0.0) for other in reached}
    whole, whole_after = sum(rows.values()), sum(columns.values())
    if not whole or not whole_after:
        return {}
    rows = {code: max(value / whole, _UNSEEN) for code, value in rows.items()}
    columns = {other: value / whole_after for other, value in columns.items()}
    flows = {
        (code, other): rows[code] / len(others)
        for code, others in targets.items()
        for other in others
        if columns[other]
    }
    for _ in range(_ROUNDS):
        flows, change = _scaled(flows, columns, side=1)
        flows, change_of_rows = _scaled(flows, rows, side=0)
        if max(change, change_of_rows) < _CLOSE:
            break
    found: dict[str, dict[str, float]] = {}
    for code in targets:
        own = {other: flow for (start, other), flow in flows.items() if start == code and flow}
        if total := sum(own.values()):
            found[code] = {other: flow / total for other, flow in own.items()}
    return found


def _scaled(
    flows: dict[tuple[str, str], float], goal: Mapping[str, float], *, side: int
) -> tuple[dict[tuple[str, str], float], float]:
    """Scale flows to the sums of one side; return the largest relative change too."""
    sums: dict[str, float] = {}
    for link, flow in flows.items():
        sums[link[side]] = sums.get(link[side], 0.0) + flow
    factor = {code: goal[code] / total if total else 0.0 for code, total in sums.items()}
    change = max((abs(one - 1.0) for one in factor.values()), default=0.0)
    return {link: flow * factor[link[side]] for link, flow in flows.items()}, change
