"""A lake into which nothing got is not left behind; one that is in use, or has rows, is."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrepot.errors import LakeError
from entrepot.store import Lake, lake_to_fill

if TYPE_CHECKING:
    from pathlib import Path


def test_an_unfilled_lake_goes_with_the_folders_made_for_it(tmp_path: Path) -> None:
    with lake_to_fill(tmp_path / "a" / "b" / "lake") as lake:
        assert Lake.open(lake.path).files().num_rows == 0
    assert list(tmp_path.iterdir()) == []


def test_an_error_inside_leaves_nothing_either(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), lake_to_fill(tmp_path / "lake"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_the_user_stays_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("kept")
    (tmp_path / "raw_own").mkdir()
    (tmp_path / "raw_own" / "file").write_text("kept")
    with lake_to_fill(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "own.csv", "raw_own"]


def test_an_earlier_lake_stays(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake")
    with lake_to_fill(tmp_path / "lake"):
        pass
    assert Lake.open(tmp_path / "lake").files().num_rows == 0


def test_a_lake_that_another_fills_stays_until_that_one_is_done(tmp_path: Path) -> None:
    with lake_to_fill(tmp_path / "lake"):
        with lake_to_fill(tmp_path / "lake"):
            pass
        Lake.open(tmp_path / "lake")
    assert list(tmp_path.iterdir()) == []


def test_one_that_died_does_not_hold_the_lake(tmp_path: Path) -> None:
    dying = (
        "import os, sys; from entrepot.store import lake_to_fill\nwith lake_to_fill(sys.argv[1]): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", dying, tmp_path / "lake"], check=False).returncode == 9
    marks = list((tmp_path / "lake" / "_locks").glob("use-*"))
    assert len(marks) == 1
    for name in ("core__flow", "core__file", "core__quarantine"):
        for log in (tmp_path / "lake" / name / "_delta_log").iterdir():
            log.unlink()
    with lake_to_fill(tmp_path / "lake"):
        pass
    assert not (tmp_path / "lake" / "core__flow").exists()


def test_a_lake_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    path.write_text("a file")
    with pytest.raises(LakeError) as caught, lake_to_fill(path):
        pass
    assert "--lake" in caught.value.hint
    assert path.read_text() == "a file"
