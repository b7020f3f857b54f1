"""A headline under other choices, in words: every figure that the tests look for is stated here."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from entrepot.detect.options import DetourOptions
from entrepot.detect.periods import event_windows
from entrepot.detect.specifications import SpecificationResult
from entrepot.report.charts import svg
from entrepot.report.robustness import print_specifications, specification_chart, verdict
from entrepot.schema import SPECIFICATION

MONTHS = [f"{year}-{month:02d}" for year in range(2020, 2024) for month in range(1, 13)]
WINDOWS = event_windows("2022-03", published=MONTHS)
OWN = {
    "is_headline": False, "before": WINDOWS.text(WINDOWS.before), "after": WINDOWS.text(WINDOWS.after),
    "baseline": "untreated", "z": 1.0, "book": "exporter", "left_out_kind": None, "left_out": None,
}  # fmt: skip


def result_of(*rows: dict[str, Any]) -> SpecificationResult:
    headline = rows[0]["estimate_usd"]
    every = [
        OWN | {"headline_share": row["estimate_usd"] / headline if headline else None} | row for row in rows
    ]
    every[0]["is_headline"] = True
    table = pa.Table.from_pylist(every, schema=SPECIFICATION.arrow_schema())
    return SpecificationResult(table=table, options=DetourOptions(event="2022-03"), windows=WINDOWS)


CURVE = (
    {"estimate_usd": 100e6},
    {"estimate_usd": 60e6, "book": "importer"},
    {"estimate_usd": 70e6, "book": "importer", "z": 2.0},
    {"estimate_usd": 110e6, "z": 2.0},
)


def left(kind: str, code: str, usd: float) -> dict[str, Any]:
    return {"estimate_usd": usd, "left_out_kind": kind, "left_out": code}


def test_the_range_and_the_choice_that_moves_it() -> None:
    said = verdict(result_of(*CURVE))
    assert "4 specifications" in said[0]
    assert "60.0–110m USD" in said[0]
    assert "50% give the headline's 100m or more" in said[0]
    assert "book" in said[1]
    assert "exporter's first 105m" in said[1]
    assert "importer's first 65.0m" in said[1]
    assert "threshold" not in said[1]


def test_a_total_that_one_product_carries_says_so() -> None:
    said = verdict(result_of(*CURVE, left("product", "854231", 30e6), left("hub", "KGZ", 80e6)))
    assert said[-1].startswith("It rests on product 854231")
    assert "Kyrgyzstan" not in said[-1]


def test_a_total_that_nothing_carries_says_so_too() -> None:
    said = verdict(result_of(*CURVE, left("hub", "KGZ", 51e6), left("period", "2022-07", 90e6)))
    assert said[-1].startswith("No single product, place or period carries half of it; hub Kyrgyzstan")
    assert "51.0m without it" in said[-1]


def test_nothing_found_has_no_curve_to_speak_of() -> None:
    (said,) = verdict(result_of({"estimate_usd": 0.0}, {"estimate_usd": 5e6, "z": 2.0}))
    assert "Nothing was found" in said


def test_the_terminal_names_choices_and_what_was_left_out() -> None:
    file = io.StringIO()
    print_specifications(
        result_of(*CURVE, left("product", "854231", 30e6)), Console(file=file, width=100, highlight=False)
    )
    text = file.getvalue()
    assert "importer's first" in text
    assert "-70%" in text
    assert "no interval" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize("width", [720, 400])
def test_the_chart_draws_every_specification(width: int) -> None:
    drawn = svg(specification_chart(result_of(*CURVE), width))
    assert "importer" in drawn
    assert "z = 2" in drawn
    chart = specification_chart(result_of(*CURVE), width).to_dict()
    points = chart["datasets"][chart["vconcat"][0]["data"]["name"]]
    assert [point["usd"] for point in points] == [60e6, 70e6, 100e6, 110e6]
    assert [point["own"] for point in points] == [False, False, True, False]


def test_nothing_found_is_printed_without_a_change() -> None:
    """Periods are left out of an empty headline too: there is no share of nothing."""
    file = io.StringIO()
    empty = result_of({"estimate_usd": 0.0}, left("period", "2022-07", 3e6))
    print_specifications(empty, Console(file=file, width=100, highlight=False))
    assert "Nothing was found" in file.getvalue()
    assert "3.00m" in file.getvalue()


def test_without_a_baseline_no_total_may_be_stated() -> None:
    said = verdict(result_of({"estimate_usd": 100e6, "baseline": "unidentified"}, *CURVE[1:]))
    assert said[0].startswith("Not identified")
    assert not verdict(result_of(*CURVE))[0].startswith("Not identified")
