"""The evidence for a headline: how firm it is, what competes with it, how the search was tested."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.report.amounts import MISSING, amount, amount_range, percent
from entrepot.report.kinds import Shares
from entrepot.report.labels import enumerate_words
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrepot.detect.result import CalibrationSummary, Headline

__all__ = [
    "BASELINES",
    "UNIDENTIFIED",
    "Comparison",
    "baseline_words",
    "calibration_words",
    "comparisons",
    "placebo_words",
    "strength",
]

#: The baseline that withholds every amount.
UNIDENTIFIED = "unidentified"

#: What each baseline expects.
BASELINES = {
    "untreated": "growth of trade that the event did not touch",
    "unlisted": "growth of the same areas' other goods",
    "gravity": "growth of trade that the event did not touch, by a gravity model",
    "controls": "growth of the same pairs in goods outside the list, and of each product elsewhere",
    "unchanged": "level of before, without growth",
    UNIDENTIFIED: "level of before, since nothing in the data tells ordinary growth from the event",
}

_STRONG_PLACEBO = 0.05
_MOSTLY = 0.5
_NEXT_TO_NOTHING = 0.1
_WIDE = 4.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure to hold against the headline.

    Attributes
    ----------
    label, figure, note
        What it is, how much, and what to make of it.
    is_part
        Whether it is a part of the figure above it.
    """

    label: str
    figure: str
    note: str
    is_part: bool = False


def strength(head: Headline) -> str:
    """Return how firmly the evidence lets the headline be said.

    ``strong``: placebos give at most 5% of it, published books show most of it going on, and the interval's
    ends are within a factor of four. ``moderate``: one of the three fails; ``weak``: more, or no placebo
    was possible, or next to nothing is seen going on. ``none``: no amount is given.
    """
    if head.status != "identified":
        return "none"
    share = head.placebo_share
    failed = [
        not share <= _STRONG_PLACEBO,
        not head.onward_observed_share >= _MOSTLY,
        not head.high_usd <= _WIDE * head.low_usd,
    ]
    if math.isnan(share) or sum(failed) > 1 or head.onward_observed_share < _NEXT_TO_NOTHING:
        return "weak"
    return "moderate" if any(failed) else "strong"


def comparisons(head: Headline) -> Iterator[Comparison]:
    """Yield the estimate and what competes with it."""
    is_stated = head.status == "identified"
    if is_stated:
        missing = percent(head.estimate_usd / head.shortfall_usd) if head.shortfall_usd > 0 else MISSING
        interval = amount_range(head.low_usd, head.high_usd)
        yield Comparison(
            "Estimate",
            amount(head.estimate_usd),
            f"90% interval {interval}; {missing} of the missing direct trade",
        )
        yield from _parts(head)
        if math.isfinite(head.largest_usd):
            yield Comparison(
                "The books allow",
                amount_range(head.smallest_usd, head.largest_usd),
                "least and most through these hubs at the growth expected, whichever goods are matched",
            )
    else:
        stated = "0" if head.status == "nothing found" else "withheld"
        yield Comparison("Estimate", stated, head.status)
    if is_stated or head.status == "nothing found":
        for name, usd in head.by_baseline.items():
            if name != head.baseline:
                yield Comparison(f"With baseline {name}", amount(usd), BASELINES.get(name, ""))
    if head.placebo_usd:
        most = amount_range(min(head.placebo_usd), max(head.placebo_usd))
        mean = f", on average {percent(head.placebo_share)} of the estimate" if is_stated else ""
        yield Comparison(
            "Placebo dates", most, f"{_dates(len(head.placebo_usd))} on which nothing happened{mean}"
        )
    over = "the level of before" if head.baseline == UNIDENTIFIED else "its expected growth"
    yield Comparison(
        "Excess only", amount(head.excess_in_usd), f"inbound trade over {over}, where hub and goods stand out"
    )
    yield Comparison(
        "Plain increase",
        amount(head.raw_increase_usd),
        "origin → hub: what a spreadsheet would call rerouted",
    )
    yield Comparison(
        "Missing direct trade", amount(head.shortfall_usd), f"origin → destination, under {over}"
    )
    if is_stated and head.relay_usd > 0:
        yield Comparison(
            "Relayed by others",
            f"up to {amount(head.relay_high_usd)}",
            "not part of the estimate: goods of suppliers whose own direct trade did not fall; a weaker "
            "statement",
        )


def _parts(head: Headline) -> Iterator[Comparison]:
    """Yield what of the estimate is of which kind, where it is of more than one."""
    said = {
        DetourKind.DECLARED: ("of it declared", "published books show the goods going on"),
        DetourKind.UNSEEN: (
            "of it unseen",
            "not in the hubs' books: consistent with transit, under-declaration or misclassification",
        ),
        DetourKind.ONWARD_UNOBSERVED: (
            "of it not observed",
            "nobody publishes the onward leg of these goods",
        ),
    }
    parts = Shares.of(head).named()
    if len(parts) > 1:
        for kind, usd in parts.items():
            label, note = said[kind]
            yield Comparison(label, amount(usd), f"{percent(usd / head.estimate_usd)}; {note}", is_part=True)


def baseline_words(head: Headline) -> str:
    """Return how the expected trade was found, and the range over baselines."""
    words = BASELINES.get(head.baseline, head.baseline)
    used = f"Expected trade follows the {words} (baseline {head.baseline})."
    if head.status == "identified" and len(head.by_baseline) > 1:
        low, high = min(head.by_baseline.values()), max(head.by_baseline.values())
        used += f" Over {len(head.by_baseline)} baselines the total is {amount_range(low, high)} USD."
    return used


def _dates(n: int) -> str:
    return "one date" if n == 1 else f"{n} dates"


def placebo_words(head: Headline) -> str:
    """Return what the same search gives where nothing happened."""
    n = len(head.placebo_usd)
    if not n:
        return "No placebo date was possible: the data before the event are too short."
    given = enumerate_words([amount(usd) for usd in head.placebo_usd], most=6)
    share = head.placebo_share
    if not math.isfinite(share):
        against = ", where the event gives nothing"
    elif share > 1:
        against = ": on average more than the event gives"
    else:
        against = f": on average {percent(share)} of what the event gives"
    return f"The same search at {_dates(n)} on which nothing happened gives {given} USD{against}."


def calibration_words(summary: CalibrationSummary) -> str:
    """Return how far planted detours were recovered."""
    if not summary.sets:
        return "Not calibrated: no detours were planted."
    return (
        f"Of {summary.sets} sets of detours planted in the months before the event, the search recovered "
        f"{percent(summary.recovered_share)} of the value (median); it erred by "
        f"{percent(summary.hub_error)} by hub and {percent(summary.row_error)} by row. On sets held out, the "
        f"90% intervals held {percent(summary.total_coverage)} of totals, {percent(summary.hub_coverage)} by "
        f"hub and {percent(summary.row_coverage)} by row.{_noisier(summary.noise_ratio)}"
    )


def _noisier(ratio: float) -> str:
    """Return that the months before the event are no measure of those after it; nothing where they are."""
    if ratio == 1.0:
        return ""
    return (
        f" Trade outside the question strayed {ratio:.1f} times as far from what was expected as around the "
        "placebo dates, so what flows there was made to stray as far."
    )
