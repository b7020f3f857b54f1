"""Gaps as a page of a terminal, as a record and as charts."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console

from entrepot.detect.gaps.options import GapOptions
from entrepot.pipeline.gaps import decompose_gaps_in, find_gaps_in
from entrepot.report import about_gaps, print_gap_parts, print_gaps
from entrepot.report.charts import svg
from entrepot.report.gap_charts import gaps_chart
from entrepot.report.gap_words import gap_headline, row_name

if TYPE_CHECKING:
    from entrepot.detect.gaps.parts_result import GapParts
    from entrepot.detect.gaps.result import GapResult


@pytest.fixture(scope="module")
def flows() -> nw.LazyFrame:
    """Return three years of six exporters' trade with Kyrgyzstan; from 2021 on China's does not arrive."""
    rows = [
        (e, "KGZ", code, f"{year}-{month:02d}", 1e6 + 1e4 * month,
         (1e6 + 1e4 * month) * (0.2 if e == "CHN" and year == 2021 else 0.9 + 0.01 * ((month * n) % 7)), 1.07)
        for year in (2018, 2019, 2020, 2021) for month in range(1, 13)
        for n, e in enumerate(("CHN", "DEU", "FRA", "KAZ", "RUS", "TUR")) for code in ("870321", "870323")
    ]  # fmt: skip
    columns = ["exporter", "importer", "hs_code", "period", "exporter_report_usd", "importer_report_usd"]
    return nw.from_native(pd.DataFrame(rows, columns=[*columns, "freight_ratio"])).lazy()


@pytest.fixture(scope="module")
def gaps(flows: nw.LazyFrame) -> GapResult:
    return find_gaps_in(flows, GapOptions(event="2021-01", by=("exporter", "importer")))


@pytest.fixture(scope="module")
def parts(flows: nw.LazyFrame) -> GapParts:
    return decompose_gaps_in(flows, GapOptions(by=("exporter", "importer", "hs_code")))


def printed(result: GapResult | GapParts, width: int, encoding: str = "utf-8") -> str:
    class Encoded(StringIO):
        pass

    file = Encoded()
    Encoded.encoding = encoding
    show = print_gap_parts if hasattr(result, "summary") else print_gaps
    show(result, Console(file=file, width=width, highlight=False))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 160])
def test_what_stands_out_is_said_first(width: int, gaps: GapResult) -> None:
    text = printed(gaps, width)
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines[0].startswith("The two books of all exporters → all importers")
    row = next(line for line in lines if line.startswith(("CHN→KGZ", "China→Kyrgyzstan")))
    assert row.startswith("China→Kyrgyzstan" if width == 160 else "CHN→KGZ")
    assert "By importer" in text
    assert "A gap accuses nobody" in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_narrow_terminal_shows_every_figure_whole(gaps: GapResult, parts: GapParts) -> None:
    for result in (gaps, parts):
        assert "…" not in printed(result, 80)


def test_nets_that_say_the_same_are_not_repeated(parts: GapParts) -> None:
    text = printed(parts, 120)
    table = parts.table.to_pandas()
    keys = ["exporter", "importer", "hs_code"]
    both = table.dropna(subset=["direction"]).groupby(keys).size()
    assert text.count("(net)") == (both > 1).sum()
    assert "it says nothing about why" in text


def test_the_record_says_what_was_asked(gaps: GapResult, parts: GapParts) -> None:
    files = [{"file_name": "a.csv", "vintage": "2023-01-01", "rows_stored": 5, "rows_read": 6,
              "rows_quarantined": 1, "file_hash": "ab" * 32, "source": "comtrade"}]  # fmt: skip
    about = about_gaps(gaps, sources=files)
    assert about["event"] == "2021-01"
    assert "2018" in about["placebos"]
    assert about["rows read"] == "6, of which 1 set aside"
    assert about_gaps(parts, sources=files)["periods"] == "2018-01:2021-12"


def test_a_union_of_some_members_says_so(gaps: GapResult, flows: nw.LazyFrame) -> None:
    said = "adds up the members that published"
    union = find_gaps_in(flows, GapOptions(event="2021-01", by=("exporter", "importer"), unions=("EU",)))
    assert said in " ".join(printed(union, 80).split())
    assert said in about_gaps(union, sources=[])["limits"]
    assert said not in printed(gaps, 80)


def test_charts_have_their_marks(gaps: GapResult, parts: GapParts) -> None:
    drawn = svg(gaps_chart(gaps))
    for word in (
        "Both books, where both published",
        "event 2021-01",
        "missing arrivals",
        "China → Kyrgyzstan",
    ):
        assert word in drawn
    drawn = svg(gaps_chart(parts))
    for word in ("valuation", "attribution", "timing", "neighbouring codes", "unexplained", "870321"):
        assert word in drawn


def test_where_nothing_can_be_judged_it_says_so(flows: nw.LazyFrame) -> None:
    short = flows.filter(nw.col("period") >= "2020-11")
    result = find_gaps_in(short, GapOptions(event="2021-01", by=("exporter", "importer")))
    assert "No row could be held against placebo periods" in printed(result, 100)
    assert "Both books" in svg(gaps_chart(result))


def test_the_headline_is_that_of_all_rows_looked_at_one_by_one(flows: nw.LazyFrame) -> None:
    """A slow twin, with rows of a union, of no score and of no q-value among the others."""
    by = ("exporter", "importer", "hs_code", "period")
    result = find_gaps_in(flows, GapOptions(event="2021-01", by=by, unions=("EAEU",)))
    keys = result.table.num_rows
    rng = np.random.default_rng(5)
    table = result.table
    for name, unknown in (("z_score", 0.2), ("q_value", 0.5)):
        values = pa.array(rng.random(keys) * 0.2, mask=rng.random(keys) < unknown)
        table = table.set_column(table.column_names.index(name), table.schema.field(name), values)
    rows = [row for row in table.to_pylist() if row["member_of"] is None]
    assert 0 < len(rows) < keys
    told = [row for row in rows if row["z_score"] is not None]
    strong = [row for row in told if row["q_value"] is not None and row["q_value"] <= 0.1]
    said = gap_headline(replace(result, table=table))
    assert said.startswith(f"{len(strong):,} of {len(told):,} rows differ")
    for sign, what in ((1, "Arrivals missing"), (-1, "Dispatches missing")):
        first = next(row for row in strong if row["unusual_usd"] * sign > 0)
        assert f"{what}, the clearest: {row_name(first)}, " in said


def test_millions_of_rows_are_told_without_being_python_objects(gaps: GapResult, parts: GapParts) -> None:
    """A row as a mapping takes two kilobytes: a lake's rows would be gigabytes."""
    copies = 100_000 // gaps.table.num_rows
    many = replace(gaps, table=pa.concat_tables([gaps.table] * copies))
    taken_apart = replace(parts, table=pa.concat_tables([parts.table] * (100_000 // parts.table.num_rows)))
    tracemalloc.start()
    try:
        about_gaps(many, sources=[])
        printed(many, 160)
        gaps_chart(many)
        printed(taken_apart, 160)
        gaps_chart(taken_apart)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40e6
