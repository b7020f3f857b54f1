"""A Spark session behind the verbs of the engine: frames that live on a cluster, and work mapped over it.

Spark carries the work to the executors; what they run is the same Python, and the same DuckDB, as on one
machine. PySpark is imported when a session is asked for, never before.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import re
import sys
import warnings
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import narwhals as nw
import pyarrow as pa

from entrepot import errors
from entrepot.errors import ContractError, EntrepotError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SparkEngine", "arrow_schema", "carrying_errors", "spark_errors", "spark_schema"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Marks our own error in the text of an executor's traceback.
_CARRIED = re.compile(r"entrepot-error:([A-Za-z0-9+/=]+):")

_PARTITIONS = "spark.sql.shuffle.partitions"

_RESULT = pa.schema([("number", pa.int64()), ("result", pa.binary())])


class SparkEngine:
    """Frames and work on a Spark session. Use it as a context manager.

    Parameters
    ----------
    session
        The session. It goes on after the engine: starting one takes seconds.
    task_memory
        Memory of DuckDB in each task that runs it.
    """

    has_executors: ClassVar[bool] = True

    def __init__(self, session: SparkSession, *, task_memory: str = "1GB") -> None:
        self.session = session
        self.task_memory = task_memory
        self._kept: dict[str, DataFrame] = {}
        self._names = count()

    @classmethod
    def start(cls, *, task_memory: str = "1GB") -> SparkEngine:
        """Return an engine on the session of this process; on a new one where there is none.

        A new session is that of Spark's own configuration (``spark-defaults.conf``, ``spark-submit``);
        without one it runs on all processors of this machine.

        Raises
        ------
        OptionError
            PySpark or Java is missing.
        """
        try:
            from pyspark.errors import PySparkException  # noqa: PLC0415  an extra
            from pyspark.sql import SparkSession  # noqa: PLC0415
        except ImportError as error:
            raise OptionError(
                "PySpark is not installed",
                where="engine spark",
                hint='pip install "entrepot[spark]", or leave the engine out: DuckDB needs no cluster',
            ) from error
        # PySpark warns of every pandas from 3.0 on, at every call; we use none of its pandas functions.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        try:
            session = SparkSession.getActiveSession() or _new_session(SparkSession.builder)
        except (PySparkException, OSError) as error:
            raise OptionError(
                f"Spark does not start: {_first_line(str(error))}",
                where="engine spark",
                hint="install Java 17 or newer (Debian: openjdk-17-jre-headless), or set JAVA_HOME",
            ) from error
        return cls(session, task_memory=task_memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was kept."""
        for name in list(self._kept):
            self.drop(name)

    def arrow_frame(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return an Arrow table as a lazy Narwhals frame of this session, to be joined to others of it."""
        with spark_errors():
            return _lazy(self.session.createDataFrame(table))

    def keep(self, frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """Execute a frame of this session once; Spark keeps its rows on its disks.

        What is kept is a beginning: of a cached frame (``persist``) Spark plans all that it came from
        again, at every query on it, so that the plans of ten steps on one another are a thousandfold. Kept in
        memory, the rows would take it from the steps that follow.
        """
        from pyspark import StorageLevel  # noqa: PLC0415  an extra

        self.drop(name)
        with spark_errors(name):
            kept = frame.to_native().localCheckpoint(storageLevel=StorageLevel.DISK_ONLY)
        self._kept[name] = kept
        return _lazy(kept)

    def batches_in(self, frame: nw.LazyFrame[Any], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of a frame of this session in batches, which all come to this machine."""
        with spark_errors():
            yield from frame.select(*columns).collect("pyarrow").to_native().to_batches()

    def unused(self, name: str) -> str:
        """Return a name for :meth:`keep` that was not used before."""
        return f"{name}_{next(self._names)}"

    def drop(self, name: str) -> None:
        """Forget what was kept under a name: Spark removes rows that nobody refers to."""
        self._kept.pop(name, None)

    def each(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
        """Yield what a function makes of each item, in order; every item is a task of its own.

        Function, items and results travel between processes: all must be picklable, and what the function
        imports must be installed where executors run.
        """
        chosen = list(items)

        def run(number: int) -> Iterator[pa.RecordBatch]:
            outcome: tuple[_Result | None, EntrepotError | None]
            try:
                outcome = (function(chosen[number]), None)
            except EntrepotError as error:  # no failure of the task: Spark would try again, in vain
                outcome = (None, error)
            result = pickle.dumps(outcome)
            yield pa.RecordBatch.from_arrays([pa.array([number]), pa.array([result])], schema=_RESULT)

        with spark_errors():
            table = self.batches_of(run, len(chosen), _RESULT).collect("pyarrow").to_native()
        for result in table.sort_by("number")["result"].to_pylist():
            value, error = pickle.loads(result)  # noqa: S301  what our own tasks have made
            if error is not None:
                raise error
            yield value

    def batches_of(
        self, function: Callable[[int], Iterable[pa.RecordBatch]], tasks: int, schema: pa.Schema
    ) -> nw.LazyFrame[Any]:
        """Return the lazy frame of the batches that a function yields for the numbers 0 to ``tasks`` − 1.

        Parameters
        ----------
        function
            Yields batches; every number is a task of its own, run where an executor is free.
        tasks
            How many numbers; none gives an empty frame.
        schema
            Of the batches.
        """

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            with carrying_errors():
                for batch in batches:
                    for number in batch.column(0).to_pylist():
                        yield from function(number)

        with spark_errors():
            numbers = self.session.range(0, tasks, 1, max(tasks, 1))
            return _lazy(numbers.mapInArrow(run, spark_schema(schema)))


def _new_session(builder: Any) -> SparkSession:
    # Executors run the Python that this process runs, unless the user has said which.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {"spark.app.name": "entrepot", "spark.ui.showConsoleProgress": "false"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    context = session.sparkContext
    context.setLogLevel("ERROR")
    if context.master.startswith("local") and not context.getConf().contains(_PARTITIONS):
        # Spark's 200 are for clusters: on one machine each is a task of nothing but its start.
        session.conf.set(_PARTITIONS, str(context.defaultParallelism))
    return session


def spark_schema(schema: pa.Schema) -> Any:
    """Return an Arrow schema in Spark's types."""
    from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415  an extra

    return from_arrow_schema(schema)


def arrow_schema(frame: DataFrame) -> pa.Schema:
    """Return the schema of a Spark frame in Arrow's types; nothing is executed."""
    from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415  an extra

    return to_arrow_schema(frame.schema)


def _lazy(frame: DataFrame) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame)
    return lazy


@contextmanager
def carrying_errors() -> Iterator[None]:
    """Send our own errors home from an executor: Spark brings back nothing but the text of a traceback."""
    try:
        yield
    except EntrepotError as error:
        text = json.dumps([type(error).__name__, error.what, error.where, error.hint])
        mark = base64.b64encode(text.encode()).decode()
        message = f"entrepot-error:{mark}:"
        raise RuntimeError(message) from error


@contextmanager
def spark_errors(where: str = "") -> Iterator[None]:
    """Turn errors of Spark into errors of entrepot, and those that executors sent home into themselves.

    Raises
    ------
    ContractError
        Spark cannot run the query.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_spark(error):
            raise
        carried = _CARRIED.search(str(error))
        if carried is not None:
            name, what, place, hint = json.loads(base64.b64decode(carried[1]))
            raise getattr(errors, name)(what, where=place, hint=hint) from error
        raise ContractError(
            f"Spark: {_first_line(str(error))}",
            where=where,
            hint="look at Spark's log; with --engine duckdb the same runs on this machine",
        ) from error


def _is_of_spark(error: Exception) -> bool:
    """Tell it by the module: PySpark may not be installed, and is slow to import."""
    return any(kind.__module__.startswith(("pyspark.", "py4j.")) for kind in type(error).__mro__)


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "unknown error"
