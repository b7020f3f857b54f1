"""Both books of the flows beside the freight that is in the importer's figure."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.engine import place_beside, small_table
from entrepot.nomenclature import geography_table
from entrepot.reconcile import VALUE, flow_years
from entrepot.reconcile.ratios import RATIO_KEYS, fit_ratios, ratio_statistics
from entrepot.reconcile.windows import product_group

__all__ = ["with_freight"]

_COLUMNS = (
    "exporter", "importer", "hs_code", "period", "exporter_report_usd", "importer_report_usd",
    "freight_ratio",
)  # fmt: skip


def with_freight(paired: nw.LazyFrame[Any], on_fob: frozenset[str], *, frequency: str) -> nw.LazyFrame[Any]:
    """Return paired books with ``freight_ratio``: what puts the importer's figure on FOB.

    It is freight and insurance alone, not what an importer has always left out: a gap must keep that.

    Parameters
    ----------
    paired
        See :func:`entrepot.reconcile.pair_books`, kept on the engine.
    on_fob
        Importers that report FOB already: their ratio is 1.
    frequency
        ``M`` or ``A``.
    """
    years = flow_years(paired.to_native(), VALUE, is_monthly=frequency == "M")
    statistics = small_table(ratio_statistics(years), what="ratios by pair")
    fit = fit_ratios(statistics.sort_by([(key, "ascending") for key in RATIO_KEYS]), geography_table())
    is_fob = pc.is_in(fit.table["importer"], value_set=pa.array(sorted(on_fob), pa.string()))
    ratio = pc.if_else(is_fob, pa.scalar(1.0), pc.exp(fit.table["log_freight"]))
    known = fit.table.select(list(RATIO_KEYS)).append_column("freight_ratio", ratio)
    beside: nw.LazyFrame[Any] = nw.from_native(place_beside(known, paired.to_native())).lazy()
    return (
        paired.with_columns(
            product_group().alias("product_group"), nw.col("period").str.slice(0, 4).alias("year")
        )
        .join(beside, on=list(RATIO_KEYS), how="left")
        .select(*_COLUMNS)
    )
