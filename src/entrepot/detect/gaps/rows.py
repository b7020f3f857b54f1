"""Both books of the flows as arrays: only what both sides published, both on FOB."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.gaps.calendar import SharedPeriods, load_calendar, numbered
from entrepot.errors import CoverageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["GapRows", "PartRows", "load_part_rows", "load_rows"]

_KEYS = ("exporter", "importer", "product", "period")


@dataclass(frozen=True, slots=True, eq=False)
class GapRows:
    """Flows that both sides published, sorted by cell and period; n rows.

    A cell is an exporter, importer and product. What one side published and the other did not is not here.

    Attributes
    ----------
    exporter, importer, product : (n,)
        Positions in ``areas`` and ``products``.
    period : (n,)
        Position in ``periods``.
    x, m : (n,)
        Exporter's and importer's report, USD FOB.
    areas, products, periods
        Codes; periods in their order, without those in which nothing was published.
    shared
        Periods that both sides of a pair published, with or without trade.
    """

    #: What is added up where rows are.
    AMOUNTS: ClassVar[tuple[str, ...]] = ("x", "m")

    exporter: NDArray[np.int32]
    importer: NDArray[np.int32]
    product: NDArray[np.int32]
    period: NDArray[np.int32]
    x: NDArray[np.float64]
    m: NDArray[np.float64]
    areas: tuple[str, ...]
    products: tuple[str, ...]
    periods: tuple[str, ...]
    shared: SharedPeriods

    @property
    def pair(self) -> NDArray[np.int64]:
        """(n) Number of the exporter and importer."""
        found: NDArray[np.int64] = self.exporter.astype(np.int64) * len(self.areas) + self.importer
        return found

    @property
    def cell(self) -> NDArray[np.int64]:
        """(n) Number of the exporter, importer and product."""
        return self.pair * len(self.products) + self.product

    def only(self, at: NDArray[Any] | slice) -> Self:
        """Return the rows under a mask, or in an order; of a slice without a copy."""
        return replace(self, **{name: getattr(self, name)[at] for name in (*_KEYS, *self.AMOUNTS)})

    def joined(self, *others: Self) -> Self:
        """Return the rows and others, by cell and period."""
        parts = (self, *others)
        order = np.argsort(
            np.concatenate([part.cell * len(part.periods) + part.period for part in parts]), kind="stable"
        )
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])[order]
            for name in (*_KEYS, *self.AMOUNTS)
        }
        return replace(self, **arrays)


@dataclass(frozen=True, slots=True, eq=False)
class PartRows(GapRows):
    """The rows with what a gap is taken apart by; n rows.

    Attributes
    ----------
    published : (n,)
        Importer's report as published, USD.
    consigned, re_exported : (n,)
        Importer's report by country of consignment, FOB, and the exporter's re-exports; NaN where not
        published.
    """

    AMOUNTS: ClassVar[tuple[str, ...]] = ("x", "m", "published", "consigned", "re_exported")

    published: NDArray[np.float64]
    consigned: NDArray[np.float64]
    re_exported: NDArray[np.float64]


def load_rows(
    flows: nw.LazyFrame[Any], products: Sequence[str] = (), *, books: nw.LazyFrame[Any] | None = None
) -> GapRows:
    """Return the flows that both sides published. Four queries.

    Parameters
    ----------
    flows
        Columns ``exporter``, ``importer``, ``hs_code``, ``period``, ``exporter_report_usd``,
        ``importer_report_usd`` and ``freight_ratio`` of ``core__reconciled``.
    products
        See :class:`entrepot.detect.gaps.options.GapOptions`.
    books
        The same rows before anything was put beside them, if they are there: who published what is asked of
        them, without the joins.

    Raises
    ------
    CoverageError
        No flow was published by both sides.

    *Missing data*: a row of which one report is null is left out: without a second book there is no gap.
    A report of zero (published, no row) stays. Goods coming home (partner = reporter) have no mirror.
    """
    return GapRows(**_sorted(_loaded(flows, products, GapRows.AMOUNTS, flows if books is None else books)))


def load_part_rows(
    flows: nw.LazyFrame[Any], products: Sequence[str] = (), *, books: nw.LazyFrame[Any] | None = None
) -> PartRows:
    """Return the same with what a gap is taken apart by.

    Parameters
    ----------
    flows
        As for :func:`load_rows`; ``consignment_report_usd`` and ``re_export_usd`` where they are known.
    products, books
        As there.
    """
    return PartRows(**_sorted(_loaded(flows, products, PartRows.AMOUNTS, flows if books is None else books)))


def _loaded(
    flows: nw.LazyFrame[Any], products: Sequence[str], amounts: Sequence[str], books: nw.LazyFrame[Any]
) -> dict[str, Any]:
    """Return what rows are made of, in any order; each column of texts goes when it is numbered."""
    importer = nw.col("importer_report_usd")
    freight = nw.coalesce(nw.col("freight_ratio"), nw.lit(1.0))
    there = flows.collect_schema().names()
    made = {"x": nw.col("exporter_report_usd"), "m": importer / freight, "published": importer}
    if "consignment_report_usd" in there:
        made["consigned"] = nw.col("consignment_report_usd") / freight
    if "re_export_usd" in there:
        made["re_exported"] = nw.col("re_export_usd")
    both = (
        ~nw.col("exporter_report_usd").is_null()
        & ~importer.is_null()
        & (nw.col("exporter") != nw.col("importer"))
        & _wanted(products)
    )
    table: pa.Table = (
        flows.filter(both)
        .select(
            "exporter", "importer", nw.col("hs_code").alias("product"), "period",
            *[made[name].alias(name) for name in amounts if name in made],
        )
        .collect(backend="pyarrow")
        .to_native()
    )  # fmt: skip
    if not table.num_rows:
        wanted = ", ".join(products) or "goods"
        raise CoverageError(
            f"no flow of {wanted} was published by both its sides",
            where="the flows compared",
            hint="ingest the other side's reports, or ask for totals with --products TOTAL",
        )
    areas = pa.concat_arrays([pc.unique(table[side]) for side in ("exporter", "importer")]).unique().sort()
    words = {"exporter": areas, "importer": areas}
    words |= {name: table[name].unique().sort() for name in ("product", "period")}
    arrays: dict[str, Any] = {}
    for name in _KEYS:
        arrays[name] = numbered(table[name], words[name])
        table = table.drop_columns(name)
    return arrays | {name: _amounts(table, name) for name in amounts} | {
        "areas": tuple(areas.to_pylist()),
        "products": tuple(words["product"].to_pylist()),
        "periods": tuple(words["period"].to_pylist()),
        "shared": load_calendar(books, _kind(products), areas, words["period"]),
    }  # fmt: skip


def _sorted(arrays: dict[str, Any]) -> dict[str, Any]:
    """Put what rows are made of in the order of cell and period, one column after the other."""
    key = arrays["exporter"].astype(np.int64)
    for name, words in (("importer", "areas"), ("product", "products"), ("period", "periods")):
        key *= len(arrays[words])
        key += arrays[name]
    order = np.argsort(key, kind="stable")
    del key
    for name, values in arrays.items():
        if isinstance(values, np.ndarray):
            arrays[name] = values[order]
    return arrays


def _amounts(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values: NDArray[np.float64] = table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _kind(products: Sequence[str]) -> nw.Expr:
    """Return the expression of the rows of which a calendar is made: totals or goods, whichever is asked."""
    is_total = nw.col("hs_code") == "TOTAL"
    return is_total if "TOTAL" in products else ~is_total


def _wanted(products: Sequence[str]) -> nw.Expr:
    code = nw.col("hs_code")
    if not products:
        return code != "TOTAL"
    return nw.any_horizontal(*[code.str.starts_with(one) for one in products], ignore_nulls=False)
