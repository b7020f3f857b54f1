"""Smooth worlds: amounts of planted detours are recovered when origins and destination are given.

Measured on 2026-11-23, seeds 101 to 105: absolute error 0.18, 0.25, 0.29, 0.46, 0.17 (median 0.254); hub
error 0.10, 0.14, 0.25, 0.25, 0.08 (median 0.14); total over truth 0.98, 1.07, 1.25, 1.21, 0.98; rows in their
interval 85, 80, 79, 84, 78%. The aim for the median of the absolute error is 0.25: these small worlds miss it
by a hair, the benchmark's larger ones reach it (see docs/explanation/methods-compared.md).
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pytest

from entrepot.model.world import score_detours, write_comtrade
from entrepot.pipeline import ingest
from entrepot.pipeline.detours import find_detours
from entrepot.sources.registry import open_source
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEEDS = (101, 102, 103, 104, 105)


@pytest.fixture(scope="module")
def answers(make_known: Callable, ask: Callable) -> dict:
    return {seed: ask(make_known("smooth", seed), listed=False) for seed in SEEDS}


def test_rows_are_recovered(answers: dict) -> None:
    errors = {seed: answer.score.absolute_error for seed, answer in answers.items()}
    assert median(errors.values()) <= 0.3, errors
    assert max(errors.values()) <= 0.5, errors


def test_hubs_are_recovered(answers: dict) -> None:
    errors = {seed: answer.score.hub_error for seed, answer in answers.items()}
    assert median(errors.values()) <= 0.2, errors
    assert max(errors.values()) <= 0.3, errors


def test_totals_are_recovered(answers: dict) -> None:
    for answer in answers.values():
        assert answer.result.headline.status == "identified"
        assert 0.75 <= answer.score.estimate_usd / answer.score.true_usd <= 1.3


def test_plain_increases_are_many_times_the_truth(answers: dict) -> None:
    """What the estimate is worth: the spreadsheet's answer is off by a factor."""
    for answer in answers.values():
        head = answer.result.headline
        assert head.raw_increase_usd > 3 * answer.score.true_usd
        assert head.excess_in_usd <= head.raw_increase_usd


def test_intervals_hold_most_true_rows(answers: dict) -> None:
    """Rows that were missed count as outside unless their upper limit holds them."""
    shares = {seed: answer.score.coverage for seed, answer in answers.items()}
    assert median(shares.values()) >= 0.78, shares
    assert min(shares.values()) >= 0.7, shares


def test_no_amount_breaks_its_bounds(answers: dict) -> None:
    for answer in answers.values():
        rows = answer.rows
        found = rows[rows["estimate_usd"] > 0]
        assert (found["estimate_usd"] <= found["after_in_usd"] * (1 + 1e-9)).all()
        assert (found["low_usd"] <= found["estimate_usd"]).all()
        assert (found["estimate_usd"] <= found["high_usd"] * (1 + 1e-9)).all()
        lost = found.drop_duplicates(["origin", "destination", "hs_code"])["shortfall_usd"].sum()
        assert found["estimate_usd"].sum() <= lost * (1 + 1e-9)
        by_road = found.groupby(["origin", "destination", "hs_code"])
        assert (by_road["estimate_usd"].sum() <= by_road["shortfall_usd"].max() * (1 + 1e-9)).all()


def test_the_road_over_files_gives_the_same_answer(
    make_known: Callable, ask: Callable, tmp_path: Path
) -> None:
    """Reports written as UN Comtrade downloads, taken into a lake, and read back from it."""
    known = make_known("smooth", 106, areas=28, products=40)
    in_memory = ask(known, listed=False, spikes=8)
    files = write_comtrade(known.world, tmp_path / "reports")
    report = ingest(open_source("comtrade"), [str(path) for path in files], lake=tmp_path / "lake")
    assert report.failed == ()
    assert report.rows_quarantined == 0
    result = find_detours(Lake.open(tmp_path / "lake"), in_memory.result.options)
    assert result.headline.estimate_usd == pytest.approx(in_memory.result.headline.estimate_usd, rel=1e-4)
    found = dict(zip(result.hubs["hub"].to_pylist(), result.hubs["estimate_usd"].to_pylist(), strict=True))
    assert found == pytest.approx(in_memory.found_by_hub, rel=1e-3)
    assert result.reporters_late == in_memory.result.reporters_late
    score = score_detours(result.table, in_memory.truth)
    assert score.absolute_error == pytest.approx(in_memory.score.absolute_error, abs=0.01)
