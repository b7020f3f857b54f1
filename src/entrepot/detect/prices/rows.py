"""Values and amounts of one book as arrays: one unit, nothing estimated unless it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.detect.gaps.calendar import numbered
from entrepot.errors import CoverageError
from entrepot.nomenclature import exact_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.prices.options import PriceOptions

__all__ = ["PRICE_COLUMNS", "PriceRows", "load_prices"]

#: What is read of a book. ``is_estimated`` may be missing: nothing is known to be estimated then.
PRICE_COLUMNS = ("exporter", "importer", "hs_code", "period", "value_usd", "amount", "unit", "is_estimated")
_ARRAYS = ("exporter", "importer", "product", "period", "usd", "priced_usd", "amount")


@dataclass(frozen=True, slots=True, eq=False)
class PriceRows:
    """n flows of one book: exporter × importer × product × period.

    Attributes
    ----------
    exporter, importer, product, period : (n,)
        Positions in ``areas``, ``products`` and ``periods``.
    usd : (n,)
        Value as reported.
    priced_usd, amount : (n,)
        Value and amount of the part that has a usable amount; zero where none has.
    areas, products, periods
        Codes; periods in their order.
    published : (areas, periods)
        Whether the area's own book has any row of the period.
    left_out
        Rows of which a part was not priced, by reason.
    """

    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    product: NDArray[np.int64]
    period: NDArray[np.int64]
    usd: NDArray[np.float64]
    priced_usd: NDArray[np.float64]
    amount: NDArray[np.float64]
    areas: tuple[str, ...]
    products: tuple[str, ...]
    periods: tuple[str, ...]
    published: NDArray[np.bool_]
    left_out: dict[str, int]

    @property
    def log_unit_value(self) -> NDArray[np.float64]:
        """(n,) Log of value over amount; NaN where there is no amount."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.amount > 0, np.log(self.priced_usd / self.amount), np.nan)

    def only(self, at: NDArray[Any]) -> PriceRows:
        """Return the rows under a mask, or in an order."""
        return replace(self, **{name: getattr(self, name)[at] for name in _ARRAYS})

    def supplier_product(self) -> NDArray[np.int64]:
        """Return (n,) the number of the exporter and product."""
        return self.exporter * len(self.products) + self.product


def load_prices(book: nw.LazyFrame[Any], options: PriceOptions) -> PriceRows:
    """Return the flows of a book with what can be priced. Two queries.

    Parameters
    ----------
    book
        :data:`PRICE_COLUMNS`; several rows of one flow and period are added.
    options
        Areas, products, unit, what becomes of estimates. Importers are not looked at: all buyers are needed.

    Raises
    ------
    CoverageError
        No such flow has an amount in the unit.

    *Missing data*: a row without an amount, with an amount of zero, in a unit that cannot be turned into the
    one asked for, or with an amount that was estimated (unless these are used) keeps its value and has no
    part in unit values.
    """
    table: pa.Table = (
        book.filter(_wanted(options)).select(*PRICE_COLUMNS).collect(backend="pyarrow").to_native()
    )
    side = options.book
    seen: pa.Table = (
        book.filter(nw.col("hs_code") != "TOTAL")
        .select(side, "period")
        .unique([side, "period"])
        .collect(backend="pyarrow")
        .to_native()
    )
    amount, left_out = _amounts(table, options)
    if not (amount > 0).any():
        raise _nothing_priced(table, left_out, options)
    areas = pa.concat_arrays([pc.unique(table[name]) for name in ("exporter", "importer")]).unique().sort()
    codes = table["hs_code"].unique().sort()
    periods = pa.concat_arrays([pc.unique(seen["period"])]).sort()
    index = [
        numbered(table[name], words)
        for name, words in (("exporter", areas), ("importer", areas), ("hs_code", codes), ("period", periods))
    ]
    keys, flow = np.unique(np.stack(index), axis=1, return_inverse=True)
    usd = _floats(table["value_usd"])

    def added(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(flow, weights=values, minlength=keys.shape[1]).astype(np.float64)

    published = np.zeros((len(areas), len(periods)), dtype=bool)
    who, when = numbered(seen[side], areas), numbered(seen["period"], periods)
    published[who[who >= 0], when[who >= 0]] = True
    exporter, importer, product, period = keys
    return PriceRows(
        exporter, importer, product, period, added(usd), added(np.where(amount > 0, usd, 0.0)), added(amount),
        tuple(areas.to_pylist()), tuple(codes.to_pylist()), tuple(periods.to_pylist()), published, left_out,
    )  # fmt: skip


def _nothing_priced(table: pa.Table, left_out: dict[str, int], options: PriceOptions) -> CoverageError:
    """Return the error that says why no flow has a usable amount: each reason has another way out."""
    other = "importer" if options.book == "exporter" else "exporter"
    what, hint = (
        f"no flow asked for has an amount in {options.unit}",
        f"try the other side's reports with --book {other}, or ask for more products, areas or periods",
    )
    if not table.num_rows:
        what = "no flow asked for is there"
    elif left_out["estimated by the publisher"]:
        what += f"; rows whose amount the publisher estimated: {left_out['estimated by the publisher']:,}"
        hint = "--estimated use takes them in"
    elif left_out["another unit"]:
        counted = _floats(table["amount"]) > 0
        units = sorted({unit or "not named" for unit in table["unit"].filter(pa.array(counted)).to_pylist()})
        what += f"; rows with another unit: {left_out['another unit']:,} ({', '.join(units)})"
        hint = "ask for it with --unit"
    else:
        what += f"; rows with a value and no weight or quantity: {left_out['no amount']:,}"
        hint = f"unit values need both: ingest files that give amounts, or try --book {other}"
    return CoverageError(what, where=f"the {options.book}s' book", hint=hint)


def _wanted(options: PriceOptions) -> nw.Expr:
    code, usd = nw.col("hs_code"), nw.col("value_usd")
    wanted = (code != "TOTAL") & (nw.col("exporter") != nw.col("importer")) & (usd > 0)
    if options.products:
        wanted &= nw.any_horizontal(
            *[code.str.starts_with(one) for one in options.products], ignore_nulls=False
        )
    if options.exporters:
        wanted &= nw.col("exporter").is_in(list(options.exporters))
    return wanted


def _amounts(table: pa.Table, options: PriceOptions) -> tuple[NDArray[np.float64], dict[str, int]]:
    """Return amounts in the unit asked for, zero where there is none that counts, and why rows have none."""
    amount = np.nan_to_num(_floats(table["amount"]))
    units = table["unit"].to_pylist()
    exact = exact_units()
    bases = {unit: exact.get(unit, (unit, 1.0)) for unit in set(units) if unit is not None}
    factor = np.array(
        [bases[unit][1] if unit in bases and bases[unit][0] == options.unit else 0.0 for unit in units]
    )
    guessed = pc.fill_null(table["is_estimated"].cast(pa.bool_()), fill_value=False)
    is_estimated = guessed.to_numpy(zero_copy_only=False).astype(bool)
    has_none, is_other = amount <= 0, factor == 0.0
    unused = is_estimated if options.estimated == "leave_out" else np.zeros(amount.size, dtype=bool)
    left_out = {
        "no amount": int(has_none.sum()),
        "another unit": int((~has_none & is_other).sum()),
        "estimated by the publisher": int((~has_none & ~is_other & unused).sum()),
    }
    return np.where(has_none | is_other | unused, 0.0, amount * factor), left_out


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
