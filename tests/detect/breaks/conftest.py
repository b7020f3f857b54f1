"""Monthly series with known breaks, season and autocorrelated noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from entrepot.detect.kernels.breaks import SeriesBreaks

SIGMA = 0.5


@dataclass(frozen=True)
class Panel:
    values: NDArray[np.float64]
    calendar: NDArray[np.int64]
    dates: list[list[int]]
    sizes: list[list[float]]

    def score(self, found: SeriesBreaks, *, within: int = 2) -> dict[str, float]:
        """Return recall, precision, and how often the intervals of found breaks hold the truth."""
        true = [
            (i, t, s) for i, own in enumerate(self.dates) for t, s in zip(own, self.sizes[i], strict=True)
        ]
        pairs = [
            (b, t, s)
            for b, i in enumerate(found.series.tolist())
            for j, t, s in true
            if i == j and abs(found.period[b] - t) <= within
        ]
        near = [
            found.earliest[b] <= t <= found.latest[b]
            for b, i in enumerate(found.series.tolist())
            for j, t, _ in true
            if i == j and abs(found.period[b] - t) <= 8
        ]
        return {
            "recall": len(pairs) / max(len(true), 1),
            "precision": len(pairs) / max(found.series.size, 1),
            "dates": float(np.mean(near)) if near else float("nan"),
            "sizes": float(
                np.mean([found.change_low[b] <= s <= found.change_high[b] for b, _, s in pairs] or [0])
            ),
            "with_break": np.unique(found.series).size / len(self.values),
        }


@pytest.fixture(scope="session")
def make_panel() -> Callable[..., Panel]:
    """Return a maker of panels whose breaks are so many standard deviations of the noise."""

    def make(
        series: int,
        *,
        seed: int,
        rho: float = 0.0,
        breaks: int = 1,
        size: float = 3.0,
        season: float = 0.5,
        months: int = 72,
    ) -> Panel:
        rng = np.random.default_rng(seed)
        draws = rng.standard_normal((series, months))
        values = np.empty_like(draws)
        values[:, 0] = draws[:, 0]
        for t in range(1, months):
            values[:, t] = rho * values[:, t - 1] + np.sqrt(1 - rho**2) * draws[:, t]
        calendar = np.arange(months) % 12
        values = 10 + SIGMA * values + season * rng.standard_normal((series, 12))[:, calendar]
        places = np.arange(9, months - 8, 12)
        dates = [sorted(rng.choice(places, breaks, replace=False).tolist()) for _ in range(series)]
        sizes = [(size * SIGMA * rng.choice([-1, 1], breaks)).tolist() for _ in range(series)]
        for own, at, by in zip(values, dates, sizes, strict=True):
            for t, step in zip(at, by, strict=True):
                own[t:] += step
        return Panel(values, calendar, dates, sizes)

    return make
