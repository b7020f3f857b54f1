"""What of a flow's gap lasts from year to year: a year of one side alone is put right by the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from entrepot.engine import place_beside, small_table
from entrepot.reconcile.arrays import floats
from entrepot.reconcile.passage import is_own
from entrepot.reconcile.ratios import RATIO_KEYS

if TYPE_CHECKING:
    import pyarrow as pa
    from narwhals.typing import IntoFrame

    from entrepot.reconcile.ratios import RatioFit

__all__ = ["lasting_share", "of_other_years"]

_FLOW = ("exporter", "importer", "hs_code", "frequency")
#: Pairs of years of one flow under which nothing is said to last.
_FEWEST = 200
#: A gap beyond so many standard deviations of a typical one counts as this.
_FARTHEST = 3.0


def lasting_share(years: IntoFrame, ratios: RatioFit, typical: float) -> float:
    r"""Return what part of the variance of ordinary gaps lasts from one year of a flow to another.

    *Formula*  Σ_{y≠z} G_y·G_z ÷ Σ n(n − 1), over Σ G² ÷ Σ n, of flows with gaps in n > 1 years; gaps after
    the ratio, cut at three standard deviations of a typical one. 0 to 1. One query with one row, none where
    there is but one year.

    Parameters
    ----------
    years
        See :func:`entrepot.reconcile.flow_years`.
    ratios
        Fitted to the same years.
    typical
        Variance of one typical report.
    """
    if len(ratios.table["year"].unique()) < 2:
        return 0.0
    x, m = nw.col("exporter_sum"), nw.col("importer_sum")
    scale = nw.col("log_ratio") + nw.col("log_passed")
    most = _FARTHEST * (2.0 * typical) ** 0.5
    known = place_beside(ratios.table.select([*RATIO_KEYS, "log_ratio"]), years)
    data: Any = nw.from_native(years).filter(
        (x > 0) & (m > 0) & (nw.col("exporter") != nw.col("importer")) & is_own()
    )
    gap = (m.log() - scale - x.log()).clip(-most, most)
    flows = (
        data.join(known, on=list(RATIO_KEYS), how="inner")
        .select(*_FLOW, gap.alias("gap"), (gap * gap).alias("square"))
        .group_by(*_FLOW)
        .agg(nw.len().alias("n"), nw.col("gap").sum(), nw.col("square").sum())
        .filter(nw.col("n") > 1)
        .with_columns(nw.col("n").cast(nw.Float64))
    )
    n, total, square = nw.col("n"), nw.col("gap"), nw.col("square")
    sums: pa.Table = small_table(
        flows.select(
            (n * (n - 1.0)).sum().alias("pairs"), (total * total - square).sum().alias("together"),
            n.sum().alias("years"), square.sum().alias("alone"),
        ).to_native(),
        what="gaps of flows over years",
    )  # fmt: skip
    pairs, together, several, alone = (
        float(floats(sums, name)[0]) for name in ("pairs", "together", "years", "alone")
    )
    if not pairs >= _FEWEST or not alone > 0.0:
        return 0.0
    return min(max(together / pairs / (alone / several), 0.0), 1.0)


def of_other_years(amount: nw.Expr, where: nw.Expr) -> nw.Expr:
    """Return the expression of a flow's mean over the rows in which both sides reported; null of none."""
    return nw.when(where).then(amount).mean().over(*_FLOW)
