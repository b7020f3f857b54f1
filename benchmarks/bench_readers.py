"""Reading of every publisher's files against DuckDB's bare copy of the same bytes, in the same run.

    python benchmarks/bench_readers.py comext baci --rows 4_000_000

Each contender runs in a process of its own, whose peak memory the kernel tells; both take turns, and the
fastest of their runs counts. ``ratio`` is bare seconds by ours. What DuckDB cannot read is made readable
first, in bare's time: unpacked, recoded. A wide table is made long by both. Ours commits the raw rows, the
canonical rows and the register, and a number is followed back to its line. Never a timed test.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import duckdb
import pyarrow as pa
from publisher_files import FILES, BenchFile, recode

from entrepot.engine import Engine, parquet
from entrepot.pipeline import IngestOptions, ingest
from entrepot.schema import FlowKind
from entrepot.sources.base import Stated
from entrepot.sources.registry import open_source
from entrepot.store import Lake

ROWS = 2_000_000


def run_bare(file: BenchFile, path: Path, target: Path) -> dict[str, float]:
    """Copy the file to Parquet as DuckDB does it by itself."""
    start, cpu = time.perf_counter(), time.process_time()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            path = Path(archive.extract(archive.namelist()[0], target))
    if file.codec:
        recode(path, target / "utf8.csv", file.codec)
        path = target / "utf8.csv"
    rows = file.bare.format(path=path)
    duckdb.connect().execute(f"COPY (SELECT * FROM {rows}) TO '{target / 'copy.parquet'}' (FORMAT parquet)")
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}


def run_ours(file: BenchFile, path: Path, target: Path) -> dict[str, float]:
    """Take the file into a lake, say how long its steps took, and follow one number back to its line."""
    name = file.source
    if file.mapping:
        mapping = target / "mapping.toml"
        mapping.write_text(file.mapping, encoding="utf-8")
        name = f"csv:{mapping}"
    source = open_source(name, Stated(FlowKind(file.flow)) if file.flow else None)
    steps: dict[str, float] = {}
    start, cpu = time.perf_counter(), time.process_time()
    last = ["opening", start]

    def note(step: object) -> None:
        now = time.perf_counter()
        steps[last[0]] = steps.get(last[0], 0) + now - last[1]
        last[:] = [step.name, now]

    options = IngestOptions(is_complete=True)
    (report,) = ingest(source, [path], lake=target / "lake", options=options, progress=note).files
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    steps[last[0]] = steps.get(last[0], 0) + time.perf_counter() - last[1]
    if report.error is not None:
        raise report.error
    if report.rows_quarantined:
        raise SystemExit(f"rows of a clean file were set aside: {report.reasons}")
    _check_lineage(target / "lake", report.file_hash)
    print(json.dumps({step: round(value, 2) for step, value in steps.items()}), file=sys.stderr)
    return {"seconds": seconds, "cpu": cpu, "rows": report.rows_read + report.rows_added}


def _check_lineage(folder: Path, file_hash: str) -> None:
    """Follow a row in the middle back to what the publisher wrote."""
    lake = Lake.open(folder)
    with Engine() as engine:
        rows = engine.rows(
            f"SELECT row_number, hs_code FROM {parquet(lake.table_files('core__flow'))} "
            "ORDER BY row_number DESC LIMIT 1"
        )
    number, code = rows[0]
    published = lake.raw_row(file_hash, number)
    if not any(str(text).startswith(code) for text in published.values()):
        raise SystemExit(f"lineage is broken: row {number:,} has {code}, and was {published}")


def measure(what: str, kind: str, path: Path) -> dict[str, float]:
    """Run one contender once, in a process of its own."""
    target = path.parent / f"{path.name}-{what}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    command = [sys.executable, __file__, kind, "--run", what, "--file", str(path), "--folder", str(target)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    shutil.rmtree(target)
    return json.loads(done.stdout.splitlines()[-1])


def compare(kind: str, folder: Path, *, rows: int, repeat: int) -> None:
    """Write a file, let both read it in turns, and print a line."""
    path = folder / FILES[kind].name
    FILES[kind].write(path, rows)
    size = path.stat().st_size / 1e6
    runs = {what: [] for what in ("bare", "ours")}
    for _ in range(repeat):
        for what, found in runs.items():
            found.append(measure(what, kind, path))
    path.unlink()
    best = {what: min(found, key=lambda one: one["seconds"]) for what, found in runs.items()}
    bare, ours = best["bare"], best["ours"]
    print(
        f"{kind:12}{ours['rows']:>12,.0f}{size:>8,.0f}{bare['seconds']:>9.2f}{ours['seconds']:>9.2f}"
        f"{bare['seconds'] / ours['seconds']:>7.2f}{bare['cpu'] / ours['cpu']:>11.2f}"
        f"{ours['rows'] / ours['seconds']:>12,.0f}{bare['peak_mb']:>9,.0f}{ours['peak_mb']:>9,.0f}",
        flush=True,
    )


def main() -> None:
    """Compare the kinds asked for; with --run, be one contender."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"among {', '.join(FILES)}; all without")
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=ROWS)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    parser.add_argument("--run", choices=["bare", "ours"])
    parser.add_argument("--file", type=Path)
    chosen = parser.parse_args()
    if unknown := [kind for kind in chosen.kinds if kind not in FILES]:
        parser.error(f"no kind {unknown[0]!r}: kinds are {', '.join(FILES)}")
    if chosen.run:
        # The first array makes PyArrow import pandas, where it is there: imports are not what is measured.
        pa.array([None])
        run = {"bare": run_bare, "ours": run_ours}[chosen.run]
        result = run(FILES[chosen.kinds[0]], chosen.file, chosen.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak_mb": peak}))
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    print(
        f"{'':12}{'rows':>12}{'MB':>8}{'bare s':>9}{'ours s':>9}{'ratio':>7}{'CPU ratio':>11}"
        f"{'rows/s':>12}{'bare MB':>9}{'ours MB':>9}"
    )
    for kind in chosen.kinds or FILES:
        compare(kind, chosen.folder, rows=chosen.rows, repeat=chosen.repeat)


if __name__ == "__main__":
    main()
