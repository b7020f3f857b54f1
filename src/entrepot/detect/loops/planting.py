"""Planted round trips searched for as the event's are, truth and estimate side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.loops.calibration import LoopCalibration
from entrepot.detect.loops.chain_search import judge_chains, scan_chains
from entrepot.detect.loops.chain_spikes import planted_chain_months, planted_legs
from entrepot.detect.loops.search import judge, scan
from entrepot.detect.loops.spikes import planted_months, planted_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.chain_spikes import ChainSets
    from entrepot.detect.loops.chains import Chains
    from entrepot.detect.loops.measure import Tools
    from entrepot.detect.loops.search import Judged
    from entrepot.detect.loops.spikes import SpikePlan, SpikeSets

__all__ = ["calibrate_chains", "calibrate_trips"]


def calibrate_trips(
    tools: Tools,
    spikes: Sequence[SpikeSets],
    plan: SpikePlan,
    threshold: float,
    *,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None,
) -> LoopCalibration:
    """Plant every set of round trips and search for it.

    Parameters
    ----------
    tools, spikes, plan
        Where to plant, what, and how well it is reported.
    threshold
        Log odds from which on a planted trip counts as found.
    rng
        Stream to draw from.
    progress
        Called with the sets done and all sets.
    """
    parts: list[LoopCalibration] = []
    for done, sets in enumerate(spikes):
        planted, true = planted_months(tools.trade, tools.series, sets, plan, rng)
        sums = planted_sums(tools.trade, sets.at, planted, sets.candidates)
        looked = scan(
            tools.trade, tools.expected, sets.at, sets.candidates,
            longest_lag=tools.longest_lag, planted=sums, pair=sets.group,
        )  # fmt: skip
        judged = judge(tools, looked, planted=planted.only(looked.chosen), pair=sets.group)
        parts.append(_beside(tools, sets, true, judged, threshold))
        if progress is not None:
            progress(done + 1, len(spikes))
    return LoopCalibration.joined(parts)


def calibrate_chains(
    tools: Tools,
    spikes: Sequence[ChainSets],
    plan: SpikePlan,
    threshold: float,
    *,
    rng: np.random.Generator,
) -> LoopCalibration:
    """Plant every set of chains and search for it; parameters as of :func:`calibrate_trips`."""
    parts: list[LoopCalibration] = []
    for sets in spikes:
        planted, true = planted_chain_months(tools.trade, tools.series, sets, plan, rng)
        legs = planted_legs(tools.trade, sets.at, planted, sets.candidates)
        looked = scan_chains(
            tools.trade, tools.expected, sets.at, sets.candidates, planted=legs, group=sets.group
        )
        hops = (planted[0].only(looked.chosen), planted[1].only(looked.chosen))
        judged = judge_chains(tools, looked, planted=hops, group=sets.group)
        parts.append(_beside(tools, sets, true, judged, threshold))
    return LoopCalibration.joined(parts)


def _beside(
    tools: Tools,
    sets: SpikeSets | ChainSets,
    true: NDArray[np.float64],
    judged: Judged[Candidates] | Judged[Chains],
    threshold: float,
) -> LoopCalibration:
    """Return the planted trips beside what was found of them."""
    size = true.size
    amounts, chosen = judged.measured.amounts, judged.rows
    is_found = (judged.log_odds >= threshold) & judged.is_clear & judged.measured.is_told
    whole = {name: np.zeros(size) for name in ("estimate", "log_sd", "markup_error", "markup_sd")}
    whole["estimate"][chosen] = np.where(is_found, amounts.usd, 0.0)
    whole["log_sd"][chosen] = amounts.log_sd
    with np.errstate(invalid="ignore"):
        whole["markup_error"][chosen] = np.log1p(sets.markup[chosen]) - np.log1p(amounts.markup)
    whole["markup_sd"][chosen] = amounts.markup_sd
    lag = np.zeros(size, dtype=np.int64)
    lag[chosen] = judged.measured.timing.lag
    passes = np.full(size, -np.inf)
    passes[chosen] = np.where(is_found, judged.log_factor, -np.inf)
    of_found = np.isin(sets.group, sets.group[sets.is_planted & np.isfinite(passes)])
    kept = np.flatnonzero(sets.is_planted & (true > 0))
    ordinary = tools.expected.usd[sets.at][sets.candidates.out]
    return LoopCalibration(
        number=sets.number[kept],
        factor=sets.factor[kept],
        true=true[kept],
        estimate=whole["estimate"][kept],
        log_sd=whole["log_sd"][kept],
        ordinary=ordinary[kept] + tools.expected.noise.floor,
        log_markup_error=whole["markup_error"][kept],
        markup_sd=whole["markup_sd"][kept],
        lag_error=(lag - sets.lag)[kept],
        innocent=passes[of_found & ~sets.is_planted],
    )
