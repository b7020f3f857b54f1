"""Fixtures of the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


def _realdata_folder() -> Path | None:
    named = os.environ.get("ENTREPOT_REALDATA")
    folder = Path(named) if named else _ROOT.parent / "shared" / "data"
    return folder if (folder / "README.md").is_file() else None


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of real customs files; skip where there is none, fail where it is required."""
    folder = _realdata_folder()
    if folder is None:
        if os.environ.get("ENTREPOT_REQUIRE_REALDATA") == "1":
            pytest.fail("real customs files are required here: set ENTREPOT_REALDATA to their folder")
        pytest.skip("no real customs files beside this clone (set ENTREPOT_REALDATA)")
    return folder
