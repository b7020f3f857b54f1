"""How unusual gaps are: amount, interval, score and q-value against placebos."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.gaps.expected import LARGEST_RATIO
from entrepot.detect.gaps.noise import fit_ratio_noise, q_values
from entrepot.detect.kernels.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.gaps.groups import BookSums, GroupSums

__all__ = [
    "IDENTIFIED",
    "NO_HISTORY",
    "NO_PLACEBO",
    "Changes",
    "Judged",
    "judge",
    "judge_in_turn",
    "status_of",
]

IDENTIFIED = "identified"
NO_HISTORY = "not identified: too few earlier periods that both sides published"
NO_PLACEBO = "no interval: too few placebo periods to learn the noise from"


def status_of(
    has_history: NDArray[np.bool_], z: NDArray[np.float64]
) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """Return (g) the positions of groups' status among the words behind."""
    at = np.where(has_history, np.where(np.isfinite(z), 0, 1), 2)
    return at.astype(np.int8), (IDENTIFIED, NO_PLACEBO, NO_HISTORY)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Verdicts on groups; g rows, NaN where there is none.

    Attributes
    ----------
    unusual, low, high : (g,)
        Part of the gap that the earlier ratio does not explain, USD FOB, with a 90% interval.
    z, q : (g,)
        Score and false-positive rate.
    has_history : (g,)
        Whether there is enough to compare with.
    """

    unusual: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    z: NDArray[np.float64]
    q: NDArray[np.float64]
    has_history: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """How the ratios of groups changed; g rows.

    Attributes
    ----------
    change, log_size : (g,)
        See :class:`~entrepot.detect.gaps.groups.GroupSums`.
    is_one_sided : (g,)
        One of the books did not know of the flow before.
    has_history : (g,)
        There is enough to compare with.
    """

    change: NDArray[np.float64]
    log_size: NDArray[np.float64]
    is_one_sided: NDArray[np.bool_]
    has_history: NDArray[np.bool_]

    @classmethod
    def of(cls, groups: GroupSums, small: float) -> Changes:
        """Return the changes of groups."""
        return cls(groups.change(small), groups.log_size(small), groups.is_one_sided, groups.has_history)

    @classmethod
    def joined(cls, parts: Sequence[Changes]) -> Changes:
        """Return several as one; none of none."""
        none, no = np.zeros(0), np.zeros(0, dtype=bool)
        return cls(
            np.concatenate([none, *[part.change for part in parts]]),
            np.concatenate([none, *[part.log_size for part in parts]]),
            np.concatenate([no, *[part.is_one_sided for part in parts]]),
            np.concatenate([no, *[part.has_history for part in parts]]),
        )

    def only(self, at: NDArray[Any]) -> Changes:
        """Return the rows under a mask, or at positions."""
        return Changes(**{field.name: getattr(self, field.name)[at] for field in fields(self)})


def judge(groups: BookSums, changes: Changes, placebos: Changes, small: float) -> Judged:
    r"""Judge groups by what the same groups did in placebo windows.

    *Formula*  d = ln((M + κ)/(M̂ + κ)), M̂ expected arrivals; z = d/σ(M̂). Where d is under nought the
    unusual part of the gap is M̂ − M, arrivals that are missing; where it is over, X − X̂, X̂ the expected
    dispatches: dispatches that are missing, as a negative amount. A book that hardly knew of the flow (a
    ratio over 3 or under ⅓) is no measure of the other: then it is the other one of the two. No more is
    missing than was sent, or arrived. The interval puts the 5th and 95th percentile of d in placebo windows
    of that size in the place of nought.

    Parameters
    ----------
    groups, changes
        Books of the groups of the window in question, and how their ratios changed.
    placebos
        Changes in windows in which nothing happened, of groups that have a history.
    small
        κ, see :func:`entrepot.detect.gaps.expected.small_flow`.
    """
    has_history, change = changes.has_history, changes.change
    noise = fit_ratio_noise(placebos.log_size, placebos.change, placebos.is_one_sided)
    n = change.size
    by_arrivals = _is_by_arrivals(groups, change)
    missing = np.full(n, np.nan)
    if noise is None:
        unusual = _of_sign(_unusual(groups, np.zeros(n), by_arrivals=by_arrivals, small=small), change)
        return Judged(np.where(has_history, unusual, np.nan), missing, missing, missing, missing, has_history)
    sd, low, high = noise.at(changes.log_size, changes.is_one_sided)
    z = np.where(has_history, change / sd, np.nan)
    decoys = in_blocks(noise.scores, placebos.change, placebos.log_size, placebos.is_one_sided)
    ends = [_unusual(groups, at, by_arrivals=by_arrivals, small=small) for at in (np.zeros(n), low, high)]
    ends[0] = _of_sign(ends[0], change)
    unusual, one, other = (np.where(has_history, end, np.nan) for end in ends)
    return Judged(unusual, one, other, z, q_values(z, decoys), has_history)


def _of_sign(unusual: NDArray[np.float64], change: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return nought where a bounded expectation would turn the sign."""
    return np.where(np.sign(unusual) == -np.sign(change), unusual, 0.0)


def _is_by_arrivals(groups: BookSums, change: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (g) where the unusual part is told by the arrivals: see :func:`judge`."""
    is_usable = groups.arrivals <= LARGEST_RATIO * groups.x
    is_chronic = groups.arrivals < groups.x / LARGEST_RATIO
    return np.where(change < 0, is_usable, is_chronic)


def _unusual(
    groups: BookSums, noise: NDArray[np.float64], *, by_arrivals: NDArray[np.bool_], small: float
) -> NDArray[np.float64]:
    """Return the unusual part of the gap, had the ratio changed by a noise in any case."""
    arrivals = (groups.arrivals + small) * np.exp(noise) - small - groups.m
    dispatches = groups.x - (groups.dispatches + small) * np.exp(-noise) + small
    return np.clip(np.where(by_arrivals, arrivals, dispatches), -groups.m, groups.x)


def judge_in_turn(
    groups: GroupSums, changes: Changes, block: NDArray[np.signedinteger], small: float
) -> Judged:
    """Judge the groups of every block by those of the blocks before it.

    Parameters
    ----------
    groups, changes
        All groups, and how their ratios changed.
    small
        As for :func:`judge`.
    block : (g,)
        Calendar year of each.
    """
    names = ("unusual", "low", "high", "z", "q")
    found = {name: np.full(block.size, np.nan) for name in names}
    for year in np.unique(block).tolist():
        mine = np.flatnonzero(block == year)
        earlier = changes.only((block < year) & changes.has_history)
        judged = judge(groups.books(mine), changes.only(mine), earlier, small)
        for name in names:
            found[name][mine] = getattr(judged, name)
    return Judged(**found, has_history=changes.has_history)
