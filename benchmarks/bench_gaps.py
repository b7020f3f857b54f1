"""Gaps of made-up reports of the world's size: seconds and memory of every step.

    python benchmarks/bench_gaps.py --rows 5_000_000 --years 3
    python benchmarks/bench_gaps.py --lake --products 240 --folder bench-data

220 areas, 5,000 products, both books of each flow, one side in twenty missing; every year against all
earlier ones, for every pair and product. Seconds are those of the processor: other work does not count.

``--lake`` runs the command as a user does, on a monthly lake of a made-up world of 36 areas and 36 months
(``--products 440`` makes 9.5 million reports), with 4 GB for the engine and with 1 GB; the largest memory is
that of the whole process. A lake that stands in the folder is used again.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
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
from entrepot.reconcile.books import CELL

COMMAND = (sys.executable, "-c", "from entrepot.app.cli import main; main()")
QUESTIONS = (("every month", ()), ("event", ("--event", "2021-11")), ("decompose", ("--decompose",)))


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
    parser.add_argument("--lake", action="store_true", help="the command on a monthly lake")
    parser.add_argument("--products", type=int, default=240, help="products of the lake's world")
    parser.add_argument("--folder", type=Path, help="where the lake is kept; else it is removed at the end")
    asked = parser.parse_args()
    if asked.write:
        write_reports(asked.write, asked.rows, asked.years)
        return
    if asked.lake:
        with tempfile.TemporaryDirectory() as folder:
            on_a_lake(asked.folder or Path(folder), asked.products)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.parquet"
        # in a process of its own, whose memory is not counted
        asked_for = ["--rows", str(asked.rows), "--years", str(asked.years), "--write", str(path)]
        subprocess.run([sys.executable, __file__, *asked_for], check=True)
        measure(path)


def on_a_lake(folder: Path, products: int) -> None:
    """Ask a monthly lake by the command line, and print what each command cost."""
    lake, world = folder / f"lake-{products}", folder / "world"
    if not lake.exists():
        size = ("--areas", "36", "--months", "36", "--products", str(products), "--seed", "4")
        run("world", "--out", str(world), *size)
        run("ingest", "comtrade", str(world / "reports"), "--lake", str(lake), "--memory", "2GB")
        shutil.rmtree(world)
    with duckdb.connect() as connection:
        files = f"{lake}/core__flow/**/*.parquet"
        count = connection.execute(f"SELECT count(*) FROM read_parquet('{files}')").fetchone()[0]
    print(f"{count:,} reports\n{'':24}{'seconds':>10}{'processor':>11}{'peak MB':>10}")
    for memory in ("4GB", "1GB"):
        for name, options in QUESTIONS:
            out = folder / "gaps.parquet"
            found = run("gaps", "--lake", str(lake), "--memory", memory, "--out", str(out), *options)
            print(f"{f'{name}, {memory}':24}{found[0]:>10.1f}{found[1]:>11.1f}{found[2]:>10,.0f}", flush=True)
            out.unlink()


def run(*arguments: str) -> tuple[float, float, float]:
    """Run a command in its own process: seconds by the clock, of the processor, largest memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"entrepot {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def keep(engine: Engine, path: Path) -> nw.LazyFrame:
    """Pair the books, and keep what the command keeps of them."""
    paired = nw.from_native(pair_books(engine.frame(f"SELECT * FROM '{path}'").to_native())).lazy()
    needed = ("exporter_report_usd", "importer_report_usd", "exporter_weight_kg")
    return engine.keep(paired.select(*CELL, *needed), "paired")


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
        count = engine.rows(f"SELECT count(*) FROM '{path}'")[0][0]
        told(f"{count:,} reports")
        paired = keep(engine, path)
        told("pairing")
        flows = with_freight(paired, frozenset(), frequency="A")
        told("freight")
        rows = load_rows(flows, books=paired)
        told("rows")
    found = unusual_gaps(rows, GapOptions())
    told(f"gaps: {found.table.num_rows:,}")
    del found, rows
    with Engine(memory_limit="3500MB", threads=2) as engine:
        paired = keep(engine, path)
        parts = load_part_rows(with_freight(paired, frozenset(), frequency="A"), books=paired)
        told("rows of the parts")
    taken = decompose_gaps(parts, GapOptions(by=("exporter", "importer")))
    told(f"parts: {taken.table.num_rows:,}")


if __name__ == "__main__":
    main()
