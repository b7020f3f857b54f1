"""Titles of codes, and codes by words."""

from __future__ import annotations

import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import (
    HS_REVISIONS,
    find_hs_codes,
    hs_codes,
    hs_title,
    look_up_codes,
)


def test_every_code_of_every_revision_has_words():
    silent = [(r, c) for r in HS_REVISIONS for c in hs_codes(r) if not hs_title(c, r)]
    assert silent == []


def test_an_ended_code_names_its_successors():
    assert hs_title("880330", "HS2017").startswith("ended, now 880730: ")
    assert hs_title("854140", "HS2012").endswith(" and 1 more")
    assert hs_title("300219", "HS2017") == "ended, without a successor"
    with pytest.raises(UnknownCodeError, match="HS2022 has no code '880330'") as caught:
        hs_title("880330")
    assert "HS2017" in caught.value.hint


def test_a_number_that_came_back_does_not_lend_its_new_title():
    """290341 was trichlorofluoromethane up to HS2007, and is trifluoromethane since HS2022."""
    assert "trifluoromethane" in hs_title("290341")
    assert hs_title("290341", "HS2007").startswith("ended, now 290377: ")
    assert look_up_codes("290341")["revisions"].to_pylist() == ["HS1996–2007, HS2022"]
    assert look_up_codes("848210")["revisions"].to_pylist() == ["HS1992–2022"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("ball bearings", "848210"), ("BALL bearing", "848210"), ("unmanned aircraft", "8806"),
        ("integrated circuits memories", "854232"), ("smartphones", "851713"),
    ],
)  # fmt: skip
def test_words_find_codes(words, code):
    assert code in find_hs_codes(words)[:3]


def test_digits_find_what_begins_with_them():
    assert find_hs_codes("8542.31") == ("854231",)
    assert find_hs_codes("8541", revision="HS2017")[0] == "8541"
    assert find_hs_codes("88")[0] == "88"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("semikonductor", "semiconductor"),
        ("horses circuits", "fewer"),
        ("854151", "HS2022"),
        ("???", "words"),
    ],
)
def test_unknown_words_propose_the_nearest(words, hint):
    with pytest.raises(UnknownCodeError) as caught:
        find_hs_codes(words, revision="HS2017")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("микросхемы", "8542"), ("микросхема", "8542"), ("芯片", "8542"), ("半导体", "8541"),
        ("camions", "8704"), ("Lastkraftwagen", "8704"), ("нефть", "2709"), ("pétrole brut", "2709"),
        ("petroleo crudo", "2709"), ("мясо", "02"), ("самолеты", "8802"), ("Дроны", "8806"),
        ("汽车", "8703"), ("подшипники", "8482"), ("Gemüse", "07"), ("vehículos", "87"),
    ],
)  # fmt: skip
def test_codes_by_words_of_other_languages(words, code):
    found = find_hs_codes(words)
    assert found[0] == code
    assert all(one.startswith(code[:2]) for one in found[:2])


def test_words_follow_the_revision():
    """Names are of HS2022: an older revision is asked for the codes that held these goods."""
    chips = find_hs_codes("芯片", revision="HS2002")
    assert chips[0] == "8542"
    assert "854210" not in chips  # smart cards
    assert find_hs_codes("smartphones", revision="HS2017")[0] == "851712"
    assert {"8802", "8525"} <= set(find_hs_codes("дроны", revision="HS2017"))
    # 8485 was parts of machines up to HS2002.
    assert not any(code.startswith("8485") for code in find_hs_codes("3D printers", revision="HS2002"))
    with pytest.raises(UnknownCodeError) as caught:
        find_hs_codes("микрасхемы")
    assert "микросхемы" in caught.value.hint


def test_what_is_called_so_comes_before_titles_that_mention_it():
    assert find_hs_codes("nickel")[0] == "75"
    chips = find_hs_codes("chips")
    assert chips[0] == "8542"
    assert "440122" in chips  # wood chips, of a title
