"""Windows of periods as text: ``2021``, ``2021:2022``, ``2021-01:2021-12``."""

from __future__ import annotations

import re
from dataclasses import dataclass

import narwhals as nw

from entrepot.errors import OptionError

__all__ = ["Window", "parse_window", "two_windows"]

_PERIOD = re.compile(r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True)
class Window:
    """Periods from first to last, both included.

    Attributes
    ----------
    first, last
        Periods as text, of one frequency.
    length
        How many periods they are.
    """

    first: str
    last: str
    length: int

    def holds(self, period: str = "period") -> nw.Expr:
        """Return whether a period lies in the window; text of one form sorts as time does."""
        column = nw.col(period)
        return (column >= self.first) & (column <= self.last)


def parse_window(text: str, *, option: str) -> Window:
    """Return the window of a text.

    Raises
    ------
    OptionError
        The text is none.

    Examples
    --------
    >>> parse_window("2021-11:2022-02", option="before").length
    4
    """
    parts = [_PERIOD.fullmatch(part.strip()) for part in text.split(":")]
    ends = [part for part in parts if part is not None]
    if len(ends) != len(parts) or len(parts) > 2 or len({end["month"] is None for end in ends}) > 1:
        raise OptionError(
            f"{text!r} is no period or span of periods",
            where=option,
            hint="write 2021, 2021:2022, 2021-01 or 2021-01:2021-12",
        )
    first, last = ends[0], ends[-1]
    step = 12 if first["month"] is None else 1
    numbers = [int(end["year"]) * 12 + int(end["month"] or 1) for end in (first, last)]
    if numbers[1] < numbers[0]:
        raise OptionError(f"{text!r} ends before it begins", where=option, hint="put the earlier end first")
    return Window(first[0], last[0], (numbers[1] - numbers[0]) // step + 1)


def two_windows(before: str, after: str) -> tuple[Window, Window]:
    """Return two windows that may be compared.

    Raises
    ------
    OptionError
        They differ in length or frequency, or overlap.
    """
    earlier, later = parse_window(before, option="before"), parse_window(after, option="after")
    if len(earlier.first) != len(later.first) or earlier.length != later.length:
        raise OptionError(
            f"{before} has {earlier.length} periods and {after} {later.length}, of one frequency or two",
            where="before and after",
            hint="choose windows of the same number of years, or of months",
        )
    if later.first <= earlier.last:
        raise OptionError(
            f"{after} does not begin after {before}", where="before and after", hint="move one of them"
        )
    return earlier, later
