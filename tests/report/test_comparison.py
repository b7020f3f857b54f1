"""Two vintages on the terminal: what was published and moved comes before what is new."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from rich.console import Console

from entrepot.report.comparison import hub_table, print_changes
from entrepot.schema import CHANGE, MOVED

if TYPE_CHECKING:
    from entrepot.detect.result import DetourResult

_KEYS = {"source": "comtrade", "reporter": "DEU", "flow": "export", "frequency": "M"}
_CELLS = {"cells_added": 0, "cells_removed": 0, "cells_revised": 1}


def page(period: str, goods: tuple[Any, Any], total: tuple[Any, Any], gross: float) -> dict[str, Any]:
    before = {"goods_before_usd": goods[0], "total_before_usd": total[0]}
    after = {"goods_after_usd": goods[1], "total_after_usd": total[1]}
    return {**_KEYS, **_CELLS, "period": period, "gross_usd": gross, **before, **after}


def printed(*pages: dict[str, Any], width: int = 80, most: int = 25) -> list[str]:
    out = io.StringIO()
    moved = pa.Table.from_pylist(list(pages), schema=MOVED.arrow_schema())
    changes = CHANGE.arrow_schema().empty_table()
    print_changes(changes, moved, Console(file=out, width=width, highlight=False), most=most)
    return out.getvalue().splitlines()


REVISED = page("2022-05", (665e6, 736e6), (1.85e9, 1.97e9), 71e6)
SMALL = page("2022-06", (100e6, 99.95e6), (300e6, 300e6), 0.05e6)
NEW = page("2022-11", (None, 900e6), (None, 2e9), 900e6)


def test_a_revision_stands_before_a_new_period_and_shows_both_figures() -> None:
    lines = printed(SMALL, NEW, REVISED)
    assert "3 published figures of reporters moved: goods +70,950,000 USD net, 71,050,000" in lines[1]
    assert any(
        "1 book of a period published for the first time (2022-11): goods 900,000,000" in li for li in lines
    )
    rows = [line.split() for line in lines if line.startswith("DEU")]
    assert rows == [
        ["DEU", "export", "2022-05", "goods", "665m", "736m", "+71.0m", "+10.7%"],
        ["DEU", "export", "2022-05", "total", "1.85bn", "1.97bn", "+120m", "+6.5%"],
        ["DEU", "export", "2022-06", "goods", "100m", "100m", "-50.0k", "-0.05%"],
    ]


def test_where_only_new_periods_came_no_figure_moved() -> None:
    lines = " ".join(printed(NEW))
    assert "published for the first time" in lines
    assert "reporters moved" not in lines


@pytest.mark.parametrize(
    ("goods", "gross", "shown"),
    [
        ((1e9, 1e9 + 1e-3), 1e-3, False),  # the order in which parts were added
        ((1e9, 1e9), 5e6, True),  # partners moved, their sum did not
        ((1e9, None), 1e9, True),
        ((1e9, 1e9), 0.0, False),  # weights alone
    ],
)
def test_what_moved(*, goods: tuple[Any, Any], gross: float, shown: bool) -> None:
    lines = printed(page("2022-05", goods, (None, None), gross))
    assert any(line.startswith("DEU") for line in lines) is shown


def test_what_is_left_names_the_option_that_writes_it() -> None:
    assert "--moved FILE writes them" in printed(REVISED, SMALL, most=1)[-1]


def test_hubs_stand_side_by_side(result: DetourResult) -> None:
    hubs = result.hubs
    assert hubs.num_rows > 1
    gone = replace(result, hubs=hubs.slice(1))
    table = hub_table(result, gone).to_pylist()
    assert {row["hub"] for row in table} == {*hubs["hub"].to_pylist()}
    lost = next(row for row in table if row["hub"] == hubs["hub"][0].as_py())
    assert lost["early_estimate_usd"] == hubs["estimate_usd"][0].as_py()
    assert lost["late_estimate_usd"] is None
    assert table[0] == lost  # nothing else moved
