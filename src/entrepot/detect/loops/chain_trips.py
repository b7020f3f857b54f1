"""The search for chains maker → via → second via → maker: candidates, placebos, planted chains, findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.chain_search import best_rotation, judge_chains, scan_chains
from entrepot.detect.loops.chain_shipments import beside, find_shipped
from entrepot.detect.loops.chain_spikes import draw_chain_spikes
from entrepot.detect.loops.chains import find_chains, flowing_on
from entrepot.detect.loops.planting import calibrate_chains
from entrepot.detect.loops.search import FALSE, placebo_scores, placebo_weight, q_and_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.loops.asked import Asked
    from entrepot.detect.loops.calibration import LoopCalibration
    from entrepot.detect.loops.chain_search import ChainScan
    from entrepot.detect.loops.chain_shipments import FlowMonths
    from entrepot.detect.loops.chain_spikes import ChainSets
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.measure import Tools
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.search import Judged
    from entrepot.detect.loops.spikes import SpikePlan
    from entrepot.detect.loops.windows import Trade

__all__ = ["ChainFindings", "ChainSearch"]

_STREAM = 2  # of the seed: chains leave the draws of round trips as they were


@dataclass(frozen=True, slots=True)
class ChainFindings:
    """Chains that stand, and how far planted ones were recovered.

    Attributes
    ----------
    judged
        The chains identified.
    q_value : (n,)
        Of each.
    others, others_q : (m,)
        All other products that flow on all three legs of a chain that stands; one without a q-value of its
        own has one.
    calibration
        Planted chains.
    """

    judged: Judged[Chains]
    q_value: NDArray[np.float64]
    others: Chains
    others_q: NDArray[np.float64]
    calibration: LoopCalibration


@dataclass(frozen=True, slots=True)
class ChainSearch:
    """Candidates of the event's windows, of placebos and of quiet windows, and what is planted.

    Attributes
    ----------
    event
        After the first look.
    decoys
        Sets of placebos: one leg comes from an area to which nothing was sent on, the first, the second or
        the last.
    quiet
        The same search in quiet months.
    spikes
        Planted sets.
    rng
        Stream of what is still to be drawn.
    """

    event: ChainScan
    decoys: tuple[ChainScan, ...]
    quiet: tuple[ChainScan, ...]
    spikes: tuple[ChainSets, ...]
    rng: np.random.Generator

    @classmethod
    def of(
        cls,
        trade: Trade,
        expected: ExpectedTrade,
        months: FlowMonths,
        asked: Asked,
        options: LoopOptions,
    ) -> ChainSearch:
        """Look at the sums of the windows of all candidates, and draw what is planted."""
        rng = np.random.default_rng([options.seed, _STREAM])
        n, areas = len(trade.areas), asked.vias if asked.makers.all() else asked.makers

        def look(at: int, other: NDArray[np.int64] | None = None) -> ChainScan:
            chains = find_chains(trade, expected, at, asked=areas, other=other)
            if other is not None:  # a circle is found begun at each of its areas: so are placebos
                chains = chains.joined(chains.rotated).joined(chains.rotated.rotated)
            shipped = find_shipped(
                trade, expected, at, months, asked=areas, longest_lag=options.longest_lag, other=other
            )
            chains, shipments = beside(chains, shipped)
            return scan_chains(trade, expected, at, chains, shipments=shipments)

        quiet = range(1, len(trade.windows))
        drawn = [
            draw_chain_spikes(
                trade,
                expected,
                at,
                numbers=np.arange(at - 1, options.spikes, len(quiet), dtype=np.int64),
                rng=rng,
            )
            for at in quiet
        ]
        return cls(
            event=look(0),
            decoys=tuple(look(0, _other_areas(n, rng)) for _ in range(asked.decoys)),
            quiet=tuple(look(at) for at in quiet),
            spikes=tuple(sets for sets in drawn if sets is not None),
            rng=rng,
        )

    @property
    def cells(self) -> NDArray[np.int64]:
        """Return the cells whose months are needed."""
        scans = (self.event, *self.decoys, *self.quiet)
        return np.concatenate([s.cells for s in scans] + [s.candidates.cells for s in self.spikes])

    def found(self, tools: Tools, asked: Asked, plan: SpikePlan, taken: NDArray[np.int64]) -> ChainFindings:
        """Return the chains that stand.

        Parameters
        ----------
        tools
            Windows, expectations, months.
        asked
            The question.
        plan
            How well planted chains are reported.
        taken
            Cells of round trips through one via: what goes round in these is no chain.
        """
        event = self._judged(tools, self.event, asked)
        searched = float(asked.hold(self.event.candidates).sum())
        scores = [placebo_scores(self._likeliest(tools, one), asked) for one in self.decoys]
        weights = [placebo_weight(searched, one, asked, tools.longest_lag) for one in self.decoys]
        scores += [self._judged(tools, one, asked).log_odds for one in self.quiet]
        weights += [1.0] * len(self.quiet)
        q_value, threshold = q_and_threshold(event, scores, weights)
        calibration = calibrate_chains(tools, self.spikes, plan, threshold, rng=self.rng)
        c, measured = event.candidates, event.measured
        both = (measured.out.usd > measured.out.expected_usd) & (
            measured.back.usd > measured.back.expected_usd
        )
        stands = (q_value < FALSE) & event.is_clear & (both | measured.by_shipment)
        stands &= measured.is_told & (calibration.spread() is not None)
        stands &= ~(np.isin(c.out, taken) | np.isin(c.on, taken) | np.isin(c.back, taken))
        kept = np.flatnonzero(stands)
        found = event.only(kept)
        others = flowing_on(tools.trade, 0, found.candidates)
        others_q = _q_of(tools.trade, others, c, q_value)
        return ChainFindings(found, q_value[kept], others, others_q, calibration)

    @classmethod
    def _judged(cls, tools: Tools, found: ChainScan, asked: Asked) -> Judged[Chains]:
        """Return what was asked about of a scan, each begun at the likeliest of its areas."""
        judged = cls._likeliest(tools, found)
        return judged.only(np.flatnonzero(asked.hold(judged.candidates)))

    @staticmethod
    def _likeliest(tools: Tools, found: ChainScan) -> Judged[Chains]:
        judged = judge_chains(tools, found)
        return judged.only(np.flatnonzero(best_rotation(judged)))


def _other_areas(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return by maker and second via the area from which a placebo's goods come; the maker for no placebo.

    A circle that is closed is found begun at each of its areas and counts once; one that is not is another
    one at each: a third of them are as many as the circles.
    """
    chosen = rng.random((n, n)) < 1.0 / 3.0
    return np.where(chosen, rng.integers(0, n, (n, n)), np.arange(n)[:, None])


def _q_of(trade: Trade, chains: Chains, judged: Chains, q_value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the q-values of chains, one where they were not judged."""
    own, known = (
        some.pair(len(trade.areas)) * len(trade.products) + some.product for some in (chains, judged)
    )
    order = np.argsort(known, kind="stable")
    at = np.append(order, 0)[np.searchsorted(known, own, sorter=order)]
    return np.where(np.append(known, -1)[at] == own, np.append(q_value, 1.0)[at], 1.0)
