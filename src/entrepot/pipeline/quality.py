"""From the lake to the quality of its reports, and to what a reporter's weight rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.engine import Engine
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.flows import books_of
from entrepot.reconcile import QUALITY_KEYS, book_quality

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pyarrow as pa

    from entrepot.store import Lake

__all__ = ["data_quality", "explain_reporter"]


def data_quality(
    lake: Lake,
    by: Sequence[str] = QUALITY_KEYS,
    *,
    frequency: str = "M",
    as_of: date | None = None,
    memory_limit: str = "4GB",
) -> pa.Table:
    """Return how good the reports of a lake are: the first thing to look at.

    Parameters
    ----------
    lake
        The lake.
    by
        Some of ``reporter``, ``flow``, ``partner``, ``chapter``, ``year``.
    frequency
        ``M`` or ``A``.
    as_of
        Use only vintages published up to this day.
    memory_limit
        Memory of the engine.

    Returns
    -------
    pa.Table
        Columns of ``out__quality``, ordered by its keys. See :func:`entrepot.reconcile.book_quality`.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency.
    OptionError
        A key is unknown.
    """
    with Engine(memory_limit=memory_limit) as engine:
        flows, _ = books_of(engine, lake, frequency=frequency, choice=ReportChoice(as_of=as_of))
        found: nw.LazyFrame[Any] = nw.from_native(book_quality(flows.to_native(), by)).lazy()
        return found.sort(*by).collect(backend="pyarrow").to_native()


def explain_reporter(
    lake: Lake,
    reporter: str,
    *,
    frequency: str = "M",
    as_of: date | None = None,
    memory_limit: str = "4GB",
) -> str:
    """Say in words how far a reporter's figures are trusted, and on what that rests.

    Parameters
    ----------
    lake, frequency, as_of, memory_limit
        See :func:`data_quality`.
    reporter
        Area code.

    Raises
    ------
    UnknownCodeError
        The reporter has no flow that its partner reports too.
    """
    with Engine(memory_limit=memory_limit) as engine:
        _, fit = books_of(engine, lake, frequency=frequency, choice=ReportChoice(as_of=as_of))
        return fit.explain(reporter)
