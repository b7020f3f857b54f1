"""The fuzz programme of every reader in its short version; the long one is ``benchmarks/fuzz_readers.py``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz_readers.py"
READERS = 11


def run(*options: str, keep: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, "--by", "chance", "--keep", keep, *options]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONWARNINGS": "error"}
    )


def test_a_little_of_everything_finds_nothing(tmp_path: Path) -> None:
    done = run("--heads", "40", "--rows", "300", "--files", "1", "--seed", "3", keep=tmp_path / "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3 * READERS, done.stdout
    assert not any("FOUND" in line for line in lines)
    rows = [line for line in lines if ": 300 rows in" in line]
    assert len(rows) == READERS
    # Rows that are read all the way, good ones among them, and not files that are refused at their door.
    assert sum(" good " in line for line in rows) >= READERS - 2, "\n".join(rows)
    assert not (tmp_path / "kept").exists()


def test_hypothesis_draws_heads_and_rows(tmp_path: Path) -> None:
    options = ("--by", "hypothesis", "--heads", "30", "--rows", "100", "--files", "0", "baci")
    done = run(*options, keep=tmp_path / "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    heads, rows = done.stdout.splitlines()
    assert heads.startswith("baci: 30 heads by hypothesis in ")
    assert sum(int(count) for count in re.findall(r" (\d+)(?:,|$)", heads.split(" s: ")[1])) == 30
    assert rows.startswith("baci: 100 rows by hypothesis in ")
    assert " good " in rows
    assert run(*options, keep=tmp_path / "kept").stdout.split(" s: ")[1] == done.stdout.split(" s: ")[1]


@pytest.mark.parametrize("by", ["chance", "hypothesis"])
def test_what_is_found_is_told_and_kept(tmp_path: Path, by: str) -> None:
    """A reader whose error has no hint is what the programme looks for."""
    script = (
        "import sys; sys.argv[0] = 'fuzz_readers.py'\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import fuzz_readers\n"
        "from entrepot.sources.baci import BaciSource\n"
        "BaciSource.recognise = lambda self, path: 1 / 0\n"
        "sys.exit(fuzz_readers.main())\n"
    )
    command = [sys.executable, "-c", script, "baci", "--by", by, "--heads", "5", "--rows", "0"]
    command += ["--files", "0", "--keep", str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search("baci: 5 heads.*: FOUND ZeroDivisionError", done.stdout)
    assert len(list((tmp_path / "kept" / "baci").iterdir())) == 1


def test_an_unknown_reader_is_refused(tmp_path: Path) -> None:
    done = run("nobody", keep=tmp_path)
    assert done.returncode == 2
    assert "no reader 'nobody': there are comtrade" in done.stderr
