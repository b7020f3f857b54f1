"""How much the ratio of two books changes for no reason: by size, learnt where nothing happened."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfc

from entrepot.detect.noise import MAD_TO_SD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RatioNoise", "fit_ratio_noise", "q_values"]

_BINS = 20
#: Changes that a bin, and a noise as a whole, is learnt from at least.
_FEWEST = 30
_SMALLEST_SD = 0.005
_LOW = 0.05
_Z90 = 1.6448536269514722


@dataclass(frozen=True, slots=True, eq=False)
class RatioNoise:
    """Spread of the log change of a ratio, by size; b sizes of two kinds.

    Attributes
    ----------
    log_size : two of (b,)
        Natural log of the expected arrivals in USD, increasing: of flows that both books knew before, and
        of those that one of them did not.
    sd, low, high : two of (b,)
        Standard deviation without heed to the outermost tenth, 5th and 95th percentile at that size;
        ``low`` at most 0, ``high`` at least.
    """

    log_size: tuple[NDArray[np.float64], NDArray[np.float64]]
    sd: tuple[NDArray[np.float64], NDArray[np.float64]]
    low: tuple[NDArray[np.float64], NDArray[np.float64]]
    high: tuple[NDArray[np.float64], NDArray[np.float64]]

    def at(
        self, log_size: NDArray[np.float64], is_one_sided: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return standard deviation, 5th and 95th percentile at each size."""
        sd, low, high = (
            self._at(values, log_size, is_one_sided) for values in (self.sd, self.low, self.high)
        )
        return sd, low, high

    def scores(
        self, change: NDArray[np.float64], log_size: NDArray[np.float64], is_one_sided: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return changes in standard deviations at their sizes."""
        return change / self._at(self.sd, log_size, is_one_sided)

    def _at(
        self,
        values: tuple[NDArray[np.float64], NDArray[np.float64]],
        log_size: NDArray[np.float64],
        is_one_sided: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        own, other = (np.interp(log_size, self.log_size[kind], values[kind]) for kind in (0, 1))
        return np.where(is_one_sided, other, own)


def fit_ratio_noise(
    log_size: NDArray[np.float64], change: NDArray[np.float64], is_one_sided: NDArray[np.bool_]
) -> RatioNoise | None:
    """Learn the noise from changes for which there was no reason.

    Parameters
    ----------
    log_size, change, is_one_sided : (n,)
        Size, log change and kind of each; see :class:`RatioNoise`.

    Returns
    -------
    RatioNoise
        None where there are fewer than thirty changes. A kind with fewer has the noise of both together.
    """
    if change.size < _FEWEST:
        return None
    kinds = [mask if mask.sum() >= _FEWEST else np.ones_like(mask) for mask in (~is_one_sided, is_one_sided)]
    by_kind = [_by_size(log_size[mask], change[mask]) for mask in kinds]
    size, sd, low, high = (tuple(parts) for parts in zip(*by_kind, strict=True))
    return RatioNoise(size, sd, low, high)


def _by_size(size: NDArray[np.float64], change: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    order = np.argsort(size, kind="stable")
    size, change = size[order], change[order]
    bins = int(np.clip(size.size // _FEWEST, 1, _BINS))
    edges = np.linspace(0, size.size, bins + 1).astype(int)
    rows: list[tuple[float, float, float, float]] = []
    for start, end in pairwise(edges):
        inside = np.sort(change[start:end])
        middle = float(np.median(size[start:end]))
        if rows and middle <= rows[-1][0]:
            continue  # many of one size: the first bin of it speaks for all
        # Order statistics between which a further value lies with 90% probability, whatever the law.
        rank = max(int(np.floor((inside.size + 1) * _LOW)), 1)
        tails = (float(inside[-rank]) - float(inside[rank - 1])) / (2 * _Z90)
        sd = max(MAD_TO_SD * float(np.median(np.abs(inside))), tails, _SMALLEST_SD)
        rows.append((middle, sd, min(float(inside[rank - 1]), 0.0), max(float(inside[-rank]), 0.0)))
    return [np.array(column) for column in zip(*rows, strict=True)]


def q_values(z: NDArray[np.float64], decoys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of findings as strong as each that comes about for no reason.

    *Formula*  q(s) = (decoys ≥ s ÷ decoys) ÷ (findings ≥ s ÷ findings), strength by direction (less
    arrives, more arrives), made monotone: a stronger finding never has a larger q. None is under what a
    normal noise of the same standard deviation gives as often: what is within the noise is no finding, also
    where all rows lean one way.

    Parameters
    ----------
    z : (n,)
        Scores of the findings; NaN has none.
    decoys : (d,)
        Scores where nothing happened.

    Returns
    -------
    (n,)
        0 to 1; NaN without a score or without decoys. With d decoys none is under 1/(d + 1) ÷ share of
        findings.
    """
    found = np.full(z.size, np.nan)
    decoys = decoys[np.isfinite(decoys)]
    known = np.flatnonzero(np.isfinite(z))
    if not known.size or not decoys.size:
        return found
    for sign in (-1.0, 1.0):
        mine = known[sign * z[known] > 0]
        if not mine.size:
            continue
        strength = np.sort(sign * z[mine])
        fake = np.sort(sign * decoys)
        by_chance = (fake.size - np.searchsorted(fake, strength) + 1.0) / (fake.size + 1.0)
        share = (strength.size - np.arange(strength.size)) / known.size
        q = np.minimum.accumulate(np.minimum(by_chance / share, 1.0))
        found[mine] = q[np.searchsorted(strength, sign * z[mine])]
    found[known[z[known] == 0]] = 1.0
    least: NDArray[np.float64] = erfc(np.abs(z) / np.sqrt(2.0))
    return np.where(np.isfinite(found), np.maximum(found, least), np.nan)
