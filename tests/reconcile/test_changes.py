"""Whose months are noisy, told from changes over time, on flows whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.reconcile import VALUE, BooksFit, fit_books, pair_books, weigh_books
from entrepot.reconcile.changes import change_moments, month_noises

KEYS = ["exporter", "importer", "hs_code", "period"]
MONTHS = 36


@dataclass(frozen=True)
class Books:
    """Reports whose errors are independent over months, each side's own, beside the truth."""

    reports: pd.DataFrame
    truth: pd.DataFrame
    exporter_sd: dict[str, float]
    importer_sd: dict[str, float]


@cache
def books(seed: int, *, late: float = 0.0, exporters: tuple = (0.02, 0.5), months: int = MONTHS) -> Books:
    rng = np.random.default_rng(seed)
    areas, products = 12, 24
    codes = np.array([f"A{i:02d}" for i in range(areas)])
    sd_x, sd_m = (np.exp(rng.uniform(*np.log(ends), areas)) for ends in (exporters, (0.02, 0.5)))
    i, j, k = (index.ravel() for index in np.indices((areas, areas, products)))
    some = (i != j) & (rng.random(len(i)) < 0.5)
    i, j, k = i[some], j[some], k[some]
    shape = len(i), months
    left = (
        rng.normal(13.0, 1.5, (len(i), 1))
        + np.cumsum(rng.normal(0.0, 0.03, shape), axis=1)
        + rng.normal(0.0, 0.12, shape)
    )
    before = np.column_stack([left[:, :1], left[:, :-1]])
    arrived = np.log((1.0 - late) * np.exp(left) + late * np.exp(before)) + np.log(1.07)
    products_of = np.array([f"{1 + n:02d}0100" for n in range(products)])
    periods = [f"{2020 + t // 12}-{t % 12 + 1:02d}" for t in range(months)]
    every = {"hs_code": np.repeat(products_of[k], months), "period": np.tile(periods, len(i))}
    concepts = {"export": "last_known_destination", "import": "origin"}
    sides = []
    for flow, reporter, partner, amount, sd in (
        ("export", i, j, left, sd_x), ("import", j, i, arrived, sd_m)
    ):  # fmt: skip
        usd = np.exp(amount + sd[reporter][:, None] * rng.normal(size=shape)).ravel()
        sides.append(
            pd.DataFrame(
                {"reporter": np.repeat(codes[reporter], months), "partner": np.repeat(codes[partner], months)}
                | every
                | {"flow": flow, "partner_concept": concepts[flow],
                   "role": "leaf", "frequency": "M", "primary_value_usd": usd, "net_weight_kg": usd / 5.0}
            )
        )  # fmt: skip
    truth = pd.DataFrame(
        {"exporter": np.repeat(codes[i], months), "importer": np.repeat(codes[j], months)}
        | every
        | {"true_usd": np.exp(left).ravel()}
    )
    return Books(
        pd.concat(sides, ignore_index=True), truth,
        dict(zip(codes, sd_x, strict=True)), dict(zip(codes, sd_m, strict=True)),
    )  # fmt: skip


@cache
def paired(**asked: object) -> pd.DataFrame:
    return pair_books(books(**asked).reports)


@cache
def fitted(**asked: object) -> BooksFit:
    return fit_books(paired(**asked))


def by_reporter(fit: BooksFit, flow: str) -> pd.Series:
    """Return the standard deviation of each reporter's months."""
    trust = fit.value.reliability
    yearly = trust.reporters.to_pandas().query("flow == @flow").set_index("reporter")["reporting_sd"] ** 2
    noise = fit.value.noises.table.to_pandas().query("flow == @flow").set_index("reporter")["noise"]
    return (noise * (yearly - (trust.shared if flow == "export" else 0.0))) ** 0.5


@pytest.mark.parametrize("late", [0.0, 0.25])
def test_months_are_weighed_by_each_reporters_own_noise(late) -> None:
    """Errors that are independent over months all but vanish in a year: months need noise of their own."""
    asked = {"seed": 711, "late": late}
    flows = weigh_books(paired(**asked), fitted(**asked)).merge(books(**asked).truth, on=KEYS)
    truth = np.log(flows["true_usd"])
    x, m = flows["exporter_report_usd"], flows["importer_report_usd"]
    off = {
        "ours": flows["value_usd"], "exporter": x, "importer": m / 1.06, "larger": np.maximum(x, m / 1.08),
        "mean": (x + m) / 2,
    }  # fmt: skip
    errors = {name: float((np.log(usd) - truth).abs().mean()) for name, usd in off.items()}
    assert errors["ours"] < 0.7 * min(error for name, error in errors.items() if name != "ours")
    inside = (flows["low_usd"] <= flows["true_usd"]) & (flows["true_usd"] <= flows["high_usd"])
    assert 0.85 <= inside.mean() <= 0.95


@pytest.mark.parametrize("late", [0.0, 0.25])
def test_noise_of_each_book_is_found_and_late_arrival_is_not_the_exporters(late) -> None:
    asked = {"seed": 712, "late": late}
    for flow, true in (("export", books(**asked).exporter_sd), ("import", books(**asked).importer_sd)):
        found = by_reporter(fitted(**asked), flow)
        noisy = {area: sd for area, sd in true.items() if sd > 0.06}
        for area, sd in noisy.items():
            assert found[area] == pytest.approx(sd, rel=0.25)
        assert found.corr(pd.Series(true), method="spearman") > 0.9


def test_which_book_is_noisy_is_told_even_where_all_exporters_are() -> None:
    """The size of a gap alone would share out what all exporters have in common."""
    asked = {"seed": 713, "exporters": (0.3, 0.31)}
    found = by_reporter(fitted(**asked), "export")
    assert found.mean() == pytest.approx(0.3, rel=0.12)
    assert found.min() > 0.2
    assert by_reporter(fitted(**asked), "import").min() < 0.1


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "lazy polars", "duckdb"])
def test_moments_by_brute_force(kind) -> None:
    rows = paired(seed=714, late=0.25).query("exporter == 'A00' and importer in ['A01', 'A02']")
    rows = rows.sample(frac=0.9, random_state=1)
    usual, is_large = rows["exporter_report_usd"], np.arange(len(rows)) % 17 == 0
    rows = rows.assign(exporter_report_usd=usual.where(~is_large, 10.0 * usual))
    asked = [*KEYS, "frequency", "exporter_report_usd", "importer_report_usd"]
    table = pa.Table.from_pandas(rows[asked], preserve_index=False)
    with Engine(memory_limit="1GB") as engine:
        frame = {
            "pandas": rows,
            "polars": pl.from_arrow(table),
            "pyarrow": table,
            "lazy polars": pl.from_arrow(table).lazy(),
            "duckdb": engine.arrow_frame(table).to_native(),
        }[kind]
        moments = nw.from_native(change_moments(frame, VALUE)).lazy().collect("pyarrow").to_native()
    found = moments.sort_by("importer").to_pylist()
    assert [row["importer"] for row in found] == ["A01", "A02"]
    for one in found:
        total, left_out = dict.fromkeys(("runs", "xx", "mm", "same", "after", "before", "later"), 0.0), 0
        for _, flow in rows[rows["importer"] == one["importer"]].groupby("hs_code"):
            at = {12 * int(p[:4]) + int(p[5:]): n for n, p in enumerate(flow["period"])}
            x, m = (np.log(flow[f"{side}_report_usd"].to_numpy()) for side in ("exporter", "importer"))
            for t in at:
                if all(t - back in at for back in range(4)):
                    dx = [x[at[t - n]] - x[at[t - n - 1]] for n in range(3)]
                    dm = [m[at[t - n]] - m[at[t - n - 1]] for n in range(2)]
                    if max(map(abs, (*dx, *dm))) > 1.5:
                        left_out += 1
                        continue
                    total["runs"] += 1
                    for name, product in (
                        ("xx", dx[0] * dx[0]), ("mm", dm[0] * dm[0]), ("same", dx[0] * dm[0]),
                        ("after", dx[1] * dm[0]), ("before", dx[0] * dm[1]), ("later", dx[2] * dm[0]),
                    ):  # fmt: skip
                        total[name] += product
        assert total["runs"] > 100
        assert left_out
        assert {name: one[name] for name in total} == pytest.approx(total)


def test_months_of_one_side_alone_add_up_to_its_year() -> None:
    """The ratio is one of sums: nothing is added to a month of it for the noise of the reporters."""
    known = books(seed=716)
    silent = known.reports["reporter"].ne("A02") | known.reports["flow"].ne("export")
    alone = pair_books(known.reports[silent])
    fit = fit_books(alone)
    assert fit.value.noises is not None
    found = weigh_books(alone, fit)
    mine = found[found["exporter"] == "A02"]
    assert set(mine["basis"]) == {"importer"}
    np.testing.assert_allclose(mine["value_usd"], mine["importer_report_usd"] / mine["cif_fob_ratio"])
    both = found[found["basis"] == "both"]
    months = both["value_usd"].sum() / both["exporter_report_usd"].sum()
    assert months == pytest.approx(1.0, abs=0.1)


def test_few_months_leave_the_noise_to_the_years() -> None:
    """Three months in a row are no run of four."""
    short = books(seed=715, months=3)
    fit = fit_books(pair_books(short.reports))
    assert fit.value.noises is None
    assert len(fit.value.month_variances) == 7


def test_years_have_no_months() -> None:
    yearly = books(seed=715, months=3).reports
    yearly = yearly[yearly["period"] == "2020-01"].assign(period="2020", frequency="A")
    rows = pair_books(yearly)
    empty = change_moments(rows, VALUE)
    assert empty.empty
    assert (
        month_noises(
            pa.Table.from_pandas(empty, preserve_index=False), fitted(seed=714, late=0.25).value.reliability
        )
        is None
    )
