"""Damaged heads for one reader, guided by coverage of our code: ``fuzz_guided.py READER INPUTS KEEP FOLDER``.

``fuzz_readers.py`` starts it where Atheris is installed, and gives it a folder to work in. Atheris ends the
process: 0 when nothing was found.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["entrepot.sources", "entrepot.engine"]):
    from fuzz_cases import CASES
    from fuzz_readers import check_head


def main() -> None:
    """Start from the samples, and print what became of the inputs as JSON."""
    name, inputs, keep, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    case = CASES[name]
    corpus = folder / "corpus"
    for place in (corpus, keep):
        place.mkdir(parents=True, exist_ok=True)
    for sample in case.samples:
        (corpus / sample.name).write_bytes(sample.data)
    names = [sample.name for sample in case.samples]
    outcomes: Counter[str] = Counter()

    def one(data: bytes) -> None:
        # The name says something too: the same bytes have it again.
        path = folder / names[sum(data[:64]) % len(names)]
        path.write_bytes(data)
        outcomes[check_head(case, path)] += 1
        if outcomes.total() == inputs:
            print(json.dumps(outcomes), flush=True)

    options = [f"-runs={inputs}", "-max_len=4096", f"-artifact_prefix={keep}/", "-verbosity=0", "-timeout=60"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
