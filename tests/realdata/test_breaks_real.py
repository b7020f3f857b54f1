"""Real breaks: the European Union's exports in March 2022, Norway's salmon at Russia's food embargo."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot.detect.breaks.options import BreakOptions
from entrepot.pipeline.breaks import find_breaks

if TYPE_CHECKING:
    from entrepot.store import Lake

pytestmark = pytest.mark.realdata

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def salmon(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    spec = importlib.util.spec_from_file_location("mirrors", ROOT / "docs" / "mirrors.py")
    mirrors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mirrors)
    return mirrors.make_lake(mirrors.SALMON, realdata, tmp_path_factory.mktemp("salmon"))


def test_exports_to_russia_break_in_march_2022(eu_lake: Lake) -> None:
    found = find_breaks(eu_lake, BreakOptions(by=("importer",)))
    first = found.table.to_pylist()[0]
    assert (first["importer"], first["break_period"]) == ("RUS", "2022-03")
    assert (first["earliest_period"], first["latest_period"]) == ("2022-03", "2022-03")
    assert first["change_low"] < 0.27 < first["change_high"] < 0.4
    risen = {row["importer"] for row in found.table.to_pylist() if row["change_ratio"] > 1.5}
    assert {"KAZ", "KGZ", "ARM"} <= risen
    assert found.noise.false_positive_rate < 0.04


def test_salmon_to_russia_breaks_at_the_embargo(salmon: Lake) -> None:
    """Norway stops in August 2014, the Faroe Islands, not embargoed, step in."""
    found = find_breaks(salmon, BreakOptions(periods="2012-01:2018-12", importers=("RUS",)))
    rows = {(row["exporter"], row["break_period"]): row for row in found.table.to_pylist()}
    norway = rows["NOR", "2014-08"]
    assert norway["change_ratio"] < 0.1
    assert "Russian food embargo (2014-08-07)" in norway["events"]
    assert any(place == "FRO" and row["change_ratio"] > 5 for (place, _), row in rows.items())
    embargo = next(
        row
        for row in found.events.to_pylist()
        if row["event"] == "Russian food embargo" and row["relation"] == "direct"
    )
    assert embargo["breaks"] >= 3
    assert embargo["p_value"] < 0.01
