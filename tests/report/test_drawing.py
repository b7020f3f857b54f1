"""Charts for print: what is on them, what is refused, and that every form is written whole."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pyarrow as pa
import pytest

from entrepot.errors import OptionError
from entrepot.report.charts import svg
from entrepot.report.drawing import Caption, bars_chart, lines_chart, stack_chart, write_chart
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
