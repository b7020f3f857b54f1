"""Two vintages side by side: every cell that changed, against a slow twin, and the figures that moved."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from entrepot.detect.options import DetourOptions
from entrepot.errors import CoverageError, OptionError
from entrepot.pipeline.comparing import compare_detours, compare_vintages
from entrepot.report import headline_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.store import Lake

JANUARY, MARCH, JUNE = date(2023, 1, 31), date(2023, 3, 31), date(2023, 6, 30)

Row = tuple[str, str, str, str, str, float]


def rows(changes: dict[tuple[str, str], float | None], period: str = "2022-05") -> list[Row]:
    cells = {
        ("KGZ", "854231"): 100.0,
        ("KGZ", "870421"): 40.0,
        ("KAZ", "854231"): 7.0,
        ("KAZ", "870421"): 3.0,
    }
    return [
        ("CHN", "export", partner, period, code, value)
        for (partner, code), value in (cells | changes).items()
        if value is not None
    ]


@pytest.fixture
def lake(take_in: Callable[..., Lake]) -> Lake:
    old = [*rows({}), ("CHN", "export", "KGZ", "2022-05", "TOTAL", 140.0), *rows({}, "2022-04")]
    take_in(old, vintage=JANUARY)
    new = rows({("KGZ", "854231"): 160.0, ("KAZ", "870421"): None, ("UZB", "854231"): 5.0})
    total = ("CHN", "export", "KGZ", "2022-05", "TOTAL", 200.0)
    take_in([*new, total, *rows({}, "2022-06")], vintage=MARCH)
    return take_in([("KAZ", "import", "CHN", "2022-05", "854231", 9.0)], vintage=JUNE)


def test_every_change_is_told_once(lake: Lake) -> None:
    found = compare_vintages(lake, JANUARY, MARCH).changes.to_pylist()
    told = {
        (row["period"], row["partner"], row["hs_code"]): (row["change"], row["before_usd"], row["after_usd"])
        for row in found
    }
    assert told == {
        ("2022-05", "KGZ", "854231"): ("revised", 100.0, 160.0),
        ("2022-05", "KGZ", "TOTAL"): ("revised", 140.0, 200.0),
        ("2022-05", "KAZ", "870421"): ("removed", 3.0, None),
        ("2022-05", "UZB", "854231"): ("added", None, 5.0),
        **{("2022-06", p, c): ("published", None, v) for _, _, p, _, c, v in rows({})},
    }
    assert len(told) == len(found)
    removed = next(row for row in found if row["change"] == "removed")
    assert (removed["change_usd"], removed["before_vintage"], removed["after_vintage"]) == (
        -3.0,
        JANUARY,
        None,
    )


def test_figures_that_moved(lake: Lake) -> None:
    moved = {row["period"]: row for row in compare_vintages(lake, JANUARY, MARCH).moved.to_pylist()}
    assert set(moved) == {"2022-05", "2022-06"}
    may = moved["2022-05"]
    assert (may["cells_added"], may["cells_removed"], may["cells_revised"]) == (1, 1, 2)
    assert (may["goods_before_usd"], may["goods_after_usd"], may["gross_usd"]) == (150.0, 212.0, 68.0)
    assert (may["total_before_usd"], may["total_after_usd"]) == (140.0, 200.0)
    june = moved["2022-06"]
    assert (june["goods_before_usd"], june["goods_after_usd"]) == (None, 150.0)
    assert (june["total_before_usd"], june["total_after_usd"]) == (None, None)


def test_the_later_day_is_part_of_the_answer(lake: Lake) -> None:
    assert compare_vintages(lake, JANUARY, date(2023, 3, 30 + 1)).moved.num_rows == 2
    late = compare_vintages(lake, MARCH, JUNE)
    assert late.changes["reporter"].to_pylist() == ["KAZ"]
    assert compare_vintages(lake, JANUARY, JUNE).moved.num_rows == 3
    assert compare_vintages(lake, JANUARY, JUNE, sources=("csv:own",)).moved.num_rows == 3


def test_a_weight_alone_is_a_revision(take_in: Callable[..., Lake]) -> None:
    take_in([("CHN", "export", "KGZ", "2022-05", "854231", 5.0, 2.0)], vintage=JANUARY)
    lake = take_in([("CHN", "export", "KGZ", "2022-05", "854231", 5.0, 3.0)], vintage=MARCH)
    (found,) = compare_vintages(lake, JANUARY, MARCH).changes.to_pylist()
    assert (found["change"], found["change_usd"]) == ("revised", 0.0)
    assert (found["before_kg"], found["after_kg"]) == (2.0, 3.0)


def test_the_same_figures_again_are_no_change(take_in: Callable[..., Lake]) -> None:
    take_in(rows({}), vintage=JANUARY)
    lake = take_in(list(reversed(rows({}))), vintage=MARCH)
    found = compare_vintages(lake, JANUARY, MARCH)
    assert (found.changes.num_rows, found.moved.num_rows) == (0, 0)


@pytest.mark.parametrize(
    ("start", "end", "error", "words"),
    [
        (MARCH, JANUARY, OptionError, "not after"),
        (date(2020, 1, 1), MARCH, CoverageError, "no vintage up to"),
        (JUNE, date(2024, 1, 1), CoverageError, "nothing can have changed"),
    ],
    ids=["wrong way", "before all", "after all"],
)
def test_days_without_an_answer_are_refused(
    lake: Lake, start: date, end: date, error: type, words: str
) -> None:
    with pytest.raises(error, match=words):
        compare_vintages(lake, start, end)


def test_a_published_headline_is_made_again(take_in: Callable[..., Lake]) -> None:
    months = [f"{year}-{month:02d}" for year in (2021, 2022) for month in range(1, 13)]

    def flows(factor: float) -> list[Row]:
        grows = ("DEU", "KGZ")
        return [
            (exporter, "export", importer, month, code, 1000.0 * (factor if of == (*grows, True) else 1.0))
            for month in months
            for exporter in ("DEU", "FRA", "ITA", "USA")
            for importer in ("KGZ", "RUS", "TUR")
            for code in ("854231", "870421")
            for of in [(exporter, importer, month >= "2022-03")]
        ]

    take_in(flows(1.0), vintage=JANUARY)
    lake = take_in(flows(3.0), vintage=MARCH)
    options = DetourOptions(event="2022-01", origins=("DEU",), destinations=("RUS",), spikes=2)
    early, late = compare_detours(lake, options, (JANUARY, MARCH))
    assert early.headline.raw_increase_usd == pytest.approx(0.0, abs=1e-6)
    assert late.headline.raw_increase_usd == pytest.approx(2 * 10 * 2000.0)
    table = headline_table(early, late, (JANUARY, MARCH))
    assert table["as_of"].to_pylist() == [JANUARY, MARCH]
    assert table["status"].to_pylist() == [early.headline.status, late.headline.status]
    told = [result.headline.status == "identified" for result in (early, late)]
    assert [usd is not None for usd in table["estimate_usd"].to_pylist()] == told
