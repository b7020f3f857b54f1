r"""Fixed effects of a gravity model, and which of them can be compared.

*Formula*  Σ_s α_{s, g_s(i)} = log μ_i − x_i'β, solved for the shortest α. What can be added to α and leaves
all sums as they are is no estimate: random vectors of that null space differ between two effects exactly
where their difference is not told by the data (for two sets these are the connected groups of Abowd, Creecy
and Kramarz 2002).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsqr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["effect_tables"]

_DRAWS = 2
_SAME = 1e-6  # of draws of about one: far above what the solver leaves, far below what differs
_PRECISION = 1e-13
_ROUNDS = 20_000


def effect_tables(
    total: NDArray[np.float64],
    rows: pa.Table,
    names: Sequence[str],
    groups: Sequence[NDArray[np.int64]],
    keep: Sequence[str],
) -> dict[str, pa.Table]:
    """Return the effects of the sets that are wanted, by the columns of each.

    Parameters
    ----------
    total : (n,)
        Sum of all effects of each row.
    rows
        The n rows, with the columns of the sets.
    names
        Of the sets: columns joined by colons.
    groups
        Of each set (n,), the number of the group of each row, from zero on.
    keep
        Names of the sets that are wanted.

    Returns
    -------
    dict
        By name: the columns of the set, ``estimate``, ``component``.
    """
    if not keep:
        return {}
    sizes = [int(group.max()) + 1 for group in groups]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    n = total.size
    columns = np.concatenate([group + start for group, start in zip(groups, starts[:-1], strict=True)])
    design = csr_array(
        (np.ones(columns.size), (np.tile(np.arange(n), len(groups)), columns)), shape=(n, int(starts[-1]))
    )
    effect = _shortest(design, total)
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(_DRAWS, int(starts[-1])))
    free = np.stack([draw - _shortest(design, design @ draw) for draw in draws])
    found = {}
    for at, name in enumerate(names):
        if name not in keep:
            continue
        own = slice(int(starts[at]), int(starts[at + 1]))
        component = _components(free[:, own])
        means = np.bincount(component, effect[own]) / np.bincount(component)
        first = np.unique(groups[at], return_index=True)[1]
        table = rows.select(dict.fromkeys(name.split(":"))).take(pa.array(first))
        found[name] = table.append_column("estimate", pa.array(effect[own] - means[component])).append_column(
            "component", pa.array(component)
        )
    return found


def _shortest(design: csr_array, total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest of the vectors whose sums are ``total``."""
    found: NDArray[np.float64] = lsqr(
        design, total, atol=_PRECISION, btol=_PRECISION, conlim=0.0, iter_lim=_ROUNDS
    )[0]
    return found


def _components(free: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (m,) the number of the class of effects that move together in all draws (draws, m)."""
    label = np.zeros(free.shape[1], dtype=np.int64)
    for draw in free:
        order = np.lexsort((draw, label))
        is_new = (np.diff(label[order]) != 0) | (np.diff(draw[order]) > _SAME)
        label[order] = np.concatenate([[0], np.cumsum(is_new)])
    return np.unique(label, return_inverse=True)[1].astype(np.int64)
