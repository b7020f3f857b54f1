"""Lists of controlled goods and the option --products."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from entrepot.errors import InputFileError, UnknownCodeError
from entrepot.nomenclature import has_hs_code, list_codes, list_entries, list_names, product_codes

TIER_SIZES = {"1": 4, "2": 5, "3.A": 16, "3.B": 9, "4.A": 11, "4.B": 5}
OLDER = ("HS2007", "HS2012", "HS2017")


def test_the_list_has_fifty_codes_in_six_tiers():
    assert list_names() == ("CHPL", "EU833-XXIII")
    entries = list_entries("CHPL")
    assert Counter(entry.tier for entry in entries) == TIER_SIZES
    assert len(list_codes("CHPL")) == 50
    assert {entry.relation for entry in entries} == {"same"}
    assert {entry.revision for entry in entries} == {"HS2022"}


@pytest.mark.parametrize(
    ("day", "size"),
    [
        (date(2022, 12, 31), 0), (date(2023, 5, 18), 0), (date(2023, 5, 19), 38), (date(2023, 7, 31), 45),
        (date(2024, 2, 22), 45), (date(2024, 2, 23), 50),
    ],
)  # fmt: skip
def test_earlier_versions_were_shorter(day, size):
    assert len(list_entries("CHPL", as_of=day)) == size


def test_machine_tools_came_last_and_the_first_nine_are_sure():
    added = [entry for entry in list_entries("CHPL") if entry.added == date(2024, 2, 23)]
    assert {entry.tier for entry in added} == {"4.B"}
    sure = [entry for entry in list_entries("CHPL", as_of=date(2023, 5, 19)) if entry.certainty == "sure"]
    assert {entry.tier for entry in sure} == {"1", "2"}
    assert len(sure) == 9
    assert {entry.certainty for entry in list_entries("CHPL")} == {"sure", "approximate", "inferred"}


@pytest.mark.parametrize("revision", OLDER)
def test_older_revisions_get_the_ancestors(revision):
    by_listed = {entry.listed_code: entry for entry in list_entries("CHPL", revision=revision)}
    changed = {listed: entry.code for listed, entry in by_listed.items() if entry.code != listed}
    assert changed == {
        "854800": "854890",
        "880730": "880330",
        "852589": "852580",
        "854149": "854140",
        "854151": "854150",
        "854159": "854150",
    }
    assert {listed for listed, entry in by_listed.items() if entry.relation == "broader"} == {
        "852589",
        "852990",
        "854149",
        "854151",
        "854159",
        "901380",
    }
    assert by_listed["854800"].relation == "exact"
    codes = list_codes("CHPL", revision=revision)
    assert len(codes) == len(set(codes)) == 49
    assert "851712" not in codes, "telephones: the UN conversion of 854151 and 854159 is wrong in substance"
    assert not {"854800", "852589", "854149", "854151", "854159", "880730"} & set(codes)


@pytest.mark.parametrize("revision", ["HS1992", "HS1996", "HS2002"])
def test_every_listed_code_has_ancestors_in_the_oldest_revisions_too(revision):
    entries = list_entries("CHPL", revision=revision)
    assert {entry.listed_code for entry in entries} == set(list_codes("CHPL"))
    assert [entry.code for entry in entries if not has_hs_code(entry.code, revision)] == []
    machines = [entry for entry in entries if entry.listed_code == "848620"]
    assert ("847989", "broader") in {(entry.code, entry.relation) for entry in machines}
    assert {entry.relation for entry in machines} == {"broader"}


def test_chips_of_2002_were_coded_by_how_they_are_made():
    codes = {entry.code for entry in list_entries("CHPL", revision="HS2002", tier="1")}
    assert codes
    assert all(code.startswith("8542") and has_hs_code(code, "HS2002") for code in codes)


def test_spelling_of_the_revision_and_limits():
    assert list_codes("chpl", revision="H5") == list_codes("CHPL", revision="HS2017")
    with pytest.raises(UnknownCodeError, match="CHPL"):
        list_codes("EAR99")
    with pytest.raises(UnknownCodeError, match=r"3\.A"):
        list_codes("CHPL", tier="5")


def test_tiers():
    assert list_codes("CHPL", tier="1") == ("854231", "854232", "854233", "854239")
    assert list_codes("CHPL", tier="3") == list_codes("CHPL", tier="3.A") + list_codes("CHPL", tier="3.b")
    # a tier that was empty on a day is no error
    assert list_codes("CHPL", tier="4.B", as_of=date(2023, 12, 31)) == ()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("8703", ("8703",)),
        (" 87, 8703 ,870323,8703", ("87", "8703", "870323")),
        ("TOTAL", ("TOTAL",)),
        ("total,87", ("TOTAL", "87")),
        ("CHPL:1,854231", ("854231", "854232", "854233", "854239")),
        ("chpl:2", ("851762", "852691", "853221", "853224", "854800")),
    ],
)
def test_products(text, codes):
    assert product_codes(text) == codes


def test_products_expand_lists_in_a_revision_and_on_a_day():
    assert product_codes("CHPL:2", revision="HS2017")[-1] == "854890"
    assert len(product_codes("CHPL", as_of=date(2023, 6, 1))) == 38
    assert product_codes("CHPL:3.A") == list_codes("CHPL", tier="3.A")


def test_products_from_a_file(tmp_path):
    file = tmp_path / "codes.txt"
    file.write_text("\ufeff# vehicles\n8703\n\n010121  # horses\nCHPL:1\n", encoding="utf-8")
    assert product_codes(f"@{file},87") == ("8703", "010121", "854231", "854232", "854233", "854239", "87")
    file.write_text("8703\n10121\n", encoding="utf-8")
    with pytest.raises(UnknownCodeError) as caught:
        product_codes(f"@{file}")
    assert "line 2" in caught.value.where
    assert "'010121'" in caught.value.hint


@pytest.mark.parametrize("content", [None, b"\xff\xfe8703"])
def test_files_that_cannot_be_read(tmp_path, content):
    file = tmp_path / "codes.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputFileError, match="UTF-8"):
        product_codes(f"@{file}")


@pytest.mark.parametrize("text", ["", " , ", "8517.62", "10121", "CHPL:9", "EAR", "875", "CHPLX"])
def test_what_is_no_product_is_refused(text):
    with pytest.raises(UnknownCodeError):
        product_codes(text)
