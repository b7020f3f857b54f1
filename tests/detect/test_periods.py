"""Periods, spans and windows: what is refused and with which words, and which windows come out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.detect.periods import (
    WindowPair,
    event_windows,
    parse_period,
    parse_span,
    period_text,
    placebo_windows,
)
from entrepot.errors import OptionError


def months(first: str, last: str) -> list[str]:
    start, end = parse_span(f"{first}:{last}", option="test")
    return [period_text(p, is_monthly=True) for p in range(start, end + 1)]


@given(year=st.integers(1000, 9999), month=st.integers(1, 12))
def test_periods_survive_the_trip(year: int, month: int) -> None:
    for text, is_monthly in ((f"{year}-{month:02d}", True), (f"{year}", False)):
        assert period_text(parse_period(text, option="x"), is_monthly=is_monthly) == text


def test_months_follow_each_other() -> None:
    assert parse_period("2022-01", option="x") == parse_period("2021-12", option="x") + 1


@pytest.mark.parametrize(
    "text", ["", "2022-13", "2022-00", "2022-3", "22", "202203", "2022-03-01", "March", "2022/03"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is no period") as caught:
        parse_period(text, option="--event")
    assert caught.value.where == "--event"
    assert "2022-03" in caught.value.hint


@pytest.mark.parametrize("text", ["2022-03:2022-01", "2021:2022-01", "2021-01:2022", "2022:2021"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="no span of periods"):
        parse_span(text, option="--before")


@pytest.mark.parametrize("text", ["2021-01:", ":2021-01", ":", "2021-01:2021-02:2021-03"])
def test_an_open_span_is_not_read_as_a_single_period(text: str) -> None:
    with pytest.raises(OptionError):
        parse_span(text, option="--before")


def test_a_single_period_is_a_span_of_one() -> None:
    assert parse_span("2022", option="x") == (2022, 2022)
    assert parse_span(" 2021-01 : 2021-03 ", option="x")[1] == parse_period("2021-03", option="x")


PUBLISHED = months("2019-01", "2023-06")


def test_default_windows_leave_the_stockpiling_out() -> None:
    pair = event_windows("2022-03", published=[*PUBLISHED, "2021", "2022"])
    assert pair.text(pair.before) == "2020-02:2022-01"
    assert len(pair.before) == 24
    assert pair.text(pair.after) == "2022-05:2023-06"
    assert pair.is_monthly
    assert pair.label == "2020-02:2022-01 against 2022-05:2023-06"


def test_default_windows_of_annual_data() -> None:
    pair = event_windows(
        "2022", published=["2017", "2018", "2019", "2020", "2021", "2022", "2023", "2022-05"]
    )
    assert (pair.before, pair.after) == ((2019, 2020, 2021), (2023,))
    assert not pair.is_monthly


def test_windows_are_cut_to_what_is_published() -> None:
    pair = event_windows(
        "2022-03",
        published=["2021-02", "2021-04", "2022-06"],
        before="2021-01:2021-12",
        after="2022-05:2022-12",
    )
    assert [period_text(p, is_monthly=True) for p in pair.before] == ["2021-02", "2021-04"]
    assert [period_text(p, is_monthly=True) for p in pair.after] == ["2022-06"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"event": "2030"}, "hold no years"),
        ({"event": "2022-03", "before": "2021-01:2022-03"}, "before-window must end before"),
        (
            {"event": "2022-03", "before": "2021-01:2022-01", "after": "2021-06:2023-01"},
            "before-window must end before",
        ),
        (
            {"event": "2022-03", "after": "2022-01:2023-01", "before": "2020-01:2021-06"},
            "after-window must not begin",
        ),
        ({"event": "2022-03", "before": "2021:2021"}, "differ in frequency"),
        ({"event": "2022-03", "after": "2023"}, "differ in frequency"),
        ({"event": "2022-03", "before": "2011-01:2012-01"}, "no month of the window"),
        ({"event": "2022-03", "after": "2031-01:2032-01"}, "no month of the window"),
        ({"event": "2023-06"}, "no month of the window"),
    ],
)
def test_windows_that_make_no_question_are_refused(options, what) -> None:
    with pytest.raises(OptionError, match=what) as caught:
        event_windows(published=PUBLISHED, **options)
    assert caught.value.hint
    assert caught.value.where.startswith("--")


# --- placebos -------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    first=st.integers(0, 30),
    n_before=st.integers(1, 36),
    n_after=st.integers(1, 24),
    missing=st.sets(st.integers(0, 80), max_size=10),
)
def test_placebos_are_windows_in_which_nothing_happened(first, n_before, n_after, missing) -> None:
    base = parse_period("2016-01", option="x")
    event = base + first + n_before
    published = [period_text(base + p, is_monthly=True) for p in range(90) if p not in missing]
    pair = WindowPair(
        tuple(range(event - n_before, event)), tuple(range(event + 2, event + 2 + n_after)), True
    )
    placebos = placebo_windows(pair, published=published)
    assert len(placebos) <= 4
    assert len(set(placebos)) == len(placebos)
    seen = {parse_period(p, option="x") for p in published}
    for placebo in placebos:
        assert placebo.after[-1] < event
        assert placebo.before[-1] < placebo.after[0]
        assert min(len(placebo.before), len(placebo.after)) >= 3
        for window in (placebo.before, placebo.after):
            assert set(window) <= seen
            assert all(a < b for a, b in pairwise(window))


def test_the_first_placebo_is_the_same_months_a_year_before() -> None:
    pair = event_windows("2022-03", published=PUBLISHED, before="2020-02:2022-01", after="2022-05:2022-12")
    first = placebo_windows(pair, published=PUBLISHED)[0]
    assert first.text(first.after) == "2021-05:2021-12"
    assert first.before[-1] < first.after[0]
    assert first.text(first.before) == "2019-05:2021-04"


def test_too_little_before_the_event_gives_no_placebo() -> None:
    published = months("2021-10", "2022-12")
    pair = event_windows("2022-03", published=published)
    assert len(pair.before) == 4
    assert placebo_windows(pair, published=published) == ()


def test_years_have_placebos_too() -> None:
    published = [str(year) for year in range(2012, 2024)]
    pair = event_windows("2022", published=published)
    placebos = placebo_windows(pair, published=published)
    assert placebos
    assert all(p.after[-1] <= pair.before[-1] for p in placebos)
    assert not any(p.is_monthly for p in placebos)
