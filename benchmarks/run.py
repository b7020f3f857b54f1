"""Run every benchmark of this folder, print the tables, and with --write keep them in the documentation.

A benchmark is a script ``bench_*.py`` that says in the first line of its docstring what is compared, prints
its table on standard output, and exits with 0.
"""

from __future__ import annotations

import argparse
import ast
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
LIBRARIES = ("duckdb", "narwhals", "numba", "numpy", "pandas", "polars", "pyarrow")


def machine() -> str:
    """Say on what the figures were measured: without it they mean nothing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {libraries}."
    )


def run(script: Path) -> tuple[bool, str]:
    """Run one benchmark; its messages pass through, its table is returned."""
    print(f"== {script.name}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, flush=True)
    return done.returncode == 0, done.stdout.strip()


def section(script: Path, table: str) -> str:
    """Return the part of the page about one benchmark."""
    about = (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    title = script.stem.removeprefix("bench_").replace("_", " ").capitalize()
    return f"## {title}\n\n{about}\n\n```text\n{table}\n```"


def main() -> int:
    """Run them all; the exit status says whether each of them ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/benchmarks.md")
    parser.add_argument("name", nargs="*", help="only these, such as 'ingest' for bench_ingest.py")
    asked = parser.parse_args()
    if asked.write and asked.name:
        parser.error("--write keeps the page as a whole: run all benchmarks for it")
    there = {script.stem.removeprefix("bench_"): script for script in sorted(HERE.glob("bench_*.py"))}
    unknown = [name for name in asked.name if name not in there]
    if unknown or not there:
        print(
            f"error: no benchmark {' '.join(unknown)} (there are: {' '.join(there) or 'none'})",
            file=sys.stderr,
        )
        return 1
    chosen = [there[name] for name in asked.name or there]
    results = [(script, *run(script)) for script in chosen]
    failed = [script.name for script, is_done, _ in results if not is_done]
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    if asked.write:
        tables = "\n\n".join(section(script, table) for script, _, table in results)
        page = f"# Benchmarks\n\nMeasured by `make bench` on {machine()}\n\n{tables}\n"
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE.relative_to(HERE.parent)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
