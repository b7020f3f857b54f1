"""From corridors to findings: rows with intervals, q-values and the figures they were made of."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.calibration import group_ids
from entrepot.schema import DETOUR, DetourKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.calibration import Calibration, Interval, SpikeRun
    from entrepot.detect.cells import Cells

__all__ = ["KEYS", "Parts", "detour_table", "q_values", "withheld"]

#: Keys of a result and the attribute of parts and runs that holds them.
KEYS = {"origin": "origin", "hub": "hub", "destination": "destination", "hs_code": "product"}

#: A finding is withheld where a placebo gives more than this share of it.
LARGEST_PLACEBO_SHARE = 0.2

#: Part of a sum's value that must have a weight before the sum is given one.
MOSTLY_WEIGHED = 0.8

_FEWEST_OF_KIND = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """Amounts at the finest grain, with their legs.

    Attributes
    ----------
    origin, hub, destination, product : (m,)
        Indices into the areas and products.
    period : (m,)
        Text of the period, or empty for the whole after-window.
    usd, kg : (m,)
        Amount; kg is NaN where the inbound leg has no weight.
    is_onward_observed : (m,)
        Whether the onward leg bounds the amount.
    inbound, direct, onward : (m,)
        Index of the legs' cells in ``cells``; -1 where there is none.
    """

    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    period: NDArray[np.str_]
    usd: NDArray[np.float64]
    kg: NDArray[np.float64]
    is_onward_observed: NDArray[np.bool_]
    inbound: NDArray[np.int64]
    direct: NDArray[np.int64]
    onward: NDArray[np.int64]

    def only(self, mask: NDArray[np.bool_]) -> Parts:
        """Return the parts under a mask."""
        return self._take(np.flatnonzero(mask))

    def joined(self, other: Parts) -> Parts:
        """Return these parts and others."""
        pairs = {field.name: (getattr(self, field.name), getattr(other, field.name)) for field in fields(self)}
        return Parts(**{name: np.concatenate(pair) for name, pair in pairs.items()})

    def spread(self, row: NDArray[np.int64], period: NDArray[np.str_], share: NDArray[np.float64]) -> Parts:
        """Return the parts split over periods: ``share`` of part ``row`` falls into ``period``."""
        taken = self._take(row)
        return replace(taken, period=period, usd=taken.usd * share, kg=taken.kg * share)

    def _take(self, index: NDArray[np.int64]) -> Parts:
        return Parts(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def q_values(found: NDArray[np.float64], decoys: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return for every finding the share of findings as large that placebos give too.

    *Formula*  q(s) = ((1 + decoys ≥ s) ÷ decoy sets) ÷ (findings ≥ s), made monotone in s and capped at 1. The
    one keeps a handful of placebos from promising more than they can: a single finding has q ≥ 1/sets.

    Parameters
    ----------
    found : (n,)
        Amounts found.
    decoys
        Amounts found in each placebo, worth what they are in the event's window.

    Returns
    -------
    (n,)
        q-values; NaN without any placebo.
    """
    if not decoys:
        return np.full(found.size, np.nan)
    order = np.argsort(-found, kind="stable")
    ranked = found[order]
    every = np.sort(np.concatenate(list(decoys)))
    as_large = every.size - np.searchsorted(every, ranked, side="left")
    raw = (1 + as_large) / len(decoys) / np.arange(1, found.size + 1)
    monotone = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    q = np.empty(found.size)
    q[order] = monotone
    return np.where(found > 0, q, 1.0)


def withheld(found: NDArray[np.float64], placebo: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean placebo amount as a share of each amount found; zero without placebos."""
    if not placebo:
        return np.zeros(found.size)
    mean = np.mean(np.stack(list(placebo)), axis=0)
    return np.divide(mean, found, out=np.where(mean > 0, np.inf, 0.0), where=found > 0)


def _interval(calibration: Calibration, by: Sequence[str], is_observed: bool | None) -> Interval | None:
    """Return the interval for sums by keys, learnt from runs of the same kind where there are enough."""

    def keys(run: SpikeRun) -> list[NDArray[np.int64]]:
        return [getattr(run, KEYS[name]) for name in by if name in KEYS]

    if is_observed is not None:
        same = calibration.only(is_observed=is_observed)
        if sum(int((run.estimated > 0).sum()) for run in same.runs) >= _FEWEST_OF_KIND:
            return same.interval(keys)
    return calibration.interval(keys)


def detour_table(
    parts: Parts,
    *,
    by: Sequence[str],
    calibration: Calibration,
    decoys: Sequence[Parts],
    hub_placebo_share: NDArray[np.float64],
    cells: Cells,
    expected: NDArray[np.float64],
    labels: tuple[tuple[str, ...], tuple[str, ...]],
    baseline: str,
) -> pa.Table:
    """Sum the parts by keys and put an interval, a q-value and the legs beside each sum.

    Parameters
    ----------
    parts
        Amounts at the finest grain.
    by
        Keys of the rows, of :data:`KEYS` and ``period``.
    calibration
        Spike-in runs.
    decoys
        Parts that placebos gave, worth what they are in the event's window.
    hub_placebo_share : (n_areas,)
        Placebo over event amount of each hub; see :func:`withheld`.
    cells, expected
        The flows that the parts index, and what was expected of them.
    labels
        Codes of areas and of products.
    baseline
        Word for the column.

    Returns
    -------
    pa.Table
        Columns of ``out__detour``, largest first.
    """
    keys = [getattr(parts, KEYS[name]) for name in by if name in KEYS]
    if "period" in by:
        keys.append(np.unique(parts.period, return_inverse=True)[1].astype(np.int64))
    ids = group_ids(keys, parts.usd.size)
    n = int(ids.max()) + 1 if ids.size else 0
    first = np.full(n, -1, dtype=np.int64)
    first[ids[::-1]] = np.arange(ids.size)[::-1]
    usd = np.bincount(ids, weights=parts.usd, minlength=n)
    observed_usd = np.bincount(ids, weights=parts.usd * parts.is_onward_observed, minlength=n)
    kinds = np.bincount(ids, weights=parts.is_onward_observed, minlength=n)
    members = np.bincount(ids, minlength=n)
    all_seen, none_seen = kinds == members, kinds == 0
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    for mask, seen in ((all_seen, True), (none_seen, False), (~all_seen & ~none_seen, None)):
        interval = _interval(calibration, by, seen) if mask.any() else None
        if interval is not None:
            low[mask], high[mask] = interval.around(usd[mask])
    share = _placebo_share(parts, ids, usd, hub_placebo_share)
    is_identified = (share <= LARGEST_PLACEBO_SHARE) & np.isfinite(low)
    status = np.array(
        [
            _status(s, usd=u, has_interval=bool(np.isfinite(v)))
            for s, u, v in zip(share, usd, low, strict=True)
        ],
        dtype=object,
    )
    decoy_sums = [_sums(decoy, by) for decoy in decoys]
    columns: dict[str, object] = {
        name: np.array(labels[name == "hs_code"], dtype=object)[getattr(parts, KEYS[name])[first]]
        if name in by
        else None
        for name in KEYS
    }
    columns["period"] = parts.period[first] if "period" in by else None
    kind = np.full(n, None, dtype=object)
    kind[all_seen], kind[none_seen] = DetourKind.DECLARED.value, DetourKind.ONWARD_UNOBSERVED.value
    columns |= {
        "kind": kind,
        "estimate_usd": np.where(is_identified, usd, np.nan),
        "low_usd": np.where(is_identified, low, np.nan),
        "high_usd": np.where(is_identified, high, np.nan),
        "q_value": q_values(usd, decoy_sums),
        "estimate_kg": np.where(is_identified, _weight(parts, ids, usd), np.nan),
        "status": status,
        "baseline": np.full(n, baseline, dtype=object),
    }
    columns |= _legs(parts, ids, n, cells, expected)
    # No more can have passed than arrived.
    columns["high_usd"] = np.where(usd > 0, columns["high_usd"], np.minimum(columns["high_usd"], columns["after_in_usd"]))
    columns["excess_on_usd"] = np.where(observed_usd > 0, columns["excess_on_usd"], np.nan)
    order = np.argsort(-usd, kind="stable")
    return pa.table(
        {field.name: _column(columns[field.name], field.type, order, n) for field in DETOUR.arrow_schema()}
    )


def _placebo_share(
    parts: Parts, ids: NDArray[np.int64], usd: NDArray[np.float64], of_hub: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the placebo share of each group: that of its hubs, weighted by what passed each."""
    weight = np.where(usd[ids] > 0, parts.usd, 1.0)
    total = np.bincount(ids, weights=weight, minlength=usd.size)
    return np.bincount(ids, weights=weight * np.minimum(of_hub[parts.hub], 1e6), minlength=usd.size) / total


def _weight(parts: Parts, ids: NDArray[np.int64], usd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of each group, scaled up from the weighed part where that is most of the value."""
    weighed = np.isfinite(parts.kg)
    kg = np.bincount(ids[weighed], weights=parts.kg[weighed], minlength=usd.size)
    covered = np.bincount(ids[weighed], weights=parts.usd[weighed], minlength=usd.size)
    enough = (covered >= MOSTLY_WEIGHED * usd) & (covered > 0)
    return np.divide(kg * usd, covered, out=np.full(usd.size, np.nan), where=enough)


def _status(share: float, *, usd: float, has_interval: bool) -> str:
    if not has_interval:
        return "not identified: no months before the event to calibrate on"
    if share > LARGEST_PLACEBO_SHARE:
        return f"not identified: placebo dates give {min(share, 9.99):.0%} of it"
    return "identified" if usd > 0 else "below detection"


def _column(values: object, kind: pa.DataType, order: NDArray[np.int64], n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, kind)
    array = np.asarray(values)[order]
    if array.dtype.kind == "f":
        return pa.array(array, kind, mask=~np.isfinite(array))
    return pa.array(array.tolist(), kind)


def _sums(parts: Parts, by: Sequence[str]) -> NDArray[np.float64]:
    ids = group_ids([getattr(parts, KEYS[name]) for name in by if name in KEYS], parts.usd.size)
    return np.bincount(ids, weights=parts.usd) if ids.size else np.zeros(0)


def _legs(
    parts: Parts, ids: NDArray[np.int64], n: int, cells: Cells, expected: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Sum the legs of each group, every cell once."""

    def total(index: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        there = index >= 0
        distinct = np.unique(np.stack([ids[there], index[there]]), axis=1)
        return np.bincount(distinct[0], weights=values[distinct[1]], minlength=n)

    beyond = cells.after - expected
    over, short = np.maximum(beyond, 0.0), np.maximum(-beyond, 0.0)
    return {
        "excess_in_usd": total(parts.inbound, over),
        "excess_on_usd": total(parts.onward, over),
        "shortfall_usd": total(parts.direct, short),
        "before_in_usd": total(parts.inbound, cells.before),
        "after_in_usd": total(parts.inbound, cells.after),
        "expected_in_usd": total(parts.inbound, expected),
        "before_direct_usd": total(parts.direct, cells.before),
        "after_direct_usd": total(parts.direct, cells.after),
        "expected_direct_usd": total(parts.direct, expected),
        "raw_increase_usd": total(parts.inbound, cells.after - cells.before),
    }
