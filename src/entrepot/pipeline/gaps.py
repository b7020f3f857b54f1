"""From the lake to gaps: both books on FOB, what speaks of consignment and re-exports beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.gaps.decomposition import decompose_gaps
from entrepot.detect.gaps.unusual import unusual_gaps
from entrepot.engine import Engine, place_beside, small_table
from entrepot.errors import CoverageError
from entrepot.nomenclature import geography_table
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.origins import fob_importers, side_reports
from entrepot.reconcile import VALUE, flow_years, pair_books
from entrepot.reconcile.ratios import RATIO_KEYS, fit_ratios, ratio_statistics
from entrepot.reconcile.windows import product_group

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.gaps.options import GapOptions
    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = ["decompose_gaps_in", "find_gaps", "find_gaps_in", "take_gaps_apart"]

_COLUMNS = (
    "exporter", "importer", "hs_code", "period", "exporter_report_usd", "importer_report_usd",
    "freight_ratio",
)  # fmt: skip


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
        Told in words what the codes' revisions mean for the result.

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
        flows = _flows(engine, lake, options, frequency=frequency, choice=choice, tell=tell)
        return unusual_gaps(flows, options)


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
    return unusual_gaps(lazy, options)


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
        flows = _flows(engine, lake, options, frequency=frequency, choice=choice, tell=tell)
        sides = side_reports(engine, lake, frequency=frequency, choice=choice)
        return decompose_gaps(_beside(flows, sides), options)


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
    return decompose_gaps(lazy, options)


def _flows(
    engine: Engine,
    lake: Lake,
    options: GapOptions,
    *,
    frequency: str,
    choice: ReportChoice,
    tell: Callable[[str], None] | None,
) -> nw.LazyFrame[Any]:
    """Return the flows that somebody published, with what of the importer's figure is freight."""
    counted = counted_reports(engine, lake, frequency=frequency, choice=choice, tell=tell)
    if not counted.are_reports:
        raise CoverageError(
            "the lake holds flows that their publisher reconciled, and no reports",
            where="core__flow",
            hint="ingest the reporters' own figures: one figure made of two has no gap",
        )
    is_total = nw.col("hs_code") == "TOTAL"
    leaves = counted.rows.filter(is_total if "TOTAL" in options.products else ~is_total)
    paired = engine.keep(_lazy(pair_books(leaves.to_native())), f"paired_{counted.name}")
    years = engine.keep(
        _lazy(flow_years(paired.to_native(), VALUE, is_monthly=frequency == "M")),
        f"flow_years_{counted.name}",
    )
    freight = _freight(years, fob_importers(engine, lake, choice))
    engine.drop(f"flow_years_{counted.name}")
    known = _lazy(place_beside(freight, paired.to_native()))
    return (
        paired.with_columns(
            product_group().alias("product_group"), nw.col("period").str.slice(0, 4).alias("year")
        )
        .join(known, on=list(RATIO_KEYS), how="left")
        .select(*_COLUMNS)
    )


def _freight(years: nw.LazyFrame[Any], on_fob: frozenset[str]) -> pa.Table:
    """Return the ratio of CIF to FOB by pair, product group and year; 1 where the importer reports FOB."""
    statistics = small_table(ratio_statistics(years.to_native()), what="ratios by pair")
    fit = fit_ratios(statistics.sort_by([(name, "ascending") for name in RATIO_KEYS]), geography_table())
    ratio = pc.exp(fit.table["log_freight"])
    is_fob = pc.is_in(fit.table["importer"], value_set=pa.array(sorted(on_fob), pa.string()))
    ratio = pc.if_else(is_fob, pa.scalar(1.0), ratio)
    return fit.table.select(list(RATIO_KEYS)).append_column("freight_ratio", ratio)


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
