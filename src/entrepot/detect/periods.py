"""Periods and windows: months or years before and after an event."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "WindowPair",
    "event_windows",
    "parse_period",
    "parse_span",
    "period_spans",
    "period_text",
    "placebo_windows",
]

_PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")
_LONGEST = 60
_SHORTEST_PLACEBO = 3


def parse_period(text: str, *, option: str) -> int:
    """Return a period as a number: months since year 0 for ``2022-03``, the year for ``2022``.

    Raises
    ------
    OptionError
        The text is neither a month nor a year.
    """
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        raise OptionError(
            f"{text!r} is no period", where=option, hint="write a month as 2022-03 or a year as 2022"
        )
    year, month = match.groups()
    return int(year) if month is None else int(year) * 12 + int(month) - 1


def period_text(number: int, *, is_monthly: bool) -> str:
    """Return the text of a period: ``2022-03`` or ``2022``."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}" if is_monthly else f"{number:04d}"


def period_spans(periods: Iterable[str]) -> str:
    """Return periods in words, those that follow one another as spans; months before years.

    Examples
    --------
    >>> period_spans(["2021-12", "2022-01", "2022-05", "2019"])
    '2021-12:2022-01, 2022-05, 2019'
    """
    periods = tuple(periods)
    texts: list[str] = []
    for is_monthly in (True, False):
        numbers = sorted(parse_period(p, option="period") for p in set(periods) if ("-" in p) == is_monthly)
        starts = [n for place, n in enumerate(numbers) if place == 0 or numbers[place - 1] != n - 1]
        ends = [n for place, n in enumerate(numbers) if n == numbers[-1] or numbers[place + 1] != n + 1]
        for start, end in zip(starts, ends, strict=True):
            span = dict.fromkeys(period_text(n, is_monthly=is_monthly) for n in (start, end))
            texts.append(":".join(span))
    return ", ".join(texts)


def parse_span(text: str, *, option: str) -> tuple[int, int]:
    """Return the first and last period of ``2021-01:2022-02``; a single period is a span of one.

    Raises
    ------
    OptionError
        The ends are no periods, of different frequency, or the wrong way round.
    """
    first, colon, last = text.partition(":")
    last = last if colon else first
    start, end = parse_period(first, option=option), parse_period(last, option=option)
    if ("-" in first) != ("-" in last) or end < start:
        raise OptionError(
            f"{text!r} is no span of periods",
            where=option,
            hint="write first:last, both months (2021-01:2022-02) or both years (2015:2017)",
        )
    return start, end


@dataclass(frozen=True, slots=True)
class WindowPair:
    """Two windows to compare.

    Attributes
    ----------
    before, after
        Periods as numbers (see :func:`parse_period`), increasing.
    is_monthly
        Months, not years.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    is_monthly: bool

    @property
    def label(self) -> str:
        """Return the windows in words, for output."""
        return f"{self.text(self.before)} against {self.text(self.after)}"

    def text(self, window: tuple[int, ...]) -> str:
        """Return a window as ``first:last``."""
        return (
            f"{period_text(window[0], is_monthly=self.is_monthly)}:"
            f"{period_text(window[-1], is_monthly=self.is_monthly)}"
        )


def event_windows(
    event: str, *, published: Iterable[str], before: str | None = None, after: str | None = None
) -> WindowPair:
    """Return the windows around an event, cut to the periods that are in the data.

    Parameters
    ----------
    event
        Month (or year) of the event.
    published
        Periods in the data; months when the event is a month.
    before, after
        Spans. By default the 24 months (3 years) that end two months before the event, so that stockpiling
        is left out, and all that follows from two months after it.

    Raises
    ------
    OptionError
        The windows overlap or hold no period of the data.
    """
    is_monthly = "-" in event
    unit = "months" if is_monthly else "years"
    at = parse_period(event, option="--event")
    have = sorted(parse_period(p, option="period") for p in set(published) if ("-" in p) == is_monthly)
    if not have:
        raise OptionError(
            f"the data hold no {unit}",
            where="--event",
            hint="give a year for annual data, a month for monthly data",
        )
    gap = 2 if is_monthly else 1
    span_before = (
        parse_span(before, option="--before") if before else (at - (25 if is_monthly else 3), at - gap)
    )
    span_after = parse_span(after, option="--after") if after else (at + gap, have[-1])
    for option, given in (("--before", before), ("--after", after)):
        if given and ("-" in given) != is_monthly:
            raise OptionError(
                f"{given!r} and the event {event} differ in frequency", where=option, hint=f"give {unit}"
            )
    if span_before[1] >= span_after[0] or span_before[1] >= at:
        raise OptionError(
            "the before-window must end before the event and before the after-window begins",
            where="--before, --after, --event",
            hint="for instance --event 2022-03 --before 2021-01:2022-01 --after 2022-05:2023-12",
        )
    if span_after[0] < at:
        raise OptionError(
            "the after-window must not begin before the event",
            where="--after, --event",
            hint=f"begin it with {event} or later, or give the true date of the event",
        )
    pair = WindowPair(
        before=tuple(p for p in have if span_before[0] <= p <= span_before[1]),
        after=tuple(p for p in have if span_after[0] <= p <= span_after[1]),
        is_monthly=is_monthly,
    )
    for option, window in (("--before", pair.before), ("--after", pair.after)):
        if not window:
            raise OptionError(
                f"no {unit[:-1]} of the window is in the data",
                where=option,
                hint=f"the data have {period_text(have[0], is_monthly=is_monthly)}"
                f":{period_text(have[-1], is_monthly=is_monthly)}",
            )
    return pair


def placebo_windows(event: WindowPair, *, published: Iterable[str], most: int = 4) -> tuple[WindowPair, ...]:
    """Return windows in which nothing happened: all before the event, as like the event's as can be.

    First the event's own windows moved back by whole years; then splits of the before-window, which keep
    the seasons where they can. Each placebo has at least three periods on either side (one, for years).

    Returns
    -------
    tuple
        Up to ``most`` pairs; empty where the data before the event are too short.
    """
    have = sorted(parse_period(p, option="period") for p in set(published) if ("-" in p) == event.is_monthly)
    quiet = [p for p in have if p <= event.before[-1]]
    fewest = _SHORTEST_PLACEBO if event.is_monthly else 1
    year = 12 if event.is_monthly else 1
    found: list[WindowPair] = []

    def add(before: list[int], after: list[int]) -> None:
        pair = WindowPair(tuple(before), tuple(after), event.is_monthly)
        if len(before) >= fewest and len(after) >= fewest and pair not in found:
            found.append(pair)

    for shift in range(year, _LONGEST + 1, year):
        after = [p for p in quiet if p + shift in event.after]
        before = [p for p in quiet if p < min(after, default=0) and p >= event.before[0] - shift]
        if len(after) * 2 >= min(len(event.after), year):
            add(before[-len(event.before) :], after)
    window = quiet[-len(event.before) - year :]
    third, half = len(window) // 3, len(window) // 2
    # The ends of the window lie as far apart as the event's windows do: flows drift with time.
    for before_part, after_part in ((window[:third], window[-third:]), (window[:half], window[half:])):
        add(before_part, after_part)
    add(window[: 2 * third], window[2 * third :])
    return tuple(found[:most])
