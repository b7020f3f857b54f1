"""Data quality in closed form, values that add up, and valuations that can be undone."""

from __future__ import annotations

import math
from itertools import product

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from entrepot.engine import Engine, place_beside
from entrepot.errors import ContractError, OptionError
from entrepot.reconcile import add_up, book_quality, reconcile, to_cif, to_fob
from entrepot.schema import QUALITY, TOTALS, bad_rows


@pytest.fixture
def flows() -> pd.DataFrame:
    """A and B: 100 against 100/e^0.5; 40 of which only B knows; 60 in a month that A did not publish."""
    rows = [
        ("AAA", "BBB", "010101", "2022-01", 100.0, 100.0 * math.exp(-0.5), -0.5),
        ("AAA", "BBB", "020202", "2022-01", 0.0, 40.0, None),
        ("AAA", "BBB", "010101", "2022-02", None, 60.0, None),
        ("AAA", "CCC", "010101", "2022-01", 7.0, None, None),
        ("AAA", "AAA", "010101", "2022-01", None, 9.0, None),
    ]
    columns = [
        "exporter",
        "importer",
        "hs_code",
        "period",
        "exporter_report_usd",
        "importer_report_usd",
        "log_gap",
    ]
    frame = pd.DataFrame(rows, columns=columns).assign(cif_fob_ratio=1.0)
    return frame.astype(dict.fromkeys(columns[4:], float))


def test_quality_in_closed_form(flows) -> None:
    found = book_quality(flows, ["reporter", "flow"]).set_index(["reporter", "flow"])
    mine = found.loc["AAA", "export"]
    seen = 100 * math.exp(-0.5) + 40
    assert mine["partner_usd"] == pytest.approx(seen + 60)
    assert mine["published_share"] == pytest.approx(seen / (seen + 60))
    assert mine["missed_share"] == pytest.approx(40 / seen)
    assert mine["median_gap"] == pytest.approx(0.5)
    assert mine["quality"] == pytest.approx(100 * seen / (seen + 60) * (1 - 40 / seen) * math.exp(-0.5))
    assert (mine["reported_flows"], mine["compared_flows"], mine["reported_usd"]) == (2, 1, 107.0)
    silent = found.loc["CCC", "import"]
    assert silent["quality"] == 0.0
    assert math.isnan(silent["missed_share"])


def test_quality_is_null_where_nothing_can_be_compared(flows) -> None:
    found = book_quality(flows, ["reporter", "flow", "partner"])
    alone = found[(found["flow"] == "export") & (found["partner"] == "CCC")].iloc[0]
    assert math.isnan(alone["quality"])
    assert alone["reported_usd"] == 7.0


def test_every_key_tells_rows_apart_and_the_contract_holds(flows) -> None:
    whole = book_quality(flows)
    assert bad_rows(whole, QUALITY).empty
    assert not whole.duplicated(list(QUALITY.key)).any()
    assert not (whole["reporter"] == whole["partner"]).any()
    for key in QUALITY.key:
        coarser = book_quality(flows, [key])
        assert coarser[key].nunique() == len(coarser) == whole[key].nunique()
        assert coarser["reported_usd"].sum() == pytest.approx(whole["reported_usd"].sum())
    with pytest.raises(OptionError, match="no keys colour"):
        book_quality(flows, ["colour"])
    with pytest.raises(OptionError, match="no keys are given"):
        book_quality(flows, [])


def test_values_add_up_and_the_rest_is_said(reports) -> None:
    goods = [
        ("AAA", "export", "BBB", usd, {"hs_code": code})
        for code, usd in (("010101", 10.0), ("010102", 20.0), ("010201", 30.0), ("870323", 40.0))
    ]
    goods += [("BBB", "import", "AAA", 11.0, {"hs_code": "010101"})]
    totals = [("AAA", "export", "BBB", 130.0, {"hs_code": "TOTAL"})]
    flows = reconcile(reports(goods), estimate="exporter_first")
    found = add_up(flows, reports(totals))
    assert bad_rows(found, TOTALS).empty
    assert not found.duplicated(list(TOTALS.key)).any()
    value = found.set_index("hs_code")["value_usd"]
    assert value[["0101", "0102", "01", "87", "TOTAL"]].to_dict() == pytest.approx(
        {"0101": 30.0, "0102": 30.0, "01": 60.0, "87": 40.0, "TOTAL": 100.0}
    )
    for finer, coarser in ((6, 4), (4, 2)):
        fine = value[value.index.str.len() == finer]
        assert (
            fine.groupby(fine.index.str[:coarser]).sum().to_dict()
            == value[(value.index.str.len() == coarser) & (value.index != "TOTAL")].to_dict()
        )
    total = found.set_index("hs_code").loc["TOTAL"]
    assert (total["exporter_total_usd"], total["exporter_undetailed_usd"]) == (130.0, 30.0)
    assert math.isnan(total["importer_total_usd"])
    assert found.set_index("hs_code")["exporter_total_usd"].drop("TOTAL").isna().all()


def difference(row: pd.Series, side: str) -> tuple[float, float]:
    """Return what a book differs by from the estimate, and the sum of the reasons."""
    total, report = row[f"{side}_total_usd"], row[f"{side}_report_usd"]
    book = total if not math.isnan(total) else (0.0 if math.isnan(report) else report)
    parts = [
        row[f"{side}_undetailed_usd"],
        row.get(f"{side}_valuation_usd", 0.0),
        row[f"{side}_weighting_usd"],
    ]
    less = row[f"{side}_unknown_usd"] + row[f"{side}_silent_usd"]
    return book - row["value_usd"], np.nansum(parts) - less


@pytest.mark.parametrize("estimate", ["weighted", "exporter_first"])
def test_every_book_differs_by_its_reasons_and_nothing_else(estimate, reports) -> None:
    rng = np.random.default_rng(2)
    rows, areas = [], ["AAA", "BBB", "CCC", "DDD"]
    for i, j, k in product(areas, areas, range(8)):
        for side, flow, other, more in ((i, "export", j, 1.0), (j, "import", i, 1.1)):
            if i == j or (side, flow) == ("DDD", "export") or rng.random() < 0.3:
                continue
            code = "39XXXX" if k == 7 else f"{84 + k % 3}{k % 2}{k:03d}"
            usd = float(rng.uniform(10, 100)) * more
            rows.append((side, flow, other, usd, {"hs_code": code, "frequency": "A", "period": "2022"}))
    totals = [
        ("AAA", "export", "BBB", 5000.0, {"hs_code": "TOTAL", "frequency": "A", "period": "2022"}),
        ("CCC", "import", "DDD", 7000.0, {"hs_code": "TOTAL", "frequency": "A", "period": "2022"}),
    ]
    found = add_up(reconcile(reports(rows), estimate=estimate), reports(totals))
    assert bad_rows(found, TOTALS).empty
    seen = set()
    for _, row in found.iterrows():
        for side in ("exporter", "importer"):
            apart, reasons = difference(row, side)
            assert apart == pytest.approx(reasons, abs=1e-6)
            names = ("undetailed", "unknown", "silent", "confidential", "weighting", "valuation")
            seen |= {(side, n) for n in names if abs(np.nan_to_num(row.get(f"{side}_{n}_usd", 0.0))) > 1e-9}
    # taken first, the exporter's nothing is the estimate, and its something needs no weighing
    weighed = {"unknown", "weighting"} if estimate == "weighted" else set()
    told = {side: {name for one, name in seen if one == side} for side in ("exporter", "importer")}
    assert told["exporter"] == {"undetailed", "silent", "confidential"} | weighed
    assert told["importer"] == {"undetailed", "confidential", "valuation", "unknown", "weighting"}
    withheld = found[found["hs_code"] == "39"]
    assert (withheld["exporter_confidential_usd"] == withheld["exporter_report_usd"].fillna(0)).all()


def test_fob_of_cif_is_what_it_was() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "exporter": "AAA", "importer": "BBB", "hs_code": ["010101", "870323", "270900"],
            "period": "2022-03", "valuation": "fob", "primary_value_usd": rng.uniform(1, 1e9, 3),
        }
    )  # fmt: skip
    ratios = pd.DataFrame(
        {
            "exporter": "AAA", "importer": "BBB", "product_group": ["food", "machines and vehicles"],
            "year": "2022", "log_freight": [0.05, 0.1],
        }
    )  # fmt: skip
    cif = to_cif(frame, ratios)
    assert cif["valuation"].to_list() == ["cif", "cif", "fob"], "without a ratio the value stays"
    assert (cif["primary_value_usd"] / frame["primary_value_usd"]).to_list() == pytest.approx(
        [math.exp(0.05), math.exp(0.1), 1.0]
    )
    back = to_fob(cif, ratios)
    np.testing.assert_allclose(back["primary_value_usd"], frame["primary_value_usd"], rtol=1e-15)
    pd.testing.assert_frame_equal(
        back.drop(columns="primary_value_usd"), frame.drop(columns="primary_value_usd")
    )
    pd.testing.assert_frame_equal(to_fob(frame, ratios), frame)


def test_a_small_table_stands_beside_its_frame_and_a_large_one_is_refused(monkeypatch) -> None:
    table = pa.table({"a": ["x", "y"]})
    with Engine(memory_limit="200MB", threads=1) as engine:
        frame = engine.arrow_frame(table)
        joined = frame.join(place_beside(pa.table({"a": ["y"], "b": [1]}), frame), on="a")
        assert joined.collect("pyarrow").to_native().to_pylist() == [{"a": "y", "b": 1}]
    monkeypatch.setattr("entrepot.engine.beside._MOST_ROWS", 1)
    from entrepot.engine import small_table  # noqa: PLC0415

    with pytest.raises(ContractError, match="2 rows are no aggregate"):
        small_table(nw.from_native(table), what="test")
