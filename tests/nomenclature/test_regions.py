"""Regions without figures of their own: what is said of them, and what is not."""

from __future__ import annotations

import pycountry
import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import area, look_up_areas, resolve_area
from entrepot.nomenclature.facts import fact_rows
from entrepot.nomenclature.names import all_names
from entrepot.nomenclature.regions import find_region, region_names


@pytest.mark.parametrize("row", fact_rows("regions"), ids=lambda row: row["code"])
def test_iso_lists_each_region_under_its_area(row):
    listed = pycountry.subdivisions.get(code=row["code"])
    assert listed is not None
    assert listed.country_code == area(row["area"]).iso2


def test_no_region_is_also_an_area():
    assert not set(region_names()) & set(all_names())


@pytest.mark.parametrize("words", ["Крым", "Crimea", "Krim", "Crimée", "克里米亚", "UA-43", "КРЫМ"])
def test_crimea_is_answered_with_its_area_and_what_is_not_known(words):
    found = look_up_areas(words).to_pylist()
    assert [row["code"] for row in found] == ["UKR"]
    assert "no figures of its own" in found[0]["note"]
    assert "publisher's notes" in found[0]["note"]


def test_a_region_is_no_area_in_data_or_options():
    with pytest.raises(UnknownCodeError) as caught:
        resolve_area("Крым")
    assert "UKR" in caught.value.hint


def test_areas_have_no_note():
    assert look_up_areas("Киргизия")["note"].to_pylist() == [None]
    assert find_region("Ukraine") is None
