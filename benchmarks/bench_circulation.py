"""Circulation of a year of the world's size, of all products, with its placebos: seconds by step.

    python benchmarks/bench_circulation.py --rows 11_000_000

226 areas, 5,000 products. The flows of a product are drawn with few large traders and many small ones.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pyarrow as pa

from entrepot.detect.circulation.circulation import _SHARES, _Kernel
from entrepot.detect.circulation.options import CirculationOptions
from entrepot.engine import map_groups

AREAS, PRODUCTS = 226, 5_000


def made_year(rows: int, seed: int = 0) -> pa.Table:
    """Return flows of one year; products differ in how many they have."""
    rng = np.random.default_rng(seed)
    codes = np.array([chr(65 + a // 26) + chr(65 + a % 26) + "A" for a in range(AREAS)])
    share = np.exp(rng.normal(0.0, 0.8, PRODUCTS))
    wanted = np.minimum((rows * share / share.sum()).astype(int), 20_000)
    supply, demand = np.exp(rng.normal(0.0, 1.5, AREAS)), np.exp(rng.normal(0.0, 1.0, AREAS))
    parts = []
    for product, count in enumerate(wanted):
        own = np.log(supply[:, None] * demand[None, :]) + rng.normal(0.0, 1.5, (AREAS, AREAS))
        np.fill_diagonal(own, -np.inf)
        best = np.argpartition(-own.ravel(), count)[:count]
        usd = np.exp(own.ravel()[best] + rng.normal(9.0, 1.5, count))
        parts.append((best // AREAS, best % AREAS, np.full(count, product), usd))
    exporter, importer, product, usd = (np.concatenate(part) for part in zip(*parts, strict=True))
    return pa.table(
        {
            "exporter": pa.array(codes).take(pa.array(exporter)),
            "importer": pa.array(codes).take(pa.array(importer)),
            "hs_code": pa.array([f"{p + 10_000:06d}" for p in range(PRODUCTS)]).take(pa.array(product)),
            "period": pa.array(["2023"] * len(usd)),
            "value_usd": usd,
        }
    )


def main() -> None:
    """Measure one year."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=11_000_000)
    parser.add_argument("--placebos", type=int, default=2)
    asked = parser.parse_args()
    flows = made_year(asked.rows)
    options = CirculationOptions(since="2024", placebos=asked.placebos)
    for name, at_once in (("two threads", 2), ("one thread", 1)):
        if at_once == 1 and asked.rows > 2_000_000:
            continue
        began, used = time.perf_counter(), time.process_time()
        shares = map_groups(flows, ["hs_code"], _Kernel(options), _SHARES, threads=at_once)
        print(
            f"{name:12} {flows.num_rows:>11,} flows, {shares.num_rows:,} products: "
            f"{time.perf_counter() - began:6.0f} s, {time.process_time() - used:6.0f} s of the processor; "
            f"median circulation {float(np.median(shares['circulation_share'])):.3f}, "
            f"placebos {float(np.median(shares['placebo_share'])):.3f}"
        )


if __name__ == "__main__":
    main()
