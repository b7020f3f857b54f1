"""Hubs of which one leg is clear and the other drowned in trade of their own: a limit, and no silence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from entrepot.detect.estimate import estimate
from entrepot.detect.noise import Noise
from entrepot.detect.untold import untold_hubs

PRODUCTS = 8
SD, FLOOR = 0.1, 1.0
NOISE = Noise(log_size=np.array([0.0]), sd=np.array([SD]), floor=FLOOR)
ORIGIN, DESTINATION, HUB, OTHER = 0, 2, 3, 4


@pytest.fixture
def found(make_cells, make_question):
    """Return the untold of a world in which 90 of 100 leave the direct road, and OTHER has these legs."""

    def of(
        *,
        arrives: tuple[float, float],
        sends: tuple[float, float],
        falls: float = 90.0,
        products: int = PRODUCTS,
        is_seen: bool = True,
    ):
        rows = []
        for k in range(products):
            rows += [
                (ORIGIN, DESTINATION, k, 100.0, 100.0 - falls),
                (ORIGIN, HUB, k, 100.0, 160.0),
                (HUB, DESTINATION, k, 5.0, 60.0),
                (ORIGIN, OTHER, k, *arrives),
                (OTHER, DESTINATION, k, *sends),
            ]
            # ordinary trade that did not change tells that nothing grew
            others = range(5, 11)
            rows += [(ORIGIN, at, k, 100.0, 100.0) for at in others]
            rows += [(at, to, k, 100.0, 100.0) for at in others for to in (HUB, OTHER, DESTINATION)]
            rows += [(at, to, k, 100.0, 100.0) for at in (HUB, OTHER) for to in others]
        cells = make_cells(rows, n_areas=11, n_products=products)
        unseen = () if is_seen else ((OTHER, DESTINATION),)
        question = make_question(cells, origins=(ORIGIN,), unobserved=unseen)
        made = estimate(cells, question, noise=NOISE)
        of.asked = cells, question
        return untold_hubs(cells, question, made, noise=NOISE), made

    return of


def test_sales_from_nought_beside_arrivals_a_thousand_times_as_large(found) -> None:
    untold, made = found(arrives=(1e5, 1e5), sends=(0.0, 40.0))
    assert set(made.corridors.hub[made.corridors.usd > 0].tolist()) == {HUB}
    assert untold.hub.tolist() == [OTHER]
    assert untold.sent_usd[0] == pytest.approx(PRODUCTS * 40.0)
    off = 1.6448536269514722 * math.sqrt(PRODUCTS) * SD * FLOOR
    assert untold.high_usd[0] == pytest.approx(PRODUCTS * 40.0 + off)
    # Of legs alike the noise of their sum is that of each, times the root of how many there are; two per cent
    # by which the area's own growth may be off are two per cent of the sum.
    noise, growth = math.sqrt(PRODUCTS) * SD * (1e5 + FLOOR), 0.02 * PRODUCTS * 1e5
    assert untold.doubt_usd[0] == pytest.approx(1.6448536269514722 * math.hypot(noise, growth), rel=1e-4)


def test_no_more_than_was_lost(found) -> None:
    untold, _ = found(arrives=(1e5, 1e5), sends=(0.0, 500.0))
    assert untold.sent_usd[0] == pytest.approx(PRODUCTS * 90.0, rel=0.03)


def test_arrivals_that_would_show_it_refute_it(found) -> None:
    """It buys ten and goes on buying ten: forty that it sells are its own."""
    untold, made = found(arrives=(10.0, 10.0), sends=(0.0, 40.0))
    assert OTHER not in made.corridors.hub[made.corridors.usd > 0]
    assert not untold.hub.size


def test_clear_arrivals_beside_sales_that_rose_by_little_of_much(found) -> None:
    untold, made = found(arrives=(100.0, 180.0), sends=(1000.0, 1090.0))
    assert OTHER not in made.corridors.hub[made.corridors.usd > 0]
    assert untold.hub.tolist() == [OTHER]
    assert untold.arrived_usd[0] == pytest.approx(PRODUCTS * 80.0, rel=0.02)
    assert untold.high_usd[0] <= untold.arrived_usd[0] + untold.doubt_usd[0] + 1e-9


def test_sales_that_stayed_as_they_were_are_not_untold(found) -> None:
    untold, _ = found(arrives=(100.0, 180.0), sends=(1000.0, 1000.0))
    assert not untold.hub.size


def test_nothing_lost_is_nothing_untold(found) -> None:
    untold, _ = found(arrives=(1e5, 1e5), sends=(0.0, 40.0), falls=0.0)
    assert untold.table((), ()).num_rows == 0


def test_a_hub_of_little_is_not_worth_a_word(found) -> None:
    untold, made = found(arrives=(1e5, 1e5), sends=(0.0, 1.5))
    assert made.corridors.usd.sum() > 20 * PRODUCTS * 1.5
    assert not untold.hub.size


@pytest.mark.parametrize(("sends", "is_found"), [((0.0, 6.0), True), ((100.0, 104.0), False)])
def test_clear_sales_make_do_with_less_clear_arrivals(found, sends, is_found) -> None:
    """Arrivals of 3.4 standard errors: enough beside sales from nought, not beside sales that hardly rose."""
    _, made = found(arrives=(100.0, 109.8), sends=sends, products=24)
    assert (OTHER in made.corridors.hub[made.corridors.usd > 0]) == is_found


@pytest.mark.parametrize(("products", "is_found"), [(1, False), (2, True), (PRODUCTS, True)])
def test_a_hub_that_nobody_sees_selling_needs_more_than_one_good(found, products, is_found) -> None:
    untold, made = found(arrives=(100.0, 180.0), sends=(0.0, 0.0), is_seen=False, products=products)
    assert (OTHER in made.corridors.hub[made.corridors.usd > 0]) == is_found
    assert untold.hub.tolist() == np.flatnonzero(made.one_good >= 0).tolist() == ([] if is_found else [OTHER])
    if not is_found:
        assert math.isnan(untold.sent_usd[0])
        table = untold.table([str(at) for at in range(11)], ["870323"])
        assert table["sent_usd"].to_pylist() == [None]
        assert table["hs_code"].to_pylist() == ["870323"]
        assert untold.high_usd[0] == pytest.approx(untold.arrived_usd[0] + untold.doubt_usd[0])
        assert untold.high_usd[0] > 80.0


def test_however_many_goods_a_rise_of_all_by_a_few_per_cent_is_growth(found) -> None:
    """Six per cent of 400 goods are twelve standard errors of their noise, and three of the hub's growth."""
    for after, is_found in ((106.0, False), (130.0, True)):
        _, made = found(arrives=(100.0, after), sends=(100.0, 104.0), products=400)
        assert (OTHER in made.corridors.hub[made.corridors.usd > 0]) == is_found


def test_an_area_without_an_amount_for_another_reason_is_not_said_to_be_of_one_good(found) -> None:
    """Clear arrivals of many goods, and no loss left for them: nobody is named for a single good."""
    _, made = found(arrives=(100.0, 180.0), sends=(0.0, 0.0), is_seen=False)
    nothing = replace(made, corridors=made.corridors.only(made.corridors.hub != OTHER))
    assert OTHER in made.corridors.hub
    cells, question = found.asked
    assert not untold_hubs(cells, question, nothing, noise=NOISE).hub.size
