"""Goods that passed a hub stand under their origin in importers' books: hubs are found and taken out."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest

from entrepot.reconcile import fit_books, fit_hubs, pair_books, reconcile, weigh_books, with_passage
from entrepot.reconcile import hubs as hubs_module

HUB, SHARE, SUPPLIERS = "HUB", 0.35, 2
KEYS = ["exporter", "importer", "hs_code", "period"]


@cache
def books(*, share: float = SHARE, is_silent: bool = False, seed: int = 0) -> tuple:
    """Return reports and truth of 12 areas and 40 goods; a share of what the hub sends is under others."""
    rng = np.random.default_rng(seed)
    codes = [HUB, *(f"A{n:02d}" for n in range(11))]
    goods = [f"{84 + k % 5}{1000 + k}" for k in range(40)]
    flows = pd.DataFrame(
        [(i, j, k) for i, j, k in product(codes, codes, goods) if i != j and rng.random() < 0.6],
        columns=["exporter", "importer", "hs_code"],
    ).assign(period="2022")
    flows["usd"] = np.exp(rng.normal(12, 1.5, len(flows))) * np.where(flows["exporter"] == HUB, 4.0, 1.0)
    bought = flows[flows["importer"] == HUB].sort_values("usd", ascending=False)
    bought = bought.groupby("hs_code").head(SUPPLIERS)
    bought["part"] = bought["usd"] / bought.groupby("hs_code")["usd"].transform("sum")
    sent = flows[flows["exporter"] == HUB].drop(columns="exporter")
    moved = sent.merge(bought[["exporter", "hs_code", "part"]], on="hs_code")
    moved = moved[moved["exporter"] != moved["importer"]]
    moved["usd"] *= share * moved["part"]
    left = flows.assign(usd=flows["usd"] * np.where(flows["exporter"] == HUB, 1 - share, 1.0))
    arrived = pd.concat([left, moved]).groupby(KEYS, as_index=False)["usd"].sum()
    rows = []
    for table, flow, reporter, partner, freight in (
        (flows, "export", "exporter", "importer", 1.0),
        (arrived, "import", "importer", "exporter", 1.07),
    ):
        names = {reporter: "reporter", partner: "partner", "usd": "primary_value_usd"}
        noise = freight * np.exp(rng.normal(0, 0.04, len(table)))
        concept = "origin" if flow == "import" else "last_known_destination"
        rows.append(
            table.rename(columns=names).assign(
                flow=flow, partner_concept=concept, role="leaf", frequency="A",
                primary_value_usd=table["usd"] * noise, net_weight_kg=table["usd"] * noise / 4,
            )
        )  # fmt: skip
    reports = pd.concat(rows, ignore_index=True)
    if is_silent:
        reports = reports[reports["reporter"] != HUB]
    return reports, flows.rename(columns={"usd": "true_usd"})


@pytest.mark.parametrize("is_silent", [False, True], ids=["publishes", "silent"])
def test_a_hub_is_found_and_nobody_else(is_silent) -> None:
    hubs = fit_hubs(pair_books(books(is_silent=is_silent)[0]))
    assert hubs.table["hub"].to_pylist() == [HUB]
    assert hubs.share_of(HUB) == pytest.approx(SHARE, abs=0.06)
    assert hubs.suppliers == SUPPLIERS
    assert hubs.table["is_judged"].to_pylist() == [not is_silent]
    assert hubs.share_of("A00") == 0.0


def test_no_hub_is_found_where_all_goods_stand_under_their_sender() -> None:
    paired = pair_books(books(share=0.0)[0])
    hubs = fit_hubs(paired)
    assert hubs.table.num_rows == 0
    assert (with_passage(paired, hubs)["log_passed"] == 0.0).all()


@pytest.mark.parametrize("is_silent", [False, True], ids=["publishes", "silent"])
def test_flows_are_nearer_to_the_truth_when_hubs_are_taken_out(is_silent) -> None:
    reports, truth = books(is_silent=is_silent)
    paired = pair_books(reports)
    without = weigh_books(paired, fit_books(paired, is_monthly=False), is_monthly=False)
    off = []
    for found in (without, reconcile(reports)):
        d = found.merge(truth, on=KEYS)
        off.append(np.log(d["value_usd"] / d["true_usd"]).abs())
    assert off[1].mean() < (0.6 if is_silent else 0.9) * off[0].mean()
    hub = reconcile(reports)
    is_hub = (hub["exporter"] == HUB) & (hub["importer_report_usd"] > 0)
    assert (hub[is_hub]["importer_passed_usd"] < 0).mean() > 0.9
    # what is taken from the suppliers is about what the hub gets
    moved = hub["importer_passed_usd"]
    assert moved[moved > 0].sum() == pytest.approx(-moved[moved < 0].sum(), rel=0.25)


def test_the_amount_is_that_of_a_slow_twin() -> None:
    """Hub by hub and flow by flow, as the formula says."""
    paired = pair_books(books(is_silent=True)[0])
    hubs = fit_hubs(paired)
    fast = with_passage(paired, hubs).set_index(["exporter", "importer", "hs_code"])
    m = paired.set_index(["exporter", "importer", "hs_code"])["importer_report_usd"]
    x = paired.set_index(["exporter", "importer", "hs_code"])["exporter_report_usd"]
    share = hubs.share_of(HUB)
    for good in paired["hs_code"].unique()[:8]:
        arrived = {
            i: m[i, HUB, good] if not np.isnan(m.get((i, HUB, good), np.nan)) else x.get((i, HUB, good))
            for i in paired["exporter"].unique()
            if (i, HUB, good) in x.index
        }
        first = sorted(arrived, key=lambda i: -arrived[i])[: hubs.suppliers]
        for i, j in {(i, j) for i, j, k in x.index if k == good and HUB not in (i, j)}:
            sent = m.get((HUB, j, good), 0.0) / 1.06
            added = (
                share / (1 - share) * sent * arrived[i] / sum(arrived[f] for f in first)
                if i in first
                else 0.0
            )
            expected = (
                np.log(1 + added / x[i, j, good])
                if x[i, j, good] > 0
                else -np.log(1 - min(added / (m[i, j, good] / 1.06), 0.8))
                if m[i, j, good] > 0
                else 0.0
            )
            assert fast.loc[(i, j, good), "log_passed"] == pytest.approx(expected), (i, j, good)


def test_explained() -> None:
    paired = pair_books(books()[0])
    hubs = fit_hubs(paired)
    fit = fit_books(with_passage(paired, hubs), is_monthly=False, hubs=hubs)
    assert f"{HUB} is a hub: importers enter about" in fit.explain(HUB)
    assert "hub" not in fit.explain("A03").replace(HUB, "")


@pytest.mark.parametrize("is_silent", [False, True], ids=["publishes", "silent"])
def test_numbers_of_suppliers_that_fit_badly_early_are_not_tried_to_the_end(is_silent, monkeypatch) -> None:
    paired = pair_books(books(is_silent=is_silent, seed=3)[0])
    found = fit_hubs(paired)
    monkeypatch.setattr(hubs_module, "_FINALISTS", 5)
    slow = fit_hubs(paired)
    assert (found.suppliers, found.spread) == (slow.suppliers, slow.spread)
    pd.testing.assert_frame_equal(found.table.to_pandas(), slow.table.to_pandas())


def test_the_packed_root_is_that_of_numpy() -> None:
    slopes = np.random.default_rng(0).normal(size=(300, 40))
    square = slopes.T @ slopes
    np.testing.assert_allclose(hubs_module._root(square), np.linalg.cholesky(square), atol=1e-12)
    with pytest.raises(np.linalg.LinAlgError):
        hubs_module._root(square - 1e3 * np.eye(40))
