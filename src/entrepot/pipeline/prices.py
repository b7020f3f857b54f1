"""From the lake to unit values: values and amounts of one book, estimates marked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.detect.prices.decomposition import decomposition_table
from entrepot.detect.prices.markup import markup_table
from entrepot.detect.prices.outliers import outlier_table
from entrepot.detect.prices.result import PriceResult
from entrepot.detect.prices.rows import load_prices
from entrepot.engine import Engine, literal
from entrepot.errors import CoverageError, OptionError
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.other_units import in_other_unit, with_unit
from entrepot.pipeline.parts import counted_sql
from entrepot.schema import FlowKind, PartnerConcept

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from narwhals.typing import IntoFrame

    from entrepot.detect.prices.options import PriceOptions
    from entrepot.detect.prices.rows import PriceRows
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.store import Lake

__all__ = [
    "decompose_values",
    "decompose_values_in",
    "find_markups",
    "find_markups_in",
    "find_price_outliers",
    "find_price_outliers_in",
]


def find_markups(
    lake: Lake,
    options: PriceOptions,
    *,
    frequency: str = "M",
    amount: Amount | None = None,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> PriceResult:
    """Find what destinations pay over the same suppliers' other buyers, before and after an event.

    Parameters
    ----------
    lake
        The lake.
    options
        Destinations, suppliers, products, windows, book, unit.
    frequency
        ``M`` or ``A``; an event given as a year asks for ``A``.
    amount
        What values are in: dollars when None; euro, or constant prices. A flow of a period without a rate or
        an index has no part.
    choice
        Which reports count. Codes keep their publisher's revision.
    memory_limit
        Memory of the engine.
    tell
        Told what could not be turned into the unit.

    Returns
    -------
    PriceResult
        See :func:`entrepot.detect.prices.markup.markup_table`. Columns of other values than dollars end in
        ``_eur``, ``_constant_usd`` or ``_constant_eur``.

    Raises
    ------
    OptionError
        Values are asked for in kilograms or units: those are the unit of the unit values.
    """
    with Engine(memory_limit=memory_limit) as engine:
        book = _book(engine, lake, options, frequency=frequency, choice=choice)
        return _in_unit(engine, book, options, markup_table, amount=amount, tell=tell)


def find_markups_in(book: IntoFrame, options: PriceOptions) -> PriceResult:
    """Find mark-ups in one book of your own, see :func:`find_markups`.

    Parameters
    ----------
    book
        Columns ``exporter, importer, hs_code, period, value_usd, amount, unit, is_estimated``; any frame that
        Narwhals accepts, of one frequency.
    options
        Destinations, suppliers, products, windows, unit.
    """
    return _of_frame(nw.from_native(book).lazy(), options, markup_table)


def decompose_values(
    lake: Lake,
    options: PriceOptions,
    *,
    frequency: str = "M",
    amount: Amount | None = None,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> PriceResult:
    """Take changes of value of a lake apart into price and volume.

    Parameters
    ----------
    lake, options, frequency, amount, choice, memory_limit, tell
        See :func:`find_markups`.

    Returns
    -------
    PriceResult
        See :func:`entrepot.detect.prices.decomposition.decomposition_table`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        book = _book(engine, lake, options, frequency=frequency, choice=choice)
        return _in_unit(engine, book, options, decomposition_table, amount=amount, tell=tell)


def decompose_values_in(book: IntoFrame, options: PriceOptions) -> PriceResult:
    """Take changes of value of your own book apart, see :func:`decompose_values`.

    Parameters
    ----------
    book, options
        See :func:`find_markups_in`.
    """
    return _of_frame(nw.from_native(book).lazy(), options, decomposition_table)


def find_price_outliers(
    lake: Lake,
    options: PriceOptions,
    *,
    frequency: str = "M",
    amount: Amount | None = None,
    choice: ReportChoice = ALL_REPORTS,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> PriceResult:
    """Find unit values of a lake that are far from the supplier's others.

    Parameters
    ----------
    lake, options, frequency, amount, choice, memory_limit, tell
        See :func:`find_markups`.

    Returns
    -------
    PriceResult
        See :func:`entrepot.detect.prices.outliers.outlier_table`.
    """
    with Engine(memory_limit=memory_limit) as engine:
        book = _book(engine, lake, options, frequency=frequency, choice=choice)
        return _in_unit(engine, book, options, outlier_table, amount=amount, tell=tell)


def find_price_outliers_in(book: IntoFrame, options: PriceOptions) -> PriceResult:
    """Find outlying unit values of your own book, see :func:`find_price_outliers`.

    Parameters
    ----------
    book, options
        See :func:`find_markups_in`.
    """
    return _of_frame(nw.from_native(book).lazy(), options, outlier_table)


def _in_unit(
    engine: Engine,
    book: nw.LazyFrame[Any],
    options: PriceOptions,
    make: Callable[[PriceRows, PriceOptions], pa.Table],
    *,
    amount: Amount | None,
    tell: Callable[[str], None] | None,
) -> PriceResult:
    if amount is not None and amount.value not in {"value_usd", "value_eur"}:
        raise OptionError(
            "a unit value is a value a unit: its value is in money",
            where=f"--value {'kg' if amount.value == 'net_weight_kg' else 'units'}",
            hint="choose the amount with --unit (kg, u, l, …), and the money with --value usd or eur",
        )
    book, unit = in_other_unit(engine, book, amount, unknown="null", tell=tell)
    result = _of_frame(book, options, make)
    suffix = "usd" if amount is None else amount.column.replace("value_", "")
    return replace(result, table=with_unit(result.table, unit, suffix=suffix), money=unit)


def _of_frame(
    book: nw.LazyFrame[Any], options: PriceOptions, make: Callable[[PriceRows, PriceOptions], pa.Table]
) -> PriceResult:
    rows = load_prices(book, options)
    return PriceResult(make(rows, options), options, rows.usd.size, rows.left_out)


def _book(
    engine: Engine, lake: Lake, options: PriceOptions, *, frequency: str, choice: ReportChoice
) -> nw.LazyFrame[Any]:
    """Return one book with its amounts; an amount of which any part was estimated is marked."""
    counted = counted_reports(engine, lake, frequency=frequency, choice=choice)
    if not counted.are_reports:
        raise CoverageError(
            "the lake holds flows that their publisher reconciled, and no reports",
            where="core__flow",
            hint="ingest the reporters' own figures: value and weight of a unit value are of one report",
        )
    flow = FlowKind.EXPORT if options.book == "exporter" else FlowKind.IMPORT
    reporter, partner = ("exporter", "importer") if flow is FlowKind.EXPORT else ("importer", "exporter")
    is_weight = options.unit == "kg"
    amount, unit = ("net_weight_kg", "'kg'") if is_weight else ("quantity", "quantity_unit")
    flag = "is_net_weight_estimated" if is_weight else "is_quantity_estimated"
    level = (
        engine.rows(f"SELECT max(length(hs_code)) FROM {counted.name} WHERE hs_code <> 'TOTAL'")[0][0] or 6
    )
    period = "period" if frequency == "M" else "substr(period, 1, 4)"
    same = "reporter, partner, period, hs_code"
    query = f"""
        WITH flags AS (
            SELECT reporter, partner, {period} AS period,
                   substr(coalesce(national_code, hs_code), 1, {level}) AS hs_code,
                   bool_or(coalesce({flag}, false)) AS is_estimated
            FROM ({counted_sql(engine, lake, choice)})
            WHERE flow = {literal(flow.value)} AND role = 'leaf' AND hs_level >= {level}
              AND (frequency = 'M' OR frequency = {literal(frequency)})
            GROUP BY ALL
        )
        SELECT reporter AS {reporter}, partner AS {partner}, hs_code, period,
               primary_value_usd AS value_usd, {amount} AS amount, {unit} AS unit,
               coalesce(is_estimated, false) AS is_estimated
        FROM {counted.name} LEFT JOIN flags USING ({same})
        WHERE flow = {literal(flow.value)}
          AND partner_concept <> {literal(PartnerConcept.CONSIGNMENT.value)}
    """
    return engine.keep(engine.frame(query), f"prices_{counted.name}")
