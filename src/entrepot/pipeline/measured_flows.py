"""The flows of a lake that measures are made of: one book, one level, the periods that were published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from entrepot.engine import small_table
from entrepot.errors import CoverageError
from entrepot.pipeline.amounts import Amount, with_amount
from entrepot.pipeline.choices import ALL_REPORTS, ReportChoice
from entrepot.pipeline.counting import counted_reports
from entrepot.pipeline.known_zeros import with_known_zeros
from entrepot.pipeline.reconciling import GoodsOrTotals, reconcile_counted
from entrepot.reconcile import exporter_book, importer_book, reporting_calendar

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from entrepot.engine import Engine, SparkEngine
    from entrepot.pipeline.counting import CountedReports
    from entrepot.store import Lake

__all__ = ["Book", "LakeBooks", "MeasuredFlows", "Side", "measured_flows"]

#: Whose figures: both books brought together, or one of them as published.
Book = Literal["reconciled", "exports", "imports"]

_COLUMNS = (
    "exporter", "importer", "hs_code", "period", "value_usd", "net_weight_kg", "quantity", "quantity_unit"
)  # fmt: skip
_TOLERATED = 0.01
_NAMED = 6
Side = Literal["exporter", "importer"]
_PAIR: tuple[Side, ...] = ("exporter", "importer")
#: Whose books count; of reconciled flows both.
_SIDES: dict[str, tuple[Side, ...]] = {
    "exports": ("exporter",),
    "imports": ("importer",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFlows:
    """Which flows of a lake a measure is made of.

    Attributes
    ----------
    book
        ``reconciled`` (both books, FOB), ``exports`` (exporters' reports, FOB) or ``imports`` (importers'
        reports by country of origin, as published, mostly CIF).
    frequency
        ``A`` or ``M``.
    exporters, importers
        Area codes; all when empty.
    products
        Codes, longer ones below them count too; ``TOTAL`` for published totals; all goods when empty.
    level
        Digits that codes are cut to: 6, 4 or 2.
    outside
        A group whose trade among its members is left out.
    has_all_periods
        Keep periods in which reporters of more than 1% of the flows of a whole published nothing.
    choice
        Which reports count, and the revision that their codes are brought to.
    """

    book: Book = "reconciled"
    frequency: Literal["A", "M"] = "A"
    exporters: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    level: Literal[6, 4, 2] = 6
    outside: tuple[str, ...] = ()
    has_all_periods: bool = False
    choice: ReportChoice = ALL_REPORTS


def measured_flows(
    engine: Engine | SparkEngine,
    lake: Lake,
    query: MeasuredFlows,
    *,
    amount: Amount,
    zeros_by: tuple[str, ...] | None = None,
    whole_by: tuple[Side, ...] = (),
    tell: Callable[[str], None] | None = None,
) -> nw.LazyFrame[Any]:
    """Return flows of a lake, kept on the engine.

    Parameters
    ----------
    engine, lake
        Where they will live, and the lake.
    query
        Which flows.
    amount
        What is measured of them.
    zeros_by
        Keys of series: periods that were published, and in which a pair did not trade, are then rows of zero.
        No zeros when None, nor of published totals: one that is not there is rather missing than nothing.
    whole_by
        Sides that have a whole of their own each: of the imports of every country, its own reporters are
        needed, and not those of the world. Of both sides: who reports a pair reports the whole of it.
    tell
        Told which periods were left out, and what the codes' revisions mean.

    Returns
    -------
    lazy frame
        **Grain**: exporter × importer × hs_code × period (codes that were cut may stand
        in several rows). ``value_usd``, ``net_weight_kg``, ``quantity`` and the amount's own column.
        Goods coming home (exporter and importer are one) are left out.

    Raises
    ------
    CoverageError
        The lake has no such flows, or none of a period that all needed reporters published; or the price
        index has none of their periods.
    OptionError
        Quantities are of several units, and none is chosen.
    """
    return LakeBooks(engine, lake).flows(
        query, amount=amount, zeros_by=zeros_by, whole_by=whole_by, tell=tell
    )


class LakeBooks:
    """The books of a lake on an engine: what several questions have in common is made once.

    Parameters
    ----------
    engine, lake
        Where they will live, and the lake.
    """

    def __init__(self, engine: Engine | SparkEngine, lake: Lake) -> None:
        self._engine = engine
        self._lake = lake
        self._counted: dict[tuple[str, ReportChoice], CountedReports] = {}
        self._reconciled: dict[tuple[str, ReportChoice, tuple[GoodsOrTotals, ...]], nw.LazyFrame[Any]] = {}

    def flows(
        self,
        query: MeasuredFlows,
        *,
        amount: Amount,
        zeros_by: tuple[str, ...] | None = None,
        whole_by: tuple[Side, ...] = (),
        tell: Callable[[str], None] | None = None,
    ) -> nw.LazyFrame[Any]:
        """Return flows, see :func:`measured_flows`."""
        key = (query.frequency, query.choice)
        if key not in self._counted:
            self._counted[key] = counted_reports(
                self._engine, self._lake, frequency=query.frequency, choice=query.choice, tell=tell
            )
        counted = self._counted[key]
        book = self._book(counted, query)
        flows, value = _flows(self._engine, book, query, amount=amount, tell=tell)
        if not counted.are_reports:
            return flows
        silent = None
        if not query.has_all_periods and set(whole_by) != set(_PAIR):
            calendar: nw.LazyFrame[Any] = nw.from_native(reporting_calendar(counted.rows.to_native())).lazy()
            silent = _silent_periods(flows, calendar, query.book, whole_by)
            _tell_silent(silent, flows, whole_by, tell=tell)
        # A published total that is not there is rather one that is missing than no trade at all.
        if zeros_by is not None and "TOTAL" not in query.products:
            reports = _of_goods(nw.from_native(counted.rows.to_native()).lazy(), query)
            sides = _SIDES.get(query.book, _PAIR)
            flows = with_known_zeros(flows, reports, sides=sides, value=value, by_code="hs_code" in zeros_by)
        if silent is None or not silent.num_rows:
            return flows
        keys = [*whole_by, "period"]
        return flows.join(self._engine.arrow_frame(silent.select(keys)), on=keys, how="anti")

    def _book(self, counted: CountedReports, query: MeasuredFlows) -> nw.LazyFrame[Any]:
        if query.book != "reconciled" and counted.are_reports:
            return _own_book(counted, query.book)
        kinds: tuple[GoodsOrTotals, ...] = ("goods", "totals")
        if "TOTAL" not in query.products:
            kinds = ("goods",)
        elif query.products == ("TOTAL",):
            kinds = ("totals",)
        if not counted.are_reports:  # one table of both
            return self._reconcile(counted, query, kinds[:1])
        return nw.concat([self._reconcile(counted, query, (kind,)) for kind in kinds], how="vertical")

    def _reconcile(
        self, counted: CountedReports, query: MeasuredFlows, only: tuple[GoodsOrTotals, ...]
    ) -> nw.LazyFrame[Any]:
        key = (query.frequency, query.choice, only if counted.are_reports else ())
        if key not in self._reconciled:
            self._reconciled[key] = reconcile_counted(
                self._engine, counted, frequency=query.frequency, estimate="weighted", only=only
            )
        return self._reconciled[key]


def _flows(
    engine: Engine | SparkEngine,
    book: nw.LazyFrame[Any],
    query: MeasuredFlows,
    *,
    amount: Amount,
    tell: Callable[[str], None] | None,
) -> tuple[nw.LazyFrame[Any], str]:
    """Return the flows, and the column of their amount."""
    flows = engine.keep(_chosen(book, query).select(*_COLUMNS), engine.unused("measured"))
    if small_table(flows.select(nw.len().alias("rows")).to_native(), what="flows")["rows"][0].as_py() == 0:
        raise CoverageError(
            "the lake has no flows of these areas, goods and book",
            where=f"book {query.book}, frequency {query.frequency}",
            hint="totals are asked for with --products TOTAL, months with --freq M; "
            "`entrepot calendar` shows what was published",
        )
    flows, amount = with_amount(engine, flows, amount, tell=tell)
    return flows, amount.column


def _own_book(counted: CountedReports, name: Book) -> nw.LazyFrame[Any]:
    book, side = (exporter_book, "exporter") if name == "exports" else (importer_book, "importer")
    rows: nw.LazyFrame[Any] = nw.from_native(book(counted.rows.to_native())).lazy()
    names = {"report_usd": "value_usd", "weight_kg": "net_weight_kg"}
    names |= {name: name for name in ("quantity", "quantity_unit")}
    return rows.rename({f"{side}_{theirs}": ours for theirs, ours in names.items()})


def _of_goods(frame: nw.LazyFrame[Any], query: MeasuredFlows) -> nw.LazyFrame[Any]:
    """Return the rows of the goods asked for, codes cut to the level."""
    code = nw.col("hs_code")
    if query.products:
        frame = frame.filter(
            nw.any_horizontal(*[code.str.starts_with(p) for p in query.products], ignore_nulls=False)
        )
    if "TOTAL" not in query.products:
        frame = frame.filter(code != "TOTAL").with_columns(code.str.slice(0, query.level).alias("hs_code"))
    return frame


def _chosen(frame: nw.LazyFrame[Any], query: MeasuredFlows) -> nw.LazyFrame[Any]:
    exporter, importer = nw.col("exporter"), nw.col("importer")
    frame = _of_goods(frame, query).filter(exporter != importer)
    if query.exporters:
        frame = frame.filter(exporter.is_in(list(query.exporters)))
    if query.importers:
        frame = frame.filter(importer.is_in(list(query.importers)))
    if query.outside:
        members = list(query.outside)
        frame = frame.filter(~(exporter.is_in(members) & importer.is_in(members)))
    return frame


def _silent_periods(
    flows: nw.LazyFrame[Any], calendar: nw.LazyFrame[Any], book: Book, whole_by: tuple[Side, ...]
) -> pa.Table:
    """Return the periods of which reporters of over 1% of a whole published nothing.

    A flow's weight is its mean over the periods in which it is known.

    Returns
    -------
    pa.Table
        ``whole_by``, ``period``, ``share`` of the whole that nobody published.
    """
    keys = [*whole_by, "period"]
    by_period = flows.group_by(*_PAIR, "period").agg(nw.col("value_usd").sum())
    weights = by_period.group_by(*_PAIR).agg(nw.col("value_usd").mean().alias("weight"))
    grid = weights.join(flows.select("period").unique(), how="cross")
    for side in _SIDES.get(book, _PAIR):
        published = calendar.filter(nw.col("flow") == ("export" if side == "exporter" else "import")).select(
            nw.col("area").alias(side), "period", nw.lit(1).alias(f"by_{side}")
        )
        grid = grid.join(published.unique(), on=[side, "period"], how="left")
    known = nw.coalesce(*[nw.col(f"by_{side}") for side in _SIDES.get(book, _PAIR)], nw.lit(0))
    shares = (
        grid.with_columns((nw.col("weight") * known).alias("known_weight"))
        .group_by(*keys)
        .agg(nw.col("weight").sum(), nw.col("known_weight").sum())
        .filter((nw.col("weight") > 0) & (nw.col("known_weight") < (1 - _TOLERATED) * nw.col("weight")))
        .with_columns((1.0 - nw.col("known_weight") / nw.col("weight")).alias("share"))
        .select(*keys, "share")
    )
    return small_table(shares.to_native(), what="published periods").sort_by(
        [(key, "ascending") for key in keys]
    )


def _tell_silent(
    silent: pa.Table,
    flows: nw.LazyFrame[Any],
    whole_by: tuple[Side, ...],
    *,
    tell: Callable[[str], None] | None,
) -> None:
    """Say which periods are left out; refuse a question of which none is left."""
    rows = silent.to_pylist()
    if not rows:
        return
    words = ", ".join(f"{_whole_name(row, whole_by)} ({row['share']:.0%})" for row in rows[-_NAMED:])
    more = f" and {len(rows) - _NAMED:,} others before" if len(rows) > _NAMED else ""
    keys = [*whole_by, "period"]
    there = small_table(flows.select(*keys).unique().to_native(), what="wholes and periods")
    left = {tuple(row[key] for key in keys) for row in rows}
    if all(tuple(row[key] for key in keys) in left for row in there.to_pylist()):
        raise CoverageError(
            "in every period reporters of over 1% of the whole published nothing",
            where=f"{words}{more}",
            hint="name whose trade is meant with --exporter or --importer, or ask for rows of each with "
            "--by: fewer reporters are needed then; --all-periods counts sums that lack some",
        )
    if tell is not None:
        tell(
            f"left out, since reporters of part of the flows (in brackets) published nothing: "
            f"{words}{more}; --all-periods keeps them"
        )


def _whole_name(row: dict[str, Any], whole_by: tuple[Side, ...]) -> str:
    return " ".join([*[row[side] for side in whole_by], row["period"]])
