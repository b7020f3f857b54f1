"""Signs beside an amount: growth of other goods and other suppliers, mark-up, and the month of the step."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from entrepot.detect.cells import Cells
from entrepot.detect.parts import Parts
from entrepot.detect.periods import WindowPair
from entrepot.detect.signs import Signs, onsets, sign_columns, step_of

#: Areas 0 and 1 are origins, 2 a hub, 3 the destination, 4 another supplier; product 1 is not listed.
FLOWS = (
    # exporter, importer, product, before, after, kg after
    (0, 2, 0, 100.0, 400.0, 40.0),
    (1, 2, 0, 50.0, 100.0, 20.0),
    (2, 3, 0, 10.0, 300.0, 25.0),
    (0, 2, 1, 80.0, 120.0, 1.0),
    (4, 2, 0, 200.0, 260.0, 1.0),
    (3, 2, 0, 1.0, 99.0, 1.0),
)


@pytest.fixture
def cells() -> Cells:
    columns = [np.array(column) for column in zip(*FLOWS, strict=True)]
    exporter, importer, product = (column.astype(np.int64) for column in columns[:3])
    nothing, none = np.zeros(len(FLOWS)), np.zeros((5, 5), dtype=bool)
    return Cells(exporter, importer, product, *columns[3:], nothing, nothing, none, 5, 2)


def parts_of(*rows: tuple[int, int, int]) -> Parts:
    """Return parts through hub 2 to 3 in product 0: origin, cell inbound, cell onward; 10 USD each."""
    origin, inbound, onward = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    m = origin.size
    return Parts(
        origin=origin,
        hub=np.full(m, 2),
        destination=np.full(m, 3),
        product=np.zeros(m, dtype=np.int64),
        period=np.full(m, ""),
        usd=np.full(m, 10.0),
        kg_rate=np.full(m, np.nan),
        rate=np.full(m, np.nan),
        kind=np.zeros(m, dtype=np.int64),
        inbound=inbound,
        direct=np.full(m, -1),
        onward=onward,
        second=np.full(m, -1),
        third=np.full(m, -1),
    )


@pytest.fixture
def signs(cells: Cells) -> Signs:
    asked, listed = np.array([True, True, False, True, False]), np.array([True, False])
    return Signs.of(cells, asked=asked, listed=listed, onset=np.full(5, ""), onward_onset=np.full(5, ""))


def test_closed_form_by_row(cells: Cells, signs: Signs) -> None:
    """Others are area 4 alone: neither the origins nor the destination are other suppliers."""
    found = sign_columns(parts_of((0, 0, 2), (1, 1, 2)), np.array([0, 1]), 2, cells=cells, signs=signs)
    np.testing.assert_allclose(found["others_in_growth"], [1.3, 1.3])
    np.testing.assert_allclose(found["unlisted_in_growth"], [1.5, np.nan])
    np.testing.assert_allclose(found["hub_markup"], [12.0 / 10.0 - 1.0, 12.0 / 5.0 - 1.0])


def test_a_sum_counts_every_flow_once(cells: Cells, signs: Signs) -> None:
    """Both origins' rows rest on the same arrivals from area 4."""
    found = sign_columns(parts_of((0, 0, 2), (1, 1, 2)), np.array([0, 0]), 1, cells=cells, signs=signs)
    np.testing.assert_allclose(found["others_in_growth"], [1.3])
    np.testing.assert_allclose(found["unlisted_in_growth"], [1.5])


def test_a_leg_without_weight_or_not_observed_has_no_markup(cells: Cells, signs: Signs) -> None:
    found = sign_columns(parts_of((0, 0, -1)), np.array([0]), 1, cells=cells, signs=signs)
    assert np.isnan(found["hub_markup"]).all()


def test_no_parts_have_no_signs(cells: Cells, signs: Signs) -> None:
    none = parts_of((0, 0, 2)).only(np.zeros(1, dtype=bool))
    found = sign_columns(none, np.zeros(0, dtype=np.int64), 0, cells=cells, signs=signs)
    assert all(values.size == 0 for values in found.values())


def series(step: int | None, *, seed: int, noise: float = 0.2, months: int = 36) -> np.ndarray:
    rng, at = np.random.default_rng(seed), np.arange(months)
    level = 10.0 + 0.3 * np.sin(2 * np.pi * at / 12) + rng.normal(0.0, noise, months)
    return np.exp(level + (0.0 if step is None else 1.5 * (at >= step)))


@pytest.mark.parametrize("seed", range(8))
def test_the_month_of_a_step_is_found(seed: int) -> None:
    """A step by a factor of 4.5 in noise of 20%, with a season: within a month."""
    months = np.arange(24000, 24036)
    found = step_of(months, series(24 + seed % 4, seed=seed), 24000 + 24)
    assert found is not None
    assert abs(found - (24000 + 24 + seed % 4)) <= 1


def test_no_step_is_found_in_series_without_one() -> None:
    months = np.arange(24000, 24036)
    found = [step_of(months, series(None, seed=seed, noise=0.5), 24024) for seed in range(100)]
    assert sum(step is not None for step in found) <= 10


def test_a_fall_is_no_onset() -> None:
    months = np.arange(24000, 24036)
    assert step_of(months, 1.0 / series(24, seed=1), 24024) is None


def test_short_and_empty_series_have_no_onset() -> None:
    assert step_of(np.arange(10), np.ones(10), 5) is None
    assert step_of(np.arange(36), np.zeros(36), 24) is None


def test_onsets_stand_by_hub_and_leg() -> None:
    months = [f"{2020 + at // 12}-{at % 12 + 1:02d}" for at in range(36)]
    rows = [
        {"leg": leg, "hub": hub, "period": month, "usd": float(usd)}
        for leg, hub, step in (("inbound", "KGZ", 24), ("onward", "KGZ", 26), ("inbound", "GEO", None))
        for month, usd in zip(months, series(step, seed=3, noise=0.05), strict=True)
    ]
    rows += [{"leg": "direct", "hub": None, "period": month, "usd": 1.0} for month in months]
    first = 2020 * 12
    windows = WindowPair(tuple(range(first, first + 22)), tuple(range(first + 26, first + 36)), True)
    found = onsets(pa.Table.from_pylist(rows), ("GEO", "KGZ"), windows, "2022-01")
    assert found["onset"].tolist() == ["", "2022-01"]
    assert found["onward_onset"].tolist() == ["", "2022-03"]
    yearly = WindowPair((2020, 2021), (2022,), False)
    assert set(onsets(pa.Table.from_pylist(rows), ("GEO", "KGZ"), yearly, "2022")["onset"]) == {""}
