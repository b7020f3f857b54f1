"""Results in another unit: dollars of each row turned at the rate of the flows that it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from entrepot.engine import Engine, small_table
from entrepot.measures.spans import parse_window
from entrepot.pipeline.amounts import Amount, with_amount
from entrepot.pipeline.choices import ALL_REPORTS
from entrepot.pipeline.flows import reconciled_flows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entrepot.pipeline.choices import ReportChoice
    from entrepot.reconcile import Estimate
    from entrepot.store import Lake

__all__ = ["MOSTLY_KNOWN", "RowsOf", "valued_rows"]

#: Part of the value of a row's flows whose rate must be known before the row is given an amount.
MOSTLY_KNOWN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """What the rows of a result are made of.

    Attributes
    ----------
    columns
        Columns in dollars, ``…_usd``: ``…_amount`` will stand behind them.
    places
        Columns of the table that name an exporter or an importer: ``{"maker": "exporter"}``.
    frequency, estimate, choice
        Of the flows: see :func:`entrepot.pipeline.flows.reconciled_flows`.
    window
        ``first:last`` of rows without a period; all periods when None.
    only
        Exporters, importers and products (prefixes) of the rows, by those names; all when empty.
    """

    columns: tuple[str, ...]
    places: Mapping[str, str]
    frequency: str = "M"
    estimate: Estimate = "exporter_first"
    choice: ReportChoice = ALL_REPORTS
    window: str | None = None
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)


def valued_rows(
    lake: Lake,
    table: pa.Table,
    amount: Amount,
    of: RowsOf,
    *,
    memory_limit: str = "4GB",
    tell: Callable[[str], None] | None = None,
) -> pa.Table:
    r"""Return a result with amounts in another unit beside its dollars.

    *Formula*  amount = usd · Σ amount_f / Σ usd_f over the flows f of the row's areas, code and periods.

    Parameters
    ----------
    lake
        The lake that the result is of.
    table
        Rows with a column ``hs_code``, ``period`` or neither; without a period they are of a window.
    amount
        The unit.
    of
        What the rows are made of.
    memory_limit
        Memory of the engine.
    tell
        Told what could not be turned into the unit.

    Returns
    -------
    pa.Table
        The table, with ``<column>_amount`` and ``amount_unit``.

    *Missing data*: null where under four fifths of the value of a row's flows have the unit.
    What is uncertain about a weight or a number is in no interval.
    """
    keys = {name: side for name, side in of.places.items() if name in table.column_names}
    has_period = "period" in table.column_names and table["period"].null_count == 0
    codes = set(table["hs_code"].to_pylist()) - {None} if "hs_code" in table.column_names else set()
    with Engine(memory_limit=memory_limit) as engine:
        flows = reconciled_flows(engine, lake, frequency=of.frequency, choice=of.choice, estimate=of.estimate)
        flows = _of(flows, of.only, codes)
        if of.window is not None and not has_period:
            flows = flows.filter(parse_window(of.window, option="window").holds())
        flows, known = with_amount(engine, flows, amount, tell=tell)
        group = [*keys.values(), *(["hs_code"] if codes else []), *(["period"] if has_period else [])]
        value, unit = nw.col("value_usd"), nw.col(known.column)
        is_known = ~unit.is_null() & ~value.is_null()
        sums = (
            flows.with_columns(
                nw.lit(1).alias("__all"),
                nw.when(is_known).then(value).otherwise(nw.lit(0.0)).alias("__known"),
                nw.when(is_known).then(unit).otherwise(nw.lit(0.0)).alias("__amount"),
            )
            .group_by(*(group or ["__all"]))
            .agg(value.sum(), nw.col("__known").sum(), nw.col("__amount").sum())
        )
        rows = small_table(sums.to_native(), what="rates").to_pylist()
    rates = {
        tuple(row[name] for name in group): row["__amount"] / row["__known"]
        for row in rows
        if row["__known"] > 0 and row["__known"] >= MOSTLY_KNOWN * row["value_usd"]
    }
    asked = [*keys, *(["hs_code"] if codes else []), *(["period"] if has_period else [])]
    n = table.num_rows
    labels = zip(*[table[name].to_pylist() for name in asked], strict=True) if asked else [()] * n
    return _with_amounts(table, [rates.get(key) for key in labels], of.columns, known.unit_words, tell=tell)


def _of(flows: nw.LazyFrame[Any], only: Mapping[str, Sequence[str]], codes: set[str]) -> nw.LazyFrame[Any]:
    """Return the flows that rows are made of, codes cut as theirs are."""
    code = nw.col("hs_code")
    for side in ("exporter", "importer"):
        if only.get(side):
            flows = flows.filter(nw.col(side).is_in(list(only[side])))
    products = only.get("products") or ()
    if products:
        asked = [code.str.starts_with(product) for product in products]
        flows = flows.filter(nw.any_horizontal(*asked, ignore_nulls=False))
    if "TOTAL" not in codes and "TOTAL" not in products:
        flows = flows.filter(code != "TOTAL")
        lengths = {len(one) for one in codes}
        if len(lengths) == 1:
            flows = flows.with_columns(code.str.slice(0, lengths.pop()).alias("hs_code"))
    return flows


def _with_amounts(
    table: pa.Table,
    rates: Sequence[float | None],
    columns: Sequence[str],
    unit: str,
    *,
    tell: Callable[[str], None] | None,
) -> pa.Table:
    for name in columns:
        amounts = [
            None if rate is None or value is None else value * rate
            for rate, value in zip(rates, table[name].to_pylist(), strict=True)
        ]
        place = table.column_names.index(name) + 1
        table = table.add_column(
            place, f"{name.removesuffix('_usd')}_amount", pa.array(amounts, pa.float64())
        )
    table = table.append_column("amount_unit", pa.array([unit] * table.num_rows, pa.string()))
    unknown = sum(rate is None for rate in rates)
    if tell is not None:
        lacking = f"; {unknown:,} of {table.num_rows:,} rows have none" if unknown else ""
        tell(f"amounts in {unit} stand beside the dollars, at the rate of each row's flows{lacking}")
    return table
