"""What one book would show, had it kept its earlier ratio to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.gaps.comparisons import Compared

__all__ = ["LARGEST_RATIO", "Expected", "expect", "small_flow"]

_FEWEST = 30
_SMALL_SHARE = 0.01
#: A ratio beyond this (or its inverse) forecasts nothing of goods that were not there before.
LARGEST_RATIO = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Expected reports of every row of a comparison; k rows.

    Attributes
    ----------
    arrivals : (k,)
        What the importer would show of what the exporter shows, at the earlier ratio, USD FOB.
    dispatches : (k,)
        What the exporter would show of what the importer shows.
    """

    arrivals: NDArray[np.float64]
    dispatches: NDArray[np.float64]

    def only(self, at: NDArray[Any]) -> Expected:
        """Return the rows under a mask, or at positions."""
        return Expected(self.arrivals[at], self.dispatches[at])


def small_flow(x: NDArray[np.float64], m: NDArray[np.float64]) -> float:
    """Return the size of flows that one book alone typically knows of, USD.

    Under it a ratio says little. The median over flows with one positive report; with fewer than thirty of
    those the first percentile of all flows, and at least 1 USD.
    """
    larger = np.maximum(x, m)
    alone = larger[(np.minimum(x, m) <= 0) & (larger > 0)]
    if alone.size >= _FEWEST:
        return max(float(np.median(alone)), 1.0)
    positive = larger[larger > 0]
    return max(float(np.quantile(positive, _SMALL_SHARE)), 1.0) if positive.size else 1.0


def expect(compared: Compared, small: float) -> Expected:
    r"""Return what each book would show by the other and the earlier ratio.

    *Formula*  with κ the size of a small flow, ρ_j = (M_j + κ)/(X_j + κ) of all that importer j got before,
    ρ_ij = (M_ij + κ·ρ_j)/(X_ij + κ) of the pair, ρ = (M⁰ + κ·ρ_ij)/(X⁰ + κ) of the cell: a ratio of little
    trade is drawn to the next wider one, and one of nothing at all is one. Expected arrivals are
    (X + κ)·ρ − κ·ρ_ij, expected dispatches (M + κ·ρ_ij)/ρ − κ, not under nought. Goods that the importer
    alone ever knew of are expected to be so again. Of flows that one book hardly knew a ratio is no
    forecast: no more arrives than three times what was sent and what arrived before, and the reverse.

    Parameters
    ----------
    compared
        Cells now and before.
    small
        κ, see :func:`small_flow`.
    """
    of_importer = (compared.importer_m + small) / (compared.importer_x + small)
    of_pair = (compared.pair_m + small * of_importer) / (compared.pair_x + small)
    ratio = (compared.m_before + small * of_pair) / (compared.x_before + small)
    drawn = small * of_pair
    most_arrivals = LARGEST_RATIO * compared.x + compared.m_before
    most_dispatches = LARGEST_RATIO * compared.m + compared.x_before
    return Expected(
        arrivals=np.clip((compared.x + small) * ratio - drawn, 0.0, most_arrivals),
        dispatches=np.clip((compared.m + drawn) / ratio - small, 0.0, most_dispatches),
    )
