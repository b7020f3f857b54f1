"""The headline of a case under other choices: what moves it, what is left without a part."""

from __future__ import annotations

import csv
from datetime import date
from typing import TYPE_CHECKING

import pytest

from entrepot.pipeline import IngestOptions, ingest
from entrepot.pipeline.cases import find_case, run_case
from entrepot.pipeline.cases.reading import read_case
from entrepot.report.case_robustness import robustness_words
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
[constants]
currency = "USD"
hs_revision = "HS2017"
"""
CASE = """
id = "lorries"
title = "Lorries"
question = "How did they grow?"
standing = "official"
source = "made up"
answers = "Growth."
headline = "grown"
chart = "sold"
[[calls]]
id = "sold"
title = "sold"
measure = "total"
book = "exports"
importer = "KGZ"
products = "87"
by = "importer,period"
column = "value_usd"
[[figures]]
id = "grown"
label = "growth of what Kyrgyzstan was sent"
importer = "KGZ"
period = "2023"
unit = "growth"
calls = ["sold"]
over = { calls = ["sold"], importer = "KGZ", period = "2021" }
"""
#: Exporters' book: China 10 → 40 of lorries, Germany 10 → 10 of cars. Importer's book: 15 → 45, lorries only.
ROWS = (
    ("CHN", "KGZ", "export", "2021", "870423", 10.0), ("CHN", "KGZ", "export", "2023", "870423", 40.0),
    ("DEU", "KGZ", "export", "2021", "870323", 10.0), ("DEU", "KGZ", "export", "2023", "870323", 10.0),
    ("KGZ", "CHN", "import", "2021", "870423", 15.0), ("KGZ", "CHN", "import", "2023", "870423", 45.0),
)  # fmt: skip


def lake_of(folder: Path, rows, *, vintage: str) -> Lake:
    (folder / "made_up.toml").write_text(MAPPING, encoding="utf-8")
    file = folder / f"trade_{vintage}.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([["r", "p", "f", "t", "k", "v"], *rows])
    source = MappedTable.from_toml(folder / "made_up.toml")
    options = IngestOptions(vintage=date.fromisoformat(vintage))
    assert ingest(source, [file], lake=folder / "lake", options=options).failed == ()
    return Lake.open(folder / "lake")


def test_the_headline_under_other_choices_is_what_they_give_by_hand(tmp_path) -> None:
    lake_of(
        tmp_path, [(*row[:5], row[5] * (2 if row[3] == "2023" else 1)) for row in ROWS], vintage="2024-01-01"
    )
    lake = lake_of(tmp_path, ROWS, vintage="2024-06-01")
    result = run_case(read_case(CASE, where="here"), lake)
    assert [one.verdict for one in result.compared] == ["nothing published"]
    rows = {(row["kind"], row["choice"], row["value"]): row for row in result.robustness.to_pylist()}

    headline = rows["headline", "as the case asks", ""]
    assert headline["computed"] == pytest.approx(50 / 20 - 1)
    assert rows["choice", "book", "imports"]["computed"] == pytest.approx(45 / 15 - 1)
    assert rows["choice", "book", "imports"]["difference"] == pytest.approx(0.5), "points, not a ratio"
    assert rows["choice", "vintage", "up to 2024-01-01"]["computed"] == pytest.approx(100 / 20 - 1)
    assert rows["left_out", "exporter", "CHN"]["computed"] == pytest.approx(0.0)
    assert rows["left_out", "exporter", "DEU"]["computed"] == pytest.approx(3.0)
    assert rows["left_out", "hs_code", "8704"]["computed"] == pytest.approx(0.0)
    assert not any(kind == "left_out" and choice == "importer" for kind, choice, _ in rows)
    words = robustness_words(result.robustness.to_pylist())
    assert any("rests on one part" in line and ("China" in line or "8704" in line) for line in words)


def test_a_choice_without_data_says_so(tmp_path) -> None:
    lake = lake_of(tmp_path, [row for row in ROWS if row[2] == "export"], vintage="2024-01-01")
    rows = run_case(read_case(CASE, where="here"), lake).robustness.to_pylist()
    missing = next(row for row in rows if (row["choice"], row["value"]) == ("book", "imports"))
    assert (missing["computed"], missing["difference"]) == (None, None)
    assert missing["note"]


def test_published_bars_are_tested_without_any_data() -> None:
    rows = run_case(find_case("C6"), None).robustness.to_pylist()
    assert rows[0]["computed"] == pytest.approx(
        sum((1733846058, 2889635078, 3155495461, 22518173442, 441829960, 3068506022))
        / sum((1808203000, 3257459702, 302909157, 26788687343, 359091839, 2111080106))
    )
    assert len(rows) == 7
    assert rows[1]["value"] == "Russia", "the part that matters most comes first"
