"""Shape, level, parent and revision of commodity codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import (
    HS_REVISIONS,
    TOTAL,
    hs_chapter_title,
    hs_level,
    hs_parent,
    is_hs_code,
    revision_in_force,
    revision_of,
    validate_hs,
)
from entrepot.nomenclature.hs import hs_chapters

codes = st.tuples(st.sampled_from(sorted(hs_chapters())), st.sampled_from(["", "01", "0121"])).map("".join)


def test_chapters():
    assert list(hs_chapters()) == [f"{number:02}" for number in range(1, 100)]
    assert hs_chapter_title("870323") == "Vehicles"
    assert hs_chapter_title(TOTAL) == "All commodities"


@pytest.mark.parametrize(
    ("year", "revision"),
    [
        (1988, "HS1992"), (1995, "HS1992"), (1996, "HS1996"), (2001, "HS1996"), (2002, "HS2002"),
        (2006, "HS2002"),
        (2007, "HS2007"), (2012, "HS2012"), (2016, "HS2012"), (2017, "HS2017"), (2021, "HS2017"),
        (2022, "HS2022"),
        (2026, "HS2022"),
    ],
)  # fmt: skip
def test_revision_in_force(year, revision):
    assert revision_in_force(year) == revision
    assert revision_of("HS", year=year) == revision


def test_there_was_no_harmonized_system_before_1988():
    with pytest.raises(UnknownCodeError, match="SITC"):
        revision_in_force(1987)


@pytest.mark.parametrize(
    "spellings",
    [
        ("H0", "HS92", "HS1992"), ("H1", "HS96", "HS1996"), ("H2", "HS02", "HS2002"),
        ("H3", "HS07", "HS2007"),
        ("H4", "HS12", "HS2012"), ("H5", "HS17", "HS2017", "17", "2017", "hs17"), ("H6", "HS22", "HS2022"),
    ],
)  # fmt: skip
def test_revision_of(spellings):
    assert {revision_of(text) for text in spellings} == {HS_REVISIONS[int(spellings[0][1])]}


@pytest.mark.parametrize("text", ["HS", "S3", "SITC", "B4", "H7", "HS27", ""])
def test_other_classifications_are_refused(text):
    with pytest.raises(UnknownCodeError):
        revision_of(text)


@given(codes)
def test_parents_lead_to_the_total(code):
    assert is_hs_code(code)
    assert hs_level(code) == len(code)
    steps = [code]
    while (parent := hs_parent(steps[-1])) is not None:
        assert hs_level(parent) == max(hs_level(steps[-1]) - 2, 0)
        steps.append(parent)
    assert steps[-1] == TOTAL
    assert len(steps) == len(code) // 2 + 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10121", "'010121'"), ("101", "'0101'"), ("1", "'01'"), ("8517.62", "'851762'"),
        ("85 17 62", "'851762'"),
        ("'851762", "'851762'"), ("85176200", "'851762'"), ("8517620090", "'851762'"), ("8517AB", "digits"),
        ("total", "TOTAL"), ("ALL", "TOTAL"), ("000000", "chapter"), ("", "digits"),
        ("٨٥", "digits"), ("-", "digits"),
    ],
)  # fmt: skip
def test_what_is_no_code_is_refused_with_a_suggestion(text, hint):
    assert not is_hs_code(text)
    with pytest.raises(UnknownCodeError) as caught:
        validate_hs(text, where="fish.csv, line 3")
    assert hint in caught.value.hint
    assert caught.value.where == "fish.csv, line 3"
    for function in (hs_level, hs_parent, hs_chapter_title):
        with pytest.raises(UnknownCodeError):
            function(text)


def test_existence_is_checked_by_shape_and_chapter_only():
    assert validate_hs("010199", where="") == "010199"
    assert is_hs_code("999999")
    assert is_hs_code(TOTAL)
    assert hs_level(TOTAL) == 0
    assert hs_parent(TOTAL) is None
