"""Reconciled flows against the truth of made-up worlds, and their speed against plain pandas in the same run.

    python benchmarks/bench_reconcile.py --worlds
    python benchmarks/bench_reconcile.py --speed --rows 20_000_000

Worlds: seeds 601 to 605; the method was tuned on others (1 to 3, 31 to 43). Rivals take the other side's
report where theirs is missing. Errors are mean absolute errors of the log value over flows that exist;
``gain`` is against the best rival; ``floor`` is the gain of somebody who knows how noisy each reporter is,
the true ratios and where goods stand in the books. Speed: each contender in a process
of its own, whose processor seconds and peak memory the kernel tells; ratios are of processor seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from entrepot.engine import Engine
from entrepot.model.world import World, WorldOptions, build_world
from entrepot.pipeline.weighing import weighted_flows
from entrepot.reconcile import BooksFit, pair_books

SEEDS = (601, 602, 603, 604, 605)
SIZE = {"areas": 36, "products": 80, "quiet": True}
#: Name, frequency, what the world is asked for.
WORLDS = (
    ("uneven, years", "A", {"reporting_sd": (0.02, 0.5)}),
    ("uneven, months", "M", {"reporting_sd": (0.02, 0.5)}),
    ("uneven rough, years", "A", {"reporting_sd": (0.02, 0.5), "setting": "rough"}),
    ("even (1-6%), years", "A", {}),
    ("even rough, years", "A", {"setting": "rough"}),
    ("even (1-6%), months", "M", {}),
    ("uneven rough, months", "M", {"reporting_sd": (0.02, 0.5), "setting": "rough"}),
    ("even rough, months", "M", {"setting": "rough"}),
)
KEYS = ["exporter", "importer", "hs_code", "period"]
COLUMNS = [
    "reporter", "partner", "flow", "partner_concept", "role", "hs_code", "frequency", "period",
    "primary_value_usd", "net_weight_kg",
]  # fmt: skip


def leaves(world: World, frequency: str) -> pa.Table:
    """Return a world's reports as leaf rows; years are sums of twelve published months."""
    rows = world.reports.to_pandas()
    is_import = rows["flow"].isin(["import", "re_import"])
    rows = rows.rename(columns={"value_usd": "primary_value_usd"}).assign(
        frequency=frequency, role="leaf",
        partner_concept=np.where(is_import, "origin", "last_known_destination"),
    )  # fmt: skip
    rows = rows[rows["period"].str.len() == 7]
    if frequency == "A":
        whole = rows.assign(year=rows["period"].str[:4])
        months = whole.groupby(["reporter", "flow", "year"])["period"].transform("nunique")
        whole = whole[months == 12].drop(columns="period").rename(columns={"year": "period"})
        keys = [name for name in COLUMNS if name not in {"primary_value_usd", "net_weight_kg"}]
        rows = whole.groupby(keys, as_index=False).agg(
            primary_value_usd=("primary_value_usd", "sum"),
            net_weight_kg=("net_weight_kg", lambda kg: kg.sum(skipna=False)),
        )
    return pa.Table.from_pandas(rows[COLUMNS], preserve_index=False)


def geography(world: World) -> pa.Table:
    """Return the world's own distances: its codes are dealt at random."""
    pairs = world.truth_pairs.select(["exporter", "importer", "distance_km"])
    nought = pa.array(np.zeros(pairs.num_rows, dtype=np.int64))
    return pairs.append_column("is_contiguous", nought).append_column("landlocked", nought)


def run(engine: Engine, reports: object, places: pa.Table | None, frequency: str) -> tuple[object, BooksFit]:
    """Reconcile as the pipeline does."""
    books = engine.keep(nw.from_native(pair_books(reports)).lazy(), "books")
    return weighted_flows(engine, books, "bench", frequency=frequency, geography=places)


@dataclass
class Score:
    errors: dict[str, float]
    two_sided: dict[str, float]
    floor: float
    covered: float
    cif: float
    ranks: tuple[float, float]

    @property
    def gain(self) -> float:
        return 1 - self.errors["reconciled"] / min(v for k, v in self.errors.items() if k != "reconciled")

    @property
    def floor_gain(self) -> float:
        return 1 - self.floor / min(v for k, v in self.errors.items() if k != "reconciled")

    @property
    def two_sided_gain(self) -> float:
        rivals = (v for k, v in self.two_sided.items() if k != "reconciled")
        return 1 - self.two_sided["reconciled"] / min(rivals)


def score(world: World, frequency: str) -> Score:
    with Engine(memory_limit="3GB") as engine:
        reports = engine.arrow_frame(leaves(world, frequency)).to_native()
        flows, fit = run(engine, reports, geography(world), frequency)
        found = flows.collect("pyarrow").to_native().to_pandas()
    truth = world.truth_flows.to_pandas()
    if frequency == "A":
        truth["period"] = truth["period"].str[:4]
    truth = truth.groupby(KEYS, as_index=False)["value_usd"].sum().rename(columns={"value_usd": "true_usd"})
    d = found.merge(truth, on=KEYS)
    d = d[(d["true_usd"] > 0) & (d["value_usd"] > 0)]
    x, m = (d[f"{side}_report_usd"].where(lambda v: v > 0) for side in ("exporter", "importer"))
    made = {
        "reconciled": d["value_usd"],
        "exporter": x.fillna(m / 1.06),
        "importer/1.06": (m / 1.06).fillna(x),
        "max": np.fmax(x, m / 1.08),
        "mean": pd.concat([x, m], axis=1).mean(axis=1),
    }
    off = {name: (np.log(usd) - np.log(d["true_usd"])).abs() for name, usd in made.items()}
    both = x.notna() & m.notna()
    inside = (d["low_usd"] <= d["true_usd"]) & (d["true_usd"] <= d["high_usd"])
    return Score(
        {name: float(o.mean()) for name, o in off.items()},
        {name: float(o[both].mean()) for name, o in off.items()},
        float(
            floor(d, x, m, world.truth_areas.to_pandas().set_index("area")["reporting_sd"], frequency).mean()
        ),
        float(inside.mean()),
        *_of_fit(world, fit),
    )


def floor(d: pd.DataFrame, x: pd.Series, m: pd.Series, sd: pd.Series, frequency: str) -> pd.Series:
    """Return the error expected of somebody who knows each reporter's noise and what each book should say.

    Half of the noise stays with a flow, half is drawn by the month, and all but vanishes in a year. Ratios,
    late arrival and goods under another partner are known. Nobody can do better with one weight a reporter.
    """
    times = 2.0 if frequency == "M" else 1.0 + 1.0 / 12.0
    a, b = (times * d[side].map(sd) ** 2 for side in ("exporter", "importer"))
    variance = (a * b / (a + b)).where(x.notna() & m.notna(), a.where(x.notna(), b))
    return np.sqrt(variance * 2.0 / np.pi)


def _of_fit(world: World, fit: BooksFit) -> tuple[float, tuple[float, float]]:
    table = fit.value.ratios.table.to_pandas()
    table = table[table["flows"] > 0].assign(cif=lambda t: np.exp(t["log_freight"]))
    pairs = table.groupby(["exporter", "importer"], as_index=False)["cif"].median()
    pairs = pairs.merge(world.truth_pairs.to_pandas(), on=["exporter", "importer"])
    true_sd = world.truth_areas.to_pandas().set_index("area")["reporting_sd"]
    found = fit.value.reliability.reporters.to_pandas()
    ranks = []
    for flow in ("export", "import"):
        sd = found[found["flow"] == flow].set_index("reporter")["reporting_sd"]
        ranks.append(float(sd.corr(true_sd.reindex(sd.index), method="spearman")))
    return float((pairs["cif"] - pairs["cif_fob_ratio"]).abs().mean()), (ranks[0], ranks[1])


def worlds(wanted: str, seeds: tuple[int, ...]) -> None:
    names = ("ours", "export", "import", "max", "mean", "gain", "floor", "2-sided", "cover", "cif")
    print(f"{'world':22}{'seed':>5}" + "".join(f"{n:>8}" for n in (*names, "rank x", "rank m")))
    for name, frequency, asked in (one for one in WORLDS if wanted in one[0]):
        scores = [score(build_world(WorldOptions(seed=seed, **SIZE, **asked)), frequency) for seed in seeds]
        for label, s in [*zip(map(str, seeds), scores, strict=True), ("mean", _mean(scores))]:
            e = s.errors
            print(f"{name:22}{label:>5}{e['reconciled']:>8.4f}{e['exporter']:>8.4f}{e['importer/1.06']:>8.4f}"
                  f"{e['max']:>8.4f}{e['mean']:>8.4f}{s.gain:>8.0%}{s.floor_gain:>8.0%}{s.two_sided_gain:>8.0%}{s.covered:>8.1%}"
                  f"{s.cif:>8.4f}{s.ranks[0]:>8.2f}{s.ranks[1]:>8.2f}", flush=True)  # fmt: skip


def _mean(scores: list[Score]) -> Score:
    def over(get: object) -> float:
        return float(np.mean([get(s) for s in scores]))

    names = scores[0].errors
    return Score(
        {n: over(lambda s, n=n: s.errors[n]) for n in names},
        {n: over(lambda s, n=n: s.two_sided[n]) for n in names},
        over(lambda s: s.floor),
        over(lambda s: s.covered),
        over(lambda s: s.cif),
        (over(lambda s: s.ranks[0]), over(lambda s: s.ranks[1])),
    )


# --- speed


def write_reports(path: Path, rows: int) -> None:
    """Write reports of one year: 220 areas, 5,000 products, both books of each flow, some sides missing."""
    flows = rows * 10 // 19
    areas = "chr(CAST(65 + a // 26 AS INTEGER)) || chr(CAST(65 + a % 26 AS INTEGER)) || 'A'"
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false; SET memory_limit = '3GB'")
    connection.execute(
        f"""
        COPY (
            WITH area AS (SELECT a, {areas} AS code FROM range(220) AS r (a)),
            drawn AS (
                SELECT hash(n) % 220 AS i, hash(n, 1) % 220 AS j, (n * 7919) % 5000 AS k, n,
                       exp(8 + 2.5 * sqrt(-2 * ln((hash(n, 2) % 1000000 + 1) / 1000001.0))
                           * cos(6.2831853 * (hash(n, 3) % 1000000) / 1000000.0)) AS usd
                FROM range({flows}) AS r (n)
            ),
            flow AS (
                SELECT i, j, k, any_value(n) AS n, any_value(usd) AS usd FROM drawn WHERE i <> j GROUP BY ALL
            ),
            sides AS (
                SELECT *, unnest(['export', 'import']) AS flow FROM flow
            )
            SELECT CASE WHEN flow = 'export' THEN x.code ELSE m.code END AS reporter,
                   CASE WHEN flow = 'export' THEN m.code ELSE x.code END AS partner, flow,
                   CASE WHEN flow = 'export' THEN 'last_known_destination' ELSE 'origin' END
                       AS partner_concept,
                   'leaf' AS role, printf('%02d%04d', 1 + k // 52, 1000 + k % 52) AS hs_code,
                   'A' AS frequency, '2022' AS period,
                   usd * (CASE WHEN flow = 'import' THEN 1.07 ELSE 1.0 END)
                       * exp(0.3 * ((hash(n, flow) % 1000) / 500.0 - 1)) AS primary_value_usd,
                   usd / 5 * exp(0.3 * ((hash(n, flow) % 1000) / 500.0 - 1)) AS net_weight_kg
            FROM sides JOIN area AS x ON x.a = i JOIN area AS m ON m.a = j
            WHERE hash(n, flow, 'missing') % 20 > 0
        ) TO '{path}' (FORMAT parquet)
        """
    )


def run_ours(path: Path) -> dict[str, float]:
    start = time.perf_counter()
    with Engine(memory_limit="3500MB", threads=2) as engine:
        run(engine, engine.frame(f"SELECT * FROM '{path}'").to_native(), None, "A")
        rows = engine.rows("SELECT count(*), sum(value_usd) FROM reconciled_bench")[0]
    return {"seconds": time.perf_counter() - start, "flows": rows[0], "usd": rows[1]}


def run_pandas(path: Path) -> dict[str, float]:
    """Do what an analyst would write: pair, median ratio by pair and group, variances, weighted mean."""
    start = time.perf_counter()
    reports = pd.read_parquet(path)
    keys = ["exporter", "importer", "hs_code", "period"]
    sides = []
    for flow, names in (("export", ("exporter", "importer")), ("import", ("importer", "exporter"))):
        rows = reports[reports["flow"] == flow].rename(
            columns=dict(zip(("reporter", "partner"), names, strict=True))
        )
        sides.append(rows.groupby(keys, as_index=False)[["primary_value_usd", "net_weight_kg"]].sum())
    d = sides[0].merge(sides[1], on=keys, how="outer", suffixes=("_x", "_m"))
    group = d["hs_code"].str[:2].astype(int) // 12
    for measure in ("primary_value_usd", "net_weight_kg"):
        x, m = d[f"{measure}_x"], d[f"{measure}_m"]
        gap = np.log(m / x)
        ratio = gap.groupby([d["exporter"], d["importer"], group]).transform("median").fillna(gap.median())
        left = gap - ratio
        a, b = (
            (left**2).groupby([d[side], d["hs_code"].str[:2]]).transform("mean")
            for side in ("exporter", "importer")
        )
        share = (b / (a + b)).fillna(0.5)
        value = np.exp(share * np.log(x) + (1 - share) * (np.log(m) - ratio))
        d[f"{measure}_value"] = value.fillna(x).fillna(m / np.exp(ratio))
        half = 1.645 * np.sqrt(a * b / (a + b))
        d[f"{measure}_low"], d[f"{measure}_high"] = value * np.exp(-half), value * np.exp(half)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "flows": len(d), "usd": float(d["primary_value_usd_value"].sum())}


def speed(rows: list[int], folder: Path, contenders: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{'reports':>12}{'':10}{'seconds':>10}{'cpu':>8}{'peak MB':>10}{'flows':>14}{'ratio':>8}")
    for count in rows:
        path = folder / f"reports-{count}.parquet"
        if not path.exists():
            write_reports(path, count)
        results = {}
        for what in contenders:
            done = subprocess.run(
                [sys.executable, __file__, "--run", what, "--file", str(path)],
                stdout=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip
            results[what] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
        for what, r in results.items():
            if r is None:
                print(f"{count:>12,}{what:>10}    did not end")
                continue
            other = results.get("pandas")
            ratio = f"{other['cpu'] / r['cpu']:>8.1f}" if other else ""
            print(f"{count:>12,}{what:>10}{r['seconds']:>10.1f}{r['cpu']:>8.1f}{r['peak_mb']:>10,.0f}{r['flows']:>14,.0f}{ratio}",
                  flush=True)  # fmt: skip
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", action="store_true")
    parser.add_argument("--only-worlds", default="", help="part of the name of the worlds, such as 'years'")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=20_000_000)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    parser.add_argument("--only", choices=["ours", "pandas"])
    parser.add_argument("--run", choices=["ours", "pandas"])
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.run:
        result = {"ours": run_ours, "pandas": run_pandas}[asked.run](asked.file)
        used = resource.getrusage(resource.RUSAGE_SELF)
        more = {"peak_mb": used.ru_maxrss / 1024, "cpu": used.ru_utime + used.ru_stime}
        print(json.dumps(result | more))
        return
    every = not (asked.worlds or asked.speed)
    if asked.worlds or every:
        worlds(asked.only_worlds, asked.seeds)
    if asked.speed or every:
        contenders = [asked.only] if asked.only else ["pandas", "ours"]
        speed([asked.rows // 9, asked.rows // 3, asked.rows], asked.folder, contenders)


if __name__ == "__main__":
    main()
