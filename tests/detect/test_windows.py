"""From reconciled flows to cells: same months on both sides, and not reported is not zero."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.periods import WindowPair, event_windows, parse_period, period_text
from entrepot.detect.windows import calendar_of, load_windows, period_weights
from entrepot.engine import Engine
from entrepot.schema import RECONCILED

if TYPE_CHECKING:
    from collections.abc import Iterator

START = parse_period("2020-01", option="x")


def pair_of(before: tuple[int, int], after: tuple[int, int]) -> WindowPair:
    """Return windows in months from January 2020, ends included."""
    first, second = (tuple(range(START + a, START + b + 1)) for a, b in (before, after))
    return WindowPair(first, second, True)


# --- weights --------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(published=st.sets(st.integers(0, 59)), n_before=st.integers(1, 24), n_after=st.integers(1, 24))
def test_weights_put_both_windows_on_the_same_length_and_months(published, n_before, n_after) -> None:
    windows = pair_of((24 - n_before, 23), (26, 25 + n_after))
    seen = frozenset(START + p for p in published)
    found = period_weights(seen, windows)
    have = [len(seen & set(side)) for side in (windows.before, windows.after)]
    if min(have) == 0 or 3 * have[0] < n_before or 3 * have[1] < n_after:
        assert found is None
        return
    before, after = found
    assert sum(before.values()) == pytest.approx(n_after)
    assert sum(after.values()) == pytest.approx(n_after)
    assert set(before) <= seen & set(windows.before)
    assert set(after) == seen & set(windows.after)
    for month in range(12):
        of_month = {p for p in before if p % 12 == month}
        wanted = sum(w for p, w in after.items() if p % 12 == month)
        if all(any(q % 12 == p % 12 for q in seen & set(windows.before)) for p in after):
            assert sum(before[p] for p in of_month) == pytest.approx(wanted)


def test_the_same_months_are_compared() -> None:
    """June and July after, against the Junes and Julys of two years before: each counts half."""
    windows = pair_of((0, 23), (29, 30))
    before, after = period_weights(frozenset(range(START, START + 40)), windows)
    assert before == {START + 5: 0.5, START + 6: 0.5, START + 17: 0.5, START + 18: 0.5}
    assert after == {START + 29: 1.0, START + 30: 1.0}


def test_a_late_reporter_is_scaled_up_on_what_it_has() -> None:
    windows = pair_of((0, 11), (24, 35))
    before, after = period_weights(frozenset(range(START, START + 30)), windows)
    assert after == dict.fromkeys(range(START + 24, START + 30), 2.0)
    assert before == dict.fromkeys(range(START, START + 6), 2.0)


def test_years_are_averaged() -> None:
    windows = WindowPair((2018, 2019, 2020), (2022, 2023), False)
    before, after = period_weights(frozenset(range(2010, 2030)), windows)
    assert before == pytest.approx(dict.fromkeys((2018, 2019, 2020), 2 / 3))
    assert after == {2022: 1.0, 2023: 1.0}


# --- loading --------------------------------------------------------------------------------------------


def flow(exporter: str, importer: str, period: str, **values: object) -> dict[str, object]:
    """Return a reconciled flow; the exporter's report is the value unless something else is said."""
    usd = values.get("exporter_report_usd")
    row = dict.fromkeys(RECONCILED.columns) | {
        "exporter": exporter, "importer": importer, "hs_code": "854231", "period": period, "frequency": "M",
        "cif_fob_ratio": 1.25 if values.get("importer_report_usd") is not None else None, "basis": "exporter",
    }  # fmt: skip
    row |= values
    value = usd if usd is not None else (values.get("importer_report_usd") or 0.0) / 1.25
    return row | {"value_usd": value, "low_usd": value, "high_usd": value}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_limit="500MB", threads=1) as made:
        yield made


WINDOWS = pair_of((0, 2), (12, 14))
MONTHS = [period_text(p, is_monthly=True) for p in (*WINDOWS.before, *WINDOWS.after)]


def load(engine: Engine, rows: list[dict[str, object]], pairs=(WINDOWS,), **options):
    table = pa.Table.from_pylist(
        rows, schema=pa.schema([pa.field(f.name, f.type) for f in RECONCILED.arrow_schema()])
    )
    return load_windows(engine, engine.arrow_frame(table), pairs, **options)


def cell(data, exporter: str, importer: str, hs_code: str = "854231", at: int = 0):
    """Return (before, after, kg) of a cell; None where there is none."""
    cells = data.cells[at]
    here = (
        (cells.exporter == data.areas.index(exporter))
        & (cells.importer == data.areas.index(importer))
        & (cells.product == data.products.index(hs_code))
    )
    assert here.sum() <= 1
    if not here.any():
        return None
    return tuple(float(v[here][0]) for v in (cells.before, cells.after, cells.after_kg))


def is_observed(data, exporter: str, importer: str) -> bool:
    return bool(data.is_observed[0][data.areas.index(exporter), data.areas.index(importer)])


#: (exporter published, importer published, exporter has a row after, importer has a row after).
TRUTH_TABLE = list(product([False, True], repeat=4))


@pytest.mark.parametrize(("has_exporter", "has_importer", "exporter_row", "importer_row"), TRUTH_TABLE)
def test_not_reported_is_not_zero(engine, has_exporter, has_importer, exporter_row, importer_row) -> None:
    """A → B before: 100 and 150 (CIF) a month; after: whatever was published and has a row."""
    rows = []
    for month in MONTHS:
        is_after = month in MONTHS[3:]
        own = (100.0 if not is_after or exporter_row else 0.0) if has_exporter else None
        mirror = (150.0 if not is_after or importer_row else 0.0) if has_importer else None
        if (own or mirror) is not None and (own or mirror):
            rows.append(flow("AAA", "BBB", month, exporter_report_usd=own, importer_report_usd=mirror))
        # both publish other things in every month, or nothing at all
        rows.append(
            flow(
                "AAA",
                "CCC",
                month,
                exporter_report_usd=7.0 if has_exporter else None,
                importer_report_usd=5.0,
            )
        )
        rows.append(
            flow(
                "CCC",
                "BBB",
                month,
                exporter_report_usd=5.0,
                importer_report_usd=7.0 if has_importer else None,
            )
        )
    data = load(engine, rows)
    assert is_observed(data, "AAA", "BBB") == (has_exporter or has_importer)
    found = cell(data, "AAA", "BBB")
    if has_exporter:
        assert found[:2] == pytest.approx((300.0, 300.0 if exporter_row else 0.0))
    elif has_importer:
        assert found[:2] == pytest.approx((360.0, 360.0 if importer_row else 0.0))  # on FOB
    else:
        assert found is None


def test_one_book_counts_in_both_windows(engine) -> None:
    """An exporter that fell silent at the event: the mirror counts before as well, on FOB."""
    rows = []
    for month in MONTHS:
        own = 100.0 if month in MONTHS[:3] else None
        rows.append(flow("AAA", "BBB", month, exporter_report_usd=own, importer_report_usd=250.0))
    data = load(engine, rows)
    assert cell(data, "AAA", "BBB")[:2] == pytest.approx((600.0, 600.0))


def test_totals_are_no_product_and_make_nobody_a_reporter_of_goods(engine) -> None:
    """A published totals only: what it sent of a product says its customer."""
    rows = [flow("AAA", "BBB", m, importer_report_usd=125.0) for m in MONTHS]
    rows += [
        flow("AAA", "BBB", m, hs_code="TOTAL", exporter_report_usd=900.0, importer_report_usd=1000.0)
        for m in MONTHS
    ]
    data = load(engine, rows)
    assert data.products == ("854231",)
    assert cell(data, "AAA", "BBB")[:2] == pytest.approx((300.0, 300.0))
    a, b = data.areas.index("AAA"), data.areas.index("BBB")
    assert data.total_before[0][a, b] > 0
    assert np.isnan(data.total_before[0][b, a])
    assert "AAA" not in data.calendar.exports


def test_totals_are_summed_beside_the_goods(engine) -> None:
    rows = [flow("AAA", "BBB", m, exporter_report_usd=100.0) for m in MONTHS]
    rows += [flow("AAA", "BBB", m, hs_code="TOTAL", exporter_report_usd=900.0) for m in MONTHS]
    data = load(engine, rows)
    at = data.areas.index("AAA"), data.areas.index("BBB")
    assert data.total_before[0][at] == pytest.approx(2700.0)
    assert data.total_after[0][at] == pytest.approx(2700.0)
    assert cell(data, "AAA", "BBB")[:2] == pytest.approx((300.0, 300.0))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((10.0, 10.0, 10.0), 30.0),
        ((10.0, None, 10.0), float("nan")),  # two thirds of the value are weighed
        ((None, None, None), float("nan")),
    ],
)
def test_weight_is_known_where_four_fifths_are_weighed(engine, weights, expected) -> None:
    kg = dict(zip(MONTHS[3:], weights, strict=True))
    rows = [flow("AAA", "BBB", m, exporter_report_usd=100.0, net_weight_kg=kg.get(m)) for m in MONTHS]
    np.testing.assert_allclose(cell(load(engine, rows), "AAA", "BBB")[2], expected)


def test_a_part_without_weight_is_scaled_up(engine) -> None:
    """Nine tenths of the value weigh 20 kg a month: all of it weighs 20/0.9."""
    rows = [flow("AAA", "BBB", m, exporter_report_usd=90.0, net_weight_kg=20.0) for m in MONTHS]
    rows[-1] = flow("AAA", "BBB", MONTHS[-1], exporter_report_usd=20.0)
    data = load(engine, rows)
    assert cell(data, "AAA", "BBB")[2] == pytest.approx(200.0 * 40.0 / 180.0)


def test_the_mirrors_weight_counts_where_the_mirror_does(engine) -> None:
    rows = [flow("AAA", "BBB", m, importer_report_usd=125.0, net_weight_kg=10.0) for m in MONTHS]
    assert cell(load(engine, rows), "AAA", "BBB") == pytest.approx((300.0, 300.0, 30.0))


def test_products_can_be_chosen(engine) -> None:
    rows = [
        flow("AAA", "BBB", m, hs_code=code, exporter_report_usd=1.0)
        for m in MONTHS
        for code in ("854231", "854232")
    ]
    assert load(engine, rows).products == ("854231", "854232")
    assert load(engine, rows, products=["854232"]).products == ("854232",)


def test_several_pairs_of_windows_are_loaded_at_once(engine) -> None:
    rows = [
        flow("AAA", "BBB", period_text(START + p, is_monthly=True), exporter_report_usd=float(p + 1))
        for p in range(36)
    ]
    pairs = (pair_of((12, 14), (24, 26)), pair_of((0, 2), (12, 14)))
    data = load(engine, rows, pairs)
    assert [cell(data, "AAA", "BBB", at=at)[:2] for at in (0, 1)] == [(42.0, 78.0), (6.0, 42.0)]


def test_who_published_what(engine) -> None:
    rows = [
        flow("AAA", "BBB", "2020-01", exporter_report_usd=0.0, importer_report_usd=5.0),
        flow("AAA", "CCC", "2020-02", importer_report_usd=5.0),
    ]
    calendar = load(
        engine, [*rows, *(flow("DDD", "AAA", m, exporter_report_usd=1.0) for m in MONTHS)]
    ).calendar
    assert calendar.exports["AAA"] == {"2020-01"}
    assert calendar.imports["BBB"] == {"2020-01"}
    assert calendar.imports["CCC"] == {"2020-02"}
    assert "AAA" not in calendar.imports
    assert calendar.periods == set(MONTHS)


def slow_sums(rows, areas, calendar, pair) -> tuple[tuple[float, float], bool]:
    """Sum one cell from the exporter's book where it covers the windows, else from the importer's on FOB."""
    for side, ratio in (("exporter", 1.0), ("importer", 1.25)):
        weights = period_weights(frozenset(calendar.get((side, areas[side]), ())), pair)
        if weights is None:
            continue
        sums = [0.0, 0.0]
        for row in rows:
            usd = row[f"{side}_report_usd"]
            for window in (0, 1):
                weight = weights[window].get(parse_period(row["period"], option="x"), 0.0)
                sums[window] += weight * (usd or 0.0) / ratio
        return (sums[0], sums[1]), True
    return (0.0, 0.0), False


def test_random_flows_equal_a_slow_sum(engine) -> None:
    """A twin in dictionaries: books, calendars and weights, cell by cell."""
    rng = np.random.default_rng(4)
    areas = ["AAA", "BBB", "CCC", "DDD", "EEE"]
    months = [period_text(START + p, is_monthly=True) for p in range(30)]
    publishes = {
        (side, area): {m for m in months if rng.random() < share}
        for side in "xm"
        for area, share in zip(areas, (1.0, 0.9, 0.5, 0.3, 0.0), strict=True)
    }
    rows = []
    for a, b, m, code in product(areas, areas, months, ("854231", "854232")):
        if a != b and rng.random() < 0.8:
            own = float(rng.integers(0, 100)) if m in publishes["x", a] else None
            other = float(rng.integers(0, 100)) if m in publishes["m", b] else None
            if own is not None or other is not None:
                rows.append(flow(a, b, m, hs_code=code, exporter_report_usd=own, importer_report_usd=other))
    pair = event_windows("2021-12", published=months)
    data = load(engine, rows, (pair,))
    calendar: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        for side in ("exporter", "importer"):
            if row[f"{side}_report_usd"] is not None:
                calendar.setdefault((side, row[side]), set()).add(parse_period(row["period"], option="x"))
    for a, b, code in product(areas, areas, ("854231", "854232")):
        mine = [row for row in rows if (row["exporter"], row["importer"], row["hs_code"]) == (a, b, code)]
        sums, seen = slow_sums(mine, {"exporter": a, "importer": b}, calendar, pair)
        assert is_observed(data, a, b) == seen
        found = cell(data, a, b, code)
        assert (found or (0.0, 0.0))[:2] == pytest.approx(sums)


def test_cells_have_one_order_whatever_the_order_of_the_flows(engine) -> None:
    """Spikes are drawn by position: the same lake must give the same cells in the same places."""
    rows = [
        flow(a, b, m, hs_code=code, exporter_report_usd=1.0)
        for a, b, code, m in product(("AAA", "BBB", "CCC"), ("DDD", "EEE"), ("854231", "854232"), MONTHS)
    ]
    shuffled = [rows[at] for at in np.random.default_rng(0).permutation(len(rows))]
    keys = [load(engine, some).cells[0].key for some in (rows, shuffled)]
    np.testing.assert_array_equal(keys[0], keys[1])
    assert (np.diff(keys[0]) > 0).all()


def test_the_calendar_of_nothing_is_empty(engine) -> None:
    schema = pa.schema([pa.field(f.name, f.type) for f in RECONCILED.arrow_schema()])
    assert calendar_of(engine.arrow_frame(schema.empty_table())).periods == frozenset()


def test_the_importers_book_first(engine) -> None:
    """The importer's figure on FOB where it published, the exporter's where it did not; no mirrors beside."""
    rows = [
        flow("CHN", "KGZ", month, exporter_report_usd=10.0, importer_report_usd=5.0) for month in MONTHS
    ] + [flow("CHN", "RUS", month, exporter_report_usd=7.0) for month in MONTHS]
    exporters, importers = load(engine, rows), load(engine, rows, book="importer")
    assert cell(exporters, "CHN", "KGZ")[:2] == pytest.approx((30.0, 30.0))
    assert cell(importers, "CHN", "KGZ")[:2] == pytest.approx((12.0, 12.0))
    assert cell(importers, "CHN", "RUS")[:2] == pytest.approx((21.0, 21.0))
    assert exporters.cells[0].has_mirror.any()
    assert not importers.cells[0].has_mirror.any()
    assert not importers.cells[0].mirror_after.any()
    assert (importers.is_observed[0] == exporters.is_observed[0]).all()


def test_a_hub_that_publishes_late_hides_nothing(engine) -> None:
    """Arrivals boom in the last month, which the hub has not published: its book shows all that it can."""
    rows = []
    for at, month in enumerate(MONTHS):
        sent = 100.0 if at < 3 else (100.0, 100.0, 700.0)[at - 3]
        shown = None if at == 5 else sent * 1.25
        rows.append(flow("CHN", "KGZ", month, exporter_report_usd=sent, importer_report_usd=shown))
    data = load(engine, rows)
    cells = data.cells[0]
    assert cell(data, "CHN", "KGZ")[:2] == pytest.approx((300.0, 900.0))
    assert cells.mirror_before == pytest.approx([300.0])
    assert cells.mirror_after == pytest.approx([900.0])


def test_a_late_hub_that_shows_half_is_taken_to_show_half_of_the_rest(engine) -> None:
    rows = []
    for at, month in enumerate(MONTHS):
        sent = 100.0 if at < 3 else (300.0, 300.0, 600.0)[at - 3]
        shown = None if at == 5 else (125.0 if at < 3 else sent * 1.25 / 2)
        rows.append(flow("CHN", "KGZ", month, exporter_report_usd=sent, importer_report_usd=shown))
    cells = load(engine, rows).cells[0]
    assert cells.mirror_before == pytest.approx([300.0])
    assert cells.mirror_after == pytest.approx([600.0])


class _Away(Engine):
    """DuckDB as if its rows stayed on executors: sums are made by the engine."""

    has_executors = True


@pytest.fixture(scope="module", params=["rows", "frames"])
def either(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with (Engine if request.param == "rows" else _Away)(memory_limit="500MB", threads=1) as made:
        yield made


def selected(*, importers: str = "", exporters: str = "") -> list[dict[str, object]]:
    """Return flows among five areas: B's own book is whole, of the others only one partner was taken in.

    ``importers`` is the one partner of the import books of all but B, ``exporters`` that of the export books.
    What was not taken in is null, or zero where the other side has a row: pairing reads silence so.
    """
    rows = []
    for a, b in product("ABCDE", "ABCDE"):
        if a == b:
            continue
        own = not exporters or a == "B" or b == exporters
        other = not importers or b == "B" or a == importers
        for month in MONTHS:
            usd = 100.0 if month in MONTHS[:3] else 300.0
            if own or other:
                rows.append(
                    flow(
                        a * 3,
                        b * 3,
                        month,
                        exporter_report_usd=usd if own else 0.0,
                        importer_report_usd=1.25 * usd if other else 0.0,
                    )
                )
    return rows


def test_exports_to_one_area_say_nothing_of_the_others(either) -> None:
    """Everybody's exports to E, and B's own books: what B bought stands in its imports, and is no zero."""
    data = load(either, selected(exporters="E"))
    assert cell(data, "AAA", "BBB")[:2] == pytest.approx((300.0, 900.0))
    assert cell(data, "AAA", "EEE")[:2] == pytest.approx((300.0, 900.0))
    at = (data.areas.index("AAA"), data.areas.index("BBB"))
    assert not data.cells[0].has_mirror[at]


def test_imports_from_one_area_say_nothing_of_the_others(either) -> None:
    """Everybody's imports from A alone, and nobody's exports but those of B to all."""
    rows = [
        row | ({} if row["exporter"] == "BBB" else {"exporter_report_usd": None})
        for row in selected(importers="A")
    ]
    rows = [row for row in rows if row["exporter_report_usd"] or row["importer_report_usd"]]
    data = load(either, rows)
    assert cell(data, "AAA", "CCC")[:2] == pytest.approx((300.0, 900.0))
    assert cell(data, "BBB", "EEE")[:2] == pytest.approx((300.0, 900.0))
    assert is_observed(data, "AAA", "CCC")
    assert is_observed(data, "BBB", "EEE")
    assert is_observed(data, "CCC", "BBB")  # B's imports are whole
    assert not is_observed(data, "CCC", "AAA")  # A's own imports were not taken in


def test_one_partner_among_many_is_a_selection(either) -> None:
    """B's imports name 23 partners, those of E one: its silence about the others is no zero."""
    names = [letter * 3 for letter in "ABCDEFGHIJKLMNOPQRSTUVWX"]
    rows = [
        flow(sender, receiver, month, importer_report_usd=125.0)
        for month in MONTHS
        for sender, receiver in [*((one, "BBB") for one in names if one != "BBB"), ("AAA", "EEE")]
    ]
    data = load(either, rows)
    assert is_observed(data, "CCC", "BBB")
    assert is_observed(data, "AAA", "EEE")
    assert not is_observed(data, "CCC", "EEE")


def test_whole_books_are_silent_about_zeros(either) -> None:
    rows = [row for row in selected() if (row["exporter"], row["importer"]) != ("CCC", "EEE")]
    data = load(either, rows)
    assert cell(data, "CCC", "EEE") is None
    assert is_observed(data, "CCC", "EEE")
