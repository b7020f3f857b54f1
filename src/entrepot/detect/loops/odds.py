r"""Odds that the excess out and the excess back are the same goods.

*Formula.* Let g(v; e) be the density of an ordinary flow v where e was expected: Student in
ln((v+c)/(e+c))/σ. Under a round trip x of the outgoing weight went round and f·x of it is back, f being the
part that had time to return. It is weighed against the likeliest of the simpler stories: nothing happened,
one leg alone grew by some y, or, with probability ε, both did, each by its own::

    trip = mean over x and f of g(out − x)·g(back − f·x)        grew(v) = mean over y of g(v − y)
    BF   = trip ÷ max(g(out)·g(back), grew(out)·g(back), g(out)·grew(back), ε·grew(out)·grew(back))

One number sees both: that both legs exceed what was expected, and that they do so by the same weight. A pair
of areas uses the road for many products or for none, so products of a pair speak for each other. With π the
share of pairs that do, ρ the share of a pair's products in them, one of a few, and M the product over the
pair's other products of (1 − ρ + ρ·BF), the odds of one product are::

    π·mean(ρ·BF·M) ÷ (π·mean((1 − ρ)·M) + 1 − π)         means over ρ

π and ρ are orders of magnitude: what counts as found is decided by decoys, not by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.kernels.sums import sum_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Leg", "log_bayes_factor", "log_chain_factors", "log_odds", "log_pair_odds", "returned_shares"]

#: Shares of a flow that may have gone round.
_PARTS = np.concatenate([(np.arange(24) + 0.5) / 24.0, [0.99, 1.0]])
_BOTH = 0.05  # how often both legs grow without a round trip
_MOST = 8.0  # no product outweighs all others of its pair
_PAIRS = 1e-3
_PRODUCTS = np.array([0.02, 0.06, 0.18, 0.5])  # shares, equally likely: a pair of many goods uses few
_GOODS_SD = 0.1  # of the log of what goes on of the same goods, from leg to leg
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Leg:
    """One direction of candidate round trips, in kg or in USD.

    Attributes
    ----------
    flow, expected : (n,)
        What went, and what was expected.
    sd : (n,)
        Standard deviation of its log change.
    floor : (n,)
        Size of flows that appear from nothing.
    """

    flow: NDArray[np.float64]
    expected: NDArray[np.float64]
    sd: NDArray[np.float64]
    floor: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64] | slice) -> Leg:
        """Return some of the candidates."""
        return Leg(self.flow[rows], self.expected[rows], self.sd[rows], self.floor[rows])

    @property
    def excess(self) -> NDArray[np.float64]:
        """(n) Flow less expected flow."""
        return self.flow - self.expected

    @property
    def error(self) -> NDArray[np.float64]:
        """(n) Standard deviation of the expected flow."""
        return self.sd * (self.expected + self.floor)


def returned_shares(months: int, longest_lag: int) -> NDArray[np.float64]:
    """Return for each lag the share of a window's departures that is back within it."""
    lags = np.arange(longest_lag + 1)
    return np.maximum((months - lags) / months, 0.0)[lags < months]


def log_bayes_factor(
    out: Leg, back: Leg, *, tail: float, returned: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log Bayes factor of every candidate, between −∞ and a cap.

    Parameters
    ----------
    out, back
        Both legs, in the same measure.
    tail
        Degrees of freedom of the log changes.
    returned
        Shares f that may be back already, equally likely.
    """
    found = np.empty(out.flow.size)
    for first in range(0, found.size, _CHUNK):
        rows = slice(first, first + _CHUNK)
        found[rows] = _log_factor(out.only(rows), back.only(rows), tail, returned)
    return np.minimum(found, _MOST)


def _log_factor(out: Leg, back: Leg, tail: float, returned: NDArray[np.float64]) -> NDArray[np.float64]:
    trip = np.zeros(out.flow.size)
    for f in returned:
        # (n, steps) weights that may have gone round: no more than went, and than would be back
        x = np.minimum(out.flow, back.flow / max(f, 1e-9))[:, None] * _PARTS
        both = _log_density(out, out.flow[:, None] - x, tail) + _log_density(
            back, back.flow[:, None] - f * x, tail
        )
        trip += np.exp(both).mean(axis=1)
    none, grew = [], []
    for leg in (out, back):
        none.append(_log_density(leg, leg.flow[:, None], tail)[:, 0])
        alone = np.exp(_log_density(leg, leg.flow[:, None] * (1.0 - _PARTS), tail)).mean(axis=1)
        grew.append(np.log(alone))
    simpler = [none[0] + none[1], grew[0] + none[1], none[0] + grew[1], grew[0] + grew[1] + np.log(_BOTH)]
    return np.asarray(np.log(np.maximum(trip / returned.size, 1e-300)) - np.max(simpler, axis=0))


def log_chain_factors(
    legs: Sequence[Leg], *, tail: float, months: int, longest_hop: int
) -> NDArray[np.float64]:
    """Return (n, 4) how much likelier it is that goods took three legs in a row than each other story.

    The stories, in their order: no change, or growth of one, two or all legs; and goods that took two of the
    legs while the third did as it liked, the third leg being the way back, the way out, the way on. The last
    is a detour through the maker, of which the way between the vias is no part.

    Parameters
    ----------
    legs
        The way out, on, and back, in one measure.
    tail
        Degrees of freedom of the log changes.
    months, longest_hop
        Length of the window, and most months at one via.
    """
    found = np.empty((legs[0].flow.size, 4))
    for first in range(0, len(found), _CHUNK):
        rows = slice(first, first + _CHUNK)
        found[rows] = _chain_factors([leg.only(rows) for leg in legs], tail, months, longest_hop)
    return found


def _chain_factors(legs: Sequence[Leg], tail: float, months: int, longest_hop: int) -> NDArray[np.float64]:
    hops = range(longest_hop + 1)
    shares = [
        (1.0, (months - a) / months, (months - a - b) / months) for a in hops for b in hops if a + b < months
    ]
    none = [_log_density(leg, leg.flow[:, None], tail)[:, 0] for leg in legs]
    grew = [np.log(np.exp(_log_beside(leg, leg.flow[:, None] * _PARTS, tail)).mean(axis=1)) for leg in legs]
    alone = [np.maximum(n, g + np.log(_BOTH)) for n, g in zip(none, grew, strict=True)]
    # one growth alone is no coincidence
    free = np.max([np.maximum(g - a, 0.0) for a, g in zip(alone, grew, strict=True)], axis=0)
    stories = [np.sum(alone, axis=0) + free]
    for one, other, third in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        apart = sorted({months - lag for lag in hops if lag < months})
        two = [_together([legs[one], legs[other]], (1.0, left / months), tail) for left in apart]
        stories.append(np.log(np.maximum(np.mean(two, axis=0), 1e-300)) + alone[third])
    trip = np.mean([_together(legs, share, tail) for share in shares], axis=0)
    return np.asarray((np.log(np.maximum(trip, 1e-300)) - np.array(stories)).T)


def _together(legs: Sequence[Leg], shares: Sequence[float], tail: float) -> NDArray[np.float64]:
    """Return the mean density of legs that all hold one amount, each the share of it that had time."""
    most = np.min([leg.flow / share for leg, share in zip(legs, shares, strict=True)], axis=0)
    x = most[:, None] * _PARTS
    log = np.sum([_log_beside(leg, f * x, tail) for leg, f in zip(legs, shares, strict=True)], axis=0)
    return np.asarray(np.exp(log).mean(axis=1))


def _log_beside(leg: Leg, goods: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """Return the log density of ordinary flows beside goods that are themselves not told exactly.

    Some are lost, all are weighed and entered anew on every leg, and shipments are no even stream: where
    goods are most of a flow, that is more than what ordinary trade strays by.
    """
    expected, sd = leg.expected[:, None], leg.sd[:, None]
    floor = leg.floor[:, None] + _GOODS_SD * goods / sd
    ordinary = np.maximum(leg.flow[:, None] - goods, 0.0) + floor
    change = np.log(ordinary / (expected + floor)) / sd
    wider = np.log((expected + floor) / (expected + leg.floor[:, None]))
    return np.asarray(-0.5 * (tail + 1.0) * np.log1p(change**2 / tail) - wider)


def _log_density(leg: Leg, flow: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """Return the Student log density of ordinary flows but for its constant, which cancels."""
    floor = leg.floor[:, None]
    ordinary = np.maximum(flow, 0.0) + floor
    change = np.log(ordinary / (leg.expected[:, None] + floor)) / leg.sd[:, None]
    return np.asarray(-0.5 * (tail + 1.0) * np.log1p(change**2 / tail))


def log_odds(
    log_factor: NDArray[np.float64], pair: NDArray[np.int64], n_pairs: int, *, ways: int = 1
) -> NDArray[np.float64]:
    """Return the log odds of every candidate, its pair's other products heard.

    Parameters
    ----------
    log_factor : (n,)
        Log Bayes factors.
    pair : (n,)
        Number of the pair of areas, from 0 to ``n_pairs - 1``.
    n_pairs
        Number of pairs.
    ways
        Ways on which goods of one pair may go round, one as likely as the other: as many as there are second
        vias, of chains.
    """
    among, aside = [], []
    for part in _PRODUCTS:
        share = np.log1p(part * np.expm1(log_factor))
        others = sum_by(pair, share, n_pairs)[pair] - share
        among.append(np.log(part) + log_factor + others)
        aside.append(np.log1p(-part) + others)
    prior = np.log(_PAIRS / ways / _PRODUCTS.size)
    other_way = np.logaddexp(prior + np.logaddexp.reduce(aside, axis=0), np.log1p(-_PAIRS / ways))
    return np.asarray(prior + np.logaddexp.reduce(among, axis=0) - other_way)


def log_pair_odds(
    log_factor: NDArray[np.float64], pair: NDArray[np.int64], n_pairs: int
) -> NDArray[np.float64]:
    """Return (n_pairs) the log odds that a pair of areas has round trips at all, all its products heard.

    Parameters
    ----------
    log_factor, pair, n_pairs
        See :func:`log_odds`.
    """
    capped = np.expm1(np.minimum(log_factor, _MOST))
    ways = [sum_by(pair, np.log1p(part * capped), n_pairs) for part in _PRODUCTS]
    prior = np.log(_PAIRS / _PRODUCTS.size) - np.log1p(-_PAIRS)
    return np.asarray(prior + np.logaddexp.reduce(ways, axis=0))
