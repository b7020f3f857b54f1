"""Unit values far from what the same supplier takes from its other buyers in the same period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.periods import parse_span, period_text
from entrepot.errors import CoverageError
from entrepot.schema import PRICE_OUTLIER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.prices.options import PriceOptions
    from entrepot.detect.prices.rows import PriceRows

__all__ = ["PriceDistance", "believed_logs", "outlier_table", "price_distances"]

_FEWEST_BUYERS = 5  # a median of fewer is anybody's
_MAD = 1.4826
_LEAST_SD = 0.05  # unit values are rounded: a spread under 5% is none
_PRIOR = 20.0  # rows that the product's spread is worth


@dataclass(frozen=True, slots=True, eq=False)
class PriceDistance:
    """How far n unit values are from their group's.

    Attributes
    ----------
    usual : (n,)
        Log of the median unit value of the supplier's buyers of the product in the period; NaN where they
        are fewer than five.
    buyers : (n,)
        Those buyers.
    z : (n,)
        Log distance over the supplier's usual spread; NaN where ``usual`` is.
    """

    usual: NDArray[np.float64]
    buyers: NDArray[np.int64]
    z: NDArray[np.float64]


def price_distances(rows: PriceRows) -> PriceDistance:
    """Return how far each unit value is from those of the supplier's other buyers.

    *Formula*: z = (ln u − median ln u) / s within supplier × product × period; s = 1.4826 · median |ln u −
    median| over all periods of the supplier and product, drawn to the product's with n / (n + 20), 0.05 at
    least.

    Parameters
    ----------
    rows
        Flows of one book.

    References
    ----------
    Iglewicz and Hoaglin (1993), *How to Detect and Handle Outliers*, ASQC.
    """
    logs = rows.log_unit_value
    known = np.isfinite(logs)
    _, group = np.unique(
        np.where(known, rows.supplier_product() * len(rows.periods) + rows.period, -1), return_inverse=True
    )
    group = np.where(known, group, -1).astype(np.int64)
    size = int(group.max(initial=-1)) + 1
    ones, safe = np.ones(logs.size), np.where(known, logs, 0.0)
    middle = _middle(safe, group, size)
    count = np.bincount(group[known], minlength=size)
    buyers = np.where(known, count[group], 0)
    judged = known & (buyers >= _FEWEST_BUYERS)
    distance = np.where(judged, safe - middle[group], np.nan)

    of_supplier, supplier_sd, supplier_n = _spread(rows.supplier_product(), distance, judged, ones)
    of_product, product_sd, _ = _spread(rows.product, distance, judged, ones)
    own, all_ = supplier_sd[of_supplier], product_sd[of_product]
    weight = supplier_n[of_supplier] / (supplier_n[of_supplier] + _PRIOR)
    spread = np.maximum(weight * np.nan_to_num(own) + (1 - weight) * np.nan_to_num(all_), _LEAST_SD)
    return PriceDistance(
        usual=np.where(judged, middle[group], np.nan),
        buyers=buyers,
        z=np.where(judged, distance / spread, np.nan),
    )


def believed_logs(
    values: NDArray[np.float64], group: NDArray[np.int64], threshold: float
) -> NDArray[np.bool_]:
    """Return (n,) which logs are no outliers among those of their own group: a flow in a window.

    *Formula*: |v − median| < threshold · s; s = 1.4826 · median |v − median| of the group, drawn to that of
    all groups with n / (n + 20), 0.05 at least. Against other buyers a true mark-up would be an outlier.

    Parameters
    ----------
    values : (n,)
        Finite numbers.
    group : (n,)
        Their groups, from 0.
    threshold
        Robust z from which a value is an outlier.
    """
    size, ones = int(group.max(initial=-1)) + 1, np.ones(values.size)
    distance = np.abs(values - _middle(values, group, size)[group])
    own = grouped_median(distance, ones, group, size)
    all_ = float(np.median(distance)) if distance.size else 0.0
    spread = _MAD * (own.count * np.nan_to_num(own.value) + _PRIOR * all_) / (own.count + _PRIOR)
    found: NDArray[np.bool_] = distance < threshold * np.maximum(spread, _LEAST_SD)[group]
    return found


def _middle(values: NDArray[np.float64], group: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the median of each group, halfway between the two middle ones."""
    ones = np.ones(values.size)
    low = grouped_median(values, ones, group, size).value
    high = -grouped_median(-values, ones, group, size).value
    return 0.5 * (low + high)


def _spread(
    keys: NDArray[np.int64],
    distance: NDArray[np.float64],
    judged: NDArray[np.bool_],
    ones: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    held, place = np.unique(keys, return_inverse=True)
    group = np.where(judged, place, -1).astype(np.int64)
    found = grouped_median(np.where(judged, np.abs(distance), 0.0), ones, group, held.size)
    return place, _MAD * found.value, found.count


def outlier_table(rows: PriceRows, options: PriceOptions) -> pa.Table:
    """Return the unit values that are far from usual, the largest difference in USD first.

    Parameters
    ----------
    rows
        Flows of one book, all buyers.
    options
        Importers and periods to show, threshold.

    Returns
    -------
    table
        Columns of ``out__price_outlier``. **Grain**: exporter × importer × product × period.

    Raises
    ------
    CoverageError
        Nowhere are there five buyers to compare.
    """
    found = price_distances(rows)
    judged = np.isfinite(found.z)
    if not judged.any():
        raise CoverageError(
            f"no supplier has {_FEWEST_BUYERS} buyers of a product in one period",
            where=f"the {options.book}s' book",
            hint="ask for more exporters or shorter codes, or use years with --freq A",
        )
    logs = rows.log_unit_value
    pair = rows.supplier_product() * len(rows.areas) + rows.importer
    _, place = np.unique(pair, return_inverse=True)
    group = np.where(judged, place, -1).astype(np.int64)
    own = _middle(np.where(judged, logs - found.usual, 0.0), group, int(place.max(initial=0)) + 1)[place]
    rank = np.sort(np.abs(found.z[judged]))
    usual = np.exp(found.usual)
    shown = judged & (np.abs(found.z) >= options.threshold) & _asked(rows, options)
    difference = rows.priced_usd - rows.amount * usual
    at = np.nonzero(shown)[0]
    at = at[np.lexsort((rows.period[at], rows.product[at], rows.importer[at], -np.abs(difference[at])))]
    z = found.z[at]
    columns = {
        "exporter": [rows.areas[i] for i in rows.exporter[at]],
        "importer": [rows.areas[i] for i in rows.importer[at]],
        "hs_code": [rows.products[i] for i in rows.product[at]],
        "period": [rows.periods[i] for i in rows.period[at]],
        "unit": [options.unit] * at.size,
        "priced_usd": rows.priced_usd[at],
        "amount": rows.amount[at],
        "unit_value": np.exp(logs[at]),
        "usual_unit_value": usual[at],
        "unit_value_ratio": np.exp(logs[at] - found.usual[at]),
        "pair_ratio": np.exp(own[at]),
        "price_z": z,
        "z_share": (rank.size - np.searchsorted(rank, np.abs(z), side="left")) / rank.size,
        "invoicing": np.where(z > 0, "over", "under").tolist(),
        "difference_usd": difference[at],
        "buyers": found.buyers[at],
    }
    return pa.table([columns[name] for name in PRICE_OUTLIER.columns], schema=PRICE_OUTLIER.arrow_schema())


def _asked(rows: PriceRows, options: PriceOptions) -> NDArray[np.bool_]:
    asked = np.ones(rows.usd.size, dtype=bool)
    if options.importers:
        asked &= np.isin(rows.importer, [i for i, code in enumerate(rows.areas) if code in options.importers])
    if options.periods:
        is_monthly = "-" in options.periods
        first, last = (
            period_text(end, is_monthly=is_monthly) for end in parse_span(options.periods, option="--periods")
        )
        asked &= np.isin(rows.period, [i for i, text in enumerate(rows.periods) if first <= text <= last])
    return asked
