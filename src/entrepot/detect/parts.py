"""Amounts at the finest grain, and the keys by which they are summed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from entrepot.detect.calibration import group_ids
from entrepot.detect.corridors import KINDS, kind_number
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.calibration import SpikeRun

__all__ = ["KEYS", "OWN_KINDS", "RELAY", "Keys", "Parts", "words_at"]

#: Keys of a result and the attribute of parts and runs that holds them.
KEYS = {"origin": "origin", "hub": "hub", "destination": "destination", "hs_code": "product"}

RELAY = kind_number(DetourKind.RELAY)

#: Numbers of the kinds that treated origins' goods take; a relay is the goods of others.
OWN_KINDS = tuple(at for at in range(len(KINDS)) if at != RELAY)


@dataclass(frozen=True, slots=True)
class Parts:
    """Amounts at the finest grain, with their legs.

    Attributes
    ----------
    origin, hub, destination, product : (m,)
        Indices into the areas and products.
    period : (m,)
        Text of the period, or empty for the whole after-window.
    usd : (m,)
        Amount.
    kg_rate, rate : (m,)
        Kilograms, and the amount in another unit of measure, in a dollar of the inbound leg; NaN where that
        is not known, or no other unit is asked for.
    kind : (m,)
        Number of the kind, see :data:`entrepot.detect.corridors.KINDS`.
    inbound, direct, onward : (m,)
        Index of the legs' cells in ``cells``; -1 where there is none.
    second, third : (m,)
        Hubs after the first one; -1 where there is none.
    """

    origin: NDArray[np.int64]
    hub: NDArray[np.int64]
    destination: NDArray[np.int64]
    product: NDArray[np.int64]
    period: NDArray[np.str_]
    usd: NDArray[np.float64]
    kg_rate: NDArray[np.float64]
    rate: NDArray[np.float64]
    kind: NDArray[np.int64]
    inbound: NDArray[np.int64]
    direct: NDArray[np.int64]
    onward: NDArray[np.int64]
    second: NDArray[np.int64]
    third: NDArray[np.int64]

    def only(self, mask: NDArray[np.bool_]) -> Parts:
        """Return the parts under a mask."""
        return self._take(np.flatnonzero(mask))

    def joined(self, other: Parts) -> Parts:
        """Return these parts and others."""
        pairs = {
            field.name: (getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        }
        return Parts(**{name: np.concatenate(pair) for name, pair in pairs.items()})

    def spread(
        self,
        row: NDArray[np.int64],
        period: NDArray[np.str_],
        share: NDArray[np.float64],
        rate: NDArray[np.float64],
    ) -> Parts:
        """Return the parts split over periods: ``share`` of part ``row`` falls into ``period``."""
        taken = self._take(row)
        return replace(taken, period=period, usd=taken.usd * share, rate=rate)

    def _take(self, index: NDArray[np.int64]) -> Parts:
        return Parts(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def words_at(words: Sequence[str] | NDArray[np.str_], at: NDArray[np.integer]) -> pa.Array:
    """Return the words at some places; null where a word is empty."""
    column = np.asarray(words, dtype=object)
    return pa.array(column, pa.string(), mask=column == "").take(pa.array(at))


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """What a result is summed by.

    Attributes
    ----------
    by
        Names: of :data:`KEYS`, ``period`` and ``tier``.
    areas, products
        Codes.
    tiers : (n_products,)
        Tier of a control list that each product stands in; empty where in none.
    """

    by: Sequence[str]
    areas: tuple[str, ...]
    products: tuple[str, ...]
    tiers: NDArray[np.str_]

    @property
    def are_all(self) -> bool:
        """Whether a row is one corridor of one product."""
        return set(KEYS) <= set(self.by)

    def of(self, rows: Parts | SpikeRun) -> list[NDArray[np.int64]]:
        """Return the keys of parts or of planted detours as numbers; periods are not among them."""
        keys: list[NDArray[np.int64]] = [getattr(rows, KEYS[name]) for name in self.by if name in KEYS]
        if "tier" in self.by:
            keys.append(self._tier_numbers()[rows.product])
        return keys

    def groups(self, parts: Parts, *, are_periods_apart: bool = True) -> NDArray[np.int64]:
        """Return the group of each part: its combination of keys.

        By all four keys the kinds and the roads over several hubs stand apart too; in sums only relays do,
        which are another claim.
        """
        keys = self.of(parts)
        if self.are_all:
            keys += [parts.kind, parts.second + 1, parts.third + 1]
        else:
            keys.append((parts.kind == RELAY).astype(np.int64))
        if "period" in self.by and are_periods_apart:
            keys.append(np.unique(parts.period, return_inverse=True)[1].astype(np.int64))
        return group_ids(keys, parts.usd.size)

    def columns(self, parts: Parts, ids: NDArray[np.int64], n: int) -> dict[str, pa.Array | None]:
        """Return the columns of the keys of every group: None where a row is a sum over them."""
        first = np.full(n, -1, dtype=np.int64)
        first[ids[::-1]] = np.arange(ids.size)[::-1]
        codes = {name: self.products if name == "hs_code" else self.areas for name in KEYS}
        columns: dict[str, pa.Array | None] = {
            name: words_at(codes[name], getattr(parts, KEYS[name])[first]) if name in self.by else None
            for name in KEYS
        }
        columns["period"] = words_at(parts.period, first) if "period" in self.by else None
        columns["further_hubs"] = self._further_hubs(parts, first) if self.are_all else None
        if "tier" in self.by:
            columns["tier"] = words_at(self.tiers, parts.product[first])
        return columns

    def _further_hubs(self, parts: Parts, row: NDArray[np.int64]) -> pa.Array:
        """Return the hubs after the first one, ``ARM,GEO``; null where there is none."""
        second, third = parts.second[row], parts.third[row]
        roads, road = np.unique(second * (len(self.areas) + 1) + third, return_inverse=True)
        first = np.zeros(roads.size, dtype=np.int64)
        first[road] = np.arange(row.size)
        names = [*self.areas, ""]
        words = [
            ",".join(names[hub] for hub in hubs if hub >= 0)
            for hubs in zip(second[first].tolist(), third[first].tolist(), strict=True)
        ]
        return words_at(words, road)

    def _tier_numbers(self) -> NDArray[np.int64]:
        return np.unique(self.tiers, return_inverse=True)[1].astype(np.int64)
