"""Dated events."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.nomenclature import events


def test_events_come_in_order():
    days = [event.date for event in events()]
    assert days == sorted(days)
    assert len(days) > 70


@pytest.mark.parametrize(
    ("day", "source"),
    [
        (date(2014, 8, 7), "778"),
        (date(2014, 8, 1), "833/2014"),
        (date(2018, 7, 6), "83 FR 28710"),
        (date(2018, 9, 24), "83 FR 47974"),
        (date(2019, 9, 1), "84 FR 43304"),
        (date(2022, 2, 24), "87 FR 12226"),
        (date(2022, 2, 26), "2022/328"),
        (date(2022, 3, 1), "SI 2022/195"),
        (date(2023, 12, 22), "14114"),
        (date(2024, 2, 24), "2024/745"),
        (date(2024, 6, 25), "2024/1745"),
    ],
)
def test_dated_acts(day, source):
    assert [event for event in events(since=day, until=day) if source in event.source]


def test_all_eu_packages_are_there():
    names = " ".join(event.name for event in events(about="package"))
    places = ("first", "second", "third", "fourth", "fifth", "sixth", "eighth", "ninth", "tenth", "eleventh")
    for place in (*places, "twelfth", "thirteenth", "fourteenth"):
        assert f"EU {place} package" in names


def test_days_are_included():
    day = date(2014, 8, 7)
    assert events(since=day, until=day)
    assert not events(since=date(2014, 8, 8), until=date(2014, 8, 31))


def test_about_words_kinds_and_areas():
    assert {event.kind for event in events(about="tariff") if "tariff" not in event.name.casefold()} == {
        "tariff"
    }
    food = next(event for event in events(about="food embargo"))
    assert food in events(about="NOR")
    assert food in events(about="Russia")
    assert food not in events(about="CHN")
    # a member is concerned while it is a member: the United Kingdom by the EU's acts until 2020
    assert [
        event for event in events(about="GBR") if event.actors == ("EU",) and event.date > date(2020, 2, 1)
    ] == []
    assert [
        event for event in events(about="GBR") if event.actors == ("EU",) and event.date < date(2020, 2, 1)
    ]
    assert events(about="no such thing") == ()
