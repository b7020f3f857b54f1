"""Indices against a second implementation and closed forms; parts that add up exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.prices.decomposition import decomposition_table, logarithmic_mean, price_indices
from entrepot.detect.prices.options import PriceOptions
from entrepot.errors import CoverageError, OptionError

POSITIVE = st.floats(0.01, 1e4)
ITEMS = st.lists(
    st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.integers(0, 2)), min_size=1, max_size=12
)
EVENT = {"event": "2022", "before": "2021:2021", "after": "2023:2023"}


def by_hand(items: list[tuple[float, float, float, float]]) -> dict[str, float]:
    """Say the indices as in a textbook: items as (p0, q0, p1, q1)."""
    laspeyres = sum(p1 * q0 for p0, q0, p1, q1 in items) / sum(p0 * q0 for p0, q0, p1, q1 in items)
    paasche = sum(p1 * q1 for p0, q0, p1, q1 in items) / sum(p0 * q1 for p0, q0, p1, q1 in items)
    v0, v1 = sum(p0 * q0 for p0, q0, _, _ in items), sum(p1 * q1 for _, _, p1, q1 in items)
    tornqvist = 1.0
    for p0, q0, p1, q1 in items:
        tornqvist *= (p1 / p0) ** ((p0 * q0 / v0 + p1 * q1 / v1) / 2)
    return {
        "laspeyres": laspeyres, "paasche": paasche, "fisher": math.sqrt(laspeyres * paasche),
        "tornqvist": tornqvist, "value": v1 / v0,
    }  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(items=ITEMS)
def test_indices_by_another_implementation(items: list[tuple[float, float, float, float, int]]) -> None:
    p0, q0, p1, q1, group = (np.array([item[at] for item in items]) for at in range(5))
    found = price_indices((p0 * q0, q0), (p1 * q1, q1), group.astype(np.int64), 3)
    for own in range(3):
        mine = [item[:4] for item in items if item[4] == own]
        for name in ("laspeyres", "paasche", "fisher", "tornqvist", "value"):
            value = getattr(found, name)[own]
            assert math.isnan(value) if not mine else value == pytest.approx(by_hand(mine)[name], rel=1e-9)


def test_closed_forms() -> None:
    """All prices doubled: every index is two. All quantities doubled: one. Two goods: by hand."""
    v, q, group = np.array([10.0, 30.0]), np.array([5.0, 6.0]), np.zeros(2, dtype=np.int64)
    for v1, q1, price in ((2 * v, q, 2.0), (2 * v, 2 * q, 1.0)):
        found = price_indices((v, q), (v1, q1), group, 1)
        for name in ("laspeyres", "paasche", "fisher", "tornqvist"):
            assert getattr(found, name)[0] == pytest.approx(price)
    # p: 1 → 2 and 1 → 1; q: 10 → 5 and 10 → 10
    found = price_indices(
        (np.full(2, 10.0), np.full(2, 10.0)), (np.full(2, 10.0), np.array([5.0, 10.0])), group, 1
    )
    assert found.laspeyres[0] == pytest.approx(30 / 20)
    assert found.paasche[0] == pytest.approx(20 / 15)
    assert found.fisher[0] == pytest.approx(math.sqrt(2.0))
    assert found.tornqvist[0] == pytest.approx(math.sqrt(2.0))


@settings(max_examples=100, deadline=None)
@given(a=POSITIVE, b=POSITIVE)
def test_the_logarithmic_mean_turns_ratios_into_differences(a: float, b: float) -> None:
    mean = logarithmic_mean(np.array([a]), np.array([b]))[0]
    assert mean * math.log(a / b) == pytest.approx(a - b, rel=1e-6, abs=1e-9 * (a + b))
    assert min(a, b) * (1 - 1e-9) <= mean <= max(a, b) * (1 + 1e-9)


def market(sale) -> list[dict[str, object]]:
    rng = np.random.default_rng(3)
    rows = []
    for supplier in ("CHN", "DEU", "JPN"):
        for buyer in ("RUS", "KGZ", "USA"):
            for code in ("870421", "854231", "840820", "901380"):
                for year in ("2021", "2023"):
                    if rng.random() < 0.85:
                        more = {"hs_code": code}
                        if rng.random() < 0.1:
                            more["amount"] = None
                        price, amount = np.exp(rng.normal(1, 0.4)), np.exp(rng.normal(5, 1))
                        rows.append(sale(supplier, buyer, year, price, amount) | more)
    return rows


@pytest.mark.parametrize("by", [("importer",), ("exporter", "importer", "hs_code"), ("exporter", "hs_code")])
def test_the_parts_add_up_exactly(sale, load, by: tuple[str, ...]) -> None:
    rows = decomposition_table(load(market(sale), by=by, **EVENT), PriceOptions(by=by, **EVENT)).to_pylist()
    assert len(rows) > 2
    priced = [row for row in rows if row["items"]]
    assert priced
    assert any(row["unpriced_change_usd"] for row in rows)
    assert any(row["entered_usd"] for row in rows)
    assert any(row["left_usd"] for row in rows)
    for row in rows:
        others = row["entered_usd"] - row["left_usd"] + row["unpriced_change_usd"]
        for name in ("fisher", "tornqvist"):
            parts = (row[f"{name}_price_usd"] or 0.0) + (row[f"{name}_volume_usd"] or 0.0)
            size = row["value_before_usd"] + row["value_after_usd"]
            assert parts + others == pytest.approx(row["value_change_usd"], abs=1e-9 * size)
        if not row["items"]:
            assert row["fisher_price"] is row["fisher_price_usd"] is None


def test_the_table_holds_the_indices_of_its_items(sale, load) -> None:
    rows = [
        sale("CHN", "RUS", "2021", 1.0, 10.0), sale("CHN", "RUS", "2023", 2.0, 5.0),
        sale("DEU", "RUS", "2021", 1.0, 10.0), sale("DEU", "RUS", "2023", 1.0, 10.0),
    ]  # fmt: skip
    options = PriceOptions(by=("importer",), **EVENT)
    (row,) = decomposition_table(load(rows, **EVENT), options).to_pylist()
    assert row["fisher_price"] == pytest.approx(math.sqrt(2.0))
    assert row["value_change_usd"] == 0.0
    assert row["fisher_price_usd"] == pytest.approx(20 * math.log(math.sqrt(2.0)))
    assert row["fisher_volume_usd"] == pytest.approx(-row["fisher_price_usd"])
    assert (row["items"], row["priced_share"]) == (2, 1.0)


def test_windows_of_unlike_length_are_scaled_by_what_was_published(sale, load) -> None:
    """China publishes two years before and one after, Germany one and one."""
    rows = [sale("CHN", "RUS", year, 2.0, 50.0) for year in ("2020", "2021", "2023")]
    rows += [sale("DEU", "RUS", year, 2.0, 30.0) for year in ("2021", "2023")]
    event = EVENT | {"before": "2020:2021"}
    table = decomposition_table(load(rows, **event), PriceOptions(by=("exporter",), **event))
    before = dict(zip(table["exporter"].to_pylist(), table["value_before_usd"].to_pylist(), strict=True))
    assert before == {"CHN": 100.0, "DEU": 60.0}


def test_a_reporter_without_one_window_is_left_out(sale, load) -> None:
    rows = [sale("CHN", "RUS", year, 2.0) for year in ("2021", "2023")] + [sale("DEU", "RUS", "2021", 2.0)]
    table = decomposition_table(load(rows, **EVENT), PriceOptions(by=("exporter",), **EVENT))
    assert table["exporter"].to_pylist() == ["CHN"]
    with pytest.raises(CoverageError, match="published both windows"):
        decomposition_table(load(rows[2:] + rows[:2], **EVENT), PriceOptions(importers=("USA",), **EVENT))


def test_a_unit_value_that_cannot_be_is_not_priced(sale, load) -> None:
    """One weight is a hundred times too small after: a change of value, not of price."""
    rows = [sale("CHN", buyer, "2021", 2.0) for buyer in ("RUS", "KGZ", "USA", "DEU", "FRA")]
    rows += [sale("CHN", buyer, "2023", 2.2) for buyer in ("RUS", "KGZ", "USA", "DEU")]
    rows += [sale("CHN", "FRA", "2023", 220.0, 1.0)]
    options = PriceOptions(by=("exporter",), **EVENT)
    (row,) = decomposition_table(load(rows, **EVENT), options).to_pylist()
    assert row["fisher_price"] == pytest.approx(1.1)
    assert row["unpriced_change_usd"] == pytest.approx(20.0)
    loose = PriceOptions(by=("exporter",), threshold=100.0, **EVENT)
    (row,) = decomposition_table(load(rows, **EVENT), loose).to_pylist()
    assert row["unpriced_change_usd"] == 0.0


def test_an_event_is_needed(sale, load) -> None:
    with pytest.raises(OptionError, match="no event"):
        decomposition_table(load([sale("CHN", "RUS", "2021", 2.0)]), PriceOptions())
