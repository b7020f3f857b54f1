"""US Census Bureau: arrays of arrays and tables, which of the values counts, and what repeats what."""

# ruff: noqa: E501  (tables of cases: one case stands on one line)

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from entrepot.errors import EmptyFileError, HeaderError, InputFileError, OptionError, TruncatedFileError
from entrepot.pipeline import ingest
from entrepot.schema import FlowKind
from entrepot.sources.base import Stated
from entrepot.sources.registry import open_source
from entrepot.sources.us_census import UsCensusSource

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = UsCensusSource()
SAMPLES = Path(str(files("entrepot.sources.us_census"))) / "samples"
IMPORT = {
    "CTY_CODE": "4635", "CTY_NAME": "KYRGYZSTAN", "I_COMMODITY": "8542310001", "GEN_VAL_MO": "12000",
    "GEN_QY1_MO": "40", "UNIT_QY1": "NO", "time": "2024-03",
}  # fmt: skip
EXPORT = {"CTY_CODE": "5200", "E_COMMODITY": "847130", "ALL_VAL_MO": "5", "time": "2024-03"}


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes rows as the API answers."""

    def _answer(*rows: dict[str, Any]) -> Path:
        path = tmp_path / "answer.json"
        path.write_text(json.dumps([list(rows[0]), *(list(row.values()) for row in rows)]), encoding="utf-8")
        return path

    return _answer


def test_imports(judge_file) -> None:
    found = judge_file(SOURCE, SAMPLES / "imports.json")
    assert (found.staged, found.faults, found.layout.id) == (4, [], "api-general-imports")
    row = found.good[0]
    expected = {
        "reporter": "USA", "partner": "KGZ", "partner_concept": "origin", "flow": "import", "period": "2024-03",
        "hs_code": "854231", "hs_level": 10, "national_code": "8542310001", "hs_revision": "HS2022",
        "primary_value_usd": 12_000.0, "valuation": "fob", "quantity": 40.0, "quantity_unit": "u", "role": "leaf",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert [(row["partner"], row["role"]) for row in found.good] == [
        ("KGZ", "leaf"), ("CHN", "leaf"), ("XEU", "aggregate"), ("XWD", "aggregate"),
    ]  # fmt: skip


def test_exports_of_domestic_and_foreign_goods_are_flows_of_their_own(judge_file) -> None:
    found = judge_file(SOURCE, SAMPLES / "exports.json")
    assert {row["flow"]: row["primary_value_usd"] for row in found.good} == {
        "export": 50_000.0, "domestic_export": 30_000.0, "re_export": 20_000.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "layout", "value", "valuation"),
    [
        ({"GEN_VAL_MO": "1", "GEN_CIF_MO": "2", "CON_VAL_MO": "3"}, "general-imports", 1.0, "fob"),
        ({"GEN_CIF_MO": "2", "CON_VAL_MO": "3"}, "general-imports-cif", 2.0, "cif"),
        ({"CON_VAL_MO": "3", "CON_CIF_MO": "4", "GEN_VAL_YR": "9"}, "consumption-imports", 3.0, "fob"),
        ({"CON_CIF_MO": "4"}, "consumption-imports-cif", 4.0, "cif"),
    ],
)  # fmt: skip
def test_which_value_counts(columns, layout: str, value: float, valuation: str, answer, judge_file) -> None:
    row = {name: text for name, text in IMPORT.items() if name != "GEN_VAL_MO"} | columns
    found = judge_file(SOURCE, answer(row))
    assert found.layout.id == f"api-{layout}"
    assert [(r["primary_value_usd"], r["valuation"]) for r in found.good] == [(value, valuation)]


def test_a_sum_since_january_is_a_year_only_in_december(answer, judge_file) -> None:
    row = {"CTY_CODE": "5200", "E_COMMODITY": "84", "ALL_VAL_YR": "70", "YEAR": "2023", "MONTH": "12"}
    found = judge_file(SOURCE, answer(row, row | {"MONTH": "5", "CTY_CODE": "5700"}))
    assert [(r["period"], r["frequency"], r["primary_value_usd"]) for r in found.good] == [
        ("2023", "A", 70.0)
    ]
    assert found.faults == [(2, "bad_period", "MONTH 2023-05 to date")]


def test_weights_and_quantities(answer, judge_file) -> None:
    second = {"GEN_QY2_MO": "7", "UNIT_QY2": "KG"}
    found = judge_file(
        SOURCE, answer(IMPORT | second, IMPORT | {"CTY_CODE": "5700"} | {"UNIT_QY1": "-", **second})
    )
    assert [(r["net_weight_kg"], r["quantity"], r["quantity_unit"]) for r in found.good] == [
        (7.0, 40.0, "u"), (7.0, None, None),
    ]  # fmt: skip


def test_districts_repeat_their_total_or_make_it(answer, judge_file) -> None:
    rows = [
        EXPORT | {"DISTRICT": district, "ALL_VAL_MO": value}
        for district, value in (("-", "9"), ("01", "5"), ("10", "4"))
    ]
    found = judge_file(SOURCE, answer(*rows))
    assert [(r["role"], r["primary_value_usd"], r["detail"]) for r in found.rows] == [
        ("leaf", 9.0, None), ("breakdown", 5.0, "district 01"), ("breakdown", 4.0, "district 10"),
    ]  # fmt: skip
    found = judge_file(SOURCE, answer(*rows[1:]))
    assert [(r["role"], r["primary_value_usd"], r["parts"]) for r in found.rows] == [("leaf", 9.0, 2)]


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"CTY_CODE": "0014", "CTY_NAME": "PACIFIC RIM"}, "unknown_area", "CTY_CODE 0014 PACIFIC RIM"),
        ({"CTY_CODE": "9999"}, "unknown_area", "CTY_CODE 9999 KYRGYZSTAN"),
        ({"I_COMMODITY": "101210010"}, "unknown_hs_code", "I_COMMODITY 101210010"),
        ({"time": "2024"}, "bad_period", "time 2024"),
        ({"GEN_VAL_MO": None}, "missing_value", "GEN_VAL_MO is empty"),
        ({"GEN_VAL_MO": "1,200"}, "bad_number", "GEN_VAL_MO 1,200"),
        ({"GEN_VAL_MO": "-1"}, "negative_value", "GEN_VAL_MO -1"),
        ({"GEN_VAL_MO": "1e15"}, "absurd_value", "GEN_VAL_MO 1e15"),
        ({"GEN_QY1_MO": "many"}, "bad_number", "GEN_QY1_MO many"),
    ],
)  # fmt: skip
def test_bad_rows(changes: dict[str, str | None], reason: str, detail: str, answer, judge_file) -> None:
    found = judge_file(SOURCE, answer(IMPORT | changes, IMPORT | {"CTY_CODE": "5700"}))
    assert found.faults == [(1, reason, detail)]
    assert [row["partner"] for row in found.good] == ["CHN"]


def test_an_unknown_origin_of_goods(answer, judge_file) -> None:
    assert judge_file(SOURCE, answer(EXPORT | {"DF": "3"})).faults == [(1, "unknown_flow", "DF EXPORT 3")]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_answers_that_users_save_as_a_table(form: str, tmp_path: Path, judge_file) -> None:
    table = pa.Table.from_pylist([IMPORT, IMPORT | {"CTY_CODE": "5700"}])
    path = tmp_path / f"saved.{form}"
    pa_csv.write_csv(table, path) if form == "csv" else pq.write_table(table, path)
    found = judge_file(SOURCE, path)
    assert found.layout.id == "table-general-imports"
    assert [row["partner"] for row in found.good] == ["KGZ", "CHN"]


@pytest.mark.parametrize(
    ("text", "error", "what"),
    [
        ("", EmptyFileError, "204"),
        ('{"error": "unknown variable"}', InputFileError, "no array of arrays"),
        ("error: unknown variable 'GEN_VAL'", HeaderError, "no header"),
        ("<html>The resource</html>", InputFileError, "HTML"),
        ('[["CTY_CODE","I_COMM', TruncatedFileError, "first row"),
        ('[["CTY_CODE","I_COMMODITY","GEN_VAL_MO","time"]]', EmptyFileError, "no row"),
        ('[["CTY_CODE","I_COMMODITY","time"],["1","2","3"]]', HeaderError, "the value"),
        ('[["CTY_CODE","I_COMMODITY","ALL_VAL_MO","time"],["1","2","3","4"]]', HeaderError, "no value of imports"),
        ('[["CTY_CODE","I_COMMODITY","E_COMMODITY","ALL_VAL_MO","time"],["1","2","3","4","5"]]', HeaderError, "of exports"),
        ('[["CTY_CODE","I_COMMODITY","GEN_VAL_MO","MONTH"],["1","2","3","4"]]', HeaderError, "without YEAR"),
        ("[[1, 2], [3, 4]]", HeaderError, "no names"),
        ("[[],[]]", HeaderError, "no names"),
    ],
)  # fmt: skip
def test_what_is_no_answer(text: str, error: type[Exception], what: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        SOURCE.recognise(path)
    assert what in caught.value.what


@pytest.mark.parametrize(
    ("text", "error", "what"),
    [
        ('[{names},["4635","84","5","2024-03"],["4635",', TruncatedFileError, "breaks after 1 objects"),
        ('[{names},["4635","84","5"]]', InputFileError, "row 1 has 3 values"),
        ('[{names},"4635"]', InputFileError, "row 1 has str"),
    ],
)  # fmt: skip
def test_an_answer_that_is_damaged(text: str, error: type[Exception], what: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(
        text.replace("{names}", '["CTY_CODE","E_COMMODITY","ALL_VAL_MO","time"]'), encoding="utf-8"
    )
    (report,) = ingest(SOURCE, [path], lake=tmp_path / "lake").files
    assert isinstance(report.error, error)
    assert what in report.error.what


def test_the_files_say_their_flow() -> None:
    with pytest.raises(OptionError, match="say their own flow"):
        open_source("us_census", Stated(FlowKind.IMPORT))


@pytest.mark.realdata
def test_real_imports_by_hs10_and_country(realdata: Path, tmp_path: Path, judge_file) -> None:
    """The researchers' table of 2024 in the API's columns: sums equal to an independent computation."""
    frame = pd.read_parquet(realdata / "us-census-hs10" / "us_imports_2024_hs10_by_country.parquet")
    frame = frame.drop_duplicates(["CTY_CODE", "HS10"])
    names = {"CTY_CODE": "CTY_CODE", "CTY_NAME": "CTY_NAME", "HS10": "I_COMMODITY", "imports": "CON_VAL_YR"}
    saved = frame.rename(columns=names)[list(names.values())].assign(time="2024-12")
    pq.write_table(pa.Table.from_pandas(saved, preserve_index=False), tmp_path / "imports.parquet")
    found = judge_file(SOURCE, tmp_path / "imports.parquet")
    assert found.faults == []
    assert found.accounted == len(frame)
    roles = pd.DataFrame(found.good).groupby("role")["primary_value_usd"].sum()
    is_group = frame["CTY_CODE"].eq("0003")
    assert roles["leaf"] == pytest.approx(frame.loc[~is_group, "imports"].sum())
    assert roles["aggregate"] == pytest.approx(frame.loc[is_group, "imports"].sum())
    by_code = pd.DataFrame(found.good).query("partner == 'CHN'").groupby("hs_code")["primary_value_usd"].sum()
    china = frame[frame["CTY_CODE"] == "5700"]
    expected = china["imports"].groupby(china["HS10"].str[:6]).sum()
    pd.testing.assert_series_equal(
        by_code, expected, check_names=False, check_index_type=False, check_dtype=False
    )
    assert {row["period"] for row in found.good} == {"2024"}
