"""The most that a relay can be: by hand, by its twin, and never under the estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.corridors import KINDS
from entrepot.detect.estimate import estimate
from entrepot.detect.markup import hub_markup
from entrepot.detect.relay_limit import largest_relay
from entrepot.schema import DetourKind

#: Of a shortfall of 900 the origin sends 200 by way of hub 3, which sends on 500; supplier 4 sent 400 more.
ROWS = [(0, 2, 1000.0, 100.0), (0, 3, 50.0, 250.0), (3, 2, 10.0, 510.0), (4, 3, 100.0, 500.0)]


def six_alike(make_cells, rows):
    return make_cells([(i, j, k, x0, x1) for i, j, x0, x1 in rows for k in range(6)], n_products=6)


def slow_limit(cells, question, found) -> float:
    """Return the limit by loops over hubs, destinations and products."""
    legs = zip(cells.exporter.tolist(), cells.importer.tolist(), cells.product.tolist(), strict=True)
    beyond = np.maximum(cells.after - found.expected.usd, 0.0).tolist()
    amount = dict(zip(legs, beyond, strict=True))
    markup, c, direct = hub_markup(cells, question), found.corridors, found.legs.direct
    relay, declared = KINDS.index(DetourKind.RELAY), KINDS.index(DetourKind.DECLARED)
    rows = list(zip(c.hub, c.destination, c.product, c.kind, c.usd, strict=True))
    whole = 0.0
    for d in np.flatnonzero(question.destinations):
        for k in range(cells.n_products):
            unmet = sum(
                usd
                for cell, usd in zip(direct.cell, direct.net_usd, strict=True)
                if cells.importer[cell] == d and cells.product[cell] == k
            )
            unmet -= sum(usd for _, to, good, kind, usd in rows if (to, good) == (d, k) and kind != relay)
            passed = 0.0
            for h in np.flatnonzero(question.hubs & ~question.is_treated[:, d]):
                arrived = sum(
                    usd
                    for (i, j, good), usd in amount.items()
                    if j == h and good == k and not question.origins[i] and not question.destinations[i]
                )
                if question.is_observed[h, d]:
                    went = amount.get((int(h), int(d), k), 0.0) / markup[h]
                    went -= sum(
                        usd
                        for hub, to, good, kind, usd in rows
                        if (hub, to, good) == (h, d, k) and kind == declared
                    )
                    arrived = min(arrived, max(went, 0.0))
                passed += arrived
            whole += min(passed, max(unmet, 0.0))
    return max(whole, sum(usd for *_, kind, usd in rows if kind == relay))


@pytest.mark.parametrize(
    ("leg", "after", "limit"),
    [
        (2, 510.0, lambda own: 500.0 - own),  # what the hub sent on besides the origin's part
        (3, 250.0, lambda _: 150.0),  # what supplier 4 sent
        (0, 550.0, lambda own: 450.0 - own),  # the demand left unmet
    ],
)
def test_the_smallest_of_three_sums_is_the_limit(leg, after, limit, make_cells, make_question, flat) -> None:
    rows = [(i, j, x0, after if at == leg else x1) for at, (i, j, x0, x1) in enumerate(ROWS)]
    cells = six_alike(make_cells, rows)
    question = make_question(cells, origins=(0,), hubs=(3,))
    found = estimate(cells, question, noise=flat(0.01), z=1.0)
    own = found.corridors.usd[found.corridors.kind == KINDS.index(DetourKind.DECLARED)]
    assert own.sum() > 0
    assert largest_relay(cells, question, found) == pytest.approx(sum(limit(usd) for usd in own))


@pytest.mark.parametrize("seed", range(8))
def test_the_limit_equals_its_twin_and_holds_the_estimate(seed, random_cells, make_question, flat) -> None:
    rng = np.random.default_rng(seed)
    cells = random_cells(seed, n_areas=12, n_products=6, noise=0.3)
    unobserved = [(h, d) for h in range(3, 12) for d in (1, 2) if rng.random() < 0.3]
    question = make_question(cells, origins=(0, 7), destinations=(1, 2), unobserved=unobserved)
    cells = cells.only(~np.isin(cells.pair, [h * 12 + d for h, d in unobserved]))
    direct = question.is_treated[cells.exporter, cells.importer]
    cells = replace(cells, after=cells.after * np.where(direct, 0.2, 1.0))
    found = estimate(cells, question, noise=flat(0.3, floor=100.0), z=0.5)
    limit = largest_relay(cells, question, found)
    relay = found.corridors.usd[found.corridors.kind == KINDS.index(DetourKind.RELAY)].sum()
    assert limit >= relay
    assert limit == pytest.approx(slow_limit(cells, question, found))


def test_nothing_lost_nothing_relayed(random_cells, make_question, flat) -> None:
    cells = random_cells(1)
    cells = replace(cells, after=cells.before)
    question = make_question(cells)
    assert largest_relay(cells, question, estimate(cells, question, noise=flat())) == 0.0
