"""Pass one: which pairs were treated.

With real noise every product of every triad passes some threshold; a pair is told from its whole
assortment. Z_ij = √n · mean_k clip(l_ijk, ±4), l the log residual over its noise, centred by importer and by
exporter (a slump of one economy is no embargo) and scaled by its median absolute deviation over all pairs.
The design centres over all pairs at once; by importer and exporter the treated pairs of known worlds stand
two to four times as far out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.noise import MAD_TO_SD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["TREATED_BELOW", "pair_signal", "threshold", "treated_pairs"]

#: A pair is treated when its signal is below this, or below what placebos give, whichever is lower.
TREATED_BELOW = -3.0

_CLIP = 4.0
_FEWEST_ORIGINS = 3
_FEWEST_PRODUCTS = 5
_FEWEST_IN_LINE = 5
_PLACEBO_TAIL = 0.001
_WEAKEST_DESTINATION = 1.0 / 3.0
_WEAKEST_ORIGIN = 1.0 / 4.0


def pair_signal(
    cells: Cells, expected: NDArray[np.float64], *, noise: Noise, counts: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the signal of every exporter × importer pair.

    Parameters
    ----------
    cells, expected, noise
        The flows, what was expected, and how much flows change for no reason.
    counts : (n,)
        Cells that count: listed products, when a list was given.

    Returns
    -------
    (n_areas, n_areas)
        Signal; NaN for pairs with fewer than five cells.
    """
    strength = np.clip(
        noise.log_change(cells.after[counts], expected[counts]) / noise.at(expected[counts]), -_CLIP, _CLIP
    )
    n_pairs = cells.n_areas**2
    pair = cells.pair[counts]
    count = np.bincount(pair, minlength=n_pairs)
    total = sum_by(pair, strength, n_pairs)
    signal = np.full(n_pairs, np.nan)
    enough = count >= _FEWEST_PRODUCTS
    signal[enough] = total[enough] / np.sqrt(count[enough])
    matrix = signal.reshape(cells.n_areas, cells.n_areas)
    for axis in (0, 1):
        matrix = matrix - _median(matrix, axis)
    known = np.abs(matrix[np.isfinite(matrix)])
    spread = MAD_TO_SD * float(np.median(known)) if known.size else 1.0
    return matrix / max(spread, 1e-9)


def _median(matrix: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the medians along an axis, zero where a line has under five values: its centre is unknown."""
    count = np.isfinite(matrix).sum(axis=axis, keepdims=True)
    filled = np.where(count > 0, matrix, 0.0)
    return np.where(count >= _FEWEST_IN_LINE, np.nanmedian(filled, axis=axis, keepdims=True), 0.0)


def threshold(placebo_signals: Sequence[NDArray[np.float64]]) -> float:
    """Return the signal under which a pair is treated: -3, or lower where placebos go lower.

    One placebo pair in a thousand may lie below it.
    """
    known = [signal[np.isfinite(signal)] for signal in placebo_signals]
    every = np.concatenate(known) if known else np.zeros(0)
    return min(TREATED_BELOW, float(np.quantile(every, _PLACEBO_TAIL))) if every.size else TREATED_BELOW


def treated_pairs(
    signal: NDArray[np.float64],
    *,
    below: float = TREATED_BELOW,
    origins: NDArray[np.bool_] | None = None,
    destinations: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return the origin × destination pairs that were treated.

    Parameters
    ----------
    signal : (n_areas, n_areas)
        See :func:`pair_signal`.
    below
        See :func:`threshold`.
    origins, destinations : (n_areas,)
        Suspects. With both given pass one is a report, not a filter: all their pairs are treated. With one
        or none the signal decides; an origin that nobody named needs a quarter of the signal of the
        destination's strongest (of a handful of small flows some fall that far for no reason, and an origin
        so much weaker carries next to nothing), a destination that nobody named needs three treated origins
        and, all its origins together, a third of the strongest destination's signal.
    """
    n = signal.shape[0]
    possible_origins = np.ones(n, dtype=bool) if origins is None else origins
    possible_destinations = np.ones(n, dtype=bool) if destinations is None else destinations
    possible = possible_origins[:, None] & possible_destinations[None, :]
    np.fill_diagonal(possible, val=False)
    if origins is not None and destinations is not None:
        return possible
    with np.errstate(invalid="ignore"):
        treated = possible & (signal < below)
    if origins is None:
        strongest = np.where(treated, signal, 0.0).min(axis=0, keepdims=True)
        treated &= np.nan_to_num(signal) <= _WEAKEST_ORIGIN * strongest
    if destinations is None:
        fewest = _FEWEST_ORIGINS if origins is None else min(_FEWEST_ORIGINS, int(origins.sum()))
        treated &= (treated.sum(axis=0) >= fewest)[None, :]
        strength = np.where(treated, -signal, 0.0).sum(axis=0)
        treated &= (strength >= _WEAKEST_DESTINATION * strength.max())[None, :]
    return treated
