"""Breaks of many monthly series against ruptures: seconds of the processor, and who finds the same levels.

    python benchmarks/bench_breaks.py --series 1_000_000

72 months, season, noise with an autocorrelation of 0.3, a break of three standard deviations in every
other series. entrepot: season, outliers, noise, levels, intervals. ruptures: the levels alone, of the first
thousand series, already without season.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import ruptures

from entrepot.detect.kernels.breaks import series_breaks
from entrepot.detect.kernels.partition import optimal_partition

MONTHS = 72
FEW = 1000


def make(series: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logs and, for every series, its break; -1 where there is none."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((series, MONTHS))
    for t in range(1, MONTHS):
        values[:, t] = 0.3 * values[:, t - 1] + np.sqrt(1 - 0.3**2) * values[:, t]
    values += rng.standard_normal((series, 12))[:, np.arange(MONTHS) % 12]
    breaks = np.where(np.arange(series) % 2 == 0, rng.integers(9, MONTHS - 8, series), -1)
    values[(np.arange(MONTHS) >= breaks[:, None]) & (breaks >= 0)[:, None]] += 3.0
    return values, breaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=lambda text: int(text.replace("_", "")), default=100_000)
    asked = parser.parse_args()
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
