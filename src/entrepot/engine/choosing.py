"""The engine that a user asks for by name."""

from __future__ import annotations

from typing import Literal, get_args

from entrepot.engine.duck import Engine
from entrepot.engine.spark import SparkEngine
from entrepot.errors import OptionError

__all__ = ["EngineName", "check_engine", "open_engine"]

#: Engines that a user can choose.
EngineName = Literal["duckdb", "spark"]


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


def open_engine(name: EngineName, *, memory_limit: str) -> Engine | SparkEngine:
    """Return the engine of a name, to be used as a context manager.

    Parameters
    ----------
    name
        Which one.
    memory_limit
        Memory of DuckDB; on Spark, of DuckDB in each task.

    Raises
    ------
    OptionError
        It is none, or cannot be started.
    """
    check_engine(name)
    if name == "spark":
        return SparkEngine.start(task_memory=memory_limit)
    return Engine(memory_limit=memory_limit)
