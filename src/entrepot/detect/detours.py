"""Detours A → hub → C instead of A → C: amounts with calibrated intervals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from entrepot.detect.blocs import split
from entrepot.detect.calibration import calibrate
from entrepot.detect.corridors import CHAIN, kind_number
from entrepot.detect.extremes import extremes_of
from entrepot.detect.findings import Evidence, detour_table, withheld
from entrepot.detect.hidden import hidden_share
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.kernels.threads import in_threads
from entrepot.detect.parts import KEYS, OWN_KINDS, Parts
from entrepot.detect.periods import event_windows, period_text, placebo_windows
from entrepot.detect.relay_limit import largest_relay
from entrepot.detect.result import CalibrationSummary, DetourResult, Headline
from entrepot.detect.rows import survey_rows
from entrepot.detect.search import Search
from entrepot.detect.series import leg_months, leg_series
from entrepot.detect.signs import Signs, onsets
from entrepot.detect.spikes import SpikePlan
from entrepot.detect.untold import untold_hubs
from entrepot.detect.valued import WEIGHT, ValuedTotal, group_rate
from entrepot.detect.windows import calendar_of, load_windows, survey_of
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import narwhals as nw
    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.calibration import Calibration, Placebo, SpikeRun
    from entrepot.detect.cells import Cells
    from entrepot.detect.corridors import Corridors
    from entrepot.detect.estimate import Estimate
    from entrepot.detect.options import DetourOptions
    from entrepot.detect.series import LegMonths
    from entrepot.detect.valued import Measured
    from entrepot.engine import FrameEngine

__all__ = ["detours"]

_EVEN_PART = 0.2

#: Rows of corridors in which nothing was found that are listed at most.
_MOST_UNDETECTED = 200_000

#: Bytes of the windows before the event up to which they are sent to every executor.
_MOST_BYTES = 500_000_000

_DECLARED, _UNSEEN, _RELAY, _UNOBSERVED = (
    kind_number(kind)
    for kind in (DetourKind.DECLARED, DetourKind.UNSEEN, DetourKind.RELAY, DetourKind.ONWARD_UNOBSERVED)
)


def detours(
    flows: nw.LazyFrame[Any],
    options: DetourOptions,
    *,
    engine: FrameEngine,
    progress: Callable[[int, int], None] | None = None,
    batches: Callable[[Sequence[str]], Iterable[pa.RecordBatch]] | None = None,
    measured: Measured | None = None,
) -> DetourResult:
    """Estimate what took a detour after an event.

    Use it when direct trade fell at a date and you want to know what of it went through third areas.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled`` on the engine; rows of product ``TOTAL`` among them serve the baseline.
    options
        Windows, suspects, products.
    engine
        Where the flows live.
    progress
        Called with the calibration sets done and all sets.
    batches
        Yields some columns of the same rows, where something reads them faster than the engine.
    measured
        The same flows in another unit of measure: amounts are then given in it too.

    Returns
    -------
    DetourResult
        **Grain** of its table: ``options.by``. USD, FOB at the origin, for the whole after-window.

    Raises
    ------
    OptionError
        Windows or areas make no question.
    CoverageError
        The data do not hold what the question needs.

    *Missing data*: a pair that neither side published in both windows is not observed; where that is the
    onward leg, its bound is absent and ``kind`` says ``onward_unobserved``. An amount is null, with the
    reason in ``status``, where the placebo exceeds a fifth of it.
    """
    survey = survey_rows(batches) if batches else survey_of(engine, flows)
    published = calendar_of(flows, survey).periods
    windows = event_windows(options.event, published=published, before=options.before, after=options.after)
    pairs = (windows, *placebo_windows(windows, published=published))
    # What only later steps need is loaded while the rows are added up.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(import_module, "scipy.optimize")
        data = load_windows(engine, flows, pairs, survey=survey)
    del survey  # of a whole world it is large
    search = Search.of(data, pairs, options)
    found = search.run(0)
    quiet = [search.run(at) for at in range(1, len(pairs))]
    calibration = calibrate(
        search.placebos,
        noise=search.noise,
        plan=_plan(found, search),
        z=options.z,
        sets=options.spikes,
        seed=options.seed,
        each=_sharing(engine, search.placebos, progress),
    )
    scales = [placebo.scale for placebo in search.placebos]
    decoys = [_decoy(q.corridors, scale) for q, scale in zip(quiet, scales, strict=True)]
    # No figure of the whole needs the rows: both are made at the same time.
    with ThreadPoolExecutor(2) as pool:
        coming = pool.submit(_headline, found, decoys, calibration, search)
        limits = pool.submit(untold_hubs, search.cells[0], search.question, found, noise=search.noise)
        whole, expected = _parts(found, search), _expected_of(found, search)
        own = whole.only(whole.kind != _RELAY)
        rows = whole
        if set(options.by) - {"tier"} == set(KEYS):
            rows = whole.joined(_undetected(own, search))
        if measured is not None or "period" in options.by:
            rows, whole = _over_months(rows, whole, flows, search, expected, measured=measured, by=options.by)
            own = whole.only(whole.kind != _RELAY)

        series = leg_series(flows, **_series_codes(found, search))
        evidence = Evidence(
            calibration=calibration,
            decoys=tuple(decoys),
            hub_placebo_share=_hub_placebo_shares(found.corridors, decoys, search),
            cells=data.cells[0],
            expected=expected,
            areas=data.areas,
            products=data.products,
            tiers=_tiers(data.products, options),
            baseline=found.expected.baseline.value,
            signs=Signs.of(
                data.cells[0],
                asked=search.question.origins | search.members | search.question.destinations,
                listed=search.question.listed,
                **onsets(series, data.areas, windows, options.event),
            ),
            unit=measured.unit if measured is not None else "",
        )
        tables = [
            detour_table(parts, evidence, by=by)
            for parts, by in ((rows, options.by), (own, ("hub", "destination")), (own, ("hs_code",)))
        ]
        headline, untold = coming.result(), limits.result()
    return DetourResult(
        table=tables[0],
        hubs=tables[1],
        products=tables[2],
        untold=untold.table(data.areas, data.products),
        headline=headline,
        valued=_valued(own, headline, evidence.unit),
        calibration=_summary(calibration, search),
        series=series,
        treated=search.treated_table(),
        options=options,
        windows=windows,
        placebo_labels=tuple(pair.label for pair in pairs[1:]),
        reporters_late=search.late_reporters(),
    )


def _sharing(
    engine: FrameEngine, placebos: Sequence[Placebo], progress: Callable[[int, int], None] | None
) -> Callable[[Callable[[int], SpikeRun | None], Sequence[int]], Iterator[SpikeRun | None]]:
    """Return what applies a function to every set: on executors if the windows can travel, or in threads."""
    travels = engine.has_executors and sum(placebo.size for placebo in placebos) <= _MOST_BYTES

    def each(run: Callable[[int], SpikeRun | None], sets: Sequence[int]) -> Iterator[SpikeRun | None]:
        for done, made in enumerate(engine.each(run, sets) if travels else in_threads(run, sets), start=1):
            yield made
            if progress is not None:
                progress(done, len(sets))

    return each


def _plan(found: Estimate, search: Search) -> SpikePlan:
    """Plant detours like those found: as much in all, hubs weighted as found but none certain."""
    question = search.question
    own = _own(found.corridors)
    by_hub = sum_by(own.hub, own.usd, question.hubs.size)
    possible = question.hubs & np.isin(
        np.arange(question.hubs.size), search.cells[0].importer[question.origins[search.cells[0].exporter]]
    )
    even = possible / max(int(possible.sum()), 1)
    total = by_hub.sum()
    weight = (1.0 - _EVEN_PART) * by_hub / total + _EVEN_PART * even if total > 0 else even
    used = int((by_hub > 0.02 * total).sum()) if total > 0 else 3
    return SpikePlan(
        total_usd=float(total),
        hub_weight=np.where(possible, weight, 0.0),
        n_hubs=max(used, 1),
        hides=hidden_share(search.cells[0]),
    )


def _own(corridors: Corridors) -> Corridors:
    """Return what the treated origins' goods took: all but relays, which are the goods of others."""
    return corridors.only(corridors.kind != _RELAY)


def _factor(usual: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much flows were expected to grow; one where nothing was before."""
    return np.divide(usual, before, out=np.ones(before.size), where=before > 0)


def _expected_of(found: Estimate, search: Search) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """Return what tells what was expected of unpooled cells: those of a union grow as all of it."""
    pooled, cells, usual = search.cells[0], search.data.cells[0], found.expected.usd

    def expected(at: NDArray[np.int64]) -> NDArray[np.float64]:
        before, twin = cells.before[at], at
        if search.members.any():
            exporter = cells.exporter[at]
            stand_in = np.where(search.members[exporter], search.representative, exporter)
            twin = pooled.find(stand_in, cells.importer[at], cells.product[at])
        rate: NDArray[np.float64] = np.where(twin >= 0, _factor(usual[twin], pooled.before[twin]), 1.0)
        return before * rate

    return expected


def _parts(found: Estimate, search: Search) -> Parts:
    """Return the corridors of the unpooled flows."""
    pooled, cells, corridors = search.cells[0], search.data.cells[0], found.corridors
    is_pooled = search.members[corridors.origin]
    inbound = corridors.inbound
    grown = _factor(found.expected.usd[inbound], pooled.before[inbound])
    row, cell, share = split(corridors, cells, grown, search.members)
    keep = is_pooled[row]
    single = np.flatnonzero(~is_pooled)
    own = cells.find(corridors.origin[single], corridors.hub[single], corridors.product[single])
    at = np.concatenate([row[keep], single])
    inbound = np.concatenate([cell[keep], own])
    usd = corridors.usd[at] * np.concatenate([share[keep], np.ones(single.size)])
    origin = cells.exporter[inbound]
    destination, hub, product = corridors.destination[at], corridors.hub[at], corridors.product[at]
    real = usd > 0
    parts = Parts(
        origin=origin,
        hub=hub,
        destination=destination,
        product=product,
        period=np.full(usd.size, ""),
        usd=usd,
        kg_rate=_kg_rate(cells, inbound),
        rate=np.full(usd.size, np.nan),
        kind=corridors.kind[at],
        inbound=inbound,
        direct=cells.find(origin, destination, product),
        onward=cells.find(_last_hub(corridors)[at], destination, product),
        second=corridors.second[at],
        third=corridors.third[at],
    )
    return parts.only(real)


def _last_hub(corridors: Corridors) -> NDArray[np.int64]:
    """Return the hub that sells to the destination."""
    last = np.where(corridors.third >= 0, corridors.third, corridors.second)
    return np.where(last >= 0, last, corridors.hub)


def _kg_rate(cells: Cells, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the kilograms in a dollar of some flows after the event; NaN without a weight."""
    usd = cells.after[at]
    rate: NDArray[np.float64] = np.divide(
        cells.after_kg[at], usd, out=np.full(usd.size, np.nan), where=usd > 0
    )
    return rate


def _tiers(products: Sequence[str], options: DetourOptions) -> NDArray[np.str_]:
    """Return the tier of each product: that of the longest listed code that it begins with."""
    listed = dict(options.tiers)
    lengths = sorted({len(code) for code in listed}, reverse=True)
    return np.array(
        [next((listed[p[:n]] for n in lengths if p[:n] in listed), "") for p in products], dtype=np.str_
    )


def _undetected(parts: Parts, search: Search) -> Parts:
    """Return the corridors through the hubs found in which nothing was: their rows give an upper limit.

    Without them a reader could not tell "nothing passed here" from "too little to be seen". Of a whole
    world's millions those with the largest arrivals.
    """
    cells, question = search.data.cells[0], search.question
    origins = question.origins | search.members
    hubs = np.zeros(origins.size, dtype=bool)
    hubs[parts.hub] = True
    legs = cells.under(origins[:, None] & hubs, question.listed)
    legs = legs[cells.after[legs] > 0]
    destinations = np.flatnonzero(question.destinations)
    most = _MOST_UNDETECTED // max(destinations.size, 1)
    if legs.size > most:
        legs = np.sort(legs[np.argsort(-cells.after[legs], kind="stable")[:most]])
    inbound = np.repeat(legs, destinations.size)
    destination = np.tile(destinations, legs.size)
    origin, hub, product = cells.exporter[inbound], cells.importer[inbound], cells.product[inbound]
    direct = cells.find(origin, destination, product)
    sender = np.where(search.members[origin], search.representative, origin)
    kind = np.where(question.sees(cells, hub, destination, product), _DECLARED, _UNOBSERVED)
    seen = parts.only(parts.kind != _UNSEEN)
    known = _corridor_key(seen.origin, seen.hub, seen.destination, seen.product, cells)
    new = ~np.isin(_corridor_key(origin, hub, destination, product, cells), known)
    keep = new & (hub != destination) & question.is_treated[sender, destination]
    n = inbound.size
    return Parts(
        origin=origin,
        hub=hub,
        destination=destination,
        product=product,
        period=np.full(n, ""),
        usd=np.zeros(n),
        kg_rate=_kg_rate(cells, inbound),
        rate=np.full(n, np.nan),
        kind=kind,
        inbound=inbound,
        direct=direct,
        onward=cells.find(hub, destination, product),
        second=np.full(n, -1),
        third=np.full(n, -1),
    ).only(keep)


def _corridor_key(
    origin: NDArray[np.int64],
    hub: NDArray[np.int64],
    destination: NDArray[np.int64],
    product: NDArray[np.int64],
    cells: Cells,
) -> NDArray[np.int64]:
    return (
        (origin.astype(np.int64) * cells.n_areas + hub) * cells.n_areas + destination
    ) * cells.n_products + product


def _decoy(corridors: Corridors, scale: float) -> Parts:
    nothing = np.full(corridors.usd.size, -1, dtype=np.int64)
    real = corridors.usd > 0
    return Parts(
        origin=corridors.origin,
        hub=corridors.hub,
        destination=corridors.destination,
        product=corridors.product,
        period=np.full(corridors.usd.size, ""),
        usd=corridors.usd * scale,
        kg_rate=np.full(corridors.usd.size, np.nan),
        rate=np.full(corridors.usd.size, np.nan),
        kind=corridors.kind,
        inbound=nothing,
        direct=nothing,
        onward=nothing,
        second=corridors.second,
        third=corridors.third,
    ).only(real)


def _over_months(
    rows: Parts,
    whole: Parts,
    flows: nw.LazyFrame[Any],
    search: Search,
    expected: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    *,
    measured: Measured | None,
    by: Sequence[str],
) -> tuple[Parts, Parts]:
    """Return rows and the whole with their rate in another unit, the rows by month where that is a key."""
    cells, windows = search.data.cells[0], search.windows
    legs = np.unique(np.concatenate([rows.inbound, whole.inbound]))
    months = leg_months(
        measured.rows if measured is not None else flows,
        periods=[period_text(p, is_monthly=windows.is_monthly) for p in windows.after],
        labels=(search.data.areas, search.data.products),
        inbound=(cells.exporter[legs], cells.importer[legs], cells.product[legs]),
        expected=expected(legs),
        column=measured.column if measured is not None else "",
    )
    rate = months.rate_of_legs(legs.size)
    # Weights stand beside the dollars already, by the unit value of the whole window: not by a second one.
    is_weight = measured is not None and measured.column == WEIGHT

    def rated(parts: Parts) -> Parts:
        of_leg = rate[np.searchsorted(legs, parts.inbound)]
        return replace(parts, rate=parts.kg_rate if is_weight else of_leg)

    whole = rated(whole)
    if "period" not in by:
        return rated(rows), whole
    apart = _by_period(rows, np.searchsorted(legs, rows.inbound), months)
    return rated(apart) if is_weight else apart, whole


def _by_period(parts: Parts, leg_of: NDArray[np.int64], months: LegMonths) -> Parts:
    """Spread every part over the periods in which its inbound leg exceeded its expected flow."""
    order = np.argsort(months.leg, kind="stable")
    first = np.searchsorted(months.leg, leg_of, side="left", sorter=order)
    count = np.searchsorted(months.leg, leg_of, side="right", sorter=order) - first
    row = np.repeat(np.arange(leg_of.size), count)
    at = order[np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)]
    return parts.spread(row, months.period[at], months.share[at], months.rate[at])


def _hub_placebo_shares(corridors: Corridors, decoys: Sequence[Parts], search: Search) -> NDArray[np.float64]:
    n = search.question.hubs.size
    own = _own(corridors)
    by_hub = sum_by(own.hub, own.usd, n)
    mine = [d.only(d.kind != _RELAY) for d in decoys]
    return withheld(by_hub, [sum_by(d.hub, d.usd, n) for d in mine])


def _headline(found: Estimate, decoys: Sequence[Parts], calibration: Calibration, search: Search) -> Headline:
    own = _own(found.corridors)
    total = float(own.usd.sum())
    placebo = tuple(float(d.usd[d.kind != _RELAY].sum()) for d in decoys)
    low, high = _total_interval(total, calibration.only(OWN_KINDS))
    relayed = float(found.corridors.usd.sum() - total)
    cells, question = search.cells[0], search.question
    inbound = cells.under(question.origins[:, None] & question.hubs, question.listed)
    rise = np.maximum(cells.after[inbound] - cells.before[inbound], 0.0).sum()
    observed = own.usd[np.isin(own.kind, (_DECLARED, CHAIN))].sum()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(extremes_of, cells, question, found, search.noise)
        by_baseline = {
            baseline.value: float(_own(search.run(0, baseline=baseline).corridors).usd.sum())
            for baseline in search.other_baselines(found.expected.baseline)
        }
        extremes = coming.result()
    return Headline(
        estimate_usd=total,
        low_usd=low,
        high_usd=high,
        placebo_usd=placebo,
        by_baseline=by_baseline | {found.expected.baseline.value: total},
        baseline=found.expected.baseline.value,
        shortfall_usd=float(found.legs.direct.usd.sum()),
        raw_increase_usd=float(rise),
        excess_in_usd=float(found.legs.inbound.usd.sum()),
        unseen_usd=float(own.usd[own.kind == _UNSEEN].sum()),
        relay_usd=relayed,
        relay_high_usd=largest_relay(search.cells[0], search.question, found),
        smallest_usd=extremes.smallest_usd,
        largest_usd=extremes.largest_usd,
        onward_observed_share=float(observed / total) if total > 0 else float("nan"),
    )


def _valued(own: Parts, headline: Headline, unit: str) -> ValuedTotal | None:
    """Return the headline in another unit."""
    if not unit:
        return None
    rate = group_rate(own, own.rate, np.zeros(own.usd.size, dtype=np.int64), 1)[0]
    ends = (headline.estimate_usd, headline.low_usd, headline.high_usd)
    return ValuedTotal(unit, *(float(end * rate) for end in ends))


def _total_interval(total: float, calibration: Calibration) -> tuple[float, float]:
    """Return the interval of the whole; NaN where nothing planted was ever found.

    Planted detours may be recovered less fully than real ones, beside which more happens that looks like a
    detour: the lower end is not lifted by what the planted ones lack in the median.
    """
    interval = calibration.interval(lambda _: ())
    if interval is None:
        return np.nan, np.nan
    low, high = interval.around(np.array([total]))
    return float(low[0]) * min(calibration.recovered_share, 1.0), float(high[0])


def _summary(calibration: Calibration, search: Search) -> CalibrationSummary:
    def rows(run: SpikeRun) -> list[NDArray[np.int64]]:
        return [run.origin, run.hub, run.destination, run.product, run.kind]

    def hubs(run: SpikeRun) -> list[NDArray[np.int64]]:
        return [run.hub]

    calibration = calibration.only(OWN_KINDS)
    by_hub = calibration.grouped(hubs)
    return CalibrationSummary(
        sets=len(calibration.runs),
        recovered_share=calibration.recovered_share,
        row_error=calibration.error(rows),
        hub_error=calibration.error(hubs),
        row_coverage=calibration.coverage(rows),
        hub_coverage=calibration.coverage(hubs),
        total_coverage=calibration.coverage(lambda _: ()),
        planted_usd=np.concatenate([p for p, _ in by_hub]) if by_hub else np.zeros(0),
        estimated_usd=np.concatenate([e for _, e in by_hub]) if by_hub else np.zeros(0),
        noise_log_size=search.noise.log_size,
        noise_sd=search.noise.sd,
        noise_ratio=search.noise_ratio,
    )


def _series_codes(found: Estimate, search: Search) -> dict[str, list[str]]:
    question, data = search.question, search.data
    own = _own(found.corridors)
    hubs = np.unique(own.hub[own.usd > 0])
    origins = question.origins | (search.members if search.members.any() else False)
    products = np.unique(search.cells[0].product[found.legs.direct.cell])
    return {
        "origins": [data.areas[at] for at in np.flatnonzero(origins)],
        "hubs": [data.areas[at] for at in hubs],
        "destinations": [data.areas[at] for at in np.flatnonzero(question.destinations)],
        "products": [data.products[at] for at in products],
    }
