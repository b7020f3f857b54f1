"""The command line: each command a thin call of a public function."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated

import typer

from entrepot.app.messages import show_error
from entrepot.errors import EntrepotError

__all__ = ["app", "main"]

app = typer.Typer(
    name="entrepot",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Raw customs files in; detours out, each with an amount, an interval and the evidence behind it.",
)


def _version_asked(value: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if value:
        typer.echo(f"entrepot {metadata.version('entrepot')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="say the version and exit", is_eager=True, callback=_version_asked),
    ] = False,
) -> None:
    """Raw customs files in; detours out, each with an amount, an interval and the evidence behind it."""


def main() -> None:
    """Run the command line; an expected error is three lines on standard error and status 1."""
    try:
        app()
    except EntrepotError as error:
        show_error(error)
        sys.exit(1)


# The commands register themselves on the app above.
from entrepot.app import (  # noqa: E402, F401
    breaks_command,
    calendar_command,
    case_commands,
    check_command,
    circulation_command,
    copy_command,
    demo_command,
    detours_command,
    diff_command,
    explain_command,
    fetch_command,
    flows_command,
    gaps_command,
    ingest_command,
    lookup_commands,
    loops_command,
    measure_command,
    prices_command,
    quality_command,
    robustness_command,
    table_command,
    watch_command,
    world_command,
)
