"""A lake judged in parts gives what it gives as a whole."""

from __future__ import annotations

import pickle

import pytest

from entrepot.engine import Engine
from entrepot.pipeline.choices import ReportChoice
from entrepot.pipeline.parts import Part, counted_sql, parts_of
from entrepot.pipeline.revision_notes import Conversion, Replaced, RevisionFacts
from entrepot.pipeline.revisions import RevisionChoice


@pytest.fixture(scope="module")
def lake(take_in_once):
    rows = [
        (reporter, "export", "RUS", f"{year}-{month:02d}", "870323", 100 + month)
        for reporter in ("CHN", "DEU", "FRA", "USA")
        for year in (2021, 2022)
        for month in range(1, 13)
    ]
    take_in_once(rows)
    return take_in_once(rows[:40], source="other")


def test_a_small_year_is_a_part(lake) -> None:
    assert parts_of(lake, ReportChoice()) == (Part(2021), Part(2022))
    assert parts_of(lake, ReportChoice(years=(2022,))) == (Part(2022),)
    assert parts_of(lake, ReportChoice(sources=("absent",))) == ()


@pytest.mark.parametrize("most_rows", [1, 30, 45, 60, 1000])
def test_parts_hold_every_row_once(most_rows, lake) -> None:
    parts = parts_of(lake, ReportChoice(), most_rows=most_rows)
    with Engine(memory_limit="500MB", threads=1) as engine:

        def rows(part: Part) -> list[tuple]:
            sql = counted_sql(engine, lake, ReportChoice(), part)
            return engine.rows(f"SELECT source, reporter, period, row_number FROM ({sql})")

        found = [row for part in parts for row in rows(part)]
        assert sorted(found) == sorted(rows(Part()))
        assert len(set(found)) == len(found)
        sizes = [len(rows(part)) for part in parts]
    # one reporter's year is never cut: it is judged as one
    assert all(size <= most_rows or part.reporters[0] == part.reporters[1]
               for part, size in zip(parts, sizes, strict=True) if part.reporters)  # fmt: skip


def test_what_is_told_of_parts_is_told_once() -> None:
    parts = [
        RevisionFacts(
            (Conversion("split", 2, 50.0, ("1", "2")), Conversion("kept", 1, 50.0, ("3",))),
            (Replaced("HS2012", "HS2017", ("CHN",), "2020", "2020"),),
        ),
        RevisionFacts(
            (Conversion("split", 1, 50.0, ("2",)), Conversion("unmatched", 4, 50.0, ("9",))),
            (Replaced("HS2012", "HS2017", ("CHN", "DEU"), "2019", "2021"),),
        ),
    ]
    whole = RevisionFacts.together(pickle.loads(pickle.dumps(part)) for part in parts)  # noqa: S301  ours
    assert whole.words(RevisionChoice("HS2017")) == [
        "50.0% of the value (2 codes) is shared among several codes of HS2017, by assumed shares",
        "4 rows of 1 codes have no counterpart in HS2017 and stay under their own: 9",
        "CHN, DEU, 2019 to 2021: published in HS2012 and HS2017, HS2017 counts",
    ]
    sides = [RevisionFacts(side_by_side=frozenset({one})) for one in ("HS2022", "HS2017", "HS2022")]
    (note,) = RevisionFacts.together(sides).words(None)
    assert note.startswith("codes are of HS2017, HS2022: ")
    assert RevisionFacts.together([]).words(None) == []
