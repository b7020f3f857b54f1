"""``entrepot world`` writes a world and says what it wrote."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from entrepot.app.cli import app
from entrepot.errors import OptionError

SIZE = ["--areas", "26", "--products", "8", "--months", "30"]


def test_writes_reports_and_truth(tmp_path) -> None:
    outcome = CliRunner().invoke(app, ["world", "--out", str(tmp_path), "--seed", "4", *SIZE])
    assert outcome.exit_code == 0, outcome.output
    assert {file.name for file in (tmp_path / "reports").iterdir()} == {
        f"TradeData_{year}.csv" for year in (2020, 2021, 2022)
    }
    detours = pd.read_csv(tmp_path / "truth" / "truth_detours.csv")
    assert len(detours) > 0
    assert "event in 2021-11" in " ".join(outcome.stderr.split())
    assert outcome.stdout == ""


def test_setting_and_quiet_reach_the_world(tmp_path) -> None:
    arguments = ["world", "--out", str(tmp_path), "--setting", "rough", "--quiet", *SIZE]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    options = pd.read_csv(tmp_path / "truth" / "options.csv").set_index("option")["value"]
    assert (options["setting"], options["quiet"], options["products"]) == ("rough", "True", "8")
    assert len(pd.read_csv(tmp_path / "truth" / "truth_detours.csv")) == 0


@pytest.mark.parametrize(("more", "event"), [([], "2021-03"), (["--event-month", "10"], "2020-11")])
def test_a_shorter_world_has_its_event_earlier(tmp_path, more, event) -> None:
    arguments = ["world", "--out", str(tmp_path), "--areas", "26", "--products", "4", "--months", "24", *more]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert f"event in {event}" in " ".join(outcome.stderr.split())


def test_an_impossible_world_is_refused(tmp_path) -> None:
    outcome = CliRunner().invoke(app, ["world", "--out", str(tmp_path / "x"), "--areas", "10"])
    assert outcome.exit_code == 1
    assert isinstance(outcome.exception, OptionError)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("arguments", [["world"], ["world", "--out", "x", "--seed", "many"]])
def test_wrong_usage_is_refused(arguments) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_world_can_be_hard_in_several_ways(tmp_path) -> None:
    arguments = ["world", "--out", str(tmp_path), "--hard", "confidential", "--hard", "chain", *SIZE]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    options = pd.read_csv(tmp_path / "truth" / "options.csv").set_index("option")["value"]
    assert (options["confidential_share"], options["hub_chains"]) == ("0.1", "1")
    assert pd.read_csv(tmp_path / "truth" / "truth_detours.csv")["second_hub"].notna().any()


def test_an_unknown_hardship_is_refused(tmp_path) -> None:
    outcome = CliRunner().invoke(app, ["world", "--out", str(tmp_path / "x"), "--hard", "rainy"])
    assert isinstance(outcome.exception, OptionError)
    assert "late-hub" in outcome.exception.hint
