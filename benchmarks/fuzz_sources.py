"""Readers of publishers' files against damaged ones: an error of ours, or every line there once.

    python benchmarks/fuzz_sources.py --lines 100_000

Files are made of the samples: fields swapped with near misses and noise, bytes flipped, lines cut, doubled
and joined, headers renamed. Each goes through recognition, staging and the source's query; the lines that
come out, good or with a reason, must be those that went in. Never a timed test.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.engine import Engine, stage_text
from entrepot.engine.container import fingerprint
from entrepot.errors import EntrepotError
from entrepot.pipeline.inputs import make_readable
from entrepot.schema import QuarantineReason
from entrepot.sources.baci import BaciSource
from entrepot.sources.comext import ComextSource

if TYPE_CHECKING:
    from entrepot.sources.base import Source

SOURCES: tuple[tuple[Source, tuple[str, ...]], ...] = (
    (ComextSource(), ("full_202403.dat", "full200101.dat", "nc200201.dat", "sdmx.csv")),
    (BaciSource(), ("BACI_HS17_Y2022_V202501.csv", "baci92_2006.csv")),
)
NEAR = (
    "", " ", "0", "-1", "1e308", "nan", "inf", ":", "NA", "TOTAL", "TT", "1012100", "8542", "39XXXXXX",
    "39SSS582", "9999AA",
    "202352", "2024-03", "199801", "2022", "WORLD", "EU", "XU", "QZ", "001", "0720", "842", "é", "\u00a0",
    "'", "9" * 400,
    "0x1F", "1_000", "1,000", "１２", "VALUE_IN_EUROS", "QUANTITY_KG", "\\N", "NULL",
)  # fmt: skip
LINES_A_FILE = 60


def damaged(sample: bytes, draw: random.Random) -> tuple[bytes, int]:
    """Return a damaged file and how many lines it was made of."""
    header, *lines = sample.decode().splitlines()
    rows = [draw.choice(lines).split(",") for _ in range(draw.randint(1, LINES_A_FILE))]
    for row in rows:
        for _ in range(draw.choice((0, 1, 1, 2, 5))):
            text = draw.choice(NEAR) if draw.random() < 0.8 else chr(draw.randrange(1, 0x2FFF))
            row[draw.randrange(len(row))] = f'"{text}"' if draw.random() < 0.3 else text
        if draw.random() < 0.05:
            row.append(draw.choice(NEAR))
        elif draw.random() < 0.05:
            row.pop()
    if draw.random() < 0.05:
        header = header.replace(draw.choice(header.split(",")), draw.choice(NEAR), 1)
    end = draw.choice(("\n", "\n", "\r\n"))
    data = bytearray(
        (end.join([header, *map(",".join, rows)]) + draw.choice((end, ""))).encode("utf-8", "ignore")
    )
    if draw.random() < 0.2:
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
    if draw.random() < 0.05:
        del data[draw.randrange(len(data)) :]
    return bytes(data), len(rows)


def read(engine: Engine, source: Source, path: Path) -> Counter[str]:
    """Read a file and count its lines by what became of them."""
    layout = source.recognise(path)
    readable = make_readable(path, layout, fingerprint(path), path.parent)
    staged = stage_text(
        engine, readable.path, path.parent / "rows.parquet", readable.form, constants={"file_hash": "0"}
    )
    for name, table in source.reference_tables().items():
        engine.register(name, table)
    query = source.canonical_sql(layout, f"({staged.query()})")
    rows = engine.rows(f"SELECT row_number, reason, detail, reporter, partner, flow FROM ({query})")
    numbers = [row[0] for row in rows]
    if len(numbers) != staged.file.rows or len(set(numbers)) != len(numbers):
        raise SystemExit(f"{path}: {staged.file.rows} lines in, {len(numbers)} out")
    for _, reason, detail, *codes in rows:
        if reason is None and None in codes:
            raise SystemExit(f"{path}: a good row lacks a code")
        if reason is not None and not (QuarantineReason(reason) and detail):
            raise SystemExit(f"{path}: a bad row lacks its detail")
    engine.execute("CHECKPOINT")
    outcomes = Counter("good" if row[1] is None else str(row[1]) for row in rows)
    outcomes["unreadable"] += staged.unreadable.num_rows
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=lambda text: int(text.replace("_", "")), default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    for source, names in SOURCES:
        samples = [
            (name, (files(type(source).__module__.rpartition(".")[0]) / "samples" / name).read_bytes())
            for name in names
        ]
        draw = random.Random(chosen.seed)  # noqa: S311  no secret hangs on it
        lines = count = 0
        outcomes: Counter[str] = Counter()
        while lines < chosen.lines:
            with Engine(memory_limit="500MB", threads=1) as engine, tempfile.TemporaryDirectory() as folder:
                for _ in range(200):
                    name, sample = draw.choice(samples)
                    data, made = damaged(sample, draw)
                    path = Path(folder) / name
                    path.write_bytes(data)
                    try:
                        outcomes += read(engine, source, path)
                    except EntrepotError as error:
                        outcomes[f"refused: {type(error).__name__}"] += made
                    lines, count = lines + made, count + 1
        print(f"{source.id}: {lines:,} lines in {count:,} files: {dict(outcomes.most_common())}")


if __name__ == "__main__":
    main()
