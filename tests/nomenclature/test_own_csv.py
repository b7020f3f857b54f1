"""Small CSV files of users: what a row is, and on which line it stands."""

from __future__ import annotations

import pytest

from entrepot.errors import InputFileError
from entrepot.nomenclature.own_csv import read_own_csv


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_come_with_their_lines_and_without_spaces(separator: str) -> None:
    text = f'code{separator}title\n\n 8542 {separator}"chips"\n'
    header, rows = read_own_csv(text, where="list.csv")
    assert header == ["code", "title"]
    assert rows == [(3, ["8542", "chips"])]


def test_a_quoted_text_may_hold_separators_and_lines() -> None:
    _, rows = read_own_csv('code,title\n8542,"chips,\nmemories"\n8471,x\n', where="list.csv")
    assert rows == [(3, ["8542", "chips,\nmemories"]), (4, ["8471", "x"])]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("code,title\n8542\n", "1 cells where the header has 2"),
        ("code,title\n8542,a,b\n", "3 cells where the header has 2"),
        (f'code,title\n8542,"{"x" * 200_000}\n', "cannot be split"),
    ],
)
def test_what_is_no_row_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(InputFileError, match=says) as caught:
        read_own_csv(text, where="list.csv")
    assert "list.csv, line 2" in str(caught.value.where)


def test_nothing_has_no_header_and_no_row() -> None:
    assert read_own_csv("", where="list.csv") == ([], [])
