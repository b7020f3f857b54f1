"""Signs that tell a detour from ordinary trade: what stands beside an amount, whatever the estimator thinks.

None of them enters the estimate. Goods outside the list that grew as much, or other suppliers of the same
goods that did, speak for a boom of the hub; a step of the hub's arrivals at the event, goods that leave
dearer than they came, and a large part of the lost trade that is back speak for a detour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.kernels.sums import each_once, sum_by, sum_in_blocks
from entrepot.detect.periods import parse_period, period_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.parts import Parts
    from entrepot.detect.periods import WindowPair

__all__ = ["Signs", "Trade", "onsets", "sign_columns", "step_of"]

_SEARCHED_BEFORE = 6
_FEWEST_AFTER = 3
_FEWEST_BEFORE = 12
_CLEAR = 3.0


@dataclass(frozen=True, slots=True)
class Trade:
    """Trade before and after the event by group, USD: (n_groups,)."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @classmethod
    def of(
        cls, cells: Cells, at: NDArray[np.signedinteger], group: NDArray[np.signedinteger], n_groups: int
    ) -> Trade:
        """Sum the cells ``at``, each into its group."""
        return cls(*(sum_by(group, values[at], n_groups) for values in (cells.before, cells.after)))

    def growth_of(self, member: NDArray[np.int64], ids: NDArray[np.int64], n: int) -> NDArray[np.float64]:
        """Return after over before of each of ``n`` rows: of every group that its members name, once."""
        row, group = each_once(ids, member, self.before.size)
        before, after = (sum_by(row, values[group], n) for values in (self.before, self.after))
        growth: NDArray[np.float64] = np.divide(after, before, out=np.full(n, np.nan), where=before > 0)
        return growth


@dataclass(frozen=True, slots=True)
class Signs:
    """What the signs are read from.

    Attributes
    ----------
    unlisted
        Goods outside the list by exporter · n_areas + importer.
    others
        Goods under measures from other suppliers by importer · n_products + product.
    onset, onward_onset : (n_areas,)
        Months in which a hub's arrivals, and its onward trade, stepped up; empty where no step is clear.
    """

    unlisted: Trade
    others: Trade
    onset: NDArray[np.str_]
    onward_onset: NDArray[np.str_]

    @classmethod
    def of(
        cls,
        cells: Cells,
        *,
        asked: NDArray[np.bool_],
        listed: NDArray[np.bool_],
        onset: NDArray[np.str_],
        onward_onset: NDArray[np.str_],
    ) -> Signs:
        """Sum what stands beside the legs.

        Parameters
        ----------
        cells
            The flows.
        asked : (n_areas,)
            Origins and destinations, members of a pooled union among them: everybody else is another
            supplier.
        listed : (n_products,)
            Products under measures.
        onset, onward_onset
            See the class.
        """
        n, demand = cells.n_areas, cells.grouping.importer_product
        beside = cells.under(np.ones((n, n), dtype=bool), ~listed)

        def theirs(
            usd: NDArray[np.float64], seller: NDArray[np.signedinteger], good: NDArray[np.signedinteger]
        ) -> NDArray[np.float64]:
            own: NDArray[np.float64] = usd * (listed[good] & ~asked[seller])
            return own

        others = (
            sum_in_blocks(theirs, demand, usd, cells.exporter, cells.product, n_groups=n * cells.n_products)
            for usd in (cells.before, cells.after)
        )
        return cls(
            unlisted=Trade.of(cells, beside, cells.pair_at(beside), n * n),
            others=Trade(*others),
            onset=onset,
            onward_onset=onward_onset,
        )


def sign_columns(
    parts: Parts, ids: NDArray[np.int64], n: int, *, cells: Cells, signs: Signs
) -> dict[str, NDArray[np.float64]]:
    """Return the signs of every group of parts.

    Parameters
    ----------
    parts
        Amounts with their legs.
    ids : (m,)
        Group of each part.
    n
        Number of groups.
    cells, signs
        The flows, and what the signs are read from.

    Returns
    -------
    dict
        ``unlisted_in_growth``: after over before of origin → hub in goods outside the list; NaN where all
        goods are listed. ``others_in_growth``: the same of the hub's arrivals of the same goods from
        everybody else.
        ``hub_markup``: unit value hub → destination over that of origin → hub, less one, the median over
        products by amount; NaN where a leg is not weighed.
    """
    return {
        "unlisted_in_growth": signs.unlisted.growth_of(parts.origin * cells.n_areas + parts.hub, ids, n),
        "others_in_growth": signs.others.growth_of(parts.hub * cells.n_products + parts.product, ids, n),
        "hub_markup": _markup(parts, ids, n, cells),
    }


def _markup(parts: Parts, ids: NDArray[np.int64], n: int, cells: Cells) -> NDArray[np.float64]:
    has_legs = (parts.inbound >= 0) & (parts.onward >= 0) & (parts.usd > 0)
    inbound, onward = parts.inbound[has_legs], parts.onward[has_legs]
    with np.errstate(divide="ignore", invalid="ignore"):
        leaving = cells.after[onward] / cells.after_kg[onward]
        ratio = leaving * cells.after_kg[inbound] / cells.after[inbound]
    known = np.isfinite(ratio) & (ratio > 0)
    group, weight = ids[has_legs][known], parts.usd[has_legs][known]
    median: NDArray[np.float64] = grouped_median(ratio[known], weight, group, n).value - 1.0
    return median


def onsets(
    series: pa.Table, areas: Sequence[str], windows: WindowPair, event: str
) -> dict[str, NDArray[np.str_]]:
    """Return the month in which each hub's arrivals, and its onward trade, stepped up.

    Parameters
    ----------
    series
        Legs by hub and period, as of :func:`entrepot.detect.series.leg_series`.
    areas
        Codes of the areas.
    windows
        The event's windows; without months there is no onset.
    event
        Month of the event.

    Returns
    -------
    dict
        ``onset`` and ``onward_onset`` by area, empty where no step is clear.
    """
    empty = {name: np.full(len(areas), "", dtype="U7") for name in ("onset", "onward_onset")}
    if not windows.is_monthly:
        return empty
    start = parse_period(event, option="--event")
    by_leg: dict[tuple[str, str], dict[int, float]] = {}
    for leg, hub, period, usd in zip(
        *(series[name].to_pylist() for name in ("leg", "hub", "period", "usd")), strict=True
    ):
        if hub is not None:
            by_leg.setdefault((leg, hub), {})[parse_period(period, option="period")] = usd
    at_area = {area: at for at, area in enumerate(areas)}
    for (leg, hub), values in by_leg.items():
        name = {"inbound": "onset", "onward": "onward_onset"}.get(leg)
        if name is None or hub not in at_area:
            continue
        months = [m for m in sorted(values) if windows.before[0] <= m <= windows.after[-1]]
        step = step_of(np.array(months), np.array([values[m] for m in months]), start)
        if step is not None:
            empty[name][at_area[hub]] = period_text(step, is_monthly=True)
    return empty


def step_of(months: NDArray[np.int64], usd: NDArray[np.float64], event: int) -> int | None:
    """Return the month at which a monthly series steps up around an event; None where no step is clear.

    *Formula*  Logs less the mean of their calendar month before the event; of all months from six before the
    event on, the one that splits the series with the least squared error. The step is clear where it exceeds
    three standard errors, the errors' first autocorrelation counted.

    Parameters
    ----------
    months, usd : (T,)
        Months as numbers, ascending, and values. Months that nobody reported are not there.
    event
        Month of the event.
    """
    some = usd > 0
    months, level = months[some], np.log(usd[some])
    early = months < event
    if early.sum() < _FEWEST_BEFORE or (~early).sum() < _FEWEST_AFTER:
        return None
    calendar = months % 12
    for month in range(12):
        mine = calendar == month
        if (mine & early).sum() > 1:
            level = np.where(mine, level - level[mine & early].mean() + level[early].mean(), level)
    best: tuple[float, int, float] | None = None
    for at in range(_FEWEST_AFTER, months.size - _FEWEST_AFTER + 1):
        if months[at] < event - _SEARCHED_BEFORE:
            continue
        first, second = level[:at], level[at:]
        rest = np.concatenate([first - first.mean(), second - second.mean()])
        error = float(rest @ rest)
        if best is None or error < best[0]:
            rho = max(float(rest[1:] @ rest[:-1]) / error, 0.0) if error > 0 else 0.0
            inflated = error / max(months.size - 2, 1) * (1.0 + rho) / max(1.0 - rho, 0.05)
            size = float(second.mean() - first.mean())
            spread = math.sqrt(inflated * (1.0 / at + 1.0 / (months.size - at)))
            best = (error, int(months[at]), size / spread if spread > 0 else math.inf * size)
    return best[1] if best is not None and best[2] > _CLEAR else None
