"""What must not be in the project: registry hosts, paths of one machine, publishers' data."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Written in pieces, so that this file does not name what it looks for.
REGISTRIES = re.compile(
    "|".join((r"pypi\." + "org", r"python" + r"hosted\.", r"registry\.npm" + "js", r"npm" + r"mirror\."))
)
INDEX_OPTION = re.compile(r"^\s*--(?:extra-)?index-url|^\s*--find-links|^\s*-[if] ", re.MULTILINE)
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:home|root|Users|work|mnt|opt|srv|tmp)/\w")
DATA = {".parquet", ".7z", ".zip", ".gz", ".xlsx", ".dta", ".rda", ".feather", ".arrow", ".duckdb", ".db"}
LARGEST = 1_000_000


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    """Return the project's own files: tracked, or new and not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [root / name for name in listing.stdout.split("\0") if name and (root / name).is_file()]


def _found(files: list[Path], pattern: re.Pattern[str]) -> list[str]:
    hits = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        hits += [
            f"{path.name}:{text.count(chr(10), 0, hit.start()) + 1} {hit[0]}"
            for hit in pattern.finditer(text)
        ]
    return hits


def test_no_package_registry_is_named(files: list[Path]) -> None:
    assert _found(files, REGISTRIES) == []


def test_locks_name_hashes_and_no_index(root: Path) -> None:
    locks = sorted((root / "requirements").glob("*.lock"))
    assert [lock.stem for lock in locks] == ["base", "docs", "lint", "test"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert not INDEX_OPTION.search(text)
        pinned = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert len(blocks) == len(pinned) > 5
        assert all("--hash=sha256:" in block for block in blocks)


def test_no_path_of_one_machine(files: list[Path]) -> None:
    assert _found(files, MACHINE_PATH) == []


def test_no_data_file_and_nothing_large(files: list[Path]) -> None:
    data = [path.name for path in files if path.suffix.lower() in DATA]
    large = [path.name for path in files if path.stat().st_size > LARGEST]
    assert data + large == []


def test_every_make_target_is_explained(root: Path) -> None:
    text = (root / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE)
    assert set(re.findall(r"^([a-z-]+):[^#\n]*## \S", text, re.MULTILINE)) == set(phony)
    assert {"demo", "test", "bench", "lint", "docs", "lock", "clean", "help"} == set(phony)
