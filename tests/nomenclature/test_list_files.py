"""A control list of one's own in a file, and the annex that is followed over time."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.errors import InputFileError, UnknownCodeError
from entrepot.nomenclature import (
    HS_REVISIONS,
    called_list,
    has_hs_code,
    list_codes,
    list_entries,
    list_followed_until,
    list_tiers,
    look_up_list,
    product_codes,
)
from entrepot.nomenclature.list_files import read_list_file

LIST = """\
code,from,until,tier,title
8542,2022-02-24,,1,chips
88,2022-02-24,2022-06-30,2,aircraft
8401-8403,2023-01-01,,2,boilers
ex 8471 30,2022-02-24,,1,laptops over a price
85444290,2022-02-24,,3,cables
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_headings_chapters_ranges_and_national_codes_become_six_digits(file):
    rows = read_list_file(str(file))
    assert [row.written for row in rows] == ["8542", "88", "8401-8403", "847130", "85444290"]
    assert [row.is_part for row in rows] == [False, False, False, True, True]
    assert rows[0].codes() == ("854231", "854232", "854233", "854239", "854290")
    assert {code[:2] for code in rows[1].codes()} == {"88"}
    assert {code[:4] for code in rows[2].codes()} == {"8401", "8402", "8403"}
    assert rows[4].codes() == ("854442",)


def test_as_of_any_day_and_by_tier(file):
    on = {day: list_codes(f"@{file}", as_of=date.fromisoformat(day)) for day in ("2022-06-30", "2022-07-01")}
    assert "880730" in on["2022-06-30"]
    assert "880730" not in on["2022-07-01"]
    assert list_codes(f"@{file}", as_of=date(2022, 2, 23)) == ()
    assert "840211" in list_codes(f"@{file}")
    assert "840211" not in on["2022-07-01"]
    assert list_codes(f"@{file}", tier="3") == ("854442",)
    assert product_codes(f"@{file}:3,8703") == ("854442", "8703")
    assert list_tiers(f"@{file}")["854231"] == "mine 1"


def test_in_any_revision(file):
    parts = {entry.relation for entry in list_entries(f"@{file}", tier="3")}
    assert parts == {"broader"}
    for revision in HS_REVISIONS:
        entries = list_entries(f"@{file}", revision=revision)
        assert entries
        assert all(has_hs_code(entry.code, revision) for entry in entries)
    file.write_text("code;revision\n8803;HS2017\n", encoding="utf-8")
    assert set(list_codes(f"@{file}")) >= {"880710", "880720", "880730"}
    assert {entry.relation for entry in list_entries(f"@{file}", revision="HS2017")} == {"same"}


def test_looked_up_with_titles(file):
    found = look_up_list(f"@{file}:1").to_pylist()
    assert found[0]["title"] == "chips"
    file.write_text("hs6\n854231\n", encoding="utf-8")
    found = look_up_list(f"@{file}").to_pylist()
    assert (found[0]["hs_code"], found[0]["list"]) == ("854231", "mine")
    assert "processors" in found[0]["title"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("code,when\n8542,2022-01-01\n", "'when' is not known"),
        ("code,hs6\n8542,854231\n", "mean the same"),
        ("code,from\n8542,24.02.2022\n", "is no day"),
        ("code,from,until\n8542,2022-03-01,2022-02-01\n", "before it begins"),
        ("code,title\n8542,chips, memories\n", "3 cells where the header has 2"),
        ("code\n10121\n", "has 5 digits"),
        ("code\nchips\n", "is no code"),
        ("code\n8803\n", "HS2022 has no code"),
        ("code\n880330\n", "HS2022 has no code"),
        ("code\n8403-8401\n", "is no range"),
        ("code\n84-8403\n", "is no range"),
        ("code\n", "has no row"),
        ("code,revision\n8542,HS2030\n", "HS2030"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, content, says):
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises((InputFileError, UnknownCodeError)) as caught:
        list_codes(f"@{path}")
    assert says in str(caught.value)
    if says not in {"has no row", "HS2030"}:
        assert "line " in caught.value.where


def test_a_code_of_another_revision_is_told_where_it_is(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text("code\n880330\n", encoding="utf-8")
    with pytest.raises(UnknownCodeError) as caught:
        list_codes(f"@{path}")
    assert "HS2017" in caught.value.hint


def test_annex_xxiii_as_of_days():
    """Inserted by (EU) 2022/576 on 9 April, replaced by 2022/1269 on 22 July and 2022/1904 on 7 October."""
    days = ("2022-04-08", "2022-04-09", "2022-07-22", "2022-10-07")
    before, first, second, third = (
        set(list_codes("EU833-XXIII", as_of=date.fromisoformat(day))) for day in days
    )
    assert before == set()
    assert first - second == {"820840"}
    assert second - first == set()
    assert second - third == {"441234"}
    assert third - second == {
        "441233", "846691", "270111", "270112", "270119", "270120", "270210", "270220", "270300", "270400",
    }  # fmt: skip
    assert set(list_codes("EU833-XXIII")) == third
    spring = list_entries("EU833-XXIII", as_of=date(2022, 4, 9))
    assert {entry.relation for entry in spring if entry.code == "842489"} == {"same"}
    parts = {entry.code for entry in list_entries("EU833-XXIII") if entry.relation == "broader"}
    assert {"842489", "842490", "381600"} <= parts
    assert list_followed_until("EU833-XXIII") == date(2022, 12, 4)
    with pytest.raises(UnknownCodeError, match="followed to 2022-12-04") as caught:
        list_codes("EU833-XXIII", as_of=date(2023, 1, 1))
    assert "@FILE.csv" in caught.value.hint


@pytest.mark.parametrize("revision", HS_REVISIONS)
def test_annex_xxiii_in_every_revision(revision):
    entries = list_entries("EU833-XXIII", revision=revision)
    assert all(has_hs_code(entry.code, revision) for entry in entries)
    listed = {entry.listed_code for entry in entries}
    assert len(listed) > 0.99 * len({entry.listed_code for entry in list_entries("EU833-XXIII")})


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("high priority items", "CHPL"), ("высокоприоритетных товаров", "CHPL"),
        ("Anhang XXIII", "EU833-XXIII"),
        ("annexe XXIII", "EU833-XXIII"), ("bienes de alta prioridad", "CHPL"), ("高优先级物项", "CHPL"),
        ("chpl:1", "chpl:1"), ("nothing of the kind", "nothing of the kind"),
    ],
)  # fmt: skip
def test_lists_are_found_by_words(words, name):
    assert called_list(words) == name
    if name != words:
        assert look_up_list(words).equals(look_up_list(name))
