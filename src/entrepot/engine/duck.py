"""One private DuckDB connection with stated limits: the only place where queries are executed."""

from __future__ import annotations

import re
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

import duckdb
import narwhals as nw
from duckdb.func import FunctionNullHandling

from entrepot.engine.quoting import identifier, literal
from entrepot.engine.words import create_types_sql
from entrepot.errors import ContractError, EntrepotError, InputFileError, LakeError, OptionError
from entrepot.nomenclature.resolving import named_area

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

__all__ = ["Engine", "ParquetFile", "engine_errors", "stream_error", "write_error"]

_DISK_FULL = (
    "no space left",
    "disk full",
    "file too large",
    "disk quota exceeded",
    "max_temp_directory_size",
)


_BATCH_ROWS = 245_760

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file that a query wrote.

    Attributes
    ----------
    path
        Where it lies.
    rows, size
        Rows, and bytes.
    partition
        Values of the partition columns, as text.
    statistics
        Per column DuckDB's ``min``, ``max`` and ``null_count``, as text.
    """

    path: Path
    rows: int
    size: int
    partition: dict[str, str] = field(default_factory=dict)
    statistics: dict[str, dict[str, str]] = field(default_factory=dict)


#: What DuckDB says in a bare RuntimeError when Ctrl-C ends a query.
_INTERRUPTED = "Query interrupted"


@contextmanager
def engine_errors(where: str = "") -> Iterator[None]:
    """Turn errors of DuckDB into errors of entrepot.

    Raises
    ------
    LakeError
        The disk or the memory is full, or a file cannot be opened.
    InputFileError
        Bytes are not what the query expects.
    KeyboardInterrupt
        The user stopped it.
    ContractError
        The query itself is wrong.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise _memory_error(str(error), where) from error
    except (duckdb.IOException, duckdb.HTTPException) as error:
        text = str(error)
        raise write_error(text, where) from error
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.SerializationException) as error:
        if KeyboardInterrupt.__name__ in str(error):
            # Ctrl-C reached Python code that DuckDB was calling, and comes back as bad input.
            raise KeyboardInterrupt from error
        raise _data_error(str(error), where) from error
    except RuntimeError as error:
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise
    except duckdb.Error as error:
        raise ContractError(
            _first_line(str(error)),
            where=where,
            hint="check the names and types of the columns that the query uses",
        ) from error


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "unknown error of DuckDB")


def _memory_error(text: str, where: str) -> LakeError:
    if any(sign in text.lower() for sign in _DISK_FULL):
        return _disk_full(text, where)
    return LakeError(
        f"out of memory: {_first_line(text)}",
        where=where,
        hint="give the engine more memory (memory_limit), or free some on this machine",
    )


def _data_error(text: str, where: str) -> InputFileError:
    return InputFileError(
        _first_line(text), where=where, hint="the data are not what their layout says: look at the rows named"
    )


def stream_error(text: str, where: str) -> EntrepotError:
    """Return what ended a stream of batches, of which only DuckDB's text is known."""
    if text.lower().startswith("out of memory"):
        return _memory_error(text, where)
    if text.lower().startswith("io error") or any(sign in text.lower() for sign in _DISK_FULL):
        return write_error(text, where)
    return _data_error(text, where)


def write_error(text: str, where: str) -> LakeError:
    """Return what went wrong with a file, said by the text of an operating system's error."""
    if any(sign in text.lower() for sign in _DISK_FULL):
        return _disk_full(text, where)
    return LakeError(
        _first_line(text),
        where=where,
        hint="check that the file exists and that you may read and write it",
    )


def _disk_full(text: str, where: str) -> LakeError:
    return LakeError(
        f"the disk is full: {_first_line(text)}",
        where=where,
        hint="free some space or move the lake to a larger disk, then repeat: nothing was committed",
    )


class Engine:
    """A private DuckDB database in memory, with its own limits and its own temporary folder.

    Use it as a context manager. It never touches the network and never the default connection. Queries know
    the function ``area_named(text)``, which is :func:`~entrepot.nomenclature.named_area`: call it on distinct
    texts, since it is Python. They know the types of :mod:`entrepot.engine.words` as well.

    Parameters
    ----------
    memory_limit
        Ceiling of DuckDB's own memory, such as ``"2GB"``; larger work spills to ``temp_directory``.
    threads
        Worker threads; all processors when not given.
    temp_directory
        Folder for spilling; a new one, removed at the end, when not given.
    keeps_order
        Results keep the order of the rows read. Costs memory on large files.
    """

    has_executors: ClassVar[bool] = False

    def __init__(
        self,
        *,
        memory_limit: str = "2GB",
        threads: int | None = None,
        temp_directory: Path | None = None,
        keeps_order: bool = False,
    ) -> None:
        if not _MEMORY.fullmatch(memory_limit.strip()):
            raise OptionError(
                f"{memory_limit!r} is no amount of memory", where="--memory", hint="write it as 500MB or 4GB"
            )
        self._names = count()
        self._own_temp = None if temp_directory else tempfile.TemporaryDirectory(prefix="entrepot-")
        spill = temp_directory or Path(self._own_temp.name if self._own_temp else ".")
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "preserve_insertion_order": "true" if keeps_order else "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if threads is not None:
            config["threads"] = str(threads)
        with engine_errors("opening the engine"):
            self._connection = duckdb.connect(":memory:", config=config)
            # Progress is measured for ``watched`` and never printed.
            self._connection.execute("SET enable_progress_bar_print = false")
            self._connection.execute("SET enable_progress_bar = true")
            self._connection.execute("SET TimeZone = 'UTC'")
            # It turns a window over a sum into a join whose second side adds up all rows once more.
            self._connection.execute("SET disabled_optimizers = 'window_self_join'")
            self._connection.create_function(
                "area_named", named_area, ["VARCHAR"], "VARCHAR", null_handling=FunctionNullHandling.SPECIAL
            )
            self._connection.execute(create_types_sql())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove the engine's own temporary folder."""
        self._connection.close()
        if self._own_temp is not None:
            self._own_temp.cleanup()

    def register(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Make an Arrow table known to later queries under a name."""
        with engine_errors(f"table {name}"):
            self._connection.register(name, table)

    def execute(self, statement: str, *, where: str = "") -> None:
        """Run a statement whose result nobody needs."""
        with engine_errors(where):
            self._connection.execute(statement)

    def sql(self, query: str, /, *, where: str = "", **tables: pa.Table) -> pa.Table:
        """Run a query and return all of its rows.

        Parameters
        ----------
        query
            The query; ``tables`` are known to it by their names, and only to it.
        where
            What the caller is doing, for error messages.
        """
        with engine_errors(where):
            for name, table in tables.items():
                self._connection.register(name, table)
            try:
                return self._connection.sql(query).to_arrow_table()
            finally:
                for name in tables:
                    self._connection.unregister(name)

    @contextmanager
    def watched(self, tell: Callable[[float], None], *, every: float = 0.5) -> Iterator[None]:
        """Tell, while the statements inside run, which share of the running one is done (0 to 1)."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(every):
                percent = self._connection.query_progress()
                if percent >= 0:
                    tell(percent / 100)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def rows(self, query: str, /, *, where: str = "") -> list[tuple[Any, ...]]:
        """Run a query with a small result and return its rows as Python values."""
        with engine_errors(where):
            return self._connection.execute(query).fetchall()

    def batches(self, query: str, /, *, rows: int = 122_880, where: str = "") -> Iterator[pa.RecordBatch]:
        """Run a query and yield its rows in batches, so that a large result never stands in memory."""
        with engine_errors(where), self._connection.cursor() as cursor:
            yield from cast("Iterable[pa.RecordBatch]", cursor.sql(query).to_arrow_reader(rows))

    def reader(
        self, query: str, /, *, rows: int, keeps_order: bool = True, where: str = ""
    ) -> pa.RecordBatchReader:
        """Run a query and return a reader of its batches, in the order of the query or as they come.

        The connection is busy until the reader is at its end; read under :func:`engine_errors`.
        """
        with engine_errors(where):
            self._connection.execute(f"SET preserve_insertion_order = {literal(keeps_order)}")
            return self._connection.sql(query).to_arrow_reader(rows)

    def frame(self, query: str, /) -> nw.LazyFrame[Any]:
        """Return the query as a lazy Narwhals frame of this connection, for the pure folders.

        The frame dies with the engine: collect it before the engine is closed.
        """
        with engine_errors():
            return nw.from_native(self._connection.sql(query)).lazy()

    def parquet_frame(self, paths: Sequence[Path]) -> nw.LazyFrame[Any]:
        """Return Parquet files of the same columns as one lazy frame of this connection."""
        files = ", ".join(literal(str(path)) for path in paths)
        return self.frame(f"SELECT * FROM read_parquet([{files}])")

    def arrow_frame(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return an Arrow table as a lazy Narwhals frame of this connection, to be joined to others of it."""
        with engine_errors():
            return nw.from_native(self._connection.from_arrow(table)).lazy()

    def batches_in(self, frame: nw.LazyFrame[Any], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of a frame of this engine in batches; the connection is busy until the last."""
        with engine_errors(", ".join(columns)):
            relation = frame.select(*columns).to_native()
            yield from cast("Iterable[pa.RecordBatch]", relation.to_arrow_reader(_BATCH_ROWS))

    def keep(self, frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """Execute a frame of this engine once and return its rows, kept under a name (larger ones spill)."""
        with engine_errors(name):
            frame.to_native().create(name)
        return self.frame(f"SELECT * FROM {identifier(name)}")

    def unused(self, name: str) -> str:
        """Return a name for :meth:`keep` that was not used before."""
        return f"{name}_{next(self._names)}"

    def drop(self, name: str) -> None:
        """Remove what was kept under a name."""
        self.execute(f"DROP TABLE {identifier(name)}")

    def each(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
        """Yield what a function makes of each item, in order."""
        yield from map(function, items)

    def copy_to_parquet(
        self,
        query: str,
        path: Path,
        *,
        partition_by: Sequence[str] = (),
        rows_per_group: int = 61_440,
        keeps_order: bool = False,
        where: str = "",
    ) -> tuple[ParquetFile, ...]:
        """Write the rows of a query as Parquet and return the files written.

        Parameters
        ----------
        query
            What to write.
        path
            The file; the folder, when ``partition_by`` is given.
        partition_by
            Columns that split the rows over files. They stay in the files as well.
        rows_per_group
            Rows of a row group.
        keeps_order
            The file has the rows in the order of the query.
        """
        options = [
            "FORMAT parquet",
            "COMPRESSION zstd",
            f"ROW_GROUP_SIZE {rows_per_group}",
            "RETURN_STATS true",
        ]
        if partition_by:
            names = ", ".join(identifier(name) for name in partition_by)
            options += [f"PARTITION_BY ({names})", "WRITE_PARTITION_COLUMNS true"]
        with engine_errors(where or str(path)):
            self._connection.execute(f"SET preserve_insertion_order = {literal(keeps_order)}")
            statement = f"COPY ({query}) TO {literal(str(path))} ({', '.join(options)})"
            written = self._connection.execute(statement).fetchall()
        return tuple(_parquet_file(row) for row in written)


def _parquet_file(row: tuple[Any, ...]) -> ParquetFile:
    name, rows, size, _footer, statistics, partition, *_ = row
    return ParquetFile(
        path=Path(name),
        rows=int(rows),
        size=int(size),
        partition=dict(partition or {}),
        statistics={_bare(column): dict(values) for column, values in (statistics or {}).items()},
    )


def _bare(column: str) -> str:
    """Return a column name without the quotes in which DuckDB reports it."""
    return column[1:-1].replace('""', '"') if column.startswith('"') else column
