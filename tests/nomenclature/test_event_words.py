"""Events by words of six languages."""

from __future__ import annotations

import pytest

from entrepot.errors import UnknownCodeError
from entrepot.nomenclature import events, look_up_events
from entrepot.nomenclature.facts import fact_rows


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("ЕАЭС", "Eurasian Economic Union begins"),
        ("Eurasian Economic Union", "Eurasian Economic Union begins"),
        ("продовольственное эмбарго", "Russian food embargo"),
        ("пошлины США", "US tariffs on steel and aluminium"),
        ("санкций ЕС", "EU first package"),
        ("制裁 欧盟", "EU first package"),
        ("关税", "US reciprocal tariffs"),
        ("Zölle", "US reciprocal tariffs"),
        ("droits de douane", "US reciprocal tariffs"),
        ("aranceles", "US reciprocal tariffs"),
        ("Крым", "US embargo on Crimea"),
        ("Krim", "US embargo on Crimea"),
        ("oil embargo", "EU import ban on seaborne crude oil and price cap apply"),
        ("параллельный импорт", "Russia allows parallel imports"),
        ("ВТО", "Russia joins the World Trade Organization"),
        ("Китай", "Chinese export licences for gallium and germanium"),
        ("EAEU", "Armenia joins the Eurasian Economic Union"),
    ],
)  # fmt: skip
def test_events_are_found(words, name):
    assert name in look_up_events(words)["name"].to_pylist()


def test_every_term_of_the_table_finds_an_event():
    for row in fact_rows("event_words"):
        for term in row["term"].split("|"):
            assert events(about=term) or "|" in row["term"], term
        for language in ("en", "de", "fr", "es", "ru", "zh"):
            for word in row[language].split(";"):
                assert look_up_events(word).num_rows, word


def test_a_group_is_no_error_on_days_before_it_began():
    assert all(str(event.date) >= "2015" for event in events(about="EAEU"))
    assert events(about="EAEU")


def test_words_without_an_event_are_an_error():
    with pytest.raises(UnknownCodeError):
        look_up_events("шоколад")
