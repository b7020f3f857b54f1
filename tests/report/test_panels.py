"""Slopes, bumps, parts, small multiples, heat maps: what is on them, what a null is, what is refused."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pytest

from entrepot.errors import OptionError
from entrepot.report.charts import svg
from entrepot.report.drawing import Caption
from entrepot.report.measured import measure_chart
from entrepot.report.panels import heat_chart, multiples_chart, parts_chart, slope_chart

CAPTION = Caption(
    title="Sold to Russia and its neighbours",
    subtitle="US dollars; exporters' reports, FOB",
    footer="Source: the office, vintage of 2025-01-09.",
)


def rows(*names: str, last: int = 2023, hole: tuple[str, str] | None = None):
    found = [
        {
            "period": str(t),
            "series": n,
            "value": 1e9 * (k + 1) * (t - 2019),
            "figure": f"{(k + 1) * (t - 2019)}bn",
        }
        for k, n in enumerate(names)
        for t in range(2020, last + 1)
    ]
    return [row | ({"value": None} if (row["series"], row["period"]) == hole else {}) for row in found]


def texts(chart) -> str:
    return re.sub(r"<[^>]+>", " ", svg(chart))


def values(chart) -> list[dict]:
    """Return all rows of data that a chart holds."""
    spec = json.loads(json.dumps(chart.to_dict()))
    return [row for rows in spec["datasets"].values() for row in rows]


@pytest.mark.parametrize("draw", [slope_chart, parts_chart, multiples_chart, heat_chart])
def test_every_kind_bears_names_valuation_and_source(draw) -> None:
    said = texts(draw(rows("Russia", "Kyrgyzstan", "Kazakhstan"), CAPTION))
    for word in ("Russia", "Kyrgyzstan", "Kazakhstan", "FOB", "vintage of 2025-01-09", "Sold to Russia"):
        assert word in said


def test_a_slope_sets_the_first_beside_the_last_and_keeps_names_apart() -> None:
    chart = slope_chart(rows("A", "B", "C", "D"), CAPTION)
    assert {row["period"] for row in values(chart)} == {"2020", "2023"}
    said = texts(chart)
    assert "4bn" in said
    assert "16bn" in said
    near = [
        {"period": t, "series": n, "value": v, "figure": ""}
        for t in ("2020", "2023")
        for n, v in (("A", 1.0), ("B", 1.01), ("C", 50.0))
    ]
    placed = sorted(
        {row["label_at"] for row in values(slope_chart(near, CAPTION)) if row["period"] == "2020"}
    )
    assert placed[1] - placed[0] > 2.0, "a twentieth of the axis"


def test_a_slope_without_two_ends_is_refused() -> None:
    with pytest.raises(OptionError, match="no series has a figure in both"):
        slope_chart(rows("A", hole=("A", "2020"))[:2], CAPTION)
    only = slope_chart(rows("A", "B", hole=("B", "2023")), CAPTION)
    assert {row["series"] for row in values(only)} == {"A"}


def test_parts_begin_with_what_goes_direct_and_star_what_lacks_one() -> None:
    whole = parts_chart(rows("Kyrgyzstan", "Russia", "Kazakhstan"), CAPTION, first="Russia")
    order = {row["series"]: row["order"] for row in values(whole) if "order" in row}
    assert order["Russia"] == 0
    assert order["Kazakhstan"] < order["Kyrgyzstan"], "then the largest"
    assert "has no figure" not in texts(whole)
    holed = parts_chart(rows("Kyrgyzstan", "Russia", hole=("Russia", "2022")), CAPTION)
    assert "has no figure" in texts(holed)
    assert [row["period"] for row in values(holed) if "sum" in row] == ["2022"]


def test_multiples_set_each_before_the_others_on_one_axis() -> None:
    chart = multiples_chart(rows("A", "B", "C", "D"), CAPTION)
    spec = json.dumps(chart.to_dict())
    assert '"y": "shared"' in spec
    own = json.dumps(multiples_chart(rows("A", "B"), CAPTION, is_shared=False).to_dict())
    assert '"y": "independent"' in own
    with pytest.raises(OptionError, match="25 series"):
        multiples_chart(rows(*[f"s{k}" for k in range(25)]), CAPTION)


def test_a_heat_map_parts_growth_at_nothing_and_dashes_what_is_null() -> None:
    growth = [
        {"period": "2023", "series": n, "value": v, "figure": f"{v}"} for n, v in (("A", 0.5), ("B", -0.2))
    ]
    spec = json.dumps(
        heat_chart([*growth, growth[0] | {"series": "C", "value": None}], CAPTION, unit="growth").to_dict()
    )
    assert '"domainMid": 0' in spec
    assert '"domain": [-0.5, 0.5]' in spec
    assert "–" in texts(
        heat_chart([*growth, growth[0] | {"series": "C", "value": None}], CAPTION, unit="growth")
    )
    with pytest.raises(OptionError, match="no heat map"):
        heat_chart(
            [{"period": str(t), "series": str(k), "value": 1.0} for t in range(50) for k in range(40)],
            CAPTION,
        )


def test_kinds_that_do_not_fit_a_measure_are_refused() -> None:
    shares = pa.table(
        {"importer": ["RUS"] * 2, "exporter": ["CHN", "DEU"], "period": ["2023"] * 2, "share": [0.6, 0.4]}
    )
    for kind in ("bump", "parts", "slope"):
        with pytest.raises(OptionError):
            measure_chart(shares, "share", CAPTION, kind=kind)
    assert "China" in texts(measure_chart(shares, "share", CAPTION, kind="heat"))


def test_a_heat_map_dashes_a_period_without_a_row_and_a_slope_names_who_is_not_drawn() -> None:
    holed = rows("Kyrgyzstan", "Russia", hole=("Russia", "2022"))
    whole = rows("Kyrgyzstan", "Russia")
    without = [row for row in holed if row["value"] is not None]
    assert texts(heat_chart(without, CAPTION)).count("–") == texts(heat_chart(whole, CAPTION)).count("–") + 1
    last = max(row["period"] for row in whole)
    early = [row for row in whole if (row["series"], row["period"]) != ("Russia", last)]
    assert "Without a figure in both: Russia." in texts(slope_chart(early, CAPTION))
