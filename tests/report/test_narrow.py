from __future__ import annotations

import io

import pytest
from rich.console import Console

from entrepot.report.narrow import fitted_table

HEADINGS = ("flow", "month", "level", "ratio")
ROWS = [("Switzerland to Lesotho, 960329 and others", "2021-11", "1,234,567", "0.22")]


def printed(width: int) -> str:
    file = io.StringIO()
    grid = fitted_table(HEADINGS, ROWS, width=width, optional=(2, 3))
    Console(file=file, width=width).print(grid)
    return file.getvalue()


def test_everything_stands_on_a_wide_terminal() -> None:
    assert all(cell in printed(120) for cell in (*HEADINGS, *ROWS[0]))


@pytest.mark.parametrize("width", [36, 40, 50, 60, 80])
def test_a_figure_is_whole_or_not_there(width: int) -> None:
    text = printed(width)
    assert "2021-11" in text
    assert ("1,234,567" in text) == ("level" in text)
    assert ("0.22" in text) == ("ratio" in text)


def test_the_first_optional_column_goes_first() -> None:
    assert "1,234,567" not in printed(45)
    assert "0.22" in printed(45)
