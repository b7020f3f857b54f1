from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.report.amounts import MISSING, amount, amount_range, percent

UNITS = {"tn": 1e12, "bn": 1e9, "m": 1e6, "k": 1e3, "": 1.0}


def _read(text: str) -> float:
    unit = next(name for name in UNITS if name and text.endswith(name)) if text[-1].isalpha() else ""
    return float(text.removesuffix(unit).replace(",", "")) * UNITS[unit]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999.4, "999"),
        (999.6, "1.00k"),
        (999_499, "999k"),
        (999_600, "1.00m"),
        (9_994_000, "9.99m"),
        (9_996_000, "10.0m"),
        (99_960_000, "100m"),
        (-8_790_000, "-8.79m"),
        (3.2e15, "3,200tn"),
        (0.4, "0"),
        (math.nan, MISSING),
        (math.inf, MISSING),
    ],
)
def test_three_digits_at_every_edge(value: float, text: str) -> None:
    assert amount(value) == text


@given(st.floats(min_value=1.0, max_value=1e15))
def test_an_amount_reads_back_within_its_digits(value: float) -> None:
    assert _read(amount(value)) == pytest.approx(value, rel=0.0051 if value >= 100 else 0.51)


@given(st.floats(min_value=1e3, max_value=1e12), st.floats(min_value=1.0, max_value=1e4))
def test_an_interval_keeps_its_order(low: float, ratio: float) -> None:
    first, last = amount_range(low, low * ratio).split("–")
    unit = last.lstrip("0123456789.,")
    first_value = _read(first if first[-1].isalpha() else first + unit)
    assert first_value <= _read(last) * 1.006


def test_an_interval_without_an_end_is_missing() -> None:
    assert amount_range(1.0, math.nan) == amount_range(None, 2.0) == MISSING


def test_small_shares_are_not_zero() -> None:
    assert (percent(0.0), percent(1e-9), percent(0.5), percent(None)) == ("0%", "under 1%", "50%", MISSING)
