"""How far findings are from the truth of a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from entrepot.model.world.build import World

__all__ = ["OWN", "SHOWN", "DetourScore", "detour_truth", "score_detours"]

#: What both books can show of the treated origins' detours, and all that they sent.
SHOWN = (DetourKind.DECLARED, DetourKind.ONWARD_UNOBSERVED)
OWN = (*SHOWN, DetourKind.UNSEEN)

_KEYS = ("origin", "hub", "destination", "hs_code")


@dataclass(frozen=True, slots=True)
class DetourScore:
    """Distance of findings from the truth, all as shares of the true volume unless said otherwise.

    Attributes
    ----------
    true_usd, estimate_usd
        Totals, USD.
    absolute_error
        Σ|estimate − truth| over origin × hub × destination × product, the kinds summed.
    hub_error
        The same over hubs.
    overlap
        Σ min(estimate, truth) ÷ Σ estimate.
    coverage
        Share of true rows inside their interval; rows that were missed count as outside.
    larger_half_coverage
        The same for the rows that make the larger half of the volume.
    """

    true_usd: float
    estimate_usd: float
    absolute_error: float
    hub_error: float
    overlap: float
    coverage: float
    larger_half_coverage: float


def detour_truth(world: World, periods: Collection[str]) -> pa.Table:
    """Return the true detours and relays, as files can tell them apart.

    Of a hub that never publishes nobody can tell what it declared: its detours are ``onward_unobserved``.

    Returns
    -------
    pa.Table
        **Grain**: origin × hub × destination × hs_code × kind; ``usd`` FOB at the origin, over the periods.
    """
    areas = world.truth_areas
    silent = [
        area
        for area, publishes in zip(areas["area"].to_pylist(), areas["publishes"].to_pylist(), strict=True)
        if publishes == "never"
    ]
    detours = world.truth_detours.filter(
        pc.is_in(world.truth_detours["period"], value_set=pa.array(sorted(periods), pa.string()))
    )
    is_silent = pc.is_in(detours["hub"], value_set=pa.array(silent, pa.string()))
    is_own = pc.not_equal(detours["kind"].cast(pa.string()), DetourKind.RELAY.value)
    kind = pc.if_else(
        pc.and_(is_silent, is_own),
        pa.scalar(DetourKind.ONWARD_UNOBSERVED.value),
        detours["kind"].cast(pa.string()),
    )
    told = detours.set_column(detours.column_names.index("kind"), "kind", kind)
    summed = told.group_by([*_KEYS, "kind"]).aggregate([("amount_usd", "sum")])
    return summed.rename_columns([*_KEYS, "kind", "usd"])


def score_detours(found: pa.Table, truth: pa.Table, *, kinds: Collection[DetourKind] = SHOWN) -> DetourScore:
    """Compare findings of some kinds with the truth of the same kinds.

    Parameters
    ----------
    found
        Rows of ``out__detour`` by all four keys; a withheld estimate counts as zero.
    truth
        See :func:`detour_truth`.
    kinds
        Kinds that count; by default what hubs declared, and all that went to hubs that never publish.
    """
    wanted = pa.array([kind.value for kind in kinds], pa.string())
    found, truth = (rows.filter(pc.is_in(rows["kind"], value_set=wanted)) for rows in (found, truth))
    rows = pa.concat_tables([found.select(_KEYS), truth.select(_KEYS)]).combine_chunks()
    text = pc.binary_join_element_wise(*[rows[key] for key in _KEYS], "|")
    ids = pc.dictionary_encode(text).combine_chunks().indices.to_numpy().astype(np.int64)
    hubs = pc.dictionary_encode(rows["hub"]).combine_chunks().indices.to_numpy().astype(np.int64)
    n = int(ids.max()) + 1 if ids.size else 0
    at_found, at_true = ids[: found.num_rows], ids[found.num_rows :]

    def laid_out(at: NDArray[np.int64], column: pa.ChunkedArray) -> NDArray[np.float64]:
        values = pc.fill_null(column, 0.0).to_numpy()
        return np.bincount(at, weights=values, minlength=n).astype(np.float64, copy=False)

    true = laid_out(at_true, truth["usd"])
    estimate = laid_out(at_found, found["estimate_usd"])
    low, high = laid_out(at_found, found["low_usd"]), laid_out(at_found, found["high_usd"])
    hub_of = np.zeros(n, dtype=np.int64)
    hub_of[ids] = hubs
    off_by_hub = np.bincount(hub_of, weights=estimate - true) if n else np.zeros(0)
    total = max(float(true.sum()), 1e-9)
    real = np.flatnonzero(true > 0)
    inside = (true >= low) & (true <= high) & (high > 0)
    larger = real[np.argsort(-true[real])]
    larger = larger[: int(np.searchsorted(np.cumsum(true[larger]), total / 2)) + 1]
    return DetourScore(
        true_usd=float(true.sum()),
        estimate_usd=float(estimate.sum()),
        absolute_error=float(np.abs(estimate - true).sum() / total),
        hub_error=float(np.abs(off_by_hub).sum() / total),
        overlap=float(np.minimum(estimate, true).sum() / max(float(estimate.sum()), 1e-9)),
        coverage=_mean(inside, real),
        larger_half_coverage=_mean(inside, larger),
    )


def _mean(values: NDArray[np.bool_], index: Sequence[int] | NDArray[np.int64]) -> float:
    return float(values[index].mean()) if len(index) else float("nan")
