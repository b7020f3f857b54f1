"""Levels of a million series: season out, noise robust and autocorrelated, partition exact."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

import numba as nb
import numpy as np

from entrepot.detect.kernels.partition import after_level, correlated_starts, kept_of, likeliest_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RHO_PRIOR", "LevelFit", "SeriesBreaks", "fit_levels", "series_breaks"]

_CHUNK = 4096
_MAD = 1.4826  # of a normal: standard deviation over median absolute deviation
_CLIP = 3.0  # standard deviations beyond which a month is an outlier
_LEAST_SD = 0.02  # series that hardly move: a step of 2% is no finding
_LEAST_OUTLIER = 0.05
_MOST_RHO = 0.9
RHO_PRIOR = 24.0  # months that the panel's autocorrelation is worth
_SEASON, _LEVEL, _OUTLIER = 12, 6, 3  # months of a year; half windows of the running medians
_MEDIAN_LOSS = math.pi / 2  # variance of a median over that of a mean
_FINE = 0.5  # price of the first cut over that of a level: a missed break would count as noise
_NINETY = 1.6448536269514722


@dataclass(frozen=True, slots=True, eq=False)
class SeriesBreaks:
    """Breaks of n series, b in all, by series and date.

    Attributes
    ----------
    series : (b,)
        Position of the series.
    period, earliest, latest : (b,)
        First period of the new level: the best, and the ends of the 90% interval.
    before, after : (b,)
        Level of the logs on either side, without season.
    log_change, change_low, change_high : (b,)
        Change of level, and its 90% interval.
    z : (b,)
        Root of what the break saves: how many standard deviations the two levels are apart.
    first, last : (b,)
        First period of the level before, last one of the level after.
    noise, autocorrelation : (n,)
        Standard deviation of the logs around their levels, and their correlation from month to month; NaN
        for a series with too few months.
    """

    series: NDArray[np.int64]
    period: NDArray[np.int64]
    earliest: NDArray[np.int64]
    latest: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    log_change: NDArray[np.float64]
    change_low: NDArray[np.float64]
    change_high: NDArray[np.float64]
    z: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    noise: NDArray[np.float64]
    autocorrelation: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LevelFit:
    """One series taken apart: value = level + season + rest, of n observed months.

    Attributes
    ----------
    at : (n,)
        Their periods.
    level, season, rest : (n,)
        The parts; outliers in the rest are cut at three standard deviations.
    noise, autocorrelation
        See :class:`SeriesBreaks`.
    """

    at: NDArray[np.int64]
    level: NDArray[np.float64]
    season: NDArray[np.float64]
    rest: NDArray[np.float64]
    noise: float
    autocorrelation: float


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _running_median(y: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    n = y.size
    found = np.empty(n)
    window = np.empty(2 * half + 1)
    for t in range(n):
        count = 0
        for s in range(max(0, t - half), min(n, t + half + 1)):
            value = y[s]
            place = count
            while place > 0 and window[place - 1] > value:
                window[place] = window[place - 1]
                place -= 1
            window[place] = value
            count += 1
        found[t] = 0.5 * (window[(count - 1) // 2] + window[count // 2])
    return found


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _season_of(
    rest: NDArray[np.float64],
    month: NDArray[np.int64],
    is_median: bool,  # noqa: FBT001  (numba knows no keywords)
) -> tuple[NDArray[np.float64], float]:
    """Return the effect of each month of the year, shrunk by what noise alone would give, and the factor."""
    effect = np.zeros(_SEASON)
    counts = np.zeros(_SEASON, dtype=np.int64)
    own = np.empty(rest.size)
    for k in range(_SEASON):
        count = 0
        for t in range(rest.size):
            if month[t] == k:
                own[count] = rest[t]
                count += 1
        counts[k] = count
        if count >= 2:
            effect[k] = np.median(own[:count]) if is_median else own[:count].mean()
    known = counts >= 2
    if known.sum() < _SEASON:
        return np.zeros(_SEASON), 0.0
    effect -= effect.mean()
    spread = (effect * effect).sum() / (_SEASON - 1)
    noise = 0.0
    for t in range(rest.size):
        noise += (rest[t] - effect[month[t]]) ** 2
    noise /= max(rest.size - _SEASON, 1)
    by_chance = noise * (_MEDIAN_LOSS if is_median else 1.0) * (1.0 / counts).mean()
    factor = max(0.0, 1.0 - by_chance / spread) if spread > 0.0 else 0.0
    return effect * factor, factor


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _scale(rest: NDArray[np.float64]) -> float:
    """Return a standard deviation that one month in ten cannot move, and that no more than that may exceed.

    The median deviation alone is blind to the months with trade of a series that has few of them.
    """
    size = np.sort(np.abs(rest))
    last = size.size - 1
    middle = 0.5 * (size[last // 2] + size[(last + 1) // 2])
    found: float = max(_MAD * middle, size[int(0.9 * last)] / _NINETY)
    return found


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _without_outliers(y: NDArray[np.float64]) -> NDArray[np.float64]:
    local = _running_median(y, _OUTLIER)
    rest = y - local
    limit = _CLIP * max(_scale(rest), _LEAST_OUTLIER)
    cut: NDArray[np.float64] = local + np.minimum(np.maximum(rest, -limit), limit)
    return cut


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _levels(y: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    level = np.empty(y.size)
    for place in range(starts.size):
        end = starts[place + 1] if place + 1 < starts.size else y.size
        level[starts[place] : end] = y[starts[place] : end].mean()
    return level


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _noise_of(
    rest: NDArray[np.float64], at: NDArray[np.int64], levels: int, season: float, rho0: float
) -> tuple[float, float]:
    """Return the variance around the levels and the autocorrelation, drawn towards the panel's."""
    n = rest.size
    total = (rest * rest).sum()
    together, pairs = 0.0, 0
    for t in range(n - 1):
        if at[t + 1] == at[t] + 1:
            together += rest[t] * rest[t + 1]
            pairs += 1
    variance = max(total / max(n - levels - (_SEASON - 1) * season, 1.0), _LEAST_SD**2)
    if pairs == 0 or total <= 0.0:
        return variance, rho0
    raw = together / pairs / (total / n)
    share = levels / n  # each mean taken out lowers it by (1 + 3ρ) / n (Kendall 1954)
    own = (raw + share) / max(1.0 - 3.0 * share, 0.5)
    weight = n / (n + RHO_PRIOR)
    rho = weight * own + (1.0 - weight) * rho0
    return variance, min(max(rho, 0.0), _MOST_RHO)


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _fit(
    raw: NDArray[np.float64],
    at: NDArray[np.int64],
    month: NDArray[np.int64],
    rho0: float,
    price: float,
    shortest: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], float, float]:
    """Return the series without season and outliers, its season, where levels begin, variance and ρ."""
    log_n = math.log(raw.size)
    effect, _ = _season_of(raw - _running_median(raw, _LEVEL), month, True)
    y = _without_outliers(raw - effect[month])
    # Differences know the noise before the levels are known.
    variance = max(_scale(np.diff(y)) ** 2 / 2.0 / (1.0 - rho0), _LEAST_SD**2)
    rho = rho0
    kept, weight = kept_of(at, rho)
    starts = correlated_starts(y, kept, weight, _FINE * price * log_n * variance, shortest, 1)
    for _ in range(2):
        level = _levels(y, starts)
        calm = y + effect[month]  # the outliers are out: means know the season better than medians
        effect, factor = _season_of(calm - level, month, False)
        y = _without_outliers(raw - effect[month])
        level = _levels(y, starts)
        variance, rho = _noise_of(y - level, at, starts.size, factor, rho0)
        kept, weight = kept_of(at, rho)
        starts = correlated_starts(y, kept, weight, price * log_n * variance, shortest, 1)
    variance, rho = _noise_of(y - _levels(y, starts), at, starts.size, factor, rho0)
    return y, effect, starts, variance, rho


@nb.njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _one_break(
    y: NDArray[np.float64],
    noise: tuple[NDArray[np.float64], NDArray[np.float64], float],
    bounds: tuple[int, int, int],
    shortest: int,
) -> tuple[int, int, float, float]:
    """Return the ends of the 90% interval of a break's date, what it saves, and the variance of its size.

    Of all dates between the neighbouring breaks: the likeliest ones, given the levels that each implies,
    until their probabilities sum to 90%. What the break saves is in variances of the noise.
    """
    kept, weight, variance = noise
    begin, cut, end = bounds
    n = end - begin
    a, b, c = np.zeros(n + 1), np.zeros(n + 1), np.zeros(n + 1)  # sums up to each month but it
    steps = y[begin:end].copy()
    for t in range(n):
        keeps, w = (kept[begin + t], weight[begin + t]) if t else (0.0, 1.0)
        steps[t] -= keeps * y[begin + t - 1] if t else 0.0
        share = 1.0 - keeps
        a[t + 1] = a[t] + w * share * share
        b[t + 1] = b[t] + w * share * steps[t]
        c[t + 1] = c[t] + w * steps[t] ** 2
    cost = np.full(n, np.inf)
    for t in range(shortest, n - shortest + 1):
        first = (steps[t], kept[begin + t], weight[begin + t])
        own_a, own_b, own_c = after_level(a[t], b[t], c[t], first)
        own_b += b[n] - b[t + 1]
        cost[t] = own_c + c[n] - c[t + 1] - own_b**2 / (own_a + a[n] - a[t + 1])
    t = cut - begin
    rho, w = kept[cut], weight[cut]
    one, other = a[t] + w * rho * rho, w + a[n] - a[t + 1]
    spread = variance * (one + other - 2.0 * w * rho) / (one * other - (w * rho) ** 2)
    chance = np.exp((cost.min() - cost) / (2.0 * variance))
    chance /= chance.sum()
    order = np.argsort(-chance)
    low = high = cut - begin
    total = 0.0
    for t in order:
        total += chance[t]
        low, high = min(low, t), max(high, t)
        if total >= 0.9:
            break
    gain = max(c[n] - b[n] ** 2 / a[n] - cost[cut - begin], 0.0) / variance
    return begin + low, begin + high, gain, spread


@nb.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _chunk(
    values: NDArray[np.float64],
    calendar: NDArray[np.int64],
    rho0: float,
    price: float,
    shortest: int,
    fewest: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return a row a break: places (b, 6), sizes (b, 6); and noise and ρ of each series (n, 2)."""
    n, length = values.shape
    most = n * max(length // shortest, 1)
    places = np.empty((most, 6), dtype=np.int64)
    sizes = np.empty((most, 6))
    noise = np.full((n, 2), np.nan)
    count = 0
    for i in range(n):
        at = np.nonzero(np.isfinite(values[i]))[0]
        if at.size < fewest:
            continue
        y, _, starts, variance, rho = _fit(values[i][at], at, calendar[at], rho0, price, shortest)
        noise[i, 0], noise[i, 1] = math.sqrt(variance), rho
        kept, weight = kept_of(at, rho)
        level = likeliest_levels(y, starts, kept, weight)
        for place in range(1, starts.size):
            begin, cut = starts[place - 1], starts[place]
            end = starts[place + 1] if place + 1 < starts.size else y.size
            low, high, gain, spread = _one_break(y, (kept, weight, variance), (begin, cut, end), shortest)
            half = _NINETY * math.sqrt(spread)
            places[count] = i, at[cut], at[low], at[high], at[begin], at[end - 1]
            before, after = level[place - 1], level[place]
            change = after - before
            sizes[count] = before, after, change, change - half, change + half, math.sqrt(gain)
            count += 1
    return places[:count].copy(), sizes[:count].copy(), noise


def series_breaks(
    values: NDArray[np.float64],
    calendar: NDArray[np.int64],
    *,
    rho0: float,
    price: float,
    shortest: int = 4,
    fewest: int = 24,
) -> SeriesBreaks:
    """Return the breaks of many series.

    *Formula*: y = log value less season less outliers; levels by the partition that is likeliest under noise
    of variance σ² that keeps ρ of itself from month to month, with the penalty price · ln n · σ²: see
    :func:`entrepot.detect.kernels.partition.correlated_starts`.

    Parameters
    ----------
    values : (n, T)
        Logs of n monthly series; NaN where a month is missing.
    calendar : (T,)
        Month of the year of each period, 0 to 11.
    rho0
        Autocorrelation of the panel, towards which each series' own is drawn.
    price
        Price of a level, see the formula.
    shortest
        Fewest observed months of a level.
    fewest
        Series with fewer observed months are not judged.
    """
    chunks = [values[begin : begin + _CHUNK] for begin in range(0, len(values), _CHUNK)]
    run = partial(
        _chunk,
        calendar=calendar.astype(np.int64),
        rho0=float(rho0),
        price=float(price),
        shortest=shortest,
        fewest=max(fewest, 2 * shortest, 2),
    )
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(run, chunks))
    if not found:
        found = [(np.empty((0, 6), dtype=np.int64), np.empty((0, 6)), np.empty((0, 2)))]
    for number, (places, _, _) in enumerate(found):
        places[:, 0] += number * _CHUNK
    places, sizes, noise = (np.concatenate(parts) for parts in zip(*found, strict=True))
    names = [field.name for field in fields(SeriesBreaks)]
    series, period, earliest, latest, first, last = places.T
    before, after, change, low, high, z = sizes.T
    arrays = (
        series, period, earliest, latest, before, after, change, low, high, z, first, last, *noise.T
    )  # fmt: skip
    return SeriesBreaks(**dict(zip(names, arrays, strict=True)))


def fit_levels(
    values: NDArray[np.float64], calendar: NDArray[np.int64], *, rho0: float, price: float, shortest: int = 4
) -> LevelFit:
    """Return one series taken apart, see :func:`series_breaks`.

    Parameters
    ----------
    values : (T,)
        Logs; NaN where a month is missing.
    calendar, rho0, price, shortest
        As there.
    """
    at = np.nonzero(np.isfinite(values))[0]
    month = calendar[at].astype(np.int64)
    y, effect, starts, variance, rho = _fit(values[at], at, month, float(rho0), float(price), shortest)
    level = _levels(y, starts)
    return LevelFit(
        at=at,
        level=level,
        season=effect[month],
        rest=y - level,
        noise=math.sqrt(variance),
        autocorrelation=rho,
    )
