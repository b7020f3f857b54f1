"""``entrepot circulation`` on a small made-up world: files to tables, and each refusal."""

from __future__ import annotations

import json

import pytest

from entrepot.detect.circulation.circulation import CirculationResult
from entrepot.model.world import WorldOptions, build_world, write_comtrade
from entrepot.pipeline import ingest
from entrepot.report.circulation_chart import circulation_chart
from entrepot.schema import CIRCULATION, CYCLE
from entrepot.sources.registry import open_source


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("circulation")
    world = build_world(WorldOptions(areas=25, products=6, months=16, event_month=12, seed=3))
    report = ingest(open_source("comtrade"), write_comtrade(world, folder / "reports"), lake=folder / "lake")
    assert report.failed == ()
    return folder / "lake"


def test_the_chart_shows_products_and_cycles(lake, entrepot, tmp_path) -> None:
    chart, cycles = tmp_path / "circulation.svg", tmp_path / "cycles.json"
    outcome = entrepot(
        "circulation",
        "--lake",
        str(lake),
        "--since",
        "2021-03",
        "--cycles",
        str(cycles),
        "--chart",
        str(chart),
    )
    assert outcome.status == 0, outcome.err
    drawn = chart.read_text(encoding="utf-8")
    assert "no volume of round trips" in drawn
    first = json.loads(cycles.read_text(encoding="utf-8"))["rows"][0]
    assert f"{first['cycle']} {first['hs_code']} {first['period']}" in drawn


def test_nothing_judged_is_no_chart() -> None:
    empty = CIRCULATION.arrow_schema().empty_table()
    assert circulation_chart(CirculationResult(empty, CYCLE.arrow_schema().empty_table(), ("2020",))) is None


def test_both_tables_are_written_with_their_record(lake, entrepot, tmp_path) -> None:
    out, cycles = tmp_path / "circulation.json", tmp_path / "cycles.json"
    outcome = entrepot(
        "circulation", "--lake", str(lake), "--since", "2021-03", "--out", str(out), "--cycles", str(cycles)
    )
    assert outcome.status == 0, outcome.err
    assert "no volume of round trips" in outcome.out
    written = json.loads(out.read_text(encoding="utf-8"))
    assert {row["period"] for row in written["rows"]} == {"2021-03", "2021-04"}
    assert set(written["rows"][0]) == set(CIRCULATION.columns)
    assert written["about"]["earlier periods"] == "2020-01 to 2021-02 (14)"
    named = json.loads(cycles.read_text(encoding="utf-8"))["rows"]
    assert set(named[0]) == set(CYCLE.columns)
    areas = named[0]["cycle"].split(" → ")
    assert areas[0] == areas[-1] == min(areas)


def test_networks_of_kilograms_are_others_than_those_of_dollars(lake, entrepot, tmp_path) -> None:
    found = {}
    for value in ("usd", "kg"):
        out, cycles = tmp_path / f"{value}.json", tmp_path / f"{value}_cycles.json"
        words = ("circulation", "--lake", str(lake), "--since", "2021-03", "--value", value)
        done = entrepot(*words, "--out", str(out), "--cycles", str(cycles))
        assert done.status == 0, done.err
        found[value] = [json.loads(path.read_text(encoding="utf-8")) for path in (out, cycles)]
    dollars, weights = found["usd"][0]["rows"], found["kg"][0]["rows"]
    assert {row["amount_unit"] for row in weights} == {"kg"}
    assert found["kg"][0]["about"]["measured in"] == "kg"
    assert not [name for row in weights for name in row if name.endswith("_usd")]
    shares = [
        {(row["hs_code"], row["period"]): row["circulation_share"] for row in rows}
        for rows in (dollars, weights)
    ]
    assert shares[0].keys() == shares[1].keys()
    assert shares[0] != shares[1]
    assert "cycle_amount" in found["kg"][1]["rows"][0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--since", "soon"), "no period"),
        (("--since", "2020-02"), "1 periods of data are before 2020-02"),
        (("--since", "2021-03", "--placebos", "0"), "placebos is 0"),
        (("--since", "2021-03", "--cycles", "cycles.doc"), "names no format"),
    ],
)
def test_what_cannot_be_asked_is_refused(lake, entrepot, tmp_path, arguments, says) -> None:
    out = tmp_path / "none.csv"
    outcome = entrepot("circulation", "--lake", str(lake), "--out", str(out), *arguments)
    assert outcome.status == 1
    assert says in outcome.err
    assert "hint:" in outcome.err
    assert not out.exists()
