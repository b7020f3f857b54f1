"""Two books, one flow, the exporter's first: missing sides, traps, ratios and intervals."""

from __future__ import annotations

import math
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.reconcile import (
    DEFAULT_CIF_FOB,
    cif_fob_ratios,
    exporter_book,
    importer_book,
    pair_books,
    reporting_calendar,
)
from entrepot.reconcile import reconcile as reconcile_by
from entrepot.reconcile.books import CELL, both_books
from entrepot.schema import RECONCILED, bad_rows

#: The rule of the detours; the weighted estimate has its own tests.
reconcile = partial(reconcile_by, estimate="exporter_first")

#: Published by the exporter, by the importer; whether each has a row of the flow.
TRUTH_TABLE = [case for case in product([False, True], repeat=4) if case[0] >= case[2] and case[1] >= case[3]]


def one(frame: pd.DataFrame, exporter: str = "AAA", importer: str = "BBB") -> dict | None:
    rows = frame[(frame["exporter"] == exporter) & (frame["importer"] == importer)]
    assert len(rows) <= 1
    return None if rows.empty else rows.iloc[0].to_dict()


@pytest.mark.parametrize(("x_published", "m_published", "x_row", "m_row"), TRUTH_TABLE)
def test_not_reported_is_not_zero(x_published, m_published, x_row, m_row, reports) -> None:
    rows = [("CCC", "export", "DDD", 1.0)]
    rows += [("AAA", "export", "ZZZ", 5.0)] * x_published + [("BBB", "import", "ZZZ", 5.0)] * m_published
    rows += [("AAA", "export", "BBB", 100.0)] * x_row + [("BBB", "import", "AAA", 212.0)] * m_row
    found = one(reconcile(reports(rows)))
    if not (x_row or m_row):
        assert found is None
        return
    exporter = 100.0 if x_row else (0.0 if x_published else math.nan)
    importer = 212.0 if m_row else (0.0 if m_published else math.nan)
    np.testing.assert_equal(found["exporter_report_usd"], exporter)
    np.testing.assert_equal(found["importer_report_usd"], importer)
    assert found["basis"] == ("exporter" if x_published else "importer")
    ratio = 212 / 100 if x_row and m_row else DEFAULT_CIF_FOB
    if x_published:
        assert found["value_usd"] == exporter
    else:
        assert found["value_usd"] == pytest.approx(212.0 / ratio)
    if math.isnan(importer):
        assert math.isnan(found["cif_fob_ratio"])
    elif not (x_row and m_row):
        assert found["cif_fob_ratio"] == pytest.approx(DEFAULT_CIF_FOB)


def test_publishing_is_by_period_and_frequency(reports) -> None:
    """A published January and the year: in February its customer's figure stands in."""
    rows = [
        ("AAA", "export", "CCC", 5.0), ("AAA", "export", "CCC", 5.0, {"period": "2022", "frequency": "A"}),
        ("BBB", "import", "AAA", 10.6), ("BBB", "import", "AAA", 10.6, {"period": "2022-02"}),
        ("BBB", "import", "AAA", 10.6, {"period": "2022", "frequency": "A"}),
    ]  # fmt: skip
    found = reconcile(reports(rows)).set_index(["exporter", "period"]).loc["AAA"]
    by_period = found[found["importer"] == "BBB"]["value_usd"].to_dict()
    assert by_period == pytest.approx({"2022-01": 0.0, "2022": 0.0, "2022-02": 10.0})


#: What must not move a flow: a change of one report row.
IGNORED = {
    "re-exports are in the exports": ("AAA", "re_export", "BBB", 40.0),
    "domestic exports are in the exports": ("AAA", "domestic_export", "BBB", 60.0),
    "re-imports are in the imports": ("BBB", "re_import", "AAA", 9.0),
    "foreign imports are in the imports": ("BBB", "foreign_import", "AAA", 9.0),
    "processing is in the exports": ("AAA", "export_inward_processing", "BBB", 9.0),
    "aggregates repeat the leaves": ("AAA", "export", "BBB", 100.0, {"role": "aggregate"}),
    "breakdowns repeat the leaves": ("BBB", "import", "AAA", 50.0, {"role": "breakdown"}),
    "consignment is another concept": ("BBB", "import", "AAA", 70.0, {"partner_concept": "consignment"}),
}
BASE = [("AAA", "export", "BBB", 100.0), ("BBB", "import", "AAA", 106.0)]


@pytest.mark.parametrize("row", IGNORED.values(), ids=IGNORED)
def test_what_repeats_a_flow_is_left_out(row, reports) -> None:
    pd.testing.assert_frame_equal(reconcile(reports([*BASE, row])), reconcile(reports(BASE)))


@pytest.mark.parametrize(
    "row",
    [
        ("AAA", "export", "W00", 900.0, {"role": "aggregate"}),
        ("AAA", "re_export", "BBB", 5.0),
        ("AAA", "export", "CCC", 5.0, {"role": "breakdown"}),
    ],
)
def test_who_published_no_leaf_has_not_published(row, reports) -> None:
    """Of a world total nothing follows for one partner: the mirror is used."""
    found = one(reconcile(reports([row, ("BBB", "import", "AAA", 106.0)])))
    assert math.isnan(found["exporter_report_usd"])
    assert found["value_usd"] == pytest.approx(106.0 / DEFAULT_CIF_FOB)


def test_imports_by_consignment_alone_say_nothing_about_origins(reports) -> None:
    rows = [
        ("BBB", "import", "AAA", 70.0, {"partner_concept": "consignment"}),
        ("AAA", "export", "BBB", 100.0),
    ]
    found = one(reconcile(reports(rows)))
    assert math.isnan(found["importer_report_usd"])
    assert found["value_usd"] == 100.0


def test_several_rows_of_a_cell_are_summed(reports) -> None:
    found = one(reconcile(reports([("AAA", "export", "BBB", 30.0), ("AAA", "export", "BBB", 70.0)])))
    assert found["value_usd"] == 100.0


@pytest.mark.parametrize("seed", range(5))
def test_both_books_in_one_pass_are_the_two_books_joined(seed, reports) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (
            rng.choice(["AAA", "BBB", "CCC"]), rng.choice(["export", "import", "re_export"]),
            rng.choice(["AAA", "BBB", "CCC"]), float(rng.integers(0, 9)),
            {
                "hs_code": rng.choice(["854231", "854232"]), "net_weight_kg": rng.choice([None, 2.0]),
                "quantity": rng.choice([None, 3.0]), "quantity_unit": rng.choice(["u", "kg"]),
                "partner_concept": rng.choice(["origin", "last_known_destination", "consignment"]),
            },
        )
        for _ in range(60)
    ]  # fmt: skip
    frame = reports(rows)
    keys = list(CELL)
    slow = exporter_book(frame).merge(importer_book(frame), on=keys, how="outer")
    fast = both_books(frame)[list(slow.columns)]
    pd.testing.assert_frame_equal(
        fast.sort_values(keys, ignore_index=True), slow.sort_values(keys, ignore_index=True)
    )


def test_a_partner_equal_to_the_reporter_is_real(reports) -> None:
    rows = [("CHN", "import", "CHN", 106.0), ("CHN", "import", "AAA", 1.0)]
    assert one(reconcile(reports(rows)), "CHN", "CHN")["value_usd"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("weights", "expected"), [((1.0, 2.0), 3.0), ((1.0, None), math.nan), ((None, None), math.nan)]
)
def test_a_weight_is_known_where_every_part_is(weights, expected, reports) -> None:
    rows = [("AAA", "export", "BBB", 5.0, {"net_weight_kg": kg}) for kg in weights]
    np.testing.assert_equal(one(reconcile(reports(rows)))["net_weight_kg"], expected)


def test_the_weight_comes_from_the_book_that_counts(reports) -> None:
    both = [
        ("AAA", "export", "BBB", 100.0, {"net_weight_kg": 7.0}),
        ("BBB", "import", "AAA", 106.0, {"net_weight_kg": 9.0}),
    ]
    assert one(reconcile(reports(both)))["net_weight_kg"] == 7.0
    assert one(reconcile(reports(both[1:])))["net_weight_kg"] == 9.0


# --- ratios ---------------------------------------------------------------------------------------------


def two_sided(
    reports, *, n_products: int, noise: float, seed: int = 0, n_areas: int = 6, ratio=None
) -> tuple:
    """Return reports of everybody's trade with everybody, and the true ratio of every pair."""
    rng = np.random.default_rng(seed)
    areas = [f"A{i:02d}" for i in range(n_areas)]
    truth, rows = {}, []
    for a, b in product(areas, areas):
        if a == b:
            continue
        truth[a, b] = ratio or 1.02 + 0.2 * rng.random()
        for k in range(n_products):
            usd = float(np.exp(rng.normal(10, 1)))
            rows.append((a, "export", b, usd, {"hs_code": f"{100000 + k}"}))
            observed = usd * truth[a, b] * float(np.exp(rng.normal(0, noise)))
            rows.append((b, "import", a, observed, {"hs_code": f"{100000 + k}"}))
    return reports(rows), truth


def test_ratios_are_recovered_within_a_hundredth(reports) -> None:
    frame, truth = two_sided(reports, n_products=300, noise=0.02)
    found = cif_fob_ratios(pair_books(frame))
    for row in found.itertuples():
        assert math.exp(row.log_ratio) == pytest.approx(truth[row.exporter, row.importer], abs=0.01)
        assert row.flows == 300
    assert len(found) == len(truth)


def test_a_pair_with_few_flows_is_drawn_to_its_importer(reports) -> None:
    """Closed form: a pair with n flows counts n/(n+10)."""
    frame, _ = two_sided(reports, n_products=40, noise=0.0, ratio=1.1, n_areas=4)
    odd = reports(
        [
            row
            for k in range(5)
            for row in (
                ("ODD", "export", "A00", 100.0, {"hs_code": f"{100000 + k}"}),
                ("A00", "import", "ODD", 150.0, {"hs_code": f"{100000 + k}"}),
            )
        ]
    )
    found = cif_fob_ratios(pair_books(pd.concat([frame, odd], ignore_index=True)))
    row = found[found["exporter"] == "ODD"].iloc[0]
    assert row["log_ratio"] == pytest.approx(5 / 15 * math.log(1.5) + 10 / 15 * math.log(1.1))


def test_the_mirror_is_put_on_fob_with_the_pairs_own_ratio(reports) -> None:
    frame, truth = two_sided(reports, n_products=300, noise=0.02)
    silent = frame[~((frame["reporter"] == "A00") & (frame["flow"] == "export"))]
    later = silent.assign(period="2022-02")
    found = reconcile(pd.concat([frame, later], ignore_index=True))
    whole = found.groupby(["exporter", "importer", "period"])["value_usd"].sum()
    for a, b in truth:
        assert whole[a, b, "2022-02"] == pytest.approx(whole[a, b, "2022-01"], rel=0.01)
    assert set(found[found["period"] == "2022-02"]["basis"]) == {"exporter", "importer"}


def test_the_default_ratio_is_used_without_data_only(reports) -> None:
    alone = reconcile(reports([("BBB", "import", "AAA", 106.0)]))
    assert one(alone)["value_usd"] == pytest.approx(100.0)
    frame, _ = two_sided(reports, n_products=60, noise=0.0, ratio=1.3)
    more = reports([("A00", "import", "XXX", 130.0), ("YYY", "import", "XXX", 130.0)])
    found = reconcile(pd.concat([frame, more], ignore_index=True))
    for importer in ("A00", "YYY"):  # an importer with a ratio of its own, and one without
        assert one(found, "XXX", importer)["value_usd"] == pytest.approx(100.0)


def test_zeros_say_nothing_about_the_ratio(reports) -> None:
    frame, _ = two_sided(reports, n_products=60, noise=0.0, ratio=1.3)
    zero = reports(
        [
            ("A00", "export", "A01", 0.0, {"hs_code": "999999"}),
            ("A01", "import", "A00", 5.0, {"hs_code": "999999"}),
        ]
    )
    one_way, both = (
        cif_fob_ratios(pair_books(f)) for f in (frame, pd.concat([frame, zero], ignore_index=True))
    )
    pd.testing.assert_frame_equal(
        one_way.sort_values(["exporter", "importer"], ignore_index=True),
        both.sort_values(["exporter", "importer"], ignore_index=True),
    )


# --- intervals ------------------------------------------------------------------------------------------


def test_intervals_are_as_wide_as_the_books_differ(reports) -> None:
    """90% of the exporter's figures: spread / sqrt(2); a mirror has the whole spread."""
    frame, _ = two_sided(reports, n_products=400, noise=0.3, ratio=1.1)
    mirror = reports([("A00", "import", "XXX", 100.0)])
    found = reconcile(pd.concat([frame, mirror], ignore_index=True))
    width = np.log(found["high_usd"] / found["value_usd"])
    is_mirror = found["basis"] == "importer"
    assert width[~is_mirror].to_numpy() == pytest.approx(1.645 * 0.3 / math.sqrt(2), rel=0.05)
    assert width[is_mirror].to_numpy() == pytest.approx(1.645 * 0.3, rel=0.05)


@pytest.mark.parametrize("n_products", [1, 4])
def test_a_handful_of_flows_does_not_make_certainty(n_products, reports) -> None:
    """Under thirty flows with two reports the spread is not learnt: the default stands in."""
    frame, _ = two_sided(reports, n_products=n_products, noise=0.0, ratio=1.1, n_areas=3)
    found = reconcile(frame)
    assert np.log(found["high_usd"] / found["value_usd"]).to_numpy() == pytest.approx(
        1.645 * 0.5 / math.sqrt(2), rel=1e-3
    )


VALUES = st.one_of(st.just(0.0), st.floats(1e-3, 1e12))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["AAA", "BBB", "CCC"]),
        st.sampled_from(["export", "import"]),
        st.sampled_from(["AAA", "BBB", "CCC"]),
        VALUES,
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_an_interval_contains_its_value_and_the_contract_holds(rows, reports) -> None:
    found = reconcile(reports(rows))
    assert (found["low_usd"] <= found["value_usd"]).all()
    assert (found["value_usd"] <= found["high_usd"]).all()
    assert bad_rows(found, RECONCILED).empty
    assert not found.duplicated(list(RECONCILED.key)).any()
    pairs = {(r, p) if flow == "export" else (p, r) for r, flow, p, _ in rows}
    assert {tuple(pair) for pair in found[["exporter", "importer"]].to_numpy()} == pairs
    scaled = reconcile(reports([(r, f, p, v * 3) for r, f, p, v in rows]))
    key = list(RECONCILED.key)
    both = found.merge(scaled, on=key, suffixes=("", "_scaled"))
    for column in ("value_usd", "low_usd", "high_usd"):
        np.testing.assert_allclose(both[f"{column}_scaled"], 3 * both[column], rtol=1e-9)


def test_values_add_up_over_products(reports) -> None:
    frame, _ = two_sided(reports, n_products=30, noise=0.2)
    found = reconcile(frame)
    reported = frame[frame["flow"] == "export"].groupby(["reporter", "partner"])["primary_value_usd"].sum()
    whole = found.groupby(["exporter", "importer"])["value_usd"].sum()
    np.testing.assert_allclose(whole.sort_index().to_numpy(), reported.sort_index().to_numpy())


# --- nothing in, typed nothing out ----------------------------------------------------------------------


def test_nothing_gives_typed_nothing(reports) -> None:
    empty = reports(BASE).iloc[:0]
    found, full = reconcile(empty), reconcile(reports(BASE))
    assert found.empty
    assert list(found.columns) == list(RECONCILED.columns)
    assert found.dtypes.to_dict() == full.dtypes.to_dict()
    for made in (exporter_book, importer_book, reporting_calendar, pair_books):
        assert made(empty).empty
        assert made(empty).dtypes.to_dict() == made(reports(BASE)).dtypes.to_dict()
