"""The EU panel in a lake, taken in by the command that a user would type."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from entrepot.store import Lake

_COMMAND = Path(sys.executable).with_name("entrepot")


@pytest.fixture(scope="session")
def eu_file(realdata: Path) -> Path:
    return realdata / "eu-exports-cn8-monthly" / "eu_trade_cn8_monthly_long.parquet"


@pytest.fixture(scope="session")
def eu_lake(eu_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("eu") / "lake"
    sample = files("entrepot.sources.csv_mapping") / "samples" / "eu_panel.toml"
    with as_file(sample) as mapping:
        subprocess.run(
            [_COMMAND, "ingest", f"csv:{mapping}", eu_file, "--lake", folder, "--vintage", "2023-01-13"],
            check=True,
            capture_output=True,
        )
    return Lake.open(folder)
