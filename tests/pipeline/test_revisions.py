"""From a lake of several revisions to flows in one: no false break, nothing counted twice, nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from entrepot.engine import Engine
from entrepot.errors import OptionError, UnknownCodeError
from entrepot.pipeline import ingest
from entrepot.pipeline.flows import FlowQuery, select_flows
from entrepot.pipeline.revisions import RevisionChoice, one_revision
from entrepot.schema import RECONCILED, REVISED_FLOW, bad_rows, duplicated_rows
from entrepot.sources.baci import BaciSource
from entrepot.store import Lake

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def lake(take_in_once):
    """Return a lake in which the year's end renumbers and splits codes, and one code has no ancestor."""
    rows = [("DEU", "export", "KGZ", "2021-12", code, value, 1) for code, value in (
        ("854890", 10), ("880330", 20), ("854140", 100), ("870323", 7))]  # fmt: skip
    rows += [("DEU", "export", "KGZ", "2022-01", code, value, 1) for code, value in (
        ("854800", 11), ("880730", 22), ("854142", 30), ("854143", 90), ("870323", 8), ("854921", 5),
    )]  # fmt: skip
    rows += [("KGZ", "import", "DEU", "2022-01", "854890", 12, 1)]
    return take_in_once(rows)


def totals(lake, choice: RevisionChoice | None, **options: Any) -> dict[tuple[str, str], float]:
    found = select_flows(lake, FlowQuery(revision=choice, exporters=("DEU",), **options))
    assert bad_rows(found, RECONCILED).num_rows == 0
    assert duplicated_rows(found, RECONCILED).num_rows == 0
    return {(row["hs_code"], row["period"]): row["exporter_report_usd"] for row in found.to_pylist()}


def test_a_renumbered_code_is_one_series(lake) -> None:
    found = totals(lake, RevisionChoice("H5"))
    assert found == {
        ("854890", "2021-12"): 10.0, ("854890", "2022-01"): 11.0, ("880330", "2021-12"): 20.0,
        ("880330", "2022-01"): 22.0, ("854140", "2021-12"): 100.0, ("854140", "2022-01"): 120.0,
        ("870323", "2021-12"): 7.0, ("870323", "2022-01"): 8.0, ("854921", "2022-01"): 5.0,
    }  # fmt: skip
    assert sum(found.values()) == sum(totals(lake, None).values())


def test_forward_shares_are_assumed_or_learnt(lake) -> None:
    assert totals(lake, RevisionChoice("HS2022"))["854141", "2021-12"] == 25.0
    learnt = totals(lake, RevisionChoice("HS2022", "learnt"))
    assert learnt["854142", "2021-12"] == pytest.approx(25.0)
    assert learnt["854143", "2021-12"] == pytest.approx(75.0)
    assert ("854141", "2021-12") not in learnt


def test_both_books_meet_under_one_code(lake) -> None:
    """The importer still writes the old code in HS2022's year: it has no match there and stays what it is."""
    found = select_flows(lake, FlowQuery(revision=RevisionChoice("HS2017"), periods="2022-01:2022-01"))
    row = next(row for row in found.to_pylist() if row["hs_code"] == "854890")
    assert row["exporter_report_usd"] == 11.0
    assert row["importer_report_usd"] == 12.0


def test_what_was_assumed_or_has_no_counterpart_is_said(lake) -> None:
    notes: list[str] = []
    select_flows(lake, FlowQuery(revision=RevisionChoice("HS2022")), tell=notes.append)
    assert any("shared among several codes of HS2022" in note for note in notes)
    notes.clear()
    select_flows(lake, FlowQuery(revision=RevisionChoice("HS2017")), tell=notes.append)
    assert any("854921" in note for note in notes)
    notes.clear()
    select_flows(lake, FlowQuery(), tell=notes.append)
    assert "HS2017, HS2022" in notes[0]
    assert "--hs-revision HS2017" in notes[0]


def test_reports_keep_their_lineage(lake) -> None:
    found = select_flows(lake, FlowQuery(is_reconciled=False, revision=RevisionChoice("HS2022")))
    own = found.drop_columns(["exporter", "importer"])
    assert own.column_names == list(REVISED_FLOW.columns)
    assert bad_rows(own, REVISED_FLOW).num_rows == 0
    assert duplicated_rows(own, REVISED_FLOW).num_rows == 0
    split = [row for row in found.to_pylist() if row["source_hs_code"] == "854140"]
    assert len({row["row_number"] for row in split}) == 1
    assert sum(row["primary_value_usd"] for row in split) == pytest.approx(100.0)


def reports(*rows: tuple[str, str, str, float]) -> pa.Table:
    fixed = {
        "source": "comtrade", "reporter": "DEU", "partner_concept": "last_known_destination",
        "flow": "export", "period": "2022-01",
    }  # fmt: skip
    return pa.Table.from_pylist(
        [
            fixed | {"hs_revision": rev, "hs_code": code, "partner": partner, "primary_value_usd": value}
            for rev, code, partner, value in rows
        ]
    )


def test_one_report_in_two_revisions_counts_once() -> None:
    table = reports(
        ("HS2022", "870323", "KGZ", 7.0), ("HS2022", "854800", "KGZ", 5.0), ("HS2022", "847150", "KGZ", 1.0),
        ("HS2017", "870323", "KGZ", 7.0), ("HS2017", "854890", "KGZ", 5.0), ("HS2017", "010121", "KGZ", 2.0),
        ("HS2017", "870323", "KAZ", 3.0), ("HS2022", "TOTAL", "KGZ", 9.0), ("HS2017", "TOTAL", "KGZ", 9.0),
    )  # fmt: skip
    with Engine(memory_limit="500MB", threads=1) as engine:
        kept = one_revision(engine, engine.arrow_frame(table), name="kept").collect(backend="pyarrow")
        rows = {(r["hs_revision"], r["hs_code"], r["partner"]) for r in kept.to_native().to_pylist()}
        assert rows == {
            ("HS2017", "870323", "KGZ"), ("HS2017", "870323", "KAZ"), ("HS2017", "854890", "KGZ"),
            ("HS2017", "TOTAL", "KGZ"), ("HS2017", "010121", "KGZ"), ("HS2022", "847150", "KGZ"),
        }  # fmt: skip
        single = engine.arrow_frame(table.slice(0, 3))
        assert one_revision(engine, single, name="single") is single


def test_choices_are_checked_at_the_door() -> None:
    assert RevisionChoice("17").revision == "HS2017"
    with pytest.raises(UnknownCodeError):
        RevisionChoice("HS2018")
    with pytest.raises(OptionError, match="fair"):
        RevisionChoice("HS2017", "fair")


def test_a_publishers_own_flows_are_of_the_edition_asked_for(tmp_path: Path) -> None:
    """BACI repeats the world's trade in each revision: that asked for counts, else one is converted."""
    head = "t,i,j,k,v,q\n"
    (tmp_path / "BACI_HS12_Y2022_V202501.csv").write_text(f"{head}2022,276,417,880330,0.5,1\n", "utf-8")
    (tmp_path / "BACI_HS17_Y2022_V202501.csv").write_text(f"{head}2022,276,417,880330,0.7,1\n", "utf-8")
    files = sorted(tmp_path.glob("BACI*.csv"))
    assert ingest(BaciSource(), files, lake=tmp_path / "lake").failed == ()
    lake = Lake.open(tmp_path / "lake")

    def flows(revision: str | None) -> list[tuple[str, str, float]]:
        notes: list[str] = []
        choice = None if revision is None else RevisionChoice(revision)
        query = FlowQuery(frequency="A", sources=("baci",), revision=choice)
        found = select_flows(lake, query, tell=notes.append)
        assert bad_rows(found, RECONCILED).num_rows == 0
        assert notes == []
        return [(row["hs_code"], row["basis"], row["value_usd"]) for row in found.to_pylist()]

    assert flows(None) == [("880330", "publisher", 700.0)]
    assert flows("HS2012") == [("880330", "publisher", 500.0)]
    assert flows("HS2022") == [("880730", "publisher", 700.0)]
