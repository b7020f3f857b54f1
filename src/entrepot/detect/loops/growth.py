r"""How trade grew: by product, supplier, importer, supplier in the product, importer in the product.

*Model.* The log change of a flow is the sum of the effects of its five groups and of its own noise, whose
deviation σ depends on the size of the flow. Effects of one kind have a variance τ², and noises are
independent: what two flows of a group have in common is the effect, so that with weights w = 1/σ²::

    τ² = Σ_groups Σ_{i≠j} w_i w_j r_i r_j ÷ Σ_groups Σ_{i≠j} w_i w_j

with r the changes less the other effects, cut at three deviations. The effect of a group is the weighted
median of its flows, without the flow itself in small groups, drawn to none by how badly so few and so noisy
flows tell it: most effects are small and a few are large, so its prior is a mixture of three normals around
nothing, of variance τ² together.

Of lumpy trade most logs are noise, many times as wide as any growth. Medians of a few such logs, taken as
they are and added over five kinds of groups, put the expectation of steady flows off by a factor of twenty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.medians import grouped_median
from entrepot.detect.kernels.others import others_median
from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells

__all__ = ["drawn_to_none", "log_growth", "variance_between"]

_ROUNDS = 3
_HELD = 3.0  # deviations beyond which a flow says no more
_MOST = np.log(3.0)  # and a change that is in any case allowed for: groups may grow threefold
_MEDIAN = np.pi / 2.0  # variance of a median over that of a mean
#: Most effects are smaller than their deviation, a few much larger; the variances average to one.
_SCALES = np.array([0.4, 1.0, 2.5])
_SHARES = np.array([0.6, 0.3, 0.1])


def log_growth(cells: Cells, change: NDArray[np.float64], sd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n) the log growth that the groups of each flow tell of it.

    Parameters
    ----------
    cells
        The flows, (n,).
    change, sd : (n,)
        Their log changes, and how much flows of such a size change for no reason, on the same scale.
    """
    own = cells.exporter * cells.n_products + cells.product
    boom = cells.importer * cells.n_products + cells.product
    # a round trip must not raise what is expected of itself: in small groups it would
    groups = (
        (cells.product, False), (cells.exporter, False), (cells.importer, False), (own, True), (boom, True)
    )  # fmt: skip
    weights = 1.0 / sd**2
    limit = np.maximum(_HELD * sd, _MOST)
    parts = np.zeros((len(groups), change.size))
    for _ in range(_ROUNDS):
        for at, (group, is_small) in enumerate(groups):
            parts[at] = 0.0
            rest = change - parts.sum(axis=0)
            between = variance_between(np.clip(rest, -_HELD * sd, _HELD * sd), weights, group)
            parts[at] = _effects(np.clip(rest, -limit, limit), weights, group, between, others=is_small)
    return np.asarray(parts.sum(axis=0))


def variance_between(
    values: NDArray[np.float64], weights: NDArray[np.float64], group: NDArray[np.int64]
) -> float:
    """Return the variance of what the members of a group have in common, not under zero.

    Parameters
    ----------
    values, weights : (n,)
        Numbers around zero, and their weights.
    group : (n,)
        Group of each, not negative.
    """
    size = int(group.max(initial=-1)) + 1
    weighted = weights * values
    common = sum_by(group, weighted, size) ** 2 - sum_by(group, weighted**2, size)
    pairs = sum_by(group, weights, size) ** 2 - sum_by(group, weights**2, size)
    total = float(pairs.sum())
    return max(float(common.sum()) / total, 0.0) if total > 0 else 0.0


def _effects(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    group: NDArray[np.int64],
    between: float,
    *,
    others: bool,
) -> NDArray[np.float64]:
    """Return (n) the effect of each flow's group; with ``others`` of the others in it."""
    size = int(group.max(initial=-1)) + 1
    total = sum_by(group, weights, size)
    if others:
        found = others_median(values, weights, group)
        return drawn_to_none(found.value, np.maximum(total[group] - weights, 0.0), between)
    return drawn_to_none(grouped_median(values, weights, group, size).value, total, between)[group]


def drawn_to_none(
    median: NDArray[np.float64], weight: NDArray[np.float64], between: float
) -> NDArray[np.float64]:
    """Return what medians say of effects of a known variance: their mean under the posterior.

    Parameters
    ----------
    median : (m,)
        Medians; NaN where there is none.
    weight : (m,)
        Sum of one over the variance of what each was taken of.
    between
        Variance of the effects.
    """
    known = np.isfinite(median) & (weight > 0)
    if between <= 0.0 or not known.any():
        return np.zeros(median.size)
    value, error = median[known, None], _MEDIAN / weight[known, None]
    own = between * _SCALES**2 / float(_SHARES @ _SCALES**2)
    log = np.log(_SHARES) - 0.5 * (value**2 / (own + error) + np.log(own + error))
    share = np.exp(log - log.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    effects = np.zeros(median.size)
    effects[known] = (share * own / (own + error)).sum(axis=1) * median[known]
    return effects
