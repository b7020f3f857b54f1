"""Breaks of many monthly series against ruptures: seconds of the processor, and who finds the same levels.

    python benchmarks/bench_breaks.py --series 1_000_000
    python benchmarks/bench_breaks.py --rates 201 202 203

72 months, season, noise with an autocorrelation of 0.3, a break of three standard deviations in every
other series. entrepot: season, outliers, noise, levels, intervals. ruptures: the levels alone, of the first
thousand series, already without season.

With --rates a thousand series a seed by autocorrelation, and as many without breaks. ruptures gets the series
without their season, and the penalty that its users take: 2 σ² ln n, σ from the differences. Who knows the
season, the noise and its autocorrelation of every series takes the likeliest levels at the least penalty at
which no more than 2% of other series without breaks get one.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import ruptures

from entrepot.detect.breaks.placebos import learn_noise
from entrepot.detect.kernels.breaks import series_breaks
from entrepot.detect.kernels.partition import correlated_starts, kept_of, optimal_partition

MONTHS = 72
FEW = 1000


SHORTEST, NEAR, APART = 4, 2, 12
PLACES = 9  # months at either end that hold no break


def noise_of(rng: np.random.Generator, series: int, rho: float) -> np.ndarray:
    """Return (series, months) noise of standard deviation 1."""
    values = rng.standard_normal((series, MONTHS))
    for t in range(1, MONTHS):
        values[:, t] = rho * values[:, t - 1] + np.sqrt(1 - rho**2) * values[:, t]
    return values


def make(series: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logs and, for every series, its break; -1 where there is none."""
    rng = np.random.default_rng(seed)
    values = noise_of(rng, series, 0.3)
    values += rng.standard_normal((series, 12))[:, np.arange(MONTHS) % 12]
    breaks = np.where(np.arange(series) % 2 == 0, rng.integers(PLACES, MONTHS - PLACES + 1, series), -1)
    values[(np.arange(MONTHS) >= breaks[:, None]) & (breaks >= 0)[:, None]] += 3.0
    return values, breaks


def planted(
    series: int, rho: float, breaks: int, seed: int
) -> tuple[np.ndarray, np.ndarray, list[list[int]], np.ndarray]:
    """Return levels with noise, season, the breaks of each (none in three of ten), and deviations."""
    rng = np.random.default_rng(seed)
    sd = np.exp(rng.normal(np.log(0.25), 0.5, (series, 1)))
    values, places = sd * noise_of(rng, series, rho), []
    for own, scale in zip(values, sd[:, 0], strict=True):
        at = np.zeros(0, dtype=np.int64)
        while breaks and rng.random() < 0.7 and not at.size:
            at = np.sort(rng.integers(PLACES, MONTHS - PLACES + 1, breaks))
            at = at if np.all(np.diff(at) >= APART) else at[:0]
        for begin in at:
            own[begin:] += 3.0 * scale * rng.choice((-1.0, 1.0))
        places.append(at.tolist())
    return values, rng.normal(0.0, 0.25, (series, 12))[:, np.arange(MONTHS) % 12], places, sd[:, 0]


def cut_by_ruptures(values: np.ndarray) -> list[list[int]]:
    """Return the breaks of each series at the penalty of Schwarz's criterion."""
    found = []
    for own in values:
        step = np.diff(own)
        variance = (1.4826 * np.median(np.abs(step - np.median(step)))) ** 2 / 2.0
        model = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST, jump=1).fit(own)
        found.append([int(end) for end in model.predict(pen=2.0 * variance * np.log(MONTHS))[:-1]])
    return found


def cut_by_who_knows(values: np.ndarray, sd: np.ndarray, rho: float, price: float) -> list[list[int]]:
    """Return the breaks of series without season, noise and autocorrelation known."""
    kept, weight = kept_of(np.arange(MONTHS), rho)
    return [
        correlated_starts(own, kept, weight, price * np.log(MONTHS) * scale**2, SHORTEST, 1)[1:].tolist()
        for own, scale in zip(values, sd, strict=True)
    ]


def price_of_who_knows(rho: float, *, rate: float = 0.02) -> float:
    """Return the least price at which no more than ``rate`` of series without breaks get one."""
    noise = noise_of(np.random.default_rng(99), 4 * FEW, rho)
    for price in np.arange(1.5, 10.0, 0.125):
        found = cut_by_who_knows(noise, np.ones(len(noise)), rho, float(price))
        if np.mean([bool(own) for own in found]) <= rate:
            return float(price)
    return 10.0


def rates(seeds: list[int]) -> None:
    """Print what is found, what of it is true, and how many series without breaks get one."""
    calendar = np.arange(MONTHS) % 12
    print(
        "| autocorrelation | breaks a series | by | found | true among the findings "
        "| series without breaks that get one |"
    )
    print("|---|---|---|---|---|---|")
    for rho in (0.0, 0.3, 0.6):
        for breaks in (1, 3):
            names = ("entrepot", "ruptures", "who knows the noise")
            shares: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
            price = price_of_who_knows(rho)
            for seed in seeds:
                values, season, places, sd = planted(FEW, rho, breaks, seed)
                calm, calm_season, _, calm_sd = planted(FEW, rho, 0, seed + 10_000)
                rules = {"shortest": SHORTEST, "fewest": 24}
                noise = learn_noise(values + season, calendar, rate=0.02, seed=0, **rules)
                sides = []
                for panel in (values + season, calm + calm_season):
                    got = series_breaks(panel, calendar, rho0=noise.rho0, price=noise.price, **rules)
                    own: list[list[int]] = [[] for _ in panel]
                    for at, period in zip(got.series, got.period, strict=True):
                        own[at].append(int(period))
                    sides.append(own)
                theirs = [cut_by_ruptures(panel) for panel in (values, calm)]
                known = [
                    cut_by_who_knows(panel, scale, rho, price)
                    for panel, scale in ((values, sd), (calm, calm_sd))
                ]
                for name, (own, false) in zip(names, (sides, theirs, known), strict=True):
                    shares[name].append(score(own, places, false))
            for name, rows in shares.items():
                cells = " | ".join(
                    f"{100 * min(part):.0f}–{100 * max(part):.0f}%" for part in zip(*rows, strict=True)
                )
                print(f"| {rho:g} | {breaks} | {name} | {cells} |", flush=True)


def score(
    found: list[list[int]], places: list[list[int]], false: list[list[int]]
) -> tuple[float, float, float]:
    """Return the share of breaks found, of findings true, and of series without breaks that get one."""
    hits = sum(
        any(abs(a - b) <= NEAR for a in own) for own, true in zip(found, places, strict=True) for b in true
    )
    good = sum(
        any(abs(a - b) <= NEAR for b in true) for own, true in zip(found, places, strict=True) for a in own
    )
    every = sum(len(own) for own in found)
    return (
        hits / sum(len(t) for t in places),
        good / max(every, 1),
        float(np.mean([bool(own) for own in false])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=lambda text: int(text.replace("_", "")), default=100_000)
    parser.add_argument("--rates", type=int, nargs="*", help="seeds")
    asked = parser.parse_args()
    if asked.rates:
        rates(asked.rates)
        return
    values, breaks = make(asked.series)
    calendar = np.arange(MONTHS) % 12
    series_breaks(values[:10], calendar, rho0=0.3, price=3.0)  # compiled
    start, wall = time.process_time(), time.perf_counter()
    found = series_breaks(values, calendar, rho0=0.3, price=3.0)
    spent, wall = time.process_time() - start, time.perf_counter() - wall
    near = np.abs(found.period - breaks[found.series]) <= 2
    near &= breaks[found.series] >= 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.series:,} series of {MONTHS} months, {peak:,.0f} MB")
    print(f"{'':28}{'processor':>12}{'wall':>10}{'a series':>12}")
    each = spent / asked.series * 1e6
    print(f"{'entrepot, everything':28}{spent:10.1f} s{wall:8.1f} s{each:9.0f} µs")
    few = values[:FEW] - values[:FEW].mean(axis=1, keepdims=True)
    start = time.process_time()
    ours = [optimal_partition(own, penalty=30.0).starts.tolist() for own in few]
    print(f"{'entrepot, levels alone':28}{'':22}{(time.process_time() - start) / FEW * 1e6:9.0f} µs")
    theirs, start = [], time.process_time()
    for own in few:
        cut = ruptures.KernelCPD(kernel="linear", min_size=1, jump=1).fit(own).predict(pen=30.0)
        theirs.append([0, *[int(end) for end in cut[:-1]]])
    print(f"{'ruptures, levels alone':28}{'':22}{(time.process_time() - start) / FEW * 1e6:9.0f} µs")
    same = sum(a == b for a, b in zip(ours, theirs, strict=True))
    print(f"levels alone: the same in {same:,} of {FEW:,} series")
    recall = np.unique(found.series[near]).size / max((breaks >= 0).sum(), 1)
    print(f"within two months: recall {recall:.3f}, precision {near.mean():.3f}")


if __name__ == "__main__":
    main()
