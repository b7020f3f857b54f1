"""Gaps of one code that its neighbours mirror: the same goods under two codes of one heading or chapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Mirrored", "mirrored_gaps"]

#: Headings (chapters) beside another of the same pair from which chance is learnt at least.
_FEWEST = 20


@dataclass(frozen=True, slots=True, eq=False)
class Mirrored:
    """What stands under a neighbouring code in the other book.

    Attributes
    ----------
    amount : (k,)
        Part of each gap that other codes of its heading, then of its chapter, have with the other sign;
        0 in the sum over them.
    heading_share, chapter_share
        Part of what meets inside a heading and a chapter that is more than chance: it has been multiplied
        into ``amount``. NaN where there are too few others to tell; nothing is taken off then.
    """

    amount: NDArray[np.float64]
    heading_share: float
    chapter_share: float


def mirrored_gaps(
    gap: NDArray[np.float64], owner: NDArray[np.int64], codes: Sequence[str], product: NDArray[np.int64]
) -> Mirrored:
    """Return how much of each gap its neighbours mirror.

    Within a pair and window the gaps of a heading that are over nought are set against those under it; the
    smaller side is the amount that may have changed its code. Any two noisy codes do so now and then: what
    meets when the one side is taken from a heading of another chapter of the same pair, next in size, is
    chance.

    Parameters
    ----------
    gap : (k,)
        Gaps, USD FOB.
    owner : (k,)
        Number of the pair and window.
    codes
        Codes of the products.
    product : (k,)
        Position of each gap's code. Codes of fewer than six digits and totals have no neighbours.
    """
    left, found, shares = gap.copy(), np.zeros(gap.size), []
    six = np.array([len(code) == 6 for code in codes])[product]
    for digits in (4, 2):
        names = np.unique([code[:digits] for code in codes], return_inverse=True)[1].astype(np.int64)
        family = np.unique(owner * (int(names.max(initial=0)) + 1) + names[product], return_inverse=True)[1]
        chapter = np.array([int(code[:2]) if code[:2].isdigit() else -1 for code in codes])[product]
        met, share = _meet(np.where(six, left, 0.0), family, owner, chapter)
        found += met * (share if np.isfinite(share) else 1.0)
        left -= met
        shares.append(share)
    return Mirrored(found, shares[0], shares[1])


def _meet(
    gap: NDArray[np.float64],
    family: NDArray[np.int64],
    owner: NDArray[np.int64],
    chapter: NDArray[np.int64],
) -> tuple[NDArray[np.float64], float]:
    """Return what of each gap meets another of its family, and the part of it that is no chance."""
    n = int(family.max(initial=-1)) + 1
    over, under = sum_by(family, np.maximum(gap, 0.0), n), sum_by(family, np.maximum(-gap, 0.0), n)
    meets = np.minimum(over, under)
    side = np.where(gap > 0, over[family], under[family])
    part = np.divide(gap, side, out=np.zeros(gap.size), where=side > 0) * meets[family]
    many = np.flatnonzero(sum_by(family, (gap != 0).astype(np.float64), n) > 1)
    of_family = np.zeros((2, n), dtype=np.int64)
    of_family[:, family] = owner, chapter
    return part, _beyond_chance(over[many], under[many], of_family[0, many], of_family[1, many])


def _beyond_chance(
    over: NDArray[np.float64],
    under: NDArray[np.float64],
    owner: NDArray[np.int64],
    chapter: NDArray[np.int64],
) -> float:
    """Return 1 − what meets across families ÷ what meets inside them, families of one pair next in size."""
    order = np.lexsort((over + under, owner))
    one, other = order[:-1], order[1:]
    apart = (owner[one] == owner[other]) & (chapter[one] != chapter[other])
    one, other = one[apart], other[apart]
    if one.size < _FEWEST:
        return float("nan")
    inside = np.minimum(over[one], under[one]).sum() + np.minimum(over[other], under[other]).sum()
    across = np.minimum(over[one], under[other]).sum() + np.minimum(over[other], under[one]).sum()
    return float(np.clip(1.0 - across / inside, 0.0, 1.0)) if inside > 0 else 0.0
