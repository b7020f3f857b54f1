r"""Areas of which one leg rose clearly, while the other is too noisy to say whether it rose as well.

A hub is believed where both legs rose. Of an area that buys a hundred times as much of the goods for itself
as it may have passed on, arrivals tell nothing: its onward leg may have risen from nought in exactly the
goods that lost their direct road, and no search that asks for both legs finds it. Its own makers may have
filled the gap as well. So there is no amount, but a limit: silence would be read as nothing.

*Formula*  Of hub h, y_h ± ε_h is what it sent to the destinations beyond expectation, of goods that lost
their direct road, product by product no more than was lost; L_h the losses of the origins that sell to it,
s_h ± e_h the share of them that its arrivals show (:mod:`entrepot.detect.shares`). Where no detour was found
through h it is untold if (1) its sales to a destination rose by more than four standard deviations as a whole
and y_h < 4·e_h·L_h: had all that came from the origins, the arrivals would not show it; or (2) s_h is clear
and the sales rose by more than two. The most that may have passed in its books is
min(y_h + 1.645·ε_h, max(s_h, 0)·L_h + 1.645·e_h·L_h). (3) Of an area of which nobody publishes what it sent
on, s_h may rest on a single good (:func:`entrepot.detect.shares.rest_on_one`). Where what it sent to some
destination is not published the second of the limits stands alone. Those with under a twentieth of all are
left out: of many areas that sell a little more of their own nothing is to be said.

In two rough worlds of a generator that is not ours, in which hubs bought up to a hundred times as much for
themselves as they passed on, three hubs with most of what was sent were missed without a word. Before
:mod:`entrepot.detect.shares` asked less of arrivals beside clear sales these three were what was untold, with
limits of 8.4m, 5.7m and 5.1m USD where they had declared 7.6m, 5.1m and 2.6m; their eight placebo dates named
nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.parts import RELAY
from entrepot.detect.shares import hub_shares
from entrepot.detect.strength import CLEAR, strength_as_a_whole, strength_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.estimate import Estimate
    from entrepot.detect.noise import Noise

__all__ = ["Untold", "untold_hubs"]

_Z95 = 1.6448536269514722
_LIKELY = 2.0
#: Part of all that was found or is untold under which a hub is not worth a word.
_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Untold:
    """Hubs that cannot be told, the largest first.

    Attributes
    ----------
    hub : (m,)
        Indices of the areas.
    sent_usd : (m,)
        What each sent to the destinations beyond expectation, of goods that lost their direct road; NaN of
        those of a single good, where nobody publishes it.
    arrived_usd, doubt_usd : (m,)
        What arrived from the origins beyond expectation, of the same goods, and by how much that may be off
        (95%, one side).
    high_usd : (m,)
        The most that may have passed it in its own books, USD; what it never declared is beside that.
    product : (m,)
        Index of the good, where the arrivals speak of a detour in a single one; -1 of the others.
    """

    hub: NDArray[np.int64]
    sent_usd: NDArray[np.float64]
    arrived_usd: NDArray[np.float64]
    doubt_usd: NDArray[np.float64]
    high_usd: NDArray[np.float64]
    product: NDArray[np.int64]

    def table(self, areas: Sequence[str], products: Sequence[str]) -> pa.Table:
        """Return the same with codes of areas and goods; ``hs_code`` is null where it is not one good."""
        columns = {
            name: pa.array(getattr(self, name), pa.float64(), from_pandas=True)
            for name in ("sent_usd", "arrived_usd", "doubt_usd", "high_usd")
        }
        codes = [products[at] if at >= 0 else None for at in self.product]
        return pa.table(
            {"hub": pa.array([areas[at] for at in self.hub], pa.string())}
            | columns
            | {"hs_code": pa.array(codes, pa.string())}
        )


def untold_hubs(cells: Cells, question: Question, found: Estimate, *, noise: Noise) -> Untold:
    """Return the areas through which more may have passed than the estimate has.

    Parameters
    ----------
    cells, question, noise
        The flows, who is asked about, and how much flows change for no reason.
    found
        The estimate of the same question.
    """
    n, usual, ends = cells.n_areas, found.expected.usd, question.destinations
    direct, free = found.legs.direct.positive(), ~question.is_treated
    goods = cells.product[direct.cell]
    lost, unmet = (
        sum_by(side[direct.cell] * cells.n_products + goods, direct.net_usd, n * cells.n_products)
        for side in (cells.exporter, cells.importer)
    )

    shares, losses = hub_shares(
        cells,
        usual,
        noise=noise,
        legs=cells.under(question.origins[:, None] & question.hubs & free, question.listed),
        lost=lost,
        at=cells.grouping.supplier_product,
    )
    arrived, error = shares.raw * losses, np.where(losses > 0, shares.error, 0.0) * losses
    sends = (question.hubs & ~question.origins)[:, None] & ends & free & question.is_observed
    at = cells.under(sends, question.listed)
    at = at[unmet[cells.grouping.importer_product[at]] > 0]
    pair, sender = cells.pair_at(at), cells.exporter[at]
    rose = strength_as_a_whole(strength_of(cells, usual, noise=noise, at=at), pair, n * n)
    # What a destination lost of a good is all that can have come to it by other roads.
    beyond = np.minimum(cells.after[at] - usual[at], unmet[cells.grouping.importer_product[at]])
    variance = (noise.at(usual[at]) * (usual[at] + noise.floor)) ** 2

    def sent(least: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        counts = rose[pair] > least
        return sum_by(sender, beyond * counts, n), np.sqrt(sum_by(sender, variance * counts, n))

    clearly, likely = sent(CLEAR), sent(_LIKELY)
    is_hidden = (clearly[0] > 0) & (clearly[0] < CLEAR * error)
    is_alone = ~np.atleast_1d(question.is_observed[:, ends].all(axis=1))
    is_untold = is_hidden | ((likely[0] > 0) & shares.are_clear()) | (found.one_good >= 0)
    own = found.corridors.only(found.corridors.kind != RELAY)
    is_untold[own.hub[own.usd > 0]] = False
    y, off = (np.where(is_hidden, a, b) for a, b in zip(clearly, likely, strict=True))
    high = np.maximum(arrived, 0.0) + _Z95 * error
    high = np.where(is_alone, high, np.minimum(high, y + _Z95 * off))
    y = np.where(found.one_good >= 0, np.nan, y)
    is_untold &= losses > 0
    is_untold &= high >= _LEAST * (own.usd.sum() + high[is_untold].sum())
    hub = np.flatnonzero(is_untold)
    hub = hub[np.argsort(-high[hub], kind="stable")]
    return Untold(hub, y[hub], arrived[hub], _Z95 * error[hub], high[hub], found.one_good[hub])
