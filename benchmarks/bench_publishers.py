"""Ingest of Comext and BACI files against DuckDB's bare copy of the same file to Parquet, in the same run.

    python benchmarks/bench_publishers.py --rows 3_000_000

The files are made up, in the publishers' bytes. Each contender runs in a process of its own, whose peak
memory the kernel tells. Never a timed test.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from entrepot.pipeline import IngestOptions, ingest
from entrepot.schema.layouts import BACI, COMEXT_FULL_V2
from entrepot.sources.registry import open_source

_MEMBERS = tuple("ATBEBGCYCZDEDKEEESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISK"[n : n + 2] for n in range(0, 54, 2))
_PARTNERS = tuple(
    "USCNKGKZRUTRAEUZAMGEBYINVNCHNOJPKRBRZAEGUARSXKGBQZAUCAMXSGHK"[n : n + 2] for n in range(0, 60, 2)
)
_NUMBERS = (
    4,
    8,
    12,
    24,
    31,
    32,
    36,
    40,
    51,
    56,
    76,
    112,
    124,
    152,
    156,
    170,
    203,
    208,
    251,
    276,
    300,
    344,
    348,
)
_NUMBERS += (
    360,
    364,
    372,
    380,
    392,
    398,
    410,
    417,
    458,
    484,
    490,
    528,
    579,
    616,
    643,
    699,
    702,
    710,
    757,
    842,
)


def _texts(values: tuple | list) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def write_comext(path: Path, rows: int) -> None:
    """Write a month of so many lines: reporters × partners × flows × positions, no key twice."""
    fields = {
        "REPORTER": f"{_texts(_MEMBERS)}[1 + n % 27]",
        "PARTNER": f"{_texts(_PARTNERS)}[1 + (n // 27) % 30]", "TRADE_TYPE": "'E'",
        "PRODUCT_NC": "printf('%02d%06d', 1 + (n // 1620) % 76, 100000 + n // 123120)",
        "PRODUCT_SITC": "'77640'", "PRODUCT_CPA21": "'2611'", "PRODUCT_CPA22": "'2611'",
        "PRODUCT_BEC": "'420'",
        "PRODUCT_BEC5": "'421110'", "PRODUCT_SECTION": "'16'", "FLOW": "1 + (n // 810) % 2",
        "STAT_PROCEDURE": "'1'", "SUPPL_UNIT": "CASE WHEN n % 3 = 0 THEN 'PST' ELSE 'NO_SU' END",
        "PERIOD": "'202403'", "VALUE_EUR": "hash(n) % 9999999", "VALUE_NAC": "hash(n) % 9999999",
        "QUANTITY_KG": "hash(n) % 765432",
        "QUANTITY_SUPPL_UNIT": "CASE WHEN n % 3 = 0 THEN hash(n) % 999 ELSE 0 END",
    }  # fmt: skip
    _write(path, {name: fields[name] for name in COMEXT_FULL_V2}, rows)


def write_baci(path: Path, rows: int) -> None:
    """Write a year of so many flows."""
    size = len(_NUMBERS)
    fields = {
        "t": "2022", "i": f"{list(_NUMBERS)}[1 + n % {size}]",
        "j": f"{list(_NUMBERS)}[1 + (n // {size}) % {size}]",
        "k": f"printf('%02d%04d', 1 + (n // {size * size}) % 76, n // {size * size * 76})",
        "v": "(hash(n) % 99999999) / 1000.0",
        "q": "CASE WHEN n % 50 = 0 THEN 'NA' ELSE ((hash(n) % 765432) / 1000.0)::VARCHAR END",
    }  # fmt: skip
    _write(path, {name: fields[name] for name in BACI}, rows)


def _write(path: Path, fields: dict[str, str], rows: int) -> None:
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in fields.items())
    duckdb.sql(f"COPY (SELECT {columns} FROM range({rows}) AS r (n)) TO '{path}' (FORMAT csv, HEADER true)")


FILES = {
    "comext": ("full_202403.dat", write_comext),
    "baci": ("BACI_HS17_Y2022_V202501.csv", write_baci),
}


def run_copy(path: Path, target: Path) -> float:
    """Copy the file to Parquet as DuckDB does it by itself."""
    start = time.perf_counter()
    copied = f"{target}/copy.parquet"
    duckdb.connect().execute(f"COPY (SELECT * FROM read_csv('{path}')) TO '{copied}' (FORMAT parquet)")
    return time.perf_counter() - start


def run_ingest(source: str, path: Path, target: Path) -> float:
    """Take the file into a lake."""
    start = time.perf_counter()
    last = ["", start]
    steps: dict[str, float] = {}

    def note(step: object) -> None:
        now = time.perf_counter()
        steps[last[0]] = steps.get(last[0], 0) + now - last[1]
        last[:] = [step.name, now]

    report = ingest(open_source(source), [path], lake=target / "lake", options=IngestOptions(), progress=note)
    seconds = time.perf_counter() - start
    note(type("End", (), {"name": ""}))
    file = report.files[0]
    if file.error is not None:
        raise file.error
    if file.rows_stored != file.rows_read:
        raise SystemExit(f"{file.reasons}")
    print(json.dumps({name: round(value, 1) for name, value in steps.items() if name}), file=sys.stderr)
    return seconds


def _measure(what: str, source: str, path: Path) -> dict[str, float]:
    target = path.parent / f"{source}-{what}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    done = subprocess.run(
        [sys.executable, __file__, "--run", what, "--source", source, "--file", str(path)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    shutil.rmtree(target)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=3_000_000)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    parser.add_argument("--run", choices=["copy", "ingest"])
    parser.add_argument("--source", choices=list(FILES))
    parser.add_argument("--file", type=Path)
    chosen = parser.parse_args()
    if chosen.run:
        target = chosen.file.parent / f"{chosen.source}-{chosen.run}"
        seconds = (
            run_copy(chosen.file, target)
            if chosen.run == "copy"
            else run_ingest(chosen.source, chosen.file, target)
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak_mb": peak}))
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for source in [chosen.source] if chosen.source else FILES:
        name, write = FILES[source]
        path = chosen.folder / name
        write(path, chosen.rows)
        print(f"{source}: {chosen.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
        results = {what: _measure(what, source, path) for what in ("copy", "ingest")}
        for what, result in results.items():
            ratio = results["copy"]["seconds"] / result["seconds"]
            rate = chosen.rows / result["seconds"]
            print(
                f"{what:10}{result['seconds']:>8.1f} s{rate:>12,.0f} rows/s"
                f"{result['peak_mb']:>8,.0f} MB{ratio:>7.2f}"
            )
        path.unlink()


if __name__ == "__main__":
    main()
