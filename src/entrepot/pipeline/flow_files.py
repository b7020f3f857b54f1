"""Canonical rows of one file as Parquet, a file a year, written while they are judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from entrepot.engine.split import SplitForm, write_split
from entrepot.engine.words import vocabularies, word_types
from entrepot.errors import ContractError
from entrepot.pipeline.twins import key_hash
from entrepot.schema import FLOW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from entrepot.engine import Engine, ParquetFile

__all__ = ["FlowFiles", "write_flow"]

_KEY: Final = "key_of_the_row"
_IS_GOOD: Final = "is_good_row"

#: Columns by which readers of the lake skip files and row groups.
_BOUNDS: Final = ("reporter", "partner", "period", "hs_code", "hs_level", "year", "file_hash")

#: What the summary of an ingest tells.
_FACTS: Final = ("period", "reporter", "hs_level", "hs_revision")


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
    key
        SQL of that number.
    facts
        The values of the columns that the summary tells.
    bad
        Rows that were not written, since they are not good.
    """

    files: tuple[ParquetFile, ...]
    keys: NDArray[np.uint64] | None
    key: str
    facts: Mapping[str, frozenset[Any]]
    bad: int = 0

    @property
    def paths(self) -> list[Path]:
        """Where the files lie."""
        return [file.path for file in self.files]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)


def write_flow(
    engine: Engine, rows_sql: str, folder: Path, *, constants: Mapping[str, Any], good: str = ""
) -> FlowFiles:
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
        What is the same in all rows: ``source``, ``vintage``, ``file_hash``, and what else is known to be.
    good
        SQL of what is true of the rows that are written; all are, where it is empty.

    Raises
    ------
    ContractError
        A constant is no word of its column's vocabulary.
    """
    folder.mkdir()
    _check_constants(constants)
    types = word_types()
    columns = [
        f"{name}::{types[name]} AS {name}" if name in types else name
        for name in FLOW.columns
        if name not in constants
    ]
    key = key_hash(without=constants)
    columns += [f"{key} AS {_KEY}"] + ([f"{good} AS {_IS_GOOD}"] if good else [])
    fields = FLOW.arrow_schema()
    form = SplitForm(
        columns=FLOW.columns,
        by="year",
        constants={name: pa.scalar(value, fields.field(name).type) for name, value in constants.items()},
        statistics=_BOUNDS,
        aside=_KEY,
        distinct=_FACTS,
        filled=tuple(field.name for field in fields if not field.nullable),
        keep=_IS_GOOD if good else "",
    )
    written = write_split(engine, f"SELECT {', '.join(columns)} FROM ({rows_sql})", folder, form)
    source = {"source": str(constants["source"])}
    return FlowFiles(
        files=tuple(replace(file, partition=source | file.partition) for file in written.files),
        keys=written.aside,
        key=key,
        facts=written.distinct,
        bad=written.others,
    )


def _check_constants(constants: Mapping[str, Any]) -> None:
    """Refuse a constant that, in a row, its column's type would refuse."""
    for name, kind in word_types().items():
        value = constants.get(name)
        if value is not None and value not in vocabularies()[kind]:
            raise ContractError(
                f"{name} is {value!r} in all rows, which is no word of its vocabulary",
                where=str(constants["source"]),
                hint="this is a bug of the source's query; please report it",
            )
