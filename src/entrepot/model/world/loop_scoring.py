"""How far round trips found are from the truth of a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.build import World

__all__ = ["LoopScore", "loop_truth", "score_loops"]

_KEYS = ("maker", "via", "second_via", "hs_code")
_AMOUNT, _MARKUP, _LAG = 0.25, 0.05, 1


@dataclass(frozen=True, slots=True)
class LoopScore:
    """Distance of findings from the truth.

    Attributes
    ----------
    true_rows, found_rows
        Round trips by product, and those of them with an amount.
    found_share
        Share of the true round trips with an amount.
    amount_error
        Median of |estimate ÷ truth − 1| of those found.
    amount_share
        Share of those found within a quarter of the truth.
    markup_error, markup_share
        Median error of the mark-up, and the share within 0.05, where it is told.
    lag_share
        Share of those found whose lag is right within a month.
    true_volume_share
        Σ min(estimate, truth) ÷ Σ estimate: how much of what was found is true.
    coverage
        Share of true round trips inside their interval; those without a row are outside.
    is_first_true
        Whether the largest finding is a true pair; false without any.
    """

    true_rows: int
    found_rows: int
    found_share: float
    amount_error: float
    amount_share: float
    markup_error: float
    markup_share: float
    lag_share: float
    true_volume_share: float
    coverage: float
    is_first_true: bool


def loop_truth(world: World) -> pa.Table:
    """Return the round trips that set in at the event and were back before the world's end.

    Returns
    -------
    pa.Table
        **Grain**: maker × via × second_via × hs_code; ``usd`` at departure, ``markup``, ``lag_months``, and
        ``factor``: what left a month, over the flow out without it.
    """
    loops = world.truth_loops
    new = loops.filter(pc.and_(pc.invert(loops["is_chronic"]), loops["arrives_in_world"]))
    summed = new.group_by(list(_KEYS)).aggregate(
        [("out_usd", "sum"), ("out_usd", "count"), ("markup", "max"), ("lag_months", "max")]
    )
    flows = world.truth_flows
    since = pc.and_(pc.equal(flows["leg"], "direct"), pc.greater_equal(flows["period"], world.event))
    direct = (
        flows.filter(since)
        .group_by(["exporter", "importer", "hs_code"])
        .aggregate([("value_usd", "mean")])
        .rename_columns(["maker", "via", "hs_code", "direct_usd"])
    )
    joined = summed.join(direct, keys=["maker", "via", "hs_code"], join_type="left outer")
    factor = pc.divide(pc.divide(joined["out_usd_sum"], joined["out_usd_count"]), joined["direct_usd"])
    return pa.table(
        {
            **{key: joined[key] for key in _KEYS},
            "usd": joined["out_usd_sum"],
            "markup": joined["markup_max"],
            "lag_months": joined["lag_months_max"],
            "factor": factor,
        }
    ).sort_by([(key, "ascending") for key in _KEYS])


def score_loops(found: pa.Table, truth: pa.Table) -> LoopScore:
    """Compare findings with the truth.

    Parameters
    ----------
    found
        Rows of ``out__loop``; one without an amount is a miss whose interval counts.
    truth
        See :func:`loop_truth`.
    """
    own = {tuple(row[key] for key in _KEYS): row for row in found.to_pylist()}
    true = {tuple(row[key] for key in _KEYS): row for row in truth.to_pylist()}
    hits = [(own[key], row) for key, row in true.items() if key in own and own[key]["estimate_usd"]]
    amount = _array([abs(mine["estimate_usd"] / row["usd"] - 1.0) for mine, row in hits])
    told = [(mine, row) for mine, row in hits if mine["markup"] is not None]
    markup = _array([abs(mine["markup"] - row["markup"]) for mine, row in told])
    lag = _array([abs(mine["lag_months"] - row["lag_months"]) for mine, row in hits])
    estimate = {key: row["estimate_usd"] or 0.0 for key, row in own.items()}
    common = sum(min(usd, true[key]["usd"]) for key, usd in estimate.items() if key in true)
    inside = [
        key in own
        and own[key]["high_usd"] is not None
        and own[key]["low_usd"] <= row["usd"] <= own[key]["high_usd"]
        for key, row in true.items()
    ]
    largest = max(estimate, key=estimate.__getitem__, default=None)
    return LoopScore(
        true_rows=len(true),
        found_rows=len(hits),
        found_share=len(hits) / len(true) if true else float("nan"),
        amount_error=_median(amount),
        amount_share=_share(amount <= _AMOUNT),
        markup_error=_median(markup),
        markup_share=_share(markup <= _MARKUP),
        lag_share=_share(lag <= _LAG),
        true_volume_share=common / sum(estimate.values()) if sum(estimate.values()) > 0 else float("nan"),
        coverage=_share(np.array(inside, dtype=bool)),
        is_first_true=largest is not None
        and estimate[largest] > 0
        and largest[:2] in {key[:2] for key in true},
    )


def _array(values: list[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if values.size else float("nan")


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")
