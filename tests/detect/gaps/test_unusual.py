"""Unusual gaps: what always was is none, what is planted is found, amounts and intervals hold the truth."""

from __future__ import annotations

import math
import tracemalloc
from collections import defaultdict
from dataclasses import fields
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.detect.gaps import unusual
from entrepot.detect.gaps.comparisons import compare_history, compare_windows, history_in_blocks
from entrepot.detect.gaps.expected import expect, small_flow
from entrepot.detect.gaps.groups import Adder
from entrepot.detect.gaps.noise import fit_ratio_noise, q_values
from entrepot.detect.gaps.options import GapOptions
from entrepot.detect.gaps.rows import load_rows
from entrepot.errors import OptionError
from entrepot.pipeline.gaps import find_gaps_in
from entrepot.schema import GAP, bad_rows, duplicated_rows

EVENT = "2021-01"


def solve(books, rows, **asked):
    return find_gaps_in(books(rows), GapOptions(**asked))


def hidden(rows, exporter="E02", importer="E01", share=0.6, since=EVENT):
    """Return rows in which a share of what arrives from then on is hidden."""
    return [
        (*row[:5], row[5] * (1 - share)) if row[:2] == (exporter, importer) and row[3] >= since else row
        for row in rows
    ]


# --- a habit is no finding


@pytest.mark.parametrize("asked", [{"event": EVENT}, {}], ids=["event", "every period"])
def test_a_partner_that_always_declared_a_third_has_no_unusual_gap(asked, random_books, books) -> None:
    rows = random_books(declared={0: 0.3})
    found = solve(books, rows, by=("exporter", "importer"), **asked).table.to_pandas()
    chronic, others = found[found["importer"] == "E00"], found[found["importer"] != "E00"]
    assert (chronic["arrived_ratio"].median(), chronic["usual_ratio"].median()) == pytest.approx(
        (0.3, 0.3), rel=0.05
    )
    assert (chronic["gap_usd"] > 0.5 * chronic["exporter_report_usd"]).all()  # the gap itself is there
    assert chronic["z_score"].abs().median() < 1.5 * others["z_score"].abs().median()
    assert (chronic["q_value"].dropna() > 0.1).all()
    assert chronic["unusual_usd"].abs().sum() < 0.06 * chronic["gap_usd"].sum()


def test_it_has_one_as_soon_as_the_ratio_falls(random_books, books) -> None:
    rows = hidden(random_books(declared={0: 0.3}), exporter="E02", importer="E00")
    found = solve(books, rows, by=("exporter", "importer"), event=EVENT).table.to_pylist()
    assert (found[0]["exporter"], found[0]["importer"]) == ("E02", "E00")
    assert found[0]["z_score"] < -5
    assert found[0]["unusual_usd"] == pytest.approx(0.6 * 0.3 * found[0]["exporter_report_usd"], rel=0.1)


def test_a_new_product_of_a_chronic_partner_is_expected_at_its_ratio(random_books, books) -> None:
    rows = random_books(declared={0: 0.3})
    new = [
        ("E01", "E00", "870323", month, 5e7, 1.5e7)
        for month in sorted({row[3] for row in rows})
        if month >= EVENT
    ]
    found = solve(books, rows + new, event=EVENT, products=()).table.to_pylist()
    (mine,) = [row for row in found if row["hs_code"] == "870323"]
    assert mine["usual_ratio"] == pytest.approx(0.3, rel=0.1)
    assert abs(mine["unusual_usd"]) < 0.1 * mine["gap_usd"]


def test_flows_that_a_book_hardly_knew_make_no_absurd_amounts(random_books, books) -> None:
    """A ratio of a millionth forecasts nothing: what is unusual is never more than what either book shows."""
    rows = []
    for e, i, k, month, x, m in random_books(5):
        if (e, i) == ("E02", "E01") and month < EVENT:
            rows.append((e, i, k, month, x, 1.0))
        elif (e, i) == ("E03", "E01") and month < EVENT:
            rows.append((e, i, k, month, 1.0, m))
        else:
            rows.append((e, i, k, month, x, m))
    for by in (("exporter", "importer"), ("exporter", "importer", "hs_code"), ("importer",)):
        table = solve(books, rows, event=EVENT, by=by).table.to_pandas()
        book = table[["exporter_report_usd", "importer_fob_usd"]].max(axis=1)
        for name in ("unusual_usd", "unusual_low_usd", "unusual_high_usd"):
            assert (table[name].fillna(0.0).abs() <= 1.001 * book).all()


def test_months_without_trade_are_published_months(books) -> None:
    """Two books that agree on a flow every fourth month: its mean before is that of all months."""
    months = [f"{2018 + m // 12}-{m % 12 + 1:02d}" for m in range(48)]
    table = [("AAA", "BBB", "854231", month, 120.0, 120.0) for month in months[::4]]
    table += [("AAA", "CCC", "854231", month, 5.0, 5.0) for month in months]
    table += [("DDD", "BBB", "854231", month, 5.0, 5.0) for month in months]
    found = find_gaps_in(books(table), GapOptions(event=EVENT, after="2021-01:2021-12")).table.to_pylist()
    (mine,) = [row for row in found if (row["exporter"], row["importer"]) == ("AAA", "BBB")]
    assert (mine["periods"], mine["before_periods"]) == (12, 24)
    assert (mine["exporter_report_usd"], mine["before_exporter_usd"]) == (360.0, 360.0)


def test_a_pair_that_the_importer_leaves_out_is_not_published(books) -> None:
    """Members of a union report each other by consignment alone: those months count as silent."""
    months = [f"{2018 + m // 12}-{m % 12 + 1:02d}" for m in range(48)]
    table = [("DEU", "GBR", "854231", m, 100.0, None if m < "2020-02" else 100.0) for m in months]
    table += [(e, i, "854231", m, 5.0, 5.0) for m in months for e, i in (("DEU", "CHN"), ("CHN", "GBR"))]
    found = find_gaps_in(books(table), GapOptions(event=EVENT, after="2021-01:2021-12")).table.to_pylist()
    (mine,) = [row for row in found if (row["exporter"], row["importer"]) == ("DEU", "GBR")]
    assert mine["before_periods"] == 10
    assert mine["before_exporter_usd"] == pytest.approx(1200.0)


def test_goods_that_the_importer_alone_always_knew_are_nothing_new(books) -> None:
    table = [
        (e, "BBB", "854231", f"{2018 + m // 12}-{m % 12 + 1:02d}", sent, 1e6)
        for m in range(48)
        for e, sent in (("AAA", 0.0), *((f"C{n:02d}", 1e6) for n in range(20)))
    ]
    found = find_gaps_in(books(table), GapOptions(event=EVENT)).table.to_pylist()
    (mine,) = [row for row in found if row["exporter"] == "AAA"]
    assert mine["orphan_usd"] == pytest.approx(mine["importer_fob_usd"])
    assert abs(mine["unusual_usd"]) < 1e-6 * mine["importer_fob_usd"]


# --- what is planted is found


@pytest.mark.parametrize(
    ("side", "sign"), [("arrivals", 1), ("dispatches", -1)]
)  # fmt: skip
def test_both_directions_are_found_with_their_amount(side, sign, random_books, books) -> None:
    rows = random_books(3)
    truth = 0.0
    changed = []
    for e, i, k, month, x, m in rows:
        if (e, i) == ("E02", "E01") and month >= EVENT:
            truth += sign * 0.5 * (m if sign > 0 else x) * (month >= "2021-03")
            x, m = (x, m * 0.5) if sign > 0 else (x * 0.5, m)  # noqa: PLW2901
        changed.append((e, i, k, month, x, m))
    first = solve(books, changed, by=("exporter", "importer"), event=EVENT).table.to_pylist()[0]
    assert (first["exporter"], first["importer"]) == ("E02", "E01")
    assert first["unusual_usd"] == pytest.approx(truth, rel=0.15)
    assert first["unusual_low_usd"] <= truth <= first["unusual_high_usd"]
    assert math.copysign(1, first["z_score"]) == -sign


def test_intervals_hold_nine_hidden_amounts_of_ten(random_books, books) -> None:
    """Of every other flow a random share is hidden; the noise is learnt from before."""
    rng = np.random.default_rng(5)
    rows = random_books(7, areas=10)
    share = defaultdict(lambda: rng.choice([0.0, rng.random()]))
    truth: dict[tuple, float] = defaultdict(float)
    changed = []
    for e, i, k, month, x, m in rows:
        gone = share[e, i, k] * m if month >= EVENT else 0.0
        truth[e, i, k] += gone * (month >= "2021-03")
        changed.append((e, i, k, month, x, m - gone))
    table = solve(books, changed, event=EVENT).table.to_pylist()
    inside = [
        row["unusual_low_usd"]
        <= truth[row["exporter"], row["importer"], row["hs_code"]]
        <= row["unusual_high_usd"]
        for row in table
        if row["unusual_usd"] >= 0  # of a positive gap the amount is what does not arrive
    ]
    assert len(inside) > 300
    assert 0.85 < np.mean(inside) < 0.97


def test_where_nothing_happened_next_to_nothing_is_strong(random_books, books) -> None:
    strong = every = 0
    for seed in range(4):
        q = solve(books, random_books(seed), event=EVENT).table["q_value"].to_pylist()
        strong, every = strong + sum(one <= 0.1 for one in q), every + len(q)
    assert every > 900
    assert strong <= 0.005 * every


def test_the_q_value_is_honest_where_something_did(random_books, books) -> None:
    rows = random_books(11, areas=9)
    planted = {(f"E{e:02d}", "E01") for e in (0, 2, 3, 4, 5)}
    changed = [(*row[:5], row[5] * 0.4) if row[:2] in planted and row[3] >= EVENT else row for row in rows]
    table = solve(books, changed, event=EVENT).table.to_pylist()
    strong = [row for row in table if row["q_value"] <= 0.1]
    right = [row for row in strong if (row["exporter"], row["importer"]) in planted]
    assert len(right) > 0.8 * 5 * 6
    assert len(strong) - len(right) <= 0.2 * len(strong)


# --- silence


def test_periods_that_one_side_did_not_publish_are_in_neither_book(books) -> None:
    table = [("AAA", "BBB", "854231", f"2020-{m:02d}", 100.0, 90.0) for m in range(1, 13)]
    table += [("AAA", "BBB", "854231", f"2021-{m:02d}", 100.0, 45.0 if m < 7 else None) for m in range(1, 13)]
    (row,) = find_gaps_in(books(table), GapOptions(event=EVENT, after="2021-01:2021-12")).table.to_pylist()
    assert (row["exporter_report_usd"], row["importer_fob_usd"], row["periods"]) == (600.0, 270.0, 6)
    assert row["before_exporter_usd"] == pytest.approx(600.0)
    assert row["unusual_usd"] == pytest.approx(270.0)


def test_without_history_an_amount_is_withheld_and_says_why(books) -> None:
    table = [("AAA", "BBB", "854231", f"2021-{m:02d}", 100.0, 45.0) for m in range(1, 13)]
    table += [("CCC", "BBB", "854231", f"2020-{m:02d}", 100.0, 45.0) for m in range(1, 13)]
    (row,) = find_gaps_in(books(table), GapOptions(event=EVENT, after="2021-01:2021-12")).table.to_pylist()
    assert row["unusual_usd"] is None
    assert row["usual_ratio"] is None
    assert "too few earlier periods" in row["status"]
    assert row["gap_usd"] == pytest.approx(660.0)  # the gap itself is a fact


def test_without_placebos_there_is_no_interval(books) -> None:
    table = [("AAA", "BBB", "854231", f"202{y}-{m:02d}", 100.0, 90.0) for y in (0, 1) for m in range(1, 13)]
    (row,) = find_gaps_in(books(table), GapOptions(event=EVENT)).table.to_pylist()
    assert (row["z_score"], row["q_value"], row["unusual_low_usd"]) == (None, None, None)
    assert "too few placebo periods" in row["status"]
    assert row["unusual_usd"] == pytest.approx(0.0, abs=1e-6)


# --- the contract, and options that change the result


@pytest.mark.parametrize(
    "asked", [{"event": EVENT}, {}, {"event": EVENT, "by": ("importer", "period")}, {"by": ("hs_code",)}]
)
def test_the_contract_holds(asked, random_books, books) -> None:
    result = solve(books, random_books(2, sparse=0.3), **asked)
    for table in (result.table, result.hubs):
        assert table.column_names == list(GAP.columns)
        assert bad_rows(table, GAP).num_rows == 0
        assert duplicated_rows(table, GAP).num_rows == 0
        rows = table.to_pandas()
        assert rows["gap_usd"].to_numpy() == pytest.approx(
            (rows["lost_usd"] - rows["orphan_usd"]).to_numpy(), abs=1e-3
        )
        known = rows.dropna(subset=["unusual_low_usd"])
        assert (known["unusual_low_usd"] <= known["unusual_usd"] + 1e-6).all()
        assert (known["unusual_high_usd"] >= known["unusual_usd"] - 1e-6).all()


def test_sums_by_any_keys_are_of_the_same_amounts(random_books, books) -> None:
    rows = random_books(2, sparse=0.3)
    totals = [
        solve(books, rows, event=EVENT, by=by)
        .table.to_pandas()[["exporter_report_usd", "importer_fob_usd", "gap_usd"]]
        .sum()
        for by in (
            ("exporter", "importer", "hs_code"),
            ("importer",),
            ("hs_code",),
            ("exporter", "importer", "period"),
        )
    ]
    for other in totals[1:]:
        assert other.to_numpy() == pytest.approx(totals[0].to_numpy())


OPTIONS = {
    "event": {"event": "2020-06"},
    "before": {"before": "2020-01:2020-10"},
    "after": {"after": "2021-05:2021-12"},
    "exporters": {"exporters": ("E01",)},
    "importers": {"importers": ("E01",)},
    "products": {"products": ("854201",)},
    "by": {"by": ("importer",)},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_changes_the_result(name, random_books, books) -> None:
    rows = random_books(4)
    plain = solve(books, rows, event=EVENT).table
    changed = solve(books, rows, **{"event": EVENT, **OPTIONS[name]}).table
    assert not changed.equals(plain)


def test_asking_for_a_pair_gives_the_row_that_asking_for_all_gives(random_books, books) -> None:
    rows = random_books(4)
    every = solve(books, rows, event=EVENT).table.to_pylist()
    one = solve(books, rows, event=EVENT, exporters=("E01",), importers=("E02",)).table.to_pylist()
    mine = [row for row in every if (row["exporter"], row["importer"]) == ("E01", "E02")]
    drop = {"q_value"}  # the share of strong rows is that of the rows asked for
    assert [{k: v for k, v in row.items() if k not in drop} for row in one] == [
        {k: v for k, v in row.items() if k not in drop} for row in mine
    ]


def test_periods_are_shown_without_changing_what_they_are_compared_with(random_books, books) -> None:
    rows = random_books(4)
    every = [row for row in solve(books, rows).table.to_pylist() if row["period"] == "2021-06"]
    one = solve(books, rows, periods="2021-06:2021-06").table.to_pylist()
    assert len(one) == len(every) > 0
    assert sorted(row["unusual_usd"] for row in one) == sorted(row["unusual_usd"] for row in every)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": ("origin",)}, "cannot sum by origin"), ({"by": ()}, "cannot sum by nothing"),
        ({"before": "2020-01:2020-06"}, "windows without an event"),
        ({"event": EVENT, "periods": "2021-01:2021-02"}, "periods beside an event"),
        ({"products": ("TOTAL", "85")}, "cannot be added"),
    ],
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(asked, said) -> None:
    with pytest.raises(OptionError, match=said):
        GapOptions(**asked)


def test_periods_outside_the_data_are_refused(random_books, books) -> None:
    with pytest.raises(OptionError, match="holds no period"):
        solve(books, random_books(), periods="2030-01:2030-02")


def test_a_row_is_explained_with_its_figures(random_books, books) -> None:
    result = solve(books, hidden(random_books(3)), by=("exporter", "importer"), event=EVENT)
    said = result.explain(0)
    assert "E02 → E01" in said
    assert "missing arrivals" in said
    assert f"{result.table['unusual_usd'][0].as_py():,.0f} USD" in said
    chosen = result.table.to_pylist()[0]
    assert result.explain(chosen) == said
    share = f"of rows as strong as this, {chosen['q_value']:.0%} come about where nothing happened"
    assert share in said
    assert "holds nought" not in said
    assert "The interval holds nought" in result.explain(chosen | {"unusual_low_usd": -1.0})


# --- slow, obvious twins


def twin(rows: list[tuple], before: set[str], after: set[str]) -> dict[tuple, tuple]:
    """Compare two windows cell by cell, in loops."""
    exports: dict[str, set] = defaultdict(set)
    imports: dict[str, set] = defaultdict(set)
    sums: dict[tuple, list[float]] = defaultdict(lambda: [0.0] * 4)
    for e, i, k, month, x, m in rows:
        exports[e].add(month)
        imports[i].add(month)
        for at, window in ((0, after), (2, before)):
            if month in window:
                sums[e, i, k][at] += x
                sums[e, i, k][at + 1] += m
    found = {}
    for (e, i, k), (x, m, x0, m0) in sums.items():
        now, then = (len(exports[e] & imports[i] & window) for window in (after, before))
        scale = now / then if then else 0.0
        if x or m or x0 * scale or m0 * scale:
            found[e, i, k] = (x, m, x0 * scale, m0 * scale, now, then)
    return found


def expected_twin(cells: dict[tuple, tuple], small: float) -> dict[tuple, tuple[float, float]]:
    """Return expected arrivals and dispatches by the formula, drawn from cell to pair to importer to one."""
    found = {}
    for (e, i, k), (x, m, x0, m0, *_) in cells.items():
        of = lambda keep: [sum(c[n] for key, c in cells.items() if keep(key)) for n in (2, 3)]  # noqa: E731
        jx, jm = of(lambda key, i=i: key[1] == i)
        px, pm = of(lambda key, e=e, i=i: key[:2] == (e, i))
        importer = (jm + small) / (jx + small)
        pair = (pm + small * importer) / (px + small)
        ratio = (m0 + small * pair) / (x0 + small)
        arrivals, dispatches = (x + small) * ratio - small * pair, (m + small * pair) / ratio - small
        found[e, i, k] = (min(max(arrivals, 0.0), 3 * x + m0), min(max(dispatches, 0.0), 3 * m + x0))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_windows_and_expectations_are_those_of_the_twin(seed, random_books, books) -> None:
    rng = np.random.default_rng(seed)
    every = random_books(seed, areas=4, codes=3, n=20, sparse=0.5)
    every = [row for row in every if rng.random() < 0.7]
    rows = load_rows(books(every))
    before, after = set(rows.periods[:9]), set(rows.periods[11:])
    masks = [np.array([period in window for period in rows.periods]) for window in (before, after)]
    compared = compare_windows(rows, *masks)
    small = small_flow(compared.x_before, compared.m_before)
    mine = expect(compared, small)
    names = [
        (rows.areas[e], rows.areas[i], rows.products[k])
        for e, i, k in zip(compared.exporter, compared.importer, compared.product, strict=True)
    ]
    slow = twin(every, before, after)
    assert set(names) == set(slow)
    told = expected_twin(slow, small)
    for at, name in enumerate(names):
        cell = [
            compared.x,
            compared.m,
            compared.x_before,
            compared.m_before,
            compared.periods,
            compared.before_periods,
        ]
        assert [values[at] for values in cell] == pytest.approx(slow[name])
        assert (mine.arrivals[at], mine.dispatches[at]) == pytest.approx(told[name])


def test_history_is_that_of_windows_period_by_period(random_books, books) -> None:
    """Every period against all earlier ones is the comparison of two windows, one of them a period long."""
    every = [row for n, row in enumerate(random_books(5, areas=4, codes=2, n=10, sparse=0.4)) if n % 5]
    rows = load_rows(books(every))
    history = compare_history(rows)
    for at in range(1, len(rows.periods)):
        window = compare_windows(rows, np.arange(len(rows.periods)) < at, np.arange(len(rows.periods)) == at)
        mine = history.only(history.period == at)
        other = {
            (e, i, k): n
            for n, (e, i, k) in enumerate(zip(window.exporter, window.importer, window.product, strict=True))
        }
        spot = np.array([other[key] for key in zip(mine.exporter, mine.importer, mine.product, strict=True)])
        for name in ("x", "m", "x_before", "m_before", "pair_x", "pair_m", "before_periods"):
            assert getattr(window, name)[spot] == pytest.approx(getattr(mine, name)), name


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
def test_history_in_blocks_is_that_of_all_rows_to_the_last_digit(size, random_books, books) -> None:
    every = [row for n, row in enumerate(random_books(6, areas=5, codes=3, n=10, sparse=0.4)) if n % 5]
    rows = load_rows(books(every))
    whole, parts = compare_history(rows), list(history_in_blocks(rows, size=size))
    assert len(parts) == {1: 20, 7: 20}.get(size, len(parts))  # each pair alone: none is divided
    for field in fields(whole):
        joined = np.concatenate([getattr(part, field.name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, field.name), err_msg=field.name)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"by": ("importer", "hs_code")},
        {"exporters": ("E01", "E02"), "by": ("importer",)},
        {"unions": ("EU",), "by": ("exporter", "importer")},
    ],
    ids=str,
)
def test_a_result_does_not_depend_on_the_size_of_the_blocks(asked, random_books, books, monkeypatch) -> None:
    named = {"E03": "DEU", "E04": "FRA"}
    every = [(named.get(e, e), named.get(i, i), *rest) for e, i, *rest in random_books(8, n=60, sparse=0.3)]
    found = []
    for size in (11, 10**9):
        monkeypatch.setattr(unusual, "history_in_blocks", partial(history_in_blocks, size=size))
        found.append(solve(books, every, **asked))
    assert found[0].table.equals(found[1].table)
    assert found[0].hubs.equals(found[1].hubs)
    assert found[0].table["q_value"].null_count < found[0].table.num_rows


def test_a_lakes_months_take_little_more_than_their_result(random_books, books) -> None:
    """Peak of what NumPy holds, the result's numbers among it: 222 bytes a row, which were 303."""
    rows = load_rows(books(random_books(9, areas=16, codes=6, n=72)))
    asked = GapOptions()
    unusual.unusual_gaps(rows, asked)  # compiled kernels are loaded
    tracemalloc.start()
    try:
        found = unusual.unusual_gaps(rows, asked)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.table.num_rows > 100_000
    assert peak / found.table.num_rows < 250


def test_a_small_flow_keeps_its_digits_beside_huge_ones(books) -> None:
    """Sums of what was before are made cell by cell, not as differences of a sum over all rows."""
    table = [("AAA", "BBB", "270900", f"20{y}", 9e15, 8e15 + 1.7) for y in range(18, 23)]
    table += [("CCC", "DDD", "854231", f"20{y}", 0.1, 0.3) for y in range(18, 23)]
    history = compare_history(load_rows(books(table)))
    small = history.only(history.x == 0.1)
    assert small.x_before.tolist() == pytest.approx([0.0, 0.1, 0.1, 0.1, 0.1], rel=1e-12)
    assert small.m_before.tolist() == pytest.approx([0.0, 0.3, 0.3, 0.3, 0.3], rel=1e-12)


@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=40), scale=st.sampled_from([1, 1_000]))
def test_groups_are_those_of_a_loop(numbers, scale) -> None:
    """Numbered densely or not, rising or in any order: sums, largest and first rows are the same."""
    number = np.array(numbers, dtype=np.int64) * scale
    values, counts = np.sqrt(np.arange(number.size)), np.arange(number.size)[::-1].copy()
    for one in (number, np.unique(number)):
        some, many = values[: one.size], counts[: one.size]
        adder = Adder(one)
        groups = [np.flatnonzero(one == key) for key in sorted(set(one.tolist()))]
        sums, most, half = np.zeros(adder.size), np.zeros(adder.size, dtype=np.int32), one.size // 2
        for part in (slice(0, half), slice(half, one.size)):
            adder.add(some[part], sums, part)
            adder.raise_to(many[part], most, part)
        assert sums.tolist() == pytest.approx([some[at].sum() for at in groups])
        assert most.tolist() == [many[at].max() for at in groups]
        assert one[adder.first].tolist() == [one[at[0]] for at in groups]
        assert counts[: one.size][adder.first].tolist() == [many[at[0]] for at in groups]


def test_q_values_are_counted_as_the_formula_says() -> None:
    z = np.array([-5.0, -3.0, -1.0, 0.5, 4.0, np.nan])
    decoys = np.array([-4.0, -0.5, -0.1, 0.2, 0.3, 0.6, 1.0, -1.5, 2.0])
    found = q_values(z, decoys)

    def chance(strength: float, sign: int) -> float:
        return (sum(sign * d >= strength for d in decoys) + 1) / (decoys.size + 1)

    assert found[0] == pytest.approx(chance(5, -1) / (1 / 5))
    assert found[1] == pytest.approx(chance(3, -1) / (2 / 5))
    assert found[4] == pytest.approx(min(chance(4, 1) / (1 / 5), chance(0.5, 1) / (2 / 5)))
    assert np.isnan(found[5])


def test_noise_is_learnt_by_size_and_kind() -> None:
    rng = np.random.default_rng(0)
    size = rng.uniform(5.0, 15.0, 40_000)
    alone = rng.random(size.size) < 0.3
    sd = np.where(alone, 2.0, 1.5 - 0.1 * (size - 5.0))
    noise = fit_ratio_noise(size, rng.normal(0.0, sd), alone)
    for at in (7.0, 13.0):
        for kind, truth in ((False, 1.5 - 0.1 * (at - 5.0)), (True, 2.0)):
            found, low, high = noise.at(np.array([at]), np.array([kind]))
            assert found[0] == pytest.approx(truth, rel=0.1)
            assert (low[0], high[0]) == pytest.approx((-1.645 * truth, 1.645 * truth), rel=0.15)
    assert fit_ratio_noise(size[:29], size[:29], alone[:29]) is None
