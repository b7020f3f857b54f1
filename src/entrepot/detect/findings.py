"""From corridors to findings: rows with intervals, q-values and the figures they were made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.baseline import Baseline
from entrepot.detect.corridors import CHAIN, KINDS, kind_number
from entrepot.detect.kernels.sums import each_once, sum_by
from entrepot.detect.parts import OWN_KINDS, RELAY, Keys, words_at
from entrepot.detect.signs import sign_columns
from entrepot.detect.valued import group_rate
from entrepot.schema import DETOUR, VALUED_DETOUR, DetourKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from entrepot.detect.calibration import Calibration, Interval
    from entrepot.detect.cells import Cells
    from entrepot.detect.parts import Parts
    from entrepot.detect.signs import Signs

__all__ = [
    "LARGEST_PLACEBO_SHARE",
    "NOTHING_PLANTED_FOUND",
    "TOO_LITTLE_BEFORE",
    "UNIDENTIFIED_BASELINE",
    "Evidence",
    "detour_table",
    "q_values",
    "withheld",
]

#: A finding is withheld where a placebo gives more than this share of it.
LARGEST_PLACEBO_SHARE = 0.2

#: Status where nothing tells growth from the event.
UNIDENTIFIED_BASELINE = "not identified: nothing in the data tells ordinary growth from the event"

#: Statuses where no interval is known: without placebo dates, and with them.
TOO_LITTLE_BEFORE = "not identified: too little before the event to calibrate on"
NOTHING_PLANTED_FOUND = "not identified: no planted detour was found, so no interval is known"

_FEWEST_OF_KIND = 200

#: Correlation of what planted sets give by chance in one window.
_ALIKE = 0.3

#: What is summed of the legs, and its column.
_LEG_COLUMNS = {
    name: name
    for name in (
        "excess_in_usd",
        "excess_on_usd",
        "before_in_usd",
        "after_in_usd",
        "expected_in_usd",
        "before_direct_usd",
        "after_direct_usd",
        "expected_direct_usd",
    )
} | {"shortfall_direct_usd": "shortfall_usd", "increase_in_usd": "raw_increase_usd"}

_UNOBSERVED = kind_number(DetourKind.ONWARD_UNOBSERVED)


def q_values(
    found: NDArray[np.float64],
    decoys: Sequence[NDArray[np.float64]],
    planted: Sequence[NDArray[np.float64]] = (),
    *,
    windows: int = 0,
) -> NDArray[np.float64]:
    """Return for every finding the share of findings as large that decoys give too.

    *Formula*  q(s) = (decoys ≥ s ÷ sets + 1 ÷ n) ÷ (findings ≥ s), made monotone in s and capped at 1. The
    second term keeps a handful of decoys from promising more than they can: with placebo dates alone n is
    their number, and a single finding has q ≥ 1/n. Planted sets give decoys too, what was found where nothing
    was planted; m of them in one window are alike, and n = sets ÷ (1 + 0.3·(m - 1)) (design effect; Kish
    1965, Survey Sampling, section 5.4). With both q is the larger of what the two kinds give, 1/n being that
    of the planted ones.

    Parameters
    ----------
    found : (n,)
        Amounts found.
    decoys
        Amounts found in each placebo, worth what they are in the event's window.
    planted
        Amounts that each planted set gave where nothing was planted, worth the same.
    windows
        Placebo windows in which they were planted; zero leaves them out.

    Returns
    -------
    (n,)
        q-values; 1 where nothing was found, NaN without any placebo.
    """
    if not decoys:
        return np.full(found.size, np.nan)
    order = np.argsort(-found, kind="stable")
    ranked = found[order]
    raw = _share_as_large(ranked, decoys)
    if planted and windows:
        alike = 1.0 + _ALIKE * (len(planted) / windows - 1.0)
        raw = np.maximum(raw, _share_as_large(ranked, planted) + alike / len(planted))
    else:
        raw += 1.0 / len(decoys)
    raw /= np.arange(1, found.size + 1)
    raw[ranked <= 0] = 1.0  # rows without an amount are no findings and lend the others no strength
    monotone = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    q = np.empty(found.size)
    q[order] = monotone
    return q


def _share_as_large(found: NDArray[np.float64], decoys: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how many decoys a set are as large as each finding."""
    every = np.sort(np.concatenate(list(decoys)))
    share: NDArray[np.float64] = (every.size - np.searchsorted(every, found, side="left")) / len(decoys)
    return share


def withheld(found: NDArray[np.float64], placebo: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean placebo amount as a share of each amount found; zero without placebos."""
    if not placebo:
        return np.zeros(found.size)
    mean = np.mean(np.stack(list(placebo)), axis=0)
    return np.divide(mean, found, out=np.where(mean > 0, np.inf, 0.0), where=found > 0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is put beside the amounts.

    Attributes
    ----------
    calibration
        Spike-in runs.
    decoys
        Parts that placebos gave, worth what they are in the event's window.
    hub_placebo_share : (n_areas,)
        Placebo over event amount of each hub; see :func:`withheld`.
    cells, expected
        The flows that the parts index, and what tells what was expected of some of them.
    areas, products
        Codes.
    tiers : (n_products,)
        Tier of a control list that each product stands in; empty where in none.
    baseline
        Word for the column.
    signs
        What stands beside the amounts to tell detours from ordinary trade.
    unit
        Unit of ``Parts.rate`` in words; empty where amounts are asked for in dollars alone.
    """

    calibration: Calibration
    decoys: tuple[Parts, ...]
    hub_placebo_share: NDArray[np.float64]
    cells: Cells
    expected: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    areas: tuple[str, ...]
    products: tuple[str, ...]
    tiers: NDArray[np.str_]
    baseline: str
    signs: Signs
    unit: str = ""

    def keys(self, by: Sequence[str]) -> Keys:
        """Return the keys of a result."""
        return Keys(by, self.areas, self.products, self.tiers)


def detour_table(parts: Parts, evidence: Evidence, *, by: Sequence[str]) -> pa.Table:
    """Sum the parts by keys and put an interval, a q-value and the legs beside each sum.

    Parameters
    ----------
    parts
        Amounts at the finest grain.
    evidence
        What is put beside them.
    by
        Keys of the rows, of :data:`KEYS`, ``period`` and ``tier``.

    Returns
    -------
    pa.Table
        Columns of ``out__detour``, largest first; those of ``out__valued_detour`` where another unit is
        asked for. ``tier`` only where it is a key.
    """
    keys = evidence.keys(by)
    ids = keys.groups(parts)
    n = int(ids.max()) + 1 if ids.size else 0
    usd = sum_by(ids, parts.usd, n)
    kinds = _kinds_in(parts, ids, n)
    legs = _legs(parts, ids, n, evidence)
    low, high = _ends(usd, kinds, evidence.calibration, keys)
    # No more can have passed than arrived, and of others' goods no more than arrived beyond expectation.
    is_relay = kinds == 1 << RELAY
    most = np.where(is_relay, legs["excess_in_usd"], legs["after_in_usd"])
    high = np.minimum(high, np.maximum(most, usd))
    share = _placebo_share(parts, ids, usd, evidence.hub_placebo_share)
    is_identified = (share <= LARGEST_PLACEBO_SHARE) & np.isfinite(low)
    is_identified &= evidence.baseline != Baseline.UNIDENTIFIED
    shown = {"estimate_usd": usd, "low_usd": low, "high_usd": high}
    shown["estimate_kg"] = usd * group_rate(parts, parts.kg_rate, ids, n)
    if evidence.unit:
        rate = group_rate(parts, parts.rate, ids, n)
        shown |= {"estimate_amount": usd * rate, "low_amount": low * rate, "high_amount": high * rate}
    columns: dict[str, NDArray[np.generic] | pa.Array | None] = {
        **keys.columns(parts, ids, n),
        "kind": _kind_words(kinds),
        **{name: np.where(is_identified, values, np.nan) for name, values in shown.items()},
        "q_value": np.where(
            is_relay,
            _q_values(parts, ids, n, evidence, keys, is_relay=True),
            _q_values(parts, ids, n, evidence, keys, is_relay=False),
        ),
        "status": _statuses(share, usd, low, evidence),
        "baseline": pa.repeat(evidence.baseline, n),
        **legs,
        **_signs(parts, ids, n, by, evidence),
        "rerouted_share": _rerouted(usd, legs["shortfall_usd"], is_relay, is_identified),
        "excess_on_usd": np.where(kinds == 1 << _UNOBSERVED, np.nan, legs["excess_on_usd"]),
        **({"amount_unit": pa.repeat(evidence.unit, n)} if evidence.unit else {}),
    }
    order = np.argsort(-usd, kind="stable")
    return pa.table(
        {
            field.name: _column(columns[field.name], field.type, order)
            for field in VALUED_DETOUR.arrow_schema()
            if field.name in DETOUR.columns or field.name in columns
        }
    )


def _rerouted(
    usd: NDArray[np.float64],
    shortfall: NDArray[np.float64],
    is_relay: NDArray[np.bool_],
    is_identified: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the share of the missing direct trade that took the detour; NaN for others' goods.

    NaN also where a product's own figures show less missing than its pair's fall lets expect.
    """
    is_told = is_identified & ~is_relay & (shortfall > 0) & (usd <= shortfall)
    share: NDArray[np.float64] = np.divide(usd, shortfall, out=np.full(usd.size, np.nan), where=is_told)
    return share


def _signs(
    parts: Parts, ids: NDArray[np.int64], n: int, by: Sequence[str], evidence: Evidence
) -> dict[str, NDArray[np.generic] | pa.Array | None]:
    """Return the signs of every group; the months of a hub only where a row is of one hub."""
    signs = evidence.signs
    columns: dict[str, NDArray[np.generic] | pa.Array | None] = {
        **sign_columns(parts, ids, n, cells=evidence.cells, signs=signs),
        "onset": None,
        "onward_onset": None,
    }
    if "hub" in by:
        hub = np.zeros(n, dtype=np.int64)
        hub[ids] = parts.hub
        columns |= {name: words_at(getattr(signs, name), hub) for name in ("onset", "onward_onset")}
    return columns


def _kind_words(kinds: NDArray[np.int64]) -> pa.Array:
    """Return the kind of each group; null where it has several."""
    words = [kind.value for kind in KINDS]
    # Roads over several hubs are declared as those over one are.
    known = np.where(kinds >> CHAIN & 1, kinds & ~(1 << CHAIN) | 1 << KINDS.index(KINDS[CHAIN]), kinds)
    several = len(words)
    return words_at(
        [*words, ""], np.select([known == 1 << at for at in range(several)], range(several), several)
    )


def _q_values(
    parts: Parts, ids: NDArray[np.int64], n: int, evidence: Evidence, keys: Keys, *, is_relay: bool
) -> NDArray[np.float64]:
    """Return the q-values of sums, from decoys of the same sort.

    The rows of one hub rest on one finding, that goods pass it: no row of it is surer than the hub is
    towards its destination.
    """
    if not evidence.decoys:
        return np.full(n, np.nan)
    is_alike = (parts.kind == RELAY) == is_relay
    alike = [decoy.only((decoy.kind == RELAY) == is_relay) for decoy in evidence.decoys]
    usd = parts.usd * is_alike

    calibration = evidence.calibration.only([RELAY] if is_relay else OWN_KINDS)

    def of(keys: Keys, groups: NDArray[np.int64], size: int) -> NDArray[np.float64]:
        decoys = [sum_by(keys.groups(d, are_periods_apart=False), d.usd, d.usd.size) for d in alike]
        sets = calibration.grouped(lambda run: [*keys.of(run), *([run.kind] if keys.are_all else [])])
        planted = [found[put <= 0] for put, found in sets]
        return q_values(sum_by(groups, usd, size), decoys, planted, windows=calibration.windows)

    q = of(keys, ids, n)
    if "hub" not in keys.by:
        return q
    hubs = evidence.keys(["hub", "destination"])
    at = hubs.groups(parts)
    surest = np.ones(n)
    np.minimum.at(surest, ids, of(hubs, at, int(at.max(initial=-1)) + 1)[at])
    return np.maximum(q, surest)


def _kinds_in(parts: Parts, ids: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the kinds in each group as bits: 1 shifted by the number of the kind."""
    bits = np.zeros(n, dtype=np.int64)
    np.bitwise_or.at(bits, ids, np.int64(1) << parts.kind)
    return bits


def _ends(
    usd: NDArray[np.float64], kinds: NDArray[np.int64], calibration: Calibration, keys: Keys
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of each sum, learnt from sums by the same keys and kinds; NaN without any."""
    low, high = np.full(usd.size, np.nan), np.full(usd.size, np.nan)
    for bits in np.unique(kinds).tolist():
        mask = kinds == bits
        interval = _interval(calibration, keys, [at for at in range(len(KINDS)) if bits >> at & 1])
        if interval is not None:
            low[mask], high[mask] = interval.around(usd[mask])
    return low, high


def _interval(calibration: Calibration, keys: Keys, kinds: Sequence[int]) -> Interval | None:
    """Return the interval for sums by keys, learnt from runs of the same kinds where there are enough."""
    same = calibration.only(kinds)
    if sum(int((run.estimated > 0).sum()) for run in same.runs) >= _FEWEST_OF_KIND or kinds == [RELAY]:
        return same.interval(keys.of)
    return calibration.only(OWN_KINDS).interval(keys.of)


def _placebo_share(
    parts: Parts, ids: NDArray[np.int64], usd: NDArray[np.float64], of_hub: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the placebo share of each group: that of its hubs, weighted by what passed each."""
    weight = np.where(usd[ids] > 0, parts.usd, 1.0)
    total = sum_by(ids, weight, usd.size)
    return sum_by(ids, weight * np.minimum(of_hub[parts.hub], 1e6), usd.size) / total


def _statuses(
    share: NDArray[np.float64], usd: NDArray[np.float64], low: NDArray[np.float64], evidence: Evidence
) -> NDArray[np.object_]:
    if evidence.baseline == Baseline.UNIDENTIFIED:
        return np.full(usd.size, UNIDENTIFIED_BASELINE, dtype=object)
    status = np.array(["below detection", "identified"], dtype=object)[(usd > 0).astype(np.int64)]
    excessive = share > LARGEST_PLACEBO_SHARE
    status[excessive] = [
        f"not identified: placebo dates give {min(of, 9.99):.0%} of it" for of in share[excessive].tolist()
    ]
    status[~np.isfinite(low)] = NOTHING_PLANTED_FOUND if evidence.decoys else TOO_LITTLE_BEFORE
    return status


def _column(
    values: NDArray[np.generic] | pa.Array | None, kind: pa.DataType, order: NDArray[np.int64]
) -> pa.Array:
    """Return an Arrow column in order: numbers that are not finite become nulls."""
    if values is None:
        return pa.nulls(order.size, kind)
    if isinstance(values, pa.Array):
        return values.take(pa.array(order)).cast(kind)
    array = values[order]
    return pa.array(array, kind, mask=~np.isfinite(array) if array.dtype.kind == "f" else None)


def _legs(parts: Parts, ids: NDArray[np.int64], n: int, evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    """Sum the legs of each group, every cell once."""
    cells = evidence.cells
    sums: dict[str, NDArray[np.float64]] = {}
    for leg, index in {"in": parts.inbound, "on": parts.onward, "direct": parts.direct}.items():
        group, at = each_once(ids, index, cells.before.size)
        before, after, usual = cells.before[at], cells.after[at], evidence.expected(at)
        values = {
            "before": before,
            "after": after,
            "expected": usual,
            "increase": after - before,
            "excess": np.maximum(after - usual, 0.0),
            "shortfall": np.maximum(usual - after, 0.0),
        }
        named = {f"{name}_{leg}_usd": usd for name, usd in values.items()}
        sums |= {
            _LEG_COLUMNS[name]: sum_by(group, usd, n) for name, usd in named.items() if name in _LEG_COLUMNS
        }
    return sums
