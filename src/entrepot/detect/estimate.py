"""One run of the estimator on one pair of windows: expected flows, bounds, amounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.baseline import (
    Baseline,
    Expected,
    expected_at,
    expected_flows,
    with_pair_growth,
    without_filling,
)
from entrepot.detect.bounds import find_bounds, find_falls
from entrepot.detect.chains import allocate_chains
from entrepot.detect.corridors import Corridors, Legs, allocate_detours, allocate_relays, through_hubs
from entrepot.detect.fallen_goods import taken_chance
from entrepot.detect.fallen_growth import with_fallen_growth
from entrepot.detect.hub_growth import with_hub_growth
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.kernels.threads import in_blocks
from entrepot.detect.markup import hub_markup
from entrepot.detect.noise import MAD_TO_SD, Noise, appearing_size, fit_noise, flat_noise
from entrepot.detect.portions import n_portions, portion
from entrepot.detect.shares import pooled_excess, rest_on_one
from entrepot.detect.shrinkage import half_of
from entrepot.detect.strength import (
    clear_pairs,
    clear_rises,
    held_strength,
    passing_hubs,
    strength_as_a_whole,
)
from entrepot.detect.unseen import declared_share, mirror_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.bounds import Bounds
    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.portions import Portion

__all__ = ["LARGEST_LEARNT", "Estimate", "estimate", "expect", "learn_noise", "noise_portion"]

#: Cells up to which noise is learnt from all.
LARGEST_LEARNT = 2_000_000

_HUB_SIGNAL = 2.0
_FEWEST_IMPORTERS = 10
_FEWEST_UNTREATED = 3
_MORE_LIKELY = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """Amounts of one pair of windows, and what they were made of.

    Attributes
    ----------
    corridors
        The amounts, relays among them.
    expected
        What was expected of every cell.
    legs
        The bounds that they obey.
    one_good : (n_areas,)
        The good in which alone the arrivals of an area speak of a detour, where nobody sees its sales: it has
        no amount. -1 of the others.
    """

    corridors: Corridors
    expected: Expected
    legs: Legs
    one_good: NDArray[np.int64]


def learn_noise(
    windows: Sequence[Cells],
    questions: Sequence[Question],
    partner_growth: Sequence[NDArray[np.float64] | None],
    *,
    largest: int = LARGEST_LEARNT,
) -> Noise:
    """Learn the noise of flows from windows before the event.

    Expected flows are made as for the event, with the same cells left out of the medians, and in two
    rounds: expected flows weighted by the first noise give the second. Of more than ``largest`` cells in all
    one portion of the products is asked (:func:`noise_portion`).
    """
    asked = [
        noise_portion(cells, question, largest=largest // len(windows))
        for cells, question in zip(windows, questions, strict=True)
    ]
    floor = appearing_size([one.cells for one in asked])
    noise = flat_noise(floor)
    for _ in range(2):
        found = [
            expect(one.cells, one.question, noise=noise, partner_growth=growth)
            for one, growth in zip(asked, partner_growth, strict=True)
        ]
        noise = replace(
            fit_noise([one.usd for one in found], [one.cells.after for one in asked], floor=floor),
            half_supply=half_of([one.supply for one in found if one.supply is not None]),
            half_demand=half_of([one.demand for one in found if one.demand is not None]),
        )
    return noise


def noise_portion(cells: Cells, question: Question, *, largest: int = LARGEST_LEARNT) -> Portion:
    """Return the products of one window from which noise is learnt: all of up to ``largest`` cells.

    Noise is some twenty standard deviations by size of flow, which a hundred thousand flows each tell as well
    as a million do: of a world of 13 million cells they came out within 0.7% of what all of it gives.
    """
    return portion(cells, question, 0, n=n_portions(cells, largest=largest))


def estimate(
    cells: Cells,
    question: Question,
    *,
    noise: Noise,
    z: float = 1.0,
    partner_growth: NDArray[np.float64] | None = None,
    baseline: Baseline | None = None,
) -> Estimate:
    """Estimate every corridor of the question.

    Parameters
    ----------
    cells, question, noise
        The flows, who is asked about, and how much flows change for no reason.
    z
        Departures within ``z`` standard deviations of the expected flow are noise.
    partner_growth : (n_areas,)
        Log growth of the goods outside the question by importer; see
        :func:`entrepot.detect.baseline.expected_flows`.
    baseline
        Insist on one baseline instead of the best that the data allow.
    """
    expected = expect(cells, question, noise=noise, partner_growth=partner_growth, baseline=baseline)
    cells.forget()
    origins, hubs, ends = question.origins, question.hubs, question.destinations
    free, listed = ~question.is_treated, question.listed
    inbound = cells.under(origins[:, None] & hubs & free, listed)
    onward = cells.told(cells.under(hubs[:, None] & ends & free & question.is_observed, listed))
    closed = cells.under(question.is_treated, listed)
    treated = np.zeros(cells.before.size, dtype=bool)
    treated[closed] = True
    expected = without_filling(expected, cells, noise=noise, direct=closed)
    falls, direct = _falls(cells, expected.usd, question=question, noise=noise, closed=closed, z=z)
    # Only products whose direct flow fell can be detoured: others would drown the excess of a pair.
    lost = _Lost.of(cells, falls)
    if expected.baseline is Baseline.UNTREATED:
        controls = lost.controls(cells, question, treated)
        expected = with_pair_growth(expected, cells, noise=noise, controls=controls)
    expected = with_fallen_growth(expected, cells, question=question, noise=noise, direct=treated)
    by = cells.grouping
    arrivals = inbound[lost.by_origin[by.supplier_product[inbound]] > 0]
    expected, is_told = with_hub_growth(
        expected, cells, question=question, noise=noise, legs=arrivals, lost=lost.by_origin
    )
    sales = onward[lost.by_destination[by.importer_product[onward]] > 0]
    passing = passing_hubs(cells, expected.usd, noise=noise, inbound=arrivals, onward=sales)
    clear = clear_pairs(cells, expected.usd, noise=noise, at=sales, sign=1)
    sells: NDArray[np.bool_] = np.asarray(clear.reshape(cells.n_areas, cells.n_areas).any(axis=1))
    # Two noisy legs bound each other from above. Where nobody sees the onward leg, what lumpy arrivals exceed
    # the expected ones by on average is taken off.
    is_alone = ~np.atleast_1d(question.is_observed[:, ends].all(axis=1))
    passing &= is_told | ~is_alone
    hub = cells.importer[inbound]
    alone = inbound[passing[hub] & question.is_alone(cells, hub, cells.product[inbound])]
    usual, one_good = expected.usd, np.full(cells.n_areas, -1)
    if alone.size:
        usual = usual.copy()
        usual[alone] = noise.mean_at(usual[alone])
        rests = rest_on_one(
            cells,
            usual,
            noise=noise,
            legs=arrivals[(passing & is_alone)[cells.importer[arrivals]]],
            lost=lost.by_origin,
            at=by.supplier_product,
        )
        one_good = np.where(sells, -1, rests)
        passing &= one_good < 0
    ours = pooled_excess(
        cells,
        usual,
        noise=noise,
        legs=inbound[passing[cells.importer[inbound]]],
        lost=lost.by_origin,
        at=by.supplier_product,
        sells=sells,
    )
    # Of the many pairs that nobody suspects, lumpy trade lifts some above any number of standard errors in
    # USD: they have to be clear on the log scale too.
    beside, fell = ~(origins | ends)[:, None] & hubs, lost.by_product > 0
    others = cells.under(clear_rises(cells, expected.usd, noise=noise, pairs=beside, products=fell), fell)
    theirs = pooled_excess(cells, expected.usd, noise=noise, legs=others, lost=lost.by_product, at=by.product)
    on = pooled_excess(
        cells, expected.usd, noise=noise, legs=onward, lost=lost.by_destination, at=by.importer_product
    )
    # What one hub sends another stands in the receiver's book under the countries of origin, if by anything:
    # only what comes from where the origins' goods did not arrive tells what a hub declares.
    is_on_the_way = np.zeros(cells.n_areas, dtype=bool)
    is_on_the_way[cells.importer[ours.positive().cell]] = True
    makers = theirs.only(~is_on_the_way[cells.exporter[theirs.cell]])
    usual_ratio = mirror_ratio(cells, noise)
    declared, others_declared = (
        declared_share(cells, expected.usd, noise=noise, inbound=of, usual_ratio=usual_ratio)
        for of in (ours, makers)
    )
    legs = Legs(
        inbound=ours,
        others=theirs,
        onward=on.scaled(1.0 / hub_markup(cells, question)[cells.exporter[on.cell]]),
        direct=direct,
        declared=declared,
        others_declared=others_declared,
    )
    detours = allocate_detours(cells, legs, question)
    relays = allocate_relays(cells, legs, question, detours)
    chains, relays = allocate_chains(cells, legs, question, detours, relays)
    own = detours.joined(chains)
    return Estimate(
        corridors=own.joined(through_hubs(relays, own, cells.n_areas)),
        expected=expected,
        legs=legs,
        one_good=one_good,
    )


def _falls(
    cells: Cells,
    expected: NDArray[np.float64],
    *,
    question: Question,
    noise: Noise,
    closed: NDArray[np.int64],
    z: float,
) -> tuple[Bounds, Bounds]:
    """Return what the direct road lost, and what of it the measures took, more likely than not.

    The same where goods are named; see :mod:`entrepot.detect.fallen_goods`. What is learnt of hubs is learnt
    of all falls: by those alone that the measures took, areas that boom in the goods under measures had 1 to
    6% of the true volume in smooth worlds; by all, they have 0 to 1%.

    Parameters
    ----------
    cells, expected, question, noise, z
        The flows, what was expected, who is asked about, and what is noise.
    closed : (m,)
        Flows under measures, in order.
    """
    treated = np.zeros(cells.before.size, dtype=bool)
    treated[closed] = True
    if not question.is_assortment:
        falls = find_falls(cells, expected, noise=noise, legs=treated, z=z)
        return falls, falls
    falls = find_bounds(cells, expected, noise=noise, legs=treated, sign=-1, z=z)
    chance = taken_chance(
        noise.log_change(cells.after[closed], expected[closed]),
        noise.at(expected[closed]),
        cells.importer[closed].astype(np.int64) * cells.n_products + cells.product[closed],
    )[np.searchsorted(closed, falls.cell)]
    return falls, falls.capped(chance).only(chance > _MORE_LIKELY)


@dataclass(frozen=True, slots=True)
class _Lost:
    """What products lost on the direct road, USD.

    Attributes
    ----------
    by_origin, by_destination : (n_areas * n_products,)
        Product by product of each origin, and towards each destination.
    by_product : (n_products,)
        In all.
    """

    by_origin: NDArray[np.float64]
    by_destination: NDArray[np.float64]
    by_product: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Cells, direct: Bounds) -> _Lost:
        """Sum the shortfalls."""
        k, size = cells.n_products, cells.n_areas * cells.n_products
        exporter, importer, product = (
            column[direct.cell] for column in (cells.exporter, cells.importer, cells.product)
        )
        return cls(
            by_origin=sum_by(exporter * k + product, direct.usd, size),
            by_destination=sum_by(importer * k + product, direct.usd, size),
            by_product=sum_by(product, direct.usd, k),
        )

    def controls(self, cells: Cells, question: Question, treated: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the cells of which nothing was lost: by origin, towards their destination, or in all."""
        kept = [of <= 0 for of in (self.by_origin, self.by_destination, self.by_product)]
        by = cells.grouping

        def is_control(
            e: NDArray[np.int32],
            i: NDArray[np.int32],
            k: NDArray[np.int32],
            is_treated: NDArray[np.bool_],
        ) -> NDArray[np.bool_]:
            n = np.int32(cells.n_products)
            kind = np.where(question.origins[e], kept[0][e * n + k], kept[2][k])
            chosen: NDArray[np.bool_] = np.where(question.destinations[i], kept[1][i * n + k], kind)
            return chosen & ~is_treated

        return in_blocks(is_control, by.exporter, by.importer, by.product, treated, dtype=np.bool_)


def expect(
    cells: Cells,
    question: Question,
    *,
    noise: Noise,
    partner_growth: NDArray[np.float64] | None = None,
    baseline: Baseline | None = None,
) -> Expected:
    """Return the expected flows of a question, from whatever the event cannot have touched.

    With the hubs named, arrivals there from the origins are left out of the medians; with hubs unknown,
    those that stand out are, in two rounds. Where the origins sell to fewer than ten other areas all of
    those may be hubs, and growth comes from the goods outside the question.
    """
    if baseline is not None:
        question = replace(question, method=baseline)
    if baseline is Baseline.UNCHANGED:
        return Expected(usd=cells.before, baseline=Baseline.UNCHANGED)
    if baseline is Baseline.UNLISTED:
        nothing = np.zeros(cells.before.size, dtype=bool)
        return expected_flows(cells, untreated=nothing, noise=noise, partner_growth=partner_growth)
    if question.are_hubs_given:
        return _expected_beside(cells, question, question.hubs, noise, partner_growth)
    third = int(((cells.by_pair[question.origins] > 0).any(axis=0) & ~question.destinations).sum())
    if not third:
        # Nobody is named: an event touches a minority of all trade, which moves no median.
        everything = np.ones(cells.before.size, dtype=bool)
        return _expected(cells, question, everything, noise, partner_growth)
    if third < _FEWEST_IMPORTERS:
        return _expected_beside(cells, question, question.hubs, noise, partner_growth)
    # Hubs unknown: begin with none, then leave out those whose arrivals from the origins stand out.
    at = cells.under(question.origins[:, None] & question.hubs & ~question.is_treated, question.listed)
    beside_none = _untreated_beside(cells, question, np.zeros(cells.n_areas, dtype=bool))
    usual = expected_at(cells, untreated=beside_none, noise=noise, at=at, partner_growth=partner_growth)
    used, by_medians = _busy_hubs(cells, at, usual, noise), replace(question, method=None)
    expected = _expected_beside(cells, by_medians, used, noise, partner_growth)
    before, used = used, _busy_hubs(cells, at, expected.usd[at], noise)
    if not np.array_equal(before, used):
        del expected  # of a whole world it is large, and so is the next one
        expected = _expected_beside(cells, by_medians, used, noise, partner_growth)
    is_done = question.method in {None, Baseline.UNTREATED}
    return expected if is_done else _expected_beside(cells, question, used, noise, partner_growth)


def _expected_beside(
    cells: Cells,
    question: Question,
    hubs: NDArray[np.bool_],
    noise: Noise,
    partner_growth: NDArray[np.float64] | None,
) -> Expected:
    """Expect flows from the cells that neither the measures nor the hubs can have touched."""
    return _expected(cells, question, _untreated_beside(cells, question, hubs), noise, partner_growth)


def _untreated_beside(cells: Cells, question: Question, hubs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the cells that neither the measures nor the hubs can have touched; none where too few are."""
    touched = (
        question.is_treated | (question.origins[:, None] & hubs) | (hubs[:, None] & question.destinations)
    )
    others = cells.importer[cells.under(question.origins[:, None] & ~touched, question.listed)]
    is_enough = (np.bincount(others, minlength=cells.n_areas) > 0).sum() >= _FEWEST_UNTREATED
    untreated = np.full(cells.before.size, is_enough)
    untreated[cells.under(touched, question.listed)] = False
    return untreated


def _expected(
    cells: Cells,
    question: Question,
    untreated: NDArray[np.bool_],
    noise: Noise,
    partner_growth: NDArray[np.float64] | None,
) -> Expected:
    return expected_flows(
        cells,
        untreated=untreated,
        noise=noise,
        partner_growth=partner_growth,
        method=question.method or Baseline.UNTREATED,
        controls=question.controls,
    )


def _busy_hubs(
    cells: Cells, at: NDArray[np.int64], usual: NDArray[np.float64], noise: Noise
) -> NDArray[np.bool_]:
    """Return the areas whose arrivals from the origins exceed the expected by far more than others' do.

    Parameters
    ----------
    cells, noise
        The flows, and how much flows change for no reason.
    at, usual : (m,)
        Arrivals from the origins, and what was expected of them.
    """
    if not at.size:
        return np.zeros(cells.n_areas, dtype=bool)
    importer = cells.importer[at]
    signal = strength_as_a_whole(held_strength(cells.after[at], usual, noise), importer, cells.n_areas)
    signal[np.bincount(importer, minlength=cells.n_areas) == 0] = np.nan
    centre = np.nanmedian(signal)
    spread = MAD_TO_SD * np.nanmedian(np.abs(signal - centre))
    with np.errstate(invalid="ignore"):
        busy: NDArray[np.bool_] = np.nan_to_num((signal - centre) / max(spread, 1e-9)) > _HUB_SIGNAL
    return busy
