"""Cells added up by the keys of the result, each sum beside what was expected of its cells."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.comparisons import Compared
    from entrepot.detect.gaps.expected import Expected

__all__ = ["Adder", "GroupSums", "group_sums"]

#: A book with less than this of the other's amount did not know of the flow.
_KNEW = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """Sums by the keys asked for; g rows, amounts in USD FOB.

    Attributes
    ----------
    exporter, importer, product, period : (g,)
        Positions; -1 where they are summed over.
    x, m, lost, orphan : (g,)
        Both books, and the gaps of the cells by direction.
    x_before, m_before, lost_before, orphan_before : (g,)
        The same before, scaled to as many periods.
    arrivals, dispatches : (g,)
        Expected reports, see :class:`~entrepot.detect.gaps.expected.Expected`; those of cells without a
        history are what they are.
    known : (g,)
        Share of the trade whose cells have a history.
    periods, before_periods : (g,)
        Most periods of any pair in it.
    """

    exporter: NDArray[np.int32]
    importer: NDArray[np.int32]
    product: NDArray[np.int32]
    period: NDArray[np.int32]
    x: NDArray[np.float64]
    m: NDArray[np.float64]
    lost: NDArray[np.float64]
    orphan: NDArray[np.float64]
    x_before: NDArray[np.float64]
    m_before: NDArray[np.float64]
    lost_before: NDArray[np.float64]
    orphan_before: NDArray[np.float64]
    arrivals: NDArray[np.float64]
    dispatches: NDArray[np.float64]
    known: NDArray[np.float64]
    periods: NDArray[np.int64]
    before_periods: NDArray[np.int64]

    def only(self, at: NDArray[Any]) -> GroupSums:
        """Return the groups under a mask, or at positions."""
        return GroupSums(**{field.name: getattr(self, field.name)[at] for field in fields(self)})

    @property
    def is_one_sided(self) -> NDArray[np.bool_]:
        """(g) Whether one of the books did not know of the flow before, or neither did."""
        return np.minimum(self.x_before, self.m_before) <= _KNEW * np.maximum(self.x_before, self.m_before)

    def log_size(self, small: float) -> NDArray[np.float64]:
        """Return (g) the log of the expected arrivals, those of a small flow added."""
        return np.log(self.arrivals + small)

    def change(self, small: float) -> NDArray[np.float64]:
        """Return (g) ln((importer's + small) / (expected arrivals + small))."""
        return np.log((self.m + small) / (self.arrivals + small))

    @staticmethod
    def joined(parts: Sequence[GroupSums]) -> GroupSums:
        """Return several as one."""
        return GroupSums(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(GroupSums)
            }
        )


def _groups(number: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of every number, in the order of the numbers, and the place of each row's."""
    most = int(number.max(initial=-1)) + 1
    if most > number.size:
        _, first, group = np.unique(number, return_index=True, return_inverse=True)
        return first, group
    rows = np.arange(number.size)
    of_number = np.full(most, -1, dtype=np.int64)
    of_number[number[::-1]] = rows[::-1]
    occurs = of_number >= 0
    return of_number[occurs], (np.cumsum(occurs) - 1)[number]


class Adder:
    """Adds up what has the same number; where all numbers differ and rise, nothing is added or copied.

    Attributes
    ----------
    first
        First row of every number, in the order of the numbers: positions, or all rows.
    """

    def __init__(self, number: NDArray[np.int64]) -> None:
        """Take the numbers of the rows, not under nought."""
        self._group: NDArray[np.int64] | None = None
        self.first: Any = slice(None)
        if not (number[1:] > number[:-1]).all():
            self.first, self._group = _groups(number)

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the values of each number."""
        return values if self._group is None else sum_by(self._group, values, self.first.size)

    def most(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the largest value of each number."""
        if self._group is None:
            return values
        found = np.zeros(self.first.size, dtype=np.int64)
        np.maximum.at(found, self._group, values)
        return found


def group_sums(
    compared: Compared, expected: Expected, has_history: NDArray[np.bool_], keys: Sequence[str]
) -> GroupSums:
    """Add cells up.

    Parameters
    ----------
    compared, expected
        Cells, and what was expected of them.
    has_history : (k,)
        Cells with enough earlier periods; what was expected of the others does not count.
    keys
        Some of ``exporter``, ``importer``, ``hs_code``, ``period``.
    """
    columns = {
        "exporter": compared.exporter,
        "importer": compared.importer,
        "product": compared.product,
        "period": compared.period,
    }
    wanted = ["product" if key == "hs_code" else key for key in keys]
    number = np.zeros(compared.x.size, dtype=np.int64)
    for name in wanted:
        values = columns[name]
        number = number * (int(values.max(initial=0)) + 1) + values
    adder = Adder(number)
    first, total, most = adder.first, adder.total, adder.most
    gap, gap_before = compared.x - compared.m, compared.x_before - compared.m_before
    trade = compared.x + compared.m
    whole = total(trade)
    n = whole.size
    return GroupSums(
        **{
            name: values[first] if name in wanted else np.full(n, -1, dtype=np.int32)
            for name, values in columns.items()
        },
        x=total(compared.x),
        m=total(compared.m),
        lost=total(np.maximum(gap, 0.0)),
        orphan=total(np.maximum(-gap, 0.0)),
        x_before=total(compared.x_before),
        m_before=total(compared.m_before),
        lost_before=total(np.maximum(gap_before, 0.0)),
        orphan_before=total(np.maximum(-gap_before, 0.0)),
        arrivals=total(np.where(has_history, expected.arrivals, compared.m)),
        dispatches=total(np.where(has_history, expected.dispatches, compared.x)),
        known=np.divide(total(np.where(has_history, trade, 0.0)), whole, out=np.zeros(n), where=whole > 0),
        periods=most(compared.periods),
        before_periods=most(compared.before_periods),
    )
