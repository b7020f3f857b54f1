"""From the lake to gaps: both books on FOB, what speaks of consignment and re-exports beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.detect.gaps.decomposition import decompose_gaps
from entrepot.detect.gaps.rows import load_part_rows, load_rows
from entrepot.detect.gaps.unusual import unusual_gaps
from entrepot.engine import Engine, small_table
from entrepot.errors import CoverageError
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.freight import with_freight
from entrepot.pipeline.origins import fob_importers, side_reports
from entrepot.reconcile import pair_books, tell_unspoken, unspoken_pairs
from entrepot.reconcile.books import CELL

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["decompose_gaps_in", "find_gaps", "find_gaps_in", "take_gaps_apart"]

#: What gaps and freight need of both books; further columns would be kept on the engine for nothing.
_OF_BOTH = ("exporter_report_usd", "importer_report_usd", "exporter_weight_kg")


def find_gaps(
    lake: Lake,
    options: GapOptions,
    *,
    frequency: str = "M",
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> GapResult:
    """Put both books of a lake on FOB, compare them, and both with what they used to be.

    Parameters
    ----------
    lake
        The lake.
    options
        Windows, areas, products, keys.
    frequency
        ``M`` or ``A``; an event given as a year asks for ``A``.
    choice
        Which reports count, and the revision that their codes are brought to.
    memory_limit
        Memory of the engine.
    tell
        Told in words what the codes' revisions mean for the result, and which pairs have no gap since one of
        the two books was taken in without the partner.

    Returns
    -------
    GapResult
        See :func:`entrepot.detect.gaps.unusual.unusual_gaps`.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency, or no flow was published by both its sides.
    """
    with Engine(memory_limit=memory_limit) as engine:
        books, flows = _flows(engine, lake, options, frequency=frequency, choice=choice, tell=tell)
        rows = load_rows(flows, options.products, books=books)
    return unusual_gaps(rows, options)


def find_gaps_in(flows: IntoFrame, options: GapOptions) -> GapResult:
    """Compare the two books of flows of your own, without a lake.

    Parameters
    ----------
    flows
        Columns of ``core__reconciled``, as :func:`entrepot.reconcile.reconcile` makes them; any frame that
        Narwhals accepts, of one frequency.
    options
        Windows, areas, products, keys.
    """
    lazy: nw.LazyFrame[Any] = nw.from_native(flows).lazy()
    return unusual_gaps(load_rows(lazy, options.products), options)


def take_gaps_apart(
    lake: Lake,
    options: GapOptions,
    *,
    frequency: str = "M",
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> GapParts:
    """Take the gaps of a lake apart into valuation, attribution, timing, codes and the unexplained rest.

    Parameters
    ----------
    lake, options, frequency, choice, memory_limit, tell
        See :func:`find_gaps`.

    Returns
    -------
    GapParts
        See :func:`entrepot.detect.gaps.decomposition.decompose_gaps`.

    Raises
    ------
    CoverageError
        The lake has no reports of that frequency, or no flow was published by both its sides.
    """
    with Engine(memory_limit=memory_limit) as engine:
        books, flows = _flows(engine, lake, options, frequency=frequency, choice=choice, tell=tell)
        sides = side_reports(engine, lake, frequency=frequency, choice=choice)
        rows = load_part_rows(_beside(flows, sides), options.products, books=books)
    return decompose_gaps(rows, options)


def decompose_gaps_in(flows: IntoFrame, options: GapOptions) -> GapParts:
    """Take the gaps of flows of your own apart, without a lake.

    Parameters
    ----------
    flows
        As for :func:`find_gaps_in`; ``consignment_report_usd`` and ``re_export_usd`` may stand beside.
    options
        Areas, products, periods, keys.
    """
    lazy: nw.LazyFrame[Any] = nw.from_native(flows).lazy()
    return decompose_gaps(load_part_rows(lazy, options.products), options)


def _flows(
    engine: Engine,
    lake: Lake,
    options: GapOptions,
    *,
    frequency: str,
    choice: ReportChoice,
    tell: Callable[[str], None] | None,
) -> tuple[nw.LazyFrame[Any], nw.LazyFrame[Any]]:
    """Return the flows that somebody published, and beside what of the importer's is freight."""
    counted = counted_reports(engine, lake, frequency=frequency, choice=choice, tell=tell)
    if not counted.are_reports:
        raise CoverageError(
            "the lake holds flows that their publisher reconciled, and no reports",
            where="core__flow",
            hint="ingest the reporters' own figures: one figure made of two has no gap",
        )
    is_total = nw.col("hs_code") == "TOTAL"
    leaves = counted.rows.filter(is_total if "TOTAL" in options.products else ~is_total)
    reports = leaves.to_native()
    unspoken = unspoken_pairs(reports)
    if tell is not None:
        found = small_table(unspoken, what="pairs that a book does not speak of")
        note = tell_unspoken(found, exporters=options.exporters, importers=options.importers)
        if note:
            tell(note)
    pairs = _lazy(pair_books(reports, unspoken=unspoken)).select(*CELL, *_OF_BOTH)
    paired = engine.keep(pairs, f"paired_{counted.name}")
    engine.drop(counted.name)
    on_fob = fob_importers(engine, lake, choice)
    return paired, with_freight(paired, on_fob, frequency=frequency)


def _beside(flows: nw.LazyFrame[Any], sides: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    keys = ["exporter", "importer", "hs_code", "period"]
    joined = flows.join(sides.filter(~nw.col("exporter").is_null()), on=keys, how="left")
    for side, column, name in (
        ("importer", "consignment", "consignment_report_usd"), ("exporter", "re_exports", "re_export_usd")
    ):  # fmt: skip
        open_books = (
            sides.filter(~nw.col(column).is_null())
            .select(side, "period", nw.lit(0.0).alias("__nothing"))
            .unique([side, "period"])
        )
        joined = (
            joined.join(open_books, on=[side, "period"], how="left")
            .with_columns(nw.coalesce(nw.col(column), nw.col("__nothing")).alias(name))
            .drop("__nothing", column)
        )
    return joined


def _lazy(frame: Any) -> nw.LazyFrame[Any]:
    lazy: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    return lazy
