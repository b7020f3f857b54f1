"""Re-exports by country of origin: what an importer's book makes of goods that come through a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entrepot.model.world.cast import AreaRole, Cast
from entrepot.model.world.ledger import Flows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from entrepot.model.world.options import WorldOptions

__all__ = ["imports_by_origin"]

_MOST_ORIGINS = 3  # a hub's re-exports of a product are put down to so many of its suppliers


def imports_by_origin(options: WorldOptions, cast: Cast, direct: Flows) -> list[Flows]:
    """Turn ordinary trade into importers' entries by origin, before freight and noise.

    The re-exported share of a hub's ordinary exports is entered under the hub's own suppliers of the
    product, by what they sell to the hub; the rest, and all other trade, under the sender.

    Returns
    -------
    list
        Entries with the importer as source and the country of origin as target.
    """
    kept = np.ones((len(direct), 1))
    entries = []
    average = direct.usd.mean(axis=1)
    for hub in cast.having(AreaRole.HUB):
        bought = np.zeros((options.areas, options.products))
        into = direct.target == hub
        bought[direct.source[into], direct.product[into]] = average[into]
        sent = np.flatnonzero((direct.source == hub) & (bought.sum(axis=0)[direct.product] > 0.0))
        share = float(cast.re_export_share[hub])
        kept[sent] -= share
        entries.extend(_attributed(direct, sent, bought, share))
    own = Flows(direct.target, direct.source, direct.product, direct.usd * kept, direct.kg * kept)
    return [own, *entries]


def _attributed(
    direct: Flows, sent: NDArray[np.int64], bought: NDArray[np.float64], share: float
) -> list[Flows]:
    suppliers = np.argsort(-bought, axis=0)[:_MOST_ORIGINS]
    weight = np.take_along_axis(bought, suppliers, axis=0)
    weight /= np.maximum(weight.sum(axis=0), 1e-12)
    product = direct.product[sent]
    entries = []
    for place in range(len(suppliers)):
        part = (share * weight[place, product])[:, None]
        some = np.flatnonzero(part[:, 0] > 0.0)
        entries.append(
            Flows(
                direct.target[sent[some]],
                suppliers[place, product[some]],
                product[some],
                direct.usd[sent[some]] * part[some],
                direct.kg[sent[some]] * part[some],
            )
        )
    return entries
