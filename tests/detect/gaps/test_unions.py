"""A customs union before its members: goods that leave through another member make no gap of the whole."""

from __future__ import annotations

import pytest

from entrepot.detect.gaps.options import GapOptions
from entrepot.detect.gaps.rows import load_rows
from entrepot.detect.gaps.unions import with_unions
from entrepot.errors import OptionError
from entrepot.pipeline.gaps import find_gaps_in


def rotterdam(year: str = "2021") -> list[tuple]:
    """German goods of 80 leave through the Netherlands; Kyrgyzstan books them as German."""
    return [("DEU", "KGZ", "854231", year, 20.0, 100.0), ("NLD", "KGZ", "854231", year, 90.0, 10.0)]


def test_what_one_member_sends_for_another_is_no_gap_of_the_union(books) -> None:
    rows = load_rows(books(rotterdam()))
    pooled = with_unions(rows, ("EU",))
    gaps = {pooled.areas[e]: x - m for e, x, m in zip(pooled.exporter, pooled.x, pooled.m, strict=True)}
    assert gaps == {"DEU": -80.0, "NLD": 80.0, "XEU": 0.0}


def test_trade_among_members_and_with_others_unions(books) -> None:
    table = [
        *rotterdam(),
        ("DEU", "FRA", "854231", "2021", 7.0, 7.0), ("CHN", "NLD", "854231", "2021", 50.0, 10.0),
        ("CHN", "DEU", "854231", "2021", 5.0, 45.0), ("DEU", "RUS", "854231", "2021", 3.0, 3.0),
    ]  # fmt: skip
    rows = with_unions(load_rows(books(table)), ("EU", "EAEU"))
    found = {
        (rows.areas[e], rows.areas[i]): (x, m)
        for e, i, x, m in zip(rows.exporter, rows.importer, rows.x, rows.m, strict=True)
        if "X" in rows.areas[e][0] + rows.areas[i][0]
    }
    assert found == {
        ("XEU", "KGZ"): (110.0, 110.0), ("CHN", "XEU"): (55.0, 55.0), ("XEU", "RUS"): (3.0, 3.0),
        ("DEU", "XEC"): (23.0, 103.0), ("NLD", "XEC"): (90.0, 10.0), ("XEU", "XEC"): (113.0, 113.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("member", "period", "is_in"),
    [("GBR", "2019", True), ("GBR", "2020", False), ("GBR", "2020-01", True), ("GBR", "2020-02", False),
     ("HRV", "2013-06", False), ("HRV", "2013-07", True), ("HRV", "2013", True), ("KGZ", "2021", False)],
)  # fmt: skip
def test_membership_is_by_date(member, period, is_in, books) -> None:
    rows = load_rows(
        books([(member, "CHN", "854231", period, 1.0, 1.0), ("CHN", "JPN", "854231", period, 1.0, 1.0)])
    )
    assert ("XEU" in with_unions(rows, ("EU",)).areas) == is_in


def test_a_member_who_is_silent_is_missing_in_both_books(books) -> None:
    silent = [*rotterdam(), ("FRA", "KGZ", "854231", "2021", None, 30.0)]
    pooled = with_unions(load_rows(books(silent)), ("EU",))
    mine = pooled.only(pooled.exporter == pooled.areas.index("XEU"))
    assert (mine.x.tolist(), mine.m.tolist()) == ([110.0], [110.0])


def test_members_stand_after_the_union_and_say_so(books) -> None:
    table = [row for year in ("2019", "2020", "2021") for row in rotterdam(year)]
    found = find_gaps_in(books(table), GapOptions(unions=("EU",))).table.to_pylist()
    assert [row["member_of"] for row in found] == [None] * 3 + ["XEU"] * 6
    assert {row["exporter"] for row in found[:3]} == {"XEU"}


def test_sums_over_exporters_take_the_union_for_its_members(books) -> None:
    table = [row for year in ("2019", "2020", "2021") for row in rotterdam(year)]
    by_importer = GapOptions(unions=("EU",), by=("importer",), periods="2021:2021")
    for options, lost in ((by_importer, 0.0), (GapOptions(by=("importer",), periods="2021:2021"), 80.0)):
        (row,) = find_gaps_in(books(table), options).table.to_pylist()
        assert (row["lost_usd"], row["orphan_usd"]) == (lost, lost)
        assert row["exporter_report_usd"] == 110.0  # once, not once as a member and once in the union


def test_a_member_asked_for_by_itself_keeps_its_own_figures(books) -> None:
    table = [row for year in ("2019", "2020", "2021") for row in rotterdam(year)]
    asked = {"unions": ("EU",), "by": ("importer",), "periods": "2021:2021"}
    for exporters, sent in ((("DEU",), 20.0), (("XEU",), 110.0), (("DEU", "NLD", "XEU"), 110.0)):
        result = find_gaps_in(books(table), GapOptions(exporters=exporters, **asked))
        assert result.table["exporter_report_usd"].to_pylist() == [sent]
        assert result.series["exporter_report_usd"].to_pylist() == [sent] * 3


def test_what_is_no_union_is_refused() -> None:
    with pytest.raises(OptionError, match="G7 is no customs union"):
        GapOptions(unions=("G7",))
