"""Breaks of monthly flows: dates and sizes with intervals, false positives, and the events before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.breaks.event_breaks import count_events, event_span, event_table, events_of_breaks
from entrepot.detect.breaks.placebos import learn_noise
from entrepot.detect.breaks.result import BreakResult
from entrepot.detect.breaks.series import load_break_series
from entrepot.detect.kernels.breaks import series_breaks
from entrepot.errors import CoverageError
from entrepot.nomenclature import events
from entrepot.schema import BREAK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import narwhals as nw
    from numpy.typing import NDArray

    from entrepot.detect.breaks.options import BreakOptions
    from entrepot.detect.breaks.series import BreakSeries
    from entrepot.detect.kernels.breaks import SeriesBreaks

__all__ = ["breaks"]

_FEWEST = 24  # observed months of a series that is judged
_BOOKS = (None, "exporter", "importer", "both")


def breaks(flows: nw.LazyFrame[Any], options: BreakOptions) -> BreakResult:
    """Find the months from which series of flows keep another level.

    Use it to date when trade changed, for many series at once, and to see whether that was at an event.

    *Formula*: log value = level + season + noise. Season: medians by month of the year, shrunk by what noise
    alone would give. Levels: the exact partition that costs least (optimal partitioning), with a price for
    each level that grows with the noise's variance and autocorrelation and is set so that of placebo
    series, which have no breaks, no more than ``options.rate`` get one.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``.
    options
        Which series, how sure, which events.

    Returns
    -------
    BreakResult
        **Grain** of its table: series × break.

    *Missing data*: a month that neither side published is missing; a month that a side published without a
    row is zero. Series with fewer than 24 observed months, or 12 with trade, are not judged.

    Raises
    ------
    CoverageError
        There is no such flow, or no series is long enough.

    References
    ----------
    Killick, Fearnhead and Eckley (2012), *JASA* 107(500), 1590; Bai and Perron (1998), *Econometrica* 66(1),
    47.
    """
    series = load_break_series(flows, options)
    rules = {"shortest": options.shortest, "fewest": _FEWEST}
    noise = learn_noise(series.logs, series.calendar, rate=options.rate, **rules, seed=options.seed)
    if not noise.placebos:
        raise CoverageError(
            f"none of {len(series.usd):,} series has {_FEWEST} observed months and 12 with trade",
            where=f"{series.periods[0]}:{series.periods[-1]}",
            hint="ask for more months, or sum over a key with --by importer,hs_code",
        )
    found = series_breaks(series.logs, series.calendar, rho0=noise.rho0, price=noise.price, **rules)
    judged = int(np.isfinite(found.noise).sum())
    q = noise.q_values(found.z, judged)
    since, until = event_span(series, options.event_months)
    dated = events(since=since, until=until, about=options.about)
    counted = count_events(found, series, dated, options)
    named = events_of_breaks(found, series, dated, options.event_months)
    return BreakResult(
        table=_table(found, series, q, named),
        events=event_table(counted),
        series=series,
        noise=noise,
        judged=judged,
        options=options,
    )


def _table(
    found: SeriesBreaks, series: BreakSeries, q: NDArray[np.float64], named: Sequence[str | None]
) -> pa.Table:
    own = found.series
    months, books = _levels(found, series)
    columns = {
        "exporter": _coded(series.exporter[own], series.areas),
        "importer": _coded(series.importer[own], series.areas),
        "hs_code": _coded(series.product[own], series.products),
        "break_period": _coded(found.period, series.periods),
        "earliest_period": _coded(found.earliest, series.periods),
        "latest_period": _coded(found.latest, series.periods),
        "change_ratio": pa.array(np.exp(found.log_change)),
        "change_low": pa.array(np.exp(found.change_low)),
        "change_high": pa.array(np.exp(found.change_high)),
        "level_before_usd": pa.array(np.exp(found.before)),
        "level_after_usd": pa.array(np.exp(found.after)),
        "break_z": pa.array(found.z),
        "q_value": pa.array(q),
        "noise_sd": pa.array(found.noise[own]),
        "autocorrelation": pa.array(found.autocorrelation[own]),
        "months_before": pa.array(months[0]),
        "months_after": pa.array(months[1]),
        "books_before": pa.array(books[0], pa.string()),
        "books_after": pa.array(books[1], pa.string()),
        "events": pa.array(named, pa.string()),
    }
    table = pa.table([columns[name] for name in BREAK.columns], schema=BREAK.arrow_schema())
    size = np.abs(np.exp(found.after) - np.exp(found.before))
    return table.take(pa.array(np.lexsort((found.period, own, -size))))


def _levels(
    found: SeriesBreaks, series: BreakSeries
) -> tuple[tuple[list[int], list[int]], tuple[list[str | None], list[str | None]]]:
    """Return the observed months of both levels of each break, and who mostly published in them."""
    months: tuple[list[int], list[int]] = ([], [])
    books: tuple[list[str | None], list[str | None]] = ([], [])
    spans = zip(
        found.series.tolist(), found.first.tolist(), found.period.tolist(), found.last.tolist(), strict=True
    )
    for place, first, cut, last in spans:
        for side, (begin, end) in enumerate(((first, cut), (cut, last + 1))):
            own = series.books[place, begin:end][np.isfinite(series.logs[place, begin:end])]
            months[side].append(own.size)
            books[side].append(_BOOKS[int(np.bincount(own, minlength=4).argmax())])
    return months, books


def _coded(index: NDArray[np.int64], words: Sequence[str]) -> pa.Array:
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))
