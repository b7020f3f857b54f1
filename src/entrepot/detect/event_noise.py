"""How much more flows change around the event than around placebo dates, and placebos that change as much.

Noise is learnt from windows before the event. Those are shorter than the event's own and nearer to each
other, or longer: what drifts has had less time there, and what is lumpy evens out less or more. How much
flows depart around the event shows in trade that it cannot have touched.

*Formula*  ρ = median |l/σ| of untouched flows around the event ÷ the mean of the same over the placebos, l
the log change over the expected flow and σ the noise of its size. Of the event's windows σ is then ρσ, and
the flows of a placebo are ln((after + c)/(ê + c)) = ρ·l: what is planted there is as hard to see as the event
is, and decoys are as noisy. ρ hardly depends on the size of flows: in the fifths by size of eighteen worlds
it was within 0.2 of that of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.noise import Noise

__all__ = ["Departures", "as_noisy", "noise_ratio"]

#: Flows of fewer times the floor appear from nothing: their noise is one by the making of the floor.
_OF_FLOOR = 3.0

#: Flows that are asked at most, fewest that tell, and fewest areas that buy them.
_MOST, _FEWEST, _FEWEST_IMPORTERS = 1_000_000, 200, 10

_LEAST, _LARGEST = 0.5, 4.0

#: Ratios of less, and of less than its inverse, are left: placebos are the user's own figures as they are.
_CLEAR_RATIO = 1.25


@dataclass(frozen=True, slots=True)
class Departures:
    """How far flows of one pair of windows were from the expected ones: m of them.

    Attributes
    ----------
    exporter, importer, product : (m,)
        Whose, and of what.
    strength : (m,)
        |l/σ| of each.
    """

    exporter: NDArray[np.signedinteger]
    importer: NDArray[np.signedinteger]
    product: NDArray[np.signedinteger]
    strength: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Cells, expected: NDArray[np.float64], *, noise: Noise) -> Departures:
        """Take flows that did not appear from nothing, of a whole world every tenth or so."""
        every = slice(None, None, max(cells.after.size // _MOST, 1))
        usual = expected[every]
        told = usual > _OF_FLOOR * noise.floor
        usual, after = usual[told], cells.after[every][told]
        return cls(
            cells.exporter[every][told],
            cells.importer[every][told],
            cells.product[every][told],
            np.abs(noise.log_change(after, usual)) / noise.at(usual),
        )

    def median(self, pairs: NDArray[np.bool_], products: NDArray[np.bool_]) -> float:
        """Return the median strength of some pairs, (n_areas, n_areas), in some products; NaN of too few."""
        chosen = pairs[self.exporter, self.importer] & products[self.product]
        if chosen.sum() < _FEWEST or np.unique(self.importer[chosen]).size < _FEWEST_IMPORTERS:
            return float("nan")
        return float(np.median(self.strength[chosen]))


def noise_ratio(departures: Sequence[Departures], question: Question) -> float:
    """Return how many times as much flows depart around the event as around placebos.

    Parameters
    ----------
    departures
        Of the event's windows, then of the placebos.
    question
        Who is asked about, and which goods: pass one done.

    Returns
    -------
    float
        Told by goods that nobody asks about between areas that are neither origins nor destinations; by all
        goods between them where those are too few; then by all flows that are no leg of the question, where
        the hubs are given. One where too few of any are seen in all windows, as in a file that holds the
        question's own legs alone; and without placebos.
    """
    event, *placebos = departures
    if not placebos:
        return 1.0
    ends = question.origins | question.destinations
    beside, every = ~ends[:, None] & ~ends, np.ones_like(question.listed)
    origins, hubs, destinations = question.origins, question.hubs, question.destinations
    is_leg = (origins[:, None] & (hubs | destinations)) | (hubs[:, None] & destinations)
    for pairs, products in ((beside, ~question.listed), (beside, every), (~is_leg, every)):
        usual = float(np.mean([one.median(pairs, products) for one in placebos]))
        ratio = event.median(pairs, products) / usual if usual > 0 else np.nan
        if np.isfinite(ratio):
            is_clear = abs(np.log(ratio)) > np.log(_CLEAR_RATIO)
            return float(np.clip(ratio, _LEAST, _LARGEST)) if is_clear else 1.0
    return 1.0


def as_noisy(cells: Cells, expected: NDArray[np.float64], *, ratio: float, floor: float) -> Cells:
    """Return the flows with departures from the expected ones ``ratio`` times as large, on the log scale.

    Of each flow both books and the weight change alike.
    """
    if ratio == 1.0:
        return cells

    def departed(after: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
        size = usual + floor
        return np.maximum(size * ((after + floor) / size) ** ratio - floor, 0.0)

    after = in_blocks(departed, cells.after, expected)
    factor = np.divide(after, cells.after, out=np.ones(after.size), where=cells.after > 0)
    return replace(
        cells, after=after, mirror_after=cells.mirror_after * factor, after_kg=cells.after_kg * factor
    )
