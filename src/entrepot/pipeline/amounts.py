"""What is measured of flows: dollars, euro, kilograms or units, at the prices of the time or of a base."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import narwhals as nw
import pyarrow.compute as pc

from entrepot.engine import small_table
from entrepot.errors import CoverageError, OptionError
from entrepot.measures.spans import Window, parse_window
from entrepot.nomenclature import exact_units
from entrepot.sources.rates import ecb_rates

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from entrepot.engine import FrameEngine

__all__ = ["VALUES", "Amount", "Value", "with_amount"]

Value = Literal["value_usd", "value_eur", "net_weight_kg", "quantity"]
VALUES: tuple[Value, ...] = get_args(Value)
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What is measured of flows.

    Attributes
    ----------
    value
        ``value_usd``, ``value_eur`` (the European Central Bank's mean rate of the period), ``net_weight_kg``
        or ``quantity``.
    unit
        Of ``quantity``: the unit, such as ``u`` (pieces); when empty, the only one that the flows have.
    deflator
        A price index, as :func:`entrepot.read_deflator` reads it: values at constant prices.
    prices_of
        Period, or ``first:last`` of them, whose prices they are.
    """

    value: Value = "value_usd"
    unit: str = ""
    deflator: pa.Table | None = None
    prices_of: str | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.value not in VALUES:
            _refuse(f"{self.value!r} is no amount", "value", f"there are {', '.join(VALUES)}")
        if self.unit and self.value != "quantity":
            _refuse("a unit is one of quantities", "--unit", "add --value units")
        if (self.deflator is None) != (self.prices_of is None):
            _refuse(
                "constant prices need an index, and the period whose prices they are",
                "--deflator and --prices-of",
                "--deflator index.csv --prices-of 2021",
            )
        if self.deflator is not None and self.value not in {"value_usd", "value_eur"}:
            _refuse("weights and numbers have no prices", "--deflator", "leave it out, or ask for values")
        if self.prices_of is not None:
            parse_window(self.prices_of, option="--prices-of")

    @property
    def column(self) -> str:
        """The column that has it."""
        return self.value if self.deflator is None else f"constant_{self.value}"

    @property
    def unit_words(self) -> str:
        """The unit in words: ``EUR``, ``kg``, ``u``, ``USD at prices of 2021``."""
        unit = {"value_usd": "USD", "value_eur": "EUR", "net_weight_kg": "kg"}.get(
            self.value, self.unit or "units"
        )
        return unit if self.prices_of is None else f"{unit} at prices of {self.prices_of}"


def _refuse(what: str, where: str, hint: str) -> None:
    raise OptionError(what, where=where, hint=hint)


def with_amount(
    engine: FrameEngine,
    flows: nw.LazyFrame[Any],
    amount: Amount,
    *,
    tell: Callable[[str], None] | None = None,
) -> tuple[nw.LazyFrame[Any], Amount]:
    """Return flows with the column of an amount, and the amount with the unit that its quantities are in.

    Parameters
    ----------
    engine
        Where they live.
    flows
        ``exporter, importer, hs_code, period, value_usd, net_weight_kg, quantity, quantity_unit``.
    amount
        What is measured.
    tell
        Told what could not be turned into it.

    *Missing data*: null where a period has no rate or no price index, or a quantity another unit.

    Raises
    ------
    CoverageError
        The price index has no row for the flows, or none for the period whose prices are asked for; or the
        flows have no quantities.
    OptionError
        Quantities are of several units, and none is chosen; or none of them is of the one chosen.
    """
    if amount.value == "value_eur":
        euro = ecb_rates().filter(pc.field("currency") == "EUR").select(["period", "per_usd"])
        flows = (
            flows.join(engine.arrow_frame(euro), on="period", how="left")
            .with_columns((nw.col("value_usd") * nw.col("per_usd")).alias("value_eur"))
            .drop("per_usd")
        )
        _tell_of_no_rate(flows, tell=tell)
    if amount.value == "quantity":
        flows, unit = _of_one_unit(flows, amount.unit, tell=tell)
        amount = replace(amount, unit=unit)
    if amount.deflator is not None:
        flows = _at_constant_prices(engine, flows, amount, tell=tell)
    return flows, amount


def _tell_of_no_rate(flows: nw.LazyFrame[Any], *, tell: Callable[[str], None] | None) -> None:
    if tell is None:
        return
    lacking = flows.filter(nw.col("value_eur").is_null() & ~nw.col("value_usd").is_null())
    rows = small_table(lacking.select("period").unique().to_native(), what="periods without a rate")
    periods = sorted(rows["period"].to_pylist())
    if periods:
        span = periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]} ({len(periods)} periods)"
        tell(f"there is no euro rate of {span}: values in euro are not known there")


def _of_one_unit(
    flows: nw.LazyFrame[Any], unit: str, *, tell: Callable[[str], None] | None
) -> tuple[nw.LazyFrame[Any], str]:
    """Return flows with quantities of one unit, and the unit; other quantities are null."""
    exact = exact_units()
    counts = flows.group_by("quantity_unit").agg(nw.len().alias("rows"), nw.col("value_usd").sum())
    rows = small_table(counts.to_native(), what="units").to_pylist()
    values: dict[str, float] = {}
    for row in rows:
        base = exact.get(row["quantity_unit"] or "", (row["quantity_unit"] or "", 1.0))[0]
        values[base] = values.get(base, 0.0) + (row["value_usd"] or 0.0)
    known = sorted((name for name in values if name), key=lambda name: -values[name])
    chosen = exact.get(unit, (unit, 1.0))[0] if unit else known[0] if len(known) == 1 else ""
    if not known:
        raise CoverageError(
            "the flows have no quantities", where="--value units", hint="ask for weights: --value kg"
        )
    if chosen not in known:
        whole = sum(values.values())
        listed = ", ".join(f"{name} ({values[name] / whole:.0%})" for name in known[:_MOST_NAMED])
        raise OptionError(
            f"quantities are in {listed} of the value",
            where=f"--unit {unit}" if unit else "--value units",
            hint="choose one: --unit u; or name goods that are counted in one",
        )
    none = sum(value for name, value in values.items() if name != chosen)
    if none and tell is not None:
        share = none / sum(values.values())
        tell(f"{share:.1%} of the value has no quantity in {chosen}: sums with it are left empty")
    factor = nw.lit(1.0)
    for name, (base, size) in exact.items():
        if base == chosen:
            factor = nw.when(nw.col("quantity_unit") == name).then(nw.lit(size)).otherwise(factor)
    fits = nw.col("quantity_unit").is_in(
        [chosen, *[name for name, (base, _) in exact.items() if base == chosen]]
    )
    return flows.with_columns(nw.when(fits).then(nw.col("quantity") * factor).alias("quantity")), chosen


def _at_constant_prices(
    engine: FrameEngine, flows: nw.LazyFrame[Any], amount: Amount, *, tell: Callable[[str], None] | None
) -> nw.LazyFrame[Any]:
    r"""Return flows with their value at the prices of a base.

    *Formula*  constant_t = value_t · mean_{s in base} index_s / index_t.
    """
    deflator = amount.deflator
    if deflator is None:
        raise AssertionError
    base = _base(amount.prices_of or "", is_monthly=len(deflator["period"][0].as_py()) > 4)
    keys = [name for name in deflator.column_names if name not in {"period", "index"}]
    index: nw.LazyFrame[Any] = engine.arrow_frame(deflator)
    group = keys or ["__all"]
    means = (
        index.with_columns(nw.lit(1).alias("__all"))
        .filter(base.holds())
        .group_by(*group)
        .agg(nw.col("index").mean().alias("__base"), nw.len().alias("__periods"))
        .filter(nw.col("__periods") == base.length)
        .select(*group, "__base")
    )
    level = index.with_columns(nw.lit(1).alias("__all")).join(means, on=group, how="inner")
    level = level.with_columns((nw.col("__base") / nw.col("index")).alias("__level"))
    on = ["period", *keys]
    if "hs_code" in keys:
        length = len(deflator["hs_code"][0].as_py())
        flows = flows.with_columns(nw.col("hs_code").str.slice(0, length).alias("__code"))
        level = level.rename({"hs_code": "__code"})
        on = ["__code" if name == "hs_code" else name for name in on]
    found = flows.join(level.select(*on, "__level"), on=on, how="left")
    found = found.with_columns((nw.col(amount.value) * nw.col("__level")).alias(amount.column))
    _tell_of_holes(found, amount, tell=tell)
    return found.drop("__level", *(["__code"] if "__code" in on else []))


def _base(prices_of: str, *, is_monthly: bool) -> Window:
    """Return the window whose prices are taken: of months, a year is its twelve."""
    first, _, last = prices_of.partition(":")
    if is_monthly and len(first) == 4:
        prices_of = f"{first}-01:{last or first}-12"
    return parse_window(prices_of, option="--prices-of")


def _tell_of_holes(found: nw.LazyFrame[Any], amount: Amount, *, tell: Callable[[str], None] | None) -> None:
    whole = found.group_by("period").agg(
        nw.col(amount.value).sum().alias("whole"),
        nw.col(amount.value).count().alias("known"),
        nw.col("__level").count().alias("priced"),
    )
    rows = small_table(whole.to_native(), what="periods with prices").to_pylist()
    if not any(row["priced"] for row in rows):
        raise CoverageError(
            "the price index has no row for these flows, or lacks a period of the base",
            where=f"periods {min(row['period'] for row in rows)} to {max(row['period'] for row in rows)}, "
            f"base {amount.prices_of}",
            hint="its periods must be written as those of the flows (2022 of years, 2022-03 of months), its "
            "areas as ISO alpha-3, and every period of --prices-of must be there",
        )
    holes = sorted(row["period"] for row in rows if row["priced"] < row["known"])
    if holes and tell is not None:
        more = f" and {len(holes) - _MOST_NAMED} more" if len(holes) > _MOST_NAMED else ""
        tell(
            f"the price index lacks rows for {', '.join(holes[:_MOST_NAMED])}{more}: values at "
            "constant prices are not known there, and sums with them are left empty"
        )
