"""Charts for print: what is on them, what is refused, and that every form is written whole."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pyarrow as pa
import pytest

from entrepot.errors import OptionError
from entrepot.report.charts import svg
from entrepot.report.drawing import (
    Caption,
    bars_chart,
    kept_apart,
    lines_chart,
    stack_chart,
    with_gaps,
    write_chart,
)
from entrepot.report.measured import measure_chart

CAPTION = Caption(
    title="Shares of suppliers in the imports of a country with a very long name, by year and by supplier",
    subtitle="all goods; US dollars; CIF as published",
    footer="Source: the statistical office, vintage of 2025-01-09; own calculation. " * 3,
)


def series(*names: str, unit: float = 1.0):
    return [
        {"period": str(year), "series": name, "value": unit * (place + 1) * (year - 2015)}
        for place, name in enumerate(names)
        for year in range(2016, 2022)
    ]


def texts(chart) -> str:
    return re.sub(r"<[^>]+>", " ", svg(chart))


def test_lines_carry_their_names_title_unit_and_source() -> None:
    drawn = texts(lines_chart(series("China", "Germany", unit=1e9), CAPTION))
    for word in (
        "China",
        "Germany",
        "CIF as published",
        "Source: the statistical office",
        "bn",
        "2016",
        "2021",
    ):
        assert word in drawn


def test_names_at_the_ends_do_not_cover_each_other() -> None:
    rows = [{"period": "2020", "series": name, "value": 100.0 + k / 10} for k, name in enumerate("ABCD")]
    rows += [{"period": "2019", "series": "A", "value": 0.0}]
    found = re.findall(r'"label_at": ([\d.]+)', json.dumps(lines_chart(rows, CAPTION).to_dict()))
    placed = sorted(map(float, found))
    assert len(placed) == 4
    assert all(later - earlier >= 4.9 for earlier, later in pairwise(placed))


def test_events_stand_at_their_month() -> None:
    rows = [{"period": f"2022-{month:02d}", "series": "A", "value": float(month)} for month in range(1, 13)]
    drawn = texts(lines_chart(rows, CAPTION, events=[("2022-03", "export bans")]))
    assert "export bans" in drawn


def test_words_of_events_stand_above_the_frame_where_no_line_crosses_them() -> None:
    rows = [{"period": f"2022-{month:02d}", "series": "A", "value": float(month)} for month in range(1, 13)]
    events = [("2022-11", "late"), ("2022-03", "early")]
    spec = lines_chart(rows, CAPTION, events=events).to_dict()
    words = {}
    for layer in spec["vconcat"][0]["layer"]:
        first = (layer["data"].get("values") or spec["datasets"][layer["data"]["name"]])[0]
        if layer["mark"]["type"] == "text" and "word" in first:
            words[first["word"]] = (layer["mark"]["align"], layer["encoding"]["y"]["value"])
    assert set(words) == {"early", "late"}
    assert words["late"][0] == "right"  # or it would run out of the chart
    assert words["early"][0] == "left"
    assert words["early"][1] < words["late"][1] < 0  # a line each, the first at the top


def test_months_of_stacks_are_written_as_those_of_lines() -> None:
    rows = [{"period": p, "series": "A", "value": 1.0} for p in ("2022-01", "2022-02")]
    assert "Jan 2022" in texts(stack_chart(rows, CAPTION))
    years = [{"period": p, "series": "A", "value": 1.0} for p in ("2021", "2022")]
    assert "2021" in texts(stack_chart(years, CAPTION))


def test_the_first_rank_is_at_the_top() -> None:
    rows = [
        {"period": str(y), "series": n, "value": v} for y in (2020, 2021) for n, v in (("A", 1), ("B", 15))
    ]
    chart = lines_chart(rows, CAPTION, unit="rank", is_rank=True)
    spec = json.dumps(chart.to_dict())
    assert '"reverse": true' in spec
    assert re.search(r"\b15\b", texts(chart))


def test_a_stack_and_bars_name_their_parts() -> None:
    assert "Germany" in texts(stack_chart(series("China", "Germany"), CAPTION))
    bars = [
        {"label": "Belarus", "series": "2021", "value": 5.0, "figure": "5"},
        {"label": "Belarus", "series": "2023", "value": -2.0, "figure": "−2"},
    ]
    drawn = texts(bars_chart(bars, CAPTION))
    for word in ("Belarus", "2021", "2023", "−2"):
        assert word in drawn


@pytest.mark.parametrize("kind", [lines_chart, stack_chart])
def test_nothing_and_too_much_are_refused(kind) -> None:
    with pytest.raises(OptionError, match="nothing to draw"):
        kind([], CAPTION)
    with pytest.raises(OptionError, match="too many"):
        kind(series(*[f"S{k}" for k in range(9)]), CAPTION)


def test_every_form_is_written_whole(tmp_path) -> None:
    chart = lines_chart(series("China"), CAPTION)
    for suffix in (".svg", ".png", ".json"):
        write_chart(chart, tmp_path / f"chart{suffix}")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "chart.svg").read_text(encoding="utf-8").startswith("<svg")
    assert json.loads((tmp_path / "chart.json").read_text(encoding="utf-8"))["vconcat"]
    with pytest.raises(OptionError):
        write_chart(chart, tmp_path / "chart.pdf")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_composition_folds_small_parts_and_refuses_two_wholes() -> None:
    titles = [f"part {k:02d}" for k in range(12)]
    table = pa.table(
        {
            "period": ["2022"] * 12, "category": [str(k) for k in range(12)], "title": titles,
            "value_usd": [float(k + 1) for k in range(12)], "share": [(k + 1) / 78 for k in range(12)],
        }
    )  # fmt: skip
    drawn = texts(measure_chart(table, "composition", CAPTION))
    assert "part 11" in drawn
    assert "all others" in drawn
    assert "part 00" not in drawn
    two = table.append_column("importer", pa.array(["KGZ"] * 6 + ["KAZ"] * 6))
    with pytest.raises(OptionError, match="one whole"):
        measure_chart(two, "composition", CAPTION)


def test_no_line_bridges_a_hole_and_one_that_ends_early_says_when() -> None:
    rows = [{"period": f"2022-{m:02d}", "series": "A", "value": 1.0} for m in (1, 2, 5, 6)]
    rows += [{"period": f"2022-{m:02d}", "series": "B", "value": 2.0} for m in (1, 2, 3)]
    assert [(row["series"], row["period"], row["value"]) for row in with_gaps(rows)] == [
        *[("A", f"2022-{m:02d}", None if m in (3, 4) else 1.0) for m in range(1, 7)],
        *[("B", f"2022-{m:02d}", 2.0 if m < 4 else None) for m in range(1, 7)],
    ]
    drawn = texts(lines_chart(rows, CAPTION))
    assert "B (to 2022-03)" in drawn
    assert "A (to" not in drawn


def test_names_stay_near_their_lines() -> None:
    """Four names close together stand around their mean, not above the highest of them."""
    ends = [{"series": name, "value": 50.0 + k} for k, name in enumerate("ABCD")]
    placed = [row["label_at"] for row in kept_apart(ends, [*ends, {"value": 0.0}, {"value": 100.0}])]
    assert placed == pytest.approx([44.0, 49.0, 54.0, 59.0])
    low = [{"series": name, "value": 0.1 * k} for k, name in enumerate("ABC")]
    assert kept_apart(low, [*low, {"value": 100.0}])[0]["label_at"] == 0.0, (
        "the axis does not go below nothing"
    )


def test_small_index_numbers_are_told_apart_on_the_axis() -> None:
    rows = [{"period": str(2016 + k), "series": "A", "value": 0.07 + 0.03 * k} for k in range(6)]
    drawn = texts(lines_chart(rows, CAPTION, unit="number"))
    assert "0.05" in drawn
    assert "0.15" in drawn


def test_what_has_no_figure_and_what_is_left_out_is_said() -> None:
    table = pa.table(
        {
            "exporter": ["CHN", "CHN", "DEU", "DEU"],
            "period": ["2021", "2022"] * 2,
            "value_usd": [1.0, 2.0, None, None],
        }
    )
    assert "No figure: Germany." in texts(measure_chart(table, "total", CAPTION))
    many = pa.table(
        {"exporter": [f"X{k:02d}" for k in range(30)], "change_value_usd": [float(k + 1) for k in range(30)]}
    )
    assert "The 24 largest of 30." in texts(measure_chart(many, "margins", CAPTION))


def test_events_are_drawn_on_lines_and_nowhere_else() -> None:
    table = pa.table({"exporter": ["CHN"] * 3, "period": ["2021", "2022", "2023"], "growth": [0.1, 0.2, 0.3]})
    assert "export bans" in texts(
        measure_chart(table, "growth", CAPTION, events=[("2022-03", "export bans")])
    )
    for period, kind, word in (
        ("2022-03", "heat", "lines over time"),
        ("2030", "own", "outside of what is drawn"),
    ):
        with pytest.raises(OptionError, match=word):
            measure_chart(table, "growth", CAPTION, kind=kind, events=[(period, "x")])
