"""The gaps that reliability is learnt from: all of them, or a sample in which small traders keep theirs."""

from __future__ import annotations

import math
from functools import cache
from itertools import product

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from entrepot.engine import small_table
from entrepot.nomenclature import geography_table
from entrepot.reconcile import fit_books, flow_years, gaps, pair_books, weigh_books
from entrepot.reconcile.ratios import fit_ratios, ratio_statistics
from entrepot.reconcile.reliability import ALL_CHAPTERS

KEYS = ["exporter", "importer", "hs_code", "period"]


@cache
def books(seed: int = 0) -> pd.DataFrame:
    """Return paired books of 8 areas of different noise, from 3 to 240 goods a pair, in two years."""
    rng = np.random.default_rng(seed)
    codes = [f"A{n}" for n in range(8)]
    sd = dict(zip(codes, np.geomspace(0.03, 0.5, 8), strict=True))
    rows = []
    for i, j, period in product(codes, codes, ("2021", "2022")):
        goods = rng.choice(240, size=int(np.exp(rng.uniform(np.log(3), np.log(240)))), replace=False)
        for k in goods[: 0 if i == j else None]:
            usd = math.exp(rng.normal(12, 2))
            for side, other, flow, more in ((i, j, "export", 0.0), (j, i, "import", 0.07)):
                if rng.random() < 0.9:
                    value = usd * math.exp(more + rng.normal(0, sd[side]) + 2 * (rng.random() < 0.05))
                    rows.append((side, other, flow, f"{10 + k % 9}{1000 + k}", period, value))
    frame = pd.DataFrame(
        rows, columns=["reporter", "partner", "flow", "hs_code", "period", "primary_value_usd"]
    ).assign(
        role="leaf", frequency="A", net_weight_kg=lambda f: f["primary_value_usd"] / 4,
        partner_concept=lambda f: np.where(f["flow"] == "import", "origin", "last_known_destination"),
    )  # fmt: skip
    return pair_books(frame)


def read(most: int, monkeypatch, put=lambda table: table.to_pandas()) -> gaps.Gaps:
    monkeypatch.setattr(gaps, "_MOST_GAPS", most)
    table = pa.Table.from_pandas(flow_years(books(), is_monthly=False), preserve_index=False)
    texts = [
        pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema
    ]
    years = put(table.cast(pa.schema(texts)))
    statistics = small_table(ratio_statistics(years), what="ratios").sort_by(
        [(key, "ascending") for key in ("exporter", "importer", "product_group", "year")]
    )
    return gaps.read_gaps(years, fit_ratios(statistics, geography_table()), ALL_CHAPTERS)


def by_pair(found: gaps.Gaps, what: np.ndarray) -> pd.Series:
    pair = pd.MultiIndex.from_arrays(
        [np.array(found.exporters)[found.exporter], np.array(found.importers)[found.importer]]
    )
    return pd.Series(what).groupby(pair).sum()


def test_small_cells_keep_their_gaps_and_large_ones_stand_for_the_rest(monkeypatch) -> None:
    every, some = read(10**9, monkeypatch), read(1_500, monkeypatch)
    assert (every.flows == 1).all()
    assert 1_300 < len(some.gap) < 1_700 < len(every.gap)
    assert some.flows.sum() == pytest.approx(len(every.gap), rel=0.03)
    whole, taken = by_pair(every, every.flows), by_pair(some, np.ones(len(some.gap)))
    few = whole[whole <= 8].index
    pd.testing.assert_series_equal(taken[few], whole[few])
    assert len(few) > 2
    stand = by_pair(some, some.flows)
    many = whole[whole > 100].index
    assert (stand[many] / whole[many]).between(0.7, 1.3).all()


@pytest.mark.parametrize(
    "put",
    [pl.from_arrow, lambda t: pl.from_arrow(t).lazy(), lambda t: t, lambda t: duckdb.connect().from_arrow(t)],
    ids=["Polars", "lazy Polars", "Arrow", "DuckDB"],
)
def test_the_same_gaps_are_taken_on_every_engine(put, monkeypatch) -> None:
    one, other = read(1_500, monkeypatch), read(1_500, monkeypatch, put)
    for found in (one, other):
        assert (found.exporters, found.importers) == (one.exporters, one.importers)
    columns = ("exporter", "importer", "chapter", "size", "flows", "gap")
    one, other = (
        pd.DataFrame({name: getattr(f, name) for name in columns}).sort_values(list(columns))
        for f in (one, other)
    )
    np.testing.assert_allclose(one.to_numpy(), other.to_numpy(), atol=1e-9)


def test_classes_are_those_of_a_slow_twin(monkeypatch) -> None:
    found = read(1_500, monkeypatch)
    fast = gaps.gap_classes(found)
    slow: dict[tuple, list[float]] = {}
    for i, j, s, g, n in zip(found.exporter, found.importer, found.size, found.gap, found.flows, strict=True):
        kind = math.floor((math.log(min(max(abs(g), math.exp(-7.0)), 3.0)) + 7.0) * 2.0 + 1e-9)
        one = slow.setdefault((i, j, s, kind), [0.0, 0.0, 0.0])
        one[0] += n
        one[1] += n * g
        one[2] += n * g * g
    got = sorted(
        zip(fast.exporter, fast.importer, fast.size, fast.flows, fast.total, fast.squares, strict=True)
    )
    expected = sorted((*key[:3], *sums) for key, sums in slow.items())
    np.testing.assert_allclose(np.array(got), np.array(expected), rtol=1e-9, atol=1e-12)


def test_a_sample_tells_the_same_of_the_reporters(monkeypatch) -> None:
    whole = fit_books(books(), is_monthly=False)
    monkeypatch.setattr(gaps, "_MOST_GAPS", 2_000)
    part = fit_books(books(), is_monthly=False)
    both = [fit.value.reliability.reporters.to_pandas() for fit in (whole, part)]
    ratio = both[0]["reporting_sd"] / both[1]["reporting_sd"]
    assert 0 < (ratio - 1).abs().max() < 0.25
    flows = [
        weigh_books(books(), fit, is_monthly=False).set_index(KEYS)["value_usd"] for fit in (whole, part)
    ]
    assert np.log(flows[0] / flows[1]).abs().mean() < 0.01


def test_the_estimate_is_that_of_a_slow_twin() -> None:
    """Flow by flow, as the formula says."""
    fit = fit_books(books(), is_monthly=False)
    learnt = fit.value
    of_pair = learnt.ratios.table.to_pandas().set_index(["exporter", "importer", "product_group", "year"])
    trust = learnt.reliability.table.to_pandas().set_index(["reporter", "flow", "chapter"])["variance"]
    outliers, shared = learnt.reliability.outliers, learnt.reliability.shared
    for row in weigh_books(books(), fit, is_monthly=False).iloc[::17].to_dict("records"):
        group = "food" if row["hs_code"] < "25" else "minerals"
        ratio = of_pair.loc[row["exporter"], row["importer"], group, row["period"]]
        x, m = row["exporter_report_usd"], row["importer_report_usd"]
        mirror = m / math.exp(ratio["log_ratio"])
        at = int(min(max(math.floor(math.log10(x if x > 0 else mirror) - 2.0), 0), 6))
        times = learnt.reliability.size_factors[at]
        a = times * trust[row["exporter"], "export", row["hs_code"][:2]]
        b = times * trust[row["importer"], "import", row["hs_code"][:2]]
        if x > 0 and m > 0:
            gap, own = math.log(mirror / x), max(a - times * shared, 0.005**2)
            cut, wide = min(max(gap, -3.0), 3.0), own + b + outliers.variances[at]
            density = [
                weight * math.exp(-0.5 * cut * cut / v) / math.sqrt(v)
                for weight, v in ((1 - outliers.shares[at], own + b), (outliers.shares[at], wide))
            ]
            p = density[0] / sum(density)
            share = 1 - p * own / (own + b) - (1 - p) * own / wide
            doubt = p * (1 - p) * ((own / (own + b) - own / wide) * cut) ** 2
            value = math.exp(share * math.log(x) + (1 - share) * math.log(mirror))
            spread = math.sqrt(a * share**2 + b * (1 - share) ** 2 + doubt) * learnt.ordinary_factors[at]
        elif x > 0:
            value, share, spread = x, 1.0, math.sqrt(a) * learnt.interval_factors[at]
        else:
            value, share = mirror, 0.0
            spread = math.sqrt(b + ratio["ratio_variance"]) * learnt.interval_factors[at]
        assert row["value_usd"] == pytest.approx(value)
        assert row["exporter_share"] == pytest.approx(share, abs=1e-9)
        assert row["high_usd"] == pytest.approx(value * math.exp(1.6448536269514722 * spread))
        if row["basis"] in {"both", "exporter", "importer"}:
            assert row["low_usd"] == pytest.approx(value / math.exp(1.6448536269514722 * spread))
        else:
            assert row["low_usd"] == 0.0
