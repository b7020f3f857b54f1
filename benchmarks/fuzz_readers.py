"""Damaged files for every reader: an error of ours, or every row there once, good or with its reason.

    python benchmarks/fuzz_readers.py                      # 100,000 of each kind, every reader
    python benchmarks/fuzz_readers.py comext --rows 5_000_000 --seed 7
    python benchmarks/fuzz_readers.py --by hypothesis      # the same, drawn and shrunk by Hypothesis

Three kinds of inputs, made of the samples of each reader:

heads
    Files with damaged bytes, through recognition and the making of the query. Guided by the coverage of our
    code where Atheris is installed (``pip install atheris``), else at random, or by Hypothesis.
rows
    Rows with fields swapped for near misses and noise, fields lost and added, quotes and line breaks where
    none belong, thousands a file, through staging and the query on the real engine. Rows that come out,
    good or with a reason, are those that went in.
files
    Files with damaged bytes, through all of it.

The exit status says whether anything was found; the input that did it is kept. Never a timed test.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz_cases import CASES, damaged_bytes, damaged_rows
from fuzz_hypothesis import try_drawn

from entrepot.engine import Engine
from entrepot.engine.container import fingerprint
from entrepot.engine.staging import StagedRows
from entrepot.errors import ContractError, EntrepotError
from entrepot.pipeline.inputs import make_readable, stage
from entrepot.schema import FLOW, QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fuzz_cases import Case, Sample

    from entrepot.sources.base import Layout, Source

_ROWS_A_FILE = 2_000
_FILES_AN_ENGINE = 100

#: Rows a file that Hypothesis draws: what it makes smaller must be small.
_ROWS_DRAWN = 50

#: Share of files in which fields hold what ends a field or a line.
_WITH_BREAKS = 0.3

#: The views of an engine have names of their own.
_NUMBERS = itertools.count()

#: Columns of a good row that the pipeline adds, or a source may leave out.
_NOT_OF_SOURCES = {"source", "vintage", "file_hash"}


class Finding(Exception):  # noqa: N818  what was looked for is no error of this program
    """A reader did what it never may."""


def check_head(case: Case, path: Path) -> str:
    """Recognise a file and make its query; say what became of it."""
    try:
        layout = case.source.recognise(path)
        case.source.canonical_sql(layout, "raw")
    except EntrepotError as error:
        return _refused(error)
    if len({column.lower() for column in layout.columns}) < len(layout.columns):
        raise Finding(f"columns of one name: {layout.columns}")
    return f"recognised as {layout.id}"


def _refused(error: EntrepotError) -> str:
    if isinstance(error, ContractError):
        # It says that a query is wrong, and no file may make it so.
        raise error
    if not (error.what and error.hint):
        raise Finding(f"{type(error).__name__} without what or hint: {error}")
    return f"refused: {type(error).__name__}"


class Reader:
    """Reads files all the way on one engine, and counts what became of their rows."""

    def __init__(self, case: Case, engine: Engine) -> None:
        self._source: Source = case.source
        self._engine = engine
        for name, table in case.source.reference_tables().items():
            engine.register(name, table)

    def read(self, path: Path, *, lines: int | None) -> Counter[str]:
        """Read a file; ``lines`` is how many rows it has, where that is known."""
        layout = self._source.recognise(path)
        scratch = path.parent / "scratch"
        scratch.mkdir()
        try:
            readable = make_readable(path, layout, fingerprint(path), scratch)
            staged, _ = stage(
                self._engine, readable, scratch / "rows.parquet", constants={}, path=path, scratch=scratch
            )
            if lines is not None and staged.rows != lines:
                raise Finding(f"{lines:,} rows went in, {staged.rows:,} were staged")
            outcomes = self._judge(
                layout, StagedRows(f"rows_{next(_NUMBERS)}", self._engine, staged), staged.file.rows
            )
            outcomes["unreadable"] += staged.unreadable.num_rows
        finally:
            shutil.rmtree(scratch)
        return outcomes

    def _judge(self, layout: Layout, raw: StagedRows, rows: int) -> Counter[str]:
        query = self._source.canonical_sql(layout, raw)
        found = self._engine.sql(f"SELECT * FROM ({query})").to_pylist()
        has_cells = any(row["cell"] is not None for row in found)
        keys = {(row["row_number"], row["cell"]) for row in found}
        accounted = sum(row.get("parts") or 1 for row in found)
        if len(keys) < len(found) or (accounted != rows and not (has_cells or self._leaves_out())):
            raise Finding(f"{rows:,} rows were staged, {accounted:,} came out, {len(keys):,} of them once")
        for row in found:
            _check_row(row)
        return Counter("good" if row["reason"] is None else str(row["reason"]) for row in found)

    def _leaves_out(self) -> bool:
        """Tell whether rows without a value have no cell: so a wide table's."""
        mapping = getattr(self._source, "mapping", None)
        return mapping is not None and mapping.wide is not None


def _check_row(row: dict[str, object]) -> None:
    if row["reason"] is not None:
        if row["reason"] not in set(QuarantineReason) or not row["detail"]:
            raise Finding(f"a bad row without its reason or detail: {row}")
        return
    for column in FLOW.column_contracts():
        value = row.get(column.name)
        is_wrong = (
            (value is None and not column.is_nullable and column.name not in _NOT_OF_SOURCES)
            or (value is not None and column.allowed is not None and value not in set(column.allowed))
            or (
                value is not None
                and column.minimum is not None
                and not column.minimum <= value < float("inf")
            )
        )
        if is_wrong:
            raise Finding(f"a good row with {column.name} {value!r}: {row}")


def fuzz_heads(case: Case, inputs: int, draw: random.Random, keep: Path) -> Counter[str]:
    """Try damaged heads at random."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(inputs):
            sample = draw.choice(case.samples)
            path = Path(folder) / sample.name
            path.write_bytes(damaged_bytes(sample.data, draw))
            with _kept(path, keep):
                outcomes[check_head(case, path)] += 1
    return outcomes


def guided_heads(name: str, _case: Case, inputs: int, _draw: random.Random, keep: Path) -> Counter[str]:
    """Try damaged heads in the order that Atheris finds promising."""
    script = Path(__file__).with_name("fuzz_guided.py")
    # The folder is ours: Atheris reads its corpus again until its process ends.
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, script, name, str(inputs), str(keep), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        raise Finding(f"Atheris ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return Counter(json.loads(told[-1]))


def drawn_heads(case: Case, inputs: int, draw: random.Random, keep: Path) -> Counter[str]:
    """Try damaged heads that Hypothesis draws."""

    def one(chance: random.Random, folder: Path) -> Counter[str]:
        sample = chance.choice(case.samples)
        path = folder / sample.name
        path.write_bytes(damaged_bytes(sample.data, chance))
        return Counter([check_head(case, path)])

    return try_drawn(one, inputs, draw.randrange(2**32), keep)


def fuzz_rows(case: Case, inputs: int, draw: random.Random, keep: Path) -> Counter[str]:
    """Try damaged rows, thousands a file."""
    samples = [sample for sample in case.samples if sample.delimiter]

    def made() -> Iterator[tuple[Sample, bytes, int, bool]]:
        for first in range(0, inputs, _ROWS_A_FILE):
            sample, count = draw.choice(samples), min(_ROWS_A_FILE, inputs - first)
            breaks = draw.random() < _WITH_BREAKS
            yield sample, damaged_rows(sample, draw, count, breaks=breaks), count, breaks

    return _read_all(case, made(), keep)


def drawn_rows(case: Case, inputs: int, draw: random.Random, keep: Path) -> Counter[str]:
    """Try damaged rows that Hypothesis draws, a few a file."""
    samples = [sample for sample in case.samples if sample.delimiter]
    files = -(-inputs // _ROWS_DRAWN)
    outcomes: Counter[str] = Counter()
    for first in range(0, files, _FILES_AN_ENGINE):
        with Engine(memory_limit="500MB", threads=1) as engine:
            reader = Reader(case, engine)

            def one(chance: random.Random, folder: Path, reader: Reader = reader) -> Counter[str]:
                sample, breaks = chance.choice(samples), chance.random() < _WITH_BREAKS
                path = folder / sample.name
                path.write_bytes(damaged_rows(sample, chance, _ROWS_DRAWN, breaks=breaks))
                try:
                    return reader.read(path, lines=None if breaks else _ROWS_DRAWN)
                except EntrepotError as error:
                    return Counter({_refused(error): _ROWS_DRAWN})

            outcomes += try_drawn(one, min(_FILES_AN_ENGINE, files - first), draw.randrange(2**32), keep)
    return outcomes


def fuzz_files(case: Case, inputs: int, draw: random.Random, keep: Path) -> Counter[str]:
    """Try files with damaged bytes, all the way."""

    def made() -> Iterator[tuple[Sample, bytes, int, bool]]:
        for _ in range(inputs):
            sample = draw.choice(case.samples)
            yield sample, damaged_bytes(sample.data, draw), 1, True

    return _read_all(case, made(), keep)


def _read_all(case: Case, made: Iterator[tuple[Sample, bytes, int, bool]], keep: Path) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    while chosen := list(itertools.islice(made, _FILES_AN_ENGINE)):
        with Engine(memory_limit="500MB", threads=1) as engine, tempfile.TemporaryDirectory() as folder:
            reader = Reader(case, engine)
            for sample, data, count, breaks in chosen:
                path = Path(folder) / sample.name
                path.write_bytes(data)
                with _kept(path, keep):
                    try:
                        outcomes += reader.read(path, lines=None if breaks else count)
                    except EntrepotError as error:
                        outcomes[_refused(error)] += count
    return outcomes


@contextmanager
def _kept(path: Path, keep: Path) -> Iterator[None]:
    """Keep the file that a reader stumbles over."""
    try:
        yield
    except Exception:
        keep.mkdir(parents=True, exist_ok=True)
        print(f"kept: {shutil.copy(path, keep)}", file=sys.stderr)
        raise


def main() -> int:
    """Fuzz the readers asked for."""
    count = lambda text: int(text.replace("_", ""))  # noqa: E731  a type of argparse
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"among {', '.join(CASES)}; all without")
    for kind in ("heads", "rows"):
        parser.add_argument(f"--{kind}", type=count, default=100_000)
    parser.add_argument("--files", type=count, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--by", choices=["atheris", "hypothesis", "chance"], help="who draws; Atheris draws heads alone"
    )
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="folder for what is found")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.readers if name not in CASES]:
        parser.error(f"no reader {unknown[0]!r}: there are {', '.join(CASES)}")
    by = chosen.by or ("atheris" if importlib.util.find_spec("atheris") else "chance")
    found = 0
    for name in chosen.readers or CASES:
        case, keep = CASES[name], chosen.keep / name.replace(" ", "_")
        draw = random.Random(f"{chosen.seed} {name}")  # noqa: S311  no secret hangs on it
        heads = {"atheris": partial(guided_heads, name), "hypothesis": drawn_heads, "chance": fuzz_heads}[by]
        tries = {
            "heads": (chosen.heads, heads),
            "rows": (chosen.rows, drawn_rows if by == "hypothesis" else fuzz_rows),
            "files": (chosen.files, fuzz_files),
        }
        for kind, (inputs, run) in tries.items():
            drawn_by = f" by {by}" if run not in {fuzz_heads, fuzz_rows, fuzz_files} else ""
            title = f"{name}: {inputs:,} {kind}{drawn_by}"
            found += not _tell(title, inputs, partial(run, case, inputs, draw, keep))
    return min(found, 1)


def _tell(title: str, inputs: int, run: Callable[[], Counter[str]]) -> bool:
    """Run one kind of inputs and print a line; tell whether nothing was found."""
    if not inputs:
        return True
    start = time.monotonic()
    try:
        outcomes = run()
    except Exception as error:  # noqa: BLE001  what it is is what is looked for
        traceback.print_exc()
        print(f"{title}: FOUND {type(error).__name__}", flush=True)
        return False
    told = ", ".join(f"{what} {count:,}" for what, count in outcomes.most_common())
    print(f"{title} in {time.monotonic() - start:.0f} s: {told}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
