"""Round trips maker → via → maker: amounts with calibrated intervals, mark-up and lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from entrepot.detect.loops.asked import Asked
from entrepot.detect.loops.books import book_noise, lead_books
from entrepot.detect.loops.candidates import decoys_of, two_way
from entrepot.detect.loops.chain_shipments import load_months
from entrepot.detect.loops.chain_trips import ChainSearch
from entrepot.detect.loops.expected import expect_trade
from entrepot.detect.loops.findings import Findings, loop_result
from entrepot.detect.loops.measure import Tools
from entrepot.detect.loops.noise import report_noise, unit_value_spread, weighing_noise
from entrepot.detect.loops.onset import find_onset
from entrepot.detect.loops.paths import load_paths
from entrepot.detect.loops.planting import calibrate_trips
from entrepot.detect.loops.search import (
    FALSE,
    judge,
    one_way_round,
    own_q_values,
    placebo_scores,
    placebo_weight,
    q_and_threshold,
    scan,
)
from entrepot.detect.loops.series import load_series
from entrepot.detect.loops.spikes import SpikePlan, draw_spikes
from entrepot.detect.loops.unit_values import load_unit_values
from entrepot.detect.loops.weights import weigh_twice
from entrepot.detect.loops.windows import load_trade
from entrepot.detect.periods import WindowPair, parse_period, period_text, placebo_windows
from entrepot.detect.windows import calendar_of
from entrepot.errors import CoverageError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.loops.calibration import LoopCalibration
    from entrepot.detect.loops.candidates import Candidates
    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.result import LoopResult
    from entrepot.detect.loops.search import Judged, Scan
    from entrepot.detect.loops.spikes import SpikeSets
    from entrepot.detect.loops.windows import Trade
    from entrepot.engine import Engine

__all__ = ["loop_windows", "loops"]

_FEWEST_BEFORE, _FEWEST_AFTER = 6, 3
_LONGEST_BEFORE = 36


def loops(
    flows: nw.LazyFrame[Any],
    options: LoopOptions,
    *,
    engine: Engine,
    records: pa.Table | None = None,
    estimated_weights: pa.Table | None = None,
    estimated_again: pa.Table | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LoopResult:
    """Find goods that leave their maker, stop over with a via, and are bought back.

    Use it when exports of a product to a partner and imports of the same product from it rise together.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled`` on the engine, the exporter's report first; rows of product
        ``TOTAL`` are left out.
    options
        Makers, vias, products, the first month.
    engine
        Where the flows live.
    records
        What books record of goods coming home, see :func:`entrepot.detect.loops.records.read_records`.
    estimated_weights
        Columns ``exporter``, ``importer``, ``hs_code`` of flows whose weights the publisher estimated.
    estimated_again
        The same of the importer's weights, where the exporter's count.
    progress
        Called with the steps done and all steps.

    Returns
    -------
    LoopResult
        **Grain** of its table: maker × via (× second_via) × hs_code. USD, FOB at the maker's border.

    Raises
    ------
    OptionError
        The first month leaves no quiet months before it.
    CoverageError
        The data do not hold what the question needs.

    *Missing data*: a pair of areas that nobody published in a third of both windows is not searched. Where
    a leg is not weighed, value is conserved instead and ``conserved`` says so. An amount is null, with the
    reason in ``status``, where placebos give findings as strong.
    """
    goods = flows.filter(nw.col("hs_code") != "TOTAL")
    windows, is_found = loop_windows(goods, options)
    published = [period_text(p, is_monthly=True) for p in (*windows.before, *windows.after)]
    noise = book_noise(goods)
    goods = lead_books(goods, noise, engine)
    goods = weigh_twice(goods, windows, engine, estimated=estimated_again)
    trade = load_trade(
        goods, (windows, *placebo_windows(windows, published=published)), estimated_weights=estimated_weights
    )
    paths = load_paths(goods, trade)
    expected = expect_trade(trade, paths)
    unit_values = load_unit_values(goods, trade, engine)
    asked = Asked.of(trade, options)
    rng = np.random.default_rng(options.seed)
    event = _scan(trade, expected, 0, asked, options)
    decoys = [
        scan(
            trade, expected, 0,
            decoys_of(trade, expected, 0, makers=asked.makers, vias=asked.vias, rng=rng),
            longest_lag=options.longest_lag,
        )
        for _ in range(asked.decoys)
    ]  # fmt: skip
    quiet = [_scan(trade, expected, at, asked, options) for at in range(1, len(trade.windows))]
    spikes = _draw(trade, expected, options, rng)
    chains = None
    if options.stations > 1:
        months = load_months(engine, goods, trade, noise.variance(trade))
        chains = ChainSearch.of(trade, expected, months, asked, options)
    cells = np.concatenate([s.cells for s in (event, *decoys, *quiet)] + [s.candidates.cells for s in spikes])
    of_chains = chains.cells if chains is not None else cells[:0]
    series = load_series(engine, goods, trade, np.concatenate([cells, of_chains]))
    tools = Tools(
        trade,
        expected,
        series,
        paths,
        options.longest_lag,
        weighing_noise(series, cells),
        noise.variance(trade),
        unit_value_spread(trade),
        unit_values,
    )
    found = _judged(tools, event, asked)
    q_value, threshold = _q_values(tools, found, event, decoys, quiet, asked)
    plan = SpikePlan(
        weighing_sd=tools.weighing_sd,
        report_sd=report_noise(goods, windows),
        monthly_sd=np.sqrt(tools.report_variance),
        likeness=unit_values.likeness,
    )
    calibration = calibrate_trips(tools, spikes, plan, threshold, rng=rng, progress=progress)
    q_value = _own_q_values(tools, found, q_value, event, calibration, asked)
    findings = Findings(
        tools=tools,
        judged=found,
        q_value=q_value,
        identified=_identified(found, q_value, calibration),
        unheard=_unheard(event, found, asked),
        calibration=calibration,
        records=records,
    )
    further = chains.found(tools, asked, plan, findings.cells) if chains is not None else None
    return loop_result(findings, further, options, is_since_found=is_found, is_asked=asked.is_pair)


def loop_windows(flows: nw.LazyFrame[Any], options: LoopOptions) -> tuple[WindowPair, bool]:
    """Return the quiet months and those in which round trips may run; and whether the date was searched for.

    Raises
    ------
    OptionError
        The first month is none, or leaves too few months on one side.
    CoverageError
        There are no monthly flows.
    """
    published = sorted(period for period in calendar_of(flows).periods if "-" in period)
    if not published:
        raise CoverageError(
            "the data hold no months",
            where="--since",
            hint="ingest monthly files: a lag is counted in months",
        )
    since = options.since or find_onset(flows, published)
    if "-" not in since:
        raise OptionError(f"{since!r} is a year", where="--since", hint="write a month, such as 2021-11")
    at = parse_period(since, option="--since")
    numbers = [parse_period(period, option="period") for period in published]
    before = [p for p in numbers if p < at][-_LONGEST_BEFORE:]
    after = [p for p in numbers if p >= at]
    if len(before) < _FEWEST_BEFORE or len(after) < _FEWEST_AFTER:
        raise OptionError(
            f"{len(before)} months of data are before {since} and {len(after)} from it on",
            where="--since",
            hint=f"at least {_FEWEST_BEFORE} and {_FEWEST_AFTER} are needed; "
            f"the data have {published[0]}:{published[-1]}",
        )
    return WindowPair(tuple(before), tuple(after), is_monthly=True), options.since is None


def _scan(
    trade: Trade, expected: ExpectedTrade, at: int, asked: Asked, options: LoopOptions
) -> Scan[Candidates]:
    candidates = asked.either_way(two_way(trade, expected, at))
    return scan(trade, expected, at, candidates, longest_lag=options.longest_lag)


def _judged(tools: Tools, found: Scan[Candidates], asked: Asked) -> Judged[Candidates]:
    """Return what was asked about of a scan, each in the likelier direction."""
    judged = judge(tools, found)
    kept = one_way_round(judged, len(tools.trade.areas), len(tools.trade.products))
    return judged.only(np.flatnonzero(kept & asked.hold(judged.candidates)))


def _q_values(
    tools: Tools,
    found: Judged[Candidates],
    event: Scan[Candidates],
    decoys: Sequence[Scan[Candidates]],
    quiet: Sequence[Scan[Candidates]],
    asked: Asked,
) -> tuple[NDArray[np.float64], float]:
    """Return q-values, and the score from which on a planted round trip counts as found."""
    searched = float(asked.hold(event.candidates).sum())
    scores, weights = [], []
    for one in decoys:
        scores.append(placebo_scores(judge(tools, one), asked))
        weights.append(placebo_weight(searched, one, asked, tools.longest_lag))
    for one in quiet:
        scores.append(_judged(tools, one, asked).log_odds)
        weights.append(1.0)
    return q_and_threshold(found, scores, weights)


def _own_q_values(
    tools: Tools,
    found: Judged[Candidates],
    q_value: NDArray[np.float64],
    event: Scan[Candidates],
    calibration: LoopCalibration,
    asked: Asked,
) -> NDArray[np.float64]:
    """Return q-values no lower than what speaks for a product itself, its pair's other products aside."""
    stands = np.flatnonzero(_identified(found, q_value, calibration))
    n = len(tools.trade.areas)
    pairs = np.unique(found.candidates.only(stands).pair(n))
    of_pairs = asked.hold(event.candidates) & np.isin(event.candidates.pair(n), pairs)
    own = own_q_values(
        found.log_factor[stands], calibration.innocent, max(int(of_pairs.sum()) - stands.size, 0)
    )
    higher = q_value.copy()
    higher[stands] = np.maximum(q_value[stands], own)
    return higher


def _identified(
    found: Judged[Candidates], q_value: NDArray[np.float64], calibration: LoopCalibration
) -> NDArray[np.bool_]:
    """Return which findings stand: few placebos as strong, clear, both legs beyond their due, by some amount.

    Where shipments are heard to return, the months have said it, and sums of lumpy trade may say anything. An
    amount of which no interval can be learnt is none.
    """
    if calibration.spread() is None:
        return np.zeros(q_value.size, dtype=bool)
    out, back = found.measured.out, found.measured.back
    both = (out.usd > out.expected_usd) & (back.usd > back.expected_usd) | found.measured.by_shipment
    return np.asarray((q_value < FALSE) & found.is_clear & both & found.measured.is_told)


def _unheard(event: Scan[Candidates], found: Judged[Candidates], asked: Asked) -> Candidates:
    """Return the candidates asked about that were not worth a look, or likelier the other way round."""
    every = event.candidates.only(asked.hold(event.candidates))
    return every.only(~np.isin(every.out, found.candidates.out))


def _draw(
    trade: Trade, expected: ExpectedTrade, options: LoopOptions, rng: np.random.Generator
) -> list[SpikeSets]:
    """Draw the planted sets, the quiet windows in turn."""
    quiet = range(1, len(trade.windows))
    drawn = [
        draw_spikes(
            trade,
            expected,
            at,
            numbers=np.arange(at - 1, options.spikes, len(quiet), dtype=np.int64),
            rng=rng,
        )
        for at in quiet
    ]
    return [sets for sets in drawn if sets is not None]
