"""What is asked, how it is said, and the pace at which a server is asked."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot import FetchOptions, FetchQuery, Patience, fetch
from entrepot.errors import EntrepotError, FetchError, OptionError
from entrepot.sources.comtrade.availability import rows_of
from entrepot.sources.fetchers import FETCHERS, open_fetcher
from entrepot.sources.fetching import parse_periods
from entrepot.sources.fetching.answers import asked_wait, saying
from entrepot.sources.fetching.client import Client
from entrepot.sources.world_bank.pages import GDP_NEEDS, read_page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("2022", ("2022",)),
        ("2019:2021", ("2019", "2020", "2021")),
        ("2022-11:2023-01, 2022-12", ("2022-11", "2022-12", "2023-01")),
    ],
)
def test_periods_are_spans_and_lists(text: str, periods: tuple[str, ...]) -> None:
    assert parse_periods(text) == periods


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2022-13", "no period"), ("2022:2022-03", "no period"), ("22", "no period"), ("a:b", "no period"),
        ("2023:2022", "ends before it begins"), ("", "0 periods"), ("1901-01:2099-12", "2,388 periods"),
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        parse_periods(text)


def test_every_fetcher_keeps_a_pace_and_speaks_https() -> None:
    for name in FETCHERS:
        fetcher = open_fetcher(name)
        assert fetcher.id == name
        assert fetcher.pause > 0
        assert fetcher.base_url.startswith("https://")
        assert fetcher.takes <= set(FetchQuery.__dataclass_fields__)


def test_the_pace_is_kept(server, reply) -> None:
    server.on("/x", reply(b"{}"))
    with Client(server.base, patience=Patience(attempts=1, pause=0.4)) as client:
        began = time.monotonic()
        for _ in range(3):
            client.json("x", {})
        took = time.monotonic() - began
    assert len(server.asked) == 3
    assert took >= 0.8


def test_waits_double_up_to_the_longest(server, reply) -> None:
    notes: list[str] = []
    patience = Patience(attempts=5, first_wait=0.02, longest_wait=0.05, pause=0)
    server.on("/x", reply(b"", 503))
    began = time.monotonic()
    with (
        Client(server.base, patience=patience, tell=notes.append) as client,
        pytest.raises(Exception, match="503"),
    ):
        client.json("x", {})
    assert time.monotonic() - began >= 0.75 * (0.02 + 0.04 + 0.05 + 0.05)
    assert len(notes) == 4


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7),
        ({"retry-after": "Mon, 05 Jan 2026 12:00:30 GMT"}, b"", 30),
        ({"retry-after": "Mon, 05 Jan 2026 11:00:00 GMT"}, b"", 0),
        ({"retry-after": "soon"}, b"", None),
        ({}, b'{"message": "Rate limit is exceeded. Try again in 2 seconds."}', 2),
        ({}, b"Quota will be replenished in 03:30:56.", 12656),
        ({}, b"Quota will be replenished in 1.00:00:01.", 86401),
        ({}, b"", None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers, body, seconds) -> None:
    assert asked_wait(headers, body, now=datetime(2026, 1, 5, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<p>Too <b>many</b> requests</p>", "Too many requests"),
        (b"<html><title></title><style>p{}</style><p>Down</p>", "Down"),
        (b'{"errorObject": {"errorMessage": "bad code"}}', "bad code"),
        (b'[{"message": [{"id": "120", "value": "Invalid"}]}]', "Invalid"),
        (b'{"odd": 1}', '{"odd": 1}'),
        (b'{"cut', '{"cut'),
        (b"\xff\xfe words", "�� words"),
        (b"x" * 5000, "x" * 200 + "…"),
        (b"", ""),
    ],
)
def test_what_an_error_body_says(body: bytes, said: str) -> None:
    assert saying(body) == said


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(
            st.sampled_from(["page", "pages", "per_page", "total", "data", "error", "count"]), inside
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_JSON)
def test_whatever_json_comes_is_rows_or_a_clear_error(content: object) -> None:
    with suppress(EntrepotError):
        rows_of(content, where="x")
    with suppress(EntrepotError):
        read_page(content, where="x", needed=GDP_NEEDS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.text(st.characters(max_codepoint=255), max_size=40))
def test_whatever_an_error_says_is_one_line(body: bytes, header: str) -> None:
    assert len(saying(body)) <= 201
    assert "\n" not in saying(body)
    wait = asked_wait({"retry-after": header}, body)
    assert wait is None or wait >= 0


def test_a_deep_answer_is_a_clear_error(server, reply) -> None:
    server.on("/x", reply(b"[" * 200_000))
    with (
        Client(server.base, patience=Patience(attempts=1, pause=0)) as client,
        pytest.raises(FetchError, match="JSON"),
    ):
        client.json("x", {})


@pytest.mark.parametrize("address", ["http://[bad", "no scheme/x", "ftp://127.0.0.1/x"])
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str) -> None:
    options = FetchOptions(base_url=address, patience=Patience(attempts=3, pause=0))
    with pytest.raises(EntrepotError) as caught:
        raise next(iter(fetch("ecb", tmp_path, options=options).failed)).error
    assert "--base-url" in str(caught.value)
