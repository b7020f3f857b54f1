"""What would have gone out and come back without a round trip, and how far flows stray from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.loops.growth import log_growth
from entrepot.detect.loops.windows import month_number
from entrepot.detect.noise import appearing_size, fit_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.loops.paths import Paths
    from entrepot.detect.loops.windows import Trade, WindowSums
    from entrepot.detect.noise import Noise

__all__ = ["ExpectedTrade", "expect_trade", "student_tail"]

_TAILS = (2.0, 3.0, 5.0, 10.0, 30.0)
_FEWEST_UNIT_VALUES = 4.0
_LEAST = 0.01
_MOST_RESIDUALS = 200_000
_MIDDLE = (0.95, 0.05)
_LEAST_STRETCH = 0.5


@dataclass(frozen=True, slots=True)
class ExpectedTrade:
    """Expected flows of every pair of windows.

    Attributes
    ----------
    usd, kg
        (n,) a pair of windows: expected flow of the after-window; NaN where the pair was not observed, and
        of kg where the weights are not known.
    sd
        (n,) a pair of windows: standard deviation of the log change.
    noise
        Where the deviations come from.
    tail
        Degrees of freedom of the Student distribution of the log changes over their deviations.
    stretch
        A number a pair of windows: how much further flows stray from what was expected than in the quiet
        windows, of which the deviations are learnt. Over one where trade since is less like trade before.
    """

    usd: tuple[NDArray[np.float64], ...]
    kg: tuple[NDArray[np.float64], ...]
    sd: tuple[NDArray[np.float64], ...]
    noise: Noise
    tail: float
    stretch: tuple[float, ...]


def expect_trade(trade: Trade, paths: Paths) -> ExpectedTrade:
    """Learn growth from all flows and noise from the quiet windows (from the event's, without any)."""
    together = [_together(trade, paths, at) for at in range(len(trade.windows))]
    sides = [trade.cells(at) for at in range(len(trade.windows))]
    quiet = range(1, len(sides)) if len(sides) > 1 else range(1)
    floor = appearing_size([sides[at][0] for at in quiet])
    expected = [cells.before for cells, _ in sides]

    def learnt(floor: float) -> Noise:
        return fit_noise([expected[at] for at in quiet], [sides[at][0].after for at in quiet], floor=floor)

    for _ in range(2):
        # the floor of the noise would draw the growth of ordinary flows to nothing
        changes = learnt(_LEAST * floor)
        expected = [
            _expected(cells, changes, by_pair[cells.exporter, cells.importer])
            for (cells, _), by_pair in zip(sides, together, strict=True)
        ]
    noise = learnt(floor)
    usd, kg, sd = [], [], []
    for at, (_, kept) in enumerate(sides):
        whole = np.where(np.isnan(trade.sums[at].before), np.nan, 0.0)
        whole[kept] = expected[at]
        usd.append(whole)
        kg.append(_expected_kg(trade, trade.sums[at], whole))
        sd.append(noise.at(np.nan_to_num(whole)))
    residuals = [
        noise.log_change(cells.after, expected[at]) / noise.at(expected[at])
        for at, (cells, _) in enumerate(sides)
    ]
    return ExpectedTrade(
        tuple(usd), tuple(kg), tuple(sd), noise,
        student_tail(np.concatenate([residuals[at] for at in quiet])), _stretch(residuals, quiet),
    )  # fmt: skip


def _stretch(residuals: Sequence[NDArray[np.float64]], quiet: range) -> tuple[float, ...]:
    """Return how far the middle nine tenths of each window's residuals reach, over the mean of the quiet."""
    reach = [float(np.subtract(*np.quantile(r, _MIDDLE))) if r.size else 0.0 for r in residuals]
    usual = float(np.mean([reach[at] for at in quiet]))
    return tuple(max(one / usual, _LEAST_STRETCH) if usual > 0 else 1.0 for one in reach)


def _together(trade: Trade, paths: Paths, at: int) -> NDArray[np.float64]:
    """Return (n_areas, n_areas) the log growth that two areas have together, beyond that of each."""
    first = month_number(trade.periods[0])
    before, after = (
        np.array(window, dtype=np.int64) - first
        for window in (trade.windows[at].before, trade.windows[at].after)
    )
    return np.asarray(np.log(paths.together(after) / paths.together(before)))


def _expected(cells: Cells, changes: Noise, together: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected flow of every cell: what it was, grown as the others of its groups grew.

    ``changes`` is the noise on the scale of the log changes, whose floor is theirs.
    """
    change = changes.log_change(cells.after, cells.before) - together
    growth = log_growth(cells, change, changes.at(cells.before))
    return np.asarray(cells.before * np.exp(together + growth))


def _expected_kg(trade: Trade, sums: WindowSums, expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return expected weights: expected values at each flow's own unit value, moved with its product's."""
    moved = (sums.before > 0) & (sums.after > 0) & (sums.before_kg > 0) & (sums.after_kg > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit_before, unit_after = sums.before / sums.before_kg, sums.after / sums.after_kg
        change = np.log(unit_after / unit_before)
    group = np.where(moved, trade.product, -1)
    found = grouped_median(np.where(moved, change, 0.0), np.ones(change.size), group, len(trade.products))
    growth = np.nan_to_num(found.value) * found.count / (found.count + _FEWEST_UNIT_VALUES)
    kg = np.divide(
        expected, unit_before * np.exp(growth[trade.product]),
        out=np.full(expected.size, np.nan), where=sums.before_kg > 0,
    )  # fmt: skip
    # what did not flow before had no weight: nothing is expected of it
    return np.where(sums.before == 0, np.where(np.isnan(expected), np.nan, 0.0), kg)


def student_tail(residuals: NDArray[np.float64]) -> float:
    """Return the degrees of freedom, of a few, under which standardised log changes are likeliest."""
    if not residuals.size:
        return _TAILS[1]
    some = residuals[:: max(residuals.size // _MOST_RESIDUALS, 1)]

    def mean_log(nu: float) -> float:
        constant = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * np.log(nu * np.pi)
        return float(constant - (nu + 1) / 2 * np.log1p(some**2 / nu).mean())

    return max(_TAILS, key=mean_log)
