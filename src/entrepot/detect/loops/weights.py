r"""One weight of two books: the importer weighs the same goods again.

*Formula.* With a = ln(USD/kg) of the book that leads, b that of the importer's, and g the mean of b − a over
the quiet months of the flow (freight, and other lasting differences), a month's unit value is::

    â = (1 − w)·a + w·(b − g)       w = s_a² ÷ (s_a² + s_b²)

with s the spread of each book's unit values about the quiet mean of their flow, of all flows. The weight of
the month is its value over that unit value. Only months in which both books show about the same value count:
what stands in the importer's under another origin, or arrives a month later, is not the same goods. Where the
book that leads never weighed a flow, the importer's weights stand in, with the middle g of the pair's other
flows, three at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from entrepot.detect.periods import period_text

if TYPE_CHECKING:
    from entrepot.detect.periods import WindowPair
    from entrepot.engine import Engine

__all__ = ["weigh_twice"]

_KEYS = ("exporter", "importer", "hs_code")
_FEWEST = 6  # quiet months weighed by both
_SAME = 0.25  # log gap of both values, beyond the usual one, up to which they are the same goods
_FEWEST_FLOWS = 30
_FEWEST_OF_PAIR = 3


def weigh_twice(
    flows: nw.LazyFrame[Any],
    windows: WindowPair,
    engine: Engine,
    *,
    estimated: pa.Table | None = None,
) -> nw.LazyFrame[Any]:
    """Return the flows with weights that both books tell. Two queries, one of them with a small result.

    Parameters
    ----------
    flows
        Monthly rows of ``core__reconciled``, goods alone.
    windows
        Gaps are learnt in the quiet months of these.
    engine
        Where the flows live.
    estimated
        Columns ``exporter``, ``importer``, ``hs_code`` of flows whose importer's weights do not count.

    *Missing data*: a month without a weight of the book that leads is told by the importer's alone; a flow
    that both weighed in fewer than six quiet months keeps its weights, if it has any. Where no flow at all
    was weighed twice, the flows are returned as they are.
    """
    quiet = [period_text(p, is_monthly=True) for p in windows.before]
    twice = _compared(flows)
    if estimated is not None and estimated.num_rows:
        named = estimated.select(list(_KEYS)).append_column("out", pa.array([1.0] * estimated.num_rows))
        twice = (
            twice.join(engine.arrow_frame(named), on=list(_KEYS), how="left")
            .with_columns(nw.when(nw.col("out").is_null()).then(nw.col("__b")).alias("__b"))
            .drop("out")
        )
    both = ~nw.col("__a").is_null() & ~nw.col("__b").is_null() & nw.col("period").is_in(quiet)
    usual = engine.keep(
        twice.with_columns(both.alias("__both"))
        .group_by(*_KEYS)
        .agg(
            *(
                nw.when(nw.col("__both")).then(nw.col(name)).mean().alias(mean)
                for name, mean in (("__a", "__mean_a"), ("__b", "__mean_b"), ("__gap", "__usual_gap"))
            ),
            nw.when(nw.col("period").is_in(quiet)).then(nw.col("__gap")).mean().alias("__value_gap"),
            nw.col("__both").cast(nw.Int64).sum().alias("__months"),
            nw.col("__a").count().alias("__weighed"),
        ),
        engine.unused("usual_weights"),
    )
    between = (
        usual.filter(nw.col("__months") >= _FEWEST)
        .group_by("exporter", "importer")
        .agg(
            (nw.col("__mean_b") - nw.col("__mean_a")).median().alias("__between"),
            nw.col("__value_gap").median().alias("__pair_gap"),
            nw.len().alias("__flows"),
        )
        .filter(nw.col("__flows") >= _FEWEST_OF_PAIR)
    )
    joined = twice.join(usual, on=list(_KEYS), how="left").join(
        between, on=["exporter", "importer"], how="left"
    )
    share = _share(joined.filter(both & (nw.col("__months") >= _FEWEST)))
    if share is None:
        return flows
    same = (nw.col("__gap") - nw.col("__usual_gap")).abs() <= _SAME
    is_told = same & (nw.col("__months") >= _FEWEST) & ~nw.col("__b").is_null()
    again = nw.col("__b") - nw.col("__mean_b") + nw.col("__mean_a")
    unit = (
        nw.when(nw.col("__a").is_null()).then(again).otherwise(nw.col("__a") * (1.0 - share) + again * share)
    )
    # a flow that the book that leads never weighed; the ratio of values would have what is declared too low
    alone = nw.col("__b") - nw.col("__between")
    is_alone = (nw.col("__weighed") == 0) & ((nw.col("__gap") - nw.col("__pair_gap")).abs() <= _SAME)
    unit = nw.when(is_told).then(unit).when(is_alone).then(alone)
    weight = (
        nw.when(~unit.is_null()).then(nw.col("value_usd") / unit.exp()).otherwise(nw.col("net_weight_kg"))
    )
    return joined.with_columns(weight.alias("net_weight_kg")).select(*flows.collect_schema().names())


def _compared(flows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return flows with the log unit values of both books and the log gap of their values."""
    has_both = (nw.col("exporter_report_usd") > 0) & (nw.col("importer_report_usd") > 0)
    is_weighed = has_both & (nw.col("net_weight_kg") > 0)
    is_weighed_again = has_both & (nw.col("importer_weight_kg") > 0)

    def log_ratio(over: str, under: str, where: nw.Expr) -> nw.Expr:
        # logs of what is not positive are errors on some engines
        parts = (nw.when(where).then(nw.col(name)).otherwise(1.0) for name in (over, under))
        above, below = parts
        return nw.when(where).then((above / below).log())

    return flows.with_columns(
        log_ratio("value_usd", "net_weight_kg", is_weighed).alias("__a"),
        log_ratio("importer_report_usd", "importer_weight_kg", is_weighed_again).alias("__b"),
        log_ratio("importer_report_usd", "value_usd", has_both & (nw.col("value_usd") > 0)).alias("__gap"),
    )


def _share(quiet: nw.LazyFrame[Any]) -> float | None:
    """Return how much the importer's weights count: zero where few flows were weighed twice, None without."""
    row = (
        quiet.select(
            (nw.col("__a") - nw.col("__mean_a")).abs().median().alias("a"),
            (nw.col("__b") - nw.col("__mean_b")).abs().median().alias("b"),
            nw.len().alias("months"),
        )
        .collect(backend="pyarrow")
        .to_native()
        .to_pylist()[0]
    )
    if row["months"] == 0:
        return None
    if row["months"] < _FEWEST * _FEWEST_FLOWS or row["a"] + row["b"] <= 0:
        return 0.0
    return float(row["a"] ** 2 / (row["a"] ** 2 + row["b"] ** 2))
