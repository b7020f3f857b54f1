"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

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


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Return a small Spark session; skip where PySpark or Java is missing, fail where it is required."""
    if find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        if os.environ.get("ENTREPOT_REQUIRE_SPARK") == "1":
            pytest.fail("Spark is required here: install the extra spark, and Java 17")
        pytest.skip("no PySpark or no Java here")
    from pyspark.sql import SparkSession  # noqa: PLC0415  only where it is there

    # The workers run this Python, whatever python3 is on the path.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",  # a job a stage: dear where stages are small
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    builder = SparkSession.builder.master("local[2]").appName("entrepot-tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
