"""How far off the estimates are, learnt from planted detours."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.corridors import KINDS
from entrepot.detect.estimate import estimate
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.portions import n_portions, portion
from entrepot.detect.spikes import Books, plant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.corridors import Corridors
    from entrepot.detect.noise import Noise
    from entrepot.detect.portions import Portion
    from entrepot.detect.spikes import Planted, SpikePlan

__all__ = ["Calibration", "Interval", "Placebo", "SpikeRun", "calibrate", "group_ids"]

_LOW, _HIGH = 0.05, 0.95
_MOST_BINS = 6
_LARGEST_ID = 2**62
_FEWEST_IN_BIN = 60


@dataclass(frozen=True, slots=True)
class Placebo:
    """A pair of windows in which nothing happened, with the question put to it.

    Attributes
    ----------
    cells, question, partner_growth
        As for :func:`entrepot.detect.estimate.estimate`.
    scale
        Periods of the event's after-window over this one's: what an amount here is worth there.
    label
        The windows in words.
    """

    cells: Cells
    question: Question
    partner_growth: NDArray[np.float64] | None
    scale: float
    label: str

    @property
    def size(self) -> int:
        """Bytes of the cells."""
        columns = (getattr(self.cells, field.name) for field in fields(self.cells))
        return sum(column.nbytes for column in columns if isinstance(column, np.ndarray))


@dataclass(frozen=True, slots=True)
class SpikeRun:
    """One set of planted detours beside what the estimator made of it.

    Attributes
    ----------
    origin, hub, destination, product, kind : (t,)
        Corridors planted or found, and the number of their kind.
    planted, estimated : (t,)
        USD; zero where not planted, or missed.
    """

    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    kind: NDArray[np.int64]
    planted: NDArray[np.float64]
    estimated: NDArray[np.float64]

    def only(self, mask: NDArray[np.bool_]) -> SpikeRun:
        """Return the corridors under a mask."""
        return SpikeRun(
            self.origin[mask],
            self.hub[mask],
            self.destination[mask],
            self.product[mask],
            self.kind[mask],
            self.planted[mask],
            self.estimated[mask],
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """Quantiles of true over estimated amount by size of the estimate.

    Attributes
    ----------
    log_size : (b,)
        Natural log of the estimate in USD, increasing.
    low, high : (b,)
        5th and 95th percentile of planted over estimated amount, planted zeros included.
    missed_high
        95th percentile of the amounts that were planted and missed, USD.
    """

    log_size: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    missed_high: float

    def around(self, usd: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower and upper end of the interval around each estimate, USD."""
        size = np.log(np.maximum(usd, 1.0))
        # an interval that leaves out its own estimate would read as a contradiction: widen it
        low = usd * np.minimum(np.interp(size, self.log_size, self.low), 1.0)
        high = usd * np.maximum(np.interp(size, self.log_size, self.high), 1.0)
        return np.where(usd > 0, low, 0.0), np.where(usd > 0, high, self.missed_high)


def group_ids(keys: Sequence[NDArray[np.int64]], size: int) -> NDArray[np.int64]:
    """Return one number per distinct combination of keys; zero for all when there is no key."""
    ids, n = np.zeros(size, dtype=np.int64), 1
    for key in keys:
        n_keys = int(key.max(initial=0)) + 1
        if n * n_keys > _LARGEST_ID:
            ids = np.unique(ids, return_inverse=True)[1]
            n = size
        ids, n = ids * n_keys + key, n * n_keys
    return np.unique(ids, return_inverse=True)[1]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Spike-in runs and what follows from them.

    Attributes
    ----------
    runs
        One a planted set.
    windows
        Placebo windows that were planted in, as wholes; 0 where it was portion by portion.
    """

    runs: tuple[SpikeRun, ...]
    windows: int = 0

    def only(self, kinds: Collection[int]) -> Calibration:
        """Return the calibration of corridors of some kinds."""
        return replace(self, runs=tuple(run.only(np.isin(run.kind, list(kinds))) for run in self.runs))

    def grouped(
        self, by: Callable[[SpikeRun], Sequence[NDArray[np.int64]]]
    ) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return planted and estimated sums by group, a pair of arrays a run."""
        sums = []
        for run in self.runs:
            ids = group_ids(by(run), run.planted.size)
            n = int(ids.max()) + 1 if ids.size else 0
            sums.append(
                (
                    sum_by(ids, run.planted, n),
                    sum_by(ids, run.estimated, n),
                )
            )
        return sums

    def interval(self, by: Callable[[SpikeRun], Sequence[NDArray[np.int64]]]) -> Interval | None:
        """Return the interval for sums by these keys; None where nothing planted was ever found."""
        return _interval(self.grouped(by))

    def coverage(self, by: Callable[[SpikeRun], Sequence[NDArray[np.int64]]]) -> float:
        """Return the share of planted sums inside their interval, missed ones counted.

        The interval of each half of the runs is tried on the other half.
        """
        sums = self.grouped(by)
        halves = (sums[::2], sums[1::2])
        inside = total = 0
        for learn, test in (halves, halves[::-1]):
            interval = _interval(learn)
            for planted, estimated in test:
                real = planted > 0
                total += int(real.sum())
                if interval is not None:
                    low, high = interval.around(estimated[real])
                    inside += int(((planted[real] >= low) & (planted[real] <= high)).sum())
        return inside / total if total else float("nan")

    def error(self, by: Callable[[SpikeRun], Sequence[NDArray[np.int64]]]) -> float:
        """Return the median over runs of Σ|planted − estimated| / Σ planted over the groups."""
        errors = [np.abs(p - e).sum() / p.sum() for p, e in self.grouped(by) if p.sum() > 0]
        return float(np.median(errors)) if errors else float("nan")

    @property
    def recovered_share(self) -> float:
        """Return the median over runs of estimated over planted total."""
        shares = [r.estimated.sum() / r.planted.sum() for r in self.runs if r.planted.sum() > 0]
        return float(np.median(shares)) if shares else float("nan")


def _interval(sums: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Interval | None:
    planted = np.concatenate([p for p, _ in sums]) if sums else np.zeros(0)
    estimated = np.concatenate([e for _, e in sums]) if sums else np.zeros(0)
    found = estimated > 0
    if not found.any():
        return None
    size = np.log(np.maximum(estimated[found], 1.0))
    ratio = planted[found] / estimated[found]
    n_bins = int(np.clip(size.size // _FEWEST_IN_BIN, 1, _MOST_BINS))
    edges = np.quantile(size, np.linspace(0.0, 1.0, n_bins + 1))
    middle: list[float] = []
    low: list[float] = []
    high: list[float] = []
    for first, last in pairwise(edges):
        inside = (size >= first) & (size <= last)
        centre = float(np.median(size[inside]))
        if middle and centre <= middle[-1]:
            continue
        middle.append(centre)
        ends = _conformal(np.sort(ratio[inside]))
        low.append(ends[0])
        high.append(ends[1])
    missed = planted[(planted > 0) & ~found]
    return Interval(
        log_size=np.array(middle),
        low=np.array(low),
        high=np.array(high),
        missed_high=float(np.quantile(missed, _HIGH)) if missed.size else 0.0,
    )


def _conformal(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends between which a further value lies with 90% probability, whatever the distribution.

    Order statistics (n+1)·5% from either end; the extremes where there are too few values.
    """
    n = ordered.size
    rank = max(math.floor((n + 1) * _LOW), 1)
    return float(ordered[rank - 1]), float(ordered[n - rank])


def calibrate(
    placebos: Sequence[Placebo],
    *,
    noise: Noise,
    plan: SpikePlan,
    z: float,
    sets: int,
    seed: int,
    each: Callable[[Callable[[int], SpikeRun | None], Sequence[int]], Iterable[SpikeRun | None]] = map,
) -> Calibration:
    """Plant known detours in windows before the event and estimate them.

    Parameters
    ----------
    placebos
        Windows to plant in, used in turn; large ones portion by portion (:mod:`entrepot.detect.portions`).
    noise, z
        As for the estimate.
    plan
        What the planted detours resemble; its total is of the event's window.
    sets
        How many sets to plant.
    seed
        Seed of the draws.
    each
        Applies a function to every number, in order: here, or where an engine has room.
    """
    seeds = np.random.SeedSequence(seed).spawn(sets)
    # Sets that are planted in the same portion follow one another: it is made once.
    kept: dict[int, tuple[int, Portion, Books, dict[str, NDArray[np.float64]]]] = {}

    def run(number: int) -> SpikeRun | None:
        which = number % len(placebos)
        placebo = placebos[which]
        n = n_portions(placebo.cells)
        at = number * n // sets
        found = kept.get(which)
        if found is None or found[0] != at:
            part = portion(placebo.cells, placebo.question, at, n=n)
            found = kept[which] = (at, part, Books.of(part.cells, noise), {})
        _, mine, books, guesses = found
        planted = plant(
            mine.cells,
            mine.question,
            replace(plan, total_usd=plan.total_usd * mine.share / placebo.scale),
            books=books,
            rng=np.random.default_rng(seeds[number]),
        )
        if not planted.usd.size:
            return None
        # What was planted moves few medians far.
        planted.cells.grouping.guesses.update(guesses)
        corridors = estimate(
            planted.cells, mine.question, noise=noise, z=z, partner_growth=placebo.partner_growth
        ).corridors
        guesses.update(planted.cells.grouping.guesses)
        aligned = _aligned(planted, corridors, placebo)
        return replace(aligned, product=mine.products[aligned.product])

    made = each(run, range(sets if placebos else 0))
    runs = tuple(one for one in made if one is not None)
    are_whole = all(n_portions(placebo.cells) == 1 for placebo in placebos)
    return Calibration(runs, windows=min(len(placebos), len(runs)) if are_whole else 0)


def _aligned(planted: Planted, found: Corridors, placebo: Placebo) -> SpikeRun:
    """Put planted and found amounts of one run side by side, worth what they are in the event's window."""
    cells = planted.cells
    n_kinds = len(KINDS)
    keys = [
        (
            ((side.origin.astype(np.int64) * cells.n_areas + side.hub) * cells.n_areas + side.destination)
            * cells.n_products
            + side.product
        )
        * n_kinds
        + side.kind
        for side in (planted, found)
    ]
    every = np.unique(np.concatenate(keys))
    amounts = [
        placebo.scale * sum_by(np.searchsorted(every, key), usd, every.size)
        for key, usd in zip(keys, (planted.usd, found.usd), strict=True)
    ]
    rest, kind = np.divmod(every, n_kinds)
    rest, product = np.divmod(rest, cells.n_products)
    rest, destination = np.divmod(rest, cells.n_areas)
    origin, hub = np.divmod(rest, cells.n_areas)
    return SpikeRun(origin, hub, destination, product, kind, amounts[0], amounts[1])
