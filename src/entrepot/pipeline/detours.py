"""From the lake to detours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.detect.detours import detours
from entrepot.detect.periods import event_windows, period_text
from entrepot.detect.valued import Measured
from entrepot.engine import Engine, ParquetRows, SparkEngine, open_engine, spark_errors
from entrepot.pipeline.amounts import with_amount
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.reconciling import reconcile_counted
from entrepot.pipeline.revisions import linked_codes, linked_products
from entrepot.pipeline.survey import survey_lake
from entrepot.pipeline.years_as_months import with_months_of_years

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame

    from entrepot.detect.options import DetourOptions
    from entrepot.detect.periods import WindowPair
    from entrepot.detect.result import DetourResult
    from entrepot.engine import EngineName, FrameEngine
    from entrepot.pipeline.amounts import Amount
    from entrepot.pipeline.choices import ReportChoice
    from entrepot.pipeline.survey import Survey
    from entrepot.store import Lake

__all__ = ["SearchFlows", "find_detours", "find_detours_in", "flows_for", "measured_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class SearchFlows:
    """The flows that a search works on.

    Attributes
    ----------
    rows
        Rows of ``core__reconciled``, the exporter's book first, kept on the engine.
    options
        The search, its products under the codes of the flows.
    choice
        The reports that count, with the revision that their codes were brought to.
    annual
        Reporters whose months are made of years, see :mod:`entrepot.pipeline.years_as_months`.
    """

    rows: nw.LazyFrame[Any]
    options: DetourOptions
    choice: ReportChoice
    annual: tuple[str, ...] = ()


def find_detours(  # noqa: PLR0913  (each of them is a question of its own)
    lake: Lake,
    options: DetourOptions,
    *,
    choice: ReportChoice = ALL_REPORTS,
    amount: Amount | None = None,
    memory_limit: str = "4GB",
    engine: EngineName = "duckdb",
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> DetourResult:
    """Reconcile the flows of a lake and estimate the detours among them.

    Parameters
    ----------
    lake
        The lake.
    options
        Windows, suspects, products; an event given as a year works on annual reports.
    choice
        Which reports count, and the revision that their codes are brought to, so that one that was
        renumbered is no break; the products of ``options`` are codes of it then.
    amount
        Another unit of measure that amounts are given in too: euro, pieces, kilograms, constant prices.
        The search itself is in dollars.
    memory_limit
        Memory of DuckDB, of each task on Spark; larger work spills to disk.
    engine
        ``duckdb``, on this machine, or ``spark``: judging reports, bringing books together and summing
        windows is then Spark's, and calibration is shared out among its executors.
    progress
        Called with the calibration sets done and all sets.
    tell
        Told in words what the codes' revisions mean for the result.

    Returns
    -------
    DetourResult
        See :func:`entrepot.detect.detours.detours`.
    """
    with open_engine(engine, memory_limit=memory_limit) as opened, spark_errors():
        flows = flows_for(opened, lake, options, choice=choice, tell=tell)
        measured = measured_rows(opened, flows.rows, flows.options, amount, tell=tell)
        result = detours(flows.rows, flows.options, engine=opened, progress=progress, measured=measured)
        return replace(result, reporters_annual=flows.annual)


def measured_rows(
    engine: FrameEngine,
    flows: nw.LazyFrame[Any],
    options: DetourOptions,
    amount: Amount | None,
    *,
    tell: Callable[[str], None] | None,
) -> Measured | None:
    """Return the flows of the goods asked for in another unit; None where dollars are enough."""
    if amount is None:
        return None
    code = nw.col("hs_code")
    if options.products:
        asked = [code.str.starts_with(product) for product in options.products]
        flows = flows.filter(nw.any_horizontal(*asked, ignore_nulls=False))
    rows, known = with_amount(engine, flows.filter(code != "TOTAL"), amount, tell=tell)
    return Measured(rows, known.column, known.unit_words)


def flows_for(
    engine: Engine | SparkEngine,
    lake: Lake,
    options: DetourOptions,
    *,
    choice: ReportChoice = ALL_REPORTS,
    tell: Callable[[str], None] | None = None,
) -> SearchFlows:
    """Return the flows that a search works on.

    Parameters
    ----------
    engine
        Where they live; the frame dies with it.
    lake, options, choice, tell
        As for :func:`find_detours`.
    """
    frequency = "M" if "-" in options.event else "A"
    survey = survey_lake(engine, lake, frequency=frequency, choice=choice)
    # Windows that no report is in are refused before minutes are spent on the flows.
    windows = event_windows(
        options.event, published=survey.periods, before=options.before, after=options.after
    )
    options, choice = _linked(options, choice, survey, windows)
    counted = counted_reports(engine, lake, frequency=frequency, choice=choice, survey=survey, tell=tell)
    annual: tuple[str, ...] = ()
    if frequency == "M":
        counted, annual = with_months_of_years(
            engine, lake, counted, event=options.event, choice=choice, survey=survey, tell=tell
        )
    flows = reconcile_counted(engine, counted, frequency=frequency, estimate="exporter_first")
    if counted.are_reports:
        engine.drop(counted.name)
    return SearchFlows(flows, options, choice, annual)


def _linked(
    options: DetourOptions, choice: ReportChoice, survey: Survey, windows: WindowPair
) -> tuple[DetourOptions, ReportChoice]:
    """Return the search under one code for each good where codes changed within its windows."""
    if choice.revision is not None or not choice.are_codes_linked or not survey.has_reports:
        return options, choice
    asked = {
        period_text(period, is_monthly=windows.is_monthly) for period in (*windows.before, *windows.after)
    }
    revision = linked_codes(
        {revision for period, revision in survey.revisions if period in asked}, since=int(min(asked)[:4])
    )
    if revision is None:
        return options, choice
    tiers = {new: tier for code, tier in options.tiers for new in linked_products((code,), revision)}
    options = replace(
        options, products=linked_products(options.products, revision), tiers=tuple(tiers.items())
    )
    return options, replace(choice, revision=revision)


def find_detours_in(
    flows: IntoFrame | str | PathLike[str],
    options: DetourOptions,
    *,
    amount: Amount | None = None,
    memory_limit: str = "4GB",
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> DetourResult:
    """Estimate the detours among reconciled flows of your own, without a lake.

    Parameters
    ----------
    flows
        Columns of ``core__reconciled``, as :func:`entrepot.reconcile.reconcile` makes them, of one frequency:
        any frame that Narwhals accepts, a Parquet file, or a folder of them. Files are read in pieces and
        may be larger than memory. A PySpark frame stays on its session.
    options
        Windows, suspects, products.
    amount
        Another unit of measure that amounts are given in too.
    memory_limit
        Memory of the engine.
    progress
        Called with the calibration sets done and all sets.
    tell
        Told what could not be turned into the other unit.

    Returns
    -------
    DetourResult
        See :func:`entrepot.detect.detours.detours`.

    Raises
    ------
    InputFileError
        A file is not there, or no Parquet file.
    """
    if isinstance(flows, str | PathLike):
        rows = ParquetRows.at(Path(flows))
        with Engine(memory_limit=memory_limit) as engine:
            frame = engine.parquet_frame(rows.paths)
            measured = measured_rows(engine, frame, options, amount, tell=tell)
            return detours(
                frame, options, engine=engine, progress=progress, batches=rows.batches, measured=measured
            )
    lazy: nw.LazyFrame[Any] = nw.from_native(flows).lazy()
    if lazy.implementation.is_pyspark():
        with SparkEngine(lazy.to_native().sparkSession) as spark, spark_errors():
            kept = spark.keep(lazy, spark.unused("flows"))
            measured = measured_rows(spark, kept, options, amount, tell=tell)
            return detours(kept, options, engine=spark, progress=progress, measured=measured)
    table = lazy.collect(backend="pyarrow").to_native()
    with Engine(memory_limit=memory_limit) as engine:
        frame = engine.arrow_frame(table)
        measured = measured_rows(engine, frame, options, amount, tell=tell)
        return detours(frame, options, engine=engine, progress=progress, measured=measured)
