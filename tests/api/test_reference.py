"""The reference names everything that is public: names, commands, options, columns, errors."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import pytest

import entrepot
from entrepot import errors, schema

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="session")
def generate(root: Path) -> ModuleType:
    """Return the module that makes the reference pages."""
    spec = importlib.util.spec_from_file_location("generate", root / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _option_of_command(page: str, command: str, option: str) -> bool:
    section = page.partition(f"## `{command}`\n")[2].partition("\n## ")[0]
    return f"`{option}`" in section


def test_every_command_and_option_is_on_the_page(generate: ModuleType) -> None:
    page = generate.command_line()
    commands = generate.commands()
    assert {"entrepot ingest", "entrepot flows", "entrepot detours", "entrepot demo"} <= set(commands)
    missing = [
        f"{name} {option}"
        for name, command in commands.items()
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in parameter.opts
        if not _option_of_command(page, name, option)
    ]
    assert missing == []


def test_every_command_and_option_says_what_it_does(generate: ModuleType) -> None:
    silent = [name for name, command in generate.commands().items() if not (command.help or "").strip()]
    silent += [
        f"{name} {parameter.name}"
        for name, command in generate.commands().items()
        for parameter in command.params
        if not (getattr(parameter, "help", None) or "").strip()
    ]
    assert silent == []


def test_options_promised_to_users_exist(generate: ModuleType) -> None:
    """The fixed interface: scripts outside the project rely on it."""
    promised = {
        "entrepot ingest": {"--lake"},
        "entrepot detours": {
            "--lake", "--event", "--before", "--after", "--origin", "--hub", "--destination", "--products",
            "--by", "--out",
        },
        "entrepot gaps": {
            "--lake", "--event", "--before", "--after", "--exporter", "--importer", "--products", "--by",
            "--freq", "--hs-revision", "--source", "--decompose", "--out",
        },
        "entrepot flows": {
            "--lake", "--reported", "--reconciled", "--freq", "--periods", "--exporter", "--importer",
            "--products", "--out",
        },
    }  # fmt: skip
    for name, options in promised.items():
        command = generate.commands()[name]
        there = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert options <= there, name


def test_every_public_name_is_on_the_page(generate: ModuleType) -> None:
    page = generate.python_api()
    for name in set(entrepot.__all__) - {"__version__"}:
        assert f"## `entrepot.{name}`" in page
        assert f"::: {entrepot._HOME[name]}.{name}\n" in page


def test_every_public_name_has_a_docstring() -> None:
    silent = [
        name
        for name in entrepot.__all__
        if name != "__version__" and not (getattr(entrepot, name).__doc__ or "").strip()
    ]
    assert silent == []


def test_every_table_and_column_is_in_the_dictionary(generate: ModuleType) -> None:
    page = generate.PAGES["reference/data-dictionary.md"]()
    for table in schema.TABLES:
        section = page.partition(f"## `{table.name}`\n")[2].partition("\n## ")[0]
        assert table.grain in section
        for column in table.column_contracts():
            assert f"| `{column.name}` | {column.kind} | {column.unit} | {column.description}" in section


def test_no_generated_page_is_also_written_by_hand(generate: ModuleType, root: Path) -> None:
    assert [path for path in generate.PAGES if (root / "docs" / path).exists()] == []


def test_every_error_is_on_the_page(root: Path) -> None:
    assert "::: entrepot.errors\n" in (root / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\w+Error\b", errors.__doc__)) == set(errors.__all__)
