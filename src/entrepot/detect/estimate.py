"""One run of the estimator on one pair of windows: expected flows, bounds, amounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.baseline import Baseline, Expected, expected_flows, with_pair_growth
from entrepot.detect.bounds import Bounds, find_bounds
from entrepot.detect.corridors import Corridors, Legs, allocate_detours, allocate_relays
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.markup import hub_markup
from entrepot.detect.noise import MAD_TO_SD, Noise, appearing_size, fit_noise, flat_noise
from entrepot.detect.shares import pooled_excess
from entrepot.detect.unseen import declared_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question

__all__ = ["Estimate", "estimate", "expect", "learn_noise"]

_CLIP = 4.0
_HUB_SIGNAL = 2.0
_FEWEST_IMPORTERS = 10
_FEWEST_UNTREATED = 3


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
    """

    corridors: Corridors
    expected: Expected
    legs: Legs


def learn_noise(
    windows: Sequence[Cells],
    questions: Sequence[Question],
    partner_growth: Sequence[NDArray[np.float64] | None],
) -> Noise:
    """Learn the noise of flows from windows before the event.

    Expected flows are made as for the event, with the same cells left out of the medians, and in two
    rounds: expected flows weighted by the first noise give the second.
    """
    floor = appearing_size(windows)
    noise = flat_noise(floor)
    for _ in range(2):
        expected: list[NDArray[np.float64]] = []
        after: list[NDArray[np.float64]] = []
        for cells, question, growth in zip(windows, questions, partner_growth, strict=True):
            usd = expect(cells, question, noise=noise, partner_growth=growth).usd
            expected.append(usd)
            after.append(cells.after)
        noise = fit_noise(expected, after, floor=floor)
    return noise


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
    listed = question.listed[cells.product]
    treated = question.is_treated[cells.exporter, cells.importer] & listed
    inbound = question.origins[cells.exporter] & question.hubs[cells.importer] & listed & ~treated
    onward = question.hubs[cells.exporter] & question.destinations[cells.importer] & listed & ~treated
    onward &= question.is_observed[cells.exporter, cells.importer]
    direct_bounds = find_bounds(cells, expected.usd, noise=noise, legs=treated, sign=-1, z=z)
    # Only products whose direct flow fell can be detoured: others would drown the excess of a pair.
    by_origin, by_destination, by_product = _lost(cells, direct_bounds)
    others = ~question.origins[cells.exporter] & ~question.destinations[cells.exporter]
    others &= question.hubs[cells.importer]

    lost = np.where(question.origins[cells.exporter], by_origin, by_product)
    lost = np.where(question.destinations[cells.importer], by_destination, lost)
    expected = with_pair_growth(expected, cells, noise=noise, controls=(lost <= 0) & ~treated)

    def excess(
        legs: NDArray[np.bool_], lost: NDArray[np.float64], hub: NDArray[np.int64] | None = None
    ) -> Bounds:
        return pooled_excess(cells, expected.usd, noise=noise, legs=legs, lost=lost, hub=hub)

    ours, theirs = excess(inbound, by_origin, cells.importer), excess(others, by_product)
    on = excess(onward, by_destination)
    legs = Legs(
        inbound=ours,
        others=theirs,
        onward=on.scaled(1.0 / hub_markup(cells, question)[cells.exporter[on.cell]]),
        direct=direct_bounds,
        declared=declared_share(cells, expected.usd, noise=noise, inbound=ours),
        others_declared=declared_share(cells, expected.usd, noise=noise, inbound=theirs),
    )
    detours = allocate_detours(cells, legs, question)
    relays = allocate_relays(cells, legs, question, detours)
    return Estimate(corridors=detours.joined(relays), expected=expected, legs=legs)


def _lost(
    cells: Cells, direct: Bounds
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return for every cell what its product lost: by its exporter, towards its importer, and in all."""
    size = cells.n_areas * cells.n_products
    product = cells.product[direct.cell]

    def total(of_leg: NDArray[np.int64], of_cell: NDArray[np.int64]) -> NDArray[np.float64]:
        lost = sum_by(of_leg * cells.n_products + product, direct.usd, size)
        of_cells: NDArray[np.float64] = lost[of_cell * cells.n_products + cells.product]
        return of_cells

    return (
        total(cells.exporter[direct.cell], cells.exporter),
        total(cells.importer[direct.cell], cells.importer),
        sum_by(product, direct.usd, cells.n_products)[cells.product],
    )


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
    nothing = np.zeros(cells.before.size, dtype=bool)
    if baseline is not None:
        question = replace(question, method=baseline)
    if baseline is Baseline.UNCHANGED:
        return Expected(usd=cells.before.copy(), baseline=Baseline.UNCHANGED)
    if baseline is Baseline.UNLISTED:
        return expected_flows(cells, untreated=nothing, noise=noise, partner_growth=partner_growth)
    if question.are_hubs_given:
        return _expected_beside(cells, question, question.hubs, noise, partner_growth)
    third = np.unique(cells.importer[question.origins[cells.exporter]])
    third = third[~question.destinations[third]]
    if not third.size:
        # Nobody is named: an event touches a minority of all trade, which moves no median.
        everything = np.ones(cells.before.size, dtype=bool)
        return _expected(cells, question, everything, noise, partner_growth)
    if third.size < _FEWEST_IMPORTERS:
        return _expected_beside(cells, question, question.hubs, noise, partner_growth)
    # Hubs unknown: begin with none, then leave out those whose arrivals from the origins stand out.
    used, by_medians = np.zeros(cells.n_areas, dtype=bool), replace(question, method=None)
    for _ in range(2):
        expected = _expected_beside(cells, by_medians, used, noise, partner_growth)
        used = _busy_hubs(cells, question, expected, noise)
    return _expected_beside(cells, question, used, noise, partner_growth)


def _expected_beside(
    cells: Cells,
    question: Question,
    hubs: NDArray[np.bool_],
    noise: Noise,
    partner_growth: NDArray[np.float64] | None,
) -> Expected:
    """Expect flows from the cells that neither the measures nor the hubs can have touched."""
    listed = question.listed[cells.product]
    treated = question.is_treated[cells.exporter, cells.importer]
    through = question.origins[cells.exporter] & hubs[cells.importer]
    onward = hubs[cells.exporter] & question.destinations[cells.importer]
    untreated = ~(listed & (treated | through | onward))
    other_importers = np.unique(cells.importer[untreated & question.origins[cells.exporter] & listed])
    if other_importers.size < _FEWEST_UNTREATED:
        untreated = np.zeros(untreated.size, dtype=bool)
    return _expected(cells, question, untreated, noise, partner_growth)


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


def _busy_hubs(cells: Cells, question: Question, expected: Expected, noise: Noise) -> NDArray[np.bool_]:
    """Return the areas whose arrivals from the origins exceed the expected by far more than others' do."""
    legs = (
        question.origins[cells.exporter]
        & question.hubs[cells.importer]
        & question.listed[cells.product]
        & ~question.is_treated[cells.exporter, cells.importer]
    )
    if not legs.any():
        return np.zeros(cells.n_areas, dtype=bool)
    strength = np.clip(
        noise.log_change(cells.after[legs], expected.usd[legs]) / noise.at(expected.usd[legs]), -_CLIP, _CLIP
    )
    importer = cells.importer[legs]
    count = np.bincount(importer, minlength=cells.n_areas)
    total = sum_by(importer, strength, cells.n_areas)
    signal = np.divide(total, np.sqrt(count), out=np.full(cells.n_areas, np.nan), where=count > 0)
    centre = np.nanmedian(signal)
    spread = MAD_TO_SD * np.nanmedian(np.abs(signal - centre))
    with np.errstate(invalid="ignore"):
        busy: NDArray[np.bool_] = np.nan_to_num((signal - centre) / max(spread, 1e-9)) > _HUB_SIGNAL
    return busy
