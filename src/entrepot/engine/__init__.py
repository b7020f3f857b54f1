"""Where frames live and kernels run: the only place that executes queries.

Start with :class:`Engine`. :func:`map_groups` runs a Python kernel over groups, and
:func:`stage_text` turns a publisher's file into Parquet of text columns.
"""

from __future__ import annotations

from entrepot.engine.duck import Engine, ParquetFile
from entrepot.engine.frames import EngineName, FrameEngine, check_engine
from entrepot.engine.groups import map_groups
from entrepot.engine.quoting import identifier, literal, null_column, parquet, read_path
from entrepot.engine.spark import SparkEngine
from entrepot.engine.staging import Staged, TextForm, stage_text

__all__ = [
    "Engine",
    "EngineName",
    "FrameEngine",
    "ParquetFile",
    "SparkEngine",
    "Staged",
    "TextForm",
    "check_engine",
    "identifier",
    "literal",
    "map_groups",
    "null_column",
    "parquet",
    "read_path",
    "stage_text",
]
