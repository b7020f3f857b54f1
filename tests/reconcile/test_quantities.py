"""Weights and quantities: missing sides, units that can and cannot be compared, sums of parts."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest

from entrepot.nomenclature import exact_units
from entrepot.reconcile import exporter_book, fit_books, pair_books, reconcile, weigh_books
from entrepot.schema import RECONCILED, bad_rows

#: What a side says: it did not publish; it published and has no row; value alone; value with a quantity.
SAYS = {
    "silent": None,
    "nothing": (0.0, None, None),
    "value alone": (10.0, None, None),
    "pieces": (10.0, 120.0, "u"),
    "dozens": (10.0, 10.0, "12u"),
    "kilograms": (10.0, 33.0, "kg"),
    "sets": (10.0, 5.0, "set"),
}
PIECES = {"pieces", "dozens"}


def expected(x: str, m: str) -> tuple[float, str] | None:
    """Return quantity and unit, by hand: the exporter's unit, nothing where units cannot be compared."""
    own, other = ((SAYS[side] or (0.0, None, None))[1:] for side in (x, m))
    if own[0] is None or other[0] is None:
        found = own if own[0] is not None else other
        return found if found[0] is not None else None
    return own if x == m or {x, m} == PIECES else None


CASES = list(product(SAYS, SAYS))


def books(reports, cases: list[tuple[str, str]]) -> pd.DataFrame:
    """Return the reports of every case, each between two areas of its own: X00 to M00, X01 to M01, …"""
    rows = [("CCC", "export", "DDD", 1.0)]
    for n, case in enumerate(cases):
        own = f"X{n:02d}", f"M{n:02d}"
        for said, side, flow, other in zip(case, own, ("export", "import"), own[::-1], strict=True):
            if SAYS[said] is not None:
                value, quantity, unit = SAYS[said]
                rows.append((side, flow, "ZZZ", 5.0))
                if value:
                    rows.append((side, flow, other, value, {"quantity": quantity, "quantity_unit": unit}))
    return reports(rows)


@pytest.fixture(scope="module", params=["weighted", "exporter_first"])
def told(request, reports) -> tuple[str, dict[tuple[str, str], dict]]:
    found = reconcile(books(reports, CASES), estimate=request.param)
    assert bad_rows(found, RECONCILED).empty
    return request.param, found.set_index(["exporter", "importer"]).to_dict("index")


@pytest.mark.parametrize(("x", "m"), CASES)
def test_quantities_of_missing_sides_and_other_units(x, m, told) -> None:
    estimate, flows = told
    n = CASES.index((x, m))
    row = flows.get((f"X{n:02d}", f"M{n:02d}"))
    if not {x, m} - {"silent", "nothing"}:
        assert row is None
        return
    for side, said in (("exporter", x), ("importer", m)):
        value, quantity, unit = SAYS[said] or (math.nan, None, None)
        np.testing.assert_equal(row[f"{side}_report_usd"], value)
        np.testing.assert_equal(row[f"{side}_quantity"], math.nan if quantity is None else quantity)
        assert pd.isna(row[f"{side}_quantity_unit"]) if unit is None else row[f"{side}_quantity_unit"] == unit
    wanted = expected(x, m)
    if estimate == "exporter_first":
        own = SAYS[x if SAYS[x] is not None else m][1:]
        wanted = None if own[0] is None else own
    if wanted is None:
        assert math.isnan(row["quantity"])
        assert pd.isna(row["quantity_unit"])
    else:
        assert (row["quantity"], row["quantity_unit"]) == (pytest.approx(wanted[0]), wanted[1])


def test_a_silent_side_leaves_the_others_quantity_and_no_freight_is_taken_off(reports) -> None:
    row = (
        reconcile(books(reports, [("silent", "pieces")]))
        .set_index(["exporter", "importer"])
        .loc["X00", "M00"]
    )
    assert row["value_usd"] < 10.0, "freight is in the importer's value"
    assert row["quantity"] == pytest.approx(120.0), "and not in its pieces"


def test_units_turn_into_their_base_and_back() -> None:
    for unit, (base, factor) in exact_units().items():
        assert exact_units()[base] == (base, 1.0), unit
        assert factor > 0


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([(3.0, "u"), (4.0, "u")], (7.0, "u")),
        ([(3.0, "u"), (4.0, "kg")], None),
        ([(3.0, "u"), (None, None)], None),
        ([(None, None), (None, None)], None),
    ],
    ids=str,
)
def test_a_book_adds_up_quantities_of_one_unit_where_every_part_has_one(parts, whole, reports) -> None:
    rows = [
        ("AAA", "export", "BBB", 5.0, {"quantity": quantity, "quantity_unit": unit})
        for quantity, unit in parts
    ]
    found = exporter_book(reports(rows)).iloc[0]
    assert found["exporter_report_usd"] == 10.0
    if whole is None:
        assert math.isnan(found["exporter_quantity"])
        assert pd.isna(found["exporter_quantity_unit"])
    else:
        assert (found["exporter_quantity"], found["exporter_quantity_unit"]) == whole


def test_quantities_have_a_reliability_of_their_own(reports) -> None:
    """A counts well and values badly, B the reverse: each has the say in what it is good at."""
    rng = np.random.default_rng(5)
    areas, goods = ["AAA", "BBB", "CCC", "DDD", "EEE"], range(60)
    counting = dict(zip(areas, (0.02, 0.6, 0.2, 0.2, 0.2), strict=True))
    valuing = dict(zip(areas, (0.6, 0.02, 0.2, 0.2, 0.2), strict=True))
    rows = []
    for i, j, k in product(areas, areas, goods):
        if i == j:
            continue
        usd, pieces = np.exp(rng.normal(12, 1)), np.exp(rng.normal(8, 1))
        for side, flow, other in ((i, "export", j), (j, "import", i)):
            more = {
                "hs_code": f"8{k:05d}", "frequency": "A", "period": "2022", "quantity_unit": "u",
                "quantity": pieces * np.exp(rng.normal(0, counting[side])),
            }  # fmt: skip
            rows.append((side, flow, other, usd * np.exp(rng.normal(0, valuing[side])), more))
    paired = pair_books(reports(rows))
    fit = fit_books(paired, is_monthly=False)
    sd = fit.quantity.reliability.reporters.to_pandas().set_index(["reporter", "flow"])["reporting_sd"]
    usd = fit.value.reliability.reporters.to_pandas().set_index(["reporter", "flow"])["reporting_sd"]
    for flow in ("export", "import"):
        assert sd["AAA", flow] < 0.5 * sd["BBB", flow]
        assert usd["BBB", flow] < 0.5 * usd["AAA", flow]
    d = weigh_books(paired, fit, is_monthly=False)
    d = d[(d["exporter"] == "BBB") & (d["importer"] == "AAA")]
    off = np.log(d["quantity"] / d["importer_quantity"]).abs().mean()
    assert off < 0.5 * np.log(d["quantity"] / d["exporter_quantity"]).abs().mean()
    off = np.log(d["value_usd"] / d["exporter_report_usd"]).abs().mean()
    assert off < 0.5 * np.log(d["value_usd"] / d["importer_report_usd"]).abs().mean()
