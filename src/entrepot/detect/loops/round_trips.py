"""Round trips maker → via → maker: amounts with calibrated intervals, mark-up and lag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from entrepot.detect.loops.books import book_noise, lead_books
from entrepot.detect.loops.calibration import LoopCalibration
from entrepot.detect.loops.candidates import Candidates, decoys_of, two_way
from entrepot.detect.loops.expected import expect_trade
from entrepot.detect.loops.findings import Findings, loop_result
from entrepot.detect.loops.measure import Tools
from entrepot.detect.loops.noise import report_noise, weighing_noise
from entrepot.detect.loops.onset import find_onset
from entrepot.detect.loops.paths import load_paths
from entrepot.detect.loops.search import decoy_q_values, judge, one_way_round, scan
from entrepot.detect.loops.series import load_series
from entrepot.detect.loops.spikes import SpikePlan, draw_spikes, planted_months, planted_sums
from entrepot.detect.loops.windows import load_trade
from entrepot.detect.periods import WindowPair, parse_period, period_text, placebo_windows
from entrepot.detect.windows import calendar_of
from entrepot.errors import CoverageError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.loops.expected import ExpectedTrade
    from entrepot.detect.loops.options import LoopOptions
    from entrepot.detect.loops.result import LoopResult
    from entrepot.detect.loops.search import Judged, Scan
    from entrepot.detect.loops.spikes import SpikeSets
    from entrepot.detect.loops.windows import Trade
    from entrepot.engine import Engine

__all__ = ["loop_windows", "loops"]

_DECOYS, _DECOYS_OF_FEW = 12, 40
_FALSE = 0.1
_FEWEST_BEFORE, _FEWEST_AFTER = 6, 3
_LONGEST_BEFORE = 36


def loops(
    flows: nw.LazyFrame[Any],
    options: LoopOptions,
    *,
    engine: Engine,
    records: pa.Table | None = None,
    estimated_weights: pa.Table | None = None,
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
    progress
        Called with the steps done and all steps.

    Returns
    -------
    LoopResult
        **Grain** of its table: maker × via × hs_code. USD, FOB at the maker's border.

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
    trade = load_trade(
        goods, (windows, *placebo_windows(windows, published=published)), estimated_weights=estimated_weights
    )
    paths = load_paths(goods, trade)
    expected = expect_trade(trade, paths)
    asked = _Asked.of(trade, options)
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
    cells = np.concatenate(
        [s.cells for s in (event, *decoys, *quiet)]
        + [c for s in spikes for c in (s.candidates.out, s.candidates.back[s.candidates.back >= 0])]
    )
    series = load_series(engine, goods, trade, cells)
    tools = Tools(
        trade, expected, series, paths, options.longest_lag, weighing_noise(series), noise.variance(trade)
    )
    found = _judged(tools, event, asked)
    q_value, threshold = _q_values(tools, found, event, decoys, quiet, asked)
    plan = SpikePlan(weighing_sd=tools.weighing_sd, report_sd=report_noise(goods, windows))
    calibration = _calibrate(tools, spikes, plan, threshold, rng=rng, progress=progress)
    findings = Findings(
        tools=tools,
        judged=found,
        q_value=q_value,
        identified=_identified(found, q_value),
        unheard=_unheard(event, found, asked),
        calibration=calibration,
        records=records,
    )
    return loop_result(findings, options, is_since_found=is_found, is_asked=asked.is_pair)


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who and what is asked about, as masks."""

    makers: NDArray[np.bool_]
    vias: NDArray[np.bool_]
    products: NDArray[np.bool_]
    is_pair: bool

    @classmethod
    def of(cls, trade: Trade, options: LoopOptions) -> _Asked:
        masks = []
        for option, codes in (("--maker", options.makers), ("--via", options.vias)):
            mask = np.isin(np.array(trade.areas, dtype=object), np.array(codes, dtype=object))
            if codes and not mask.any():
                raise CoverageError(
                    f"none of {', '.join(codes[:10])} is in the data",
                    where=option,
                    hint="ingest files in which they report or are partners; `entrepot flows` lists them",
                )
            masks.append(mask if codes else np.ones(mask.size, dtype=bool))
        listed = [not options.products or code.startswith(options.products) for code in trade.products]
        if not any(listed):
            raise CoverageError(
                f"none of the {len(options.products)} product codes is in the data",
                where="--products",
                hint="ingest files that hold them, or check the revision of the codes",
            )
        return cls(masks[0], masks[1], np.array(listed, dtype=bool), bool(options.makers and options.vias))

    @property
    def decoys(self) -> int:
        """Sets of placebo pairs: more where each holds few candidates."""
        is_open = self.makers.all() and self.vias.all()
        return _DECOYS if is_open else _DECOYS_OF_FEW

    def either_way(self, candidates: Candidates) -> Candidates:
        """Return the candidates of the areas asked about, and the same flows the other way round.

        Products that were not asked about stay: those of one pair speak for each other.
        """
        forth = self.makers[candidates.maker] & self.vias[candidates.via]
        back = self.makers[candidates.via] & self.vias[candidates.maker]
        return candidates.only(forth | back)

    def hold(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Return which candidates are asked about."""
        areas = self.makers[candidates.maker] & self.vias[candidates.via]
        return np.asarray(areas & self.products[candidates.product])


def _scan(trade: Trade, expected: ExpectedTrade, at: int, asked: _Asked, options: LoopOptions) -> Scan:
    candidates = asked.either_way(two_way(trade, expected, at))
    return scan(trade, expected, at, candidates, longest_lag=options.longest_lag)


def _judged(tools: Tools, found: Scan, asked: _Asked) -> Judged:
    """Return what was asked about of a scan, each in the likelier direction."""
    judged = judge(tools, found)
    kept = one_way_round(judged, len(tools.trade.areas), len(tools.trade.products))
    return judged.only(np.flatnonzero(kept & asked.hold(judged.candidates)))


def _q_values(
    tools: Tools, found: Judged, event: Scan, decoys: Sequence[Scan], quiet: Sequence[Scan], asked: _Asked
) -> tuple[NDArray[np.float64], float]:
    """Return q-values, and the score from which on a planted round trip counts as found."""
    searched = float(asked.hold(event.candidates).sum())
    scores, weights = [], []
    for one in decoys:
        placebo = judge(tools, one)
        # what is sent on in the month in which it came is a detour through the maker, and no chance
        ahead = placebo.measured.timing.lag > 0
        scores.append(placebo.log_odds[ahead & asked.products[placebo.candidates.product]])
        size = int(asked.products[one.candidates.product].sum())
        lags = tools.longest_lag
        weights.append(max(searched / max(size, 1), 1.0) * (lags + 1) / lags)
    for one in quiet:
        scores.append(_judged(tools, one, asked).log_odds)
        weights.append(1.0)
    q = decoy_q_values(found.log_odds, scores, weights)
    passed = found.log_odds[(q < _FALSE) & (found.log_odds > 0)]
    if passed.size:
        return q, float(passed.min())
    every = np.concatenate(scores) if scores else np.zeros(0)
    return q, max(float(every.max(initial=0.0)), 0.0)


def _identified(found: Judged, q_value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which findings stand: few placebos as strong, likelier than not, both legs beyond their due.

    Where shipments are heard to return, the months have said it, and sums of lumpy trade may say anything.
    """
    out, back = found.measured.out, found.measured.back
    both = (out.usd > out.expected_usd) & (back.usd > back.expected_usd) | found.measured.by_shipment
    return np.asarray((q_value < _FALSE) & (found.log_odds > 0) & both & (found.measured.amounts.usd > 0))


def _unheard(event: Scan, found: Judged, asked: _Asked) -> Candidates:
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


def _calibrate(
    tools: Tools,
    spikes: Sequence[SpikeSets],
    plan: SpikePlan,
    threshold: float,
    *,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None,
) -> LoopCalibration:
    """Plant every set, search for it as for the event's, and put truth and estimate side by side."""
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
    if not parts:
        none = np.zeros(0)
        empty = np.zeros(0, dtype=np.int64)
        return LoopCalibration(empty, none, none, none, none, none, none, none, empty)
    return LoopCalibration(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in LoopCalibration.__slots__)
    )


def _beside(
    tools: Tools,
    sets: SpikeSets,
    true: NDArray[np.float64],
    judged: Judged,
    threshold: float,
) -> LoopCalibration:
    """Return the planted trips beside what was found of them."""
    size = true.size
    amounts, chosen = judged.measured.amounts, judged.rows
    is_found = (judged.log_odds >= threshold) & (amounts.usd > 0)
    whole = {name: np.zeros(size) for name in ("estimate", "log_sd", "markup_error", "markup_sd")}
    whole["estimate"][chosen] = np.where(is_found, amounts.usd, 0.0)
    whole["log_sd"][chosen] = amounts.log_sd
    with np.errstate(invalid="ignore"):
        whole["markup_error"][chosen] = np.log1p(sets.markup[chosen]) - np.log1p(amounts.markup)
    whole["markup_sd"][chosen] = amounts.markup_sd
    lag = np.zeros(size, dtype=np.int64)
    lag[chosen] = judged.measured.timing.lag
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
    )
