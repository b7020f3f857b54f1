"""Pass one: the signal of pairs, its centring and scale, and who counts as treated."""

from __future__ import annotations

import numpy as np
import pytest

from entrepot.detect.cells import Cells
from entrepot.detect.treated import TREATED_BELOW, pair_signal, threshold, treated_pairs


def trade(change: np.ndarray, n_products: int = 30, seed: int = 0, sd: float = 0.3) -> Cells:
    """Return trade of everybody with everybody; pair (i, j) changes by exp(change[i, j]) and noise."""
    n = change.shape[0]
    exporter, importer, product = (a.ravel() for a in np.indices((n, n, n_products), dtype=np.int64))
    keep = exporter != importer
    exporter, importer, product = exporter[keep], importer[keep], product[keep]
    rng = np.random.default_rng(seed)
    before = np.exp(rng.normal(12.0, 1.0, exporter.size))
    after = before * np.exp(change[exporter, importer] + rng.normal(0.0, sd, exporter.size))
    nan, nothing = np.full(exporter.size, np.nan), np.zeros(exporter.size)
    none = np.zeros((n, n), dtype=bool)
    return Cells(exporter, importer, product, before, after, nan, nothing, nothing, none, n, n_products)


def signal_of(cells: Cells, flat, **changes) -> np.ndarray:
    counts = changes.get("counts", np.ones(cells.before.size, dtype=bool))
    return pair_signal(cells, cells.before, noise=flat(0.3), counts=counts)


def test_treated_pairs_stand_far_out_and_no_others(flat) -> None:
    change = np.zeros((15, 15))
    change[:4, 14] = -1.0
    signal = signal_of(trade(change), flat)
    treated = treated_pairs(signal)
    assert treated[:4, 14].all()
    assert treated.sum() == 4
    assert np.isnan(np.diag(signal)).all()


def test_a_slump_of_one_economy_is_no_embargo(flat) -> None:
    """Two-way centring: everything that 3 buys and everything that 5 sells falls; nothing stands out."""
    change = np.zeros((15, 15))
    change[:, 3] -= 1.0
    change[5, :] -= 0.8
    signal = signal_of(trade(change), flat)
    assert np.nanmedian(signal[:, 3]) == pytest.approx(0.0, abs=0.5)
    assert np.nanmedian(signal[5, :]) == pytest.approx(0.0, abs=0.5)
    assert not treated_pairs(signal).any()


def test_a_pair_that_does_not_join_a_boom_is_not_treated(flat) -> None:
    """Everybody sells three times as much to 9 but 0 to 3, whose sales are what they were."""
    change = np.zeros((15, 15))
    change[4:, 9] = 1.1
    assert not treated_pairs(signal_of(trade(change), flat)).any()
    change[:4, 9] = -1.0
    assert np.argwhere(treated_pairs(signal_of(trade(change), flat))).tolist() == [[o, 9] for o in range(4)]


def test_few_products_do_not_look_treated_beside_many(flat) -> None:
    """A boom of exp(0.5) in all pairs of one importer; some have six products and some have sixty."""
    change = np.zeros((15, 15))
    change[:, 9] = 0.5
    cells = trade(change, n_products=60)
    few = cells.only((cells.exporter >= 5) | (cells.product < 6))
    assert not treated_pairs(signal_of(few, flat)).any()


def test_the_signal_is_scaled_by_its_spread(flat) -> None:
    signals = [signal_of(trade(np.zeros((20, 20)), sd=sd), flat) for sd in (0.1, 0.2)]
    for signal in signals:
        known = np.abs(signal[np.isfinite(signal)])
        assert np.median(known) * 1.4826 == pytest.approx(1.0, rel=0.05)


def test_of_a_pair_with_few_cells_nothing_is_known(flat) -> None:
    signal = signal_of(trade(np.zeros((8, 8)), n_products=4), flat)
    assert np.isnan(signal).all()
    assert not treated_pairs(signal).any()
    cells = trade(np.zeros((8, 8)), n_products=6)
    listed = cells.product < 4
    assert np.isnan(signal_of(cells, flat, counts=listed)).all()


def matrix(pairs: dict[tuple[int, int], float], n: int = 10) -> np.ndarray:
    signal = np.zeros((n, n))
    np.fill_diagonal(signal, np.nan)
    for pair, value in pairs.items():
        signal[pair] = value
    return signal


def mask(*chosen: int) -> np.ndarray:
    return np.isin(np.arange(10), chosen)


def test_a_destination_needs_three_treated_origins() -> None:
    two = matrix({(0, 9): -9.0, (1, 9): -9.0})
    assert not treated_pairs(two).any()
    three = matrix({(0, 9): -9.0, (1, 9): -9.0, (2, 9): -3.1})
    assert np.argwhere(treated_pairs(three)).tolist() == [[0, 9], [1, 9], [2, 9]]


def test_a_destination_needs_a_third_of_the_strongest_signal() -> None:
    strong = {(o, 9): -12.0 for o in range(3)}
    assert treated_pairs(matrix(strong | {(o, 8): -3.9 for o in range(3)}))[:, 8].sum() == 0
    assert treated_pairs(matrix(strong | {(o, 8): -4.1 for o in range(3)}))[:, 8].sum() == 3


def test_an_origin_that_nobody_named_needs_a_quarter_of_the_strongest() -> None:
    strong = {(o, 9): -20.0 for o in range(3)}
    for value, is_treated in ((-4.9, False), (-5.1, True)):
        signal = matrix(strong | {(3, 9): value})
        assert treated_pairs(signal)[3, 9] == is_treated
        assert treated_pairs(signal, destinations=mask(9))[3, 9] == is_treated
        assert treated_pairs(signal, origins=mask(0, 1, 2, 3))[3, 9]  # a suspect of the user's own


@pytest.mark.parametrize(("value", "is_treated"), [(-3.01, True), (-2.99, False)])
def test_the_threshold_is_minus_three(value, is_treated) -> None:
    assert TREATED_BELOW == -3.0
    found = treated_pairs(matrix({(o, 9): value for o in range(3)}))
    assert found.any() == is_treated


def test_placebos_can_lower_the_threshold_but_not_raise_it() -> None:
    rng = np.random.default_rng(0)
    calm, wild = rng.normal(0, 0.5, (50, 50)), rng.standard_t(2, (50, 50)) * 2
    assert threshold([]) == -3.0
    assert threshold([calm]) == -3.0
    assert threshold([wild]) == pytest.approx(np.quantile(wild, 0.001))
    assert threshold([wild]) < -3.0
    assert threshold([np.full((3, 3), np.nan)]) == -3.0
    found = treated_pairs(matrix({(o, 9): -4.0 for o in range(3)}), below=-5.0)
    assert not found.any()


def test_with_both_suspects_given_pass_one_is_a_report_not_a_filter() -> None:
    calm = matrix({})
    found = treated_pairs(calm, origins=mask(0, 1, 9), destinations=mask(8, 9))
    assert np.argwhere(found).tolist() == [[0, 8], [0, 9], [1, 8], [1, 9], [9, 8]]


def test_with_one_side_given_the_signal_decides_the_other() -> None:
    signal = matrix({(0, 9): -5.0, (1, 9): -5.0, (2, 8): -5.0})
    by_destination = treated_pairs(signal, destinations=mask(9))
    assert np.argwhere(by_destination).tolist() == [[0, 9], [1, 9]]  # named: two origins are enough
    by_origin = treated_pairs(signal, origins=mask(0, 1))
    assert np.argwhere(by_origin).tolist() == [[0, 9], [1, 9]]  # of two suspects both must be hit
    assert not treated_pairs(signal, origins=mask(0, 1, 2)).any()
    assert np.argwhere(treated_pairs(signal, origins=mask(2))).tolist() == [[2, 8]]
