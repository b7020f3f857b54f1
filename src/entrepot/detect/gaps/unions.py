"""Customs unions as one exporter or importer beside their members, membership by period.

What one member sent abroad, or let in, another's book may hold: goods of Germany leave through Rotterdam
as Dutch exports and arrive as German ones. Only in the sum over the members do the two books meet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from entrepot.detect.kernels.sums import sum_by
from entrepot.nomenclature import CUSTOMS_UNIONS, memberships

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.rows import GapRows
    from entrepot.nomenclature import Membership

__all__ = ["membership", "with_unions"]

_Rows = TypeVar("_Rows", bound="GapRows")


def with_unions(rows: _Rows, unions: Sequence[str]) -> _Rows:
    """Return the rows, and after them those of each union as one area.

    Parameters
    ----------
    rows
        Flows between areas.
    unions
        Names of customs unions.

    Returns
    -------
    GapRows, or PartRows of PartRows
        Trade of a union's members among themselves is in none of its rows. Only what both sides published
        is added up, so that a silent member is missing in both books alike. Trade between two unions has a
        row too.
    """
    for name in unions:
        code = CUSTOMS_UNIONS[name]
        inside = membership(rows, name)
        if not inside.any():
            continue
        shared = rows.shared
        exports = np.atleast_1d((shared.exports.T & inside).any(axis=1))
        imports = np.atleast_1d((shared.imports.T & inside).any(axis=1))
        if code in rows.areas:
            at = rows.areas.index(code)
            rows = replace(rows, shared=shared.open_area(at, exports, imports))
        else:
            at = len(rows.areas)
            rows = replace(rows, areas=(*rows.areas, code), shared=shared.with_area(exports, imports))
            inside = np.pad(inside, ((0, 0), (0, 1)))
        is_out, is_in = inside[rows.period, rows.exporter], inside[rows.period, rows.importer]
        sent = rows.only(is_out & ~is_in)
        taken = rows.only(is_in & ~is_out)
        sent = replace(sent, exporter=np.full_like(sent.exporter, at))
        taken = replace(taken, importer=np.full_like(taken.importer, at))
        rows = rows.joined(_summed(sent), _summed(taken))
    return rows


def membership(rows: GapRows, name: str) -> NDArray[np.bool_]:
    """Return (periods, areas) whether an area was a member of a union in the middle of a period."""
    inside = np.zeros((len(rows.periods), len(rows.areas)), dtype=bool)
    position = {code: at for at, code in enumerate(rows.areas)}
    for stay in memberships(name):
        at = position.get(stay.member)
        if at is not None:
            for number, period in enumerate(rows.periods):
                inside[number, at] |= _is_in(stay, period)
    return inside


def _is_in(stay: Membership, period: str) -> bool:
    year, _, month = period.partition("-")
    middle = date(int(year), int(month), 15) if month else date(int(year), 7, 1)
    return (stay.valid_from is None or stay.valid_from <= middle) and (
        stay.valid_to is None or middle <= stay.valid_to
    )


def _summed(rows: _Rows) -> _Rows:
    key = rows.cell * len(rows.periods) + rows.period
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    sums: dict[str, Any] = {name: sum_by(number, getattr(rows, name), first.size) for name in rows.AMOUNTS}
    return replace(rows.only(first), **sums)
