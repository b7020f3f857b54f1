"""The tables of facts are consistent with each other and with ISO as pycountry ships it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import pairwise

import pycountry
import pytest

from entrepot.nomenclature import (
    area,
    area_code_table,
    area_table,
    events,
    group_names,
    has_hs_code,
    is_hs_code,
    memberships,
    named_area,
)
from entrepot.nomenclature.facts import fact_rows, is_in_force, optional_date
from entrepot.nomenclature.hs import HS_REVISIONS
from entrepot.nomenclature.names import normalise_name

TABLES = (
    "areas",
    "area_codes",
    "area_land",
    "area_places",
    "area_names",
    "national_area_codes",
    "groups",
    "hs_chapters",
    "lists",
    "list_ancestors",
    "events",
)
CODES = frozenset(row["code"] for row in fact_rows("areas"))


def repeated(values):
    return [value for value, count in Counter(values).items() if count > 1]


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_complete_and_written_once(table):
    rows = fact_rows(table)
    assert rows
    assert all(None not in row and None not in row.values() for row in rows), "a row is longer or shorter"
    assert not repeated(tuple(row.values()) for row in rows)
    assert all(value == value.strip() for row in rows for value in row.values())


@pytest.mark.parametrize("table", ["areas", "area_codes", "groups"])
def test_no_validity_ends_before_it_begins(table):
    for row in fact_rows(table):
        start, end = optional_date(row["valid_from"]), optional_date(row["valid_to"])
        assert start is None or end is None or start <= end, row


def test_area_keys_are_unique():
    rows = fact_rows("areas")
    assert not repeated(row["code"] for row in rows)
    assert not repeated(row["iso2"] for row in rows if row["iso2"])
    assert not repeated(number for row in rows for number in row["m49"].split())
    assert not repeated(row["name"] for row in rows)
    assert {row["kind"] for row in rows} == {"country", "territory", "special", "historic", "aggregate"}


def test_iso_areas_agree_with_pycountry():
    known = {row["code"]: row for row in fact_rows("areas")}
    for country in pycountry.countries:
        row = known[country.alpha_3]
        assert row["iso2"] == country.alpha_2
        # Comtrade has other numbers for France, and counts Monaco in it; its 492 is "Europe EU, nes".
        if country.alpha_3 != "MCO":
            assert str(int(country.numeric)) in row["m49"].split(), row
    withdrawn = {country.alpha_3 for country in pycountry.historic_countries}
    strangers = set(known) - {country.alpha_3 for country in pycountry.countries} - withdrawn
    assert all(re.fullmatch(r"X[A-Z]{2}", code) for code in strangers)


def test_every_code_that_a_table_names_is_an_area():
    assert {row["code"] for table in ("area_codes", "area_names") for row in fact_rows(table)} <= CODES
    assert {row["member"] for row in fact_rows("groups")} <= CODES
    for event in events():
        assert {*event.actors, *event.targets} <= CODES | set(group_names()), event


def test_a_foreign_code_has_at_most_one_meaning_a_day():
    spans: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for row in area_code_table().to_pylist():
        span = (row["valid_from"] or date.min, row["valid_to"] or date.max)
        spans.setdefault((row["scheme"], row["foreign_code"]), []).append(span)
    assert len(spans) > 1000
    for key, found in spans.items():
        ordered = sorted(found)
        assert ordered[0][0] == date.min, f"{key} means nothing before {ordered[0][0]}"
        for (_, end), (start, _) in pairwise(ordered):
            assert (start - end).days == 1, f"{key} overlaps or has a hole"
    # a code keeps a meaning for ever: reporters go on using withdrawn numbers
    assert all(max(end for _, end in found) == date.max for found in spans.values())


def test_names_are_unique_on_their_normal_form():
    forms: dict[str, set[str]] = {}
    for row in fact_rows("area_names"):
        forms.setdefault(normalise_name(row["name"]), set()).add(row["code"])
    assert "" not in forms
    assert [form for form, codes in forms.items() if len(codes) > 1] == []
    own = {normalise_name(row["name"]): row["code"] for row in fact_rows("areas")}
    assert [form for form, codes in forms.items() if form in own and codes != {own[form]}] == []


def test_national_codes_are_unique_and_known():
    rows = fact_rows("national_area_codes")
    assert not repeated((row["scheme"], row["foreign_code"]) for row in rows)
    assert {row["code"] for row in rows} <= CODES
    assert {row["scheme"] for row in rows} == {"gacc", "schedule_c", "russia_fts"}


def test_national_names_mean_what_their_codes_mean():
    """A name that the nomenclature knows is the area of its code; archipelagos and n.e.s. are unknown."""
    rows = [row for row in fact_rows("national_area_codes") if row["scheme"] == "gacc"]
    meant = {row["foreign_code"]: (named_area(row["name"]), row["code"]) for row in rows}
    assert [code for code, (named, area_code) in meant.items() if named not in {None, area_code}] == []
    assert sum(named is None for named, _ in meant.values()) < 20


@pytest.mark.parametrize("name", group_names())
def test_group_rows_have_sources_leaves_and_no_overlap(name):
    stays = memberships(name)
    assert all(stay.source and stay.certainty in {"sure", "approximate"} for stay in stays)
    assert not [stay.member for stay in stays if area(stay.member).is_aggregate]
    by_member: dict[str, list[tuple[date, date]]] = {}
    for stay in stays:
        by_member.setdefault(stay.member, []).append((stay.valid_from or date.min, stay.valid_to or date.max))
    for member, spans in by_member.items():
        for (_, end), (start, _) in pairwise(sorted(spans)):
            assert end < start, member


def test_lists_hold_codes_with_source_and_certainty():
    rows = fact_rows("lists")
    assert all(is_hs_code(row["code"][:6]) for row in rows)
    for row in rows:
        assert has_hs_code(row["code"][:6], row["revision"] or "HS2022")
        assert row["added"] < (row["removed"] or "9999")
    assert not repeated((row["list"], row["code"]) for row in rows)
    assert {row["certainty"] for row in rows} <= {"sure", "approximate", "inferred"}
    assert all(row["source"] and (row["title"] or row["list"] != "CHPL") for row in rows)
    assert {row["list"] for row in rows} == {row["list"] for row in fact_rows("list_names")}
    listed = {row["code"] for row in rows}
    for row in fact_rows("list_ancestors"):
        assert row["code"] in listed
        assert {row["first_revision"], row["last_revision"]} <= set(HS_REVISIONS)
        assert row["relation"] in {"exact", "broader"}


def test_events_have_sources_and_a_closed_vocabulary():
    kinds = {
        "sanction",
        "export_control",
        "embargo",
        "tariff",
        "trade_policy",
        "union",
        "list",
        "nomenclature",
        "war",
    }
    for event in events():
        assert event.source
        assert event.kind in kinds
        assert event.certainty in {"sure", "approximate"}
    assert not repeated((event.date, event.name) for event in events())


def test_validity_includes_both_ends():
    first, last = date(2020, 1, 1), date(2020, 1, 31)
    assert is_in_force(first, last, first)
    assert is_in_force(first, last, last)
    assert not is_in_force(first, last, date(2019, 12, 31))
    assert not is_in_force(first, last, date(2020, 2, 1))
    assert is_in_force(None, None, date(1, 1, 1))


def test_area_table_has_no_null_where_none_is_meant():
    table = area_table()
    assert table.column_names == ["code", "name", "iso2", "kind", "is_aggregate", "valid_from", "valid_to"]
    assert all(table[name].null_count == 0 for name in ("code", "name", "kind", "is_aggregate"))
