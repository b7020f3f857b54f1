"""``explain``, ``watch`` and ``robustness`` as typed, on a lake of a small world in two vintages."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest

from entrepot.model.world import WorldOptions, build_world, write_comtrade
from entrepot.store import Lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUESTION = ("--event", "2021-11", "--spikes", "12")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a lake of a small world, and its destination."""
    from entrepot.pipeline import IngestOptions, ingest  # noqa: PLC0415  (heavy: only the tests that need a lake wait)
    from entrepot.sources.registry import open_source  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("world")
    world = build_world(
        WorldOptions(areas=22, products=24, treated_origins=5, hubs=3, booming_hubs=2, friendly_origins=2,
                     late_reporters=1, seed=5, unseen_share=0.2, loops=False)
    )  # fmt: skip
    # The last months came later, in files of their own.
    is_late = pc.greater(world.reports["period"].cast("string"), "2022-09")
    for name, mask, day in (
        ("first", pc.invert(is_late), date(2022, 12, 1)), ("later", is_late, date(2023, 3, 1))
    ):  # fmt: skip
        files = write_comtrade(replace(world, reports=world.reports.filter(mask)), folder / name)
        ingest(open_source("comtrade"), files, lake=folder / "lake", options=IngestOptions(vintage=day))
    roles = world.truth_areas.to_pylist()
    return folder / "lake", next(row["area"] for row in roles if row["role"] == "destination")


@pytest.fixture(scope="module")
def largest(lake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the largest row of the search, as the file has it."""
    from entrepot import DetourOptions, find_detours  # noqa: PLC0415  (heavy: only who needs it waits)

    folder, destination = lake
    options = DetourOptions(event="2021-11", destinations=(destination,), spikes=12)
    return find_detours(Lake.open(folder), options).table.to_pylist()[0]


def test_an_amount_is_led_back_to_the_rows_of_the_files(entrepot, lake, largest, tmp_path: Path) -> None:
    folder, destination = lake
    corridor = ",".join(largest[key] for key in ("origin", "hub", "destination", "hs_code"))
    out, reports = tmp_path / "explained.md", tmp_path / "reports.csv"
    outcome = entrepot(
        "explain", corridor, "--lake", folder, *QUESTION, "--destination", destination, "--out", out,
        "--reports", reports,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    text = out.read_text(encoding="utf-8")
    for heading in ("The amount", "How it was made", "Both books", "Right of reply", "Where it stands"):
        assert f"## {heading}" in text
    assert "consistent with" in text
    assert "accuses nobody" in text
    with reports.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows):,} reports" in text
    assert {row["leg"] for row in rows} == {"direct", "inbound", "onward"}
    opened = Lake.open(folder)
    for row in rows[:: max(len(rows) // 7, 1)]:
        raw = opened.raw_row(row["file_hash"], int(row["row_number"]))
        assert raw["cmdCode"] == largest["hs_code"]
        assert float(raw["primaryValue"]) == float(row["primary_value_usd"])


def test_the_books_add_up_to_what_the_search_compared(entrepot, lake, largest) -> None:
    """Exports of the inbound leg after the event, as listed: what the row says went to the hub."""
    from entrepot import Corridor, DetourOptions, explain_detour  # noqa: PLC0415

    folder, destination = lake
    keys = [largest[key] for key in ("origin", "hub", "destination", "hs_code")]
    options = DetourOptions(event="2021-11", destinations=(destination,), spikes=12)
    found = explain_detour(Lake.open(folder), options, Corridor(*keys))
    books = found.books.to_pylist()
    sent = [row for row in books if row["leg"] == "inbound" and row["window"] == "after"]
    months = sum(row["exporter_report_usd"] is not None for row in sent)
    whole = len(found.result.windows.after)
    assert months == whole, "the origin of the largest row has published all months in this world"
    assert sum(row["exporter_report_usd"] for row in sent) == pytest.approx(largest["after_in_usd"])
    exports = [
        row["primary_value_usd"]
        for row in found.reports.to_pylist()
        if row["leg"] == "inbound" and row["flow"] == "export" and row["period"] >= "2022-01"
    ]
    assert sum(exports) == pytest.approx(largest["after_in_usd"])
    # two runs add the same numbers in another order: equal but for the last bits
    estimate = found.rows.to_pylist()[0]["estimate_usd"]
    assert estimate == pytest.approx(largest["estimate_usd"], rel=1e-12)


@pytest.mark.parametrize(
    ("corridor", "message"),
    [
        ("DEU,KGZ,RUS", "is no corridor"),
        ("EU27,KGZ,RUS,870323", "is no corridor"),
        ("DEU,Atlantis,RUS,870323", "Atlantis"),
    ],
)
def test_what_is_no_corridor_is_told_at_once(entrepot, tmp_path: Path, corridor: str, message: str) -> None:
    outcome = entrepot("explain", corridor, "--lake", tmp_path / "none", *QUESTION)
    assert outcome.status != 0
    assert message in outcome.err


def test_a_corridor_without_a_row_names_those_that_have_one(entrepot: Callable, lake, largest) -> None:
    folder, destination = lake
    corridor = f"{largest['origin']},{largest['hub']},{destination},999999"
    outcome = entrepot("explain", corridor, "--lake", folder, *QUESTION, "--destination", destination)
    assert outcome.status != 0
    assert "no row for" in outcome.err
    assert re.search(rf"{largest['origin']} {largest['hub']} {destination} {largest['hs_code']}", outcome.err)


def test_news_since_the_last_months_came(entrepot, lake, tmp_path: Path) -> None:
    folder, destination = lake
    out = tmp_path / "news.csv"
    arguments = ("--lake", folder, *QUESTION, "--destination", destination, "--out", out)
    outcome = entrepot("watch", *arguments, "--since", "2022-12-31")
    assert outcome.status == 0, outcome.err
    assert "The windows differ" in outcome.out
    assert "Headline:" in outcome.out
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["news"] for row in rows} <= {"appeared", "grew", "shrank", "went", "stays"}
    stays = [row for row in rows if row["news"] == "stays"]
    assert all(row["earlier_estimate_usd"] for row in stays)
    # With the window held and the vintages the same nothing can be new.
    held = ("--after", "2022-01:2022-09", "--since", "2023-03-02", "--value", "eur")
    outcome = entrepot("watch", *arguments, *held)
    assert outcome.status == 0, outcome.err
    with out.open(encoding="utf-8", newline="") as file:
        same = list(csv.DictReader(file))
    assert {row["news"] for row in same} <= {"stays"}
    for row in same:
        assert float(row["estimate_usd"]) == pytest.approx(float(row["earlier_estimate_usd"]), rel=1e-6)
        assert row["amount_unit"] == "EUR"
        euro = float(row["estimate_amount"])
        assert euro == pytest.approx(float(row["earlier_estimate_amount"]), rel=1e-6)
        assert 0.8 < euro / float(row["estimate_usd"]) < 1.1  # rates of 2022


def test_there_is_no_news_without_an_earlier_state(entrepot, lake, tmp_path: Path) -> None:
    folder, destination = lake
    outcome = entrepot(
        "watch", "--lake", folder, *QUESTION, "--destination", destination, "--out", tmp_path / "x.csv",
        "--since", "2019-01-01",
    )  # fmt: skip
    assert outcome.status != 0
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("command", ["robustness", "watch"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "curve.txt"), "curve.txt"),
        (("--out", "curve.csv", "--destination", "Atlantis"), "Atlantis"),
        (("--out", "curve.csv", "--before", "2021-13:2022-01"), "--before"),
    ],
)
def test_a_slip_is_told_before_the_lake_is_read(
    entrepot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, arguments, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    own = ("--since", "2023-01-01") if command == "watch" else ("--chart", "curve.svg")
    outcome = entrepot(command, "--lake", "none", "--event", "2022-03", *own, *arguments)
    assert outcome.status != 0
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "said"), [("detours", "Missing direct trade"), ("gaps", "The two books of")]
)
def test_the_answer_is_printed_without_a_file(
    entrepot, lake, tmp_path, monkeypatch, command: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, destination = lake
    own = (
        ("--importer", destination) if command == "gaps" else ("--destination", destination, "--spikes", "12")
    )
    outcome = entrepot(command, "--lake", folder, "--event", "2021-11", *own)
    assert outcome.status == 0, outcome.err
    assert said in outcome.out
    assert "written" not in outcome.out
    assert not list(tmp_path.iterdir())


def test_amounts_in_euro_and_by_tier_stand_beside_the_dollars(entrepot, lake, tmp_path: Path) -> None:
    folder, destination = lake
    out, page = tmp_path / "detours.csv", tmp_path / "detours.html"
    outcome = entrepot(
        "detours", "--lake", folder, *QUESTION, "--destination", destination, "--by", "hub,period",
        "--value", "eur", "--out", out, "--page", page,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    said = re.search(r"In EUR: [\d.]+\w* \(90%\s+interval [\d.]+–[\d.]+\w*\)", outcome.out)
    assert said is not None, outcome.out
    assert "In EUR: " in page.read_text(encoding="utf-8")
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert row["amount_unit"] == "EUR"
        assert 0.8 < float(row["estimate_amount"]) / float(row["estimate_usd"]) < 1.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "tier"), "name a list under --products"),
        (("--value", "gold"), "--value"),
        (("--value", "kg", "--deflator", "index.csv", "--prices-of", "2021"), "index.csv"),
        (("--unit", "u"), "add --value units"),
    ],
)
@pytest.mark.parametrize("command", ["detours", "screen"])
def test_units_and_tiers_that_make_no_question_are_refused(
    entrepot, tmp_path: Path, command: str, arguments, message: str
) -> None:
    outcome = entrepot(
        command, "--lake", tmp_path / "none", "--event", "2022-03", "--out", tmp_path / "x.csv", *arguments
    )
    assert outcome.status != 0
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.iterdir())


def test_the_curve_in_kilograms_and_in_euro_stands_beside_the_dollars(entrepot, lake, tmp_path: Path) -> None:
    folder, destination = lake
    rows = {}
    for value in ("eur", "kg"):
        out = tmp_path / f"{value}.csv"
        words = ("robustness", "--lake", folder, "--event", "2021-11", "--destination", destination)
        done = entrepot(*words, "--value", value, "--out", out)
        assert done.status == 0, done.err
        with out.open(encoding="utf-8", newline="") as file:
            rows[value] = list(csv.DictReader(file))
    euro, weights = rows["eur"], rows["kg"]
    known = [row for row in euro if float(row["estimate_usd"]) > 0]
    assert len(known) > 10
    for row in known:
        assert row["amount_unit"] == "EUR"
        assert 0.8 < float(row["estimate_amount"]) / float(row["estimate_usd"]) < 1.1  # rates of 2022
    ratios = {
        round(float(row["estimate_amount"]) / float(row["estimate_usd"]), 6)
        for row in weights
        if row["estimate_amount"] and float(row["estimate_usd"]) > 0
    }
    assert len(ratios) > 3  # what is left out weighs otherwise than the whole
    out = tmp_path / "detours.csv"
    words = ("detours", "--lake", folder, *QUESTION, "--destination", destination, "--by", "destination")
    assert entrepot(*words, "--value", "eur", "--out", out).status == 0
    with out.open(encoding="utf-8", newline="") as file:
        total = [row for row in csv.DictReader(file) if row["kind"] != "relay"]
    headline = sum(float(row["estimate_amount"]) for row in total if row["estimate_amount"])
    # By the months of the excess there, by the window here.
    assert float(euro[0]["estimate_amount"]) == pytest.approx(headline, rel=0.03)
