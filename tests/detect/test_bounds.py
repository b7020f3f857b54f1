"""What of the departures from expected flows is noise: closed forms and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.bounds import find_bounds, real_share

SD = 0.1


def bounds(make_cells, flat, strengths: list[float]):
    """Return the falls among flows of 1m USD that depart by so many standard deviations, z being 1."""
    rows = [(0, 1, k, 1e6, 1e6 * float(np.exp(-SD * s))) for k, s in enumerate(strengths)]
    cells = make_cells(rows, n_products=len(rows))
    every = np.ones(cells.before.size, dtype=bool)
    return find_bounds(cells, cells.before, noise=flat(SD, floor=1e-6), legs=every, sign=-1, z=1.0)


def shares(found) -> dict[int, float]:
    return dict(zip(found.cell.tolist(), (found.net_usd / found.usd).tolist(), strict=True))


def test_without_departures_the_other_way_nothing_is_noise(make_cells, flat) -> None:
    found = bounds(make_cells, flat, [12.0, 3.0, 1.5, 0.5])
    assert shares(found) == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0})


def test_weak_noise_takes_nothing_from_a_fall_that_is_far_stronger(make_cells, flat) -> None:
    """Two falls of 15 stand out from noise of up to 3; of the four weak ones all may be noise."""
    found = bounds(make_cells, flat, [15.0, 14.0, 2.5, 2.0, 1.5, 1.2, -3.0, -2.2, -1.6, -1.3])
    assert shares(found) == pytest.approx({0: 1.0, 1: 1.0, 2: 0.0, 3: 0.0, 4: 0.0, 5: 0.0})


def test_the_share_of_noise_is_the_ratio_of_the_departures_of_that_strength(make_cells, flat) -> None:
    """Of eight falls of 2 and three rises of 2, 3/8 are noise; a rise under the threshold says nothing."""
    found = bounds(make_cells, flat, [2.0] * 8 + [-2.1] * 3 + [-0.5])
    assert shares(found) == pytest.approx(dict.fromkeys(range(8), 1 - 3 / 8))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-8.0, 8.0).filter(lambda s: abs(abs(s) - 1.0) > 1e-6), max_size=40))
def test_noise_is_counted_once_and_never_grows_with_strength(strengths: list[float]) -> None:
    ours = np.array([s for s in strengths if s > 1.0])
    theirs = np.array([-s for s in strengths if s < -1.0])
    real = real_share(ours, theirs)
    assert ((real >= 0.0) & (real <= 1.0)).all()
    assert (np.diff(real[np.argsort(ours, kind="stable")]) >= -1e-12).all()
    # No more of ours are noise than depart the other way.
    assert real.sum() >= ours.size - theirs.size - 1e-9
    if theirs.size == 0:
        assert (real == 1.0).all()
