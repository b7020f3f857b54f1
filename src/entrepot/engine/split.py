"""Rows of a query written as Parquet in one pass, one file for each value of a column."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from entrepot.engine.duck import ParquetFile, engine_errors
from entrepot.engine.streams import constant_column, open_parquet, read_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from entrepot.engine.duck import Engine

__all__ = ["SplitForm", "SplitRows", "write_split"]

_ROWS_PER_GROUP: Final = 61_440

#: Values held in memory: 800 MB.
_MOST_ASIDE: Final = 100_000_000

#: Words of a dictionary that is written as it is.
_MOST_WORDS: Final = 1_000

#: Rows that wait to fill a row group, over all files together.
_WAITING: Final = 500_000


@dataclass(frozen=True, slots=True)
class SplitForm:
    """What is written of the rows of a query, and what is found out on the way.

    Attributes
    ----------
    columns
        Names of the columns in the files, in order: the query's and the constants.
    by
        Column of small integers that splits the rows over files.
    constants
        Columns with one value for all rows.
    statistics
        Columns by which readers skip row groups and files.
    aside
        Column of the query that is not written: unsigned integers, gathered in memory.
    distinct
        Columns of few values, which are gathered.
    filled
        Columns that hold no null: an error, if they do.
    keep
        Column of the query that is not written: true for the rows that are. Asked of a row that has been
        made it costs less than as a condition, for which DuckDB would read the row's numbers twice.
    """

    columns: tuple[str, ...]
    by: str
    constants: Mapping[str, pa.Scalar]
    statistics: tuple[str, ...] = ()
    aside: str = ""
    distinct: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    keep: str = ""


@dataclass(frozen=True, slots=True)
class SplitRows:
    """What was written.

    Attributes
    ----------
    files
        One for each value of ``by``, in order; ``partition`` holds the value.
    aside
        Values of the column set aside, in no order; nulls are left out. None where there are too many.
    distinct
        The values of each column gathered.
    others
        Rows of the query that are not written.
    """

    files: tuple[ParquetFile, ...]
    aside: NDArray[np.uint64] | None
    distinct: Mapping[str, frozenset[object]]
    others: int = 0

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)


def write_split(engine: Engine, query: str, folder: Path, form: SplitForm, *, where: str = "") -> SplitRows:
    """Write the rows of a query, in no order, as ``<value of by>.parquet``.

    Parameters
    ----------
    engine
        Runs the query.
    query
        What to write. Columns of type ENUM are written as text, and sooner than text.
    folder
        Where the files go; it is there.
    form
        What is written.
    where
        What is being read, for messages.

    Raises
    ------
    LakeError
        A file cannot be written.
    EntrepotError
        The query fails.
    """
    gathered = _Gathered(form)
    others = 0
    with engine_errors(where or str(folder)):
        reader = engine.reader(query, rows=_ROWS_PER_GROUP, keeps_order=False, where=where)
        with ExitStack() as stack:
            writers = _Writers(folder, _schema(reader.schema, form), form, stack)
            for batch in read_stream(reader, where):
                kept = _kept(batch, form.keep)
                others += batch.num_rows - kept.num_rows
                gathered.add(kept)
                for value, rows in _parts(kept, form.by):
                    writers.add(value, rows)
            writers.flush()
    return SplitRows(
        tuple(_described(folder, value, form) for value in sorted(writers.values)),
        gathered.values(),
        gathered.distinct(),
        others,
    )


def _schema(found: pa.Schema, form: SplitForm) -> pa.Schema:
    kinds = {
        name: constant_column(form.constants[name], 0).type
        if name in form.constants
        else found.field(name).type
        for name in form.columns
    }
    # Of a column that holds no null the file need not say for each row that it has a value.
    return pa.schema([pa.field(name, kind, nullable=name not in form.filled) for name, kind in kinds.items()])


def _kept(batch: pa.RecordBatch, keep: str) -> pa.RecordBatch:
    """Return the rows that are written: of most batches all."""
    if not keep or pc.all(batch.column(keep)).as_py():
        return batch
    return batch.filter(batch.column(keep))


def _parts(batch: pa.RecordBatch, by: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the rows of each value; of one alone the batch itself."""
    column = batch.column(by)
    values = pc.unique(column).to_pylist()
    if len(values) == 1:
        yield values[0], batch
        return
    for value in values:
        yield value, batch.filter(pc.equal(column, value))


class _Gathered:
    """What is found out while rows go by."""

    def __init__(self, form: SplitForm) -> None:
        self._form = form
        self._aside = np.empty(_WAITING, dtype=np.uint64)
        self._filled = 0
        self._rows = 0
        self._distinct: dict[str, set[object]] = {
            name: set() for name in form.distinct if name not in form.constants
        }

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the rows of a batch."""
        self._rows += batch.num_rows
        for name, values in self._distinct.items():
            values.update(pc.unique(batch.column(name)).to_pylist())
        if self._form.aside and self._filled <= _MOST_ASIDE:
            values = batch.column(self._form.aside).drop_null().to_numpy(zero_copy_only=False)
            end = self._filled + len(values)
            if end > len(self._aside):
                # The system moves pages of large arrays, it does not copy them.
                self._aside.resize(2 * end, refcheck=False)
            self._aside[self._filled : end] = values
            self._filled = end

    def values(self) -> NDArray[np.uint64] | None:
        """Return what was set aside, None if it is too much."""
        return self._aside[: self._filled] if self._filled <= _MOST_ASIDE else None

    def distinct(self) -> dict[str, frozenset[object]]:
        """Return the values of the columns asked for; a constant is one as soon as there is a row."""
        fixed = {
            name: {self._form.constants[name].as_py()} if self._rows else set()
            for name in self._form.distinct
            if name in self._form.constants
        }
        return {name: frozenset(values) for name, values in (self._distinct | fixed).items()}


class _Writers:
    """An open file for each value; rows of several values in turn wait until they fill a row group."""

    def __init__(self, folder: Path, schema: pa.Schema, form: SplitForm, stack: ExitStack) -> None:
        self._folder = folder
        self._schema = schema
        self._form = form
        self._stack = stack
        self._write: dict[int, Callable[[pa.RecordBatch], None]] = {}
        self._waiting: dict[int, list[pa.RecordBatch]] = {}
        #: The constants for as many rows as were ever written at once, of which others are slices.
        self._fixed: dict[str, pa.Array] = {}
        self._longest = 0

    @property
    def values(self) -> Sequence[int]:
        """Values that were met."""
        return tuple(self._write)

    def add(self, value: int, rows: pa.RecordBatch) -> None:
        """Take rows of one value."""
        if value not in self._write:
            path = self._folder / f"{value}.parquet"
            opened = open_parquet(path, self._schema, statistics=self._form.statistics)
            self._write[value] = self._stack.enter_context(opened)
            self._waiting[value] = []
        waiting = self._waiting[value]
        waiting.append(rows)
        enough = min(_ROWS_PER_GROUP, _WAITING // len(self._write))
        if sum(batch.num_rows for batch in waiting) >= enough:
            self._flush(value)

    def flush(self) -> None:
        """Write what still waits."""
        for value, waiting in self._waiting.items():
            if waiting:
                self._flush(value)

    def _flush(self, value: int) -> None:
        waiting, self._waiting[value] = self._waiting[value], []
        rows = waiting[0] if len(waiting) == 1 else pa.concat_batches(waiting)
        fixed = self._constants(rows.num_rows)
        columns = [
            fixed[name].slice(0, rows.num_rows)
            if name in fixed
            else _compact(rows.column(name))
            if name in self._form.statistics or _has_many_words(rows.column(name))
            else rows.column(name)
            for name in self._form.columns
        ]
        self._write[value](pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def _constants(self, rows: int) -> Mapping[str, pa.Array]:
        if rows > self._longest:
            self._longest = max(rows, _ROWS_PER_GROUP)
            constants = self._form.constants.items()
            self._fixed = {name: constant_column(value, self._longest) for name, value in constants}
        return self._fixed


def _has_many_words(column: pa.Array) -> bool:
    """Tell whether the words of a dictionary take more than they are worth where few are used."""
    return pa.types.is_dictionary(column.type) and len(column.dictionary) > _MOST_WORDS


def _compact(column: pa.Array) -> pa.Array:
    """Return a column with the words of its dictionary that it uses: bounds are taken of all of them."""
    if not pa.types.is_dictionary(column.type):
        return column
    places = column.indices.drop_null().to_numpy()
    words = len(column.dictionary)
    used = np.flatnonzero(np.bincount(places, minlength=words))
    if len(used) == words:
        return column
    new = np.zeros(words, dtype=places.dtype)
    new[used] = np.arange(len(used), dtype=places.dtype)
    # Behind a null stands any number, and that of a word at least.
    if column.null_count:
        places = column.indices.fill_null(0).to_numpy()
    indices = pa.array(new[places], mask=_nulls(column))
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.take(pa.array(used)))


def _nulls(column: pa.Array) -> NDArray[np.bool_] | None:
    return column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None


def _described(folder: Path, value: int, form: SplitForm) -> ParquetFile:
    """Return a file with the bounds of its columns, which its footer has by row group."""
    path = folder / f"{value}.parquet"
    about = pq.read_metadata(path)
    places = {about.schema.column(place).name: place for place in range(about.num_columns)}
    bounds: dict[str, dict[str, str]] = {}
    for name in form.statistics:
        groups = [
            about.row_group(number).column(places[name]).statistics for number in range(about.num_row_groups)
        ]
        if groups and all(group is not None and group.has_min_max for group in groups):
            bounds[name] = {
                "min": str(min(group.min for group in groups)),
                "max": str(max(group.max for group in groups)),
                "min_is_exact": "true",
            }
    return ParquetFile(
        path=path,
        rows=about.num_rows,
        size=path.stat().st_size,
        partition={form.by: str(value)},
        statistics=bounds,
    )
