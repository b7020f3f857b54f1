"""What a search for detours returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.detect.baseline import Baseline
from entrepot.detect.findings import (
    LARGEST_PLACEBO_SHARE,
    NOTHING_PLANTED_FOUND,
    TOO_LITTLE_BEFORE,
    UNIDENTIFIED_BASELINE,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.periods import WindowPair
    from entrepot.detect.valued import ValuedTotal

__all__ = ["CalibrationSummary", "DetourResult", "Headline"]


@dataclass(frozen=True, slots=True)
class Headline:
    """The sum over all corridors, and what to hold against it.

    Attributes
    ----------
    estimate_usd, low_usd, high_usd
        Total with its own calibrated 90% interval (NaN where none could be learnt), USD FOB.
    placebo_usd
        Total that each placebo date gives, worth what it is in the event's window.
    baseline
        Baseline of the estimate.
    by_baseline
        Total by baseline: the range to print beside the headline.
    shortfall_usd
        Direct trade that is missing.
    raw_increase_usd
        Sum of all increases origin → hub: what a spreadsheet would call rerouted.
    excess_in_usd
        Sum of all inbound excesses over the expected flow: the next simplest answer.
    onward_observed_share
        Part of the estimate that the hubs declare and that somebody's books show going on.
    unseen_usd
        Part of the estimate that reached hubs and that the hubs' own books do not show.
    relay_usd
        What others sent through the same hubs; not a part of the estimate.
    relay_high_usd
        The most that the sums of the legs allow; see :func:`entrepot.detect.relay_limit.largest_relay`.
    smallest_usd, largest_usd
        The least and the most that the books allow the estimate to be, whatever shares are assumed; see
        :mod:`entrepot.detect.extremes`. NaN where there are too many corridors to tell.
    """

    estimate_usd: float
    low_usd: float
    high_usd: float
    placebo_usd: tuple[float, ...]
    baseline: str
    by_baseline: dict[str, float]
    shortfall_usd: float
    raw_increase_usd: float
    excess_in_usd: float
    onward_observed_share: float
    unseen_usd: float
    relay_usd: float
    relay_high_usd: float
    smallest_usd: float
    largest_usd: float

    @property
    def placebo_share(self) -> float:
        """Return the mean placebo total as a share of the estimate; NaN without placebos."""
        if not self.placebo_usd:
            return math.nan
        mean = sum(self.placebo_usd) / len(self.placebo_usd)
        if self.estimate_usd <= 0:
            return math.inf if mean > 0 else 0.0
        return mean / self.estimate_usd

    @property
    def status(self) -> str:
        """Return ``identified``, or why the amount is withheld."""
        if self.baseline == Baseline.UNIDENTIFIED:
            return UNIDENTIFIED_BASELINE
        if self.estimate_usd <= 0:
            return "nothing found"
        if not math.isfinite(self.low_usd):
            return NOTHING_PLANTED_FOUND if self.placebo_usd else TOO_LITTLE_BEFORE
        if self.placebo_share > LARGEST_PLACEBO_SHARE:
            return f"not identified: placebo dates give {min(self.placebo_share, 9.99):.0%} of it"
        return "identified"


@dataclass(frozen=True, slots=True)
class CalibrationSummary:
    """How well planted detours were recovered in the user's own data.

    Attributes
    ----------
    sets
        Sets planted.
    recovered_share
        Median of estimated over planted total.
    row_error, hub_error
        Median of Σ|planted − estimated| / Σ planted, by row and by hub.
    row_coverage, hub_coverage, total_coverage
        Share of planted amounts inside their 90% interval, missed ones counted, on held-out sets.
    planted_usd, estimated_usd : (h,)
        Hub sums of all sets, for the calibration plot.
    noise_log_size, noise_sd : (b,)
        Noise of flows by size around the event; see :class:`entrepot.detect.noise.Noise`.
    noise_ratio
        How many times as much untouched flows change around the event as around placebo dates, one where the
        two are close or it is not told: the flows of the placebos were made as noisy.
    """

    sets: int
    recovered_share: float
    row_error: float
    hub_error: float
    row_coverage: float
    hub_coverage: float
    total_coverage: float
    planted_usd: NDArray[np.float64]
    estimated_usd: NDArray[np.float64]
    noise_log_size: NDArray[np.float64]
    noise_sd: NDArray[np.float64]
    noise_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class DetourResult:
    """Findings of one search, with everything that a reader needs to weigh them.

    Attributes
    ----------
    table
        Columns of ``out__detour``; rows by ``options.by``, largest first.
    hubs, products
        The same by hub and destination, and by product.
    untold
        Areas that sent more on, and whose own trade is too large to tell whether that is what came in, the
        largest first. **Grain**: hub. Columns of :class:`entrepot.detect.untold.Untold`.
    headline
        The total.
    calibration
        How far planted detours were recovered.
    series
        Monthly legs of the corridors; see :func:`entrepot.detect.series.leg_series`.
    treated
        **Grain**: origin × destination. ``signal`` (see :func:`entrepot.detect.treated.pair_signal`),
        ``is_treated``.
    options, windows
        What was asked, and the windows it became.
    placebo_labels
        The placebo windows in words, in the order of ``headline.placebo_usd``.
    reporters_late
        Origins and hubs that have not published the whole after-window, with the periods they have.
    reporters_annual
        Areas that publish years only: their months are made of years, split at the event.
    valued
        The total in the other unit of measure that was asked for.
    """

    table: pa.Table
    hubs: pa.Table
    products: pa.Table
    untold: pa.Table
    headline: Headline
    calibration: CalibrationSummary
    series: pa.Table
    treated: pa.Table
    options: DetourOptions
    windows: WindowPair
    placebo_labels: tuple[str, ...]
    reporters_late: dict[str, str]
    reporters_annual: tuple[str, ...] = ()
    valued: ValuedTotal | None = None
