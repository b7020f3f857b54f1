"""Sources by name: publishers, mappings of one's own, mappings that ship with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrepot.errors import MappingError, OptionError
from entrepot.sources.registry import open_source

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mapping_that_ships_is_found_by_name() -> None:
    assert open_source("csv:eu_panel").id == "csv:eu_panel"
    assert open_source("wits").id == "csv:wits"


def test_the_users_file_is_read_by_path(tmp_path: Path) -> None:
    mapping = tmp_path / "mine.toml"
    mapping.write_text("id = 1\n", encoding="utf-8")
    with pytest.raises(MappingError, match="id"):
        open_source(f"csv:{mapping}")


def test_an_unknown_mapping_names_those_that_ship() -> None:
    with pytest.raises(OptionError, match="eu_panel"):
        open_source("csv:eu_pannel")


@pytest.mark.parametrize("name", ["comtrade", "russia_fts", "us_census"])
def test_publishers_by_name(name: str) -> None:
    assert open_source(name).id == name


def test_an_unknown_source_names_the_known() -> None:
    with pytest.raises(OptionError) as caught:
        open_source("comtrad")
    assert all(
        name in caught.value.hint for name in ("gacc", "us_census", "russia_fts", "wits", "csv:MAPPING")
    )
    with pytest.raises(OptionError, match="comtrade"):
        open_source("comtrad")


def test_a_name_that_is_nearly_right_is_told() -> None:
    with pytest.raises(OptionError) as caught:
        open_source("Russia_FTS")
    assert caught.value.hint.startswith("did you mean russia_fts? sources are comtrade, comext")
