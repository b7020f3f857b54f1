"""Special areas: kept or allocated, and nothing lost, in closed form and in random books."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.errors import OptionError
from entrepot.reconcile import allocate_special, cif_fob_ratios, pair_books, reconcile
from entrepot.schema import RECONCILED, bad_rows


def allocated(frame: pd.DataFrame, ratio: float = 1.0) -> pd.DataFrame:
    """Return the books with special areas allocated, one ratio for all pairs."""
    paired = pair_books(frame)
    ratios = cif_fob_ratios(paired).iloc[:0]
    pairs = paired[["exporter", "importer"]].drop_duplicates()
    ratios = pairs.assign(log_ratio=math.log(ratio), importer_log_ratio=0.0, whole_median=0.0, spread=0.1)
    return allocate_special(paired, ratios).set_index(["exporter", "importer"])


#: Amount on the special area, mirrors of two partners and what the exporter names for them → what they get.
SHARED = {
    (60.0, (40.0, 20.0), (0.0, 0.0)): (40.0, 20.0),
    (30.0, (40.0, 20.0), (0.0, 0.0)): (20.0, 10.0),
    (90.0, (40.0, 20.0), (0.0, 0.0)): (40.0, 20.0),
    (60.0, (140.0, 20.0), (100.0, 0.0)): (40.0, 20.0),
    (60.0, (90.0, 20.0), (100.0, 20.0)): (0.0, 0.0),
}


@pytest.mark.parametrize("side", ["export", "import"])
@pytest.mark.parametrize("case", SHARED, ids=str)
def test_partners_get_what_they_know_of_and_the_rest_stays(case, side, reports) -> None:
    amount, mirrors, named = case
    other = "import" if side == "export" else "export"
    rows = [("AAA", side, "XAN", amount)]
    for partner, mirror, own in zip(("BBB", "CCC"), mirrors, named, strict=True):
        rows.append((partner, other, "AAA", mirror))
        rows += [("AAA", side, partner, own)] * (own > 0)
    found = allocated(reports(rows))
    book = "exporter" if side == "export" else "importer"
    of = found if side == "export" else found.swaplevel()
    got = [of.loc[("AAA", partner), f"{book}_allocated_usd"] for partner in ("BBB", "CCC")]
    assert got == pytest.approx(list(SHARED[case]))
    own = [of.loc[("AAA", partner), f"{book}_report_usd"] for partner in ("BBB", "CCC")]
    assert own == pytest.approx([n + g for n, g in zip(named, SHARED[case], strict=True)])
    assert of.loc[("AAA", "XAN"), f"{book}_report_usd"] == pytest.approx(amount - sum(SHARED[case]))


def test_mirrors_are_compared_on_one_scale(reports) -> None:
    rows = [("AAA", "export", "XFZ", 100.0), ("BBB", "import", "AAA", 110.0)]
    found = allocated(reports(rows), ratio=1.1)
    assert found.loc[("AAA", "BBB"), "exporter_allocated_usd"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("area", "takers"),
    [("XAN", {"BBB", "TWN"}), ("XFZ", {"BBB", "TWN"}), ("XOA", {"TWN"}), ("XBU", set()), ("XQP", set())],
)
def test_who_may_be_behind_a_special_area(area, takers, reports) -> None:
    """Other Asia is Taiwan; what a ship burns nobody imports."""
    rows = [("AAA", "export", area, 50.0), ("BBB", "import", "AAA", 100.0), ("TWN", "import", "AAA", 100.0)]
    found = allocated(reports(rows))
    assert {j for _, j in found.index[found["exporter_allocated_usd"] > 0]} == takers


def test_taiwan_that_does_not_report_leaves_other_asia_as_it_is(reports) -> None:
    rows = [("AAA", "export", "XOA", 50.0), ("BBB", "import", "AAA", 100.0)]
    assert (allocated(reports(rows))["exporter_allocated_usd"] == 0).all()


@pytest.mark.parametrize("kg", [(8.0, 3.0), (8.0, None), (None, 3.0)], ids=str)
def test_weights_and_quantities_move_with_the_value(kg, reports) -> None:
    special, own = kg
    rows = [
        ("AAA", "export", "XAN", 40.0, {"net_weight_kg": special, "quantity": 4.0, "quantity_unit": "u"}),
        ("AAA", "export", "BBB", 10.0, {"net_weight_kg": own, "quantity": 1.0, "quantity_unit": "kg"}),
        ("BBB", "import", "AAA", 20.0), ("CCC", "import", "AAA", 10.0),
    ]  # fmt: skip
    found = allocated(reports(rows))
    weight, quantity = found["exporter_weight_kg"], found["exporter_quantity"]
    nan = math.nan
    np.testing.assert_allclose(weight["AAA", "XAN"], nan if special is None else special / 2)
    np.testing.assert_allclose(weight["AAA", "CCC"], nan if special is None else special / 4)
    np.testing.assert_allclose(
        weight["AAA", "BBB"], nan if special is None or own is None else own + special / 4
    )
    assert (quantity["AAA", "XAN"], quantity["AAA", "CCC"]) == (2.0, 1.0)
    assert found.loc[("AAA", "CCC"), "exporter_quantity_unit"] == "u"
    assert math.isnan(quantity["AAA", "BBB"]), "pieces do not add to kilograms"


AREAS = ["AAA", "BBB", "CCC", "TWN", "XAN", "XOA", "XBU"]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(AREAS[:4]),
        st.sampled_from(["export", "import"]),
        st.sampled_from(AREAS),
        st.floats(1.0, 1e9),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=8, deadline=None)
@given(rows=ROWS)
def test_no_book_loses_or_gains(rows, reports) -> None:
    frame = reports(rows)
    before, after = pair_books(frame).set_index(["exporter", "importer"]), allocated(frame)
    assert len(before) == len(after)
    for side in ("exporter", "importer"):
        for level in (None, side):
            sums = [
                f[f"{side}_report_usd"].groupby(level=level).sum() if level else f[f"{side}_report_usd"].sum()
                for f in (before, after)
            ]
            np.testing.assert_allclose(*sums, rtol=1e-9)
        moved = after[f"{side}_allocated_usd"]
        np.testing.assert_allclose(
            after[f"{side}_report_usd"] - moved.reindex(after.index),
            before[f"{side}_report_usd"].reindex(after.index),
            rtol=1e-6, atol=1e-6,
        )  # fmt: skip
        assert (after[f"{side}_report_usd"].fillna(0) >= -1e-6).all()
        is_null = [f[f"{side}_report_usd"].isna() for f in (before, after)]
        pd.testing.assert_series_equal(is_null[0].sort_index(), is_null[1].sort_index())


@pytest.mark.parametrize("estimate", ["weighted", "exporter_first"])
def test_the_option_changes_flows_and_marks_them(estimate, reports) -> None:
    rows = [("AAA", "export", "XAN", 30.0, {"hs_code": "850000"})]
    for k in range(5):
        code = {"hs_code": f"85{k:04d}"}
        rows.append(("AAA", "export", "BBB", 100.0, code))
        rows.append(("BBB", "import", "AAA", 100.0 if k else 140.0, code))
    kept, shared = (reconcile(reports(rows), estimate=estimate, special=how) for how in ("keep", "allocate"))
    assert kept["exporter_allocated_usd"].isna().all()
    assert bad_rows(shared, RECONCILED).empty
    marks = shared.set_index(["importer", "hs_code"])["exporter_allocated_usd"]
    assert marks["BBB", "850000"] > 0
    assert marks["BBB", "850000"] == -marks["XAN", "850000"]
    with pytest.raises(OptionError, match="no way to treat special areas"):
        reconcile(reports(rows), special="drop")
