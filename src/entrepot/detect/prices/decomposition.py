"""A change of value as price and volume, by Fisher's and Törnqvist's indices; the parts add up exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from entrepot.detect.prices.outliers import believed_logs
from entrepot.detect.prices.windows import price_windows
from entrepot.errors import CoverageError
from entrepot.schema import PRICE_CHANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.prices.options import PriceOptions
    from entrepot.detect.prices.rows import PriceRows

__all__ = ["PriceIndices", "decomposition_table", "logarithmic_mean", "price_indices"]

_PRICED = 0.8  # share of a flow's value whose unit value stands for the whole
_MAD = 1.4826
_LEAST_SD = 0.3  # of log changes: prices may well double


@dataclass(frozen=True, slots=True, eq=False)
class PriceIndices:
    """Indices of g groups, after over before.

    Attributes
    ----------
    laspeyres, paasche, fisher, tornqvist : (g,)
        Price indices; NaN for a group without items.
    value : (g,)
        Value after over value before.
    """

    laspeyres: NDArray[np.float64]
    paasche: NDArray[np.float64]
    fisher: NDArray[np.float64]
    tornqvist: NDArray[np.float64]
    value: NDArray[np.float64]


def logarithmic_mean(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (a − b) / ln(a / b), and a where both are equal.

    Differences are ratios on its scale: a − b = L(a, b) · (ln p + ln q) for any p · q = a / b.
    """
    ratio = np.log(a / b)
    near = np.abs(ratio) < 1e-6
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(near, np.sqrt(a * b) * (1 + ratio**2 / 24), (a - b) / ratio)


def price_indices(
    before: tuple[NDArray[np.float64], NDArray[np.float64]],
    after: tuple[NDArray[np.float64], NDArray[np.float64]],
    group: NDArray[np.int64],
    groups: int,
) -> PriceIndices:
    """Return the indices of groups of items.

    *Formula*: Laspeyres Σ p¹q⁰ / Σ p⁰q⁰, Paasche Σ p¹q¹ / Σ p⁰q¹, Fisher √(Laspeyres · Paasche), Törnqvist
    Π (p¹/p⁰)^((s⁰ + s¹) / 2) with s the shares in value.

    Parameters
    ----------
    before, after : (n,), (n,)
        Value and quantity of each item, all positive.
    group : (n,)
        Group of each item.
    groups
        Number of groups.

    References
    ----------
    Fisher (1922), *The Making of Index Numbers*; Törnqvist (1936); *Export and Import Price Index Manual*
    (IMF 2009), chapter 16.
    """
    (v0, q0), (v1, q1) = before, after
    p0, p1 = v0 / q0, v1 / q1

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64)

    with np.errstate(divide="ignore", invalid="ignore"):
        sum0, sum1 = total(v0), total(v1)
        laspeyres, paasche = total(p1 * q0) / sum0, sum1 / total(p0 * q1)
        share = 0.5 * (v0 / sum0[group] + v1 / sum1[group])
        tornqvist = np.where(sum0 > 0, np.exp(total(share * np.log(p1 / p0))), np.nan)
        return PriceIndices(laspeyres, paasche, np.sqrt(laspeyres * paasche), tornqvist, sum1 / sum0)


def decomposition_table(rows: PriceRows, options: PriceOptions) -> pa.Table:
    """Return changes of value taken apart, the largest first.

    Items are flows (exporter × importer × product). Those with a unit value in both windows make price and
    volume; those that came or went, and those that cannot be priced, stand apart.

    *Formula*: change = price + volume + entered − left + unpriced. With V the value of the priced items and P
    an index, price = L(V¹, V⁰) · ln P and volume = L(V¹, V⁰) · ln(V¹ / V⁰ / P), L the logarithmic mean.

    Parameters
    ----------
    rows
        Flows of one book.
    options
        Importers, windows, keys, threshold.

    Returns
    -------
    table
        Columns of ``out__price_change``. **Grain**: the keys asked for. Values before are scaled to as many
        periods as the reporter published after.

    *Missing data*: an item is not priced where less than 80% of its value has an amount and a unit value like
    that of its other periods, or its unit value moved by a robust z beyond the threshold against the other
    items. Reporters that published nothing of
    one window are left out.

    Raises
    ------
    CoverageError
        No reporter published both windows.
    OptionError
        There is no event, or a window holds no period.
    """
    windows = price_windows(rows, options)
    reporter = rows.exporter if options.book == "exporter" else rows.importer
    months = [(rows.published & window).sum(axis=1) for window in (windows.before, windows.after)]
    kept = (np.minimum(*months) > 0)[reporter] & (windows.before | windows.after)[rows.period]
    if options.importers:
        kept &= np.isin(rows.importer, [i for i, code in enumerate(rows.areas) if code in options.importers])
    rows = rows.only(kept)
    if not rows.usd.size:
        raise CoverageError(
            "no flow asked for is of a reporter that published both windows",
            where=windows.pair.label,
            hint="see who published when with `entrepot calendar`, and move --before or --after",
        )
    items, item = np.unique(
        np.stack([rows.exporter, rows.importer, rows.product]), axis=1, return_inverse=True
    )
    priced_usd, amount = _without_outliers(rows, 2 * item + windows.after[rows.period], options.threshold)
    scale = (months[1] / np.maximum(months[0], 1))[items[0] if options.book == "exporter" else items[1]]

    def total(values: NDArray[np.float64], window: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(item, weights=values * window[rows.period], minlength=items.shape[1]).astype(
            np.float64
        )

    sums = {
        name: (total(values, windows.before) * scale, total(values, windows.after))
        for name, values in (("usd", rows.usd), ("priced", priced_usd), ("amount", amount))
    }
    v0, v1 = sums["usd"]
    priced = _priced(sums, items[2], options.threshold)
    names = ("exporter", "importer", "hs_code")
    by = np.stack(
        [items[at] if name in options.by else np.full(v0.size, -1) for at, name in enumerate(names)]
    )
    groups, group = np.unique(by, axis=1, return_inverse=True)
    return _table(rows, options, (groups, group), (v0, v1), sums, priced)


def _without_outliers(
    rows: PriceRows, group: NDArray[np.int64], threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return priced values and amounts; zero where a unit value is an outlier in its flow and window."""
    logs = rows.log_unit_value
    believed = np.isfinite(logs)
    believed[believed] = believed_logs(logs[believed], group[believed], threshold)
    return np.where(believed, rows.priced_usd, 0.0), np.where(believed, rows.amount, 0.0)


def _priced(
    sums: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    product: NDArray[np.int64],
    threshold: float,
) -> NDArray[np.bool_]:
    """Return which items have a unit value in both windows that can be believed."""
    priced = np.ones(product.size, dtype=bool)
    for at in (0, 1):
        usd, part, amount = (sums[name][at] for name in ("usd", "priced", "amount"))
        priced &= (usd > 0) & (amount > 0) & (part >= _PRICED * usd)
    ratio = np.zeros(product.size)
    ratio[priced] = np.log(
        sums["priced"][1][priced]
        / sums["amount"][1][priced]
        / (sums["priced"][0][priced] / sums["amount"][0][priced])
    )
    if priced.any():
        centre = np.median(ratio[priced])
        spread = max(_MAD * float(np.median(np.abs(ratio[priced] - centre))), _LEAST_SD)
        priced &= np.abs(ratio - centre) < threshold * spread
    return priced


def _table(
    rows: PriceRows,
    options: PriceOptions,
    index: tuple[NDArray[np.int64], NDArray[np.int64]],
    values: tuple[NDArray[np.float64], NDArray[np.float64]],
    sums: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    priced: NDArray[np.bool_],
) -> pa.Table:
    (groups, group), (v0, v1) = index, values
    size = groups.shape[1]

    def total(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(group, weights=amounts, minlength=size).astype(np.float64)

    # The unit value of the weighed part stands for the whole flow: its quantity grows with it.
    before, after = (
        (usd[priced], usd[priced] / (sums["priced"][at][priced] / sums["amount"][at][priced]))
        for at, usd in enumerate((v0, v1))
    )
    found = price_indices(before, after, group[priced], size)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = logarithmic_mean(total(np.where(priced, v1, 0.0)), total(np.where(priced, v0, 0.0)))
        effects = {
            f"{name}_{part}_usd": mean * np.log(factor)
            for name, price in (("fisher", found.fisher), ("tornqvist", found.tornqvist))
            for part, factor in (("price", price), ("volume", found.value / price))
        }
    entered, left = (v0 == 0) & ~priced, (v1 == 0) & ~priced
    unpriced = ~priced & ~entered & ~left
    columns: dict[str, Any] = {
        "exporter": _coded(groups[0], rows.areas),
        "importer": _coded(groups[1], rows.areas),
        "hs_code": _coded(groups[2], rows.products),
        "unit": pa.array([options.unit] * size),
        "value_before_usd": pa.array(total(v0)),
        "value_after_usd": pa.array(total(v1)),
        "value_change_usd": pa.array(total(v1) - total(v0)),
        "entered_usd": pa.array(total(np.where(entered, v1, 0.0))),
        "left_usd": pa.array(total(np.where(left, v0, 0.0))),
        "unpriced_change_usd": pa.array(total(np.where(unpriced, v1 - v0, 0.0))),
        "laspeyres_price": _known(found.laspeyres),
        "paasche_price": _known(found.paasche),
        "fisher_price": _known(found.fisher),
        "fisher_volume": _known(found.value / found.fisher),
        "tornqvist_price": _known(found.tornqvist),
        "tornqvist_volume": _known(found.value / found.tornqvist),
        "items": pa.array(np.bincount(group, weights=priced, minlength=size).astype(np.int64)),
        "priced_share": _known(total(np.where(priced, v0 + v1, 0.0)) / total(v0 + v1)),
    } | {name: _known(amounts) for name, amounts in effects.items()}
    table = pa.table([columns[name] for name in PRICE_CHANGE.columns], schema=PRICE_CHANGE.arrow_schema())
    return table.take(pa.array(np.argsort(-np.abs(total(v1) - total(v0)), kind="stable")))


def _known(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _coded(index: NDArray[np.int64], words: Sequence[str]) -> pa.Array:
    return pa.array(list(words), pa.string()).take(pa.array(index, mask=index < 0))
