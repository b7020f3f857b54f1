"""Where frames live and kernels run: the only place that executes queries.

Start with :class:`Engine`. :func:`map_groups` runs a Python kernel over groups, and
:func:`stage_text` turns a publisher's file into Parquet of text columns.
"""

from __future__ import annotations

from entrepot.engine.beside import place_beside, small_table
from entrepot.engine.duck import Engine, ParquetFile
from entrepot.engine.groups import map_groups
from entrepot.engine.quoting import identifier, literal, null_column, parquet, read_path
from entrepot.engine.staging import Staged, TextForm, stage_text

__all__ = [
    "Engine",
    "ParquetFile",
    "Staged",
    "TextForm",
    "identifier",
    "literal",
    "map_groups",
    "null_column",
    "parquet",
    "place_beside",
    "read_path",
    "small_table",
    "stage_text",
]
