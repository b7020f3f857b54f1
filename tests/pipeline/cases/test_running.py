"""Every case runs to its chart where the data that it asks for are there: made-up files of just those."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entrepot.errors import CoverageError, InputFileError
from entrepot.measures.spans import parse_window
from entrepot.pipeline import ingest
from entrepot.pipeline.cases import case_names, find_case, missing_data, run_case
from entrepot.report import case_chart
from entrepot.report.charts import svg
from entrepot.sources.csv_mapping import MappedTable
from entrepot.sources.own_table import read_own_table
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
        if need.table:
            continue
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


#: What stands in the dimensions of made-up tables of one's own.
WORDS = {
    "currency": ("USD", "CNY", "RUB"),
    "province": ("Heilongjiang", "Jilin"),
    "hs_code": ("650610", "84"),
}


def tables_with(case, folder: Path) -> dict[str, Path]:
    """Return the tables of one's own that a case asks for, in the layout that its `get` describes."""
    files = {}
    for need in case.needs:
        if not need.table:
            continue
        files[need.table] = folder / f"{need.table}.csv"
        header = [*need.columns, *need.amounts]
        assert ",".join(sorted(header)) == ",".join(sorted(header_of(need.get)))
        with files[need.table].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for step, period in enumerate(("2021-03", "2022-03", "2023-03")):
                for place in range(2):
                    words = [
                        period if name == "period" else WORDS.get(name, ("one", "two"))[place]
                        for name in need.columns
                    ]
                    writer.writerow([*words, 1000.0 * (step + 1) * (place + 1)])
    return files


def header_of(get: str) -> list[str]:
    """Return the header that a description of a table names."""
    return get.partition("with the header ")[2].split()[0].split(",")


@pytest.mark.parametrize("name", [name for name in case_names() if find_case(name).needs])
def test_a_case_with_its_data_runs_to_its_chart(name, tmp_path) -> None:
    case = find_case(name)
    own = tables_with(case, tmp_path)
    lake = lake_with(case, tmp_path) if any(need.reporters for need in case.needs) else None
    assert missing_data(case, lake, own=tuple(own)) == ()
    result = run_case(case, lake, own_tables=own)
    assert set(result.tables) == {call.id for call in case.calls}
    assert result.robustness.num_rows > 1
    if not case.chart:
        assert {need.table for need in case.needs} != {""}
        return
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


def test_tables_of_ones_own_are_filtered_added_up_and_the_largest_is_taken(tmp_path) -> None:
    """Helmets of two importers, among other goods: one pair has 100,000 in three declarations."""
    file = tmp_path / "declarations.csv"
    lines = [
        "period,importer,registered,exporter,hs_code,quantity",
        "2023-03-02,Importer A,2022-09,Shanghai B,6506100000,60000",
        "2023-03-20,Importer A,2022-09,Shanghai B,650610,39000",
        "2023-04-01,Importer A,2022-09,Shanghai B,650610,1000",
        "2023-04-01,Importer C,2015-01,Shanghai B,650610,99999",
        "2023-04-01,Importer C,2015-01,Shanghai B,852560,500000",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    result = run_case(find_case("C10"), None, own_tables={"declarations": file})
    (figure,) = result.compared
    assert (figure.computed, figure.verdict) == (100_000.0, "agrees")
    rows = result.tables["helmets"].to_pylist()
    assert [(row["importer"], row["registered"], row["quantity"]) for row in rows] == [
        ("Importer A", "2022-09", 100_000.0), ("Importer C", "2015-01", 99_999.0)
    ]  # fmt: skip
    assert {row["period"] for row in result.tables["months"].to_pylist()} == {"2023-03", "2023-04"}
    left = {(row["choice"], row["value"]): row["computed"] for row in result.robustness.to_pylist()}
    assert left["importer", "Importer A"] == 99_999.0
    assert left["period", "2023-03"] == 99_999.0  # of A 1,000 are left


def test_shares_of_currencies_are_compared_at_both_ends(tmp_path) -> None:
    file = tmp_path / "settlement.csv"
    rows = ["period;currency;value_usd", "2021;USD;55", "2021;CNY;25", "2021;RUB;20", "2023;USD;6"]
    file.write_text("\n".join([*rows, "2023;CNY;60", "2023;RUB;54"]), encoding="utf-8")
    case = find_case("C4")
    result = run_case(case, None, own_tables={"settlement": file}, is_partial=True)
    found = {one.figure.id: one for one in result.compared}
    assert found["settlement_before"].computed == pytest.approx(0.45)
    assert found["settlement_after"].computed == pytest.approx(0.95)
    assert found["settlement_after"].verdict == "agrees"
    assert found["russia_first"].verdict == "not computed"
    assert any("China's imports of crude oil" in note for note in result.notes)
    with pytest.raises(CoverageError, match="crude oil") as refused:
        run_case(case, None, own_tables={"settlement": file})
    assert "entrepot fetch comtrade" in refused.value.hint


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("period,currency", "2021,USD"), "no column is called value_usd"),
        (("period,currency,value_usd", "2021,USD,1 000"), "'1 000' in value_usd is no number"),
        (("period,currency,value_usd", "March,USD,1"), "'March' is no period"),
        (("period,currency,value_usd", "2021,,1"), "currency is empty"),
        (("period,currency,value_usd", "2021,USD"), "2 cells where the header has 3"),
        (("period,currency,value_usd",), "there is no row"),
        (("period,currency,currency,value_usd", "2021,USD,USD,1"), "a column stands twice"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(tmp_path, lines, says) -> None:
    file = tmp_path / "settlement.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputFileError, match=says) as refused:
        run_case(find_case("C4"), None, own_tables={"settlement": file}, is_partial=True)
    assert "line" in refused.value.where or "no row" in says
    assert refused.value.hint


def test_parquet_gives_what_csv_gives(tmp_path) -> None:
    rows = {"period": ["2021", "2023"], "currency": ["CNY", "CNY"], "value_usd": [5.0, None]}
    pq.write_table(pa.table(rows), tmp_path / "settlement.parquet")
    texts = ["period,currency,value_usd", "2021,CNY,5", "2023,CNY,"]
    (tmp_path / "settlement.csv").write_text("\n".join(texts), encoding="utf-8")
    asked = {"texts": ("period", "currency"), "numbers": ("value_usd",)}
    found = [read_own_table(tmp_path / f"settlement.{suffix}", **asked) for suffix in ("csv", "parquet")]
    assert found[0].equals(found[1])
    assert found[0]["value_usd"].to_pylist() == [5.0, None]
