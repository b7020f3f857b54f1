"""The most that others can have sent through the hubs, whatever shares are assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.corridors import kind_number
from entrepot.detect.kernels.sums import sum_by
from entrepot.detect.markup import hub_markup
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.estimate import Estimate

__all__ = ["largest_relay"]


def largest_relay(cells: Cells, question: Question, found: Estimate) -> float:
    """Return an upper bound on all relays, from sums alone: no share, no significance of a pair.

    *Formula*  Σ_dk min( Σ_h min( what all other suppliers sent h beyond expectation, what h sent on to d
    beyond expectation less its mark-up and the origins' declared detours ), what d lost of k less the
    origins' detours ). Where nobody publishes h → d that term is absent.

    Parameters
    ----------
    cells, question
        The flows and who is asked about.
    found
        The estimate of the same question.

    Returns
    -------
    float
        USD, FOB; never under the estimate of the relays.
    """
    n, k = cells.n_areas, cells.n_products
    beyond = np.maximum(cells.after - found.expected.usd, 0.0)
    others = ~question.origins[cells.exporter] & ~question.destinations[cells.exporter]
    arrived = sum_by((cells.importer * k + cells.product)[others], beyond[others], n * k).reshape(n, k)
    sent_on = beyond / hub_markup(cells, question)[cells.exporter]
    is_relay = found.corridors.kind == kind_number(DetourKind.RELAY)
    own, relays = found.corridors.only(~is_relay), found.corridors.only(is_relay)
    declared = own.only(own.kind == kind_number(DetourKind.DECLARED))
    direct = found.legs.direct
    most = 0.0
    for destination in np.flatnonzero(question.destinations):
        there = cells.importer == destination
        went_on = sum_by((cells.exporter * k + cells.product)[there], sent_on[there], n * k)
        of = declared.destination == destination
        went_on -= sum_by((declared.hub * k + declared.product)[of], declared.usd[of], n * k)
        bound = np.maximum(went_on, 0.0).reshape(n, k)
        bound[~question.is_observed[:, destination]] = np.inf
        bound[~question.hubs | question.is_treated[:, destination]] = 0.0
        lost = cells.importer[direct.cell] == destination
        unmet = sum_by(cells.product[direct.cell][lost], direct.net_usd[lost], k)
        taken = own.destination == destination
        unmet -= sum_by(own.product[taken], own.usd[taken], k)
        most += float(np.minimum(np.minimum(arrived, bound).sum(axis=0), np.maximum(unmet, 0.0)).sum())
    return max(most, float(relays.usd.sum()))
