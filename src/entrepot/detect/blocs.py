"""Origins that are one customs territory: estimated as one, split over the members afterwards.

What one member of a customs union no longer ships directly another may ship to the hub (goods of Germany
leave through Lithuania or Rotterdam), so the shortfall and the excess of a product meet only in the union's
sum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.cells import Cells
from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.corridors import Corridors

__all__ = ["pool", "representative", "split"]

_ROUNDING = 1e-9


def representative(members: NDArray[np.bool_]) -> int:
    """Return the area that stands for the pooled ones: the first of them."""
    return int(np.flatnonzero(members)[0])


def pool(cells: Cells, members: NDArray[np.bool_]) -> Cells:
    """Return the cells with all members' exports summed under their representative.

    Trade between the members is left out: it is no longer foreign.
    """
    if not members.any():
        return cells
    cells = cells.only(~(members[cells.exporter] & members[cells.importer]))
    has_mirror = cells.has_mirror.copy()
    has_mirror[representative(members)] = _mirrors(cells, members)
    exporter = np.where(members[cells.exporter], representative(members), cells.exporter)
    every, at = np.unique(replace(cells, exporter=exporter).key, return_inverse=True)
    pair, product = np.divmod(every, cells.n_products)
    pooled_exporter, importer = np.divmod(pair, cells.n_areas)
    # A sum with an unknown weight in it has an unknown weight: NaN goes through the sum. Nothing weighs
    # nothing.
    kg = np.where(cells.after > 0, cells.after_kg, 0.0)
    pooled_kg = sum_by(at, kg, every.size)
    after = sum_by(at, cells.after, every.size)
    return Cells(
        exporter=pooled_exporter,
        importer=importer,
        product=product,
        before=sum_by(at, cells.before, every.size).astype(np.float64),
        after=after.astype(np.float64),
        after_kg=np.where(after > 0, pooled_kg, np.nan),
        mirror_before=sum_by(at, cells.mirror_before, every.size) * has_mirror[pooled_exporter, importer],
        mirror_after=sum_by(at, cells.mirror_after, every.size) * has_mirror[pooled_exporter, importer],
        has_mirror=has_mirror,
        n_areas=cells.n_areas,
        n_products=cells.n_products,
        hidden=cells.hidden,
    )


def _mirrors(cells: Cells, members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the importers whose book shows what every member sold there: else the sum would be a part."""
    sold = np.zeros((cells.n_areas, cells.n_areas), dtype=bool)
    sold[cells.exporter, cells.importer] = True
    lacking = np.atleast_1d((sold & ~cells.has_mirror)[members].any(axis=0))
    return ~lacking & np.atleast_1d((sold & cells.has_mirror)[members].any(axis=0))


def split(
    corridors: Corridors, cells: Cells, growth: NDArray[np.float64], members: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Split pooled corridors over the members by what each sent to the hub beyond its own expectation.

    No member gets more than it sent: what is left over then goes to the others by what they sent besides.

    Parameters
    ----------
    corridors
        Corridors of the pooled cells.
    cells
        The members' own cells.
    growth : (t,)
        Expected growth factor of each corridor's pooled inbound flow.
    members : (n_areas,)
        The pooled areas.

    Returns
    -------
    row : (m,)
        Corridor that each part belongs to.
    cell : (m,)
        The member's inbound cell.
    share : (m,)
        Its share of the corridor; the shares of a corridor sum to one.
    """
    mine = np.flatnonzero(members[cells.exporter] & (cells.after > 0))
    leg = cells.importer[mine] * cells.n_products + cells.product[mine]
    order = np.argsort(leg, kind="stable")
    wanted = corridors.hub * cells.n_products + corridors.product
    first = np.searchsorted(leg, wanted, side="left", sorter=order)
    count = np.searchsorted(leg, wanted, side="right", sorter=order) - first
    row = np.repeat(np.arange(wanted.size), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    cell = mine[order[np.repeat(first, count) + offset]]
    after = cells.after[cell]
    beyond = np.maximum(after - cells.before[cell] * growth[row], 0.0)
    total, arrived = sum_by(row, beyond, wanted.size), sum_by(row, after, wanted.size)
    share = np.where(total[row] > 0, beyond, after) / np.where(total > 0, total, arrived)[row]
    # A leg's amount may be more than its members' excesses; still no more came from one than it sent.
    every, at = np.unique(wanted, return_inverse=True)
    usd = sum_by(at, np.where(members[corridors.origin], corridors.usd, 0.0), every.size)[at]
    own = np.minimum(share * usd[row], after)
    spare = after - own
    room = sum_by(row, spare, wanted.size)
    left = usd - sum_by(row, own, wanted.size)
    left[left < _ROUNDING * usd] = 0.0
    own += spare * np.divide(left, room, out=np.zeros(room.size), where=room > 0)[row]
    share = np.divide(own, usd[row], out=share, where=usd[row] > 0)
    keep = share > 0
    return row[keep], cell[keep], share[keep]
