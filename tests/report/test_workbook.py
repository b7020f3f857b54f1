from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import openpyxl
import pyarrow as pa
import pytest

from entrepot.errors import OptionError
from entrepot.report import about_detours, write_table
from entrepot.report.workbook import MOST_ROWS
from entrepot.schema import DETOUR

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl import Workbook

    from entrepot.detect.result import DetourResult


@pytest.fixture(scope="module")
def book(result: DetourResult, tmp_path_factory: pytest.TempPathFactory) -> Workbook:
    out = tmp_path_factory.mktemp("book") / "out.xlsx"
    write_table(result.table, out, about=about_detours(result, sources=[]))
    return openpyxl.load_workbook(out)


def test_the_rows_read_back(book: Workbook, result: DetourResult) -> None:
    header, *rows = [[cell.value for cell in row] for row in book["data"].iter_rows()]
    assert header == list(DETOUR.columns)
    assert [dict(zip(header, row, strict=True)) for row in rows] == result.table.to_pylist()


def test_the_sheet_is_ready_to_use(book: Workbook) -> None:
    sheet = book["data"]
    assert book.sheetnames == ["data", "about", "columns"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:AD3"
    assert sheet["A1"].font.bold
    assert all(sheet.column_dimensions[cell.column_letter].width >= len(cell.value) for cell in sheet[1])


def test_no_number_is_in_scientific_notation(book: Workbook) -> None:
    formats = {
        book["data"].cell(1, cell.column).value: cell.number_format for cell in book["data"][2] if cell.value
    }
    assert formats["estimate_usd"] == formats["raw_increase_usd"] == "#,##0"
    assert formats["q_value"] == "0.0%"
    assert {formats[name] for name in ("origin", "hs_code", "status")} == {"General"}
    assert "General" not in {form for name, form in formats.items() if name.endswith("_usd")}


def test_amounts_about_a_search_can_be_calculated_with(book: Workbook, result: DetourResult) -> None:
    sheet = book["about"]
    about = {row[0].value: row[1] for row in sheet.iter_rows()}
    assert about["estimate_usd"].value == round(result.headline.estimate_usd)
    assert about["estimate_usd"].number_format == "#,##0"
    assert about["seed"].data_type == about["products"].data_type == "s"
    assert sheet.column_dimensions["A"].width >= max(map(len, about))
    assert book["data"].print_title_rows == "$1:$1"
    assert {one.page_setup.orientation for one in book} == {"landscape"}


def test_folded_texts_stand_in_rows_as_high_as_they(book: Workbook) -> None:
    for sheet, column in ((book["about"], "B"), (book["columns"], "D")):
        width = sheet.column_dimensions[column].width
        folded = [cell for cell in sheet[column] if len(str(cell.value)) > width]
        assert folded
        for cell in folded:
            assert sheet.row_dimensions[cell.row].height >= min(15 * len(cell.value) / width, 409)


def test_the_header_says_unit_and_meaning(book: Workbook) -> None:
    at = DETOUR.columns.index("estimate_usd") + 1
    note = book["data"].cell(1, at).comment.text
    assert "Unit: USD" in note
    assert "FOB" in note
    assert "Empty: not identified" in note


def test_the_sheet_about_says_what_was_asked(book: Workbook) -> None:
    about = {row[0].value: row[1].value for row in book["about"].iter_rows()}
    assert about["after"] == "2022-05:2023-12"
    assert about["valuation"] == "USD, FOB at the origin"
    assert about["estimate_usd"] == 1_260_000_000
    assert "90% interval 0.91–1.60bn" in about["headline"]
    assert (about["unseen_usd"], about["relay_usd (not in the estimate)"]) == (241_000_000, 80_000_000)
    assert about["what others sent"].endswith("That is not part of the total.")
    assert about["kinds"].startswith("Declared: published books show the goods going on")
    assert about["made by"].startswith("entrepot ")


def test_every_column_is_explained(book: Workbook) -> None:
    rows = {row[0].value: [cell.value for cell in row] for row in book["columns"].iter_rows(min_row=2)}
    assert list(rows) == list(DETOUR.columns)
    assert rows["estimate_usd"][2] == "USD"
    assert "onward_unobserved" in rows["kind"][3]


def test_texts_are_texts_and_never_formulas(tmp_path: Path) -> None:
    texts = ["=1+1", "@sum", "https://example.org", "'=1", None, "plain"]
    table = pa.table({"origin": pa.array(texts), "hs_code": ["010121"] * 6})
    write_table(table, tmp_path / "out.xlsx", about={"=cmd": "=1+1"})
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    cells = [row[0] for row in book["data"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == ["'=1+1", "'@sum", "https://example.org", "'=1", None, "plain"]
    assert not any(cell.hyperlink for cell in cells)
    every = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in every if cell.value is not None} == {"s"}


def test_dates_and_large_numbers_keep_their_type(tmp_path: Path) -> None:
    table = pa.table(
        {
            "vintage": pa.array([date(2023, 1, 31), None]),
            "ingested_at": pa.array(
                [datetime(2023, 1, 31, 23, 59, tzinfo=UTC), None], pa.timestamp("us", "UTC")
            ),
            "year": pa.array([2023, None], pa.int32()),
            "value_usd": [9.87654321e14, None],
            "is_aggregate": [True, None],
        }
    )
    write_table(table, tmp_path / "out.xlsx", about={})
    row, nulls = openpyxl.load_workbook(tmp_path / "out.xlsx")["data"].iter_rows(min_row=2, max_row=3)
    assert row[0].value.date() == date(2023, 1, 31)
    assert row[1].value == datetime(2023, 1, 31, 23, 59)  # noqa: DTZ001  (Excel knows no zone)
    assert (row[2].value, row[2].number_format) == (2023, "0")
    assert (row[3].value, row[3].number_format) == (9.87654321e14, "#,##0")
    assert row[4].value is True
    assert [cell.value for cell in nulls] == [None] * 5


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path) -> None:
    table = pa.table({"x": pa.nulls(MOST_ROWS + 1, pa.float64())})
    with pytest.raises(OptionError, match="1,048,576 rows") as caught:
        write_table(table, tmp_path / "out.xlsx", about={})
    assert ".parquet" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_text_longer_than_a_cell_is_refused_but_the_record_is_cut(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="40,000 characters"):
        write_table(pa.table({"x": ["y" * 40_000]}), tmp_path / "out.xlsx", about={})
    write_table(pa.table({"x": ["y"]}), tmp_path / "out.xlsx", about={"files": "y" * 40_000})
    kept = openpyxl.load_workbook(tmp_path / "out.xlsx")["about"]["B1"].value
    assert len(kept) == 32_767
    assert kept.endswith("…")
