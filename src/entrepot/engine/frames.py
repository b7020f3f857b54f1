"""What the stages ask of an engine, whichever it is: DuckDB on this machine, or Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args

from entrepot.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import narwhals as nw
    import pyarrow as pa

__all__ = ["EngineName", "FrameEngine", "check_engine"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Engines that a user can choose.
EngineName = Literal["duckdb", "spark"]


class FrameEngine(Protocol):
    """Where frames live and work runs: :class:`~entrepot.engine.Engine` or ``SparkEngine``."""

    def arrow_frame(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return an Arrow table as a lazy frame of this engine, to be joined to others of it."""
        ...

    def keep(self, frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """Return a frame of this engine so that later queries do not execute it again."""
        ...

    def drop(self, name: str) -> None:
        """Forget what was kept under a name; frames made of it and kept are not touched."""
        ...

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield what a function makes of each item, in order."""
        ...


def check_engine(name: str) -> None:
    """Refuse a name that is no engine.

    Raises
    ------
    OptionError
        It is none.
    """
    if name not in get_args(EngineName):
        raise OptionError(
            f"{name!r} is no engine", where="--engine", hint=f"engines are {', '.join(get_args(EngineName))}"
        )
