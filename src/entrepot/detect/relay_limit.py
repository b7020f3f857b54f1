"""The most that others can have sent through the hubs, whatever shares are assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.detect.corridors import kind_number
from entrepot.detect.kernels.sums import sum_by, sum_in_blocks
from entrepot.detect.markup import hub_markup
from entrepot.schema import DetourKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.detect.cells import Cells, Question
    from entrepot.detect.estimate import Estimate

__all__ = ["largest_relay"]


def largest_relay(cells: Cells, question: Question, found: Estimate) -> float:
    """Return an upper bound on all relays, from sums alone: no share, no significance of a pair.

    *Formula*  Σ_dk min( Σ_h min( what all other suppliers sent h beyond expectation, what h sent on to d
    beyond expectation less its mark-up and the origins' declared detours ), what d lost of k less the
    origins' detours ), h all hubs that were asked about: bound by those alone that have an amount, it lay
    under the truth in a smooth world. Where nobody publishes h → d that term is absent.

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

    def beyond(after: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(after - usual, 0.0)

    usual, every = found.expected.usd, np.ones(k, dtype=bool)
    is_other = (~question.origins & ~question.destinations).astype(np.float64)
    arrived = sum_in_blocks(
        lambda after, as_usual, seller: beyond(after, as_usual) * is_other[seller],
        cells.grouping.importer_product,
        cells.after,
        usual,
        cells.exporter,
        n_groups=n * k,
    ).reshape(n, k)
    markup = hub_markup(cells, question)
    is_relay = found.corridors.kind == kind_number(DetourKind.RELAY)
    own, relays = found.corridors.only(~is_relay), found.corridors.only(is_relay)
    declared = own.only(own.kind == kind_number(DetourKind.DECLARED))
    direct = found.legs.direct
    most = 0.0
    for destination in np.flatnonzero(question.destinations):
        there = cells.under(np.broadcast_to(np.arange(n) == destination, (n, n)), every)
        sent_on = beyond(cells.after[there], usual[there]) / markup[cells.exporter[there]]
        went_on = sum_by(cells.grouping.supplier_product[there], sent_on, n * k)
        of = declared.destination == destination
        went_on -= sum_by((declared.hub * k + declared.product)[of], declared.usd[of], n * k)
        bound = np.maximum(went_on, 0.0).reshape(n, k)
        area, good = np.ogrid[:n, :k]
        bound[~question.sees(cells, area, np.full((1, 1), destination), good)] = np.inf
        bound[~question.hubs | question.is_treated[:, destination]] = 0.0
        lost = cells.importer[direct.cell] == destination
        unmet = sum_by(cells.product[direct.cell][lost], direct.net_usd[lost], k)
        taken = own.destination == destination
        unmet -= sum_by(own.product[taken], own.usd[taken], k)
        most += float(np.minimum(np.minimum(arrived, bound).sum(axis=0), np.maximum(unmet, 0.0)).sum())
    return max(most, float(relays.usd.sum()))
