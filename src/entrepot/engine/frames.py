"""What the stages ask of an engine, whichever it is: DuckDB on this machine, or Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import narwhals as nw
    import pyarrow as pa

__all__ = ["FrameEngine"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class FrameEngine(Protocol):
    """Where frames live and work runs: :class:`~entrepot.engine.Engine` or ``SparkEngine``."""

    #: Whether frames live on other machines' executors, so that sums should be made there.
    has_executors: ClassVar[bool]

    def arrow_frame(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Return an Arrow table as a lazy frame of this engine, to be joined to others of it."""
        ...

    def keep(self, frame: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """Return a frame of this engine so that later queries do not execute it again."""
        ...

    def unused(self, name: str) -> str:
        """Return a name for :meth:`keep` that was not used before."""
        ...

    def drop(self, name: str) -> None:
        """Forget what was kept under a name; frames made of it and kept are not touched."""
        ...

    def batches_in(self, frame: nw.LazyFrame[Any], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of a frame of this engine in batches."""
        ...

    def each(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
        """Yield what a function makes of each item, in order."""
        ...
