"""Canonical rows of one file as Parquet, a file a year, written while they are judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from entrepot.engine import literal
from entrepot.engine.split import SplitForm, write_split
from entrepot.nomenclature import HS_REVISIONS, area_table
from entrepot.pipeline.twins import KEY_HASH
from entrepot.schema import FLOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from entrepot.engine import Engine, ParquetFile

__all__ = ["FlowFiles", "write_flow"]

_KEY: Final = "key_of_the_row"

#: Columns by which readers of the lake skip files and row groups.
_BOUNDS: Final = ("reporter", "partner", "period", "hs_code", "hs_level", "year", "file_hash")

#: What the summary of an ingest tells.
_FACTS: Final = ("period", "reporter", "hs_level", "hs_revision")

_AREAS: Final = ("reporter", "partner", "consignment_partner")


@dataclass(frozen=True, slots=True)
class FlowFiles:
    """The good rows of a file.

    Attributes
    ----------
    files
        One a year, each with its partition values.
    keys
        A number for each row that is no part of another: rows of one key have one number. None if they are
        too many.
    facts
        The values of the columns that the summary tells.
    """

    files: tuple[ParquetFile, ...]
    keys: NDArray[np.uint64] | None
    facts: Mapping[str, frozenset[Any]]

    @property
    def paths(self) -> list[Path]:
        """Where the files lie."""
        return [file.path for file in self.files]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)


def write_flow(engine: Engine, rows_sql: str, folder: Path, *, constants: Mapping[str, Any]) -> FlowFiles:
    """Write canonical rows.

    Parameters
    ----------
    engine
        Runs the query.
    rows_sql
        Query of the rows, with the columns of ``core__flow`` that are no constants.
    folder
        Folder for the files, made here.
    constants
        ``source``, ``vintage`` and ``file_hash`` of all rows.
    """
    folder.mkdir()
    terms = _terms()
    columns = [
        f"{name}::{terms[name]} AS {name}" if name in terms else name
        for name in FLOW.columns
        if name not in constants
    ]
    query = f"SELECT {', '.join(columns)}, {KEY_HASH} AS {_KEY} FROM ({rows_sql})"
    fields = FLOW.arrow_schema()
    form = SplitForm(
        columns=FLOW.columns,
        by="year",
        constants={name: pa.scalar(value, fields.field(name).type) for name, value in constants.items()},
        statistics=_BOUNDS,
        aside=_KEY,
        distinct=_FACTS,
    )
    written = write_split(engine, query, folder, form)
    source = {"source": str(constants["source"])}
    return FlowFiles(
        files=tuple(replace(file, partition=source | file.partition) for file in written.files),
        keys=written.aside,
        facts=written.distinct,
    )


def _terms() -> dict[str, str]:
    """Return the SQL type of each column of a closed vocabulary: its rows are written as small numbers."""
    found = {
        column.name: _enum(term.value for term in column.allowed)
        for column in FLOW.column_contracts()
        if column.allowed is not None
    }
    areas = _enum(area_table()["code"].to_pylist())
    return found | dict.fromkeys(_AREAS, areas) | {"hs_revision": _enum(HS_REVISIONS)}


def _enum(values: Iterable[str]) -> str:
    return f"ENUM ({', '.join(map(literal, values))})"
