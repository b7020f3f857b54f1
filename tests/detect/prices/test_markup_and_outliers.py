"""Mark-ups and outliers of a market whose unit values are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.prices.markup import markup_table, others_median
from entrepot.detect.prices.options import PriceOptions
from entrepot.detect.prices.outliers import outlier_table, price_distances
from entrepot.errors import CoverageError

BUYERS = ("KGZ", "KAZ", "UZB", "USA", "DEU", "FRA", "BRA")
MONTHS = [f"{year}-{month:02d}" for year in (2020, 2021, 2022, 2023) for month in range(1, 13)]
EVENT = {"event": "2022-01", "before": "2020-01:2021-12", "after": "2022-01:2023-12"}


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(-5, 5).map(float), st.integers(0, 3)), max_size=20))
def test_the_median_of_the_others_by_definition(rows: list[tuple[float, int]]) -> None:
    values, group = (
        np.array([r[0] for r in rows], dtype=float),
        np.array([r[1] for r in rows], dtype=np.int64),
    )
    found, count = others_median(values, group)
    for at in range(len(rows)):
        others = [v for place, (v, g) in enumerate(rows) if g == rows[at][1] and place != at]
        assert count[at] == len(others)
        assert found[at] == np.median(others) if others else math.isnan(found[at])


def market(sale, *, markup: float = 0.3, noise: float = 0.1, seed: int = 0) -> list[dict[str, object]]:
    """Return sales of two suppliers; Kyrgyzstan pays 10% more, and ``markup`` on top after the event."""
    rng = np.random.default_rng(seed)
    rows = []
    for supplier in ("CHN", "TUR"):
        for code, price in (("870421", 8.0), ("854231", 900.0)):
            for month in MONTHS:
                drift = 1.0 if month < "2022" else 1.5  # the world pays more too: no mark-up
                for buyer in BUYERS:
                    factor = 1.1 if buyer == "KGZ" else 1.0
                    if buyer == "KGZ" and month >= "2022":
                        factor *= 1 + markup
                    own = price * drift * factor * math.exp(noise * rng.standard_normal())
                    rows.append(sale(supplier, buyer, month, own, float(rng.integers(50, 200)), hs_code=code))
    return rows


def test_the_mark_up_that_was_made(sale, load) -> None:
    rows = load(market(sale), **EVENT)
    options = PriceOptions(importers=("KGZ", "KAZ"), by=("importer",), **EVENT)
    found = {row["importer"]: row for row in markup_table(rows, options).to_pylist()}
    assert set(found) == {"KGZ", "KAZ"}
    paid = found["KGZ"]
    assert paid["before_markup"] == pytest.approx(0.10, abs=0.03)
    assert paid["after_markup"] == pytest.approx(1.1 * 1.3 - 1, abs=0.08)
    assert paid["markup_change"] == pytest.approx(0.3, abs=0.08)
    assert paid["markup_change_low"] < 0.3 < paid["markup_change_high"]
    assert paid["markup_change_high"] - paid["markup_change_low"] < 0.3
    assert found["KAZ"]["markup_change_low"] < 0 < found["KAZ"]["markup_change_high"]
    assert (paid["priced_flows"], paid["before_periods"], paid["periods"]) == (4, 24, 24)
    assert paid["other_buyers"] == pytest.approx(6.0, abs=0.3)


def test_intervals_cover(sale, load) -> None:
    """Nine tenths of the intervals hold the change that was made: 60 markets of one flow."""
    inside = 0
    for seed in range(60):
        rows = load(market(sale, seed=seed), exporters=("CHN",), products=("8704",), **EVENT)
        options = PriceOptions(importers=("KGZ",), draws=200, seed=seed, **EVENT)
        (row,) = markup_table(rows, options).to_pylist()
        inside += row["markup_change_low"] <= 0.3 <= row["markup_change_high"]
    assert 47 <= inside <= 59  # of a binomial of 60 and 0.9: 99%


def test_rows_by_key_and_draws(sale, load) -> None:
    rows = load(market(sale), **EVENT)
    whole = markup_table(rows, PriceOptions(importers=("KGZ",), **EVENT))
    assert whole.num_rows == 4
    codes = markup_table(rows, PriceOptions(importers=("KGZ",), by=("hs_code",), **EVENT)).to_pylist()
    assert {row["hs_code"] for row in codes} == {"870421", "854231"}
    assert {row["importer"] for row in codes} == {None}
    again = markup_table(rows, PriceOptions(importers=("KGZ",), seed=1, **EVENT))
    assert again["markup_change"].to_pylist() == whole["markup_change"].to_pylist()
    assert again["markup_change_low"].to_pylist() != whole["markup_change_low"].to_pylist()


def test_a_wild_unit_value_does_not_move_the_mark_up(sale, load) -> None:
    book = market(sale)
    for row in book:
        if row["importer"] == "KGZ" and row["period"] in {"2022-03", "2022-09"}:
            row["value_usd"] *= 50
    options = PriceOptions(importers=("KGZ",), by=("importer",), **EVENT)
    (row,) = markup_table(load(book, **EVENT), options).to_pylist()
    assert row["markup_change"] == pytest.approx(0.3, abs=0.08)
    loose = PriceOptions(importers=("KGZ",), by=("importer",), threshold=1000.0, **EVENT)
    (row,) = markup_table(load(book, **EVENT), loose).to_pylist()
    assert row["markup_change"] > 0.5


def test_without_other_buyers_there_is_no_mark_up(sale, load) -> None:
    book = [row for row in market(sale) if row["importer"] in {"KGZ", "KAZ", "USA"}]
    with pytest.raises(CoverageError, match="3 other"):
        markup_table(load(book, **EVENT), PriceOptions(importers=("KGZ",), **EVENT))


def test_outliers_are_those_that_were_made(sale, load) -> None:
    """Two sales of 1,344 are wrong: one at three times the price, one at a quarter."""
    book = market(sale, markup=0.0)
    made = {("CHN", "USA", "870421", "2021-05"): 3.0, ("TUR", "DEU", "854231", "2023-02"): 0.25}
    for row in book:
        row["value_usd"] *= made.get((row["exporter"], row["importer"], row["hs_code"], row["period"]), 1.0)
    rows = load(book)
    found = outlier_table(rows, PriceOptions(threshold=5.0)).to_pylist()
    by_key = {(row["exporter"], row["importer"], row["hs_code"], row["period"]): row for row in found}
    assert set(by_key) == set(made)
    over, under = by_key["CHN", "USA", "870421", "2021-05"], by_key["TUR", "DEU", "854231", "2023-02"]
    assert (over["invoicing"], under["invoicing"]) == ("over", "under")
    assert over["unit_value_ratio"] == pytest.approx(3.0, rel=0.3)
    assert over["difference_usd"] == pytest.approx(over["priced_usd"] * 2 / 3, rel=0.15)
    assert under["difference_usd"] < 0
    assert over["pair_ratio"] == pytest.approx(1.0, abs=0.1)
    assert over["z_share"] == pytest.approx(1 / len(book), rel=1.1)
    assert over["buyers"] == 7
    assert len(outlier_table(rows, PriceOptions(threshold=2.0))) > 20
    shown = outlier_table(rows, PriceOptions(threshold=5.0, importers=("DEU",)))
    assert shown["importer"].to_pylist() == ["DEU"]
    shown = outlier_table(rows, PriceOptions(threshold=5.0, periods="2021-01:2021-12"))
    assert shown["period"].to_pylist() == ["2021-05"]


def test_a_buyer_who_always_takes_better_goods_shows_it(sale, load) -> None:
    book = market(sale, markup=0.0)
    for row in book:
        row["value_usd"] *= 4.0 if row["importer"] == "FRA" else 1.0
    rows = outlier_table(load(book), PriceOptions()).to_pylist()
    french = [row for row in rows if row["importer"] == "FRA"]
    assert len(french) > 100
    assert all(row["pair_ratio"] == pytest.approx(4.0, rel=0.1) for row in french)


def test_few_buyers_are_not_judged(sale, load) -> None:
    book = [row for row in market(sale) if row["importer"] in BUYERS[:4]]
    assert np.isnan(price_distances(load(book)).z).all()
    with pytest.raises(CoverageError, match="5 buyers"):
        outlier_table(load(book), PriceOptions())
