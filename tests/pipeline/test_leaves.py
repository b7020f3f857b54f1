"""One consistent set of leaves: each trap that would count a flow twice, or half of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.pipeline.flows import FlowQuery, select_flows
from entrepot.pipeline.leaves import leaf_reports

MONTHS = [f"2022-{m:02d}" for m in range(1, 13)]


def row(product: str, value: float, *, period: str = "2022-01", partner: str = "KGZ") -> tuple:
    return ("DEU", "export", partner, period, product, value)


def values(lake, *, notes: list[str] | None = None, **options) -> dict:
    """Return the reconciled value by (product, period)."""
    tell = None if notes is None else notes.append
    found = select_flows(lake, FlowQuery(**options), tell=tell)
    assert set(found["importer_report_usd"].to_pylist()) == {None}
    return {(r["hs_code"], r["period"]): r["value_usd"] for r in found.to_pylist()}


def as_reported(lake) -> float:
    return sum(select_flows(lake, FlowQuery(is_reconciled=False))["primary_value_usd"].to_pylist())


# --- longer codes ---------------------------------------------------------------------------------------


def test_eight_and_ten_digits_of_one_code_are_not_added_up(take_in) -> None:
    take_in([row("87032310", 30), row("87032390", 20)])
    lake = take_in([row("8703231000", 30), row("8703239010", 15), row("8703239090", 5)])
    assert values(lake) == {("870323", "2022-01"): 50.0}


def test_ten_digits_count_where_no_code_contains_them(take_in) -> None:
    lake = take_in([row("87032310", 30), row("8703231000", 29), row("8703239010", 15), row("8703239090", 5)])
    assert values(lake) == {("870323", "2022-01"): 50.0}


@pytest.mark.parametrize("other", [{"partner": "KAZ"}, {"period": "2022-02"}], ids=str)
def test_codes_of_another_slice_do_not_hide_longer_ones(other, take_in) -> None:
    lake = take_in([row("87032310", 30, **other), row("8703231000", 7)])
    found = select_flows(lake, FlowQuery(importers=("KGZ",), periods="2022-01"))
    assert found["value_usd"].to_pylist() == [7.0]


def test_six_eight_and_ten_digits_together_count_once(take_in) -> None:
    lake = take_in([row("870323", 50), row("87032310", 30), row("8703231000", 30)])
    assert values(lake) == {("870323", "2022-01"): 50.0}
    assert as_reported(lake) == 110.0


def test_without_longer_codes_the_short_query_gives_the_same_rows() -> None:
    text = ("source", "reporter", "partner", "partner_concept", "flow", "frequency", "period", "hs_revision")
    columns = ", ".join(f"'{name}' AS {name}" for name in (*text, "quantity_unit"))
    rows = f"""
        SELECT {columns}, role, hs_level, NULL::VARCHAR AS national_code, hs_code,
               random() AS primary_value_usd, 1.0 AS net_weight_kg, 2.0 AS quantity
        FROM (VALUES ('leaf', 6, '870323'), ('leaf', 6, '870324'), ('leaf', 4, '8703'), ('leaf', 0, 'x'),
                     ('aggregate', 6, '870323')) AS r (role, hs_level, hs_code)
    """
    with Engine() as engine:
        engine.execute(f"CREATE TABLE reports AS {rows}")
        short, whole = (
            engine.sql(f"FROM ({leaf_reports('FROM reports', (6,), has_longer=longer)}) ORDER BY ALL")
            for longer in (False, True)
        )
        engine.execute("UPDATE reports SET national_code = '87032310', hs_level = 8 WHERE hs_code = '870323'")
        lost = engine.sql(f"FROM ({leaf_reports('FROM reports', (6, 8), has_longer=False)})")
        found = engine.sql(f"FROM ({leaf_reports('FROM reports', (6, 8), has_longer=True)})")
    assert short.equals(whole)
    assert sorted(short["hs_code"].to_pylist()) == ["870323", "870324", "TOTAL"]
    assert (lost.num_rows, found.num_rows) == (2, 3)


@pytest.mark.parametrize("seed", range(4))
def test_leaves_are_those_that_no_shorter_code_of_their_slice_contains(seed) -> None:
    """A slow twin over six, eight and ten digits of several reporters, some of whom have no longer codes."""
    rng = np.random.default_rng(seed)
    keys = ("source", "reporter", "partner", "partner_concept", "flow", "frequency", "period", "hs_revision")
    rows = []
    for _ in range(400):
        reporter = str(rng.choice(["DEU", "FRA", "KGZ"]))
        code = f"87032{rng.integers(3)}{rng.integers(2)}0{rng.integers(2)}0"
        code = code[: 6 if reporter == "KGZ" else int(rng.choice([6, 8, 10], p=[0.3, 0.5, 0.2]))]
        period, partner = f"{rng.integers(2000, 2030)}-01", str(rng.choice(["CHN", "USA"]))
        own = ("s", reporter, partner, "origin", str(rng.choice(["import", "export"])), "M", period, "HS2017")
        rows.append(dict(zip(keys, own, strict=True)) | {"code": code, "hs_level": len(code)})
    codes: dict[tuple, set[str]] = {}
    for one in rows:
        codes.setdefault(tuple(one[key] for key in keys), set()).add(one["code"])
    counted = [
        (*(one[key] for key in keys), one["code"][:6])
        for one in rows
        if not any(
            one["code"][:n] in codes[tuple(one[key] for key in keys)] for n in range(6, one["hs_level"])
        )
    ]
    table = pa.Table.from_pylist([one | {"role": "leaf", "hs_code": one["code"][:6]} for one in rows])
    amounts = ("primary_value_usd", "net_weight_kg", "quantity")
    more = ", ".join(
        ["code AS national_code", "'kg' AS quantity_unit", *(f"1.0 AS {name}" for name in amounts)]
    )
    with Engine() as engine:
        query = leaf_reports(f"SELECT *, {more} FROM given", (6, 8, 10))
        found = engine.sql(f"SELECT {', '.join(keys)}, hs_code FROM ({query})", given=table)
    assert sorted(tuple(one.values()) for one in found.to_pylist()) == sorted(counted)
    assert len(counted) < len(rows)


def test_months_of_longer_codes_are_seen_where_years_have_none(take_in) -> None:
    """A survey of the years knows of six digits alone; the months make no year, and do not hide it."""
    rows = [row("87032310", 9, period=p) for p in MONTHS[:2]]
    lake = take_in([*rows, row("870323", 108, period="2022")])
    assert values(lake, frequency="A") == {("870323", "2022"): 108.0}


# --- years and months -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("months", "year", "is_over"),
    [
        (MONTHS[:1], 9.0, False),  # January alone, and the year is January's: it goes on
        (MONTHS[:3], 27.0, False),
        (MONTHS[:3], 108.0, True),  # three months are out, and a year that is more
        (MONTHS[1:4], 27.0, True),  # nothing in January
        (MONTHS, 108.0, True),
        ([], 9.0, True),
    ],
)
def test_the_total_of_a_year_that_goes_on_is_no_year(months, year, is_over, take_in) -> None:
    rows = [row("TOTAL", 9, period=p) for p in months] + [row("TOTAL", year, period="2022")]
    lake = take_in([*rows, row("TOTAL", 80, period="2021")])
    found = values(lake, frequency="A", products=("TOTAL",))
    assert found == {("TOTAL", "2021"): 80.0} | ({("TOTAL", "2022"): year} if is_over else {})


def test_goods_of_a_few_months_may_be_all_of_a_year(take_in) -> None:
    """Who sells cherries in January alone has sold them in the year."""
    lake = take_in([row("080929", 9), row("080929", 9, period="2022")])
    assert values(lake, frequency="A") == {("080929", "2022"): 9.0}


def test_an_annual_total_does_not_hide_the_months_of_the_goods(take_in) -> None:
    lake = take_in([row("870323", 1, period=p) for p in MONTHS] + [row("TOTAL", 900, period="2022")])
    assert values(lake, frequency="A") == {("870323", "2022"): 12.0}
    assert values(lake, frequency="A", products=("TOTAL",)) == {("TOTAL", "2022"): 900.0}


def test_monthly_totals_do_not_make_a_year_of_goods_whole(take_in) -> None:
    rows = [row("TOTAL", 100, period=p) for p in MONTHS] + [row("870323", 1, period=p) for p in MONTHS[:7]]
    lake = take_in([*rows, row("870323", 5, period="2021")])
    assert values(lake, frequency="A") == {("870323", "2021"): 5.0}
    assert values(lake, frequency="A", products=("TOTAL",)) == {("TOTAL", "2022"): 1200.0}


def test_an_annual_report_by_chapter_does_not_hide_the_months_by_product(take_in) -> None:
    goods = ("870322", "870323", "870324")
    lake = take_in(
        [row(code, 1, period=p) for p in MONTHS for code in goods] + [row("87", 40, period="2022")]
    )
    assert values(lake, frequency="A") == {(code, "2022"): 12.0 for code in goods}


def test_an_annual_report_to_one_partner_does_not_hide_the_months_of_another(take_in) -> None:
    rows = [row("870323", 1, period=p, partner=partner) for p in MONTHS for partner in ("KGZ", "KAZ")]
    lake = take_in([*rows, row("870323", 15, period="2022")])
    found = select_flows(lake, FlowQuery(frequency="A")).to_pylist()
    assert {r["importer"]: r["value_usd"] for r in found} == {"KGZ": 15.0, "KAZ": 12.0}


def test_a_published_year_that_lacks_a_few_codes_still_counts_alone(take_in) -> None:
    """A good moved to another code by a correction would stand in both."""
    rows = [row(code, 1, period=p) for p in MONTHS for code in ("870322", "870323", "870324")]
    lake = take_in([*rows, row("870322", 24, period="2022"), row("870323", 13, period="2022")])
    assert values(lake, frequency="A") == {("870322", "2022"): 24.0, ("870323", "2022"): 13.0}


def test_a_year_whose_months_are_published_at_two_levels_is_whole(take_in) -> None:
    rows = [row("870323", 1, period=p) for p in MONTHS[:6]]
    lake = take_in([*rows, *(row("87032310", 1, period=p) for p in MONTHS[6:])])
    assert values(lake, frequency="A") == {("870323", "2022"): 12.0}


# --- revisions ------------------------------------------------------------------------------------------

GOODS = [f"8703{n}" for n in range(21, 25)]


def test_a_slice_in_two_revisions_counts_once_in_the_later_one(take_in) -> None:
    take_in([row(code, 10) for code in GOODS], revision="HS2017")
    lake = take_in([row(code, 11) for code in GOODS], revision="HS2022")
    notes: list[str] = []
    assert values(lake, notes=notes) == {(code, "2022-01"): 11.0 for code in GOODS}
    assert as_reported(lake) == 84.0
    assert notes == ["DEU, 2022-01 to 2022-01: published in HS2017 and HS2022, HS2022 counts"]


def test_the_fuller_revision_counts_before_the_later_one(take_in) -> None:
    take_in([row(code, 11) for code in GOODS[:1]], revision="HS2022")
    lake = take_in([row(code, 10) for code in GOODS], revision="HS2017")
    assert values(lake) == {(code, "2022-01"): 10.0 for code in GOODS}


def test_revisions_of_different_periods_and_partners_all_count(take_in) -> None:
    take_in([row("870323", 1), row("870323", 2, period="2022-02")], revision="HS2017")
    lake = take_in([row("870323", 4, period="2022-03"), row("870323", 8, partner="KAZ")], revision="HS2022")
    notes: list[str] = []
    assert sum(values(lake, notes=notes, importers=("KGZ",)).values()) == 7.0
    assert values(lake, importers=("KAZ",)) == {("870323", "2022-01"): 8.0}
    assert not any(" counts" in note for note in notes)


def test_a_good_moved_to_a_new_heading_counts_once(take_in) -> None:
    """Flat panels left 8529 for the new heading 8524: the rest of the slice tells that it is one report."""
    take_in([row("852990", 30), *(row(code, 10) for code in GOODS)], revision="HS2017")
    lake = take_in([row("852411", 30), *(row(code, 10) for code in GOODS)], revision="HS2022")
    assert sum(values(lake).values()) == 70.0


def test_a_partner_of_one_moved_good_counts_once(take_in) -> None:
    """Aircraft left 8803 for 8807: the partners that both revisions have tell that it is one report."""
    take_in([row("880330", 30, partner="KAZ"), *(row(code, 10) for code in GOODS)], revision="HS2017")
    lake = take_in([row("880730", 30, partner="KAZ"), *(row(code, 10) for code in GOODS)], revision="HS2022")
    assert values(lake, importers=("KAZ",)) == {("880730", "2022-01"): 30.0}
    assert sum(values(lake, importers=("KGZ",)).values()) == 40.0


def test_longer_codes_do_not_make_a_revision_fuller(take_in) -> None:
    """Ten digits of the older revision are many rows of the same goods, not parts of the newer's codes."""
    longer = [row(f"{code}{end}", 5) for code in GOODS for end in ("1000", "9000")]
    take_in([row("8803300010", 30), row("8803300020", 10), *longer], revision="HS2017")
    lake = take_in([row("880730", 40), *(row(code, 10) for code in GOODS)], revision="HS2022")
    assert values(lake) == {("880730", "2022-01"): 40.0} | {(code, "2022-01"): 10.0 for code in GOODS}


def test_two_sources_in_two_revisions_count_once(take_in) -> None:
    take_in([row("880330", 30), *(row(code, 10) for code in GOODS)], revision="HS2017")
    rows = [row("880730", 30), *(row(code, 11) for code in GOODS)]
    lake = take_in(rows, revision="HS2022", source="office")
    assert sum(values(lake).values()) == 74.0


def test_a_complement_of_another_source_and_revision_is_kept(take_in) -> None:
    take_in([row(code, 10) for code in GOODS], revision="HS2017")
    lake = take_in([row("880730", 30), row("010121", 2)], revision="HS2022", source="office")
    assert sum(values(lake).values()) == 72.0


def test_a_complement_in_another_revision_is_kept(take_in) -> None:
    take_in([row(code, 10) for code in GOODS], revision="HS2017")
    lake = take_in([row(f"85{n}10", 7) for n in range(41, 44)], revision="HS2022")
    assert sum(values(lake).values()) == 61.0


def test_a_year_in_which_the_revision_changed_is_whole(take_in) -> None:
    take_in([row("870323", 1, period=p) for p in MONTHS[:6]], revision="HS2017")
    lake = take_in([row("870323", 1, period=p) for p in MONTHS[6:]], revision="HS2022")
    assert values(lake, frequency="A") == {("870323", "2022"): 12.0}


def test_a_total_in_one_revision_only_is_kept(take_in) -> None:
    take_in([row("TOTAL", 900), *(row(code, 10) for code in GOODS)], revision="HS2017")
    lake = take_in([row(code, 11) for code in GOODS], revision="HS2022")
    assert values(lake, products=("TOTAL",)) == {("TOTAL", "2022-01"): 900.0}
    assert sum(values(lake).values()) == 44.0
