"""Reconciled months where errors are independent over months and each book has its own noise.

    python benchmarks/bench_month_noise.py 811 812 813

12 areas x 30 products x 36 months; the standard deviations of exporters and of importers are drawn apart,
0.02 to 0.5 evenly in logs; a quarter of the goods arrives a month late. Mean absolute errors of the log
value; ``known`` is the mean of both books weighted by their true noise, with the true ratio.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pyarrow as pa
from bench_reconcile import KEYS, run

from entrepot.engine import Engine

AREAS, PRODUCTS, MONTHS, LATE, FREIGHT = 12, 30, 36, 0.25, 1.07


def draw(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float], dict[str, float]]:
    """Return reports, true flows, and the noise of exporters and importers."""
    rng = np.random.default_rng(seed)
    codes = np.array([f"A{chr(65 + a)}A" for a in range(AREAS)])
    sd_x, sd_m = (np.exp(rng.uniform(np.log(0.02), np.log(0.5), AREAS)) for _ in range(2))
    i, j, k = (index.ravel() for index in np.indices((AREAS, AREAS, PRODUCTS)))
    some = (i != j) & (rng.random(len(i)) < 0.5)
    i, j, k = i[some], j[some], k[some]
    shape = len(i), MONTHS
    left = (
        rng.normal(13.0, 1.5, len(i))[:, None]
        + np.cumsum(rng.normal(0.0, 0.03, shape), axis=1)
        + rng.normal(0.0, 0.12, shape)
    )
    before = np.column_stack([left[:, :1], left[:, :-1]])
    arrived = np.log((1.0 - LATE) * np.exp(left) + LATE * np.exp(before))
    exported = left + sd_x[i][:, None] * rng.normal(size=shape)
    imported = arrived + np.log(FREIGHT) + sd_m[j][:, None] * rng.normal(size=shape)
    goods = np.array([f"{1 + n % 97:02d}{1000 + n}" for n in range(PRODUCTS)])
    periods = [f"{2020 + t // 12}-{t % 12 + 1:02d}" for t in range(MONTHS)]
    keys = {"hs_code": np.repeat(goods[k], MONTHS), "period": np.tile(periods, len(i))}
    sides = []
    for flow, concept, reporter, partner, amount in (
        ("export", "last_known_destination", i, j, exported),
        ("import", "origin", j, i, imported),
    ):
        ends = {"reporter": np.repeat(codes[reporter], MONTHS), "partner": np.repeat(codes[partner], MONTHS)}
        usd = np.exp(amount).ravel()
        sides.append(
            pd.DataFrame(ends | keys).assign(
                flow=flow, partner_concept=concept, role="leaf", frequency="M",
                primary_value_usd=usd, net_weight_kg=usd / 5.0,
            )
        )  # fmt: skip
    ends = {"exporter": np.repeat(codes[i], MONTHS), "importer": np.repeat(codes[j], MONTHS)}
    truth = pd.DataFrame(ends | keys).assign(true_usd=np.exp(left).ravel())
    return (
        pd.concat(sides),
        truth,
        dict(zip(codes, sd_x, strict=True)),
        dict(zip(codes, sd_m, strict=True)),
    )


def score(seed: int) -> dict[str, float]:
    """Return mean absolute errors of the log value, and the share of true values inside their interval."""
    reports, truth, sd_x, sd_m = draw(seed)
    with Engine(memory_limit="3GB") as engine:
        table = pa.Table.from_pandas(reports, preserve_index=False)
        flows = run(engine, engine.arrow_frame(table).to_native(), None, "M")[0]
        found = flows.collect("pyarrow").to_native().to_pandas().merge(truth, on=KEYS)
    x, m = found["exporter_report_usd"], found["importer_report_usd"]
    a, b = found["exporter"].map(sd_x) ** 2, found["importer"].map(sd_m) ** 2
    made = {
        "ours": found["value_usd"],
        "exporter": x,
        "importer": m / 1.06,
        "larger": np.maximum(x, m / 1.08),
        "mean": (x + m) / 2.0,
        "known": np.exp((np.log(x) * b + np.log(m / FREIGHT) * a) / (a + b)),
    }
    inside = (found["low_usd"] <= found["true_usd"]) & (found["true_usd"] <= found["high_usd"])
    errors = {
        name: float((np.log(usd) - np.log(found["true_usd"])).abs().mean()) for name, usd in made.items()
    }
    return errors | {"inside": float(inside.mean())}


def main() -> None:
    for n, seed in enumerate(sys.argv[1:] or ["811", "812", "813"]):
        found = score(int(seed))
        if n == 0:
            print(f"{'seed':>6}" + "".join(f"{name:>10}" for name in found))
        print(f"{seed:>6}" + "".join(f"{value:>10.4f}" for value in found.values()), flush=True)


if __name__ == "__main__":
    main()
