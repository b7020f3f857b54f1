"""Worlds without an event, in which hubs boom all the same: nothing may be found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET = {"quiet": True, "areas": 30, "products": 60}
WORLDS = (("smooth", 301), ("smooth", 302), ("rough", 301), ("rough", 302))


@pytest.mark.parametrize(("setting", "seed"), WORLDS)
@pytest.mark.parametrize(
    "question",
    [{}, {"origins": ()}, {"origins": (), "destinations": ()}],
    ids=["accused", "destination", "open"],
)
def test_nothing_is_found(
    setting: str, seed: int, question: dict[str, Any], make_known: Callable, ask: Callable
) -> None:
    """Withheld, nothing, or under a hundredth of what a spreadsheet would call rerouted."""
    answer = ask(make_known(setting, seed, **QUIET), spikes=8, **question)
    head = answer.result.headline
    assert answer.score.true_usd == 0
    is_negligible = head.estimate_usd <= 0.01 * head.raw_increase_usd
    assert is_negligible or head.status.startswith("not identified"), head
    # In the open search four areas of smooth world 301 are held to be treated; no amount follows.
    if "destinations" not in question and "origins" in question:
        assert answer.treated == set()


@pytest.mark.parametrize(("setting", "seed"), WORLDS)
def test_a_spreadsheet_would_find_something(
    setting: str, seed: int, make_known: Callable, ask: Callable
) -> None:
    """The test above is worth something: sales to third areas did rise."""
    head = ask(make_known(setting, seed, **QUIET), spikes=0).result.headline
    assert head.raw_increase_usd > 0
