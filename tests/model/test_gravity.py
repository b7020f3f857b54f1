"""Gravity: brute force with dummies, closed form, what is separated, what is refused, published panels."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy.optimize import minimize

from entrepot.errors import CoverageError, OptionError
from entrepot.model.gravity import fit_gravity


def drawn(seed: int, areas: int = 6, years: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        {
            "i": f"i{i}",
            "j": f"j{j}",
            "t": str(t),
            "pair": f"{i}{j}",
            "x": float(rng.normal()),
            "u": float(rng.normal()),
        }
        for i in range(areas)
        for j in range(areas)
        for t in range(years)
    ]
    table = pl.DataFrame(rows)
    mu = np.exp(0.5 * table["x"].to_numpy() + rng.normal(0, 0.2, len(table)))
    return table.with_columns(trade=pl.Series(rng.poisson(mu).astype(float)))


@pytest.mark.parametrize("seed", range(2))
def test_the_sweep_gives_what_dummies_give(seed) -> None:
    table = drawn(seed)
    fit = fit_gravity(table, outcome="trade", terms=["x", "u"], effects=["i:t", "j:t"])
    y, x = table["trade"].to_numpy(), table.select("x", "u").to_numpy()
    sides = [table.select(pl.concat_str(side, "t")).to_series() for side in ("i", "j")]
    dummies = np.column_stack([side.to_dummies().to_numpy() for side in sides]).astype(float)
    design = np.column_stack([x, dummies])

    def loss(beta):
        eta = np.clip(design @ beta, -40, 40)
        return np.sum(np.exp(eta) - y * eta), design.T @ (np.exp(eta) - y)

    best = minimize(
        loss, np.zeros(design.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 4000}
    )
    assert fit.rows_separated == 0
    assert fit.table["estimate"].to_pylist() == pytest.approx(best.x[:2].tolist(), abs=1e-5)
    mu = np.exp(design @ best.x)
    bread = np.linalg.pinv(design.T @ (design * mu[:, None]))
    scores = design * (y - mu)[:, None]
    covariance = bread @ (scores.T @ scores) @ bread * (y.size / (y.size - 1))
    assert fit.table["std_error"].to_pylist() == pytest.approx(
        np.sqrt(np.diag(covariance))[:2].tolist(), rel=1e-4
    )


def test_clusters_of_one_row_are_robust_and_larger_ones_are_not() -> None:
    table = drawn(5).with_row_index("row")
    plain = fit_gravity(table, outcome="trade", terms=["x"], effects=["i", "j"])
    alone = fit_gravity(table, outcome="trade", terms=["x"], effects=["i", "j"], cluster="row")
    pairs = fit_gravity(table, outcome="trade", terms=["x"], effects=["i", "j"], cluster="pair")
    assert alone.table == plain.table
    assert pairs.table["estimate"] == plain.table["estimate"]
    assert pairs.table["std_error"][0].as_py() != pytest.approx(plain.table["std_error"][0].as_py(), rel=1e-3)


def test_pairs_of_zeros_are_counted_and_change_nothing() -> None:
    table = drawn(2)
    zeros = table.filter(pl.col("pair") == "01").with_columns(pair=pl.lit("zz"), trade=pl.lit(0.0))
    effects = ["i:t", "j:t", "pair"]
    base = fit_gravity(table, outcome="trade", terms=["x"], effects=effects)
    more = fit_gravity(pl.concat([table, zeros]), outcome="trade", terms=["x"], effects=effects)
    assert more.rows_separated == base.rows_separated + 3
    assert more.table["estimate"][0].as_py() == pytest.approx(base.table["estimate"][0].as_py(), abs=1e-9)
    holes = table.with_columns(x=pl.when(pl.int_range(pl.len()) < 4).then(None).otherwise("x"))
    assert fit_gravity(holes, outcome="trade", terms=["x"], effects=effects).rows_null == 4


def test_what_cannot_be_fitted_is_refused() -> None:
    table = drawn(1)
    with pytest.raises(OptionError, match="explain const fully"):
        fit_gravity(
            table.with_columns(const=pl.lit(1.0)), outcome="trade", terms=["x", "const"], effects=["i"]
        )
    with pytest.raises(OptionError, match="no column rta"):
        fit_gravity(table, outcome="trade", terms=["rta"], effects=["i"])
    with pytest.raises(OptionError, match="below zero"):
        fit_gravity(table, outcome="u", terms=["x"], effects=["i"])
    with pytest.raises(CoverageError, match="above zero"):
        fit_gravity(pa.table({"y": [0.0], "x": [1.0], "i": ["a"]}), outcome="y", terms=["x"], effects=["i"])


def test_effects_are_those_that_were_put_in_and_say_what_can_be_compared() -> None:
    """Without noise the fit is exact: contrasts within a component are the truth, others are not told."""
    rng = np.random.default_rng(7)
    sides = [("a", range(5), range(4)), ("b", range(3), range(6))]  # two blocks that never trade
    maker, buyer = rng.normal(size=10), rng.normal(size=12)
    rows = [
        {"i": f"{block}{i}", "j": f"{block}{j}", "x": float(rng.normal()), "at": (block, i, j)}
        for block, exporters, importers in sides
        for i in exporters
        for j in importers
    ]
    for row in rows:
        block, i, j = row.pop("at")
        shift = 5 * (block == "b")
        row["trade"] = float(np.exp(0.3 * row["x"] + maker[i + shift] + buyer[j + shift]))
    fit = fit_gravity(pl.DataFrame(rows), outcome="trade", terms=["x"], effects=["i", "j"], keep=["j"])
    assert set(fit.effects) == {"j"}
    assert fit.table["estimate"][0].as_py() == pytest.approx(0.3, abs=1e-8)
    found = fit.effects["j"].to_pylist()
    by_block = {block: [row for row in found if row["j"][0] == block] for block, *_ in sides}
    assert len({row["component"] for row in found}) == 2
    for block, own in by_block.items():
        assert len({row["component"] for row in own}) == 1
        truth = np.array([buyer[int(row["j"][1:]) + 5 * (block == "b")] for row in own])
        assert [row["estimate"] for row in own] == pytest.approx((truth - truth.mean()).tolist(), abs=1e-6)


def test_effects_of_ordered_pairs_beside_both_sides_cannot_be_compared() -> None:
    """Costs of i→j beside effects of i:t and j:t are told up to a level of each i and j, of none alone."""
    table = drawn(3).with_columns(trade=pl.col("trade") + 1)
    effects = ["i:t", "j:t", "pair"]
    fit = fit_gravity(table, outcome="trade", terms=["x"], effects=effects, keep=["pair", "i:t"])
    pairs = fit.effects["pair"]
    assert len(set(pairs["component"].to_pylist())) == pairs.num_rows
    assert set(pairs["estimate"].to_pylist()) == {0.0}
    assert fit.effects["i:t"].column_names == ["i", "t", "estimate", "component"]
    with pytest.raises(OptionError, match="no such set of effects"):
        fit_gravity(table, outcome="trade", terms=["x"], effects=effects, keep=["j"])


@pytest.fixture(scope="module")
def panel(realdata) -> tuple[pl.DataFrame, dict[str, tuple[str, str, int]]]:
    folder = realdata / "gravity-benchmarks"
    table = pl.read_parquet(folder / "agtpa_applications.parquet").with_columns(
        pl.col("year").cast(pl.Int64), ln_dist=pl.col("dist").log()
    )
    is_home = pl.col("exporter") == pl.col("importer")
    table = table.with_columns(
        border=(~is_home).cast(pl.Float64), pair=pl.when(is_home).then(-1.0).otherwise("pair_id")
    )
    printed = pl.read_csv(folder / "published_stata_coefficients.csv", infer_schema=False).rows(named=True)
    stages = {
        row["term"] if row["dataset"] == "agtpa_applications" else f"costs {row['term']}": (
            row["estimate"], row["std_err"], int(row["n_obs"])
        )
        for row in printed
    }  # fmt: skip
    assert len(stages) == 8
    return table, stages


def agrees(fit, at: int, printed: tuple[str, str, int]) -> None:
    """Compare to the digits that Stata prints."""
    for column, text in zip(("estimate", "std_error"), printed[:2], strict=True):
        digits = len(text.split(".")[1])
        assert f"{fit.table[column][at].as_py():.{digits}f}" == f"{float(text):.{digits}f}"
    assert fit.rows == printed[2]


@pytest.mark.realdata
def test_borders_and_distance_are_those_that_stata_printed(panel) -> None:
    """Yotov et al. (2016), TradeWithoutBorder.log: cross-section of 2006, trade at home included."""
    table, printed = panel
    fit = fit_gravity(
        table.filter(pl.col("year") == 2006),
        outcome="trade",
        terms=["ln_dist", "cntg", "border"],
        effects=["exporter", "importer"],
    )
    for at, term in enumerate(("ln_DIST", "CNTG", "INTL_BRDR")):
        agrees(fit, at, printed[term])


@pytest.mark.realdata
def test_agreements_are_those_that_stata_printed(panel) -> None:
    """Yotov et al. (2016), RTAsEffects.log: three-way panel of six years."""
    table, printed = panel
    fit = fit_gravity(
        table.filter(pl.col("year").is_in([1986, 1990, 1994, 1998, 2002, 2006])),
        outcome="trade",
        terms=["rta"],
        effects=["exporter:year", "importer:year", "pair"],
    )
    agrees(fit, 0, printed["RTA"])
    assert fit.rows_separated == 84


@pytest.mark.realdata
def test_costs_of_pairs_are_explained_as_stata_printed(panel) -> None:
    """Yotov et al. (2016), RTAsEffects.log, second stage: what the effects of pairs of 1994 are made of.

    Costs are those over trade at home, stored in single precision as Stata's `generate` stores them: in
    double precision the seventh digit of one of the eight figures differs by one.
    """
    table, printed = panel
    years = table.filter(pl.col("year").is_in([1986, 1990, 1994, 1998, 2002, 2006]))
    effects = ["exporter:year", "importer:year", "pair"]
    first = fit_gravity(years, outcome="trade", terms=["rta"], effects=effects, keep=["pair"])
    costs = pl.DataFrame(first.effects["pair"])
    assert costs["component"].n_unique() == 1
    home = costs.filter(pl.col("pair") == -1)["estimate"].item()
    abroad = years.filter((pl.col("year") == 1994) & (pl.col("border") > 0)).join(costs, on="pair")
    fit = fit_gravity(
        abroad.with_columns(cost=(pl.col("estimate") - home).cast(pl.Float32).exp()),
        outcome="cost",
        terms=["ln_dist", "cntg", "lang", "clny"],
        effects=["exporter", "importer"],
        cluster="pair",
    )
    for at, term in enumerate(("ln_DIST", "CNTG", "LANG", "CLNY")):
        agrees(fit, at, printed[f"costs {term}"])
