"""Titles of codes, and codes by words."""

from __future__ import annotations

import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import HS_REVISIONS, find_hs_codes, hs_codes, hs_title


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
