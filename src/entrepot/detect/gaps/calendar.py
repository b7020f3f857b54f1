"""Periods that both sides of a pair published: a month without a row in them is a month without trade."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["SharedPeriods", "load_calendar", "numbered"]


@dataclass(frozen=True, slots=True, eq=False)
class SharedPeriods:
    """Who published what, for n areas and T periods.

    Attributes
    ----------
    exports, imports : (n, T)
        Whether the area published its exports, its imports.
    closed : (c,)
        Pairs and periods, as (exporter · n + importer) · T + period, of which one side says nothing although
        it published others: members of the European Union report their imports from one another by
        consignment alone.
    """

    exports: NDArray[np.bool_]
    imports: NDArray[np.bool_]
    closed: NDArray[np.int64]

    def of_pairs(self, pair: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (pairs, T) whether both sides published the pair.

        Parameters
        ----------
        pair : (pairs,)
            exporter · n + importer.
        """
        n, periods = self.exports.shape
        exporter, importer = np.divmod(pair, n)
        shared = self.exports[exporter] & self.imports[importer]
        if self.closed.size:
            keys = pair[:, None] * periods + np.arange(periods)
            shared &= ~np.isin(keys, self.closed)
        return shared

    def with_area(self, exports: NDArray[np.bool_], imports: NDArray[np.bool_]) -> SharedPeriods:
        """Return the calendar with one more area, behind the others."""
        n, periods = self.exports.shape
        pair, period = np.divmod(self.closed, periods)
        exporter, importer = np.divmod(pair, n)
        return SharedPeriods(
            np.vstack([self.exports, exports]),
            np.vstack([self.imports, imports]),
            (exporter * (n + 1) + importer) * periods + period,
        )

    def open_area(self, at: int, exports: NDArray[np.bool_], imports: NDArray[np.bool_]) -> SharedPeriods:
        """Return the calendar in which an area published these periods too."""
        found = replace(self, exports=self.exports.copy(), imports=self.imports.copy())
        found.exports[at] |= exports
        found.imports[at] |= imports
        return found


def load_calendar(
    flows: nw.LazyFrame[Any], kind: nw.Expr, areas: pa.Array, periods: pa.Array
) -> SharedPeriods:
    """Return who published what. Three queries with small results.

    Parameters
    ----------
    flows
        Rows of ``core__reconciled``.
    kind
        Goods or totals: who publishes no more than totals says nothing about goods.
    areas, periods
        Codes that are numbered.
    """
    exporter, importer = nw.col("exporter_report_usd"), nw.col("importer_report_usd")
    n, length = len(areas), len(periods)

    def seen(keys: Sequence[str], rows: nw.Expr) -> list[NDArray[np.int64]]:
        found: pa.Table = (
            flows.filter(kind & rows)
            .group_by(*keys)
            .agg(nw.len().alias("rows"))
            .collect(backend="pyarrow")
            .to_native()
        )
        words = {"period": periods}
        index = [numbered(found[key], words.get(key, areas)).astype(np.int64) for key in keys]
        known = np.logical_and.reduce([at >= 0 for at in index])
        return [at[known] for at in index]

    books = []
    for side, report in (("exporter", exporter), ("importer", importer)):
        area, period = seen((side, "period"), ~report.is_null())
        book = np.zeros((n, length), dtype=bool)
        book[area, period] = True
        books.append(book)
    exports, imports = books
    i, j, t = seen(("exporter", "importer", "period"), exporter.is_null() | importer.is_null())
    silent = exports[i, t] & imports[j, t]
    return SharedPeriods(exports, imports, np.sort(((i * n + j) * length + t)[silent]))


def numbered(column: pa.ChunkedArray, words: pa.Array) -> NDArray[np.int32]:
    """Return the position of each value of a column among the words; -1 where it is none of them."""
    index: NDArray[np.int32] = pc.fill_null(pc.index_in(column, value_set=words), -1).to_numpy()
    return index
