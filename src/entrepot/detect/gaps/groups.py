"""Cells added up by the keys of the result, each sum beside what was expected of its cells."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.kernels.sums import add_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.comparisons import Compared
    from entrepot.detect.gaps.expected import Expected
    from entrepot.detect.gaps.rows import GapRows

__all__ = ["Adder", "BookSums", "GroupAdder", "GroupSums"]

_AMOUNTS = (
    "x", "m", "lost", "orphan", "x_before", "m_before", "lost_before", "orphan_before", "arrivals",
    "dispatches",
)  # fmt: skip
#: Share of a group's trade that must have a history.
_MOSTLY = 0.5

#: A book with less than this of the other's amount did not know of the flow.
_KNEW = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class BookSums:
    """What groups are judged by, see :class:`GroupSums`; g rows."""

    x: NDArray[np.float64]
    m: NDArray[np.float64]
    arrivals: NDArray[np.float64]
    dispatches: NDArray[np.float64]


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
    has_history : (g,)
        Whether at least half of the trade is of cells that have a history.
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
    has_history: NDArray[np.bool_]
    periods: NDArray[np.int32]
    before_periods: NDArray[np.int32]

    def books(self, at: Any = slice(None)) -> BookSums:
        """Return both books of all groups, or of those at positions."""
        return BookSums(self.x[at], self.m[at], self.arrivals[at], self.dispatches[at])

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
    size
        How many numbers there are.
    """

    def __init__(self, number: NDArray[np.int64]) -> None:
        """Take the numbers of the rows, not under nought."""
        self._group: NDArray[np.int64] | None = None
        self.first: Any = slice(None)
        self.size = number.size
        if not (number[1:] > number[:-1]).all():
            self.first, self._group = _groups(number)
            self.size = self.first.size

    @property
    def is_each_alone(self) -> bool:
        """Whether no two rows have one number."""
        return self._group is None

    def add(self, values: NDArray[np.float64], to: NDArray[np.float64], rows: slice) -> None:
        """Add the values of some rows to the sums of their numbers, in place."""
        if self._group is None:
            to[rows] = values
        else:
            add_by(self._group[rows], values, to)

    def raise_to(self, values: NDArray[np.int64], to: NDArray[np.int32], rows: slice) -> None:
        """Raise the largest values of the numbers of some rows to theirs, in place."""
        if self._group is None:
            to[rows] = values
        else:
            np.maximum.at(to, self._group[rows], values.astype(np.int32))


class GroupAdder:
    """Adds cells up by the keys of the result, as they come."""

    def __init__(self, cells: GapRows | Compared, keys: Sequence[str]) -> None:
        """Take all cells that will come, and some of ``exporter``, ``importer``, ``hs_code``, ``period``."""
        wanted = ["product" if key == "hs_code" else key for key in keys]
        number = np.zeros(cells.x.size, dtype=np.int64)
        for name in wanted:
            values = getattr(cells, name)
            number *= int(values.max(initial=0)) + 1
            number += values
        self._adder = Adder(number)
        first, size = self._adder.first, self._adder.size
        self._keys: dict[str, NDArray[np.int32]] = {
            name: getattr(cells, name)[first] if name in wanted else np.full(size, -1, dtype=np.int32)
            for name in ("exporter", "importer", "product", "period")
        }
        #: A cell of its own is what it is: no sums beside it.
        self._books = {"x": cells.x, "m": cells.m} if self._adder.is_each_alone else {}
        self._amounts = {name: np.zeros(size) for name in _AMOUNTS if name not in self._books}
        self._traded = np.zeros((2, 0 if self._adder.is_each_alone else size))
        self._has_history = np.zeros(size, dtype=bool)
        self._periods = [np.zeros(size, dtype=np.int32) for _ in range(2)]
        self._rows = 0

    def add(self, compared: Compared, expected: Expected, has_history: NDArray[np.bool_]) -> None:
        """Add the next cells.

        Parameters
        ----------
        compared, expected
            Cells, and what was expected of them.
        has_history : (k,)
            Cells with enough earlier periods; what was expected of the others does not count.
        """
        rows = slice(self._rows, self._rows + compared.x.size)
        self._rows = rows.stop
        for name, values in _amounts(compared, expected, has_history).items():
            if name in self._amounts:
                self._adder.add(values(), self._amounts[name], rows)
        for of, counts in zip(self._periods, (compared.periods, compared.before_periods), strict=True):
            self._adder.raise_to(counts, of, rows)
        trade = compared.x + compared.m
        if self._adder.is_each_alone:
            self._has_history[rows] = has_history & (trade > 0)
        else:
            self._adder.add(trade, self._traded[0], rows)
            self._adder.add(np.where(has_history, trade, 0.0), self._traded[1], rows)

    def sums(self) -> GroupSums:
        """Return the groups, once all cells have been added."""
        if not self._adder.is_each_alone:
            whole, known = self._traded
            share = np.divide(known, whole, out=np.zeros(whole.size), where=whole > 0)
            self._has_history = share >= _MOSTLY
        periods, before = self._periods
        found: dict[str, Any] = self._keys | self._books | self._amounts
        return GroupSums(
            **found,
            has_history=self._has_history,
            periods=periods,
            before_periods=before,
        )


def _amounts(
    compared: Compared, expected: Expected, has_history: NDArray[np.bool_]
) -> dict[str, Callable[[], NDArray[np.float64]]]:
    """Return how each amount of cells is made, one after the other."""
    x, m, x_before, m_before = compared.x, compared.m, compared.x_before, compared.m_before
    return {
        "x": lambda: x,
        "m": lambda: m,
        "lost": lambda: np.maximum(x - m, 0.0),
        "orphan": lambda: np.maximum(-(x - m), 0.0),
        "x_before": lambda: x_before,
        "m_before": lambda: m_before,
        "lost_before": lambda: np.maximum(x_before - m_before, 0.0),
        "orphan_before": lambda: np.maximum(-(x_before - m_before), 0.0),
        "arrivals": lambda: np.where(has_history, expected.arrivals, m),
        "dispatches": lambda: np.where(has_history, expected.dispatches, x),
    }
