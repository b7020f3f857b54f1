"""Kills, a full disk and two ingests at once: real processes, no switches in the program."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from entrepot.engine import Engine, parquet
from entrepot.store import Lake, flows_sql, vacuum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMAND = (sys.executable, "-c", "from entrepot.app.cli import main; main()", "ingest", "comtrade")
ROWS = 150_000


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cut of a download: 150,000 rows of 150 partners, codes and months, one of them bad."""
    path = tmp_path_factory.mktemp("big") / "big.csv"
    with Engine() as engine:
        engine.execute(
            f"""COPY (SELECT '2022' || printf('%02d', 1 + i % 12) AS period, 156 AS reporterCode, 'X' AS flowCode,
            'H6' AS classificationCode, 417 AS partnerCode, printf('%06d', 10000 + i // 12) AS cmdCode,
            CASE WHEN i = 5 THEN 'x' ELSE (hash(i) % 999999937)::VARCHAR END AS primaryValue
            FROM range({ROWS}) AS r (i)) TO '{path}' (HEADER)"""
        )
    return path


@pytest.fixture(scope="module")
def whole_size(big_file: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return the bytes of a lake that has the file."""
    lake = tmp_path_factory.mktemp("whole")
    process = start(lake, big_file)
    process.communicate()
    assert process.returncode == 0
    return sum(file.stat().st_size for file in lake.rglob("*") if file.is_file())


def state(lake: Path) -> tuple[int, int, int]:
    """Return the rows of the register, of the quarantine and of core__flow that a reader sees."""
    opened = Lake.open(lake)
    files = opened.table_files("core__flow")
    with Engine() as engine:
        rows = (
            engine.rows(f"SELECT count(*), count(DISTINCT row_number) FROM {parquet(files)}")[0]
            if files
            else (0, 0)
        )
        counted = engine.rows(f"SELECT count(*) FROM ({flows_sql(opened, engine)})")[0][0]
    assert rows[0] == rows[1] == counted
    return opened.files().num_rows, opened.quarantine().num_rows, rows[0]


def start(lake: Path, *files: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *map(str, files), "--lake", str(lake), "--accept-quarantine"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def watch_points(lake: Path) -> list[Callable[[], bool]]:
    """Return conditions that hold from some step of an ingest on, in the order of the steps."""
    patterns = (
        "raw_*/*/rows.parquet",
        "core__flow/*/rows/*.parquet",
        "raw_*/_delta_log/*01.json",
        "core__quarantine/_delta_log/*01.json",
        "core__file/_delta_log/*01.json",
        "core__flow/_delta_log/*01.json",
    )
    return [partial(_is_there, lake, pattern) for pattern in patterns]


def _is_there(lake: Path, pattern: str) -> bool:
    return any(lake.glob(pattern))


@pytest.mark.parametrize("point", range(6))
def test_kill_at_a_step_and_repeat(point: int, big_file: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    Lake.create(lake)
    process = start(lake, big_file)
    reached = watch_points(lake)[point]
    while process.poll() is None and not reached():
        time.sleep(0.0005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    # All or nothing, for every reader.
    assert state(lake) in {(0, 0, 0), (1, 1, ROWS - 1)}
    again = start(lake, big_file)
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert state(lake) == (1, 1, ROWS - 1)
    vacuum(lake_of := Lake.open(lake), keep_hours=0)
    folders = [
        folder for table in ("core__flow", "core__file") for folder in (lake_of.path / table).glob("*-*")
    ]
    assert len(folders) == 2


def test_kills_at_random_times(big_file: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    Lake.create(lake)
    clock = random.Random(7)  # noqa: S311  times of kills, not secrets
    for _ in range(3):
        process = start(lake, big_file)
        time.sleep(clock.uniform(0.5, 2.5))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert state(lake) in {(0, 0, 0), (1, 1, ROWS - 1)}
    last = start(lake, big_file)
    last.communicate()
    assert last.returncode == 0
    assert state(lake) == (1, 1, ROWS - 1)


def test_two_ingests_of_the_same_file(big_file: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    both = [start(lake, big_file), start(lake, big_file)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert sum(b"already in" in error for error in errors) == 1
    assert state(lake) == (1, 1, ROWS - 1)


def test_two_ingests_of_different_files(big_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(big_file.read_text().replace(",156,", ",276,"))
    lake = tmp_path / "lake"
    both = [start(lake, big_file), start(lake, other)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    opened = Lake.open(lake)
    assert opened.files().num_rows == 2
    with Engine() as engine:
        assert engine.rows(f"SELECT count(*) FROM ({flows_sql(opened, engine)})") == [(2 * ROWS - 2,)]


def assert_nothing_left(lake: Path) -> None:
    assert state(lake) == (0, 0, 0)
    assert not [file for file in lake.rglob("*.parquet") if "_delta_log" not in file.parts]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize("limit", [20_000, 200_000])
def test_file_size_limit(limit: int, big_file: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    Lake.create(lake)

    def forbid() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [*COMMAND, str(big_file), "--lake", str(lake)], capture_output=True, text=True, preexec_fn=forbid, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "disk is full" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert_nothing_left(lake)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_disk_full(share: float, big_file: Path, whole_size: int, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={int(share * whole_size)}", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        lake = disk / "lake"
        Lake.create(lake)
        done = subprocess.run(
            [*COMMAND, str(big_file), "--lake", str(lake)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stdout
        assert "disk is full" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert_nothing_left(lake)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
