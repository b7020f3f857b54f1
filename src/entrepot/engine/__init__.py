"""Where frames live and kernels run: the only place that executes queries.

Start with :class:`Engine`. :func:`map_groups` runs a Python kernel over groups, and
:func:`stage_text` turns a publisher's file into Parquet of text columns.
"""

from __future__ import annotations

from entrepot.engine.beside import place_beside, small_table, with_exact_medians
from entrepot.engine.choosing import EngineName, check_engine, open_engine
from entrepot.engine.duck import Engine, ParquetFile
from entrepot.engine.frames import FrameEngine
from entrepot.engine.groups import map_groups
from entrepot.engine.quoting import identifier, literal, null_column, parquet, read_path
from entrepot.engine.row_batches import ParquetRows
from entrepot.engine.spark import SparkEngine, spark_errors
from entrepot.engine.staging import Staged, TextForm, stage_text

__all__ = [
    "Engine",
    "EngineName",
    "FrameEngine",
    "ParquetFile",
    "ParquetRows",
    "SparkEngine",
    "Staged",
    "TextForm",
    "check_engine",
    "identifier",
    "literal",
    "map_groups",
    "null_column",
    "open_engine",
    "parquet",
    "place_beside",
    "read_path",
    "small_table",
    "spark_errors",
    "stage_text",
    "with_exact_medians",
]
