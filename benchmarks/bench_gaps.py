"""Gaps of made-up reports of the world's size: seconds and memory of every step.

    python benchmarks/bench_gaps.py --rows 5_000_000 --years 3

220 areas, 5,000 products, both books of each flow, one side in twenty missing; every year against all
earlier ones, for every pair and product. Seconds are those of the processor: other work does not count.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import narwhals as nw

from entrepot.detect.gaps.decomposition import decompose_gaps
from entrepot.detect.gaps.options import GapOptions
from entrepot.detect.gaps.rows import load_part_rows, load_rows
from entrepot.detect.gaps.unusual import unusual_gaps
from entrepot.engine import Engine
from entrepot.pipeline.freight import with_freight
from entrepot.reconcile import pair_books


def write_reports(path: Path, rows: int, years: int) -> None:
    """Write reports of some years, about as many in each."""
    flows = rows * 10 // 19 // years
    areas = "chr(CAST(65 + a // 26 AS INTEGER)) || chr(CAST(65 + a % 26 AS INTEGER)) || 'A'"
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false; SET memory_limit = '2GB'; SET threads = 2")
    connection.execute(
        f"""
        COPY (
            WITH area AS (SELECT a, {areas} AS code FROM range(220) AS r (a)),
            flow AS (
                SELECT hash(n) % 220 AS i, hash(n, 1) % 220 AS j, (n * 7919) % 5000 AS k, n,
                       exp(8 + 2.5 * sqrt(-2 * ln((hash(n, 2) % 1000000 + 1) / 1000001.0))
                           * cos(6.2831853 * (hash(n, 3) % 1000000) / 1000000.0)) AS usd
                FROM range({flows}) AS r (n)
            ),
            sides AS (
                SELECT *, unnest(['export', 'import']) AS flow, year
                FROM flow, range(2020, {2020 + years}) AS y (year) WHERE i <> j
            )
            SELECT CASE WHEN flow = 'export' THEN x.code ELSE m.code END AS reporter,
                   CASE WHEN flow = 'export' THEN m.code ELSE x.code END AS partner, flow,
                   CASE WHEN flow = 'export' THEN 'last_known_destination' ELSE 'origin' END
                       AS partner_concept,
                   'leaf' AS role, printf('%02d%04d', 1 + k // 52, 1000 + k % 52) AS hs_code,
                   'A' AS frequency, year::VARCHAR AS period,
                   usd * (CASE WHEN flow = 'import' THEN 1.07 ELSE 1.0 END)
                       * exp(0.3 * ((hash(n, flow, year) % 1000) / 500.0 - 1)) AS primary_value_usd,
                   NULL::DOUBLE AS net_weight_kg
            FROM sides JOIN area AS x ON x.a = i JOIN area AS m ON m.a = j
            WHERE hash(n, flow, year, 'missing') % 20 > 0
        ) TO '{path}' (FORMAT parquet)
        """
    )


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=20_000_000)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    if asked.write:
        write_reports(asked.write, asked.rows, asked.years)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.parquet"
        # in a process of its own, whose memory is not counted
        asked_for = ["--rows", str(asked.rows), "--years", str(asked.years), "--write", str(path)]
        subprocess.run([sys.executable, __file__, *asked_for], check=True)
        measure(path)


def measure(path: Path) -> None:
    start, wall = time.process_time(), time.perf_counter()

    def told(step: str) -> None:
        nonlocal start, wall
        now, clock = time.process_time(), time.perf_counter()
        print(
            f"{step:24}{now - start:8.1f} s of processor{clock - wall:8.1f} s{peak_mb():8,.0f} MB", flush=True
        )
        start, wall = now, clock

    with Engine(memory_limit="3500MB", threads=2) as engine:
        reports = engine.frame(f"SELECT * FROM '{path}'")
        count = engine.rows(f"SELECT count(*) FROM '{path}'")[0][0]
        told(f"{count:,} reports")
        paired = engine.keep(nw.from_native(pair_books(reports.to_native())).lazy(), "paired")
        told("pairing")
        flows = with_freight(paired, frozenset(), frequency="A")
        told("freight")
        rows = load_rows(flows)
        told("rows")
    found = unusual_gaps(rows, GapOptions())
    told(f"gaps: {found.table.num_rows:,}")
    del found, rows
    with Engine(memory_limit="3500MB", threads=2) as engine:
        reports = engine.frame(f"SELECT * FROM '{path}'")
        paired = engine.keep(nw.from_native(pair_books(reports.to_native())).lazy(), "paired")
        parts = load_part_rows(with_freight(paired, frozenset(), frequency="A"))
        told("rows of the parts")
    taken = decompose_gaps(parts, GapOptions(by=("exporter", "importer")))
    told(f"parts: {taken.table.num_rows:,}")


if __name__ == "__main__":
    main()
