"""Regression that outliers do not lead, solved to the last digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Loss = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64], NDArray[np.float64]]]

__all__ = ["robust_coefficients"]

#: Steps that a solution may take: ten do where there are enough rows.
_MOST_STEPS = 100
#: A step of Newton's that moves what is fitted by less (of the scale) leaves an error of about its square.
_SMALL = 1e-9
#: Directions in which the rows say less than this, of the best, are left where they are.
_NOTHING = 1e-11


def robust_coefficients(
    X: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Regress without being led by outliers: a convex loss for the start, a redescending one to finish.

    *Formula*  min over β of Σ ρ((w(y − Xβ)/s)²), first with ρ(z) = 2(√(1 + z) − 1), then with Cauchy's
    ρ(z) = ln(1 + z); s is 1.4826 times the median of what is left before each. Newton's steps, and where the
    loss curves the wrong way or would grow, a step of reweighted least squares, which lowers it always.
    The solution does not depend on where the steps end: what differs in its last digits (engines add up in
    different orders) makes the coefficients differ in theirs.

    Parameters
    ----------
    X
        (n, k) regressors, the constant first.
    y, weight
        (n) what is explained, and the weight of its error.

    Returns
    -------
    (k) array
        The coefficients. Of regressors that the rows cannot tell apart the sum is right.

    References
    ----------
    Holland and Welsch (1977), Robust regression using iteratively reweighted least-squares, Communications
    in Statistics A6, 813-827.
    """
    beta = np.zeros(X.shape[1])
    beta[0] = np.median(y)
    rows, target = X * weight[:, None], y * weight
    for loss in (_soft_absolute, _cauchy):
        scale = max(1.4826 * float(np.median(np.abs(target - rows @ beta))), 1e-6)
        beta = _lowest(rows / scale, target / scale, beta, loss)
    return beta


def _soft_absolute(z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return Σ ρ, ρ' and ρ' + 2zρ'' of squares."""
    root = np.sqrt(1.0 + z)
    return 2.0 * float((z / (root + 1.0)).sum()), 1.0 / root, 1.0 / root**3


def _cauchy(z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the same of Cauchy's loss."""
    return float(np.log1p(z).sum()), 1.0 / (1.0 + z), (1.0 - z) / (1.0 + z) ** 2


def _lowest(
    X: NDArray[np.float64], y: NDArray[np.float64], beta: NDArray[np.float64], loss: _Loss
) -> NDArray[np.float64]:
    """Return the coefficients of the least loss, downhill from where they are."""
    for _ in range(_MOST_STEPS):
        left = y - X @ beta
        now, slope, bend = loss(left**2)
        downhill = X.T @ (slope * left)
        step, is_newton = _solve(X.T @ (bend[:, None] * X), downhill)
        moved = X @ step
        if is_newton and float(np.sqrt(np.mean(moved**2))) < _SMALL:
            # So near the end losses cannot be told apart.
            return beta + step
        if not is_newton or loss((left - moved) ** 2)[0] > now:
            step, _ = _solve(X.T @ (slope[:, None] * X), downhill)
        beta = beta + step
    return beta


def _solve(curvature: NDArray[np.float64], downhill: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Return the step to where a parabola is lowest, and whether it has a lowest place at all."""
    values, axes = np.linalg.eigh(curvature)
    told = np.abs(values) > _NOTHING * np.abs(values).max(initial=0.0)
    step = axes[:, told] @ ((axes[:, told].T @ downhill) / values[told])
    return step, bool((values[told] > 0).all())
