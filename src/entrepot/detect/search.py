"""One search: the question in the terms of the data, the noise, and every pair of windows to put it to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.baseline import Baseline
from entrepot.detect.blocs import pool, representative
from entrepot.detect.calibration import Placebo
from entrepot.detect.cells import Question
from entrepot.detect.controls import control_goods
from entrepot.detect.estimate import estimate, expect, learn_noise
from entrepot.detect.event_noise import Departures, as_noisy, noise_ratio
from entrepot.detect.gravity import LARGEST_GRAVITY
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.periods import period_text
from entrepot.detect.treated import FEWEST_PRODUCTS, pair_signal, threshold, treated_pairs
from entrepot.errors import CoverageError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.estimate import Estimate
    from entrepot.detect.noise import Noise
    from entrepot.detect.options import DetourOptions
    from entrepot.detect.periods import WindowPair
    from entrepot.detect.windows import WindowData

__all__ = ["Search", "rest_growth", "seen_pairs"]

_NEGLIGIBLE_REST = 0.02

#: Control goods under which there is no difference in differences.
_FEWEST_CONTROLS = 5

#: Baselines that are learnt from untreated cells of the data: where one can be had the others can.
_OF_UNTREATED = (Baseline.UNTREATED, Baseline.GRAVITY, Baseline.CONTROLS)

#: What the option ``expected`` means.
_METHODS = {"robust": None, "gravity": Baseline.GRAVITY, "controls": Baseline.CONTROLS}


@dataclass(frozen=True, slots=True)
class Search:
    """A question put to the event's windows and to placebo windows.

    Attributes
    ----------
    data
        The flows of every pair of windows, members apart.
    cells
        The same with the pooled origins summed.
    asked
        Who and what is asked about.
    question
        The same, pass one done: the pairs that were treated.
    members : (n_areas,)
        Pooled origins; ``representative`` stands for them (-1 without any).
    noise, noise_ratio
        Learnt from the placebo windows, and how many times as much flows change around the event.
    growth
        Per pair of windows, growth of the goods outside the question by importer, (n_areas,).
    signal : (n_areas, n_areas)
        Pass one's signal.
    placebos
        The placebo windows, ready for planting: as noisy as the event's.
    windows
        The event's windows.
    z
        Threshold.
    """

    data: WindowData
    cells: tuple[Cells, ...]
    asked: Question
    question: Question
    members: NDArray[np.bool_]
    representative: int
    noise: Noise
    noise_ratio: float
    growth: tuple[NDArray[np.float64] | None, ...]
    signal: NDArray[np.float64]
    placebos: tuple[Placebo, ...]
    windows: WindowPair
    z: float

    @classmethod
    def of(cls, data: WindowData, pairs: Sequence[WindowPair], options: DetourOptions) -> Search:
        """Make the search: masks, noise, pass one, placebos.

        Raises
        ------
        CoverageError
            Areas or products that the question needs are not in the data.
        """
        members = _mask(data.areas, options.pooled_origins)
        stand_in = representative(members) if members.any() else -1
        cells = tuple(pool(c, members) for c in data.cells)
        asked = _with_method(_asked(data, options, members, stand_in), data, cells[0], options)
        growth = tuple(rest_growth(data, at, asked, members) for at in range(len(pairs)))
        questions = [
            replace(asked, is_observed=asked.is_observed & seen_pairs(seen, members, stand_in))
            for seen in data.is_observed
        ]
        quiet = range(1, len(pairs)) if len(pairs) > 1 else range(1)
        noise = learn_noise(
            [cells[at] for at in quiet], [questions[at] for at in quiet], [growth[at] for at in quiet]
        )
        signals, departures, usual = [], [], []
        for at in range(len(pairs)):
            expected = expect(cells[at], questions[at], noise=noise, partner_growth=growth[at])
            counts = asked.listed[cells[at].product]
            signals.append(pair_signal(cells[at], expected.usd, noise=noise, counts=counts))
            departures.append(Departures.of(cells[at], expected.usd, noise=noise))
            usual.append(expected.usd)
        signal = signals[0]
        question = _narrowed(asked, signal, threshold(signals[1:]), options)
        ratio = noise_ratio(departures, question)
        noisy = [
            as_noisy(cells[at], usual[at], ratio=ratio, floor=noise.floor) for at in range(1, len(pairs))
        ]
        cells, noise = (cells[0], *noisy), noise.scaled(ratio)
        placebos = tuple(
            Placebo(
                cells=cells[at],
                question=replace(question, is_observed=questions[at].is_observed),
                partner_growth=growth[at],
                scale=len(pairs[0].after) / len(pairs[at].after),
                label=pairs[at].label,
            )
            for at in range(1, len(pairs))
        )
        return cls(
            data,
            cells,
            asked,
            question,
            members,
            stand_in,
            noise,
            ratio,
            growth,
            signal,
            placebos,
            pairs[0],
            options.z,
        )

    def run(self, at: int, *, baseline: Baseline | None = None) -> Estimate:
        """Estimate the question in one pair of windows, 0 being the event's."""
        question = self.question if at == 0 else self.placebos[at - 1].question
        return estimate(
            self.cells[at],
            question,
            noise=self.noise,
            z=self.z,
            partner_growth=self.growth[at],
            baseline=baseline,
        )

    def other_baselines(self, used: Baseline) -> tuple[Baseline, ...]:
        """Return the baselines besides the one used that the data allow."""
        possible = [Baseline.UNCHANGED]
        if self.growth[0] is not None:
            possible.append(Baseline.UNLISTED)
        if used in _OF_UNTREATED:
            possible.append(Baseline.UNTREATED)
            if self.cells[0].before.size <= LARGEST_GRAVITY:
                possible.append(Baseline.GRAVITY)
            if self.question.controls is not None:
                possible.append(Baseline.CONTROLS)
        return tuple(baseline for baseline in possible if baseline is not used)

    def treated_table(self) -> pa.Table:
        """Return the origin × destination pairs with their signal, strongest first."""
        origin, destination = np.nonzero(np.isfinite(self.signal) & self.question.destinations[None, :])
        signal = self.signal[origin, destination]
        areas = np.array(self.data.areas, dtype=object)
        order = np.argsort(signal)
        return pa.table(
            {
                "origin": pa.array(areas[origin][order].tolist(), pa.string()),
                "destination": pa.array(areas[destination][order].tolist(), pa.string()),
                "signal": pa.array(signal[order], pa.float64()),
                "is_treated": pa.array(self.question.is_treated[origin, destination][order], pa.bool_()),
            }
        )

    def late_reporters(self) -> dict[str, str]:
        """Return the origins and hubs whose published part of the after-window is shorter than the window."""
        needed = self.question.origins | self.members | self.question.hubs
        late: dict[str, str] = {}
        for at in np.flatnonzero(needed):
            area = self.data.areas[at]
            seen = self.data.calendar.exports.get(area, frozenset())
            wanted = [period_text(p, is_monthly=self.windows.is_monthly) for p in self.windows.after]
            have = [p for p in wanted if p in seen]
            if len(have) < len(wanted):
                late[area] = f"{len(have)} of {len(wanted)}" + (f", to {have[-1]}" if have else "")
        return late


def _mask(codes: Sequence[str], chosen: Sequence[str]) -> NDArray[np.bool_]:
    return np.isin(np.array(codes, dtype=object), np.array(list(chosen), dtype=object))


def _asked(data: WindowData, options: DetourOptions, members: NDArray[np.bool_], stand_in: int) -> Question:
    """Return the question as asked, before pass one; refuse what the data do not hold."""
    for option, codes in (
        ("--origin", options.origins),
        ("--hub", options.hubs),
        ("--destination", options.destinations),
    ):
        present = [code for code in codes if code in data.areas]
        if codes and not present:
            raise CoverageError(
                f"none of {', '.join(codes[:10])} is in the data",
                where=option,
                hint="ingest files in which they report or are partners; `entrepot flows` lists who is there",
            )
    listed = (
        np.array([any(code.startswith(p) for p in options.products) for code in data.products], dtype=bool)
        if options.products
        else np.ones(len(data.products), dtype=bool)
    )
    if not listed.any():
        raise CoverageError(
            f"none of the {len(options.products)} product codes is in the data",
            where="--products",
            hint="ingest files that hold them, or check the revision: lists are of HS2022",
        )
    n = len(data.areas)
    origins = _mask(data.areas, options.origins) if options.origins else np.ones(n, dtype=bool)
    destinations = _mask(data.areas, options.destinations) if options.destinations else np.ones(n, dtype=bool)
    if members.any():
        origins = origins & ~members
        origins[stand_in] = True
        destinations = destinations & ~members
    hubs = _mask(data.areas, options.hubs) if options.hubs else np.ones(n, dtype=bool)
    if options.destinations:
        hubs = hubs & ~destinations
    observed = seen_pairs(data.is_observed[0], members, stand_in)
    if members.any():
        hubs = hubs & ~members
    is_treated = origins[:, None] & destinations[None, :]
    if not (options.origins and options.destinations):
        is_treated = np.zeros((n, n), dtype=bool)
    return Question(
        origins=origins,
        hubs=hubs,
        destinations=destinations,
        listed=listed,
        are_hubs_given=bool(options.hubs),
        is_treated=is_treated,
        is_observed=observed,
    )


def _with_method(asked: Question, data: WindowData, cells: Cells, options: DetourOptions) -> Question:
    """Return the question with the way growth is learnt; refuse one that the data do not allow."""
    controls = control_goods(data.products, asked.listed)
    method = _METHODS[options.expected]
    if method is Baseline.CONTROLS and controls.sum() < _FEWEST_CONTROLS:
        raise CoverageError(
            f"{controls.sum()} of {controls.size} products can be controls; {_FEWEST_CONTROLS} are needed",
            where="--expected controls",
            hint="name the goods under measures with --products and ingest files that hold other goods too; "
            "relatives of listed codes and goods of the same headings are no controls",
        )
    if method is Baseline.GRAVITY and cells.before.size > LARGEST_GRAVITY:
        raise OptionError(
            f"gravity fits up to {LARGEST_GRAVITY:,} flows, and here are {cells.before.size:,}",
            where="--expected gravity",
            hint="leave the option out, or ask about fewer products or areas",
        )
    return replace(asked, method=method, controls=controls if controls.sum() >= _FEWEST_CONTROLS else None)


def _narrowed(asked: Question, signal: NDArray[np.float64], below: float, options: DetourOptions) -> Question:
    """Return the question for the pairs that were treated (pass one); nobody, where nothing was.

    Where no pair has the products that pass one needs, it is refused: nobody looked, and nothing found would
    be no finding.
    """
    if not (options.origins and options.destinations):
        _refuse_a_handful(asked, signal)
    treated = treated_pairs(
        signal,
        below=below,
        origins=asked.origins if options.origins else None,
        destinations=asked.destinations if options.destinations else None,
    )
    origins, destinations = np.atleast_1d(treated.any(axis=1)), np.atleast_1d(treated.any(axis=0))
    return replace(
        asked,
        is_treated=treated,
        origins=origins,
        destinations=destinations,
        hubs=asked.hubs & ~destinations,
    )


def _refuse_a_handful(asked: Question, signal: NDArray[np.float64]) -> None:
    possible = asked.origins[:, None] & asked.destinations[None, :]
    if np.isfinite(signal[possible]).any():
        return
    looked = f"{int(asked.listed.sum()):,} product{'s are' if asked.listed.sum() != 1 else ' is'} looked at"
    raise CoverageError(
        f"whose direct trade fell cannot be told: no pair trades in {FEWEST_PRODUCTS} products, and {looked}",
        where="--origin, --destination",
        hint="name both ends of the road (--origin NOR --destination RUS), or ask about more products",
    )


def seen_pairs(observed: NDArray[np.bool_], members: NDArray[np.bool_], stand_in: int) -> NDArray[np.bool_]:
    """Return the pairs that somebody published, those of the pooled origins under their representative."""
    seen = observed.copy()
    if members.any():
        seen[stand_in] = observed[members].any(axis=0)
    return seen


def rest_growth(
    data: WindowData, at: int, asked: Question, members: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Return the log growth of the origins' goods outside the question, by importer.

    Outside are the goods of the totals that no listed product accounts for. NaN where the files have no
    totals or the rest is under 2% of them; None where that is so everywhere.
    """
    cells, both = data.cells[at], (data.total_before[at], data.total_after[at])
    if not all((totals > 0).any() for totals in both):
        return None
    senders = asked.origins | members
    counted = np.flatnonzero(senders[cells.exporter] & asked.listed[cells.product])
    rest: list[NDArray[np.float64]] = []
    for values, totals in zip((cells.before, cells.after), both, strict=True):
        inside = sum_by(cells.pair_at(counted), values[counted], cells.n_areas**2)
        total = np.where(np.isfinite(totals), totals, 0.0)
        outside = np.where(total > 0, total - inside.reshape(total.shape), 0.0)
        outside[outside < _NEGLIGIBLE_REST * total] = 0.0
        rest.append(outside[senders].sum(axis=0))
    known = (rest[0] > 0) & (rest[1] > 0)
    if not known.any():
        return None
    return np.where(known, np.log(np.where(known, rest[1], 1.0) / np.where(known, rest[0], 1.0)), np.nan)
