"""Sources by name: publishers, mappings of one's own, mappings that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from entrepot.errors import MappingError, OptionError
from entrepot.sources.registry import open_source, sources_that_read

SAMPLES = Path(str(files("entrepot.sources")))


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


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("comtrade", "web.csv"), ("comtrade", "api.json"), ("comext", "full_202403.dat"),
        ("comext", "sdmx.csv"), ("baci", "BACI_HS17_Y2022_V202501.csv"), ("gacc", "chinese.csv"),
        ("us_census", "imports.json"), ("russia_fts", "DATTSVT.csv"),
    ],
)  # fmt: skip
def test_a_publishers_file_is_known_by_its_head(source: str, name: str) -> None:
    assert sources_that_read(SAMPLES / source / "samples" / name) == (source,)


def test_a_file_of_nobody_is_known_to_nobody(tmp_path: Path) -> None:
    for name, text in (("odd.csv", "a,b\n1,2\n"), ("page.csv", "<html></html>"), ("empty.csv", "")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert sources_that_read(tmp_path / name) == ()
