from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest

from entrepot.report.charts import (
    calibration_chart,
    comparison_chart,
    interval_chart,
    svg,
    time_chart,
    whole_until,
)
from entrepot.report.figures import figures_of

if TYPE_CHECKING:
    from entrepot.detect.result import DetourResult


def _texts(drawing: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def _values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every row of the data in a specification."""
    return [row for rows in spec["datasets"].values() for row in rows]


def test_a_period_that_nobody_published_is_a_gap(result: DetourResult) -> None:
    rows = _values(time_chart(result, 720).to_dict())
    assert {"leg": "onward", "day": "2023-06-01", "usd": None, "part": "whole"} in rows
    inbound = next(row for row in rows if row.get("leg") == "inbound" and row["day"] == "2020-01-01")
    assert inbound["usd"] == pytest.approx(2e6)  # two hubs


def test_event_and_windows_are_marked(result: DetourResult) -> None:
    drawing = svg(time_chart(result, 720))
    texts = _texts(drawing)
    assert texts.count("event 2022-03") == 3
    assert texts.count("before") == texts.count("after") == 3
    assert {"2021", "2022", "2023"} <= set(texts)
    rows = _values(time_chart(result, 720).to_dict())
    assert {"day": "2022-05-01", "to": "2024-01-01", "window": "after"} in rows


def test_what_late_reporters_miss_is_dotted(result: DetourResult) -> None:
    assert whole_until(result) == {"onward": "2023-06"}
    late = replace(
        result, reporters_late={"DEU": "9 of 20, to 2023-01", "FRA": "0 of 20", "XXX": "1 of 20, to 2022-05"}
    )
    assert whole_until(late) == {"direct": "2023-01", "inbound": "2023-01"}
    rows = _values(time_chart(late, 720).to_dict())
    rest = sorted(row["day"] for row in rows if row.get("leg") == "direct" and row["part"] == "rest")
    assert (rest[0], rest[-1], len(rest)) == ("2023-01-01", "2023-12-01", 12)
    assert "Dotted" in figures_of(late)["time"].caption
    assert "Dotted" not in figures_of(replace(result, reporters_late={}))["time"].caption


def test_a_leg_without_data_has_no_panel(unobserved: DetourResult, empty: DetourResult) -> None:
    assert len(time_chart(unobserved, 720).to_dict()["vconcat"]) == 2
    assert time_chart(empty, 720) is None


def test_intervals_stand_in_the_given_order() -> None:
    rows = [
        {"label": "B", "estimate": 5e6, "low": 1e6, "high": 9e6, "is_observed": True},
        {"label": "A", "estimate": None, "low": None, "high": None, "is_observed": False},
    ]
    texts = _texts(svg(interval_chart(rows, 350)))
    assert texts.index("B") < texts.index("A")
    assert "withheld" in texts


def test_the_comparison_prints_its_figures() -> None:
    rows = [
        {"label": "plain increase", "usd": 5.7e9, "low": None, "high": None, "role": "other"},
        {"label": "estimate", "usd": 1.26e9, "low": 0.91e9, "high": 1.6e9, "role": "estimate"},
    ]
    texts = _texts(svg(comparison_chart(rows, 720)))
    assert {"5.70bn", "1.26bn (0.91–1.60bn)", "2bn"} <= set(texts)


@pytest.mark.parametrize("width", [740, 350])
def test_labels_have_room_in_a_wider_font(width: int) -> None:
    """Where a reader has none of our fonts another stands in: a label cut at the left is a wrong code."""
    row = {"label": "960329 Various manufactured articles", "low": 1e6, "high": 3e6, "estimate": 2e6}
    bar = {"label": "missing direct trade", "usd": 1e6, "low": None, "high": None, "role": "other"}
    for chart in (interval_chart([row | {"is_observed": True}], width), comparison_chart([bar], width)):
        layers = chart.to_dict()["layer"]
        axis = next(layer["encoding"]["y"]["axis"] for layer in layers if "axis" in layer["encoding"]["y"])
        assert axis["labelLimit"] * 1.15 + axis["labelPadding"] <= axis["minExtent"]
        assert row["label"][:7] in svg(chart) or bar["label"] in svg(chart)


def test_calibration_is_read_at_powers_of_ten(result: DetourResult) -> None:
    calibration = replace(
        result.calibration, planted_usd=np.array([2e6, 4e7, 3e8]), estimated_usd=np.array([2e6, 5e7, 3e8])
    )
    drawn = svg(calibration_chart(calibration, 400))
    for label in (">1m<", ">10m<", ">100m<"):
        assert label in drawn
    assert ">20m<" not in drawn


def test_calibration_draws_each_planted_sum_once_and_not_too_many(result: DetourResult) -> None:
    rows = [row for row in _values(calibration_chart(result.calibration, 350).to_dict()) if "found" in row]
    assert len(rows) == 4
    assert [row["found"] for row in rows] == [False, True, True, True]
    many = replace(result.calibration, planted_usd=np.geomspace(1, 1e9, 5000), estimated_usd=np.ones(5000))
    assert len([row for row in _values(calibration_chart(many, 350).to_dict()) if "found" in row]) <= 300


def test_figures_say_what_they_show(result: DetourResult) -> None:
    figures = figures_of(result)
    assert set(figures) == {"comparison", "time", "hubs", "products", "calibration"}
    for name, figure in figures.items():
        assert "USD" in figure.caption, name
        assert "FOB" in figure.caption, name
        assert figure.wide.startswith("data:image/svg+xml;base64,")
    assert "2022-05 to 2023-12" in figures["hubs"].caption
    assert "Kyrgyzstan 1.26bn (0.91–1.60bn) and Armenia 200m (0–500m)" in figures["hubs"].alt
    assert "Hollow" in figures["hubs"].caption
    assert "1 of 4 planted sums" in figures["calibration"].caption


def test_the_comparison_shows_parts_and_what_others_sent_apart(result: DetourResult) -> None:
    figure = figures_of(result)["comparison"]
    for words in (
        "of it declared 819m",
        "of it unseen 241m",
        "of it not observed 200m",
        "others' goods 80.0m",
    ):
        assert words in figure.alt
    assert "estimate 1.26bn" in figure.alt  # the parts' sum, without the others' goods
    assert "Others' goods are not part of the estimate" in figure.caption
    whole = replace(result.headline, onward_observed_share=1.0, unseen_usd=0.0, relay_usd=0.0)
    plain = figures_of(replace(result, headline=whole))["comparison"]
    assert "of it" not in plain.alt
    assert "thers' goods" not in plain.alt + plain.caption


def test_parts_and_others_have_colours_of_their_own() -> None:
    rows = [
        {"label": role, "usd": 1e9, "low": None, "high": None, "role": role}
        for role in ("estimate", "part", "relay", "other", "placebo")
    ]
    bars = comparison_chart(rows, 720).to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert set(bars["domain"]) == {row["role"] for row in rows}
    assert len(set(bars["range"])) == len(rows)


def test_hubs_are_drawn_without_what_others_sent(of_all_kinds: DetourResult) -> None:
    hubs = figures_of(of_all_kinds)["hubs"]
    assert "Kyrgyzstan 1.06bn" in hubs.alt
    assert "90.0m" not in hubs.alt
    assert "What others sent through the hubs is not in it." in hubs.caption
    alone = replace(of_all_kinds, headline=replace(of_all_kinds.headline, relay_usd=0.0))
    assert "others" not in figures_of(alone)["hubs"].caption


def test_unseen_hubs_are_hollow(of_all_kinds: DetourResult) -> None:
    at = of_all_kinds.hubs.column_names.index("kind")
    for kind, is_hollow in (("unseen", True), ("declared", False), (None, False)):
        hubs = of_all_kinds.hubs.set_column(at, "kind", pa.array([kind, "declared"], pa.string()))
        caption = figures_of(replace(of_all_kinds, hubs=hubs))["hubs"].caption
        assert ("the hub's books do not show the goods arriving" in caption) == is_hollow


def test_figures_without_amounts_are_left_out(unidentified: DetourResult, empty: DetourResult) -> None:
    assert set(figures_of(unidentified)) == {"comparison", "time", "calibration"}
    assert set(figures_of(empty)) == {"comparison"}
    comparison = figures_of(unidentified)["comparison"]
    assert "No estimate is stated." in comparison.alt
    assert "1.26bn" not in comparison.alt


def test_specifications_load_nothing(result: DetourResult) -> None:
    text = json.dumps(time_chart(result, 720).to_dict())
    assert '"url"' not in text
