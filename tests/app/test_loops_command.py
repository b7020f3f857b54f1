"""``entrepot loops`` on a small made-up world: files to findings, each option, each refusal."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from entrepot.model.world import WorldOptions, build_world, loop_truth, score_loops, write_comtrade
from entrepot.pipeline import ingest
from entrepot.schema import LOOP
from entrepot.sources.registry import open_source

FEW = ("--since", "2021-11", "--spikes", "6")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """Return a world and its lake."""
    folder = tmp_path_factory.mktemp("loops")
    world = build_world(WorldOptions(areas=25, products=12, months=30, seed=3))
    files = write_comtrade(world, folder / "reports")
    report = ingest(open_source("comtrade"), files, lake=folder / "lake")
    assert report.failed == ()
    return world, folder / "lake"


def read(path: Path) -> pa.Table:
    options = arrow_csv.ConvertOptions(
        column_types={field.name: field.type for field in LOOP.arrow_schema()}, strings_can_be_null=True
    )
    return arrow_csv.read_csv(path, convert_options=options)


def test_round_trips_are_found_and_written(made, entrepot, tmp_path) -> None:
    world, lake = made
    chart, totals = tmp_path / "lag.svg", tmp_path / "net.json"
    outcome = entrepot(
        "loops", "--lake", str(lake), *FEW, "--out", str(tmp_path / "loops.csv"), "--chart", str(chart),
        "--totals", str(totals),
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert "Flows consistent with round trips worth USD" in outcome.out
    assert "Since 2021-11 to 2022-06 (as asked)" in outcome.out
    found = read(tmp_path / "loops.csv")
    assert tuple(found.column_names) == LOOP.columns
    score = score_loops(found, loop_truth(world))
    assert score.found_rows >= 3, score  # a short and narrow world; tests/world has the recovery
    assert score.amount_error <= 0.15, score
    assert score.is_first_true
    rows = [row for row in found.to_pylist() if row["estimate_usd"]]
    assert all("re-exports recorded" in row["evidence"] for row in rows[:3])
    assert any(row["re_imported_usd"] for row in rows)
    assert all(row["own_origin_usd"] is None for row in rows)  # these files name no consignment
    drawn = chart.read_text(encoding="utf-8")
    assert "lag" in drawn
    assert "USD beyond expectation" in drawn

    check_net_trade(rows, json.loads(totals.read_text(encoding="utf-8"))["rows"])


def test_months_add_up_to_the_window_in_dollars_and_in_kilograms(made, entrepot, tmp_path) -> None:
    _, lake = made
    out, months = tmp_path / "loops.json", tmp_path / "months.json"
    words = ("loops", "--lake", str(lake), *FEW, "--out", str(out), "--months", str(months), "--value", "kg")
    done = entrepot(*words)
    assert done.status == 0, done.err
    rows, by_month = (json.loads(path.read_text(encoding="utf-8"))["rows"] for path in (out, months))
    found = [row for row in rows if row["estimate_usd"]]
    assert len(found) >= 3
    keys = ("maker", "via", "second_via", "hs_code")
    for row in found:
        own = [one for one in by_month if all(one[key] == row[key] for key in keys)]
        assert sum(one["month_share"] for one in own) == pytest.approx(1.0)
        for name in ("estimate_usd", "low_usd", "high_usd", "estimate_kg", "estimate_amount"):
            assert sum(one[name] for one in own) == pytest.approx(row[name])
        assert min(one["period"] for one in own) >= "2021-11"
        assert len({one["period"] for one in own}) == len(own) > 1
        assert {one["amount_unit"] for one in own} == {"kg"}
    known = {tuple(row[key] for key in keys) for row in found}
    assert {tuple(one[key] for key in keys) for one in by_month} == known


def check_net_trade(found: list[dict], net: list[dict]) -> None:
    """Both directions of every pair; what is taken out is what was found, and growth falls by it."""
    pairs = {(row["maker"], row["via"]) for row in found}
    ends = {(row["exporter"], row["importer"]) for row in net}
    assert ends == pairs | {(via, maker) for maker, via in pairs}
    for row in net:
        assert row["net_usd"] == pytest.approx(row["since_usd"] - row["round_trip_usd"])
        if row["quiet_usd"]:
            assert row["net_growth"] <= row["growth"]
        else:
            assert row["net_growth"] is None
        is_out = (row["exporter"], row["importer"]) in pairs
        assert (row["returned_share"] is None) == is_out
        if is_out and row["category"] == "all":
            mine = [r["estimate_usd"] for r in found if (r["maker"], r["via"]) == tuple(ends_of(row))]
            assert row["round_trip_usd"] == pytest.approx(sum(mine))
            back = next(r for r in net if ends_of(r) == ends_of(row)[::-1] and r["category"] == "all")
            assert back["round_trip_usd"] > row["round_trip_usd"]  # bought back dearer
            assert back["returned_share"] == pytest.approx(back["round_trip_usd"] / back["since_usd"])


def ends_of(row: dict) -> list[str]:
    return [row["exporter"], row["importer"]]


def test_a_pair_as_json_with_the_record_of_the_search(made, entrepot, tmp_path) -> None:
    world, lake = made
    first = loop_truth(world).sort_by([("usd", "descending")]).slice(0, 1).to_pylist()[0]
    out = tmp_path / "pair.json"
    outcome = entrepot(
        "loops",
        "--lake",
        str(lake),
        *FEW,
        "--maker",
        first["maker"],
        "--via",
        first["via"],
        "--out",
        str(out),
    )
    assert outcome.status == 0, outcome.err
    written = json.loads(out.read_text(encoding="utf-8"))
    assert {(row["maker"], row["via"]) for row in written["rows"]} == {(first["maker"], first["via"])}
    assert written["about"]["makers"] == first["maker"]
    assert "accuse nobody" in written["about"]["limits"]
    assert float(written["about"]["low_usd"]) <= float(written["about"]["estimate_usd"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--since", "November"), "no period"),
        (("--since", "2020-02"), "2020-02"),
        (("--maker", "Atlantis"), "Atlantis"),
        (("--longest-lag", "40"), "longest lag"),
        (("--maker", "ATA"), "in the data"),
    ],
)
def test_what_cannot_be_asked_is_refused(made, entrepot, tmp_path, arguments, says) -> None:
    _, lake = made
    out = tmp_path / "none.csv"
    outcome = entrepot("loops", "--lake", str(lake), "--spikes", "0", "--out", str(out), *arguments)
    assert outcome.status == 1
    assert says in outcome.err
    assert "hint:" in outcome.err
    assert not out.exists()


def test_weights_that_the_publisher_estimated_do_not_count(made, entrepot, tmp_path) -> None:
    """Flag every weight of the exports in the files: value is conserved in all rows."""
    world, _ = made
    files = write_comtrade(world, tmp_path / "reports")
    for file in files:
        with Path(file).open(encoding="latin-1", newline="") as text:
            header, *rows = csv.reader(text)
        at = header.index("isNetWgtEstimated")
        assert {row[at] for row in rows} == {"false"}
        with Path(file).open("w", encoding="latin-1", newline="") as text:
            csv.writer(text).writerows([header, *[[*row[:at], "true", *row[at + 1 :]] for row in rows]])
    ingest(open_source("comtrade"), files, lake=tmp_path / "lake")
    out = tmp_path / "loops.csv"
    outcome = entrepot("loops", "--lake", str(tmp_path / "lake"), *FEW, "--out", str(out))
    assert outcome.status == 0, outcome.err
    rows = [row for row in read(out).to_pylist() if row["estimate_usd"]]
    assert {row["conserved"] for row in rows} == {"value"}
    assert all(row["markup"] is None for row in rows)
    assert "no measured weight" in outcome.out
