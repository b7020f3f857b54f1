"""DuckDB and Spark at 1, 4 and 16 times the rows, ingest and detours, and DuckDB short of memory.

    python benchmarks/bench_engines.py --products 10 --spill 120MB

A world's Comtrade files are taken into a lake by each engine, and detours are sought in it, all by the
command line and in processes of their own. Processor seconds are those of all of its processes, the Java
machine and Spark's workers among them: they say more than the clock where others work on the machine. The
starts of both, which no size changes, are in the figures. Never a timed test.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-c", "from entrepot.app.cli import main; main()")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
FACTORS = (1, 4, 16)


@dataclass(frozen=True)
class Run:
    """What a command cost: seconds by the clock and of processors, MB of memory and of spilled data."""

    seconds: float
    cpu: float
    memory: float
    spilled: float
    code: int


def run(*arguments: str, scratch: Path) -> Run:
    """Run a command and watch its processes."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    start = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(scratch), "SPARK_LOCAL_DIRS": str(scratch / "spark")},
    )
    cpu: dict[int, float] = {}
    memory = spilled = 0.0
    while process.poll() is None:
        seen = dict(_processes(process.pid))
        cpu |= {pid: used for pid, (used, _) in seen.items()}
        memory = max(memory, sum(resident for _, resident in seen.values()))
        spilled = max(spilled, _size(scratch.glob("entrepot-*")))
        time.sleep(0.2)
    return Run(time.monotonic() - start, sum(cpu.values()), memory, spilled, process.returncode)


def _processes(session: int):
    """Yield the processes of a session with their processor seconds and MB."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            yield (
                int(folder.name),
                ((int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE / 1e6),
            )


def _size(folders) -> float:
    total = 0
    for folder in folders:
        for file in folder.rglob("*"):
            try:
                total += file.stat().st_size
            except OSError:
                continue
    return total / 1e6


def worst_difference(one: Path, other: Path) -> float:
    """Return the largest relative difference of an estimate between two files of detours."""
    rows = []
    for path in (one, other):
        with path.open(newline="", encoding="utf-8") as file:
            keys = ("origin", "hub", "destination", "hs_code", "kind")
            rows.append(
                {tuple(row[key] for key in keys): row["estimate_usd"] for row in csv.DictReader(file)}
            )
    if rows[0].keys() != rows[1].keys():
        return float("inf")
    pairs = [(float(mine or "nan"), float(rows[1][key] or "nan")) for key, mine in rows[0].items()]
    return max(
        (abs(a - b) / max(abs(b), 1.0) for a, b in pairs if not (math.isnan(a) and math.isnan(b))),
        default=0.0,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--products", type=int, default=10, help="products of the smallest world")
    parser.add_argument("--areas", type=int, default=36)
    parser.add_argument("--factors", type=int, nargs="*", default=FACTORS)
    parser.add_argument("--spill", default="120MB", help="memory of DuckDB in the last row")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-engines-"))
    print(f"{'engine':<14}{'rows':>11}{'step':>9}{'clock s':>9}{'cpu s':>8}{'MB':>7}{'spilled MB':>12}")
    try:
        for factor in asked.factors:
            measure(folder, factor, asked)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, factor: int, asked: argparse.Namespace) -> None:
    """Measure both engines at one size, and at the largest DuckDB with little memory."""
    world = folder / "world"
    shutil.rmtree(world, ignore_errors=True)
    size = ("--areas", str(asked.areas), "--products", str(asked.products * factor))
    run("world", "--out", str(world), *size, scratch=folder / "tmp")
    rows = sum(sum(1 for _ in path.open("rb")) - 1 for path in (world / "reports").iterdir())
    for engine in ("duckdb", "spark"):
        lake, options = folder / engine, ("--engine", engine)
        shutil.rmtree(lake, ignore_errors=True)
        taken = run(
            "ingest",
            "comtrade",
            str(world / "reports"),
            "--lake",
            str(lake),
            *options,
            scratch=folder / "tmp",
        )
        tell(engine, rows, "ingest", taken)
        tell(engine, rows, "detours", seek(lake, folder / f"{engine}.csv", *options))
    difference = worst_difference(folder / "spark.csv", folder / "duckdb.csv")
    print(f"{'':<14}largest relative difference of an estimate: {difference:.1e}", flush=True)
    if factor == max(asked.factors):
        short = seek(folder / "duckdb", folder / "short.csv", "--memory", asked.spill)
        tell(f"duckdb {asked.spill}", rows, "detours", short)
        difference = worst_difference(folder / "short.csv", folder / "duckdb.csv")
        print(f"{'':<14}largest relative difference of an estimate: {difference:.1e}", flush=True)


def seek(lake: Path, out: Path, *options: str) -> Run:
    """Search a lake for detours."""
    question = ("--event", "2021-11", "--spikes", "20", "--out", str(out))
    return run("detours", "--lake", str(lake), *question, *options, scratch=out.parent / "tmp")


def tell(engine: str, rows: int, step: str, done: Run) -> None:
    """Print a row of the table."""
    figures = f"{done.seconds:>9.1f}{done.cpu:>8.1f}{done.memory:>7.0f}{done.spilled:>12.0f}"
    failed = "" if done.code == 0 else f"  exit status {done.code}"
    print(f"{engine:<14}{rows:>11,}{step:>9}{figures}{failed}", flush=True)


if __name__ == "__main__":
    main()
