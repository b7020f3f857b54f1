"""Every case runs to its chart where the data that it asks for are there: made-up files of just those."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from entrepot.measures.spans import parse_window
from entrepot.pipeline import ingest
from entrepot.pipeline.cases import case_names, find_case, missing_data, run_case
from entrepot.report import case_chart
from entrepot.report.charts import svg
from entrepot.sources.csv_mapping import MappedTable
from entrepot.store import Lake

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = """
id = "made_up"
title = "made up"
[columns]
reporter = "r"
partner = "p"
flow = "f"
period = "t"
product = "k"
value = "v"
quantity = "q"
[constants]
quantity_unit = "u"
currency = "USD"
hs_revision = "HS2017"
"""
PARTNERS = ("RUS", "CHN", "KAZ", "KGZ", "UZB", "BLR", "ARM", "TJK", "GEO", "DEU", "SAU", "USA")
#: Six-digit codes below what a need states in fewer.
BELOW = {
    "84": "847150", "85": "853400", "87": "870423", "27": "270900", "2709": "270900", "8708": "870899",
    "8541": "854110", "8542": "854231", "8517": "851762", "8471": "847150", "8429": "842951",
}  # fmt: skip


def every(first: str, length: int) -> list[str]:
    if len(first) == 4:
        return [str(int(first) + k) for k in range(length)]
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(start, start + length)]


def lake_with(case, folder: Path) -> Lake:
    """Return a lake of what a case needs, and of nothing else; values grow with the place and the time."""
    rows = {}
    for need in case.needs:
        window = parse_window(need.periods, option="periods")
        for reporter in need.reporters:
            for place, partner in enumerate(p for p in PARTNERS if p != reporter):
                for step, period in enumerate(every(window.first, window.length)):
                    for product in need.products:
                        code = BELOW.get(product, product)
                        key = (reporter, partner, need.flow, period, code)
                        rows[key] = 1e6 * (place + 1) * (step + 2)
    (folder / "made_up.toml").write_text(MAPPING, encoding="utf-8")
    with (folder / "trade.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["r", "p", "f", "t", "k", "v", "q"])
        writer.writerows([*key, value, value / 1e4] for key, value in rows.items())
    source = MappedTable.from_toml(folder / "made_up.toml")
    assert ingest(source, [folder / "trade.csv"], lake=folder / "lake").failed == ()
    return Lake.open(folder / "lake")


@pytest.mark.parametrize("name", [name for name in case_names() if find_case(name).needs])
def test_a_case_with_its_data_runs_to_its_chart(name, tmp_path) -> None:
    case = find_case(name)
    lake = lake_with(case, tmp_path)
    assert missing_data(case, lake) == ()
    result = run_case(case, lake)
    assert set(result.tables) == {call.id for call in case.calls}
    assert result.tables[case.chart].num_rows
    for one in result.compared:
        if one.figure.calls:
            assert one.computed is not None, one.figure.id
            named = {"agrees", "differs"} if one.figure.value is not None else {"nothing published"}
            assert one.verdict in named
        else:
            assert one.verdict == ("not computed" if case.is_target else "not compared")
    drawn = svg(case_chart(case.model_dump(), result.table, result.tables, footer="Source: made up"))
    assert "Source: made up" in drawn


@pytest.mark.parametrize(("is_least", "verdicts"), [(True, ["agrees", "differs"]), (False, ["differs"] * 2)])
def test_more_than_agrees_with_more_and_not_with_less(is_least, verdicts, tmp_path) -> None:
    case = find_case("C7")
    lake = lake_with(case, tmp_path)
    found = {one.figure.id: one.computed for one in run_case(case, lake).compared}
    figure = next(one for one in case.figures if one.id == "trucks_2023")
    for published, verdict in zip((0.5, 2.0), verdicts, strict=True):
        changed = figure.model_copy(update={"value": found["trucks_2023"] * published, "is_least": is_least})
        result = run_case(case.model_copy(update={"figures": (changed,), "headline": ""}), lake)
        assert [one.verdict for one in result.compared] == [verdict]
