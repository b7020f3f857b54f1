"""Goods that arrive a month later, and years of one side alone: against slow twins and known truth."""

from __future__ import annotations

from functools import cache

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.reconcile import fit_books, pair_books, weigh_books
from entrepot.reconcile.estimate import _of_two_gaps
from entrepot.reconcile.late import expected_arrivals, own_part, with_other_month

FLOW = {"exporter": "AAA", "importer": "BBB", "hs_code": "854231", "frequency": "M"}
KEYS = ["exporter", "importer", "hs_code", "period"]


# --- months beside months


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "lazy polars", "duckdb"])
@pytest.mark.parametrize("back", [1, -1])
def test_another_month_is_the_flows_own_and_the_one_next_to_it(kind, back) -> None:
    rows = [
        {**FLOW, "period": period, "usd": float(n), "importer": importer}
        for importer in ("BBB", "CCC")
        for n, period in enumerate(("2021-11", "2021-12", "2022-01", "2022-03", "2022-04"), start=1)
    ]
    rows = [rows[n] for n in np.random.default_rng(0).permutation(len(rows))]
    table = pa.Table.from_pylist(rows)
    with Engine(memory_limit="1GB") as engine:
        frame = {
            "pandas": table.to_pandas(),
            "polars": pl.from_arrow(table),
            "pyarrow": table,
            "lazy polars": pl.from_arrow(table).lazy(),
            "duckdb": engine.arrow_frame(table).to_native(),
        }[kind]
        found = with_other_month(nw.from_native(frame), {"other": "usd"}, back=back)
        found = found.lazy().collect("pyarrow").to_native().to_pylist()
    at = {(row["importer"], row["period"]): row["other"] for row in found}
    known = {"2021-12": 1.0, "2022-01": 2.0, "2022-04": 4.0} if back == 1 else {
        "2021-11": 2.0, "2021-12": 3.0, "2022-03": 5.0
    }  # fmt: skip
    assert len(at) == len(rows)
    for (_, period), other in at.items():
        value = None if other is None or np.isnan(other) else other
        assert value == known.get(period)


@pytest.mark.parametrize(
    ("now", "before", "expected", "part"),
    [
        (100.0, 200.0, 125.0, 0.6),
        (100.0, None, 100.0, 1.0),
        (100.0, 0.0, 100.0, 1.0),
        (0.0, 200.0, 0.0, 1.0),
        (None, 200.0, None, 1.0),
    ],
)
def test_what_is_not_known_of_the_month_before_is_not_expected(now, before, expected, part) -> None:
    frame = pl.DataFrame({"now": [now], "before": [before]}, schema={"now": pl.Float64, "before": pl.Float64})
    timing = nw.col("now"), nw.col("before"), nw.lit(0.25)
    found = nw.from_native(frame).select(expected_arrivals(*timing).alias("m"), own_part(*timing).alias("w"))
    assert found.to_native().row(0) == (expected, part)


@pytest.mark.parametrize("seed", range(5))
def test_a_months_noise_is_the_best_linear_guess_of_two_gaps(seed) -> None:
    """The twin solves the normal equations of all that the two gaps are made of."""
    rng = np.random.default_rng(seed)
    a, w, part, other, late = rng.uniform(0.01, 0.5, 5)
    next_other = rng.uniform(0.01, 0.5)
    here, after = (rng.normal() if rng.random() < 0.7 else None for _ in range(2))
    # independent: the exporter's noise of the month before, of the month, of the next; the importers' of two
    variances = np.diag([a, a, a, other + late, next_other])
    gaps = np.array([[-(1 - w), -w, 0, 1, 0], [0, -part, -(1 - part), 0, 1]])
    seen = [n for n, gap in enumerate((here, after)) if gap is not None]
    shown, r = gaps[seen], np.array([gap for gap in (here, after) if gap is not None])
    noise = np.array([0, 1, 0, 0, 0])
    pull = noise @ variances @ shown.T @ np.linalg.pinv(shown @ variances @ shown.T)
    left = a - pull @ shown @ variances @ noise
    row = {
        "__month_x": a, "__own_part": w, "__around": here, "__next": after, "__next_part": part,
        "__spread": a * (w**2 + (1 - w) ** 2) + other + late, "__month_m": other, "__late": late,
        "__next_spread": a * (part**2 + (1 - part) ** 2) + next_other, "__by_importer": False,
    }  # fmt: skip
    schema = {name: pl.Boolean if name == "__by_importer" else pl.Float64 for name in row}
    found = _of_two_gaps(nw.from_native(pl.DataFrame([row], schema=schema))).to_native().to_dicts()[0]
    # what the exporter is too low by is added: the guess is minus its noise
    assert found["__month"] == pytest.approx(-(pull @ r) if seen else 0.0)
    assert found["__month_variance"] == pytest.approx(left)


# --- years of one side alone


@cache
def years(*, lasts: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return reports of three years and the truth; a third of the flows has one side in the last of them."""
    rng = np.random.default_rng(3)
    areas, products = 14, 30
    codes = np.array([f"A{i:02d}" for i in range(areas)])
    i, j, k = (index.ravel() for index in np.indices((areas, areas, products)))
    some = (i != j) & (rng.random(len(i)) < 0.5)
    i, j, k = i[some], j[some], k[some]
    left = rng.normal(13.0, 1.5, (len(i), 1)) + rng.normal(0.0, 0.2, (len(i), 3))
    goods = np.array([f"{1 + n:02d}0100" for n in range(products)])
    sides, third = [], rng.integers(0, 3, areas)
    for flow, reporter, partner, ratio, concept in (
        ("export", i, j, 1.0, "last_known_destination"), ("import", j, i, 1.07, "origin")
    ):  # fmt: skip
        noise = rng.normal(0.0, 0.2, (len(i), 1 if lasts else 3)) + rng.normal(0.0, 0.02, (len(i), 3))
        for year in range(3):
            silent = (year == 2) & (third[reporter] == (flow == "import"))
            sides.append(
                pd.DataFrame(
                    {
                        "reporter": codes[reporter], "partner": codes[partner], "hs_code": goods[k],
                        "period": f"{2020 + year}", "flow": flow, "partner_concept": concept, "role": "leaf",
                        "frequency": "A", "primary_value_usd": np.exp(left[:, year] + noise[:, year]) * ratio,
                        "net_weight_kg": 1.0,
                    }
                )[~silent]
            )  # fmt: skip
    truth = pd.concat(
        pd.DataFrame(
            {"exporter": codes[i], "importer": codes[j], "hs_code": goods[k], "period": f"{2020 + year}",
             "true_usd": np.exp(left[:, year])}
        ) for year in range(3)
    )  # fmt: skip
    return pd.concat(sides), truth


def off(rows: pd.DataFrame) -> float:
    return float((np.log(rows["value_usd"]) - np.log(rows["true_usd"])).abs().mean())


def test_what_lasts_of_a_gap_puts_a_year_of_one_side_right() -> None:
    """Noise of both books is alike, so that the other book takes away √½ of what lasts."""
    reports, truth = years(lasts=True)
    paired = pair_books(reports)
    fit = fit_books(paired, is_monthly=False)
    assert fit.value.lasting == pytest.approx(0.99, abs=0.03)
    found = weigh_books(paired, fit, is_monthly=False).merge(truth, on=KEYS)
    alone = found[found["basis"].isin(["exporter", "importer"]) & (found["period"] == "2022")]
    of_side = dict(list(alone.groupby("basis")))
    assert min(len(rows) for rows in of_side.values()) > 200
    for side, rows in of_side.items():
        plain = rows.assign(
            value_usd=rows["exporter_report_usd"]
            if side == "exporter"
            else rows["importer_report_usd"] / 1.07
        )
        assert off(rows) < 0.8 * off(plain)
    inside = (alone["low_usd"] <= alone["true_usd"]) & (alone["true_usd"] <= alone["high_usd"])
    assert 0.85 <= inside.mean() <= 0.96


def test_errors_that_do_not_last_tell_nothing_of_another_year() -> None:
    reports, _ = years(lasts=False)
    paired = pair_books(reports)
    fit = fit_books(paired, is_monthly=False)
    assert fit.value.lasting < 0.05
    found = weigh_books(paired, fit, is_monthly=False)
    alone = found[found["basis"] == "exporter"]
    np.testing.assert_allclose(alone["value_usd"], alone["exporter_report_usd"], rtol=0.05)


def test_one_year_has_no_other() -> None:
    reports, _ = years(lasts=True)
    fit = fit_books(pair_books(reports[reports["period"] == "2020"]), is_monthly=False)
    assert fit.value.lasting == 0.0
