"""How far off the amounts are, learnt from planted round trips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LoopCalibration", "Spread", "calibrated_spread"]

_LOW, _HIGH = 0.05, 0.95
_FEWEST_IN_BIN = 60
_MOST_BINS = 4
_SD_RANGE = (0.03, 2.5)
_SIZES = (0.0, 0.5, 1.0, math.inf)


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of a log error over its predicted deviation, by that deviation.

    Attributes
    ----------
    log_sd : (b,)
        Predicted standard deviation, increasing.
    low, high : (b,)
        5th and 95th percentile of ln(true/estimate) ÷ predicted deviation.
    """

    log_sd: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def around(
        self, value: NDArray[np.float64], log_sd: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the interval of each value, its own value in it."""
        sd = np.clip(np.nan_to_num(log_sd, nan=_SD_RANGE[1]), *_SD_RANGE)
        low = np.minimum(np.interp(sd, self.log_sd, self.low), 0.0)
        high = np.maximum(np.interp(sd, self.log_sd, self.high), 0.0)
        return value * np.exp(low * sd), value * np.exp(high * sd)


def calibrated_spread(log_error: NDArray[np.float64], log_sd: NDArray[np.float64]) -> Spread | None:
    """Return the spread of errors by their predicted deviation; None without any.

    Order statistics (n+1)·5% from either end: a further value lies between them with 90% probability,
    whatever the distribution.
    """
    known = np.isfinite(log_error) & np.isfinite(log_sd)
    if not known.any():
        return None
    sd = np.clip(log_sd[known], *_SD_RANGE)
    scaled = log_error[known] / sd
    bins = int(np.clip(sd.size // _FEWEST_IN_BIN, 1, _MOST_BINS))
    edges = np.quantile(sd, np.linspace(0.0, 1.0, bins + 1))
    middle: list[float] = []
    ends: list[tuple[float, float]] = []
    for first, last in pairwise(edges):
        inside = (sd >= first) & (sd <= last)
        centre = float(np.median(sd[inside]))
        if middle and centre <= middle[-1]:
            continue
        ordered = np.sort(scaled[inside])
        rank = max(math.floor((ordered.size + 1) * _LOW), 1)
        middle.append(centre)
        ends.append((float(ordered[rank - 1]), float(ordered[-rank])))
    return Spread(np.array(middle), np.array([e[0] for e in ends]), np.array([e[1] for e in ends]))


@dataclass(frozen=True, slots=True)
class LoopCalibration:
    """Planted round trips beside what was made of them; p trips.

    Attributes
    ----------
    number : (p,)
        Set of each.
    factor : (p,)
        Size over the flow out that it hid in.
    true, estimate : (p,)
        USD; the estimate is zero where nothing was found.
    log_sd : (p,)
        Predicted standard deviation of the log amount.
    ordinary : (p,)
        Flow out that was expected and the size of flows that appear from nothing, USD.
    log_markup_error, markup_sd : (p,)
        Log of (1 + true) over (1 + estimated mark-up), and its predicted deviation; NaN where not told.
    lag_error : (p,)
        Months, estimated less true.
    innocent : (i,)
        Log Bayes factors of the products in which nothing was planted, of pairs of which something planted
        was found; −∞ where they would not have been taken for round trips.
    """

    number: NDArray[np.int64]
    factor: NDArray[np.float64]
    true: NDArray[np.float64]
    estimate: NDArray[np.float64]
    log_sd: NDArray[np.float64]
    ordinary: NDArray[np.float64]
    log_markup_error: NDArray[np.float64]
    markup_sd: NDArray[np.float64]
    lag_error: NDArray[np.int64]
    innocent: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[LoopCalibration]) -> LoopCalibration:
        """Return the trips of several; without any, none."""
        if parts:
            return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))
        none, no_number = np.zeros(0), np.zeros(0, dtype=np.int64)
        return cls(no_number, none, none, none, none, none, none, none, no_number, none)

    @property
    def is_found(self) -> NDArray[np.bool_]:
        """(p) Whether the trip was found."""
        return np.asarray(self.estimate > 0)

    @property
    def sets(self) -> int:
        """Sets planted."""
        return int(np.unique(self.number).size)

    def spread(self, among: NDArray[np.bool_] | None = None) -> Spread | None:
        """Return the spread of the amounts found, among some of the trips."""
        found = self.is_found if among is None else self.is_found & among
        return calibrated_spread(np.log(self.true[found] / self.estimate[found]), self.log_sd[found])

    def markup_spread(self) -> Spread | None:
        """Return the spread of 1 + mark-up of the trips found."""
        found = self.is_found
        return calibrated_spread(self.log_markup_error[found], self.markup_sd[found])

    def missed_factor(self, among: NDArray[np.bool_] | None = None) -> float:
        """Return the 95th percentile of what was missed, over the flow out that was expected."""
        missed = ~self.is_found & (self.ordinary > 0)
        if among is not None:
            missed &= among
        return float(np.quantile(self.true[missed] / self.ordinary[missed], _HIGH)) if missed.any() else 0.0

    def coverage(self) -> float:
        """Return the share of planted amounts inside their interval, misses counted, on held-out sets."""
        inside = 0
        half = self.number % 2 == 0
        for learn, test in ((half, ~half), (~half, half)):
            spread = self.spread(learn)
            found = test & self.is_found
            if spread is not None:
                low, high = spread.around(self.estimate[found], self.log_sd[found])
                inside += int(((self.true[found] >= low) & (self.true[found] <= high)).sum())
            missed = test & ~self.is_found
            inside += int((self.true[missed] <= self.missed_factor(learn) * self.ordinary[missed]).sum())
        return inside / self.true.size if self.true.size else float("nan")

    def by_size(self) -> list[dict[str, float]]:
        """Return by size over the flow out: trips planted, share found, median error, share of lags right."""
        rows = []
        for low, high in pairwise(_SIZES):
            mine = (self.factor >= low) & (self.factor < high)
            found = mine & self.is_found
            error = np.abs(self.estimate[found] / self.true[found] - 1.0)
            rows.append(
                {
                    "least_factor": low,
                    "planted": float(mine.sum()),
                    "found_share": float(found.sum() / mine.sum()) if mine.any() else math.nan,
                    "median_error": float(np.median(error)) if found.any() else math.nan,
                    "lag_share": float((np.abs(self.lag_error[found]) <= 1).mean())
                    if found.any()
                    else math.nan,
                }
            )
        return rows

    def total_interval(self, total: float) -> tuple[float, float]:
        """Return the interval of a sum of findings, by what was planted where a set's findings are."""
        found = self.is_found
        numbers, at = np.unique(self.number[found], return_inverse=True)
        true = np.bincount(at, weights=self.true[found], minlength=numbers.size)
        ratio = np.sort(true / np.bincount(at, weights=self.estimate[found], minlength=numbers.size))
        if not ratio.size:
            return math.nan, math.nan
        rank = max(math.floor((ratio.size + 1) * _LOW), 1)
        return total * min(float(ratio[rank - 1]), 1.0), total * max(float(ratio[-rank]), 1.0)
