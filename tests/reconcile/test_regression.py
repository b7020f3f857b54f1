"""The robust regression against scipy's, and that its last digits are all that last digits change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from entrepot.reconcile.regression import robust_coefficients


def drawn(seed: int, rows: int = 400, wild: float = 0.2):
    """Return regressors, what they explain but for noise and outliers on one side, and weights."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(rows), rng.normal(size=(rows, 2)), rng.random(rows) < 0.2])
    y = X @ [0.05, 0.03, -0.01, 0.02] + 0.02 * rng.normal(size=rows)
    return X, y + (rng.random(rows) < wild) * rng.exponential(0.5, rows), rng.uniform(0.5, 2.0, rows)


def by_scipy(X, y, weight):
    """Return the coefficients of scipy's trust region, as closely as it goes."""
    beta = np.r_[np.median(y), np.zeros(X.shape[1] - 1)]
    rows, target = X * weight[:, None], y * weight
    for loss in ("soft_l1", "cauchy"):
        scale = 1.4826 * float(np.median(np.abs(target - rows @ beta)))
        found = least_squares(
            lambda b: target - rows @ b, beta, jac=lambda _: -rows, loss=loss, f_scale=scale,
            ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=1000,
        )  # fmt: skip
        beta = found.x
    return beta


@pytest.mark.parametrize("seed", range(6))
def test_the_coefficients_are_those_of_scipy(seed) -> None:
    X, y, weight = drawn(seed, wild=0.1 * seed)
    np.testing.assert_allclose(robust_coefficients(X, y, weight), by_scipy(X, y, weight), atol=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_last_digits_of_the_rows_change_last_digits(seed) -> None:
    """scipy's own, stopped at a tolerance, differ by up to a hundred thousand times more."""
    X, y, weight = drawn(seed)
    rng = np.random.default_rng(9)
    order = rng.permutation(len(y))
    nudged = y * (1.0 + 2e-16 * rng.normal(size=len(y)))
    found = robust_coefficients(X[order], nudged[order], weight[order])
    np.testing.assert_allclose(found, robust_coefficients(X, y, weight), atol=1e-14)


def test_outliers_do_not_lead() -> None:
    X, y, weight = drawn(1, rows=4000, wild=0.3)
    np.testing.assert_allclose(robust_coefficients(X, y, weight), [0.05, 0.03, -0.01, 0.02], atol=0.006)
    assert abs(np.linalg.lstsq(X, y, rcond=None)[0][0] - 0.05) > 0.1


def test_regressors_that_cannot_be_told_apart_share_their_effect() -> None:
    X, y, weight = drawn(2, wild=0.0)
    twice = np.column_stack([X, X[:, 1]])
    one, two = robust_coefficients(X, y, weight), robust_coefficients(twice, y, weight)
    np.testing.assert_allclose(twice @ two, X @ one, atol=1e-12)


def test_what_is_explained_whole_is_found_whole() -> None:
    X = np.column_stack([np.ones(30), np.arange(30.0)])
    np.testing.assert_allclose(robust_coefficients(X, X @ [1.0, 2.0], np.ones(30)), [1.0, 2.0], atol=1e-12)
