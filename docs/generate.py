"""The reference pages that are made from the code, so that they cannot disagree with it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import typer.main

import entrepot
from entrepot.app.cli import app
from entrepot.report.kinds import MEANINGS
from entrepot.schema import data_dictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer._click import Command, Parameter

__all__ = ["PAGES", "command_line", "commands", "dictionary", "python_api"]


def commands() -> dict[str, Command]:
    """Return every command of the command line by its full name, groups walked."""

    def walk(command: Command, path: str) -> Iterator[tuple[str, Command]]:
        children = getattr(command, "commands", {})
        if not children:
            yield path, command
        for name, child in sorted(children.items()):
            if not child.hidden:
                yield from walk(child, f"{path} {name}")

    return dict(walk(typer.main.get_command(app), "entrepot"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    value = parameter.default() if callable(parameter.default) else parameter.default
    if value is None or value in ((), [], ""):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _parameters(command: Command) -> Iterator[str]:
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        is_option = parameter.param_type_name == "option"
        spellings = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.name.upper()]
        name = ", ".join(f"`{spelling}`" for spelling in spellings)
        yield f"| {name} | {_cell(getattr(parameter, 'help', None) or '')} | {_default(parameter)} |"


def command_line() -> str:
    """Return the page of the command line: a section a command, a row a parameter."""
    lines = [
        "# Command line",
        "",
        "Made from the commands themselves. `entrepot COMMAND --help` prints the same.",
        "",
        "Exit status 0 says that everything asked for was done. Any other says that something was not:",
        "the reason, the place and the next step stand on standard error.",
        "",
    ]
    for path, command in commands().items():
        lines += [f"## `{path}`", "", inspect.cleandoc(command.help or ""), ""]
        rows = list(_parameters(command))
        if rows:
            lines += ["| parameter | meaning | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def python_api() -> str:
    """Return the page of the Python interface: everything that ``import entrepot`` offers."""
    lines = [
        "# Python interface",
        "",
        "What `import entrepot` offers. A name is loaded when it is first used: the import itself is light.",
        "Where a function takes a frame it takes any that Narwhals accepts: pandas, Polars, DuckDB, Arrow.",
        "",
    ]
    options = ("    options:", "      heading_level: 3")
    homes = entrepot._HOME  # noqa: SLF001  # the one table of public names
    for name, home in sorted(homes.items(), key=lambda item: item[0].lower()):
        lines += [f"## `entrepot.{name}`", "", f"::: {home}.{name}", *options, ""]
    return "\n".join(lines)


def dictionary() -> str:
    """Return the data dictionary, and what the kinds of a detour mean."""
    lines = [
        data_dictionary(),
        "## Kinds of detours",
        "",
        "What `kind` says; empty in a sum over several. [Formulas](../explanation/unseen-and-relay.md).",
        "",
        *[f"- `{kind.value}`: {text}" for kind, text in MEANINGS.items()],
        "",
    ]
    return "\n".join(lines)


PAGES: dict[str, Callable[[], str]] = {
    "reference/command-line.md": command_line,
    "reference/data-dictionary.md": dictionary,
    "reference/python.md": python_api,
}
