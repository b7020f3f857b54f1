r"""The excess of a leg, pooled over the products of its pair and over the pairs of its hub.

A pair's excess in one product is mostly noise; over all products that lost their direct road it is not. So
the pair's excess is read as a share of what the products lost, and every product is drawn to that share as
far as its own noise demands. Where all suppliers of a hub together have a clear share, each pair's is drawn
to it: one by one, small suppliers would never pass.

*Formula*  x_k = after − expected of the leg, L_k what product k lost on the direct road, σ_k the noise of the
leg in USD. For s, x_k is held within ±L_k: no more can be detoured than was lost, however large a boom.
x_k ~ N(s·L_k·ε_k, σ_k²) with a relative spread τ = 0.5 of ε around one: s by weighted least squares,
weights 1/(σ_k² + (τ s L_k)²), three rounds; then the posterior mean of s·L_k·ε_k, within 0 and what flowed.
On the legs to hubs that pass goods on (:func:`entrepot.detect.strength.passing_hubs`) s ~ N(s_h, (0.7 s_h)²),
s_h the share of all pairs of the hub. A hub, or elsewhere a pair, whose share is under four standard errors
has none (with n < 20 legs: under 0.9·√n, which for one is an excess of twice its noise); three are enough of
a hub whose sales of these goods to a destination rose by more than four standard deviations as a whole. In
two rough worlds of a generator that is not ours, in which hubs buy twenty to a hundred times as much for
themselves, that brought the total from 0.36 and 0 to 0.69 and 0.33 of the truth, without a false hub there
and with nothing more at their eight placebo dates; 26 worlds of ours were as before. The error of a hub's
share has in it that its own growth is known to two per cent at best: an error δ in it moves the share by
δ·Σ w L e ÷ Σ w L², e the expected legs, w the weights (ten smooth worlds: absolute error 0.142 → 0.136, false
hubs 0.5 → 0.1 a world, no true one less; eight rough ones as before). The share stands in for a threshold on
every product: against that it lowered the median absolute error from 0.27 to 0.21 of the true
volume in five smooth worlds and from 0.32 to 0.29 in three rough ones. τ = 0.5 for 1 and the hub's share gave
0.168 → 0.155 in eight smooth worlds, all sent. Four standard errors for two gave 0.147 → 0.128 in six smooth
worlds, since areas that were no hubs took 4% of the true volume and take 2% now, and 0.161 → 0.152 in five
rough ones. It was chosen on these worlds. A product's own excess is no upper end: where it fell short by
chance others exceed by chance, and with it sums were a fifth too small in six rough worlds of a generator
that is not ours (0.56 of the truth → 0.70, and 0.84 with both legs asked which areas pass goods on).

x_k held within ±L_k, σ_k of flows that appear from nothing by what they are worth, and arrivals that must
have risen (:func:`entrepot.detect.strength.passing_hubs`) together: five rough worlds of ours 0.236 → 0.208,
two of a third generator 0.51 → 0.36 and 1.23 → 0.90; four of the second one, whose hubs buy far more for
themselves, 0.47 → 0.52.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.bounds import Bounds
from entrepot.detect.kernels.sums import count_by, sum_by
from entrepot.detect.kernels.threads import in_blocks
from entrepot.detect.kernels.weighing import weigh
from entrepot.detect.strength import CLEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells
    from entrepot.detect.noise import Noise

__all__ = ["SPREAD", "Shares", "hub_shares", "is_clear", "pooled_excess", "rest_on_one"]

#: Relative spread of what the goods of a pair passed, around its share.
SPREAD = 0.5
_ROUNDS = 3
_SMALLEST_SHARE = 0.02
_BETWEEN = 0.7
#: How much a hub's own growth may be off, on the log scale: it moves all that it buys together.
_GROWTH_ERROR = 0.02
_NEAR_ALL = 0.9
#: Standard errors of the arrivals that are enough where the sales are clear by themselves.
_BESIDE_SALES = 3.0


def pooled_excess(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.signedinteger],
    lost: NDArray[np.float64],
    at: NDArray[np.signedinteger],
    sells: NDArray[np.bool_] | None = None,
) -> Bounds:
    """Return the excess of each leg as a part of what its product lost.

    Parameters
    ----------
    cells, expected, noise
        The flows, what was expected, and how much flows of that size change for no reason.
    legs : (m,)
        Cells that may be such a leg.
    lost : (l,)
        USD that products lost on the direct road.
    at : (n,)
        Index into ``lost`` of each cell.
    sells : (n_areas,)
        The legs lead to hubs that pass goods on: the pairs of a hub are drawn to its share, and this says of
        which hubs the sales to a destination are clear by themselves. Without it each pair stands for itself,
        and needs a clear share.

    Returns
    -------
    Bounds
        Every leg of the pairs that have an excess; never more than the whole leg.
    """
    n_pairs = cells.n_areas**2
    index, beyond, reference, variance = _legs(cells, expected, noise=noise, legs=legs, lost=lost, at=at)
    pair = cells.exporter[index] * cells.n_areas + cells.importer[index]
    own = _fit(pair, n_pairs, beyond, reference, variance)
    if sells is not None:
        whole = _fit(cells.importer[index], cells.n_areas, beyond, reference, variance, usual=expected[index])
        hub = np.tile(np.arange(cells.n_areas), cells.n_areas)
        clear = whole.are_clear(np.where(sells, _BESIDE_SALES, CLEAR))
        share = np.where(clear[hub], _drawn(own, whole.share[hub]), 0.0)
    else:
        share = np.where(own.are_clear(), own.share, 0.0)
    real = np.flatnonzero((share > 0)[pair])
    mean, after = share[pair[real]] * reference[real], cells.after[index[real]]
    usd = in_blocks(_posterior, mean, beyond[real], variance[real], after)
    return Bounds(cell=index[real], usd=usd, net_usd=usd, predicted_usd=mean)


def hub_shares(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.signedinteger],
    lost: NDArray[np.float64],
    at: NDArray[np.signedinteger],
) -> tuple[Shares, NDArray[np.float64]]:
    """Return the share of what was lost that each area's arrivals show, and what was lost, by area.

    Parameters
    ----------
    cells, expected, noise, legs, lost, at
        As of :func:`pooled_excess`.
    """
    index, beyond, reference, variance = _legs(cells, expected, noise=noise, legs=legs, lost=lost, at=at)
    hub, n = cells.importer[index], cells.n_areas
    shares = _fit(hub, n, beyond, reference, variance, usual=expected[index])
    return shares, sum_by(hub, reference, n)


def rest_on_one(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.signedinteger],
    lost: NDArray[np.float64],
    at: NDArray[np.signedinteger],
) -> NDArray[np.int64]:
    """Return the good on which each area's share rests: clear with it, and not without it.

    Of a hub of which nobody publishes what it sends on, one good that boomed is no evidence. The good left
    out is the one with the largest Σ w·x·L, w the weights of the fit. In one of six worlds of a generator
    that is not ours an area that passed nothing on took 36% of the true volume by two goods: it is told no
    more (absolute error 0.93 → 0.58); in another one a true hub of one good is named with a limit now instead
    of an amount (0.69 → 0.65).

    Parameters
    ----------
    cells, expected, noise, legs, lost, at
        As of :func:`pooled_excess`.

    Returns
    -------
    (n_areas,)
        Index of the good; -1 where the share rests on several, or is not clear with all of them either.
    """
    index, beyond, reference, variance = _legs(cells, expected, noise=noise, legs=legs, lost=lost, at=at)
    hub, product, n, k = cells.importer[index], cells.product[index], cells.n_areas, cells.n_products
    usual = expected[index]
    every = _fit(hub, n, beyond, reference, variance, usual=usual)
    weight = _weights(every, hub, reference, variance)
    told = np.clip(beyond, -reference, reference)
    shown = sum_by(hub * k + product, weight * told * reference, n * k).reshape(n, k)
    good = shown.argmax(axis=1)
    kept = product != good[hub]
    others = _fit(hub[kept], n, beyond[kept], reference[kept], variance[kept], usual=usual[kept])
    return np.where(every.are_clear() & ~others.are_clear(), good, -1)


def _legs(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    noise: Noise,
    legs: NDArray[np.signedinteger],
    lost: NDArray[np.float64],
    at: NDArray[np.signedinteger],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the legs of goods that lost their direct road: cell, excess, what was lost, variance."""
    index = legs[lost[at[legs]] > 0]
    usual = expected[index]
    return index, cells.after[index] - usual, lost[at[index]], np.square(noise.usd_at(usual))


def _posterior(
    mean: NDArray[np.float64],
    beyond: NDArray[np.float64],
    variance: NDArray[np.float64],
    after: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Draw what is expected of the share, ``mean``, and what was seen together, within what flowed."""
    spread = (SPREAD * mean) ** 2
    return np.clip((beyond * spread + mean * variance) / (spread + variance), 0.0, after)


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the lost trade by group.

    Attributes
    ----------
    raw, share, error : (n_groups,)
        Weighted mean, the same where positive, and its standard error.
    legs : (n_groups,)
        How many legs each was learnt from.
    """

    raw: NDArray[np.float64]
    share: NDArray[np.float64]
    error: NDArray[np.float64]
    legs: NDArray[np.int64]

    def are_clear(self, least: NDArray[np.float64] | float = CLEAR) -> NDArray[np.bool_]:
        """Return whether each share is clear, see :func:`is_clear`."""
        return is_clear(self.share, self.error, self.legs, least)


def is_clear(
    share: NDArray[np.float64],
    error: NDArray[np.float64],
    legs: NDArray[np.signedinteger],
    least: NDArray[np.float64] | float = CLEAR,
) -> NDArray[np.bool_]:
    """Return whether shares are more than ``least`` standard errors, or as many as so few legs can show.

    With few legs the spread alone keeps the ratio under √n, however clear the excess: ask for less.
    """
    needed = np.minimum(least, _NEAR_ALL * np.sqrt(np.maximum(legs, 1)))
    clear: NDArray[np.bool_] = share > needed * error
    return clear


def _fit(
    group: NDArray[np.signedinteger],
    n_groups: int,
    beyond: NDArray[np.float64],
    reference: NDArray[np.float64],
    variance: NDArray[np.float64],
    *,
    usual: NDArray[np.float64] | None = None,
) -> Shares:
    """Fit the share of every group by weighted least squares, the spread growing with the share.

    No more can be detoured than was lost: an excess over it, or a fall by more, says as much as one of that
    size. With the expected legs of hubs, ``usual``, what a hub's own growth may be off by is in its share's
    error.
    """
    told = np.clip(beyond, -reference, reference)
    share, raw, precision = np.zeros(n_groups), np.zeros(n_groups), np.zeros(n_groups)
    for _ in range(_ROUNDS):
        precision, total = weigh(
            group, told, reference, variance, SPREAD * np.maximum(share, _SMALLEST_SHARE)
        )
        raw = np.divide(total, precision, out=np.zeros(n_groups), where=precision > 0)
        share = np.maximum(raw, 0.0)
    error = np.full(n_groups, np.inf)
    np.divide(1.0, np.sqrt(precision), out=error, where=precision > 0)
    found = Shares(raw, share, error, count_by(group, n_groups))
    if usual is None:
        return found
    weight = _weights(found, group, reference, variance) * reference
    total = sum_by(group, weight * reference, n_groups)
    moved = np.divide(sum_by(group, weight * usual, n_groups), total, out=np.zeros(n_groups), where=total > 0)
    return replace(found, error=np.hypot(error, _GROWTH_ERROR * moved))


def _weights(
    shares: Shares,
    group: NDArray[np.signedinteger],
    reference: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weight of each leg in the fit of its group."""
    spread = SPREAD * np.maximum(shares.share, _SMALLEST_SHARE)[group] * reference
    weight: NDArray[np.float64] = 1.0 / (variance + spread**2)
    return weight


def _drawn(own: Shares, hub: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each pair's share drawn to its hub's as far as its own error demands."""
    between, error = (_BETWEEN * hub) ** 2, np.where(np.isfinite(own.error), own.error, 0.0) ** 2
    whole = between + error
    drawn = np.divide(own.raw * between + hub * error, whole, out=np.zeros(hub.size), where=whole > 0)
    share: NDArray[np.float64] = np.maximum(drawn, 0.0)
    return share
